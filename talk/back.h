/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of being brought back share: readd.c, plea.c, back.c. Comes with talk/state.h. */
#ifndef TALK_BACK_H
#define TALK_BACK_H

#include "talk/state.h"

/* ---- readd.c: who is to be added anew ---- */
void talk_return_want(struct talk *talk, struct talk_group *group, const uint8_t *key);
/* A commit that wins does it. */
MUST_USE enum sotto_err talk_returned(struct talk *talk, struct talk_group *group,
				      const uint8_t *key);
bool talk_return_due(struct talk *talk, const struct talk_group *group, const uint8_t *key);
void talk_return_spoke(struct talk *talk, struct talk_group *group, const uint8_t *key,
		       uint64_t epoch);
/* Its key package does not fit. */
MUST_USE enum sotto_err talk_return_fail(struct talk *talk, struct talk_group *group,
					 const uint8_t *key);
void talk_heard_from(struct talk *talk, const uint8_t *key);

/* ---- plea.c: asking to be added anew ---- */
MUST_USE enum sotto_err talk_stand_still(struct talk *talk, struct talk_group *group,
					 enum talk_stuck_why why);
/* Is nothing done here until we are added anew? */
bool talk_stands_still(const struct talk_group *group);
bool talk_gap_waits(const struct talk *talk, const struct talk_group *group);
MUST_USE enum sotto_err talk_plea_work(struct talk *talk);
uint64_t talk_plea_due(const struct talk *talk);
uint64_t talk_porch_due(const struct talk *talk);
MUST_USE enum sotto_err talk_stuck_receive(struct talk *talk, const uint8_t *key,
					   struct bytes body);
MUST_USE enum sotto_err talk_plea_receive(struct talk *talk, struct bytes opened);
bool talk_porch_offer(const struct talk *talk);

/* ---- back.c: a Welcome into a group that we have already ---- */
MUST_USE enum sotto_err talk_back_everyone(struct talk *talk, const struct talk_parcel *parcel,
					   struct mls_group **mls);
/* What leads on is this, whatever was before. Takes *mls over. */
MUST_USE enum sotto_err talk_back_take(struct talk *talk, struct talk_group *group,
				       struct mls_group **mls);
MUST_USE enum sotto_err talk_back_group(struct talk *talk, struct talk_group *group,
					struct mls_group **mls);

#endif
