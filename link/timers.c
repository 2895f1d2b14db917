/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of deadlines. */
#include "link/timers.h"

#include <stddef.h>

#include "base/assert.h"

enum sotto_err timers_init(struct timers *timers, const struct allocator *allocator, uint32_t max)
{
	timers->allocator = allocator;
	timers->count = 0;
	timers->max = max;
	timers->heap = allocator_take_zeroed(allocator, max, sizeof(timers->heap[0]));
	return timers->heap ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
}

void timers_finish(struct timers *timers)
{
	allocator_give(timers->allocator, timers->heap, timers->max * sizeof(timers->heap[0]));
	timers->heap = NULL;
}

static void put(struct timers *timers, uint32_t index, struct timer *timer)
{
	timers->heap[index] = timer;
	timer->index = index;
}

static void sift_up(struct timers *timers, uint32_t index)
{
	struct timer *timer = timers->heap[index];

	while (index > 0) {
		uint32_t parent = (index - 1) / 2;

		if (timers->heap[parent]->at_ns <= timer->at_ns)
			break;
		put(timers, index, timers->heap[parent]);
		index = parent;
	}
	put(timers, index, timer);
}

static void sift_down(struct timers *timers, uint32_t index)
{
	struct timer *timer = timers->heap[index];

	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
		    timers->heap[child + 1]->at_ns < timers->heap[child]->at_ns)
			child++;
		if (timer->at_ns <= timers->heap[child]->at_ns)
			break;
		put(timers, index, timers->heap[child]);
		index = child;
	}
	put(timers, index, timer);
}

static void take_out(struct timers *timers, struct timer *timer)
{
	uint32_t index = timer->index;
	struct timer *last = timers->heap[--timers->count];

	timer->index = TIMER_IDLE;
	if (last == timer)
		return;
	put(timers, index, last);
	sift_up(timers, index);
	sift_down(timers, last->index);
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t at_ns)
{
	if (timer->index != TIMER_IDLE) {
		if (timer->at_ns == at_ns)
			return;
		take_out(timers, timer);
	}
	timer->at_ns = at_ns;
	if (at_ns == UINT64_MAX)
		return;
	ASSERT(timers->count < timers->max);
	put(timers, timers->count++, timer);
	sift_up(timers, timer->index);
}

struct timer *timers_first(const struct timers *timers)
{
	return timers->count ? timers->heap[0] : NULL;
}
