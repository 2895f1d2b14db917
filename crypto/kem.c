/* SPDX-License-Identifier: Apache-2.0 */
/* The KEMs by their registry numbers: one table of lengths and families, and the way into each. */
#include "crypto/kem.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/kem_scheme.h"
#include "crypto/labeled.h"

static const struct kem kems[] = {
	/* alg, family, Nsk, Npk, Nenc, Nsecret */
	{KEM_P256_SHA256, &kem_dh, 32, 65, 65, 32},
	{KEM_P384_SHA384, &kem_dh, 48, 97, 97, 48},
	{KEM_P521_SHA512, &kem_dh, 66, 133, 133, 64},
	{KEM_X25519_SHA256, &kem_dh, 32, 32, 32, 32},
	{KEM_X448_SHA512, &kem_dh, 56, 56, 56, 64},
	{KEM_MLKEM512, &kem_mlkem, 64, 800, 768, 32},
	{KEM_MLKEM768, &kem_mlkem, 64, 1184, 1088, 32},
	{KEM_MLKEM1024, &kem_mlkem, 64, 1568, 1568, 32},
	{KEM_XWING, &kem_xwing, 32, 1216, 1120, 32},
};

static const struct kem *kem_of(enum kem_alg alg)
{
	for (size_t i = 0; i < ARRAY_LEN(kems); i++)
		if (kems[i].alg == alg)
			return &kems[i];
	assert_failed("known KEM", __FILE__, __LINE__);
}

size_t kem_private_len(enum kem_alg alg)
{
	return kem_of(alg)->private_len;
}

size_t kem_public_len(enum kem_alg alg)
{
	return kem_of(alg)->public_len;
}

size_t kem_enc_len(enum kem_alg alg)
{
	return kem_of(alg)->enc_len;
}

size_t kem_secret_len(enum kem_alg alg)
{
	return kem_of(alg)->secret_len;
}

struct bytes kem_suite_id(const struct kem *kem, uint8_t out[KEM_SUITE_ID_LEN])
{
	memcpy(out, "KEM", 3);
	out[3] = (uint8_t)((unsigned)kem->alg >> 8);
	out[4] = (uint8_t)kem->alg;
	return BYTES(out, KEM_SUITE_ID_LEN);
}

enum sotto_err kem_seed_derive(const struct kem *kem, struct bytes ikm, struct secret *private_key,
			       uint8_t *public_key)
{
	uint8_t suite[KEM_SUITE_ID_LEN];
	uint8_t seed[SECRET_LEN_MAX];
	enum sotto_err err;

	labeled_derive(kem_suite_id(kem, suite), ikm, BYTES_TEXT("DeriveKeyPair"), seed,
		       kem->private_len);
	err = kem->ops->public_of(kem, BYTES(seed, kem->private_len), public_key);
	if (err == SOTTO_OK)
		secret_set(private_key, seed, kem->private_len);
	bytes_wipe(seed, sizeof(seed));
	return err;
}

enum sotto_err kem_seed_generate(const struct kem *kem, const struct random_source *random,
				 struct secret *private_key, uint8_t *public_key)
{
	uint8_t seed[SECRET_LEN_MAX];
	enum sotto_err err;

	TRY(random_fill(random, seed, kem->private_len));
	TRY(kem->ops->public_of(kem, BYTES(seed, kem->private_len), public_key));
	secret_set(private_key, seed, kem->private_len);
out:
	bytes_wipe(seed, sizeof(seed));
	return err;
}

enum sotto_err kem_derive(enum kem_alg alg, struct bytes ikm, struct secret *private_key,
			  uint8_t *public_key)
{
	const struct kem *kem = kem_of(alg);

	return kem->ops->derive(kem, ikm, private_key, public_key);
}

enum sotto_err kem_generate(enum kem_alg alg, const struct random_source *random,
			    struct secret *private_key, uint8_t *public_key)
{
	const struct kem *kem = kem_of(alg);

	return kem->ops->generate(kem, random, private_key, public_key);
}

enum sotto_err kem_public(enum kem_alg alg, struct bytes private_key, uint8_t *public_key)
{
	const struct kem *kem = kem_of(alg);

	return kem->ops->public_of(kem, private_key, public_key);
}

enum sotto_err kem_check_public(enum kem_alg alg, struct bytes public_key)
{
	const struct kem *kem = kem_of(alg);

	return kem->ops->check_public(kem, public_key);
}

enum sotto_err kem_encap(enum kem_alg alg, const struct random_source *random,
			 struct bytes public_key, uint8_t *enc, struct secret *shared)
{
	const struct kem *kem = kem_of(alg);

	return kem->ops->encap(kem, random, public_key, enc, shared);
}

enum sotto_err kem_decap(enum kem_alg alg, struct bytes private_key, struct bytes enc,
			 struct secret *shared)
{
	const struct kem *kem = kem_of(alg);

	return kem->ops->decap(kem, private_key, enc, shared);
}
