/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-CTR (NIST SP 800-38A) without authentication, for the suites of SFrame that add HMAC themselves
 * (RFC 9605 4.5.1). For anything else there is crypto/aead.h.
 */
#ifndef CRYPTO_CTR_H
#define CRYPTO_CTR_H

#include "base/bytes.h"

#define CTR_BLOCK_LEN 16

/*
 * Encrypts and decrypts alike: out (input.len bytes) may be input.data itself and must not overlap it
 * otherwise. key: 16 or 32 bytes; counter: the first block, counted up as one big-endian number
 * (both lengths asserted). Constant time as crypto_aes_is_constant_time says.
 */
void ctr_xor(struct bytes key, struct bytes counter, struct bytes input, uint8_t *out);

#endif
