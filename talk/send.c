/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox of a group: queued -> sealed for an epoch -> stored at the relay -> read back ->
 * acknowledged by every recipient. The plaintext stays until the end, so that it can be sealed again for
 * another epoch; receivers know it by its serial.
 */
#include <string.h>

#include "talk/hold.h"
#include "talk/problem.h"
#include "talk/state.h"

/* Does it have a serial, and wait until everybody has it? */
static bool is_kept(uint8_t type)
{
	return type == TALK_BODY_TEXT || (type >= TALK_BODY_REACTION && type <= TALK_BODY_READ);
}

enum sotto_err talk_out_put(struct talk *talk, struct talk_group *group, uint8_t type,
			    struct bytes body, bool transient, struct talk_out **out)
{
	struct talk_out *made = talk_take(talk, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (talk_blob_set(talk, &made->body, body) != SOTTO_OK) {
		talk_give(talk, made, sizeof(*made));
		return SOTTO_ERR_NO_MEMORY;
	}
	made->number = talk_number(talk);
	made->type = type;
	made->transient = transient;
	made->dirty = !transient;
	made->sent_ms = talk->utc_ms;
	if (is_kept(type)) {
		made->serial = ++group->serial;
		made->row = type == TALK_BODY_TEXT ? made->number : 0;
		group->dirty = true;
	}
	list_append(&group->outbox, &made->list);
	*out = made;
	return SOTTO_OK;
}

enum sotto_err talk_out_remove(struct talk *talk, struct talk_group *group, struct talk_out *out)
{
	uint8_t owner[8];
	enum sotto_err err = SOTTO_OK;

	if (!out->transient) {
		talk_group_owner(group, owner);
		err = store_batch_delete(&talk->batch, TALK_TABLE_OUTBOX, BYTES_OF(owner),
					 out->number);
	}
	talk_out_free(talk, out);
	return err;
}

static enum sotto_err recipients_set(struct talk *talk, const struct talk_group *group,
				     struct talk_out *out)
{
	size_t count = mls_group_member_count(group->mls) - 1;
	struct talk_kept_key *keys = NULL;
	struct mls_member member;
	uint32_t cursor = 0;
	size_t filled = 0;

	if (out->serial == 0 || count == 0)
		return SOTTO_OK;
	keys = talk_take(talk, count * sizeof(*keys));
	if (keys == NULL)
		return SOTTO_ERR_NO_MEMORY;
	while (filled < count && mls_group_next_member(group->mls, &cursor, &member)) {
		if (member.leaf == mls_group_own_leaf(group->mls))
			continue;
		memcpy(keys[filled].key, member.signature_key.data, LEDGER_KEY_LEN);
		for (size_t i = 0; i < out->recipient_count; i++) {
			if (memcmp(out->recipients[i].key, keys[filled].key, LEDGER_KEY_LEN) == 0)
				keys[filled].acknowledged =
					out->recipients[i].acknowledged == TALK_RECIPIENT_HAS;
		}
		filled++;
	}
	talk_give(talk, out->recipients, out->recipient_count * sizeof(*out->recipients));
	out->recipients = keys;
	out->recipient_count = count;
	return SOTTO_OK;
}

/* Generations are opened for sending only with a store action in this step's batch, and nothing of a step
 * leaves before its batch is durable. */
enum sotto_err talk_ratchets_reserve(struct talk_group *group)
{
	struct mls_buffer discarded = {0};
	enum sotto_err err = mls_group_save_ratchets(group->mls, TALK_AHEAD, &discarded);

	mls_buffer_release(&discarded);
	if (err == SOTTO_OK)
		mls_group_ratchets_stored(group->mls);
	group->dirty_ratchet = true;
	return err;
}

static enum sotto_err out_seal(struct talk *talk, struct talk_group *group, struct talk_out *out)
{
	struct talk_blob frame = {0};
	uint8_t *message = NULL;
	size_t capacity = 0;
	size_t len;
	enum sotto_err err = SOTTO_OK;

