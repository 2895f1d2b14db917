/* SPDX-License-Identifier: Apache-2.0 */
/* The default allocator, and the wrappers that check for overflow and NULL. */
#include "base/allocator.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static void *default_allocate(void *context, size_t len)
{
	(void)context;
	return malloc(len);
}

static void default_release(void *context, void *memory, size_t len)
{
	(void)context;
	(void)len;
	free(memory);
}

const struct allocator allocator_default = {
	.allocate = default_allocate,
	.release = default_release,
	.context = NULL,
};

const struct allocator *sotto_allocator_malloc(void)
{
	return &allocator_default;
}

void *allocator_take(const struct allocator *allocator, size_t len)
{
	return len == 0 ? NULL : allocator->allocate(allocator->context, len);
}

void *allocator_take_zeroed(const struct allocator *allocator, size_t count, size_t size)
{
	void *memory;

	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	memory = allocator_take(allocator, count * size);
	if (memory != NULL)
		memset(memory, 0, count * size);
	return memory;
}

void allocator_give(const struct allocator *allocator, void *memory, size_t len)
{
	if (memory != NULL)
		allocator->release(allocator->context, memory, len);
}

void allocator_wipe(const struct allocator *allocator, void *memory, size_t len)
{
	if (memory == NULL)
		return;
	bytes_wipe(memory, len);
	allocator_give(allocator, memory, len);
}
