/* SPDX-License-Identifier: Apache-2.0 */
/* Reader and writer against each other, every length header at its edges, every truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/reader.h"
#include "base/writer.h"

static void test_vector_header_edges(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
		uint32_t value;
		enum sotto_err err;
	} table[] = {
		{{0x00}, 1, 0, SOTTO_OK},
		{{0x3f}, 1, 63, SOTTO_OK},
		{{0x40, 0x3f}, 2, 0, SOTTO_ERR_FORMAT},
		{{0x40, 0x40}, 2, 64, SOTTO_OK},
		{{0x7f, 0xff}, 2, 16383, SOTTO_OK},
		{{0x80, 0x00, 0x3f, 0xff}, 4, 0, SOTTO_ERR_FORMAT},
		{{0x80, 0x00, 0x40, 0x00}, 4, 16384, SOTTO_OK},
		{{0xbf, 0xff, 0xff, 0xff}, 4, VECTOR_LEN_MAX, SOTTO_OK},
		{{0xc0, 0, 0, 0}, 4, 0, SOTTO_ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct reader reader;

		reader_init(&reader, BYTES(table[i].bytes, table[i].len));
		assert_int_equal(reader_get_varint(&reader), table[i].value);
		assert_int_equal(reader.err, table[i].err);
		if (table[i].err != SOTTO_OK)
			continue;
		for (size_t cut = 0; cut < table[i].len; cut++) {
			reader_init(&reader, BYTES(table[i].bytes, cut));
			assert_int_equal(reader_get_varint(&reader), 0);
			assert_int_equal(reader.err, SOTTO_ERR_FORMAT);
		}
	}
}

static void test_nested_vectors_round_trip(void **state)
{
	static const size_t lens[] = {0, 1, 62, 63, 64, 200, 16382, 16383, 16384, 70000};
	static uint8_t filler[70000];

	(void)state;
	memset(filler, 0xa5, sizeof(filler));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct writer writer;
		struct reader reader;
		struct reader inner;
		size_t outer_start;
		size_t inner_start;

		writer_init_growing(&writer, &allocator_default);
		outer_start = writer_begin_vector(&writer);
		writer_put_u16(&writer, 0x1234);
		inner_start = writer_begin_vector(&writer);
		writer_put_bytes(&writer, BYTES(filler, lens[i]));
		writer_end_vector(&writer, inner_start);
		writer_end_vector(&writer, outer_start);
		assert_int_equal(writer_finish(&writer), SOTTO_OK);

		reader_init(&reader, writer_bytes(&writer));
		inner = reader_get_nested(&reader);
		assert_int_equal(reader_get_u16(&inner), 0x1234);
		assert_true(bytes_equal(reader_get_vector(&inner), BYTES(filler, lens[i])));
		reader_end_nested(&reader, &inner);
		assert_int_equal(reader_finish(&reader), SOTTO_OK);
		writer_release(&writer);
	}
}

static void test_nested_vector_must_be_consumed(void **state)
{
	static const uint8_t input[] = {2, 7, 7};
	struct reader reader;
	struct reader inner;

	(void)state;
	reader_init(&reader, BYTES_OF(input));
	inner = reader_get_nested(&reader);
	assert_int_equal(reader_get_u8(&inner), 7);
	reader_end_nested(&reader, &inner);
	assert_int_equal(reader_finish(&reader), SOTTO_ERR_FORMAT);
}

static void test_fixed_writer_refuses_past_its_end(void **state)
{
	uint8_t buffer[4];
	struct writer writer;

	(void)state;
	writer_init_fixed(&writer, buffer, sizeof(buffer));
	writer_put_u24(&writer, 0x010203);
	writer_put_u16(&writer, 1);
	assert_int_equal(writer_finish(&writer), SOTTO_ERR_SPACE);
	assert_int_equal(writer.len, 3);
	writer_put_u8(&writer, 1);
	assert_int_equal(writer.len, 3);
}

/* ---- The growing writer's memory ---- */

#define WRITTEN	  0x11
#define UNTOUCHED 0xa5

struct watch {
	unsigned taken;
	unsigned given;
	size_t longest;
	size_t untouched; /* bytes that came back as they were */
	bool refuse;
};

