/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cipher suites of RFC 9605 section 4.5 and their AEADs: AES-GCM as it is, or AES-CTR with a
 * truncated HMAC (section 4.5.1). 6 to 8 are the AES-256 forms of 1 to 3, which the working group
 * registered later; they are one table row each.
 *
 * sotto's calls use SFRAME_AES256GCM: a short tag would save 12 bytes of a packet whose size is
 * fixed, and give a forger one chance in 2^32 a packet.
 */
#ifndef SFRAME_SUITE_H
#define SFRAME_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum sframe_suite {
	SFRAME_AES128CTR_HMAC80 = 1,
	SFRAME_AES128CTR_HMAC64 = 2,
	SFRAME_AES128CTR_HMAC32 = 3,
	SFRAME_AES128GCM = 4,
	SFRAME_AES256GCM = 5,
	SFRAME_AES256CTR_HMAC80 = 6,
	SFRAME_AES256CTR_HMAC64 = 7,
	SFRAME_AES256CTR_HMAC32 = 8,
};

#define SFRAME_KEY_LEN_MAX  96 /* AES-256 key and HMAC-SHA-512 key */
#define SFRAME_NONCE_LEN    12 /* AEAD.Nn, the same in every suite */
#define SFRAME_TAG_LEN_MAX  16
#define SFRAME_HASH_LEN_MAX 64

/* Is this number from outside a suite that we know? The other functions assert it. */
bool sframe_suite_known(unsigned suite);

/* AEAD.Nk and AEAD.Nt. */
size_t sframe_suite_key_len(enum sframe_suite suite);
size_t sframe_suite_tag_len(enum sframe_suite suite);

/*
 * HKDF-Extract and -Expand with the suite's hash, as section 4.4.2 uses them. secret has
 * SFRAME_HASH_LEN_MAX bytes of room; returns how many were written.
 */
size_t sframe_suite_extract(enum sframe_suite suite, struct bytes base_key, uint8_t *secret);
void sframe_suite_expand(enum sframe_suite suite, struct bytes secret, struct bytes label,
			 uint8_t *out, size_t len);

/*
 * AEAD.Encrypt: writes plaintext.len + tag_len bytes to out, which may be plaintext.data. key has
 * key_len bytes, nonce SFRAME_NONCE_LEN.
 */
void sframe_suite_seal(enum sframe_suite suite, struct bytes key, const uint8_t *nonce,
		       struct bytes aad, struct bytes plaintext, uint8_t *out);

/*
 * AEAD.Decrypt: writes sealed.len - tag_len bytes to out, which may be sealed.data.
 * SOTTO_ERR_VERIFY if the tag is wrong or sealed is shorter than a tag; out then tells nothing.
 */
MUST_USE enum sotto_err sframe_suite_open(enum sframe_suite suite, struct bytes key,
					  const uint8_t *nonce, struct bytes aad,
					  struct bytes sealed, uint8_t *out);

#endif
