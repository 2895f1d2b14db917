/* SPDX-License-Identifier: Apache-2.0 */
/* Where randomness comes from is the caller's decision; engines take a const struct random_source *. */
#ifndef SOTTO_RANDOM_H
#define SOTTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include <sotto/error.h>

#include <sotto/begin.h>

struct random_source {
	/* Fills all of out or fails; on failure out holds nothing that may be used. */
	enum sotto_err (*fill)(void *context, uint8_t *out, size_t len);
	void *context;
};

/* The kernel's, getrandom(2): waits until it is seeded, then never fails nor blocks. */
const struct random_source *sotto_random_kernel(void);

#include <sotto/end.h>

#endif
