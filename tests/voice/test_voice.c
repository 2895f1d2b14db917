/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the sound path one by one, with sounds made here. Quality is in test_quality.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "voice/delay.h"
#include "voice/level.h"
#include "voice/pipeline.h"
#include "voice/receiver.h"
#include "voice/sender.h"
#include "voice/stretch.h"

#define MS UINT64_C(1000000)

/* A tone with this many samples to a period. */
static void make_tone(int16_t *out, size_t count, size_t period, double amplitude)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (int16_t)(amplitude * sin(6.283185307 * (double)i / (double)period));
}

/* The largest step from one sample to the next: a click is a large one. */
static int largest_step(const int16_t *samples, size_t count)
{
	int largest = 0;

	for (size_t i = 1; i < count; i++) {
		int step = abs(samples[i] - samples[i - 1]);

		largest = step > largest ? step : largest;
	}
	return largest;
}

static void test_stretching_takes_whole_periods_and_does_not_click(void **state)
{
	static const size_t periods[] = {130, 200, 240, 400, 700};
	int16_t tone[VOICE_STRETCH_MAX + VOICE_FRAME_SAMPLES];
	int16_t out[VOICE_FRAME_SAMPLES + VOICE_STRETCH_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(periods); i++) {
		const int16_t *frame = tone + VOICE_STRETCH_MAX;
		size_t off;
		size_t count;
		int step;

		make_tone(tone, ARRAY_LEN(tone), periods[i], 10000);
		step = largest_step(tone, ARRAY_LEN(tone)) + 20;
		count = voice_stretch_shorten(frame, VOICE_FRAME_SAMPLES, VOICE_STRETCH_MAX, 900,
					      out);
		off = VOICE_FRAME_SAMPLES - count;
		assert_true(off > 0 && off % periods[i] == 0);
		assert_true(largest_step(out, count) <= step);
		assert_true(abs(out[0] - frame[0]) <= step);
		count = voice_stretch_lengthen(frame, VOICE_FRAME_SAMPLES, 0, VOICE_STRETCH_MAX,
					       900, out);
		off = count - VOICE_FRAME_SAMPLES;
		assert_true(off > 0 && off % periods[i] == 0);
		assert_true(largest_step(out, count) <= step);
		assert_memory_equal(out + count - 480, frame + VOICE_FRAME_SAMPLES - 480,
				    480 * sizeof(*out));
	}
}

static void test_stretching_leaves_alone_what_has_no_likeness(void **state)
{
	int16_t noise[VOICE_STRETCH_MAX + VOICE_FRAME_SAMPLES];
	int16_t out[VOICE_FRAME_SAMPLES + VOICE_STRETCH_MAX];
	const int16_t *frame = noise + VOICE_STRETCH_MAX;
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
		random = random * 1664525 + 1013904223;
		noise[i] = (int16_t)(random >> 18);
	}
	assert_int_equal(
		voice_stretch_shorten(frame, VOICE_FRAME_SAMPLES, VOICE_STRETCH_MAX, 900, out),
		VOICE_FRAME_SAMPLES);
	assert_memory_equal(out, frame, VOICE_FRAME_SAMPLES * sizeof(*out));
	assert_int_equal(
		voice_stretch_lengthen(frame, VOICE_FRAME_SAMPLES, 0, VOICE_STRETCH_MAX, 900, out),
		VOICE_FRAME_SAMPLES);
	/* Silence has no period, and any piece of it will do. */
	memset(noise, 0, sizeof(noise));
	assert_true(voice_stretch_shorten(frame, VOICE_FRAME_SAMPLES, 300, 900, out) <
		    VOICE_FRAME_SAMPLES);
	/* No more than was asked for; nothing if that is less than the shortest piece. */
	assert_true(voice_stretch_shorten(frame, VOICE_FRAME_SAMPLES, 300, 900, out) >= 660);
	assert_int_equal(voice_stretch_shorten(frame, VOICE_FRAME_SAMPLES, 119, 900, out),
			 VOICE_FRAME_SAMPLES);
}

