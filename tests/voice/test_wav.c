/* SPDX-License-Identifier: Apache-2.0 */
/* WAV files: every format that is read, every truncation, the header after each write. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "voice/wav.h"

#define FILE_LEN_MAX (1u << 20)

/* A file in memory. */
struct file {
	uint8_t bytes[FILE_LEN_MAX];
	size_t len;
	size_t at;
	bool full; /* writing fails */
};

static struct file file;

static enum sotto_err read_file(void *context, uint8_t *out, size_t len, size_t *got)
{
	struct file *from = context;
	size_t left = from->len - from->at;

	*got = len < left ? len : left;
	memcpy(out, from->bytes + from->at, *got);
	from->at += *got;
	return SOTTO_OK;
}

static enum sotto_err write_file(void *context, uint64_t offset, const uint8_t *bytes, size_t len)
{
	struct file *to = context;

	if (to->full)
		return SOTTO_ERR_DISK_FULL;
	assert_true(offset + len <= FILE_LEN_MAX);
	memcpy(to->bytes + offset, bytes, len);
	if (offset + len > to->len)
		to->len = (size_t)offset + len;
	return SOTTO_OK;
}

static const struct voice_byte_source source = {read_file, &file};
static const struct voice_byte_sink sink = {write_file, &file};

static void put(uint32_t value, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		file.bytes[file.len++] = (uint8_t)(value >> (8 * i));
}

static void put_text(const char *text)
{
	memcpy(file.bytes + file.len, text, strlen(text));
	file.len += strlen(text);
}

struct format {
	uint32_t tag;
	uint32_t channels;
	uint32_t rate;
	uint32_t bits;
	bool extensible;
	bool other_chunks;
	bool unknown_len;
	enum sotto_err err;
};

static void put_header(const struct format *format, uint32_t data_len)
{
	file.len = 0;
	file.at = 0;
	put_text("RIFF");
	put(36 + data_len, 4);
	put_text("WAVE");
	if (format->other_chunks) {
		put_text("LIST");
		put(5, 4); /* and a byte that makes it even */
		put_text("abcde");
		put(0, 1);
	}
	put_text("fmt ");
	put(format->extensible ? 40 : 16, 4);
	put(format->extensible ? 0xfffe : format->tag, 2);
	put(format->channels, 2);
	put(format->rate, 4);
	put(format->rate * format->channels * format->bits / 8, 4);
	put(format->channels * format->bits / 8, 2);
	put(format->bits, 2);
	if (format->extensible) {
		put(22, 2);
		put(format->bits, 2);
		put(0, 4);
		put(format->tag, 2);
		put_text("0123456789abcd");
	}
	put_text("data");
	put(format->unknown_len ? UINT32_MAX : data_len, 4);
}

/* A second of a tone of 400 Hz at half of full scale; in stereo both sides the same. */
static void put_tone(const struct format *format)
{
	put_header(format, format->rate * format->channels * format->bits / 8);
	for (uint32_t i = 0; i < format->rate * format->channels; i++) {
		double at = (double)(i / format->channels) / format->rate;
		float value = (float)(0.5 * sin(6.283185307 * 400 * at));
		uint32_t bits;

		memcpy(&bits, &value, sizeof(bits));
		if (format->bits == 32)
			put(bits, 4);
		else
			put((uint32_t)(int32_t)(value * 32767), 2);
	}
}

static double correlation(const int16_t *samples, size_t count)
{
	double in_phase = 0;
	double quadrature = 0;
	double energy = 1;

	for (size_t i = 0; i < count; i++) {
		double at = 6.283185307 * 400 * (double)i / VOICE_RATE;

		in_phase += samples[i] * sin(at);
		quadrature += samples[i] * cos(at);
		energy += (double)samples[i] * samples[i];
	}
	return sqrt((in_phase * in_phase + quadrature * quadrature) / energy / (double)count * 2);
}

static void check_tone(void)
{
	static struct voice_wav_reader reader;
	static int16_t samples[VOICE_RATE];
	int largest = 0;

	assert_int_equal(voice_wav_reader_init(&reader, source), SOTTO_OK);
	for (size_t at = 0; at < VOICE_RATE; at += 441) /* any count may be asked for */
		voice_wav_reader_get(&reader, samples + at,
				     at + 441 > VOICE_RATE ? VOICE_RATE - at : 441);
	for (size_t i = 0; i < VOICE_RATE; i++)
		largest = abs(samples[i]) > largest ? abs(samples[i]) : largest;
	assert_true(largest > 16000 && largest < 16800);
	assert_true(correlation(samples, VOICE_RATE * 9 / 10) > 0.999);
	for (unsigned i = 0; i < 100; i++)
		voice_wav_reader_get(&reader, samples, 960);
	assert_true(voice_wav_reader_ended(&reader));
	for (size_t i = 0; i < 960; i++)
		assert_int_equal(samples[i], 0);
	voice_wav_reader_finish(&reader);
}

