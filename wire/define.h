/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For folders that describe structures of their own with the machinery of wire/wire.h: ledger entries,
 * what stands inside conversations. A list of fields has the form of schema_relay.h; self and item are
 * whole structure tags.
 *
 *   #define LEDGER_FIELDS_subject(X, self) X(self, FIXED, device_key, 32, none, "whom it is about")
 *   WIRE_STRUCT(ledger_subject, LEDGER_FIELDS_subject)                       in the header
 *   WIRE_TYPE(ledger_subject, LEDGER_FIELDS_subject, "About one device")     in one .c file
 */
#ifndef WIRE_DEFINE_H
#define WIRE_DEFINE_H

#include "base/assert.h"
#include "wire/wire.h"

/* struct tag, and its descriptor tag_type. */
#define WIRE_STRUCT(tag, fields) \
	struct tag { \
		fields(WIRE_MEMBER, tag) \
	}; \
	extern const struct wire_type tag##_type;

/* Without a number: what frames such a structure says what it is. */
#define WIRE_TYPE(tag, fields_, words_) \
	static const struct wire_field tag##_fields[] = {fields_(WIRE_TYPE_FIELD, tag)}; \
	const struct wire_type tag##_type = { \
		.name = #tag, \
		.words = words_, \
		.fields = tag##_fields, \
		.field_count = ARRAY_LEN(tag##_fields), \
		.size = sizeof(struct tag), \
		.family = WIRE_FAMILY_PART, \
		.number = 0, \
	};

#define WIRE_TYPE_FIELD(self, kind_, name_, limit_, item_, words_) \
	{.name = #name_, \
	 .words = words_, \
	 .item = WIRE_TYPE_ITEM_##kind_(item_), \
	 .limit = (limit_), \
	 .offset = (uint16_t)offsetof(struct self, name_), \
	 .kind = WIRE_KIND_##kind_},

#define WIRE_TYPE_ITEM_U8(item)	    NULL
#define WIRE_TYPE_ITEM_U16(item)    NULL
#define WIRE_TYPE_ITEM_U32(item)    NULL
#define WIRE_TYPE_ITEM_U64(item)    NULL
#define WIRE_TYPE_ITEM_FIXED(item)  NULL
#define WIRE_TYPE_ITEM_OPAQUE(item) NULL
#define WIRE_TYPE_ITEM_RECORD(item) NULL
#define WIRE_TYPE_ITEM_REST(item)   NULL
#define WIRE_TYPE_ITEM_LIST(item)   &item##_type

#endif
