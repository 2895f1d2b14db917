/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the database, transactions, and the row of counters. */
#include "vault/database.h"

#include <string.h>

#include "base/assert.h"
#include "vault/sql.h"

#define TEXT_OF(number) #number
#define TEXT(number)	TEXT_OF(number)

/* How many pages the write-ahead log grows to before it is written back: 1 MiB of flash. */
#define CHECKPOINT_PAGES 256

static const char setup[] = "PRAGMA locking_mode=EXCLUSIVE;"
			    "PRAGMA journal_mode=WAL;"
			    "PRAGMA synchronous=FULL;"
			    "PRAGMA temp_store=MEMORY;"
			    "PRAGMA secure_delete=ON;"
			    "PRAGMA cell_size_check=ON;"
			    "PRAGMA trusted_schema=OFF;"
			    "PRAGMA wal_autocheckpoint=" TEXT(CHECKPOINT_PAGES) ";";

static const char schema[] =
	"CREATE TABLE meta (id INTEGER PRIMARY KEY, commits INTEGER, generation0 INTEGER,"
	"  generation1 INTEGER, slots0 INTEGER, slots1 INTEGER, rows_set BLOB, mac BLOB);"
	"CREATE TABLE rows (store INTEGER, owner BLOB, idx INTEGER, slot INTEGER, value BLOB,"
	"  PRIMARY KEY (store, owner, idx)) WITHOUT ROWID;"
	"CREATE TABLE nodes (domain INTEGER, level INTEGER, number INTEGER, sealed BLOB,"
	"  PRIMARY KEY (domain, level, number)) WITHOUT ROWID;"
	"CREATE TABLE slots (domain INTEGER, slot INTEGER, PRIMARY KEY (domain, slot)) WITHOUT "
	"ROWID;"
	"PRAGMA user_version=" TEXT(VAULT_DATABASE_VERSION) ";";

/* One number that a query gives. */
static enum sotto_err ask(sqlite3 *sqlite, const char *sql, int64_t *answer)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*answer = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return code == SQLITE_DONE ? SOTTO_ERR_CORRUPT : vault_error(code);
}

/* Is there a vault in it? */
static enum sotto_err examine(sqlite3 *sqlite, bool create)
{
	int64_t version = 0;
	int64_t tables = 0;
	enum sotto_err err;

	TRY(ask(sqlite, "PRAGMA user_version", &version));
	TRY(ask(sqlite, "SELECT count(*) FROM sqlite_schema", &tables));
	if (version == 0 && tables == 0)
		return create ? SOTTO_OK : SOTTO_ERR_NOT_FOUND;
	FAIL_IF(create, SOTTO_ERR_EXISTS);
	FAIL_IF(version == 0, SOTTO_ERR_CORRUPT);
	FAIL_IF(version != VAULT_DATABASE_VERSION, SOTTO_ERR_VERSION);
out:
	return err;
}

enum sotto_err vault_database_open(struct vault_database *database, const char *vfs,
				   const char *path, bool create)
{
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	sqlite3 *sqlite = NULL;
	int code = sqlite3_open_v2(path, &sqlite, flags, vfs);
	enum sotto_err err;

	FAIL_IF(code == SQLITE_CANTOPEN && !create, SOTTO_ERR_NOT_FOUND);
	TRY(vault_error(code));
	(void)sqlite3_extended_result_codes(sqlite, 1); /* cannot fail on an open database */
	TRY(vault_error(sqlite3_exec(sqlite, setup, NULL, NULL, NULL)));
	TRY(examine(sqlite, create));
	*database = (struct vault_database){.sqlite = sqlite};
	sqlite = NULL;
out:
	(void)sqlite3_close(sqlite); /* nothing was written that counts */
	return err;
}

void vault_database_close(struct vault_database *database)
{
	for (size_t i = 0; i < VAULT_SQL_COUNT; i++)
		(void)sqlite3_finalize(
			database->statements[i]); /* repeats an error that was seen */
	(void)sqlite3_close(database->sqlite);	  /* all that was committed is durable without */
	*database = (struct vault_database){.sqlite = NULL};
}

enum sotto_err vault_database_sync(struct vault_database *database)
{
	sqlite3_file *log = NULL;
	int code =
		sqlite3_file_control(database->sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);

	if (code == SQLITE_OK && log != NULL && log->pMethods != NULL)
		code = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
	return vault_error(code);
}

enum sotto_err vault_database_make(struct vault_database *database)
{
	return vault_error(sqlite3_exec(database->sqlite, schema, NULL, NULL, NULL));
}

static enum sotto_err run(struct vault_database *database, enum vault_sql which)
{
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, which, &err);

	return statement == NULL ? err : vault_sql_finish(statement);
}

enum sotto_err vault_database_begin(struct vault_database *database)
{
	return run(database, VAULT_SQL_BEGIN);
}

enum sotto_err vault_database_commit(struct vault_database *database)
{
	return run(database, VAULT_SQL_COMMIT);
}

void vault_database_rollback(struct vault_database *database)
{
	if (!sqlite3_get_autocommit(database->sqlite))
		(void)run(database, VAULT_SQL_ROLLBACK); /* after an I/O error SQLite has done it */
}

enum sotto_err vault_database_get_meta(struct vault_database *database, struct vault_meta *meta)
{
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_META_GET, &err);
	struct vault_meta read;

	if (statement == NULL)
		return err;
	err = vault_sql_step(statement);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NOT_FOUND ? SOTTO_ERR_CORRUPT : err;
	read.commits = (uint64_t)sqlite3_column_int64(statement, 0);
	for (int i = 0; i < VAULT_DOMAINS; i++) {
		read.generation[i] = (uint64_t)sqlite3_column_int64(statement, 1 + i);
		read.slots[i] = (uint64_t)sqlite3_column_int64(statement, 3 + i);
	}
	TRY(vault_sql_column_array(statement, 5, read.set, sizeof(read.set)));
	TRY(vault_sql_column_array(statement, 6, read.mac, sizeof(read.mac)));
	*meta = read;
out:
	vault_sql_done(statement);
	return err;
}

enum sotto_err vault_database_put_meta(struct vault_database *database,
				       const struct vault_meta *meta)
{
	const sqlite3_int64 numbers[] = {
		vault_sql_number(meta->commits), vault_sql_number(meta->generation[0]),
		vault_sql_number(meta->generation[1]), vault_sql_number(meta->slots[0]),
		vault_sql_number(meta->slots[1])};
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_META_PUT, &err);

	if (statement == NULL)
		return err;
	TRY(vault_sql_bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(vault_sql_bind_bytes(statement, 6, BYTES_OF(meta->set)));
	TRY(vault_sql_bind_bytes(statement, 7, BYTES_OF(meta->mac)));
	TRY(vault_sql_finish(statement));
out:
	return err;
}
