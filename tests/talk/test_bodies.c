/* SPDX-License-Identifier: Apache-2.0 */
/* What messages say: replies, and texts that do not fit into one record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

static enum sotto_err send(struct world *world, uint32_t from, uint32_t to, struct bytes text,
			   const uint8_t *reply_to, uint8_t *id)
{
	struct talk_conversation with = talk_with(100 + to);
	struct world_phone *phone = world_phone(world, from);
	enum sotto_err err =
		talk_send_text(phone->talk, &with, text, reply_to, id, world_now(world),
			       WORLD_UTC_MS + world_now(world) / 1000000);

	if (err == SOTTO_OK)
		world_settle(phone);
	return err;
}

/* The row of a message in the conversation of phone `number` with `peer`; borrows from value. */
static bool row_of(struct world *world, uint32_t number, uint32_t peer, const uint8_t *id,
		   struct writer *value, struct talk_message *message)
{
	struct talk_conversation with = talk_with(100 + peer);
	const struct store_reader *reader = &world_phone(world, number)->reader;
	struct talk_owner owner;
	uint64_t row;

	writer_init_growing(value, &allocator_default);
	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	if (talk_row_find(talk_of(world, number), &owner, id, &row) != SOTTO_OK)
		return false;
	assert_int_equal(
		store_get(reader, TALK_TABLE_MESSAGES, talk_owner_bytes(&owner), row, value),
		SOTTO_OK);
	assert_int_equal(talk_message_decode(writer_bytes(value), message), SOTTO_OK);
	return true;
}

/* Is this text there, under this id? */
static bool says(struct world *world, uint32_t number, uint32_t peer, const uint8_t *id,
		 struct bytes text)
{
	struct talk_message message;
	struct writer value;
	bool equal = row_of(world, number, peer, id, &value, &message) &&
		     bytes_equal(message.text, text);

	writer_release(&value);
	return equal;
}

static enum talk_message_state state_at(struct world *world, uint32_t number, uint32_t peer,
					const uint8_t *id)
{
	struct talk_message message;
	struct writer value;
	enum talk_message_state state = (enum talk_message_state)0;

	if (row_of(world, number, peer, id, &value, &message))
		state = message.state;
	writer_release(&value);
	return state;
}

/* A text of this length that is no other one's. */
static struct bytes long_text(uint8_t *out, size_t len, uint32_t number)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)('a' + (i * 7 + i / 251 + number) % 26);
	return BYTES(out, len);
}

static void test_reply(void **state)
{
	struct world *world = world_create(900);
	uint8_t first[TALK_MESSAGE_ID_LEN], reply[TALK_MESSAGE_ID_LEN];
	static const uint8_t none[TALK_MESSAGE_ID_LEN];
	struct talk_message message;
	struct writer value;

	(void)state;
	world_members(world, 2, false);
	assert_int_equal(send(world, 0, 1, BYTES_TEXT("Where?"), NULL, first), SOTTO_OK);
	world_run(world, 10);
	assert_int_equal(send(world, 1, 0, BYTES_TEXT("Here."), first, reply), SOTTO_OK);
	world_run(world, 10);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(row_of(world, i, 1 - i, first, &value, &message));
		assert_memory_equal(message.reply_to, none, sizeof(none));
		writer_release(&value);
		assert_true(row_of(world, i, 1 - i, reply, &value, &message));
		assert_memory_equal(message.reply_to, first, sizeof(first));
		assert_true(bytes_equal(message.text, BYTES_TEXT("Here.")));
		writer_release(&value);
	}
	world_destroy(world);
}

