/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ML-KEM by the vectors of NIST and of C2SP/CCTV, then what they leave out: every bit of a ciphertext, of a key's hash,
 * and wrong lengths. All of it by each implementation of the inner loops that this processor can run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/mlkem_internal.h"
#include "tests/vectors.h"

#define SETS 3

static const struct mlkem_ops *implementations[2] = {&mlkem_portable};
static size_t implementation_count = 1;

static enum mlkem_set set_of(struct vectors *vectors)
{
	switch (vector_number(vectors, "set")) {
	case 512:
		return MLKEM_512;
	case 768:
		return MLKEM_768;
	default:
		return MLKEM_1024;
	}
}

static void assert_bytes(const uint8_t *data, struct bytes expected)
{
	assert_memory_equal(data, expected.data, expected.len);
}

static void check_keygen(const struct mlkem_ops *ops, struct vectors *vectors)
{
	enum mlkem_set set = set_of(vectors);
	struct bytes d = vector_hex(vectors, "d"), ek = vector_hex(vectors, "ek");
	struct bytes dk = vector_hex(vectors, "dk");
	uint8_t ek_made[MLKEM_EK_LEN_MAX], dk_made[MLKEM_DK_LEN_MAX];

	assert_int_equal(ek.len, mlkem_ek_len(set));
	assert_int_equal(dk.len, mlkem_dk_len(set));
	mlkem_keygen_by(ops, set, d.data, vector_hex(vectors, "z").data, ek_made, dk_made);
	assert_bytes(ek_made, ek);
	assert_bytes(dk_made, dk);
	memset(ek_made, 0, sizeof(ek_made));
	mlkem_ek_seed(set, d.data, ek_made);
	assert_bytes(ek_made, ek);
	assert_int_equal(mlkem_check_ek(set, ek), SOTTO_OK);
}

static void check_encaps(const struct mlkem_ops *ops, struct vectors *vectors)
{
	enum mlkem_set set = set_of(vectors);
	struct bytes ciphertext = vector_hex(vectors, "c");
	uint8_t made[MLKEM_CIPHERTEXT_LEN_MAX], shared[MLKEM_SHARED_LEN];

	assert_int_equal(ciphertext.len, mlkem_ciphertext_len(set));
	assert_int_equal(mlkem_encaps_by(ops, set, vector_hex(vectors, "ek"),
					 vector_hex(vectors, "m").data, made, shared),
			 SOTTO_OK);
	assert_bytes(made, ciphertext);
	assert_bytes(shared, vector_hex(vectors, "k"));
}

static void check_decaps(const struct mlkem_ops *ops, struct vectors *vectors)
{
	uint8_t shared[MLKEM_SHARED_LEN];

	assert_int_equal(mlkem_decaps_by(ops, set_of(vectors), vector_hex(vectors, "dk"),
					 vector_hex(vectors, "c"), shared),
			 SOTTO_OK);
	assert_bytes(shared, vector_hex(vectors, "k"));
}

static void check_unlucky(const struct mlkem_ops *ops, struct vectors *vectors)
{
	check_encaps(ops, vectors);
	check_decaps(ops, vectors);
}

static void check_modulus(const struct mlkem_ops *ops, struct vectors *vectors)
{
	enum mlkem_set set = set_of(vectors);
	struct bytes ek = vector_hex(vectors, "ek");
	uint8_t made[MLKEM_CIPHERTEXT_LEN_MAX] = {0}, zeros[MLKEM_CIPHERTEXT_LEN_MAX] = {0};
	uint8_t m[MLKEM_RANDOM_LEN] = {1}, shared[MLKEM_SHARED_LEN] = {0};

	assert_int_equal(ek.len, mlkem_ek_len(set));
	assert_int_equal(mlkem_check_ek(set, ek), SOTTO_ERR_INVALID);
	assert_int_equal(mlkem_encaps_by(ops, set, ek, m, made, shared), SOTTO_ERR_INVALID);
	assert_memory_equal(made, zeros, sizeof(made));
	assert_memory_equal(shared, zeros, sizeof(shared));
}

