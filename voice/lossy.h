/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When copies of frames pay (voice/encoder.c has the measurements): from 3 % of loss on, until it is below
 * 2 %. The one who sends then adds them, the one who receives waits a frame longer for them.
 */
#ifndef VOICE_LOSSY_H
#define VOICE_LOSSY_H

#include <stdbool.h>

#define VOICE_LOSSY_ON_PERCENT	3
#define VOICE_LOSSY_OFF_PERCENT 2

static inline void voice_lossy_update(bool *lossy, unsigned loss_percent)
{
	if (loss_percent >= VOICE_LOSSY_ON_PERCENT)
		*lossy = true;
	else if (loss_percent < VOICE_LOSSY_OFF_PERCENT)
		*lossy = false;
}

#endif
