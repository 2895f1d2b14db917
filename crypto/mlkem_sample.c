/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polynomials from seeds (FIPS 203 4.2.2): the entries of the public matrix by rejection from SHAKE128, the noise
 * by counting bits of SHAKE256. Up to four at a time, each with a state of Keccak of its own.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/mlkem_internal.h"

#define STATES	       4
#define SHAKE_SUFFIX   0x1f
#define NOISE_LEN(eta) (64 * (eta))
#define NOISE_LEN_MAX  NOISE_LEN(3)

static void absorb(struct mlkem_states *states, size_t state, const uint8_t *seed,
		   const uint8_t *after, size_t after_len, unsigned rate)
{
	for (size_t i = 0; i < MLKEM_RANDOM_LEN + after_len; i++) {
		uint8_t byte = i < MLKEM_RANDOM_LEN ? seed[i] : after[i - MLKEM_RANDOM_LEN];

		states->lanes[i / 8][state] ^= (uint64_t)byte << (8 * (i % 8));
	}
	states->lanes[(MLKEM_RANDOM_LEN + after_len) / 8][state] ^= (uint64_t)SHAKE_SUFFIX
								    << (8 * (after_len % 8));
	states->lanes[rate / 8 - 1][state] ^= UINT64_C(1) << 63;
}

/* The first len bytes of a state, a multiple of 8. */
static void extract(const struct mlkem_states *states, size_t state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len / 8; i++) {
		uint64_t lane = states->lanes[i][state];

		for (unsigned j = 0; j < 8; j++)
			out[8 * i + j] = (uint8_t)(lane >> (8 * j));
	}
}

/*
 * Takes what is below q of the numbers of 12 bits in a block; how many coefficients there are then. Each is
 * written and kept by moving on, since a branch would be guessed wrong one time in five.
 */
static size_t accept(struct mlkem_poly *poly, size_t have, const uint8_t block[SHAKE128_RATE])
{
	for (size_t i = 0; i < SHAKE128_RATE && have < MLKEM_N; i += 3) {
		int16_t first = (int16_t)(block[i] | (block[i + 1] & 0x0f) << 8);
		int16_t second = (int16_t)(block[i + 1] >> 4 | block[i + 2] << 4);

		poly->c[have] = first;
		have += first < MLKEM_Q;
		if (have == MLKEM_N)
			break;
		poly->c[have] = second;
		have += second < MLKEM_Q;
	}
	return have;
}

void mlkem_sample_matrix(const struct mlkem_ops *ops, const uint8_t rho[MLKEM_RANDOM_LEN],
			 const struct mlkem_place *places, size_t count, struct mlkem_poly *polys)
{
	struct mlkem_states states = {0};
	uint8_t block[SHAKE128_RATE];
	size_t have[STATES] = {0};
	size_t full = 0;

	ASSERT(count <= STATES);
	for (size_t i = 0; i < count; i++) {
		uint8_t place[2] = {places[i].column, places[i].row};

		absorb(&states, i, rho, place, sizeof(place), SHAKE128_RATE);
	}
	while (full < count) {
		ops->permute(&states, count);
		for (size_t i = 0; i < count; i++) {
			if (have[i] == MLKEM_N)
				continue;
			extract(&states, i, block, sizeof(block));
			have[i] = accept(&polys[i], have[i], block);
			full += have[i] == MLKEM_N;
		}
	}
}

/* Four bits a coefficient: two ones count up, two down (Algorithm 8 with eta = 2). */
static void add_binomial2(struct mlkem_poly *poly, const uint8_t bytes[NOISE_LEN(2)])
{
	for (size_t i = 0; i < NOISE_LEN(2); i++) {
		unsigned pairs = (bytes[i] & 0x55U) + (bytes[i] >> 1 & 0x55U);
		int low = (int)(pairs & 3) - (int)(pairs >> 2 & 3);
		int high = (int)(pairs >> 4 & 3) - (int)(pairs >> 6);

		poly->c[2 * i] = (int16_t)(poly->c[2 * i] + low);
		poly->c[2 * i + 1] = (int16_t)(poly->c[2 * i + 1] + high);
	}
}

/* Six bits a coefficient, four coefficients in three bytes. */
static void add_binomial3(struct mlkem_poly *poly, const uint8_t bytes[NOISE_LEN(3)])
{
	for (size_t i = 0; i < MLKEM_N; i += 4, bytes += 3) {
		uint32_t bits = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
		uint32_t threes =
			(bits & 0x249249) + (bits >> 1 & 0x249249) + (bits >> 2 & 0x249249);

		for (size_t j = 0; j < 4; j++, threes >>= 6)
			poly->c[i + j] = (int16_t)(poly->c[i + j] + (int)(threes & 7) -
						   (int)(threes >> 3 & 7));
	}
}

/* Up to four. */
static void add_noise_group(const struct mlkem_ops *ops, unsigned eta, const uint8_t *seed,
			    uint8_t nonce, struct mlkem_poly *polys, size_t count)
{
	struct mlkem_states states = {0};
	uint8_t bytes[STATES][NOISE_LEN_MAX];
	size_t len = NOISE_LEN(eta);

	for (size_t i = 0; i < count; i++) {
		uint8_t number = (uint8_t)(nonce + i);

		absorb(&states, i, seed, &number, 1, SHAKE256_RATE);
	}
	for (size_t done = 0, part; done < len; done += part) {
		part = len - done < SHAKE256_RATE ? len - done : SHAKE256_RATE;
		ops->permute(&states, count);
		for (size_t i = 0; i < count; i++)
			extract(&states, i, bytes[i] + done, part);
	}
	for (size_t i = 0; i < count; i++) {
		if (eta == 2)
			add_binomial2(&polys[i], bytes[i]);
		else
			add_binomial3(&polys[i], bytes[i]);
	}
	bytes_wipe(&states, sizeof(states));
	bytes_wipe(bytes, sizeof(bytes));
}

void mlkem_add_noise(const struct mlkem_ops *ops, unsigned eta,
		     const uint8_t seed[MLKEM_RANDOM_LEN], uint8_t nonce, struct mlkem_poly *polys,
		     size_t count)
{
	ASSERT(eta == 2 || eta == 3);
	for (size_t done = 0, part; done < count; done += part) {
		part = count - done < STATES ? count - done : STATES;
		add_noise_group(ops, eta, seed, (uint8_t)(nonce + done), polys + done, part);
	}
}
