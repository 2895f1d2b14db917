/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of messages.
 *
 *   TALK_TABLE_MESSAGES   conversation, number of the row --> what it says and where it stands
 *   TALK_TABLE_ID         conversation, half of its id    --> number of the row
 *
 * Rows have their numbers as they come; the order of people is that of their places. A row changes: what a
 * later record says of it is written over it, so that nothing of before is left in the store.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/state.h"

enum sotto_err talk_message_decode(struct bytes row, struct talk_message *message)
{
	struct talk_kept_message kept;

	if (wire_decode(&talk_kept_message_type, row, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	talk_message_of(&kept, message);
	return SOTTO_OK;
}

void talk_message_of(const struct talk_kept_message *kept, struct talk_message *message)
{
	*message = (struct talk_message){
		.kind = (enum talk_row_kind)kept->kind,
		.from = kept->from,
		.state = (enum talk_message_state)kept->state,
		.sent_ms = kept->sent_ms,
		.received_ms = kept->received_ms,
		.verb = (enum talk_verb)kept->verb,
		.subject = kept->subject,
		.edited = kept->edits != 0,
		.deleted = kept->deleted != 0,
		.handed = kept->handed != 0,
		.reactions = kept->reactions,
		.people = kept->people,
		.text = kept->text,
	};
	/* Of what others wrote nobody else is in the list. */
	if (message->state == TALK_MESSAGE_RECEIVED) {
		message->elsewhere = kept->people.count > 0;
		message->people = (struct wire_list){0};
	}
	memcpy(message->id, kept->id, TALK_MESSAGE_ID_LEN);
	memcpy(message->reply_to, kept->reply_to, TALK_MESSAGE_ID_LEN);
	TALK_PLACE_TAKE(kept, &message->place);
}

bool talk_reaction_next(struct wire_cursor *cursor, struct talk_reaction *reaction)
{
	struct talk_kept_reaction kept;

	while (wire_list_next(cursor, &talk_kept_reaction_type, &kept)) {
		if (kept.reaction.len == 0)
			continue;
		*reaction = (struct talk_reaction){kept.extension, kept.reaction};
		return true;
	}
	return false;
}

bool talk_person_next(struct wire_cursor *cursor, struct talk_person *person)
{
	struct talk_kept_person kept;

	if (!wire_list_next(cursor, &talk_kept_person_type, &kept))
		return false;
	*person = (struct talk_person){kept.extension, (enum talk_person_state)kept.state,
				       kept.at_ms};
	return true;
}

/* ---- Reading what this step has not applied yet, too ---- */

enum sotto_err talk_store_get(const struct talk *talk, uint8_t table, struct bytes owner,
			      uint64_t index, struct writer *out)
{
	for (size_t i = talk->batch.len; i > 0; i--) {
		const struct store_action *action = &talk->batch.actions[i - 1];

		if (action->table != table || action->index != index ||
		    !bytes_equal(action->owner, owner))
			continue;
		if (action->verb == STORE_DELETE)
			return SOTTO_ERR_NOT_FOUND;
		writer_put_bytes(out, action->value);
		return out->err;
	}
	if (talk->reader.get == NULL)
		return SOTTO_ERR_NOT_FOUND;
	return store_get(&talk->reader, table, owner, index, out);
}

static uint64_t id_index(const uint8_t *id)
{
	uint64_t index = 0;

	for (size_t i = 0; i < 8; i++)
		index = index << 8 | id[i];
	return index;
}

enum sotto_err talk_row_find(const struct talk *talk, const struct talk_owner *owner,
			     const uint8_t *id, uint64_t *row)
{
	struct talk_kept_id kept;
	struct writer value;
	enum sotto_err err;

	writer_init_growing(&value, talk->allocator);
	TRY(talk_store_get(talk, TALK_TABLE_ID, talk_owner_bytes(owner), id_index(id), &value));
	FAIL_IF(wire_decode(&talk_kept_id_type, writer_bytes(&value), &kept) != SOTTO_OK,
		SOTTO_ERR_CORRUPT);
	FAIL_IF(memcmp(kept.id, id, TALK_MESSAGE_ID_LEN) != 0, SOTTO_ERR_NOT_FOUND);
	*row = kept.row;
out:
	writer_release(&value);
	return err;
}

enum sotto_err talk_row_get(const struct talk *talk, const struct talk_owner *owner, uint64_t row,
			    struct writer *value, struct talk_kept_message *kept)
{
	enum sotto_err err;

	TRY(talk_store_get(talk, TALK_TABLE_MESSAGES, talk_owner_bytes(owner), row, value));
	FAIL_IF(wire_decode(&talk_kept_message_type, writer_bytes(value), kept) != SOTTO_OK ||
			kept->version != TALK_STORE_VERSION,
		SOTTO_ERR_CORRUPT);
out:
	return err;
}

/* ---- Writing ---- */

static enum sotto_err tell(struct talk *talk, const struct talk_conversation *conversation,
			   uint64_t row, const struct talk_kept_message *kept)
{
	bool received = kept->received_ms != 0;
	struct talk_event event = {
		.type = received ? TALK_EVENT_MESSAGE : TALK_EVENT_MESSAGE_STATE,
		.conversation = *conversation,
		.row = row,
		.message_state = (enum talk_message_state)kept->state,
		.text = received ? kept->text : BYTES_NONE,
	};

	memcpy(event.message_id, kept->id, TALK_MESSAGE_ID_LEN);
	talk_message_of(kept, &event.message);
	event.message.reactions = event.message.people = (struct wire_list){0};
	return talk_tell(talk, &event);
}

enum sotto_err talk_row_write(struct talk *talk, const struct talk_owner *owner, uint64_t row,
			      const struct talk_kept_message *kept)
{
	struct talk_blob value = {0};
	enum sotto_err err;

	TRY(talk_encode(talk, &talk_kept_message_type, kept, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_MESSAGES, talk_owner_bytes(owner), row,
			    talk_blob_bytes(&value), STORE_ERASABLE));
out:
	talk_blob_clear(talk, &value);
	return err;
}

/* Of two messages with the same half of an id, which only their author can make, the later one is found. */
static enum sotto_err id_write(struct talk *talk, const struct talk_owner *owner, uint64_t row,
			       const uint8_t *id)
{
	struct talk_kept_id kept = {.row = row};
	struct talk_blob value = {0};
	enum sotto_err err;

	memcpy(kept.id, id, TALK_MESSAGE_ID_LEN);
	TRY(talk_encode(talk, &talk_kept_id_type, &kept, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_ID, talk_owner_bytes(owner), id_index(id),
			    talk_blob_bytes(&value), STORE_PLAIN));
out:
	talk_blob_clear(talk, &value);
	return err;
}

enum sotto_err talk_row_put(struct talk *talk, const struct talk_conversation *conversation,
			    const struct talk_owner *owner, uint64_t row,
			    const struct talk_kept_message *kept)
{
	struct talk_kept_message made = *kept;
	struct writer room;
	bool done = false;
	enum sotto_err err = SOTTO_OK;

	writer_init_growing(&room, talk->allocator);
	/* Only then can there be anything that was handed over. */
	if (talk->taking != NULL && !kept->handed)
		TRY(talk_item_yields(talk, owner, &made, &room, &done));
	if (done)
		goto out;
	TRY(talk_row_write(talk, owner, row, &made));
	TRY(id_write(talk, owner, row, made.id));
	if (!made.handed)
		TRY(tell(talk, conversation, row, &made));
	TRY(talk_changes_resume(talk, conversation, owner, made.id));
out:
	writer_release(&room);
	return err;
}

/* ---- Notices ---- */

static void notice_id(const struct talk_group *group, const struct talk_place *place,
		      enum talk_verb verb, uint32_t subject, struct bytes more, uint8_t *id)
{
	uint8_t input[TALK_GROUP_ID_LEN + 8 + 8 + 1 + 4];
	uint8_t digest[WIRE_HASH_LEN];
	struct writer writer;
	struct hash hash;

	writer_init_fixed(&writer, input, sizeof(input));
	writer_put_bytes(&writer, BYTES_OF(group->id));
	writer_put_u64(&writer, place->epoch);
	writer_put_u64(&writer, place->sequence);
	writer_put_u8(&writer, (uint8_t)verb);
	writer_put_u32(&writer, subject);
	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto notice 1"));
	hash_update(&hash, writer_bytes(&writer));
	hash_update(&hash, more);
	hash_final(&hash, digest);
	memcpy(id, digest, TALK_MESSAGE_ID_LEN);
}

enum sotto_err talk_missing_put(struct talk *talk, const struct talk_group *group,
				const struct talk_drop *drop, uint64_t since_ms, uint64_t until_ms)
{
	struct talk_place place = talk_place_of(group, drop);
	struct talk_kept_message kept = {
		.version = TALK_STORE_VERSION,
		.kind = TALK_ROW_NOTICE,
		.state = TALK_MESSAGE_RECEIVED,
		.sent_ms = since_ms,
		.received_ms = until_ms,
		.verb = TALK_VERB_MISSING,
	};

	if (place.sequence == 0)
		place.sequence = 1;
	TALK_PLACE_KEEP(&kept, &place);
	notice_id(group, &place, TALK_VERB_MISSING, 0, BYTES_NONE, kept.id);
	return talk_message_put(talk, group, talk_number(talk), &kept);
}

enum sotto_err talk_device_notice(struct talk *talk, const struct talk_group *group,
				  const struct talk_drop *drop, const struct ledger_device *device,
				  enum talk_verb verb)
{
	uint32_t extension = talk_extension_of(talk, device->member);

	return talk_notice_put(talk, group, drop, extension, verb, extension,
			       BYTES(device->name, device->name_len));
}

enum sotto_err talk_notice_put(struct talk *talk, const struct talk_group *group,
			       const struct talk_drop *drop, uint32_t actor, enum talk_verb verb,
			       uint32_t subject, struct bytes text)
{
	struct talk_place place = talk_place_of(group, drop);
	struct talk_kept_message kept = {
		.version = TALK_STORE_VERSION,
		.kind = TALK_ROW_NOTICE,
		.from = actor,
		.state = TALK_MESSAGE_RECEIVED,
		.received_ms = talk->utc_ms,
		.verb = (uint8_t)verb,
		.subject = subject,
		.text = text,
	};
	struct bytes more = BYTES_NONE;
	uint64_t row;

	/* Of a group of one nothing is in the drop. */
	if (place.sequence == 0)
		place.sequence = 1;
	TALK_PLACE_KEEP(&kept, &place);
	row = talk_number(talk);
	/* What came to nothing is this phone's alone, and may come to nothing twice. */
	if (verb >= TALK_VERB_NOT_ADDED)
		more = BYTES(&row, sizeof(row));
	else if (verb == TALK_VERB_DEVICE || verb == TALK_VERB_DEVICE_GONE)
		more = text;
	notice_id(group, &place, verb, subject, more, kept.id);
	return talk_message_put(talk, group, row, &kept);
}
