/* SPDX-License-Identifier: Apache-2.0 */
/* What the vectors leave out: forgeries, replays, the end of the counter, padding, headers in long form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "sframe/sframe.h"

#define KID	 UINT64_C(0x0123456789abcdef)
#define BASE_KEY BYTES_TEXT("sixteen byte key")
#define METADATA BYTES_TEXT("room 7")

static const enum sframe_suite suites[] = {
	SFRAME_AES128CTR_HMAC80, SFRAME_AES128CTR_HMAC64, SFRAME_AES128CTR_HMAC32,
	SFRAME_AES128GCM,	 SFRAME_AES256GCM,	  SFRAME_AES256CTR_HMAC80,
	SFRAME_AES256CTR_HMAC64, SFRAME_AES256CTR_HMAC32,
};

struct pair {
	struct sframe_sender sender;
	struct sframe_receiver receiver;
};

static void pair_init(struct pair *pair, enum sframe_suite suite)
{
	sframe_sender_init(&pair->sender, suite, BASE_KEY, KID);
	sframe_receiver_init(&pair->receiver, suite, BASE_KEY, KID);
}

static void pair_finish(struct pair *pair)
{
	sframe_sender_finish(&pair->sender);
	sframe_receiver_finish(&pair->receiver);
}

static size_t seal(struct pair *pair, uint64_t ctr, struct bytes plaintext, uint8_t *out,
		   size_t capacity)
{
	size_t len = 0;

	pair->sender.ctr = ctr;
	assert_int_equal(sframe_seal(&pair->sender, METADATA, plaintext, out, capacity, &len),
			 SOTTO_OK);
	return len;
}

static enum sotto_err open_frame(struct pair *pair, struct bytes frame)
{
	uint8_t out[256];
	uint64_t ctr;
	size_t len;

	return sframe_open(&pair->receiver, METADATA, frame, out, sizeof(out), &len, &ctr);
}

static void test_headers_in_long_form_are_refused(void **state)
{
	static const struct {
		uint8_t bytes[SFRAME_HEADER_LEN_MAX];
		size_t len;
		enum sotto_err err;
	} table[] = {
		{{0x00}, 1, SOTTO_OK},
		{{0x77}, 1, SOTTO_OK},
		{{0x80, 0x08}, 2, SOTTO_OK},
		{{0x80, 0x07}, 2, SOTTO_ERR_FORMAT},	   /* KID fits the config byte */
		{{0x08, 0x07}, 2, SOTTO_ERR_FORMAT},	   /* CTR likewise */
		{{0x90, 0x00, 0xff}, 3, SOTTO_ERR_FORMAT}, /* leading zero */
		{{0x09, 0x00, 0xff}, 3, SOTTO_ERR_FORMAT}, /* leading zero */
		{{0x88, 0x08, 0x07}, 3, SOTTO_ERR_FORMAT}, /* only the second one is long */
		{{0x88, 0x08, 0x09}, 3, SOTTO_OK},
		{{0xff, 0x01, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0}, 17, SOTTO_OK},
		{{0xff, 0x01, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0}, 16, SOTTO_ERR_FORMAT},
		{{0}, 0, SOTTO_ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sframe_header header = {.kid = 42, .ctr = 43};
		size_t len = 44;

		assert_int_equal(
			sframe_header_decode(BYTES(table[i].bytes, table[i].len), &header, &len),
			table[i].err);
		if (table[i].err == SOTTO_OK)
			assert_int_equal(len, table[i].len);
		else
			assert_true(header.kid == 42 && header.ctr == 43 && len == 44);
	}
}

static void test_every_header_byte_decodes_to_what_encodes_to_it(void **state)
{
	(void)state;
	for (unsigned config = 0; config < 256; config++) {
		uint8_t bytes[SFRAME_HEADER_LEN_MAX];
		uint8_t encoded[SFRAME_HEADER_LEN_MAX];
		struct sframe_header header;
		size_t len;

		memset(bytes, 0x5a, sizeof(bytes));
		bytes[0] = (uint8_t)config;
		assert_int_equal(sframe_header_decode(BYTES_OF(bytes), &header, &len), SOTTO_OK);
		assert_int_equal(sframe_header_encode(header, encoded), len);
		assert_memory_equal(encoded, bytes, len);
	}
}

/* In every suite; what is left after all forgeries still opens, so none of them moved the window. */
static void test_every_bit_flip_and_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		uint8_t frame[256];
		struct pair pair;
		size_t len;

		pair_init(&pair, suites[i]);
		len = seal(&pair, 0x4567, BYTES_TEXT("twenty milliseconds of speech"), frame,
			   sizeof(frame));
		for (size_t bit = 0; bit < 8 * len; bit++) {
			frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(open_frame(&pair, BYTES(frame, len)), SOTTO_OK);
			frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(open_frame(&pair, BYTES(frame, cut)), SOTTO_OK);
		assert_false(pair.receiver.opened_any);
		assert_int_equal(open_frame(&pair, BYTES(frame, len)), SOTTO_OK);
		pair_finish(&pair);
	}
}

