/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AES key schedule (FIPS 197, 5.2) in constant time.
 *
 * The S-box is inversion in GF(2^8) followed by an affine map. Both are computed on the four bytes
 * of a word at once: inversion as the 254th power by eleven multiplications, each a shift-and-add
 * with masks in place of branches. Words are little-endian, as nettle keeps them.
 */
#include "crypto/aes.h"

#include <nettle/nettle-meta.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/assert.h"

#define EACH_BYTE UINT32_C(0x01010101)

/* Four products in GF(2^8), modulo x^8 + x^4 + x^3 + x + 1. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (unsigned bit = 0; bit < 8; bit++) {
		uint32_t carry = (a >> 7) & EACH_BYTE;

		product ^= a & (((b >> bit) & EACH_BYTE) * 0xff);
		a = ((a & (EACH_BYTE * 0x7f)) << 1) ^ (carry * 0x1b);
	}
	return product;
}

static uint32_t square_times(uint32_t a, unsigned times)
{
	while (times-- > 0)
		a = multiply(a, a);
	return a;
}

/* Each byte rotated left. */
static uint32_t rotate_bytes(uint32_t a, unsigned by)
{
	uint32_t low = EACH_BYTE * (0xffU >> by);

	return ((a & low) << by) | ((a >> (8 - by)) & ~(EACH_BYTE * ((0xffU << by) & 0xff)));
}

uint32_t aes_sub_word(uint32_t word)
{
	uint32_t power2 = square_times(word, 1);
	uint32_t power3 = multiply(power2, word);
	uint32_t power12 = square_times(power3, 2);
	uint32_t power240 = square_times(multiply(power12, power3), 4);
	uint32_t inverse = multiply(multiply(power240, power12), power2);

	return inverse ^ rotate_bytes(inverse, 1) ^ rotate_bytes(inverse, 2) ^
	       rotate_bytes(inverse, 3) ^ rotate_bytes(inverse, 4) ^ (EACH_BYTE * 0x63);
}

#if defined(__x86_64__)
__attribute__((target("aes"))) static uint32_t sub_word_x86(uint32_t word)
{
	/* AESKEYGENASSIST (Intel SDM): the lowest word of the result is SubWord of the second. */
	__m128i state = _mm_set1_epi32((int)word);

	return (uint32_t)_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(state, 0));
}
#endif

typedef uint32_t sub_word_fn(uint32_t word);

static sub_word_fn *choose_sub_word(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("aes"))
		return sub_word_x86;
#endif
	return aes_sub_word;
}

/* key_words 4 or 8; total 4 * (rounds + 1). */
static void expand(uint32_t *schedule, size_t total, const uint8_t *key, size_t key_words)
{
	sub_word_fn *sub_word = choose_sub_word();
	uint32_t round_constant = 1;

	for (size_t i = 0; i < key_words; i++)
		schedule[i] = (uint32_t)key[4 * i] | (uint32_t)key[4 * i + 1] << 8 |
			      (uint32_t)key[4 * i + 2] << 16 | (uint32_t)key[4 * i + 3] << 24;
	for (size_t i = key_words; i < total; i++) {
		uint32_t word = schedule[i - 1];

		if (i % key_words == 0) {
			word = sub_word(word >> 8 | word << 24) ^ round_constant;
			round_constant = round_constant << 1 ^ (round_constant >> 7) * 0x11b;
		} else if (key_words == 8 && i % 8 == 4) {
			word = sub_word(word);
		}
		schedule[i] = schedule[i - key_words] ^ word;
	}
}

void aes_key_init(struct aes_key *aes, struct bytes key)
{
	ASSERT(key.len == AES128_KEY_SIZE || key.len == AES256_KEY_SIZE);
	if (key.len == AES128_KEY_SIZE) {
		aes->encrypt = nettle_aes128.encrypt;
		expand(aes->schedule.aes128.keys, ARRAY_LEN(aes->schedule.aes128.keys), key.data,
		       4);
	} else {
		aes->encrypt = nettle_aes256.encrypt;
		expand(aes->schedule.aes256.keys, ARRAY_LEN(aes->schedule.aes256.keys), key.data,
		       8);
	}
}