static void test_jitter_is_the_spread_of_transits_without_outliers(void **state)
{
	struct voice_delay delay = {0};
	int64_t now_ns = 0;

	(void)state;
	assert_int_equal(voice_delay_jitter_ns(&delay), 0);
	for (unsigned i = 0; i < 100; i++)
		voice_delay_put(&delay, now_ns += 20 * (int64_t)MS, -5 * (int64_t)MS);
	assert_int_equal(voice_delay_jitter_ns(&delay), 0);
	/* One packet in 75 that is late does not count; the third of 100 does. */
	voice_delay_put(&delay, now_ns += 20 * (int64_t)MS, 65 * (int64_t)MS);
	assert_int_equal(voice_delay_jitter_ns(&delay), 0);
	voice_delay_put(&delay, now_ns += 20 * (int64_t)MS, 65 * (int64_t)MS);
	assert_int_equal(voice_delay_jitter_ns(&delay), 70 * (int64_t)MS);
	/* They leave the window after 1.5 s. */
	for (unsigned i = 0; i < 76; i++)
		voice_delay_put(&delay, now_ns += 20 * (int64_t)MS, -5 * (int64_t)MS);
	assert_int_equal(voice_delay_jitter_ns(&delay), 0);
	/* And no jitter makes anybody wait longer than the limit. */
	for (unsigned i = 0; i < 10; i++)
		voice_delay_put(&delay, now_ns += 20 * (int64_t)MS, 2000 * (int64_t)MS);
	assert_int_equal(voice_delay_jitter_ns(&delay), VOICE_DELAY_TARGET_MAX_NS);
}

static void test_late_percentile(void **state)
{
	static struct voice_late late;

	(void)state;
	assert_int_equal(voice_late_p99(&late), 0);
	for (unsigned i = 0; i < 990; i++)
		voice_late_put(&late, 0);
	for (unsigned i = 0; i < 10; i++)
		voice_late_put(&late, 50 * MS + i);
	assert_int_equal(voice_late_p99(&late), 0);
	voice_late_put(&late, 7000 * MS);
	assert_int_equal(voice_late_p99(&late), 50);
	memset(&late, 0, sizeof(late));
	voice_late_put(&late, 7000 * MS);
	assert_int_equal(voice_late_p99(&late), VOICE_LATE_MS_MAX);
}

static void test_level(void **state)
{
	static const struct {
		double amplitude;
		unsigned below_full_db;
	} table[] = {{0, 96}, {32, 63}, {3276, 23}, {32767, 3}};
	static int16_t tone[VOICE_SAMPLES(100)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct voice_level level = {0};

		assert_int_equal(voice_level_get(&level), VOICE_LEVEL_SILENCE);
		make_tone(tone, ARRAY_LEN(tone), 48, table[i].amplitude);
		voice_level_put(&level, tone, ARRAY_LEN(tone));
		assert_true(abs((int)voice_level_get(&level) - (int)table[i].below_full_db) <= 2);
	}
}

/* Sound at a steady clock; a beat that is a little slower or faster must neither grow nor starve. */
static void test_beat_and_microphone_may_drift(void **state)
{
	static const int drifts_ppm[] = {-300, 0, 300};
	int16_t tone[VOICE_FRAME_SAMPLES];
	uint8_t opus[VOICE_OPUS_LEN];

	(void)state;
	make_tone(tone, ARRAY_LEN(tone), 240, 8000);
	for (size_t i = 0; i < ARRAY_LEN(drifts_ppm); i++) {
		static struct voice_sender sender;
		double due = VOICE_FRAME_SAMPLES; /* too much from the start: that has to go */

		assert_int_equal(voice_sender_init(&sender, &allocator_default), SOTTO_OK);
		for (unsigned beat = 0; beat < 1500; beat++) {
			due += VOICE_FRAME_SAMPLES * (1 + drifts_ppm[i] / 1e6);
			while (due >= 240) {
				voice_sender_put(&sender, tone, 240);
				due -= 240;
			}
			voice_sender_get(&sender, opus);
			assert_true(sender.fifo.count <= 2 * VOICE_FRAME_SAMPLES);
		}
		assert_true(voice_sender_capture_ms(&sender) <= VOICE_FRAME_MS + 10);
		voice_sender_finish(&sender);
	}
}

