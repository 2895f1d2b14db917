/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 and Ed448 (RFC 8032, pure, empty context) behind crypto/sign.h; errors as there. */
#ifndef CRYPTO_EDDSA_H
#define CRYPTO_EDDSA_H

#include "base/bytes.h"
#include "base/error.h"

#define ED25519_SIGNATURE_LEN 64
#define ED448_SIGNATURE_LEN   114

MUST_USE enum sotto_err ed25519_public(struct bytes seed, uint8_t *public_key);

/* In place, from the seed to seed || public key, which ed25519_create takes as well. */
MUST_USE enum sotto_err ed25519_expand(struct secret *private_key);
MUST_USE enum sotto_err ed25519_create(struct bytes private_key, struct bytes message,
				       uint8_t *signature);
MUST_USE enum sotto_err ed25519_verify(struct bytes public_key, struct bytes message,
				       struct bytes signature);
MUST_USE enum sotto_err ed25519_check_public(struct bytes public_key);

MUST_USE enum sotto_err ed448_public(struct bytes seed, uint8_t *public_key);
MUST_USE enum sotto_err ed448_create(struct bytes seed, struct bytes message, uint8_t *signature);
MUST_USE enum sotto_err ed448_verify(struct bytes public_key, struct bytes message,
				     struct bytes signature);
MUST_USE enum sotto_err ed448_check_public(struct bytes public_key);

#endif
