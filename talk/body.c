/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that change a message: reactions, edits, deletions, and that messages were read.
 *
 *   received:  body --> change (change.c)
 *   ours:      checked against the row --> change at once, and a body in the outbox until everybody has it
 *
 * What waits in the outbox says nothing any more that was edited or deleted.
 */
#include <string.h>

#include "base/utf8.h"
#include "talk/grapheme.h"
#include "talk/marks.h"
#include "talk/policy.h"
#include "talk/state.h"

static enum sotto_err outbox_replace(struct talk *talk, const struct talk_kept_change *change,
				     bool *unsent);

/* ---- Received ---- */

static enum sotto_err read_receive(struct talk *talk, struct talk_group *group,
				   const struct talk_frame *frame, struct talk_kept_change *change)
{
	struct talk_message_id item;
	struct wire_cursor cursor;
	struct talk_read read;
	enum sotto_err err = SOTTO_OK;

	/* What we have read on another device is our own business, whatever is told to others. */
	if (((talk->silent || !talk_feature(talk, LEDGER_FEATURE_READ)) &&
	     change->member != talk_own_member(talk)) ||
	    wire_decode(&talk_read_type, frame->body, &read) != SOTTO_OK)
		return SOTTO_OK;
	change->what = TALK_CHANGE_PERSON;
	change->state = TALK_PERSON_READ;
	cursor = wire_list_walk(&read.messages);
	while (wire_list_next(&cursor, &talk_message_id_type, &item)) {
		memcpy(change->id, item.message, TALK_MESSAGE_ID_LEN);
		TRY(talk_change(talk, group, change));
	}
out:
	return err;
}

enum sotto_err talk_body_receive(struct talk *talk, struct talk_group *group, const uint8_t *key,
				 const struct talk_frame *frame)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);
	struct talk_kept_change change = {.version = TALK_STORE_VERSION};
	union {
		struct talk_reaction_body reaction;
		struct talk_edit edit;
		struct talk_delete delete;
	} body;
	bool unsent;

	if (device == NULL)
		return SOTTO_OK;
	change.member = device->member;
	change.extension = talk_extension_of(talk, device->member);
	switch (frame->type) {
	case TALK_BODY_REACTION:
		if (wire_decode(&talk_reaction_body_type, frame->body, &body.reaction) !=
			    SOTTO_OK ||
		    !talk_reaction_valid(body.reaction.reaction) || body.reaction.number == 0)
			return SOTTO_OK;
		change.what = TALK_CHANGE_REACTION;
		change.number = body.reaction.number;
		change.text = body.reaction.reaction;
		memcpy(change.id, body.reaction.message, TALK_MESSAGE_ID_LEN);
		break;
	case TALK_BODY_EDIT:
		if (wire_decode(&talk_edit_type, frame->body, &body.edit) != SOTTO_OK ||
		    !utf8_valid(body.edit.text) || body.edit.number == 0)
			return SOTTO_OK;
		change.what = TALK_CHANGE_EDIT;
		change.number = body.edit.number;
		change.text = body.edit.text;
		memcpy(change.id, body.edit.message, TALK_MESSAGE_ID_LEN);
		break;
	case TALK_BODY_DELETE:
		if (wire_decode(&talk_delete_type, frame->body, &body.delete) != SOTTO_OK)
			return SOTTO_OK;
		change.what = TALK_CHANGE_DELETE;
		memcpy(change.id, body.delete.message, TALK_MESSAGE_ID_LEN);
		break;
	default:
		return read_receive(talk, group, frame, &change);
	}
	/* On another device of ours: what still waits here to be sent again says it no more. */
	if (change.what == TALK_CHANGE_DELETE && change.member == talk_own_member(talk)) {
		enum sotto_err err = outbox_replace(talk, &change, &unsent);

		if (err != SOTTO_OK)
			return err;
	}
	return talk_change(talk, group, &change);
}

/* ---- Ours ---- */

/* What a person does to a message, and what is known of that. */
struct act {
	const struct ledger_member *peer;
	struct talk_group *group;
	struct talk_owner owner;
	struct talk_kept_change change;
};

