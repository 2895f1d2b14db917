/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sources for tests: fixed bytes (vectors), a seeded stream, and one that refuses the nth call. A
 * `struct test_random` must outlive the source that points to it.
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/random.h"

struct test_random {
	struct bytes fixed;   /* given out first; what comes after is the stream */
	uint64_t seed;	      /* of the stream (splitmix64: not for secrets) */
	unsigned calls;	      /* made so far */
	unsigned refuse_call; /* this one fails with SOTTO_ERR_RANDOM, counted from 1; 0: none */
};

struct random_source test_random_source(struct test_random *random);

#endif
