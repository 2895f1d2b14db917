/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PipeWire. Two threads: its data thread, which runs process() every 5 ms and touches nothing but rings,
 * atomics and the eventfd; and the caller's, which drives PipeWire's own loop through audio->epoll.
 *
 *	prepare  context, connection, converter plugin (all that opens files)      before the sandbox
 *	start    a stream: 48 kHz mono 16 bit; PipeWire converts to what the device is
 *	work     messages of the server: stream states, its end
 *
 * The period is 256 samples, 5.3 ms each way: 64 would wake up four times as often for 4 ms, 1024 would
 * cost 16 ms; 480 is rounded to 256 anyway.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <spa/param/audio/format-utils.h>
#include <spa/utils/names.h>

/* The calls of PipeWire's interfaces are macros in GNU C, so in its files alone that is allowed. */
#pragma GCC diagnostic ignored "-Wpedantic"

#include "base/assert.h"
#include "os/audio_pipewire.h"
#include "os/clock.h"
#include "voice/format.h"

#define PERIOD_SAMPLES 256
#define LATENCY	       "256/48000"

/* Filled to two periods: one to be played now, one in case the caller wakes up late; up to six if it does. */
#define FILL_PERIODS	 2
#define FILL_PERIODS_MAX 6

/* How long the server may take to answer that it is there. */
#define CONNECT_NS (2 * OS_CLOCK_SECOND_NS)

/* A stream would load these when it is made, and then no file can be opened any more. */
static const struct {
	const char *name;
	const char *library; /* client.conf names those of some plugins only */
} plugins[OS_AUDIO_PIPEWIRE_PLUGINS] = {
	{SPA_NAME_AUDIO_CONVERT, "audioconvert/libspa-audioconvert"},
	{SPA_NAME_AUDIO_MIXER_DSP, "audiomixer/libspa-audiomixer"},
};

void os_audio_pipewire_wake(const struct pipewire_state *state)
{
	uint64_t one = 1;
	ssize_t written = write(state->event, &one, sizeof(one));

	(void)written; /* fails only if it is readable already */
}

/* The data thread: ring to loudspeaker. */
static void process_playback(void *context)
{
	struct pipewire_stream *stream = context;
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(stream->stream);
	struct spa_data *data;
	int16_t *samples;
	size_t wanted;
	size_t got;

	if (buffer == NULL)
		return;
	data = &buffer->buffer->datas[0];
	if (data->data == NULL) {
		pw_stream_queue_buffer(stream->stream, buffer);
		return;
	}
	wanted = data->maxsize / sizeof(*samples);
	if (buffer->requested != 0 && buffer->requested < wanted)
		wanted = (size_t)buffer->requested;
	samples = data->data;
	got = os_audio_ring_get(stream->ring, samples, wanted);
	if (got < wanted && atomic_load_explicit(&stream->filled, memory_order_relaxed))
		atomic_fetch_add_explicit(&stream->underruns, 1, memory_order_relaxed);
	for (size_t i = got; i < wanted; i++)
		samples[i] = 0;
	data->chunk->offset = 0;
	data->chunk->stride = sizeof(*samples);
	data->chunk->size = (uint32_t)(wanted * sizeof(*samples));
	atomic_store_explicit(&stream->period, (uint32_t)wanted, memory_order_relaxed);
	pw_stream_queue_buffer(stream->stream, buffer);
	os_audio_pipewire_wake(stream->state);
}

void os_audio_pipewire_changed(void *context, enum pw_stream_state old, enum pw_stream_state state,
			       const char *error)
{
	struct pipewire_stream *stream = context;

	(void)old;
	(void)error;
	if (state == PW_STREAM_STATE_ERROR)
		stream->failed = true;
}

static const struct pipewire_kind playback = {
	.direction = PW_DIRECTION_OUTPUT,
	.category = "Playback",
	.events = {PW_VERSION_STREAM_EVENTS, .state_changed = os_audio_pipewire_changed,
		   .process = process_playback},
};

static void on_core_done(void *context, uint32_t id, int seq)
{
	struct pipewire_state *state = context;

	if (id == PW_ID_CORE && seq == state->sync_seq)
		state->synced = true;
}

static void on_core_error(void *context, uint32_t id, int seq, int result, const char *message)
{
	struct pipewire_state *state = context;

	(void)seq;
	(void)message;
	if (id == PW_ID_CORE && result == -EPIPE)
		state->gone = true;
}

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.done = on_core_done,
	.error = on_core_error,
};

/* Waits for the server's answer; the only wait here, and before anything runs. */
static enum sotto_err round_trip(struct pipewire_state *state)
{
	uint64_t until_ns = os_clock_now_ns() + CONNECT_NS;

