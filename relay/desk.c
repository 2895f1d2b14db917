/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: changes into one transaction, one commit, then the answers. */
#include "relay/desk.h"

#include <string.h>

#include "base/assert.h"
#include "relay/desk_state.h"

enum sotto_err relay_desk_create(const struct relay_desk_config *config, struct relay_desk **desk)
{
	struct relay_desk *created = allocator_take_zeroed(config->allocator, 1, sizeof(*created));

	if (created == NULL)
		return SOTTO_ERR_NO_MEMORY;
	created->config = *config;
	for (size_t i = 0; i < DESK_BUCKETS; i++) {
		list_init(&created->tickets[i]);
		list_init(&created->drops[i]);
	}
	list_init(&created->ready);
	*desk = created;
	return SOTTO_OK;
}

void relay_desk_destroy(struct relay_desk *desk)
{
	if (desk == NULL)
		return;
	desk_readers_destroy(desk);
	allocator_wipe(desk->config.allocator, desk, sizeof(*desk));
}

enum wire_status desk_status(enum sotto_err err)
{
	if (err == SOTTO_OK)
		return WIRE_STATUS_OK;
	if (err == SOTTO_ERR_INVALID)
		return WIRE_STATUS_MALFORMED;
	if (err == SOTTO_ERR_NOT_FOUND)
		return WIRE_STATUS_NOT_FOUND;
	if (err == SOTTO_ERR_LIMIT)
		return WIRE_STATUS_QUOTA;
	return err == SOTTO_ERR_DISK_FULL ? WIRE_STATUS_FULL : WIRE_STATUS_FAILED;
}

enum sotto_err desk_answer_done(struct relay_desk *desk, uint64_t ticket, bool last,
				enum wire_status status)
{
	struct wire_done done = {.status = (uint8_t)status};
	uint8_t buffer[16];
	struct writer writer;
	enum sotto_err err;

	writer_init_fixed(&writer, buffer, sizeof(buffer));
	err = wire_done_encode(&done, &writer);
	ASSERT(err == SOTTO_OK);
	return desk->config.answer(desk->config.context, ticket, last, writer_bytes(&writer));
}

/* Card holders share one porch drop, and anybody may fill an inbox: each has its own limit. */
static uint64_t drop_bytes_max(uint8_t authority, uint8_t flags)
{
	if (authority == WIRE_AUTHORITY_PORCH)
		return RELAY_PORCH_BYTES_MAX;
	return (flags & (WIRE_DROP_INBOX | WIRE_DROP_FILE)) != 0 ? RELAY_INBOX_BYTES_MAX
								 : RELAY_DROP_BYTES_MAX;
}

static enum sotto_err take_change(struct relay_desk *desk, const struct wire_store_ask *ask,
				  uint64_t utc_ms)
{
	struct desk_change *change = &desk->changes[desk->change_count];
	struct wire_append append;
	struct wire_trim trim;

	if (desk->committed || desk->change_count == ARRAY_LEN(desk->changes))
		return SOTTO_ERR_AGAIN;
	change->ticket = ask->ticket;
	change->is_append = ask->message.data[0] == wire_number_append;
	if (change->is_append) {
		if (wire_append_decode(ask->message, &append) != SOTTO_OK)
			return SOTTO_ERR_FORMAT;
		change->err = relay_store_append(desk->config.store, &append,
						 drop_bytes_max(ask->authority, append.flags),
						 utc_ms, &change->appended);
	} else {
		if (wire_trim_decode(ask->message, &trim) != SOTTO_OK)
			return SOTTO_ERR_FORMAT;
		change->err = relay_store_trim(desk->config.store, &trim);
	}
	desk->change_count++;
	return SOTTO_OK;
}

static enum sotto_err take_read(struct relay_desk *desk, const struct wire_store_ask *ask)
{
	uint8_t token_hash[WIRE_HASH_LEN];
	uint8_t drop[WIRE_HASH_LEN];
	struct wire_watch watch;
	struct wire_read read;

	if (ask->message.data[0] == wire_number_watch) {
		if (wire_watch_decode(ask->message, &watch) != SOTTO_OK)
			return SOTTO_ERR_FORMAT;
		wire_read_token_hash(watch.read_token, token_hash);
		wire_drop_name(watch.flags, watch.append_token_hash, token_hash, drop);
		return desk_reader_add(desk, ask->ticket, drop, watch.from_sequence, 0, true);
	}
	if (wire_read_decode(ask->message, &read) != SOTTO_OK)
		return SOTTO_ERR_FORMAT;
	wire_read_token_hash(read.read_token, token_hash);
	wire_drop_name(read.flags, read.append_token_hash, token_hash, drop);
	return desk_reader_add(desk, ask->ticket, drop, read.from_sequence, read.max_bytes, false);
}