static void test_vectors(void **state)
{
	static const struct {
		const char *type;
		void (*check)(const struct mlkem_ops *ops, struct vectors *vectors);
	} kinds[] = {
		{"keygen", check_keygen},	  {"encapsulation", check_encaps},
		{"decapsulation", check_decaps},  {"strcmp", check_decaps},
		{"unluckysample", check_unlucky}, {"modulus", check_modulus},
	};
	unsigned seen[ARRAY_LEN(kinds)][SETS] = {0};
	struct vectors *vectors = vectors_open("mlkem.txt");

	(void)state;
	while (vectors_next(vectors)) {
		size_t kind = 0;

		while (strcmp(kinds[kind].type, vector_text(vectors, "type")) != 0)
			assert_true(++kind < ARRAY_LEN(kinds));
		seen[kind][set_of(vectors)]++;
		for (size_t i = 0; i < implementation_count; i++)
			kinds[kind].check(implementations[i], vectors);
	}
	vectors_close(vectors);
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		for (size_t set = 0; set < SETS; set++)
			assert_true(seen[kind][set] != 0);
}

/* A key pair and a ciphertext of a set. */
struct made {
	enum mlkem_set set;
	uint8_t ek[MLKEM_EK_LEN_MAX], dk[MLKEM_DK_LEN_MAX], ciphertext[MLKEM_CIPHERTEXT_LEN_MAX];
	uint8_t d[MLKEM_RANDOM_LEN], z[MLKEM_RANDOM_LEN], shared[MLKEM_SHARED_LEN];
	struct bytes dk_bytes, ek_bytes, ciphertext_bytes;
};

static void make(struct made *made, const struct mlkem_ops *ops, enum mlkem_set set, uint8_t seed)
{
	const uint8_t m[MLKEM_RANDOM_LEN] = {3, seed};

	*made = (struct made){.set = set, .d = {1, seed}, .z = {2, seed}};
	made->ek_bytes = BYTES(made->ek, mlkem_ek_len(set));
	made->dk_bytes = BYTES(made->dk, mlkem_dk_len(set));
	made->ciphertext_bytes = BYTES(made->ciphertext, mlkem_ciphertext_len(set));
	mlkem_keygen_by(ops, set, made->d, made->z, made->ek, made->dk);
	assert_int_equal(
		mlkem_encaps_by(ops, set, made->ek_bytes, m, made->ciphertext, made->shared),
		SOTTO_OK);
}

