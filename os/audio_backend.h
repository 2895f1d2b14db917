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
	/* The caller put into the playback ring. */
	void (*flush)(struct os_audio *audio, void *state);
	size_t (*wanted)(const struct os_audio *audio, const void *state);
	unsigned (*delay_ms)(const struct os_audio *audio, const void *state,
			     enum os_audio_side side);
	unsigned (*underruns)(const void *state);
	bool (*lost)(const void *state, enum os_audio_side side);
	void (*finish)(void *state);
};

extern const struct os_audio_backend os_audio_file;
extern const struct os_audio_backend os_audio_pipewire;
extern const struct os_audio_backend os_audio_alsa;

/* The first half of each, before the sandbox. They add descriptors to audio->epoll. */
MUST_USE enum sotto_err os_audio_file_prepare(struct os_audio *audio,
					      const struct os_audio_config *config, void **state);
MUST_USE enum sotto_err os_audio_pipewire_prepare(struct os_audio *audio,
						  const struct os_audio_config *config,
						  void **state);
MUST_USE enum sotto_err os_audio_alsa_prepare(struct os_audio *audio,
					      const struct os_audio_config *config, void **state);

/* Watches a descriptor for reading. */
MUST_USE enum sotto_err os_audio_watch(struct os_audio *audio, int fd);

#endif