/* The number of our next reaction to it. */
static uint32_t next_reaction(const struct talk_kept_message *kept, uint32_t member)
{
	struct wire_cursor cursor = wire_list_walk(&kept->reactions);
	struct talk_kept_reaction reaction;

	while (wire_list_next(&cursor, &talk_kept_reaction_type, &reaction)) {
		if (reaction.member == member)
			return reaction.number + 1;
	}
	return 1;
}

/* May it be done? */
static enum sotto_err act_check(struct talk *talk, const struct talk_conversation *conversation,
				struct act *act)
{
	struct talk_kept_message kept;
	struct writer value;
	uint64_t row;
	enum sotto_err err = SOTTO_OK;

	writer_init_growing(&value, talk->allocator);
	FAIL_IF(talk->broken != SOTTO_OK, talk->broken);
	TRY(talk_group_find(talk, conversation, &act->peer, &act->group));
	FAIL_IF(talk->locked, SOTTO_ERR_STATE);
	FAIL_IF(talk_outbox_full(talk), SOTTO_ERR_LIMIT);
	TRY(talk_conversation_owner(talk, conversation, &act->owner));
	TRY(talk_row_find(talk, &act->owner, act->change.id, &row));
	TRY(talk_row_get(talk, &act->owner, row, &value, &kept));
	FAIL_IF(kept.kind != TALK_ROW_TEXT, SOTTO_ERR_NOT_FOUND);
	FAIL_IF(kept.deleted, SOTTO_ERR_EXISTS);
	act->change.version = TALK_STORE_VERSION;
	act->change.member = talk_own_member(talk);
	act->change.extension = talk_extension_of(talk, UINT32_MAX);
	if (act->change.what == TALK_CHANGE_REACTION)
		act->change.number = next_reaction(&kept, act->change.member);
	else
		FAIL_IF(kept.author != act->change.member, SOTTO_ERR_DENIED);
	if (act->change.what == TALK_CHANGE_EDIT)
		act->change.number = kept.edits + 1;
out:
	writer_release(&value);
	return err;
}

/* In the outbox, a text says what it is to say now, and edits from before are not told any more. */
static enum sotto_err out_replace(struct talk *talk, struct talk_group *group, struct talk_out *out,
				  const struct talk_kept_change *change, bool *unsent)
{
	struct talk_blob body = {0};
	uint8_t id[TALK_MESSAGE_ID_LEN];
	struct talk_text text;
	struct talk_edit edit;
	enum sotto_err err = SOTTO_OK;

	if (out->type == TALK_BODY_EDIT) {
		TRY(wire_decode(&talk_edit_type, talk_blob_bytes(&out->body), &edit));
		if (memcmp(edit.message, change->id, TALK_MESSAGE_ID_LEN) == 0)
			err = talk_out_remove(talk, group, out);
		goto out;
	}
	talk_message_id(group->id, talk->identity.public_key, out->serial, id);
	if (out->type != TALK_BODY_TEXT || memcmp(id, change->id, sizeof(id)) != 0)
		goto out;
	if (change->what == TALK_CHANGE_DELETE && out->records.count == 0 && out->stored_ms == 0 &&
	    out->epoch == 0) {
		*unsent = true;
		err = talk_out_remove(talk, group, out);
		goto out;
	}
	TRY(wire_decode(&talk_text_type, talk_blob_bytes(&out->body), &text));
	text.text = change->text;
	if (change->what == TALK_CHANGE_DELETE)
		memset(text.reply_to, 0, sizeof(text.reply_to));
	TRY(talk_encode(talk, &talk_text_type, &text, &body));
	talk_blob_clear(talk, &out->body);
	out->body = body;
	body = (struct talk_blob){0};
	out->dirty = true;
out:
	talk_blob_clear(talk, &body);
	return err;
}

static enum sotto_err outbox_replace(struct talk *talk, const struct talk_kept_change *change,
				     bool *unsent)
{
	enum sotto_err err = SOTTO_OK;

	*unsent = false;
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		list_for_each (item, after, &group->outbox)
			TRY(out_replace(talk, group, CONTAINER_OF(item, struct talk_out, list),
					change, unsent));
	}
out:
	return err;
}

