/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loudspeaker by ALSA, where there is no PipeWire: a card without a sound server. The handle is opened
 * in prepare (opening is a file), but no sample moves before start. Its buffer is 20 ms.
 */
#include <errno.h>

#include "os/audio_alsa.h"

enum sotto_err os_audio_alsa_prepare(struct os_audio *audio, const char *speaker_name, void **out)
{
	return os_audio_alsa_open(audio, speaker_name, SND_PCM_STREAM_PLAYBACK, out);
}

static enum sotto_err alsa_start(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct alsa_state *state = context;

	os_audio_ring_init(&audio->rings[side]);
	state->lost = false;
	/* It begins by itself with the first samples. */
	return snd_pcm_prepare(state->pcm) < 0 ? SOTTO_ERR_IO : SOTTO_OK;
}

/* After an underrun or a suspend the card has to be prepared again; anything else is its end. */
static void recover(struct alsa_state *state, snd_pcm_sframes_t status)
{
	if (status == -EAGAIN)
		return;
	if (status == -EPIPE)
		state->underruns++;
	if (snd_pcm_recover(state->pcm, (int)status, 1) < 0)
		state->lost = true;
}

static void alsa_work(struct os_audio *audio, void *context)
{
	(void)audio;
	(void)!os_audio_alsa_ticked(context); /* the tick is for the caller, who now puts */
}

static size_t alsa_wanted(const struct os_audio *audio, const void *context)
{
	const struct alsa_state *state = context;
	snd_pcm_sframes_t room = snd_pcm_avail_update(state->pcm);
	size_t used = os_audio_ring_used(&audio->rings[OS_AUDIO_PLAYBACK]);

	if (state->lost)
		return 0;
	if (room < 0)
		room = ALSA_PERIOD; /* the write will fail and recover */
	return (size_t)room > used ? (size_t)room - used : 0;
}

static void alsa_flush(struct os_audio *audio, void *context)
{
	struct alsa_state *state = context;
	int16_t samples[ALSA_BLOCK_SAMPLES];
	size_t count;

	while ((count = os_audio_ring_get(&audio->rings[OS_AUDIO_PLAYBACK], samples,
					  ALSA_BLOCK_SAMPLES)) > 0) {
		snd_pcm_sframes_t status = snd_pcm_writei(state->pcm, samples, count);

		if (status < 0)
			recover(state, status);
	}
}

static unsigned alsa_underruns(const void *context)
{
	const struct alsa_state *state = context;

	return state->underruns;
}

const struct os_audio_backend os_audio_alsa = {
	.start = alsa_start,
	.stop = os_audio_alsa_stop,
	.work = alsa_work,
	.flush = alsa_flush,
	.wanted = alsa_wanted,
	.underruns = alsa_underruns,
	.delay_ms = os_audio_alsa_delay_ms,
	.lost = os_audio_alsa_lost,
	.finish = os_audio_alsa_finish,
};
