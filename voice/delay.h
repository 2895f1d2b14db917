/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait for packets: the spread of their delays over the last 1.5 s.
 *
 * Each packet has a transit: arrival minus number * 20 ms. The clocks of sender and receiver have
 * no common zero, so a transit alone says nothing, but differences do. The playout point is the
 * transit by which all but a few of the last packets had come, plus a margin: packet n is played at
 * n * 20 ms + point. A late packet moves it at once; it moves back as late ones leave the window.
 */
#ifndef VOICE_DELAY_H
#define VOICE_DELAY_H

#include <stddef.h>
#include <stdint.h>

/* Shorter than the 2 s in which the target has to follow, long enough for 75 packets. */
#define VOICE_DELAY_WINDOW_NS  INT64_C(1500000000)
#define VOICE_DELAY_WINDOW_MAX 128 /* packets: more in a window than a sender makes are a burst */

/* Later than this and a conversation breaks down; then rather lose the packets. */
#define VOICE_DELAY_TARGET_MAX_NS INT64_C(300000000)

struct voice_delay {
	struct {
		int64_t arrival_ns;
		int64_t transit_ns;
	} samples[VOICE_DELAY_WINDOW_MAX];
	size_t next;
	size_t count;
	int64_t least_ns; /* the smallest transit in the window */
	int64_t most_ns;  /* the one by which nearly all had come */
};

/* A packet that is not a copy of one seen before. */
void voice_delay_put(struct voice_delay *delay, int64_t arrival_ns, int64_t transit_ns);

/* most - least, at most VOICE_DELAY_TARGET_MAX_NS; 0 before the first packet. */
int64_t voice_delay_jitter_ns(const struct voice_delay *delay);

/* Forgets all: another run of numbers, or nothing came for long. */
void voice_delay_reset(struct voice_delay *delay);

#endif
