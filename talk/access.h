/* SPDX-License-Identifier: Apache-2.0 */
/* The link's access keys: the next one, installing and proving it. */
#ifndef TALK_ACCESS_H
#define TALK_ACCESS_H

#include "talk/state.h"

const struct talk_access *talk_access_first(const struct talk *talk);
const struct talk_access *talk_access_of(const struct talk *talk, uint64_t number);
/* Is the relay behind us, so that it has to be asked until it is not? */
bool talk_access_behind(const struct talk *talk);
/* The next secret, out of the present epoch of *everyone*. */
MUST_USE enum sotto_err talk_access_next(struct talk *talk, const struct mls_group *mls);
MUST_USE enum sotto_err talk_access_members(const struct talk *talk, const struct talk_group *group,
					    struct talk_blob *members);
MUST_USE enum sotto_err talk_access_epoch(struct talk *talk, const struct talk_group *group,
					  const struct talk_blob *members);
MUST_USE enum sotto_err talk_access_work(struct talk *talk);
uint64_t talk_access_due(const struct talk *talk);
void talk_access_doubt(struct talk *talk);
MUST_USE enum sotto_err talk_access_state(struct talk *talk, const struct wire_link_state *state);
void talk_access_done(struct talk *talk, const struct talk_asked *asked,
		      const struct wire_done *done);
void talk_access_unlink(struct talk *talk);

#endif
