/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diffie-Hellman by Wycheproof's vectors, X-Wing by its own, HPKE's KEMs with ML-KEM by the draft's; then all KEMs:
 * refused keys, failing random sources.
 */
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
	size_t private_len;
	bool point; /* public keys are points that may be off the curve */
} groups[] = {
	{"secp256r1", DH_P256, 32, true}, {"secp384r1", DH_P384, 48, true},
	{"secp521r1", DH_P521, 66, true}, {"curve25519", DH_X25519, 32, false},
	{"curve448", DH_X448, 56, false},
};

/* What an enc is: a point of a curve, a number that is always one, or a ciphertext, which never looks wrong. */
static const struct {
	enum kem_alg alg;
	enum { POINT, NUMBER, CIPHERTEXT } enc;
} kems[] = {
	{KEM_P256_SHA256, POINT},    {KEM_P384_SHA384, POINT},	  {KEM_P521_SHA512, POINT},
	{KEM_X25519_SHA256, NUMBER}, {KEM_X448_SHA512, NUMBER},	  {KEM_MLKEM512, CIPHERTEXT},
	{KEM_MLKEM768, CIPHERTEXT},  {KEM_MLKEM1024, CIPHERTEXT}, {KEM_XWING, CIPHERTEXT},
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

/* DeriveKeyPair, Encap and Decap of one case; ikm: NULL where the case begins with the private key. */
static void check_case(enum kem_alg alg, const struct bytes *ikm, struct bytes drawn,
		       struct bytes private_key, struct bytes public_key, struct bytes enc,
		       struct bytes shared)
{
	struct test_random fixed = {.fixed = drawn};
	struct random_source random = test_random_source(&fixed);
	uint8_t made[KEM_PUBLIC_LEN_MAX];
	struct secret secret;

	assert_int_equal(public_key.len, kem_public_len(alg));
	assert_int_equal(private_key.len, kem_private_len(alg));
	assert_int_equal(enc.len, kem_enc_len(alg));
	if (ikm != NULL) {
		assert_int_equal(kem_derive(alg, *ikm, &secret, made), SOTTO_OK);
		/* The generator writes an X448 scalar as RFC 7748 decodes it; RFC 9180's vectors do not. */
		if (alg != KEM_X448_SHA512)
			assert_true(bytes_equal(secret_bytes(&secret), private_key));
		assert_memory_equal(made, public_key.data, public_key.len);
		memset(made, 0, sizeof(made));
	}
	assert_int_equal(kem_public(alg, private_key, made), SOTTO_OK);
	assert_memory_equal(made, public_key.data, public_key.len);
	assert_int_equal(kem_check_public(alg, public_key), SOTTO_OK);
	assert_int_equal(kem_encap(alg, &random, public_key, made, &secret), SOTTO_OK);
	assert_memory_equal(made, enc.data, enc.len);
	assert_true(bytes_equal(secret_bytes(&secret), shared));
	assert_int_equal(fixed.calls, 1);
	assert_int_equal(fixed.fixed.len, 0);
	secret_wipe(&secret);
	assert_int_equal(kem_decap(alg, private_key, enc, &secret), SOTTO_OK);
	assert_true(bytes_equal(secret_bytes(&secret), shared));
}

static void test_xwing_vectors(void **state)
{
	struct vectors *vectors = vectors_open("xwing.txt");

	(void)state;
	while (vectors_next(vectors))
		check_case(KEM_XWING, NULL, vector_hex(vectors, "eseed"), vector_hex(vectors, "sk"),
			   vector_hex(vectors, "pk"), vector_hex(vectors, "ct"),
			   vector_hex(vectors, "ss"));
	vectors_close(vectors);
}

static void test_hpke_pq_vectors(void **state)
{
	struct vectors *vectors = vectors_open("hpke-pq.txt");
	unsigned ciphertexts = 0;

	(void)state;
	while (vectors_next(vectors)) {
		enum kem_alg alg = (enum kem_alg)vector_number(vectors, "kem_id");
		struct bytes ikm = vector_hex(vectors, "ikmR");

		ciphertexts += alg >= KEM_MLKEM512;
		check_case(alg, &ikm, vector_hex(vectors, "ikmE"), vector_hex(vectors, "skRm"),
			   vector_hex(vectors, "pkRm"), vector_hex(vectors, "enc"),
			   vector_hex(vectors, "shared_secret"));
	}
	vectors_close(vectors);
	assert_true(ciphertexts >= 6);
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

/* A pair, and what was sent to it. */
struct sent {
	struct pair pair;
	uint8_t enc[KEM_ENC_LEN_MAX];
	struct bytes enc_bytes;
	struct secret shared;
};

static void send(struct sent *sent, enum kem_alg alg, uint64_t seed)
{
	struct test_random seeded = {.seed = 99};
	struct random_source random = test_random_source(&seeded);

	pair_make(&sent->pair, alg, seed);
	assert_int_equal(kem_encap(alg, &random, sent->pair.public_key, sent->enc, &sent->shared),
			 SOTTO_OK);
	assert_int_equal(sent->shared.len, kem_secret_len(alg));
	sent->enc_bytes = BYTES(sent->enc, kem_enc_len(alg));
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
		struct secret received;
		struct sent sent;

		send(&sent, kems[i].alg, i);
		assert_int_equal(kem_decap(kems[i].alg, secret_bytes(&sent.pair.private_key),
					   sent.enc_bytes, &received),
				 SOTTO_OK);
		assert_true(secret_equal(&sent.shared, &received));
	}
}

/* Every bit of a NIST point flipped is off the curve; otherwise it is another key or ciphertext, so another secret. */
static void test_altered_enc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
		enum kem_alg alg = kems[i].alg;
		struct sent sent;

		send(&sent, alg, i);
		for (size_t bit = 0; bit < 8 * sent.enc_bytes.len;
		     bit += kems[i].enc == POINT ? 1 : 7) {
			struct secret received = {.len = 0};
			enum sotto_err err;

			sent.enc[bit / 8] ^= (uint8_t)(1U << bit % 8);
			err = kem_decap(alg, secret_bytes(&sent.pair.private_key), sent.enc_bytes,
					&received);
			/* The high bit of an X25519 key is ignored (RFC 7748 5), also in X-Wing; there it is hashed. */
			assert_int_equal(err, kems[i].enc == POINT ? SOTTO_ERR_INVALID : SOTTO_OK);
			assert_false(secret_equal(&sent.shared, &received));
			if (kems[i].enc != CIPHERTEXT)
				assert_int_equal(kem_check_public(alg, sent.enc_bytes), err);
			sent.enc[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void test_wrong_lengths_and_zeros(void **state)
{
	static const uint8_t zeros[2 * KEM_PUBLIC_LEN_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
		struct test_random seeded = {.seed = 99};
		struct random_source random = test_random_source(&seeded);
		enum kem_alg alg = kems[i].alg;
		bool dh =
			kems[i].enc != CIPHERTEXT; /* zeros are refused even in the right number */
		struct secret shared = {.len = 0};
		struct secret private_key;
		struct sent sent;

		send(&sent, alg, i);
		private_key = sent.pair.private_key;
		for (size_t len = 0; len <= 2 * kem_public_len(alg); len++) {
			struct bytes other = BYTES(zeros, len);

			if (dh || len != kem_public_len(alg))
				assert_int_equal(kem_encap(alg, &random, other, sent.enc, &shared),
						 SOTTO_ERR_INVALID);
			if (dh || len != kem_enc_len(alg))
				assert_int_equal(
					kem_decap(alg, secret_bytes(&private_key), other, &shared),
					SOTTO_ERR_INVALID);
			if (kems[i].enc == POINT || len != kem_public_len(alg))
				assert_int_equal(kem_check_public(alg, other), SOTTO_ERR_INVALID);
			if (len == kem_private_len(alg))
				continue;
			assert_int_equal(kem_decap(alg, other, sent.enc_bytes, &shared),
					 SOTTO_ERR_INVALID);
			assert_int_equal(kem_public(alg, other, sent.pair.public_data),
					 SOTTO_ERR_INVALID);
		}
		assert_int_equal(shared.len, 0);
	}
}

/* A coefficient of q or more in each place of an encapsulation key: refused, and nothing drawn goes out. */
static void test_unreduced_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
		struct test_random seeded = {.seed = 99};
		struct random_source random = test_random_source(&seeded);
		uint8_t enc[KEM_ENC_LEN_MAX] = {0}, zeros[KEM_ENC_LEN_MAX] = {0};
		struct secret shared = {.len = 0};
		enum kem_alg alg = kems[i].alg;
		struct pair pair;

		if (kems[i].enc != CIPHERTEXT)
			continue;
		pair_make(&pair, alg, i);
		for (size_t at = 0; at + 64 < pair.public_key.len; at += 3) {
			uint8_t kept[2] = {pair.public_data[at], pair.public_data[at + 1]};

			pair.public_data[at] = 0x01; /* q itself */
			pair.public_data[at + 1] = (uint8_t)((kept[1] & 0xf0) | 0x0d);
			assert_int_equal(kem_check_public(alg, pair.public_key), SOTTO_ERR_INVALID);
			assert_int_equal(kem_encap(alg, &random, pair.public_key, enc, &shared),
					 SOTTO_ERR_INVALID);
			memcpy(pair.public_data + at, kept, 2);
		}
		assert_int_equal(kem_check_public(alg, pair.public_key), SOTTO_OK);
		assert_int_equal(shared.len, 0);
		assert_memory_equal(enc, zeros, sizeof(enc));
	}
}

/* X-Wing hashes an X25519 result of zeros like any other: both sides go on, as with other implementations. */
static void test_xwing_small_order(void **state)
{
	static const uint8_t points[][32] = {{0}, {1}};
	struct test_random seeded = {.seed = 99};
	struct random_source random = test_random_source(&seeded);
	struct secret sent, received, first;
	uint8_t enc[KEM_ENC_LEN_MAX];
	struct pair pair;

	(void)state;
	pair_make(&pair, KEM_XWING, 1);
	assert_int_equal(kem_encap(KEM_XWING, &random, pair.public_key, enc, &first), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		memcpy(enc + 1088, points[i], 32);
		assert_int_equal(kem_decap(KEM_XWING, secret_bytes(&pair.private_key),
					   BYTES(enc, 1120), &received),
				 SOTTO_OK);
		assert_false(secret_equal(&first, &received));
		memcpy(pair.public_data + 1184, points[i], 32);
		assert_int_equal(kem_check_public(KEM_XWING, pair.public_key), SOTTO_OK);
		assert_int_equal(kem_encap(KEM_XWING, &random, pair.public_key, enc, &sent),
				 SOTTO_OK);
	}
}

static void test_failing_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
		struct test_random refusing = {.refuse_call = 1};
		struct random_source random = test_random_source(&refusing);
		enum kem_alg alg = kems[i].alg;
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
		cmocka_unit_test(test_xwing_vectors),
		cmocka_unit_test(test_hpke_pq_vectors),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_altered_enc),
		cmocka_unit_test(test_wrong_lengths_and_zeros),
		cmocka_unit_test(test_unreduced_key),
		cmocka_unit_test(test_xwing_small_order),
		cmocka_unit_test(test_failing_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
