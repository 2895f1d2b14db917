/* SPDX-License-Identifier: Apache-2.0 */
/* Diffie-Hellman by Wycheproof's vectors, and the KEMs: refused keys, failing random sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/dh.h"
#include "crypto/kem.h"
#include "tests/random.h"
#include "tests/vectors.h"

static const struct {
	const char *name;
	enum dh_group group;
	enum kem_alg kem;
	size_t private_len;
	bool point; /* public keys are points that may be off the curve */
} groups[] = {
	{"secp256r1", DH_P256, KEM_P256_SHA256, 32, true},
	{"secp384r1", DH_P384, KEM_P384_SHA384, 48, true},
	{"secp521r1", DH_P521, KEM_P521_SHA512, 66, true},
	{"curve25519", DH_X25519, KEM_X25519_SHA256, 32, false},
	{"curve448", DH_X448, KEM_X448_SHA512, 56, false},
};

/* The vectors write NIST scalars as numbers: with a sign byte, or shorter. */
static struct bytes pad_scalar(struct bytes scalar, size_t len, uint8_t *padded)
{
	while (scalar.len > len && scalar.data[0] == 0) {
		scalar.data++;
		scalar.len--;
	}
	if (scalar.len > len)
		return scalar;
	memset(padded, 0, len);
	memcpy(padded + len - scalar.len, scalar.data, scalar.len);
	return BYTES(padded, len);
}

/*
 * What must happen: the shared secret, or a refusal. Wycheproof leaves open ("acceptable") what RFC 9180
 * decides: compressed points are not its format, and an all-zero secret is refused.
 */
static bool must_refuse(struct vectors *vectors, bool point)
{
	static const uint8_t zeros[DH_PRIVATE_LEN_MAX];
	struct bytes shared = vector_hex(vectors, "shared");

	if (strcmp(vector_text(vectors, "result"), "invalid") == 0)
		return true;
	if (point)
		return strcmp(vector_text(vectors, "result"), "acceptable") == 0;
	return bytes_equal(shared, BYTES(zeros, shared.len));
}

static void check_file(const char *file)
{
	struct vectors *vectors = vectors_open(file);

	while (vectors_next(vectors)) {
		for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
			uint8_t padded[DH_PRIVATE_LEN_MAX];
			struct secret shared = {.len = 0};
			struct bytes private_key;
			enum sotto_err err;

			if (strcmp(vector_text(vectors, "algorithm"), groups[i].name) != 0 ||
			    !vector_has(vectors, "shared"))
				continue;
			private_key = vector_hex(vectors, "private");
			if (groups[i].point)
				private_key =
					pad_scalar(private_key, groups[i].private_len, padded);
			err = dh_shared(groups[i].group, private_key, vector_hex(vectors, "public"),
					&shared);
			if (must_refuse(vectors, groups[i].point)) {
				if (err != SOTTO_ERR_INVALID || shared.len != 0)
					fail_msg("%s:%u", file, vectors_line(vectors));
			} else if (err != SOTTO_OK || !bytes_equal(secret_bytes(&shared),
								   vector_hex(vectors, "shared"))) {
				fail_msg("%s:%u", file, vectors_line(vectors));
			}
		}
	}
	vectors_close(vectors);
}

static void test_vectors(void **state)
{
	(void)state;
	check_file("rfc.txt");
	check_file("ecdh.txt");
}

struct pair {
	struct secret private_key;
	uint8_t public_data[KEM_PUBLIC_LEN_MAX];
	struct bytes public_key;
};

