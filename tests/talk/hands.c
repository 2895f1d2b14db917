/* SPDX-License-Identifier: Apache-2.0 */
/* What was said before, from one device to another: asked for, given, and the same on both. */
#include "tests/talk/hands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/devices.h"
#include "tests/talk/inside.h"

enum sotto_err settled(struct world *world, uint32_t number, enum sotto_err err)
{
	/* A phone that dies meanwhile was asked for nothing; one that ran out of something starts again. */
	if (err == SOTTO_OK)
		world_settle(world_phone(world, number));
	else if (err == SOTTO_ERR_NO_MEMORY || err == SOTTO_ERR_RANDOM)
		world_restart(world_phone(world, number));
	return err;
}

enum sotto_err hand_ask(struct world *world, uint32_t number)
{
	return settled(world, number,
		       talk_hand_ask(talk_of(world, number), 0, world_now(world), utc_ms(world)));
}

enum sotto_err give(struct world *world, uint32_t by, uint32_t number)
{
	return settled(world, by,
		       talk_hand_give(talk_of(world, by), number, world_now(world), utc_ms(world)));
}

enum sotto_err stop(struct world *world, uint32_t by, uint32_t number)
{
	return settled(world, by,
		       talk_hand_stop(talk_of(world, by), number, world_now(world), utc_ms(world)));
}

/* The only one that this phone has. */
struct talk_hand hand_of(struct world *world, uint32_t number)
{
	struct talk_hand hand = {0}, other;
	uint32_t cursor = 0;

	if (talk_hand_next(talk_of(world, number), &cursor, &hand))
		assert_false(talk_hand_next(talk_of(world, number), &cursor, &other));
	return hand;
}

enum talk_hand_state hand_state(struct world *world, uint32_t number)
{
	return hand_of(world, number).state;
}

struct shelf {
	struct world *world;
	uint32_t number;
	struct talk_owner owner;
	struct talk_history history;
};

static void shelf_open(struct world *world, uint32_t number,
		       const struct talk_conversation *conversation, struct shelf *shelf)
{
	*shelf = (struct shelf){.world = world, .number = number};
	assert_int_equal(
		talk_conversation_owner(talk_of(world, number), conversation, &shelf->owner),
		SOTTO_OK);
	assert_int_equal(talk_history_read(&world_phone(world, number)->reader, &shelf->owner, 0,
					   &shelf->history),
			 SOTTO_OK);
}

static void shelf_get(const struct shelf *shelf, size_t at, struct writer *value,
		      struct talk_message *message)
{
	assert_int_equal(store_get(&world_phone(shelf->world, shelf->number)->reader,
				   TALK_TABLE_MESSAGES, talk_owner_bytes(&shelf->owner),
				   shelf->history.rows[at].row, value),
			 SOTTO_OK);
	assert_int_equal(talk_message_decode(writer_bytes(value), message), SOTTO_OK);
}

static void assert_reactions_equal(const struct talk_message *a, const struct talk_message *b)
{
	struct wire_cursor left = wire_list_walk(&a->reactions);
	struct wire_cursor right = wire_list_walk(&b->reactions);
	struct talk_reaction one, other;

	while (talk_reaction_next(&left, &one)) {
		assert_true(talk_reaction_next(&right, &other));
		assert_int_equal(one.extension, other.extension);
		assert_true(bytes_equal(one.reaction, other.reaction));
	}
	assert_false(talk_reaction_next(&right, &other));
}

/* Both show the same of this conversation, in one order; so many rows of NEW's were handed over. */
void assert_same(struct world *world, const struct talk_conversation *conversation,
		 size_t handed_wanted)
{
	struct shelf old, new;
	size_t handed = 0;

	shelf_open(world, OLD, conversation, &old);
	shelf_open(world, NEW, conversation, &new);
	assert_int_equal(new.history.count, old.history.count);
	for (size_t i = 0; i < new.history.count; i++) {
		struct talk_message was, is;
		struct writer left, right;

		writer_init_growing(&left, &allocator_default);
		writer_init_growing(&right, &allocator_default);
		shelf_get(&old, i, &left, &was);
		shelf_get(&new, i, &right, &is);
		/* That it came in each device notes for itself, in the same place among the others. */
		if (is.verb != TALK_VERB_DEVICE) {
			assert_memory_equal(is.id, was.id, sizeof(is.id));
			assert_int_equal(talk_place_compare(&is.place, &was.place), 0);
		}
		assert_int_equal(is.kind, was.kind);
		assert_int_equal(is.from, was.from);
		assert_int_equal(is.verb, was.verb);
		assert_int_equal(is.subject, was.subject);
		assert_int_equal(is.sent_ms, was.sent_ms);
		assert_int_equal(is.edited, was.edited);
		assert_int_equal(is.deleted, was.deleted);
		assert_memory_equal(is.reply_to, was.reply_to, sizeof(is.reply_to));
		assert_true(bytes_equal(is.text, was.text));
		assert_reactions_equal(&is, &was);
		assert_int_not_equal(is.received_ms, 0);
		handed += is.handed;
		writer_release(&left);
		writer_release(&right);
	}
	assert_int_equal(handed, handed_wanted);
	talk_history_release(&old.history);
	talk_history_release(&new.history);
}
