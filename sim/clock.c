/* SPDX-License-Identifier: Apache-2.0 */
/* The event queue: a binary heap of borrowed events, each of which knows its place. */
#include "sim/clock.h"

#include <string.h>

#include "base/assert.h"

void sim_clock_init(struct sim_clock *clock, const struct allocator *allocator,
		    uint64_t utc_ms_start)
{
	*clock = (struct sim_clock){
		.allocator = allocator, .now_ns = SIM_SECOND, .utc_ms_start = utc_ms_start};
}

void sim_clock_finish(struct sim_clock *clock)
{
	if (clock == NULL)
		return;
	for (size_t i = 0; i < clock->len; i++)
		clock->queue[i]->place = 0;
	allocator_give(clock->allocator, clock->queue,
		       clock->capacity * sizeof(struct sim_event *));
	clock->queue = NULL;
	clock->len = 0;
	clock->capacity = 0;
}

uint64_t sim_clock_now(const struct sim_clock *clock)
{
	return clock->now_ns;
}

uint64_t sim_clock_utc_ms(const struct sim_clock *clock)
{
	return clock->utc_ms_start + clock->now_ns / SIM_MILLISECOND;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->when_ns != b->when_ns ? a->when_ns < b->when_ns : a->order < b->order;
}

static void place(struct sim_clock *clock, size_t at, struct sim_event *event)
{
	clock->queue[at] = event;
	event->place = at + 1;
}

static void rise(struct sim_clock *clock, size_t at)
{
	struct sim_event *event = clock->queue[at];

	while (at > 0 && before(event, clock->queue[(at - 1) / 2])) {
		place(clock, at, clock->queue[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(clock, at, event);
}

static void sink(struct sim_clock *clock, size_t at)
{
	struct sim_event *event = clock->queue[at];

	for (size_t child = 2 * at + 1; child < clock->len; child = 2 * at + 1) {
		if (child + 1 < clock->len && before(clock->queue[child + 1], clock->queue[child]))
			child++;
		if (!before(clock->queue[child], event))
			break;
		place(clock, at, clock->queue[child]);
		at = child;
	}
	place(clock, at, event);
}

static enum sotto_err reserve(struct sim_clock *clock)
{
	size_t capacity = clock->capacity == 0 ? 64 : 2 * clock->capacity;
	struct sim_event **queue;

	if (clock->len < clock->capacity)
		return SOTTO_OK;
	queue = allocator_take_zeroed(clock->allocator, capacity, sizeof(struct sim_event *));
	if (queue == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (clock->len != 0)
		memcpy(queue, clock->queue, clock->len * sizeof(struct sim_event *));
	allocator_give(clock->allocator, clock->queue,
		       clock->capacity * sizeof(struct sim_event *));
	clock->queue = queue;
	clock->capacity = capacity;
	return SOTTO_OK;
}

enum sotto_err sim_clock_set(struct sim_clock *clock, struct sim_event *event, uint64_t when_ns)
{
	enum sotto_err err = reserve(clock);

	if (err != SOTTO_OK)
		return err;
	sim_clock_cancel(clock, event);
	event->when_ns = when_ns > clock->now_ns ? when_ns : clock->now_ns;
	event->order = clock->order++;
	place(clock, clock->len++, event);
	rise(clock, clock->len - 1);
	return SOTTO_OK;
}

void sim_clock_cancel(struct sim_clock *clock, struct sim_event *event)
{
	size_t at = event->place;

	if (at == 0)
		return;
	at--;
	ASSERT(at < clock->len && clock->queue[at] == event);
	event->place = 0;
	clock->len--;
	if (at == clock->len)
		return;
	place(clock, at, clock->queue[clock->len]);
	rise(clock, at);
	sink(clock, at);
}

bool sim_clock_step(struct sim_clock *clock)
{
	struct sim_event *event;

	if (clock->len == 0)
		return false;
	event = clock->queue[0];
	clock->now_ns = event->when_ns;
	sim_clock_cancel(clock, event);
	event->run(event->context);
	return true;
}

void sim_clock_run_until(struct sim_clock *clock, uint64_t when_ns)
{
	while (clock->len > 0 && clock->queue[0]->when_ns <= when_ns)
		(void)sim_clock_step(clock); /* there is one: the condition says so */
	if (when_ns > clock->now_ns)
		clock->now_ns = when_ns;
}
