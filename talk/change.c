/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a message that is there: its way to its recipients, reactions, edits, deletion.
 *
 *   a body, a receipt, our own wish --> change --> its row is written over, so that nothing of before is left
 *                                         |  the message is not here yet
 *                                         +--> waits for it, and happens when it comes
 *
 * In which order changes come does not matter: of edits of one message, and of one person's reactions to it, the
 * one with the highest number counts, and a deletion is for good.
 */
#include <string.h>

#include "talk/state.h"

/* Rows of TALK_TABLE_READ beside these, by half of an id: what waits for that message. */
#define LAST_READ 0
#define QUEUE	  1 /* which messages something waits for, in the order in which it began */

static uint64_t half_of(const uint8_t *id)
{
	uint64_t half = 0;

	for (size_t i = 0; i < 8; i++)
		half = half << 8 | id[i];
	return half;
}

/* ---- Lists in a row ---- */

/* All items as structures, with room for one more behind them. room is empty before. */
static enum sotto_err list_open(const struct talk *talk, const struct wire_list *list,
				const struct wire_type *type, struct talk_blob *room)
{
	struct wire_cursor cursor = wire_list_walk(list);
	size_t at = 0;

	room->len = (list->count + 1) * type->size;
	room->data = talk_take(talk, room->len);
	if (room->data == NULL) {
		room->len = 0;
		return SOTTO_ERR_NO_MEMORY;
	}
	while (at < list->count && wire_list_next(&cursor, type, room->data + at * type->size))
		at++;
	return SOTTO_OK;
}

static bool is_author(const struct talk_kept_message *kept, const struct talk_kept_change *change)
{
	return kept->author == change->member;
}

/* One more reaction, or another one of the same person. */
static enum sotto_err reaction_put(struct talk *talk, struct talk_kept_message *kept,
				   const struct talk_kept_change *change, bool *changed,
				   struct talk_blob *room)
{
	size_t count = kept->reactions.count;
	enum sotto_err err = list_open(talk, &kept->reactions, &talk_kept_reaction_type, room);
	struct talk_kept_reaction *items = (void *)room->data;
	size_t at = 0;

	if (err != SOTTO_OK)
		return err;
	while (at < count && items[at].member != change->member)
		at++;
	/* Of equal numbers, which two devices of one person can give, the greater text counts. */
	if (at == TALK_MEMBERS_MAX ||
	    (at < count && (items[at].number > change->number ||
			    (items[at].number == change->number &&
			     bytes_compare(items[at].reaction, change->text) >= 0))))
		return SOTTO_OK;
	items[at] = (struct talk_kept_reaction){
		.member = change->member,
		.extension = change->extension,
		.number = change->number,
		.reaction = change->text,
	};
	kept->reactions = (struct wire_list){.items = items, .count = count + (at == count)};
	*changed = true;
	return SOTTO_OK;
}

/* A member has got it, or read it: never less than before. */
static enum sotto_err person_put(struct talk *talk, struct talk_kept_message *kept,
				 const struct talk_kept_change *change, bool *changed,
				 struct talk_blob *room)
{
	size_t count = kept->people.count;
	enum sotto_err err = list_open(talk, &kept->people, &talk_kept_person_type, room);
	struct talk_kept_person *items = (void *)room->data;
	size_t at = 0;

	if (err != SOTTO_OK)
		return err;
	while (at < count && items[at].member != change->member)
		at++;
	if (at == TALK_MEMBERS_MAX || (at < count && items[at].state >= change->state))
		return SOTTO_OK;
	items[at] = (struct talk_kept_person){
		.member = change->member,
		.extension = change->extension,
		.state = change->state,
		.at_ms = talk->utc_ms,
	};
	kept->people = (struct wire_list){.items = items, .count = count + (at == count)};
	*changed = true;
	return SOTTO_OK;
}

static void edit_put(struct talk_kept_message *kept, const struct talk_kept_change *change,
		     bool *changed)
{
	if (!is_author(kept, change) || kept->deleted || change->number < kept->edits ||
	    (change->number == kept->edits && bytes_compare(change->text, kept->text) <= 0))
		return;
	kept->edits = change->number;
	kept->text = change->text;
	*changed = true;
}

static void delete_put(struct talk_kept_message *kept, const struct talk_kept_change *change,
		       bool *changed)
{
	if (!is_author(kept, change) || kept->deleted)
		return;
	kept->deleted = 1;
	kept->text = BYTES_NONE;
	kept->reactions = (struct wire_list){0};
	memset(kept->reply_to, 0, sizeof(kept->reply_to));
	*changed = true;
}

