/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands calls on to the backend of each side. Here and in what this links with is nothing that records:
 * that is os/audio_capture.c and its backends, a library of their own.
 */
#include "os/audio.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "os/audio_backend.h"

#define EVENTS_MAX 8

enum sotto_err os_audio_watch(struct os_audio *audio, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};

	return epoll_ctl(audio->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? SOTTO_OK : SOTTO_ERR_IO;
}

enum sotto_err os_audio_init(struct os_audio *audio)
{
	memset(audio, 0, sizeof(*audio));
	for (int side = 0; side < OS_AUDIO_SIDES; side++)
		os_audio_ring_init(&audio->rings[side]);
	audio->epoll = epoll_create1(EPOLL_CLOEXEC);
	return audio->epoll < 0 ? SOTTO_ERR_IO : SOTTO_OK;
}

void os_audio_assign(struct os_audio *audio, enum os_audio_side side,
		     const struct os_audio_backend *backend, void *state)
{
	audio->backends[side] = backend;
	audio->states[side] = state;
}

enum sotto_err os_audio_prepare_loudspeaker(struct os_audio *audio,
					    const struct os_audio_config *config)
{
	const char *name = config->speaker_name;
	void *state = NULL;
	enum sotto_err err;

	TRY(os_audio_init(audio));
	if (!config->want_alsa && os_audio_pipewire_prepare(audio, name, &state) == SOTTO_OK) {
		os_audio_assign(audio, OS_AUDIO_PLAYBACK, &os_audio_pipewire, state);
		return SOTTO_OK;
	}
	TRY(os_audio_alsa_prepare(audio, name, &state));
	os_audio_assign(audio, OS_AUDIO_PLAYBACK, &os_audio_alsa, state);
	return SOTTO_OK;
out:
	os_audio_finish(audio);
	return err;
}

void os_audio_finish(struct os_audio *audio)
{
	void *first;

	if (audio == NULL)
		return;
	for (int side = 0; side < OS_AUDIO_SIDES; side++)
		os_audio_stop(audio, (enum os_audio_side)side);
	first = audio->states[0];
	for (int side = 0; side < OS_AUDIO_SIDES; side++)
		if (audio->states[side] != NULL && (side == 0 || audio->states[side] != first))
			audio->backends[side]->finish(audio->states[side]);
	if (audio->epoll >= 0)
		close(audio->epoll);
	bytes_wipe(audio, sizeof(*audio));
	audio->epoll = -1;
}

enum sotto_err os_audio_start(struct os_audio *audio, enum os_audio_side side)
{
	enum sotto_err err = SOTTO_OK;

	if (audio->started[side])
		return SOTTO_OK;
	TRY(audio->backends[side]->start(audio, audio->states[side], side));
	audio->started[side] = true;
out:
	return err;
}

void os_audio_stop(struct os_audio *audio, enum os_audio_side side)
{
	if (!audio->started[side])
		return;
	audio->backends[side]->stop(audio, audio->states[side], side);
	audio->started[side] = false;
}

int os_audio_fd(const struct os_audio *audio)
{
	return audio->epoll;
}

void os_audio_get_event(struct os_audio *audio)
{
	for (int side = 0; side < OS_AUDIO_SIDES; side++)
		if (audio->states[side] != NULL &&
		    (side == 0 || audio->states[side] != audio->states[0]))
			audio->backends[side]->work(audio, audio->states[side]);
}

bool os_audio_lost(const struct os_audio *audio, enum os_audio_side side)
{
	return audio->backends[side]->lost(audio->states[side], side);
}

size_t os_audio_wanted(const struct os_audio *audio)
{
	if (!audio->started[OS_AUDIO_PLAYBACK])
		return 0;
	return audio->backends[OS_AUDIO_PLAYBACK]->wanted(audio, audio->states[OS_AUDIO_PLAYBACK]);
}

void os_audio_put(struct os_audio *audio, const int16_t *samples, size_t count)
{
	size_t put = os_audio_ring_put(&audio->rings[OS_AUDIO_PLAYBACK], samples, count);

	ASSERT(put == count); /* at most os_audio_wanted */
	audio->backends[OS_AUDIO_PLAYBACK]->flush(audio, audio->states[OS_AUDIO_PLAYBACK]);
}

unsigned os_audio_delay_ms(const struct os_audio *audio, enum os_audio_side side)
{
	return audio->backends[side]->delay_ms(audio, audio->states[side], side);
}

unsigned os_audio_underruns(const struct os_audio *audio)
{
	return audio->backends[OS_AUDIO_PLAYBACK]->underruns(audio->states[OS_AUDIO_PLAYBACK]);
}
