/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto-voice: sound of one call. Started by sotto-launcher when the agent asks after a key press;
 * descriptors: the agent's channel and the media channel to the link process. Ends with either.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "os/clock.h"
#include "phone/voice_process.h"

#define CHUNK_SAMPLES VOICE_FRAME_SAMPLES

void voice_process_tell(struct voice_process *process, const struct wire_type *type,
			const void *message)
{
	struct writer writer;

	writer_init_growing(&writer, &allocator_default);
	if (wire_encode(type, message, &writer) == SOTTO_OK)
		(void)!os_ipc_send(process->agent, writer_bytes(&writer), NULL, 0);
	writer_release(&writer);
}

/* Decoding, stretching and mixing are done while the device waits. */
static void get_playout(struct voice_process *process, int16_t *samples, size_t count)
{
	uint64_t begun_ns = os_clock_now_ns();
	uint64_t took_ns;

	voice_pipeline_get_playout(process->pipeline, samples, count, begun_ns);
	took_ns = os_clock_now_ns() - begun_ns;
	process->decode_ns =
		process->decode_ns == 0 ? took_ns : (process->decode_ns * 63 + took_ns) / 64;
}

/* Device to pipeline and back, as much as there is. */
static void move_sound(struct os_watch *watch, unsigned seen)
{
	struct voice_process *process = CONTAINER_OF(watch, struct voice_process, audio_watch);
	int16_t samples[CHUNK_SAMPLES];
	size_t count;

	(void)seen;
	os_audio_get_event(&process->audio);
	while ((count = os_audio_get(&process->audio, samples, ARRAY_LEN(samples))) > 0)
		voice_pipeline_put_capture(process->pipeline, samples, count);
	while ((count = os_audio_wanted(&process->audio)) > 0) {
		if (count > ARRAY_LEN(samples))
			count = ARRAY_LEN(samples);
		get_playout(process, samples, count);
		os_audio_put(&process->audio, samples, count);
	}
	bytes_wipe(samples, sizeof(samples));
}

static void beat_due(struct os_timer *timer, uint64_t now_ns)
{
	struct voice_process *process = CONTAINER_OF(timer, struct voice_process, beat_timer);

	voice_process_send_frame(process, now_ns);
	process->next_beat_ns += VOICE_FRAME_NS;
	/* Behind by more than this machine can catch up with: leave beats out rather than burst. */
	if (process->next_beat_ns + VOICE_FRAME_NS < now_ns)
		process->next_beat_ns +=
			(now_ns - process->next_beat_ns) / VOICE_FRAME_NS * VOICE_FRAME_NS;
	os_loop_set_timer(process->loop, timer, process->next_beat_ns);
}

/* A delay in the device, and what comes on top of it. */
static uint32_t delay_ms(const struct voice_process *process, enum os_audio_side side, bool known,
			 uint32_t more_ms)
{
	unsigned device_ms = os_audio_delay_ms(&process->audio, side);

	return known && device_ms != OS_AUDIO_UNKNOWN_MS ? device_ms + more_ms : VOICE_UNKNOWN_MS;
}

/* While the streams run: what they add is not known any more when they have stopped. */
static struct wire_voice_report measure(const struct voice_process *process, bool last)
{
	struct voice_stats stats;

	voice_pipeline_get_stats(process->pipeline, &stats);
	return (struct wire_voice_report){
		.last = last,
		.packets_sent = stats.packets_sent,
		.packets_received = stats.packets_received,
		.packets_lost = stats.packets_lost,
		.packets_refused = process->refused,
		.concealed_ms = stats.concealed_ms,
		.late_ms_p99 = stats.late_ms_p99,
		.first_sound_ns = process->first_sound_ns,
		.last_sound_ns = process->last_sound_ns,
		.round_trip_us = process->echo.round_trip_us,
		.capture_ms = delay_ms(process, OS_AUDIO_CAPTURE, stats.packets_sent > 0,
				       stats.capture_ms),
		.encode_ms = stats.encode_ms,
		.jitter_buffer_ms =
			stats.packets_played > 0 ? stats.jitter_buffer_ms : VOICE_UNKNOWN_MS,
		.decode_us = stats.packets_played > 0 ? (uint32_t)(process->decode_ns / 1000) : 0,
		.playout_ms = delay_ms(process, OS_AUDIO_PLAYBACK, true, 0),
	};
}

