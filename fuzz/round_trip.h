/* SPDX-License-Identifier: Apache-2.0 */
/* For structures described with wire/define.h: what decodes must encode to the same bytes. */
#ifndef FUZZ_ROUND_TRIP_H
#define FUZZ_ROUND_TRIP_H

#include "base/assert.h"
#include "wire/wire.h"

#define ROUND_TRIP_SIZE_MAX 2048

static inline void round_trip(const struct wire_type *type, struct bytes input)
{
	_Alignas(16) uint8_t structure[ROUND_TRIP_SIZE_MAX];
	struct writer writer;

	ASSERT(type->size <= sizeof(structure));
	if (wire_decode(type, input, structure) != SOTTO_OK)
		return;
	writer_init_growing(&writer, &allocator_default);
	ASSERT(wire_encode(type, structure, &writer) == SOTTO_OK);
	ASSERT(bytes_equal(writer_bytes(&writer), input));
	writer_release(&writer);
}

#endif
