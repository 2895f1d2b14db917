/* SPDX-License-Identifier: Apache-2.0 */
/* invitation.c, inside talk/: the card of a row that stands in the ledger; and is it still good? */
#ifndef TALK_INVITATION_H
#define TALK_INVITATION_H

#include "talk/state.h"

MUST_USE enum sotto_err talk_invitation_make(const struct talk *talk,
					     const struct talk_invite_row *row,
					     struct talk_invitation *invitation);
bool talk_invitation_open(const struct talk *talk, const struct talk_invite_row *row,
			  uint64_t utc_ms);

#endif
