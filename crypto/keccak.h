/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-3 and SHAKE (FIPS 202), as ML-KEM and X-Wing use them. nettle 3.8 has SHA-3, but neither SHAKE128 nor a
 * SHAKE that gives out more in pieces. Constant time in the contents; lengths are public.
 */
#ifndef CRYPTO_KECCAK_H
#define CRYPTO_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SHA3_256_LEN  32
#define SHA3_512_LEN  64

#define SHAKE128_RATE 168 /* bytes that go in or come out between two permutations */
#define SHAKE256_RATE 136

#define KECCAK_LANES  25
#define KECCAK_ROUNDS 24

/* The round constants (FIPS 202 3.2.5). */
extern const uint64_t keccak_constants[KECCAK_ROUNDS];

/* Keccak-f[1600] on one state. */
void keccak_permute(uint64_t lanes[KECCAK_LANES]);

/* The hash of the concatenation of count parts: 32 bytes, 64 bytes. */
void sha3_256(const struct bytes *parts, size_t count, uint8_t out[SHA3_256_LEN]);
void sha3_512(const struct bytes *parts, size_t count, uint8_t out[SHA3_512_LEN]);

/* An extendable output in the caller's memory: absorb any number of times, then squeeze any number of times. */
struct shake {
	uint64_t lanes[KECCAK_LANES];
	uint8_t rate;
	uint8_t at; /* bytes of this block that are absorbed, or given out */
	bool squeezing;
};

/* rate: SHAKE128_RATE or SHAKE256_RATE. */
void shake_init(struct shake *shake, uint8_t rate);

/* Not after shake_squeeze (asserted). */
void shake_absorb(struct shake *shake, struct bytes input);
void shake_squeeze(struct shake *shake, uint8_t *out, size_t len);

/* Wipes. NULL is fine. */
void shake_finish(struct shake *shake);

/* SHAKE256 of the concatenation of count parts, all at once. */
void shake256(const struct bytes *parts, size_t count, uint8_t *out, size_t len);

#endif