	TRY(recipients_set(talk, group, out));
	TRY(talk_frame_encode(talk, group, out, &frame));
	if (mls_group_reserved(group->mls) == 0)
		TRY(talk_ratchets_reserve(group));
	capacity = mls_group_protect_len(group->mls, 0, frame.len, 0);
	message = talk_take(talk, capacity);
	FAIL_IF(message == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(mls_group_protect(group->mls, BYTES_NONE, talk_blob_bytes(&frame), 0, message, capacity,
			      &len));
	group->dirty_ratchet = true;
	TRY(talk_message_seal(talk, &group->drops[0], BYTES(message, len), out, &out->records));
	out->epoch = group->drops[0].epoch;
	talk_update_used(talk, group, out->type);
	out->stored = out->seen = false;
	out->dirty = !out->transient;
	group->dirty = true;
out:
	talk_blob_clear(talk, &frame);
	talk_give(talk, message, capacity);
	return err;
}

/* The next part, when the one before is there: they stand in order. */
static enum sotto_err out_append(struct talk *talk, struct talk_group *group, struct talk_out *out)
{
	const struct talk_drop *drop = &group->drops[0];
	struct talk_records *records = &out->records;
	struct talk_asked *asked;
	enum sotto_err err = talk_ask_append(
		talk, TALK_ASK_APPEND_OUT, drop->append_token, drop->read_hash, drop->flags,
		talk_blob_bytes(&records->items[records->stored]), &asked);

	if (err != SOTTO_OK)
		return err;
	asked->group = group->number;
	asked->number = out->number;
	records->ticket = asked->ticket;
	return SOTTO_OK;
}

/* The relay erases it now: who has not read it by then does not get it. */
static enum sotto_err outbox_expire(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->serial == 0 || out->stored_ms == 0 ||
		    talk->utc_ms < out->stored_ms + talk->retention_ms)
			continue;
		/* Whom it was for has it, though not on all devices. */
		if (out->type == TALK_BODY_TEXT && out->state != TALK_MESSAGE_DELIVERED)
			TRY(talk_text_state(talk, group, out, TALK_MESSAGE_FAILED));
		TRY(talk_out_remove(talk, group, out));
	}
out:
	return err;
}

/* Who is gone is not waited for. True: that changed something. */
static bool recipients_settle(const struct talk_group *group, struct talk_out *out, bool *all)
{
	bool changed = false;

	*all = true;
	for (size_t i = 0; i < out->recipient_count; i++) {
		struct talk_kept_key *recipient = &out->recipients[i];
		struct mls_member member;

		if (recipient->acknowledged == 0 &&
		    mls_group_find_member(group->mls, BYTES_OF(recipient->key), &member) !=
			    SOTTO_OK) {
			recipient->acknowledged = TALK_RECIPIENT_GONE;
			changed = true;
		}
		*all = *all && recipient->acknowledged != 0;
	}
	return changed;
}

/* Nobody is left for whom it is: who has not got it does not get it. That we are here our own devices still hear. */
static enum sotto_err outbox_fail(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);
		bool all;

		if (out->lives && !talk_group_over(group) && !talk_group_alone(group))
			continue;
		(void)recipients_settle(group, out, &all);
		if (out->type == TALK_BODY_TEXT && out->state != TALK_MESSAGE_DELIVERED)
			TRY(talk_text_state(talk, group, out,
					    talk_out_reached(talk, group, out)
						    ? TALK_MESSAGE_DELIVERED
						    : TALK_MESSAGE_FAILED));
		TRY(talk_out_remove(talk, group, out));
	}
out:
	return err;
}

