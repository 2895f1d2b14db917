/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diffie-Hellman groups under the KEMs: X25519 by libsodium, its public keys, X448 and the NIST curves by
 * hogweed. Private keys are those of RFC 9180 7.1: scalars, big-endian for the NIST curves. Constant
 * time in them.
 */
#ifndef CRYPTO_DH_H
#define CRYPTO_DH_H

#include "base/bytes.h"
#include "base/error.h"

enum dh_group {
	DH_P256,
	DH_P384,
	DH_P521,
	DH_X25519,
	DH_X448,
};

#define DH_PRIVATE_LEN_MAX 66
#define DH_PUBLIC_LEN_MAX  133
#define DH_X25519_LEN	   32

/* SOTTO_ERR_INVALID: the scalar has a wrong length or is out of range. */
MUST_USE enum sotto_err dh_public(enum dh_group group, struct bytes private_key,
				  uint8_t *public_key);

/*
 * shared is the x coordinate. SOTTO_ERR_INVALID: a key of a wrong length, a scalar out of range, a
 * point that is not on its curve, or an all-zero result (RFC 9180 7.1.4).
 */
MUST_USE enum sotto_err dh_shared(enum dh_group group, struct bytes private_key,
				  struct bytes public_key, struct secret *shared);

/* X25519 of RFC 7748 5 as it stands, all zeros not refused: X-Wing hashes what comes out, with more. */
void dh_x25519(const uint8_t private_key[DH_X25519_LEN], const uint8_t public_key[DH_X25519_LEN],
	       uint8_t product[DH_X25519_LEN]);

/* Length and, for NIST curves, that the point is on the curve. Public data: not constant time. */
MUST_USE enum sotto_err dh_check_public(enum dh_group group, struct bytes public_key);

#endif
