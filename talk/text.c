/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, and the receipts that end their way. lock.c keeps their rows in the store. */
#include <string.h>

#include "base/utf8.h"
#include "crypto/hash.h"
#include "talk/state.h"

void talk_message_id(const uint8_t *group_id, const uint8_t *key, uint64_t serial, uint8_t *id)
{
	uint8_t input[TALK_GROUP_ID_LEN + LEDGER_KEY_LEN + 8];
	uint8_t digest[32];

	memcpy(input, group_id, TALK_GROUP_ID_LEN);
	memcpy(input + TALK_GROUP_ID_LEN, key, LEDGER_KEY_LEN);
	for (size_t i = 0; i < 8; i++)
		input[TALK_GROUP_ID_LEN + LEDGER_KEY_LEN + i] = (uint8_t)(serial >> (56 - 8 * i));
	hash_digest(HASH_SHA256, BYTES_OF(input), digest);
	memcpy(id, digest, TALK_MESSAGE_ID_LEN);
}

enum sotto_err talk_text_receive(struct talk *talk, struct talk_group *group,
				 const struct talk_drop *drop, const uint8_t *key,
				 const struct talk_frame *frame)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);
	struct talk_place place = talk_place_of(group, drop);
	struct talk_kept_message kept = {
		.version = TALK_STORE_VERSION,
		.kind = TALK_ROW_TEXT,
		.state = TALK_MESSAGE_RECEIVED,
		.sent_ms = frame->sent_ms,
		.received_ms = talk->utc_ms,
	};
	struct talk_text text;

	if (device == NULL || wire_decode(&talk_text_type, frame->body, &text) != SOTTO_OK ||
	    !utf8_valid(text.text))
		return SOTTO_OK;
	/* Of another device of ours: sent, as far as this one knows. */
	if (device->member == talk_own_member(talk))
		kept.state = TALK_MESSAGE_STORED;
	kept.author = device->member;
	kept.from = talk_extension_of(talk, device->member);
	talk_message_id(group->id, key, frame->serial, kept.id);
	TALK_PLACE_KEEP(&kept, &place);
	memcpy(kept.reply_to, text.reply_to, sizeof(kept.reply_to));
	kept.text = text.text;
	return talk_message_put(talk, group, talk_number(talk), &kept);
}

enum sotto_err talk_text_again(struct talk *talk, struct talk_group *group,
			       const struct talk_drop *drop, const uint8_t *key, uint64_t serial)
{
	bool own = memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) == 0;
	struct talk_place place = talk_place_of(group, drop);
	struct talk_kept_change change = {.version = TALK_STORE_VERSION, .what = TALK_CHANGE_PLACE};

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (!own || out->type != TALK_BODY_TEXT || out->serial != serial ||
		    talk_place_compare(&place, &out->place) >= 0)
			continue;
		out->place = place;
		out->dirty = true;
		/* What is not stored yet is written when it is. */
		if (!out->stored)
			return SOTTO_OK;
	}
	talk_message_id(group->id, key, serial, change.id);
	TALK_PLACE_KEEP(&change, &place);
	return talk_change(talk, group, &change);
}

static enum sotto_err row_begin(struct talk *talk, const struct talk_group *group,
				const struct talk_out *out)
{
	const struct ledger_device *device =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);
	struct talk_kept_message kept = {
		.version = TALK_STORE_VERSION,
		.kind = TALK_ROW_TEXT,
		.author = device != NULL ? device->member : 0,
		.from = talk_extension_of(talk, UINT32_MAX),
		.state = (uint8_t)out->state,
		.sent_ms = out->sent_ms,
	};
	struct talk_text text;
	enum sotto_err err = SOTTO_OK;

	TRY(wire_decode(&talk_text_type, talk_blob_bytes(&out->body), &text));
	talk_message_id(group->id, talk->identity.public_key, out->serial, kept.id);
	memcpy(kept.reply_to, text.reply_to, sizeof(kept.reply_to));
	kept.text = text.text;
	err = talk_message_put(talk, group, out->row, &kept);
out:
	return err;
}

