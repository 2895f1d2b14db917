/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that one device of a person hands over to another: out of a row, and into one.
 *
 *   old device:  row --> item                   what it says now: of what was taken back, only that
 *   new device:  item --> row, marked           not here yet
 *                     --> edits, deletion, reactions of it    handed over before
 *                     --> nothing               here by itself: that counts
 *
 * It is no news: no event tells of it, no receipt is sent for it, and it does not count as unread.
 */
#include <string.h>

#include "base/utf8.h"
#include "crypto/sign.h"
#include "talk/grapheme.h"
#include "talk/state.h"

#define EXTENSION_MAX 99999

/* ---- Out of a row ---- */

static uint32_t peer_of(const struct talk_owner *owner, enum talk_kind kind)
{
	uint32_t peer = 0;

	for (size_t i = 0; kind == TALK_DIRECT && i < owner->len; i++)
		peer = peer << 8 | owner->data[i];
	return peer;
}

bool talk_item_of(const struct talk_owner *owner, enum talk_kind kind,
		  const struct talk_kept_message *kept, struct talk_history_item *item)
{
	/* What has not been read back comes to the other device by itself. */
	if (kept->place_sequence == 0)
		return false;
	*item = (struct talk_history_item){
		.kind = kept->kind,
		.peer = peer_of(owner, kind),
		.author = kept->kind == TALK_ROW_TEXT ? kept->author : 0,
		.from = kept->kind == TALK_ROW_TEXT ? 0 : kept->from,
		.state = kept->state,
		.epoch = kept->place_epoch,
		.incarnation = kept->place_incarnation,
		.sequence = kept->place_sequence,
		.sent_ms = kept->sent_ms,
		.received_ms = kept->received_ms,
		.verb = kept->verb,
		.subject = kept->subject,
		.edits = kept->edits,
		.deleted = kept->deleted,
		.text = kept->text,
	};
	memcpy(item->id, kept->id, sizeof(item->id));
	memcpy(item->group, kept->place_group, sizeof(item->group));
	memcpy(item->reply_to, kept->reply_to, sizeof(item->reply_to));
	return talk_item_valid(item);
}

/* ---- Is it one? ---- */

static bool reactions_valid(const struct wire_list *list)
{
	struct wire_cursor cursor = wire_list_walk(list);
	struct talk_history_reaction reaction;

	while (wire_list_next(&cursor, &talk_history_reaction_type, &reaction)) {
		if (reaction.member == 0 || reaction.number == 0 || !utf8_valid(reaction.reaction))
			return false;
	}
	return true;
}

static bool text_valid(const struct talk_history_item *item)
{
	static const uint8_t none[TALK_MESSAGE_ID_LEN];

	if (item->author == 0 || item->from != 0 || item->verb != TALK_VERB_NONE ||
	    item->subject != 0 || item->state < TALK_MESSAGE_STORED ||
	    item->state > TALK_MESSAGE_FAILED || !utf8_valid(item->text))
		return false;
	if (item->deleted == 0)
		return true;
	return item->deleted == 1 && item->text.len == 0 && item->reactions.count == 0 &&
	       memcmp(item->reply_to, none, sizeof(none)) == 0;
}

static bool notice_valid(const struct talk_history_item *item)
{
	bool named = item->verb == TALK_VERB_CREATED || item->verb == TALK_VERB_NAMED ||
		     item->verb == TALK_VERB_ADDED || item->verb == TALK_VERB_DEVICE ||
		     item->verb == TALK_VERB_DEVICE_GONE;

	return item->author == 0 && item->state == TALK_MESSAGE_RECEIVED &&
	       item->verb >= TALK_VERB_CREATED && item->verb <= TALK_VERB_DEVICE_GONE &&
	       item->from <= EXTENSION_MAX && item->subject <= EXTENSION_MAX &&
	       item->received_ms != 0 && item->edits == 0 && item->deleted == 0 &&
	       item->reactions.count == 0 &&
	       (item->text.len == 0 || (named && ledger_name_valid(item->text)));
}

bool talk_item_valid(const struct talk_history_item *item)
{
	if (item->sequence == 0 || !reactions_valid(&item->reactions))
		return false;
	if (item->kind == TALK_ROW_TEXT)
		return text_valid(item);
	return item->kind == TALK_ROW_NOTICE && notice_valid(item);
}

