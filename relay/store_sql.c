/* SPDX-License-Identifier: Apache-2.0 */
/* The store's statements and the thin layer over sqlite3. Nothing else in relay/ writes SQL. */
#include "relay/store_sql.h"

#include <string.h>

#include "base/assert.h"

#define DROP_COLUMNS \
	"id, incarnation, base_sequence, base_hash, end_sequence, end_hash, bytes, touched_day"

static const char *const texts[STORE_STATEMENTS] = {
	[STORE_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_COMMIT] = "COMMIT",
	[STORE_ROLLBACK] = "ROLLBACK",
	[STORE_SAVEPOINT] = "SAVEPOINT request",
	[STORE_SAVEPOINT_RELEASE] = "RELEASE request",
	[STORE_SAVEPOINT_ROLLBACK] = "ROLLBACK TO request",
	[STORE_DROP_FIND] = "SELECT " DROP_COLUMNS " FROM drops WHERE name = ?1",
	[STORE_DROP_INSERT] =
		"INSERT INTO drops (name, incarnation, base_sequence, base_hash, end_sequence,"
		" end_hash, bytes, touched_day) VALUES (?1, ?2, 0, ?3, 0, ?3, 0, ?4)",
	[STORE_DROP_UPDATE] =
		"UPDATE drops SET base_sequence = ?2, base_hash = ?3, end_sequence = ?4,"
		" end_hash = ?5, bytes = ?6, touched_day = ?7 WHERE id = ?1",
	[STORE_DROP_IDLE] = "SELECT id FROM drops WHERE touched_day < ?1 AND NOT EXISTS"
			    " (SELECT 1 FROM log WHERE log.drop_id = drops.id) LIMIT ?2",
	[STORE_DROP_DELETE] = "DELETE FROM drops WHERE id = ?1",
	[STORE_LOG_INSERT] =
		"INSERT INTO log (drop_id, sequence, mark, utc_ms, hash, running, body)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[STORE_LOG_BY_MARK] = "SELECT sequence, hash FROM log WHERE drop_id = ?1 AND mark = ?2",
	[STORE_LOG_FROM] = "SELECT sequence, running, body FROM log"
			   " WHERE drop_id = ?1 AND sequence >= ?2 ORDER BY sequence",
	[STORE_LOG_AT] = "SELECT running FROM log WHERE drop_id = ?1 AND sequence = ?2",
	[STORE_LOG_TRIM] = "UPDATE log SET body = NULL"
			   " WHERE drop_id = ?1 AND sequence > ?2 AND sequence <= ?3",
	[STORE_LOG_OLDEST] =
		"SELECT log.id, log.utc_ms, log.sequence, log.running, length(log.body), drops.name"
		" FROM log JOIN drops ON drops.id = log.drop_id ORDER BY log.id LIMIT 1",
	[STORE_LOG_DELETE] = "DELETE FROM log WHERE id = ?1",
	[STORE_COUNTS] = "SELECT (SELECT count(*) FROM drops), (SELECT count(*) FROM log),"
			 " (SELECT coalesce(sum(bytes), 0) FROM drops),"
			 " (SELECT coalesce(max(utc_ms), 0) FROM (SELECT utc_ms FROM log"
			 " ORDER BY id DESC LIMIT 1)),"
			 " (SELECT coalesce(max(utc_ms), 0) FROM (SELECT utc_ms FROM log"
			 " ORDER BY id LIMIT 1))",
	[STORE_VACUUM] = "PRAGMA incremental_vacuum(64)",
};

enum sotto_err store_sql_error(const struct relay_store *store, int code)
{
	(void)store;
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return SOTTO_OK;
	case SQLITE_NOMEM:
		return SOTTO_ERR_NO_MEMORY;
	case SQLITE_FULL:
		return SOTTO_ERR_DISK_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT:
		return SOTTO_ERR_CORRUPT;
	case SQLITE_BUSY:
		return SOTTO_ERR_EXISTS;
	default:
		return SOTTO_ERR_IO;
	}
}

enum sotto_err store_sql_prepare(struct relay_store *store)
{
	for (size_t i = 0; i < STORE_STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					      &store->statements[i], NULL);

		if (code != SQLITE_OK)
			return store_sql_error(store, code);
	}
	return SOTTO_OK;
}

void store_sql_finish(struct relay_store *store)
{
	for (size_t i = 0; i < STORE_STATEMENTS; i++)
		(void)sqlite3_finalize(store->statements[i]); /* repeats an error that was seen */
}

