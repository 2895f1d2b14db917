/* SPDX-License-Identifier: Apache-2.0 */
/* The group context extension external_senders (RFC 9420 section 12.1.8.1): write, check, look up. */
#include "mls/buffer.h"
#include "mls/external.h"

static void sender_read(struct reader *reader, struct mls_external_sender *sender)
{
	struct bytes encoded;

	sender->signature_key = reader_get_vector(reader);
	credential_read(reader, &sender->credential, &encoded);
}

/* The entries in the data of the extension, without the vector's header. */
static enum sotto_err senders_read(struct bytes data, struct bytes *entries)
{
	struct reader reader;

	reader_init(&reader, data);
	*entries = reader_get_vector(&reader);
	return reader_finish(&reader);
}

enum sotto_err external_senders_check(struct bytes extensions, const struct suite *suite)
{
	struct bytes data, entries;
	struct reader reader;
	enum sotto_err err;

	if (mls_extension_find(extensions, MLS_EXTENSION_EXTERNAL_SENDERS, &data) != SOTTO_OK)
		return SOTTO_OK;
	TRY(senders_read(data, &entries));
	reader_init(&reader, entries);
	while (reader_more(&reader)) {
		struct mls_external_sender sender;

		sender_read(&reader, &sender);
		if (reader.err == SOTTO_OK && suite != NULL)
			TRY(sign_check_public(suite->sign, sender.signature_key));
	}
	TRY(reader_finish(&reader));
out:
	return err;
}

enum sotto_err mls_external_sender_find(struct bytes extensions, uint32_t index,
					struct mls_external_sender *sender)
{
	struct bytes data, entries;
	struct reader reader;
	uint32_t at = 0;

	if (mls_extension_find(extensions, MLS_EXTENSION_EXTERNAL_SENDERS, &data) != SOTTO_OK ||
	    senders_read(data, &entries) != SOTTO_OK)
		return SOTTO_ERR_NOT_FOUND;
	reader_init(&reader, entries);
	for (; reader_more(&reader); at++) {
		struct mls_external_sender found;

		sender_read(&reader, &found);
		if (at == index && reader.err == SOTTO_OK) {
			*sender = found;
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_NOT_FOUND;
}

enum sotto_err mls_external_senders_write(const struct mls_config *config,
					  const struct mls_external_sender *senders, size_t count,
					  struct mls_buffer *data)
{
	struct writer writer;
	enum sotto_err err = SOTTO_OK;
	size_t start;

	writer_init_growing(&writer, config->allocator);
	start = writer_begin_vector(&writer);
	for (size_t i = 0; i < count; i++) {
		uint16_t type = senders[i].credential.type;

		FAIL_IF(type != MLS_CREDENTIAL_BASIC && type != MLS_CREDENTIAL_X509,
			SOTTO_ERR_ARGUMENT);
		writer_put_vector(&writer, senders[i].signature_key);
		writer_put_u16(&writer, type);
		writer_put_vector(&writer, senders[i].credential.content);
	}
	writer_end_vector(&writer, start);
	TRY(writer_finish(&writer));
	buffer_take(data, &writer);
out:
	writer_release(&writer);
	return err;
}
