/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone may ask of a relay in how much time: beyond each limit it is told so, and when to come back; a little
 * earlier is too early, and then it is served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/relay/requests.h"

#define APPENDS_MAX 4096
#define REFILL_MS   1000 /* of the requests' own bucket */

static struct fixture_drop plain;
static struct fixture_drop marked;

static int begin(void **state)
{
	fixture_drop(1, 0, &plain);
	fixture_drop(2, WIRE_DROP_CATCH_UP, &marked);
	return setup_founded(state);
}

/* Waits for the answer, not for a fixed time. */
static struct network_answer ask(size_t phone, const struct wire_type *type, const void *message)
{
	struct writer writer;
	uint64_t request;

	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_encode(type, message, &writer), SOTTO_OK);
	assert_int_equal(
		link_client_request(network.phones[phone].client, writer_bytes(&writer), &request),
		SOTTO_OK);
	writer_release(&writer);
	for (int ms = 0; ms < 500 && network_answer(&network, phone, request) == NULL; ms++)
		network_run(&network, 1);
	assert_non_null(network_answer(&network, phone, request));
	return *network_answer(&network, phone, request);
}

static struct network_answer append_now(size_t phone, const struct fixture_drop *drop, size_t len)
{
	static uint32_t number;
	struct wire_record record = fixture_record(++number, len);
	struct wire_append message = {.flags = drop->flags,
				      .records = {.items = &record, .count = 1}};

	memcpy(message.append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(message.read_token_hash, drop->read_token_hash, WIRE_HASH_LEN);
	return ask(phone, &wire_append_type, &message);
}

static struct network_answer read_now(size_t phone, const struct fixture_drop *drop, uint64_t from)
{
	struct wire_read message = {.flags = drop->flags, .from_sequence = from};

