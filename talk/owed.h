/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose Welcome may never have come: each leaf that was added to a group and has not been heard in it since, and who
 * added it. At most TALK_MEMBERS_MAX of a group. Comes with talk/state.h.
 */
#ifndef TALK_OWED_H
#define TALK_OWED_H

#include "talk/state.h"

/* A commit that wins adds this device; into that epoch it leads. */
MUST_USE enum sotto_err talk_owed_put(struct talk *talk, struct talk_group *group,
				      const uint8_t *key, const uint8_t *adder, uint64_t epoch);
/* We came in by a Welcome ourselves, just now: who has not renewed its leaf may not have been heard by anybody, and who
 * let us in may have added it, too. */
MUST_USE enum sotto_err talk_owed_welcome(struct talk *talk, struct talk_group *group);
/* It said something in this epoch. */
void talk_owed_heard(struct talk_group *group, const uint8_t *key, uint64_t epoch);
bool talk_owed(const struct talk_group *group, const uint8_t *key);
/* Whose adder is out wants to be added anew. */
void talk_owed_want(struct talk *talk, struct talk_group *group);
/* No more can come of it. */
void talk_owed_forget(struct talk_group *group, const uint8_t *key);
MUST_USE enum sotto_err talk_owed_load(struct talk *talk, struct talk_group *group,
				       const struct wire_list *kept);
void talk_owed_free(const struct talk *talk, struct talk_group *group);

#endif
