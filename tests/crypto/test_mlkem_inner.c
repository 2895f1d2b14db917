/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of ML-KEM: its tables and quotients against plain arithmetic, every published intermediate value,
 * and the portable inner loops against those with AVX2, by random polynomials and by those at the bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/mlkem_internal.h"
#include "tests/random.h"
#include "tests/vectors.h"

static int modulo(int64_t a)
{
	int64_t remainder = a % MLKEM_Q;

	return (int)(remainder < 0 ? remainder + MLKEM_Q : remainder);
}

static int power(int base, unsigned exponent)
{
	int result = 1;

	while (exponent-- > 0)
		result = modulo(result * base);
	return result;
}

static unsigned bit_reverse7(unsigned value)
{
	unsigned reversed = 0;

	for (unsigned bit = 0; bit < 7; bit++)
		reversed |= (value >> bit & 1) << (6 - bit);
	return reversed;
}

static void test_constants(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(modulo(mlkem_zetas[i]),
				 modulo((int64_t)power(17, bit_reverse7(i)) << 16));
		assert_true(abs(mlkem_zetas[i]) <= MLKEM_Q / 2);
	}
	assert_int_equal((uint16_t)(MLKEM_Q * MLKEM_Q_INVERSE), 1);
	assert_int_equal(MLKEM_R2, modulo((INT64_C(1) << 32)));
	assert_int_equal(MLKEM_R_DIV_128 * 128, 1 << 16);
}

static void test_canonical(void **state)
{
	(void)state;
	for (int a = INT16_MIN; a <= INT16_MAX; a += MLKEM_N) {
		struct mlkem_poly poly;

		for (int i = 0; i < MLKEM_N; i++)
			poly.c[i] = (int16_t)(a + i);
		mlkem_poly_canonical(&poly);
		for (int i = 0; i < MLKEM_N; i++)
			assert_int_equal(poly.c[i], modulo(a + i));
	}
}

/* Every coefficient, to every number of bits and back, against the divisions of FIPS 203 4.7. */
static void test_compression(void **state)
{
	static const unsigned widths[] = {1, 4, 5, 10, 11};

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(widths); w++) {
		unsigned bits = widths[w];

		for (int start = 0; start < MLKEM_Q; start += MLKEM_N) {
			struct mlkem_poly poly, back;
			uint8_t packed[32 * 11];

			for (int i = 0; i < MLKEM_N; i++)
				poly.c[i] = (int16_t)((start + i) % MLKEM_Q);
			mlkem_poly_compress(&poly, bits, packed);
			mlkem_poly_decompress(&back, bits, packed);
			for (unsigned i = 0; i < MLKEM_N; i++) {
				int scaled = (poly.c[i] << bits) + MLKEM_Q / 2;
				int value = (scaled / MLKEM_Q) % (1 << bits), seen = 0;

				for (unsigned bit = 0; bit < bits; bit++) {
					unsigned at = i * bits + bit;

					seen |= (packed[at / 8] >> at % 8 & 1) << bit;
				}
				assert_int_equal(seen, value);
				assert_int_equal(back.c[i],
						 (value * MLKEM_Q + (1 << bits) / 2) >> bits);
			}
		}
	}
}

static void test_encoding(void **state)
{
	uint8_t bytes[MLKEM_POLY_LEN], again[MLKEM_POLY_LEN];

	(void)state;
	/* Each number of 12 bits in each place: decoded modulo q, and passing the check only below q. */
	for (unsigned value = 0; value < 4096; value++) {
		struct mlkem_poly poly;
		unsigned at = value % MLKEM_N;

		memset(bytes, 0, sizeof(bytes));
		bytes[at / 2 * 3 + at % 2] |= (uint8_t)(at % 2 == 0 ? value : value << 4);
		bytes[at / 2 * 3 + at % 2 + 1] |= (uint8_t)(at % 2 == 0 ? value >> 8 : value >> 4);
		mlkem_poly_decode(&poly, bytes);
		for (unsigned i = 0; i < MLKEM_N; i++)
			assert_int_equal(poly.c[i], i == at ? modulo(value) : 0);
		assert_int_equal(mlkem_poly_check(bytes), value < MLKEM_Q);
		mlkem_poly_encode(&poly, again);
		assert_int_equal(memcmp(bytes, again, sizeof(bytes)) == 0, value < MLKEM_Q);
	}
}

