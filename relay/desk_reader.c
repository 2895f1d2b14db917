/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and watches: found by ticket and by drop; the ready ones take turns, one batch each. */
#include <string.h>

#include "base/assert.h"
#include "relay/desk_state.h"

static struct list *ticket_bucket(struct relay_desk *desk, uint64_t ticket)
{
	return &desk->tickets[ticket % DESK_BUCKETS];
}

static struct list *drop_bucket(struct relay_desk *desk, const uint8_t drop[WIRE_HASH_LEN])
{
	return &desk->drops[(drop[0] | (size_t)drop[1] << 8) % DESK_BUCKETS];
}

static struct desk_reader *find(struct relay_desk *desk, uint64_t ticket)
{
	list_for_each (place, next, ticket_bucket(desk, ticket)) {
		struct desk_reader *reader = CONTAINER_OF(place, struct desk_reader, by_ticket);

		if (reader->ticket == ticket)
			return reader;
	}
	return NULL;
}

static void make_ready(struct relay_desk *desk, struct desk_reader *reader)
{
	list_remove(&reader->ready);
	list_append(&desk->ready, &reader->ready);
}

static void destroy(struct relay_desk *desk, struct desk_reader *reader)
{
	list_remove(&reader->by_ticket);
	list_remove(&reader->by_drop);
	list_remove(&reader->ready);
	desk->reader_count--;
	allocator_wipe(desk->config.allocator, reader, sizeof(*reader));
}

enum sotto_err desk_reader_add(struct relay_desk *desk, uint64_t ticket,
			       const uint8_t drop[WIRE_HASH_LEN], uint64_t from_sequence,
			       uint32_t max_bytes, bool watch)
{
	struct desk_reader *reader = NULL;

	if (desk->reader_count < RELAY_WATCHES_MAX)
		reader = allocator_take_zeroed(desk->config.allocator, 1, sizeof(*reader));
	if (reader == NULL)
		return desk_answer_done(desk, ticket, true, WIRE_STATUS_QUOTA);
	reader->ticket = ticket;
	memcpy(reader->drop, drop, sizeof(reader->drop));
	reader->next_sequence = from_sequence;
	reader->bytes_left = max_bytes > 0 ? max_bytes : UINT64_MAX;
	reader->watch = watch;
	reader->credit = true;
	list_init(&reader->ready);
	list_append(ticket_bucket(desk, ticket), &reader->by_ticket);
	list_append(drop_bucket(desk, drop), &reader->by_drop);
	desk->reader_count++;
	make_ready(desk, reader);
	return SOTTO_OK;
}

void desk_readers_destroy(struct relay_desk *desk)
{
	for (size_t i = 0; i < DESK_BUCKETS; i++) {
		list_for_each (place, next, &desk->tickets[i])
			destroy(desk, CONTAINER_OF(place, struct desk_reader, by_ticket));
	}
}

void desk_readers_wake(struct relay_desk *desk, const uint8_t drop[WIRE_HASH_LEN])
{
	list_for_each (place, next, drop_bucket(desk, drop)) {
		struct desk_reader *reader = CONTAINER_OF(place, struct desk_reader, by_drop);

		if (reader->credit && memcmp(reader->drop, drop, WIRE_HASH_LEN) == 0)
			make_ready(desk, reader);
	}
}

void relay_desk_more(struct relay_desk *desk, uint64_t ticket)
{
	struct desk_reader *reader = find(desk, ticket);

	if (reader == NULL || reader->credit)
		return;
	reader->credit = true;
	make_ready(desk, reader);
}

void relay_desk_cancel(struct relay_desk *desk, uint64_t ticket)
{
	struct desk_reader *reader = find(desk, ticket);

	if (reader != NULL)
		destroy(desk, reader);
}

/* Sends and frees the buffer; the reader's state changes only if the answer was taken. */
static enum sotto_err send_batch(struct relay_desk *desk, struct desk_reader *reader,
				 const struct wire_batch *batch)
{
	uint64_t bytes = batch->records.encoded.len;
	bool at_end = batch->end_sequence >= batch->newest_sequence;
	bool last = !reader->watch && (at_end || bytes >= reader->bytes_left);
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, desk->config.allocator);
	err = wire_batch_encode(batch, &writer);
	if (err == SOTTO_OK)
		err = desk->config.answer(desk->config.context, reader->ticket, last,
					  writer_bytes(&writer));
	writer_release(&writer);
	if (err != SOTTO_OK)
		return err;
	memcpy(reader->incarnation, batch->incarnation, sizeof(reader->incarnation));
	reader->has_incarnation = true;
	reader->next_sequence = batch->end_sequence + 1;
	reader->bytes_left -= bytes < reader->bytes_left ? bytes : reader->bytes_left;
	reader->answered = true;
	reader->credit = false;
	if (last)
		destroy(desk, reader);
	else
		list_remove(&reader->ready);
	return SOTTO_OK;
}

static enum sotto_err serve(struct relay_desk *desk, struct desk_reader *reader)
{
	size_t bytes_max = reader->bytes_left < WIRE_BATCH_BYTES_MAX ? (size_t)reader->bytes_left
								     : WIRE_BATCH_BYTES_MAX;
	struct wire_batch batch;
	enum sotto_err err;

	err = relay_store_read(desk->config.store, reader->drop, reader->next_sequence, bytes_max,
			       &batch);
	/* The drop was lost or expired meanwhile and begins anew: so does its reader. */
	if (err == SOTTO_OK && reader->next_sequence > 1 && reader->has_incarnation &&
	    memcmp(reader->incarnation, batch.incarnation, sizeof(batch.incarnation)) != 0) {
		reader->next_sequence = 1;
		err = relay_store_read(desk->config.store, reader->drop, 1, bytes_max, &batch);
	}
	if (err == SOTTO_OK && reader->answered && batch.records.count == 0) {
		list_remove(&reader->ready); /* a watch that has everything waits */
		return SOTTO_OK;
	}
	if (err == SOTTO_OK)
		return send_batch(desk, reader, &batch);
	if (err == SOTTO_ERR_NOT_FOUND && reader->watch && reader->answered) {
		list_remove(&reader->ready);
		return SOTTO_OK;
	}
	/* A watch of a drop that does not exist says so once and waits. */
	if (err == SOTTO_ERR_NOT_FOUND && reader->watch) {
		err = desk_answer_done(desk, reader->ticket, false, WIRE_STATUS_NOT_FOUND);
		if (err != SOTTO_OK)
			return err;
		reader->answered = true;
		reader->credit = false;
		list_remove(&reader->ready);
		return SOTTO_OK;
	}
	err = desk_answer_done(desk, reader->ticket, true, desk_status(err));
	if (err == SOTTO_OK)
		destroy(desk, reader);
	return err;
}

enum sotto_err desk_readers_serve(struct relay_desk *desk)
{
	enum sotto_err err = SOTTO_OK;

	for (unsigned int i = 0; i < RELAY_ROUND_MAX && err == SOTTO_OK; i++) {
		if (list_empty(&desk->ready) || !desk->config.room(desk->config.context))
			break;
		err = serve(desk, CONTAINER_OF(desk->ready.next, struct desk_reader, ready));
	}
	return err;
}
