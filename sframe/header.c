/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9605 section 4.3: config byte, then key id and counter in their shortest form. */
#include "sframe/header.h"

#include "base/reader.h"

#define EXTENDED   0x8 /* X or Y: the low bits of this half are a length */
#define INLINE_MAX 7

static size_t value_len(uint64_t value)
{
	size_t len = 1;

	while (len < 8 && value >> (8 * len) != 0)
		len++;
	return len;
}

/* Appends the value unless it fits into its half of the config byte, and returns that half. */
static uint8_t put_value(uint64_t value, uint8_t *out, size_t *len)
{
	size_t value_bytes = value_len(value);

	if (value <= INLINE_MAX)
		return (uint8_t)value;
	for (size_t i = value_bytes; i > 0; i--)
		out[(*len)++] = (uint8_t)(value >> (8 * (i - 1)));
	return (uint8_t)(EXTENDED | (value_bytes - 1));
}

size_t sframe_header_encode(struct sframe_header header, uint8_t out[SFRAME_HEADER_LEN_MAX])
{
	size_t len = 1;
	uint8_t kid_half = put_value(header.kid, out, &len);
	uint8_t ctr_half = put_value(header.ctr, out, &len);

	out[0] = (uint8_t)(kid_half << 4 | ctr_half);
	return len;
}

static uint64_t get_value(struct reader *reader, uint8_t half)
{
	uint64_t value = 0;
	size_t len;

	if ((half & EXTENDED) == 0)
		return half;
	len = (size_t)(half & INLINE_MAX) + 1;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | reader_get_u8(reader);
	if (value <= INLINE_MAX || value_len(value) != len)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	return value;
}

enum sotto_err sframe_header_decode(struct bytes frame, struct sframe_header *header, size_t *len)
{
	struct sframe_header parsed;
	struct reader reader;
	uint8_t config;

	reader_init(&reader, frame);
	config = reader_get_u8(&reader);
	parsed.kid = get_value(&reader, config >> 4);
	parsed.ctr = get_value(&reader, config & 0xf);
	if (reader.err != SOTTO_OK)
		return reader.err;
	*header = parsed;
	*len = frame.len - reader_left(&reader);
	return SOTTO_OK;
}
