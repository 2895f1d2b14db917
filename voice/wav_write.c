/* SPDX-License-Identifier: Apache-2.0 */
/* Samples first, then the header that counts them, in one piece: it never promises what is not there. */
#include "voice/wav.h"

#include <string.h>

#define HEADER_LEN    44
#define BLOCK_SAMPLES 480

static void put_little(uint8_t *out, uint32_t value, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static enum sotto_err write_header(struct voice_wav_writer *writer)
{
	uint32_t data_len = (uint32_t)(writer->samples * 2);
	uint8_t header[HEADER_LEN];

	memcpy(header, "RIFF", 4);
	put_little(header + 4, HEADER_LEN - 8 + data_len, 4);
	memcpy(header + 8, "WAVEfmt ", 8);
	put_little(header + 16, 16, 4);
	put_little(header + 20, 1, 2); /* PCM */
	put_little(header + 22, 1, 2); /* one channel */
	put_little(header + 24, VOICE_RATE, 4);
	put_little(header + 28, VOICE_RATE * 2, 4);
	put_little(header + 32, 2, 2);
	put_little(header + 34, 16, 2);
	memcpy(header + 36, "data", 4);
	put_little(header + 40, data_len, 4);
	return writer->sink.write_at(writer->sink.context, 0, header, sizeof(header));
}

enum sotto_err voice_wav_writer_init(struct voice_wav_writer *writer, struct voice_byte_sink sink)
{
	*writer = (struct voice_wav_writer){.sink = sink};
	return write_header(writer);
}

enum sotto_err voice_wav_writer_put(struct voice_wav_writer *writer, const int16_t *samples,
				    size_t count)
{
	enum sotto_err err = SOTTO_OK;

	FAIL_IF((writer->samples + count) * 2 > UINT32_MAX - HEADER_LEN, SOTTO_ERR_LIMIT);
	while (count > 0) {
		uint8_t bytes[2 * BLOCK_SAMPLES];
		size_t part = count < BLOCK_SAMPLES ? count : BLOCK_SAMPLES;

		for (size_t i = 0; i < part; i++)
			put_little(bytes + 2 * i, (uint16_t)samples[i], 2);
		TRY(writer->sink.write_at(writer->sink.context, HEADER_LEN + 2 * writer->samples,
					  bytes, 2 * part));
		writer->samples += part;
		samples += part;
		count -= part;
	}
	TRY(write_header(writer));
out:
	return err;
}
