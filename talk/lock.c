/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of messages, and where they wait while the phone is locked.
 *
 *     open:    message --> TALK_TABLE_MESSAGES, event
 *     locked:  message --> TALK_TABLE_PARKED, a ring table, and no event
 *     unlock:  TALK_TABLE_PARKED, in order --> TALK_TABLE_MESSAGES, events; one step, one batch
 *
 * A text of our own keeps its row while the phone is locked: only its new state and place are parked. So what was
 * acknowledged meanwhile is nowhere within reach of a locked phone any more.
 */
#include <string.h>

#include "base/assert.h"
#include "talk/state.h"

/* Of one talk_unlock: well below what one batch takes, at two actions each. */
#define UNLOCK_ROWS_MAX 16384

/* What is parked of a message. */
enum talk_parked {
	PARKED_ROW = 1,	  /* all of it: it is new */
	PARKED_STATE = 2, /* of our own: state and place */
	PARKED_PLACE = 3, /* id and place */
};

static enum sotto_err park(struct talk *talk, const struct talk_group *group, uint64_t row,
			   enum talk_parked what, struct talk_kept_message kept)
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
	if (what != PARKED_ROW)
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

enum sotto_err talk_message_put(struct talk *talk, const struct talk_group *group, uint64_t row,
				const struct talk_kept_message *kept, bool tells)
{
	struct talk_conversation conversation;
	struct talk_owner owner;

	if (talk->locked)
		return park(talk, group, row,
			    kept->state == TALK_MESSAGE_RECEIVED ? PARKED_ROW : PARKED_STATE,
			    *kept);
	conversation = talk_conversation_of(talk, group);
	talk_owner_of(group, &owner);
	return talk_row_put(talk, &conversation, &owner, row, kept, tells);
}

enum sotto_err talk_message_move(struct talk *talk, const struct talk_group *group,
				 const uint8_t *id, const struct talk_place *place)
{
	struct talk_kept_message kept = {.version = TALK_STORE_VERSION};
	struct talk_owner owner;

	if (talk->locked) {
		memcpy(kept.id, id, TALK_MESSAGE_ID_LEN);
		TALK_PLACE_KEEP(&kept, place);
		return park(talk, group, talk_number(talk), PARKED_PLACE, kept);
	}
	talk_owner_of(group, &owner);
	return talk_row_move(talk, &owner, id, place);
}

/* The text of our own has stood in its row all the time; if that is gone, so is what its state is of. */
static enum sotto_err state_unpark(struct talk *talk, const struct talk_kept_parked *parked,
				   uint64_t row, const struct talk_kept_message *news)
{
	struct talk_conversation conversation = talk_conversation_parked(talk, parked);
	struct talk_kept_message kept;
	struct talk_place place;
	struct talk_owner owner;
	struct writer before;
	enum sotto_err err;

	talk_owner_parked(parked, &owner);
	TALK_PLACE_TAKE(news, &place);
	writer_init_growing(&before, talk->allocator);
	TRY(talk_row_get(talk, &owner, row, &before, &kept));
	kept.state = news->state;
	TALK_PLACE_KEEP(&kept, &place);
	TRY(talk_row_put(talk, &conversation, &owner, row, &kept, true));
out:
	writer_release(&before);
	return err == SOTTO_ERR_NOT_FOUND ? SOTTO_OK : err;
}

static enum sotto_err row_unpark(void *context, uint64_t row, struct bytes value)
{
	struct talk *talk = context;
	struct talk_conversation conversation;
	struct talk_kept_message kept;
	struct talk_kept_parked parked;
	struct talk_place place;
	struct talk_owner owner;
	enum sotto_err err;

	FAIL_IF(wire_decode(&talk_kept_parked_type, value, &parked) != SOTTO_OK ||
			wire_decode(&talk_kept_message_type, parked.message, &kept) != SOTTO_OK ||
			parked.version != TALK_STORE_VERSION || kept.version != TALK_STORE_VERSION,
		SOTTO_ERR_CORRUPT);
	talk_owner_parked(&parked, &owner);
	switch ((enum talk_parked)parked.what) {
	case PARKED_ROW:
		conversation = talk_conversation_parked(talk, &parked);
		TRY(talk_row_put(talk, &conversation, &owner, row, &kept, true));
		break;
	case PARKED_STATE:
		TRY(state_unpark(talk, &parked, row, &kept));
		break;
	case PARKED_PLACE:
		TALK_PLACE_TAKE(&kept, &place);
		TRY(talk_row_move(talk, &owner, kept.id, &place));
		break;
	default:
		FAIL_IF(true, SOTTO_ERR_CORRUPT);
	}
	TRY(store_batch_delete(&talk->batch, TALK_TABLE_PARKED, BYTES_NONE, row));
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
	struct store_range range = STORE_RANGE_ALL(TALK_TABLE_PARKED, BYTES_NONE);
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	ASSERT(talk->batch.len == 0);
	talk->locked = false;
	talk->reader = *reader;
	range.limit = UNLOCK_ROWS_MAX;
	err = store_iterate(reader, &range, row_unpark, talk);
	/* A step that stopped half way is as broken as any other. */
	if (err != SOTTO_OK)
		talk->broken = err;
	return err;
}
