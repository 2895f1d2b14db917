/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening frames, RFC 9605 section 4.4.4, each once: section 9.4 leaves replay protection to the
 * application, and this is it. The window changes only after the tag has been verified.
 */
#include "base/reader.h"
#include "sframe/frame.h"

void sframe_receiver_init(struct sframe_receiver *receiver, enum sframe_suite suite,
			  struct bytes base_key, uint64_t kid)
{
	*receiver = (struct sframe_receiver){.kid = kid};
	sframe_key_derive(suite, base_key, kid, &receiver->key);
}

void sframe_receiver_finish(struct sframe_receiver *receiver)
{
	if (receiver != NULL)
		bytes_wipe(receiver, sizeof(*receiver));
}

static uint64_t *window_word(struct sframe_receiver *receiver, uint64_t ctr)
{
	return &receiver->seen[ctr % SFRAME_WINDOW / 64];
}

static uint64_t window_bit(uint64_t ctr)
{
	return UINT64_C(1) << (ctr % 64);
}

static enum sotto_err window_check(struct sframe_receiver *receiver, uint64_t ctr)
{
	if (!receiver->opened_any || ctr > receiver->newest)
		return SOTTO_OK;
	if (receiver->newest - ctr >= SFRAME_WINDOW)
		return SOTTO_ERR_TOO_OLD;
	if ((*window_word(receiver, ctr) & window_bit(ctr)) != 0)
		return SOTTO_ERR_REPLAY;
	return SOTTO_OK;
}

/* Marks ctr, forgetting what the window moves past. */
static void window_mark(struct sframe_receiver *receiver, uint64_t ctr)
{
	if (!receiver->opened_any) {
		receiver->opened_any = true;
		receiver->newest = ctr;
	}
	if (ctr > receiver->newest) {
		uint64_t step = ctr - receiver->newest;

		if (step > SFRAME_WINDOW)
			step = SFRAME_WINDOW;
		for (uint64_t i = 0; i < step; i++)
			*window_word(receiver, ctr - i) &= ~window_bit(ctr - i);
		receiver->newest = ctr;
	}
	*window_word(receiver, ctr) |= window_bit(ctr);
}

enum sotto_err sframe_open(struct sframe_receiver *receiver, struct bytes metadata,
			   struct bytes frame, uint8_t *out, size_t capacity, size_t *len,
			   uint64_t *ctr)
{
	uint8_t aad[SFRAME_HEADER_LEN_MAX + SFRAME_METADATA_LEN_MAX];
	uint8_t nonce[SFRAME_NONCE_LEN];
	size_t tag_len = sframe_suite_tag_len(receiver->key.suite);
	struct sframe_header header;
	struct bytes sealed;
	size_t header_len;
	size_t aad_len;
	enum sotto_err err;

	TRY(sframe_header_decode(frame, &header, &header_len));
	FAIL_IF(header.kid != receiver->kid, SOTTO_ERR_NOT_FOUND);
	TRY(window_check(receiver, header.ctr));
	sealed = BYTES(frame.data + header_len, frame.len - header_len);
	FAIL_IF(sealed.len < tag_len, SOTTO_ERR_VERIFY);
	FAIL_IF(sealed.len - tag_len > capacity, SOTTO_ERR_SPACE);
	sframe_frame_nonce(&receiver->key, header.ctr, nonce);
	aad_len = sframe_frame_aad(BYTES(frame.data, header_len), metadata, aad);
	TRY(sframe_suite_open(receiver->key.suite,
			      BYTES(receiver->key.key, sframe_suite_key_len(receiver->key.suite)),
			      nonce, BYTES(aad, aad_len), sealed, out));

	window_mark(receiver, header.ctr);
	*len = sealed.len - tag_len;
	*ctr = header.ctr;
out:
	bytes_wipe(nonce, sizeof(nonce));
	return err;
}

enum sotto_err sframe_open_padded(struct sframe_receiver *receiver, struct bytes metadata,
				  struct bytes frame, uint8_t *out, size_t capacity,
				  struct bytes *content, uint64_t *ctr)
{
	struct reader reader;
	struct bytes inner;
	uint64_t opened_ctr;
	uint8_t padding = 0;
	size_t len;
	enum sotto_err err;

	TRY(sframe_open(receiver, metadata, frame, out, capacity, &len, &opened_ctr));
	reader_init(&reader, BYTES(out, len));
	inner = reader_get_vector(&reader);
	while (reader_more(&reader))
		padding |= reader_get_u8(&reader);
	FAIL_IF(reader.err != SOTTO_OK || padding != 0, SOTTO_ERR_INVALID);
	*content = inner;
	*ctr = opened_ctr;
out:
	return err;
}