static void report_due(struct os_timer *timer, uint64_t now_ns)
{
	struct voice_process *process = CONTAINER_OF(timer, struct voice_process, report_timer);
	struct wire_voice_report told = measure(process, false);

	voice_process_tell(process, &wire_voice_report_type, &told);
	os_loop_set_timer(process->loop, timer, now_ns + VOICE_REPORT_NS);
}

static enum sotto_err prepare_sound(struct voice_process *process,
				    const struct wire_voice_prepare *prepare, int *descriptors,
				    size_t count)
{
	struct os_audio_config config = {.mic_fd = -1, .speaker_fd = -1};
	struct os_sandbox_options options = {.lock_memory = true};
	struct wire_voice_prepared told = {.failed = 0};
	char text[OS_SANDBOX_TEXT_LEN];
	struct os_sandbox sandbox;
	enum sotto_err err;
	size_t next = 0;

	if (prepare->mic_file != 0 && next < count)
		config.mic_fd = descriptors[next++];
	if (prepare->speaker_file != 0 && next < count)
		config.speaker_fd = descriptors[next++];
	TRY(os_audio_prepare(&process->audio, &config));
	process->audio_prepared = true;
	/* Kept for the life of this process. */
	for (size_t i = 0; i < next; i++)
		descriptors[i] = -1;
	TRY(os_sandbox_enter(OS_PROFILE_VOICE, &options, &sandbox));
	os_sandbox_describe(&sandbox, text);
	told.words = BYTES(text, strlen(text));
	voice_process_tell(process, &wire_voice_prepared_type, &told);
out:
	return err;
}

static void prepare(struct voice_process *process, const struct wire_voice_prepare *asked,
		    int *descriptors, size_t count)
{
	struct wire_voice_prepared told = {.failed = 1};
	const char *words;
	enum sotto_err err;

	if (process->audio_prepared)
		return;
	err = prepare_sound(process, asked, descriptors, count);
	if (err == SOTTO_OK)
		return;
	words = sotto_err_text(err);
	told.words = BYTES(words, strlen(words));
	voice_process_tell(process, &wire_voice_prepared_type, &told);
	os_loop_stop(process->loop);
}

/* Now, and not before, there is a capture stream. */
static enum sotto_err start_streams(struct voice_process *process)
{
	enum sotto_err err;

	os_watch_init(&process->audio_watch, os_audio_fd(&process->audio), move_sound);
	TRY(os_loop_watch(process->loop, &process->audio_watch, OS_READ));
	TRY(os_audio_start(&process->audio, OS_AUDIO_PLAYBACK));
	TRY(os_audio_start(&process->audio, OS_AUDIO_CAPTURE));
out:
	return err;
}

static void start(struct voice_process *process, const struct wire_voice_start *asked)
{
	uint64_t now_ns = os_clock_now_ns();
	uint64_t beat_ns = asked->phase_ns - VOICE_AHEAD_NS;

	if (process->started || !process->audio_prepared)
		return;
	voice_process_start(process, asked);
	if (!process->started || start_streams(process) != SOTTO_OK) {
		os_loop_stop(process->loop);
		return;
	}
	if (beat_ns < now_ns)
		beat_ns += ((now_ns - beat_ns) / VOICE_FRAME_NS + 1) * VOICE_FRAME_NS;
	process->next_beat_ns = beat_ns;
	os_loop_set_timer(process->loop, &process->beat_timer, beat_ns);
	os_loop_set_timer(process->loop, &process->report_timer, now_ns + VOICE_REPORT_NS);
}

