/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a WAV file on the sound device and records the microphone meanwhile, as the voice process does:
 * prepare, then the sandbox of that process, then streams.
 *
 *	audio-loop SAID.wav HEARD.wav [alsa]
 *
 * Starts its streams when it has read a line. Prints the delays and underruns that the device reports;
 * exit 1 if it cannot start or goes away.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/audio.h"
#include "os/clock.h"
#include "os/sandbox.h"
#include "voice/wav.h"

#define TAIL_NS UINT64_C(1000000000) /* recorded behind the end of what is said */

struct loop {
	struct os_audio audio;
	struct voice_wav_reader said;
	struct voice_wav_writer heard;
	int said_fd;
	int heard_fd;
};

static enum sotto_err read_said(void *context, uint8_t *out, size_t len, size_t *got)
{
	const struct loop *loop = context;
	ssize_t count = read(loop->said_fd, out, len);

	if (count < 0)
		return SOTTO_ERR_IO;
	*got = (size_t)count;
	return SOTTO_OK;
}

static enum sotto_err write_heard(void *context, uint64_t offset, const uint8_t *bytes, size_t len)
{
	const struct loop *loop = context;

	return pwrite(loop->heard_fd, bytes, len, (off_t)offset) == (ssize_t)len ? SOTTO_OK
										 : SOTTO_ERR_IO;
}

/* What the device did since the last event: its samples to the file, ours to it. */
static enum sotto_err move(struct loop *loop)
{
	int16_t samples[VOICE_FRAME_SAMPLES];
	size_t count;
	enum sotto_err err = SOTTO_OK;

	os_audio_get_event(&loop->audio);
	while ((count = os_audio_get(&loop->audio, samples, VOICE_FRAME_SAMPLES)) > 0)
		TRY(voice_wav_writer_put(&loop->heard, samples, count));
	count = os_audio_wanted(&loop->audio);
	while (count > 0) {
		size_t part = count < VOICE_FRAME_SAMPLES ? count : VOICE_FRAME_SAMPLES;

		voice_wav_reader_get(&loop->said, samples, part);
		os_audio_put(&loop->audio, samples, part);
		count -= part;
	}
out:
	return err;
}

static enum sotto_err run(struct loop *loop)
{
	uint64_t end_ns = UINT64_MAX;
	enum sotto_err err;

	TRY(os_audio_start(&loop->audio, OS_AUDIO_PLAYBACK));
	TRY(os_audio_start(&loop->audio, OS_AUDIO_CAPTURE));
	while (os_clock_now_ns() < end_ns) {
		struct pollfd event = {.fd = os_audio_fd(&loop->audio), .events = POLLIN};

		FAIL_IF(poll(&event, 1, 2000) <= 0, SOTTO_ERR_IO); /* silent for 2 s: dead */
		TRY(move(loop));
		FAIL_IF(os_audio_lost(&loop->audio, OS_AUDIO_PLAYBACK), SOTTO_ERR_CLOSED);
		FAIL_IF(os_audio_lost(&loop->audio, OS_AUDIO_CAPTURE), SOTTO_ERR_CLOSED);
		if (end_ns == UINT64_MAX && voice_wav_reader_ended(&loop->said))
			end_ns = os_clock_now_ns() + TAIL_NS;
	}
	printf("{\"capture_ms\": %u, \"playback_ms\": %u, \"underruns\": %u}\n",
	       os_audio_delay_ms(&loop->audio, OS_AUDIO_CAPTURE),
	       os_audio_delay_ms(&loop->audio, OS_AUDIO_PLAYBACK),
	       os_audio_underruns(&loop->audio));
out:
	return err;
}

int main(int argc, char **argv)
{
	static struct loop loop;
	struct os_audio_config config = {.mic_fd = -1, .speaker_fd = -1};
	struct os_sandbox_options options = {.lock_memory = true};
	struct os_sandbox sandbox;
	char line[16];
	enum sotto_err err;

	if (argc < 3)
		return 2;
	config.want_alsa = argc > 3 && strcmp(argv[3], "alsa") == 0;
	loop.said_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	loop.heard_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FAIL_IF(loop.said_fd < 0 || loop.heard_fd < 0, SOTTO_ERR_IO);
	TRY(voice_wav_reader_init(&loop.said, (struct voice_byte_source){read_said, &loop}));
	TRY(voice_wav_writer_init(&loop.heard, (struct voice_byte_sink){write_heard, &loop}));
	TRY(os_audio_prepare(&loop.audio, &config));
	TRY(os_sandbox_enter(OS_PROFILE_VOICE, &options, &sandbox));
	FAIL_IF(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0,
		SOTTO_ERR_STATE); /* the cage is shut */
	FAIL_IF(fgets(line, sizeof(line), stdin) == NULL, SOTTO_ERR_CLOSED);
	TRY(run(&loop));
	os_audio_finish(&loop.audio);
	voice_wav_reader_finish(&loop.said);
out:
	if (err != SOTTO_OK)
		fprintf(stderr, "audio-loop: %s\n", sotto_err_text(err));
	return err == SOTTO_OK ? 0 : 1;
}
