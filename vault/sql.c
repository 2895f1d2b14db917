/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: each prepared once, bound, stepped, reset. And what SQLite's codes mean here. */
#include "vault/sql.h"

#include <string.h>

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

/* The statement, ready to be bound; NULL with the error set. */
sqlite3_stmt *vault_sql_prepare(struct vault_database *database, enum vault_sql which,
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

sqlite3_int64 vault_sql_number(uint64_t value)
{
	return (sqlite3_int64)value;
}

/* Binding fails for want of memory only; the step would then say so by a constraint, so ask at once. */
enum sotto_err vault_sql_bind_numbers(sqlite3_stmt *statement, const sqlite3_int64 *numbers,
				      int count)
{
	int code = SQLITE_OK;

	for (int i = 0; i < count && code == SQLITE_OK; i++)
		code = sqlite3_bind_int64(statement, i + 1, numbers[i]);
	return vault_error(code);
}

enum sotto_err vault_sql_bind_bytes(sqlite3_stmt *statement, int place, struct bytes bytes)
{
	static const uint8_t nothing[1];

	return vault_error(sqlite3_bind_blob64(
		statement, place, bytes.len != 0 ? bytes.data : nothing, bytes.len, SQLITE_STATIC));
}

/* For a statement that gives no row. */
enum sotto_err vault_sql_finish(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	(void)sqlite3_reset(statement); /* repeats the error of the step */
	(void)sqlite3_clear_bindings(statement);
	return vault_error(code);
}

/* For one that gives a row: SOTTO_ERR_NOT_FOUND if there is none. vault_sql_done() after SOTTO_OK. */
enum sotto_err vault_sql_step(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return SOTTO_OK;
	(void)sqlite3_reset(statement); /* repeats the error of the step */
	return code == SQLITE_DONE ? SOTTO_ERR_NOT_FOUND : vault_error(code);
}

void vault_sql_done(sqlite3_stmt *statement)
{
	(void)sqlite3_reset(statement); /* a row was there: no error */
}

/* Nothing if it is no blob: one whose type was damaged sorts elsewhere, so it would not be found again. */
struct bytes vault_sql_column(sqlite3_stmt *statement, int column)
{
	const void *data = NULL;

	if (sqlite3_column_type(statement, column) == SQLITE_BLOB)
		data = sqlite3_column_blob(statement, column);

	return BYTES(data, data != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

/* Exactly len bytes. */
enum sotto_err vault_sql_column_array(sqlite3_stmt *statement, int column, uint8_t *out, size_t len)
{
	struct bytes bytes = vault_sql_column(statement, column);

	if (bytes.len != len)
		return SOTTO_ERR_CORRUPT;
	memcpy(out, bytes.data, len);
	return SOTTO_OK;
}
