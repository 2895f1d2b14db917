/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one encoder and the one decoder, driven by descriptors.
 *
 * Decoding goes over the input twice with the same function: first without a place to write to, so
 * that a failure leaves the caller's structure untouched and every item of every list has been
 * checked before any of it is used; then with it.
 */
#include <string.h>

#include "base/assert.h"
#include "wire/wire.h"

bool wire_record_len_valid(size_t len)
{
	return len == WIRE_RECORD_LEN_1 || len == WIRE_RECORD_LEN_4 || len == WIRE_RECORD_LEN_16 ||
	       len == WIRE_RECORD_LEN_64;
}

static void encode_fields(const struct wire_type *type, const void *message, struct writer *writer);

static void encode_list(const struct wire_field *field, const struct wire_list *list,
			struct writer *writer)
{
	const uint8_t *item = list->items;
	size_t start;

	if (list->count > field->limit)
		writer_fail(writer, SOTTO_ERR_LIMIT);
	if (item == NULL) {
		ASSERT(list->count == 0 || list->encoded.len != 0);
		writer_put_vector(writer, list->encoded);
		return;
	}
	start = writer_begin_vector(writer);
	for (size_t i = 0; i < list->count && writer->err == SOTTO_OK; i++)
		encode_fields(field->item, item + i * field->item->size, writer);
	writer_end_vector(writer, start);
}

static void encode_field(const struct wire_field *field, const void *value, struct writer *writer)
{
	const struct bytes *bytes = value;

	switch (field->kind) {
	case WIRE_KIND_U8:
		writer_put_u8(writer, *(const uint8_t *)value);
		break;
	case WIRE_KIND_U16:
		writer_put_u16(writer, *(const uint16_t *)value);
		break;
	case WIRE_KIND_U32:
		writer_put_u32(writer, *(const uint32_t *)value);
		break;
	case WIRE_KIND_U64:
		writer_put_u64(writer, *(const uint64_t *)value);
		break;
	case WIRE_KIND_FIXED:
		writer_put_bytes(writer, BYTES(value, field->limit));
		break;
	case WIRE_KIND_OPAQUE:
		if (bytes->len > field->limit)
			writer_fail(writer, SOTTO_ERR_LIMIT);
		writer_put_vector(writer, *bytes);
		break;
	case WIRE_KIND_RECORD:
		if (!wire_record_len_valid(bytes->len))
			writer_fail(writer, SOTTO_ERR_LIMIT);
		writer_put_vector(writer, *bytes);
		break;
	case WIRE_KIND_REST:
		if (bytes->len > field->limit)
			writer_fail(writer, SOTTO_ERR_LIMIT);
		writer_put_bytes(writer, *bytes);
		break;
	case WIRE_KIND_LIST:
		encode_list(field, value, writer);
		break;
	}
}

static void encode_fields(const struct wire_type *type, const void *message, struct writer *writer)
{
	for (size_t i = 0; i < type->field_count; i++)
		encode_field(&type->fields[i], (const uint8_t *)message + type->fields[i].offset,
			     writer);
}

enum sotto_err wire_encode(const struct wire_type *type, const void *message, struct writer *writer)
{
	if (type->number != 0)
		writer_put_u8(writer, type->number);
	encode_fields(type, message, writer);
	return writer_finish(writer);
}

size_t wire_measure(const struct wire_type *type, const void *message)
{
	struct writer writer;

	writer_init_measuring(&writer);
	return wire_encode(type, message, &writer) == SOTTO_OK ? writer.len : 0;
}

static void decode_fields(const struct wire_type *type, struct reader *reader, uint8_t *message);

/* Checks every item; they are decoded again when somebody walks the list. */
static struct wire_list decode_list(const struct wire_field *field, struct reader *reader)
{
	struct bytes encoded = reader_get_vector(reader);
	struct wire_list list = {.encoded = encoded};
	struct reader inner;

