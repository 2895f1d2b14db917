/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every type of the schema: round trip, every truncation, every bit flip, the limits, and the tables of
 * docs/protocol.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/wire/sample.h"
#include "wire/wire.h"

static struct bytes encode(const struct wire_type *type, const void *message, struct writer *writer)
{
	writer_init_growing(writer, &allocator_default);
	assert_int_equal(wire_encode(type, message, writer), SOTTO_OK);
	return writer_bytes(writer);
}

/* Whatever decodes encodes to the same bytes: there is one encoding of each message. */
static void check_canonical(const struct wire_type *type, struct bytes input)
{
	_Alignas(16) uint8_t message[SAMPLE_SIZE_MAX];
	struct writer writer;
	struct bytes again;

	if (wire_decode(type, input, message) != SOTTO_OK)
		return;
	again = encode(type, message, &writer);
	assert_int_equal(again.len, input.len);
	assert_memory_equal(again.data, input.data, input.len);
	writer_release(&writer);
}

static void test_numbers_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < wire_type_count; i++) {
		const struct wire_type *type = wire_types[i];

		assert_true(type->size <= SAMPLE_SIZE_MAX);
		assert_true(type->number == 0 ||
			    wire_identify(type->family, BYTES(&type->number, 1)) == type);
		assert_true(type->family == WIRE_FAMILY_PART ||
			    type->family == WIRE_FAMILY_DATAGRAM || type->number != 0);
		for (size_t f = 0; f < type->field_count; f++)
			assert_true(type->fields[f].kind != WIRE_KIND_REST ||
				    f + 1 == type->field_count);
	}
	assert_null(wire_identify(WIRE_FAMILY_RELAY, BYTES("", 1)));
	assert_null(wire_identify(WIRE_FAMILY_RELAY, BYTES("\xff", 1)));
	assert_null(wire_identify(WIRE_FAMILY_RELAY, BYTES_NONE));
}

static void test_round_trips(void **state)
{
	_Alignas(16) uint8_t message[SAMPLE_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < 2 * wire_type_count; i++) {
		const struct wire_type *type = wire_types[i / 2];
		struct writer writer;
		struct bytes encoded;

		sample_message(type, (uint8_t)(i + 1), i % 2 == 0, message);
		encoded = encode(type, message, &writer);
		assert_int_equal(wire_measure(type, message), encoded.len);
		assert_int_equal(wire_decode(type, encoded, message), SOTTO_OK);
		check_canonical(type, encoded);
		writer_release(&writer);
	}
}

static void test_truncations_and_flips(void **state)
{
	_Alignas(16) uint8_t message[SAMPLE_SIZE_MAX];
	_Alignas(16) uint8_t untouched[SAMPLE_SIZE_MAX];

	(void)state;
	memset(untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < wire_type_count; i++) {
		const struct wire_type *type = wire_types[i];
		bool rest = type->fields[type->field_count - 1].kind == WIRE_KIND_REST;
		struct writer writer;
		struct bytes encoded;

		sample_message(type, 0x21, true, message);
		encoded = encode(type, message, &writer);
		for (size_t cut = 0; cut < encoded.len && !rest; cut++) {
			memcpy(message, untouched, sizeof(message));
			assert_int_not_equal(wire_decode(type, BYTES(encoded.data, cut), message),
					     SOTTO_OK);
			assert_memory_equal(message, untouched, sizeof(message));
		}
		for (size_t bit = 0; bit < 8 * encoded.len; bit++) {
			writer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			check_canonical(type, encoded);
			writer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		writer_put_u8(&writer, 0);
		if (!rest)
			assert_int_equal(wire_decode(type, writer_bytes(&writer), message),
					 SOTTO_ERR_FORMAT);
		writer_release(&writer);
	}
}

static void test_record_sizes(void **state)
{
	static const struct {
		size_t len;
		bool valid;
	} table[] = {
		{0, false},	{1, false},    {1023, false},  {1024, true},	{1025, false},
		{4095, false},	{4096, true},  {16383, false}, {16384, true},	{16385, false},
		{65535, false}, {65536, true}, {65537, false}, {131072, false},
	};
	static uint8_t zeros[131072];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct wire_record record = {.sealed = BYTES(zeros, table[i].len)};
		struct writer writer;

		assert_int_equal(wire_record_len_valid(table[i].len), table[i].valid);
		assert_int_equal(wire_measure(&wire_record_type, &record) != 0, table[i].valid);
		writer_init_growing(&writer, &allocator_default);
		writer_put_vector(&writer, record.sealed);
		assert_int_equal(wire_record_decode(writer_bytes(&writer), &record) == SOTTO_OK,
				 table[i].valid);
		writer_release(&writer);
	}
}