static void test_other_key_kid_and_metadata_are_refused(void **state)
{
	struct sframe_receiver other;
	uint8_t frame[128];
	uint8_t out[128];
	struct pair pair;
	uint64_t ctr;
	size_t len;

	(void)state;
	pair_init(&pair, SFRAME_AES256GCM);
	len = seal(&pair, 1, BYTES_TEXT("a"), frame, sizeof(frame));
	assert_int_equal(sframe_open(&pair.receiver, BYTES_TEXT("room 8"), BYTES(frame, len), out,
				     sizeof(out), &len, &ctr),
			 SOTTO_ERR_VERIFY);
	sframe_receiver_init(&other, SFRAME_AES256GCM, BASE_KEY, KID + 1);
	assert_int_equal(
		sframe_open(&other, METADATA, BYTES(frame, len), out, sizeof(out), &len, &ctr),
		SOTTO_ERR_NOT_FOUND);
	sframe_receiver_init(&other, SFRAME_AES256GCM, BYTES_TEXT("another key"), KID);
	assert_int_equal(
		sframe_open(&other, METADATA, BYTES(frame, len), out, sizeof(out), &len, &ctr),
		SOTTO_ERR_VERIFY);
	sframe_receiver_finish(&other);
	pair_finish(&pair);
}

static void test_each_frame_opens_once(void **state)
{
	static const struct {
		uint64_t ctr;
		enum sotto_err err;
	} table[] = {
		{5, SOTTO_OK},
		{5, SOTTO_ERR_REPLAY},
		{4, SOTTO_OK}, /* overtaken */
		{4, SOTTO_ERR_REPLAY},
		{5, SOTTO_ERR_REPLAY},
		{1028, SOTTO_OK},
		{5, SOTTO_ERR_REPLAY},
		{4, SOTTO_ERR_TOO_OLD},
		{6, SOTTO_OK},
		{6, SOTTO_ERR_REPLAY},
		{1029, SOTTO_OK}, /* takes the place of 5 */
		{5, SOTTO_ERR_TOO_OLD},
		{1000000, SOTTO_OK}, /* past the whole window */
		{999999, SOTTO_OK},
		{999999, SOTTO_ERR_REPLAY},
		{1000000 - SFRAME_WINDOW + 1, SOTTO_OK},
		{1000000 - SFRAME_WINDOW, SOTTO_ERR_TOO_OLD},
		{UINT64_MAX, SOTTO_OK},
		{UINT64_MAX, SOTTO_ERR_REPLAY},
		{UINT64_MAX - 1023, SOTTO_OK},
		{UINT64_MAX - 1024, SOTTO_ERR_TOO_OLD},
	};
	struct pair pair;

	(void)state;
	pair_init(&pair, SFRAME_AES256GCM);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint8_t frame[64];
		size_t len;

		pair.sender.spent = false; /* the test repeats counters; a sender does not */
		len = seal(&pair, table[i].ctr, BYTES_TEXT("x"), frame, sizeof(frame));
		assert_int_equal(open_frame(&pair, BYTES(frame, len)), table[i].err);
	}
	pair_finish(&pair);
}

/* The window against a plain list of all that was opened, over a random walk. */
static void test_window_agrees_with_a_list(void **state)
{
	static bool opened[8192];
	uint64_t random = 1;
	uint64_t newest = 0;
	struct pair pair;

	(void)state;
	pair_init(&pair, SFRAME_AES128GCM);
	for (unsigned i = 0; i < 20000; i++) {
		enum sotto_err expected = SOTTO_OK;
		uint64_t ctr;
		uint8_t frame[64];
		size_t len;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		ctr = i / 3 + (random >> 33) % 1400;
		len = seal(&pair, ctr, BYTES_NONE, frame, sizeof(frame));
		if (opened[ctr])
			expected = SOTTO_ERR_REPLAY;
		if (i > 0 && ctr + SFRAME_WINDOW <= newest)
			expected = SOTTO_ERR_TOO_OLD;
		assert_int_equal(open_frame(&pair, BYTES(frame, len)), expected);
		opened[ctr] |= expected == SOTTO_OK;
		newest = ctr > newest ? ctr : newest;
	}
	pair_finish(&pair);
}

static void test_counter_is_never_used_twice(void **state)
{
	uint8_t frame[128];
	struct pair pair;
	size_t len = 77;

	(void)state;
	pair_init(&pair, SFRAME_AES256GCM);
	assert_true(pair.sender.ctr == 0);
	assert_int_equal(sframe_seal(&pair.sender, METADATA, BYTES_TEXT("abc"), frame, 20, &len),
			 SOTTO_ERR_SPACE);
	assert_true(pair.sender.ctr == 0 && len == 77);
	(void)seal(&pair, UINT64_MAX - 1, BYTES_NONE, frame, sizeof(frame));
	assert_int_equal(
		sframe_seal(&pair.sender, METADATA, BYTES_NONE, frame, sizeof(frame), &len),
		SOTTO_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			sframe_seal(&pair.sender, METADATA, BYTES_NONE, frame, sizeof(frame), &len),
			SOTTO_ERR_STATE);
		assert_int_equal(sframe_seal_padded(&pair.sender, METADATA, BYTES_NONE, frame,
						    sizeof(frame)),
				 SOTTO_ERR_STATE);
	}
	pair_finish(&pair);
}

