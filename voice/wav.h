/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAV files as engines over bytes: the caller reads and writes them.
 *
 * What is read: RIFF WAVE, 16-bit or 32-bit float, 1 or 2 channels, 8 to 48 kHz, plain or EXTENSIBLE;
 * other chunks are skipped, and only forward, so a pipe will do. What comes out is 48 kHz mono, with
 * silence behind the end. What is written is 48 kHz mono 16-bit, and its header is right after each put:
 * a program that is killed leaves a file that plays.
 */
#ifndef VOICE_WAV_H
#define VOICE_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "voice/format.h"
#include "voice/resample.h"

/* Sets *got to how many of len bytes there were: fewer only at the end. */
struct voice_byte_source {
	enum sotto_err (*read)(void *context, uint8_t *out, size_t len, size_t *got);
	void *context;
};

struct voice_byte_sink {
	enum sotto_err (*write_at)(void *context, uint64_t offset, const uint8_t *bytes,
				   size_t len);
	void *context;
};

/* Chunks before the sound: pictures and tags of music files fit, a hostile file does not hold us up. */
#define VOICE_WAV_SKIP_MAX (16u << 20)

struct voice_wav_reader {
	struct voice_byte_source source;
	bool is_float;
	unsigned channels;
	uint32_t rate;
	bool until_end;	     /* the header does not say how much there is */
	uint64_t bytes_left; /* of sound, unless until_end */
	bool ended;
	struct voice_resampler *resampler;
	int16_t decoded[VOICE_FRAME_SAMPLES]; /* at the file's rate, not yet resampled */
	size_t decoded_at;
	size_t decoded_count;
};

/*
 * Reads up to the first sample. SOTTO_ERR_FORMAT: not a WAV file, or broken; SOTTO_ERR_UNSUPPORTED: one
 * of a kind that is not read; SOTTO_ERR_LIMIT; SOTTO_ERR_NO_MEMORY; what the source returns.
 */
MUST_USE enum sotto_err voice_wav_reader_init(struct voice_wav_reader *reader,
					      struct voice_byte_source source);

/* NULL is fine. */
void voice_wav_reader_finish(struct voice_wav_reader *reader);

/* The next count samples; silence once the file has ended or cannot be read. */
void voice_wav_reader_get(struct voice_wav_reader *reader, int16_t *samples, size_t count);

/* Has all of it been given? */
bool voice_wav_reader_ended(const struct voice_wav_reader *reader);

struct voice_wav_writer {
	struct voice_byte_sink sink;
	uint64_t samples;
};

/* Writes the header of an empty file. */
MUST_USE enum sotto_err voice_wav_writer_init(struct voice_wav_writer *writer,
					      struct voice_byte_sink sink);

/* SOTTO_ERR_LIMIT: 4 GiB, 12 hours, is what the format holds. */
MUST_USE enum sotto_err voice_wav_writer_put(struct voice_wav_writer *writer,
					     const int16_t *samples, size_t count);

#endif
