/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticated encryption: AES-GCM (NIST SP 800-38D), ChaCha20-Poly1305 (RFC 8439), and
 * XChaCha20-Poly1305 (24-byte nonce, safe at random) for records and data at rest.
 * Constant time in key and contents; AES only on CPUs that have instructions for it (crypto/init.h tells).
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* The first three are the numbers of the HPKE registry (RFC 9180 7.3). */
enum aead_alg {
	AEAD_AES128GCM = 1,
	AEAD_AES256GCM = 2,
	AEAD_CHACHA20POLY1305 = 3,
	AEAD_XCHACHA20POLY1305 = 0x100,
};

#define AEAD_TAG_LEN	   16
#define AEAD_KEY_LEN_MAX   32
#define AEAD_NONCE_LEN_MAX 24

/* An alg that is not in the enum is the program's mistake, and asserted: protocols map their suites first. */
size_t aead_key_len(enum aead_alg alg);
size_t aead_nonce_len(enum aead_alg alg);

/*
 * Writes plaintext.len + AEAD_TAG_LEN bytes to out, which may be plaintext.data itself and must not
 * overlap it otherwise. Key and nonce have the lengths of the algorithm (asserted).
 */
void aead_seal(enum aead_alg alg, struct bytes key, struct bytes nonce, struct bytes aad,
	       struct bytes plaintext, uint8_t *out);

/*
 * Writes sealed.len - AEAD_TAG_LEN bytes to out (which may be sealed.data). SOTTO_ERR_VERIFY if the
 * tag is wrong or sealed is shorter than a tag; out is then zeroed and tells nothing.
 */
MUST_USE enum sotto_err aead_open(enum aead_alg alg, struct bytes key, struct bytes nonce,
				  struct bytes aad, struct bytes sealed, uint8_t *out);

#endif
