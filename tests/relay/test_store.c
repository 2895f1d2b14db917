/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: order, idempotence, whole requests, incarnations, signatures, trim, expiry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "relay/limits.h"
#include "tests/relay/fixture.h"

static int make_store(void **state)
{
	struct relay_store_config config;
	struct relay_store *store;

	fixture_config(&config);
	if (relay_store_create(&config, &store) != SOTTO_OK)
		return -1;
	*state = store;
	return 0;
}

static int drop_store(void **state)
{
	relay_store_destroy(*state);
	return 0;
}

/* Reads from a sequence to the end, verifies every batch, and returns how many records there were. */
static size_t read_all(struct relay_store *store, const struct fixture_drop *drop, uint64_t from,
		       size_t bytes_max, uint32_t first_number)
{
	uint8_t key[WIRE_KEY_LEN];
	struct wire_batch batch;
	size_t count = 0;

	relay_store_key(store, key);
	do {
		struct wire_cursor cursor;
		struct wire_record record;

		assert_int_equal(relay_store_read(store, drop->name, from, bytes_max, &batch),
				 SOTTO_OK);
		assert_int_equal(wire_batch_verify(&batch, key), SOTTO_OK);
		assert_true(wire_measure(&wire_batch_type, &batch) <= WIRE_MESSAGE_MAX);
		cursor = wire_list_walk(&batch.records);
		while (wire_record_next(&cursor, &record))
			assert_int_equal(fixture_record_number(record.sealed),
					 first_number + count++);
		from = batch.end_sequence + 1;
	} while (batch.end_sequence < batch.newest_sequence);
	return count;
}

/* The running hash at a sequence. */
static void running_to(struct relay_store *store, const struct fixture_drop *drop,
		       uint64_t sequence, uint8_t running[WIRE_HASH_LEN])
{
	struct wire_batch batch;

	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(relay_store_read(store, drop->name, sequence + 1, 0, &batch), SOTTO_OK);
	assert_int_equal(batch.before_sequence, sequence);
	memcpy(running, batch.before_hash, WIRE_HASH_LEN);
}

static void test_appended_is_read(void **state)
{
	struct relay_store *store = *state;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct wire_batch batch;

	fixture_drop(1, 0, &drop);
	assert_int_equal(relay_store_read(store, drop.name, 1, 0, &batch), SOTTO_ERR_NOT_FOUND);
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(fixture_append(store, &drop, i, &appended), SOTTO_OK);
		assert_int_equal(appended.sequences[0], i + 1);
		assert_true(appended.grew);
		assert_memory_equal(appended.drop, drop.name, WIRE_HASH_LEN);
		if (i % 7 == 0)
			assert_int_equal(relay_store_commit(store), SOTTO_OK);
	}
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 200);
	assert_int_equal(read_all(store, &drop, 0, 1, 0), 200);
	assert_int_equal(read_all(store, &drop, 150, 5000, 149), 51);
	assert_int_equal(read_all(store, &drop, 201, 0, 0), 0);
	assert_int_equal(read_all(store, &drop, UINT64_MAX, 0, 0), 0);
}

static void test_append_is_idempotent(void **state)
{
	struct relay_store *store = *state;
	struct wire_record records[4];
	struct relay_appended appended;
	struct fixture_drop drop;
	struct fixture_drop other;
	struct wire_append append = {.records = {.items = records, .count = 4}};

	fixture_drop(1, 0, &drop);
	fixture_drop(2, 0, &other);
	for (uint32_t i = 0; i < 3; i++)
		records[i] = fixture_record(i, WIRE_RECORD_LEN_4);
	records[3] = records[1]; /* twice in one request */
	memcpy(append.append_token, drop.append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, drop.read_token_hash, WIRE_HASH_LEN);
	for (int again = 0; again < 3; again++) {
		assert_int_equal(
			relay_store_append(store, &append, RELAY_DROP_BYTES_MAX, 1, &appended),
			SOTTO_OK);
		assert_int_equal(appended.grew, again == 0);
		assert_int_equal(appended.end_sequence, 3);
		assert_int_equal(appended.sequences[0], 1);
		assert_int_equal(appended.sequences[2], 3);
		assert_int_equal(appended.sequences[3], 2);
		if (again > 0)
			assert_int_equal(relay_store_commit(store), SOTTO_OK);
	}
	/* The same record in another drop is another record. */
	assert_int_equal(fixture_append(store, &other, 0, &appended), SOTTO_OK);
	assert_int_equal(appended.sequences[0], 1);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 3);
}