	state->sync_seq = pw_core_sync(state->core, PW_ID_CORE, 0);
	while (!state->synced && !state->gone && os_clock_now_ns() < until_ns)
		if (pw_loop_iterate(state->loop, 100) < 0)
			return SOTTO_ERR_IO;
	return state->synced ? SOTTO_OK : SOTTO_ERR_IO;
}

static enum sotto_err load_plugins(struct pipewire_state *state)
{
	for (size_t i = 0; i < ARRAY_LEN(plugins); i++) {
		struct spa_dict_item library =
			SPA_DICT_ITEM_INIT(SPA_KEY_LIBRARY_NAME, plugins[i].library);
		struct spa_dict info = SPA_DICT_INIT(&library, 1);

		state->plugins[i] =
			pw_context_load_spa_handle(state->context, plugins[i].name, &info);
		if (state->plugins[i] == NULL)
			return SOTTO_ERR_IO;
	}
	return SOTTO_OK;
}

static enum sotto_err connect_server(struct pipewire_state *state)
{
	enum sotto_err err;

	state->loop = pw_loop_new(NULL);
	FAIL_IF(state->loop == NULL, SOTTO_ERR_IO);
	pw_loop_enter(state->loop);
	state->context =
		pw_context_new(state->loop, pw_properties_new(PW_KEY_APP_NAME, "sotto", NULL), 0);
	FAIL_IF(state->context == NULL, SOTTO_ERR_IO);
	state->core = pw_context_connect(state->context, NULL, 0);
	FAIL_IF(state->core == NULL, SOTTO_ERR_IO);
	pw_core_add_listener(state->core, &state->core_listener, &core_events, state);
	TRY(load_plugins(state));
	TRY(round_trip(state));
out:
	return err;
}

static void pipewire_finish(void *context)
{
	struct pipewire_state *state = context;

	for (size_t i = 0; i < ARRAY_LEN(plugins); i++)
		if (state->plugins[i] != NULL)
			pw_unload_spa_handle(state->plugins[i]);
	if (state->core != NULL) {
		spa_hook_remove(&state->core_listener);
		pw_core_disconnect(state->core);
	}
	if (state->context != NULL)
		pw_context_destroy(state->context);
	if (state->loop != NULL) {
		pw_loop_leave(state->loop);
		pw_loop_destroy(state->loop);
	}
	if (state->event >= 0)
		close(state->event);
	free(state);
	pw_deinit();
}

void os_audio_pipewire_set_kind(struct pipewire_stream *stream, const struct pipewire_kind *kind,
				const char *name)
{
	size_t len = 0;

	stream->kind = kind;
	while (name != NULL && name[len] != '\0' && len + 1 < sizeof(stream->name)) {
		stream->name[len] = name[len];
		len++;
	}
	stream->name[len] = '\0';
}

enum sotto_err os_audio_pipewire_prepare(struct os_audio *audio, const char *speaker_name,
					 void **out)
{
	struct pipewire_state *state = calloc(1, sizeof(*state));
	enum sotto_err err;

	if (state == NULL)
		return SOTTO_ERR_NO_MEMORY;
	pw_init(NULL, NULL);
	for (int side = 0; side < OS_AUDIO_SIDES; side++) {
		state->streams[side].state = state;
		state->streams[side].ring = &audio->rings[side];
	}
	os_audio_pipewire_set_kind(&state->streams[OS_AUDIO_PLAYBACK], &playback, speaker_name);
	state->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	FAIL_IF(state->event < 0, SOTTO_ERR_IO);
	TRY(connect_server(state));
	TRY(os_audio_watch(audio, state->event));
	TRY(os_audio_watch(audio, pw_loop_get_fd(state->loop)));
	*out = state;
	return SOTTO_OK;
out:
	pipewire_finish(state);
	return err;
}

static struct pw_properties *stream_properties(const struct pipewire_stream *stream)
{
	struct pw_properties *properties = pw_properties_new(
		PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_ROLE, "Communication",
		PW_KEY_MEDIA_CATEGORY, stream->kind->category, PW_KEY_NODE_LATENCY, LATENCY, NULL);

	if (properties != NULL && stream->name[0] != '\0')
		pw_properties_set(properties, PW_KEY_TARGET_OBJECT, stream->name);
	return properties;
}