static void random_poly(struct random_source *random, struct mlkem_poly *poly, int low, int high)
{
	uint32_t words[MLKEM_N];

	assert_int_equal(random_fill(random, words, sizeof(words)), SOTTO_OK);
	for (size_t i = 0; i < MLKEM_N; i++)
		poly->c[i] = (int16_t)(low + (int)(words[i] % (unsigned)(high - low + 1)));
}

/* A product by the definition: pairs modulo X^2 - 17^(2 bitreverse7(i) + 1). */
static void multiply_plain(const struct mlkem_poly *a, const struct mlkem_poly *b, int *product)
{
	for (unsigned i = 0; i < MLKEM_N / 2; i++) {
		int64_t a0 = a->c[2 * i], a1 = a->c[2 * i + 1];
		int64_t b0 = b->c[2 * i], b1 = b->c[2 * i + 1];
		int gamma = power(17, 2 * bit_reverse7(i) + 1);

		product[2 * i] = modulo(a0 * b0 + modulo(a1 * b1) * (int64_t)gamma);
		product[2 * i + 1] = modulo(a0 * b1 + a1 * b0);
	}
}

/* The transform by its definition (4.3): pair i is the remainder modulo X^2 - gamma. */
static void check_transform(const struct mlkem_ops *ops, const struct mlkem_poly *poly)
{
	struct mlkem_poly transformed = *poly;

	ops->ntt(&transformed);
	for (unsigned i = 0; i < MLKEM_N / 2; i++) {
		int gamma = power(17, 2 * bit_reverse7(i) + 1), factor = 1;
		int64_t even = 0, odd = 0;

		for (unsigned j = 0; j < MLKEM_N; j += 2) {
			even += (int64_t)poly->c[j] * factor;
			odd += (int64_t)poly->c[j + 1] * factor;
			factor = modulo((int64_t)factor * gamma);
		}
		assert_int_equal(modulo(transformed.c[2 * i]), modulo(even));
		assert_int_equal(modulo(transformed.c[2 * i + 1]), modulo(odd));
		assert_true(abs(transformed.c[2 * i]) <= (MLKEM_Q + 1) / 2);
	}
	ops->inverse_ntt(&transformed);
	for (unsigned i = 0; i < MLKEM_N; i++) {
		assert_int_equal(modulo(transformed.c[i]), modulo(poly->c[i]));
		assert_true(abs(transformed.c[i]) < MLKEM_Q);
	}
}

static void check_product(const struct mlkem_ops *ops, const struct mlkem_poly *a,
			  const struct mlkem_poly *b)
{
	int expected[MLKEM_N], plain[MLKEM_N];
	struct mlkem_sum sum = {0};
	struct mlkem_factor factor;
	struct mlkem_poly product;

	multiply_plain(a, b, plain);
	ops->factor(&factor, b);
	memset(expected, 0, sizeof(expected));
	for (unsigned times = 0; times < MLKEM_K_MAX; times++) {
		ops->multiply_add(&sum, a, &factor);
		ops->sum_reduce(&product, &sum);
		for (unsigned i = 0; i < MLKEM_N; i++) {
			expected[i] = modulo(expected[i] + plain[i]);
			assert_int_equal(modulo(product.c[i]), expected[i]);
			assert_true(abs(product.c[i]) < MLKEM_Q);
		}
	}
}

