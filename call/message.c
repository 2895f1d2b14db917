/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding of call messages. */
#include "call/message.h"

#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"

size_t call_message_encode(const struct call_message *message, uint8_t out[CALL_MESSAGE_LEN_MAX])
{
	struct writer writer;

	writer_init_fixed(&writer, out, CALL_MESSAGE_LEN_MAX);
	writer_put_u8(&writer, CALL_MESSAGE_VERSION);
	writer_put_u8(&writer, (uint8_t)message->type);
	writer_put_bytes(&writer, BYTES_OF(message->id));
	switch (message->type) {
	case CALL_MESSAGE_INVITE:
		writer_put_bytes(&writer, BYTES_OF(message->random));
		writer_put_u64(&writer, message->kid);
		break;
	case CALL_MESSAGE_RINGING:
	case CALL_MESSAGE_ANSWER:
	case CALL_MESSAGE_TAKEN:
		writer_put_u64(&writer, message->kid);
		break;
	case CALL_MESSAGE_SENDER:
		writer_put_u64(&writer, message->kid);
		writer_put_u16(&writer, message->slot);
		break;
	case CALL_MESSAGE_END:
		writer_put_u8(&writer, (uint8_t)message->reason);
		break;
	}
	ASSERT(writer_finish(&writer) == SOTTO_OK);
	return writer.len;
}

static void read_body(struct reader *reader, struct call_message *message)
{
	uint8_t reason;

	switch (message->type) {
	case CALL_MESSAGE_INVITE:
		reader_get_array(reader, message->random, CALL_RANDOM_LEN);
		message->kid = reader_get_u64(reader);
		return;
	case CALL_MESSAGE_RINGING:
	case CALL_MESSAGE_ANSWER:
	case CALL_MESSAGE_TAKEN:
		message->kid = reader_get_u64(reader);
		return;
	case CALL_MESSAGE_SENDER:
		message->kid = reader_get_u64(reader);
		message->slot = reader_get_u16(reader);
		return;
	case CALL_MESSAGE_END:
		reason = reader_get_u8(reader);
		message->reason = reason > CALL_REASON_LAST || reason == CALL_REASON_NONE
					  ? CALL_REASON_BROKEN
					  : (enum call_reason)reason;
		return;
	}
	reader_fail(reader, SOTTO_ERR_UNSUPPORTED);
}

enum sotto_err call_message_decode(struct bytes input, struct call_message *message)
{
	struct call_message decoded;
	struct reader reader;
	enum sotto_err err;
	uint8_t version;

	memset(&decoded, 0, sizeof(decoded));
	reader_init(&reader, input);
	version = reader_get_u8(&reader);
	if (reader.err == SOTTO_OK && version != CALL_MESSAGE_VERSION)
		return SOTTO_ERR_VERSION;
	decoded.type = (enum call_message_type)reader_get_u8(&reader);
	reader_get_array(&reader, decoded.id, CALL_ID_LEN);
	if (reader.err == SOTTO_OK)
		read_body(&reader, &decoded);
	err = reader_finish(&reader);
	if (err == SOTTO_OK)
		*message = decoded;
	bytes_wipe(&decoded, sizeof(decoded));
	return err;
}

const char *call_reason_name(enum call_reason reason)
{
	static const char *const names[] = {
		[CALL_REASON_NONE] = "none",
		[CALL_REASON_HUNG_UP] = "hung_up",
		[CALL_REASON_CANCELLED] = "cancelled",
		[CALL_REASON_REFUSED] = "refused",
		[CALL_REASON_BUSY] = "busy",
		[CALL_REASON_UNANSWERED] = "unanswered",
		[CALL_REASON_UNREACHABLE] = "unreachable",
		[CALL_REASON_BROKEN] = "broken",
		[CALL_REASON_NO_VOICE] = "no_voice",
		[CALL_REASON_ELSEWHERE] = "answered_elsewhere",
		[CALL_REASON_MISMATCH] = "mismatch",
		[CALL_REASON_REVOKED] = "revoked",
	};

	return (size_t)reason < ARRAY_LEN(names) ? names[reason] : "unknown";
}
