/* SPDX-License-Identifier: Apache-2.0 */
/* The resampler of speexdsp, without the zeros that its filter begins with. */
#include "voice/resample.h"

#include <stdlib.h>
#include <string.h>

#include <speex/speex_resampler.h>

#include "base/assert.h"

#define QUALITY 7 /* of 0 to 10: aliasing below 16 bits, still 1 % of a core */

struct voice_resampler {
	SpeexResamplerState *speex; /* NULL: the rates are equal */
};

enum sotto_err voice_resampler_create(uint32_t from_rate, uint32_t to_rate,
				      struct voice_resampler **out)
{
	struct voice_resampler *resampler;
	int status = RESAMPLER_ERR_SUCCESS;

	ASSERT(from_rate >= VOICE_RATE_MIN && from_rate <= VOICE_RATE_MAX);
	ASSERT(to_rate >= VOICE_RATE_MIN && to_rate <= VOICE_RATE_MAX);
	resampler = calloc(1, sizeof(*resampler));
	if (resampler == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (from_rate != to_rate) {
		resampler->speex = speex_resampler_init(1, from_rate, to_rate, QUALITY, &status);
		if (resampler->speex == NULL) {
			free(resampler);
			return SOTTO_ERR_NO_MEMORY;
		}
		speex_resampler_skip_zeros(resampler->speex);
	}
	*out = resampler;
	return SOTTO_OK;
}

void voice_resampler_destroy(struct voice_resampler *resampler)
{
	if (resampler == NULL)
		return;
	if (resampler->speex != NULL)
		speex_resampler_destroy(resampler->speex);
	free(resampler);
}

size_t voice_resampler_run(struct voice_resampler *resampler, const int16_t *in, size_t count,
			   size_t *used, int16_t *out, size_t capacity)
{
	spx_uint32_t in_len = (spx_uint32_t)count;
	spx_uint32_t out_len = (spx_uint32_t)capacity;
	int status;

	if (resampler->speex == NULL) {
		size_t both = count < capacity ? count : capacity;

		memcpy(out, in, both * sizeof(*out));
		*used = both;
		return both;
	}
	status = speex_resampler_process_int(resampler->speex, 0, in, &in_len, out, &out_len);
	ASSERT(status == RESAMPLER_ERR_SUCCESS);
	*used = in_len;
	return out_len;
}
