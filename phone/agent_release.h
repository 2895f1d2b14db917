/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger says of a release: no more than looking up, for the command and for what this phone runs itself. */
#ifndef PHONE_AGENT_RELEASE_H
#define PHONE_AGENT_RELEASE_H

#include "ledger/ledger.h"

/* Borrows as ledger_release_by_hash does. */
struct agent_release_entry {
	const struct ledger_release *release;
	uint64_t index;		   /* of the entry that names it */
	struct ledger_entry entry; /* itself: who signed, and when by their word */
	bool newest;
	bool below_minimum; /* the policy wants a later one */
};

/* False: no entry names it. */
bool agent_release_find(const struct ledger *ledger, const uint8_t *hash,
			struct agent_release_entry *found);

enum agent_release_standing {
	AGENT_RELEASE_UNNAMED = 0, /* no entry names it */
	AGENT_RELEASE_BELOW,	   /* one does, and the policy wants a later one */
	AGENT_RELEASE_OLDER,	   /* one does, and another one a later release */
	AGENT_RELEASE_NEWEST,
};

/* The same without the entry, which costs a walk over the ledger. release is NULL with UNNAMED. */
enum agent_release_standing agent_release_standing(const struct ledger *ledger, const uint8_t *hash,
						   const struct ledger_release **release);

#endif
