/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to PipeWire, as its two files share it: os/audio_pipewire.c connects and plays,
 * os/audio_pipewire_capture.c adds a microphone. Nobody else includes this.
 */
#ifndef OS_AUDIO_PIPEWIRE_H
#define OS_AUDIO_PIPEWIRE_H

#include <pipewire/pipewire.h>

#include "os/audio_backend.h"

#define OS_AUDIO_PIPEWIRE_PLUGINS 2

struct pipewire_state;

/* What makes a stream the one or the other. */
struct pipewire_kind {
	enum spa_direction direction;
	const char *category;
	struct pw_stream_events events;
};

struct pipewire_stream {
	struct pipewire_state *state;
	const struct pipewire_kind *kind; /* NULL: this side is not ours */
	struct pw_stream *stream;
	struct spa_hook listener;
	struct os_audio_ring *ring;
	_Atomic uint32_t period; /* samples that the device moves at once */
	_Atomic uint32_t underruns;
	_Atomic bool filled; /* the caller has put something: running dry counts from here on */
	char name[64];	     /* of the wanted node; empty: the default */
	bool failed;
};

struct pipewire_state {
	struct pw_loop *loop;
	struct pw_context *context;
	struct pw_core *core;
	struct spa_hook core_listener;
	struct spa_handle *plugins[OS_AUDIO_PIPEWIRE_PLUGINS]; /* keep their libraries loaded */
	int event;
	int sync_seq;
	bool synced;
	bool gone;
	struct pipewire_stream streams[OS_AUDIO_SIDES];
};

/* What this side is to be, and which node it wants (NULL: the default). */
void os_audio_pipewire_set_kind(struct pipewire_stream *stream, const struct pipewire_kind *kind,
				const char *name);

/* The data thread: sound has moved. */
void os_audio_pipewire_wake(const struct pipewire_state *state);

/* Notes that a stream failed. */
void os_audio_pipewire_changed(void *stream, enum pw_stream_state old, enum pw_stream_state state,
			       const char *error);

#endif
