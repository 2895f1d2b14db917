/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of ML-KEM with AVX2: 16 coefficients a vector, four states of Keccak at a time. Each computes what
 * mlkem_ntt.c computes, with the same reductions at the same places.
 *
 * Layers of the transform whose halves are 16 apart or more work on whole vectors. For the last three, a pair
 * of vectors is rearranged so that the halves of every butterfly are in the same place of the two:
 *
 *	first:  a0..a7 a8..a15		 -> 8 apart:	a0..a7  b0..b7		| a8..a15 b8..b15
 *	second: b0..b7 b8..b15		    4 apart:	a0..3 a8..11 b0..3 ..	| a4..7 a12..15 b4..7 ..
 *					    2 apart:	a0a1 a4a5 a8a9 a12a13 ..| a2a3 a6a7 a10a11 a14a15 ..
 */
#include "crypto/mlkem_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

typedef uint64_t lanes4 __attribute__((vector_size(32)));

#define KECCAK_LANE   lanes4
#define KECCAK_TARGET AVX2
#include "crypto/keccak_round.h"

#define VECTORS	     (MLKEM_N / 16)
#define HALF_VECTORS (VECTORS / 2)

/* A constant factor in every place, or one each: itself, and multiplied by q^-1 modulo 2^16. */
struct constant {
	__m256i value;
	__m256i scaled;
};

AVX2 static inline struct constant constant_of(__m256i value)
{
	__m256i inverse = _mm256_set1_epi16(MLKEM_Q_INVERSE);

	return (struct constant){value, _mm256_mullo_epi16(value, inverse)};
}

AVX2 static inline struct constant constant_everywhere(int16_t value)
{
	return constant_of(_mm256_set1_epi16(value));
}

/* Montgomery's product: the high half of a b less that of t q, their low halves being the same. */
AVX2 static inline __m256i multiply(__m256i a, struct constant b)
{
	__m256i t = _mm256_mullo_epi16(a, b.scaled);

	return _mm256_sub_epi16(_mm256_mulhi_epi16(a, b.value),
				_mm256_mulhi_epi16(t, _mm256_set1_epi16(MLKEM_Q)));
}

AVX2 static inline __m256i barrett(__m256i a)
{
	__m256i quotient = _mm256_mulhi_epi16(a, _mm256_set1_epi16(MLKEM_BARRETT));

	quotient = _mm256_srai_epi16(_mm256_add_epi16(quotient, _mm256_set1_epi16(1 << 9)), 10);
	return _mm256_sub_epi16(a, _mm256_mullo_epi16(quotient, _mm256_set1_epi16(MLKEM_Q)));
}

AVX2 static inline void butterfly(__m256i *a, __m256i *b, struct constant zeta)
{
	__m256i t = multiply(*b, zeta);

	*b = _mm256_sub_epi16(*a, t);
	*a = _mm256_add_epi16(*a, t);
}

AVX2 static inline void inverse_butterfly(__m256i *a, __m256i *b, struct constant zeta)
{
	__m256i t = _mm256_sub_epi16(*b, *a);

	*a = _mm256_add_epi16(*a, *b);
	*b = multiply(t, zeta);
}

/* ---- The three layers inside a pair of vectors ---- */

/* Two zetas, eight places each; the order of the second layer's vectors. */
AVX2 static inline struct constant two_zetas(int16_t first, int16_t second)
{
	return constant_of(_mm256_set_m128i(_mm_set1_epi16(second), _mm_set1_epi16(first)));
}

/* Four zetas, four places each. */
AVX2 static inline struct constant four_zetas(__m128i zetas)
{
	__m256i places = _mm256_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 4, 5, 4,
					  5, 4, 5, 4, 5, 6, 7, 6, 7, 6, 7, 6, 7);

	return constant_of(_mm256_shuffle_epi8(_mm256_broadcastq_epi64(zetas), places));
}

/* Eight zetas, two places each. */
AVX2 static inline struct constant eight_zetas(__m128i zetas)
{
	__m256i wide = _mm256_cvtepu16_epi32(zetas);

	return constant_of(_mm256_or_si256(wide, _mm256_slli_epi32(wide, 16)));
}

AVX2 static inline __m128i load4(size_t index)
{
	return _mm_loadl_epi64((const __m128i *)(const void *)(mlkem_zetas + index));
}

AVX2 static inline __m128i load8(size_t index)
{
	return _mm_loadu_si128((const __m128i *)(const void *)(mlkem_zetas + index));
}

AVX2 static inline __m128i reverse4(__m128i words)
{
	return _mm_shufflelo_epi16(words, _MM_SHUFFLE(0, 1, 2, 3));
}

