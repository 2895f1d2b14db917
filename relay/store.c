/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the store, its schema, transactions, counts and signatures.
 *
 * WAL with synchronous FULL: a commit is one sync of one file. The lock is exclusive, so SQLite keeps
 * the WAL's index in memory and needs no shared memory of the VFS. secure_delete overwrites what expires;
 * incremental vacuum gives the pages back.
 */
#include "relay/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "relay/limits.h"
#include "relay/store_sql.h"

#define STORE_VERSION 1

/* The lock comes first: a database in WAL cannot be read without shared memory until it is exclusive. */
static const char *const pragmas = "PRAGMA locking_mode = EXCLUSIVE;"
				   "PRAGMA page_size = 8192;"
				   "PRAGMA auto_vacuum = INCREMENTAL;"
				   "PRAGMA journal_mode = WAL;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA secure_delete = ON;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA trusted_schema = OFF;"
				   "PRAGMA journal_size_limit = 16777216;"
				   "PRAGMA cache_size = -32768;";

/* body is NULL once trimmed: the row stays, so that an append sent again is still recognised. */
static const char *const schema =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE drops (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE,"
	" incarnation BLOB NOT NULL, base_sequence INTEGER NOT NULL, base_hash BLOB NOT NULL,"
	" end_sequence INTEGER NOT NULL, end_hash BLOB NOT NULL, bytes INTEGER NOT NULL,"
	" touched_day INTEGER NOT NULL) STRICT;"
	"CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, drop_id INTEGER NOT NULL,"
	" sequence INTEGER NOT NULL, mark INTEGER NOT NULL, utc_ms INTEGER NOT NULL,"
	" hash BLOB NOT NULL, running BLOB NOT NULL, body BLOB) STRICT;"
	"CREATE UNIQUE INDEX log_place ON log (drop_id, sequence);"
	"CREATE INDEX log_mark ON log (drop_id, mark);"
	"CREATE INDEX drops_touched ON drops (touched_day);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

static enum sotto_err read_version(struct relay_store *store, int *version)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*version = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement); /* the code is in hand */
	return code == SQLITE_ROW ? SOTTO_OK : store_sql_error(store, code);
}

static enum sotto_err execute(struct relay_store *store, const char *sql)
{
	return store_sql_error(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

static enum sotto_err load_counts(struct relay_store *store)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_COUNTS);
	enum sotto_err err = store_sql_row(store, statement);

	if (err != SOTTO_OK)
		return err;
	store->counts.drops = store_sql_u64(statement, 0);
	store->counts.records = store_sql_u64(statement, 1);
	store->counts.bytes = store_sql_u64(statement, 2);
	store->newest_ms = store_sql_u64(statement, 3);
	store->counts.oldest_ms = store_sql_u64(statement, 4);
	store->committed = store->counts;
	(void)sqlite3_reset(statement); /* a row was read */
	return SOTTO_OK;
}

static enum sotto_err open_database(struct relay_store *store)
{
	const char *name = store->config.name != NULL ? store->config.name : ":memory:";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	enum sotto_err err;
	int version = 0;

	TRY(store_sql_error(store, sqlite3_open_v2(name, &store->db, flags, store->config.vfs)));
	TRY(execute(store, pragmas));
	TRY(read_version(store, &version));
	FAIL_IF(version != 0 && version != STORE_VERSION, SOTTO_ERR_VERSION);
	if (version == 0)
		TRY(execute(store, schema));
	TRY(store_sql_prepare(store));
	TRY(load_counts(store));
out:
	return err;
}

enum sotto_err relay_store_create(const struct relay_store_config *config,
				  struct relay_store **store)
{
	struct relay_store *created = calloc(1, sizeof(*created));
	enum sotto_err err;

	if (created == NULL)
		return SOTTO_ERR_NO_MEMORY;
	created->config = *config;
	writer_init_growing(&created->batch, &allocator_default);
	TRY(sign_public(SIGN_ED25519, BYTES(config->relay_seed, RELAY_SEED_LEN),
			created->relay_key));
	TRY(open_database(created));
	*store = created;
	created = NULL;
out:
	relay_store_destroy(created);
	return err;
}

void relay_store_destroy(struct relay_store *store)
{
	if (store == NULL)
		return;
	store_sql_finish(store);
	(void)sqlite3_close(store->db); /* no statement is left, so it closes; a last checkpoint may
					   fail and is done again at the next start */
	writer_release(&store->batch);
	bytes_wipe(store, sizeof(*store));
	free(store);
}

enum sotto_err store_begin(struct relay_store *store)
{
	enum sotto_err err;

	if (store->open)
		return SOTTO_OK;
	err = store_sql_run(store, STORE_BEGIN);
	if (err == SOTTO_OK)
		store->open = true;
	return err;
}

bool relay_store_dirty(const struct relay_store *store)
{
	return store->open;
}

void store_rollback(struct relay_store *store)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_ROLLBACK);

	/* Fails only if SQLite has rolled back already. */
	if (store->open && sqlite3_get_autocommit(store->db) == 0)
		(void)sqlite3_step(statement);
	(void)sqlite3_reset(statement);
	store->counts = store->committed;
	store->open = false;
	store->spoiled = false;
}

/*
 * An error of the disk may already have rolled the transaction back inside SQLite: then COMMIT would
 * succeed with nothing in it. Only what is still a whole transaction is committed.
 */
enum sotto_err relay_store_commit(struct relay_store *store)
{
	enum sotto_err err = SOTTO_ERR_IO;

	if (!store->open)
		return SOTTO_OK;
	if (!store->spoiled && sqlite3_get_autocommit(store->db) == 0)
		err = store_sql_run(store, STORE_COMMIT);
	if (err != SOTTO_OK) {
		store_rollback(store);
		return err;
	}
	store->open = false;
	store->committed = store->counts;
	return SOTTO_OK;
}

void relay_store_count(const struct relay_store *store, struct relay_store_counts *counts)
{
	*counts = store->counts;
}

enum sotto_err relay_store_sign(const struct relay_store *store, struct bytes content,
				uint8_t *signature)
{
	uint8_t made[SIGN_SIGNATURE_LEN_MAX];
	size_t len = 0;
	enum sotto_err err =
		sign_create(SIGN_ED25519, NULL, BYTES(store->config.relay_seed, RELAY_SEED_LEN),
			    content, made, &len);

	if (err != SOTTO_OK)
		return err;
	ASSERT(len == WIRE_SIGNATURE_LEN);
	memcpy(signature, made, len);
	return SOTTO_OK;
}

void relay_store_key(const struct relay_store *store, uint8_t *key)
{
	memcpy(key, store->relay_key, WIRE_KEY_LEN);
}