enum sotto_err talk_sheaf_read(struct bytes content, struct talk_history_sheaf *sheaf)
{
	struct talk_history_sheaf read;
	struct talk_history_item item;
	struct wire_cursor cursor;

	if (wire_decode(&talk_history_sheaf_type, content, &read) != SOTTO_OK ||
	    read.version != TALK_VERSION || read.last > 1)
		return SOTTO_ERR_INVALID;
	cursor = wire_list_walk(&read.items);
	while (wire_list_next(&cursor, &talk_history_item_type, &item)) {
		if (!talk_item_valid(&item))
			return SOTTO_ERR_INVALID;
	}
	*sheaf = read;
	return SOTTO_OK;
}

enum sotto_err talk_sheaf_verify(const struct talk *talk, const uint8_t *device_key,
				 const uint8_t *drop, struct bytes whole, struct bytes *content)
{
	uint8_t room[TALK_HAND_SIGNED_LEN];
	struct talk_sheaf sheaf;
	enum sotto_err err;

	TRY(wire_decode(&talk_sheaf_type, whole, &sheaf));
	TRY(sign_verify(SIGN_ED25519, BYTES(device_key, LEDGER_KEY_LEN),
			talk_hand_signed(talk, "sotto history sheaf 1", drop, sheaf.content, room),
			BYTES_OF(sheaf.signature)));
	*content = sheaf.content;
out:
	return err;
}

/* ---- Into its place ---- */

/* The conversation that it is of, if this phone is in it. */
static const struct talk_group *group_of(const struct talk *talk,
					 const struct talk_history_item *item)
{
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (talk_group_over(group))
			continue;
		if (item->peer != 0 ? group->kind == TALK_DIRECT && group->peer == item->peer
				    : group->kind == TALK_GROUP && memcmp(group->id, item->group,
									  sizeof(item->group)) == 0)
			return group;
	}
	return NULL;
}

/*
 * Does the ledger know whose it is, and is it one? An other version of Unicode on the giving device must not spoil
 * its sheaf.
 */
static bool reaction_counts(const struct talk *talk, const struct talk_history_reaction *reaction)
{
	return ledger_member_by_id(talk->ledger, reaction->member) != NULL &&
	       talk_reaction_valid(reaction->reaction);
}

/* Those that count; memory of the caller's, room for all. */
static size_t reactions_take(const struct talk *talk, const struct talk_history_item *item,
			     struct talk_kept_reaction *reactions)
{
	struct wire_cursor cursor = wire_list_walk(&item->reactions);
	struct talk_history_reaction reaction;
	size_t count = 0;

	while (wire_list_next(&cursor, &talk_history_reaction_type, &reaction)) {
		size_t at = 0;

		while (at < count && reactions[at].member != reaction.member)
			at++;
		if (at < count || !reaction_counts(talk, &reaction))
			continue;
		reactions[count++] = (struct talk_kept_reaction){
			.member = reaction.member,
			.extension = talk_extension_of(talk, reaction.member),
			.number = reaction.number,
			.reaction = reaction.reaction,
		};
	}
	return count;
}

static enum sotto_err item_put(struct talk *talk, const struct talk_group *group,
			       const struct talk_owner *owner, const struct talk_history_item *item)
{
	struct talk_conversation conversation = talk_conversation_of(talk, group);
	size_t room = item->reactions.count * sizeof(struct talk_kept_reaction);
	struct talk_kept_reaction *reactions = NULL;
	struct talk_kept_message kept = {
		.version = TALK_STORE_VERSION,
		.kind = item->kind,
		.author = item->author,
		.from = item->author != 0 ? talk_extension_of(talk, item->author) : item->from,
		.state = item->state,
		.place_epoch = item->epoch,
		.place_incarnation = item->incarnation,
		.place_sequence = item->sequence,
		.sent_ms = item->sent_ms,
		/* Nothing that this device has sent: 0 would say so. */
		.received_ms = item->received_ms != 0 ? item->received_ms : item->sent_ms,
		.verb = item->verb,
		.subject = item->subject,
		.edits = item->edits,
		.deleted = item->deleted,
		.handed = 1,
		.text = item->text,
	};
	enum sotto_err err = SOTTO_OK;

	if (room > 0) {
		reactions = talk_take(talk, room);
		FAIL_IF(reactions == NULL, SOTTO_ERR_NO_MEMORY);
		kept.reactions.count = reactions_take(talk, item, reactions);
		kept.reactions.items = reactions;
	}
	memcpy(kept.id, item->id, sizeof(kept.id));
	memcpy(kept.place_group, item->group, sizeof(kept.place_group));
	memcpy(kept.reply_to, item->reply_to, sizeof(kept.reply_to));
	TRY(talk_row_put(talk, &conversation, owner, talk_number(talk), &kept));
out:
	talk_give(talk, reactions, room);
	return err;
}