/* Extreme coefficients everywhere, alternating, and random ones. */
static void make_case(struct random_source *random, unsigned number, struct mlkem_poly *a,
		      struct mlkem_poly *b)
{
	random_poly(random, a, 0, 4095);
	random_poly(random, b, -MLKEM_Q, MLKEM_Q);
	for (unsigned i = 0; number < 4 && i < MLKEM_N; i++) {
		a->c[i] = 4095;
		b->c[i] = (int16_t)(number == 0 || (number == 2 && i % 2 == 0) ||
						    (number == 3 && i / 16 % 2 == 0)
					    ? MLKEM_Q
					    : -MLKEM_Q);
	}
}

static void test_arithmetic(void **state)
{
	const struct mlkem_ops *implementations[] = {&mlkem_portable, mlkem_ops_avx2()};
	struct test_random seeded = {.seed = 5};
	struct random_source random = test_random_source(&seeded);

	(void)state;
	for (unsigned number = 0; number < 20; number++) {
		struct mlkem_poly a, b;

		make_case(&random, number, &a, &b);
		for (size_t i = 0; i < ARRAY_LEN(implementations); i++) {
			if (implementations[i] == NULL)
				continue;
			check_transform(implementations[i], &b);
			check_product(implementations[i], &a, &b);
		}
	}
}

/* What the two give is the same bit for bit. */
static void check_same(const struct mlkem_ops *ops, struct random_source *random, unsigned number)
{
	struct mlkem_poly a, b, first, second;
	struct mlkem_factor factors[2];
	struct mlkem_sum sums[2] = {0};
	struct mlkem_states states[2];

	make_case(random, number, &a, &b);
	first = second = b;
	mlkem_portable.ntt(&first);
	ops->ntt(&second);
	assert_memory_equal(&first, &second, sizeof(first));
	first = second = b;
	mlkem_portable.inverse_ntt(&first);
	ops->inverse_ntt(&second);
	assert_memory_equal(&first, &second, sizeof(first));
	mlkem_portable.factor(&factors[0], &b);
	ops->factor(&factors[1], &b);
	assert_memory_equal(&factors[0], &factors[1], sizeof(factors[0]));
	for (unsigned times = 0; times < 1 + number % MLKEM_K_MAX; times++) {
		mlkem_portable.multiply_add(&sums[0], &a, &factors[0]);
		ops->multiply_add(&sums[1], &a, &factors[1]);
	}
	mlkem_portable.sum_reduce(&first, &sums[0]);
	ops->sum_reduce(&second, &sums[1]);
	assert_memory_equal(&first, &second, sizeof(first));
	for (size_t count = 1; count <= 4; count++) {
		assert_int_equal(random_fill(random, &states[0], sizeof(states[0])), SOTTO_OK);
		states[1] = states[0];
		mlkem_portable.permute(&states[0], count);
		ops->permute(&states[1], count);
		for (size_t lane = 0; lane < KECCAK_LANES; lane++)
			assert_memory_equal(states[0].lanes[lane], states[1].lanes[lane],
					    count * sizeof(uint64_t));
	}
}

static void test_same(void **state)
{
	const struct mlkem_ops *ops = mlkem_ops_avx2();
	struct test_random seeded = {.seed = 6};
	struct random_source random = test_random_source(&seeded);

	(void)state;
	if (ops == NULL) {
		/* cmocka's skip() is "not ok" in TAP. */
		print_message("# no AVX2 here: nothing to compare the portable code with\n");
		return;
	}
	for (unsigned number = 0; number < 2000; number++)
		check_same(ops, &random, number);
}

/* ---- Published intermediate values ---- */

/* A value of count polynomials by ByteEncode_12. */
static void assert_polys(struct vectors *vectors, const char *name, const struct mlkem_poly *polys,
			 size_t count)
{
	struct bytes expected = vector_hex(vectors, "%s", name);

	assert_int_equal(expected.len, count * MLKEM_POLY_LEN);
	for (size_t i = 0; i < count; i++) {
		struct mlkem_poly canonical = polys[i];
		uint8_t encoded[MLKEM_POLY_LEN];

		mlkem_poly_canonical(&canonical);
		mlkem_poly_encode(&canonical, encoded);
		if (memcmp(encoded, expected.data + i * MLKEM_POLY_LEN, MLKEM_POLY_LEN) != 0)
			fail_msg("%s, polynomial %zu", name, i);
	}
}

