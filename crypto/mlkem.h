/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ML-KEM (FIPS 203): the module-lattice key encapsulation mechanism, parameter sets 512, 768 and 1024.
 *
 * These are the standard's internal functions (6.1 to 6.3), whose random bytes are parameters, together with
 * the checks of 7.2 and 7.3 on what comes from outside. crypto/kem.h draws the randomness. Constant time in
 * d, z, m and the private part of dk; encapsulation keys and ciphertexts are public.
 *
 * On processors with AVX2 the arithmetic and four of Keccak's states at a time use it; everywhere
 * else, and in tests, portable code gives the same bytes.
 */
#ifndef CRYPTO_MLKEM_H
#define CRYPTO_MLKEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum mlkem_set {
	MLKEM_512,
	MLKEM_768,
	MLKEM_1024,
};

#define MLKEM_RANDOM_LEN	 32 /* d, z and m */
#define MLKEM_SHARED_LEN	 32 /* the shared secret, K */

#define MLKEM_EK_LEN_MAX	 1568
#define MLKEM_DK_LEN_MAX	 3168
#define MLKEM_CIPHERTEXT_LEN_MAX 1568

size_t mlkem_ek_len(enum mlkem_set set);	 /* 800, 1184, 1568 */
size_t mlkem_dk_len(enum mlkem_set set);	 /* 1632, 2400, 3168 */
size_t mlkem_ciphertext_len(enum mlkem_set set); /* 768, 1088, 1568 */

/* ML-KEM.KeyGen_internal (6.1). dk is secret: the caller wipes it. */
void mlkem_keygen(enum mlkem_set set, const uint8_t d[MLKEM_RANDOM_LEN],
		  const uint8_t z[MLKEM_RANDOM_LEN], uint8_t *ek, uint8_t *dk);

/* The encapsulation key check (7.2): the length, and each coefficient below q. Else SOTTO_ERR_INVALID. */
MUST_USE enum sotto_err mlkem_check_ek(enum mlkem_set set, struct bytes ek);

/* ML-KEM.Encaps (7.2) with the random m; SOTTO_ERR_INVALID: the key does not pass the check. */
MUST_USE enum sotto_err mlkem_encaps(enum mlkem_set set, struct bytes ek,
				     const uint8_t m[MLKEM_RANDOM_LEN], uint8_t *ciphertext,
				     uint8_t shared[MLKEM_SHARED_LEN]);

/*
 * ML-KEM.Decaps (7.3). SOTTO_ERR_INVALID: a length is wrong, or the key's hash is not that of the encapsulation
 * key in it. A ciphertext that nobody made gives a shared secret that nobody knows (implicit rejection).
 */
MUST_USE enum sotto_err mlkem_decaps(enum mlkem_set set, struct bytes dk, struct bytes ciphertext,
				     uint8_t shared[MLKEM_SHARED_LEN]);

/*
 * For who keeps the seed d || z as the private key, the form of HPKE and MLS: the encapsulation key of a seed (z
 * has no part in it), and KeyGen_internal and Decaps in one. Nothing of dk leaves the latter, and its checks
 * fall away. ciphertext has mlkem_ciphertext_len bytes.
 */
void mlkem_ek_seed(enum mlkem_set set, const uint8_t d[MLKEM_RANDOM_LEN], uint8_t *ek);
void mlkem_decaps_seed(enum mlkem_set set, const uint8_t d[MLKEM_RANDOM_LEN],
		       const uint8_t z[MLKEM_RANDOM_LEN], const uint8_t *ciphertext,
		       uint8_t shared[MLKEM_SHARED_LEN]);

#endif
