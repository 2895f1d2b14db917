/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Desk and store on a disk that keeps only what was synced (sim/disk.h), with the power cut, or the process
 * killed, 200 times at any operation of the disk:
 *
 *   requests -> round -> answers: acknowledged -> ... -> cut -> open again -> check -> go on
 *
 * Nothing acknowledged may be missing, nothing may be there twice, and no signature may contradict one
 * that was given before. With syncs stubbed out the same run must lose something.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "relay/desk.h"
#include "relay/limits.h"
#include "sim/disk.h"
#include "sim/vfs.h"
#include "tests/relay/fixture.h"
#include "tests/sparse.h"

#define VFS_NAME    "power"
#define CUTS	    (200 / SPARSE(5))
#define DROPS	    5
#define RECORDS_MAX 60000
#define SIGNED_MAX  65536
#define ROUND_MAX   32

enum fate {
	NOT_SENT = 0,
	SENT,	     /* no answer came: it may be there or not, and is sent again */
	ACKNOWLEDGED /* it must be there, once */
};

struct run {
	struct sim_random random;
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct relay_store *store; /* NULL: the relay is down */
	struct relay_desk *desk;
	struct relay_store_config config;
	struct fixture_drop drops[DROPS];
	uint8_t fates[RECORDS_MAX];
	uint32_t sent;
	uint32_t acknowledged;
	/* The first signature for a sequence: nothing else may be signed there. */
	uint8_t incarnations[DROPS][WIRE_INCARNATION_LEN];
	uint8_t first_signed[DROPS][SIGNED_MAX / DROPS][WIRE_HASH_LEN];
	uint32_t lost;
	uint32_t twice;
	uint32_t contradictions;
	uint32_t unopened; /* starts that failed although the disk did not */
};

static struct run run;

/* An answer that left the relay: what it acknowledges is a promise. The ticket is the record's number. */
static enum sotto_err answered(void *context, uint64_t ticket, bool last, struct bytes message)
{
	(void)context;
	(void)last;
	if (message.data[0] == wire_number_appended)
		run.fates[ticket] = ACKNOWLEDGED;
	return SOTTO_OK;
}

static bool room(void *context)
{
	(void)context;
	return true;
}

static void start(void)
{
	struct relay_desk_config config = {
		.allocator = &allocator_default, .answer = answered, .room = room};

	run.store = NULL;
	if (relay_store_create(&run.config, &run.store) != SOTTO_OK) {
		run.store = NULL;
		run.unopened += sim_disk_stopped(run.disk) ? 0 : 1;
		return;
	}
	config.store = run.store;
	assert_int_equal(relay_desk_create(&config, &run.desk), SOTTO_OK);
}

static void stop(void)
{
	relay_desk_destroy(run.desk);
	relay_store_destroy(run.store);
	run.desk = NULL;
	run.store = NULL;
}

static void ask_append(uint32_t number)
{
	const struct fixture_drop *drop = &run.drops[number % DROPS];
	struct wire_record record = fixture_record(number, WIRE_RECORD_LEN_1);
	struct wire_append append = {.records = {.items = &record, .count = 1}};
	struct wire_store_ask ask = {.ticket = number, .authority = WIRE_AUTHORITY_FULL};
	struct writer writer;

	memcpy(append.append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, drop->read_token_hash, WIRE_HASH_LEN);
	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_append_encode(&append, &writer), SOTTO_OK);
	ask.message = writer_bytes(&writer);
	assert_int_equal(relay_desk_ask(run.desk, &ask, FIXTURE_UTC_MS), SOTTO_OK);
	writer_release(&writer);
}