static void take_polys(struct vectors *vectors, const char *name, struct mlkem_poly *polys,
		       size_t count)
{
	struct bytes encoded = vector_hex(vectors, "%s", name);

	assert_int_equal(encoded.len, count * MLKEM_POLY_LEN);
	for (size_t i = 0; i < count; i++)
		mlkem_poly_decode(&polys[i], encoded.data + i * MLKEM_POLY_LEN);
}

static void check_matrix(const struct mlkem_ops *ops, const struct mlkem_params *params,
			 struct vectors *vectors)
{
	static struct mlkem_poly matrix[MLKEM_K_MAX * MLKEM_K_MAX];
	const uint8_t *rho = vector_hex(vectors, "rho").data;
	size_t k = params->k;

	for (size_t i = 0; i < k * k; i += k) {
		struct mlkem_place places[MLKEM_K_MAX];

		for (uint8_t column = 0; column < k; column++)
			places[column] = (struct mlkem_place){(uint8_t)(i / k), column};
		mlkem_sample_matrix(ops, rho, places, k, &matrix[i]);
	}
	assert_polys(vectors, "a", matrix, k * k);
}

static void check_noise(const struct mlkem_ops *ops, struct vectors *vectors, const char *seed,
			unsigned eta, size_t nonce, const char *name, size_t count,
			const char *transformed)
{
	static struct mlkem_poly noise[MLKEM_K_MAX];

	memset(noise, 0, sizeof(noise));
	mlkem_add_noise(ops, eta, vector_hex(vectors, "%s", seed).data, (uint8_t)nonce, noise,
			count);
	assert_polys(vectors, name, noise, count);
	for (size_t i = 0; transformed != NULL && i < count; i++)
		ops->ntt(&noise[i]);
	if (transformed != NULL)
		assert_polys(vectors, transformed, noise, count);
}

/* u and v to c1 and c2, and from these what decryption works with. */
static void check_ciphertext(const struct mlkem_ops *ops, const struct mlkem_params *params,
			     struct vectors *vectors)
{
	static struct mlkem_poly polys[MLKEM_K_MAX], secret[MLKEM_K_MAX];
	struct mlkem_poly v, product;
	struct mlkem_factor factor;
	struct mlkem_sum sum = {0};
	uint8_t packed[32 * 11];
	size_t u_len = 32U * params->du;
	const uint8_t *c1 = vector_hex(vectors, "c1").data, *c2 = vector_hex(vectors, "c2").data;

	take_polys(vectors, "u", polys, params->k);
	take_polys(vectors, "ntt_s", secret, params->k);
	for (size_t i = 0; i < params->k; i++) {
		mlkem_poly_compress(&polys[i], params->du, packed);
		assert_memory_equal(packed, c1 + i * u_len, u_len);
		mlkem_poly_decompress(&polys[i], params->du, packed);
	}
	assert_polys(vectors, "u_d", polys, params->k);
	for (size_t i = 0; i < params->k; i++) {
		ops->ntt(&polys[i]);
		ops->factor(&factor, &polys[i]);
		ops->multiply_add(&sum, &secret[i], &factor);
	}
	assert_polys(vectors, "ntt_u_d", polys, params->k);
	take_polys(vectors, "v", &v, 1);
	mlkem_poly_compress(&v, params->dv, packed);
	assert_memory_equal(packed, c2, 32U * params->dv);
	mlkem_poly_decompress(&v, params->dv, c2);
	assert_polys(vectors, "v_d", &v, 1);
	ops->sum_reduce(&product, &sum);
	ops->inverse_ntt(&product);
	mlkem_poly_subtract(&v, &product);
	assert_polys(vectors, "w", &v, 1);
	mlkem_poly_canonical(&v);
	mlkem_poly_compress(&v, 1, packed);
	assert_memory_equal(packed, vector_hex(vectors, "m").data, MLKEM_RANDOM_LEN);
}