/* The longest text there is, and one byte more. */
static void test_longest_text(void **state)
{
	struct world *world = world_create(901);
	uint8_t *room = malloc(TALK_TEXT_MAX + 1);
	uint8_t id[TALK_MESSAGE_ID_LEN];

	(void)state;
	assert_non_null(room);
	assert_int_equal(TALK_TEXT_MAX, 65536);
	world_members(world, 2, false);
	for (uint32_t i = 0; i < 2; i++) {
		struct bytes text = long_text(room, TALK_TEXT_MAX, i);

		assert_int_equal(send(world, i, 1 - i, text, NULL, id), SOTTO_OK);
		world_run(world, 10);
		assert_true(says(world, i, 1 - i, id, text));
		assert_true(says(world, 1 - i, i, id, text));
		assert_int_equal(state_at(world, i, 1 - i, id), TALK_MESSAGE_DELIVERED);
		/* Its parts are gone from both stores. */
		for (uint32_t k = 0; k < 2; k++)
			assert_true(list_empty(&direct_of(world, k, 1 - k)->coming));
		assert_int_equal(
			send(world, i, 1 - i, long_text(room, TALK_TEXT_MAX + 1, i), NULL, id),
			SOTTO_ERR_LIMIT);
	}
	/* Every length around that of one record. */
	for (size_t len = TALK_PART_MAX - 1000; len < TALK_PART_MAX + 5700; len += 311) {
		struct bytes text = long_text(room, len, (uint32_t)len);

		assert_int_equal(send(world, 0, 1, text, NULL, id), SOTTO_OK);
		world_run(world, 2);
		assert_true(says(world, 1, 0, id, text));
	}
	world_run(world, 10);
	assert_int_equal(problems_of(world, 0) | problems_of(world, 1), 0);
	free(room);
	world_destroy(world);
}

#define LONG_TEXTS 5

/*
 * Long texts of both, while both commit, the relay loses everything and both are off: all come, each once, in one
 * order.
 */
static void test_long_texts_in_trouble(void **state)
{
	uint8_t *room = malloc(TALK_TEXT_MAX);

	(void)state;
	assert_non_null(room);
	for (uint64_t seed = 910; seed < 918; seed++) {
		struct world *world = world_create(seed);
		uint8_t ids[2][LONG_TEXTS][TALK_MESSAGE_ID_LEN];
		size_t placeless;

		world_members(world, 2, false);
		all_write(world, 2, UINT32_MAX, 0);
		for (uint32_t i = 0; i < LONG_TEXTS; i++) {
			for (uint32_t k = 0; k < 2; k++) {
				struct bytes text = long_text(room, TALK_TEXT_MAX - i, 2 * i + k);

				assert_int_equal(send(world, k, 1 - k, text, NULL, ids[k][i]),
						 SOTTO_OK);
				world_run_ms(world, (seed * 13 + i * 7 + k * 31) % 90);
			}
			update_wish(world, i % 2, direct_of(world, i % 2, 1 - i % 2));
			world_run_ms(world, (seed * 17 + i * 23) % 70);
			if (i % 3 == 1) {
				links(world, 2, false);
				world_run_ms(world, 50);
				if (seed % 2 == 0)
					fake_relay_lose(world_relay(world));
				links(world, 2, true);
			}
		}
		world_run(world, 120);
		for (uint32_t k = 0; k < 2; k++) {
			assert_int_equal(history_of(world, k, 1 - k, &placeless),
					 2 + 2 * LONG_TEXTS);
			assert_int_equal(placeless, 0);
			for (uint32_t i = 0; i < LONG_TEXTS; i++) {
				struct bytes text = long_text(room, TALK_TEXT_MAX - i, 2 * i + k);

				assert_true(says(world, 1 - k, k, ids[k][i], text));
				assert_int_equal(state_at(world, k, 1 - k, ids[k][i]),
						 TALK_MESSAGE_DELIVERED);
			}
		}
		if (seed % 2 == 1)
			assert_true(histories_equal(world, 0, 1));
		world_destroy(world);
	}
	free(room);
}

