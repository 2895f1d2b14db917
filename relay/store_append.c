/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending: find or create the drop, then record by record: known already? else the next sequence. A
 * savepoint makes each request whole or nothing inside the round's transaction.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "relay/limits.h"
#include "relay/store_sql.h"

/* What the index holds of a record's hash: enough to find it, compared in full afterwards. */
static int64_t record_mark(const uint8_t hash[WIRE_HASH_LEN])
{
	int64_t mark;

	memcpy(&mark, hash, sizeof(mark));
	return mark;
}

static enum sotto_err create_drop(struct relay_store *store, const uint8_t *name, uint64_t day,
				  struct store_drop *drop)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_DROP_INSERT);
	struct store_drop created = {.touched_day = day};
	enum sotto_err err;

	if (store->counts.drops >= store->config.drops_max)
		return SOTTO_ERR_LIMIT;
	memcpy(created.name, name, sizeof(created.name));
	err = random_fill(store->config.random, created.incarnation, sizeof(created.incarnation));
	if (err != SOTTO_OK)
		return err;
	wire_running_start(name, created.incarnation, created.base_hash);
	memcpy(created.end_hash, created.base_hash, sizeof(created.end_hash));
	store_bind_blob(statement, 1, BYTES(name, WIRE_HASH_LEN));
	store_bind_blob(statement, 2, BYTES_OF(created.incarnation));
	store_bind_blob(statement, 3, BYTES_OF(created.base_hash));
	store_bind_u64(statement, 4, day);
	err = store_sql_run(store, STORE_DROP_INSERT);
	if (err != SOTTO_OK)
		return err;
	created.id = sqlite3_last_insert_rowid(store->db);
	store->counts.drops++;
	*drop = created;
	return SOTTO_OK;
}

/* NOT_FOUND: a new one. */
static enum sotto_err find_record(struct relay_store *store, const struct store_drop *drop,
				  const uint8_t hash[WIRE_HASH_LEN], uint64_t *sequence)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_LOG_BY_MARK);
	enum sotto_err err;

	store_bind_i64(statement, 1, drop->id);
	store_bind_i64(statement, 2, record_mark(hash));
	for (;;) {
		uint8_t found[WIRE_HASH_LEN];

		TRY(store_sql_row(store, statement));
		TRY(store_sql_blob(statement, 1, found, sizeof(found)));
		if (memcmp(found, hash, sizeof(found)) == 0)
			break;
	}
	*sequence = store_sql_u64(statement, 0);
out:
	(void)sqlite3_reset(statement); /* the error is in hand */
	return err;
}

static enum sotto_err insert_record(struct relay_store *store, struct store_drop *drop,
				    const uint8_t hash[WIRE_HASH_LEN], struct bytes body)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_LOG_INSERT);
	uint8_t running[WIRE_HASH_LEN];
	enum sotto_err err;

	memcpy(running, drop->end_hash, sizeof(running));
	wire_running_next_hash(running, hash);
	store_bind_i64(statement, 1, drop->id);
	store_bind_u64(statement, 2, drop->end_sequence + 1);
	store_bind_i64(statement, 3, record_mark(hash));
	store_bind_u64(statement, 4, store->newest_ms);
	store_bind_blob(statement, 5, BYTES(hash, WIRE_HASH_LEN));
	store_bind_blob(statement, 6, BYTES_OF(running));
	store_bind_blob(statement, 7, body);
	err = store_sql_run(store, STORE_LOG_INSERT);
	if (err != SOTTO_OK)
		return err;
	drop->end_sequence++;
	memcpy(drop->end_hash, running, sizeof(running));
	drop->bytes += body.len;
	store->counts.records++;
	store->counts.bytes += body.len;
	if (store->counts.oldest_ms == 0)
		store->counts.oldest_ms = store->newest_ms;
	return SOTTO_OK;
}

static enum sotto_err append_records(struct relay_store *store, const struct wire_append *append,
				     uint64_t bytes_max, uint64_t day, struct relay_appended *done)
{
	struct wire_cursor cursor = wire_list_walk(&append->records);
	struct wire_record record;
	struct store_drop drop;
	enum sotto_err err;

	err = store_drop_find(store, done->drop, &drop);
	if (err == SOTTO_ERR_NOT_FOUND)
		err = create_drop(store, done->drop, day, &drop);
	if (err != SOTTO_OK)
		return err;
	while (wire_record_next(&cursor, &record)) {
		uint64_t *sequence = &done->sequences[done->count++];
		uint8_t hash[WIRE_HASH_LEN];

		hash_digest(HASH_SHA256, record.sealed, hash);
		err = find_record(store, &drop, hash, sequence);
		if (err == SOTTO_OK)
			continue;
		if (err != SOTTO_ERR_NOT_FOUND)
			return err;
		if (drop.bytes + record.sealed.len > bytes_max)
			return SOTTO_ERR_LIMIT;
		if (store->counts.bytes + record.sealed.len > store->config.disk_max)
			return SOTTO_ERR_DISK_FULL;
		err = insert_record(store, &drop, hash, record.sealed);
		if (err != SOTTO_OK)
			return err;
		*sequence = drop.end_sequence;
		done->grew = true;
	}
	memcpy(done->incarnation, drop.incarnation, sizeof(done->incarnation));
	done->end_sequence = drop.end_sequence;
	memcpy(done->running_hash, drop.end_hash, sizeof(done->running_hash));
	drop.touched_day = day;
	return done->grew ? store_drop_update(store, &drop) : SOTTO_OK;
}

enum sotto_err relay_store_append(struct relay_store *store, const struct wire_append *append,
				  uint64_t bytes_max, uint64_t utc_ms,
				  struct relay_appended *appended)
{
	struct relay_store_counts before = store->counts;
	struct relay_appended done = {0};
	uint8_t token_hash[WIRE_HASH_LEN];
	enum sotto_err err;

	if (append->records.count == 0 || append->records.count > WIRE_RECORDS_MAX ||
	    (append->flags & ~WIRE_DROP_FLAGS) != 0)
		return SOTTO_ERR_INVALID;
	wire_append_token_hash(append->append_token, token_hash);
	wire_drop_name(append->flags, token_hash, append->read_token_hash, done.drop);
	err = store_begin(store);
	if (err != SOTTO_OK)
		return err;
	err = store_sql_run(store, STORE_SAVEPOINT);
	if (err != SOTTO_OK)
		return err;
	if (utc_ms > store->newest_ms)
		store->newest_ms = utc_ms;
	err = append_records(store, append, bytes_max, store->newest_ms / RELAY_DAY_MS, &done);
	if (err == SOTTO_OK)
		err = store_sql_run(store, STORE_SAVEPOINT_RELEASE);
	if (err == SOTTO_OK) {
		*appended = done;
		return SOTTO_OK;
	}
	/* If SQLite rolled everything back already, there is no savepoint; commit will tell. */
	store->counts = before;
	if (sqlite3_get_autocommit(store->db) == 0 &&
	    (store_sql_run(store, STORE_SAVEPOINT_ROLLBACK) != SOTTO_OK ||
	     store_sql_run(store, STORE_SAVEPOINT_RELEASE) != SOTTO_OK))
		store->spoiled = true;
	return err;
}
