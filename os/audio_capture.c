/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound of a call: a microphone or a file in its place, and a loudspeaker or a file in its place. Chooses a
 * backend for each side. Only the voice process is linked with this.
 */
#include "base/assert.h"
#include "os/audio.h"
#include "os/audio_backend.h"

static enum sotto_err prepare_files(struct os_audio *audio, const struct os_audio_config *config)
{
	void *state = NULL;
	enum sotto_err err;

	TRY(os_audio_file_prepare(audio, config, &state));
	if (config->mic_fd >= 0)
		os_audio_assign(audio, OS_AUDIO_CAPTURE, &os_audio_file, state);
	if (config->speaker_fd >= 0)
		os_audio_assign(audio, OS_AUDIO_PLAYBACK, &os_audio_file, state);
out:
	return err;
}

static void assign_pipewire(struct os_audio *audio, const struct os_audio_config *config,
			    void *state)
{
	if (config->mic_fd < 0) {
		os_audio_pipewire_add_capture(state, config->mic_name);
		os_audio_assign(audio, OS_AUDIO_CAPTURE, &os_audio_pipewire, state);
	}
	if (config->speaker_fd < 0)
		os_audio_assign(audio, OS_AUDIO_PLAYBACK, &os_audio_pipewire, state);
}

/* PipeWire, else the card: what connects first serves whichever side is no file. */
static enum sotto_err prepare_devices(struct os_audio *audio, const struct os_audio_config *config)
{
	void *state = NULL;
	enum sotto_err err = SOTTO_OK;

	if (!config->want_alsa &&
	    os_audio_pipewire_prepare(audio, config->speaker_name, &state) == SOTTO_OK) {
		assign_pipewire(audio, config, state);
		return SOTTO_OK;
	}
	if (config->mic_fd < 0) {
		TRY(os_audio_alsa_capture_prepare(audio, config->mic_name, &state));
		os_audio_assign(audio, OS_AUDIO_CAPTURE, &os_audio_alsa_capture, state);
	}
	if (config->speaker_fd < 0) {
		TRY(os_audio_alsa_prepare(audio, config->speaker_name, &state));
		os_audio_assign(audio, OS_AUDIO_PLAYBACK, &os_audio_alsa, state);
	}
out:
	return err;
}

enum sotto_err os_audio_prepare(struct os_audio *audio, const struct os_audio_config *config)
{
	enum sotto_err err;

	TRY(os_audio_init(audio));
	if (config->mic_fd >= 0 || config->speaker_fd >= 0)
		TRY(prepare_files(audio, config));
	if (config->mic_fd < 0 || config->speaker_fd < 0)
		TRY(prepare_devices(audio, config));
	return SOTTO_OK;
out:
	os_audio_finish(audio);
	return err;
}

size_t os_audio_get(struct os_audio *audio, int16_t *samples, size_t count)
{
	return os_audio_ring_get(&audio->rings[OS_AUDIO_CAPTURE], samples, count);
}
