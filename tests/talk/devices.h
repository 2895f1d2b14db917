/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several devices of one person, and what each has of a conversation. Needs inside.c; what does not hold ends the
 * case.
 */
#ifndef TESTS_TALK_DEVICES_H
#define TESTS_TALK_DEVICES_H

#include "tests/talk/world.h"

uint64_t utc_ms(const struct world *world);

/* Shows a card on the old phone; it lies where world_join takes cards from. */
enum sotto_err card_show(struct world *world, uint32_t old, const char *name);
enum sotto_err approve(struct world *world, uint32_t old, const char *code);

/* Phone `new` has seen the card and waits; its code. And: is approved, too. */
void ask(struct world *world, uint32_t old, uint32_t new, const char *name, char *code);
void add(struct world *world, uint32_t old, uint32_t new, const char *name);

/* Member 101's device with this number, by phone `by`. */
void retire(struct world *world, uint32_t by, uint32_t number);

const struct ledger_device *device_of(struct world *world, uint32_t viewer, uint32_t number);

/* What phone `number` has of the conversation with this extension: who said what, notices too. */
struct found {
	const char *text;
	struct talk_message message; /* the last one that says this */
	uint32_t count, devices, texts;
};
struct found look(struct world *world, uint32_t number, uint32_t extension, const char *text);

void say(struct world *world, uint32_t from, uint32_t to, const char *text);
/* `new` is added when phone 2 has said something to its person. */
void add_after(struct world *world, const char *text, uint32_t old, uint32_t new);
void assert_says(struct world *world, uint32_t number, uint32_t with, const char *text,
		 uint32_t from, enum talk_message_state state);

#endif
