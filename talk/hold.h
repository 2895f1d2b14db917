/* SPDX-License-Identifier: Apache-2.0 */
/* Whom nothing is sent for now. */
#ifndef TALK_HOLD_H
#define TALK_HOLD_H

#include <string.h>

#include "talk/state.h"

/* An admin of whom nothing was heard for so long is not counted on. */
#define TALK_ADMIN_HEARD_MS (2 * UINT64_C(86400000))

/* Nothing is sent into it now: somebody reads it who is suspended, or whose membership has ended; or ours has. */
bool talk_held(const struct talk *talk, const struct talk_group *group);
/* The number of the release that this phone runs, by its ledger; 0: none is named. */
uint32_t talk_own_release(const struct talk *talk);
/* The policy may be another one. */
void talk_release_look(struct talk *talk);
/* A device has said which one it runs. */
void talk_release_heard(struct talk *talk, const uint8_t *key, uint32_t release);
bool talk_member_ended(const struct talk *talk, const uint8_t *key);
void talk_hold_settle(struct talk *talk);
/* When that is otherwise by time alone; TALK_NEVER. */
uint64_t talk_hold_due(const struct talk *talk);

#endif
