/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones from inside: what their own code would not say, said with their keys and over their own link, and
 * what an observer sees of what leaves them.
 */
#ifndef TESTS_TALK_INSIDE_H
#define TESTS_TALK_INSIDE_H

#include "talk/state.h"
#include "tests/talk/world.h"

struct talk *talk_of(struct world *world, uint32_t number);

/* The conversation of phone `number` with phone `peer` that goes on; NULL: none. */
struct talk_group *direct_of(struct world *world, uint32_t number, uint32_t peer);
uint64_t epoch_of(const struct talk_group *group);

struct talk_group *everyone_of(struct world *world, uint32_t number);
uint64_t epoch_at(struct world *world, uint32_t number); /* of *everyone* */

/* Messages in parts that are not whole yet at this phone, in *everyone*. */
size_t unfinished(struct world *world, uint32_t number);

/* Rows of *everyone* that phone `number` has stored in this table. */
size_t rows(struct world *world, uint32_t number, uint8_t table);

/*
 * The history of the conversation with phone `peer`, as phone `number` shows it: texts, and how many of them have
 * no place. The same order on both phones, of the same messages, and the same places.
 */
size_t history_of(struct world *world, uint32_t number, uint32_t peer, size_t *placeless);
bool histories_equal(struct world *world, uint32_t a, uint32_t b);

/* A wish to commit: the phone renews its path in this group. */
void update_wish(struct world *world, uint32_t number, struct talk_group *group);

/*
 * A frame from this phone into one of its groups: as it would be made now, changed, sealed and appended.
 * plain: what is sealed instead of a frame.
 */
typedef void frame_change(struct talk_frame *frame, const void *context);
void frame_post(struct world *world, uint32_t number, struct talk_group *group,
		frame_change *change, const void *context);
void plain_post(struct world *world, uint32_t number, struct talk_group *group, struct bytes plain);

/* Likewise, and it stays here; the test appends it, or nobody does. */
void frame_seal(struct world *world, uint32_t number, struct talk_group *group,
		frame_change *change, const void *context, struct talk_blob *record);

/* Of an append request: the drop and its first record; false: another request. */
bool append_read(struct bytes request, uint8_t *name, struct bytes *sealed);

#endif
