/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ML-KEM (FIPS 203): K-PKE, which encrypts 32 bytes under a lattice (section 5), and around it the transform of
 * Fujisaki and Okamoto, which encrypts again what it decrypted and compares (section 6).
 *
 *	seed d -> (rho, sigma)    t = A s + e          ek = t || rho          dk = s || ek || H(ek) || z
 *	m, H(ek) -> (K, r)        u = A' r + e1, v = t r + e2 + m             c = u || v, compressed
 *	c, s -> m' -> (K', r')    c' from m', r';  K' if c' = c, else a hash of z and c
 *
 * The matrix A is never whole in memory: four entries at a time are sampled and multiplied.
 */
#include "crypto/mlkem.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/ct.h"
#include "crypto/mlkem_internal.h"

#define GROUP	 4 /* entries of the matrix at a time: as many as states of Keccak */
#define HASH_LEN SHA3_256_LEN

static const struct mlkem_params sets[] = {
	[MLKEM_512] = {.k = 2, .eta1 = 3, .du = 10, .dv = 4},
	[MLKEM_768] = {.k = 3, .eta1 = 2, .du = 10, .dv = 4},
	[MLKEM_1024] = {.k = 4, .eta1 = 2, .du = 11, .dv = 5},
};

const struct mlkem_params *mlkem_params_of(enum mlkem_set set)
{
	ASSERT((size_t)set < ARRAY_LEN(sets));
	return &sets[set];
}

/* Of K-PKE's decryption key, the vector s; the encapsulation key has the vector t of the same length. */
static size_t vector_len(const struct mlkem_params *params)
{
	return (size_t)params->k * MLKEM_POLY_LEN;
}

static size_t ek_len(const struct mlkem_params *params)
{
	return vector_len(params) + MLKEM_RANDOM_LEN;
}

static size_t ciphertext_len(const struct mlkem_params *params)
{
	return (size_t)(params->k * params->du + params->dv) * MLKEM_N / 8;
}

size_t mlkem_ek_len(enum mlkem_set set)
{
	return ek_len(mlkem_params_of(set));
}

size_t mlkem_dk_len(enum mlkem_set set)
{
	return vector_len(mlkem_params_of(set)) + mlkem_ek_len(set) + HASH_LEN + MLKEM_RANDOM_LEN;
}

size_t mlkem_ciphertext_len(enum mlkem_set set)
{
	return ciphertext_len(mlkem_params_of(set));
}

/* Not inlined: each has polynomials in its frame, and together they are more than a frame may have. */
#define OWN_FRAME __attribute__((noinline))

static void advance(struct mlkem_place *place, size_t k)
{
	if (++place->column == k) {
		place->column = 0;
		place->row++;
	}
}

/* products = A vector, or its transpose A' vector: row by row, four entries of A at a time. */
OWN_FRAME static void multiply_matrix(const struct mlkem_ops *ops, size_t k, const uint8_t *rho,
				      bool transposed, const struct mlkem_factor *vector,
				      struct mlkem_poly *products)
{
	struct mlkem_place sampled = {0, 0}, multiplied = {0, 0};
	struct mlkem_poly entries[GROUP];
	struct mlkem_sum sum = {0};

	for (size_t done = 0, count; done < k * k; done += count) {
		struct mlkem_place places[GROUP];

		count = k * k - done < GROUP ? k * k - done : GROUP;
		for (size_t i = 0; i < count; i++, advance(&sampled, k)) {
			places[i].row = transposed ? sampled.column : sampled.row;
			places[i].column = transposed ? sampled.row : sampled.column;
		}
		mlkem_sample_matrix(ops, rho, places, count, entries);
		for (size_t i = 0; i < count; i++, advance(&multiplied, k)) {
			ops->multiply_add(&sum, &entries[i], &vector[multiplied.column]);
			if (multiplied.column == k - 1) {
				ops->sum_reduce(&products[multiplied.row], &sum);
				memset(&sum, 0, sizeof(sum));
			}
		}
	}
}

/* product = a vector's transpose times another, in the transform's domain; the first is in bytes. */
OWN_FRAME static void multiply_vector(const struct mlkem_ops *ops, size_t k, const uint8_t *encoded,
				      const struct mlkem_factor *vector, struct mlkem_poly *product)
{
	struct mlkem_sum sum = {0};
	struct mlkem_poly poly;

	for (size_t i = 0; i < k; i++) {
		mlkem_poly_decode(&poly, encoded + i * MLKEM_POLY_LEN);
		ops->multiply_add(&sum, &poly, &vector[i]);
	}
	ops->sum_reduce(product, &sum);
	bytes_wipe(&sum, sizeof(sum));
	bytes_wipe(&poly, sizeof(poly));
}

