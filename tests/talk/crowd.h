/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that are members and have no engine: they stand in the ledger, in *everyone* and among the key
 * packages like all others, and never say anything. So a network of the largest size costs a test what the few
 * phones cost that it looks at.
 */
#ifndef TESTS_TALK_CROWD_H
#define TESTS_TALK_CROWD_H

#include "tests/talk/world.h"

/*
 * Phone 0 has founded and nobody else has joined yet. Their extensions begin with that of phone
 * WORLD_PHONES_MAX; they are confirmed, and in by one commit of the founder, which applies at once.
 */
void crowd_enter(struct world *world, uint32_t count);

/*
 * So many more have cards and post their petitions; phone 0 is still the only engine. before: who is in.
 * sponsored: their entries stand in the ledger already, signed by the founder.
 */
void crowd_petition(struct world *world, uint32_t before, uint32_t count, bool sponsored);

#endif
