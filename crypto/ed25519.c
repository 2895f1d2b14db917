/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 by libsodium, which refuses what RFC 8032 leaves loose: scalars not reduced, points not
 * in their one encoding, points of small order. So nobody can make a signature that two phones
 * judge differently.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/eddsa.h"

/* libsodium's secret key is seed || public key. Public: what RFC 8032 5.1.5 publishes. */
static enum sotto_err expand_seed(struct bytes seed, uint8_t public_key[static 32],
				  uint8_t expanded[static crypto_sign_SECRETKEYBYTES])
{
	if (seed.len != crypto_sign_SEEDBYTES)
		return SOTTO_ERR_INVALID;
	/* Cannot fail: the lengths are right. */
	(void)crypto_sign_seed_keypair(public_key, expanded, seed.data);
	CT_PUBLIC(public_key, 32);
	return SOTTO_OK;
}

enum sotto_err ed25519_public(struct bytes seed, uint8_t *public_key)
{
	uint8_t expanded[crypto_sign_SECRETKEYBYTES];
	enum sotto_err err = expand_seed(seed, public_key, expanded);

	bytes_wipe(expanded, sizeof(expanded));
	return err;
}

enum sotto_err ed25519_expand(struct secret *private_key)
{
	uint8_t expanded[crypto_sign_SECRETKEYBYTES];
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
	enum sotto_err err;

	if (private_key->len == sizeof(expanded))
		return SOTTO_OK;
	err = expand_seed(secret_bytes(private_key), public_key, expanded);
	if (err == SOTTO_OK)
		secret_set(private_key, expanded, sizeof(expanded));
	bytes_wipe(expanded, sizeof(expanded));
	return err;
}

enum sotto_err ed25519_create(struct bytes private_key, struct bytes message, uint8_t *signature)
{
	struct secret expanded = {0};
	enum sotto_err err;

	if (private_key.len > crypto_sign_SECRETKEYBYTES)
		return SOTTO_ERR_INVALID;
	secret_set(&expanded, private_key.data, private_key.len);
	err = ed25519_expand(&expanded);
	if (err == SOTTO_OK)
		(void)crypto_sign_detached(signature, NULL, message.data, message.len,
					   expanded.data);
	secret_wipe(&expanded);
	return err;
}

enum sotto_err ed25519_verify(struct bytes public_key, struct bytes message, struct bytes signature)
{
	if (public_key.len != crypto_sign_PUBLICKEYBYTES || signature.len != crypto_sign_BYTES)
		return SOTTO_ERR_VERIFY;
	if (crypto_sign_verify_detached(signature.data, message.data, message.len,
					public_key.data) != 0)
		return SOTTO_ERR_VERIFY;
	return SOTTO_OK;
}

enum sotto_err ed25519_check_public(struct bytes public_key)
{
	if (public_key.len != crypto_sign_PUBLICKEYBYTES ||
	    crypto_core_ed25519_is_valid_point(public_key.data) != 1)
		return SOTTO_ERR_INVALID;
	return SOTTO_OK;
}
