/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite through our VFS: names, modes, syncs, a full disk, what a commit costs, and all of it
 * inside the sandboxes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/assert.h"
#include "os/sandbox.h"
#include "os/vfs.h"

struct fixture {
	char path[64];
	struct os_directory *directory;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	strcpy(fixture.path, "/tmp/sotto-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.path));
	assert_int_equal(os_directory_open(fixture.path, false, &fixture.directory), SOTTO_OK);
	assert_int_equal(os_vfs_register(fixture.directory), SOTTO_OK);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	os_vfs_unregister();
	os_directory_close(fixture->directory);
	(void)snprintf(command, sizeof(command), "rm -rf %s", fixture->path);
	return system(command);
}

static int open_database(const char *name, sqlite3 **database)
{
	return sqlite3_open_v2(name, database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			       OS_VFS_NAME);
}

static int run(sqlite3 *database, const char *sql)
{
	return sqlite3_exec(database, sql, NULL, NULL, NULL);
}

static mode_t mode_of(struct fixture *fixture, const char *name)
{
	struct stat status;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->path, name);
	return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static const char *const journal_modes[] = {
	"PRAGMA journal_mode = DELETE",
	"PRAGMA journal_mode = WAL",
	"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL",
};

/* Makes a database, fills it, reads it again from a second connection; SQLITE_OK or the first
 * error. */
static int exercise(const char *journal_mode)
{
	sqlite3 *database;
	sqlite3_stmt *statement = NULL;
	int result = open_database("vault", &database);

	if (result == SQLITE_OK)
		result = run(database, journal_mode);
	if (result == SQLITE_OK)
		result = run(database,
			     "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
			     "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
			     "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
			     "FROM n WHERE i < 500) INSERT INTO t SELECT i, randomblob(500) "
			     "FROM n; COMMIT;"
			     "BEGIN; DELETE FROM t WHERE a < 100; ROLLBACK;"
			     "DELETE FROM t WHERE a > 400; VACUUM;");
	sqlite3_close(database);
	if (result == SQLITE_OK)
		result = open_database("vault", &database);
	else
		return result;
	if (result == SQLITE_OK)
		result = sqlite3_prepare_v2(database, "SELECT count(*) FROM t", -1, &statement,
					    NULL);
	if (result == SQLITE_OK &&
	    (sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int(statement, 0) != 400))
		result = SQLITE_CORRUPT;
	sqlite3_finalize(statement);
	sqlite3_close(database);
	return result;
}

static void test_every_journal_mode(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(journal_modes); i++) {
		struct os_vfs_counts counts;
		struct fixture *fixture = *state;

		tear_down(state);
		set_up(state);
		assert_int_equal(exercise(journal_modes[i]), SQLITE_OK);
		assert_int_equal(mode_of(fixture, "vault"), 0600);
		os_vfs_count(&counts);
		assert_true(counts.writes > 50 && counts.bytes_written > 400 * 500);
		assert_true(counts.syncs > 0);
		/* The database, its journal made and removed at least once. */
		assert_true(counts.directory_syncs >= 3);
	}
}

/* What a transaction costs: the number that the store's speed hangs on. */
static void test_what_a_commit_costs(void **state)
{
	static const struct {
		const char *journal_mode;
		uint64_t syncs;
		uint64_t directory_syncs;
	} table[] = {
		/* journal twice, database, and the journal's making and removal */
		{"PRAGMA journal_mode = DELETE", 4, 2},
		{"PRAGMA journal_mode = WAL", 1, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct os_vfs_counts before;
		struct os_vfs_counts after;
		sqlite3 *database;

		tear_down(state);
		set_up(state);
		assert_int_equal(open_database("vault", &database), SQLITE_OK);
		assert_int_equal(run(database, table[i].journal_mode), SQLITE_OK);
		assert_int_equal(run(database, "PRAGMA synchronous = FULL; CREATE TABLE t(a);"
					       "INSERT INTO t VALUES (1)"),
				 SQLITE_OK);
		os_vfs_count(&before);
		assert_int_equal(run(database, "INSERT INTO t VALUES (2)"), SQLITE_OK);
		os_vfs_count(&after);
		assert_in_range(after.syncs - before.syncs, 1, table[i].syncs);
		assert_int_equal(after.directory_syncs - before.directory_syncs,
				 table[i].directory_syncs);
		sqlite3_close(database);
	}
}

static void test_names_that_are_refused(void **state)
{
	static const char *const names[] = {
		"/etc/passwd",
		"../vault",
		"a/b",
		".hidden",
		".",
		"..",
		"file:../vault?mode=rwc",
		"",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		sqlite3 *database = NULL;
		int result = open_database(names[i], &database);

		/* "" is a temporary database, which is opened when it is first used. */
		if (result == SQLITE_OK)
			result =
				run(database, "PRAGMA cache_size = 1; PRAGMA cache_spill = 1;"
					      "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 "
					      "UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
					      "INSERT INTO t SELECT randomblob(1000) FROM n");
		assert_int_equal(result, SQLITE_CANTOPEN);
		sqlite3_close(database);
	}
	/* A link is not followed. */
	{
		char path[128];
		sqlite3 *database = NULL;

		(void)snprintf(path, sizeof(path), "%s/link", fixture->path);
		assert_int_equal(symlink("/tmp/sotto-test-elsewhere", path), 0);
		assert_int_not_equal(open_database("link", &database), SQLITE_OK);
		sqlite3_close(database);
		assert_int_not_equal(access("/tmp/sotto-test-elsewhere", F_OK), 0);
	}
}

static void test_registered_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(os_vfs_register(fixture->directory), SOTTO_ERR_STATE);
	assert_ptr_not_equal(sqlite3_vfs_find(NULL),
			     sqlite3_vfs_find(OS_VFS_NAME)); /* not the default */
	os_vfs_unregister();
	assert_null(sqlite3_vfs_find(OS_VFS_NAME));
	os_vfs_unregister();
	assert_int_equal(os_vfs_register(fixture->directory), SOTTO_OK);
}

