/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the database, and its statements: each prepared once, bound, stepped, reset. */
#include "vault/database.h"

#include <string.h>

#include "base/assert.h"

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

static const char *const texts[VAULT_SQL_COUNT] = {
	[VAULT_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[VAULT_SQL_COMMIT] = "COMMIT",
	[VAULT_SQL_ROLLBACK] = "ROLLBACK",
	[VAULT_SQL_META_GET] =
		"SELECT commits, generation0, generation1, slots0, slots1, rows_set, mac"
		" FROM meta WHERE id = 0",
	[VAULT_SQL_META_PUT] = "INSERT OR REPLACE INTO meta VALUES (0, ?, ?, ?, ?, ?, ?, ?)",
	[VAULT_SQL_ROW_FIND] = "SELECT slot, substr(value, 1, 24) FROM rows"
			       " WHERE store = ? AND owner = ? AND idx = ?",
	[VAULT_SQL_ROW_PUT] = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)",
	[VAULT_SQL_ROW_DELETE] = "DELETE FROM rows WHERE store = ? AND owner = ? AND idx = ?",
	[VAULT_SQL_ROW_GET] = "SELECT idx, slot, value FROM rows"
			      " WHERE store = ? AND owner = ? AND idx = ?",
	[VAULT_SQL_NODE_GET] =
		"SELECT sealed FROM nodes WHERE domain = ? AND level = ? AND number = ?",
	[VAULT_SQL_NODE_PUT] = "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?)",
	[VAULT_SQL_SLOT_FREE] = "SELECT min(slot) FROM slots WHERE domain = ?",
	[VAULT_SQL_SLOT_PUT] = "INSERT OR REPLACE INTO slots VALUES (?, ?)",
	[VAULT_SQL_SLOT_DELETE] = "DELETE FROM slots WHERE domain = ? AND slot = ?",
};

enum sotto_err vault_error(int code)
{
	switch (code) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return SOTTO_OK;
	case SQLITE_IOERR_NOMEM:
		return SOTTO_ERR_NO_MEMORY;
	case SQLITE_IOERR_SHORT_READ:
	case SQLITE_IOERR_CORRUPTFS:
		return SOTTO_ERR_CORRUPT;
	default:
		break;
	}
	switch (code & 0xff) {
	case SQLITE_FULL:
		return SOTTO_ERR_DISK_FULL;
	case SQLITE_NOMEM:
		return SOTTO_ERR_NO_MEMORY;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return SOTTO_ERR_STATE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our SQL is right: then the schema is not ours */
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_FORMAT:
		return SOTTO_ERR_CORRUPT;
	default:
		return SOTTO_ERR_IO;
	}
}

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

/* The statement, ready to be bound; NULL with the error set. */
static sqlite3_stmt *prepare(struct vault_database *database, enum vault_sql which,
			     enum sotto_err *err)
{
	sqlite3_stmt **statement = &database->statements[which];

	if (*statement == NULL)
		*err = vault_error(sqlite3_prepare_v3(database->sqlite, texts[which], -1,
						      SQLITE_PREPARE_PERSISTENT, statement, NULL));
	else
		*err = SOTTO_OK;
	return *statement;
}

static sqlite3_int64 to_sql(uint64_t value)
{
	return (sqlite3_int64)value;
}

/* Indices of 64 bits in the order of SQLite's signed integers. */
static sqlite3_int64 index_to_sql(uint64_t index)
{
	return (sqlite3_int64)(index ^ UINT64_C(1) << 63);
}

static uint64_t index_of_sql(sqlite3_int64 value)
{
	return (uint64_t)value ^ UINT64_C(1) << 63;
}

/* Binding fails for want of memory only; the step would then say so by a constraint, so ask at once. */
static enum sotto_err bind_numbers(sqlite3_stmt *statement, const sqlite3_int64 *numbers, int count)
{
	int code = SQLITE_OK;

	for (int i = 0; i < count && code == SQLITE_OK; i++)
		code = sqlite3_bind_int64(statement, i + 1, numbers[i]);
	return vault_error(code);
}

static enum sotto_err bind_bytes(sqlite3_stmt *statement, int place, struct bytes bytes)
{
	static const uint8_t nothing[1];

	return vault_error(sqlite3_bind_blob64(
		statement, place, bytes.len != 0 ? bytes.data : nothing, bytes.len, SQLITE_STATIC));
}

static enum sotto_err bind_head(sqlite3_stmt *statement, const struct vault_head *head)
{
	enum sotto_err err;

	TRY(vault_error(sqlite3_bind_int64(statement, 1, head->table)));
	TRY(bind_bytes(statement, 2, BYTES_OF(head->owner)));
	TRY(vault_error(sqlite3_bind_int64(statement, 3, index_to_sql(head->index))));
out:
	return err;
}

/* For a statement that gives no row. */
static enum sotto_err finish(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	(void)sqlite3_reset(statement); /* repeats the error of the step */
	(void)sqlite3_clear_bindings(statement);
	return vault_error(code);
}

