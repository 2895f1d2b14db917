/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read on one device of a person, for the others.
 *
 *   receipts on      body 12 in the conversation, which own devices get as well (body.c)
 *   receipts off,
 *   or a large group    out: row --> letter in the inbox of each other device --> durable: row gone
 *                       in:  letter --> row --> its conversation is read to its end: marks in rows of messages
 *
 * No member of the conversation sees anything of it, and the relay one record of the usual size. A letter counts if its
 * signature is one of a device of our own person, for this inbox; it can do nothing but mark messages as read. What it
 * names and is not here is not heard of again.
 */
#include <string.h>

#include "crypto/sign.h"
#include "talk/access.h"
#include "talk/marks.h"
#include "talk/state.h"

#define LABEL "sotto read marks 1"

/* ---- Rows ---- */

static void row_free(struct talk *talk, struct talk_read_marks_row *row)
{
	list_remove(&row->list);
	talk_blob_clear(talk, &row->content);
	talk_give(talk, row, sizeof(*row));
}

void talk_read_marks_free(struct talk *talk)
{
	list_for_each (element, following, &talk->marks)
		row_free(talk, CONTAINER_OF(element, struct talk_read_marks_row, list));
}

static enum sotto_err row_erase(struct talk *talk, struct talk_read_marks_row *row)
{
	enum sotto_err err =
		store_batch_delete(&talk->batch, TALK_TABLE_HAND, TALK_OWNER_MARKS, row->number);

	row_free(talk, row);
	return err;
}

static enum sotto_err row_make(struct talk *talk, uint64_t number, bool out, const uint8_t *key,
			       struct bytes content, struct talk_read_marks_row **made)
{
	struct talk_read_marks_row *row = talk_take(talk, sizeof(*row));

	if (row == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (talk_blob_set(talk, &row->content, content) != SOTTO_OK) {
		talk_give(talk, row, sizeof(*row));
		return SOTTO_ERR_NO_MEMORY;
	}
	row->number = number;
	row->out = out;
	memcpy(row->device_key, key, LEDGER_KEY_LEN);
	list_append(&talk->marks, &row->list);
	*made = row;
	return SOTTO_OK;
}

/* Room for one more of this kind. */
static enum sotto_err rows_bound(struct talk *talk, bool out)
{
	struct talk_read_marks_row *oldest = NULL;
	size_t count = 0;

	list_for_each (element, following, &talk->marks) {
		struct talk_read_marks_row *row =
			CONTAINER_OF(element, struct talk_read_marks_row, list);

		if (row->out != out)
			continue;
		count++;
		if (oldest == NULL)
			oldest = row;
	}
	return count < TALK_MARKS_ROWS_MAX ? SOTTO_OK : row_erase(talk, oldest);
}

static enum sotto_err row_put(struct talk *talk, bool out, const uint8_t *key, struct bytes content)
{
	struct talk_kept_marks kept = {
		.version = TALK_STORE_VERSION, .out = out, .content = content};
	struct talk_blob value = {0};
	struct talk_read_marks_row *row;
	enum sotto_err err;

	TRY(rows_bound(talk, out));
	TRY(row_make(talk, talk_number(talk), out, key, content, &row));
	memcpy(kept.device_key, key, LEDGER_KEY_LEN);
	TRY(talk_encode(talk, &talk_kept_marks_type, &kept, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_HAND, TALK_OWNER_MARKS, row->number,
			    talk_blob_bytes(&value), STORE_ERASABLE));
out:
	talk_blob_clear(talk, &value);
	return err;
}

enum sotto_err talk_read_marks_load(struct talk *talk, uint64_t number, struct bytes row)
{
	struct talk_kept_marks kept;
	struct talk_read_marks_row *made;

	if (wire_decode(&talk_kept_marks_type, row, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	return row_make(talk, number, kept.out != 0, kept.device_key, kept.content, &made);
}

/* ---- Out ---- */

bool talk_read_marks_wanted(const struct talk *talk)
{
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		if (talk_hand_device(talk, ledger_device_at(talk->ledger, i)->key))
			return true;
	}
	return false;
}

enum sotto_err talk_read_marks_put(struct talk *talk, const struct talk_group *group,
				   const struct talk_message_id *ids, size_t count)
{
	struct talk_read_marks marks = {.version = TALK_VERSION, .peer = group->peer};
	struct talk_blob content = {0};
	enum sotto_err err = SOTTO_OK;

	if (group->kind != TALK_DIRECT) {
		marks.peer = 0;
		memcpy(marks.group, group->id, sizeof(marks.group));
	}
	for (size_t done = 0; done < count; done += marks.messages.count) {
		marks.messages.items = ids + done;
		marks.messages.count =
			count - done < TALK_MARKS_MAX ? count - done : TALK_MARKS_MAX;
		talk_blob_clear(talk, &content);
		TRY(talk_encode(talk, &talk_read_marks_type, &marks, &content));
		for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
			const struct ledger_device *device = ledger_device_at(talk->ledger, i);

			if (talk_hand_device(talk, device->key))
				TRY(row_put(talk, true, device->key, talk_blob_bytes(&content)));
		}
	}
out:
	talk_blob_clear(talk, &content);
	return err;
}

static enum sotto_err letter_make(struct talk *talk, const struct talk_drop *inbox,
				  const struct talk_package *package, struct bytes content,
				  struct talk_blob *record)
{
	struct talk_letter letter = {.form = TALK_MARKS_FORM, .content = content};
	struct mls_key_package_info info;
	uint8_t room[TALK_HAND_SIGNED_LEN];
	struct talk_blob whole = {0};
	size_t len;
	enum sotto_err err = SOTTO_OK;