static void test_formats(void **state)
{
	static const struct format table[] = {
		{1, 1, 48000, 16, false, false, false, SOTTO_OK},
		{1, 2, 48000, 16, false, false, false, SOTTO_OK},
		{3, 1, 48000, 32, false, false, false, SOTTO_OK},
		{3, 2, 44100, 32, false, false, false, SOTTO_OK},
		{1, 1, 8000, 16, false, false, false, SOTTO_OK},
		{1, 2, 16000, 16, false, true, false, SOTTO_OK},
		{1, 1, 22050, 16, true, false, false, SOTTO_OK},
		{3, 2, 32000, 32, true, true, false, SOTTO_OK},
		{1, 1, 11025, 16, false, false, true, SOTTO_OK},
		{1, 1, 7999, 16, false, false, false, SOTTO_ERR_UNSUPPORTED},
		{1, 1, 96000, 16, false, false, false, SOTTO_ERR_UNSUPPORTED},
		{1, 3, 48000, 16, false, false, false, SOTTO_ERR_UNSUPPORTED},
		{1, 0, 48000, 16, false, false, false, SOTTO_ERR_UNSUPPORTED},
		{1, 1, 48000, 24, false, false, false, SOTTO_ERR_UNSUPPORTED},
		{3, 1, 48000, 64, false, false, false, SOTTO_ERR_UNSUPPORTED},
		{6, 1, 8000, 8, false, false, false, SOTTO_ERR_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		static struct voice_wav_reader reader;

		if (table[i].err == SOTTO_OK) {
			put_tone(&table[i]);
			check_tone();
			continue;
		}
		put_header(&table[i], 0);
		assert_int_equal(voice_wav_reader_init(&reader, source), table[i].err);
		voice_wav_reader_finish(&reader);
	}
}

static void test_truncation_and_bit_flips(void **state)
{
	static const struct format format = {3, 2, 16000, 32, true, true, false, SOTTO_OK};
	static struct voice_wav_reader reader;
	int16_t samples[480];
	size_t header_len;
	size_t whole;

	(void)state;
	put_header(&format, 800);
	header_len = file.len;
	for (unsigned i = 0; i < 200; i++)
		put(0x7fc00000 + i, 4); /* not a number: silence, not noise */
	whole = file.len;
	for (size_t cut = 0; cut <= whole; cut++) {
		enum sotto_err err;

		file.at = 0;
		file.len = cut;
		err = voice_wav_reader_init(&reader, source);
		assert_int_equal(err, cut < header_len ? SOTTO_ERR_FORMAT : SOTTO_OK);
		if (err == SOTTO_OK)
			voice_wav_reader_get(&reader, samples, 480);
		voice_wav_reader_finish(&reader);
		if (err == SOTTO_OK)
			for (size_t i = 0; i < 480; i++)
				assert_int_equal(samples[i], 0);
	}
	for (size_t bit = 0; bit < 8 * header_len; bit++) {
		file.at = 0;
		file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (voice_wav_reader_init(&reader, source) == SOTTO_OK)
			voice_wav_reader_get(&reader, samples, 480);
		voice_wav_reader_finish(&reader);
		file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_hostile_headers(void **state)
{
	static const struct format format = {1, 1, 16000, 16, false, false, false, SOTTO_OK};
	static struct voice_wav_reader reader;

	(void)state;
	/* A chunk that is longer than anybody's patience. */
	put_header(&format, 0);
	memcpy(file.bytes + 12, "LIST\xff\xff\xff\x7f", 8);
	assert_int_equal(voice_wav_reader_init(&reader, source), SOTTO_ERR_LIMIT);
	voice_wav_reader_finish(&reader);
	/* Sound before its format. */
	put_header(&format, 0);
	memcpy(file.bytes + 12, "data\x10\0\0\0", 8);
	assert_int_equal(voice_wav_reader_init(&reader, source), SOTTO_ERR_FORMAT);
	voice_wav_reader_finish(&reader);
	voice_wav_reader_finish(NULL);
}

/* After every put a reader finds exactly what was put so far. */
static void test_written_file_is_valid_at_any_moment(void **state)
{
	static struct voice_wav_writer writer;
	static struct voice_wav_reader reader;
	int16_t samples[700];
	int16_t read_back[700];
	size_t total = 0;

	(void)state;
	file.len = 0;
	assert_int_equal(voice_wav_writer_init(&writer, sink), SOTTO_OK);
	for (size_t count = 0; count <= 700; count += 70) {
		for (size_t i = 0; i < count; i++)
			samples[i] = (int16_t)(count * 40 + i);
		assert_int_equal(voice_wav_writer_put(&writer, samples, count), SOTTO_OK);
		file.at = 0;
		assert_int_equal(voice_wav_reader_init(&reader, source), SOTTO_OK);
		assert_int_equal(reader.bytes_left, 2 * (total + count));
		for (size_t i = 0; i < total; i++)
			voice_wav_reader_get(&reader, read_back, 1);
		voice_wav_reader_get(&reader, read_back, count);
		assert_memory_equal(read_back, samples, count * sizeof(*samples));
		voice_wav_reader_finish(&reader);
		total += count;
	}
	file.full = true;
	assert_int_equal(voice_wav_writer_put(&writer, samples, 1), SOTTO_ERR_DISK_FULL);
	file.full = false;
	writer.samples = (UINT32_MAX - 44) / 2;
	assert_int_equal(voice_wav_writer_put(&writer, samples, 1), SOTTO_ERR_LIMIT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_truncation_and_bit_flips),
		cmocka_unit_test(test_hostile_headers),
		cmocka_unit_test(test_written_file_is_valid_at_any_moment),
	};

	return cmocka_run_group_tests_name("wav", tests, NULL, NULL);
}
