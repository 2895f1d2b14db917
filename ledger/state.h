/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of ledger/ share: the state behind struct ledger, and the tables that find things in it.
 * state.c keeps the tables and is the only one that writes them; append.c decides what may be written.
 */
#ifndef LEDGER_STATE_H
#define LEDGER_STATE_H

#include "ledger/ledger.h"

/* Positions into an array, sorted by what they point to, so that a search takes log n steps whatever keys
 * a hostile member picks. The beginning of a key beside them spares most looks into the array. */
struct ledger_index_item {
	uint64_t begins;
	uint32_t position;
};

struct ledger_index {
	struct ledger_index_item *places;
	uint32_t count;
	uint32_t capacity;
};

struct ledger_record {
	uint8_t *data;
	uint32_t len;
	uint8_t head[LEDGER_HASH_LEN]; /* after this entry */
	uint8_t id[LEDGER_ID_LEN];
};

struct ledger_admin {
	struct ledger_admin_keys keys;
	uint64_t since; /* index of the entry since which it is admin without a break */
};

struct ledger_state {
	uint8_t network[LEDGER_HASH_LEN];
	uint8_t start[LEDGER_HASH_LEN]; /* the head of an empty ledger: zeros */
	uint32_t threshold;
	uint64_t threshold_risen; /* index of the last entry that raised it */
	uint64_t admins_touched;
	uint64_t admins_serial; /* lists so far; the founding entry's is number 1 */
	uint32_t admin_count;
	struct ledger_admin admins[LEDGER_ADMINS_MAX];
	/* Indices of the newest entries about these; 0: none. */
	uint64_t policy, relays;
	struct ledger_policy current; /* that policy */
	uint64_t suspended_until;     /* the latest end of a suspension */
	bool terms;		      /* some membership has, or had, an end */
};

struct ledger {
	const struct allocator *allocator;
	struct ledger_state state;
	struct ledger_found founding;

	/* Sums of what is in the arrays, so that nobody has to walk them. */
	uint64_t entries_len;
	uint32_t live_count; /* devices that are not revoked */
	uint32_t unconfirmed;
	uint64_t exclusions;

	struct ledger_record *records;
	struct ledger_member *members;
	struct ledger_device *devices;
	struct ledger_invitation_entry *invitations;
	struct ledger_release *releases; /* by number; the names borrow from the records */
	uint64_t record_count, record_capacity;
	uint32_t member_count, member_capacity;
	uint32_t device_count, device_capacity;
	uint32_t invitation_count, invitation_capacity;
	uint32_t release_count, release_capacity;

	struct ledger_index ids;		  /* records by id */
	struct ledger_index by_extension;	  /* the newest member of each extension */
	struct ledger_index by_device;		  /* devices by key */
	struct ledger_index by_invitation;	  /* invitations by key */
	struct ledger_index by_extension_invited; /* the newest invitation of each extension */
};

/* Room for one more of everything, so that what follows cannot fail. */
MUST_USE enum sotto_err ledger_state_reserve(struct ledger *ledger);

/* None of these fails after ledger_state_reserve. */
void ledger_state_put_record(struct ledger *ledger, uint8_t *data, uint32_t len, const uint8_t *id);
struct ledger_member *ledger_state_put_member(struct ledger *ledger, uint32_t extension,
					      struct bytes name, uint64_t since_ms,
					      uint32_t places);
struct ledger_device *ledger_state_put_device(struct ledger *ledger, const uint8_t *key,
					      uint32_t member);
struct ledger_invitation_entry *ledger_state_put_invitation(struct ledger *ledger,
							    const uint8_t *key, uint32_t extension);

/* Writable views of what the queries of ledger.h find. */
struct ledger_device *ledger_state_device(struct ledger *ledger, const uint8_t *key);
struct ledger_invitation_entry *ledger_state_invitation(struct ledger *ledger, const uint8_t *key);

const struct ledger_invitation_entry *ledger_state_invitation_by_extension(
	const struct ledger *ledger, uint32_t extension);
bool ledger_state_has_id(const struct ledger *ledger, const uint8_t *id);
const struct ledger_admin *ledger_state_admin(const struct ledger *ledger, const uint8_t *key);

#endif