/* Adds the transform of k polynomials of noise. */
OWN_FRAME static void add_transformed_noise(const struct mlkem_ops *ops,
					    const struct mlkem_params *params, const uint8_t *seed,
					    uint8_t nonce, struct mlkem_poly *polys)
{
	struct mlkem_poly noise[MLKEM_K_MAX];

	memset(noise, 0, sizeof(noise));
	mlkem_add_noise(ops, params->eta1, seed, nonce, noise, params->k);
	for (size_t i = 0; i < params->k; i++) {
		ops->ntt(&noise[i]);
		mlkem_poly_add(&polys[i], &noise[i]);
	}
	bytes_wipe(noise, sizeof(noise));
}

static void encode_vector(struct mlkem_poly *polys, size_t k, uint8_t *out)
{
	for (size_t i = 0; i < k; i++) {
		mlkem_poly_canonical(&polys[i]);
		mlkem_poly_encode(&polys[i], out + i * MLKEM_POLY_LEN);
	}
}

void mlkem_pke_keygen(const struct mlkem_ops *ops, const struct mlkem_params *params,
		      const uint8_t rho[MLKEM_RANDOM_LEN], const uint8_t sigma[MLKEM_RANDOM_LEN],
		      uint8_t *ek, uint8_t *dk)
{
	struct mlkem_factor factors[MLKEM_K_MAX];
	struct mlkem_poly polys[MLKEM_K_MAX]; /* s, then t */

	memset(polys, 0, sizeof(polys));
	add_transformed_noise(ops, params, sigma, 0, polys);
	for (size_t i = 0; i < params->k; i++)
		ops->factor(&factors[i], &polys[i]);
	encode_vector(polys, params->k, dk);
	multiply_matrix(ops, params->k, rho, false, factors, polys);
	add_transformed_noise(ops, params, sigma, params->k, polys);
	encode_vector(polys, params->k, ek);
	memcpy(ek + vector_len(params), rho, MLKEM_RANDOM_LEN);
	CT_PUBLIC(ek, ek_len(params)); /* it is the public key */
	bytes_wipe(factors, sizeof(factors));
	bytes_wipe(polys, sizeof(polys));
}

/* K-PKE.Encrypt (5.2), Algorithm 14. */
OWN_FRAME static void pke_encrypt(const struct mlkem_ops *ops, const struct mlkem_params *params,
				  const uint8_t *ek, const uint8_t *m, const uint8_t *seed,
				  uint8_t *out)
{
	struct mlkem_factor factors[MLKEM_K_MAX];
	struct mlkem_poly polys[MLKEM_K_MAX + 1]; /* r, then u, and v after them */
	size_t k = params->k;
	struct mlkem_poly *v = &polys[k];
	struct mlkem_poly message;

	memset(polys, 0, sizeof(polys));
	add_transformed_noise(ops, params, seed, 0, polys);
	for (size_t i = 0; i < k; i++)
		ops->factor(&factors[i], &polys[i]);
	multiply_matrix(ops, k, ek + vector_len(params), true, factors, polys);
	multiply_vector(ops, k, ek, factors, v);
	for (size_t i = 0; i <= k; i++)
		ops->inverse_ntt(&polys[i]);
	mlkem_add_noise(ops, 2, seed, params->k, polys, k + 1);
	mlkem_poly_decompress(&message, 1, m);
	mlkem_poly_add(v, &message);
	for (size_t i = 0; i <= k; i++) {
		mlkem_poly_canonical(&polys[i]);
		mlkem_poly_compress(&polys[i], i < k ? params->du : params->dv,
				    out + i * params->du * MLKEM_N / 8);
	}
	bytes_wipe(factors, sizeof(factors));
	bytes_wipe(polys, sizeof(polys));
	bytes_wipe(&message, sizeof(message));
}