static void test_a_request_is_whole_or_nothing(void **state)
{
	struct relay_store *store = *state;
	struct wire_record records[8];
	struct relay_store_counts before;
	struct relay_store_counts after;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct wire_append append = {.records = {.items = records, .count = 8}};

	fixture_drop(1, 0, &drop);
	memcpy(append.append_token, drop.append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, drop.read_token_hash, WIRE_HASH_LEN);
	for (uint32_t i = 0; i < 8; i++)
		records[i] = fixture_record(i, WIRE_RECORD_LEN_1);
	relay_store_count(store, &before);
	assert_int_equal(relay_store_append(store, &append, 7 * WIRE_RECORD_LEN_1, 1, &appended),
			 SOTTO_ERR_LIMIT);
	relay_store_count(store, &after);
	assert_memory_equal(&before, &after, sizeof(after));
	/* Another request of the same round is not touched by that. */
	append.records.count = 7;
	assert_int_equal(relay_store_append(store, &append, 7 * WIRE_RECORD_LEN_1, 1, &appended),
			 SOTTO_OK);
	append.records.count = 8;
	assert_int_equal(relay_store_append(store, &append, 7 * WIRE_RECORD_LEN_1, 1, &appended),
			 SOTTO_ERR_LIMIT);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 7);

	append.records.count = 0;
	assert_int_equal(relay_store_append(store, &append, UINT64_MAX, 1, &appended),
			 SOTTO_ERR_INVALID);
	append.records.count = 1;
	append.flags = 0x80;
	assert_int_equal(relay_store_append(store, &append, UINT64_MAX, 1, &appended),
			 SOTTO_ERR_INVALID);
}

static void test_disk_limit(void **state)
{
	struct relay_store_config config;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct relay_store *store;

	(void)state;
	fixture_config(&config);
	config.disk_max = 3 * WIRE_RECORD_LEN_1;
	assert_int_equal(relay_store_create(&config, &store), SOTTO_OK);
	fixture_drop(1, 0, &drop);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(fixture_append(store, &drop, i, &appended),
				 i < 3 ? SOTTO_OK : SOTTO_ERR_DISK_FULL);
	assert_int_equal(fixture_append(store, &drop, 1, &appended), SOTTO_OK);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	relay_store_destroy(store);
}

static void test_drops_have_a_limit(void **state)
{
	const uint64_t gone_ms =
		FIXTURE_UTC_MS + RELAY_RETENTION_MS + RELAY_DROP_KEEP_MS + 2 * RELAY_DAY_MS;
	struct relay_store_config config;
	struct relay_store_counts counts;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct relay_store *store;
	bool more = true;

	(void)state;
	fixture_config(&config);
	assert_int_equal(config.drops_max, RELAY_DROPS_MAX);
	config.drops_max = 3;
	assert_int_equal(relay_store_create(&config, &store), SOTTO_OK);
	for (uint32_t i = 1; i <= 5; i++) {
		fixture_drop(i, 0, &drop);
		assert_int_equal(fixture_append(store, &drop, i, &appended),
				 i <= 3 ? SOTTO_OK : SOTTO_ERR_LIMIT);
	}
	/* What is there goes on; a new one fits when an old one has gone. */
	fixture_drop(1, 0, &drop);
	assert_int_equal(fixture_append(store, &drop, 9, &appended), SOTTO_OK);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	while (more)
		assert_int_equal(relay_store_sweep(store, gone_ms, &more), SOTTO_OK);
	relay_store_count(store, &counts);
	assert_int_equal(counts.drops, 0);
	fixture_drop(4, 0, &drop);
	assert_int_equal(fixture_append(store, &drop, 4, &appended), SOTTO_OK);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	relay_store_destroy(store);
}

