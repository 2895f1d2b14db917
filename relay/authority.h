/* SPDX-License-Identifier: Apache-2.0 */
/* What a link may do: one table, authority.c. docs/protocol.md, Access keys at the relay. */
#ifndef RELAY_AUTHORITY_H
#define RELAY_AUTHORITY_H

#include "wire/wire.h"

enum relay_rule {
	RELAY_RULE_NO = 0,
	RELAY_RULE_YES,
	RELAY_RULE_PORCH,  /* in the porch drop only */
	RELAY_RULE_INBOX,  /* in inboxes only */
	RELAY_RULE_COMING, /* what brings somebody in: in inboxes and files */
	RELAY_RULE_MARKED, /* in drops whose maker marked them: these, or readable in catch-up */
};

/* What is not in the table is RELAY_RULE_NO. */
enum relay_rule relay_authority_rule(enum wire_authority authority, uint8_t number);

/* Does the rule allow it in a drop of these flags? is_porch: it is the network's porch drop. */
bool relay_rule_allows(enum relay_rule rule, uint8_t flags, bool is_porch);

#endif
