/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The curves P-256, P-384, P-521 (FIPS 186-5) by hogweed, for DHKEM and ECDSA. Scalars and coordinates are
 * big-endian bytes of the curve's length and go in and out of hogweed's limbs in constant time, past GMP's
 * mpz, which drops leading zeros of secrets.
 */
#ifndef CRYPTO_NIST_H
#define CRYPTO_NIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/ecc.h>

#include "base/bytes.h"
#include "base/error.h"

#define NIST_LEN_MAX   66
#define NIST_LIMBS_MAX ((NIST_LEN_MAX + sizeof(mp_limb_t) - 1) / sizeof(mp_limb_t))

struct nist_curve {
	const struct ecc_curve *(*ecc)(void);
	uint8_t len;	  /* of a scalar and of a coordinate */
	uint8_t top_mask; /* which bits of a scalar's first byte may be set */
	uint8_t order[NIST_LEN_MAX];
};

extern const struct nist_curve nist_p256;
extern const struct nist_curve nist_p384;
extern const struct nist_curve nist_p521;

/* Length right and 1 <= scalar < order? Constant time; the answer is made public. */
bool nist_scalar_valid(const struct nist_curve *curve, struct bytes scalar);

/* len bytes, big-endian, to ecc_size limbs, and back. */
void nist_limbs_get(const struct nist_curve *curve, const uint8_t *bytes, mp_limb_t *limbs);
void nist_limbs_put(const struct nist_curve *curve, const mp_limb_t *limbs, uint8_t *bytes);

/*
 * SEC 1 2.3.4: an uncompressed point, checked to be on the curve. Public data. limbs (2 * NIST_LIMBS_MAX)
 * holds what *point refers to.
 */
MUST_USE enum sotto_err nist_point_get(const struct nist_curve *curve, struct bytes public_key,
				       mp_limb_t *limbs, struct ecc_point *point);

/* The public key, 1 + 2 * len bytes. SOTTO_ERR_INVALID: the scalar is not one. */
MUST_USE enum sotto_err nist_public(const struct nist_curve *curve, struct bytes scalar,
				    uint8_t *public_key);

/* The x coordinate of scalar * public_key. SOTTO_ERR_INVALID: either is not one. */
MUST_USE enum sotto_err nist_shared(const struct nist_curve *curve, struct bytes scalar,
				    struct bytes public_key, struct secret *shared);

MUST_USE enum sotto_err nist_check_public(const struct nist_curve *curve, struct bytes public_key);

#endif
