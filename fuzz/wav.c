/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a WAV file: refused, or a second of sound. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "voice/wav.h"

struct input {
	const uint8_t *at;
	size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err read_input(void *context, uint8_t *out, size_t len, size_t *got)
{
	struct input *input = context;

	*got = len < input->left ? len : input->left;
	if (*got != 0)
		memcpy(out, input->at, *got);
	input->at += *got;
	input->left -= *got;
	return SOTTO_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct voice_wav_reader reader;
	struct input input = {data, size};
	int16_t samples[VOICE_FRAME_SAMPLES];

	if (voice_wav_reader_init(&reader, (struct voice_byte_source){read_input, &input}) ==
	    SOTTO_OK)
		for (unsigned i = 0; i < 50; i++)
			voice_wav_reader_get(&reader, samples, VOICE_FRAME_SAMPLES);
	voice_wav_reader_finish(&reader);
	return 0;
}
