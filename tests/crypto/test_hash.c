/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-2, HMAC and HKDF: published vectors, and every way of cutting an input in two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "tests/vectors.h"

static const struct {
	const char *hash;
	const char *hmac;
	const char *hkdf;
	enum hash_alg alg;
	size_t len;
} names[] = {
	{"SHA-256", "HMACSHA256", "HKDF-SHA-256", HASH_SHA256, 32},
	{"SHA-384", "HMACSHA384", "HKDF-SHA-384", HASH_SHA384, 48},
	{"SHA-512", "HMACSHA512", "HKDF-SHA-512", HASH_SHA512, 64},
};

/* The algorithm of this block if it is one of this test's; rfc.txt holds others' too. */
static bool find_alg(struct vectors *vectors, enum hash_alg *alg)
{
	const char *name = vector_text(vectors, "algorithm");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i].hash) != 0 && strcmp(name, names[i].hmac) != 0 &&
		    strcmp(name, names[i].hkdf) != 0)
			continue;
		*alg = names[i].alg;
		assert_int_equal(hash_len(*alg), names[i].len);
		return true;
	}
	return false;
}

static void test_sha2(void **state)
{
	struct vectors *vectors = vectors_open("sha2.txt");

	(void)state;
	while (vectors_next(vectors)) {
		struct bytes message = vector_hex(vectors, "message");
		struct bytes expected = vector_hex(vectors, "digest");
		uint64_t repeat = vector_number(vectors, "repeat");
		uint8_t digest[HASH_LEN_MAX];
		enum hash_alg alg;
		struct hash hash;

		assert_true(find_alg(vectors, &alg));
		hash_init(&hash, alg);
		for (uint64_t i = 0; i < repeat; i++)
			hash_update(&hash, message);
		hash_final(&hash, digest);
		assert_memory_equal(digest, expected.data, expected.len);
	}
	vectors_close(vectors);
}

/* In two updates, cut anywhere; and a copy of the state goes its own way. */
static void test_hash_cuts(void **state)
{
	uint8_t message[300];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t cut = 0; cut <= sizeof(message); cut++) {
			uint8_t whole[HASH_LEN_MAX], parts[HASH_LEN_MAX], fork[HASH_LEN_MAX];
			struct hash hash;
			struct hash copy;

			hash_digest(names[i].alg, BYTES_OF(message), whole);
			hash_init(&hash, names[i].alg);
			hash_update(&hash, BYTES(message, cut));
			copy = hash;
			hash_update(&hash, BYTES(message + cut, sizeof(message) - cut));
			hash_final(&hash, parts);
			assert_memory_equal(whole, parts, names[i].len);
			hash_final(&copy, fork);
			hash_digest(names[i].alg, BYTES(message, cut), whole);
			assert_memory_equal(whole, fork, names[i].len);
		}
	}
}

static void check_hmac(const char *file)
{
	struct vectors *vectors = vectors_open(file);
	enum hash_alg alg;

	while (vectors_next(vectors)) {
		uint8_t digest[HASH_LEN_MAX];
		bool valid = strcmp(vector_text(vectors, "result"), "valid") == 0;
		struct bytes tag;

		if (!find_alg(vectors, &alg) || !vector_has(vectors, "tag"))
			continue;
		tag = vector_hex(vectors, "tag");
		hmac_digest(alg, vector_hex(vectors, "key"), vector_hex(vectors, "msg"), digest);
		assert_true(tag.len <= hash_len(alg)); /* some are truncated */
		assert_int_equal(bytes_equal_ct(digest, tag.data, tag.len), valid);
	}
	vectors_close(vectors);
}

static void test_hmac(void **state)
{
	(void)state;
	check_hmac("rfc.txt");
	check_hmac("hmac.txt");
}

static void check_hkdf(const char *file)
{
	struct vectors *vectors = vectors_open(file);
	enum hash_alg alg;

	while (vectors_next(vectors)) {
		static uint8_t out[255 * HASH_LEN_MAX]; /* too much for a stack frame */
		struct bytes info;
		struct bytes okm;
		struct secret prk;

		/* The invalid ones ask for more than 255 blocks, which is asserted here. */
		if (!find_alg(vectors, &alg) || !vector_has(vectors, "okm") ||
		    strcmp(vector_text(vectors, "result"), "valid") != 0)
			continue;
		okm = vector_hex(vectors, "okm");
		info = vector_hex(vectors, "info");
		assert_int_equal(okm.len, vector_number(vectors, "size"));
		hkdf_extract(alg, vector_hex(vectors, "salt"), vector_hex(vectors, "ikm"), &prk);
		hkdf_expand(alg, secret_bytes(&prk), info, out, okm.len);
		assert_memory_equal(out, okm.data, okm.len);
		for (size_t cut = 0; cut <= info.len; cut++) {
			struct bytes parts[] = {BYTES(info.data, cut),
						BYTES(info.data + cut, info.len - cut)};

			memset(out, 0, okm.len);
			hkdf_expand_parts(alg, secret_bytes(&prk), parts, ARRAY_LEN(parts), out,
					  okm.len);
			assert_memory_equal(out, okm.data, okm.len);
		}
	}
	vectors_close(vectors);
}

static void test_hkdf(void **state)
{
	(void)state;
	check_hkdf("rfc.txt");
	check_hkdf("hkdf.txt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha2),
		cmocka_unit_test(test_hash_cuts),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hkdf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
