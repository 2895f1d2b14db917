/* SPDX-License-Identifier: Apache-2.0 */
/* Reading signed batches, and trimming inboxes. */
#include <string.h>

#include "base/assert.h"
#include "relay/store_sql.h"

/* Collects records into store->batch as a wire list; *running is the hash behind the last one. */
static enum sotto_err collect(struct relay_store *store, const struct store_drop *drop,
			      size_t bytes_max, struct wire_batch *batch)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_LOG_FROM);
	size_t bytes = 0;
	enum sotto_err err;

	store_bind_i64(statement, 1, drop->id);
	store_bind_u64(statement, 2, batch->before_sequence + 1);
	while (batch->records.count < WIRE_RECORDS_MAX) {
		struct bytes body;

		err = store_sql_row(store, statement);
		if (err == SOTTO_ERR_NOT_FOUND)
			break;
		if (err != SOTTO_OK)
			goto out;
		body = BYTES(sqlite3_column_blob(statement, 2),
			     (size_t)sqlite3_column_bytes(statement, 2));
		FAIL_IF(store_sql_u64(statement, 0) != batch->end_sequence + 1 ||
				!wire_record_len_valid(body.len),
			SOTTO_ERR_CORRUPT);
		if (batch->records.count > 0 && bytes + body.len > bytes_max)
			break;
		TRY(store_sql_blob(statement, 1, batch->running_hash, WIRE_HASH_LEN));
		writer_put_vector(&store->batch, body);
		bytes += body.len;
		batch->records.count++;
		batch->end_sequence++;
	}
	err = writer_finish(&store->batch);
	batch->records.encoded = writer_bytes(&store->batch);
out:
	(void)sqlite3_reset(statement); /* the error is in hand */
	return err;
}

enum sotto_err relay_store_read(struct relay_store *store, const uint8_t name[WIRE_HASH_LEN],
				uint64_t from_sequence, size_t bytes_max, struct wire_batch *batch)
{
	uint8_t content[WIRE_SIGNED_LEN_MAX];
	struct wire_batch made = {0};
	struct store_drop drop;
	enum sotto_err err;

	ASSERT(!store->open);
	if (bytes_max == 0 || bytes_max > WIRE_BATCH_BYTES_MAX)
		bytes_max = WIRE_BATCH_BYTES_MAX;
	err = store_drop_find(store, name, &drop);
	if (err != SOTTO_OK)
		return err;
	memcpy(made.drop, name, sizeof(made.drop));
	memcpy(made.incarnation, drop.incarnation, sizeof(made.incarnation));
	made.newest_sequence = drop.end_sequence;
	made.before_sequence = from_sequence > 0 ? from_sequence - 1 : 0;
	if (made.before_sequence < drop.base_sequence)
		made.before_sequence = drop.base_sequence;
	if (made.before_sequence > drop.end_sequence)
		made.before_sequence = drop.end_sequence;
	TRY(store_running_at(store, &drop, made.before_sequence, made.before_hash));
	made.end_sequence = made.before_sequence;
	memcpy(made.running_hash, made.before_hash, sizeof(made.running_hash));
	writer_release(&store->batch);
	writer_init_growing(&store->batch, &allocator_default);
	TRY(collect(store, &drop, bytes_max, &made));
	TRY(relay_store_sign(store,
			     wire_signed_batch(made.drop, made.incarnation, made.end_sequence,
					       made.running_hash, content),
			     made.signature));
	*batch = made;
out:
	return err;
}

/* How many bytes of bodies lie between two sequences: what the drop gets back. */
static enum sotto_err measure_bodies(struct relay_store *store, const struct store_drop *drop,
				     uint64_t up_to_sequence, uint64_t *bytes)
{
	sqlite3_stmt *statement = store_sql_get(store, STORE_LOG_FROM);
	uint64_t sum = 0;
	enum sotto_err err;

	store_bind_i64(statement, 1, drop->id);
	store_bind_u64(statement, 2, drop->base_sequence + 1);
	for (;;) {
		err = store_sql_row(store, statement);
		if (err != SOTTO_OK || store_sql_u64(statement, 0) > up_to_sequence)
			break;
		sum += (uint64_t)sqlite3_column_bytes(statement, 2);
	}
	(void)sqlite3_reset(statement); /* the error is in hand */
	if (err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND)
		return err;
	*bytes = sum;
	return SOTTO_OK;
}

enum sotto_err relay_store_trim(struct relay_store *store, const struct wire_trim *trim)
{
	uint8_t token_hash[WIRE_HASH_LEN];
	uint8_t name[WIRE_HASH_LEN];
	uint8_t running[WIRE_HASH_LEN];
	sqlite3_stmt *statement;
	struct store_drop drop;
	uint64_t bytes = 0;
	enum sotto_err err;

	if ((trim->flags & WIRE_DROP_INBOX) == 0 || (trim->flags & ~WIRE_DROP_FLAGS) != 0)
		return SOTTO_ERR_INVALID;
	wire_read_token_hash(trim->read_token, token_hash);
	wire_drop_name(trim->flags, trim->append_token_hash, token_hash, name);
	TRY(store_begin(store));
	TRY(store_drop_find(store, name, &drop));
	FAIL_IF(memcmp(drop.incarnation, trim->incarnation, sizeof(drop.incarnation)) != 0,
		SOTTO_ERR_NOT_FOUND);
	FAIL_IF(trim->up_to_sequence > drop.end_sequence, SOTTO_ERR_INVALID);
	if (trim->up_to_sequence <= drop.base_sequence)
		return SOTTO_OK;
	/* What a phone has not read it does not erase. */
	TRY(store_running_at(store, &drop, trim->up_to_sequence, running));
	FAIL_IF(memcmp(running, trim->running_hash, sizeof(running)) != 0, SOTTO_ERR_INVALID);
	TRY(measure_bodies(store, &drop, trim->up_to_sequence, &bytes));
	ASSERT(bytes <= drop.bytes && bytes <= store->counts.bytes);
	statement = store_sql_get(store, STORE_LOG_TRIM);
	store_bind_i64(statement, 1, drop.id);
	store_bind_u64(statement, 2, drop.base_sequence);
	store_bind_u64(statement, 3, trim->up_to_sequence);
	TRY(store_sql_run(store, STORE_LOG_TRIM));
	memcpy(drop.base_hash, running, sizeof(running));
	drop.base_sequence = trim->up_to_sequence;
	drop.bytes -= bytes;
	TRY(store_drop_update(store, &drop));
	store->counts.bytes -= bytes;
out:
	if (err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND && err != SOTTO_ERR_INVALID)
		store->spoiled = true;
	return err;
}