static void pair_make(struct pair *pair, enum kem_alg alg, uint64_t seed)
{
	struct test_random seeded = {.seed = seed};
	struct random_source random = test_random_source(&seeded);

	assert_int_equal(kem_generate(alg, &random, &pair->private_key, pair->public_data),
			 SOTTO_OK);
	assert_int_equal(pair->private_key.len, kem_private_len(alg));
	pair->public_key = BYTES(pair->public_data, kem_public_len(alg));
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct test_random seeded = {.seed = 99};
		struct random_source random = test_random_source(&seeded);
		enum kem_alg alg = groups[i].kem;
		uint8_t enc[KEM_ENC_LEN_MAX];
		struct secret sent, received;
		struct pair pair;

		pair_make(&pair, alg, i);
		assert_int_equal(kem_encap(alg, &random, pair.public_key, enc, &sent), SOTTO_OK);
		assert_int_equal(kem_decap(alg, secret_bytes(&pair.private_key),
					   BYTES(enc, kem_enc_len(alg)), &received),
				 SOTTO_OK);
		assert_true(secret_equal(&sent, &received));
		assert_int_equal(sent.len, kem_secret_len(alg));
	}
}

/* Every bit of a NIST point flipped is off the curve; on the others it is another key, so another secret. */
static void test_altered_enc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct test_random seeded = {.seed = 99};
		struct random_source random = test_random_source(&seeded);
		enum kem_alg alg = groups[i].kem;
		uint8_t enc[KEM_ENC_LEN_MAX];
		struct secret sent;
		struct pair pair;

		pair_make(&pair, alg, i);
		assert_int_equal(kem_encap(alg, &random, pair.public_key, enc, &sent), SOTTO_OK);
		for (size_t bit = 0; bit < 8 * kem_enc_len(alg); bit += groups[i].point ? 1 : 7) {
			struct secret received = {.len = 0};
			enum sotto_err err;

			enc[bit / 8] ^= (uint8_t)(1U << bit % 8);
			err = kem_decap(alg, secret_bytes(&pair.private_key),
					BYTES(enc, kem_enc_len(alg)), &received);
			assert_int_equal(err, groups[i].point ? SOTTO_ERR_INVALID : SOTTO_OK);
			assert_false(secret_equal(&sent, &received));
			assert_int_equal(kem_check_public(alg, BYTES(enc, kem_enc_len(alg))), err);
			enc[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void test_wrong_lengths_and_zeros(void **state)
{
	static const uint8_t zeros[KEM_PUBLIC_LEN_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct test_random seeded = {.seed = 99};
		struct random_source random = test_random_source(&seeded);
		enum kem_alg alg = groups[i].kem;
		uint8_t enc[KEM_ENC_LEN_MAX];
		struct secret shared = {.len = 0};
		struct pair pair;

		pair_make(&pair, alg, i);
		for (size_t len = 0; len <= 2 * kem_public_len(alg); len++) {
			assert_int_equal(kem_encap(alg, &random, BYTES(zeros, len), enc, &shared),
					 SOTTO_ERR_INVALID);
			assert_int_equal(kem_decap(alg, secret_bytes(&pair.private_key),
						   BYTES(zeros, len), &shared),
					 SOTTO_ERR_INVALID);
			if (groups[i].point || len != kem_public_len(alg))
				assert_int_equal(kem_check_public(alg, BYTES(zeros, len)),
						 SOTTO_ERR_INVALID);
			if (len != kem_private_len(alg))
				assert_int_equal(
					kem_decap(alg, BYTES(zeros, len), pair.public_key, &shared),
					SOTTO_ERR_INVALID);
		}
		assert_int_equal(shared.len, 0);
	}
}

static void test_failing_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct test_random refusing = {.refuse_call = 1};
		struct random_source random = test_random_source(&refusing);
		enum kem_alg alg = groups[i].kem;
		uint8_t enc[KEM_ENC_LEN_MAX] = {0}, zeros[KEM_ENC_LEN_MAX] = {0};
		struct secret secret = {.len = 0};
		struct pair pair;

		pair_make(&pair, alg, i);
		assert_int_equal(kem_generate(alg, &random, &secret, enc), SOTTO_ERR_RANDOM);
		refusing.calls = 0;
		assert_int_equal(kem_encap(alg, &random, pair.public_key, enc, &secret),
				 SOTTO_ERR_RANDOM);
		assert_int_equal(secret.len, 0);
		assert_memory_equal(enc, zeros, sizeof(enc));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_altered_enc),
		cmocka_unit_test(test_wrong_lengths_and_zeros),
		cmocka_unit_test(test_failing_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