	reader_init(&inner, encoded);
	while (reader_more(&inner)) {
		if (++list.count > field->limit) {
			reader_fail(&inner, SOTTO_ERR_LIMIT);
			break;
		}
		decode_fields(field->item, &inner, NULL);
	}
	reader_end_nested(reader, &inner);
	return list;
}

static struct bytes decode_bytes(const struct wire_field *field, struct reader *reader)
{
	struct bytes bytes;

	if (field->kind == WIRE_KIND_REST) {
		bytes = reader_get_rest(reader);
		if (bytes.len > field->limit)
			reader_fail(reader, SOTTO_ERR_LIMIT);
		return bytes;
	}
	bytes = reader_get_vector_max(reader, field->limit);
	if (field->kind == WIRE_KIND_RECORD && !wire_record_len_valid(bytes.len))
		reader_fail(reader, SOTTO_ERR_LIMIT);
	return bytes;
}

/* value is NULL when only checking. */
static void decode_field(const struct wire_field *field, struct reader *reader, uint8_t *value)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		struct bytes bytes;
		struct wire_list list;
	} scratch;
	size_t size = 0;

	switch (field->kind) {
	case WIRE_KIND_U8:
		scratch.u8 = reader_get_u8(reader);
		size = sizeof(scratch.u8);
		break;
	case WIRE_KIND_U16:
		scratch.u16 = reader_get_u16(reader);
		size = sizeof(scratch.u16);
		break;
	case WIRE_KIND_U32:
		scratch.u32 = reader_get_u32(reader);
		size = sizeof(scratch.u32);
		break;
	case WIRE_KIND_U64:
		scratch.u64 = reader_get_u64(reader);
		size = sizeof(scratch.u64);
		break;
	case WIRE_KIND_FIXED:
		scratch.bytes = reader_get_bytes(reader, field->limit);
		if (value != NULL && scratch.bytes.len != 0)
			memcpy(value, scratch.bytes.data, scratch.bytes.len);
		return;
	case WIRE_KIND_OPAQUE:
	case WIRE_KIND_RECORD:
	case WIRE_KIND_REST:
		scratch.bytes = decode_bytes(field, reader);
		size = sizeof(scratch.bytes);
		break;
	case WIRE_KIND_LIST:
		scratch.list = decode_list(field, reader);
		size = sizeof(scratch.list);
		break;
	}
	if (value != NULL)
		memcpy(value, &scratch, size);
}

static void decode_fields(const struct wire_type *type, struct reader *reader, uint8_t *message)
{
	for (size_t i = 0; i < type->field_count; i++)
		decode_field(&type->fields[i], reader,
			     message != NULL ? message + type->fields[i].offset : NULL);
}

enum sotto_err wire_decode(const struct wire_type *type, struct bytes input, void *message)
{
	struct reader reader;
	enum sotto_err err;

	reader_init(&reader, input);
	if (type->number != 0 && reader_get_u8(&reader) != type->number)
		reader_fail(&reader, SOTTO_ERR_FORMAT);
	decode_fields(type, &reader, NULL);
	err = reader_finish(&reader);
	if (err != SOTTO_OK)
		return err;

	reader_init(&reader, input);
	if (type->number != 0)
		(void)reader_get_u8(&reader);
	decode_fields(type, &reader, message);
	return SOTTO_OK;
}

struct wire_cursor wire_list_walk(const struct wire_list *list)
{
	struct wire_cursor cursor = {.list = list};

	reader_init(&cursor.reader, list->encoded);
	return cursor;
}

bool wire_list_next(struct wire_cursor *cursor, const struct wire_type *type, void *item)
{
	const uint8_t *items = cursor->list->items;

	if (cursor->index >= cursor->list->count)
		return false;
	if (items != NULL)
		memcpy(item, items + cursor->index * type->size, type->size);
	else if (reader_more(&cursor->reader))
		decode_fields(type, &cursor->reader, item);
	else
		return false;
	cursor->index++;
	return true;
}