static void test_incarnations_differ(void **state)
{
	struct relay_appended first;
	struct relay_appended second;
	struct fixture_drop drop;
	void *other = NULL;

	fixture_drop(1, 0, &drop);
	assert_int_equal(make_store(&other), 0);
	assert_int_equal(fixture_append(*state, &drop, 1, &first), SOTTO_OK);
	assert_int_equal(fixture_append(other, &drop, 1, &second), SOTTO_OK);
	assert_memory_not_equal(first.incarnation, second.incarnation, WIRE_INCARNATION_LEN);
	assert_memory_not_equal(first.running_hash, second.running_hash, WIRE_HASH_LEN);
	assert_int_equal(drop_store(&other), 0);
}

static void test_trim(void **state)
{
	struct relay_store *store = *state;
	struct relay_store_counts counts;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct wire_trim trim = {.flags = WIRE_DROP_INBOX};

	fixture_drop(1, WIRE_DROP_INBOX, &drop);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(fixture_append(store, &drop, i, &appended), SOTTO_OK);
	memcpy(trim.append_token_hash, drop.append_token_hash, WIRE_HASH_LEN);
	memcpy(trim.read_token, drop.read_token, WIRE_TOKEN_LEN);
	trim.up_to_sequence = 4;
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_ERR_NOT_FOUND); /* incarnation */
	memcpy(trim.incarnation, appended.incarnation, WIRE_INCARNATION_LEN);
	/* Of another history nothing is erased. */
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_ERR_INVALID);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 10);
	running_to(store, &drop, 4, trim.running_hash);
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_OK);
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_OK);
	trim.up_to_sequence = 11;
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_ERR_INVALID);
	trim.flags = 0;
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_ERR_INVALID);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 4), 6);
	relay_store_count(store, &counts);
	assert_int_equal(counts.bytes, 6 * WIRE_RECORD_LEN_1);

	/* What was trimmed is still known: sent again, it does not come back. */
	assert_int_equal(fixture_append(store, &drop, 2, &appended), SOTTO_OK);
	assert_int_equal(appended.sequences[0], 3);
	assert_false(appended.grew);
	trim.flags = WIRE_DROP_INBOX;
	trim.up_to_sequence = 10;
	running_to(store, &drop, 10, trim.running_hash);
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_OK);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 0);
	assert_int_equal(fixture_append(store, &drop, 10, &appended), SOTTO_OK);
	assert_int_equal(appended.sequences[0], 11);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 10), 1);
}

static void sweep_all(struct relay_store *store, uint64_t utc_ms)
{
	bool more = true;

	while (more)
		assert_int_equal(relay_store_sweep(store, utc_ms, &more), SOTTO_OK);
}

