/* SPDX-License-Identifier: Apache-2.0 */
/* A member by itself: a fresh process that joins, stays, and says what that took. */
#ifndef BENCH_MLS_CHILD_H
#define BENCH_MLS_CHILD_H

#include "bench/mls_world.h"

/* The program starts itself with this argument; child_main is its main then. */
#define CHILD_ARGUMENT "--member"

struct child_report {
	double cpu_ms;	/* of joining */
	double peak_mb; /* resident, from its start to membership */
	size_t allocations;
};

/* False: it could not be started, or failed. */
bool child_run(const struct member *member, struct bytes welcome, struct child_report *report);

int child_main(void);

/* A field of /proc/self/status that counts kB; 0 if there is none. */
double child_memory_mb(const char *field);

#endif
