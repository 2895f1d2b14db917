/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of ML-KEM on any machine (FIPS 203 4.3): the number-theoretic transform and its inverse, products
 * in the transform's domain, and Keccak one state after another.
 *
 * Products are Montgomery's, so that nothing is divided; sums are left to grow as long as 16 bits hold them.
 * The right shift of a negative number keeps its sign with every compiler that builds this.
 */
#include <string.h>

#include "crypto/ct.h"
#include "crypto/mlkem_internal.h"

_Static_assert(-1 >> 1 == -1, "the right shift of a negative number is arithmetic");

const int16_t mlkem_zetas[128] = {
	-1044, -758,  -359,  -1517, 1493,  1422,  287,	 202,	-171,  622,   1577,  182,   962,
	-1202, -1474, 1468,  573,   -1325, 264,	  383,	 -829,	1458,  -1602, -130,  -681,  1017,
	732,   608,   -1542, 411,   -205,  -1571, 1223,	 652,	-552,  1015,  -1293, 1491,  -282,
	-1544, 516,   -8,    -320,  -666,  -1618, -1162, 126,	1469,  -853,  -90,   -271,  830,
	107,   -1421, -247,  -951,  -398,  961,	  -1508, -725,	448,   -1065, 677,   -1275, -1103,
	430,   555,   843,   -1251, 871,   1550,  105,	 422,	587,   177,   -235,  -291,  -460,
	1574,  1653,  -246,  778,   1159,  -147,  -777,	 1483,	-602,  1119,  -1590, 644,   -872,
	349,   418,   329,   -156,  -75,   817,	  1097,	 603,	610,   1322,  -1285, -1465, 384,
	-1215, -136,  1218,  -1335, -874,  220,	  -1187, -1659, -1185, -1530, -1278, 794,   -1510,
	-854,  -870,  478,   -108,  -308,  996,	  991,	 958,	-1460, 1522,  1628,
};

/* a / R modulo q. In: |a| < q 2^15. Out: |x| <= |a| / 2^16 + q / 2. */
static int16_t montgomery(int32_t a)
{
	int16_t t = (int16_t)((int16_t)a * MLKEM_Q_INVERSE);

	return (int16_t)((a - (int32_t)t * MLKEM_Q) >> 16);
}

/* a b / R modulo q; below q for a constant b, which is reduced, and any a. */
static int16_t multiply(int16_t a, int16_t b)
{
	return montgomery((int32_t)a * b);
}

/* Any a in; reduced. */
static int16_t barrett(int16_t a)
{
	int16_t quotient = (int16_t)(((int32_t)a * MLKEM_BARRETT + (1 << 25)) >> 26);

	return (int16_t)(a - quotient * MLKEM_Q);
}

static void reduce(struct mlkem_poly *poly)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		poly->c[i] = barrett(poly->c[i]);
}

/* Algorithm 9. Each of the seven layers adds less than q: below 8 q at the end. */
static void ntt(struct mlkem_poly *poly)
{
	const int16_t *zeta = mlkem_zetas + 1;
	int16_t *c = poly->c;

	for (size_t len = MLKEM_N / 2; len >= 2; len /= 2) {
		for (size_t start = 0; start < MLKEM_N; start += 2 * len, zeta++) {
			for (size_t i = start; i < start + len; i++) {
				int16_t t = multiply(c[i + len], *zeta);

				c[i + len] = (int16_t)(c[i] - t);
				c[i] = (int16_t)(c[i] + t);
			}
		}
	}
	reduce(poly);
}

/*
 * Algorithm 10. Each layer doubles at most, from q: 8 q after three, when all is reduced, and 8 q again after the
 * other four.
 */
static void inverse_ntt(struct mlkem_poly *poly)
{
	const int16_t *zeta = mlkem_zetas + 127;
	int16_t *c = poly->c;

	for (size_t len = 2; len <= MLKEM_N / 2; len *= 2) {
		for (size_t start = 0; start < MLKEM_N; start += 2 * len, zeta--) {
			for (size_t i = start; i < start + len; i++) {
				int16_t t = c[i];

				c[i] = (int16_t)(t + c[i + len]);
				c[i + len] = multiply((int16_t)(c[i + len] - t), *zeta);
			}
		}
		if (len == MLKEM_INVERSE_REDUCE)
			reduce(poly);
	}
	for (size_t i = 0; i < MLKEM_N; i++)
		c[i] = multiply(c[i], MLKEM_R_DIV_128);
}

/* Pair i is modulo X^2 - g with g = 17^(2 bitreverse7(i) + 1): the last layer's zeta, for odd i its negative. */
static void factor(struct mlkem_factor *factor, const struct mlkem_poly *poly)
{
	for (size_t i = 0; i < MLKEM_N; i += 2) {
		int16_t b0 = multiply(poly->c[i], MLKEM_R2);
		int16_t b1 = multiply(poly->c[i + 1], MLKEM_R2);
		int16_t zeta = mlkem_zetas[64 + i / 4];

		factor->direct[i] = b0;
		factor->direct[i + 1] = multiply(b1, (int16_t)(i % 4 == 0 ? zeta : -zeta));
		factor->crossed[i] = b1;
		factor->crossed[i + 1] = b0;
	}
}

/* Algorithms 11 and 12. A product of 2^12 by q, twice, for each of four: below 2^27. */
static void multiply_add(struct mlkem_sum *sum, const struct mlkem_poly *a,
			 const struct mlkem_factor *b)
{
	for (size_t i = 0; i < MLKEM_N; i += 2) {
		sum->c[i] += a->c[i] * b->direct[i] + a->c[i + 1] * b->direct[i + 1];
		sum->c[i + 1] += a->c[i] * b->crossed[i] + a->c[i + 1] * b->crossed[i + 1];
	}
}

static void sum_reduce(struct mlkem_poly *poly, const struct mlkem_sum *sum)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		poly->c[i] = montgomery(sum->c[i]);
}

static void permute(struct mlkem_states *states, size_t count)
{
	uint64_t lanes[KECCAK_LANES];

	for (size_t state = 0; state < count; state++) {
		for (size_t i = 0; i < KECCAK_LANES; i++)
			lanes[i] = states->lanes[i][state];
		keccak_permute(lanes);
		for (size_t i = 0; i < KECCAK_LANES; i++)
			states->lanes[i][state] = lanes[i];
	}
	bytes_wipe(lanes, sizeof(lanes));
}

const struct mlkem_ops mlkem_portable = {
	.ntt = ntt,
	.inverse_ntt = inverse_ntt,
	.factor = factor,
	.multiply_add = multiply_add,
	.sum_reduce = sum_reduce,
	.permute = permute,
};

const struct mlkem_ops *mlkem_ops_choose(void)
{
	const struct mlkem_ops *ops = mlkem_ops_avx2();

	return ops != NULL ? ops : &mlkem_portable;
}
