/* SPDX-License-Identifier: Apache-2.0 */
/* The Opus decoder in memory of ours, with what 1.3.1 lacks: whether a packet carries a copy. */
#include "voice/decoder.h"

#include <string.h>

#include <opus/opus.h>

#include "base/assert.h"
#include "base/bytes.h"

struct voice_decoder {
	const struct allocator *allocator;
	size_t size;
	OpusDecoder *opus; /* behind this struct, in the same memory */
};

#define OPUS_OFFSET ((sizeof(struct voice_decoder) + 63) & ~(size_t)63)

enum sotto_err voice_decoder_create(const struct allocator *allocator, struct voice_decoder **out)
{
	size_t size = OPUS_OFFSET + (size_t)opus_decoder_get_size(1);
	struct voice_decoder *decoder = allocator_take_zeroed(allocator, 1, size);
	int status;

	if (decoder == NULL)
		return SOTTO_ERR_NO_MEMORY;
	decoder->allocator = allocator;
	decoder->size = size;
	decoder->opus = (OpusDecoder *)((unsigned char *)decoder + OPUS_OFFSET);
	status = opus_decoder_init(decoder->opus, VOICE_RATE, 1);
	ASSERT(status == OPUS_OK); /* constants of ours */
	*out = decoder;
	return SOTTO_OK;
}

void voice_decoder_destroy(struct voice_decoder *decoder)
{
	if (decoder != NULL)
		allocator_wipe(decoder->allocator, decoder, decoder->size);
}

void voice_decoder_reset(struct voice_decoder *decoder)
{
	int status = opus_decoder_ctl(decoder->opus, OPUS_RESET_STATE);

	ASSERT(status == OPUS_OK);
}

void voice_decoder_conceal(struct voice_decoder *decoder, int16_t *samples, size_t count)
{
	int made = opus_decode(decoder->opus, NULL, 0, samples, (int)count, 0);

	ASSERT(made == (int)count);
}

/* The one frame of 20 ms, mono, that our encoder puts into a packet; NULL if there is another form in it. */
static const uint8_t *only_frame(const uint8_t *packet)
{
	const unsigned char *frames[48]; /* what the interface asks for */
	opus_int16 lens[48];
	unsigned char toc;
	int count = opus_packet_parse(packet, VOICE_OPUS_LEN, &toc, frames, lens, NULL);

	if (count != 1 || lens[0] == 0 || opus_packet_get_nb_channels(packet) != 1 ||
	    opus_packet_get_samples_per_frame(packet, VOICE_RATE) != VOICE_FRAME_SAMPLES)
		return NULL;
	return frames[0];
}

enum sotto_err voice_decoder_decode(struct voice_decoder *decoder,
				    const uint8_t opus[VOICE_OPUS_LEN],
				    int16_t samples[VOICE_FRAME_SAMPLES])
{
	if (only_frame(opus) != NULL && opus_decode(decoder->opus, opus, VOICE_OPUS_LEN, samples,
						    VOICE_FRAME_SAMPLES, 0) == VOICE_FRAME_SAMPLES)
		return SOTTO_OK;
	voice_decoder_conceal(decoder, samples, VOICE_FRAME_SAMPLES);
	return SOTTO_ERR_INVALID;
}

/*
 * RFC 6716 4.2.3 and 4.2.4: where a packet has a SILK part its frame begins with flags that have a
 * probability of one half each and so stand there in clear: is this frame speech, is there a copy of the
 * one before. (opus_packet_has_lbrr does this from Opus 1.5 on.)
 */
static bool carries_copy(const uint8_t *packet)
{
	const uint8_t *frame = only_frame(packet);
	bool celt_only = (packet[0] & 0x80) != 0;

	return frame != NULL && !celt_only && (frame[0] & 0x40) != 0;
}

bool voice_decoder_recover(struct voice_decoder *decoder, const uint8_t next[VOICE_OPUS_LEN],
			   int16_t samples[VOICE_FRAME_SAMPLES])
{
	if (carries_copy(next) && opus_decode(decoder->opus, next, VOICE_OPUS_LEN, samples,
					      VOICE_FRAME_SAMPLES, 1) == VOICE_FRAME_SAMPLES)
		return true;
	voice_decoder_conceal(decoder, samples, VOICE_FRAME_SAMPLES);
	return false;
}