enum sotto_err talk_out_members(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);
		bool all, reached;

		/* What is not known to be there is sealed anew, for who is there then. */
		if (out->serial == 0 || !out->seen || !recipients_settle(group, out, &all))
			continue;
		out->dirty = true;
		reached = talk_out_reached(talk, group, out);
		/* One to one the other may come again, on another device. */
		if (!reached && group->kind == TALK_DIRECT) {
			if (all)
				talk_out_unseal(talk, out);
			continue;
		}
		if (out->type == TALK_BODY_TEXT && (all || reached) &&
		    out->state != TALK_MESSAGE_DELIVERED)
			TRY(talk_text_state(talk, group, out,
					    reached ? TALK_MESSAGE_DELIVERED
						    : TALK_MESSAGE_FAILED));
		if (all)
			TRY(talk_out_remove(talk, group, out));
	}
out:
	return err;
}

/* What shows that somebody is here goes out also where it is not known yet that others are. */
static enum sotto_err life_send(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	if (!talk->link_ready || !group->drops[0].at_end || talk->now_ns < talk->retry_ns ||
	    !talk_all_allowed(talk, group))
		return SOTTO_OK;
	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (!out->transient || !out->lives || out->stored || out->records.ticket != 0)
			continue;
		if (out->records.count == 0)
			TRY(out_seal(talk, group, out));
		TRY(out_append(talk, group, out));
	}
out:
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

/*
 * May all others have left this epoch of *everyone*? With a shorter ledger than ours they could be followed nowhere any more.
 * That the relay has lost something an earlier epoch's drop may show.
 */
static bool entry_waits(const struct talk *talk, const struct talk_group *group)
{
	for (size_t i = 0; i < group->drop_count; i++) {
		if (!group->drops[i].at_end)
			return true;
	}
	return talk_gap_everyone(talk, group) || group->branch.doubt || group->lost_ns != 0;
}

enum sotto_err talk_send_work(struct talk *talk, struct talk_group *group)
{
	const struct ledger_member *peer = ledger_member_by_id(talk->ledger, group->peer);
	bool over = group->kind == TALK_DIRECT &&
		    (peer == NULL || peer->state == LEDGER_MEMBER_REVOKED);
	bool parting = talk->now_ns < group->parts_due_ns;
	bool full = talk_relay_full(talk);
	enum sotto_err err = SOTTO_OK;

	if (over)
		TRY(outbox_fail(talk, group));
	if (group->kind == TALK_GROUP && talk_group_over(group))
		return outbox_fail(talk, group);
	/* Who comes gets it when he is there. */
	if (group->kind == TALK_GROUP && talk_group_alone(group))
		return talk_group_writable(talk, group) || talk_group_leaving(talk, group)
			       ? SOTTO_OK
			       : outbox_fail(talk, group);
	TRY(outbox_expire(talk, group));
	if (talk_held(talk, group))
		return SOTTO_OK;
	if (over || group->stuck == TALK_STUCK_LOST)
		TRY(life_send(talk, group));
	if (over || !talk_group_current(talk, group) || group->blocked ||
	    group->pending.count > 0 || talk->now_ns < talk->retry_ns)
		return SOTTO_OK;
	/* Nobody is there for whom it is: it would stand where the other never reads. */
	if (group->kind == TALK_DIRECT && !talk_group_has_peer(talk, group))
		return SOTTO_OK;
	TRY(talk_receipt_make(talk, group));
	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->type == TALK_BODY_ENTRY && entry_waits(talk, group))
			continue;
		/* What comes in parts, one after the other: few may be unfinished in a drop. */
		if (out->body.len > TALK_PART_MAX && !out->seen) {
			if (parting)
				continue;
			parting = true;
		}
		if (out->records.count == 0)
			TRY(out_seal(talk, group, out));
		if (!out->stored && out->records.ticket == 0)
			TRY(out_append(talk, group, out));
		/* Whether there is room again the first one shows; the others go when it is there. */
		if (!out->stored && full)
			break;
	}
out:
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

