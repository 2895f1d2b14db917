/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of sound device gives to os/audio.c. The event loop's thread calls all of it; a device's own
 * thread only touches the rings, atomics of the state, and an eventfd.
 */
#ifndef OS_AUDIO_BACKEND_H
#define OS_AUDIO_BACKEND_H

#include "os/audio.h"

struct os_audio_backend {
	enum sotto_err (*start)(struct os_audio *audio, void *state, enum os_audio_side side);
	void (*stop)(struct os_audio *audio, void *state, enum os_audio_side side);
	/* A descriptor that the state added to audio->epoll may be ready. */
	void (*work)(struct os_audio *audio, void *state);
	/* Of a backend that plays: the caller put into the ring; how much more may it put? */
	void (*flush)(struct os_audio *audio, void *state);
	size_t (*wanted)(const struct os_audio *audio, const void *state);
	unsigned (*underruns)(const void *state);
	unsigned (*delay_ms)(const struct os_audio *audio, const void *state,
			     enum os_audio_side side);
	bool (*lost)(const void *state, enum os_audio_side side);
	void (*finish)(void *state);
};

/* Clears it: no side has a backend yet. */
MUST_USE enum sotto_err os_audio_init(struct os_audio *audio);

/* Gives a side to a backend that was prepared. */
void os_audio_assign(struct os_audio *audio, enum os_audio_side side,
		     const struct os_audio_backend *backend, void *state);

/* Watches a descriptor for reading. */
MUST_USE enum sotto_err os_audio_watch(struct os_audio *audio, int fd);

/*
 * The first half of each, before the sandbox. They add descriptors to audio->epoll. What stands under
 * "capture" is in the library that the ringer is not linked with.
 */
extern const struct os_audio_backend os_audio_pipewire;
extern const struct os_audio_backend os_audio_alsa;

/* A connection, and a loudspeaker on it. */
MUST_USE enum sotto_err os_audio_pipewire_prepare(struct os_audio *audio, const char *speaker_name,
						  void **state);
MUST_USE enum sotto_err os_audio_alsa_prepare(struct os_audio *audio, const char *speaker_name,
					      void **state);

/* capture */
extern const struct os_audio_backend os_audio_file;
extern const struct os_audio_backend os_audio_alsa_capture;

/* Both sides, as far as config has files for them. */
MUST_USE enum sotto_err os_audio_file_prepare(struct os_audio *audio,
					      const struct os_audio_config *config, void **state);

/* Lets a prepared connection have a microphone too. */
void os_audio_pipewire_add_capture(void *state, const char *mic_name);
MUST_USE enum sotto_err os_audio_alsa_capture_prepare(struct os_audio *audio, const char *mic_name,
						      void **state);

#endif