/* K-PKE.Decrypt (5.3), Algorithm 15. */
OWN_FRAME static void pke_decrypt(const struct mlkem_ops *ops, const struct mlkem_params *params,
				  const uint8_t *dk, const uint8_t *ciphertext, uint8_t *m)
{
	struct mlkem_factor factors[MLKEM_K_MAX];
	struct mlkem_poly v, product, u;
	size_t u_len = params->du * MLKEM_N / 8;

	for (size_t i = 0; i < params->k; i++) {
		mlkem_poly_decompress(&u, params->du, ciphertext + i * u_len);
		ops->ntt(&u);
		ops->factor(&factors[i], &u);
	}
	multiply_vector(ops, params->k, dk, factors, &product);
	ops->inverse_ntt(&product);
	mlkem_poly_decompress(&v, params->dv, ciphertext + params->k * u_len);
	mlkem_poly_subtract(&v, &product);
	mlkem_poly_canonical(&v);
	mlkem_poly_compress(&v, 1, m);
	bytes_wipe(&product, sizeof(product));
	bytes_wipe(&v, sizeof(v));
}

/* (rho, sigma) = G(d || k): the byte k keeps the seeds of the parameter sets apart. */
static void expand_seed(const struct mlkem_params *params, const uint8_t *d,
			uint8_t seeds[SHA3_512_LEN])
{
	sha3_512((struct bytes[]){BYTES(d, MLKEM_RANDOM_LEN), BYTES(&params->k, 1)}, 2, seeds);
	CT_PUBLIC(seeds, MLKEM_RANDOM_LEN); /* rho is in the public key */
}

/* KeyGen_internal (Algorithm 16) into dk, which holds ek too. */
static void fill_dk(const struct mlkem_ops *ops, enum mlkem_set set, const uint8_t *d,
		    const uint8_t *z, uint8_t *dk)
{
	const struct mlkem_params *params = mlkem_params_of(set);
	uint8_t *ek = dk + vector_len(params);
	uint8_t *hash = ek + ek_len(params);
	uint8_t seeds[SHA3_512_LEN];

	expand_seed(params, d, seeds);
	mlkem_pke_keygen(ops, params, seeds, seeds + MLKEM_RANDOM_LEN, ek, dk);
	sha3_256(&BYTES(ek, ek_len(params)), 1, hash);
	memcpy(hash + HASH_LEN, z, MLKEM_RANDOM_LEN);
	bytes_wipe(seeds, sizeof(seeds));
}

void mlkem_keygen_by(const struct mlkem_ops *ops, enum mlkem_set set, const uint8_t *d,
		     const uint8_t *z, uint8_t *ek, uint8_t *dk)
{
	fill_dk(ops, set, d, z, dk);
	memcpy(ek, dk + vector_len(mlkem_params_of(set)), mlkem_ek_len(set));
}

/* Encaps_internal (Algorithm 17) with the hash of ek at hand. */
static void encaps(const struct mlkem_ops *ops, const struct mlkem_params *params,
		   const uint8_t *ek, const uint8_t *hash, const uint8_t *m, uint8_t *ciphertext,
		   uint8_t *shared)
{
	uint8_t derived[SHA3_512_LEN]; /* K, r */

	_Static_assert(sizeof(derived) == MLKEM_SHARED_LEN + MLKEM_RANDOM_LEN, "both");
	sha3_512((struct bytes[]){BYTES(m, MLKEM_RANDOM_LEN), BYTES(hash, HASH_LEN)}, 2, derived);
	pke_encrypt(ops, params, ek, m, derived + MLKEM_SHARED_LEN, ciphertext);
	memcpy(shared, derived, MLKEM_SHARED_LEN);
	bytes_wipe(derived, sizeof(derived));
}

/* All ones where they differ, zero where they do not. */
static uint8_t mask_of_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint32_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= (uint32_t)(a[i] ^ b[i]);
	return (uint8_t)(0 - ct_hide((0 - difference) >> 31));
}

/* Decaps_internal (Algorithm 18). */
static void decaps(const struct mlkem_ops *ops, const struct mlkem_params *params,
		   const uint8_t *dk, const uint8_t *ciphertext, uint8_t *shared)
{
	const uint8_t *ek = dk + vector_len(params);
	const uint8_t *hash = ek + ek_len(params);
	const uint8_t *z = hash + HASH_LEN;
	size_t len = ciphertext_len(params);
	uint8_t again[MLKEM_CIPHERTEXT_LEN_MAX];
	uint8_t rejected[MLKEM_SHARED_LEN];
	uint8_t m[MLKEM_RANDOM_LEN];
	uint8_t mask;

	pke_decrypt(ops, params, dk, ciphertext, m);
	encaps(ops, params, ek, hash, m, again, shared);
	shake256((struct bytes[]){BYTES(z, MLKEM_RANDOM_LEN), BYTES(ciphertext, len)}, 2, rejected,
		 sizeof(rejected));
	mask = mask_of_difference(again, ciphertext, len);
	for (size_t i = 0; i < sizeof(rejected); i++)
		shared[i] ^= mask & (shared[i] ^ rejected[i]);
	bytes_wipe(again, sizeof(again));
	bytes_wipe(rejected, sizeof(rejected));
	bytes_wipe(m, sizeof(m));
}

