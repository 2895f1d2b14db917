/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key encapsulation as HPKE uses it (RFC 9180 section 4): DHKEM over X25519, X448, P-256, P-384,
 * P-521. ML-KEM and X-Wing join under their registry numbers; the lengths below already have room
 * for them.
 */
#ifndef CRYPTO_KEM_H
#define CRYPTO_KEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"

/* RFC 9180 7.1. */
enum kem_alg {
	KEM_P256_SHA256 = 0x0010,
	KEM_P384_SHA384 = 0x0011,
	KEM_P521_SHA512 = 0x0012,
	KEM_X25519_SHA256 = 0x0020,
	KEM_X448_SHA512 = 0x0021,
};

#define KEM_PUBLIC_LEN_MAX 1216 /* X-Wing */
#define KEM_ENC_LEN_MAX	   1120 /* X-Wing */

/* An alg that is not in the enum is the program's mistake, and asserted: protocols map their suites first. */
size_t kem_private_len(enum kem_alg alg); /* Nsk */
size_t kem_public_len(enum kem_alg alg);  /* Npk */
size_t kem_enc_len(enum kem_alg alg);	  /* Nenc */
size_t kem_secret_len(enum kem_alg alg);  /* Nsecret */

/* RFC 9180 7.1.3 DeriveKeyPair. public_key has kem_public_len bytes. */
MUST_USE enum sotto_err kem_derive(enum kem_alg alg, struct bytes ikm, struct secret *private_key,
				   uint8_t *public_key);

/* GenerateKeyPair: DeriveKeyPair of Nsk random bytes. */
MUST_USE enum sotto_err kem_generate(enum kem_alg alg, const struct random_source *random,
				     struct secret *private_key, uint8_t *public_key);

/* The public half of a private key. */
MUST_USE enum sotto_err kem_public(enum kem_alg alg, struct bytes private_key, uint8_t *public_key);

/* Encap: enc has kem_enc_len bytes. SOTTO_ERR_INVALID for a public key that is not one. */
MUST_USE enum sotto_err kem_encap(enum kem_alg alg, const struct random_source *random,
				  struct bytes public_key, uint8_t *enc, struct secret *shared);

/* Decap. SOTTO_ERR_INVALID for an enc that is not one (wrong length or point, all-zero result). */
MUST_USE enum sotto_err kem_decap(enum kem_alg alg, struct bytes private_key, struct bytes enc,
				  struct secret *shared);

/* Length and, for NIST curves, that the point is on the curve. */
MUST_USE enum sotto_err kem_check_public(enum kem_alg alg, struct bytes public_key);

#endif
