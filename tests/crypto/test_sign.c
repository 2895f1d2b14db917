/* SPDX-License-Identifier: Apache-2.0 */
/* The five signature schemes: published vectors, every bit flipped, strict DER, failing random sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/der.h"
#include "crypto/sign.h"
#include "tests/random.h"
#include "tests/sparse.h"
#include "tests/vectors.h"

static const struct {
	const char *name;
	enum sign_alg alg;
	bool ecdsa;
	bool rejects; /* private keys that are out of range */
} schemes[] = {
	{"secp256r1", SIGN_ECDSA_P256_SHA256, true, true},
	{"secp384r1", SIGN_ECDSA_P384_SHA384, true, true},
	{"secp521r1", SIGN_ECDSA_P521_SHA512, true, true},
	{"edwards25519", SIGN_ED25519, false, false},
	{"edwards448", SIGN_ED448, false, false},
};

static bool find_alg(struct vectors *vectors, enum sign_alg *alg)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strcmp(vector_text(vectors, "algorithm"), schemes[i].name) != 0)
			continue;
		*alg = schemes[i].alg;
		return true;
	}
	return false;
}

/* Edwards signatures have one value: rfc.txt holds the private key too. */
static void check_creation(struct vectors *vectors, enum sign_alg alg)
{
	struct bytes private_key = vector_hex(vectors, "private");
	struct bytes public_key = vector_hex(vectors, "public");
	struct bytes expected = vector_hex(vectors, "sig");
	uint8_t public_out[SIGN_PUBLIC_LEN_MAX];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;

	assert_int_equal(sign_public(alg, private_key, public_out), SOTTO_OK);
	assert_memory_equal(public_out, public_key.data, public_key.len);
	assert_int_equal(
		sign_create(alg, NULL, private_key, vector_hex(vectors, "msg"), signature, &len),
		SOTTO_OK);
	assert_int_equal(len, expected.len);
	assert_memory_equal(signature, expected.data, len);
}

static void check_file(const char *file)
{
	struct vectors *vectors = vectors_open(file);
	enum sign_alg alg;

	while (vectors_next(vectors)) {
		bool valid = strcmp(vector_text(vectors, "result"), "valid") == 0;
		enum sotto_err err;

		if (!find_alg(vectors, &alg) || !vector_has(vectors, "sig"))
			continue;
		err = sign_verify(alg, vector_hex(vectors, "public"), vector_hex(vectors, "msg"),
				  vector_hex(vectors, "sig"));
		if (err != (valid ? SOTTO_OK : SOTTO_ERR_VERIFY))
			fail_msg("%s:%u", file, vectors_line(vectors));
		if (valid)
			assert_int_equal(sign_check_public(alg, vector_hex(vectors, "public")),
					 SOTTO_OK);
		if (vector_has(vectors, "private"))
			check_creation(vectors, alg);
	}
	vectors_close(vectors);
}

static void test_vectors(void **state)
{
	(void)state;
	check_file("rfc.txt");
	check_file("ecdsa.txt");
	check_file("eddsa.txt");
}

/* A key pair and a signature of "message" with them. */
struct signature {
	enum sign_alg alg;
	struct secret private_key;
	uint8_t public_data[SIGN_PUBLIC_LEN_MAX];
	uint8_t data[SIGN_SIGNATURE_LEN_MAX];
	uint8_t message_data[7];
	size_t len;
};

static void signature_make(struct signature *signature, enum sign_alg alg, uint64_t seed)
{
	struct test_random seeded = {.seed = seed};
	struct random_source random = test_random_source(&seeded);

	signature->alg = alg;
	memcpy(signature->message_data, "message", 7);
	assert_int_equal(
		sign_generate(alg, &random, &signature->private_key, signature->public_data),
		SOTTO_OK);
	assert_int_equal(signature->private_key.len, sign_private_len(alg));
	assert_int_equal(sign_create(alg, &random, secret_bytes(&signature->private_key),
				     BYTES_OF(signature->message_data), signature->data,
				     &signature->len),
			 SOTTO_OK);
	assert_true(signature->len <= sizeof(signature->data));
}

