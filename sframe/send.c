/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing frames, RFC 9605 section 4.4.3, and sotto's padding to one length. */
#include <string.h>

#include "base/assert.h"
#include "base/writer.h"
#include "sframe/frame.h"

void sframe_sender_init(struct sframe_sender *sender, enum sframe_suite suite,
			struct bytes base_key, uint64_t kid)
{
	*sender = (struct sframe_sender){.kid = kid};
	sframe_key_derive(suite, base_key, kid, &sender->key);
}

void sframe_sender_finish(struct sframe_sender *sender)
{
	if (sender != NULL)
		bytes_wipe(sender, sizeof(*sender));
}

static size_t next_header(const struct sframe_sender *sender, uint8_t out[SFRAME_HEADER_LEN_MAX])
{
	return sframe_header_encode((struct sframe_header){sender->kid, sender->ctr}, out);
}

/* Before anything is sealed with the counter, so that no path uses it twice. */
static uint64_t take_counter(struct sframe_sender *sender)
{
	if (sender->ctr < UINT64_MAX)
		return sender->ctr++;
	sender->spent = true;
	return UINT64_MAX;
}

enum sotto_err sframe_seal(struct sframe_sender *sender, struct bytes metadata,
			   struct bytes plaintext, uint8_t *out, size_t capacity, size_t *len)
{
	uint8_t header[SFRAME_HEADER_LEN_MAX];
	uint8_t aad[SFRAME_HEADER_LEN_MAX + SFRAME_METADATA_LEN_MAX];
	uint8_t nonce[SFRAME_NONCE_LEN];
	size_t tag_len = sframe_suite_tag_len(sender->key.suite);
	size_t header_len;
	size_t aad_len;

	if (sender->spent)
		return SOTTO_ERR_STATE;
	header_len = next_header(sender, header);
	if (capacity < header_len + tag_len || capacity - header_len - tag_len < plaintext.len)
		return SOTTO_ERR_SPACE;
	sframe_frame_nonce(&sender->key, take_counter(sender), nonce);
	aad_len = sframe_frame_aad(BYTES(header, header_len), metadata, aad);
	memcpy(out, header, header_len);
	sframe_suite_seal(sender->key.suite,
			  BYTES(sender->key.key, sframe_suite_key_len(sender->key.suite)), nonce,
			  BYTES(aad, aad_len), plaintext, out + header_len);
	bytes_wipe(nonce, sizeof(nonce));
	*len = header_len + plaintext.len + tag_len;
	return SOTTO_OK;
}

enum sotto_err sframe_seal_padded(struct sframe_sender *sender, struct bytes metadata,
				  struct bytes frame, uint8_t *out, size_t len)
{
	uint8_t plaintext[SFRAME_PADDED_LEN_MAX];
	uint8_t header[SFRAME_HEADER_LEN_MAX];
	struct writer writer;
	size_t overhead;
	size_t sealed_len;
	enum sotto_err err;

	overhead = next_header(sender, header) + sframe_suite_tag_len(sender->key.suite);
	if (len < overhead || len - overhead > sizeof(plaintext))
		return SOTTO_ERR_SPACE;
	writer_init_fixed(&writer, plaintext, len - overhead);
	writer_put_vector(&writer, frame);
	writer_put_zeros(&writer, len - overhead - (writer.err == SOTTO_OK ? writer.len : 0));
	TRY(writer_finish(&writer));
	TRY(sframe_seal(sender, metadata, writer_bytes(&writer), out, len, &sealed_len));
	ASSERT(sealed_len == len);
out:
	bytes_wipe(plaintext, sizeof(plaintext));
	return err;
}

size_t sframe_padded_len(enum sframe_suite suite, size_t frame_len)
{
	struct writer writer;

	writer_init_measuring(&writer);
	writer_put_varint(&writer, frame_len);
	return SFRAME_HEADER_LEN_MAX + writer.len + frame_len + sframe_suite_tag_len(suite);
}
