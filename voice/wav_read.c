/* SPDX-License-Identifier: Apache-2.0 */
/* RIFF header, then samples: bytes -> 16 bit -> one channel -> 48 kHz. */
#include "voice/wav.h"

#include <string.h>

#include "base/bytes.h"

#define FORMAT_PCM	     1
#define FORMAT_FLOAT	     3
#define FORMAT_EXTENSIBLE    0xfffe

#define FMT_LEN		     16 /* what every format chunk begins with */
#define FMT_LEN_EXTENSIBLE   26 /* up to the two bytes of the GUID that tell */
#define FMT_LEN_MAX	     64

#define LENGTH_UNKNOWN	     UINT32_MAX /* written by programs that write to a pipe */

#define BLOCK_SAMPLES	     240
#define BYTES_PER_SAMPLE_MAX 8 /* float, two channels */

static uint32_t little_u16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t little_u32(const uint8_t *bytes)
{
	return little_u16(bytes) | little_u16(bytes + 2) << 16;
}

static enum sotto_err read_exactly(struct voice_wav_reader *reader, uint8_t *out, size_t len)
{
	size_t got = 0;
	enum sotto_err err;

	TRY(reader->source.read(reader->source.context, out, len, &got));
	FAIL_IF(got != len, SOTTO_ERR_FORMAT);
out:
	return err;
}

static enum sotto_err skip(struct voice_wav_reader *reader, uint64_t len)
{
	uint8_t buffer[512];
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(len > VOICE_WAV_SKIP_MAX, SOTTO_ERR_LIMIT);
	while (len > 0) {
		size_t part = len < sizeof(buffer) ? (size_t)len : sizeof(buffer);

		TRY(read_exactly(reader, buffer, part));
		len -= part;
	}
out:
	return err;
}

/* A chunk's length does not count the byte that makes it even. */
static uint64_t padded(uint32_t len)
{
	return (uint64_t)len + (len & 1);
}

static enum sotto_err read_format(struct voice_wav_reader *reader, uint32_t len)
{
	uint8_t fmt[FMT_LEN_MAX];
	uint32_t format;
	uint32_t bits;
	enum sotto_err err;

	FAIL_IF(len < FMT_LEN || len > FMT_LEN_MAX, SOTTO_ERR_FORMAT);
	TRY(read_exactly(reader, fmt, (size_t)padded(len)));
	format = little_u16(fmt);
	if (format == FORMAT_EXTENSIBLE && len >= FMT_LEN_EXTENSIBLE)
		format = little_u16(fmt + 24);
	reader->channels = little_u16(fmt + 2);
	reader->rate = little_u32(fmt + 4);
	bits = little_u16(fmt + 14);
	reader->is_float = format == FORMAT_FLOAT;
	FAIL_IF(!(format == FORMAT_PCM && bits == 16) && !(format == FORMAT_FLOAT && bits == 32),
		SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(reader->channels < 1 || reader->channels > 2, SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(reader->rate < VOICE_RATE_MIN || reader->rate > VOICE_RATE_MAX,
		SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(little_u16(fmt + 12) != reader->channels * bits / 8, SOTTO_ERR_FORMAT);
out:
	return err;
}

/* Chunk after chunk up to the one with the sound. */
static enum sotto_err read_header(struct voice_wav_reader *reader)
{
	uint8_t head[12];
	uint64_t skipped = 0;
	enum sotto_err err;

	TRY(read_exactly(reader, head, 12));
	FAIL_IF(memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0, SOTTO_ERR_FORMAT);
	for (;;) {
		uint32_t len;

		TRY(read_exactly(reader, head, 8));
		len = little_u32(head + 4);
		if (memcmp(head, "data", 4) == 0) {
			FAIL_IF(reader->rate == 0, SOTTO_ERR_FORMAT);
			reader->until_end = len == LENGTH_UNKNOWN;
			reader->bytes_left = len;
			return SOTTO_OK;
		}
		if (memcmp(head, "fmt ", 4) == 0) {
			TRY(read_format(reader, len));
			continue;
		}
		skipped += padded(len) + 8;
		FAIL_IF(skipped > VOICE_WAV_SKIP_MAX, SOTTO_ERR_LIMIT);
		TRY(skip(reader, padded(len)));
	}
out:
	return err;
}

enum sotto_err voice_wav_reader_init(struct voice_wav_reader *reader,
				     struct voice_byte_source source)
{
	enum sotto_err err;

	*reader = (struct voice_wav_reader){.source = source};
	TRY(read_header(reader));
	TRY(voice_resampler_create(reader->rate, VOICE_RATE, &reader->resampler));
out:
	return err;
}

void voice_wav_reader_finish(struct voice_wav_reader *reader)
{
	if (reader == NULL)
		return;
	voice_resampler_destroy(reader->resampler);
	bytes_wipe(reader, sizeof(*reader));
}

static int32_t sample_of(const struct voice_wav_reader *reader, const uint8_t *bytes)
{
	uint32_t bits;
	float value;

	if (!reader->is_float)
		return (int16_t)little_u16(bytes);
	bits = little_u32(bytes);
	memcpy(&value, &bits, sizeof(value));
	if (value >= 1)
		return INT16_MAX;
	if (value <= -1)
		return INT16_MIN;
	return value == value ? (int32_t)(value * 32767) : 0; /* not a number: silence */
}

/* The next block of the file as one channel into decoded; sets ended when there is none. */
static void decode_block(struct voice_wav_reader *reader)
{
	uint8_t bytes[BLOCK_SAMPLES * BYTES_PER_SAMPLE_MAX];
	size_t width = (reader->is_float ? 4 : 2) * (size_t)reader->channels;
	size_t wanted = BLOCK_SAMPLES * width;
	size_t got = 0;

	if (!reader->until_end && reader->bytes_left < wanted)
		wanted = (size_t)reader->bytes_left;
	if (reader->source.read(reader->source.context, bytes, wanted, &got) != SOTTO_OK)
		got = 0;
	reader->bytes_left -= reader->until_end ? 0 : got;
	reader->decoded_at = 0;
	reader->decoded_count = got / width;
	reader->ended = got < width;
	for (size_t i = 0; i < reader->decoded_count; i++) {
		const uint8_t *at = bytes + i * width;
		int32_t sum = sample_of(reader, at);

		if (reader->channels == 2)
			sum = (sum + sample_of(reader, at + width / 2)) / 2;
		reader->decoded[i] = (int16_t)sum;
	}
}

void voice_wav_reader_get(struct voice_wav_reader *reader, int16_t *samples, size_t count)
{
	while (count > 0) {
		size_t used = 0;
		size_t made;

		if (reader->decoded_at == reader->decoded_count && !reader->ended)
			decode_block(reader);
		if (reader->decoded_at == reader->decoded_count && reader->ended) {
			memset(samples, 0, count * sizeof(*samples));
			return;
		}
		made = voice_resampler_run(reader->resampler, reader->decoded + reader->decoded_at,
					   reader->decoded_count - reader->decoded_at, &used,
					   samples, count);
		reader->decoded_at += used;
		samples += made;
		count -= made;
	}
}

bool voice_wav_reader_ended(const struct voice_wav_reader *reader)
{
	return reader->ended && reader->decoded_at == reader->decoded_count;
}
