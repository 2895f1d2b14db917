/* SPDX-License-Identifier: Apache-2.0 */
/* AES-GCM (NIST SP 800-38D) with 12-byte nonces and whole tags; crypto/aead.h is the way in. */
#ifndef CRYPTO_GCM_H
#define CRYPTO_GCM_H

#include "base/bytes.h"
#include "base/error.h"

/* out: plaintext.len + 16; see aead_seal. */
void gcm_seal(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes plaintext,
	      uint8_t *out);

/* sealed: at least a tag; out: sealed.len - 16; see aead_open. */
MUST_USE enum sotto_err gcm_open(struct bytes key, struct bytes nonce, struct bytes aad,
				 struct bytes sealed, uint8_t *out);

#endif
