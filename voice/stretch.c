/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waveform-similarity overlap-add. Both ways compare the first 5 ms of the frame with 5 ms at every
 * distance, first in steps and on a quarter of the samples, then all around the best.
 *
 *	shorten   in[0..overlap) fades into in[lag..)               lag samples are gone
 *	lengthen  in[0..overlap) fades into in[-lag..), then all    lag samples are heard twice
 */
#include "voice/stretch.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"

#define COARSE 4

/* Below this mean square (about -56 dB of full scale) there is no period to hear: any piece will
 * do. */
#define QUIET_MEAN_SQUARE 2500.0f

static float mean_square(const int16_t *samples)
{
	float sum = 0;

	for (size_t i = 0; i < VOICE_STRETCH_OVERLAP; i += COARSE)
		sum += (float)samples[i] * (float)samples[i];
	return sum * COARSE / VOICE_STRETCH_OVERLAP;
}

/* Normalised cross-correlation of two pieces, -1 to 1. */
static float likeness(const int16_t *a, const int16_t *b, size_t step)
{
	float product = 0;
	float energy_a = 1;
	float energy_b = 1;

	for (size_t i = 0; i < VOICE_STRETCH_OVERLAP; i += step) {
		product += (float)a[i] * (float)b[i];
		energy_a += (float)a[i] * (float)a[i];
		energy_b += (float)b[i] * (float)b[i];
	}
	return product / sqrtf(energy_a * energy_b);
}

/* The lag from min to max at which in + direction * lag is most like in; 0 if none is alike enough.
 */
static size_t best_lag(const int16_t *in, ptrdiff_t direction, size_t min, size_t max,
		       int least_match)
{
	float best = -2;
	size_t lag = min;
	size_t from;
	size_t to;

	for (size_t i = min; i <= max; i += COARSE) {
		float match = likeness(in, in + direction * (ptrdiff_t)i, COARSE);

		if (match > best) {
			best = match;
			lag = i;
		}
	}
	from = lag < min + COARSE ? min : lag - COARSE;
	to = lag + COARSE > max ? max : lag + COARSE;
	best = -2;
	for (size_t i = from; i <= to; i++) {
		float match = likeness(in, in + direction * (ptrdiff_t)i, 1);

		if (match > best) {
			best = match;
			lag = i;
		}
	}
	if (mean_square(in) < QUIET_MEAN_SQUARE &&
	    mean_square(in + direction * (ptrdiff_t)lag) < QUIET_MEAN_SQUARE)
		return lag;
	return best * 1000 >= (float)least_match ? lag : 0;
}

static void cross_fade(const int16_t *from, const int16_t *to, int16_t *out)
{
	for (int i = 0; i < VOICE_STRETCH_OVERLAP; i++) {
		int sum = from[i] * (VOICE_STRETCH_OVERLAP - i) + to[i] * i;

		out[i] = (int16_t)(sum / VOICE_STRETCH_OVERLAP);
	}
}

size_t voice_stretch_shorten(const int16_t *in, size_t count, size_t max, int least_match,
			     int16_t *out)
{
	size_t lag;

	ASSERT(count >= VOICE_STRETCH_MIN + VOICE_STRETCH_OVERLAP);
	if (max > VOICE_STRETCH_MAX)
		max = VOICE_STRETCH_MAX;
	if (max > count - VOICE_STRETCH_OVERLAP)
		max = count - VOICE_STRETCH_OVERLAP;
	lag = max < VOICE_STRETCH_MIN ? 0 : best_lag(in, 1, VOICE_STRETCH_MIN, max, least_match);
	if (lag == 0) {
		memcpy(out, in, count * sizeof(*in));
		return count;
	}
	cross_fade(in, in + lag, out);
	memcpy(out + VOICE_STRETCH_OVERLAP, in + lag + VOICE_STRETCH_OVERLAP,
	       (count - lag - VOICE_STRETCH_OVERLAP) * sizeof(*in));
	return count - lag;
}

size_t voice_stretch_lengthen(const int16_t *in, size_t count, size_t min, size_t max,
			      int least_match, int16_t *out)
{
	size_t lag;

	ASSERT(count >= VOICE_STRETCH_OVERLAP);
	if (max > VOICE_STRETCH_MAX)
		max = VOICE_STRETCH_MAX;
	if (min < VOICE_STRETCH_MIN)
		min = VOICE_STRETCH_MIN;
	lag = max < min ? 0 : best_lag(in, -1, min, max, least_match);
	if (lag == 0) {
		memcpy(out, in, count * sizeof(*in));
		return count;
	}
	cross_fade(in, in - lag, out);
	memcpy(out + VOICE_STRETCH_OVERLAP, in - lag + VOICE_STRETCH_OVERLAP,
	       (count + lag - VOICE_STRETCH_OVERLAP) * sizeof(*in));
	return count + lag;
}