static int connect_stream(struct pipewire_stream *stream)
{
	struct spa_audio_info_raw format = {
		.format = SPA_AUDIO_FORMAT_S16,
		.rate = VOICE_RATE,
		.channels = 1,
		.position = {SPA_AUDIO_CHANNEL_MONO},
	};
	uint8_t memory[1024];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(memory, sizeof(memory));
	const struct spa_pod *params[] = {
		spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &format)};

	return pw_stream_connect(stream->stream, stream->kind->direction, PW_ID_ANY,
				 PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
					 PW_STREAM_FLAG_RT_PROCESS,
				 params, 1);
}

static void pipewire_stop(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct pipewire_state *state = context;
	struct pipewire_stream *stream = &state->streams[side];

	(void)audio;
	if (stream->stream != NULL) {
		spa_hook_remove(&stream->listener);
		pw_stream_destroy(stream->stream); /* waits for the data thread */
	}
	stream->stream = NULL;
}

static enum sotto_err pipewire_start(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct pipewire_state *state = context;
	struct pipewire_stream *stream = &state->streams[side];

	ASSERT(stream->kind != NULL);
	if (state->gone)
		return SOTTO_ERR_IO;
	stream->stream = pw_stream_new(state->core, "call", stream_properties(stream));
	if (stream->stream == NULL)
		return SOTTO_ERR_IO;
	os_audio_ring_init(stream->ring);
	stream->failed = false;
	atomic_store(&stream->period, PERIOD_SAMPLES);
	atomic_store(&stream->filled, false);
	pw_stream_add_listener(stream->stream, &stream->listener, &stream->kind->events, stream);
	if (connect_stream(stream) < 0) {
		pipewire_stop(audio, state, side);
		return SOTTO_ERR_IO;
	}
	return SOTTO_OK;
}

static void pipewire_work(struct os_audio *audio, void *context)
{
	struct pipewire_state *state = context;
	uint64_t count;
	ssize_t got = read(state->event, &count, sizeof(count));

	(void)audio;
	(void)got; /* empty if another descriptor was ready */
	if (!state->gone && pw_loop_iterate(state->loop, 0) < 0)
		state->gone = true;
}

static void pipewire_flush(struct os_audio *audio, void *context)
{
	struct pipewire_state *state = context;

	(void)audio;
	atomic_store_explicit(&state->streams[OS_AUDIO_PLAYBACK].filled, true,
			      memory_order_relaxed);
}

static unsigned pipewire_underruns(const void *context)
{
	const struct pipewire_state *state = context;

	return atomic_load_explicit(&state->streams[OS_AUDIO_PLAYBACK].underruns,
				    memory_order_relaxed);
}

/* Each underrun asks for one period more: a busy machine gets a little delay instead of gaps. */
static size_t pipewire_wanted(const struct os_audio *audio, const void *context)
{
	const struct pipewire_state *state = context;
	const struct pipewire_stream *stream = &state->streams[OS_AUDIO_PLAYBACK];
	size_t period = atomic_load_explicit(&stream->period, memory_order_relaxed);
	size_t periods = FILL_PERIODS + pipewire_underruns(state);
	size_t used = os_audio_ring_used(&audio->rings[OS_AUDIO_PLAYBACK]);
	size_t fill;

	if (periods > FILL_PERIODS_MAX)
		periods = FILL_PERIODS_MAX;
	fill = period * periods;
	if (fill > OS_AUDIO_RING_SAMPLES)
		fill = OS_AUDIO_RING_SAMPLES;
	return used < fill ? fill - used : 0;
}

static unsigned pipewire_delay_ms(const struct os_audio *audio, const void *context,
				  enum os_audio_side side)
{
	const struct pipewire_state *state = context;
	size_t used = os_audio_ring_used(&audio->rings[side]);
	unsigned delay_ms = (unsigned)(used / (VOICE_RATE / 1000));
	struct pw_time time;

	if (state->streams[side].stream == NULL ||
	    pw_stream_get_time_n(state->streams[side].stream, &time, sizeof(time)) < 0 ||
	    time.rate.denom == 0)
		return OS_AUDIO_UNKNOWN_MS;
	if (time.delay > 0)
		delay_ms +=
			(unsigned)((uint64_t)time.delay * 1000 * time.rate.num / time.rate.denom);
	return delay_ms;
}

static bool pipewire_lost(const void *context, enum os_audio_side side)
{
	const struct pipewire_state *state = context;

	return state->gone || state->streams[side].failed;
}

const struct os_audio_backend os_audio_pipewire = {
	.start = pipewire_start,
	.stop = pipewire_stop,
	.work = pipewire_work,
	.flush = pipewire_flush,
	.wanted = pipewire_wanted,
	.delay_ms = pipewire_delay_ms,
	.underruns = pipewire_underruns,
	.lost = pipewire_lost,
	.finish = pipewire_finish,
};
