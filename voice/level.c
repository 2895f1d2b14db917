/* SPDX-License-Identifier: Apache-2.0 */
/* Mean square over blocks of 100 ms. */
#include "voice/level.h"

#include <math.h>

#define FULL_SCALE_SQUARE (32768.0 * 32768.0)

static unsigned below_full(uint64_t square_sum, size_t count)
{
	double share = (double)square_sum / (double)count / FULL_SCALE_SQUARE;
	double db = share > 0 ? -10 * log10(share) : VOICE_LEVEL_SILENCE;

	if (db > VOICE_LEVEL_SILENCE)
		db = VOICE_LEVEL_SILENCE;
	return db > 0 ? (unsigned)db : 0;
}

void voice_level_put(struct voice_level *level, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		level->square_sum += (uint64_t)((int32_t)samples[i] * samples[i]);
		if (++level->count < VOICE_SAMPLES(100))
			continue;
		level->below_full_db = below_full(level->square_sum, level->count);
		level->measured = true;
		level->square_sum = 0;
		level->count = 0;
	}
}

unsigned voice_level_get(const struct voice_level *level)
{
	return level->measured ? level->below_full_db : VOICE_LEVEL_SILENCE;
}
