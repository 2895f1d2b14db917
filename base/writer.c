/* SPDX-License-Identifier: Apache-2.0 */
/* The writer. Every byte goes through extend(), which is the one place that grows or refuses. */
#include "base/writer.h"

#include <string.h>

#include "base/assert.h"
#include "base/reader.h"

#define CAPACITY_FIRST 256

void writer_init_fixed(struct writer *writer, void *buffer, size_t capacity)
{
	*writer = (struct writer){.data = buffer, .capacity = capacity};
}

void writer_init_growing(struct writer *writer, const struct allocator *allocator)
{
	*writer = (struct writer){.allocator = allocator};
}

void writer_init_measuring(struct writer *writer)
{
	*writer = (struct writer){.capacity = SIZE_MAX / 2};
}

void writer_fail(struct writer *writer, enum sotto_err err)
{
	if (writer->err == SOTTO_OK)
		writer->err = err;
}

/* Wipes what was written and gives the memory back: all of it, but the rest is not looked at. */
static void let_go(struct writer *writer)
{
	if (writer->data == NULL)
		return;
	bytes_wipe(writer->data, writer->touched);
	allocator_give(writer->allocator, writer->data, writer->capacity);
}

static void move_to(struct writer *writer, size_t capacity)
{
	uint8_t *data = allocator_take(writer->allocator, capacity);

	if (data == NULL) {
		writer_fail(writer, SOTTO_ERR_NO_MEMORY);
		return;
	}
	if (writer->len != 0)
		memcpy(data, writer->data, writer->len);
	let_go(writer);
	writer->data = data;
	writer->capacity = capacity;
	writer->touched = writer->len;
}

static void grow(struct writer *writer, size_t needed)
{
	size_t capacity = writer->capacity < CAPACITY_FIRST ? CAPACITY_FIRST : writer->capacity;

	while (capacity < needed)
		capacity *= 2;
	move_to(writer, capacity);
}

/* Could it be len bytes longer at all? */
static bool may_extend(struct writer *writer, size_t len)
{
	if (writer->err == SOTTO_OK && len > SIZE_MAX / 4 - writer->len)
		writer_fail(writer, SOTTO_ERR_LIMIT);
	return writer->err == SOTTO_OK;
}

/* Room for len more bytes: true if they may be written at data + the old length (NULL: measuring). */
static bool extend(struct writer *writer, size_t len)
{
	if (!may_extend(writer, len))
		return false;
	if (writer->len + len > writer->capacity && writer->allocator != NULL)
		grow(writer, writer->len + len);
	else if (writer->len + len > writer->capacity)
		writer_fail(writer, SOTTO_ERR_SPACE);
	if (writer->err != SOTTO_OK)
		return false;
	writer->len += len;
	if (writer->touched < writer->len)
		writer->touched = writer->len;
	return true;
}

void writer_reserve(struct writer *writer, size_t len)
{
	if (writer->allocator != NULL && may_extend(writer, len) &&
	    writer->len + len > writer->capacity)
		move_to(writer, writer->len + len);
}

static void put_integer(struct writer *writer, uint64_t value, size_t len)
{
	if (!extend(writer, len) || writer->data == NULL)
		return;
	for (size_t i = 0; i < len; i++)
		writer->data[writer->len - 1 - i] = (uint8_t)(value >> (8 * i));
}

void writer_put_u8(struct writer *writer, uint8_t value)
{
	put_integer(writer, value, 1);
}

void writer_put_u16(struct writer *writer, uint16_t value)
{
	put_integer(writer, value, 2);
}

void writer_put_u24(struct writer *writer, uint32_t value)
{
	put_integer(writer, value, 3);
}

void writer_put_u32(struct writer *writer, uint32_t value)
{
	put_integer(writer, value, 4);
}

void writer_put_u64(struct writer *writer, uint64_t value)
{
	put_integer(writer, value, 8);
}

static size_t varint_len(size_t value)
{
	return value < 1u << 6 ? 1 : value < 1u << 14 ? 2 : 4;
}

/* The header as an integer: the length with its two prefix bits. */
static uint64_t varint_header(size_t value)
{
	size_t len = varint_len(value);

	return len == 1 ? value : len == 2 ? value | 1u << 14 : value | UINT64_C(2) << 30;
}

void writer_put_varint(struct writer *writer, size_t value)
{
	if (value > VECTOR_LEN_MAX)
		writer_fail(writer, SOTTO_ERR_LIMIT);
	else
		put_integer(writer, varint_header(value), varint_len(value));
}

void writer_put_bytes(struct writer *writer, struct bytes bytes)
{
	if (extend(writer, bytes.len) && writer->data != NULL && bytes.len != 0)
		memcpy(writer->data + writer->len - bytes.len, bytes.data, bytes.len);
}

void writer_put_zeros(struct writer *writer, size_t len)
{
	if (extend(writer, len) && writer->data != NULL && len != 0)
		memset(writer->data + writer->len - len, 0, len);
}

void writer_put_vector(struct writer *writer, struct bytes bytes)
{
	writer_put_varint(writer, bytes.len);
	writer_put_bytes(writer, bytes);
}

size_t writer_begin_vector(struct writer *writer)
{
	writer_put_u8(writer, 0);
	return writer->len;
}

void writer_end_vector(struct writer *writer, size_t start)
{
	size_t len;
	size_t header_len;
	uint64_t header;

	if (writer->err != SOTTO_OK)
		return;
	ASSERT(start >= 1 && start <= writer->len);
	len = writer->len - start;
	if (len > VECTOR_LEN_MAX) {
		writer_fail(writer, SOTTO_ERR_LIMIT);
		return;
	}
	header_len = varint_len(len);
	header = varint_header(len);
	if (!extend(writer, header_len - 1) || writer->data == NULL)
		return;
	memmove(writer->data + start - 1 + header_len, writer->data + start, len);
	for (size_t i = 0; i < header_len; i++)
		writer->data[start - 1 + i] = (uint8_t)(header >> (8 * (header_len - 1 - i)));
}

struct bytes writer_bytes(const struct writer *writer)
{
	return BYTES(writer->data, writer->data != NULL ? writer->len : 0);
}

enum sotto_err writer_finish(const struct writer *writer)
{
	return writer->err;
}

void writer_release(struct writer *writer)
{
	if (writer == NULL || writer->allocator == NULL)
		return;
	let_go(writer);
	writer->data = NULL;
	writer->len = 0;
	writer->capacity = 0;
	writer->touched = 0;
}