static void *watch_allocate(void *context, size_t len)
{
	struct watch *watch = context;
	void *memory = watch->refuse ? NULL : malloc(len);

	if (memory != NULL)
		memset(memory, UNTOUCHED, len);
	watch->taken += memory != NULL;
	watch->longest = len > watch->longest ? len : watch->longest;
	return memory;
}

static void watch_release(void *context, void *memory, size_t len)
{
	struct watch *watch = context;
	const uint8_t *bytes = memory;

	for (size_t i = 0; i < len; i++) {
		assert_int_not_equal(bytes[i], WRITTEN);
		watch->untouched += bytes[i] == UNTOUCHED;
	}
	watch->given++;
	free(memory);
}

static void put_written(struct writer *writer, size_t len)
{
	static uint8_t written[2000];

	memset(written, WRITTEN, sizeof(written));
	writer_put_bytes(writer, BYTES(written, len));
}

static void test_writer_wipes_what_it_wrote(void **state)
{
	struct watch watch = {0};
	struct allocator allocator = {watch_allocate, watch_release, &watch};
	struct writer writer;

	(void)state;
	writer_init_growing(&writer, &allocator);
	for (size_t i = 0; i < 1000; i++)
		put_written(&writer, 1);
	assert_int_equal(watch.taken, 3);
	/* What it was emptied of, too. */
	writer.len = 0;
	put_written(&writer, 10);
	writer_release(&writer);
	writer_release(&writer);
	assert_int_equal(watch.given, 3);
	assert_int_equal(watch.untouched, 24);
}

static void test_writer_reserves(void **state)
{
	struct watch watch = {0};
	struct allocator allocator = {watch_allocate, watch_release, &watch};
	uint8_t fixed[4];
	struct writer writer;

	(void)state;
	writer_init_growing(&writer, &allocator);
	put_written(&writer, 7);
	writer_reserve(&writer, 1500);
	assert_int_equal(watch.longest, 1507);
	assert_int_equal(writer.len, 7);
	for (size_t i = 0; i < 1500; i++)
		put_written(&writer, 1);
	writer_reserve(&writer, 0);
	assert_int_equal(watch.taken, 2);
	put_written(&writer, 1);
	assert_int_equal(watch.taken, 3);
	for (size_t i = 0; i < writer.len; i++)
		assert_int_equal(writer.data[i], WRITTEN);

	/* Refusals are as sticky as any, and what was written is still there. */
	watch.refuse = true;
	writer_reserve(&writer, 10000);
	assert_int_equal(writer_finish(&writer), SOTTO_ERR_NO_MEMORY);
	assert_int_equal(writer.len, 1508);
	watch.refuse = false;
	writer_reserve(&writer, 10000);
	assert_int_equal(watch.taken, 3);
	writer_release(&writer);
	assert_int_equal(watch.given, 3);
	writer_init_growing(&writer, &allocator);
	writer_reserve(&writer, SIZE_MAX);
	assert_int_equal(writer_finish(&writer), SOTTO_ERR_LIMIT);

	writer_init_fixed(&writer, fixed, sizeof(fixed));
	writer_reserve(&writer, 5);
	writer_put_u32(&writer, 1);
	assert_int_equal(writer_finish(&writer), SOTTO_OK);
	writer_init_measuring(&writer);
	writer_reserve(&writer, 5);
	assert_int_equal(writer.len, 0);
	assert_int_equal(writer_finish(&writer), SOTTO_OK);
}

static void test_secret_is_wiped_and_compared(void **state)
{
	struct secret a;
	struct secret b;

	(void)state;
	secret_set(&a, "abc", 3);
	secret_set(&b, "abd", 3);
	assert_false(secret_equal(&a, &b));
	secret_set(&b, "abc", 3);
	assert_true(secret_equal(&a, &b));
	secret_wipe(&a);
	assert_int_equal(a.len, 0);
	for (size_t i = 0; i < SECRET_LEN_MAX; i++)
		assert_int_equal(a.data[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_header_edges),
		cmocka_unit_test(test_nested_vectors_round_trip),
		cmocka_unit_test(test_nested_vector_must_be_consumed),
		cmocka_unit_test(test_fixed_writer_refuses_past_its_end),
		cmocka_unit_test(test_writer_wipes_what_it_wrote),
		cmocka_unit_test(test_writer_reserves),
		cmocka_unit_test(test_secret_is_wiped_and_compared),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
