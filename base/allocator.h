/* SPDX-License-Identifier: Apache-2.0 */
/* The wrappers through which the tree uses an allocator, and the one that is malloc and free. */
#ifndef BASE_ALLOCATOR_H
#define BASE_ALLOCATOR_H

#include <stddef.h>

#include <sotto/allocator.h>

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
