/* SPDX-License-Identifier: Apache-2.0 */
/* Fills by descriptor. Borrowed parts point to static memory that lives until the next call. */
#include "tests/wire/sample.h"

#include <string.h>

#include "base/assert.h"

#define SAMPLE_BYTES 4096

static uint8_t sample_bytes[SAMPLE_BYTES];
static uint8_t sample_items[4][2 * SAMPLE_SIZE_MAX];

static void fill_integer(void *value, size_t len, uint8_t fill)
{
	memset(value, fill, len);
}

static void fill_fields(const struct wire_type *type, uint8_t fill, bool with_lists,
			uint8_t *message, unsigned int depth)
{
	ASSERT(type->size <= SAMPLE_SIZE_MAX && depth < ARRAY_LEN(sample_items));
	memset(message, 0, type->size);
	for (size_t i = 0; i < type->field_count; i++) {
		const struct wire_field *field = &type->fields[i];
		uint8_t *value = message + field->offset;
		struct bytes bytes = BYTES(sample_bytes, field->limit < 40 ? field->limit : 40);
		struct wire_list list = {.items = sample_items[depth], .count = with_lists ? 2 : 0};

		switch (field->kind) {
		case WIRE_KIND_U8:
			fill_integer(value, 1, fill);
			break;
		case WIRE_KIND_U16:
			fill_integer(value, 2, fill);
			break;
		case WIRE_KIND_U32:
			fill_integer(value, 4, fill);
			break;
		case WIRE_KIND_U64:
			fill_integer(value, 8, fill);
			break;
		case WIRE_KIND_FIXED:
			memset(value, fill, field->limit);
			break;
		case WIRE_KIND_RECORD:
			bytes.len = WIRE_RECORD_LEN_1;
			memcpy(value, &bytes, sizeof(bytes));
			break;
		case WIRE_KIND_OPAQUE:
		case WIRE_KIND_REST:
			memcpy(value, &bytes, sizeof(bytes));
			break;
		case WIRE_KIND_LIST:
			for (size_t item = 0; item < list.count; item++)
				fill_fields(field->item, (uint8_t)(fill + item), with_lists,
					    sample_items[depth] + item * field->item->size,
					    depth + 1);
			memcpy(value, &list, sizeof(list));
			break;
		}
	}
}

void sample_message(const struct wire_type *type, uint8_t fill, bool with_lists, void *message)
{
	memset(sample_bytes, fill, sizeof(sample_bytes));
	fill_fields(type, fill, with_lists, message, 0);
}