/* For one that gives a row: SOTTO_ERR_NOT_FOUND if there is none. done() after SOTTO_OK. */
static enum sotto_err step_row(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return SOTTO_OK;
	(void)sqlite3_reset(statement); /* repeats the error of the step */
	return code == SQLITE_DONE ? SOTTO_ERR_NOT_FOUND : vault_error(code);
}

static void done(sqlite3_stmt *statement)
{
	(void)sqlite3_reset(statement); /* a row was there: no error */
}

/* Nothing if it is no blob: one whose type was damaged sorts elsewhere, so it would not be found again. */
static struct bytes column_bytes(sqlite3_stmt *statement, int column)
{
	const void *data = NULL;

	if (sqlite3_column_type(statement, column) == SQLITE_BLOB)
		data = sqlite3_column_blob(statement, column);

	return BYTES(data, data != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

/* Exactly len bytes. */
static enum sotto_err column_array(sqlite3_stmt *statement, int column, uint8_t *out, size_t len)
{
	struct bytes bytes = column_bytes(statement, column);

	if (bytes.len != len)
		return SOTTO_ERR_CORRUPT;
	memcpy(out, bytes.data, len);
	return SOTTO_OK;
}

static enum sotto_err run(struct vault_database *database, enum vault_sql which)
{
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, which, &err);

	return statement == NULL ? err : finish(statement);
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
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_META_GET, &err);
	struct vault_meta read;

	if (statement == NULL)
		return err;
	err = step_row(statement);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NOT_FOUND ? SOTTO_ERR_CORRUPT : err;
	read.commits = (uint64_t)sqlite3_column_int64(statement, 0);
	for (int i = 0; i < VAULT_DOMAINS; i++) {
		read.generation[i] = (uint64_t)sqlite3_column_int64(statement, 1 + i);
		read.slots[i] = (uint64_t)sqlite3_column_int64(statement, 3 + i);
	}
	TRY(column_array(statement, 5, read.set, sizeof(read.set)));
	TRY(column_array(statement, 6, read.mac, sizeof(read.mac)));
	*meta = read;
out:
	done(statement);
	return err;
}

enum sotto_err vault_database_put_meta(struct vault_database *database,
				       const struct vault_meta *meta)
{
	const sqlite3_int64 numbers[] = {to_sql(meta->commits), to_sql(meta->generation[0]),
					 to_sql(meta->generation[1]), to_sql(meta->slots[0]),
					 to_sql(meta->slots[1])};
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_META_PUT, &err);

	if (statement == NULL)
		return err;
	TRY(bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(bind_bytes(statement, 6, BYTES_OF(meta->set)));
	TRY(bind_bytes(statement, 7, BYTES_OF(meta->mac)));
	TRY(finish(statement));
out:
	return err;
}

static void column_slot(sqlite3_stmt *statement, int column, struct vault_head *head)
{
	head->erasable = sqlite3_column_type(statement, column) != SQLITE_NULL;
	head->slot = head->erasable ? (uint64_t)sqlite3_column_int64(statement, column) : 0;
}

enum sotto_err vault_database_find(struct vault_database *database, struct vault_head *head)
{
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_ROW_FIND, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	TRY(step_row(statement));
	column_slot(statement, 0, head);
	err = column_array(statement, 1, head->nonce, sizeof(head->nonce));
	done(statement);
out:
	return err;
}

enum sotto_err vault_database_put(struct vault_database *database, const struct vault_head *head,
				  struct bytes sealed)
{
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_ROW_PUT, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	if (head->erasable)
		TRY(vault_error(sqlite3_bind_int64(statement, 4, to_sql(head->slot))));
	TRY(bind_bytes(statement, 5, sealed));
	TRY(finish(statement));
out:
	return err;
}

enum sotto_err vault_database_delete(struct vault_database *database, const struct vault_head *head)
{
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_ROW_DELETE, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	TRY(finish(statement));
out:
	return err;
}

/* idx, slot, value from this column on, into a head whose table and owner stand. */
static enum sotto_err call_row(sqlite3_stmt *statement, int column, struct vault_head *head,
			       vault_head_fn *row, void *context)
{
	struct bytes sealed = column_bytes(statement, column + 2);

	head->index = index_of_sql(sqlite3_column_int64(statement, column));
	column_slot(statement, column + 1, head);
	if (sealed.len < VAULT_NONCE_LEN ||
	    sqlite3_column_type(statement, column) != SQLITE_INTEGER)
		return SOTTO_ERR_CORRUPT;
	memcpy(head->nonce, sealed.data, VAULT_NONCE_LEN);
	return row(context, head, sealed);
}

enum sotto_err vault_database_get(struct vault_database *database, const struct vault_head *head,
				  vault_head_fn *row, void *context)
{
	struct vault_head found = *head;
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_ROW_GET, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	TRY(step_row(statement));
	err = call_row(statement, 0, &found, row, context);
	done(statement);
out:
	return err;
}

