/* SPDX-License-Identifier: Apache-2.0 */
/* Opus, the other way: packets to sound, and sound where a packet is missing. */
#ifndef VOICE_DECODER_H
#define VOICE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"
#include "voice/format.h"

struct voice_decoder;

/* SOTTO_ERR_NO_MEMORY. The allocator must outlive the decoder. */
MUST_USE enum sotto_err voice_decoder_create(const struct allocator *allocator,
					     struct voice_decoder **out);

/* Wipes: it remembers sound. NULL is fine. */
void voice_decoder_destroy(struct voice_decoder *decoder);

/* Forgets the sound so far: another speaker. */
void voice_decoder_reset(struct voice_decoder *decoder);

/* SOTTO_ERR_INVALID: not a packet of 20 ms; samples are then concealment. */
MUST_USE enum sotto_err voice_decoder_decode(struct voice_decoder *decoder,
					     const uint8_t opus[VOICE_OPUS_LEN],
					     int16_t samples[VOICE_FRAME_SAMPLES]);

/*
 * The frame before a packet, from the copy that the packet may carry of it (in-band FEC). Returns
 * whether it did; if not, samples are concealment.
 */
bool voice_decoder_recover(struct voice_decoder *decoder, const uint8_t next[VOICE_OPUS_LEN],
			   int16_t samples[VOICE_FRAME_SAMPLES]);

/* Something like what was before, fading with each call. count: a multiple of 2.5 ms, up to a
 * frame. */
void voice_decoder_conceal(struct voice_decoder *decoder, int16_t *samples, size_t count);

#endif
