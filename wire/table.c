/* SPDX-License-Identifier: Apache-2.0 */
/* The Markdown tables of docs/protocol.md, from the descriptors. tools/wire-table prints them. */
#include <string.h>

#include "wire/wire.h"

static void put_text(struct writer *writer, const char *text)
{
	writer_put_bytes(writer, BYTES(text, strlen(text)));
}

static void put_number(struct writer *writer, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	writer_put_bytes(writer, BYTES(digits + at, sizeof(digits) - at));
}

/* In the presentation language of RFC 9420 section 2; the limit follows where there is one. */
static void put_kind(struct writer *writer, const struct wire_field *field)
{
	switch (field->kind) {
	case WIRE_KIND_U8:
		put_text(writer, "uint8 | ");
		return;
	case WIRE_KIND_U16:
		put_text(writer, "uint16 | ");
		return;
	case WIRE_KIND_U32:
		put_text(writer, "uint32 | ");
		return;
	case WIRE_KIND_U64:
		put_text(writer, "uint64 | ");
		return;
	case WIRE_KIND_FIXED:
		put_text(writer, "opaque[");
		put_number(writer, field->limit);
		put_text(writer, "] | ");
		return;
	case WIRE_KIND_OPAQUE:
	case WIRE_KIND_RECORD:
		put_text(writer, "opaque\\<V\\> | ");
		break;
	case WIRE_KIND_LIST:
		put_text(writer, field->item->name);
		put_text(writer, "\\<V\\> | ");
		break;
	case WIRE_KIND_REST:
		put_text(writer, "the rest | ");
		break;
	}
	put_number(writer, field->limit);
	put_text(writer, field->kind == WIRE_KIND_LIST ? " items" : " bytes");
}

void wire_write_type(const struct wire_type *type, struct writer *writer)
{
	put_text(writer, "**");
	put_text(writer, type->name);
	put_text(writer, "**");
	if (type->number != 0) {
		put_text(writer, " (");
		put_number(writer, type->number);
		put_text(writer, ")");
	}
	put_text(writer, ": ");
	put_text(writer, type->words);
	put_text(writer, ".\n\n| field | type | at most | |\n|---|---|---|---|\n");
	for (size_t i = 0; i < type->field_count; i++) {
		put_text(writer, "| ");
		put_text(writer, type->fields[i].name);
		put_text(writer, " | ");
		put_kind(writer, &type->fields[i]);
		put_text(writer, " | ");
		put_text(writer, type->fields[i].words);
		put_text(writer, " |\n");
	}
	put_text(writer, "\n");
}

void wire_write_tables(enum wire_family family, struct writer *writer)
{
	for (size_t i = 0; i < wire_type_count; i++) {
		if (wire_types[i]->family == family)
			wire_write_type(wire_types[i], writer);
	}
}
