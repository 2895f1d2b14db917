/* SPDX-License-Identifier: Apache-2.0 */
/* Between sample rates, one channel. Of speexdsp; where the rates are equal, a copy. */
#ifndef VOICE_RESAMPLE_H
#define VOICE_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define VOICE_RATE_MIN 8000
#define VOICE_RATE_MAX 48000

struct voice_resampler;

/*
 * Rates from VOICE_RATE_MIN to VOICE_RATE_MAX (asserted). SOTTO_ERR_NO_MEMORY: speexdsp takes its memory
 * with calloc, here and nowhere later.
 */
MUST_USE enum sotto_err voice_resampler_create(uint32_t from_rate, uint32_t to_rate,
					       struct voice_resampler **out);

/* NULL is fine. */
void voice_resampler_destroy(struct voice_resampler *resampler);

/*
 * Converts until in is used up or out is full. Sets *used to how many samples of in were taken and returns
 * how many were written. The filter keeps some sound back: silence put behind the end brings it out.
 */
size_t voice_resampler_run(struct voice_resampler *resampler, const int16_t *in, size_t count,
			   size_t *used, int16_t *out, size_t capacity);

#endif
