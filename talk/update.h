/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates: when this phone renews its leaf in a conversation where there is nothing else to commit. Whoever had a copy of
 * what the phone knew reads nothing any more that was sent after it.
 */
#ifndef TALK_UPDATE_H
#define TALK_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct talk;
struct talk_group;

/*
 * Each commit of a conversation, whoever makes it and for whatever, uses up one of these times. A conversation has
 * TALK_UPDATE_AHEAD of them in hand, and in a day as many again as go into it: so no update is made where there were 24
 * commits within a day.
 */
#define TALK_UPDATE_MS	    (UINT64_C(72) * 60000)
#define TALK_UPDATE_AHEAD   4
#define TALK_UPDATE_DAY_MAX 24
/*
 * A leaf is due when it is older than TALK_UPDATE_MS for each leaf of the group, and, where something was said since, than the
 * policy's beat (12 hours without one), in *everyone* than twice that, and where nobody said anything than this.
 */
#define TALK_UPDATE_IDLE_MS (UINT64_C(28) * 86400000)
/* Rank r waits r times this: it is not urgent, and two at a time are one for nothing. */
#define TALK_UPDATE_RANK_MS UINT64_C(2000)
/* Not so soon after a word of a call there: another device of ours may be in it. */
#define TALK_UPDATE_CALL_MS (UINT64_C(2) * 3600000)
/* Nor so soon after a link came up: who is in an epoch that the others have left learns of it meanwhile. */
#define TALK_UPDATE_LINK_MS UINT64_C(180000)

_Static_assert(TALK_UPDATE_AHEAD + UINT64_C(86400000) / TALK_UPDATE_MS == TALK_UPDATE_DAY_MAX,
	       "what is in hand and what a day adds");

/* Of one conversation, by this phone's wall clock. What lies ahead of it, as it was set back, is taken for now. */
struct talk_pace {
	uint64_t leaf_ms;  /* when our leaf became what it is */
	uint64_t spent_ms; /* until then the conversation's commits have used up the time */
	bool used;	   /* somebody said something since */
	uint64_t call_ns;  /* the last word of a call; 0: none since the start */
};

/* Of this phone. */
struct talk_updates {
	bool calling;	    /* a call is being made or goes on here */
	uint64_t linked_ns; /* when the link came up last */
};

/* We are in it from now on: what others committed before is not known, so nothing is in hand. */
void talk_update_begin(const struct talk *talk, struct talk_group *group);

/*
 * Of *everyone*, where we came in: our leaf is that of a key package that was made to ask with, and old from the
 * beginning. Its update is one of those that are due, and not made at once: a hundred who come in together are no
 * hundred commits.
 */
void talk_update_first(struct talk_group *group);

/* Its epoch has ended, by whoever's commit; while drops[0] is still that epoch's. */
void talk_update_epoch(const struct talk *talk, struct talk_group *group);

/* Our commit with a path has won. */
void talk_update_won(const struct talk *talk, struct talk_group *group);

/* Something of this type (enum talk_body_type) was said there, by us or others. */
void talk_update_used(const struct talk *talk, struct talk_group *group, uint8_t type);

/* Fewer than half of the tree's parents have a key: a commit with a path costs the others less from then on. */
bool talk_tree_sparse(const struct talk_group *group);

/* Is an update of our leaf due, and may it be made now, where nothing else is to be committed? */
bool talk_update_due(const struct talk *talk, struct talk_group *group);

#endif
