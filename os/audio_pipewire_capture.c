/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A microphone on a connection to PipeWire: the one place that asks the server for a capture stream, in a
 * file of its own so that the ringer is linked without it. Threads: see os/audio_pipewire.c.
 */
#include <stdatomic.h>

#include "os/audio_pipewire.h"

/* The calls of PipeWire's interfaces are macros in GNU C, so in its files alone that is allowed. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* The data thread: microphone to ring. */
static void process_capture(void *context)
{
	struct pipewire_stream *stream = context;
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(stream->stream);
	const struct spa_data *data;

	if (buffer == NULL)
		return;
	data = &buffer->buffer->datas[0];
	if (data->data != NULL && data->chunk->offset < data->maxsize &&
	    data->chunk->size <= data->maxsize - data->chunk->offset) {
		const int16_t *samples = SPA_PTROFF(data->data, data->chunk->offset, const int16_t);
		size_t count = data->chunk->size / sizeof(*samples);

		atomic_store_explicit(&stream->period, (uint32_t)count, memory_order_relaxed);
		(void)os_audio_ring_put(stream->ring, samples, count); /* full: the caller sleeps */
	}
	pw_stream_queue_buffer(stream->stream, buffer);
	os_audio_pipewire_wake(stream->state);
}

static const struct pipewire_kind capture = {
	.direction = PW_DIRECTION_INPUT,
	.category = "Capture",
	.events = {PW_VERSION_STREAM_EVENTS, .state_changed = os_audio_pipewire_changed,
		   .process = process_capture},
};

void os_audio_pipewire_add_capture(void *context, const char *mic_name)
{
	struct pipewire_state *state = context;

	os_audio_pipewire_set_kind(&state->streams[OS_AUDIO_CAPTURE], &capture, mic_name);
}