	memcpy(message.append_token_hash, drop->append_token_hash, WIRE_HASH_LEN);
	memcpy(message.read_token, drop->read_token, WIRE_TOKEN_LEN);
	return ask(phone, &wire_read_type, &message);
}

/* Appends until it is refused; *taken is what was not. The requests themselves have a rate, too. */
static struct network_answer append_until_quota(size_t phone, const struct fixture_drop *drop,
						size_t len, uint64_t *taken)
{
	for (int i = 0; i < APPENDS_MAX; i++) {
		struct network_answer answer = append_now(phone, drop, len);

		if (answer.status == WIRE_STATUS_BUSY)
			network_run(&network, REFILL_MS);
		else if (answer.number != wire_number_appended)
			return answer;
		else
			*taken += len;
	}
	fail_msg("%d appends and no quota", APPENDS_MAX);
	return (struct network_answer){.status = WIRE_STATUS_OK};
}

static void test_appending_has_a_quota(void **state)
{
	static const struct {
		enum link_key_kind kind;
		const uint8_t *key;
		const struct fixture_drop *drop;
		uint64_t burst;
		uint64_t rate;
		size_t least; /* what does not fit at last */
	} table[] = {
		{LINK_KEY_ACCESS, access_key, &plain, RELAY_LINK_APPEND_BURST,
		 RELAY_LINK_APPEND_RATE, WIRE_RECORD_LEN_64},
		{LINK_KEY_PORCH, porch_key, &porch, RELAY_PORCH_BURST, RELAY_PORCH_RATE,
		 WIRE_RECORD_LEN_1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct network_answer answer;
		uint64_t taken = 0;
		uint64_t gained;
		uint64_t begun_ms;

		network_connect(&network, 1 + i, table[i].kind, 1, table[i].key);
		begun_ms = network.utc_ms;
		(void)append_until_quota(1 + i, table[i].drop, WIRE_RECORD_LEN_64, &taken);
		answer = append_until_quota(1 + i, table[i].drop, table[i].least, &taken);
		gained = (network.utc_ms - begun_ms) * table[i].rate / 1000;
		/* All of the burst was taken, and not more than it and what time gave. */
		assert_int_equal(answer.status, WIRE_STATUS_QUOTA);
		assert_in_range(taken, table[i].burst - table[i].burst / 32,
				table[i].burst + gained);
		/* Too early, and when it was told. */
		assert_in_range(answer.retry_ms, 1,
				(table[i].least + 64) * 1000 / table[i].rate + 1);
		network_run(&network, answer.retry_ms / 2);
		assert_int_equal(append_now(1 + i, table[i].drop, table[i].least).status,
				 WIRE_STATUS_QUOTA);
		network_run(&network, answer.retry_ms);
		assert_int_equal(append_now(1 + i, table[i].drop, table[i].least).number,
				 wire_number_appended);
	}
}

/* Fills a drop without a phone, which has a quota. */
static void fill(const struct fixture_drop *drop, uint64_t bytes)
{
	for (uint32_t i = 0; i < bytes / WIRE_RECORD_LEN_64; i++) {
		struct wire_record record = fixture_record(i, WIRE_RECORD_LEN_64);
		struct wire_append message = {.flags = drop->flags,
					      .records = {.items = &record, .count = 1}};
		struct relay_appended appended;

		memcpy(message.append_token, drop->append_token, WIRE_TOKEN_LEN);
		memcpy(message.read_token_hash, drop->read_token_hash, WIRE_HASH_LEN);
		assert_int_equal(relay_store_append(network.store, &message, RELAY_DROP_BYTES_MAX,
						    network.utc_ms, &appended),
				 SOTTO_OK);
	}
	assert_int_equal(relay_store_commit(network.store), SOTTO_OK);
}

/* Reads all there is; the last answer. *end: the last record that came. */
static struct network_answer read_all(size_t phone, uint64_t from, uint64_t *end)
{
	struct network_phone *who = &network.phones[phone];
	struct network_answer first = read_now(phone, &marked, from);
	size_t seen;

	do {
		seen = who->answer_count;
		network_run(&network, 50);
	} while (who->answer_count != seen);
	for (size_t i = 0; i < who->answer_count; i++) {
		if (who->answers[i].number == wire_number_batch && who->answers[i].end > *end)
			*end = who->answers[i].end;
	}
	return *network_answer(&network, phone, first.request);
}

static void test_catching_up_has_a_quota(void **state)
{
	const uint64_t records = RELAY_CATCH_UP_BURST / WIRE_RECORD_LEN_64 + 64;
	struct network_answer answer;
	uint64_t end = 0;
	uint64_t again;

	(void)state;
	fill(&marked, records * WIRE_RECORD_LEN_64);
	assert_int_equal(install(0, 2, next_key), OK);
	network_connect(&network, 1, LINK_KEY_ACCESS, 1, access_key);
	answer = read_all(1, 1, &end);
	assert_int_equal(answer.number, wire_number_done);
	assert_int_equal(answer.status, WIRE_STATUS_QUOTA);
	assert_in_range(end,
			(RELAY_CATCH_UP_BURST - RELAY_CATCH_UP_BURST / 64) / WIRE_RECORD_LEN_64,
			records - 1);
	assert_in_range(answer.retry_ms, 1, WIRE_MESSAGE_MAX * 1000 / RELAY_CATCH_UP_RATE + 1);
	/* Too early: no record more. */
	again = end;
	assert_int_equal(read_all(1, end + 1, &again).status, WIRE_STATUS_QUOTA);
	assert_int_equal(again, end);
	network_run(&network, answer.retry_ms);
	(void)read_all(1, end + 1, &again);
	assert_true(again > end);
	/* A phone that has the newest key has no such quota. */
	network_connect(&network, 2, LINK_KEY_ACCESS, 2, next_key);
	end = 0;
	assert_int_equal(read_all(2, 1, &end).number, wire_number_batch);
	assert_int_equal(end, records);
}

static uint64_t begin_read(size_t phone)
{
	struct wire_read message = {.flags = plain.flags, .from_sequence = 1};
	struct writer writer;
	uint64_t request = 0;
	enum sotto_err err;

	memcpy(message.append_token_hash, plain.append_token_hash, WIRE_HASH_LEN);
	memcpy(message.read_token, plain.read_token, WIRE_TOKEN_LEN);
	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_read_encode(&message, &writer), SOTTO_OK);
	err = link_client_request(network.phones[phone].client, writer_bytes(&writer), &request);
	assert_true(err == SOTTO_OK || err == SOTTO_ERR_AGAIN);
	writer_release(&writer);
	return request;
}

/* The store process is slow: what waits for it is bounded, for one link and in all. */
static void test_what_waits_for_the_store_is_bounded(void **state)
{
	const size_t links = RELAY_ASKS_MAX / RELAY_LINK_REQUESTS_MAX;
	struct network_answer answer;
	uint64_t first = 0;

	(void)state;
	assert_true(links + 1 < NETWORK_PHONES);
	fill(&plain, WIRE_RECORD_LEN_64);
	for (size_t phone = 1; phone <= links + 1; phone++)
		network_connect(&network, phone, LINK_KEY_ACCESS, 1, access_key);
	network.store_waits = true;
	for (size_t phone = 1; phone <= links; phone++) {
		for (int i = 0; i < RELAY_LINK_REQUESTS_MAX; i++) {
			first = begin_read(phone);
			assert_int_not_equal(first, 0);
		}
		/* More than a link may have waiting it cannot even ask. */
		assert_int_equal(begin_read(phone), 0);
		network_run(&network, 50);
		assert_int_equal(network.phones[phone].answer_count, 0);
	}
	/* The next of anybody is told to come back. */
	answer = read_now(links + 1, &plain, 1);
	assert_int_equal(answer.status, WIRE_STATUS_BUSY);
	assert_int_equal(answer.retry_ms, 1000);
	network.store_waits = false;
	network_run(&network, answer.retry_ms);
	for (size_t phone = 1; phone <= links; phone++)
		assert_int_equal(network.phones[phone].answer_count, RELAY_LINK_REQUESTS_MAX);
	assert_int_equal(read_now(links + 1, &plain, 1).number, wire_number_batch);
	assert_int_equal(read_now(links, &plain, 1).number, wire_number_batch);
}

int main(void)
{
#define LIMIT(name) cmocka_unit_test_setup_teardown(name, begin, teardown)
	const struct CMUnitTest tests[] = {
		LIMIT(test_appending_has_a_quota),
		LIMIT(test_catching_up_has_a_quota),
		LIMIT(test_what_waits_for_the_store_is_bounded),
	};

	return cmocka_run_group_tests_name("relay limits", tests, NULL, NULL);
}
