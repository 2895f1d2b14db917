/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expiry, a step at a time: the oldest records leave the log in the order in which they came; then drops
 * that have been empty for long lose their names. Each step is a transaction of its own, and gives pages
 * back to the disk.
 */
#include <string.h>

#include "base/assert.h"
#include "relay/limits.h"
#include "relay/store_sql.h"

struct oldest {
	int64_t id;
	uint64_t utc_ms;
	uint64_t sequence;
	uint64_t bytes;
	uint8_t running[WIRE_HASH_LEN];
	uint8_t name[WIRE_HASH_LEN];
};

static enum sotto_err find_oldest(struct relay_store *store, struct oldest *oldest)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_LOG_OLDEST);
	enum sotto_err err = store_sql_row(store, statement);

	if (err != SOTTO_OK)
		return err;
	oldest->id = sqlite3_column_int64(statement, 0);
	oldest->utc_ms = store_sql_u64(statement, 1);
	oldest->sequence = store_sql_u64(statement, 2);
	TRY(store_sql_blob(statement, 3, oldest->running, WIRE_HASH_LEN));
	oldest->bytes = store_sql_u64(statement, 4);
	TRY(store_sql_blob(statement, 5, oldest->name, WIRE_HASH_LEN));
out:
	(void)sqlite3_reset(statement); /* a row was read */
	return err;
}

static enum sotto_err expire(struct relay_store *store, const struct oldest *oldest)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_LOG_DELETE);
	struct store_drop drop;
	enum sotto_err err;

	store_bind_i64(statement, 1, oldest->id);
	TRY(store_sql_run(store, STORE_LOG_DELETE));
	TRY(store_drop_find(store, oldest->name, &drop));
	FAIL_IF(oldest->bytes > drop.bytes || oldest->bytes > store->counts.bytes,
		SOTTO_ERR_CORRUPT);
	store->counts.records--;
	store->counts.expired++;
	/* What was trimmed lies below the base already and has no body. */
	if (oldest->sequence > drop.base_sequence) {
		drop.base_sequence = oldest->sequence;
		memcpy(drop.base_hash, oldest->running, sizeof(drop.base_hash));
		drop.bytes -= oldest->bytes;
		store->counts.bytes -= oldest->bytes;
		TRY(store_drop_update(store, &drop));
	}
out:
	return err;
}

static enum sotto_err expire_records(struct relay_store *store, uint64_t utc_ms, bool *more)
{
	enum sotto_err err;

	for (unsigned int i = 0; i < RELAY_SWEEP_STEP; i++) {
		struct oldest oldest;

		err = find_oldest(store, &oldest);
		store->counts.oldest_ms = err == SOTTO_OK ? oldest.utc_ms : 0;
		if (err == SOTTO_ERR_NOT_FOUND)
			return SOTTO_OK;
		if (err != SOTTO_OK)
			return err;
		if (oldest.utc_ms + store->config.retention_ms > utc_ms)
			return SOTTO_OK;
		err = expire(store, &oldest);
		if (err != SOTTO_OK)
			return err;
	}
	*more = true;
	return SOTTO_OK;
}

static enum sotto_err forget_drops(struct relay_store *store, uint64_t utc_ms, bool *more)
{
	uint64_t day =
		utc_ms > RELAY_DROP_KEEP_MS ? (utc_ms - RELAY_DROP_KEEP_MS) / RELAY_DAY_MS : 0;
	sqlite3_stmt *statement = store_sql_get(store, STORE_DROP_IDLE);
	int64_t ids[RELAY_SWEEP_STEP];
	size_t count = 0;
	enum sotto_err err;

	store_bind_u64(statement, 1, day);
	store_bind_u64(statement, 2, ARRAY_LEN(ids));
	for (;;) {
		err = store_sql_row(store, statement);
		if (err != SOTTO_OK)
			break;
		ASSERT(count < ARRAY_LEN(ids));
		ids[count++] = sqlite3_column_int64(statement, 0);
	}
	if (err != SOTTO_ERR_NOT_FOUND)
		return err;
	for (size_t i = 0; i < count; i++) {
		statement = store_sql_get(store, STORE_DROP_DELETE);
		store_bind_i64(statement, 1, ids[i]);
		err = store_sql_run(store, STORE_DROP_DELETE);
		if (err != SOTTO_OK)
			return err;
		store->counts.drops--;
	}
	*more = *more || count == ARRAY_LEN(ids);
	return SOTTO_OK;
}

enum sotto_err relay_store_sweep(struct relay_store *store, uint64_t utc_ms, bool *more)
{
	bool again = false;
	enum sotto_err err;

	if (store->open)
		return SOTTO_ERR_STATE;
	TRY(store_begin(store));
	TRY(expire_records(store, utc_ms, &again));
	TRY(forget_drops(store, utc_ms, &again));
	TRY(relay_store_commit(store));
	TRY(store_sql_run(store, STORE_VACUUM));
	*more = again;
out:
	if (err != SOTTO_OK)
		store_rollback(
			store); /* half a step would leave a drop that does not know its log */
	return err;
}
