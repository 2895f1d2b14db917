/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up what is old: past epochs, and keys of skipped messages. The library has no clock, so the
 * caller says when it is; stamps are set here and nowhere else, and opening a message needs none.
 */
#include "mls/group.h"

static void expire_epochs(struct mls_group *group, uint64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->past_count; i++) {
		struct epoch *epoch = group->past[i];

		if (age_passed(&epoch->retired_s, now_s, group->config.limits.past_epoch_age_s))
			epoch_destroy(epoch);
		else
			group->past[kept++] = epoch;
	}
	group->past_count = kept;
}

static void expire_keys(struct mls_group *group, uint64_t now_s)
{
	uint64_t age_s = group->config.limits.skipped_key_age_s;

	secret_tree_expire(&group->epoch->secret_tree, now_s, age_s);
	for (size_t i = 0; i < group->past_count; i++)
		secret_tree_expire(&group->past[i]->secret_tree, now_s, age_s);
}

void mls_group_expire(struct mls_group *group, uint64_t now_s)
{
	if (now_s == 0)
		return;
	if (group->config.limits.past_epoch_age_s != 0)
		expire_epochs(group, now_s);
	if (group->config.limits.skipped_key_age_s != 0)
		expire_keys(group, now_s);
}