/* A round: some records of any drop, old unanswered ones among them. */
static void append_round(void)
{
	size_t count = 1 + (size_t)sim_random_below(&run.random, ROUND_MAX);

	for (size_t i = 0; i < count; i++) {
		uint32_t number = run.sent;

		if (run.sent > 0 && sim_random_chance(&run.random, 200000))
			number -= (uint32_t)sim_random_below(&run.random,
							     run.sent < 200 ? run.sent : 200);
		if (number == run.sent && run.sent + 1 < RECORDS_MAX)
			run.sent++;
		if (run.fates[number] == NOT_SENT)
			run.fates[number] = SENT;
		ask_append(number);
	}
	assert_int_equal(relay_desk_flush(run.desk), SOTTO_OK);
}

static void check_signed(size_t drop, const struct wire_batch *batch)
{
	uint8_t *first;
	uint8_t zeros[WIRE_HASH_LEN] = {0};

	if (memcmp(run.incarnations[drop], batch->incarnation, WIRE_INCARNATION_LEN) != 0) {
		memcpy(run.incarnations[drop], batch->incarnation, WIRE_INCARNATION_LEN);
		memset(run.first_signed[drop], 0, sizeof(run.first_signed[drop]));
	}
	assert_true(batch->end_sequence < ARRAY_LEN(run.first_signed[drop]));
	first = run.first_signed[drop][batch->end_sequence];
	if (memcmp(first, zeros, sizeof(zeros)) == 0)
		memcpy(first, batch->running_hash, WIRE_HASH_LEN);
	else if (memcmp(first, batch->running_hash, WIRE_HASH_LEN) != 0)
		run.contradictions++;
}

/* Reads a drop to its end and counts each record; false if the disk stopped meanwhile. */
static bool read_drop(size_t drop, uint64_t from, uint8_t *seen)
{
	uint8_t key[WIRE_KEY_LEN];
	struct wire_batch batch;
	enum sotto_err err;

	relay_store_key(run.store, key);
	do {
		struct wire_cursor cursor;
		struct wire_record record;

		err = relay_store_read(run.store, run.drops[drop].name, from, 0, &batch);
		if (err == SOTTO_ERR_NOT_FOUND)
			return true;
		if (err != SOTTO_OK)
			return false;
		assert_int_equal(wire_batch_verify(&batch, key), SOTTO_OK);
		check_signed(drop, &batch);
		cursor = wire_list_walk(&batch.records);
		while (wire_record_next(&cursor, &record)) {
			uint32_t number = fixture_record_number(record.sealed);

			assert_true(number < RECORDS_MAX && number % DROPS == drop);
			if (seen[number] < UINT8_MAX)
				seen[number]++;
		}
		from = batch.end_sequence + 1;
	} while (batch.end_sequence < batch.newest_sequence);
	return true;
}

static void check_everything(void)
{
	static uint8_t seen[RECORDS_MAX];

	memset(seen, 0, sizeof(seen));
	for (size_t drop = 0; drop < DROPS; drop++)
		assert_true(read_drop(drop, 1, seen));
	for (uint32_t number = 0; number < run.sent; number++) {
		if (run.fates[number] == ACKNOWLEDGED && seen[number] == 0)
			run.lost++;
		if (seen[number] > 1)
			run.twice++;
	}
}

/* Runs until the disk stops, reading now and then as phones do. */
static void run_until_cut(void)
{
	static uint8_t seen[RECORDS_MAX];

	sim_disk_stop_at(run.disk,
			 sim_disk_operations(run.disk) + 1 + sim_random_below(&run.random, 120));
	while (run.store != NULL && !sim_disk_stopped(run.disk)) {
		append_round();
		if (sim_random_chance(&run.random, 300000) &&
		    !read_drop((size_t)sim_random_below(&run.random, DROPS),
			       run.sent / DROPS > 50 ? run.sent / DROPS - 50 : 1, seen))
			break;
	}
}

