/* SPDX-License-Identifier: Apache-2.0 */
/* Signs of life, and the time: beacon.c. Comes with talk/state.h. */
#ifndef TALK_BEACON_H
#define TALK_BEACON_H

#include "base/error.h"

struct talk;

/* Has an admin's phone said lately what time it is? */
bool talk_fresh(const struct talk *talk);
MUST_USE enum sotto_err talk_beacon_work(struct talk *talk);
void talk_beacon_stored(struct talk *talk);
void talk_time_heard(struct talk *talk, const uint8_t *key, uint64_t stated_ms);
uint64_t talk_beacon_due(const struct talk *talk);

#endif