static enum sotto_err change(struct talk *talk, const struct talk_group *group,
			     const struct talk_owner *owner, const struct talk_history_item *item,
			     enum talk_change what, uint32_t member, uint32_t number,
			     struct bytes text)
{
	struct talk_conversation conversation = talk_conversation_of(talk, group);
	struct talk_kept_change made = {
		.version = TALK_STORE_VERSION,
		.what = (uint8_t)what,
		.member = member,
		.extension = talk_extension_of(talk, member),
		.number = number,
		.text = text,
	};

	memcpy(made.id, item->id, sizeof(made.id));
	return talk_change_apply(talk, &conversation, owner, &made);
}

/* By the rules for whoever's edit, deletion and reaction comes: the higher number counts. */
static enum sotto_err item_again(struct talk *talk, const struct talk_group *group,
				 const struct talk_owner *owner,
				 const struct talk_history_item *item)
{
	struct wire_cursor cursor = wire_list_walk(&item->reactions);
	struct talk_history_reaction reaction;
	enum sotto_err err = SOTTO_OK;

	if (item->deleted)
		return change(talk, group, owner, item, TALK_CHANGE_DELETE, item->author, 0,
			      BYTES_NONE);
	if (item->edits > 0)
		TRY(change(talk, group, owner, item, TALK_CHANGE_EDIT, item->author, item->edits,
			   item->text));
	while (wire_list_next(&cursor, &talk_history_reaction_type, &reaction)) {
		if (reaction_counts(talk, &reaction))
			TRY(change(talk, group, owner, item, TALK_CHANGE_REACTION, reaction.member,
				   reaction.number, reaction.reaction));
	}
out:
	return err;
}

/* That this device came in: it has noted that itself. */
static bool about_us(const struct talk *talk, const struct talk_history_item *item)
{
	const struct ledger_device *own =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);

	return item->verb == TALK_VERB_DEVICE &&
	       item->subject == talk_extension_of(talk, own->member) &&
	       bytes_equal(item->text, BYTES(own->name, own->name_len));
}

enum sotto_err talk_item_take(struct talk *talk, const struct talk_history_item *item, bool *added)
{
	const struct talk_group *group = group_of(talk, item);
	struct talk_kept_message kept;
	struct talk_owner owner;
	struct writer value;
	uint64_t row;
	enum sotto_err err;

	*added = false;
	/* Of a conversation that this phone is not in, or by somebody whom the ledger does not know. */
	if (group == NULL || about_us(talk, item) ||
	    (item->author != 0 && ledger_member_by_id(talk->ledger, item->author) == NULL))
		return SOTTO_OK;
	talk_owner_of(group, &owner);
	writer_init_growing(&value, talk->allocator);
	err = talk_row_find(talk, &owner, item->id, &row);
	if (err == SOTTO_ERR_NOT_FOUND) {
		*added = true;
		err = item_put(talk, group, &owner, item);
		goto out;
	}
	TRY(err);
	TRY(talk_row_get(talk, &owner, row, &value, &kept));
	if (kept.handed && kept.kind == TALK_ROW_TEXT && item->kind == TALK_ROW_TEXT)
		err = item_again(talk, group, &owner, item);
out:
	writer_release(&value);
	return err;
}

enum sotto_err talk_item_yields(struct talk *talk, const struct talk_owner *owner,
				struct talk_kept_message *kept, struct writer *room, bool *done)
{
	struct talk_kept_message before;
	uint64_t row;
	enum sotto_err err = talk_row_find(talk, owner, kept->id, &row);

	if (err == SOTTO_ERR_NOT_FOUND)
		return SOTTO_OK;
	TRY(err);
	TRY(talk_row_get(talk, owner, row, room, &before));
	if (!before.handed)
		goto out;
	if (before.deleted) {
		*done = true;
		goto out;
	}
	if (before.edits > 0) {
		kept->edits = before.edits;
		kept->text = before.text;
	}
	kept->reactions = before.reactions;
	TRY(store_batch_delete(&talk->batch, TALK_TABLE_MESSAGES, talk_owner_bytes(owner), row));
out:
	return err;
}
