/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder over all types: the first byte chooses one, the rest is the message. What decodes must
 * encode to the same bytes, and every list must have as many items as it says.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_SIZE_MAX 512

static void walk(const struct wire_type *type, const uint8_t *message)
{
	for (size_t i = 0; i < type->field_count; i++) {
		_Alignas(16) uint8_t item[MESSAGE_SIZE_MAX];
		const struct wire_list *list;
		struct wire_cursor cursor;
		size_t count = 0;

		if (type->fields[i].kind != WIRE_KIND_LIST)
			continue;
		list = (const struct wire_list *)(const void *)(message + type->fields[i].offset);
		cursor = wire_list_walk(list);
		while (wire_list_next(&cursor, type->fields[i].item, item))
			count++;
		ASSERT(count == list->count && count <= type->fields[i].limit);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_Alignas(16) uint8_t message[MESSAGE_SIZE_MAX];
	const struct wire_type *type;
	struct writer writer;

	if (size == 0)
		return 0;
	type = wire_types[data[0] % wire_type_count];
	ASSERT(type->size <= sizeof(message));
	if (wire_decode(type, BYTES(data + 1, size - 1), message) != SOTTO_OK)
		return 0;
	walk(type, message);
	writer_init_growing(&writer, &allocator_default);
	ASSERT(wire_encode(type, message, &writer) == SOTTO_OK);
	ASSERT(bytes_equal(writer_bytes(&writer), BYTES(data + 1, size - 1)));
	writer_release(&writer);
	return 0;
}