sqlite3_stmt *store_sql_get(struct relay_store *store, enum store_statement which)
{
	sqlite3_stmt *statement = store->statements[which];

	(void)sqlite3_reset(statement); /* likewise */
	return statement;
}

enum sotto_err store_sql_row(struct relay_store *store, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return SOTTO_OK;
	(void)sqlite3_reset(statement); /* the code is in hand */
	return code == SQLITE_DONE ? SOTTO_ERR_NOT_FOUND : store_sql_error(store, code);
}

enum sotto_err store_sql_run(struct relay_store *store, enum store_statement which)
{
	sqlite3_stmt *statement = store->statements[which];
	int code;

	do
		code = sqlite3_step(statement);
	while (code == SQLITE_ROW);
	(void)sqlite3_reset(statement); /* the code is in hand */
	return store_sql_error(store, code);
}

enum sotto_err store_sql_blob(sqlite3_stmt *statement, int column, void *out, size_t len)
{
	const void *blob = sqlite3_column_blob(statement, column);

	if (blob == NULL || sqlite3_column_bytes(statement, column) != (int)len)
		return SOTTO_ERR_CORRUPT;
	memcpy(out, blob, len);
	return SOTTO_OK;
}

uint64_t store_sql_u64(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

/* Binding fails only for a parameter that the statement does not have, or for a length out of range. */
void store_bind_i64(sqlite3_stmt *statement, int parameter, int64_t value)
{
	ASSERT(sqlite3_bind_int64(statement, parameter, value) == SQLITE_OK);
}

void store_bind_u64(sqlite3_stmt *statement, int parameter, uint64_t value)
{
	store_bind_i64(statement, parameter, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void store_bind_blob(sqlite3_stmt *statement, int parameter, struct bytes blob)
{
	ASSERT(sqlite3_bind_blob(statement, parameter, blob.data, (int)blob.len, SQLITE_STATIC) ==
	       SQLITE_OK);
}

enum sotto_err store_drop_find(struct relay_store *store, const uint8_t *name,
			       struct store_drop *drop)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_DROP_FIND);
	struct store_drop found = {0};
	enum sotto_err err;

	store_bind_blob(statement, 1, BYTES(name, WIRE_HASH_LEN));
	err = store_sql_row(store, statement);
	if (err != SOTTO_OK)
		return err;
	memcpy(found.name, name, sizeof(found.name));
	found.id = sqlite3_column_int64(statement, 0);
	TRY(store_sql_blob(statement, 1, found.incarnation, sizeof(found.incarnation)));
	found.base_sequence = store_sql_u64(statement, 2);
	TRY(store_sql_blob(statement, 3, found.base_hash, sizeof(found.base_hash)));
	found.end_sequence = store_sql_u64(statement, 4);
	TRY(store_sql_blob(statement, 5, found.end_hash, sizeof(found.end_hash)));
	found.bytes = store_sql_u64(statement, 6);
	found.touched_day = store_sql_u64(statement, 7);
	*drop = found;
out:
	(void)sqlite3_reset(statement); /* a row was read; nothing is left to fail */
	return err;
}

enum sotto_err store_drop_update(struct relay_store *store, const struct store_drop *drop)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_DROP_UPDATE);

	store_bind_i64(statement, 1, drop->id);
	store_bind_u64(statement, 2, drop->base_sequence);
	store_bind_blob(statement, 3, BYTES_OF(drop->base_hash));
	store_bind_u64(statement, 4, drop->end_sequence);
	store_bind_blob(statement, 5, BYTES_OF(drop->end_hash));
	store_bind_u64(statement, 6, drop->bytes);
	store_bind_u64(statement, 7, drop->touched_day);
	return store_sql_run(store, STORE_DROP_UPDATE);
}

enum sotto_err store_running_at(struct relay_store *store, const struct store_drop *drop,
				uint64_t sequence, uint8_t running[WIRE_HASH_LEN])
{
	sqlite3_stmt *statement;
	enum sotto_err err;

	if (sequence == drop->base_sequence || sequence == drop->end_sequence) {
		memcpy(running, sequence == drop->base_sequence ? drop->base_hash : drop->end_hash,
		       WIRE_HASH_LEN);
		return SOTTO_OK;
	}
	statement = store_sql_get(store, STORE_LOG_AT);
	store_bind_i64(statement, 1, drop->id);
	store_bind_u64(statement, 2, sequence);
	err = store_sql_row(store, statement);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NOT_FOUND ? SOTTO_ERR_CORRUPT : err;
	err = store_sql_blob(statement, 0, running, WIRE_HASH_LEN);
	(void)sqlite3_reset(statement); /* a row was read */
	return err;
}