AVX2 static inline __m128i reverse8(__m128i words)
{
	__m128i halves = _mm_shufflehi_epi16(reverse4(words), _MM_SHUFFLE(0, 1, 2, 3));

	return _mm_shuffle_epi32(halves, _MM_SHUFFLE(1, 0, 3, 2));
}

AVX2 static inline void exchange8(__m256i *a, __m256i *b)
{
	__m256i low = _mm256_permute2x128_si256(*a, *b, 0x20);

	*b = _mm256_permute2x128_si256(*a, *b, 0x31);
	*a = low;
}

AVX2 static inline void exchange4(__m256i *a, __m256i *b)
{
	__m256i low = _mm256_unpacklo_epi64(*a, *b);

	*b = _mm256_unpackhi_epi64(*a, *b);
	*a = low;
}

AVX2 static inline void exchange2(__m256i *a, __m256i *b)
{
	__m256i low = _mm256_blend_epi32(*a, _mm256_slli_epi64(*b, 32), 0xaa);

	*b = _mm256_blend_epi32(_mm256_srli_epi64(*a, 32), *b, 0xaa);
	*a = low;
}

/* Each exchange is its own inverse. pair: which one it is in the polynomial. */
AVX2 static inline void forward_within(__m256i *a, __m256i *b, size_t pair)
{
	exchange8(a, b);
	butterfly(a, b, two_zetas(mlkem_zetas[16 + 2 * pair], mlkem_zetas[17 + 2 * pair]));
	exchange4(a, b);
	butterfly(a, b, four_zetas(load4(32 + 4 * pair)));
	exchange2(a, b);
	butterfly(a, b, eight_zetas(load8(64 + 8 * pair)));
	exchange2(a, b);
	exchange4(a, b);
	exchange8(a, b);
}

/* The inverse takes each layer's zetas from its end, the wrong way round. */
AVX2 static inline void inverse_within(__m256i *a, __m256i *b, size_t pair)
{
	exchange8(a, b);
	exchange4(a, b);
	exchange2(a, b);
	inverse_butterfly(a, b, eight_zetas(reverse8(load8(120 - 8 * pair))));
	exchange2(a, b);
	inverse_butterfly(a, b, four_zetas(reverse4(load4(60 - 4 * pair))));
	exchange4(a, b);
	inverse_butterfly(a, b, two_zetas(mlkem_zetas[31 - 2 * pair], mlkem_zetas[30 - 2 * pair]));
	exchange8(a, b);
	*a = barrett(*a);
	*b = barrett(*b);
}

/* ---- The whole ---- */

AVX2 static inline __m256i load(const int16_t *from)
{
	return _mm256_load_si256((const __m256i *)(const void *)from);
}

AVX2 static inline void store(int16_t *to, __m256i vector)
{
	_mm256_store_si256((__m256i *)(void *)to, vector);
}

/* All layers but the first, on one half of the polynomial, which fits into the registers. */
AVX2 static void forward_half(int16_t *c, size_t half)
{
	__m256i v[HALF_VECTORS];

	for (size_t i = 0; i < HALF_VECTORS; i++)
		v[i] = load(c + 16 * i);
	for (size_t i = 0; i < 4; i++)
		butterfly(&v[i], &v[i + 4], constant_everywhere(mlkem_zetas[2 + half]));
	for (size_t i = 0; i < 4; i++)
		butterfly(&v[i + i / 2 * 2], &v[i + i / 2 * 2 + 2],
			  constant_everywhere(mlkem_zetas[4 + 2 * half + i / 2]));
	for (size_t i = 0; i < 4; i++) {
		size_t pair = 4 * half + i;

		butterfly(&v[2 * i], &v[2 * i + 1], constant_everywhere(mlkem_zetas[8 + pair]));
		forward_within(&v[2 * i], &v[2 * i + 1], pair);
		store(c + 32 * i, barrett(v[2 * i]));
		store(c + 32 * i + 16, barrett(v[2 * i + 1]));
	}
}

AVX2 static void ntt(struct mlkem_poly *poly)
{
	struct constant zeta = constant_everywhere(mlkem_zetas[1]);

	for (size_t i = 0; i < MLKEM_N / 2; i += 16) {
		__m256i a = load(poly->c + i), b = load(poly->c + MLKEM_N / 2 + i);

		butterfly(&a, &b, zeta);
		store(poly->c + i, a);
		store(poly->c + MLKEM_N / 2 + i, b);
	}
	forward_half(poly->c, 0);
	forward_half(poly->c + MLKEM_N / 2, 1);
}