static void test_all_packets_look_alike(void **state)
{
	struct voice_pipeline *pipeline;
	int16_t noise[VOICE_FRAME_SAMPLES];
	uint8_t packet[VOICE_PACKET_LEN + 8];
	struct voice_stats stats;
	uint32_t random = 7;

	(void)state;
	assert_int_equal(voice_pipeline_create(&allocator_default, &pipeline), SOTTO_OK);
	for (unsigned i = 0; i < 300; i++) {
		for (size_t j = 0; j < ARRAY_LEN(noise); j++) {
			random = random * 1664525 + 1013904223;
			noise[j] = i % 3 == 0 ? (int16_t)(random >> 16) : 0;
		}
		if (i < 200)
			voice_pipeline_put_capture(pipeline, noise, ARRAY_LEN(noise));
		voice_pipeline_set_muted(pipeline, i > 100);
		memset(packet, 0xee, sizeof(packet));
		voice_pipeline_get_packet(pipeline, packet); /* asserts its own length */
		for (size_t j = VOICE_PACKET_LEN; j < sizeof(packet); j++)
			assert_int_equal(packet[j], 0xee);
	}
	voice_pipeline_get_stats(pipeline, &stats);
	assert_int_equal(stats.packets_sent, 300);
	assert_int_equal(stats.packets_played, 0);
	voice_pipeline_destroy(pipeline);
}

/* An allocator that refuses its nth call. */
struct failing {
	unsigned calls;
	unsigned refused;
	size_t held;
};

static void *failing_allocate(void *context, size_t len)
{
	struct failing *failing = context;

	if (++failing->calls == failing->refused)
		return NULL;
	failing->held += len;
	return malloc(len);
}

static void failing_release(void *context, void *memory, size_t len)
{
	struct failing *failing = context;

	failing->held -= len;
	free(memory);
}

static void test_every_allocation_may_fail_and_none_comes_later(void **state)
{
	struct failing failing = {0};
	struct allocator allocator = {failing_allocate, failing_release, &failing};
	struct voice_pipeline *pipeline = NULL;
	int16_t samples[VOICE_FRAME_SAMPLES] = {0};
	uint8_t packet[VOICE_PACKET_LEN];
	unsigned calls;

	(void)state;
	for (failing.refused = 1;; failing.refused++) {
		failing.calls = 0;
		if (voice_pipeline_create(&allocator, &pipeline) == SOTTO_OK)
			break;
		assert_null(pipeline);
		assert_int_equal(failing.held, 0);
	}
	assert_int_equal(failing.refused, 2 + 1 + VOICE_SPEAKERS_MAX);
	calls = failing.calls;
	for (unsigned i = 0; i < 100; i++) {
		voice_pipeline_put_capture(pipeline, samples, VOICE_FRAME_SAMPLES);
		voice_pipeline_get_packet(pipeline, packet);
		voice_pipeline_put_packet(pipeline, i % 3, 0, i, BYTES_OF(packet), i * 20 * MS + 1);
		voice_pipeline_get_playout(pipeline, samples, VOICE_FRAME_SAMPLES, i * 20 * MS + 2);
	}
	assert_int_equal(failing.calls, calls);
	voice_pipeline_destroy(pipeline);
	assert_int_equal(failing.held, 0);
}

/* Packets as a table: what arrives when, and how it is counted after a second. */
struct arrival {
	uint32_t stream;
	uint64_t counter;
	unsigned at_ms;
};

static void play(const struct arrival *arrivals, size_t count, struct voice_stats *stats)
{
	struct voice_pipeline *pipeline;
	int16_t samples[VOICE_SAMPLES(10)];
	uint8_t packet[VOICE_PACKET_LEN];
	size_t at = 0;

	assert_int_equal(voice_pipeline_create(&allocator_default, &pipeline), SOTTO_OK);
	voice_pipeline_get_packet(pipeline, packet);
	for (unsigned ms = 100; ms < 1000; ms += 10) {
		for (; at < count && arrivals[at].at_ms + 100 <= ms; at++)
			voice_pipeline_put_packet(pipeline, 0, arrivals[at].stream,
						  arrivals[at].counter, BYTES_OF(packet),
						  (arrivals[at].at_ms + 100) * MS);
		voice_pipeline_get_playout(pipeline, samples, VOICE_SAMPLES(10), ms * MS);
	}
	voice_pipeline_get_stats(pipeline, stats);
	voice_pipeline_destroy(pipeline);
}

