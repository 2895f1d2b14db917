/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What *everyone* carries beside key packages: entries of the ledger, and the rule by which a commit of
 * *everyone* is valid. That rule reads only the ledger as it stands at the commit's place in the drop.
 */
#include <string.h>

#include "talk/invitation.h"
#include "talk/policy.h"
#include "talk/problem.h"
#include "talk/state.h"

uint32_t talk_extension_of(const struct talk *talk, uint32_t member)
{
	const struct ledger_member *found = ledger_member_by_id(talk->ledger, member);
	const struct ledger_device *device;

	/* UINT32_MAX: ourselves. */
	if (member == UINT32_MAX) {
		device = ledger_device_by_key(talk->ledger, talk->identity.public_key);
		found = device == NULL ? NULL : ledger_member_by_id(talk->ledger, device->member);
	}
	return found == NULL ? 0 : found->extension;
}

/* No more devices than one group can hold, and none that could not be told of all the others. */
size_t talk_network_room(const struct talk *talk)
{
	size_t count = ledger_live_count(talk->ledger);

	return count < TALK_MEMBERS_MAX && talk_parcel_fits(talk) ? TALK_MEMBERS_MAX - count : 0;
}

bool talk_leaf_allowed(const struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	const struct ledger_device *own =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	if (!ledger_allows_leaf(talk->ledger, key, group->kind != TALK_EVERYONE))
		return false;
	return group->kind != TALK_DIRECT || device->member == group->peer ||
	       (own != NULL && device->member == own->member);
}

/* Our own invitation stands in the ledger: now its card can be printed. */
static enum sotto_err invitation_tell(struct talk *talk, const struct talk_invite_row *row)
{
	struct talk_event event = {.type = TALK_EVENT_INVITED, .extension = row->extension};
	struct talk_invitation made = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(talk_invitation_make(talk, row, &made));
	event.text = BYTES(made.text, made.text_len);
	event.expires_ms = made.expires_ms;
	TRY(talk_tell(talk, &event));
out:
	bytes_wipe(&made, sizeof(made));
	return err;
}

static void invite_free(struct talk *talk, struct talk_invite_row *row)
{
	list_remove(&row->list);
	talk_give(talk, row, sizeof(*row));
}

void talk_invites_clear(struct talk *talk)
{
	list_for_each (element, following, &talk->invites)
		invite_free(talk, CONTAINER_OF(element, struct talk_invite_row, list));
}

/* Cards that can no longer be used are forgotten; one that has just landed is told. */
static enum sotto_err invites_settle(struct talk *talk, const struct ledger_entry *landed)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->invites) {
		struct talk_invite_row *row = CONTAINER_OF(element, struct talk_invite_row, list);
		const struct ledger_invitation_entry *entry =
			ledger_invitation_by_key(talk->ledger, row->public_key);

		if (entry == NULL)
			continue;
		if (entry->state != LEDGER_INVITATION_OPEN) {
			TRY(store_batch_delete(&talk->batch, TALK_TABLE_INVITE, BYTES_NONE,
					       row->number));
			invite_free(talk, row);
		} else if (landed->act.action == LEDGER_AUTHORISE &&
			   entry->index + 1 == ledger_length(talk->ledger)) {
			TRY(invitation_tell(talk, row));
		}
	}
out:
	return err;
}

/* The text again, for somebody who lost it; SOTTO_ERR_NOT_FOUND. */
enum sotto_err talk_invite_again(struct talk *talk, uint32_t extension)
{
	list_for_each (element, following, &talk->invites) {
		struct talk_invite_row *row = CONTAINER_OF(element, struct talk_invite_row, list);

		if (row->extension == extension && talk_invitation_open(talk, row, talk->utc_ms))
			return invitation_tell(talk, row);
	}
	return SOTTO_ERR_NOT_FOUND;
}

static enum sotto_err entry_landed(struct talk *talk, struct bytes bytes)
{
	struct ledger_entry entry;
	const struct ledger_device *own;
	enum sotto_err err = SOTTO_OK;

	TRY(ledger_entry_decode(bytes, &entry));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_MEMBERS}));
	TRY(invites_settle(talk, &entry));
	talk_problem_set(talk, TALK_PROBLEM_ONE_PERSON, ledger_one_person_controls(talk->ledger));
	talk_policy_take(talk);
	own = ledger_device_by_key(talk->ledger, talk->identity.public_key);
	if (own != NULL && own->state == LEDGER_DEVICE_REVOKED && talk->state == TALK_MEMBER) {
		talk->state = TALK_REVOKED;
		talk->dirty = true;
		TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE}));
	}
out:
	return err;
}

enum sotto_err talk_invite_fail(struct talk *talk, const uint8_t *key)
{
	list_for_each (element, following, &talk->invites) {
		struct talk_invite_row *row = CONTAINER_OF(element, struct talk_invite_row, list);
		uint64_t number = row->number;

		if (memcmp(row->public_key, key, LEDGER_KEY_LEN) != 0)
			continue;
		invite_free(talk, row);
		return store_batch_delete(&talk->batch, TALK_TABLE_INVITE, BYTES_NONE, number);
	}
	return SOTTO_OK;
}

