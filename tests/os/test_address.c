/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to text and back, and what is refused; names that need no resolver; times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/address.h"
#include "os/clock.h"
#include "os/resolve.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		enum sotto_err err;
		const char *formatted; /* NULL: as text */
	} table[] = {
		{"127.0.0.1:1", SOTTO_OK, NULL},
		{"255.255.255.255:65535", SOTTO_OK, NULL},
		{"0.0.0.0:0", SOTTO_OK, NULL},
		{"[::1]:4433", SOTTO_OK, NULL},
		{"[::]:0", SOTTO_OK, NULL},
		{"[2001:DB8:0:0::1]:443", SOTTO_OK, "[2001:db8::1]:443"},
		{"[::ffff:1.2.3.4]:5", SOTTO_OK, NULL},
		{"1.2.3.4:00005", SOTTO_OK, "1.2.3.4:5"},
		{"", SOTTO_ERR_FORMAT, NULL},
		{":", SOTTO_ERR_FORMAT, NULL},
		{":443", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4:", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4:65536", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4:000005", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4:-5", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4: 5", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3.4:5 ", SOTTO_ERR_FORMAT, NULL},
		{"1.2.3:5", SOTTO_ERR_FORMAT, NULL},
		{"::1:443", SOTTO_ERR_FORMAT, NULL},
		{"[::1]", SOTTO_ERR_FORMAT, NULL},
		{"[::1]443", SOTTO_ERR_FORMAT, NULL},
		{"[]:443", SOTTO_ERR_FORMAT, NULL},
		{"[:443", SOTTO_ERR_FORMAT, NULL},
		{"[1.2.3.4]:443", SOTTO_ERR_FORMAT, NULL},
		{"[fe80::1%lo]:443", SOTTO_ERR_FORMAT, NULL},
		{"relay.example:443", SOTTO_ERR_FORMAT, NULL},
		{"11111111111111111111111111111111111111111111111:1", SOTTO_ERR_FORMAT, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct os_address address = {.len = 0};
		struct os_address again;
		char text[OS_ADDRESS_TEXT_LEN];

		assert_int_equal(os_address_parse(table[i].text, &address), table[i].err);
		if (table[i].err != SOTTO_OK) {
			assert_int_equal(address.len, 0);
			continue;
		}
		os_address_format(&address, text);
		assert_string_equal(text, table[i].formatted != NULL ? table[i].formatted
								     : table[i].text);
		assert_int_equal(os_address_parse(text, &again), SOTTO_OK);
		assert_true(os_address_equal(&address, &again));
		os_address_set_port(&again, 7);
		assert_int_equal(os_address_port(&again), 7);
		assert_false(os_address_equal(&address, &again));
		assert_int_equal(os_address_set(&again, &address.any, address.len), SOTTO_OK);
		assert_true(os_address_equal(&address, &again));
		assert_int_equal(os_address_set(&again, &address.any, address.len - 1),
				 SOTTO_ERR_FORMAT);
		assert_int_equal(os_address_is_wildcard(&address),
				 strstr(text, "0.0.0.0:") != NULL || strstr(text, "[::]:") != NULL);
	}
}

static void test_resolving_without_a_resolver(void **state)
{
	static const struct {
		const char *text;
		enum sotto_err err;
		uint16_t port;
	} table[] = {
		{"127.0.0.1:80", SOTTO_OK, 80},		  {"[::1]:81", SOTTO_OK, 81},
		{"localhost:443", SOTTO_OK, 443},	  {"localhost", SOTTO_ERR_FORMAT, 0},
		{"localhost:", SOTTO_ERR_FORMAT, 0},	  {":1", SOTTO_ERR_FORMAT, 0},
		{"localhost:99999", SOTTO_ERR_FORMAT, 0}, {"local:host:1", SOTTO_ERR_FORMAT, 0},
		{"localhost:http", SOTTO_ERR_FORMAT, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct os_address addresses[OS_RESOLVE_MAX];
		size_t count = 0;

		assert_int_equal(os_resolve(table[i].text, addresses, &count), table[i].err);
		assert_int_equal(count > 0, table[i].err == SOTTO_OK);
		for (size_t j = 0; j < count; j++)
			assert_int_equal(os_address_port(&addresses[j]), table[i].port);
	}
}

static void test_times_as_text(void **state)
{
	static const struct {
		uint64_t utc_ms;
		const char *text;
	} table[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1, "1970-01-01T00:00:00.001Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{1767225599999, "2025-12-31T23:59:59.999Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{253402300800000, "9999-12-31T23:59:59.999Z"},
		{UINT64_MAX, "9999-12-31T23:59:59.999Z"},
	};
	char text[OS_CLOCK_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		os_clock_format(table[i].utc_ms, text);
		assert_string_equal(text, table[i].text);
	}
	assert_true(os_clock_utc_ms() > 1700000000000);
	assert_true(os_clock_now_ns() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_resolving_without_a_resolver),
		cmocka_unit_test(test_times_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
