/* SPDX-License-Identifier: Apache-2.0 */
/* Strict DER of an ECDSA signature. Signatures are public: nothing here is constant time. */
#include "crypto/der.h"

#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"

#define DER_INTEGER   0x02
#define DER_SEQUENCE  0x30
#define DER_LONG_FORM 0x81 /* one length byte follows, which is 128 or more */

static struct bytes without_zeros(struct bytes number)
{
	while (number.len > 1 && number.data[0] == 0) {
		number.data++;
		number.len--;
	}
	return number;
}

static size_t integer_len(struct bytes number)
{
	return number.len + (number.data[0] >> 7);
}

static void put_integer(struct writer *writer, struct bytes number)
{
	writer_put_u8(writer, DER_INTEGER);
	writer_put_u8(writer, (uint8_t)integer_len(number));
	writer_put_zeros(writer, number.data[0] >> 7);
	writer_put_bytes(writer, number);
}

size_t der_put_signature(const uint8_t *r, const uint8_t *s, size_t len, uint8_t *out)
{
	struct bytes r_number = without_zeros(BYTES(r, len));
	struct bytes s_number = without_zeros(BYTES(s, len));
	size_t content = 4 + integer_len(r_number) + integer_len(s_number);
	struct writer writer;

	writer_init_fixed(&writer, out, 2 * len + 9);
	writer_put_u8(&writer, DER_SEQUENCE);
	if (content >= 128)
		writer_put_u8(&writer, DER_LONG_FORM);
	writer_put_u8(&writer, (uint8_t)content);
	put_integer(&writer, r_number);
	put_integer(&writer, s_number);
	ASSERT(writer_finish(&writer) == SOTTO_OK);
	return writer.len;
}

static size_t get_length(struct reader *reader)
{
	uint8_t len = reader_get_u8(reader);

	if (len < 128)
		return len;
	if (len != DER_LONG_FORM)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	len = reader_get_u8(reader);
	if (len < 128)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	return len;
}

static void get_integer(struct reader *reader, size_t len, uint8_t *out)
{
	struct bytes number;

	if (reader_get_u8(reader) != DER_INTEGER)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	number = reader_get_bytes(reader, get_length(reader));
	/* Empty, negative, or a zero in front that the sign does not need. */
	if (number.len == 0 || number.data[0] >= 0x80 ||
	    (number.len > 1 && number.data[0] == 0 && number.data[1] < 0x80))
		reader_fail(reader, SOTTO_ERR_FORMAT);
	number = without_zeros(number);
	if (number.len > len)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	if (reader->err != SOTTO_OK)
		return;
	memset(out, 0, len - number.len);
	memcpy(out + len - number.len, number.data, number.len);
}

enum sotto_err der_get_signature(struct bytes signature, size_t len, uint8_t *r, uint8_t *s)
{
	struct reader reader;

	reader_init(&reader, signature);
	if (reader_get_u8(&reader) != DER_SEQUENCE || get_length(&reader) != reader_left(&reader))
		reader_fail(&reader, SOTTO_ERR_FORMAT);
	get_integer(&reader, len, r);
	get_integer(&reader, len, s);
	return reader_finish(&reader);
}