static void check_keys(const struct mlkem_ops *ops, const struct mlkem_params *params,
		       struct vectors *vectors)
{
	static uint8_t ek[MLKEM_EK_LEN_MAX], secret[MLKEM_K_MAX * MLKEM_POLY_LEN];
	struct bytes expected = vector_hex(vectors, "ek");

	check_matrix(ops, params, vectors);
	check_noise(ops, vectors, "sigma", params->eta1, 0, "s", params->k, "ntt_s");
	check_noise(ops, vectors, "sigma", params->eta1, params->k, "e", params->k, "ntt_e");
	mlkem_pke_keygen(ops, params, vector_hex(vectors, "rho").data,
			 vector_hex(vectors, "sigma").data, ek, secret);
	assert_memory_equal(ek, expected.data, expected.len);
	assert_memory_equal(secret, vector_hex(vectors, "dk").data,
			    (size_t)params->k * MLKEM_POLY_LEN);
}

static void check_whole(const struct mlkem_ops *ops, enum mlkem_set set, struct vectors *vectors)
{
	static uint8_t ciphertext[MLKEM_CIPHERTEXT_LEN_MAX];
	uint8_t shared[MLKEM_SHARED_LEN];
	struct bytes dk = vector_hex(vectors, "dk"), c = vector_hex(vectors, "c");
	struct bytes rejected[] = {BYTES(dk.data + dk.len - MLKEM_RANDOM_LEN, MLKEM_RANDOM_LEN), c};

	assert_int_equal(mlkem_encaps_by(ops, set, vector_hex(vectors, "ek"),
					 vector_hex(vectors, "m").data, ciphertext, shared),
			 SOTTO_OK);
	assert_memory_equal(ciphertext, c.data, c.len);
	assert_memory_equal(shared, vector_hex(vectors, "k").data, sizeof(shared));
	memset(shared, 0, sizeof(shared));
	assert_int_equal(mlkem_decaps_by(ops, set, dk, c, shared), SOTTO_OK);
	assert_memory_equal(shared, vector_hex(vectors, "k").data, sizeof(shared));
	shake256(rejected, 2, shared, sizeof(shared));
	assert_memory_equal(shared, vector_hex(vectors, "k_bar").data, sizeof(shared));
}

static void check_case(const struct mlkem_ops *ops, enum mlkem_set set, struct vectors *vectors)
{
	const struct mlkem_params *params = mlkem_params_of(set);
	struct mlkem_poly message;

	check_keys(ops, params, vectors);
	check_noise(ops, vectors, "seed", params->eta1, 0, "r", params->k, "ntt_r");
	check_noise(ops, vectors, "seed", 2, params->k, "e1", params->k, NULL);
	check_noise(ops, vectors, "seed", 2, 2U * params->k, "e2", 1, NULL);
	mlkem_poly_decompress(&message, 1, vector_hex(vectors, "m").data);
	assert_polys(vectors, "mu", &message, 1);
	check_ciphertext(ops, params, vectors);
	check_whole(ops, set, vectors);
}

static void test_intermediate(void **state)
{
	const struct mlkem_ops *implementations[] = {&mlkem_portable, mlkem_ops_avx2()};
	struct vectors *vectors = vectors_open("mlkem-intermediate.txt");
	unsigned seen = 0;

	(void)state;
	while (vectors_next(vectors)) {
		uint64_t number = vector_number(vectors, "set");
		enum mlkem_set set = number == 512   ? MLKEM_512
				     : number == 768 ? MLKEM_768
						     : MLKEM_1024;

		seen |= 1U << set;
		for (size_t i = 0; i < ARRAY_LEN(implementations); i++)
			if (implementations[i] != NULL)
				check_case(implementations[i], set, vectors);
	}
	vectors_close(vectors);
	assert_int_equal(seen, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constants),    cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_compression),  cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_arithmetic),   cmocka_unit_test(test_same),
		cmocka_unit_test(test_intermediate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
