/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Wing (draft-connolly-cfrg-xwing-kem 5), HPKE's MLKEM768-X25519: ML-KEM-768 and X25519 side by side, their shared
 * secrets hashed into one, which is unknown as long as one of them is.
 *
 *	seed --SHAKE256--> d, z | x		public key = ek(d, z) || X25519(x, 9)
 *	m | e					enc = ciphertext of m || X25519(e, 9)
 *	shared = SHA3-256(ML-KEM's || X25519's || X25519 part of enc || X25519 part of the public key || label)
 *
 * An X25519 result of zeros is hashed like any other: ML-KEM's secret is in the hash, and X25519's public keys are.
 */
#include <string.h>

#include "crypto/dh.h"
#include "crypto/keccak.h"
#include "crypto/kem_scheme.h"
#include "crypto/mlkem.h"

#define MLKEM_EK_LEN	     1184
#define MLKEM_CIPHERTEXT_LEN 1088

static const uint8_t label[6] = {0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c}; /* \.//^\ */

/* A private key, expanded. */
struct expanded {
	uint8_t d[MLKEM_RANDOM_LEN];
	uint8_t z[MLKEM_RANDOM_LEN];
	uint8_t x[DH_X25519_LEN];
};

_Static_assert(sizeof(struct expanded) == 96, "no padding");

static enum sotto_err expand(const struct kem *kem, struct bytes private_key, struct expanded *key)
{
	if (private_key.len != kem->private_len)
		return SOTTO_ERR_INVALID;
	shake256(&private_key, 1, key->d, sizeof(*key));
	return SOTTO_OK;
}

static enum sotto_err public_of(const struct kem *kem, struct bytes private_key,
				uint8_t *public_key)
{
	struct expanded key;
	enum sotto_err err;

	TRY(expand(kem, private_key, &key));
	TRY(dh_public(DH_X25519, BYTES_OF(key.x), public_key + MLKEM_EK_LEN));
	mlkem_ek_seed(MLKEM_768, key.d, public_key);
out:
	bytes_wipe(&key, sizeof(key));
	return err;
}

static enum sotto_err check_public(const struct kem *kem, struct bytes public_key)
{
	if (public_key.len != kem->public_len)
		return SOTTO_ERR_INVALID;
	return mlkem_check_ek(MLKEM_768, BYTES(public_key.data, MLKEM_EK_LEN));
}

static void combine(const uint8_t mlkem_shared[MLKEM_SHARED_LEN],
		    const uint8_t product[DH_X25519_LEN], const uint8_t *ephemeral,
		    const uint8_t *public_key, struct secret *shared)
{
	struct bytes parts[] = {BYTES(mlkem_shared, MLKEM_SHARED_LEN),
				BYTES(product, DH_X25519_LEN), BYTES(ephemeral, DH_X25519_LEN),
				BYTES(public_key, DH_X25519_LEN), BYTES_OF(label)};
	uint8_t digest[SHA3_256_LEN];

	sha3_256(parts, sizeof(parts) / sizeof(parts[0]), digest);
	secret_set(shared, digest, sizeof(digest));
	bytes_wipe(digest, sizeof(digest));
}

static enum sotto_err encap(const struct kem *kem, const struct random_source *random,
			    struct bytes public_key, uint8_t *enc, struct secret *shared)
{
	struct {
		uint8_t m[MLKEM_RANDOM_LEN];
		uint8_t e[DH_X25519_LEN];
	} drawn;
	uint8_t mlkem_shared[MLKEM_SHARED_LEN], product[DH_X25519_LEN];
	enum sotto_err err;

	if (public_key.len != kem->public_len)
		return SOTTO_ERR_INVALID;
	TRY(random_fill(random, drawn.m, sizeof(drawn)));
	TRY(mlkem_encaps(MLKEM_768, BYTES(public_key.data, MLKEM_EK_LEN), drawn.m, enc,
			 mlkem_shared));
	TRY(dh_public(DH_X25519, BYTES_OF(drawn.e), enc + MLKEM_CIPHERTEXT_LEN));
	dh_x25519(drawn.e, public_key.data + MLKEM_EK_LEN, product);
	combine(mlkem_shared, product, enc + MLKEM_CIPHERTEXT_LEN, public_key.data + MLKEM_EK_LEN,
		shared);
out:
	bytes_wipe(&drawn, sizeof(drawn));
	bytes_wipe(mlkem_shared, sizeof(mlkem_shared));
	bytes_wipe(product, sizeof(product));
	return err;
}

static enum sotto_err decap(const struct kem *kem, struct bytes private_key, struct bytes enc,
			    struct secret *shared)
{
	uint8_t mlkem_shared[MLKEM_SHARED_LEN], product[DH_X25519_LEN];
	uint8_t public_key[DH_X25519_LEN];
	struct expanded key;
	enum sotto_err err;

	if (enc.len != kem->enc_len)
		return SOTTO_ERR_INVALID;
	TRY(expand(kem, private_key, &key));
	TRY(dh_public(DH_X25519, BYTES_OF(key.x), public_key));
	mlkem_decaps_seed(MLKEM_768, key.d, key.z, enc.data, mlkem_shared);
	dh_x25519(key.x, enc.data + MLKEM_CIPHERTEXT_LEN, product);
	combine(mlkem_shared, product, enc.data + MLKEM_CIPHERTEXT_LEN, public_key, shared);
out:
	bytes_wipe(&key, sizeof(key));
	bytes_wipe(mlkem_shared, sizeof(mlkem_shared));
	bytes_wipe(product, sizeof(product));
	return err;
}

const struct kem_ops kem_xwing = {
	.derive = kem_seed_derive,
	.generate = kem_seed_generate,
	.public_of = public_of,
	.check_public = check_public,
	.encap = encap,
	.decap = decap,
};
