/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: one a process, one thread, epoll beneath. Everything a program waits for is a
 * member of the caller's own struct (struct os_watch, os_timer, os_deferred), found again with
 * CONTAINER_OF; the loop allocates nothing after its creation and so never fails in the middle of
 * work.
 *
 *   wait ──> resume? ──> descriptors ──> timers that are due ──> deferred calls ──> wait
 *
 * A callback may add, set or remove anything, its own struct too. Deadlines are those of
 * os_clock_now_ns; they are kept by a timerfd on CLOCK_BOOTTIME, so what fell due during sleep runs
 * at once on waking. One call runs at a time, to its end; nothing here may be called from another
 * thread or a signal handler.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "os/sleep.h"

struct os_loop;

/* What a descriptor is watched for, and what was seen. */
#define OS_READ	 1u
#define OS_WRITE 2u
#define OS_GONE	 4u /* seen only: error or hang-up, after what can still be read */

struct os_watch {
	void (*ready)(struct os_watch *watch, unsigned seen);
	int descriptor; /* borrowed: the owner removes the watch, then closes */
	bool added;	/* the loop's */
};

struct os_timer {
	struct list place; /* the loop's */
	void (*expired)(struct os_timer *timer, uint64_t now_ns);
	uint64_t at_ns;
};

struct os_deferred {
	struct list place; /* the loop's */
	void (*run)(struct os_deferred *deferred);
};

/* A timer that is not set. */
#define OS_NEVER UINT64_MAX

/* Fails with NO_MEMORY or IO. destroy takes NULL; what is still watched is the owner's to close. */
MUST_USE enum sotto_err os_loop_create(struct os_loop **loop);
void os_loop_destroy(struct os_loop *loop);

/* Runs until os_loop_stop. IO if the kernel refuses to wait, which is a programmer's error. */
MUST_USE enum sotto_err os_loop_run(struct os_loop *loop);

/* One round: waits (if wait and no deferred call is left) for something, handles it, returns. */
MUST_USE enum sotto_err os_loop_turn(struct os_loop *loop, bool wait);

/* Makes os_loop_run return at the end of this round; before a run, at the end of its first. */
void os_loop_stop(struct os_loop *loop);

/* The time at which this round began to handle what it found: the now_ns to hand to engines. */
uint64_t os_loop_now_ns(const struct os_loop *loop);

/* Fields are set by init; interest is OS_READ and OS_WRITE or'ed, 0 for OS_GONE alone. IO if epoll
 * refuses (a regular file, for instance). */
void os_watch_init(struct os_watch *watch, int descriptor,
		   void (*ready)(struct os_watch *watch, unsigned seen));
MUST_USE enum sotto_err os_loop_watch(struct os_loop *loop, struct os_watch *watch,
				      unsigned interest);

/* Removing what is not watched is fine. Events already fetched for it are dropped. */
void os_loop_unwatch(struct os_loop *loop, struct os_watch *watch);

/* Sets or moves a timer; a time in the past is due in this round or the next; OS_NEVER clears it.
 * Timers run in order of at_ns, equal ones in the order in which they were set. Cost is linear in
 * the number of timers that are set: a program has a handful, because an engine hands out one
 * deadline for all that it waits for. */
void os_timer_init(struct os_timer *timer,
		   void (*expired)(struct os_timer *timer, uint64_t now_ns));
void os_loop_set_timer(struct os_loop *loop, struct os_timer *timer, uint64_t at_ns);

/* Runs once, after all callbacks of this round; asking twice before that is asking once. What a
 * deferred call defers runs in the next round, so that a circle of them cannot starve descriptors.
 */
void os_deferred_init(struct os_deferred *deferred, void (*run)(struct os_deferred *deferred));
void os_loop_defer(struct os_loop *loop, struct os_deferred *deferred);
void os_loop_undefer(struct os_loop *loop, struct os_deferred *deferred);

/* Blocks these signals and reports them as callbacks (signalfd). Once a loop. The block is
 * inherited over exec; os_process_spawn undoes it. count at most 8. */
MUST_USE enum sotto_err os_loop_on_signals(struct os_loop *loop, const int *signals, size_t count,
					   void (*arrived)(void *context, int signal),
					   void *context);

/* The machine slept: called first in the round after, with how long (at least
 * OS_SLEEP_MIN_NS). NULL clears. */
MUST_USE enum sotto_err os_loop_on_resume(struct os_loop *loop,
					  void (*resumed)(void *context, uint64_t slept_ns),
					  void *context);

#endif