static enum sotto_err signature_check(const struct signature *signature)
{
	return sign_verify(
		signature->alg, BYTES(signature->public_data, sign_public_len(signature->alg)),
		BYTES_OF(signature->message_data), BYTES(signature->data, signature->len));
}

static void flip_all(const struct signature *signature, const char *what, uint8_t *at, size_t len)
{
	for (size_t bit = 0; bit < 8 * len; bit += SPARSE(5)) {
		at[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (signature_check(signature) != SOTTO_ERR_VERIFY)
			fail_msg("%x: %s, bit %zu", (unsigned)signature->alg, what, bit);
		at[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void test_bit_flips_and_lengths(void **state)
{
	struct signature signature;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t whole;

		signature_make(&signature, schemes[i].alg, i);
		assert_int_equal(signature_check(&signature), SOTTO_OK);
		flip_all(&signature, "signature", signature.data, signature.len);
		flip_all(&signature, "message", signature.message_data,
			 sizeof(signature.message_data));
		flip_all(&signature, "key", signature.public_data, sign_public_len(schemes[i].alg));
		whole = signature.len;
		for (signature.len = 0; signature.len <= sizeof(signature.data); signature.len++)
			if (signature.len != whole)
				assert_int_equal(signature_check(&signature), SOTTO_ERR_VERIFY);
	}
}

/* DER makes signatures of several lengths: all of them come out right. */
static void test_many_signatures(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct signature signature;

		signature_make(&signature, SIGN_ECDSA_P256_SHA256, seed);
		assert_int_equal(signature_check(&signature), SOTTO_OK);
	}
}

static void test_wrong_keys(void **state)
{
	uint8_t zeros[SECRET_LEN_MAX + 1] = {0};
	uint8_t ones[SECRET_LEN_MAX + 1];
	uint8_t public_key[SIGN_PUBLIC_LEN_MAX + 1] = {4};
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct test_random seeded = {.seed = 1};
	struct random_source random = test_random_source(&seeded);
	size_t len = 1234;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		enum sign_alg alg = schemes[i].alg;

		for (size_t wrong = 0; wrong <= sizeof(zeros); wrong++) {
			enum sotto_err expected = SOTTO_ERR_INVALID;

			if (wrong == sign_private_len(alg) && !schemes[i].rejects)
				expected = SOTTO_OK;
			assert_int_equal(sign_public(alg, BYTES(zeros, wrong), public_key),
					 expected);
			assert_int_equal(sign_public(alg, BYTES(ones, wrong), public_key),
					 expected);
			/* An expanded Ed25519 key is right too: test_expanded. */
			if (expected == SOTTO_OK || (alg == SIGN_ED25519 && wrong == 64))
				continue;
			assert_int_equal(sign_create(alg, &random, BYTES(ones, wrong), BYTES_NONE,
						     signature, &len),
					 SOTTO_ERR_INVALID);
			assert_int_equal(len, 1234);
		}
		/* All zeros is no point's encoding, or one of small order. */
		memset(public_key, 0, sizeof(public_key));
		public_key[0] = schemes[i].ecdsa ? 4 : 0;
		for (size_t wrong = 0; wrong <= sizeof(public_key); wrong++)
			assert_int_equal(sign_check_public(alg, BYTES(public_key, wrong)),
					 SOTTO_ERR_INVALID);
	}
}

/* An expanded key signs as the plain one does; it begins with that, and is not expanded again. */
static void test_expanded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t private_len = sign_private_len(schemes[i].alg);
		struct signature plain, expanded;
		struct secret once;

		signature_make(&plain, schemes[i].alg, i);
		expanded = plain;
		assert_int_equal(sign_expand(plain.alg, &expanded.private_key), SOTTO_OK);
		once = expanded.private_key;
		assert_int_equal(sign_expand(plain.alg, &expanded.private_key), SOTTO_OK);
		assert_true(secret_equal(&once, &expanded.private_key));
		assert_memory_equal(once.data, plain.private_key.data, private_len);
		assert_int_equal(once.len, schemes[i].alg == SIGN_ED25519 ? 64 : private_len);
		if (schemes[i].alg == SIGN_ED25519)
			assert_memory_equal(once.data + 32, plain.public_data, 32);
		if (schemes[i].ecdsa)
			continue;
		assert_int_equal(sign_create(plain.alg, NULL, secret_bytes(&once),
					     BYTES_OF(plain.message_data), expanded.data,
					     &expanded.len),
				 SOTTO_OK);
		assert_int_equal(expanded.len, plain.len);
		assert_memory_equal(expanded.data, plain.data, plain.len);
	}
	for (size_t wrong = 0; wrong <= SECRET_LEN_MAX; wrong++) {
		struct secret key = {.len = (uint8_t)wrong};
		struct secret untouched = key;

		if (wrong == 32 || wrong == 64)
			continue;
		assert_int_equal(sign_expand(SIGN_ED25519, &key), SOTTO_ERR_INVALID);
		assert_true(secret_equal(&key, &untouched));
	}
}

