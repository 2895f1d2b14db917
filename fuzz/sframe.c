/* SPDX-License-Identifier: Apache-2.0 */
/* Headers re-encode to themselves; frames under a key that the fuzzer does not know open never. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "sframe/sframe.h"

#define OUT_LEN 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_header(struct bytes frame)
{
	uint8_t encoded[SFRAME_HEADER_LEN_MAX];
	struct sframe_header header;
	size_t len;

	if (sframe_header_decode(frame, &header, &len) != SOTTO_OK)
		return;
	ASSERT(sframe_header_encode(header, encoded) == len);
	ASSERT(memcmp(encoded, frame.data, len) == 0);
}

/* The same bytes as plaintext: what is authentic may still be padded in any way. */
static void check_padding(struct bytes plaintext)
{
	struct sframe_sender sender;
	struct sframe_receiver receiver;
	uint8_t sealed[OUT_LEN];
	uint8_t out[OUT_LEN];
	struct bytes content;
	uint64_t ctr;
	size_t len;

	sframe_sender_init(&sender, SFRAME_AES256GCM, BYTES_TEXT("key"), 1);
	sframe_receiver_init(&receiver, SFRAME_AES256GCM, BYTES_TEXT("key"), 1);
	if (sframe_seal(&sender, BYTES_NONE, plaintext, sealed, sizeof(sealed), &len) != SOTTO_OK)
		return;
	if (sframe_open_padded(&receiver, BYTES_NONE, BYTES(sealed, len), out, sizeof(out),
			       &content, &ctr) == SOTTO_OK)
		ASSERT(content.len < plaintext.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes frame = BYTES(data, size);
	struct sframe_header header;
	struct sframe_receiver receiver;
	uint8_t out[OUT_LEN];
	uint64_t ctr;
	size_t len;

	check_header(frame);
	check_padding(frame);
	if (sframe_header_decode(frame, &header, &len) != SOTTO_OK)
		return 0;
	sframe_receiver_init(&receiver, SFRAME_AES256GCM, BYTES_TEXT("another key"), header.kid);
	ASSERT(sframe_open(&receiver, BYTES_NONE, frame, out, sizeof(out), &len, &ctr) != SOTTO_OK);
	sframe_receiver_finish(&receiver);
	return 0;
}