static enum sotto_err act_encode(const struct talk *talk, const struct talk_kept_change *change,
				 struct talk_blob *body, uint8_t *type)
{
	struct talk_reaction_body reaction = {.number = change->number, .reaction = change->text};
	struct talk_edit edit = {.number = change->number, .text = change->text};
	struct talk_delete delete;

	memcpy(reaction.message, change->id, TALK_MESSAGE_ID_LEN);
	memcpy(edit.message, change->id, TALK_MESSAGE_ID_LEN);
	memcpy(delete.message, change->id, TALK_MESSAGE_ID_LEN);
	if (change->what == TALK_CHANGE_REACTION) {
		*type = TALK_BODY_REACTION;
		return talk_encode(talk, &talk_reaction_body_type, &reaction, body);
	}
	if (change->what == TALK_CHANGE_EDIT) {
		*type = TALK_BODY_EDIT;
		return talk_encode(talk, &talk_edit_type, &edit, body);
	}
	*type = TALK_BODY_DELETE;
	return talk_encode(talk, &talk_delete_type, &delete, body);
}

static enum sotto_err act_do(struct talk *talk, struct act *act)
{
	struct talk_blob body = {0};
	struct talk_out *out;
	bool unsent = false;
	uint8_t type;
	enum sotto_err err = SOTTO_OK;

	if (act->group == NULL)
		TRY(talk_group_open_direct(talk, act->peer, &act->group));
	if (act->change.what != TALK_CHANGE_REACTION)
		TRY(outbox_replace(talk, &act->change, &unsent));
	/* What nobody can have need not be taken back. */
	if (!unsent) {
		TRY(act_encode(talk, &act->change, &body, &type));
		TRY(talk_out_put(talk, act->group, type, talk_blob_bytes(&body), false, &out));
	}
	TRY(talk_change(talk, act->group, &act->change));
out:
	talk_blob_clear(talk, &body);
	return err;
}

static enum sotto_err act(struct talk *talk, const struct talk_conversation *conversation,
			  const uint8_t *message_id, enum talk_change what, struct bytes text,
			  uint64_t now_ns, uint64_t utc_ms)
{
	struct act act = {.change = {.what = (uint8_t)what, .text = text}};
	enum sotto_err err;

	memcpy(act.change.id, message_id, TALK_MESSAGE_ID_LEN);
	err = act_check(talk, conversation, &act);
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, act_do(talk, &act));
}

enum sotto_err talk_edit(struct talk *talk, const struct talk_conversation *conversation,
			 const uint8_t *message_id, struct bytes text, uint64_t now_ns,
			 uint64_t utc_ms)
{
	if (text.len == 0 || !utf8_valid(text))
		return SOTTO_ERR_INVALID;
	if (text.len > TALK_TEXT_MAX)
		return SOTTO_ERR_LIMIT;
	return act(talk, conversation, message_id, TALK_CHANGE_EDIT, text, now_ns, utc_ms);
}

enum sotto_err talk_delete(struct talk *talk, const struct talk_conversation *conversation,
			   const uint8_t *message_id, uint64_t now_ns, uint64_t utc_ms)
{
	return act(talk, conversation, message_id, TALK_CHANGE_DELETE, BYTES_NONE, now_ns, utc_ms);
}

enum sotto_err talk_react(struct talk *talk, const struct talk_conversation *conversation,
			  const uint8_t *message_id, struct bytes reaction, uint64_t now_ns,
			  uint64_t utc_ms)
{
	if (reaction.len > TALK_REACTION_MAX)
		return SOTTO_ERR_LIMIT;
	if (!talk_reaction_valid(reaction))
		return SOTTO_ERR_INVALID;
	return act(talk, conversation, message_id, TALK_CHANGE_REACTION, reaction, now_ns, utc_ms);
}

/* ---- What was read ---- */

struct reading {
	struct talk_message_id ids[TALK_READ_MAX];
	size_t count;
	bool tells; /* who wrote it; else only our other devices */
	struct talk *talk;
	struct talk_group *group;
};