/* Prepared anew each time: the function that it calls may begin another iteration. */
enum sotto_err vault_database_range(struct vault_database *database, const struct vault_head *head,
				    const struct store_range *range, vault_head_fn *row,
				    void *context)
{
	static const char ascending[] =
		"SELECT idx, slot, value FROM rows WHERE store = ? AND owner = ? AND idx >= ?"
		" AND idx <= ? ORDER BY idx LIMIT ?";
	static const char descending[] =
		"SELECT idx, slot, value FROM rows WHERE store = ? AND owner = ? AND idx >= ?"
		" AND idx <= ? ORDER BY idx DESC LIMIT ?";
	struct vault_head found = *head;
	sqlite3_stmt *statement = NULL;
	sqlite3_int64 limit = range->limit == 0 ? -1 : (sqlite3_int64)range->limit;
	enum sotto_err err;

	found.index = range->first;
	TRY(vault_error(sqlite3_prepare_v2(database->sqlite,
					   range->descending ? descending : ascending, -1,
					   &statement, NULL)));
	TRY(bind_head(statement, &found));
	TRY(vault_error(sqlite3_bind_int64(statement, 4, index_to_sql(range->last))));
	TRY(vault_error(sqlite3_bind_int64(statement, 5, limit)));
	do {
		int code = sqlite3_step(statement);

		if (code != SQLITE_ROW) {
			err = vault_error(code);
			break;
		}
		err = call_row(statement, 0, &found, row, context);
	} while (err == SOTTO_OK);
out:
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return err;
}

enum sotto_err vault_database_heads(struct vault_database *database, vault_head_fn *row,
				    void *context)
{
	sqlite3_stmt *statement = NULL;
	struct vault_head head;
	enum sotto_err err;

	TRY(vault_error(sqlite3_prepare_v2(
		database->sqlite, "SELECT store, owner, idx, slot, substr(value, 1, 24) FROM rows",
		-1, &statement, NULL)));
	do {
		int code = sqlite3_step(statement);
		sqlite3_int64 table;

		if (code != SQLITE_ROW) {
			err = vault_error(code);
			break;
		}
		table = sqlite3_column_int64(statement, 0);
		FAIL_IF(sqlite3_column_type(statement, 0) != SQLITE_INTEGER || table < 0 ||
				table > UINT8_MAX,
			SOTTO_ERR_CORRUPT);
		head.table = (uint8_t)table;
		TRY(column_array(statement, 1, head.owner, sizeof(head.owner)));
		err = call_row(statement, 2, &head, row, context);
	} while (err == SOTTO_OK);
out:
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return err;
}

enum sotto_err vault_database_get_node(struct vault_database *database, enum vault_domain domain,
				       unsigned int level, uint64_t number, uint8_t *sealed,
				       size_t capacity)
{
	const sqlite3_int64 numbers[] = {(sqlite3_int64)domain, (sqlite3_int64)level,
					 to_sql(number)};
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_NODE_GET, &err);

	if (statement == NULL)
		return err;
	TRY(bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(step_row(statement));
	err = column_array(statement, 0, sealed, capacity);
	done(statement);
out:
	return err;
}

enum sotto_err vault_database_put_node(struct vault_database *database, enum vault_domain domain,
				       unsigned int level, uint64_t number, struct bytes sealed)
{
	const sqlite3_int64 numbers[] = {(sqlite3_int64)domain, (sqlite3_int64)level,
					 to_sql(number)};
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_NODE_PUT, &err);

	if (statement == NULL)
		return err;
	TRY(bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(bind_bytes(statement, 4, sealed));
	TRY(finish(statement));
out:
	return err;
}

enum sotto_err vault_database_free_slot(struct vault_database *database, enum vault_domain domain,
					uint64_t *slot)
{
	const sqlite3_int64 number = (sqlite3_int64)domain;
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, VAULT_SQL_SLOT_FREE, &err);

	if (statement == NULL)
		return err;
	TRY(bind_numbers(statement, &number, 1));
	TRY(step_row(statement));
	if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
		err = SOTTO_ERR_NOT_FOUND;
	else
		*slot = (uint64_t)sqlite3_column_int64(statement, 0);
	done(statement);
out:
	return err;
}

static enum sotto_err change_slot(struct vault_database *database, enum vault_sql which,
				  enum vault_domain domain, uint64_t slot)
{
	const sqlite3_int64 numbers[] = {(sqlite3_int64)domain, to_sql(slot)};
	enum sotto_err err;
	sqlite3_stmt *statement = prepare(database, which, &err);

	if (statement == NULL)
		return err;
	TRY(bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(finish(statement));
out:
	return err;
}

enum sotto_err vault_database_give_slot(struct vault_database *database, enum vault_domain domain,
					uint64_t slot)
{
	return change_slot(database, VAULT_SQL_SLOT_PUT, domain, slot);
}

enum sotto_err vault_database_take_slot(struct vault_database *database, enum vault_domain domain,
					uint64_t slot)
{
	return change_slot(database, VAULT_SQL_SLOT_DELETE, domain, slot);
}
