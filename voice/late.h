/* SPDX-License-Identifier: Apache-2.0 */
/* How late packets came: a histogram of whole milliseconds, for the 99th percentile. */
#ifndef VOICE_LATE_H
#define VOICE_LATE_H

#include <stdint.h>

#define VOICE_LATE_MS_MAX 1000 /* later counts as this */

struct voice_late {
	uint64_t total;
	uint32_t packets[VOICE_LATE_MS_MAX + 1];
};

/* A packet in time has late_ns 0. */
void voice_late_put(struct voice_late *late, uint64_t late_ns);

/* Adds what another one counted. */
void voice_late_add(struct voice_late *late, const struct voice_late *other);

/* The smallest number of milliseconds that 99 of 100 packets did not pass; 0 if none came. */
uint32_t voice_late_p99(const struct voice_late *late);

#endif
