/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of messages, and where they wait while the phone is locked.
 *
 *     open:    message --> TALK_TABLE_MESSAGES, event
 *     locked:  message --> TALK_TABLE_PARKED, a ring table, and no event
 *     unlock:  TALK_TABLE_PARKED, in order --> TALK_TABLE_MESSAGES, events; one step, one batch
 *
 * A text of our own keeps its row while the phone is locked: only its new state is parked. So what was
 * acknowledged meanwhile is nowhere within reach of a locked phone any more.
 */
#include <string.h>

#include "base/assert.h"
#include "talk/state.h"

/* Of one talk_unlock: well below what one batch takes, at two actions each. */
#define UNLOCK_ROWS_MAX 16384

static enum sotto_err tell(struct talk *talk, uint64_t row, const struct talk_kept_message *kept)
{
	bool received = kept->state == TALK_MESSAGE_RECEIVED;
	struct talk_event event = {
		.type = received ? TALK_EVENT_MESSAGE : TALK_EVENT_MESSAGE_STATE,
		.extension = received ? kept->from : kept->to,
		.row = row,
		.sent_ms = kept->sent_ms,
		.received_ms = kept->received_ms,
		.message_state = (enum talk_message_state)kept->state,
		.text = received ? kept->text : BYTES_NONE,
	};

	memcpy(event.message_id, kept->id, TALK_MESSAGE_ID_LEN);
	return talk_tell(talk, &event);
}

static enum sotto_err row_put(struct talk *talk, uint32_t peer, uint64_t row,
			      const struct talk_kept_message *kept)
{
	struct talk_blob value = {0};
	uint8_t owner[4];
	enum sotto_err err;

	talk_message_owner(peer, owner);
	TRY(talk_encode(talk, &talk_kept_message_type, kept, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_MESSAGES, BYTES_OF(owner), row,
			    talk_blob_bytes(&value), STORE_ERASABLE));
	TRY(tell(talk, row, kept));
out:
	talk_blob_clear(talk, &value);
	return err;
}

static enum sotto_err park(struct talk *talk, uint32_t peer, uint64_t row,
			   struct talk_kept_message kept)
{
	struct talk_kept_parked parked = {.version = TALK_STORE_VERSION, .peer = peer};
	struct talk_blob message = {0};
	struct talk_blob value = {0};
	enum sotto_err err;

	if (kept.state != TALK_MESSAGE_RECEIVED)
		kept.text = BYTES_NONE;
	TRY(talk_encode(talk, &talk_kept_message_type, &kept, &message));
	parked.message = talk_blob_bytes(&message);
	TRY(talk_encode(talk, &talk_kept_parked_type, &parked, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_PARKED, BYTES_NONE, row,
			    talk_blob_bytes(&value), STORE_ERASABLE));
out:
	talk_blob_clear(talk, &message);
	talk_blob_clear(talk, &value);
	return err;
}

enum sotto_err talk_message_put(struct talk *talk, uint32_t peer, uint64_t row,
				const struct talk_kept_message *kept)
{
	return talk->locked ? park(talk, peer, row, *kept) : row_put(talk, peer, row, kept);
}

struct unparking {
	struct talk *talk;
	const struct store_reader *reader;
};

/* The text of our own has stood in its row all the time; if that is gone, so is what its state is of. */
static enum sotto_err state_unpark(const struct unparking *unparking, uint32_t peer, uint64_t row,
				   enum talk_message_state state)
{
	struct talk_kept_message kept;
	struct writer before;
	uint8_t owner[4];
	enum sotto_err err;

	talk_message_owner(peer, owner);
	writer_init_growing(&before, unparking->talk->allocator);
	err = store_get(unparking->reader, TALK_TABLE_MESSAGES, BYTES_OF(owner), row, &before);
	if (err == SOTTO_ERR_NOT_FOUND) {
		err = SOTTO_OK;
		goto out;
	}
	TRY(err);
	FAIL_IF(wire_decode(&talk_kept_message_type, writer_bytes(&before), &kept) != SOTTO_OK,
		SOTTO_ERR_CORRUPT);
	kept.state = (uint8_t)state;
	TRY(row_put(unparking->talk, peer, row, &kept));
out:
	writer_release(&before);
	return err;
}

static enum sotto_err row_unpark(void *context, uint64_t row, struct bytes value)
{
	const struct unparking *unparking = context;
	struct talk_kept_message kept;
	struct talk_kept_parked parked;
	enum sotto_err err;

	FAIL_IF(wire_decode(&talk_kept_parked_type, value, &parked) != SOTTO_OK ||
			wire_decode(&talk_kept_message_type, parked.message, &kept) != SOTTO_OK ||
			parked.version != TALK_STORE_VERSION || kept.version != TALK_STORE_VERSION,
		SOTTO_ERR_CORRUPT);
	if (kept.state == TALK_MESSAGE_RECEIVED)
		TRY(row_put(unparking->talk, parked.peer, row, &kept));
	else
		TRY(state_unpark(unparking, parked.peer, row, (enum talk_message_state)kept.state));
	TRY(store_batch_delete(&unparking->talk->batch, TALK_TABLE_PARKED, BYTES_NONE, row));
out:
	return err;
}

void talk_lock(struct talk *talk)
{
	ASSERT(talk->batch.len == 0);
	talk->locked = true;
	list_for_each (element, following, &talk->events) {
		struct talk_event_row *row = CONTAINER_OF(element, struct talk_event_row, list);

		if (row->event.type != TALK_EVENT_MESSAGE &&
		    row->event.type != TALK_EVENT_MESSAGE_STATE)
			continue;
		list_remove(&row->list);
		list_append(&talk->told, &row->list);
	}
	talk_events_clear(talk, &talk->told);
}

enum sotto_err talk_unlock(struct talk *talk, const struct store_reader *reader, uint64_t now_ns,
			   uint64_t utc_ms)
{
	struct unparking unparking = {.talk = talk, .reader = reader};
	struct store_range range = STORE_RANGE_ALL(TALK_TABLE_PARKED, BYTES_NONE);
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	ASSERT(talk->batch.len == 0);
	talk->locked = false;
	range.limit = UNLOCK_ROWS_MAX;
	err = store_iterate(reader, &range, row_unpark, &unparking);
	/* A step that stopped half way is as broken as any other. */
	if (err != SOTTO_OK)
		talk->broken = err;
	return err;
}