static void test_counting(void **state)
{
	static const struct {
		const char *name;
		struct arrival arrivals[12];
		unsigned count;
		unsigned received;
		unsigned lost;
		unsigned late;
	} table[] = {
		{"in order", {{0, 0, 0}, {0, 1, 20}, {0, 2, 40}, {0, 3, 60}}, 4, 4, 0, 0},
		{"any start", {{0, 1u << 30, 0}, {0, (1u << 30) + 1, 20}}, 2, 2, 0, 0},
		{"one lost", {{0, 0, 0}, {0, 1, 20}, {0, 3, 60}, {0, 4, 80}}, 4, 4, 1, 0},
		{"one twice", {{0, 0, 0}, {0, 1, 20}, {0, 1, 21}, {0, 2, 40}}, 4, 3, 0, 0},
		{"first two swapped", {{0, 1, 0}, {0, 0, 1}, {0, 2, 20}, {0, 3, 40}}, 4, 4, 0, 0},
		{"hopelessly late",
		 {{0, 0, 0}, {0, 1, 20}, {0, 3, 60}, {0, 4, 80}, {0, 5, 100}, {0, 2, 500}},
		 6,
		 6,
		 0,
		 1},
		{"next stream goes on",
		 {{0, 7, 0}, {0, 8, 20}, {1, 0, 40}, {1, 1, 60}, {2, 5, 80}, {2, 6, 100}},
		 6,
		 6,
		 0,
		 0},
		{"streams cross",
		 {{0, 7, 0}, {0, 9, 22}, {1, 0, 23}, {0, 8, 24}, {1, 1, 60}},
		 5,
		 5,
		 0,
		 0},
		{"a stream that is over",
		 {{0, 7, 0}, {1, 0, 20}, {2, 0, 40}, {0, 8, 41}, {2, 1, 60}},
		 5,
		 4,
		 0,
		 0},
		{"a jump of hours",
		 {{0, 0, 0}, {0, 1, 20}, {0, 1u << 20, 40}, {0, (1u << 20) + 1, 60}},
		 4,
		 4,
		 0,
		 0},
		{"wrapping counters",
		 {{0, UINT64_MAX - 1, 0}, {0, UINT64_MAX, 20}, {0, 0, 40}, {0, 1, 60}},
		 4,
		 4,
		 0,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct voice_stats stats;

		play(table[i].arrivals, table[i].count, &stats);
		if (stats.packets_received != table[i].received ||
		    stats.packets_lost != table[i].lost || stats.packets_late != table[i].late)
			fail_msg("%s: received %u lost %u late %u", table[i].name,
				 (unsigned)stats.packets_received, (unsigned)stats.packets_lost,
				 (unsigned)stats.packets_late);
		/* Each that came in time was decoded, "hopelessly late" but one. */
		assert_int_equal(stats.packets_played, table[i].received - table[i].late);
	}
}

/* Opus takes any bytes as sound; what has another length is not played at all. */
static void test_strange_packets(void **state)
{
	struct voice_pipeline *pipeline;
	int16_t samples[VOICE_FRAME_SAMPLES];
	uint8_t packet[VOICE_PACKET_LEN + 1];
	struct voice_stats stats;

	(void)state;
	assert_int_equal(voice_pipeline_create(&allocator_default, &pipeline), SOTTO_OK);
	for (unsigned i = 0; i < 256; i++) {
		memset(packet, (int)i, sizeof(packet));
		voice_pipeline_put_packet(pipeline, 0, 0, i, BYTES(packet, VOICE_PACKET_LEN),
					  (i + 1) * 20 * MS);
		voice_pipeline_put_packet(pipeline, 0, 0, i, BYTES(packet, i % VOICE_PACKET_LEN),
					  (i + 1) * 20 * MS);
		voice_pipeline_get_playout(pipeline, samples, VOICE_FRAME_SAMPLES,
					   (i + 1) * 20 * MS);
	}
	voice_pipeline_get_stats(pipeline, &stats);
	assert_int_equal(stats.packets_received, 256);
	assert_true(stats.packets_invalid > 256);
	voice_pipeline_reset_speaker(pipeline, 0);
	voice_pipeline_get_playout(pipeline, samples, VOICE_FRAME_SAMPLES, 1000);
	for (size_t i = 0; i < VOICE_FRAME_SAMPLES; i++)
		assert_int_equal(samples[i], 0);
	voice_pipeline_destroy(pipeline);
	voice_pipeline_destroy(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stretching_takes_whole_periods_and_does_not_click),
		cmocka_unit_test(test_stretching_leaves_alone_what_has_no_likeness),
		cmocka_unit_test(test_jitter_is_the_spread_of_transits_without_outliers),
		cmocka_unit_test(test_late_percentile),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_beat_and_microphone_may_drift),
		cmocka_unit_test(test_all_packets_look_alike),
		cmocka_unit_test(test_every_allocation_may_fail_and_none_comes_later),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_strange_packets),
	};

	return cmocka_run_group_tests_name("voice", tests, NULL, NULL);
}
