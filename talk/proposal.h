/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that not enough admins have signed yet, and what the relay is told by k of them. Comes with talk/state.h. */
#ifndef TALK_PROPOSAL_H
#define TALK_PROPOSAL_H

#include "talk/admins.h"
#include "talk/schema_store.h"

struct talk_blob;

/* What has been signed is said again so often, until it is decided. */
#define TALK_PROPOSAL_SAY_MS UINT64_C(86400000)
/* Nobody signs what is as old. */
#define TALK_PROPOSAL_MS (14 * UINT64_C(86400000))
/* Who has enough signatures and did not give the last one waits so long, times its rank and one. */
#define TALK_PROPOSAL_RANK_MS UINT64_C(2000)
/* An entry that was sent and does not stand in the ledger by then is sent again. */
#define TALK_PROPOSAL_AGAIN_MS UINT64_C(60000)

/* An invitation of ours, until its card was used or is over: the key that the card has. */
struct talk_invite_row {
	struct list list;
	uint64_t number;
	uint8_t private_key[LEDGER_PRIVATE_LEN];
	uint8_t public_key[LEDGER_KEY_LEN];
	uint32_t extension;
};

struct talk_proposed {
	struct list list;
	uint64_t number; /* of its row */
	uint8_t hash[LEDGER_HASH_LEN];
	uint8_t by[LEDGER_KEY_LEN];
	uint64_t came_ms;
	uint64_t said_ms;	   /* when we last said what we have signed; 0: it is to be said */
	struct talk_blob *entries; /* envelopes with the signatures that are here */
	size_t count;
	uint8_t refused[LEDGER_ADMINS_MAX][LEDGER_KEY_LEN];
	size_t refused_count;
	uint64_t due_ns;       /* our turn to make entries of it; 0: not known */
	uint64_t submitted_ns; /* when we last did; 0: not */
	/* What follows from it and the ledger, until one of them changes. */
	uint64_t judged; /* entries of the ledger and one; 0: it has changed since */
	enum talk_proposal_change became;
	uint32_t needed; /* so many more must sign */
	bool ours;	 /* this phone has signed all of it */
	bool dirty;
};

/* ---- found.c ---- */
/* As an entry, with the signatures that it has, in the place of what was there. */
MUST_USE enum sotto_err talk_draft_keep(const struct talk *talk, const struct ledger_draft *draft,
					struct talk_blob *entry);

/* ---- proposal.c ---- */
bool talk_proposed_decode(const struct talk_blob *blob, struct ledger_entry *entry);
/* Of the acts alone: whoever signs them, it is the same. */
void talk_proposed_hash(const struct talk *talk, const struct talk_blob *entries, size_t count,
			uint8_t *hash);
struct talk_proposed *talk_proposed_find(const struct talk *talk, const uint8_t *hash);
struct talk_proposed *talk_proposed_by_code(const struct talk *talk, struct bytes typed);
/* Can it still become an entry, if others sign it? */
bool talk_proposed_open(const struct talk *talk, const struct talk_blob *blob);
/* All of it, as somebody does who approves it. */
bool talk_proposed_signed(const struct talk_proposed *item, const uint8_t *key);
bool talk_proposed_refused(const struct talk_proposed *item, const uint8_t *key);
/* What follows from it is to be found anew, and its row is to be written. */
void talk_proposed_changed(struct talk_proposed *item);
MUST_USE enum sotto_err talk_proposed_tell(struct talk *talk, const struct talk_proposed *item,
					   enum talk_proposal_change change);
/* Takes the entries over; not in the list yet. NULL: no memory, and they are still the caller's. */
struct talk_proposed *talk_proposed_make(struct talk *talk, const struct talk_blob *entries,
					 size_t count);
MUST_USE enum sotto_err talk_proposed_erase(struct talk *talk, struct talk_proposed *item);
/* Entries of a list, as blobs of our own; *count is 0 before. */
MUST_USE enum sotto_err talk_proposed_take(struct talk *talk, const struct wire_list *list,
					   struct talk_blob *entries, size_t *count);
void talk_proposed_clear(struct talk *talk, struct talk_blob *entries, size_t count);
void talk_proposals_clear(struct talk *talk);
MUST_USE enum sotto_err talk_proposals_save(struct talk *talk);
MUST_USE enum sotto_err talk_proposal_load(struct talk *talk, uint64_t index, struct bytes value);
/* May this phone propose one more? */
bool talk_proposal_room(const struct talk *talk);
/* One of ours that is open invites this extension. */
bool talk_proposal_invites(const struct talk *talk, uint32_t extension);

/* ---- decide.c ---- */
/* Takes the entries over. */
MUST_USE enum sotto_err talk_propose(struct talk *talk, struct talk_blob *entries, size_t count);
MUST_USE enum sotto_err talk_proposal_receive(struct talk *talk, const uint8_t *key,
					      struct bytes body);
MUST_USE enum sotto_err talk_refusal_receive(struct talk *talk, const uint8_t *key,
					     struct bytes body);
MUST_USE enum sotto_err talk_proposals_work(struct talk *talk);
uint64_t talk_proposals_due(const struct talk *talk);
/* The relay lost records of *everyone*. */
void talk_proposals_lost(struct talk *talk);

/* ---- roster.c ---- */
/* The card is told again. SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err talk_invite_again(struct talk *talk, uint32_t extension);
/* Nothing comes of the invitation with this key. */
MUST_USE enum sotto_err talk_invite_fail(struct talk *talk, const uint8_t *key);
void talk_invites_clear(struct talk *talk);

/* ---- quorum.c ---- */

/* What admins sign for the relay, without being asked: it follows from what k of them have signed. */
enum talk_step_kind { TALK_STEP_KEY = 1, TALK_STEP_ADMINS = 2 };

struct talk_approved {
	uint8_t key[LEDGER_KEY_LEN]; /* of the admin's device */
	uint8_t signature[LEDGER_SIGNATURE_LEN];
};

struct talk_quorum {
	uint64_t serial; /* the relay's list of admins, by its last word on this link; 0: none */
	uint64_t ours;	 /* the ledger's, when the relay was last asked because of it */
	enum talk_step_kind kind; /* the next step; 0: there is none */
	uint64_t number;
	struct talk_approved approved[LEDGER_ADMINS_MAX];
	size_t count;
	uint64_t said_ns; /* when we last said ours; 0: not */
	uint64_t due_ns;  /* our turn to tell the relay; TALK_NEVER: not enough have signed */
};

/* The relay's list of admins is behind the ledger's, or its keys behind ours. */
bool talk_quorum_behind(const struct talk *talk);
MUST_USE enum sotto_err talk_quorum_work(struct talk *talk);
/* Is it our turn to tell it? */
bool talk_quorum_ready(const struct talk *talk);
MUST_USE enum sotto_err talk_quorum_tell(struct talk *talk);
uint64_t talk_quorum_due(const struct talk *talk);
MUST_USE enum sotto_err talk_approval_receive(struct talk *talk, const uint8_t *key,
					      struct bytes body);

#endif
