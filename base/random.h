/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where randomness comes from is the caller's decision: os/ gives the kernel's, tests and the simulator a
 * seeded one, failure tests one that refuses the nth call. Engines take a const struct random_source *.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include <sotto/random.h>

#include "base/error.h"

static inline MUST_USE enum sotto_err random_fill(const struct random_source *random, void *out,
						  size_t len)
{
	return random->fill(random->context, out, len);
}

#endif
