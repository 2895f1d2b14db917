/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Diffie-Hellman groups: the Montgomery curves here, the NIST curves in crypto/nist.h. Whether a result
 * is refused is public: the protocol stops there.
 */
#include "crypto/dh.h"

#include <nettle/curve25519.h>
#include <nettle/curve448.h>
#include <sodium.h>

#include "base/assert.h"
#include "crypto/ct.h"
#include "crypto/nist.h"

#define X25519_LEN DH_X25519_LEN
#define X448_LEN   CURVE448_SIZE

_Static_assert(crypto_scalarmult_curve25519_BYTES == X25519_LEN, "one length");
_Static_assert(crypto_scalarmult_curve25519_SCALARBYTES == X25519_LEN, "one length");

static enum sotto_err x25519_public(struct bytes private_key, uint8_t *public_key)
{
	if (private_key.len != X25519_LEN)
		return SOTTO_ERR_INVALID;
	/* nettle has a table of the base point's multiples, and needs three quarters of libsodium's time. */
	curve25519_mul_g(public_key, private_key.data);
	CT_PUBLIC(public_key, X25519_LEN); /* a public key, by its name */
	return SOTTO_OK;
}

static enum sotto_err x25519_shared(struct bytes private_key, struct bytes public_key,
				    struct secret *shared)
{
	uint8_t product[X25519_LEN];
	int refused;

	if (private_key.len != X25519_LEN || public_key.len != X25519_LEN)
		return SOTTO_ERR_INVALID;
	refused = crypto_scalarmult_curve25519(product, private_key.data, public_key.data);
	CT_PUBLIC(&refused, sizeof(refused)); /* all zeros: shows, since the exchange ends */
	if (refused == 0)
		secret_set(shared, product, sizeof(product));
	bytes_wipe(product, sizeof(product));
	return refused == 0 ? SOTTO_OK : SOTTO_ERR_INVALID;
}

void dh_x25519(const uint8_t private_key[DH_X25519_LEN], const uint8_t public_key[DH_X25519_LEN],
	       uint8_t product[DH_X25519_LEN])
{
	int refused;

	/* libsodium refuses points of small order, on some machines before it computes: zeros are the product then. */
	bytes_wipe(product, X25519_LEN);
	refused = crypto_scalarmult_curve25519(product, private_key, public_key);
	(void)refused;
}

static enum sotto_err x448_public(struct bytes private_key, uint8_t *public_key)
{
	if (private_key.len != X448_LEN)
		return SOTTO_ERR_INVALID;
	curve448_mul_g(public_key, private_key.data);
	CT_PUBLIC(public_key, X448_LEN); /* a public key, by its name */
	return SOTTO_OK;
}

static enum sotto_err x448_shared(struct bytes private_key, struct bytes public_key,
				  struct secret *shared)
{
	static const uint8_t zeros[X448_LEN];
	uint8_t product[X448_LEN];
	bool refused;

	if (private_key.len != X448_LEN || public_key.len != X448_LEN)
		return SOTTO_ERR_INVALID;
	curve448_mul(product, private_key.data, public_key.data);
	refused = bytes_equal_ct(product, zeros, X448_LEN);
	CT_PUBLIC(&refused, sizeof(refused)); /* all zeros: shows, since the exchange ends */
	if (!refused)
		secret_set(shared, product, sizeof(product));
	bytes_wipe(product, sizeof(product));
	return refused ? SOTTO_ERR_INVALID : SOTTO_OK;
}

static const struct nist_curve *nist_of(enum dh_group group)
{
	switch (group) {
	case DH_P256:
		return &nist_p256;
	case DH_P384:
		return &nist_p384;
	case DH_P521:
		return &nist_p521;
	case DH_X25519:
	case DH_X448:
		break;
	}
	assert_failed("a NIST curve", __FILE__, __LINE__);
}

enum sotto_err dh_public(enum dh_group group, struct bytes private_key, uint8_t *public_key)
{
	if (group == DH_X25519)
		return x25519_public(private_key, public_key);
	if (group == DH_X448)
		return x448_public(private_key, public_key);
	return nist_public(nist_of(group), private_key, public_key);
}

enum sotto_err dh_shared(enum dh_group group, struct bytes private_key, struct bytes public_key,
			 struct secret *shared)
{
	if (group == DH_X25519)
		return x25519_shared(private_key, public_key, shared);
	if (group == DH_X448)
		return x448_shared(private_key, public_key, shared);
	return nist_shared(nist_of(group), private_key, public_key, shared);
}

enum sotto_err dh_check_public(enum dh_group group, struct bytes public_key)
{
	if (group == DH_X25519)
		return public_key.len == X25519_LEN ? SOTTO_OK : SOTTO_ERR_INVALID;
	if (group == DH_X448)
		return public_key.len == X448_LEN ? SOTTO_OK : SOTTO_ERR_INVALID;
	return nist_check_public(nist_of(group), public_key);
}
