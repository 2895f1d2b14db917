/* SPDX-License-Identifier: Apache-2.0 */
/* One group among the phones of a world: who does what, and whether all see the same. Needs inside.c. */
#ifndef TESTS_TALK_CIRCLE_H
#define TESTS_TALK_CIRCLE_H

#include "tests/talk/inside.h"

struct circle {
	struct world *world;
	uint32_t phones;
	uint8_t id[TALK_CONVERSATION_ID_LEN];
};

/* Bit n: phone n. */
typedef uint64_t circle_phones;
#define PHONE(n) (UINT64_C(1) << (n))

/* A world of so many members, and a group that phone 0 made with these others. */
void circle_begin(struct circle *circle, uint64_t seed, uint32_t phones, circle_phones others);
void circle_end(struct circle *circle);

/* What a phone asks; SOTTO_OK, or why not. A phone that dies meanwhile was not asked. */
enum sotto_err circle_add(struct circle *circle, uint32_t by, circle_phones whom);
enum sotto_err circle_remove(struct circle *circle, uint32_t by, circle_phones whom);
enum sotto_err circle_rename(struct circle *circle, uint32_t by, const char *name);
enum sotto_err circle_leave(struct circle *circle, uint32_t by);

/* The group as this phone has it; NULL: it never was in it. */
struct talk_group *circle_group(const struct circle *circle, uint32_t number);

/* Are these phones in it and no others, in one epoch with one authenticator, and with this name (NULL: any)? Says what
 * is not so. */
bool circle_holds(const struct circle *circle, circle_phones members, const char *name);

/* Does this one member see these phones in it and no others? */
bool circle_sees(const struct circle *circle, uint32_t number, circle_phones members);

/* Writes "text N"; SOTTO_OK, or why not. */
enum sotto_err circle_send(struct circle *circle, uint32_t by, uint32_t text);

/* How often this phone has a text of that one in its store, and in which state (0: not there). */
uint32_t circle_received(const struct circle *circle, uint32_t number, uint32_t from,
			 uint32_t text);
enum talk_message_state circle_state(const struct circle *circle, uint32_t by, uint32_t text);

/* How far it has come with each, by extension: "101 read|102 has"; nothing of who has not got it. */
void circle_reached(const struct circle *circle, uint32_t by, uint32_t text, char *out,
		    size_t room);

/* This phone has read all that it has of the group. */
enum sotto_err circle_read(const struct circle *circle, uint32_t number);

/*
 * What this phone shows, row by row in the order of people: "100 created Harbour\n100 added 101\n101: text 3\n". Texts
 * only if wanted. To be freed.
 */
char *circle_story(const struct circle *circle, uint32_t number, bool texts);

/* Commits that came too late, of all phones together. */
uint64_t circle_discarded(const struct circle *circle);

#endif
