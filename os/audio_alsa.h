/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two sides of ALSA share: one PCM and a timer of 5 ms, which moves what the card has or wants.
 * Only os/audio_alsa*.c include this.
 */
#ifndef OS_AUDIO_ALSA_H
#define OS_AUDIO_ALSA_H

#include <alsa/asoundlib.h>

#include "os/audio_backend.h"

#define ALSA_PERIOD	   240 /* 5 ms */
#define ALSA_BUFFER	   960 /* 20 ms */
#define ALSA_BLOCK_SAMPLES 960

struct alsa_state {
	snd_pcm_t *pcm;
	int timer;
	unsigned underruns;
	bool lost;
};

/* Opens and configures a PCM; name NULL: the default one. Not started. The timer is watched. */
MUST_USE enum sotto_err os_audio_alsa_open(struct os_audio *audio, const char *name,
					   snd_pcm_stream_t direction, void **state);

/* Has the timer run out since the last time? */
MUST_USE bool os_audio_alsa_ticked(const struct alsa_state *state);

/* These serve both sides as they are, in struct os_audio_backend. */
void os_audio_alsa_stop(struct os_audio *audio, void *context, enum os_audio_side side);
unsigned os_audio_alsa_delay_ms(const struct os_audio *audio, const void *context,
				enum os_audio_side side);
bool os_audio_alsa_lost(const void *context, enum os_audio_side side);
void os_audio_alsa_finish(void *context);

#endif