static void check_padded(enum sframe_suite suite, uint64_t ctr, size_t frame_len)
{
	uint8_t content[300];
	uint8_t sealed[400];
	uint8_t out[400];
	size_t len = sframe_padded_len(suite, 300);
	struct bytes opened = BYTES_NONE;
	uint64_t opened_ctr = 0;
	struct pair pair;

	memset(content, 0xa5, sizeof(content));
	pair_init(&pair, suite);
	pair.sender.ctr = ctr;
	assert_true(len <= sizeof(sealed));
	assert_int_equal(
		sframe_seal_padded(&pair.sender, METADATA, BYTES(content, frame_len), sealed, len),
		SOTTO_OK);
	assert_int_equal(sframe_open_padded(&pair.receiver, METADATA, BYTES(sealed, len), out,
					    sizeof(out), &opened, &opened_ctr),
			 SOTTO_OK);
	assert_true(opened_ctr == ctr);
	assert_true(bytes_equal(opened, BYTES(content, frame_len)));
	pair_finish(&pair);
}

static void test_padding_hides_counter_and_frame_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		for (unsigned shift = 0; shift < 64; shift += 4)
			check_padded(suites[i], (UINT64_C(1) << shift) - 1, 61);
		for (size_t frame_len = 0; frame_len <= 300; frame_len += 10)
			check_padded(suites[i], UINT64_MAX, frame_len);
	}
}

/* What authenticates, but is not a frame and zeros: only a member with the key can make it. */
static void test_other_padding_is_refused(void **state)
{
	static const struct {
		uint8_t plaintext[4];
		size_t len;
		enum sotto_err err;
	} table[] = {
		{{0}, 0, SOTTO_ERR_INVALID}, /* no frame at all */
		{{0}, 1, SOTTO_OK},	     /* an empty one */
		{{1, 0xaa, 0, 0}, 4, SOTTO_OK},
		{{1, 0xaa, 0, 1}, 4, SOTTO_ERR_INVALID},
		{{3, 0xaa, 0, 0}, 4, SOTTO_OK},
		{{4, 0xaa, 0, 0}, 4, SOTTO_ERR_INVALID},    /* longer than what is there */
		{{0x40, 1, 0xaa, 0}, 4, SOTTO_ERR_INVALID}, /* length in long form */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint8_t sealed[64];
		uint8_t out[64];
		struct bytes content;
		struct pair pair;
		uint64_t ctr;
		size_t len;

		pair_init(&pair, SFRAME_AES256GCM);
		len = seal(&pair, 0, BYTES(table[i].plaintext, table[i].len), sealed,
			   sizeof(sealed));
		assert_int_equal(sframe_open_padded(&pair.receiver, METADATA, BYTES(sealed, len),
						    out, sizeof(out), &content, &ctr),
				 table[i].err);
		pair_finish(&pair);
	}
}

static void test_too_small_buffers_are_refused(void **state)
{
	uint8_t frame[128];
	uint8_t out[128];
	struct pair pair;
	uint64_t ctr;
	size_t len;
	size_t opened_len;

	(void)state;
	pair_init(&pair, SFRAME_AES256GCM);
	len = seal(&pair, 0, BYTES_TEXT("12345678"), frame, sizeof(frame));
	for (size_t capacity = 0; capacity < 8; capacity++)
		assert_int_equal(sframe_open(&pair.receiver, METADATA, BYTES(frame, len), out,
					     capacity, &opened_len, &ctr),
				 SOTTO_ERR_SPACE);
	assert_int_equal(
		sframe_open(&pair.receiver, METADATA, BYTES(frame, len), out, 8, &opened_len, &ctr),
		SOTTO_OK);
	for (size_t i = 0; i < 1 + 8 + 1 + 16; i++)
		assert_int_equal(sframe_seal_padded(&pair.sender, METADATA, BYTES_NONE, out, i),
				 SOTTO_ERR_SPACE);
	assert_int_equal(sframe_seal_padded(&pair.sender, METADATA, BYTES_NONE, out, 26), SOTTO_OK);
	assert_true(pair.sender.ctr == 2);
	pair_finish(&pair);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_in_long_form_are_refused),
		cmocka_unit_test(test_every_header_byte_decodes_to_what_encodes_to_it),
		cmocka_unit_test(test_every_bit_flip_and_truncation_is_refused),
		cmocka_unit_test(test_other_key_kid_and_metadata_are_refused),
		cmocka_unit_test(test_each_frame_opens_once),
		cmocka_unit_test(test_window_agrees_with_a_list),
		cmocka_unit_test(test_counter_is_never_used_twice),
		cmocka_unit_test(test_padding_hides_counter_and_frame_length),
		cmocka_unit_test(test_other_padding_is_refused),
		cmocka_unit_test(test_too_small_buffers_are_refused),
	};

	return cmocka_run_group_tests_name("sframe", tests, NULL, NULL);
}
