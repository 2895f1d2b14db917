/* SPDX-License-Identifier: Apache-2.0 */
/* Commits of ours, and whose turn it is: commit.c. Comes with talk/state.h. */
#ifndef TALK_COMMIT_H
#define TALK_COMMIT_H

#include "talk/state.h"

MUST_USE enum sotto_err talk_commit_make(struct talk *talk, struct talk_group *group,
					 struct mls_commit_options *options,
					 const uint8_t *const *keys, struct bytes name);
MUST_USE enum sotto_err talk_commit_work(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_commit_won(struct talk *talk, struct talk_group *group);
bool talk_pending_allowed(const struct talk *talk, const struct talk_group *group);
MUST_USE enum sotto_err talk_commit_lost(struct talk *talk, struct talk_group *group);
/* Commits that won and that the relay lost. */
MUST_USE enum sotto_err talk_commits_again(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_commit_erase(struct talk *talk, const struct talk_group *group,
					  const struct talk_drop *drop);
uint32_t talk_rank(const struct talk *talk, const struct talk_group *group, struct bytes trigger);

#endif
