/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes sound a little shorter or longer without changing its pitch, by leaving out or repeating a
 * piece that looks like its neighbour (WSOLA): in speech, one or more periods of the voice; in a
 * pause, anything.
 */
#ifndef VOICE_STRETCH_H
#define VOICE_STRETCH_H

#include <stddef.h>
#include <stdint.h>

#include "voice/format.h"

#define VOICE_STRETCH_MIN     120 /* 2.5 ms, the shortest period looked for: 400 Hz */
#define VOICE_STRETCH_MAX     720 /* 15 ms: 67 Hz */
#define VOICE_STRETCH_OVERLAP 240 /* 5 ms of cross-fade hide the seam */

/* How alike two pieces must be, in thousandths of a perfect match. */
#define VOICE_STRETCH_ANYTHING (-1000)

/*
 * in: count samples, at least VOICE_STRETCH_MIN + VOICE_STRETCH_OVERLAP. Writes them to out without
 * a piece of VOICE_STRETCH_MIN to max samples, and returns how many are left: count if no piece is
 * alike enough.
 */
size_t voice_stretch_shorten(const int16_t *in, size_t count, size_t max, int least_match,
			     int16_t *out);

/*
 * in: likewise, but VOICE_STRETCH_MAX samples of what was played before it lie in front of in, and
 * out has room for count + VOICE_STRETCH_MAX. The piece repeated has min to max samples.
 */
size_t voice_stretch_lengthen(const int16_t *in, size_t count, size_t min, size_t max,
			      int least_match, int16_t *out);

#endif
