/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk and the crash harness: what a cut keeps, that a run repeats, that SQLite over it keeps what it
 * acknowledged after a stop at every point, and that a disk which lies about syncs is found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "sim/vfs.h"
#include "tests/sim/crash.h"

static struct sim_disk *new_disk(uint64_t seed)
{
	struct sim_random random;
	struct sim_disk *disk;

	sim_random_init(&random, seed);
	assert_int_equal(sim_disk_create(&allocator_default, &random, &disk), SOTTO_OK);
	return disk;
}

static void write_file(struct sim_disk *disk, const char *name, uint8_t fill, size_t len, bool sync)
{
	static uint8_t bytes[4096];
	struct sim_file *file;

	memset(bytes, fill, sizeof(bytes));
	assert_int_equal(sim_file_open(disk, name, SIM_FILE_CREATE, true, &file), SOTTO_OK);
	assert_int_equal(sim_file_write(file, 0, BYTES(bytes, len)), SOTTO_OK);
	if (sync)
		assert_int_equal(sim_file_sync(file), SOTTO_OK);
	sim_file_close(file);
}

static size_t read_file(struct sim_disk *disk, const char *name, uint8_t *out, size_t len)
{
	struct sim_file *file;
	size_t done = 0;

	assert_int_equal(sim_file_open(disk, name, SIM_FILE_EXISTING, false, &file), SOTTO_OK);
	assert_int_equal(sim_file_read(file, 0, out, len, &done), SOTTO_OK);
	sim_file_close(file);
	return done;
}

/* Over many seeds an unsynced overwrite of eight sectors is kept, dropped and torn, and nothing else. */
static void test_power_cut_keeps_drops_and_tears(void **state)
{
	size_t kept = 0;
	size_t dropped = 0;
	size_t torn = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct sim_disk *disk = new_disk(seed);
		uint8_t bytes[4096];

		write_file(disk, "f", 1, 4096, true);
		write_file(disk, "f", 2, 4096, false);
		sim_disk_restart(disk, SIM_POWER_CUT);
		assert_int_equal(read_file(disk, "f", bytes, sizeof(bytes)), 4096);
		for (size_t sector = 0; sector < 8; sector++) {
			const uint8_t *at = bytes + sector * SIM_SECTOR_LEN;
			size_t changed = 0;

			while (changed < SIM_SECTOR_LEN && at[changed] == 2)
				changed++;
			for (size_t i = changed; i < SIM_SECTOR_LEN; i++)
				assert_int_equal(at[i], 1);
			kept += changed == SIM_SECTOR_LEN;
			dropped += changed == 0;
			torn += changed > 0 && changed < SIM_SECTOR_LEN;
		}
		sim_disk_destroy(disk);
	}
	assert_true(kept > 600 && dropped > 400 && torn > 100);
}

static void test_restarts(void **state)
{
	static const struct {
		enum sim_restart how;
		bool sync;
		bool lie;
		bool certain; /* is the new content there for every seed? */
	} table[] = {
		{SIM_POWER_CUT, true, false, true},
		{SIM_POWER_CUT, false, false, false},
		{SIM_POWER_CUT, true, true, false},
		{SIM_KILL, false, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t whole = 0;

		for (uint64_t seed = 0; seed < 64; seed++) {
			struct sim_disk *disk = new_disk(seed);
			uint8_t byte = 0;

			write_file(disk, "f", 1, 512, true);
			sim_disk_ignore_syncs(disk, table[i].lie);
			write_file(disk, "f", 2, 512, table[i].sync);
			sim_disk_restart(disk, table[i].how);
			(void)read_file(disk, "f", &byte, 1);
			whole += byte == 2;
			sim_disk_destroy(disk);
		}
		assert_true(table[i].certain ? whole == 64 : whole > 0 && whole < 64);
	}
}

/* A name is durable with its directory: new ones may vanish, deleted ones may come back. */
static void test_names_need_a_directory_sync(void **state)
{
	size_t made = 0;
	size_t back = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 64; seed++) {
		struct sim_disk *disk = new_disk(seed);

		write_file(disk, "old", 1, 1, true);
		write_file(disk, "new", 1, 1, false);
		assert_int_equal(sim_disk_delete(disk, "old", false), SOTTO_OK);
		assert_false(sim_disk_exists(disk, "old"));
		sim_disk_restart(disk, SIM_POWER_CUT);
		made += sim_disk_exists(disk, "new");
		back += sim_disk_exists(disk, "old");
		sim_disk_destroy(disk);
	}
	assert_true(made > 0 && made < 64 && back > 0 && back < 64);
}

