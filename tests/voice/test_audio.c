/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between two threads, and WAV files in place of devices at real-time pace. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/audio.h"
#include "os/clock.h"
#include "voice/wav.h"

#define RING_TOTAL 2000000u

static struct os_audio_ring ring;

/* Counts up, in pieces of changing length. */
static void *produce(void *context)
{
	uint32_t made = 0;

	(void)context;
	while (made < RING_TOTAL) {
		int16_t samples[512];
		uint32_t count = made % 509 + 1;

		for (uint32_t i = 0; i < count; i++)
			samples[i] = (int16_t)(made + i);
		made += (uint32_t)os_audio_ring_put(&ring, samples, count);
	}
	return NULL;
}

static void test_ring_between_threads(void **state)
{
	pthread_t producer;
	uint32_t got = 0;

	(void)state;
	os_audio_ring_init(&ring);
	assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
	while (got < RING_TOTAL) {
		int16_t samples[300];
		size_t count = os_audio_ring_get(&ring, samples, got % 300 + 1);

		for (size_t i = 0; i < count; i++)
			if (samples[i] != (int16_t)(got + i))
				fail_msg("sample %u is another one", (unsigned)(got + i));
		got += (uint32_t)count;
	}
	assert_int_equal(pthread_join(producer, NULL), 0);
}

static void test_ring_when_full_and_empty(void **state)
{
	static int16_t samples[OS_AUDIO_RING_SAMPLES + 1];

	(void)state;
	os_audio_ring_init(&ring);
	atomic_store(&ring.put_total, UINT32_MAX - 5); /* the indices wrap */
	atomic_store(&ring.got_total, UINT32_MAX - 5);
	assert_int_equal(os_audio_ring_get(&ring, samples, 1), 0);
	assert_int_equal(os_audio_ring_put(&ring, samples, OS_AUDIO_RING_SAMPLES + 1),
			 OS_AUDIO_RING_SAMPLES);
	assert_int_equal(os_audio_ring_put(&ring, samples, 1), 0);
	assert_int_equal(os_audio_ring_used(&ring), OS_AUDIO_RING_SAMPLES);
	assert_int_equal(os_audio_ring_get(&ring, samples, OS_AUDIO_RING_SAMPLES + 1),
			 OS_AUDIO_RING_SAMPLES);
	assert_int_equal(os_audio_ring_used(&ring), 0);
}

static enum sotto_err read_fd(void *context, uint8_t *out, size_t len, size_t *got)
{
	ssize_t count = read(*(int *)context, out, len);

	if (count < 0)
		return SOTTO_ERR_IO;
	*got = (size_t)count;
	return SOTTO_OK;
}

static enum sotto_err write_fd(void *context, uint64_t offset, const uint8_t *bytes, size_t len)
{
	return pwrite(*(int *)context, bytes, len, (off_t)offset) == (ssize_t)len ? SOTTO_OK
										  : SOTTO_ERR_IO;
}

/* Half a second that counts up, so that any sample says where it is. */
static int make_file(void)
{
	struct voice_wav_writer writer;
	int16_t samples[VOICE_SAMPLES(10)];
	int fd = memfd_create("mic", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(voice_wav_writer_init(&writer, (struct voice_byte_sink){write_fd, &fd}),
			 SOTTO_OK);
	for (int at = 0; at < VOICE_SAMPLES(500); at += VOICE_SAMPLES(10)) {
		for (int i = 0; i < VOICE_SAMPLES(10); i++)
			samples[i] = (int16_t)(at + i + 1);
		assert_int_equal(voice_wav_writer_put(&writer, samples, VOICE_SAMPLES(10)),
				 SOTTO_OK);
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Plays what it captures, for a second: returns how many samples were captured. */
static size_t loop_back(struct os_audio *audio)
{
	uint64_t end_ns = os_clock_now_ns() + OS_CLOCK_SECOND_NS;
	static int16_t samples[OS_AUDIO_RING_SAMPLES];
	size_t captured = 0;

	while (os_clock_now_ns() < end_ns) {
		struct pollfd event = {.fd = os_audio_fd(audio), .events = POLLIN};
		size_t wanted;

		assert_true(poll(&event, 1, 1000) == 1);
		os_audio_get_event(audio);
		wanted = os_audio_wanted(audio);
		memset(samples, 0, sizeof(samples));
		captured += os_audio_get(audio, samples, wanted);
		os_audio_put(audio, samples, wanted);
	}
	return captured;
}

static void check_recording(int fd)
{
	struct voice_wav_reader reader;
	int16_t sample = 0;
	int expected = 1;
	size_t total = 0;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(voice_wav_reader_init(&reader, (struct voice_byte_source){read_fd, &fd}),
			 SOTTO_OK);
	while (!voice_wav_reader_ended(&reader)) {
		voice_wav_reader_get(&reader, &sample, 1);
		total++;
		if (sample == 0)
			continue; /* before, between two events, behind the end */
		assert_int_equal(sample, (int16_t)expected);
		expected++;
	}
	assert_int_equal(expected, VOICE_SAMPLES(500) + 1);
	assert_int_equal(sample, 0); /* after its end a file is silence */
	assert_true(total >= VOICE_SAMPLES(500));
	voice_wav_reader_finish(&reader);
}

static void test_files_move_at_the_pace_of_time(void **state)
{
	static struct os_audio audio;
	struct os_audio_config config = {.mic_fd = make_file(),
					 .speaker_fd = memfd_create("speaker", MFD_CLOEXEC)};
	size_t captured;

	(void)state;
	assert_int_equal(os_audio_prepare(&audio, &config), SOTTO_OK);
	assert_int_equal(os_audio_wanted(&audio), 0); /* nothing before start */
	assert_int_equal(os_audio_start(&audio, OS_AUDIO_CAPTURE), SOTTO_OK);
	assert_int_equal(os_audio_start(&audio, OS_AUDIO_PLAYBACK), SOTTO_OK);
	captured = loop_back(&audio);
	assert_true(captured <= VOICE_SAMPLES(1010)); /* never ahead of time */
	os_audio_stop(&audio, OS_AUDIO_PLAYBACK);
	assert_int_equal(os_audio_wanted(&audio), 0);
	assert_false(os_audio_lost(&audio, OS_AUDIO_PLAYBACK));
	os_audio_finish(&audio);
	os_audio_finish(&audio);
	check_recording(config.speaker_fd);
	close(config.mic_fd);
	close(config.speaker_fd);
}

static void test_what_is_no_wav_file_is_refused(void **state)
{
	static struct os_audio audio;
	struct os_audio_config config = {.mic_fd = memfd_create("empty", MFD_CLOEXEC),
					 .speaker_fd = memfd_create("speaker", MFD_CLOEXEC)};

	(void)state;
	assert_int_equal(os_audio_prepare(&audio, &config), SOTTO_ERR_FORMAT);
	close(config.mic_fd);
	config.mic_fd = make_file();
	close(config.speaker_fd);
	config.speaker_fd = 1 << 20; /* not open */
	assert_int_equal(os_audio_prepare(&audio, &config), SOTTO_ERR_IO);
	close(config.mic_fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_when_full_and_empty),
		cmocka_unit_test(test_ring_between_threads),
		cmocka_unit_test(test_files_move_at_the_pace_of_time),
		cmocka_unit_test(test_what_is_no_wav_file_is_refused),
	};

	return cmocka_run_group_tests_name("audio", tests, NULL, NULL);
}
