/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM as a KEM of HPKE (draft-ietf-hpke-pq): the private key is the seed d || z, expanded at each use. */
#include "base/assert.h"
#include "crypto/kem_scheme.h"
#include "crypto/mlkem.h"

_Static_assert(2 * MLKEM_RANDOM_LEN <= SECRET_LEN_MAX, "a seed fits into a secret");

static enum mlkem_set set_of(const struct kem *kem)
{
	if (kem->alg == KEM_MLKEM512)
		return MLKEM_512;
	if (kem->alg == KEM_MLKEM768)
		return MLKEM_768;
	ASSERT(kem->alg == KEM_MLKEM1024);
	return MLKEM_1024;
}

static enum sotto_err public_of(const struct kem *kem, struct bytes private_key,
				uint8_t *public_key)
{
	if (private_key.len != kem->private_len)
		return SOTTO_ERR_INVALID;
	mlkem_ek_seed(set_of(kem), private_key.data, public_key);
	return SOTTO_OK;
}

static enum sotto_err check_public(const struct kem *kem, struct bytes public_key)
{
	return mlkem_check_ek(set_of(kem), public_key);
}

static enum sotto_err encap(const struct kem *kem, const struct random_source *random,
			    struct bytes public_key, uint8_t *enc, struct secret *shared)
{
	uint8_t m[MLKEM_RANDOM_LEN];
	uint8_t key[MLKEM_SHARED_LEN];
	enum sotto_err err;

	TRY(random_fill(random, m, sizeof(m)));
	TRY(mlkem_encaps(set_of(kem), public_key, m, enc, key));
	secret_set(shared, key, sizeof(key));
out:
	bytes_wipe(m, sizeof(m));
	bytes_wipe(key, sizeof(key));
	return err;
}

static enum sotto_err decap(const struct kem *kem, struct bytes private_key, struct bytes enc,
			    struct secret *shared)
{
	uint8_t key[MLKEM_SHARED_LEN];

	if (private_key.len != kem->private_len || enc.len != kem->enc_len)
		return SOTTO_ERR_INVALID;
	mlkem_decaps_seed(set_of(kem), private_key.data, private_key.data + MLKEM_RANDOM_LEN,
			  enc.data, key);
	secret_set(shared, key, sizeof(key));
	bytes_wipe(key, sizeof(key));
	return SOTTO_OK;
}

const struct kem_ops kem_mlkem = {
	.derive = kem_seed_derive,
	.generate = kem_seed_generate,
	.public_of = public_of,
	.check_public = check_public,
	.encap = encap,
	.decap = decap,
};