static void stop(struct voice_process *process)
{
	struct wire_voice_report told;

	if (process->started) {
		told = measure(process, true);
		os_audio_stop(&process->audio, OS_AUDIO_CAPTURE);
		os_audio_stop(&process->audio, OS_AUDIO_PLAYBACK);
		voice_process_tell(process, &wire_voice_report_type, &told);
	}
	os_loop_stop(process->loop);
}

static void agent_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		       size_t descriptors_count)
{
	struct voice_process *process = context;
	union {
		struct wire_voice_prepare prepare;
		struct wire_voice_start start;
		struct wire_voice_keys keys;
		struct wire_voice_room room;
		struct wire_voice_switch switch_to;
		struct wire_voice_drop drop;
		struct wire_voice_sender sender;
	} told;
	const struct wire_type *type = wire_identify(WIRE_FAMILY_PHONE, message);

	(void)ipc;
	if (type == &wire_voice_stop_type) {
		stop(process);
		return;
	}
	if (type == NULL || type->size > sizeof(told) ||
	    wire_decode(type, message, &told) != SOTTO_OK)
		return;
	if (type == &wire_voice_prepare_type)
		prepare(process, &told.prepare, descriptors, descriptors_count);
	else if (type == &wire_voice_start_type)
		start(process, &told.start);
	else if (type == &wire_voice_keys_type)
		voice_process_add_keys(process, &told.keys);
	else if (type == &wire_voice_room_type)
		voice_process_set_room(process, &told.room);
	else if (type == &wire_voice_switch_type)
		voice_process_switch(process, told.switch_to.epoch);
	else if (type == &wire_voice_drop_type)
		voice_process_drop(process, told.drop.epoch);
	else if (type == &wire_voice_sender_type)
		voice_process_add_peer(process, &told.sender);
	bytes_wipe(&told, sizeof(told));
}

static void link_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		      size_t descriptors_count)
{
	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	voice_process_take_datagram(context, message, os_clock_now_ns());
}

static void agent_gone(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	os_loop_stop(((struct voice_process *)context)->loop);
}

static void link_gone(void *context, struct os_ipc *ipc)
{
	/* The agent notices, and decides: a link process that is started again needs a new channel. */
	agent_gone(context, ipc);
}

static enum sotto_err set_up(struct voice_process *process)
{
	struct os_ipc_handler agent = {
		.received = agent_said, .gone = agent_gone, .context = process};
	struct os_ipc_handler media = {
		.received = link_said, .gone = link_gone, .context = process};
	enum sotto_err err;

	TRY(crypto_init());
	TRY(os_loop_create(&process->loop));
	os_timer_init(&process->beat_timer, beat_due);
	os_timer_init(&process->report_timer, report_due);
	TRY(voice_pipeline_create(&allocator_default, &process->pipeline));
	TRY(os_ipc_create(process->loop, PHONE_CHILD_AGENT_FD, &agent, &process->agent));
	TRY(os_ipc_create(process->loop, PHONE_VOICE_MEDIA_FD, &media, &process->media));
out:
	return err;
}

static void release(struct voice_process *process)
{
	if (process->audio_prepared)
		os_audio_finish(&process->audio);
	voice_process_wipe(process);
	voice_pipeline_destroy(process->pipeline);
	os_ipc_destroy(process->media);
	os_ipc_destroy(process->agent);
	os_loop_destroy(process->loop);
}

int main(void)
{
	static struct voice_process process;
	enum sotto_err err;

	TRY(os_process_harden());
	TRY(set_up(&process));
	TRY(os_loop_run(process.loop));
out:
	release(&process);
	if (err != SOTTO_OK)
		fprintf(stderr, "sotto-voice: %s\n", sotto_err_text(err));
	return err == SOTTO_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
