/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's allocator. Whoever releases says how long the memory was, so an allocator can count, limit
 * and wipe.
 */
#ifndef SOTTO_ALLOCATOR_H
#define SOTTO_ALLOCATOR_H

#include <stddef.h>

#include <sotto/begin.h>

struct allocator {
	void *(*allocate)(void *context, size_t len); /* aligned as malloc does; NULL on failure */
	void (*release)(void *context, void *memory, size_t len);
	void *context;
};

/* malloc and free. */
const struct allocator *sotto_allocator_malloc(void);

#include <sotto/end.h>

#endif
