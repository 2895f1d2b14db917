/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store: the database handle, its statements, and the few helpers through which store_*.c
 * speak SQL.
 */
#ifndef RELAY_STORE_SQL_H
#define RELAY_STORE_SQL_H

#include <sqlite3.h>

#include "base/writer.h"
#include "relay/store.h"

enum store_statement {
	STORE_BEGIN,
	STORE_COMMIT,
	STORE_ROLLBACK,
	STORE_SAVEPOINT,
	STORE_SAVEPOINT_RELEASE,
	STORE_SAVEPOINT_ROLLBACK,
	STORE_DROP_FIND,
	STORE_DROP_INSERT,
	STORE_DROP_UPDATE,
	STORE_DROP_IDLE,
	STORE_DROP_DELETE,
	STORE_LOG_INSERT,
	STORE_LOG_BY_MARK,
	STORE_LOG_FROM,
	STORE_LOG_AT,
	STORE_LOG_TRIM,
	STORE_LOG_OLDEST,
	STORE_LOG_DELETE,
	STORE_COUNTS,
	STORE_VACUUM,
	STORE_STATEMENTS
};

struct store_drop {
	int64_t id;
	uint8_t name[WIRE_HASH_LEN];
	uint8_t incarnation[WIRE_INCARNATION_LEN];
	uint64_t base_sequence; /* what is above it is readable */
	uint8_t base_hash[WIRE_HASH_LEN];
	uint64_t end_sequence;
	uint8_t end_hash[WIRE_HASH_LEN];
	uint64_t bytes;
	uint64_t touched_day;
};

struct relay_store {
	sqlite3 *db;
	sqlite3_stmt *statements[STORE_STATEMENTS];
	struct relay_store_config config;
	struct relay_store_counts counts;
	struct relay_store_counts committed; /* what counts were at the last commit */
	struct writer batch;		     /* the records of the last read */
	uint64_t newest_ms;		     /* arrival times never go back, so the log is sorted */
	uint8_t relay_key[WIRE_KEY_LEN];
	bool open;    /* a transaction is */
	bool spoiled; /* part of a change failed in it: it can only be rolled back */
};

MUST_USE enum sotto_err store_sql_error(const struct relay_store *store, int code);
MUST_USE enum sotto_err store_sql_prepare(struct relay_store *store);
void store_sql_finish(struct relay_store *store);

/* The statement, reset, to bind and step. */
sqlite3_stmt *store_sql_get(struct relay_store *store, enum store_statement which);

/* Steps to the next row: OK, or NOT_FOUND at the end. The caller resets after a row. */
MUST_USE enum sotto_err store_sql_row(struct relay_store *store, sqlite3_stmt *statement);

/* Steps a statement without rows, and resets it. */
MUST_USE enum sotto_err store_sql_run(struct relay_store *store, enum store_statement which);

/* Copies a blob column of exactly len bytes; CORRUPT otherwise. */
MUST_USE enum sotto_err store_sql_blob(sqlite3_stmt *statement, int column, void *out, size_t len);

uint64_t store_sql_u64(sqlite3_stmt *statement, int column);

/* Parameters count from 1. Blobs are borrowed until the statement is reset. */
void store_bind_u64(sqlite3_stmt *statement, int parameter, uint64_t value);
void store_bind_i64(sqlite3_stmt *statement, int parameter, int64_t value);
void store_bind_blob(sqlite3_stmt *statement, int parameter, struct bytes blob);

/* Begins the round's transaction if none is open. */
MUST_USE enum sotto_err store_begin(struct relay_store *store);

/* Nothing since the last commit has happened. */
void store_rollback(struct relay_store *store);

/* NOT_FOUND. */
MUST_USE enum sotto_err store_drop_find(struct relay_store *store, const uint8_t *name,
					struct store_drop *drop);
MUST_USE enum sotto_err store_drop_update(struct relay_store *store, const struct store_drop *drop);

/* The running hash behind a sequence that is in the log, or the drop's base or end. */
MUST_USE enum sotto_err store_running_at(struct relay_store *store, const struct store_drop *drop,
					 uint64_t sequence, uint8_t running[WIRE_HASH_LEN]);

#endif
