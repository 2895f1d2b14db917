/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALSA, where there is no PipeWire: a card without a sound server. Both handles are opened in prepare
 * (opening is a file), but no sample moves before start: a PCM that is not started records nothing.
 * A timer of 5 ms moves what the card has or wants; its buffer is 20 ms.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <alsa/asoundlib.h>

#include "os/audio_backend.h"
#include "voice/format.h"

#define TICK_NS	      5000000
#define PERIOD	      240 /* 5 ms */
#define BUFFER	      960 /* 20 ms */
#define BLOCK_SAMPLES 960

struct alsa_state {
	snd_pcm_t *pcms[OS_AUDIO_SIDES];
	int timer;
	unsigned underruns;
	bool lost[OS_AUDIO_SIDES];
};

static void alsa_finish(void *context)
{
	struct alsa_state *state = context;

	for (int side = 0; side < OS_AUDIO_SIDES; side++)
		if (state->pcms[side] != NULL)
			snd_pcm_close(state->pcms[side]);
	if (state->timer >= 0)
		close(state->timer);
	free(state);
	snd_config_update_free_global();
}

static enum sotto_err configure(snd_pcm_t *pcm)
{
	snd_pcm_hw_params_t *params = NULL;
	snd_pcm_uframes_t buffer = BUFFER;
	snd_pcm_uframes_t period = PERIOD;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(snd_pcm_hw_params_malloc(&params) < 0, SOTTO_ERR_NO_MEMORY);
	FAIL_IF(snd_pcm_hw_params_any(pcm, params) < 0 ||
			snd_pcm_hw_params_set_rate_resample(pcm, params, 1) < 0 ||
			snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED) <
				0 ||
			snd_pcm_hw_params_set_format(pcm, params, SND_PCM_FORMAT_S16) < 0 ||
			snd_pcm_hw_params_set_channels(pcm, params, 1) < 0 ||
			snd_pcm_hw_params_set_rate(pcm, params, VOICE_RATE, 0) < 0 ||
			snd_pcm_hw_params_set_period_size_near(pcm, params, &period, NULL) < 0 ||
			snd_pcm_hw_params_set_buffer_size_near(pcm, params, &buffer) < 0 ||
			snd_pcm_hw_params(pcm, params) < 0,
		SOTTO_ERR_IO);
out:
	if (params != NULL)
		snd_pcm_hw_params_free(params);
	return err;
}

static enum sotto_err open_side(struct alsa_state *state, enum os_audio_side side, const char *name)
{
	snd_pcm_stream_t direction =
		side == OS_AUDIO_CAPTURE ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK;

	if (snd_pcm_open(&state->pcms[side], name == NULL ? "default" : name, direction,
			 SND_PCM_NONBLOCK) < 0) {
		state->pcms[side] = NULL;
		return SOTTO_ERR_IO;
	}
	return configure(state->pcms[side]);
}

enum sotto_err os_audio_alsa_prepare(struct os_audio *audio, const struct os_audio_config *config,
				     void **out)
{
	struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};
	struct alsa_state *state = calloc(1, sizeof(*state));
	enum sotto_err err;

	if (state == NULL)
		return SOTTO_ERR_NO_MEMORY;
	state->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	FAIL_IF(state->timer < 0 || timerfd_settime(state->timer, 0, &tick, NULL) != 0,
		SOTTO_ERR_IO);
	if (config->mic_fd < 0)
		TRY(open_side(state, OS_AUDIO_CAPTURE, config->mic_name));
	if (config->speaker_fd < 0)
		TRY(open_side(state, OS_AUDIO_PLAYBACK, config->speaker_name));
	TRY(os_audio_watch(audio, state->timer));
	*out = state;
	return SOTTO_OK;
out:
	alsa_finish(state);
	return err;
}

static enum sotto_err alsa_start(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct alsa_state *state = context;

	os_audio_ring_init(&audio->rings[side]);
	state->lost[side] = false;
	if (snd_pcm_prepare(state->pcms[side]) < 0)
		return SOTTO_ERR_IO;
	/* Playback begins by itself with the first samples. */
	if (side == OS_AUDIO_CAPTURE && snd_pcm_start(state->pcms[side]) < 0)
		return SOTTO_ERR_IO;
	return SOTTO_OK;
}