static enum sotto_err read_send(struct reading *reading)
{
	struct talk *talk = reading->talk;
	struct talk_read body = {.messages = {.items = reading->ids, .count = reading->count}};
	struct talk_blob encoded = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	if (reading->count == 0)
		return SOTTO_OK;
	reading->count = 0;
	if (!reading->tells)
		return talk_read_marks_put(talk, reading->group, reading->ids, body.messages.count);
	TRY(talk_encode(talk, &talk_read_type, &body, &encoded));
	TRY(talk_out_put(talk, reading->group, TALK_BODY_READ, talk_blob_bytes(&encoded), false,
			 &out));
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

static enum sotto_err read_row(void *context, uint64_t index, struct bytes value)
{
	struct reading *reading = context;
	struct talk_message message;
	enum sotto_err err;

	(void)index;
	TRY(talk_message_decode(value, &message));
	if (message.kind != TALK_ROW_TEXT || message.state != TALK_MESSAGE_RECEIVED ||
	    message.deleted || message.handed || message.elsewhere)
		goto out;
	memcpy(reading->ids[reading->count++].message, message.id, TALK_MESSAGE_ID_LEN);
	if (reading->count == TALK_READ_MAX)
		err = read_send(reading);
out:
	return err;
}

/* Of the rows that come to count as read with this: said to those who wrote them, where that is wanted, or to our own. */
static enum sotto_err read_tell(struct talk *talk, const struct talk_conversation *conversation,
				const struct talk_owner *owner, uint64_t first, uint64_t last)
{
	struct store_range range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(owner));
	const struct ledger_member *peer;
	struct reading *reading = NULL;
	struct talk_group *group;
	bool tells;
	enum sotto_err err = talk_group_find(talk, conversation, &peer, &group);

	/* Who is not to be written to any more learns nothing. */
	if (err != SOTTO_OK || first > last || talk->reader.iterate == NULL)
		return SOTTO_OK;
	if (group == NULL)
		group = talk_group_direct(talk, peer->id);
	if (group == NULL)
		return SOTTO_OK;
	tells = !talk->silent && talk_feature(talk, LEDGER_FEATURE_READ) &&
		mls_group_member_count(group->mls) <= TALK_READ_DEVICES_MAX &&
		!talk_outbox_full(talk);
	if (!tells && !talk_read_marks_wanted(talk))
		return SOTTO_OK;
	reading = talk_take(talk, sizeof(*reading));
	FAIL_IF(reading == NULL, SOTTO_ERR_NO_MEMORY);
	reading->talk = talk;
	reading->group = group;
	reading->tells = tells;
	range.first = first;
	range.last = last;
	TRY(store_iterate(&talk->reader, &range, read_row, reading));
	TRY(read_send(reading));
out:
	talk_give(talk, reading, sizeof(*reading));
	return err;
}

static enum sotto_err read_mark(struct talk *talk, const struct talk_conversation *conversation,
				const struct talk_owner *owner, uint64_t row)
{
	struct writer before;
	struct reader reader;
	uint64_t last = 0;
	uint8_t value[8];
	enum sotto_err err;

	writer_init_growing(&before, talk->allocator);
	err = talk_store_get(talk, TALK_TABLE_READ, talk_owner_bytes(owner), 0, &before);
	if (err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND)
		goto out;
	if (err == SOTTO_OK) {
		reader_init(&reader, writer_bytes(&before));
		last = reader_get_u64(&reader);
	}
	err = SOTTO_OK;
	if (row <= last)
		goto out;
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(row >> (56 - 8 * i));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_READ, talk_owner_bytes(owner), 0,
			    BYTES_OF(value), STORE_PLAIN));
	TRY(read_tell(talk, conversation, owner, last + 1, row));
out:
	writer_release(&before);
	return err;
}

enum sotto_err talk_mark_read(struct talk *talk, const struct talk_conversation *conversation,
			      uint64_t row, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_owner owner;
	enum sotto_err err = talk_conversation_owner(talk, conversation, &owner);

	if (err == SOTTO_OK && talk->locked)
		err = SOTTO_ERR_STATE;
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, read_mark(talk, conversation, &owner, row));
}

enum sotto_err talk_tell_read(struct talk *talk, bool tells, uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	talk->silent = !tells;
	talk->dirty = true;
	return talk_step_end(talk, SOTTO_OK);
}
