/* SPDX-License-Identifier: Apache-2.0 */
/* One door to the five signature schemes: their lengths, key generation, and which file does the
 * rest. */
#include "crypto/sign.h"

#include "base/assert.h"
#include "crypto/ecdsa.h"
#include "crypto/eddsa.h"

/* A broken random source must not hang us. */
#define GENERATE_TRIES_MAX 16

struct scheme {
	enum sign_alg alg;
	enum hash_alg hash;		/* ECDSA only */
	const struct nist_curve *curve; /* NULL: an Edwards curve */
	uint8_t private_len;
	uint8_t public_len;
};

static const struct scheme schemes[] = {
	{SIGN_ECDSA_P256_SHA256, HASH_SHA256, &nist_p256, 32, 65},
	{SIGN_ECDSA_P384_SHA384, HASH_SHA384, &nist_p384, 48, 97},
	{SIGN_ECDSA_P521_SHA512, HASH_SHA512, &nist_p521, 66, 133},
	{SIGN_ED25519, HASH_SHA512, NULL, 32, 32},
	{SIGN_ED448, HASH_SHA512, NULL, 57, 57},
};

static const struct scheme *scheme_of(enum sign_alg alg)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (schemes[i].alg == alg)
			return &schemes[i];
	assert_failed("known signature scheme", __FILE__, __LINE__);
}

size_t sign_private_len(enum sign_alg alg)
{
	return scheme_of(alg)->private_len;
}

size_t sign_public_len(enum sign_alg alg)
{
	return scheme_of(alg)->public_len;
}

enum sotto_err sign_generate(enum sign_alg alg, const struct random_source *random,
			     struct secret *private_key, uint8_t *public_key)
{
	const struct scheme *scheme = scheme_of(alg);
	uint8_t drawn[SECRET_LEN_MAX];
	enum sotto_err err = SOTTO_ERR_INVALID;

	/* A seed is always valid; a scalar is not, once in 2^32 at most. */
	for (unsigned i = 0; i < GENERATE_TRIES_MAX && err == SOTTO_ERR_INVALID; i++) {
		TRY(random_fill(random, drawn, scheme->private_len));
		if (scheme->curve != NULL)
			drawn[0] &= scheme->curve->top_mask;
		err = sign_public(alg, BYTES(drawn, scheme->private_len), public_key);
	}
	FAIL_IF(err == SOTTO_ERR_INVALID, SOTTO_ERR_RANDOM);
	if (err == SOTTO_OK)
		secret_set(private_key, drawn, scheme->private_len);
out:
	bytes_wipe(drawn, sizeof(drawn));
	return err;
}

enum sotto_err sign_public(enum sign_alg alg, struct bytes private_key, uint8_t *public_key)
{
	const struct scheme *scheme = scheme_of(alg);

	if (scheme->curve != NULL)
		return nist_public(scheme->curve, private_key, public_key);
	if (alg == SIGN_ED448)
		return ed448_public(private_key, public_key);
	return ed25519_public(private_key, public_key);
}

enum sotto_err sign_expand(enum sign_alg alg, struct secret *private_key)
{
	return alg == SIGN_ED25519 ? ed25519_expand(private_key) : SOTTO_OK;
}

enum sotto_err sign_create(enum sign_alg alg, const struct random_source *random,
			   struct bytes private_key, struct bytes message, uint8_t *signature,
			   size_t *signature_len)
{
	const struct scheme *scheme = scheme_of(alg);
	enum sotto_err err;

	if (scheme->curve != NULL)
		return ecdsa_create(scheme->curve, scheme->hash, random, private_key, message,
				    signature, signature_len);
	if (alg == SIGN_ED448)
		err = ed448_create(private_key, message, signature);
	else
		err = ed25519_create(private_key, message, signature);
	if (err == SOTTO_OK)
		*signature_len = alg == SIGN_ED448 ? ED448_SIGNATURE_LEN : ED25519_SIGNATURE_LEN;
	return err;
}

enum sotto_err sign_verify(enum sign_alg alg, struct bytes public_key, struct bytes message,
			   struct bytes signature)
{
	const struct scheme *scheme = scheme_of(alg);

	if (scheme->curve != NULL)
		return ecdsa_check(scheme->curve, scheme->hash, public_key, message, signature);
	if (alg == SIGN_ED448)
		return ed448_verify(public_key, message, signature);
	return ed25519_verify(public_key, message, signature);
}

enum sotto_err sign_check_public(enum sign_alg alg, struct bytes public_key)
{
	const struct scheme *scheme = scheme_of(alg);

	if (scheme->curve != NULL)
		return nist_check_public(scheme->curve, public_key);
	if (alg == SIGN_ED448)
		return ed448_check_public(public_key);
	return ed25519_check_public(public_key);
}