/* An entry of ours stands where it does not apply, and nobody will ever take it. */
static enum sotto_err act_failed(struct talk *talk, struct bytes bytes, enum sotto_err why)
{
	struct talk_event event = {.type = TALK_EVENT_ACT_FAILED, .err = why};
	const struct ledger_device *device;
	struct ledger_entry entry;
	union ledger_body body;
	enum sotto_err err = SOTTO_OK;

	TRY(ledger_entry_decode(bytes, &entry));
	TRY(ledger_body_decode(entry.act.action, entry.act.body, &body));
	if (entry.act.action == LEDGER_ENROL)
		return SOTTO_OK; /* another sponsor was first */
	if (entry.act.action == LEDGER_AUTHORISE) {
		event.extension = body.authorise.extension;
		TRY(talk_invite_fail(talk, body.authorise.invitation_key));
	}
	if (entry.act.action == LEDGER_FURTHER)
		event.extension = talk_extension_of(talk, UINT32_MAX);
	if (entry.act.action == LEDGER_REVOKE || entry.act.action == LEDGER_RETIRE) {
		device = ledger_device_by_key(talk->ledger, body.subject.device_key);
		if (device != NULL)
			event.extension =
				ledger_member_by_id(talk->ledger, device->member)->extension;
	}
	TRY(talk_tell(talk, &event));
out:
	return err;
}

enum sotto_err talk_entry_take(struct talk *talk, struct bytes bytes)
{
	enum sotto_err err = ledger_append(talk->ledger, bytes);

	return err == SOTTO_OK ? entry_landed(talk, bytes) : err;
}

static bool entry_stands(const struct talk *talk, struct bytes bytes)
{
	struct ledger_entry entry;

	return ledger_entry_decode(bytes, &entry) == SOTTO_OK &&
	       ledger_has(talk->ledger, entry.act.id);
}

enum sotto_err talk_entry_receive(struct talk *talk, struct bytes body, const uint8_t *key)
{
	struct talk_entry entry;
	enum sotto_err err;

	if (wire_decode(&talk_entry_type, body, &entry) != SOTTO_OK)
		return SOTTO_OK;
	err = ledger_append(talk->ledger, entry.entry);
	if (err == SOTTO_OK)
		return entry_landed(talk, entry.entry);
	if (err == SOTTO_ERR_NO_MEMORY)
		return err;
	/* Two have sent the same one. */
	if (key == NULL && entry_stands(talk, entry.entry))
		return SOTTO_OK;
	if (key == NULL)
		return act_failed(talk, entry.entry, err);
	if (err == SOTTO_ERR_UNSUPPORTED || err == SOTTO_ERR_VERSION)
		return talk_newer_heard(talk, talk->everyone, key, true);
	/* Whatever else: it does not apply, at anybody's phone. */
	return SOTTO_OK;
}

enum sotto_err talk_submit(struct talk *talk, struct bytes bytes)
{
	struct talk_entry entry = {.entry = bytes};
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_encode(talk, &talk_entry_type, &entry, &body));
	TRY(talk_out_put(talk, talk->everyone, TALK_BODY_ENTRY, talk_blob_bytes(&body), false,
			 &out));
out:
	talk_blob_clear(talk, &body);
	return err;
}

/*
 * Who comes is in the ledger, who goes is out of it (or comes back in the same commit), and the group's
 * context, or what an addition says instead, names a head that is part of this history.
 */
bool talk_everyone_allows(const struct talk *talk, const struct mls_staged *staged)
{
	struct mls_staged_info info;
	struct talk_agreed agreed;

	mls_staged_info(staged, &info);
	if (!info.removes_us && (!talk_agreed_extension(info.extensions, &agreed) ||
				 !ledger_head_is(talk->ledger, agreed.length, agreed.head)))
		return false;
	if (info.new_leaf.signature_key.len != LEDGER_KEY_LEN ||
	    !bytes_equal(info.new_leaf.signature_key, info.old_leaf.signature_key))
		return false;
	for (size_t i = 0; i < info.changes; i++) {
		struct mls_change change;

		mls_staged_change(staged, i, &change);
		if (change.type == MLS_PROPOSAL_ADD &&
		    (change.after.signature_key.len != LEDGER_KEY_LEN ||
		     !bytes_equal(change.after.credential.content, change.after.signature_key) ||
		     !ledger_allows_leaf(talk->ledger, change.after.signature_key.data, false)))
			return false;
		if (change.type == MLS_PROPOSAL_PSK &&
		    (!talk_agreed_read(change.psk_id, &agreed) ||
		     !ledger_head_is(talk->ledger, agreed.length, agreed.head)))
			return false;
		if (change.type == MLS_PROPOSAL_UPDATE &&
		    !bytes_equal(change.after.signature_key, change.before.signature_key))
			return false;
		if (change.type == MLS_PROPOSAL_REMOVE &&
		    ledger_allows_leaf(talk->ledger, change.before.signature_key.data, false) &&
		    !talk_staged_adds(staged, change.before.signature_key))
			return false;
	}
	return true;
}
