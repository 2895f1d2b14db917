/* SPDX-License-Identifier: Apache-2.0 */
/* How loud it was in the last 100 ms. */
#ifndef VOICE_LEVEL_H
#define VOICE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "voice/format.h"

#define VOICE_LEVEL_SILENCE 96 /* dB below full scale: nothing of 16 bits is left */

struct voice_level {
	uint64_t square_sum;
	size_t count;
	unsigned below_full_db;
	bool measured;
};

void voice_level_put(struct voice_level *level, const int16_t *samples, size_t count);

/* Root mean square in dB below full scale, 0 to VOICE_LEVEL_SILENCE. */
unsigned voice_level_get(const struct voice_level *level);

#endif
