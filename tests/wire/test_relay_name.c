/* SPDX-License-Identifier: Apache-2.0 */
/* A relay's printed name comes back whole, in any case and with spaces, and no mistyped one does. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/relay_name.h"

static size_t print(bool has_claim, char *text, size_t capacity)
{
	struct wire_relay_name name = {.address = BYTES_TEXT("[2001:db8::1]:4433"),
				       .has_claim = has_claim};
	struct writer writer;

	memset(name.key, 0x5a, sizeof(name.key));
	memset(name.claim, 0xc3, sizeof(name.claim));
	writer_init_fixed(&writer, text, capacity);
	wire_relay_name_put(&name, &writer);
	assert_int_equal(writer_finish(&writer), SOTTO_OK);
	return writer.len;
}

static void test_round_trip(void **state)
{
	(void)state;
	for (int has_claim = 0; has_claim < 2; has_claim++) {
		char text[256];
		size_t len = print(has_claim != 0, text, sizeof(text));
		struct wire_relay_name name;

		for (size_t i = 0; i < len; i++)
			text[i] = (char)tolower((unsigned char)text[i]);
		assert_int_equal(wire_relay_name_get(BYTES(text, len), &name), SOTTO_OK);
		assert_int_equal(name.has_claim, has_claim);
		assert_true(bytes_equal(name.address, BYTES_TEXT("[2001:db8::1]:4433")));
		assert_int_equal(name.key[31], 0x5a);
		assert_int_equal(name.claim[31], has_claim != 0 ? 0xc3 : 0);
	}
}

static void test_every_changed_character_of_the_key_is_noticed(void **state)
{
	char text[256];
	size_t len = print(true, text, sizeof(text));
	size_t mark = (size_t)((char *)memchr(text, '#', len) - text);
	struct wire_relay_name name;

	(void)state;
	for (size_t at = mark + 1; at < len; at++) {
		char kept = text[at];

		text[at] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(wire_relay_name_get(BYTES(text, len), &name), SOTTO_ERR_FORMAT);
		text[at] = kept;
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(wire_relay_name_get(BYTES(text, cut), &name), SOTTO_ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_changed_character_of_the_key_is_noticed),
	};

	return cmocka_run_group_tests_name("relay_name", tests, NULL, NULL);
}
