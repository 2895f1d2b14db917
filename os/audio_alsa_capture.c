/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A microphone by ALSA. The handle is opened in prepare (opening is a file), but a PCM that is not started
 * records nothing. In a file of its own so that the ringer is linked without it.
 */
#include <errno.h>

#include "os/audio_alsa.h"

enum sotto_err os_audio_alsa_capture_prepare(struct os_audio *audio, const char *mic_name,
					     void **out)
{
	return os_audio_alsa_open(audio, mic_name, SND_PCM_STREAM_CAPTURE, out);
}

static enum sotto_err capture_start(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct alsa_state *state = context;

	os_audio_ring_init(&audio->rings[side]);
	state->lost = false;
	if (snd_pcm_prepare(state->pcm) < 0 || snd_pcm_start(state->pcm) < 0)
		return SOTTO_ERR_IO;
	return SOTTO_OK;
}

/* After an overrun or a suspend the card has to be prepared again; anything else is its end. */
static void recover(struct alsa_state *state, snd_pcm_sframes_t status)
{
	if (status == -EAGAIN)
		return;
	if (snd_pcm_recover(state->pcm, (int)status, 1) < 0 || snd_pcm_start(state->pcm) < 0)
		state->lost = true;
}

static void capture_work(struct os_audio *audio, void *context)
{
	struct os_audio_ring *ring = &audio->rings[OS_AUDIO_CAPTURE];
	struct alsa_state *state = context;
	int16_t samples[ALSA_BLOCK_SAMPLES];
	snd_pcm_sframes_t count;

	if (!os_audio_alsa_ticked(state) || !audio->started[OS_AUDIO_CAPTURE] || state->lost)
		return;
	do {
		count = snd_pcm_readi(state->pcm, samples, ALSA_BLOCK_SAMPLES);
		if (count > 0)
			(void)os_audio_ring_put(ring, samples,
						(size_t)count); /* full: the caller sleeps */
	} while (count == ALSA_BLOCK_SAMPLES && os_audio_ring_used(ring) < OS_AUDIO_RING_SAMPLES);
	if (count < 0)
		recover(state, count);
}

const struct os_audio_backend os_audio_alsa_capture = {
	.start = capture_start,
	.stop = os_audio_alsa_stop,
	.work = capture_work,
	.delay_ms = os_audio_alsa_delay_ms,
	.lost = os_audio_alsa_lost,
	.finish = os_audio_alsa_finish,
};
