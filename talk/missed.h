/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay said that it has, and does not serve. Comes with talk/state.h. */
#ifndef TALK_MISSED_H
#define TALK_MISSED_H

#include "talk/state.h"

/* A record of ours that the relay has is read back within so long, or it is put there again. */
#define TALK_MISSED_MS UINT64_C(60000)

/* What is missed by now is to be appended again. */
void talk_missed_work(const struct talk *talk, struct talk_group *group);
uint64_t talk_missed_due(const struct talk *talk);

#endif
