/* SPDX-License-Identifier: Apache-2.0 */
/* The AEADs and AES-CTR: published vectors, in place, every bit flipped, every length cut, the S-box. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <nettle/aes.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/aes.h"
#include "crypto/ctr.h"
#include "tests/random.h"
#include "tests/vectors.h"

#define MESSAGE_LEN_MAX 1024

static const enum aead_alg algs[] = {AEAD_AES128GCM, AEAD_AES256GCM, AEAD_CHACHA20POLY1305,
				     AEAD_XCHACHA20POLY1305};

static bool find_alg(struct vectors *vectors, enum aead_alg *alg)
{
	const char *name = vector_text(vectors, "algorithm");

	if (strcmp(name, "AES-GCM") == 0)
		*alg = vector_hex(vectors, "key").len == 16 ? AEAD_AES128GCM : AEAD_AES256GCM;
	else if (strcmp(name, "CHACHA20-POLY1305") == 0)
		*alg = AEAD_CHACHA20POLY1305;
	else if (strcmp(name, "XCHACHA20-POLY1305") == 0)
		*alg = AEAD_XCHACHA20POLY1305;
	else
		return false;
	return true;
}

static void check_vector(struct vectors *vectors, enum aead_alg alg)
{
	bool valid = strcmp(vector_text(vectors, "result"), "valid") == 0;
	struct bytes key = vector_hex(vectors, "key");
	struct bytes nonce = vector_hex(vectors, "iv");
	struct bytes aad = vector_hex(vectors, "aad");
	struct bytes plaintext = vector_hex(vectors, "msg");
	struct bytes ciphertext = vector_hex(vectors, "ct");
	struct bytes tag = vector_hex(vectors, "tag");
	uint8_t sealed[MESSAGE_LEN_MAX], out[MESSAGE_LEN_MAX];
	size_t len = ciphertext.len + tag.len;

	/* Nonces of other lengths: the caller's mistake, asserted. */
	if (nonce.len != aead_nonce_len(alg))
		return;
	assert_true(len <= sizeof(sealed));
	assert_int_equal(key.len, aead_key_len(alg));
	memcpy(sealed, ciphertext.data, ciphertext.len);
	memcpy(sealed + ciphertext.len, tag.data, tag.len);
	memset(out, 0xee, sizeof(out));
	assert_int_equal(aead_open(alg, key, nonce, aad, BYTES(sealed, len), out),
			 valid ? SOTTO_OK : SOTTO_ERR_VERIFY);
	if (!valid)
		return;
	assert_memory_equal(out, plaintext.data, plaintext.len);
	assert_int_equal(out[plaintext.len], 0xee);
	aead_seal(alg, key, nonce, aad, plaintext, out);
	assert_memory_equal(out, sealed, len);
}

static void check_file(const char *file)
{
	struct vectors *vectors = vectors_open(file);
	enum aead_alg alg;

	while (vectors_next(vectors))
		if (find_alg(vectors, &alg))
			check_vector(vectors, alg);
	vectors_close(vectors);
}

static void test_vectors(void **state)
{
	(void)state;
	check_file("rfc.txt");
	check_file("aead.txt");
}

struct message {
	enum aead_alg alg;
	uint8_t key_data[AEAD_KEY_LEN_MAX];
	uint8_t nonce_data[AEAD_NONCE_LEN_MAX];
	uint8_t aad_data[21];
	uint8_t plaintext[300];
	uint8_t sealed[300 + AEAD_TAG_LEN];
	struct bytes key;
	struct bytes nonce;
	struct bytes aad;
	size_t len;
};

static void message_make(struct message *message, enum aead_alg alg, size_t len)
{
	struct test_random seeded = {.seed = len};
	struct random_source random = test_random_source(&seeded);

	memset(message, 0, sizeof(*message));
	assert_int_equal(random_fill(&random, message->key_data, sizeof(message->key_data)),
			 SOTTO_OK);
	assert_int_equal(random_fill(&random, message->nonce_data, sizeof(message->nonce_data)),
			 SOTTO_OK);
	assert_int_equal(random_fill(&random, message->plaintext, len), SOTTO_OK);
	message->alg = alg;
	message->key = BYTES(message->key_data, aead_key_len(alg));
	message->nonce = BYTES(message->nonce_data, aead_nonce_len(alg));
	message->aad = BYTES_OF(message->aad_data);
	message->len = len;
	aead_seal(alg, message->key, message->nonce, message->aad, BYTES(message->plaintext, len),
		  message->sealed);
}

/* Is it refused, and does out say nothing? */
static void assert_refused(const struct message *message, struct bytes sealed)
{
	uint8_t out[sizeof(message->sealed)];
	size_t len = sealed.len < AEAD_TAG_LEN ? 0 : sealed.len - AEAD_TAG_LEN;

	memset(out, 0xee, sizeof(out));
	assert_int_equal(
		aead_open(message->alg, message->key, message->nonce, message->aad, sealed, out),
		SOTTO_ERR_VERIFY);
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], i < len ? 0 : 0xee);
}

