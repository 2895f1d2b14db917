/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polynomials of ML-KEM and bytes (FIPS 203 4.2.1, 4.7): coefficients packed, whole or compressed to a few bits.
 * A compressed coefficient is a quotient by q; it is taken by a multiplication and a shift, because a
 * division takes a time that depends on what is divided.
 */
#include "crypto/ct.h"
#include "crypto/mlkem_internal.h"

/* 2^36 / q, rounded up: exact quotients of what compress divides, below 2^23 (the tests try every one). */
#define Q_RECIPROCAL	   UINT64_C(20642679)
#define Q_RECIPROCAL_SHIFT 36

void mlkem_poly_add(struct mlkem_poly *sum, const struct mlkem_poly *poly)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		sum->c[i] = (int16_t)(sum->c[i] + poly->c[i]);
}

void mlkem_poly_subtract(struct mlkem_poly *from, const struct mlkem_poly *poly)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		from->c[i] = (int16_t)(from->c[i] - poly->c[i]);
}

/* -1 for a negative number, else 0. */
static int16_t sign(int16_t a)
{
	return (int16_t)(a >> 15);
}

void mlkem_poly_canonical(struct mlkem_poly *poly)
{
	for (size_t i = 0; i < MLKEM_N; i++) {
		int16_t a = poly->c[i];

		/* Barrett's quotient is the nearest: what is left is at most (q + 1) / 2 from zero. */
		a = (int16_t)(a - (((int32_t)a * MLKEM_BARRETT + (1 << 25)) >> 26) * MLKEM_Q);
		poly->c[i] = (int16_t)(a + (sign(a) & MLKEM_Q));
	}
}

void mlkem_poly_encode(const struct mlkem_poly *poly, uint8_t *out)
{
	for (size_t i = 0; i < MLKEM_N; i += 2, out += 3) {
		unsigned a = (unsigned)poly->c[i], b = (unsigned)poly->c[i + 1];

		out[0] = (uint8_t)a;
		out[1] = (uint8_t)(a >> 8 | b << 4);
		out[2] = (uint8_t)(b >> 4);
	}
}

static int16_t first_of(const uint8_t *in)
{
	return (int16_t)(in[0] | (in[1] & 0x0f) << 8);
}

static int16_t second_of(const uint8_t *in)
{
	return (int16_t)(in[1] >> 4 | in[2] << 4);
}

static int16_t subtract_q(int16_t a)
{
	int16_t less = (int16_t)(a - MLKEM_Q);

	return (int16_t)(less + (sign(less) & MLKEM_Q));
}

void mlkem_poly_decode(struct mlkem_poly *poly, const uint8_t *in)
{
	for (size_t i = 0; i < MLKEM_N; i += 2, in += 3) {
		poly->c[i] = subtract_q(first_of(in));
		poly->c[i + 1] = subtract_q(second_of(in));
	}
}

bool mlkem_poly_check(const uint8_t *in)
{
	int all_below = -1;

	for (size_t i = 0; i < MLKEM_N; i += 2, in += 3)
		all_below &= (first_of(in) - MLKEM_Q) & (second_of(in) - MLKEM_Q);
	return all_below < 0;
}

/* 2^bits a / q, rounded, modulo 2^bits. */
static uint32_t compress(int16_t a, unsigned bits)
{
	uint64_t scaled = ((uint64_t)(uint16_t)a << bits) + MLKEM_Q / 2;

	return (uint32_t)(scaled * Q_RECIPROCAL >> Q_RECIPROCAL_SHIFT) & ((1U << bits) - 1);
}

/* Eight coefficients are a whole number of bytes. Inline, so that bits is a constant in each use. */
static inline __attribute__((always_inline)) void pack(const struct mlkem_poly *poly, unsigned bits,
						       uint8_t *out)
{
	for (size_t i = 0; i < MLKEM_N; i += 8) {
		uint32_t held = 0;
		unsigned held_bits = 0;

		for (size_t j = i; j < i + 8; j++) {
			held |= compress(poly->c[j], bits) << held_bits;
			for (held_bits += bits; held_bits >= 8; held_bits -= 8, held >>= 8)
				*out++ = (uint8_t)held;
		}
	}
}

static inline __attribute__((always_inline)) void unpack(struct mlkem_poly *poly, unsigned bits,
							 const uint8_t *in)
{
	for (size_t i = 0; i < MLKEM_N; i += 8) {
		uint32_t held = 0;
		unsigned held_bits = 0;

		for (size_t j = i; j < i + 8; j++) {
			uint32_t value;

			for (; held_bits < bits; held_bits += 8)
				held |= (uint32_t)*in++ << held_bits;
			/* One bit of a message must not become a branch. */
			value = ct_hide(held & ((1U << bits) - 1));
			poly->c[j] = (int16_t)((value * MLKEM_Q + (1U << bits) / 2) >> bits);
			held >>= bits;
			held_bits -= bits;
		}
	}
}

void mlkem_poly_compress(const struct mlkem_poly *poly, unsigned bits, uint8_t *out)
{
	switch (bits) {
	case 1:
		pack(poly, 1, out);
		break;
	case 4:
		pack(poly, 4, out);
		break;
	case 5:
		pack(poly, 5, out);
		break;
	case 10:
		pack(poly, 10, out);
		break;
	default:
		pack(poly, 11, out);
		break;
	}
}

void mlkem_poly_decompress(struct mlkem_poly *poly, unsigned bits, const uint8_t *in)
{
	switch (bits) {
	case 1:
		unpack(poly, 1, in);
		break;
	case 4:
		unpack(poly, 4, in);
		break;
	case 5:
		unpack(poly, 5, in);
		break;
	case 10:
		unpack(poly, 10, in);
		break;
	default:
		unpack(poly, 11, in);
		break;
	}
}
