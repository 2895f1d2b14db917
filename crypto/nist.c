/* SPDX-License-Identifier: Apache-2.0 */
/* The NIST curves by hogweed. */
#include "crypto/nist.h"

#include <gmp.h>
#include <nettle/ecc-curve.h>
#include <string.h>

#include "crypto/ct.h"

_Static_assert(GMP_NAIL_BITS == 0, "limbs are taken for whole words");

/* The group orders n of SP 800-186, 3.2.1. */
const struct nist_curve nist_p256 = {
	.ecc = nettle_get_secp_256r1,
	.len = 32,
	.top_mask = 0xff,
	.order =
		{
			0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
			0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
		},
};

const struct nist_curve nist_p384 = {
	.ecc = nettle_get_secp_384r1,
	.len = 48,
	.top_mask = 0xff,
	.order =
		{
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
			0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
		},
};

const struct nist_curve nist_p521 = {
	.ecc = nettle_get_secp_521r1,
	.len = 66,
	.top_mask = 0x01,
	.order =
		{
			0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc,
			0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89,
			0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
		},
};

bool nist_scalar_valid(const struct nist_curve *curve, struct bytes scalar)
{
	unsigned borrow = 0;
	unsigned any = 0;
	bool valid;

	if (scalar.len != curve->len)
		return false;
	for (size_t i = scalar.len; i-- > 0;) {
		borrow = ((unsigned)scalar.data[i] - curve->order[i] - borrow) >> 31;
		any |= scalar.data[i];
	}
	valid = (borrow & ((0U - any) >> 31)) != 0;
	/* A caller's key that is refused, or a candidate that is thrown away: neither is used. */
	CT_PUBLIC(&valid, sizeof(valid));
	return valid;
}

void nist_limbs_get(const struct nist_curve *curve, const uint8_t *bytes, mp_limb_t *limbs)
{
	memset(limbs, 0, (size_t)ecc_size(curve->ecc()) * sizeof(*limbs));
	for (size_t i = 0; i < curve->len; i++)
		limbs[i / sizeof(*limbs)] |= (mp_limb_t)bytes[curve->len - 1 - i]
					     << (8 * (i % sizeof(*limbs)));
}

void nist_limbs_put(const struct nist_curve *curve, const mp_limb_t *limbs, uint8_t *bytes)
{
	for (size_t i = 0; i < curve->len; i++)
		bytes[curve->len - 1 - i] =
			(uint8_t)(limbs[i / sizeof(*limbs)] >> (8 * (i % sizeof(*limbs))));
}

enum sotto_err nist_point_get(const struct nist_curve *curve, struct bytes public_key,
			      mp_limb_t *limbs, struct ecc_point *point)
{
	mpz_t x, y;
	int on_curve;

	if (public_key.len != 1 + 2 * (size_t)curve->len || public_key.data[0] != 4)
		return SOTTO_ERR_INVALID;
	mpz_init(x);
	mpz_init(y);
	mpz_import(x, curve->len, 1, 1, 0, 0, public_key.data + 1);
	mpz_import(y, curve->len, 1, 1, 0, 0, public_key.data + 1 + curve->len);
	*point = (struct ecc_point){.ecc = curve->ecc(), .p = limbs};
	on_curve = ecc_point_set(point, x, y);
	mpz_clear(x);
	mpz_clear(y);
	return on_curve ? SOTTO_OK : SOTTO_ERR_INVALID;
}

enum sotto_err nist_public(const struct nist_curve *curve, struct bytes scalar, uint8_t *public_key)
{
	mp_limb_t scalar_limbs[NIST_LIMBS_MAX];
	mp_limb_t point_limbs[2 * NIST_LIMBS_MAX];
	struct ecc_scalar n = {.ecc = curve->ecc(), .p = scalar_limbs};
	struct ecc_point point = {.ecc = curve->ecc(), .p = point_limbs};

	if (!nist_scalar_valid(curve, scalar))
		return SOTTO_ERR_INVALID;
	nist_limbs_get(curve, scalar.data, scalar_limbs);
	ecc_point_mul_g(&point, &n);
	public_key[0] = 4;
	nist_limbs_put(curve, point_limbs, public_key + 1);
	nist_limbs_put(curve, point_limbs + ecc_size(curve->ecc()), public_key + 1 + curve->len);
	CT_PUBLIC(public_key, 1 + 2 * (size_t)curve->len); /* a public key, by its name */
	bytes_wipe(scalar_limbs, sizeof(scalar_limbs));
	return SOTTO_OK;
}

enum sotto_err nist_shared(const struct nist_curve *curve, struct bytes scalar,
			   struct bytes public_key, struct secret *shared)
{
	mp_limb_t scalar_limbs[NIST_LIMBS_MAX];
	mp_limb_t peer_limbs[2 * NIST_LIMBS_MAX];
	mp_limb_t point_limbs[2 * NIST_LIMBS_MAX];
	struct ecc_scalar n = {.ecc = curve->ecc(), .p = scalar_limbs};
	struct ecc_point point = {.ecc = curve->ecc(), .p = point_limbs};
	struct ecc_point peer;
	uint8_t x[NIST_LEN_MAX];
	enum sotto_err err;

	if (!nist_scalar_valid(curve, scalar))
		return SOTTO_ERR_INVALID;
	err = nist_point_get(curve, public_key, peer_limbs, &peer);
	if (err != SOTTO_OK)
		return err;
	/* Never infinity: the order is prime, the point on the curve, 0 < scalar < order. */
	nist_limbs_get(curve, scalar.data, scalar_limbs);
	ecc_point_mul(&point, &n, &peer);
	nist_limbs_put(curve, point_limbs, x);
	secret_set(shared, x, curve->len);
	bytes_wipe(scalar_limbs, sizeof(scalar_limbs));
	bytes_wipe(point_limbs, sizeof(point_limbs));
	bytes_wipe(x, sizeof(x));
	return SOTTO_OK;
}

enum sotto_err nist_check_public(const struct nist_curve *curve, struct bytes public_key)
{
	mp_limb_t limbs[2 * NIST_LIMBS_MAX];
	struct ecc_point point;

	return nist_point_get(curve, public_key, limbs, &point);
}
