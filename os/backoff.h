/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to start a process again that ended by itself: at once the first time, then after 0.1 s,
 * doubling to 10 s. One that lived OS_BACKOFF_HEALTHY_NS starts over. It never gives up: a phone
 * that cannot ring has nobody to ask.
 */
#ifndef OS_BACKOFF_H
#define OS_BACKOFF_H

#include <stdint.h>

#define OS_BACKOFF_FIRST_NS   UINT64_C(100000000)
#define OS_BACKOFF_MAX_NS     UINT64_C(10000000000)
#define OS_BACKOFF_HEALTHY_NS UINT64_C(60000000000)

struct os_backoff {
	uint64_t started_ns;
	uint32_t failures; /* in a row; zero-initialise */
};

void os_backoff_started(struct os_backoff *backoff, uint64_t now_ns);

/* It ended now: when to start it again. */
uint64_t os_backoff_ended(struct os_backoff *backoff, uint64_t now_ns);

#endif
