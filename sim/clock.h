/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual time: a queue of events that runs as fast as it can. Events of the same time run in the
 * order in which they were set, so a run depends on nothing but its seed.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"

#define SIM_MILLISECOND UINT64_C(1000000)
#define SIM_SECOND	UINT64_C(1000000000)

/* In the caller's memory, zeroed before first use; it stays where it is while it is set. */
struct sim_event {
	void (*run)(void *context);
	void *context;
	uint64_t when_ns;
	uint64_t order;
	size_t place; /* in the queue, counted from 1; 0: not set */
};

struct sim_clock {
	const struct allocator *allocator;
	struct sim_event **queue; /* a binary heap */
	size_t len;
	size_t capacity;
	uint64_t order;
	uint64_t now_ns;
	uint64_t utc_ms_start;
};

/* Time begins at one second, so that 0 can mean never; utc_ms_start is the wall time at now_ns 0.
 */
void sim_clock_init(struct sim_clock *clock, const struct allocator *allocator,
		    uint64_t utc_ms_start);

/* Forgets what is set. NULL is fine. */
void sim_clock_finish(struct sim_clock *clock);

uint64_t sim_clock_now(const struct sim_clock *clock);
uint64_t sim_clock_utc_ms(const struct sim_clock *clock);

/* Sets the event, or moves it if it is set; a time in the past is now. SOTTO_ERR_NO_MEMORY. */
MUST_USE enum sotto_err sim_clock_set(struct sim_clock *clock, struct sim_event *event,
				      uint64_t when_ns);

/* One that is not set is fine. */
void sim_clock_cancel(struct sim_clock *clock, struct sim_event *event);

/* Goes to the next event and runs it, which may set others; false if there was none. */
bool sim_clock_step(struct sim_clock *clock);

/* Runs everything up to and including this time, and stays there. */
void sim_clock_run_until(struct sim_clock *clock, uint64_t when_ns);

#endif