static void place_put(struct talk_kept_message *kept, const struct talk_kept_change *change,
		      bool *changed)
{
	struct talk_place before, place;

	TALK_PLACE_TAKE(kept, &before);
	TALK_PLACE_TAKE(change, &place);
	if (talk_place_compare(&place, &before) >= 0)
		return;
	TALK_PLACE_KEEP(kept, &place);
	*changed = true;
}

/* ---- Of a message that is here ---- */

/* What changes of the row; its lists may then lie in room. */
static enum sotto_err row_change(struct talk *talk, struct talk_kept_message *kept,
				 const struct talk_kept_change *change, bool *changed,
				 struct talk_blob *room)
{
	switch ((enum talk_change)change->what) {
	case TALK_CHANGE_STATE:
		*changed = kept->state != change->state;
		kept->state = change->state;
		place_put(kept, change, changed);
		break;
	case TALK_CHANGE_PLACE:
		place_put(kept, change, changed);
		break;
	case TALK_CHANGE_PERSON:
		/* Of our own whom it has reached; of others' only that we have read it on another device. */
		if ((kept->state == TALK_MESSAGE_RECEIVED) ==
		    (change->member == talk_own_member(talk)))
			return person_put(talk, kept, change, changed, room);
		break;
	case TALK_CHANGE_REACTION:
		if (!kept->deleted)
			return reaction_put(talk, kept, change, changed, room);
		break;
	case TALK_CHANGE_EDIT:
		edit_put(kept, change, changed);
		break;
	case TALK_CHANGE_DELETE:
		delete_put(kept, change, changed);
		break;
	}
	return SOTTO_OK;
}

static enum sotto_err tell(struct talk *talk, const struct talk_conversation *conversation,
			   uint64_t row, const struct talk_kept_change *change)
{
	struct talk_event event = {
		.type = change->what == TALK_CHANGE_STATE ? TALK_EVENT_MESSAGE_STATE
							  : TALK_EVENT_MESSAGE_CHANGED,
		.extension = change->extension,
		.conversation = *conversation,
		.row = row,
		.message_state = (enum talk_message_state)change->state,
		.change = (enum talk_change)change->what,
	};

	memcpy(event.message_id, change->id, TALK_MESSAGE_ID_LEN);
	return talk_tell(talk, &event);
}

/* ---- Of one that is not ---- */

static enum sotto_err waiting_get(const struct talk *talk, const struct talk_owner *owner,
				  uint64_t half, struct writer *value,
				  struct talk_kept_waiting *kept)
{
	enum sotto_err err;

	TRY(talk_store_get(talk, TALK_TABLE_READ, talk_owner_bytes(owner), half, value));
	FAIL_IF(wire_decode(&talk_kept_waiting_type, writer_bytes(value), kept) != SOTTO_OK ||
			kept->version != TALK_STORE_VERSION,
		SOTTO_ERR_CORRUPT);
out:
	return err;
}

/* Takes a message out of the queue, or puts it at the end; what waited for the first one goes if it is full. */
static enum sotto_err queue_change(struct talk *talk, const struct talk_owner *owner, uint64_t half,
				   bool adds)
{
	struct talk_gap items[TALK_WAITING_MAX + 1];
	struct talk_kept_queue kept = {0};
	struct talk_blob encoded = {0};
	struct wire_cursor cursor;
	struct writer value;
	struct talk_gap item;
	size_t count = 0;
	enum sotto_err err;

	writer_init_growing(&value, talk->allocator);
	err = talk_store_get(talk, TALK_TABLE_READ, talk_owner_bytes(owner), QUEUE, &value);
	if (err == SOTTO_OK &&
	    wire_decode(&talk_kept_queue_type, writer_bytes(&value), &kept) != SOTTO_OK)
		err = SOTTO_ERR_CORRUPT;
	if (err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND)
		goto out;
	cursor = wire_list_walk(&kept.halves);
	while (count < TALK_WAITING_MAX && wire_list_next(&cursor, &talk_gap_type, &item)) {
		if (item.serial != half)
			items[count++] = item;
	}
	if (adds && count == TALK_WAITING_MAX) {
		TRY(store_batch_delete(&talk->batch, TALK_TABLE_READ, talk_owner_bytes(owner),
				       items[0].serial));
		memmove(&items[0], &items[1], --count * sizeof(items[0]));
	}
	if (adds)
		items[count++].serial = half;
	kept = (struct talk_kept_queue){.halves = {.items = items, .count = count}};
	TRY(talk_encode(talk, &talk_kept_queue_type, &kept, &encoded));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_READ, talk_owner_bytes(owner), QUEUE,
			    talk_blob_bytes(&encoded), STORE_PLAIN));
