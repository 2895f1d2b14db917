/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: no answer to an append before its commit, one commit for many, watches that are pushed, one
 * batch at a time, and nothing lost when there is no room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "relay/desk.h"
#include "relay/limits.h"
#include "tests/relay/fixture.h"

#define ANSWERS_MAX 1024

struct answer {
	uint64_t ticket;
	bool last;
	uint8_t number;
	uint8_t status;	 /* of done */
	size_t records;	 /* of a batch */
	uint64_t before; /* of a batch */
	uint64_t end;	 /* of a batch or appended */
};

struct desk_world {
	struct relay_store *store;
	struct relay_desk *desk;
	struct answer answers[ANSWERS_MAX];
	size_t count;
	bool room;
};

static enum sotto_err take_answer(void *context, uint64_t ticket, bool last, struct bytes message)
{
	struct desk_world *world = context;
	struct answer *answer = &world->answers[world->count++];
	struct wire_appended appended;
	struct wire_batch batch;
	struct wire_done done;

	assert_true(world->count <= ANSWERS_MAX);
	assert_false(relay_store_dirty(world->store));
	assert_true(message.len <= WIRE_MESSAGE_MAX);
	*answer = (struct answer){.ticket = ticket, .last = last, .number = message.data[0]};
	if (wire_done_decode(message, &done) == SOTTO_OK)
		answer->status = done.status;
	if (wire_appended_decode(message, &appended) == SOTTO_OK)
		answer->end = appended.end_sequence;
	if (wire_batch_decode(message, &batch) == SOTTO_OK) {
		answer->before = batch.before_sequence;
		answer->end = batch.end_sequence;
		answer->records = batch.records.count;
	}
	return SOTTO_OK;
}

static bool has_room(void *context)
{
	const struct desk_world *world = context;

	return world->room;
}

static int make_world(void **state)
{
	static struct desk_world world;
	struct relay_store_config store_config;
	struct relay_desk_config config = {
		.allocator = &allocator_default,
		.answer = take_answer,
		.room = has_room,
		.context = &world,
	};

	memset(&world, 0, sizeof(world));
	world.room = true;
	fixture_config(&store_config);
	if (relay_store_create(&store_config, &world.store) != SOTTO_OK)
		return -1;
	config.store = world.store;
	if (relay_desk_create(&config, &world.desk) != SOTTO_OK)
		return -1;
	*state = &world;
	return 0;
}

static int drop_world(void **state)
{
	struct desk_world *world = *state;

	relay_desk_destroy(world->desk);
	relay_store_destroy(world->store);
	return 0;
}

static enum sotto_err ask(struct desk_world *world, uint64_t ticket, uint8_t authority,
			  const struct wire_type *type, const void *message)
{
	struct wire_store_ask request = {.ticket = ticket, .authority = authority};
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_encode(type, message, &writer), SOTTO_OK);
	request.message = writer_bytes(&writer);
	err = relay_desk_ask(world->desk, &request, FIXTURE_UTC_MS);
	writer_release(&writer);
	return err;
}

static enum sotto_err ask_append(struct desk_world *world, uint64_t ticket,
				 const struct fixture_drop *drop, uint32_t number, size_t len)
{
	struct wire_record record = fixture_record(number, len);
	struct wire_append append = {
		.flags = drop->flags,
		.records = {.items = &record, .count = 1},
	};

	memcpy(append.append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, drop->read_token_hash, WIRE_HASH_LEN);
	return ask(world, ticket, WIRE_AUTHORITY_FULL, &wire_append_type, &append);
}

static void ask_watch(struct desk_world *world, uint64_t ticket, const struct fixture_drop *drop,
		      uint64_t from)
{
	struct wire_watch watch = {.flags = drop->flags, .from_sequence = from};

	memcpy(watch.append_token_hash, drop->append_token_hash, WIRE_HASH_LEN);
	memcpy(watch.read_token, drop->read_token, WIRE_TOKEN_LEN);
	assert_int_equal(ask(world, ticket, WIRE_AUTHORITY_FULL, &wire_watch_type, &watch),
			 SOTTO_OK);
}

static void flush(struct desk_world *world)
{
	assert_int_equal(relay_desk_flush(world->desk), SOTTO_OK);
}

