/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round of Keccak-f[1600] (FIPS 202 3.2), written once for every width: whoever includes this defines
 *
 *	KECCAK_LANE	what holds a lane: uint64_t, or a vector of one lane of each of several states
 *	KECCAK_TARGET	the attributes of the function, for the instructions that it may use
 *
 * theta, rho and pi take a lane of the old state to its place in a row; chi makes the row; iota is in
 * the first lane. Lane (x, y) of the standard is number x + 5 * y.
 */
#define KECCAK_ROTATE(lane, by) ((lane) << (by) | (lane) >> (64 - (by)))

#define KECCAK_CHI(row) \
	do { \
		new[row] = r0 ^ (~r1 & r2); \
		new[row + 1] = r1 ^ (~r2 & r3); \
		new[row + 2] = r2 ^ (~r3 & r4); \
		new[row + 3] = r3 ^ (~r4 & r0); \
		new[row + 4] = r4 ^ (~r0 & r1); \
	} while (0)

KECCAK_TARGET static inline void keccak_round(const KECCAK_LANE old[25], KECCAK_LANE new[25],
					      uint64_t constant)
{
	KECCAK_LANE c0 = old[0] ^ old[5] ^ old[10] ^ old[15] ^ old[20];
	KECCAK_LANE c1 = old[1] ^ old[6] ^ old[11] ^ old[16] ^ old[21];
	KECCAK_LANE c2 = old[2] ^ old[7] ^ old[12] ^ old[17] ^ old[22];
	KECCAK_LANE c3 = old[3] ^ old[8] ^ old[13] ^ old[18] ^ old[23];
	KECCAK_LANE c4 = old[4] ^ old[9] ^ old[14] ^ old[19] ^ old[24];
	KECCAK_LANE d0 = c4 ^ KECCAK_ROTATE(c1, 1);
	KECCAK_LANE d1 = c0 ^ KECCAK_ROTATE(c2, 1);
	KECCAK_LANE d2 = c1 ^ KECCAK_ROTATE(c3, 1);
	KECCAK_LANE d3 = c2 ^ KECCAK_ROTATE(c4, 1);
	KECCAK_LANE d4 = c3 ^ KECCAK_ROTATE(c0, 1);
	KECCAK_LANE r0, r1, r2, r3, r4;

	r0 = old[0] ^ d0;
	r1 = KECCAK_ROTATE(old[6] ^ d1, 44);
	r2 = KECCAK_ROTATE(old[12] ^ d2, 43);
	r3 = KECCAK_ROTATE(old[18] ^ d3, 21);
	r4 = KECCAK_ROTATE(old[24] ^ d4, 14);
	KECCAK_CHI(0);
	new[0] ^= constant;
	r0 = KECCAK_ROTATE(old[3] ^ d3, 28);
	r1 = KECCAK_ROTATE(old[9] ^ d4, 20);
	r2 = KECCAK_ROTATE(old[10] ^ d0, 3);
	r3 = KECCAK_ROTATE(old[16] ^ d1, 45);
	r4 = KECCAK_ROTATE(old[22] ^ d2, 61);
	KECCAK_CHI(5);
	r0 = KECCAK_ROTATE(old[1] ^ d1, 1);
	r1 = KECCAK_ROTATE(old[7] ^ d2, 6);
	r2 = KECCAK_ROTATE(old[13] ^ d3, 25);
	r3 = KECCAK_ROTATE(old[19] ^ d4, 8);
	r4 = KECCAK_ROTATE(old[20] ^ d0, 18);
	KECCAK_CHI(10);
	r0 = KECCAK_ROTATE(old[4] ^ d4, 27);
	r1 = KECCAK_ROTATE(old[5] ^ d0, 36);
	r2 = KECCAK_ROTATE(old[11] ^ d1, 10);
	r3 = KECCAK_ROTATE(old[17] ^ d2, 15);
	r4 = KECCAK_ROTATE(old[23] ^ d3, 56);
	KECCAK_CHI(15);
	r0 = KECCAK_ROTATE(old[2] ^ d2, 62);
	r1 = KECCAK_ROTATE(old[8] ^ d3, 55);
	r2 = KECCAK_ROTATE(old[14] ^ d4, 39);
	r3 = KECCAK_ROTATE(old[15] ^ d0, 41);
	r4 = KECCAK_ROTATE(old[21] ^ d1, 2);
	KECCAK_CHI(20);
}

/* The rounds in pairs, so that the state comes back to where it was. */
KECCAK_TARGET static inline void keccak_rounds(KECCAK_LANE lanes[25])
{
	KECCAK_LANE between[25];

	for (size_t round = 0; round < KECCAK_ROUNDS; round += 2) {
		keccak_round(lanes, between, keccak_constants[round]);
		keccak_round(between, lanes, keccak_constants[round + 1]);
	}
}