out:
	talk_blob_clear(talk, &encoded);
	writer_release(&value);
	return err;
}

static enum sotto_err wait_for(struct talk *talk, const struct talk_owner *owner,
			       const struct talk_kept_change *change)
{
	struct talk_kept_waiting kept = {.version = TALK_STORE_VERSION};
	uint64_t half = half_of(change->id);
	struct talk_blob room = {0}, encoded = {0};
	struct talk_kept_change *items;
	struct writer value;
	bool is_new;
	enum sotto_err err;

	writer_init_growing(&value, talk->allocator);
	err = waiting_get(talk, owner, half, &value, &kept);
	is_new = err == SOTTO_ERR_NOT_FOUND;
	if (err != SOTTO_OK && !is_new)
		goto out;
	err = SOTTO_OK;
	if (half <= QUEUE || kept.changes.count >= TALK_WAITING_EACH_MAX)
		goto out;
	TRY(list_open(talk, &kept.changes, &talk_kept_change_type, &room));
	items = (void *)room.data;
	items[kept.changes.count] = *change;
	kept.changes = (struct wire_list){.items = items, .count = kept.changes.count + 1};
	TRY(talk_encode(talk, &talk_kept_waiting_type, &kept, &encoded));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_READ, talk_owner_bytes(owner), half,
			    talk_blob_bytes(&encoded), STORE_ERASABLE));
	if (is_new)
		TRY(queue_change(talk, owner, half, true));
out:
	talk_blob_clear(talk, &room);
	talk_blob_clear(talk, &encoded);
	writer_release(&value);
	return err;
}

enum sotto_err talk_changes_resume(struct talk *talk, const struct talk_conversation *conversation,
				   const struct talk_owner *owner, const uint8_t *id)
{
	uint64_t half = half_of(id);
	struct talk_kept_waiting kept;
	struct talk_kept_change change;
	struct wire_cursor cursor;
	struct writer value;
	enum sotto_err err;

	writer_init_growing(&value, talk->allocator);
	if (half <= QUEUE)
		goto done;
	err = waiting_get(talk, owner, half, &value, &kept);
	if (err == SOTTO_ERR_NOT_FOUND)
		goto done;
	TRY(err);
	TRY(store_batch_delete(&talk->batch, TALK_TABLE_READ, talk_owner_bytes(owner), half));
	TRY(queue_change(talk, owner, half, false));
	cursor = wire_list_walk(&kept.changes);
	while (wire_list_next(&cursor, &talk_kept_change_type, &change)) {
		/* Another one has the same half of its id. */
		if (memcmp(change.id, id, TALK_MESSAGE_ID_LEN) == 0)
			TRY(talk_change_apply(talk, conversation, owner, &change));
	}
	goto out;
done:
	err = SOTTO_OK;
out:
	writer_release(&value);
	return err;
}

/* ---- Both ---- */

enum sotto_err talk_change_apply(struct talk *talk, const struct talk_conversation *conversation,
				 const struct talk_owner *owner,
				 const struct talk_kept_change *change)
{
	struct talk_kept_message kept;
	struct talk_blob room = {0};
	struct writer value;
	bool changed = false;
	uint64_t row;
	enum sotto_err err;

	writer_init_growing(&value, talk->allocator);
	err = talk_row_find(talk, owner, change->id, &row);
	if (err == SOTTO_ERR_NOT_FOUND) {
		/* Where nobody's message stands does not matter, and our own are all here. */
		err = change->what == TALK_CHANGE_REACTION || change->what == TALK_CHANGE_EDIT ||
				      change->what == TALK_CHANGE_DELETE
			      ? wait_for(talk, owner, change)
			      : SOTTO_OK;
		goto out;
	}
	TRY(err);
	TRY(talk_row_get(talk, owner, row, &value, &kept));
	if (kept.kind != TALK_ROW_TEXT)
		goto out;
	TRY(row_change(talk, &kept, change, &changed, &room));
	if (!changed)
		goto out;
	TRY(talk_row_write(talk, owner, row, &kept));
	if (change->what != TALK_CHANGE_PLACE)
		TRY(tell(talk, conversation, row, change));
out:
	talk_blob_clear(talk, &room);
	writer_release(&value);
	return err;
}

enum sotto_err talk_change(struct talk *talk, const struct talk_group *group,
			   const struct talk_kept_change *change)
{
	struct talk_conversation conversation;
	struct talk_owner owner;

	if (talk->locked)
		return talk_change_park(talk, group, change);
	conversation = talk_conversation_of(talk, group);
	talk_owner_of(group, &owner);
	return talk_change_apply(talk, &conversation, &owner, change);
}