static void test_answers_come_after_the_commit(void **state)
{
	struct desk_world *world = *state;
	struct relay_counters counters = {0};
	struct fixture_drop drop;

	fixture_drop(1, 0, &drop);
	for (uint32_t i = 0; i < RELAY_ROUND_MAX; i++)
		assert_int_equal(ask_append(world, 100 + i, &drop, i, WIRE_RECORD_LEN_1), SOTTO_OK);
	assert_int_equal(ask_append(world, 1, &drop, 999, WIRE_RECORD_LEN_1), SOTTO_ERR_AGAIN);
	assert_int_equal(world->count, 0);
	flush(world);
	assert_int_equal(world->count, RELAY_ROUND_MAX);
	for (uint32_t i = 0; i < RELAY_ROUND_MAX; i++) {
		assert_int_equal(world->answers[i].ticket, 100 + i);
		assert_int_equal(world->answers[i].number, wire_number_appended);
		assert_int_equal(world->answers[i].end, i + 1);
		assert_true(world->answers[i].last);
	}
	relay_desk_count(world->desk, &counters);
	assert_int_equal(counters.values[RELAY_COUNTER_commits], 1);
	assert_int_equal(counters.values[RELAY_COUNTER_appends], RELAY_ROUND_MAX);
	assert_false(relay_desk_pending(world->desk));
}

static void test_a_watch_is_pushed(void **state)
{
	struct desk_world *world = *state;
	struct fixture_drop drop;
	struct fixture_drop other;

	fixture_drop(1, 0, &drop);
	fixture_drop(2, 0, &other);
	ask_watch(world, 7, &drop, 1);
	flush(world);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->answers[0].status, WIRE_STATUS_NOT_FOUND);
	assert_false(world->answers[0].last);

	/* Nothing more until the first answer has been taken. */
	assert_int_equal(ask_append(world, 1, &drop, 1, WIRE_RECORD_LEN_1), SOTTO_OK);
	assert_int_equal(ask_append(world, 2, &other, 1, WIRE_RECORD_LEN_1), SOTTO_OK);
	flush(world);
	assert_int_equal(world->count, 3);
	relay_desk_more(world->desk, 7);
	flush(world);
	assert_int_equal(world->count, 4);
	assert_int_equal(world->answers[3].ticket, 7);
	assert_int_equal(world->answers[3].records, 1);
	relay_desk_more(world->desk, 7);
	flush(world);
	assert_int_equal(world->count, 4);

	/* With credit it is pushed in the round of the append. */
	assert_int_equal(ask_append(world, 3, &drop, 2, WIRE_RECORD_LEN_1), SOTTO_OK);
	flush(world);
	assert_int_equal(world->count, 6);
	assert_int_equal(world->answers[5].ticket, 7);
	assert_int_equal(world->answers[5].before, 1);
	assert_int_equal(world->answers[5].end, 2);

	/* The same record again is nothing new. */
	relay_desk_more(world->desk, 7);
	assert_int_equal(ask_append(world, 4, &drop, 2, WIRE_RECORD_LEN_1), SOTTO_OK);
	flush(world);
	assert_int_equal(world->count, 7);
	relay_desk_cancel(world->desk, 7);
	relay_desk_cancel(world->desk, 7);
	relay_desk_more(world->desk, 7);
	assert_int_equal(ask_append(world, 5, &drop, 3, WIRE_RECORD_LEN_1), SOTTO_OK);
	flush(world);
	assert_int_equal(world->count, 8);
}

static void test_an_existing_empty_answer_comes_at_once(void **state)
{
	struct desk_world *world = *state;
	struct fixture_drop drop;

	fixture_drop(1, 0, &drop);
	assert_int_equal(ask_append(world, 1, &drop, 1, WIRE_RECORD_LEN_1), SOTTO_OK);
	flush(world);
	ask_watch(world, 7, &drop, 2);
	flush(world);
	assert_int_equal(world->count, 2);
	assert_int_equal(world->answers[1].number, wire_number_batch);
	assert_int_equal(world->answers[1].records, 0);
	assert_int_equal(world->answers[1].end, 1);
}

static void test_reads(void **state)
{
	static const struct {
		uint64_t from;
		uint32_t max_bytes;
		size_t answers;
		size_t records;
	} table[] = {
		{1, 0, 3, 5},  {0, 0, 3, 5}, {3, 0, 1, 3},     {6, 0, 1, 0},
		{99, 0, 1, 0}, {1, 1, 1, 1}, {1, 70000, 2, 2},
	};
	struct desk_world *world = *state;
	struct fixture_drop drop;

	fixture_drop(1, 0, &drop);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(ask_append(world, i, &drop, i,
					    i < 2 ? WIRE_RECORD_LEN_64 : WIRE_RECORD_LEN_16),
				 SOTTO_OK);
	flush(world);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct wire_read read = {.from_sequence = table[i].from,
					 .max_bytes = table[i].max_bytes};
		size_t records = 0;

		memcpy(read.append_token_hash, drop.append_token_hash, WIRE_HASH_LEN);
		memcpy(read.read_token, drop.read_token, WIRE_TOKEN_LEN);
		world->count = 0;
		assert_int_equal(ask(world, 50 + i, WIRE_AUTHORITY_FULL, &wire_read_type, &read),
				 SOTTO_OK);
		do {
			flush(world);
			records += world->answers[world->count - 1].records;
			relay_desk_more(world->desk, 50 + i);
		} while (!world->answers[world->count - 1].last);
		flush(world);
		assert_int_equal(records, table[i].records);
		assert_int_equal(world->count, table[i].answers);
	}
}