/* With any bit of the ciphertext flipped the secret is the hash of z and the ciphertext (7.3, implicit rejection). */
static void check_altered_ciphertext(const struct mlkem_ops *ops, struct made *made, size_t step)
{
	struct bytes parts[] = {BYTES_OF(made->z), made->ciphertext_bytes};

	for (size_t bit = 0; bit < 8 * made->ciphertext_bytes.len; bit += step) {
		uint8_t expected[MLKEM_SHARED_LEN], shared[MLKEM_SHARED_LEN];

		made->ciphertext[bit / 8] ^= (uint8_t)(1U << bit % 8);
		shake256(parts, 2, expected, sizeof(expected));
		assert_int_equal(mlkem_decaps_by(ops, made->set, made->dk_bytes,
						 made->ciphertext_bytes, shared),
				 SOTTO_OK);
		assert_memory_equal(shared, expected, sizeof(shared));
		made->ciphertext[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void test_altered_ciphertext(void **state)
{
	(void)state;
	for (size_t i = 0; i < implementation_count; i++) {
		for (enum mlkem_set set = MLKEM_512; set <= MLKEM_1024; set++) {
			uint8_t shared[MLKEM_SHARED_LEN];
			struct made made;

			make(&made, implementations[i], set, 0);
			assert_int_equal(mlkem_decaps_by(implementations[i], set, made.dk_bytes,
							 made.ciphertext_bytes, shared),
					 SOTTO_OK);
			assert_memory_equal(shared, made.shared, sizeof(shared));
			memset(shared, 0, sizeof(shared));
			mlkem_decaps_seed(set, made.d, made.z, made.ciphertext, shared);
			assert_memory_equal(shared, made.shared, sizeof(shared));
			/* Every bit by one implementation, every byte by the other. */
			check_altered_ciphertext(implementations[i], &made, i == 0 ? 9 : 1);
		}
	}
}

/* A bit of the encapsulation key in dk, or of its hash: the key is refused (7.3). Of s and z: it is another key. */
static void test_altered_dk(void **state)
{
	(void)state;
	for (enum mlkem_set set = MLKEM_512; set <= MLKEM_1024; set++) {
		uint8_t shared[MLKEM_SHARED_LEN];
		struct made made;
		size_t ek_at, z_at;

		make(&made, implementations[0], set, 0);
		z_at = made.dk_bytes.len - MLKEM_RANDOM_LEN;
		ek_at = z_at - SHA3_256_LEN - made.ek_bytes.len;
		for (size_t bit = 0; bit < 8 * made.dk_bytes.len; bit += 3) {
			bool hashed = bit / 8 >= ek_at && bit / 8 < z_at;

			made.dk[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(
				mlkem_decaps(set, made.dk_bytes, made.ciphertext_bytes, shared),
				hashed ? SOTTO_ERR_INVALID : SOTTO_OK);
			made.dk[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void test_lengths(void **state)
{
	static const uint8_t zeros[2 * MLKEM_DK_LEN_MAX];

	(void)state;
	for (enum mlkem_set set = MLKEM_512; set <= MLKEM_1024; set++) {
		uint8_t shared[MLKEM_SHARED_LEN] = {0};
		struct made made;

		make(&made, implementations[0], set, 0);
		for (size_t len = 0; len <= sizeof(zeros); len++) {
			struct bytes other = BYTES(zeros, len);

			if (len != made.ek_bytes.len) {
				assert_int_equal(mlkem_check_ek(set, other), SOTTO_ERR_INVALID);
				assert_int_equal(
					mlkem_encaps(set, other, made.d, made.ciphertext, shared),
					SOTTO_ERR_INVALID);
			}
			if (len != made.ciphertext_bytes.len)
				assert_int_equal(mlkem_decaps(set, made.dk_bytes, other, shared),
						 SOTTO_ERR_INVALID);
			assert_int_equal(mlkem_decaps(set, other, made.ciphertext_bytes, shared),
					 SOTTO_ERR_INVALID); /* zeros have another hash */
		}
		assert_memory_equal(shared, zeros, sizeof(shared));
	}
}

/* The public functions choose an implementation; every one gives the same. */
static void test_agreement(void **state)
{
	static struct made first, other;

	(void)state;
	for (enum mlkem_set set = MLKEM_512; set <= MLKEM_1024; set++) {
		for (uint8_t seed = 0; seed < 50; seed++) {
			make(&first, mlkem_ops_choose(), set, seed);
			for (size_t i = 0; i < implementation_count; i++) {
				uint8_t shared[MLKEM_SHARED_LEN];

				make(&other, implementations[i], set, seed);
				assert_memory_equal(first.ek, other.ek, sizeof(first.ek));
				assert_memory_equal(first.dk, other.dk, sizeof(first.dk));
				assert_memory_equal(first.ciphertext, other.ciphertext,
						    sizeof(first.ciphertext));
				assert_memory_equal(first.shared, other.shared, sizeof(shared));
				assert_int_equal(mlkem_decaps_by(implementations[i], set,
								 first.dk_bytes,
								 first.ciphertext_bytes, shared),
						 SOTTO_OK);
				assert_memory_equal(first.shared, shared, sizeof(shared));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	   cmocka_unit_test(test_altered_ciphertext),
		cmocka_unit_test(test_altered_dk), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_agreement),
	};

	if (mlkem_ops_avx2() != NULL)
		implementations[implementation_count++] = mlkem_ops_avx2();
	else
		print_message("# no AVX2 here: the portable code only\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