/* A phone that dies at every store action while a long text comes and one goes. */
static void test_long_text_and_restarts(void **state)
{
	uint8_t *room = malloc(TALK_TEXT_MAX);

	(void)state;
	assert_non_null(room);
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action += 1 + action / 16) {
			struct world *world = world_create(930 + victim);
			struct bytes text = long_text(room, TALK_TEXT_MAX, 1);
			uint8_t id[TALK_MESSAGE_ID_LEN];

			world_members(world, 2, false);
			all_write(world, 2, UINT32_MAX, 0);
			if (victim == 1)
				world_die_after(world_phone(world, 1), action);
			assert_int_equal(send(world, 0, 1, text, NULL, id), SOTTO_OK);
			if (victim == 0)
				world_die_after(world_phone(world, 0), action);
			world_run(world, 60);
			assert_true(says(world, 1, 0, id, text));
			assert_int_equal(state_at(world, 0, 1, id), TALK_MESSAGE_DELIVERED);
			died = world_phone(world, victim)->deaths;
			world_destroy(world);
		}
	}
	free(room);
}

/* ---- Reactions, edits, deletion, reading ---- */

static uint64_t utc(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

static enum sotto_err edit(struct world *world, uint32_t number, uint32_t peer, const uint8_t *id,
			   struct bytes text)
{
	struct talk_conversation with = talk_with(100 + peer);
	enum sotto_err err =
		talk_edit(talk_of(world, number), &with, id, text, world_now(world), utc(world));

	if (err == SOTTO_OK)
		world_settle(world_phone(world, number));
	return err;
}

static enum sotto_err take_back(struct world *world, uint32_t number, uint32_t peer,
				const uint8_t *id)
{
	struct talk_conversation with = talk_with(100 + peer);
	enum sotto_err err =
		talk_delete(talk_of(world, number), &with, id, world_now(world), utc(world));

	if (err == SOTTO_OK)
		world_settle(world_phone(world, number));
	return err;
}

static enum sotto_err react(struct world *world, uint32_t number, uint32_t peer, const uint8_t *id,
			    const char *reaction)
{
	struct talk_conversation with = talk_with(100 + peer);
	enum sotto_err err =
		talk_react(talk_of(world, number), &with, id, BYTES(reaction, strlen(reaction)),
			   world_now(world), utc(world));

	if (err == SOTTO_OK)
		world_settle(world_phone(world, number));
	return err;
}

/* Everything that is there was read. */
static void read_all(struct world *world, uint32_t number, uint32_t peer)
{
	struct talk_conversation with = talk_with(100 + peer);

	assert_int_equal(talk_mark_read(talk_of(world, number), &with, talk_of(world, number)->rows,
					world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, number));
}

/* How a message is shown on one phone: "text|edited|deleted|100:+ 101:x|101 read". */
static void shown(struct world *world, uint32_t number, uint32_t peer, const uint8_t *id, char *out,
		  size_t room)
{
	struct talk_message message;
	struct talk_reaction reaction;
	struct talk_person person;
	struct wire_cursor cursor;
	struct writer value;
	size_t at;

	assert_true(row_of(world, number, peer, id, &value, &message));
	at = (size_t)snprintf(out, room, "%.*s%s%s", (int)message.text.len,
			      (const char *)message.text.data, message.edited ? "|edited" : "",
			      message.deleted ? "|deleted" : "");
	cursor = wire_list_walk(&message.reactions);
	while (talk_reaction_next(&cursor, &reaction))
		at += (size_t)snprintf(out + at, room - at, "|%u:%.*s", reaction.extension,
				       (int)reaction.reaction.len,
				       (const char *)reaction.reaction.data);
	cursor = wire_list_walk(&message.people);
	while (talk_person_next(&cursor, &person))
		at += (size_t)snprintf(out + at, room - at, "|%u%s", person.extension,
				       person.state == TALK_PERSON_READ ? " read" : " has");
	writer_release(&value);
}

static void assert_shown(struct world *world, const uint8_t *id, const char *on_0, const char *on_1)
{
	char text[256];

	shown(world, 0, 1, id, text, sizeof(text));
	assert_string_equal(text, on_0);
	shown(world, 1, 0, id, text, sizeof(text));
	assert_string_equal(text, on_1);
}

static void test_changes(void **state)
{
	struct world *world = world_create(950);
	uint8_t id[TALK_MESSAGE_ID_LEN], other[TALK_MESSAGE_ID_LEN];
	struct talk_conversation with = talk_with(101);

	(void)state;
	world_members(world, 2, false);
	assert_int_equal(send(world, 0, 1, BYTES_TEXT("Harbor road"), NULL, id), SOTTO_OK);
	world_run(world, 10);
	assert_shown(world, id, "Harbor road", "Harbor road");
	assert_int_equal(react(world, 1, 0, id, "!"), SOTTO_OK);
	assert_int_equal(edit(world, 0, 1, id, BYTES_TEXT("Harbour road")), SOTTO_OK);
	world_run(world, 10);
	assert_shown(world, id, "Harbour road|edited|101:!", "Harbour road|edited|101:!");
	read_all(world, 1, 0);
	assert_int_equal(react(world, 0, 1, id, "?"), SOTTO_OK);
	assert_int_equal(react(world, 1, 0, id, "+"), SOTTO_OK);
	world_run(world, 10);
	assert_shown(world, id, "Harbour road|edited|101:+|100:?|101 read",
		     "Harbour road|edited|101:+|100:?");
	assert_int_equal(react(world, 1, 0, id, ""), SOTTO_OK);
	world_run(world, 10);
	assert_shown(world, id, "Harbour road|edited|100:?|101 read", "Harbour road|edited|100:?");

	/* Only its author, only what is there, only once. */
	assert_int_equal(edit(world, 1, 0, id, BYTES_TEXT("x")), SOTTO_ERR_DENIED);
	assert_int_equal(take_back(world, 1, 0, id), SOTTO_ERR_DENIED);
	memset(other, 7, sizeof(other));
	assert_int_equal(edit(world, 0, 1, other, BYTES_TEXT("x")), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(react(world, 0, 1, id, "a\nb"), SOTTO_ERR_INVALID);
	assert_int_equal(react(world, 0, 1, id, "12345678901234567890123456789012345678901"),
			 SOTTO_ERR_LIMIT);
	assert_int_equal(
		talk_edit(talk_of(world, 0), &with, id, BYTES_NONE, world_now(world), utc(world)),
		SOTTO_ERR_INVALID);
	assert_int_equal(take_back(world, 0, 1, id), SOTTO_OK);
	world_run(world, 10);
	assert_shown(world, id, "|edited|deleted|101 read", "|edited|deleted");
	assert_int_equal(react(world, 1, 0, id, "!"), SOTTO_ERR_EXISTS);
	assert_int_equal(take_back(world, 0, 1, id), SOTTO_ERR_EXISTS);
	assert_int_equal(problems_of(world, 0) | problems_of(world, 1), 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(list_empty(&direct_of(world, i, 1 - i)->outbox));
	world_destroy(world);
}

/* Who does not say what he reads is not told either. */
static void test_silence_about_reading(void **state)
{
	struct world *world = world_create(951);
	uint8_t ids[2][TALK_MESSAGE_ID_LEN];
	struct talk_status status;

	(void)state;
	world_members(world, 2, false);
	assert_int_equal(talk_tell_read(talk_of(world, 0), false, world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_restart(world_phone(world, 0));
	talk_status(talk_of(world, 0), &status);
	assert_false(status.tells_read);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(send(world, i, 1 - i, BYTES_TEXT("Hm."), NULL, ids[i]), SOTTO_OK);
	world_run(world, 10);
	for (uint32_t i = 0; i < 2; i++)
		read_all(world, i, 1 - i);
	world_run(world, 10);
	assert_shown(world, ids[0], "Hm.", "Hm.");
	assert_shown(world, ids[1], "Hm.", "Hm.");
	assert_int_equal(talk_tell_read(talk_of(world, 0), true, world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(send(world, i, 1 - i, BYTES_TEXT("Ah."), NULL, ids[i]), SOTTO_OK);
	world_run(world, 10);
	for (uint32_t i = 0; i < 2; i++)
		read_all(world, i, 1 - i);
	world_run(world, 10);
	assert_shown(world, ids[0], "Ah.|101 read", "Ah.");
	assert_shown(world, ids[1], "Ah.", "Ah.|100 read");
	world_destroy(world);
}

/* What nobody has got yet leaves as it is now, or not at all. */
static void test_changes_before_it_left(void **state)
{
	struct world *world = world_create(952);
	uint8_t edited[TALK_MESSAGE_ID_LEN], deleted[TALK_MESSAGE_ID_LEN];
	struct talk_message message;
	struct writer value;
	char text[64];

	(void)state;
	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 0);
	world_link(world, 0, false);
	assert_int_equal(send(world, 0, 1, BYTES_TEXT("Sweeping"), NULL, edited), SOTTO_OK);
	assert_int_equal(send(world, 0, 1, BYTES_TEXT("Secretive"), NULL, deleted), SOTTO_OK);
	assert_int_equal(edit(world, 0, 1, edited, BYTES_TEXT("Sleeping")), SOTTO_OK);
	assert_int_equal(take_back(world, 0, 1, deleted), SOTTO_OK);
	world_link(world, 0, true);
	world_run(world, 10);
	assert_shown(world, edited, "Sleeping|edited", "Sleeping|edited");
	shown(world, 0, 1, deleted, text, sizeof(text));
	assert_string_equal(text, "|deleted");
	assert_false(row_of(world, 1, 0, deleted, &value, &message));
	writer_release(&value);
	world_destroy(world);
}

/* Does a phone's store hold these bytes, in whatever row? */
struct looking {
	struct bytes bytes;
	size_t found;
};

static enum sotto_err row_look(void *context, uint64_t index, struct bytes value)
{
	struct looking *looking = context;

	(void)index;
	for (size_t i = 0; i + looking->bytes.len <= value.len; i++) {
		if (memcmp(value.data + i, looking->bytes.data, looking->bytes.len) == 0) {
			looking->found++;
			break;
		}
	}
	return SOTTO_OK;
}

static size_t in_store(struct world *world, uint32_t number, uint32_t peer, struct bytes bytes)
{
	struct talk_conversation with = talk_with(100 + peer);
	const struct store_reader *reader = &world_phone(world, number)->reader;
	struct looking looking = {.bytes = bytes};
	struct talk_owner owner;
	uint8_t group[8];

	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	talk_group_owner(direct_of(world, number, peer), group);
	for (uint32_t table = STORE_TABLES_TALK; table <= UINT8_MAX; table++) {
		struct store_range ranges[] = {
			STORE_RANGE_ALL((uint8_t)table, talk_owner_bytes(&owner)),
			STORE_RANGE_ALL((uint8_t)table, BYTES_OF(group)),
			STORE_RANGE_ALL((uint8_t)table, BYTES_NONE),
		};

		for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
			assert_int_equal(store_iterate(reader, &ranges[i], row_look, &looking),
					 SOTTO_OK);
	}
	return looking.found;
}

/*
 * Nothing of what was edited or deleted is left in either store: of texts that were acknowledged, that are on
 * their way, and that came while the phone was locked. (The vault makes what was overwritten unreadable.)
 */
static void test_nothing_is_left(void **state)
{
	static const char *const before = "the old words";

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		struct world *world = world_create(960 + i);
		bool deletes = i % 2 != 0, on_its_way = i / 2 % 2 != 0, locked = i / 4 != 0;
		uint8_t id[TALK_MESSAGE_ID_LEN];
		struct bytes words = BYTES(before, strlen(before));

		world_members(world, 2, false);
		all_write(world, 2, UINT32_MAX, 0);
		if (locked)
			world_lock(world_phone(world, 1));
		if (on_its_way)
			world_link(world, 1, false);
		assert_int_equal(send(world, 0, 1, words, NULL, id), SOTTO_OK);
		world_run(world, 5);
		assert_int_equal(in_store(world, 0, 1, words), on_its_way ? 2 : 1);
		if (deletes)
			assert_int_equal(take_back(world, 0, 1, id), SOTTO_OK);
		else
			assert_int_equal(edit(world, 0, 1, id, BYTES_TEXT("other ones")), SOTTO_OK);
		assert_int_equal(in_store(world, 0, 1, words), 0);
		world_run(world, 5);
		world_link(world, 1, true);
		world_run(world, 10);
		if (locked)
			world_unlock(world_phone(world, 1));
		world_run(world, 10);
		for (uint32_t k = 0; k < 2; k++)
			assert_int_equal(in_store(world, k, 1 - k, words), 0);
		if (deletes)
			assert_shown(world, id, "|deleted", "|deleted");
		else
			assert_shown(world, id, "other ones|edited", "other ones|edited");
		world_destroy(world);
	}
}

/* A frame of a type and body that the phone's own code would not send. */
struct made_up {
	uint8_t type;
	uint64_t serial;
	struct bytes body;
};

static void make_up(struct talk_frame *frame, const void *context)
{
	const struct made_up *made_up = context;

	frame->type = made_up->type;
	frame->serial = made_up->serial;
	frame->body = made_up->body;
}

static void post(struct world *world, uint32_t number, uint32_t peer, uint8_t type,
		 const struct wire_type *wire, const void *structure)
{
	struct talk_group *group = direct_of(world, number, peer);
	struct talk_blob body = {0};
	struct made_up made_up = {.type = type, .serial = ++group->serial};

	assert_int_equal(talk_encode(talk_of(world, number), wire, structure, &body), SOTTO_OK);
	made_up.body = talk_blob_bytes(&body);
	frame_post(world, number, group, make_up, &made_up);
	talk_blob_clear(talk_of(world, number), &body);
}

/* Changes that come before their message wait, whatever their order; others' edits and nonsense do nothing. */
static void test_changes_that_wait(void **state)
{
	struct world *world = world_create(970);
	struct talk_group *group;
	uint8_t id[TALK_MESSAGE_ID_LEN];
	struct talk_edit edits[] = {{.number = 2, .text = BYTES_TEXT("second")},
				    {.number = 1, .text = BYTES_TEXT("first")}};
	struct talk_reaction_body reaction = {.number = 1, .reaction = BYTES_TEXT("!")};
	struct talk_delete delete;
	struct talk_text text = {.text = BYTES_TEXT("as written")};

	(void)state;
	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 0);
	group = direct_of(world, 1, 0);
	/* The id that the text which follows will have. */
	talk_message_id(group->id, talk_of(world, 1)->identity.public_key, group->serial + 4, id);
	for (size_t i = 0; i < 2; i++) {
		memcpy(edits[i].message, id, sizeof(id));
		post(world, 1, 0, TALK_BODY_EDIT, &talk_edit_type, &edits[i]);
	}
	memcpy(reaction.message, id, sizeof(id));
	post(world, 1, 0, TALK_BODY_REACTION, &talk_reaction_body_type, &reaction);
	/* Somebody else's edit of it. */
	edits[0].number = 9;
	edits[0].text = BYTES_TEXT("forged");
	post(world, 0, 1, TALK_BODY_EDIT, &talk_edit_type, &edits[0]);
	world_run(world, 5);
	post(world, 1, 0, TALK_BODY_TEXT, &talk_text_type, &text);
	world_run(world, 5);
	{
		char out[128];

		shown(world, 0, 1, id, out, sizeof(out));
		assert_string_equal(out, "second|edited|101:!");
	}
	/* Deletions, too, only of one's own. */
	memcpy(delete.message, id, sizeof(id));
	post(world, 0, 1, TALK_BODY_DELETE, &talk_delete_type, &delete);
	world_run(world, 5);
	assert_true(says(world, 0, 1, id, BYTES_TEXT("second")));
	post(world, 1, 0, TALK_BODY_DELETE, &talk_delete_type, &delete);
	edits[0].number = 10;
	post(world, 1, 0, TALK_BODY_EDIT, &talk_edit_type, &edits[0]);
	world_run(world, 5);
	{
		char out[128];

		shown(world, 0, 1, id, out, sizeof(out));
		assert_string_equal(out, "|edited|deleted");
	}
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);
}

/* Somebody speaks of messages that nobody has: what waits for them is bounded, the oldest goes. */
static void test_waiting_is_bounded(void **state)
{
	struct world *world = world_create(971);
	struct talk_reaction_body reaction = {.reaction = BYTES_TEXT("!")};
	size_t before;

	(void)state;
	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 0);
	read_all(world, 0, 1);
	world_run(world, 5);
	before = store_memory_rows(world_phone(world, 0)->store);
	for (uint32_t i = 0; i < TALK_WAITING_MAX + 20; i++) {
		reaction.message[0] = 0xff;
		reaction.message[7] = (uint8_t)i;
		for (reaction.number = 1; reaction.number < (i == 3 ? 12 : 2); reaction.number++)
			post(world, 1, 0, TALK_BODY_REACTION, &talk_reaction_body_type, &reaction);
		world_run_ms(world, 200);
	}
	world_run(world, 10);
	/* One row each, and the one that says which. */
	assert_int_equal(store_memory_rows(world_phone(world, 0)->store),
			 before + TALK_WAITING_MAX + 1);
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);
}

/* A phone dies at each store action while everything happens to a message. */
static void test_changes_and_restarts(void **state)
{
	(void)state;
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action += 1 + action / 12) {
			struct world *world = world_create(980 + victim);
			uint8_t id[TALK_MESSAGE_ID_LEN];

			world_members(world, 2, false);
			assert_int_equal(send(world, 0, 1, BYTES_TEXT("one"), NULL, id), SOTTO_OK);
			world_run(world, 10);
			world_die_after(world_phone(world, victim), action);
			while (edit(world, 0, 1, id, BYTES_TEXT("two")) != SOTTO_OK) {
			}
			world_run(world, 1);
			while (react(world, 1, 0, id, "!") != SOTTO_OK) {
			}
			world_run(world, 30);
			if (!says(world, 0, 1, id, BYTES_TEXT("two"))) {
				/* The step that should have kept it died. */
				assert_int_equal(edit(world, 0, 1, id, BYTES_TEXT("two")),
						 SOTTO_OK);
				world_run(world, 20);
			}
			died = world_phone(world, victim)->deaths;
			assert_true(says(world, 1, 0, id, BYTES_TEXT("two")));
			for (uint32_t i = 0; i < 2; i++) {
				char here[64], there[64];

				shown(world, i, 1 - i, id, here, sizeof(here));
				shown(world, 1 - i, i, id, there, sizeof(there));
				assert_string_equal(here, there);
				assert_true(list_empty(&direct_of(world, i, 1 - i)->outbox));
			}
			world_destroy(world);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_longest_text),
		cmocka_unit_test(test_long_texts_in_trouble),
		cmocka_unit_test(test_long_text_and_restarts),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_silence_about_reading),
		cmocka_unit_test(test_changes_before_it_left),
		cmocka_unit_test(test_nothing_is_left),
		cmocka_unit_test(test_changes_that_wait),
		cmocka_unit_test(test_waiting_is_bounded),
		cmocka_unit_test(test_changes_and_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
