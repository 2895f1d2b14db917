/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a stream of answers into messages. */
#include "wire/frame.h"

#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "wire/limits.h"

void wire_frame_put(struct writer *writer, struct bytes message)
{
	ASSERT(message.len > 0 && message.len <= WIRE_MESSAGE_MAX);
	writer_put_vector(writer, message);
}

void wire_splitter_init(struct wire_splitter *splitter, const struct allocator *allocator)
{
	*splitter = (struct wire_splitter){.allocator = allocator};
}

static void drop_held(struct wire_splitter *splitter)
{
	allocator_wipe(splitter->allocator, splitter->data, splitter->capacity);
	splitter->data = NULL;
	splitter->len = 0;
	splitter->capacity = 0;
}

void wire_splitter_finish(struct wire_splitter *splitter)
{
	if (splitter != NULL)
		drop_held(splitter);
}

bool wire_splitter_empty(const struct wire_splitter *splitter)
{
	return splitter->len == 0;
}

/* How many bytes the message that begins here has, header and all; AGAIN if the header is not whole. */
static enum sotto_err whole_len(struct bytes input, size_t *len)
{
	size_t header_len;
	struct reader reader;
	size_t content;

	if (input.len == 0)
		return SOTTO_ERR_AGAIN;
	header_len = (size_t)1 << (input.data[0] >> 6);
	if (header_len > WIRE_FRAME_HEADER_MAX)
		return SOTTO_ERR_FORMAT;
	if (input.len < header_len)
		return SOTTO_ERR_AGAIN;
	reader_init(&reader, BYTES(input.data, header_len));
	content = reader_get_varint(&reader);
	if (reader_finish(&reader) != SOTTO_OK || content == 0)
		return SOTTO_ERR_FORMAT;
	if (content > WIRE_MESSAGE_MAX)
		return SOTTO_ERR_LIMIT;
	*len = header_len + content;
	return SOTTO_OK;
}

static struct bytes content_of(struct bytes whole)
{
	size_t header_len = (size_t)1 << (whole.data[0] >> 6);

	return BYTES(whole.data + header_len, whole.len - header_len);
}

/* Moves up to len bytes from the piece behind what is held. */
static enum sotto_err hold(struct wire_splitter *splitter, struct bytes *piece, size_t len)
{
	size_t part = len < piece->len ? len : piece->len;

	if (splitter->data == NULL) {
		splitter->capacity = WIRE_MESSAGE_MAX + WIRE_FRAME_HEADER_MAX;
		splitter->data = allocator_take(splitter->allocator, splitter->capacity);
		if (splitter->data == NULL)
			return SOTTO_ERR_NO_MEMORY;
	}
	ASSERT(splitter->len + part <= splitter->capacity);
	if (part != 0)
		memcpy(splitter->data + splitter->len, piece->data, part);
	splitter->len += part;
	piece->data += part;
	piece->len -= part;
	return SOTTO_OK;
}

/* Something is held already: complete its header byte by byte, then its content. */
static enum sotto_err next_held(struct wire_splitter *splitter, struct bytes *piece,
				struct bytes *message)
{
	enum sotto_err err;
	size_t len;

	for (;;) {
		err = whole_len(BYTES(splitter->data, splitter->len), &len);
		if (err == SOTTO_OK)
			break;
		if (err != SOTTO_ERR_AGAIN || piece->len == 0)
			return err;
		TRY(hold(splitter, piece, 1));
	}
	TRY(hold(splitter, piece, len - splitter->len));
	if (splitter->len < len)
		return SOTTO_ERR_AGAIN;
	*message = content_of(BYTES(splitter->data, len));
	splitter->len = 0;
out:
	return err;
}

enum sotto_err wire_splitter_next(struct wire_splitter *splitter, struct bytes *piece,
				  struct bytes *message)
{
	enum sotto_err err;
	size_t len;

	if (splitter->len != 0)
		return next_held(splitter, piece, message);
	err = whole_len(*piece, &len);
	if (err == SOTTO_OK && len <= piece->len) {
		*message = content_of(BYTES(piece->data, len));
		piece->data += len;
		piece->len -= len;
		return SOTTO_OK;
	}
	if (err != SOTTO_OK && err != SOTTO_ERR_AGAIN)
		return err;
	if (piece->len == 0) {
		/* Nothing is half done: an idle watch should hold no memory. */
		drop_held(splitter);
		return SOTTO_ERR_AGAIN;
	}
	err = hold(splitter, piece, piece->len);
	return err == SOTTO_OK ? SOTTO_ERR_AGAIN : err;
}
