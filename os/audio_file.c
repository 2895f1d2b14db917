/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAV files in place of devices, at real-time pace: a timer of 5 ms says how many samples are due.
 *
 *	mic_fd -> WAV reader -> capture ring        playback ring -> WAV writer -> speaker_fd
 *
 * After a stall (a busy machine, a stopped process) the pace goes on from there instead of catching up:
 * a burst would be dropped further on, and a test would lose words that no network lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "os/audio_backend.h"
#include "os/clock.h"
#include "voice/wav.h"

#define TICK_NS	      5000000
#define STALL_NS      100000000
#define BLOCK_SAMPLES 480

/* One side's pace. */
struct pace {
	uint64_t start_ns;
	uint64_t moved; /* samples since */
};

struct file_state {
	int timer;
	int mic_fd;
	int speaker_fd;
	struct voice_wav_reader reader;
	struct voice_wav_writer writer;
	struct pace pace[OS_AUDIO_SIDES];
	bool running[OS_AUDIO_SIDES];
	bool lost[OS_AUDIO_SIDES];
};

static enum sotto_err read_bytes(void *context, uint8_t *out, size_t len, size_t *got)
{
	const struct file_state *state = context;
	size_t have = 0;

	while (have < len) {
		ssize_t part = read(state->mic_fd, out + have, len - have);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return SOTTO_ERR_IO;
		if (part == 0)
			break;
		have += (size_t)part;
	}
	*got = have;
	return SOTTO_OK;
}

static enum sotto_err write_bytes(void *context, uint64_t offset, const uint8_t *bytes, size_t len)
{
	const struct file_state *state = context;

	while (len > 0) {
		ssize_t part = pwrite(state->speaker_fd, bytes, len, (off_t)offset);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return errno == ENOSPC || errno == EDQUOT ? SOTTO_ERR_DISK_FULL
								  : SOTTO_ERR_IO;
		bytes += part;
		len -= (size_t)part;
		offset += (uint64_t)part;
	}
	return SOTTO_OK;
}

static void file_finish(void *context)
{
	struct file_state *state = context;

	if (state->mic_fd >= 0)
		voice_wav_reader_finish(&state->reader);
	if (state->timer >= 0)
		close(state->timer);
	free(state);
}

enum sotto_err os_audio_file_prepare(struct os_audio *audio, const struct os_audio_config *config,
				     void **out)
{
	struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};
	struct file_state *state = calloc(1, sizeof(*state));
	enum sotto_err err;

	if (state == NULL)
		return SOTTO_ERR_NO_MEMORY;
	state->mic_fd = config->mic_fd;
	state->speaker_fd = config->speaker_fd;
	state->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	FAIL_IF(state->timer < 0 || timerfd_settime(state->timer, 0, &tick, NULL) != 0,
		SOTTO_ERR_IO);
	if (state->mic_fd >= 0)
		TRY(voice_wav_reader_init(&state->reader,
					  (struct voice_byte_source){read_bytes, state}));
	if (state->speaker_fd >= 0)
		TRY(voice_wav_writer_init(&state->writer,
					  (struct voice_byte_sink){write_bytes, state}));
	TRY(os_audio_watch(audio, state->timer));
	*out = state;
	return SOTTO_OK;
out:
	file_finish(state);
	return err;
}

static enum sotto_err file_start(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct file_state *state = context;

	(void)audio;
	state->pace[side] = (struct pace){.start_ns = os_clock_now_ns()};
	state->running[side] = true;
	return SOTTO_OK;
}

static void file_stop(struct os_audio *audio, void *context, enum os_audio_side side)
{
	struct file_state *state = context;

	(void)audio;
	state->running[side] = false;
}

/* How many samples are due by now. */
static size_t due(const struct pace *pace, uint64_t now_ns)
{
	return (size_t)((now_ns - pace->start_ns) * (VOICE_RATE / 1000) / 1000000 - pace->moved);
}

static void forgive_stall(struct pace *pace, uint64_t now_ns)
{
	size_t stalled_max = (size_t)(STALL_NS / 1000000) * (VOICE_RATE / 1000);

	if (due(pace, now_ns) > stalled_max)
		*pace = (struct pace){.start_ns = now_ns - TICK_NS};
}

static void capture(struct os_audio *audio, struct file_state *state, uint64_t now_ns)
{
	struct pace *pace = &state->pace[OS_AUDIO_CAPTURE];
	int16_t samples[BLOCK_SAMPLES];

	for (size_t left = due(pace, now_ns); left > 0;) {
		size_t part = left < BLOCK_SAMPLES ? left : BLOCK_SAMPLES;

		voice_wav_reader_get(&state->reader, samples, part);
		(void)os_audio_ring_put(&audio->rings[OS_AUDIO_CAPTURE], samples, part);
		pace->moved += part;
		left -= part;
	}
}

static void file_work(struct os_audio *audio, void *context)
{
	struct file_state *state = context;
	uint64_t now_ns = os_clock_now_ns();
	uint64_t ticks;

	if (read(state->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return; /* another descriptor was ready */
	for (int side = 0; side < OS_AUDIO_SIDES; side++)
		if (state->running[side])
			forgive_stall(&state->pace[side], now_ns);
	if (state->running[OS_AUDIO_CAPTURE])
		capture(audio, state, now_ns);
}

static size_t file_wanted(const struct os_audio *audio, const void *context)
{
	const struct file_state *state = context;
	size_t wanted = due(&state->pace[OS_AUDIO_PLAYBACK], os_clock_now_ns());
	size_t room = OS_AUDIO_RING_SAMPLES - os_audio_ring_used(&audio->rings[OS_AUDIO_PLAYBACK]);

	return wanted < room ? wanted : room;
}

static void file_flush(struct os_audio *audio, void *context)
{
	struct file_state *state = context;
	int16_t samples[BLOCK_SAMPLES];
	size_t count;

	while ((count = os_audio_ring_get(&audio->rings[OS_AUDIO_PLAYBACK], samples,
					  BLOCK_SAMPLES)) > 0) {
		state->pace[OS_AUDIO_PLAYBACK].moved += count;
		if (voice_wav_writer_put(&state->writer, samples, count) != SOTTO_OK)
			state->lost[OS_AUDIO_PLAYBACK] = true;
	}
}

static unsigned file_delay_ms(const struct os_audio *audio, const void *context,
			      enum os_audio_side side)
{
	(void)context;
	return (unsigned)(os_audio_ring_used(&audio->rings[side]) / (VOICE_RATE / 1000)) +
	       TICK_NS / 1000000;
}

static unsigned file_underruns(const void *context)
{
	(void)context;
	return 0;
}

static bool file_lost(const void *context, enum os_audio_side side)
{
	const struct file_state *state = context;

	return state->lost[side];
}

const struct os_audio_backend os_audio_file = {
	.start = file_start,
	.stop = file_stop,
	.work = file_work,
	.flush = file_flush,
	.wanted = file_wanted,
	.delay_ms = file_delay_ms,
	.underruns = file_underruns,
	.lost = file_lost,
	.finish = file_finish,
};