enum sotto_err relay_desk_ask(struct relay_desk *desk, const struct wire_store_ask *ask,
			      uint64_t utc_ms)
{
	if (ask->message.len == 0)
		return SOTTO_ERR_FORMAT;
	switch (ask->message.data[0]) {
	case wire_number_append:
	case wire_number_trim:
		return take_change(desk, ask, utc_ms);
	case wire_number_read:
	case wire_number_watch:
		return take_read(desk, ask);
	default:
		return SOTTO_ERR_FORMAT;
	}
}

static enum sotto_err answer_append(struct relay_desk *desk, const struct desk_change *change)
{
	struct wire_placed placed[WIRE_RECORDS_MAX];
	struct wire_appended appended = {
		.placed = {.items = placed, .count = change->appended.count},
		.end_sequence = change->appended.end_sequence,
	};
	uint8_t buffer[8 * WIRE_RECORDS_MAX + 128];
	struct writer writer;
	enum sotto_err err;

	memcpy(appended.incarnation, change->appended.incarnation, sizeof(appended.incarnation));
	memcpy(appended.running_hash, change->appended.running_hash, sizeof(appended.running_hash));
	for (size_t i = 0; i < change->appended.count; i++)
		placed[i].sequence = change->appended.sequences[i];
	writer_init_fixed(&writer, buffer, sizeof(buffer));
	err = wire_appended_encode(&appended, &writer);
	ASSERT(err == SOTTO_OK);
	return desk->config.answer(desk->config.context, change->ticket, true,
				   writer_bytes(&writer));
}

/* Nothing of the round has happened if the commit fails, whatever each request thought of itself. */
static void commit_round(struct relay_desk *desk)
{
	enum sotto_err err = relay_store_commit(desk->config.store);

	desk->commits++;
	for (size_t i = 0; i < desk->change_count; i++) {
		struct desk_change *change = &desk->changes[i];

		if (change->err == SOTTO_OK)
			change->err = err;
		if (change->err == SOTTO_OK && change->is_append) {
			desk->appends++;
			if (change->appended.grew)
				desk_readers_wake(desk, change->appended.drop);
		}
		if (desk_status(change->err) == WIRE_STATUS_FAILED ||
		    desk_status(change->err) == WIRE_STATUS_FULL)
			desk->failures++;
	}
	desk->committed = true;
}

enum sotto_err relay_desk_flush(struct relay_desk *desk)
{
	enum sotto_err err;

	if (desk->change_count > 0 && !desk->committed)
		commit_round(desk);
	for (; desk->change_sent < desk->change_count; desk->change_sent++) {
		const struct desk_change *change = &desk->changes[desk->change_sent];

		if (change->err == SOTTO_OK && change->is_append)
			err = answer_append(desk, change);
		else
			err = desk_answer_done(desk, change->ticket, true,
					       desk_status(change->err));
		if (err != SOTTO_OK)
			return err;
	}
	desk->change_count = 0;
	desk->change_sent = 0;
	desk->committed = false;
	return desk_readers_serve(desk);
}

bool relay_desk_pending(const struct relay_desk *desk)
{
	return desk->change_count > 0 || !list_empty(&desk->ready);
}

void relay_desk_count(const struct relay_desk *desk, struct relay_counters *counters)
{
	const struct relay_store *store = desk->config.store;
	struct relay_store_counts counts;

	relay_store_count(store, &counts);
	counters->values[RELAY_COUNTER_drops] = counts.drops;
	counters->values[RELAY_COUNTER_records] = counts.records;
	counters->values[RELAY_COUNTER_bytes] = counts.bytes;
	counters->values[RELAY_COUNTER_oldest_record] = counts.oldest_ms;
	counters->values[RELAY_COUNTER_expired] = counts.expired;
	counters->values[RELAY_COUNTER_watches] = desk->reader_count;
	counters->values[RELAY_COUNTER_appends] = desk->appends;
	counters->values[RELAY_COUNTER_commits] = desk->commits;
	counters->values[RELAY_COUNTER_failures] = desk->failures;
}
