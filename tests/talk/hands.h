/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before, from one device to another. Phone OLD is member 101's first device, phone NEW becomes the second.
 * Needs devices.c, inside.c; what does not hold ends the case.
 */
#ifndef TESTS_TALK_HANDS_H
#define TESTS_TALK_HANDS_H

#include "tests/talk/world.h"

#define OLD 1
#define NEW 3

/* Settles the phone if it took what was asked of it. */
enum sotto_err settled(struct world *world, uint32_t number, enum sotto_err err);
enum sotto_err hand_ask(struct world *world, uint32_t number);
enum sotto_err give(struct world *world, uint32_t by, uint32_t number);
enum sotto_err stop(struct world *world, uint32_t by, uint32_t number);

/* The only one that this phone has. */
struct talk_hand hand_of(struct world *world, uint32_t number);
enum talk_hand_state hand_state(struct world *world, uint32_t number);

/* Both show the same of this conversation, in one order; so many rows of NEW's were handed over. */
void assert_same(struct world *world, const struct talk_conversation *conversation,
		 size_t handed_wanted);

#endif