static void test_list_limits(void **state)
{
	struct wire_placed placed[WIRE_RECORDS_MAX + 1];
	struct wire_appended appended = {.placed = {.items = placed}};
	struct wire_cursor cursor;
	struct wire_placed item;
	struct writer writer;
	uint64_t expected = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(placed); i++)
		placed[i].sequence = i;
	appended.placed.count = ARRAY_LEN(placed);
	assert_int_equal(wire_measure(&wire_appended_type, &appended), 0);
	appended.placed.count = WIRE_RECORDS_MAX;
	(void)encode(&wire_appended_type, &appended, &writer);
	assert_int_equal(wire_appended_decode(writer_bytes(&writer), &appended), SOTTO_OK);
	assert_int_equal(appended.placed.count, WIRE_RECORDS_MAX);
	cursor = wire_list_walk(&appended.placed);
	while (wire_placed_next(&cursor, &item))
		assert_int_equal(item.sequence, expected++);
	assert_int_equal(expected, WIRE_RECORDS_MAX);
	writer_release(&writer);

	/* One item more, written by hand: refused by the decoder too. */
	writer_init_growing(&writer, &allocator_default);
	writer_put_u8(&writer, wire_number_appended);
	writer_put_zeros(&writer, WIRE_INCARNATION_LEN);
	writer_put_varint(&writer, 8 * ARRAY_LEN(placed));
	writer_put_zeros(&writer, 8 * ARRAY_LEN(placed) + 8 + WIRE_HASH_LEN);
	assert_int_equal(wire_appended_decode(writer_bytes(&writer), &appended), SOTTO_ERR_LIMIT);
	writer_release(&writer);
}

static char *read_document(size_t *len)
{
	char path[1024];
	char *text = malloc(1u << 20);
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/docs/protocol.md", getenv("SOTTO_SOURCE"));
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(text);
	*len = fread(text, 1, (1u << 20) - 1, file);
	text[*len] = '\0';
	(void)fclose(file);
	return text;
}

/* Between "<!-- wire:begin NAME -->" and "<!-- wire:end -->" stands what tools/wire-table prints. */
static void test_document_has_the_tables(void **state)
{
	static const struct {
		const char *marker;
		enum wire_family family;
	} table[] = {
		{"<!-- wire:begin relay -->\n", WIRE_FAMILY_RELAY},
		{"<!-- wire:begin part -->\n", WIRE_FAMILY_PART},
		{"<!-- wire:begin datagram -->\n", WIRE_FAMILY_DATAGRAM},
		{"<!-- wire:begin sottod -->\n", WIRE_FAMILY_SOTTOD},
		{"<!-- wire:begin phone -->\n", WIRE_FAMILY_PHONE},
	};
	size_t len;
	char *document = read_document(&len);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *begin = strstr(document, table[i].marker);
		const char *end;
		struct writer writer;

		assert_non_null(begin);
		begin += strlen(table[i].marker);
		end = strstr(begin, "<!-- wire:end -->");
		assert_non_null(end);
		writer_init_growing(&writer, &allocator_default);
		wire_write_tables(table[i].family, &writer);
		if (!bytes_equal(writer_bytes(&writer), BYTES(begin, (size_t)(end - begin))))
			fail_msg("docs/protocol.md: run tools/wire-table on it (%s)",
				 table[i].marker);
		writer_release(&writer);
	}
	free(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_unique),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_truncations_and_flips),
		cmocka_unit_test(test_record_sizes),
		cmocka_unit_test(test_list_limits),
		cmocka_unit_test(test_document_has_the_tables),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