static void test_stop_and_refusal(void **state)
{
	struct sim_disk *disk = new_disk(1);
	struct sim_file *file;
	uint8_t byte = 0;
	size_t done = 0;

	(void)state;
	assert_int_equal(sim_file_open(disk, "f", SIM_FILE_CREATE, true, &file), SOTTO_OK);
	assert_int_equal(sim_file_write(file, 0, BYTES("ab", 2)), SOTTO_OK);
	sim_disk_refuse(disk, 2, 4, SOTTO_ERR_DISK_FULL, true);
	assert_int_equal(sim_file_write(file, 2, BYTES("cdef", 4)), SOTTO_ERR_DISK_FULL);
	assert_int_equal(sim_disk_file_len(disk, "f"), 4);
	assert_int_equal(sim_file_write(file, 0, BYTES("x", 1)), SOTTO_OK);
	assert_int_equal(sim_file_write(file, 4, BYTES("y", 1)), SOTTO_OK);
	sim_disk_stop_at(disk, 5);
	assert_int_equal(sim_file_sync(file), SOTTO_ERR_IO);
	assert_int_equal(sim_file_read(file, 0, &byte, 1, &done), SOTTO_ERR_IO);
	assert_true(sim_disk_stopped(disk));
	sim_file_close(file);
	sim_disk_destroy(disk);
}

/* A table of numbers, one transaction each. */
struct ledger {
	int64_t acknowledged;
	int64_t wanted;
	uint64_t fingerprint;
	struct sim_disk *disk;
};

static sqlite3 *open_ledger(void)
{
	static const char setup[] =
		"PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
		"PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8;"
		"CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, filler BLOB)";
	sqlite3 *db = NULL;

	if (sqlite3_open_v2("ledger", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, CRASH_VFS) !=
		    SQLITE_OK ||
	    sqlite3_exec(db, setup, NULL, NULL, NULL) != SQLITE_OK) {
		(void)sqlite3_close(db);
		return NULL;
	}
	return db;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t answer = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

static void ledger_begin(void *context, struct sim_disk *disk)
{
	struct ledger *ledger = context;

	ledger->acknowledged = 0;
	ledger->disk = disk;
}

static void ledger_run(void *context)
{
	struct ledger *ledger = context;
	sqlite3 *db = open_ledger();

	while (db != NULL && ledger->acknowledged < ledger->wanted) {
		char sql[128];

		snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO t VALUES (%d, zeroblob(1500))",
			 (int)ledger->acknowledged + 1);
		if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
			break;
		ledger->acknowledged++;
	}
	(void)sqlite3_close(db);
}

static bool ledger_check(void *context)
{
	struct ledger *ledger = context;
	sqlite3 *db = open_ledger();
	int64_t count = -1;
	int64_t last = -1;

	if (db != NULL) {
		count = ask(db, "SELECT count(*) FROM t");
		last = ask(db, "SELECT coalesce(max(n), 0) FROM t");
	}
	(void)sqlite3_close(db);
	ledger->fingerprint = sim_disk_fingerprint(ledger->disk);
	return count == last &&
	       (count == ledger->acknowledged || count == ledger->acknowledged + 1);
}

static const struct crash_workload *ledger_workload(struct ledger *ledger)
{
	static struct crash_workload workload;

	workload = (struct crash_workload){
		.begin = ledger_begin, .run = ledger_run, .check = ledger_check, .context = ledger};
	return &workload;
}

static void test_sqlite_survives_every_stop(void **state)
{
	static const struct crash_options table[] = {
		{.seed = 1, .how = SIM_POWER_CUT},
		{.seed = 2, .how = SIM_KILL},
		{.seed = 3, .how = SIM_POWER_CUT, .stop_again = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ledger ledger = {.wanted = 24};
		struct crash_report report = crash_run(ledger_workload(&ledger), &table[i]);

		print_message("# %d stops, %d operations\n", (int)report.points,
			      (int)report.operations);
		assert_true(report.points > 100);
		assert_int_equal(report.failed, 0);
	}
}

/* A test of durability that cannot fail is none. */
static void test_lying_disk_is_found_out(void **state)
{
	static const struct crash_options options = {
		.seed = 1, .how = SIM_POWER_CUT, .ignore_syncs = true};
	struct ledger ledger = {.wanted = 24};
	struct crash_report report = crash_run(ledger_workload(&ledger), &options);

	(void)state;
	assert_true(report.failed > 10);
}

static void test_same_seed_same_bytes(void **state)
{
	struct crash_options options = {.how = SIM_POWER_CUT, .points_max = 2, .step = 77};
	uint64_t fingerprints[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct ledger ledger = {.wanted = 24};

		options.seed = i < 2 ? 5 : 6;
		(void)crash_run(ledger_workload(&ledger), &options);
		fingerprints[i] = ledger.fingerprint;
	}
	assert_true(fingerprints[0] == fingerprints[1]);
	assert_true(fingerprints[0] != fingerprints[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_cut_keeps_drops_and_tears),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_names_need_a_directory_sync),
		cmocka_unit_test(test_stop_and_refusal),
		cmocka_unit_test(test_sqlite_survives_every_stop),
		cmocka_unit_test(test_lying_disk_is_found_out),
		cmocka_unit_test(test_same_seed_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
