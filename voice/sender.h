/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the microphone's samples, which come at its pace, to Opus at each beat of the caller's
 * clock. The two paces differ by up to 200 parts in a million, so what is left after each beat
 * creeps up or down; when it has crept too far a few milliseconds are left out or repeated.
 */
#ifndef VOICE_SENDER_H
#define VOICE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"
#include "voice/encoder.h"
#include "voice/fifo.h"
#include "voice/stretch.h"

struct voice_sender {
	struct voice_encoder *encoder;
	struct voice_fifo fifo;
	bool muted;
	bool lossy; /* frames carry copies of the one before */
	uint64_t sent;
	size_t least_left; /* in the fifo after a beat, in this second */
	unsigned beats;	   /* of this second */
	size_t surplus;	   /* least_left of the last second: samples that only add delay */
	size_t mean_left;  /* times 64 */
	int16_t work[VOICE_STRETCH_MAX + VOICE_FRAME_SAMPLES]; /* what was encoded last, then new */
	int16_t out[VOICE_FRAME_SAMPLES + VOICE_STRETCH_MAX];
};

/* SOTTO_ERR_NO_MEMORY. In the caller's memory but for the encoder. */
MUST_USE enum sotto_err voice_sender_init(struct voice_sender *sender,
					  const struct allocator *allocator);

/* Wipes. NULL is fine. */
void voice_sender_finish(struct voice_sender *sender);

void voice_sender_put(struct voice_sender *sender, const int16_t *samples, size_t count);
void voice_sender_get(struct voice_sender *sender, uint8_t opus[VOICE_OPUS_LEN]);

/* How much of what is sent does not arrive, as the listener says. */
void voice_sender_set_loss(struct voice_sender *sender, unsigned loss_percent);

/* Age of a frame's oldest sample when it is encoded: the frame and what is left behind it. */
unsigned voice_sender_capture_ms(const struct voice_sender *sender);

#endif