	TRY(mls_key_package_check(&talk->mls, talk_blob_bytes(&package->message), 0, &info));
	memcpy(letter.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	TRY(sign_create(SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
			talk_hand_signed(talk, LABEL, inbox->name, content, room), letter.signature,
			&len));
	TRY(talk_encode(talk, &talk_letter_type, &letter, &whole));
	TRY(talk_box_seal(talk, info.init_key, inbox->name, talk_blob_bytes(&whole), record));
out:
	talk_blob_clear(talk, &whole);
	return err;
}

static enum sotto_err letter_send(struct talk *talk, struct talk_read_marks_row *row)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, row->device_key);
	const struct talk_package *package = talk_package_of(talk, row->device_key);
	struct talk_blob record = {0};
	struct talk_asked *asked;
	struct talk_drop inbox;
	enum sotto_err err = SOTTO_OK;

	if (row->ticket != 0 || talk->now_ns < talk->retry_ns || device == NULL || package == NULL)
		return SOTTO_OK;
	talk_inbox_of(talk_access_first(talk), device->key, device->inbox_read, &inbox);
	TRY(letter_make(talk, &inbox, package, talk_blob_bytes(&row->content), &record));
	err = talk_ask_append(talk, TALK_ASK_APPEND_MARKS, inbox.append_token, inbox.read_hash,
			      inbox.flags, talk_blob_bytes(&record), &asked);
	if (err == SOTTO_OK)
		row->ticket = asked->ticket;
	else if (err == SOTTO_ERR_AGAIN)
		err = SOTTO_OK;
out:
	bytes_wipe(&inbox, sizeof(inbox));
	talk_blob_clear(talk, &record);
	return err;
}

static struct talk_read_marks_row *row_asked(struct talk *talk, uint64_t ticket)
{
	list_for_each (element, following, &talk->marks) {
		struct talk_read_marks_row *row =
			CONTAINER_OF(element, struct talk_read_marks_row, list);

		if (row->ticket == ticket && ticket != 0)
			return row;
	}
	return NULL;
}

enum sotto_err talk_read_marks_told(struct talk *talk, uint64_t ticket)
{
	struct talk_read_marks_row *row = row_asked(talk, ticket);

	return row == NULL ? SOTTO_OK : row_erase(talk, row);
}

void talk_read_marks_untold(struct talk *talk, uint64_t ticket)
{
	struct talk_read_marks_row *row = row_asked(talk, ticket);

	if (row != NULL)
		row->ticket = 0;
}

void talk_read_marks_unlink(struct talk *talk)
{
	list_for_each (element, following, &talk->marks)
		CONTAINER_OF(element, struct talk_read_marks_row, list)->ticket = 0;
}

/* ---- In ---- */

enum sotto_err talk_read_marks_receive(struct talk *talk, struct bytes bytes)
{
	uint8_t room[TALK_HAND_SIGNED_LEN];
	struct talk_letter letter;
	struct talk_read_marks marks;

	if (talk->state != TALK_MEMBER ||
	    wire_decode(&talk_letter_type, bytes, &letter) != SOTTO_OK ||
	    letter.form != TALK_MARKS_FORM ||
	    wire_decode(&talk_read_marks_type, letter.content, &marks) != SOTTO_OK ||
	    marks.version != TALK_VERSION || !talk_hand_device(talk, letter.device_key) ||
	    sign_verify(SIGN_ED25519, BYTES_OF(letter.device_key),
			talk_hand_signed(talk, LABEL, talk->inbox.name, letter.content, room),
			BYTES_OF(letter.signature)) != SOTTO_OK)
		return SOTTO_OK;
	return row_put(talk, false, letter.device_key, letter.content);
}

static const struct talk_group *group_of(const struct talk *talk,
					 const struct talk_read_marks *marks)
{
	if (marks->peer != 0)
		return talk_group_direct(talk, marks->peer);
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->kind == TALK_GROUP &&
		    memcmp(group->id, marks->group, sizeof(marks->group)) == 0)
			return group;
	}
	return NULL;
}

/* When its conversation is read to its end: what it names is here by then. */
static enum sotto_err row_take(struct talk *talk, struct talk_read_marks_row *row)
{
	struct talk_kept_change change = {
		.version = TALK_STORE_VERSION,
		.what = TALK_CHANGE_PERSON,
		.member = talk_own_member(talk),
		.state = TALK_PERSON_READ,
	};
	const struct talk_group *group;
	struct talk_message_id item;
	struct wire_cursor cursor;
	struct talk_read_marks marks;
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_read_marks_type, talk_blob_bytes(&row->content), &marks) != SOTTO_OK)
		return row_erase(talk, row);
	group = group_of(talk, &marks);
	if (group != NULL && !talk_group_over(group) && !talk_group_current(talk, group))
		return SOTTO_OK;
	change.extension = talk_extension_of(talk, change.member);
	cursor = wire_list_walk(&marks.messages);
	while (group != NULL && wire_list_next(&cursor, &talk_message_id_type, &item)) {
		memcpy(change.id, item.message, TALK_MESSAGE_ID_LEN);
		TRY(talk_change(talk, group, &change));
	}
	err = row_erase(talk, row);
out:
	return err;
}

/* ---- Whatever can be done now ---- */

enum sotto_err talk_read_marks_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->marks) {
		struct talk_read_marks_row *row =
			CONTAINER_OF(element, struct talk_read_marks_row, list);

		if (!row->out)
			TRY(row_take(talk, row));
		else if (!talk_hand_device(talk, row->device_key))
			TRY(row_erase(talk, row));
		else
			TRY(letter_send(talk, row));
	}
out:
	return err;
}
