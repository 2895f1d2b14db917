/* SPDX-License-Identifier: Apache-2.0 */
/* The reader, driven by the input itself: no sequence of calls may read outside or lose an error. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drive(struct reader *reader, unsigned int depth)
{
	while (reader_more(reader)) {
		size_t before = reader_left(reader);
		uint8_t what = reader_get_u8(reader);
		uint8_t scratch[16];

		switch (what & 7) {
		case 0:
			(void)reader_get_u16(reader);
			break;
		case 1:
			(void)reader_get_u24(reader);
			break;
		case 2:
			(void)reader_get_u64(reader);
			break;
		case 3:
			(void)reader_get_vector_max(reader, what);
			break;
		case 4:
			reader_get_array(reader, scratch, what & 15);
			break;
		case 5:
			(void)reader_get_varint(reader);
			break;
		case 6:
			(void)reader_get_u32(reader);
			break;
		default: {
			struct reader inner = reader_get_nested(reader);

			if (depth < 8)
				drive(&inner, depth + 1);
			reader_end_nested(reader, &inner);
			break;
		}
		}
		ASSERT(reader->err != SOTTO_OK || reader_left(reader) < before);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader;

	reader_init(&reader, BYTES(data, size));
	drive(&reader, 0);
	if (reader.err != SOTTO_OK) {
		ASSERT(reader_left(&reader) == 0);
		ASSERT(reader_get_u64(&reader) == 0);
		ASSERT(reader_finish(&reader) != SOTTO_OK);
	}
	return 0;
}