enum sotto_err talk_text_state(struct talk *talk, const struct talk_group *group,
			       struct talk_out *out, enum talk_message_state state)
{
	struct talk_kept_change change = {
		.version = TALK_STORE_VERSION,
		.what = TALK_CHANGE_STATE,
		.state = (uint8_t)state,
	};
	bool begins = out->state == 0;

	out->state = state;
	out->dirty = true;
	if (begins)
		return row_begin(talk, group, out);
	talk_message_id(group->id, talk->identity.public_key, out->serial, change.id);
	TALK_PLACE_KEEP(&change, &out->place);
	return talk_change(talk, group, &change);
}

static bool has_serial(const struct talk_has *has, uint64_t serial)
{
	struct wire_cursor cursor = wire_list_walk(&has->above);
	struct talk_gap gap;

	if (serial <= has->floor)
		return true;
	while (wire_list_next(&cursor, &talk_gap_type, &gap)) {
		if (gap.serial == serial)
			return true;
	}
	return false;
}

/*
 * What stands before something that the device has, and that it has not, it would have read first: for that device the
 * relay lost it, and it is sealed anew. A later serial alone says nothing, as requests overtake each other: where
 * they stand was seen when they were read back, but for a restart since. What is no more in the outbox was looked
 * at when its last receipt came.
 */
static void passed_over(struct talk *talk, struct talk_group *group, const struct talk_has *has)
{
	const struct talk_place *furthest = NULL;
	bool unknown = false;

	/* From the latest serial down. */
	for (struct list *element = group->outbox.previous; element != &group->outbox;
	     element = element->previous) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->serial == 0)
			continue;
		if (has_serial(has, out->serial)) {
			unknown = unknown || out->back.sequence == 0;
			if (furthest == NULL || talk_place_compare(furthest, &out->back) < 0)
				furthest = &out->back;
		} else if (out->seen && furthest != NULL &&
			   (unknown || out->back.sequence == 0 ||
			    talk_place_compare(&out->back, furthest) < 0)) {
			talk_out_unseal(talk, out);
		}
	}
}

/*
 * It speaks in a later epoch than that in which this stood, so it has read that one to its end, and does not acknowledge
 * it: the relay lost it, or it did not know then whose it was. In the same epoch it says that it has nothing of ours when it
 * has read something and did not know whose.
 */
static void left_behind(struct talk *talk, const struct talk_group *group, const uint8_t *key,
			uint64_t epoch, const struct talk_has *has)
{
	bool nothing = has->floor == 0 && has->above.count == 0;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->serial == 0 || !out->seen || out->epoch > epoch ||
		    (out->epoch == epoch && !nothing) || has_serial(has, out->serial))
			continue;
		for (size_t i = 0; i < out->recipient_count; i++) {
			if (out->recipients[i].acknowledged == 0 &&
			    memcmp(out->recipients[i].key, key, LEDGER_KEY_LEN) == 0) {
				talk_out_unseal(talk, out);
				break;
			}
		}
	}
}

/* Marks what this device has; all: nobody is left to wait for. True: it had it not before. */
static bool acknowledged(struct talk_out *out, const uint8_t *key, bool *all)
{
	bool is_new = false;

	*all = out->recipient_count > 0;
	for (size_t i = 0; i < out->recipient_count; i++) {
		if (memcmp(out->recipients[i].key, key, LEDGER_KEY_LEN) == 0 &&
		    out->recipients[i].acknowledged == 0) {
			out->recipients[i].acknowledged = TALK_RECIPIENT_HAS;
			out->dirty = is_new = true;
		}
		*all = *all && out->recipients[i].acknowledged != 0;
	}
	return is_new;
}

/* Does another device of this one's member have it? */
static bool has_elsewhere(const struct talk *talk, const struct talk_out *out,
			  const struct ledger_device *device)
{
	/* Most have one only, and in a group of many it would be looked for by each for each. */
	if (ledger_member_by_id(talk->ledger, device->member)->numbers < 2)
		return false;
	for (size_t i = 0; i < out->recipient_count; i++) {
		if (out->recipients[i].acknowledged == TALK_RECIPIENT_HAS &&
		    ledger_same_member(talk->ledger, out->recipients[i].key, device->key))
			return true;
	}
	return false;
}

