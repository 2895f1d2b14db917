/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks. Engines get both as parameters and read neither.
 *
 * now_ns is CLOCK_BOOTTIME: it never goes back and, unlike CLOCK_MONOTONIC, it goes on while the
 * machine sleeps. A phone is in a pocket most of its life; a token window, a retransmission or a
 * call that stopped counting during sleep would find on waking that "no time has passed", and would
 * wait out what is long over.
 */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

#define OS_CLOCK_SECOND_NS UINT64_C(1000000000)
#define OS_CLOCK_MS_NS	   UINT64_C(1000000)

/* "2026-11-22T12:41:25.123Z" and its terminator. */
#define OS_CLOCK_TEXT_LEN 25

/* Nanoseconds since the machine started, sleep included. Never 0. */
uint64_t os_clock_now_ns(void);

/* Milliseconds since 1970-01-01 UTC. May jump either way; only for what the protocol dates. */
uint64_t os_clock_utc_ms(void);

/* RFC 3339 section 5.6, UTC, milliseconds. What lies after the year 9999 is written as its last
 * moment. */
void os_clock_format(uint64_t utc_ms, char text[OS_CLOCK_TEXT_LEN]);

#endif
