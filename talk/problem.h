/* SPDX-License-Identifier: Apache-2.0 */
/* Problems that follow from the state: each is shown while its cause is there, and no longer. */
#ifndef TALK_PROBLEM_H
#define TALK_PROBLEM_H

#include "talk/state.h"

/*
 * This device said what only a newer version understands; entry: that was an entry for the ledger. Kept are the
 * time of its last word (struct talk_arrived, newer_ns) and that of the last entry of anybody (newer_entry_ns).
 */
MUST_USE enum sotto_err talk_newer_heard(struct talk *talk, struct talk_group *group,
					 const uint8_t *key, bool entry);

static inline uint64_t talk_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Of a device that the ledger does not have others may know more: they have a longer one, or may have, or it was added
 * again when we had taken it out. Until that is seen it stays, and nothing is sent there.
 */
bool talk_stranger_stays(const struct talk *talk, struct talk_group *group);

/* Had the relay no room for what we sent last, a moment ago? */
bool talk_relay_full(const struct talk *talk);

/* What clocks may differ by. */
#define TALK_CLOCK_MS UINT64_C(600000)

/* beacon.c: what says whether anything may be begun. */
void talk_fresh_settle(struct talk *talk);

/* After every step. */
void talk_problems_settle(struct talk *talk);

/* When one of them is over by time alone (newer_due_ns); TALK_NEVER. */
uint64_t talk_problems_due(const struct talk *talk);

#endif