/*
 * A person has it who has it on one device; our own other ones are nobody whom it is for, but where nobody else is.
 * Until the others have it too it stays in the outbox.
 */
bool talk_out_reached(const struct talk *talk, const struct talk_group *group,
		      const struct talk_out *out)
{
	uint32_t own = talk_own_member(talk);
	bool others = group->kind == TALK_DIRECT;
	bool any = false;

	for (size_t i = 0; i < out->recipient_count && !others; i++) {
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, out->recipients[i].key);

		others = device != NULL && device->member != own;
	}
	for (size_t i = 0; i < out->recipient_count; i++) {
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, out->recipients[i].key);

		if (device == NULL || (others && device->member == own))
			continue;
		any = any || out->recipients[i].acknowledged == TALK_RECIPIENT_HAS;
		if (out->recipients[i].acknowledged == 0 && !has_elsewhere(talk, out, device))
			return false;
	}
	return any;
}

/* In a group: this device's member has it. One to one the state says so. */
static enum sotto_err person_has(struct talk *talk, const struct talk_group *group,
				 const struct talk_out *out, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);
	struct talk_kept_change change = {
		.version = TALK_STORE_VERSION,
		.what = TALK_CHANGE_PERSON,
		.state = TALK_PERSON_HAS,
	};

	if (group->kind != TALK_GROUP || device == NULL || device->member == talk_own_member(talk))
		return SOTTO_OK;
	change.member = device->member;
	change.extension = talk_extension_of(talk, device->member);
	talk_message_id(group->id, talk->identity.public_key, out->serial, change.id);
	return talk_change(talk, group, &change);
}

static enum sotto_err out_acknowledged(struct talk *talk, struct talk_group *group,
				       const struct talk_drop *drop, const uint8_t *key,
				       struct talk_out *out)
{
	bool all;
	bool is_new = acknowledged(out, key, &all);
	/* Whoever was missing may have gone since. */
	bool reached = (is_new || all) && talk_out_reached(talk, group, out);
	enum sotto_err err = SOTTO_OK;

	if (out->type == TALK_BODY_TEXT && is_new)
		TRY(person_has(talk, group, out, key));
	/* Everybody has it, and we have not read it back: if the relay lost it, we never do. */
	if (reached && out->place.sequence == 0)
		out->place = talk_place_of(group, drop);
	if (out->type == TALK_BODY_TEXT && reached && out->state != TALK_MESSAGE_DELIVERED)
		TRY(talk_text_state(talk, group, out, TALK_MESSAGE_DELIVERED));
	/* One to one what only our own devices have waits for the other one's. */
	if (all && (group->kind != TALK_DIRECT || reached))
		err = talk_out_remove(talk, group, out);
out:
	return err;
}

enum sotto_err talk_receipt_receive(struct talk *talk, struct talk_group *group,
				    const struct talk_drop *drop, const uint8_t *key,
				    struct bytes body)
{
	struct talk_receipt receipt;
	struct wire_cursor cursor;
	struct talk_has has;
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_receipt_type, body, &receipt) != SOTTO_OK)
		return SOTTO_OK;
	if (receipt.has.count == 0)
		talk_life_heard(group, drop, key);
	cursor = wire_list_walk(&receipt.has);
	while (wire_list_next(&cursor, &talk_has_type, &has)) {
		if (memcmp(has.device_key, talk->identity.public_key, LEDGER_KEY_LEN) != 0)
			continue;
		passed_over(talk, group, &has);
		left_behind(talk, group, key, drop->epoch, &has);
		list_for_each (element, following, &group->outbox) {
			struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

			if (out->serial == 0 || !has_serial(&has, out->serial))
				continue;
			TRY(out_acknowledged(talk, group, drop, key, out));
		}
	}
out:
	return err;
}

/* Of a few devices also that nothing came from them: their first message may be what is gone. */
enum sotto_err talk_receipts_due(struct talk *talk, struct talk_group *group)
{
	bool all = group->kind != TALK_EVERYONE &&
		   (group->arrived_count == 0 ||
		    mls_group_member_count(group->mls) <= TALK_TELL_DEVICES);
	struct mls_member member;
	uint32_t cursor = 0;

