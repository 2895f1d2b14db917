/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of deadlines, each inside what it belongs to; room for all is taken at the start. */
#ifndef LINK_TIMERS_H
#define LINK_TIMERS_H

#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"

struct timer {
	uint64_t at_ns;
	uint32_t index; /* in the heap; TIMER_IDLE if not there */
};

#define TIMER_IDLE UINT32_MAX

struct timers {
	const struct allocator *allocator;
	struct timer **heap;
	uint32_t count;
	uint32_t max;
};

MUST_USE enum sotto_err timers_init(struct timers *timers, const struct allocator *allocator,
				    uint32_t max);
void timers_finish(struct timers *timers);

/* UINT64_MAX takes it out. A timer starts with index TIMER_IDLE. */
void timers_set(struct timers *timers, struct timer *timer, uint64_t at_ns);

/* The earliest; NULL if there is none. */
struct timer *timers_first(const struct timers *timers);

#endif
