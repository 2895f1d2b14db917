/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: Ed25519 and Ed448 (RFC 8032), ECDSA over P-256, P-384, P-521 (FIPS 186-5, DER
 * signatures, uncompressed SEC1 public keys), as RFC 9420 5.1.2 wants them.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"

/* The numbers of TLS SignatureScheme. */
enum sign_alg {
	SIGN_ECDSA_P256_SHA256 = 0x0403,
	SIGN_ECDSA_P384_SHA384 = 0x0503,
	SIGN_ECDSA_P521_SHA512 = 0x0603,
	SIGN_ED25519 = 0x0807,
	SIGN_ED448 = 0x0808,
};

#define SIGN_PUBLIC_LEN_MAX    133 /* P-521, uncompressed */
#define SIGN_SIGNATURE_LEN_MAX 141 /* P-521, DER at its longest */

/*
 * The private key is the seed (Ed25519 32, Ed448 57 bytes) or the big-endian scalar (32, 48, 66). An alg that is
 * not in the enum is the program's mistake, and asserted: protocols map their suites first.
 */
size_t sign_private_len(enum sign_alg alg);
size_t sign_public_len(enum sign_alg alg);

/* A new key pair; public_key has sign_public_len bytes. */
MUST_USE enum sotto_err sign_generate(enum sign_alg alg, const struct random_source *random,
				      struct secret *private_key, uint8_t *public_key);

/* The public half; SOTTO_ERR_INVALID for a private key of a wrong length or out of range. */
MUST_USE enum sotto_err sign_public(enum sign_alg alg, struct bytes private_key,
				    uint8_t *public_key);

/*
 * For who signs often. An Ed25519 signature needs the public key too, which costs as much as the signature
 * to derive: this puts it behind the seed, for sign_create to find it there. Keys of other schemes, and an
 * expanded one, stay as they are. The first sign_private_len bytes are what is worth storing: a public key
 * that does not belong to its seed would give the key away. SOTTO_ERR_INVALID: a wrong length.
 */
MUST_USE enum sotto_err sign_expand(enum sign_alg alg, struct secret *private_key);

/*
 * Writes at most SIGN_SIGNATURE_LEN_MAX bytes. ECDSA draws its nonce from random; Edwards curves
 * ignore it (it may be NULL for them).
 */
MUST_USE enum sotto_err sign_create(enum sign_alg alg, const struct random_source *random,
				    struct bytes private_key, struct bytes message,
				    uint8_t *signature, size_t *signature_len);

/* SOTTO_ERR_VERIFY: wrong signature, malformed signature or malformed key alike. */
MUST_USE enum sotto_err sign_verify(enum sign_alg alg, struct bytes public_key,
				    struct bytes message, struct bytes signature);

/* Is this a valid encoding of a point of the curve? RFC 9420 5.1.2 and 7.3 ask before storing one.
 */
MUST_USE enum sotto_err sign_check_public(enum sign_alg alg, struct bytes public_key);

#endif
