/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone that waits for its parcel, and all that is needed to make it one: the founder's keys. What is tried
 * is right at first; a test changes it, and hands it to the joiner.
 */
#ifndef TESTS_TALK_TRIAL_H
#define TESTS_TALK_TRIAL_H

#include "talk/state.h"
#include "tests/talk/world.h"

#define TRIAL_ENTRIES_MAX 16
#define TRIAL_CLOCK_MS	  UINT64_C(600000) /* docs/protocol.md: how far clocks may be apart */
#define TRIAL_OWN	  4 /* index of the joiner's entry: found, and twice authorise and enrol */
#define TRIAL_FIRST_OWN	  5 /* entries up to and with it */

/* What the Welcome's group is to be. */
struct trial_plan {
	uint8_t id[LEDGER_HASH_LEN];
	struct talk_context context;
	bool no_context;
	bool by_psk; /* the commit says by a PSK over what it was agreed: talk/agreed.h */
	struct talk_context agreed;
	struct bytes founder_says; /* content of the founder's credential */
	bool with_member, with_joiner, with_stranger;
};

struct trial {
	struct world *world;
	struct talk *founder, *member, *joiner;
	uint64_t stated_ms; /* in the joiner's entry */

	/* What is tried: at first right, then changed. */
	struct trial_plan plan;
	uint8_t version;
	struct talk_access access[TALK_ACCESS_MAX];
	size_t access_count;
	uint8_t entries[TRIAL_ENTRIES_MAX][LEDGER_ENTRY_LEN_MAX];
	size_t entry_lens[TRIAL_ENTRIES_MAX];
	size_t entry_count;
	struct ledger_invitation card;
	struct talk_blob card_kept;
	uint64_t made_ms, utc_ms;
	size_t welcome_cut, welcome_flip; /* bytes from the end; 0: none */
};

/* Phone 1 is a member since long, phone 2 stands in the ledger, and has not got its parcel. */
struct trial *trial_begin(uint64_t seed);
void trial_end(struct trial *trial);

/* Everything is right again. */
void trial_reset(struct trial *trial);
void trial_entry_set(struct trial *trial, size_t at, struct bytes entry);

/* More entries, signed by the founder: one that takes a phone out; somebody who was enrolled then, and whom
 * the group does not hold. */
void trial_add_revoke(struct trial *trial, const struct talk *who);
void trial_add_enrol(struct trial *trial, uint64_t stated_ms);

/* The parcel as it would come out of an inbox; and what the joiner says to it. */
void trial_parcel_make(struct trial *trial, struct talk_blob *encoded);
enum sotto_err trial_try(struct trial *trial);

#endif