static void test_expiry(void **state)
{
	struct relay_store *store = *state;
	struct relay_store_counts counts;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct wire_batch batch;
	bool more;
	uint64_t expires_ms = FIXTURE_UTC_MS + RELAY_RETENTION_MS;

	fixture_drop(1, 0, &drop);
	for (uint32_t i = 0; i < 700; i++)
		assert_int_equal(fixture_append(store, &drop, i, &appended), SOTTO_OK);
	assert_int_equal(relay_store_sweep(store, expires_ms, &more), SOTTO_ERR_STATE);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	sweep_all(store, expires_ms - 1);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 700);
	assert_int_equal(relay_store_sweep(store, expires_ms, &more), SOTTO_OK);
	assert_true(more);
	assert_int_equal(read_all(store, &drop, 1, 0, RELAY_SWEEP_STEP), 700 - RELAY_SWEEP_STEP);
	sweep_all(store, expires_ms);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), 0);
	relay_store_count(store, &counts);
	assert_int_equal(counts.bytes, 0);
	assert_int_equal(counts.records, 0);
	assert_int_equal(counts.expired, 700);
	assert_int_equal(counts.oldest_ms, 0);

	/* The drop goes on where it was, until its name expires too. */
	assert_int_equal(fixture_append(store, &drop, 700, &appended), SOTTO_OK);
	assert_int_equal(appended.sequences[0], 701);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	sweep_all(store, FIXTURE_UTC_MS + RELAY_DROP_KEEP_MS + 2 * RELAY_DAY_MS);
	assert_int_equal(relay_store_read(store, drop.name, 1, 0, &batch), SOTTO_ERR_NOT_FOUND);
	relay_store_count(store, &counts);
	assert_int_equal(counts.drops, 0);
}

static void test_trimmed_records_expire_too(void **state)
{
	struct relay_store *store = *state;
	struct relay_store_counts counts;
	struct relay_appended appended;
	struct fixture_drop drop;
	struct wire_trim trim = {.flags = WIRE_DROP_INBOX, .up_to_sequence = 2};

	fixture_drop(1, WIRE_DROP_INBOX, &drop);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(fixture_append(store, &drop, i, &appended), SOTTO_OK);
	memcpy(trim.append_token_hash, drop.append_token_hash, WIRE_HASH_LEN);
	memcpy(trim.read_token, drop.read_token, WIRE_TOKEN_LEN);
	memcpy(trim.incarnation, appended.incarnation, WIRE_INCARNATION_LEN);
	running_to(store, &drop, 2, trim.running_hash);
	assert_int_equal(relay_store_trim(store, &trim), SOTTO_OK);
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	sweep_all(store, FIXTURE_UTC_MS + RELAY_RETENTION_MS);
	relay_store_count(store, &counts);
	assert_int_equal(counts.bytes, 0);
	assert_int_equal(counts.records, 0);
}

static void test_record_sizes(void **state)
{
	static const size_t lens[] = {WIRE_RECORD_LEN_64, WIRE_RECORD_LEN_1, WIRE_RECORD_LEN_16,
				      WIRE_RECORD_LEN_64, WIRE_RECORD_LEN_4};
	struct relay_store *store = *state;
	struct relay_appended appended;
	struct fixture_drop drop;

	fixture_drop(1, 0, &drop);
	for (uint32_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct wire_record record = fixture_record(i, lens[i]);
		struct wire_append append = {.records = {.items = &record, .count = 1}};

		memcpy(append.append_token, drop.append_token, WIRE_TOKEN_LEN);
		memcpy(append.read_token_hash, drop.read_token_hash, WIRE_HASH_LEN);
		assert_int_equal(
			relay_store_append(store, &append, RELAY_DROP_BYTES_MAX, 1, &appended),
			SOTTO_OK);
	}
	assert_int_equal(relay_store_commit(store), SOTTO_OK);
	assert_int_equal(read_all(store, &drop, 1, 0, 0), ARRAY_LEN(lens));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_appended_is_read, make_store, drop_store),
		cmocka_unit_test_setup_teardown(test_append_is_idempotent, make_store, drop_store),
		cmocka_unit_test_setup_teardown(test_a_request_is_whole_or_nothing, make_store,
						drop_store),
		cmocka_unit_test(test_disk_limit),
		cmocka_unit_test(test_drops_have_a_limit),
		cmocka_unit_test_setup_teardown(test_incarnations_differ, make_store, drop_store),
		cmocka_unit_test_setup_teardown(test_trim, make_store, drop_store),
		cmocka_unit_test_setup_teardown(test_expiry, make_store, drop_store),
		cmocka_unit_test_setup_teardown(test_trimmed_records_expire_too, make_store,
						drop_store),
		cmocka_unit_test_setup_teardown(test_record_sizes, make_store, drop_store),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