	while (all && mls_group_next_member(group->mls, &cursor, &member)) {
		if (member.leaf != mls_group_own_leaf(group->mls) &&
		    talk_arrived_from(talk, group, member.signature_key.data) == NULL &&
		    group->arrived_count < TALK_SENDERS_MAX)
			return SOTTO_ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < group->arrived_count; i++)
		group->arrived[i].tell = 1;
	return SOTTO_OK;
}

/*
 * Drops of epochs long past are not read again. What of ours stood there and somebody has not acknowledged is said again,
 * since his receipt may be what is gone; and others hear what we have, since it may be what they wrote.
 */
enum sotto_err talk_texts_doubt(struct talk *talk, struct talk_group *group)
{
	uint64_t oldest = group->drops[group->drop_count - 1].epoch;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->serial != 0 && out->seen && out->epoch < oldest)
			talk_out_unseal(talk, out);
	}
	return group->kind == TALK_EVERYONE ? SOTTO_OK : talk_receipts_due(talk, group);
}

/* Is it to wait for what else comes? Nobody knows what a phone did not say before its link went: it is said on the next. */
static bool receipt_waits(const struct talk *talk, struct talk_group *group)
{
	size_t devices = mls_group_member_count(group->mls);

	if (devices <= TALK_TELL_DEVICES)
		return false;
	if (group->tell_due_ns == 0) {
		uint32_t rank = talk_rank(talk, group, BYTES_OF(group->drops[0].name));
		uint64_t slot_ms =
			group->kind == TALK_EVERYONE ? TALK_TELL_EVERYONE_MS : TALK_TELL_MS;

		group->tell_due_ns = talk->now_ns + (devices + rank) * slot_ms * TALK_MS;
	}
	return talk->now_ns < group->tell_due_ns;
}

uint64_t talk_receipt_due(const struct talk *talk, const struct talk_group *group)
{
	return group->tell_due_ns > talk->now_ns ? group->tell_due_ns : TALK_NEVER;
}

/* One receipt for everything that is due. */
enum sotto_err talk_receipt_make(struct talk *talk, struct talk_group *group)
{
	struct talk_receipt receipt = {0};
	struct talk_blob body = {0};
	struct talk_has *has = NULL;
	struct talk_gap *gaps = NULL;
	size_t due = 0;
	size_t gap_count = 0;
	size_t gaps_size = 0;
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < group->arrived_count; i++) {
		due += group->arrived[i].tell == 1;
		gap_count += group->arrived[i].above_count;
	}
	if (due == 0 || receipt_waits(talk, group))
		return SOTTO_OK;
	group->tell_due_ns = 0;
	has = talk_take(talk, due * sizeof(*has));
	gaps_size = (gap_count + 1) * sizeof(*gaps);
	gaps = talk_take(talk, gaps_size);
	FAIL_IF(has == NULL || gaps == NULL, SOTTO_ERR_NO_MEMORY);
	gap_count = 0;
	for (size_t i = 0; i < group->arrived_count; i++) {
		struct talk_arrived *arrived = &group->arrived[i];
		struct talk_has *next = &has[receipt.has.count];

		if (arrived->tell != 1)
			continue;
		arrived->tell = 2;
		memcpy(next->device_key, arrived->key, LEDGER_KEY_LEN);
		next->floor = arrived->floor;
		next->above.items = &gaps[gap_count];
		next->above.count = arrived->above_count;
		for (uint32_t k = 0; k < arrived->above_count; k++)
			gaps[gap_count++].serial = arrived->above[k];
		receipt.has.count++;
	}
	receipt.has.items = has;
	TRY(talk_encode(talk, &talk_receipt_type, &receipt, &body));
	TRY(talk_out_put(talk, group, TALK_BODY_RECEIPT, talk_blob_bytes(&body), true, &out));
out:
	talk_give(talk, has, due * sizeof(*has));
	talk_give(talk, gaps, gaps_size);
	talk_blob_clear(talk, &body);
	return err;
}
