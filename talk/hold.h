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
bool talk_member_ended(const struct talk *talk, const uint8_t *key);
void talk_hold_settle(struct talk *talk);
/* When that is otherwise by time alone; TALK_NEVER. */
uint64_t talk_hold_due(const struct talk *talk);

#endif
