/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator for tests that counts, and refuses the nth call. */
#ifndef TESTS_MLS_FAULTY_H
#define TESTS_MLS_FAULTY_H

#include <stdlib.h>

#include "base/allocator.h"

struct faulty {
	struct allocator allocator;
	unsigned calls;
	unsigned refuse; /* 0: none */
	size_t live;
	size_t most; /* the highest that live has been */
};

static inline void *faulty_allocate(void *context, size_t len)
{
	struct faulty *self = context;

	self->calls++;
	if (self->calls == self->refuse)
		return NULL;
	self->live += len;
	self->most = self->live > self->most ? self->live : self->most;
	return malloc(len);
}

static inline void faulty_release(void *context, void *memory, size_t len)
{
	struct faulty *self = context;

	self->live -= len;
	free(memory);
}

static inline void faulty_init(struct faulty *faulty)
{
	*faulty = (struct faulty){.allocator = {faulty_allocate, faulty_release, faulty}};
}

#endif
