/* SPDX-License-Identifier: Apache-2.0 */
/* One door to the five signature schemes: their lengths, key generation, and which file does the
 * rest. */
#include "crypto/sign.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/eddsa.h"

struct sign_lengths {
	uint8_t private_key;
	uint8_t public_key;
};

static struct sign_lengths sign_lengths(enum sign_alg alg)
{
	struct sign_lengths lengths = {0, 0};

	switch (alg) {
	case SIGN_ECDSA_P256_SHA256:
		lengths = (struct sign_lengths){32, 65};
		break;
	case SIGN_ECDSA_P384_SHA384:
		lengths = (struct sign_lengths){48, 97};
		break;
	case SIGN_ECDSA_P521_SHA512:
		lengths = (struct sign_lengths){66, 133};
		break;
	case SIGN_ED25519:
		lengths = (struct sign_lengths){32, 32};
		break;
	case SIGN_ED448:
		lengths = (struct sign_lengths){57, 57};
		break;
	}
	ASSERT(lengths.private_key != 0);
	return lengths;
}

size_t sign_private_len(enum sign_alg alg)
{
	return sign_lengths(alg).private_key;
}

size_t sign_public_len(enum sign_alg alg)
{
	return sign_lengths(alg).public_key;
}

enum sotto_err sign_generate(enum sign_alg alg, const struct random_source *random,
			     struct secret *private_key, uint8_t *public_key)
{
	uint8_t seed[SECRET_LEN_MAX];
	size_t len = sign_private_len(alg);
	enum sotto_err err;

	TRY(random_fill(random, seed, len));
	TRY(sign_public(alg, BYTES(seed, len), public_key));
	secret_set(private_key, seed, len);
out:
	bytes_wipe(seed, sizeof(seed));
	return err;
}

enum sotto_err sign_public(enum sign_alg alg, struct bytes private_key, uint8_t *public_key)
{
	switch (alg) {
	case SIGN_ED25519:
		return ed25519_public(private_key, public_key);
	case SIGN_ED448:
	case SIGN_ECDSA_P256_SHA256:
	case SIGN_ECDSA_P384_SHA384:
	case SIGN_ECDSA_P521_SHA512:
		break;
	}
	return SOTTO_ERR_UNSUPPORTED;
}

enum sotto_err sign_create(enum sign_alg alg, const struct random_source *random,
			   struct bytes private_key, struct bytes message, uint8_t *signature,
			   size_t *signature_len)
{
	enum sotto_err err = SOTTO_ERR_UNSUPPORTED;

	(void)random;
	switch (alg) {
	case SIGN_ED25519:
		err = ed25519_create(private_key, message, signature);
		if (err == SOTTO_OK)
			*signature_len = 64;
		break;
	case SIGN_ED448:
	case SIGN_ECDSA_P256_SHA256:
	case SIGN_ECDSA_P384_SHA384:
	case SIGN_ECDSA_P521_SHA512:
		break;
	}
	return err;
}

enum sotto_err sign_verify(enum sign_alg alg, struct bytes public_key, struct bytes message,
			   struct bytes signature)
{
	switch (alg) {
	case SIGN_ED25519:
		return ed25519_verify(public_key, message, signature);
	case SIGN_ED448:
	case SIGN_ECDSA_P256_SHA256:
	case SIGN_ECDSA_P384_SHA384:
	case SIGN_ECDSA_P521_SHA512:
		break;
	}
	return SOTTO_ERR_UNSUPPORTED;
}

enum sotto_err sign_check_public(enum sign_alg alg, struct bytes public_key)
{
	switch (alg) {
	case SIGN_ED25519:
		return ed25519_check_public(public_key);
	case SIGN_ED448:
	case SIGN_ECDSA_P256_SHA256:
	case SIGN_ECDSA_P384_SHA384:
	case SIGN_ECDSA_P521_SHA512:
		break;
	}
	return SOTTO_ERR_UNSUPPORTED;
}
