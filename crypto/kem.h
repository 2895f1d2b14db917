/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key encapsulation as HPKE uses it (RFC 9180 section 4): DHKEM over X25519, X448, P-256, P-384,
 * P-521; ML-KEM (FIPS 203, draft-ietf-hpke-pq), and X-Wing (draft-connolly-cfrg-xwing-kem), which is
 * ML-KEM-768 and X25519 in one and secure as long as either is.
 */
#ifndef CRYPTO_KEM_H
#define CRYPTO_KEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"

/* RFC 9180 7.1 and the registry that it opened. */
enum kem_alg {
	KEM_P256_SHA256 = 0x0010,
	KEM_P384_SHA384 = 0x0011,
	KEM_P521_SHA512 = 0x0012,
	KEM_X25519_SHA256 = 0x0020,
	KEM_X448_SHA512 = 0x0021,
	KEM_MLKEM512 = 0x0040,
	KEM_MLKEM768 = 0x0041,
	KEM_MLKEM1024 = 0x0042,
	KEM_XWING = 0x647a, /* MLKEM768-X25519 */
};

#define KEM_PUBLIC_LEN_MAX 1568 /* ML-KEM-1024 */
#define KEM_ENC_LEN_MAX	   1568 /* ML-KEM-1024 */

/* An alg that is not in the enum is the program's mistake, and asserted: protocols map their suites first. */
size_t kem_private_len(enum kem_alg alg); /* Nsk */
size_t kem_public_len(enum kem_alg alg);  /* Npk */
size_t kem_enc_len(enum kem_alg alg);	  /* Nenc */
size_t kem_secret_len(enum kem_alg alg);  /* Nsecret */

/*
 * DeriveKeyPair (RFC 9180 7.1.3; draft-ietf-hpke-pq for ML-KEM and X-Wing, whose private keys are seeds of 64 and
 * 32 bytes). public_key has kem_public_len bytes.
 */
MUST_USE enum sotto_err kem_derive(enum kem_alg alg, struct bytes ikm, struct secret *private_key,
				   uint8_t *public_key);

/* GenerateKeyPair: DeriveKeyPair of Nsk random bytes; for ML-KEM and X-Wing these bytes are the private key. */
MUST_USE enum sotto_err kem_generate(enum kem_alg alg, const struct random_source *random,
				     struct secret *private_key, uint8_t *public_key);

/* The public half of a private key. */
MUST_USE enum sotto_err kem_public(enum kem_alg alg, struct bytes private_key, uint8_t *public_key);

/*
 * Encap: enc has kem_enc_len bytes. SOTTO_ERR_INVALID for a public key that is not one, or with which DHKEM's
 * result is all zeros.
 */
MUST_USE enum sotto_err kem_encap(enum kem_alg alg, const struct random_source *random,
				  struct bytes public_key, uint8_t *enc, struct secret *shared);

/*
 * Decap. SOTTO_ERR_INVALID for an enc that is not one (wrong length or point, all-zero result of DHKEM). For
 * ML-KEM and X-Wing every enc of the right length is one: what nobody made gives a secret that nobody knows.
 */
MUST_USE enum sotto_err kem_decap(enum kem_alg alg, struct bytes private_key, struct bytes enc,
				  struct secret *shared);

/* Length; for NIST curves, that the point is on the curve; for ML-KEM, that all coefficients are below q. */
MUST_USE enum sotto_err kem_check_public(enum kem_alg alg, struct bytes public_key);

#endif