/* Fills until it fails: SQLITE_FULL, and what was committed is still there. */
static int fill_until_full(const char *journal_mode)
{
	sqlite3 *database;
	sqlite3_stmt *statement = NULL;
	int committed = 0;
	int result;

	if (open_database("vault", &database) != SQLITE_OK ||
	    run(database, journal_mode) != SQLITE_OK ||
	    run(database, "PRAGMA synchronous = FULL; CREATE TABLE t(a)") != SQLITE_OK)
		return 1;
	do {
		result = run(database, "INSERT INTO t VALUES (randomblob(20000))");
		committed += result == SQLITE_OK;
	} while (result == SQLITE_OK && committed < 1000);
	if (result != SQLITE_FULL)
		return 2;
	if (sqlite3_prepare_v2(database, "SELECT count(*) FROM t", -1, &statement, NULL) !=
		    SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int(statement, 0) != committed)
		return 3;
	sqlite3_finalize(statement);
	if (run(database, "PRAGMA integrity_check") != SQLITE_OK)
		return 4;
	sqlite3_close(database);
	return committed > 0 ? 0 : 5;
}

static void test_a_full_disk(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct fixture *fixture = *state;
		int status;
		pid_t child;

		tear_down(state);
		set_up(state);
		child = fork();
		if (child == 0) {
			struct rlimit limit = {300000, 300000};

			signal(SIGXFSZ, SIG_IGN);
			_exit(setrlimit(RLIMIT_FSIZE, &limit) == 0
				      ? fill_until_full(journal_modes[i])
				      : 9);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		tear_down(state);
		set_up(state);
		if (geteuid() != 0 ||
		    mount("none", fixture->path, "tmpfs", 0, "size=512k,mode=700") != 0)
			continue;
		os_vfs_unregister();
		os_directory_close(fixture->directory);
		assert_int_equal(os_directory_open(fixture->path, false, &fixture->directory),
				 SOTTO_OK);
		assert_int_equal(os_vfs_register(fixture->directory), SOTTO_OK);
		status = fill_until_full(journal_modes[i]);
		os_vfs_unregister();
		os_directory_close(fixture->directory);
		assert_int_equal(umount(fixture->path), 0);
		assert_int_equal(os_directory_open(fixture->path, false, &fixture->directory),
				 SOTTO_OK);
		assert_int_equal(os_vfs_register(fixture->directory), SOTTO_OK);
		assert_int_equal(status, 0);
	}
}

/* SQLite does all that it needs inside the two sandboxes that have files, also where no file exists
 * yet. */
static void test_inside_the_sandboxes(void **state)
{
	static const enum os_profile profiles[] = {OS_PROFILE_AGENT, OS_PROFILE_RELAY_STORE};

	for (size_t i = 0; i < ARRAY_LEN(profiles) * ARRAY_LEN(journal_modes); i++) {
		struct fixture *fixture = *state;
		int status;
		pid_t child;

		tear_down(state);
		set_up(state);
		child = fork();
		if (child == 0) {
			struct os_sandbox_options options = {.directory = fixture->path,
							     .lock_memory = true};
			struct os_sandbox sandbox;

			if (os_sandbox_enter(profiles[i / ARRAY_LEN(journal_modes)], &options,
					     &sandbox) != SOTTO_OK)
				_exit(100);
			if (exercise(journal_modes[i % ARRAY_LEN(journal_modes)]) != SQLITE_OK)
				_exit(101);
			if (os_file_replace(fixture->directory, "keys", BYTES_TEXT("x")) !=
				    SOTTO_OK ||
			    os_file_remove(fixture->directory, "keys") != SOTTO_OK)
				_exit(102);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

#define VFS_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(test_every_journal_mode),
		VFS_TEST(test_what_a_commit_costs),
		VFS_TEST(test_names_that_are_refused),
		VFS_TEST(test_registered_once),
		VFS_TEST(test_a_full_disk),
		VFS_TEST(test_inside_the_sandboxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
