/* SPDX-License-Identifier: Apache-2.0 */
/* The Diffie-Hellman groups. Whether a result is refused is public: the protocol stops there. */
#include "crypto/dh.h"

#include <sodium.h>

#include "crypto/ct.h"

static enum sotto_err x25519_public(struct bytes private_key, uint8_t *public_key)
{
	if (private_key.len != crypto_scalarmult_curve25519_SCALARBYTES)
		return SOTTO_ERR_INVALID;
	/* Cannot fail: the base point has no small order. */
	(void)crypto_scalarmult_curve25519_base(public_key, private_key.data);
	return SOTTO_OK;
}

static enum sotto_err x25519_shared(struct bytes private_key, struct bytes public_key,
				    struct secret *shared)
{
	uint8_t product[crypto_scalarmult_curve25519_BYTES];
	int refused;

	if (private_key.len != crypto_scalarmult_curve25519_SCALARBYTES ||
	    public_key.len != crypto_scalarmult_curve25519_BYTES)
		return SOTTO_ERR_INVALID;
	refused = crypto_scalarmult_curve25519(product, private_key.data, public_key.data);
	CT_PUBLIC(&refused, sizeof(refused)); /* all zeros: shows, since the exchange ends */
	if (refused == 0)
		secret_set(shared, product, sizeof(product));
	bytes_wipe(product, sizeof(product));
	return refused == 0 ? SOTTO_OK : SOTTO_ERR_INVALID;
}

enum sotto_err dh_public(enum dh_group group, struct bytes private_key, uint8_t *public_key)
{
	switch (group) {
	case DH_X25519:
		return x25519_public(private_key, public_key);
	case DH_X448:
	case DH_P256:
	case DH_P384:
	case DH_P521:
		break;
	}
	return SOTTO_ERR_UNSUPPORTED;
}

enum sotto_err dh_shared(enum dh_group group, struct bytes private_key, struct bytes public_key,
			 struct secret *shared)
{
	switch (group) {
	case DH_X25519:
		return x25519_shared(private_key, public_key, shared);
	case DH_X448:
	case DH_P256:
	case DH_P384:
	case DH_P521:
		break;
	}
	return SOTTO_ERR_UNSUPPORTED;
}

enum sotto_err dh_check_public(enum dh_group group, struct bytes public_key)
{
	switch (group) {
	case DH_X25519:
		return public_key.len == 32 ? SOTTO_OK : SOTTO_ERR_INVALID;
	case DH_X448:
	case DH_P256:
	case DH_P384:
	case DH_P521:
		break;
	}
	return SOTTO_ERR_UNSUPPORTED;
}
