/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngtcp2 wants malloc, our allocators want to know on release how long a piece was: its length is kept in
 * front of it.
 */
#include <string.h>

#include "link/quic_internal.h"

#define FRONT 16 /* keeps malloc's alignment */

static void *take(size_t len, void *user)
{
	const struct allocator *allocator = user;
	uint8_t *memory;

	if (len > SIZE_MAX - FRONT)
		return NULL;
	memory = allocator_take(allocator, len + FRONT);
	if (!memory)
		return NULL;
	memcpy(memory, &len, sizeof(len));
	return memory + FRONT;
}

static size_t len_of(const void *memory)
{
	size_t len;

	memcpy(&len, (const uint8_t *)memory - FRONT, sizeof(len));
	return len;
}

static void give(void *memory, void *user)
{
	if (memory)
		allocator_wipe(user, (uint8_t *)memory - FRONT, len_of(memory) + FRONT);
}

static void *take_zeroed(size_t count, size_t size, void *user)
{
	void *memory;

	if (size && count > SIZE_MAX / size)
		return NULL;
	memory = take(count * size, user);
	if (memory)
		memset(memory, 0, count * size);
	return memory;
}

static void *resize(void *memory, size_t len, void *user)
{
	void *larger;

	if (!memory)
		return take(len, user);
	larger = take(len, user);
	if (!larger)
		return NULL;
	memcpy(larger, memory, len < len_of(memory) ? len : len_of(memory));
	give(memory, user);
	return larger;
}

void quic_memory_init(ngtcp2_mem *mem, const struct allocator *allocator)
{
	*mem = (ngtcp2_mem){
		/* ngtcp2's context is not const; the functions above use it as what it is. */
		.user_data = (void *)(uintptr_t)allocator,
		.malloc = take,
		.free = give,
		.calloc = take_zeroed,
		.realloc = resize,
	};
}