enum sotto_err mlkem_check_ek(enum mlkem_set set, struct bytes ek)
{
	if (ek.len != mlkem_ek_len(set))
		return SOTTO_ERR_INVALID;
	for (size_t i = 0; i < mlkem_params_of(set)->k; i++)
		if (!mlkem_poly_check(ek.data + i * MLKEM_POLY_LEN))
			return SOTTO_ERR_INVALID;
	return SOTTO_OK;
}

enum sotto_err mlkem_encaps_by(const struct mlkem_ops *ops, enum mlkem_set set, struct bytes ek,
			       const uint8_t *m, uint8_t *ciphertext, uint8_t *shared)
{
	uint8_t hash[HASH_LEN];

	if (mlkem_check_ek(set, ek) != SOTTO_OK)
		return SOTTO_ERR_INVALID;
	sha3_256(&ek, 1, hash);
	encaps(ops, mlkem_params_of(set), ek.data, hash, m, ciphertext, shared);
	CT_PUBLIC(ciphertext, mlkem_ciphertext_len(set)); /* it goes over the network */
	return SOTTO_OK;
}

enum sotto_err mlkem_decaps_by(const struct mlkem_ops *ops, enum mlkem_set set, struct bytes dk,
			       struct bytes ciphertext, uint8_t *shared)
{
	const struct mlkem_params *params = mlkem_params_of(set);
	const uint8_t *ek = dk.data + vector_len(params);
	uint8_t hash[HASH_LEN];

	if (dk.len != mlkem_dk_len(set) || ciphertext.len != mlkem_ciphertext_len(set))
		return SOTTO_ERR_INVALID;
	sha3_256(&BYTES(ek, ek_len(params)), 1, hash);
	if (!bytes_equal(BYTES_OF(hash), BYTES(ek + ek_len(params), HASH_LEN)))
		return SOTTO_ERR_INVALID;
	decaps(ops, params, dk.data, ciphertext.data, shared);
	return SOTTO_OK;
}

void mlkem_keygen(enum mlkem_set set, const uint8_t d[MLKEM_RANDOM_LEN],
		  const uint8_t z[MLKEM_RANDOM_LEN], uint8_t *ek, uint8_t *dk)
{
	mlkem_keygen_by(mlkem_ops_choose(), set, d, z, ek, dk);
}

enum sotto_err mlkem_encaps(enum mlkem_set set, struct bytes ek, const uint8_t m[MLKEM_RANDOM_LEN],
			    uint8_t *ciphertext, uint8_t shared[MLKEM_SHARED_LEN])
{
	return mlkem_encaps_by(mlkem_ops_choose(), set, ek, m, ciphertext, shared);
}

enum sotto_err mlkem_decaps(enum mlkem_set set, struct bytes dk, struct bytes ciphertext,
			    uint8_t shared[MLKEM_SHARED_LEN])
{
	return mlkem_decaps_by(mlkem_ops_choose(), set, dk, ciphertext, shared);
}

void mlkem_ek_seed(enum mlkem_set set, const uint8_t d[MLKEM_RANDOM_LEN], uint8_t *ek)
{
	const struct mlkem_params *params = mlkem_params_of(set);
	uint8_t vector[MLKEM_K_MAX * MLKEM_POLY_LEN];
	uint8_t seeds[SHA3_512_LEN];

	expand_seed(params, d, seeds);
	mlkem_pke_keygen(mlkem_ops_choose(), params, seeds, seeds + MLKEM_RANDOM_LEN, ek, vector);
	bytes_wipe(seeds, sizeof(seeds));
	bytes_wipe(vector, vector_len(params));
}

void mlkem_decaps_seed(enum mlkem_set set, const uint8_t d[MLKEM_RANDOM_LEN],
		       const uint8_t z[MLKEM_RANDOM_LEN], const uint8_t *ciphertext,
		       uint8_t shared[MLKEM_SHARED_LEN])
{
	const struct mlkem_ops *ops = mlkem_ops_choose();
	uint8_t dk[MLKEM_DK_LEN_MAX];

	fill_dk(ops, set, d, z, dk);
	decaps(ops, mlkem_params_of(set), dk, ciphertext, shared);
	bytes_wipe(dk, mlkem_dk_len(set));
}
