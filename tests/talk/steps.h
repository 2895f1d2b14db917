/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that several stories share; what does not hold ends the case. */
#ifndef TESTS_TALK_STEPS_H
#define TESTS_TALK_STEPS_H

#include "tests/talk/world.h"

enum talk_state state_of(struct world *world, uint32_t number);

/* Bit n: enum talk_problem n; without that one person controls the network, which holds in all stories. */
uint32_t problems_of(struct world *world, uint32_t number);

/* Phone 0 takes phone `number` out. */
void revoke(struct world *world, uint32_t number);

void links(struct world *world, uint32_t count, bool wanted);

/* enum wire_authority of the phone's link. */
uint8_t authority(struct world *world, uint32_t number);

/* Both ways, between all of the first `count`, but for `out`; waits until all is delivered. */
void all_write(struct world *world, uint32_t count, uint32_t out, uint32_t text);

#endif