enum sotto_err talk_out_stored(struct talk *talk, struct talk_group *group, struct talk_out *out)
{
	bool before = out->stored;
	enum sotto_err err = SOTTO_OK;

	out->records.ticket = 0;
	out->records.stored = out->records.count;
	out->stored = true;
	out->dirty = !out->transient;
	if (out->stored_ms == 0)
		out->stored_ms = talk->utc_ms;
	if (out->type == TALK_BODY_TEXT && !before && out->state != TALK_MESSAGE_DELIVERED)
		TRY(talk_text_state(talk, group, out, TALK_MESSAGE_STORED));
	if (out->type == TALK_BODY_BEACON)
		talk_beacon_stored(talk);
	/* Of a receipt we want to know that it is there: nobody asks for it. */
	if (out->transient && out->type != TALK_BODY_RECEIPT)
		TRY(talk_out_remove(talk, group, out));
out:
	return err;
}

/* Which of several says what is not told apart: all is told when the last of them is there. */
static void receipts_told(struct talk_group *group, const struct talk_out *seen)
{
	list_for_each (element, following, &group->outbox) {
		const struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out != seen && out->type == TALK_BODY_RECEIPT)
			return;
	}
	for (size_t i = 0; i < group->arrived_count; i++) {
		if (group->arrived[i].tell == 2)
			group->arrived[i].tell = 0;
	}
	group->dirty = true;
}

enum sotto_err talk_out_seen(struct talk *talk, struct talk_group *group,
			     const struct talk_drop *drop, struct talk_out *out, bool counts)
{
	enum sotto_err err = SOTTO_OK;

	if (!counts)
		return SOTTO_OK;
	out->seen = true;
	out->back = talk_place_of(group, drop);
	out->dirty = !out->transient;
	if (out->type == TALK_BODY_ENTRY) {
		TRY(talk_entry_receive(talk, talk_blob_bytes(&out->body), NULL));
		return talk_out_remove(talk, group, out);
	}
	if (out->type == TALK_BODY_RECEIPT) {
		receipts_told(group, out);
		return talk_out_remove(talk, group, out);
	}
	if (out->type == TALK_BODY_KEY_PACKAGE || out->type == TALK_BODY_STUCK ||
	    out->type == TALK_BODY_BRANCH || out->type == TALK_BODY_PROPOSAL ||
	    out->type == TALK_BODY_REFUSAL)
		return talk_out_remove(talk, group, out);
	if (!out->stored)
		TRY(talk_out_stored(talk, group, out));
out:
	return err;
}

/* To be sealed and sent anew: whoever has it knows it by its serial. */
void talk_out_unseal(struct talk *talk, struct talk_out *out)
{
	out->stored = out->seen = false;
	out->dirty = !out->transient;
	talk_records_clear(talk, &out->records);
}

enum sotto_err talk_out_again(struct talk *talk, struct talk_group *group, uint64_t epoch)
{
	uint64_t present = group->drops[0].epoch;
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->records.count == 0 ||
		    (epoch == UINT64_MAX ? out->seen : out->epoch != epoch))
			continue;
		if (out->epoch != present) {
			talk_out_unseal(talk, out);
			continue;
		}
		/* The same bytes where the epoch is the same: who has them knows them. */
		out->records.ticket = 0;
		out->records.stored = 0;
		out->stored = out->seen = false;
		out->dirty = !out->transient;
		TRY(talk_records_own(talk, &group->drops[0], &out->records, out));
	}
out:
	return err;
}

/* The link is down: what was now or never is over, and what was on its way is not known to be there. */
enum sotto_err talk_out_unlink(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		out->records.ticket = 0;
		if (out->transient)
			TRY(talk_out_remove(talk, group, out));
	}
	for (size_t i = 0; i < group->arrived_count; i++) {
		if (group->arrived[i].tell != 2)
			continue;
		group->arrived[i].tell = 1;
		group->tell_due_ns = TALK_TELL_NOW;
	}
out:
	return err;
}