/*
 * Ed25519: every encoding of every point of small order, canonical or not. With the neutral element for a
 * key, R = B and S = 1 would sign everything, and with the others one message in 2, 4 or 8. Verifying
 * refuses them all, so who verifies by a key need not look at it first.
 */
static void test_ed25519_weak_keys(void **state)
{
	static const struct {
		uint8_t first;
		uint8_t rest;
		uint8_t last;
	} plain[] = {
		{0x01, 0x00, 0x00}, {0x01, 0x00, 0x80}, /* order 1 */
		{0xee, 0xff, 0x7f}, {0xee, 0xff, 0xff}, /* the same, y not reduced */
		{0xec, 0xff, 0x7f}, {0xec, 0xff, 0xff}, /* order 2 */
		{0x00, 0x00, 0x00}, {0x00, 0x00, 0x80}, /* order 4 */
		{0xed, 0xff, 0x7f}, {0xed, 0xff, 0xff}, /* the same, y not reduced */
	};
	static const uint8_t eighth[2][32] = {
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
		 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
		 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
		 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
		 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	uint8_t signature[64] = {0x58, [32] = 1};
	uint8_t keys[ARRAY_LEN(plain) + 4][32];

	(void)state;
	memset(signature + 1, 0x66, 31);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		memset(keys[i], plain[i].rest, 32);
		keys[i][0] = plain[i].first;
		keys[i][31] = plain[i].last;
	}
	for (size_t i = 0; i < 4; i++) {
		memcpy(keys[ARRAY_LEN(plain) + i], eighth[i / 2], 32);
		keys[ARRAY_LEN(plain) + i][31] |= i % 2 == 0 ? 0 : 0x80;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		for (uint8_t message = 0; message < 64; message++)
			assert_int_equal(sign_verify(SIGN_ED25519, BYTES_OF(keys[i]),
						     BYTES(&message, 1), BYTES_OF(signature)),
					 SOTTO_ERR_VERIFY);
	}
}

/* Ed448: the points of order 1, 2 and 4, y not reduced, and stray bits beside the sign. */
static void test_ed448_public_keys(void **state)
{
	static const struct {
		uint8_t first;
		uint8_t rest; /* bytes 1 to 27 and 29 to 55; byte 28 is next */
		uint8_t middle;
		uint8_t last;
		enum sotto_err err;
	} table[] = {
		{0x00, 0x00, 0x00, 0x00, SOTTO_ERR_INVALID}, /* y = 0 */
		{0x01, 0x00, 0x00, 0x00, SOTTO_ERR_INVALID}, /* y = 1 */
		{0x01, 0x00, 0x00, 0x80, SOTTO_ERR_INVALID},
		{0xfe, 0xff, 0xfe, 0x00, SOTTO_ERR_INVALID}, /* y = p - 1 */
		{0xff, 0xff, 0xfe, 0x00, SOTTO_ERR_INVALID}, /* y = p */
		{0xff, 0xff, 0xff, 0x00, SOTTO_ERR_INVALID},
		{0x00, 0x00, 0x00, 0x01, SOTTO_ERR_INVALID},
	};
	struct signature signature;
	uint8_t point[57];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		memset(point, table[i].rest, sizeof(point));
		point[0] = table[i].first;
		point[28] = table[i].middle;
		point[56] = table[i].last;
		assert_int_equal(sign_check_public(SIGN_ED448, BYTES_OF(point)), table[i].err);
	}
	/* Both signs of x name a point. */
	signature_make(&signature, SIGN_ED448, 5);
	assert_int_equal(sign_check_public(SIGN_ED448, BYTES(signature.public_data, 57)), SOTTO_OK);
	signature.public_data[56] ^= 0x80;
	assert_int_equal(sign_check_public(SIGN_ED448, BYTES(signature.public_data, 57)), SOTTO_OK);
}