static void test_bit_flips_and_cuts(void **state)
{
	static const size_t lens[] = {0, 1, 15, 16, 17, 64, 129};
	struct message message;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algs) * ARRAY_LEN(lens); i++) {
		size_t sealed_len = lens[i / ARRAY_LEN(algs)] + AEAD_TAG_LEN;

		message_make(&message, algs[i % ARRAY_LEN(algs)], lens[i / ARRAY_LEN(algs)]);
		for (size_t bit = 0; bit < 8 * sealed_len; bit++) {
			message.sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_refused(&message, BYTES(message.sealed, sealed_len));
			message.sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (size_t len = 0; len < sealed_len; len++)
			assert_refused(&message, BYTES(message.sealed, len));
		for (size_t bit = 0; bit < 8 * sizeof(message.aad_data); bit++) {
			message.aad_data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_refused(&message, BYTES(message.sealed, sealed_len));
			message.aad_data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * message.nonce.len; bit++) {
			message.nonce_data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_refused(&message, BYTES(message.sealed, sealed_len));
			message.nonce_data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * message.key.len; bit++) {
			message.key_data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_refused(&message, BYTES(message.sealed, sealed_len));
			message.key_data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void test_in_place(void **state)
{
	struct message message;
	uint8_t buffer[sizeof(message.sealed)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		for (size_t len = 0; len <= sizeof(message.plaintext); len++) {
			message_make(&message, algs[i], len);
			memcpy(buffer, message.plaintext, len);
			aead_seal(message.alg, message.key, message.nonce, message.aad,
				  BYTES(buffer, len), buffer);
			assert_memory_equal(buffer, message.sealed, len + AEAD_TAG_LEN);
			assert_int_equal(aead_open(message.alg, message.key, message.nonce,
						   message.aad, BYTES(buffer, len + AEAD_TAG_LEN),
						   buffer),
					 SOTTO_OK);
			assert_memory_equal(buffer, message.plaintext, len);
		}
	}
}

/* FIPS 197, 5.1.1: the inverse in GF(2^8) by search, then the affine map bit by bit. */
static uint8_t sub_byte(uint8_t byte)
{
	unsigned inverse = 0;
	uint8_t out = 0;

	for (unsigned candidate = 1; candidate < 256 && byte != 0; candidate++) {
		unsigned product = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			product ^= (candidate >> bit & 1) * ((unsigned)byte << bit);
		for (unsigned bit = 14; bit >= 8; bit--)
			product ^= (product >> bit & 1) * (0x11bU << (bit - 8));
		if (product == 1)
			inverse = candidate;
	}
	for (unsigned bit = 0; bit < 8; bit++) {
		unsigned sum = inverse >> bit ^ inverse >> (bit + 4) % 8 ^
			       inverse >> (bit + 5) % 8 ^ inverse >> (bit + 6) % 8 ^
			       inverse >> (bit + 7) % 8 ^ 0x63U >> bit;

		out |= (uint8_t)((sum & 1) << bit);
	}
	return out;
}

static void test_sub_word(void **state)
{
	(void)state;
	assert_int_equal(sub_byte(0x53), 0xed); /* the example of FIPS 197 */
	for (unsigned byte = 0; byte < 256; byte++)
		for (unsigned at = 0; at < 32; at += 8)
			assert_int_equal(aes_sub_word(byte << at | 0x53U << (at + 8) % 32) >> at &
						 0xff,
					 sub_byte((uint8_t)byte));
}

/* Ours, with whatever instructions this CPU has, against nettle's, which looks the S-box up in a table. */
static void test_key_schedule(void **state)
{
	struct test_random seeded = {.seed = 1};
	struct random_source random = test_random_source(&seeded);

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		uint8_t key[32];
		struct aes_key ours;
		struct aes128_ctx aes128;
		struct aes256_ctx aes256;

		assert_int_equal(random_fill(&random, key, sizeof(key)), SOTTO_OK);
		aes_key_init(&ours, BYTES(key, 16));
		aes128_set_encrypt_key(&aes128, key);
		assert_memory_equal(&ours.schedule, &aes128, sizeof(aes128));
		aes_key_init(&ours, BYTES(key, 32));
		aes256_set_encrypt_key(&aes256, key);
		assert_memory_equal(&ours.schedule, &aes256, sizeof(aes256));
	}
}

/* NIST SP 800-38A, F.5.1 and F.5.5: the first block of each, and the same over a carry and in place. */
static void test_ctr(void **state)
{
	static const uint8_t key128[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
					   0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
	static const uint8_t key256[32] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe,
					   0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81,
					   0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7,
					   0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
	static const uint8_t counter[16] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
					    0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
	static const uint8_t plaintext[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
					      0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
	static const uint8_t expected128[16] = {0x87, 0x4d, 0x61, 0x91, 0xb6, 0x20, 0xe3, 0x26,
						0x1b, 0xef, 0x68, 0x64, 0x99, 0x0d, 0xb6, 0xce};
	static const uint8_t expected256[16] = {0x60, 0x1e, 0xc3, 0x13, 0x77, 0x57, 0x89, 0xa5,
						0xb7, 0xa7, 0xf5, 0x04, 0xbb, 0xf3, 0xd2, 0x28};
	uint8_t out[200] = {0}, again[200];

	(void)state;
	ctr_xor(BYTES_OF(key128), BYTES_OF(counter), BYTES_OF(plaintext), out);
	assert_memory_equal(out, expected128, sizeof(expected128));
	ctr_xor(BYTES_OF(key256), BYTES_OF(counter), BYTES_OF(plaintext), out);
	assert_memory_equal(out, expected256, sizeof(expected256));
	for (size_t len = 0; len <= sizeof(out); len++) {
		ctr_xor(BYTES_OF(key128), BYTES_OF(counter), BYTES(out, len), again);
		ctr_xor(BYTES_OF(key128), BYTES_OF(counter), BYTES(again, len), again);
		assert_memory_equal(out, again, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	     cmocka_unit_test(test_bit_flips_and_cuts),
		cmocka_unit_test(test_in_place),     cmocka_unit_test(test_sub_word),
		cmocka_unit_test(test_key_schedule), cmocka_unit_test(test_ctr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
