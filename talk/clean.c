/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of which it is known that the ledger allows all their leaves. What a leaf is allowed by, its device and whose that
 * is, only an exclusion takes back.
 */
#include "talk/state.h"

static uint64_t epoch_of(const struct talk_group *group)
{
	struct mls_context context;

	mls_group_context(group->mls, &context);
	return context.epoch;
}

bool talk_clean_known(const struct talk *talk, const struct talk_group *group)
{
	return group->clean.known && group->clean.exclusions == ledger_exclusions(talk->ledger) &&
	       group->clean.ended == talk->ended && group->clean.epoch == epoch_of(group);
}

void talk_clean_note(const struct talk *talk, struct talk_group *group)
{
	group->clean = (struct talk_clean){
		/* While it is not known how late it is nobody's membership is over. */
		.known = !group->blocked && (talk->ended == 0 || talk_fresh(talk)),
		.epoch = epoch_of(group),
		.exclusions = ledger_exclusions(talk->ledger),
		.ended = talk->ended,
	};
}

void talk_clean_epoch(struct talk_group *group)
{
	uint64_t epoch = epoch_of(group);

	if (group->kind == TALK_EVERYONE && group->clean.epoch + 1 == epoch)
		group->clean.epoch = epoch;
	else
		group->clean.known = false;
}