static void test_failing_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct test_random refusing = {.refuse_call = 1};
		struct random_source random = test_random_source(&refusing);
		struct signature good, untouched;
		uint8_t public_key[SIGN_PUBLIC_LEN_MAX];

		signature_make(&good, schemes[i].alg, i);
		untouched = good;
		assert_int_equal(sign_generate(good.alg, &random, &good.private_key, public_key),
				 SOTTO_ERR_RANDOM);
		assert_memory_equal(&good.private_key, &untouched.private_key,
				    sizeof(good.private_key));
		refusing.calls = 0;
		/* Edwards curves draw nothing, so there is nothing to fail. */
		assert_int_equal(sign_create(good.alg, &random, secret_bytes(&good.private_key),
					     BYTES_TEXT("another"), good.data, &good.len),
				 schemes[i].ecdsa ? SOTTO_ERR_RANDOM : SOTTO_OK);
		if (schemes[i].ecdsa)
			assert_memory_equal(good.data, untouched.data, sizeof(good.data));
	}
}

static enum sotto_err fill_with(void *context, uint8_t *out, size_t len)
{
	memset(out, *(const uint8_t *)context, len);
	return SOTTO_OK;
}

/* A source stuck at one byte: never a key out of range, never the same nonce for two messages. */
static void test_stuck_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		uint8_t stuck = schemes[i].alg == SIGN_ECDSA_P521_SHA512 ? 0x00 : 0xff;
		struct random_source random = {.fill = fill_with, .context = &stuck};
		struct signature first, second;
		uint8_t r[2][66], s[66];

		if (!schemes[i].ecdsa)
			continue;
		signature_make(&first, schemes[i].alg, i);
		assert_int_equal(
			sign_generate(first.alg, &random, &second.private_key, second.public_data),
			SOTTO_ERR_RANDOM);
		second = first;
		assert_int_equal(sign_create(first.alg, &random, secret_bytes(&first.private_key),
					     BYTES_TEXT("message"), first.data, &first.len),
				 SOTTO_OK);
		assert_int_equal(sign_create(first.alg, &random, secret_bytes(&first.private_key),
					     BYTES_TEXT("massage"), second.data, &second.len),
				 SOTTO_OK);
		assert_int_equal(der_get_signature(BYTES(first.data, first.len), 66, r[0], s),
				 SOTTO_OK);
		assert_int_equal(der_get_signature(BYTES(second.data, second.len), 66, r[1], s),
				 SOTTO_OK);
		assert_memory_not_equal(r[0], r[1], sizeof(r[0]));
	}
}