static void test_without_room_batches_wait(void **state)
{
	struct desk_world *world = *state;
	struct fixture_drop drop;

	fixture_drop(1, 0, &drop);
	ask_watch(world, 7, &drop, 1);
	flush(world);
	relay_desk_more(world->desk, 7);
	flush(world);
	world->room = false;
	assert_int_equal(ask_append(world, 1, &drop, 1, WIRE_RECORD_LEN_1), SOTTO_OK);
	flush(world);
	assert_int_equal(world->count, 2); /* the append's answer does not wait */
	assert_true(relay_desk_pending(world->desk));
	world->room = true;
	flush(world);
	assert_int_equal(world->count, 3);
	assert_int_equal(world->answers[2].records, 1);
}

static void test_porch_and_inbox_have_limits(void **state)
{
	struct desk_world *world = *state;
	struct fixture_drop drop;
	uint32_t fitting = RELAY_PORCH_BYTES_MAX / WIRE_RECORD_LEN_64;

	fixture_drop(1, 0, &drop);
	for (uint32_t i = 0; i <= fitting; i++) {
		struct wire_record record = fixture_record(i, WIRE_RECORD_LEN_64);
		struct wire_append append = {.records = {.items = &record, .count = 1}};

		memcpy(append.append_token, drop.append_token, WIRE_TOKEN_LEN);
		memcpy(append.read_token_hash, drop.read_token_hash, WIRE_HASH_LEN);
		assert_int_equal(ask(world, i, WIRE_AUTHORITY_PORCH, &wire_append_type, &append),
				 SOTTO_OK);
		flush(world);
	}
	assert_int_equal(world->answers[fitting - 1].number, wire_number_appended);
	assert_int_equal(world->answers[fitting].number, wire_number_done);
	assert_int_equal(world->answers[fitting].status, WIRE_STATUS_QUOTA);
}

static void test_watches_have_a_limit(void **state)
{
	struct desk_world *world = *state;
	struct relay_counters counters = {0};
	struct fixture_drop drop;

	fixture_drop(1, 0, &drop);
	for (uint64_t i = 1; i <= RELAY_WATCHES_MAX; i++)
		ask_watch(world, i, &drop, 1);
	assert_int_equal(world->count, 0);
	relay_desk_count(world->desk, &counters);
	assert_int_equal(counters.values[RELAY_COUNTER_watches], RELAY_WATCHES_MAX);
	ask_watch(world, RELAY_WATCHES_MAX + 1, &drop, 1);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->answers[0].ticket, RELAY_WATCHES_MAX + 1);
	assert_int_equal(world->answers[0].status, WIRE_STATUS_QUOTA);
	assert_true(world->answers[0].last);
	/* One that ends makes room. */
	relay_desk_cancel(world->desk, 7);
	ask_watch(world, RELAY_WATCHES_MAX + 2, &drop, 1);
	assert_int_equal(world->count, 1);
	ask_watch(world, RELAY_WATCHES_MAX + 3, &drop, 1);
	assert_int_equal(world->count, 2);
}

static void test_what_is_no_request_of_the_store(void **state)
{
	struct desk_world *world = *state;
	struct wire_hello hello = {.version = WIRE_VERSION};
	struct wire_store_ask empty = {.ticket = 1};
	static const uint8_t junk[] = {wire_number_append, 1, 2, 3};

	assert_int_equal(ask(world, 1, WIRE_AUTHORITY_FULL, &wire_hello_type, &hello),
			 SOTTO_ERR_FORMAT);
	assert_int_equal(relay_desk_ask(world->desk, &empty, 1), SOTTO_ERR_FORMAT);
	empty.message = BYTES_OF(junk);
	assert_int_equal(relay_desk_ask(world->desk, &empty, 1), SOTTO_ERR_FORMAT);
	flush(world);
	assert_int_equal(world->count, 0);
}

int main(void)
{
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, drop_world)
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_answers_come_after_the_commit),
		DESK_TEST(test_a_watch_is_pushed),
		DESK_TEST(test_an_existing_empty_answer_comes_at_once),
		DESK_TEST(test_reads),
		DESK_TEST(test_without_room_batches_wait),
		DESK_TEST(test_porch_and_inbox_have_limits),
		DESK_TEST(test_watches_have_a_limit),
		DESK_TEST(test_what_is_no_request_of_the_store),
	};

	return cmocka_run_group_tests_name("desk", tests, NULL, NULL);
}
