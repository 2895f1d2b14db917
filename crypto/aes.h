/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES encryption keys (FIPS 197) for the modes in this folder. The rounds are nettle's (AES-NI or
 * the ARMv8 instructions where the CPU has them); the key schedule is ours, because nettle's looks
 * key bytes up in a table of the S-box, and that shows in the cache.
 */
#ifndef CRYPTO_AES_H
#define CRYPTO_AES_H

#include <stdint.h>

#include <nettle/aes.h>
#include <nettle/nettle-types.h>

#include "base/bytes.h"

struct aes_key {
	union {
		struct aes128_ctx aes128;
		struct aes256_ctx aes256;
	} schedule;
	nettle_cipher_func *encrypt; /* takes &schedule */
};

/* key: 16 or 32 bytes (asserted). Constant time. Wipe with bytes_wipe. */
void aes_key_init(struct aes_key *aes, struct bytes key);

/*
 * The S-box on each of the four bytes, without a table or special instructions: for CPUs without them, and for
 * the test of all its 256 values.
 */
uint32_t aes_sub_word(uint32_t word);

#endif
