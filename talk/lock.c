/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of messages, and where they wait while the phone is locked.
 *
 *     open:    message --> TALK_TABLE_MESSAGES, event
 *     locked:  message --> TALK_TABLE_PARKED, a ring table, and no event
 *     unlock:  TALK_TABLE_PARKED, in order --> TALK_TABLE_MESSAGES, events; one step, one batch
 *
 * A message that is there keeps its row while the phone is locked: only what changes of it is parked. So what was
 * acknowledged meanwhile is nowhere within reach of a locked phone any more.
 */
#include <string.h>

#include "base/assert.h"
#include "talk/state.h"

/* Of one talk_unlock: well below what one batch takes, at some actions each. */
#define UNLOCK_ROWS_MAX 8192

/* What is parked. */
enum talk_parked {
	PARKED_ROW = 1,	   /* a message that is new */
	PARKED_CHANGE = 2, /* of one that is there, or waits as well */
};

static enum sotto_err park(struct talk *talk, const struct talk_group *group, uint64_t row,
			   enum talk_parked what, const struct wire_type *type,
			   const void *structure)
{
	struct talk_kept_parked parked = {
		.version = TALK_STORE_VERSION,
		.what = (uint8_t)what,
		.kind = (uint8_t)group->kind,
		.peer = group->peer,
	};
	struct talk_blob message = {0};
	struct talk_blob value = {0};
	enum sotto_err err;

	memcpy(parked.id, group->id, sizeof(parked.id));
	TRY(talk_encode(talk, type, structure, &message));
	parked.message = talk_blob_bytes(&message);
	TRY(talk_encode(talk, &talk_kept_parked_type, &parked, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_PARKED, BYTES_NONE, row,
			    talk_blob_bytes(&value), STORE_ERASABLE));
out:
	talk_blob_clear(talk, &message);
	talk_blob_clear(talk, &value);
	return err;
}

enum sotto_err talk_message_put(struct talk *talk, const struct talk_group *group, uint64_t row,
				const struct talk_kept_message *kept)
{
	struct talk_conversation conversation;
	struct talk_owner owner;

	if (talk->locked)
		return park(talk, group, row, PARKED_ROW, &talk_kept_message_type, kept);
	conversation = talk_conversation_of(talk, group);
	talk_owner_of(group, &owner);
	return talk_row_put(talk, &conversation, &owner, row, kept);
}

enum sotto_err talk_change_park(struct talk *talk, const struct talk_group *group,
				const struct talk_kept_change *change)
{
	return park(talk, group, talk_number(talk), PARKED_CHANGE, &talk_kept_change_type, change);
}

static enum sotto_err row_unpark(void *context, uint64_t row, struct bytes value)
{
	struct talk *talk = context;
	struct talk_conversation conversation;
	struct talk_kept_message kept;
	struct talk_kept_change change;
	struct talk_kept_parked parked;
	struct talk_owner owner;
	enum sotto_err err;

	FAIL_IF(wire_decode(&talk_kept_parked_type, value, &parked) != SOTTO_OK ||
			parked.version != TALK_STORE_VERSION,
		SOTTO_ERR_CORRUPT);
	conversation = talk_conversation_parked(talk, &parked);
	talk_owner_parked(&parked, &owner);
	if (parked.what == PARKED_ROW) {
		FAIL_IF(wire_decode(&talk_kept_message_type, parked.message, &kept) != SOTTO_OK,
			SOTTO_ERR_CORRUPT);
		TRY(talk_row_put(talk, &conversation, &owner, row, &kept));
	} else {
		FAIL_IF(parked.what != PARKED_CHANGE ||
				wire_decode(&talk_kept_change_type, parked.message, &change) !=
					SOTTO_OK,
			SOTTO_ERR_CORRUPT);
		TRY(talk_change_apply(talk, &conversation, &owner, &change));
	}
	TRY(store_batch_delete(&talk->batch, TALK_TABLE_PARKED, BYTES_NONE, row));
out:
	return err;
}

void talk_lock(struct talk *talk)
{
	ASSERT(talk->batch.len == 0);
	talk->locked = true;
	/* Whoever holds the phone now is perhaps not its person. */
	talk_card_close(talk);
	talk_taking_lock(talk);
	list_for_each (element, following, &talk->events) {
		struct talk_event_row *row = CONTAINER_OF(element, struct talk_event_row, list);

		if (row->event.type != TALK_EVENT_MESSAGE &&
		    row->event.type != TALK_EVENT_MESSAGE_STATE &&
		    row->event.type != TALK_EVENT_MESSAGE_CHANGED)
			continue;
		list_remove(&row->list);
		list_append(&talk->told, &row->list);
	}
	talk_events_clear(talk, &talk->told);
}

enum sotto_err talk_unlock(struct talk *talk, const struct store_reader *reader, uint64_t now_ns,
			   uint64_t utc_ms)
{
	struct store_range range = STORE_RANGE_ALL(TALK_TABLE_PARKED, BYTES_NONE);
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	ASSERT(talk->batch.len == 0);
	talk->locked = false;
	talk->reader = *reader;
	range.limit = UNLOCK_ROWS_MAX;
	err = store_iterate(reader, &range, row_unpark, talk);
	if (err == SOTTO_OK)
		err = talk_taking_unlock(talk);
	/* A step that stopped half way is as broken as any other. */
	if (err != SOTTO_OK)
		talk->broken = err;
	return err;
}
