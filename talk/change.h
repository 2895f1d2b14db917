/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a message that is there, or waits for it. Comes with talk/state.h. */
#ifndef TALK_CHANGE_H
#define TALK_CHANGE_H

#include "talk/state.h"

/* ---- change.c: of a message of this group's conversation; waits if it is not here yet ---- */
MUST_USE enum sotto_err talk_change(struct talk *talk, const struct talk_group *group,
				    const struct talk_kept_change *change);
MUST_USE enum sotto_err talk_change_apply(struct talk *talk,
					  const struct talk_conversation *conversation,
					  const struct talk_owner *owner,
					  const struct talk_kept_change *change);
MUST_USE enum sotto_err talk_change_park(struct talk *talk, const struct talk_group *group,
					 const struct talk_kept_change *change);
/* The message has come. */
MUST_USE enum sotto_err talk_changes_resume(struct talk *talk,
					    const struct talk_conversation *conversation,
					    const struct talk_owner *owner, const uint8_t *id);

#endif
