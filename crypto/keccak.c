/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keccak (FIPS 202): the permutation of one state, and the sponge around it. A lane is a number; bytes are taken
 * from it and put into it by shifts, so that the machine's byte order does not matter.
 */
#include "crypto/keccak.h"

#include <string.h>

#include "base/assert.h"

#define KECCAK_LANE   uint64_t
#define KECCAK_TARGET /* any machine */
#include "crypto/keccak_round.h"

#define SUFFIX_SHA3  0x06 /* the bits 01 (FIPS 202 6.1), then the first of the padding */
#define SUFFIX_SHAKE 0x1f /* the bits 1111 (6.2), then the same */

const uint64_t keccak_constants[KECCAK_ROUNDS] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
	0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
	0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

void keccak_permute(uint64_t lanes[KECCAK_LANES])
{
	keccak_rounds(lanes);
}

static uint64_t load_lane(const uint8_t *from)
{
	uint64_t lane = 0;

	for (unsigned i = 0; i < 8; i++)
		lane |= (uint64_t)from[i] << (8 * i);
	return lane;
}

static void store_lane(uint8_t *to, uint64_t lane)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t)(lane >> (8 * i));
}

void shake_init(struct shake *shake, uint8_t rate)
{
	*shake = (struct shake){.rate = rate};
}

static void absorb_byte(struct shake *shake, uint8_t byte)
{
	shake->lanes[shake->at / 8] ^= (uint64_t)byte << (8 * (shake->at % 8));
	shake->at++;
}

void shake_absorb(struct shake *shake, struct bytes input)
{
	ASSERT(!shake->squeezing);
	while (input.len > 0) {
		if (shake->at % 8 == 0 && input.len >= 8) {
			shake->lanes[shake->at / 8] ^= load_lane(input.data);
			shake->at = (uint8_t)(shake->at + 8);
			input = BYTES(input.data + 8, input.len - 8);
		} else {
			absorb_byte(shake, input.data[0]);
			input = BYTES(input.data + 1, input.len - 1);
		}
		if (shake->at == shake->rate) {
			keccak_permute(shake->lanes);
			shake->at = 0;
		}
	}
}

/* The padding; what is given out begins with the next permutation. */
static void finish_input(struct shake *shake, uint8_t suffix)
{
	absorb_byte(shake, suffix);
	shake->lanes[shake->rate / 8 - 1] ^= UINT64_C(1) << 63;
	shake->at = shake->rate;
	shake->squeezing = true;
}

static void squeeze(struct shake *shake, uint8_t *out, size_t len)
{
	while (len > 0) {
		if (shake->at == shake->rate) {
			keccak_permute(shake->lanes);
			shake->at = 0;
		}
		if (shake->at % 8 == 0 && len >= 8) {
			store_lane(out, shake->lanes[shake->at / 8]);
			shake->at = (uint8_t)(shake->at + 8);
			out += 8;
			len -= 8;
		} else {
			*out++ = (uint8_t)(shake->lanes[shake->at / 8] >> (8 * (shake->at % 8)));
			shake->at++;
			len--;
		}
	}
}

void shake_squeeze(struct shake *shake, uint8_t *out, size_t len)
{
	if (!shake->squeezing)
		finish_input(shake, SUFFIX_SHAKE);
	squeeze(shake, out, len);
}

void shake_finish(struct shake *shake)
{
	if (shake != NULL)
		bytes_wipe(shake, sizeof(*shake));
}

static void digest(uint8_t rate, uint8_t suffix, const struct bytes *parts, size_t count,
		   uint8_t *out, size_t len)
{
	struct shake sponge;

	shake_init(&sponge, rate);
	for (size_t i = 0; i < count; i++)
		shake_absorb(&sponge, parts[i]);
	finish_input(&sponge, suffix);
	squeeze(&sponge, out, len);
	shake_finish(&sponge);
}

/* The rate of SHA-3 is what two digests leave of the state. */
void sha3_256(const struct bytes *parts, size_t count, uint8_t out[SHA3_256_LEN])
{
	digest(200 - 2 * SHA3_256_LEN, SUFFIX_SHA3, parts, count, out, SHA3_256_LEN);
}

void sha3_512(const struct bytes *parts, size_t count, uint8_t out[SHA3_512_LEN])
{
	digest(200 - 2 * SHA3_512_LEN, SUFFIX_SHA3, parts, count, out, SHA3_512_LEN);
}

void shake256(const struct bytes *parts, size_t count, uint8_t *out, size_t len)
{
	digest(SHAKE256_RATE, SUFFIX_SHAKE, parts, count, out, len);
}
