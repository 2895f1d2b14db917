/* SPDX-License-Identifier: Apache-2.0 */
/* When keys that nothing needs any more are looked for. */
#ifndef TALK_AGE_H
#define TALK_AGE_H

#include "talk/state.h"

/* The group was loaded; a message of it was opened; its epoch has changed, and is stored with this step. */
void talk_age_load(const struct talk *talk, struct talk_group *group);
void talk_age_begin(struct talk *talk, struct talk_group *group);
void talk_age_epoch(struct talk *talk, struct talk_group *group);
void talk_age_work(struct talk *talk);
uint64_t talk_age_due(const struct talk *talk);

#endif
