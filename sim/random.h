/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's randomness: one seed decides everything. xoshiro256** (Blackman, Vigna 2018), as
 * a sequence has to be repeatable here and not secret. Each part of a simulation forks a stream of
 * its own, so that one more draw in one part leaves all others as they were.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

struct sim_random {
	uint64_t state[4];
	uint64_t seed;	    /* as it was; what forks start from */
	uint64_t refuse_in; /* see sim_random_refuse */
};

void sim_random_init(struct sim_random *random, uint64_t seed);

/* A stream that depends on random's seed and on label only, not on what was drawn from random. */
void sim_random_fork(const struct sim_random *random, uint64_t label, struct sim_random *fork);

uint64_t sim_random_u64(struct sim_random *random);

/* Below limit, which is at least 1 (asserted). */
uint64_t sim_random_below(struct sim_random *random, uint64_t limit);

/* True in so many of a million cases. */
bool sim_random_chance(struct sim_random *random, uint32_t ppm);

void sim_random_fill(struct sim_random *random, void *out, size_t len);

/* As the random source that engines take; borrows random. */
struct random_source sim_random_source(struct sim_random *random);

/* The source answers calls more times, and SOTTO_ERR_RANDOM from then on. UINT64_MAX: never. */
void sim_random_refuse(struct sim_random *random, uint64_t calls);

#endif
