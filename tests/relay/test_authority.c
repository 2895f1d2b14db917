/* SPDX-License-Identifier: Apache-2.0 */
/* The table of authority, spelled out a second time: what is not listed here must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "relay/authority.h"

#define PLAIN	 1u /* a drop without flags */
#define INBOX	 2u
#define CATCH_UP 4u
#define PORCH	 8u /* the porch drop */
#define FILED	 16u
#define ALL	 (PLAIN | INBOX | CATCH_UP | PORCH | FILED)

static const struct {
	enum wire_authority authority;
	uint8_t number;
	unsigned int drops; /* in which it is allowed; ALL for requests without one */
} allowed[] = {
	{WIRE_AUTHORITY_CLAIM, wire_number_hello, ALL},
	{WIRE_AUTHORITY_CLAIM, wire_number_found, ALL},
	{WIRE_AUTHORITY_CLAIM, wire_number_key_prove, ALL},
	{WIRE_AUTHORITY_PORCH, wire_number_hello, ALL},
	{WIRE_AUTHORITY_PORCH, wire_number_append, PORCH},
	{WIRE_AUTHORITY_PORCH, wire_number_read, INBOX | FILED},
	{WIRE_AUTHORITY_PORCH, wire_number_watch, INBOX | FILED},
	{WIRE_AUTHORITY_PORCH, wire_number_trim, INBOX},
	{WIRE_AUTHORITY_CATCH_UP, wire_number_hello, ALL},
	{WIRE_AUTHORITY_CATCH_UP, wire_number_key_prove, ALL},
	{WIRE_AUTHORITY_CATCH_UP, wire_number_read, INBOX | CATCH_UP | FILED},
	{WIRE_AUTHORITY_CATCH_UP, wire_number_watch, INBOX | CATCH_UP | FILED},
	{WIRE_AUTHORITY_FULL, wire_number_hello, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_append, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_read, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_watch, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_trim, INBOX},
	{WIRE_AUTHORITY_FULL, wire_number_room_join, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_room_leave, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_key_install, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_key_prove, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_admins_change, ALL},
	{WIRE_AUTHORITY_FULL, wire_number_porch_install, ALL},
};

static unsigned int expected(int authority, int number)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		if ((int)allowed[i].authority == authority && allowed[i].number == number)
			return allowed[i].drops;
	}
	return 0;
}

static void test_every_pair(void **state)
{
	(void)state;
	for (int authority = 0; authority < 8; authority++) {
		for (int number = 0; number < 256; number++) {
			enum relay_rule rule = relay_authority_rule((enum wire_authority)authority,
								    (uint8_t)number);
			unsigned int drops = 0;

			if (relay_rule_allows(rule, 0, false))
				drops |= PLAIN;
			if (relay_rule_allows(rule, WIRE_DROP_INBOX, false))
				drops |= INBOX;
			if (relay_rule_allows(rule, WIRE_DROP_CATCH_UP, false))
				drops |= CATCH_UP;
			if (relay_rule_allows(rule, WIRE_DROP_FILE, false))
				drops |= FILED;
			if (relay_rule_allows(rule, 0, true))
				drops |= PORCH;
			assert_int_equal(drops, expected(authority, number));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
	};

	return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
