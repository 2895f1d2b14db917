/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of ML-KEM, for the files crypto/mlkem*.c and the tests, which run each implementation of the inner
 * loops by name.
 *
 *	mlkem.c		K-PKE and ML-KEM (FIPS 203 5, 6, 7)
 *	mlkem_sample.c	polynomials from seeds: the matrix and the noise (4.2.2)
 *	mlkem_poly.c	polynomials to bytes and back, compressed or not (4.2.1)
 *	mlkem_ntt.c	arithmetic on any machine (4.3)
 *	mlkem_avx2.c	the same with AVX2
 *
 * A coefficient is an int16_t that stands for its remainder modulo q. How far from zero it may be is said where
 * it matters; "reduced" means |x| <= (q + 1) / 2, "canonical" 0 <= x < q.
 */
#ifndef CRYPTO_MLKEM_INTERNAL_H
#define CRYPTO_MLKEM_INTERNAL_H

#include "crypto/keccak.h"
#include "crypto/mlkem.h"

#define MLKEM_N	       256
#define MLKEM_Q	       3329
#define MLKEM_K_MAX    4

#define MLKEM_POLY_LEN (12 * MLKEM_N / 8) /* a polynomial with its coefficients whole: 384 bytes */

/* Montgomery's form with R = 2^16: products are divided by R, so constants come multiplied by it. */
#define MLKEM_Q_INVERSE	     (-3327) /* q^-1 modulo R */
#define MLKEM_R2	     1353    /* R^2 modulo q */
#define MLKEM_R_DIV_128	     512     /* R / 128: what the inverse transform leaves to be divided */
#define MLKEM_BARRETT	     20159   /* 2^26 / q, rounded */
#define MLKEM_INVERSE_REDUCE 8 /* the layer of the inverse transform after which all is reduced */

struct mlkem_params {
	uint8_t k;    /* rank of the module */
	uint8_t eta1; /* noise of s, e and r; that of e1 and e2 is 2 in every set */
	uint8_t du;   /* bits that are left of a coefficient of u, and of v */
	uint8_t dv;
};

const struct mlkem_params *mlkem_params_of(enum mlkem_set set);

struct mlkem_poly {
	_Alignas(32) int16_t c[MLKEM_N];
};

/*
 * A polynomial b in the transform's domain, ready to be multiplied with many: for each pair (b0, b1) modulo
 * X^2 - g, (b0, g b1) and (b1, b0), in Montgomery's form, so that a product is two sums of two products.
 */
struct mlkem_factor {
	_Alignas(32) int16_t direct[MLKEM_N];
	_Alignas(32) int16_t crossed[MLKEM_N];
};

/* A sum of products, not reduced. In what order is the implementation's own. */
struct mlkem_sum {
	_Alignas(32) int32_t c[MLKEM_N];
};

/* Four states of Keccak, lane by lane. */
struct mlkem_states {
	_Alignas(32) uint64_t lanes[KECCAK_LANES][4];
};

/* The inner loops. Both implementations give the same values, bit for bit, but for the order of a sum. */
struct mlkem_ops {
	/* In: |x| <= q. Out: reduced. */
	void (*ntt)(struct mlkem_poly *poly);

	/* In: |x| <= q. Out: |x| < q. */
	void (*inverse_ntt)(struct mlkem_poly *poly);

	/* In: |x| <= q. */
	void (*factor)(struct mlkem_factor *factor, const struct mlkem_poly *poly);

	/* Adds a * b. a: 0 <= x < 2^12. At most MLKEM_K_MAX products in a sum that began as zero. */
	void (*multiply_add)(struct mlkem_sum *sum, const struct mlkem_poly *a,
			     const struct mlkem_factor *b);

	/* The sum in its place. |x| < q. */
	void (*sum_reduce)(struct mlkem_poly *poly, const struct mlkem_sum *sum);

	/* Keccak-f on the first count (1 to 4) states; the others may become anything. */
	void (*permute)(struct mlkem_states *states, size_t count);
};

extern const struct mlkem_ops mlkem_portable;

/* The best that this processor has: mlkem_portable or mlkem_avx2. */
const struct mlkem_ops *mlkem_ops_choose(void);

/* NULL where the build or the processor does not have AVX2. */
const struct mlkem_ops *mlkem_ops_avx2(void);

/* zetas[i] = 17^bitreverse7(i) R, reduced (FIPS 203 4.3, appendix A). */
extern const int16_t mlkem_zetas[128];

/* ---- mlkem_sample.c ---- */

/* SampleNTT of row `row`, column `column` (4.2.2, Algorithm 7), count of them at a time (1 to 4). rho is public. */
struct mlkem_place {
	uint8_t row;
	uint8_t column;
};

void mlkem_sample_matrix(const struct mlkem_ops *ops, const uint8_t rho[MLKEM_RANDOM_LEN],
			 const struct mlkem_place *places, size_t count, struct mlkem_poly *polys);

/* Adds SamplePolyCBD_eta(PRF_eta(seed, nonce + i)) to polys[i] (Algorithm 8), for any count. eta: 2 or 3. */
void mlkem_add_noise(const struct mlkem_ops *ops, unsigned eta,
		     const uint8_t seed[MLKEM_RANDOM_LEN], uint8_t nonce, struct mlkem_poly *polys,
		     size_t count);

/* ---- mlkem_poly.c ---- */

void mlkem_poly_add(struct mlkem_poly *sum, const struct mlkem_poly *poly);
void mlkem_poly_subtract(struct mlkem_poly *from, const struct mlkem_poly *poly);

/* Any int16_t in; canonical out. */
void mlkem_poly_canonical(struct mlkem_poly *poly);

/* ByteEncode_12 of a canonical polynomial, ByteDecode_12 (Algorithms 5, 6; canonical): MLKEM_POLY_LEN bytes. */
void mlkem_poly_encode(const struct mlkem_poly *poly, uint8_t *out);
void mlkem_poly_decode(struct mlkem_poly *poly, const uint8_t *in);

/* Are all coefficients in these MLKEM_POLY_LEN bytes below q? Public data. */
bool mlkem_poly_check(const uint8_t *in);

/* Compress_d and ByteEncode_d of a canonical polynomial; back (4.7, 4.8). 32 * bits bytes; bits: 1, 4, 5, 10, 11. */
void mlkem_poly_compress(const struct mlkem_poly *poly, unsigned bits, uint8_t *out);
void mlkem_poly_decompress(struct mlkem_poly *poly, unsigned bits, const uint8_t *in);

/* ---- mlkem.c ---- */

/* What mlkem.h says, by these inner loops. */
void mlkem_keygen_by(const struct mlkem_ops *ops, enum mlkem_set set, const uint8_t *d,
		     const uint8_t *z, uint8_t *ek, uint8_t *dk);
MUST_USE enum sotto_err mlkem_encaps_by(const struct mlkem_ops *ops, enum mlkem_set set,
					struct bytes ek, const uint8_t *m, uint8_t *ciphertext,
					uint8_t *shared);
MUST_USE enum sotto_err mlkem_decaps_by(const struct mlkem_ops *ops, enum mlkem_set set,
					struct bytes dk, struct bytes ciphertext, uint8_t *shared);

/* K-PKE.KeyGen (5.1) from (rho, sigma), what the hash of d gives. dk: the k polynomials of s. */
void mlkem_pke_keygen(const struct mlkem_ops *ops, const struct mlkem_params *params,
		      const uint8_t rho[MLKEM_RANDOM_LEN], const uint8_t sigma[MLKEM_RANDOM_LEN],
		      uint8_t *ek, uint8_t *dk);

#endif
