/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-2 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869), by nettle. Constant time in the
 * contents.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum hash_alg {
	HASH_SHA256 = 1,
	HASH_SHA384 = 2,
	HASH_SHA512 = 3,
};

#define HASH_LEN_MAX 64

/* 32, 48 or 64 bytes. */
size_t hash_len(enum hash_alg alg);

/* An incremental hash in the caller's memory; it may be copied to fork a common prefix. */
struct hash {
	_Alignas(16) uint8_t state[240];
	enum hash_alg alg;
};

void hash_init(struct hash *hash, enum hash_alg alg);
void hash_update(struct hash *hash, struct bytes input);

/* Writes hash_len bytes and wipes the state. */
void hash_final(struct hash *hash, uint8_t *out);

/* All at once: hash_len bytes to out. */
void hash_digest(enum hash_alg alg, struct bytes input, uint8_t *out);

struct hmac {
	_Alignas(16) uint8_t state[720];
	enum hash_alg alg;
};

void hmac_init(struct hmac *hmac, enum hash_alg alg, struct bytes key);
void hmac_update(struct hmac *hmac, struct bytes input);

/* Writes hash_len bytes and wipes the state. */
void hmac_final(struct hmac *hmac, uint8_t *out);
void hmac_digest(enum hash_alg alg, struct bytes key, struct bytes input, uint8_t *out);

/* RFC 5869 2.2: prk has hash_len bytes. An empty salt stands for hash_len zeros. */
void hkdf_extract(enum hash_alg alg, struct bytes salt, struct bytes ikm, struct secret *prk);

/* RFC 5869 2.3: len at most 255 * hash_len (asserted: lengths are the program's, never a peer's).
 */
void hkdf_expand(enum hash_alg alg, struct bytes prk, struct bytes info, uint8_t *out, size_t len);

/* The same; info is the concatenation of count parts, so labelled forms need no buffer of their
 * own. */
void hkdf_expand_parts(enum hash_alg alg, struct bytes prk, const struct bytes *info, size_t count,
		       uint8_t *out, size_t len);

#endif
