/* SPDX-License-Identifier: Apache-2.0 */
/* What messages say: replies, and texts that do not fit into one record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_longest_text),
		cmocka_unit_test(test_long_texts_in_trouble),
		cmocka_unit_test(test_long_text_and_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
