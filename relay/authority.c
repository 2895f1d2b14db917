/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of what a link may do. */
#include "relay/authority.h"

#include "base/assert.h"

struct row {
	uint8_t number;
	enum relay_rule rules[5]; /* by enum wire_authority */
};

#define NO     RELAY_RULE_NO
#define YES    RELAY_RULE_YES
#define PORCH  RELAY_RULE_PORCH
#define INBOX  RELAY_RULE_INBOX
#define COMING RELAY_RULE_COMING
#define MARKED RELAY_RULE_MARKED

/* A table is read by columns, and the formatter takes nothing but its own two words. */
/* clang-format off */
static const struct row table[] = {
	/* request                   none  claim  porch  catch-up  full */
	{wire_number_append,        {NO,   NO,    PORCH, NO,       YES}},
	{wire_number_read,          {NO,   NO,    COMING, MARKED,  YES}},
	{wire_number_watch,         {NO,   NO,    COMING, MARKED,  YES}},
	{wire_number_trim,          {NO,   NO,    INBOX, NO,       INBOX}},
	{wire_number_room_join,     {NO,   NO,    NO,    NO,       YES}},
	{wire_number_room_leave,    {NO,   NO,    NO,    NO,       YES}},
	{wire_number_hello,         {NO,   YES,   YES,   YES,      YES}},
	{wire_number_found,         {NO,   YES,   NO,    NO,       NO}},
	{wire_number_key_install,   {NO,   NO,    NO,    NO,       YES}},
	{wire_number_key_prove,     {NO,   YES,   NO,    YES,      YES}},
	{wire_number_admins_change, {NO,   NO,    NO,    NO,       YES}},
	{wire_number_porch_install, {NO,   NO,    NO,    NO,       YES}},
};
/* clang-format on */

enum relay_rule relay_authority_rule(enum wire_authority authority, uint8_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].number == number && (size_t)authority < ARRAY_LEN(table[i].rules))
			return table[i].rules[authority];
	}
	return RELAY_RULE_NO;
}

bool relay_rule_allows(enum relay_rule rule, uint8_t flags, bool is_porch)
{
	switch (rule) {
	case RELAY_RULE_NO:
		return false;
	case RELAY_RULE_YES:
		return true;
	case RELAY_RULE_PORCH:
		return is_porch;
	case RELAY_RULE_INBOX:
		return (flags & WIRE_DROP_INBOX) != 0;
	case RELAY_RULE_COMING:
		return (flags & (WIRE_DROP_INBOX | WIRE_DROP_FILE)) != 0;
	case RELAY_RULE_MARKED:
		return flags != 0;
	}
	return false;
}
