/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds-checked reader. Every access to input goes through take(). */
#include "base/reader.h"

#include <string.h>

void reader_init(struct reader *reader, struct bytes input)
{
	static const uint8_t nothing[1];

	reader->at = input.data != NULL ? input.data : nothing;
	reader->end = reader->at + (input.data != NULL ? input.len : 0);
	reader->err = SOTTO_OK;
}

void reader_fail(struct reader *reader, enum sotto_err err)
{
	if (reader->err == SOTTO_OK)
		reader->err = err;
}

size_t reader_left(const struct reader *reader)
{
	return reader->err == SOTTO_OK ? (size_t)(reader->end - reader->at) : 0;
}

bool reader_more(const struct reader *reader)
{
	return reader_left(reader) > 0;
}

/* The next len bytes, or NULL with the error set. */
static const uint8_t *take(struct reader *reader, size_t len)
{
	const uint8_t *at = reader->at;

	if (reader->err != SOTTO_OK)
		return NULL;
	if (len > (size_t)(reader->end - reader->at)) {
		reader->err = SOTTO_ERR_FORMAT;
		return NULL;
	}
	reader->at += len;
	return at;
}

static uint64_t take_integer(struct reader *reader, size_t len)
{
	const uint8_t *at = take(reader, len);
	uint64_t value = 0;

	for (size_t i = 0; at != NULL && i < len; i++)
		value = value << 8 | at[i];
	return value;
}

uint8_t reader_get_u8(struct reader *reader)
{
	return (uint8_t)take_integer(reader, 1);
}

uint16_t reader_get_u16(struct reader *reader)
{
	return (uint16_t)take_integer(reader, 2);
}

uint32_t reader_get_u24(struct reader *reader)
{
	return (uint32_t)take_integer(reader, 3);
}

uint32_t reader_get_u32(struct reader *reader)
{
	return (uint32_t)take_integer(reader, 4);
}

uint64_t reader_get_u64(struct reader *reader)
{
	return take_integer(reader, 8);
}

uint32_t reader_get_varint(struct reader *reader)
{
	uint32_t value = (uint32_t)take_integer(reader, 1);
	uint32_t prefix = value >> 6;

	value &= 0x3f;
	switch (prefix) {
	case 0:
		return value;
	case 1:
		value = value << 8 | (uint32_t)take_integer(reader, 1);
		if (value < 1u << 6)
			reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	case 2:
		value = value << 24 | (uint32_t)take_integer(reader, 3);
		if (value < 1u << 14)
			reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
	return reader->err == SOTTO_OK ? value : 0;
}

struct bytes reader_get_bytes(struct reader *reader, size_t len)
{
	const uint8_t *at = take(reader, len);

	return at != NULL ? BYTES(at, len) : BYTES_NONE;
}

void reader_get_array(struct reader *reader, void *out, size_t len)
{
	const uint8_t *at = take(reader, len);

	if (len == 0)
		return;
	if (at != NULL)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
}

struct bytes reader_get_vector(struct reader *reader)
{
	return reader_get_vector_max(reader, VECTOR_LEN_MAX);
}

struct bytes reader_get_vector_max(struct reader *reader, size_t max)
{
	size_t len = reader_get_varint(reader);

	if (len > max)
		reader_fail(reader, SOTTO_ERR_LIMIT);
	return reader_get_bytes(reader, len);
}

struct reader reader_get_nested(struct reader *reader)
{
	struct bytes content = reader_get_vector(reader);
	struct reader inner;

	reader_init(&inner, content);
	inner.err = reader->err;
	return inner;
}

void reader_end_nested(struct reader *reader, const struct reader *inner)
{
	enum sotto_err err = reader_finish(inner);

	if (err != SOTTO_OK)
		reader_fail(reader, err);
}

struct bytes reader_get_rest(struct reader *reader)
{
	return reader_get_bytes(reader, reader_left(reader));
}

enum sotto_err reader_finish(const struct reader *reader)
{
	if (reader->err != SOTTO_OK)
		return reader->err;
	return reader->at == reader->end ? SOTTO_OK : SOTTO_ERR_FORMAT;
}
