/* SPDX-License-Identifier: Apache-2.0 */
/* Opus, one way: 20 ms of sound to Opus that is always VOICE_OPUS_LEN bytes. */
#ifndef VOICE_ENCODER_H
#define VOICE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"
#include "voice/format.h"

struct voice_encoder;

/* SOTTO_ERR_NO_MEMORY. The allocator must outlive the encoder. */
MUST_USE enum sotto_err voice_encoder_create(const struct allocator *allocator,
					     struct voice_encoder **out);

/* Wipes: it remembers sound. NULL is fine. */
void voice_encoder_destroy(struct voice_encoder *encoder);

/*
 * Should packets carry a coarse copy of the frame before (in-band FEC)? It costs quality, and so pays from
 * about 3 % of loss on. At first they do not.
 */
void voice_encoder_set_copies(struct voice_encoder *encoder, bool copies);

void voice_encoder_encode(struct voice_encoder *encoder, const int16_t samples[VOICE_FRAME_SAMPLES],
			  uint8_t opus[VOICE_OPUS_LEN]);

/* By how many samples the decoded sound lags behind what was put in. */
unsigned voice_encoder_lookahead(struct voice_encoder *encoder);

#endif
