/* SPDX-License-Identifier: Apache-2.0 */
/* One PCM of ALSA, whichever way its sound goes: opened, configured, timed, closed. */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "os/audio_alsa.h"
#include "voice/format.h"

#define TICK_NS 5000000

void os_audio_alsa_finish(void *context)
{
	struct alsa_state *state = context;

	if (state->pcm != NULL)
		snd_pcm_close(state->pcm);
	if (state->timer >= 0)
		close(state->timer);
	free(state);
	snd_config_update_free_global();
}

static enum sotto_err configure(snd_pcm_t *pcm)
{
	snd_pcm_hw_params_t *params = NULL;
	snd_pcm_uframes_t buffer = ALSA_BUFFER;
	snd_pcm_uframes_t period = ALSA_PERIOD;
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

enum sotto_err os_audio_alsa_open(struct os_audio *audio, const char *name,
				  snd_pcm_stream_t direction, void **out)
{
	struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};
	struct alsa_state *state = calloc(1, sizeof(*state));
	enum sotto_err err;

	if (state == NULL)
		return SOTTO_ERR_NO_MEMORY;
	state->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	FAIL_IF(state->timer < 0 || timerfd_settime(state->timer, 0, &tick, NULL) != 0,
		SOTTO_ERR_IO);
	if (snd_pcm_open(&state->pcm, name == NULL ? "default" : name, direction,
			 SND_PCM_NONBLOCK) < 0)
		state->pcm = NULL;
	FAIL_IF(state->pcm == NULL, SOTTO_ERR_IO);
	TRY(configure(state->pcm));
	TRY(os_audio_watch(audio, state->timer));
	*out = state;
	return SOTTO_OK;
out:
	os_audio_alsa_finish(state);
	return err;
}

bool os_audio_alsa_ticked(const struct alsa_state *state)
{
	uint64_t ticks;

	/* Nothing to read: another descriptor was ready. */
	return read(state->timer, &ticks, sizeof(ticks)) == sizeof(ticks);
}

void os_audio_alsa_stop(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct alsa_state *state = context;

	(void)audio;
	(void)side;
	if (snd_pcm_drop(state->pcm) < 0)
		state->lost = true;
}

unsigned os_audio_alsa_delay_ms(const struct os_audio *audio, const void *context,
				enum os_audio_side side)
{
	const struct alsa_state *state = context;
	snd_pcm_sframes_t delay = 0;
	size_t used = os_audio_ring_used(&audio->rings[side]);

	if (snd_pcm_delay(state->pcm, &delay) < 0)
		return OS_AUDIO_UNKNOWN_MS;
	if (delay < 0)
		delay = 0;
	return (unsigned)(((size_t)delay + used) / (VOICE_RATE / 1000));
}

bool os_audio_alsa_lost(const void *context, enum os_audio_side side)
{
	const struct alsa_state *state = context;

	(void)side;
	return state->lost;
}
