/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash harness: run a workload on a disk that stops before its nth operation, for every n; restart;
 * look whether the state is whole.
 *
 *	for n = 0, 1, 2, ... until a run gets to its end:
 *		begin -> run (stops at n) -> restart -> check
 *		[stop_again: -> run once more, stops soon -> restart -> check]
 *		end
 *
 * The workload opens its store through the SQLite VFS CRASH_VFS, and by sim/disk.h's sim_file for what is
 * not SQLite. It closes all files before run and check return, also after errors.
 */
#ifndef TESTS_SIM_CRASH_H
#define TESTS_SIM_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/disk.h"
#include "sim/random.h"

#define CRASH_VFS "sim-crash"

struct crash_workload {
	/* A new, empty disk: forget what the last point did. May prepare (nothing stops yet) or be NULL. */
	void (*begin)(void *context, struct sim_disk *disk);
	/* Opens or creates, works until done or until the first error, remembers what was acknowledged. */
	void (*run)(void *context);
	/* After a restart: opens and says whether everything acknowledged is there, once, and nothing else. */
	bool (*check)(void *context);
	/* May be NULL. */
	void (*end)(void *context);
	void *context;
};

struct crash_options {
	uint64_t seed;
	enum sim_restart how;
	bool stop_again;     /* also a second stop, early in the run after the first */
	bool ignore_syncs;   /* a disk that lies: the test must fail */
	uint64_t points_max; /* 0: every point */
	uint64_t step;	     /* every step-th point; 0 is 1 */
};

struct crash_report {
	uint64_t points;
	uint64_t operations; /* of the run that got to its end */
	uint64_t failed;
	uint64_t first_failed; /* the point; valid if failed > 0 */
};

/* Prints nothing; aborts only on the harness's own errors. */
struct crash_report crash_run(const struct crash_workload *workload,
			      const struct crash_options *options);

#endif
