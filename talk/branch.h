/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two histories of one group, which a relay made that showed different phones different things: which commits led here
 * (branch.c), and how the two become one (fork.c). Comes with talk/state.h.
 */
#ifndef TALK_BRANCH_H
#define TALK_BRANCH_H

#include "base/error.h"
#include "talk/schema_store.h"

struct talk;
struct talk_group;

/* A history that others should know is told once in so long, and again when it is doubted again. */
#define TALK_BRANCH_TELL_MS UINT64_C(600000)
/* Who waits for the other history so long in vain goes on with its own. */
#define TALK_BRANCH_VAIN_MS UINT64_C(3600000)
/* And asks again each time that so much has passed. */
#define TALK_BRANCH_AGAIN_MS UINT64_C(86400000)

/* Others of our history are further, and what leads there does not come: asks to be brought back. */
#define TALK_BRANCH_AHEAD_MS UINT64_C(60000)

struct talk_branch {
	struct talk_mark
		*marks; /* the newest first, each of an earlier epoch than the one before */
	size_t count, capacity;
	uint64_t since; /* the epoch into which we came */
	bool doubt;	/* there may be another history: ours is to be told */
	uint64_t told_ms;
	uint64_t due_ns; /* when, by rank; 0: not known yet */
	uint64_t ticket; /* *everyone*: open append of it; 0: none */
	/* The first epoch of our history that another one stays for; 0: none that we know of. */
	uint64_t fork;
	uint8_t fork_hash[LEDGER_HASH_LEN]; /* what stays there */
	uint8_t fork_by[LEDGER_KEY_LEN];    /* who said so */
	uint64_t vain_ms; /* since when that is not waited for any more; 0: it is */
	uint64_t ahead;	  /* others of our history are in this epoch; 0: none that we know of */
	uint8_t ahead_hash[LEDGER_HASH_LEN]; /* what they said led there */
	uint64_t ahead_ns; /* since when ours ends before, read to its end; 0: it does not */
	bool dirty;
};

/* ---- branch.c: which commits led to a group's epoch ---- */

/* The group's epoch is another one, perhaps. Before each store of it. */
MUST_USE enum sotto_err talk_branch_note(struct talk *talk, struct talk_group *group);
/* As somebody who lets us in says, in contents. What is not in order is left out. */
MUST_USE enum sotto_err talk_branch_take(struct talk *talk, struct talk_branch *branch,
					 const struct wire_list *marks);
/* What came with a Welcome is now the group's, if it leads to the group's epoch. Empties came. */
void talk_branch_enter(struct talk *talk, struct talk_group *group, struct talk_branch *came);
/* Others of our history are further, so what this epoch's drop shows does not show that nobody has gone on. */
bool talk_branch_behind(const struct talk_group *group);
/* Did those of this history go on by the commit of ours that is pending here? */
bool talk_branch_by_pending(const struct talk_group *group, const struct talk_branch *theirs);
/* The mark of this epoch; NULL: not remembered. */
const struct talk_mark *talk_branch_at(const struct talk_branch *branch, uint64_t epoch);

enum talk_branches {
	TALK_BRANCHES_ONE,   /* they do not differ where both remember */
	TALK_BRANCHES_FIRST, /* two, and the first stays */
	TALK_BRANCHES_SECOND,
	TALK_BRANCHES_STRANGE, /* two, and where they part neither says */
};
/* at: the first epoch in which they differ. Of two histories the one whose commit is smaller there stays. */
enum talk_branches talk_branches_compare(const struct talk_branch *first,
					 const struct talk_branch *second, uint64_t *at);

MUST_USE enum sotto_err talk_branch_save(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_branch_load(struct talk *talk, struct talk_group *group,
					 struct bytes value);
MUST_USE enum sotto_err talk_branch_erase(struct talk *talk, const struct talk_group *group);
void talk_branch_clear(const struct talk *talk, struct talk_branch *branch);

/* ---- fork.c: two histories become one ---- */

/* The relay lost a drop of this group, or showed another history of it, or somebody has another one. */
void talk_fork_doubt(struct talk *talk, struct talk_group *group);
/* We were brought back into *everyone*. */
void talk_fork_unheard(struct talk *talk);
/* Somebody is in our epoch of *everyone* with another authenticator. */
void talk_fork_seen(struct talk *talk);
MUST_USE enum sotto_err talk_fork_work(struct talk *talk);
uint64_t talk_fork_due(const struct talk *talk);
/* Ours of *everyone* is there: told; or the request ended. */
void talk_fork_told(struct talk *talk, uint64_t ticket, bool told);
MUST_USE enum sotto_err talk_fork_receive(struct talk *talk, const uint8_t *key, struct bytes body);
MUST_USE enum sotto_err talk_fork_porch(struct talk *talk, struct bytes opened);
/* Does a Welcome into this epoch lead to the history that stays? came: the marks of its contents. */
bool talk_fork_awaits(const struct talk_group *group, uint64_t epoch,
		      const struct talk_branch *came);
/* We are in it. */
MUST_USE enum sotto_err talk_fork_came(struct talk *talk, struct talk_group *group);
/* Is something of this to be shown? */
bool talk_fork_shown(const struct talk *talk);

#endif