AVX2 static void inverse_half(int16_t *c, size_t half)
{
	__m256i v[HALF_VECTORS];

	for (size_t i = 0; i < 4; i++) {
		size_t pair = 4 * half + i;

		v[2 * i] = load(c + 32 * i);
		v[2 * i + 1] = load(c + 32 * i + 16);
		inverse_within(&v[2 * i], &v[2 * i + 1], pair);
		inverse_butterfly(&v[2 * i], &v[2 * i + 1],
				  constant_everywhere(mlkem_zetas[15 - pair]));
	}
	for (size_t i = 0; i < 4; i++)
		inverse_butterfly(&v[i + i / 2 * 2], &v[i + i / 2 * 2 + 2],
				  constant_everywhere(mlkem_zetas[7 - 2 * half - i / 2]));
	for (size_t i = 0; i < 4; i++)
		inverse_butterfly(&v[i], &v[i + 4], constant_everywhere(mlkem_zetas[3 - half]));
	for (size_t i = 0; i < HALF_VECTORS; i++)
		store(c + 16 * i, v[i]);
}

AVX2 static void inverse_ntt(struct mlkem_poly *poly)
{
	struct constant zeta = constant_everywhere(mlkem_zetas[1]);
	struct constant last = constant_everywhere(MLKEM_R_DIV_128);

	inverse_half(poly->c, 0);
	inverse_half(poly->c + MLKEM_N / 2, 1);
	for (size_t i = 0; i < MLKEM_N / 2; i += 16) {
		__m256i a = load(poly->c + i), b = load(poly->c + MLKEM_N / 2 + i);

		inverse_butterfly(&a, &b, zeta);
		store(poly->c + i, multiply(a, last));
		store(poly->c + MLKEM_N / 2 + i, multiply(b, last));
	}
}

AVX2 static void factor(struct mlkem_factor *factor, const struct mlkem_poly *poly)
{
	struct constant r2 = constant_everywhere(MLKEM_R2);
	__m256i signs = _mm256_set1_epi64x((int64_t)UINT64_C(0xffff000000010000));

	for (size_t i = 0; i < VECTORS; i++) {
		__m256i b = multiply(load(poly->c + 16 * i), r2);
		__m256i zetas = four_zetas(load4(64 + 4 * i)).value;
		__m256i turned = multiply(b, constant_of(_mm256_sign_epi16(zetas, signs)));
		__m256i crossed = _mm256_shufflelo_epi16(b, _MM_SHUFFLE(2, 3, 0, 1));

		store(factor->direct + 16 * i, _mm256_blend_epi16(b, turned, 0xaa));
		store(factor->crossed + 16 * i,
		      _mm256_shufflehi_epi16(crossed, _MM_SHUFFLE(2, 3, 0, 1)));
	}
}

/* Per vector of 16 coefficients, eight sums for the even places and eight for the odd ones. */
AVX2 static void multiply_add(struct mlkem_sum *sum, const struct mlkem_poly *a,
			      const struct mlkem_factor *b)
{
	for (size_t i = 0; i < MLKEM_N; i += 16) {
		__m256i *even = (__m256i *)(void *)(sum->c + i), *odd = even + 1;
		__m256i coefficients = load(a->c + i);

		*even = _mm256_add_epi32(*even,
					 _mm256_madd_epi16(coefficients, load(b->direct + i)));
		*odd = _mm256_add_epi32(*odd,
					_mm256_madd_epi16(coefficients, load(b->crossed + i)));
	}
}

AVX2 static void sum_reduce(struct mlkem_poly *poly, const struct mlkem_sum *sum)
{
	for (size_t i = 0; i < MLKEM_N; i += 16) {
		const __m256i *even = (const __m256i *)(const void *)(sum->c + i), *odd = even + 1;
		__m256i low = _mm256_blend_epi16(*even, _mm256_slli_epi32(*odd, 16), 0xaa);
		__m256i high = _mm256_blend_epi16(_mm256_srli_epi32(*even, 16), *odd, 0xaa);
		__m256i t = _mm256_mullo_epi16(low, _mm256_set1_epi16(MLKEM_Q_INVERSE));

		store(poly->c + i,
		      _mm256_sub_epi16(high, _mm256_mulhi_epi16(t, _mm256_set1_epi16(MLKEM_Q))));
	}
}

AVX2 static void permute(struct mlkem_states *states, size_t count)
{
	if (count == 1)
		mlkem_portable.permute(states, 1); /* as fast as four at a time for one */
	else
		keccak_rounds((lanes4 *)(void *)states->lanes);
}

static const struct mlkem_ops avx2 = {
	.ntt = ntt,
	.inverse_ntt = inverse_ntt,
	.factor = factor,
	.multiply_add = multiply_add,
	.sum_reduce = sum_reduce,
	.permute = permute,
};

const struct mlkem_ops *mlkem_ops_avx2(void)
{
	return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct mlkem_ops *mlkem_ops_avx2(void)
{
	return NULL;
}

#endif
