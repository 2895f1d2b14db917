/* SPDX-License-Identifier: Apache-2.0 */
/* Samples in order, in the caller's memory; a few frames at most, so taking moves the rest forward.
 */
#ifndef VOICE_FIFO_H
#define VOICE_FIFO_H

#include <stddef.h>
#include <stdint.h>

#include "voice/format.h"

#define VOICE_FIFO_SAMPLES VOICE_SAMPLES(200)

struct voice_fifo {
	size_t count;
	int16_t samples[VOICE_FIFO_SAMPLES];
};

/* What does not fit pushes the oldest out. */
void voice_fifo_put(struct voice_fifo *fifo, const int16_t *samples, size_t count);

/* Up to count samples; returns how many there were. out may be NULL, to drop them. */
size_t voice_fifo_get(struct voice_fifo *fifo, int16_t *out, size_t count);

#endif
