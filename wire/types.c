/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors: the schema lines once more, as tables. */
#include "base/assert.h"
#include "wire/wire.h"

/* An item named none stands for no item. */
#define ITEM_U8(item)	  NULL
#define ITEM_U16(item)	  NULL
#define ITEM_U32(item)	  NULL
#define ITEM_U64(item)	  NULL
#define ITEM_FIXED(item)  NULL
#define ITEM_OPAQUE(item) NULL
#define ITEM_RECORD(item) NULL
#define ITEM_REST(item)	  NULL
#define ITEM_LIST(item)	  &wire_##item##_type

#define FIELD(self, kind_, name_, limit_, item_, words_) \
	{.name = #name_, \
	 .words = words_, \
	 .item = ITEM_##kind_(item_), \
	 .limit = (limit_), \
	 .offset = (uint16_t)offsetof(struct wire_##self, name_), \
	 .kind = WIRE_KIND_##kind_},

#define DEFINE(family_, name_, number_, words_) \
	static const struct wire_field name_##_fields[] = {WIRE_FIELDS_##name_(FIELD, name_)}; \
	const struct wire_type wire_##name_##_type = { \
		.name = #name_, \
		.words = words_, \
		.fields = name_##_fields, \
		.field_count = ARRAY_LEN(name_##_fields), \
		.size = sizeof(struct wire_##name_), \
		.family = WIRE_FAMILY_##family_, \
		.number = (number_), \
	};

WIRE_STRUCTURES(DEFINE)

#define ENTRY(family, name, number, words) &wire_##name##_type,

const struct wire_type *const wire_types[] = {WIRE_STRUCTURES(ENTRY)};
const size_t wire_type_count = ARRAY_LEN(wire_types);

const struct wire_type *wire_identify(enum wire_family family, struct bytes input)
{
	if (input.len == 0)
		return NULL;
	for (size_t i = 0; i < wire_type_count; i++) {
		if (wire_types[i]->family == family && wire_types[i]->number == input.data[0] &&
		    wire_types[i]->number != 0)
			return wire_types[i];
	}
	return NULL;
}