static void alsa_stop(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct alsa_state *state = context;
	int status = snd_pcm_drop(state->pcms[side]);

	(void)audio;
	if (status < 0)
		state->lost[side] = true;
}

/* After an overrun or a suspend the card has to be prepared again; anything else is its end. */
static void recover(struct alsa_state *state, enum os_audio_side side, snd_pcm_sframes_t status)
{
	if (status == -EAGAIN)
		return;
	if (status == -EPIPE && side == OS_AUDIO_PLAYBACK)
		state->underruns++;
	if (snd_pcm_recover(state->pcms[side], (int)status, 1) < 0 ||
	    (side == OS_AUDIO_CAPTURE && snd_pcm_start(state->pcms[side]) < 0))
		state->lost[side] = true;
}

static void capture(struct os_audio *audio, struct alsa_state *state)
{
	int16_t samples[BLOCK_SAMPLES];
	snd_pcm_sframes_t count;

	do {
		count = snd_pcm_readi(state->pcms[OS_AUDIO_CAPTURE], samples, BLOCK_SAMPLES);
		if (count > 0)
			(void)os_audio_ring_put(&audio->rings[OS_AUDIO_CAPTURE], samples,
						(size_t)count); /* full: the caller sleeps */
	} while (count == BLOCK_SAMPLES &&
		 os_audio_ring_used(&audio->rings[OS_AUDIO_CAPTURE]) < OS_AUDIO_RING_SAMPLES);
	if (count < 0)
		recover(state, OS_AUDIO_CAPTURE, count);
}

static void alsa_work(struct os_audio *audio, void *context)
{
	struct alsa_state *state = context;
	uint64_t ticks;

	if (read(state->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return; /* another descriptor was ready */
	if (audio->started[OS_AUDIO_CAPTURE] && audio->states[OS_AUDIO_CAPTURE] == state &&
	    !state->lost[OS_AUDIO_CAPTURE])
		capture(audio, state);
}

static size_t alsa_wanted(const struct os_audio *audio, const void *context)
{
	const struct alsa_state *state = context;
	snd_pcm_sframes_t room = snd_pcm_avail_update(state->pcms[OS_AUDIO_PLAYBACK]);
	size_t used = os_audio_ring_used(&audio->rings[OS_AUDIO_PLAYBACK]);

	if (state->lost[OS_AUDIO_PLAYBACK])
		return 0;
	if (room < 0)
		room = PERIOD; /* the write will fail and recover */
	return (size_t)room > used ? (size_t)room - used : 0;
}

static void alsa_flush(struct os_audio *audio, void *context)
{
	struct alsa_state *state = context;
	int16_t samples[BLOCK_SAMPLES];
	size_t count;

	while ((count = os_audio_ring_get(&audio->rings[OS_AUDIO_PLAYBACK], samples,
					  BLOCK_SAMPLES)) > 0) {
		snd_pcm_sframes_t status =
			snd_pcm_writei(state->pcms[OS_AUDIO_PLAYBACK], samples, count);

		if (status < 0)
			recover(state, OS_AUDIO_PLAYBACK, status);
	}
}

static unsigned alsa_delay_ms(const struct os_audio *audio, const void *context,
			      enum os_audio_side side)
{
	const struct alsa_state *state = context;
	snd_pcm_sframes_t delay = 0;
	size_t used = os_audio_ring_used(&audio->rings[side]);

	if (snd_pcm_delay(state->pcms[side], &delay) < 0 || delay < 0)
		delay = 0;
	return (unsigned)(((size_t)delay + used) / (VOICE_RATE / 1000));
}

static unsigned alsa_underruns(const void *context)
{
	const struct alsa_state *state = context;

	return state->underruns;
}

static bool alsa_lost(const void *context, enum os_audio_side side)
{
	const struct alsa_state *state = context;

	return state->lost[side];
}

const struct os_audio_backend os_audio_alsa = {
	.start = alsa_start,
	.stop = alsa_stop,
	.work = alsa_work,
	.flush = alsa_flush,
	.wanted = alsa_wanted,
	.delay_ms = alsa_delay_ms,
	.underruns = alsa_underruns,
	.lost = alsa_lost,
	.finish = alsa_finish,
};
