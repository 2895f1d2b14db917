/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-3 and SHAKE: published digests, then nettle's for every length, whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <nettle/sha3.h>

#include "base/assert.h"
#include "base/hex.h"
#include "crypto/keccak.h"

#define INPUT_LEN  700 /* several blocks of every rate */
#define OUTPUT_LEN 600

static uint8_t input[INPUT_LEN];

static void fill_input(void)
{
	for (size_t i = 0; i < INPUT_LEN; i++)
		input[i] = (uint8_t)(i * 7 + i / 256);
}

static void assert_hex(const uint8_t *data, const char *hex)
{
	uint8_t expected[64];
	size_t len;

	assert_int_equal(hex_decode(hex, strlen(hex), expected, sizeof(expected), &len), SOTTO_OK);
	assert_memory_equal(data, expected, len);
}

/* NIST's examples for FIPS 202: the empty message, and 200 bytes of 0xa3. The latter give 512 bytes, the last 32 here. */
static void test_published(void **state)
{
	static const struct {
		uint8_t rate;
		const char *empty, *long_end;
	} table[] = {
		{SHAKE128_RATE, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
		 "44c9fb359fd56ac0a9a75a743cff6862f17d7259ab075216c0699511643b6439"},
		{SHAKE256_RATE, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f",
		 "6a1a9d7846436e4dca5728b6f760eef0ca92bf0be5615e96959d767197a0beeb"},
	};
	uint8_t a3[200], out[512];
	struct bytes whole = BYTES_OF(a3);
	struct shake shake;

	(void)state;
	memset(a3, 0xa3, sizeof(a3));
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		shake_init(&shake, table[i].rate);
		shake_squeeze(&shake, out, 32);
		assert_hex(out, table[i].empty);
		shake_init(&shake, table[i].rate);
		shake_absorb(&shake, whole);
		shake_squeeze(&shake, out, sizeof(out));
		assert_hex(out + 480, table[i].long_end);
		shake_finish(&shake);
	}
	shake_finish(NULL);
	sha3_256(NULL, 0, out);
	assert_hex(out, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
	sha3_256(&whole, 1, out);
	assert_hex(out, "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787");
	sha3_512(NULL, 0, out);
	assert_hex(out, "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
			"15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26");
	sha3_512(&whole, 1, out);
	assert_hex(out, "e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca8"
			"1b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00");
}

static void test_every_length(void **state)
{
	(void)state;
	fill_input();
	for (size_t len = 0; len <= INPUT_LEN; len++) {
		size_t cut = len / 3;
		struct bytes parts[] = {BYTES(input, cut), BYTES_NONE,
					BYTES(input + cut, len - cut)};
		uint8_t ours[OUTPUT_LEN], theirs[OUTPUT_LEN];
		struct sha3_256_ctx nettle256;
		struct sha3_512_ctx nettle512;

		sha3_256_init(&nettle256);
		sha3_256_update(&nettle256, len, input);
		sha3_256_digest(&nettle256, SHA3_256_LEN, theirs);
		sha3_256(parts, 3, ours);
		assert_memory_equal(ours, theirs, SHA3_256_LEN);
		sha3_512_init(&nettle512);
		sha3_512_update(&nettle512, len, input);
		sha3_512_digest(&nettle512, SHA3_512_LEN, theirs);
		sha3_512(parts, 3, ours);
		assert_memory_equal(ours, theirs, SHA3_512_LEN);
		sha3_256_init(&nettle256);
		sha3_256_update(&nettle256, len, input);
		sha3_256_shake(&nettle256, 1 + len % OUTPUT_LEN, theirs);
		shake256(parts, 3, ours, 1 + len % OUTPUT_LEN);
		assert_memory_equal(ours, theirs, 1 + len % OUTPUT_LEN);
	}
}

/* Pieces of every size give what the whole gives. */
static void test_pieces(void **state)
{
	static const uint8_t rates[] = {SHAKE128_RATE, SHAKE256_RATE};

	(void)state;
	fill_input();
	for (size_t piece = 1; piece <= 2 * SHAKE128_RATE; piece++) {
		uint8_t whole[OUTPUT_LEN], pieces[OUTPUT_LEN];
		struct shake one, many;
		uint8_t rate = rates[piece % 2];

		shake_init(&one, rate);
		shake_absorb(&one, BYTES_OF(input));
		shake_squeeze(&one, whole, OUTPUT_LEN);
		shake_init(&many, rate);
		for (size_t at = 0; at < INPUT_LEN; at += piece)
			shake_absorb(&many, BYTES(input + at,
						  at + piece < INPUT_LEN ? piece : INPUT_LEN - at));
		for (size_t at = 0; at < OUTPUT_LEN; at += piece)
			shake_squeeze(&many, pieces + at,
				      at + piece < OUTPUT_LEN ? piece : OUTPUT_LEN - at);
		assert_memory_equal(whole, pieces, OUTPUT_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
