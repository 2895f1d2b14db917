/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of answers cut into pieces of every length comes out as the same messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "wire/frame.h"
#include "wire/limits.h"

static const size_t lens[] = {1, 63, 64, 2, 16383, 16384, 5, WIRE_MESSAGE_MAX, 1};

static uint8_t content(size_t message, size_t at)
{
	return (uint8_t)(message * 37 + at * 11);
}

static void write_stream(struct writer *writer)
{
	static uint8_t buffer[WIRE_MESSAGE_MAX];

	writer_init_growing(writer, &allocator_default);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		for (size_t at = 0; at < lens[i]; at++)
			buffer[at] = content(i, at);
		wire_frame_put(writer, BYTES(buffer, lens[i]));
	}
	assert_int_equal(writer_finish(writer), SOTTO_OK);
}

static void check_message(struct bytes message, size_t number)
{
	assert_true(number < ARRAY_LEN(lens));
	assert_int_equal(message.len, lens[number]);
	for (size_t at = 0; at < message.len; at++) {
		if (message.data[at] != content(number, at))
			fail_msg("message %zu differs at %zu", number, at);
	}
}

static void test_pieces_of_every_length(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 7, 64, 1200, 16384, 70000, 1 << 20};
	struct writer stream;

	(void)state;
	write_stream(&stream);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct wire_splitter splitter;
		size_t number = 0;

		wire_splitter_init(&splitter, &allocator_default);
		for (size_t at = 0; at < stream.len; at += pieces[i]) {
			size_t left = stream.len - at;
			struct bytes piece =
				BYTES(stream.data + at, left < pieces[i] ? left : pieces[i]);
			struct bytes message;
			enum sotto_err err;

			while ((err = wire_splitter_next(&splitter, &piece, &message)) == SOTTO_OK)
				check_message(message, number++);
			assert_int_equal(err, SOTTO_ERR_AGAIN);
			assert_int_equal(piece.len, 0);
			assert_int_equal(wire_splitter_empty(&splitter), splitter.len == 0);
		}
		assert_int_equal(number, ARRAY_LEN(lens));
		assert_true(wire_splitter_empty(&splitter));
		wire_splitter_finish(&splitter);
	}
	writer_release(&stream);
}

static void test_what_is_no_stream_is_refused(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
		enum sotto_err err;
	} table[] = {
		{{0x00}, 1, SOTTO_ERR_FORMAT},		  /* an empty message */
		{{0x40, 0x01}, 2, SOTTO_ERR_FORMAT},	  /* not the shortest header */
		{{0xc0}, 1, SOTTO_ERR_FORMAT},		  /* no such header */
		{{0x80, 0x10, 0, 0}, 4, SOTTO_ERR_LIMIT}, /* a mebibyte */
		{{0x80, 0x10}, 2, SOTTO_ERR_AGAIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		for (size_t step = 1; step <= table[i].len; step++) {
			struct wire_splitter splitter;
			enum sotto_err err = SOTTO_ERR_AGAIN;

			wire_splitter_init(&splitter, &allocator_default);
			for (size_t at = 0; at < table[i].len && err == SOTTO_ERR_AGAIN;
			     at += step) {
				size_t left = table[i].len - at;
				struct bytes piece =
					BYTES(table[i].bytes + at, left < step ? left : step);
				struct bytes message;

				err = wire_splitter_next(&splitter, &piece, &message);
			}
			assert_int_equal(err, table[i].err);
			wire_splitter_finish(&splitter);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_of_every_length),
		cmocka_unit_test(test_what_is_no_stream_is_refused),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