static void cut(uint64_t seed, uint32_t cuts, bool ignore_syncs)
{
	struct sim_random disk_random;

	memset(&run, 0, sizeof(run));
	sim_random_init(&run.random, seed);
	sim_random_fork(&run.random, 1, &disk_random);
	assert_int_equal(sim_disk_create(&allocator_default, &disk_random, &run.disk), SOTTO_OK);
	assert_int_equal(sim_vfs_create(&allocator_default, VFS_NAME, run.disk, &run.vfs),
			 SOTTO_OK);
	sim_disk_ignore_syncs(run.disk, ignore_syncs);
	fixture_config(&run.config);
	run.config.name = "relay.db";
	run.config.vfs = VFS_NAME;
	for (uint32_t i = 0; i < DROPS; i++)
		fixture_drop(i, 0, &run.drops[i]);
	for (uint32_t i = 0; i < cuts; i++) {
		start();
		run_until_cut();
		stop();
		sim_disk_restart(run.disk,
				 sim_random_chance(&run.random, 700000) ? SIM_POWER_CUT : SIM_KILL);
		start();
		if (run.store == NULL)
			break;
		check_everything();
		stop();
		if (run.lost > 0)
			break;
	}
	for (uint32_t number = 0; number < run.sent; number++)
		run.acknowledged += run.fates[number] == ACKNOWLEDGED;
	sim_vfs_destroy(run.vfs);
	sim_disk_destroy(run.disk);
}

static void test_nothing_acknowledged_is_lost(void **state)
{
	(void)state;
	cut(20261122, CUTS, false);
	print_message("# %u cuts, %u records sent, %u acknowledged, %u lost, %u twice\n", CUTS,
		      run.sent, run.acknowledged, run.lost, run.twice);
	assert_int_equal(run.lost, 0);
	assert_int_equal(run.twice, 0);
	assert_int_equal(run.contradictions, 0);
	assert_int_equal(run.unopened, 0);
	assert_true(run.acknowledged > 10 * CUTS);
}

/* The test can fail: a disk that only says that it has synced is found out. */
static void test_without_syncs_it_is_found_out(void **state)
{
	(void)state;
	cut(20261122, CUTS, true);
	assert_true(run.lost + run.unopened + run.contradictions > 0);
}

/* A disk that refuses some operations, full or broken, and comes back: answers stay true. */
static void test_refused_operations(void **state)
{
	static const enum sotto_err refusals[] = {SOTTO_ERR_IO, SOTTO_ERR_DISK_FULL};
	struct sim_random disk_random;

	(void)state;
	for (uint32_t round = 0; round < 40; round++) {
		uint64_t at;

		memset(&run, 0, sizeof(run));
		sim_random_init(&run.random, round);
		sim_random_fork(&run.random, 1, &disk_random);
		assert_int_equal(sim_disk_create(&allocator_default, &disk_random, &run.disk),
				 SOTTO_OK);
		assert_int_equal(sim_vfs_create(&allocator_default, VFS_NAME, run.disk, &run.vfs),
				 SOTTO_OK);
		fixture_config(&run.config);
		run.config.name = "relay.db";
		run.config.vfs = VFS_NAME;
		for (uint32_t i = 0; i < DROPS; i++)
			fixture_drop(i, 0, &run.drops[i]);
		start();
		assert_non_null(run.store);
		at = sim_disk_operations(run.disk) + sim_random_below(&run.random, 60);
		sim_disk_refuse(run.disk, at, at + 1 + sim_random_below(&run.random, 10),
				refusals[round % 2], round % 4 == 3);
		for (uint32_t i = 0; i < 30; i++)
			append_round();
		sim_disk_refuse(run.disk, 0, 0, SOTTO_ERR_IO, false);
		stop();
		start();
		assert_non_null(run.store);
		check_everything();
		assert_int_equal(run.lost, 0);
		assert_int_equal(run.twice, 0);
		assert_int_equal(run.contradictions, 0);
		stop();
		sim_vfs_destroy(run.vfs);
		sim_disk_destroy(run.disk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_acknowledged_is_lost),
		cmocka_unit_test(test_without_syncs_it_is_found_out),
		cmocka_unit_test(test_refused_operations),
	};

	return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
