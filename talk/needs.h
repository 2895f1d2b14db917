/* SPDX-License-Identifier: Apache-2.0 */
/* What a group needs that takes a commit: for commit.c. */
#ifndef TALK_NEEDS_H
#define TALK_NEEDS_H

#include "talk/state.h"

/* In one commit; more wait for the next. */
#define TALK_NEEDS_MAX 256

/* Borrowed from what the phone knows, until that changes. */
struct talk_needs {
	struct bytes adds[TALK_NEEDS_MAX]; /* key packages */
	const uint8_t *added[TALK_NEEDS_MAX];
	size_t add_count;
	uint32_t removes[TALK_NEEDS_MAX]; /* leaves */
	size_t remove_count;
	bool sponsored; /* we put the first of the added into the ledger, or nobody else could add them */
	bool one_of_ours;	/* one of them at least */
	bool update, scheduled; /* of our leaf; scheduled: it is due by its age alone (update.c) */
	bool stranger;		/* somebody is in it whom our ledger does not have */
	/* Of a group: what any member would do, and what only we want. */
	bool shared, own;
	const struct talk_wish *rename;
};

/* In this group, now, as this phone sees it. */
MUST_USE enum sotto_err talk_needs_find(struct talk *talk, struct talk_group *group,
					struct talk_needs *needs);
bool talk_needed(const struct talk_needs *needs);

#endif
