/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's allocator. Whoever releases says how long the memory was, so an allocator can count, limit
 * and wipe. allocator_default is malloc and free.
 */
#ifndef BASE_ALLOCATOR_H
#define BASE_ALLOCATOR_H

#include <stddef.h>

struct allocator {
	void *(*allocate)(void *context, size_t len); /* aligned as malloc does; NULL on failure */
	void (*release)(void *context, void *memory, size_t len);
	void *context;
};

extern const struct allocator allocator_default;

/* len 0 gives NULL. NULL with len > 0 means: out of memory. */
void *allocator_take(const struct allocator *allocator, size_t len);

/* Like allocator_take for count * size, NULL on overflow, memory zeroed. */
void *allocator_take_zeroed(const struct allocator *allocator, size_t count, size_t size);

/* NULL is fine. */
void allocator_give(const struct allocator *allocator, void *memory, size_t len);

/* Wipes, then gives back. NULL is fine. */
void allocator_wipe(const struct allocator *allocator, void *memory, size_t len);

#endif
