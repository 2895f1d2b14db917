/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opus at a constant bitrate, without DTX: every packet has one size and there is one every 20 ms,
 * so neither shows who speaks or what (White et al., "Phonotactic reconstruction of encrypted
 * VoIP").
 */
#include "voice/encoder.h"

#include <opus/opus.h>

#include "base/assert.h"
#include "base/bytes.h"

/*
 * Opus 1.3.1 at this bitrate, told to expect 5 % of loss, spends all on the frame itself; told 6 % it adds
 * copies of the frame before, and the more it is told the more it spends on them. Measured, STOI:
 *
 *	told    none lost   5 %     10 %    20 %
 *	5 %     .979        .948    .927    .880
 *	6 %     .958        .955    .955    .951
 *	10 %    .941        .939    .939    .936
 *	20 %    .880        .871    .844    .798
 *
 * So there are two settings, and no loss at which a third one would be better.
 */
#define TOLD_WITHOUT_COPIES 5
#define TOLD_WITH_COPIES    6

struct voice_encoder {
	const struct allocator *allocator;
	size_t size;
	OpusEncoder *opus; /* behind this struct, in the same memory */
};

#define OPUS_OFFSET ((sizeof(struct voice_encoder) + 63) & ~(size_t)63)

static bool configure(OpusEncoder *opus)
{
	return opus_encoder_ctl(opus, OPUS_SET_BITRATE(VOICE_BITRATE)) == OPUS_OK &&
	       opus_encoder_ctl(opus, OPUS_SET_VBR(0)) == OPUS_OK &&
	       opus_encoder_ctl(opus, OPUS_SET_DTX(0)) == OPUS_OK &&
	       opus_encoder_ctl(opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)) == OPUS_OK &&
	       opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(1)) == OPUS_OK &&
	       opus_encoder_ctl(opus, OPUS_SET_PACKET_LOSS_PERC(TOLD_WITHOUT_COPIES)) == OPUS_OK;
}

enum sotto_err voice_encoder_create(const struct allocator *allocator, struct voice_encoder **out)
{
	size_t size = OPUS_OFFSET + (size_t)opus_encoder_get_size(1);
	struct voice_encoder *encoder = allocator_take_zeroed(allocator, 1, size);
	int status;

	if (encoder == NULL)
		return SOTTO_ERR_NO_MEMORY;
	encoder->allocator = allocator;
	encoder->size = size;
	encoder->opus = (OpusEncoder *)((unsigned char *)encoder + OPUS_OFFSET);
	status = opus_encoder_init(encoder->opus, VOICE_RATE, 1, OPUS_APPLICATION_VOIP);
	ASSERT(status == OPUS_OK && configure(encoder->opus)); /* constants of ours */
	*out = encoder;
	return SOTTO_OK;
}

void voice_encoder_destroy(struct voice_encoder *encoder)
{
	if (encoder != NULL)
		allocator_wipe(encoder->allocator, encoder, encoder->size);
}

void voice_encoder_set_copies(struct voice_encoder *encoder, bool copies)
{
	int told = copies ? TOLD_WITH_COPIES : TOLD_WITHOUT_COPIES;
	int status = opus_encoder_ctl(encoder->opus, OPUS_SET_PACKET_LOSS_PERC(told));

	ASSERT(status == OPUS_OK);
}

void voice_encoder_encode(struct voice_encoder *encoder, const int16_t samples[VOICE_FRAME_SAMPLES],
			  uint8_t opus[VOICE_OPUS_LEN])
{
	opus_int32 len =
		opus_encode(encoder->opus, samples, VOICE_FRAME_SAMPLES, opus, VOICE_OPUS_LEN);

	ASSERT(len == VOICE_OPUS_LEN); /* what constant bitrate means */
}

unsigned voice_encoder_lookahead(struct voice_encoder *encoder)
{
	opus_int32 samples = 0;
	int status = opus_encoder_ctl(encoder->opus, OPUS_GET_LOOKAHEAD(&samples));

	ASSERT(status == OPUS_OK);
	return (unsigned)samples;
}