static void test_der(void **state)
{
	/* Of two-byte numbers, so that every rule fits in a line. */
	static const struct {
		const char *what;
		uint8_t der[12];
		uint8_t len;
		enum sotto_err err;
	} table[] = {
		{"plain", {0x30, 6, 2, 1, 1, 2, 1, 2}, 8, SOTTO_OK},
		{"zero, which the range check refuses", {0x30, 6, 2, 1, 0, 2, 1, 2}, 8, SOTTO_OK},
		{"sign byte", {0x30, 7, 2, 2, 0, 0x80, 2, 1, 2}, 9, SOTTO_OK},
		{"full", {0x30, 9, 2, 3, 0, 0xff, 0xff, 2, 2, 0x7f, 0xff}, 11, SOTTO_OK},
		{"empty", {0}, 0, SOTTO_ERR_FORMAT},
		{"a set", {0x31, 6, 2, 1, 1, 2, 1, 2}, 8, SOTTO_ERR_FORMAT},
		{"something behind", {0x30, 6, 2, 1, 1, 2, 1, 2, 0}, 9, SOTTO_ERR_FORMAT},
		{"something inside", {0x30, 7, 2, 1, 1, 2, 1, 2, 0}, 9, SOTTO_ERR_FORMAT},
		{"a third number", {0x30, 9, 2, 1, 1, 2, 1, 2, 2, 1, 1}, 11, SOTTO_ERR_FORMAT},
		{"one number", {0x30, 3, 2, 1, 1}, 5, SOTTO_ERR_FORMAT},
		{"longer than it is", {0x30, 7, 2, 1, 1, 2, 1, 2}, 8, SOTTO_ERR_FORMAT},
		{"long form", {0x30, 0x81, 6, 2, 1, 1, 2, 1, 2}, 9, SOTTO_ERR_FORMAT},
		{"long form inside", {0x30, 7, 2, 0x81, 1, 1, 2, 1, 2}, 9, SOTTO_ERR_FORMAT},
		{"indefinite", {0x30, 0x80, 2, 1, 1, 2, 1, 2, 0, 0}, 10, SOTTO_ERR_FORMAT},
		{"two length bytes", {0x30, 0x82, 0, 6, 2, 1, 1, 2, 1, 2}, 10, SOTTO_ERR_FORMAT},
		{"negative", {0x30, 6, 2, 1, 0x80, 2, 1, 2}, 8, SOTTO_ERR_FORMAT},
		{"needless zero", {0x30, 7, 2, 2, 0, 1, 2, 1, 2}, 9, SOTTO_ERR_FORMAT},
		{"no digit", {0x30, 5, 2, 0, 2, 1, 2}, 7, SOTTO_ERR_FORMAT},
		{"too large", {0x30, 8, 2, 3, 1, 0, 0, 2, 1, 2}, 10, SOTTO_ERR_FORMAT},
		{"not a number", {0x30, 6, 3, 1, 1, 2, 1, 2}, 8, SOTTO_ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct bytes der = BYTES(table[i].der, table[i].len);
		uint8_t r[2], s[2], again[2 * 2 + 9];

		if (der_get_signature(der, 2, r, s) != table[i].err)
			fail_msg("%s", table[i].what);
		if (table[i].err != SOTTO_OK)
			continue;
		assert_int_equal(der_put_signature(r, s, 2, again), der.len);
		assert_memory_equal(again, der.data, der.len);
		for (size_t cut = 0; cut < der.len; cut++)
			assert_int_equal(der_get_signature(BYTES(der.data, cut), 2, r, s),
					 SOTTO_ERR_FORMAT);
	}
}

/* The longest signature needs the one-byte long form, and fits where the header says it does. */
static void test_der_longest(void **state)
{
	uint8_t r[66], s[66], der[2 * 66 + 9], r_again[66], s_again[66];
	size_t len;

	(void)state;
	memset(r, 0xff, sizeof(r));
	memset(s, 0xfe, sizeof(s));
	len = der_put_signature(r, s, 66, der);
	assert_int_equal(len, SIGN_SIGNATURE_LEN_MAX);
	assert_int_equal(der_get_signature(BYTES(der, len), 66, r_again, s_again), SOTTO_OK);
	assert_memory_equal(r, r_again, sizeof(r));
	assert_memory_equal(s, s_again, sizeof(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_bit_flips_and_lengths),
		cmocka_unit_test(test_many_signatures),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_expanded),
		cmocka_unit_test(test_ed25519_weak_keys),
		cmocka_unit_test(test_ed448_public_keys),
		cmocka_unit_test(test_failing_random),
		cmocka_unit_test(test_stuck_random),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_der_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
