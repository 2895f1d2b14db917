/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the machine slept? CLOCK_BOOTTIME counts sleep and CLOCK_MONOTONIC does not, so their
 * distance grows by what was slept and by nothing else. Pure, for the loop and its test.
 */
#ifndef OS_SLEEP_H
#define OS_SLEEP_H

#include <stdint.h>

/* Below this it was no sleep: the clocks are read one after the other, and a process may be stopped
 * between. */
#define OS_SLEEP_MIN_NS UINT64_C(500000000)

struct os_sleep {
	uint64_t distance_ns;
};

/* How long it slept since the last call, 0 if it did not. The first call on a zeroed struct must be
 * ignored. */
static inline uint64_t os_sleep_measure(struct os_sleep *sleep, uint64_t boottime_ns,
					uint64_t monotonic_ns)
{
	uint64_t distance_ns = boottime_ns > monotonic_ns ? boottime_ns - monotonic_ns : 0;
	uint64_t slept_ns = 0;

	if (distance_ns > sleep->distance_ns && distance_ns - sleep->distance_ns >= OS_SLEEP_MIN_NS)
		slept_ns = distance_ns - sleep->distance_ns;
	/* Following it downwards only would let small errors add up to a sleep. */
	if (slept_ns != 0 || distance_ns < sleep->distance_ns)
		sleep->distance_ns = distance_ns;
	return slept_ns;
}

#endif
