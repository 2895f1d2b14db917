/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ecdsa-Sig-Value (RFC 3279 2.2.3): SEQUENCE { r INTEGER, s INTEGER } in DER, strictly: one encoding for each
 * signature, so that nobody can alter one into another that still verifies.
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* r and s: len bytes each, big-endian. out takes 2 * len + 9 bytes; returns how many it used. len < 125. */
size_t der_put_signature(const uint8_t *r, const uint8_t *s, size_t len, uint8_t *out);

/*
 * r and s get len bytes each. SOTTO_ERR_FORMAT: not DER, not minimal, negative, more than len bytes, or
 * something behind it.
 */
MUST_USE enum sotto_err der_get_signature(struct bytes signature, size_t len, uint8_t *r,
					  uint8_t *s);

#endif
