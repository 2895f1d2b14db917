/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256**, its state filled by splitmix64. */
#include "sim/random.h"

#include <string.h>

#include "base/assert.h"

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void sim_random_init(struct sim_random *random, uint64_t seed)
{
	random->seed = seed;
	random->refuse_in = UINT64_MAX;
	for (size_t i = 0; i < ARRAY_LEN(random->state); i++)
		random->state[i] = splitmix(&seed);
}

void sim_random_fork(const struct sim_random *random, uint64_t label, struct sim_random *fork)
{
	uint64_t mixed = random->seed ^ splitmix(&label);

	sim_random_init(fork, mixed);
}

static uint64_t rotate(uint64_t value, unsigned int by)
{
	return value << by | value >> (64 - by);
}

uint64_t sim_random_u64(struct sim_random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate(s[3], 45);
	return result;
}

/* The bias of the remainder is below 2^-32 for every limit that a simulation uses. */
uint64_t sim_random_below(struct sim_random *random, uint64_t limit)
{
	ASSERT(limit > 0);
	return sim_random_u64(random) % limit;
}

bool sim_random_chance(struct sim_random *random, uint32_t ppm)
{
	return sim_random_below(random, 1000000) < ppm;
}

void sim_random_fill(struct sim_random *random, void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		uint64_t word = sim_random_u64(random);
		size_t part = len < sizeof(word) ? len : sizeof(word);

		for (size_t i = 0; i < part; i++)
			at[i] = (uint8_t)(word >> (8 * i));
		at += part;
		len -= part;
	}
}

static enum sotto_err source_fill(void *context, uint8_t *out, size_t len)
{
	struct sim_random *random = context;

	if (random->refuse_in == 0)
		return SOTTO_ERR_RANDOM;
	if (random->refuse_in != UINT64_MAX)
		random->refuse_in--;
	sim_random_fill(random, out, len);
	return SOTTO_OK;
}

struct random_source sim_random_source(struct sim_random *random)
{
	return (struct random_source){.fill = source_fill, .context = random};
}

void sim_random_refuse(struct sim_random *random, uint64_t calls)
{
	random->refuse_in = calls;
}
