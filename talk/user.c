/* SPDX-License-Identifier: Apache-2.0 */
/* What people do and ask, beside founding and joining. */
#include <string.h>

#include "base/utf8.h"
#include "talk/access.h"
#include "talk/hold.h"
#include "talk/policy.h"
#include "talk/state.h"

enum sotto_err talk_act(struct talk *talk, struct bytes entry, uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err =
		talk->state == TALK_MEMBER ? ledger_check(talk->ledger, entry) : SOTTO_ERR_STATE;

	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, talk_submit(talk, entry));
}

/* Somebody whom we may write to, or why not. */
static enum sotto_err peer_find(const struct talk *talk, uint32_t extension,
				const struct ledger_member **peer)
{
	const struct ledger_member *member;

	if (talk->state != TALK_MEMBER && talk->state != TALK_FOUNDING)
		return SOTTO_ERR_STATE;
	member = ledger_member_by_extension(talk->ledger, extension);
	if (member == NULL || extension == talk_extension_of(talk, UINT32_MAX))
		return SOTTO_ERR_NOT_FOUND;
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (device->member == member->id &&
		    ledger_allows_leaf(talk->ledger, device->key, true)) {
			*peer = member;
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_DENIED;
}

bool talk_outbox_full(const struct talk *talk)
{
	size_t count = 0;

	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		list_for_each (item, after, &group->outbox)
			count++;
	}
	return count >= TALK_OUTBOX_MAX;
}

enum sotto_err talk_group_find(struct talk *talk, const struct talk_conversation *conversation,
			       const struct ledger_member **peer, struct talk_group **group)
{
	*peer = NULL;
	*group = NULL;
	if (conversation->kind == TALK_DIRECT)
		return peer_find(talk, conversation->extension, peer);
	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	*group = talk_group_by_id(talk, conversation->id);
	if (conversation->kind != TALK_GROUP || *group == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (!talk_feature(talk, LEDGER_FEATURE_GROUPS))
		return SOTTO_ERR_UNSUPPORTED;
	return talk_group_writable(talk, *group) ? SOTTO_OK : SOTTO_ERR_DENIED;
}

static enum sotto_err text_queue(struct talk *talk, struct talk_group *group, struct bytes text,
				 const uint8_t *reply_to, uint8_t *message_id)
{
	struct talk_text body = {.text = text};
	struct talk_blob encoded = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	if (reply_to != NULL)
		memcpy(body.reply_to, reply_to, sizeof(body.reply_to));
	TRY(talk_encode(talk, &talk_text_type, &body, &encoded));
	TRY(talk_out_put(talk, group, TALK_BODY_TEXT, talk_blob_bytes(&encoded), false, &out));
	talk_message_id(group->id, talk->identity.public_key, out->serial, message_id);
	TRY(talk_text_state(talk, group, out, TALK_MESSAGE_QUEUED));
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

enum sotto_err talk_send_text(struct talk *talk, const struct talk_conversation *conversation,
			      struct bytes text, const uint8_t *reply_to, uint8_t *message_id,
			      uint64_t now_ns, uint64_t utc_ms)
{
	const struct ledger_member *peer;
	struct talk_group *group;
	enum sotto_err err = talk_group_find(talk, conversation, &peer, &group);

	if (err != SOTTO_OK)
		return err;
	if (talk->locked)
		return SOTTO_ERR_STATE;
	if (text.len == 0 || !utf8_valid(text))
		return SOTTO_ERR_INVALID;
	if (text.len > TALK_TEXT_MAX || talk_outbox_full(talk))
		return SOTTO_ERR_LIMIT;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	if (group == NULL)
		err = talk_group_open_direct(talk, peer, &group);
	if (err == SOTTO_OK)
		err = text_queue(talk, group, text, reply_to, message_id);
	return talk_step_end(talk, err);
}

enum sotto_err talk_open(struct talk *talk, uint32_t extension, uint64_t now_ns, uint64_t utc_ms)
{
	const struct ledger_member *peer;
	struct talk_group *group;
	enum sotto_err err = peer_find(talk, extension, &peer);

	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, talk_group_open_direct(talk, peer, &group));
}

/* The conversation with this member, once somebody else is in it. */
static struct talk_group *conversation(const struct talk *talk, uint32_t extension)
{
	const struct ledger_member *member = ledger_member_by_extension(talk->ledger, extension);
	struct talk_group *group = NULL;

	if (member != NULL)
		group = talk_group_direct(talk, member->id);
	return group == NULL || !talk_group_has_peer(talk, group) ? NULL : group;
}

enum sotto_err talk_send_call(struct talk *talk, uint32_t extension, struct bytes message,
			      uint64_t now_ns, uint64_t utc_ms)
{
	const struct ledger_member *peer;
	struct talk_call call = {.message = message};
	struct talk_group *group;
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = peer_find(talk, extension, &peer);

	if (err != SOTTO_OK)
		return err;
	if (!talk_feature(talk, LEDGER_FEATURE_CALLS))
		return SOTTO_ERR_UNSUPPORTED;
	if (message.len > TALK_CALL_MAX)
		return SOTTO_ERR_LIMIT;
	group = conversation(talk, extension);
	if (group != NULL && talk_held(talk, group))
		return SOTTO_ERR_DENIED;
	if (group == NULL || !talk_group_current(talk, group) || group->blocked)
		return SOTTO_ERR_AGAIN;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	TRY(talk_encode(talk, &talk_call_type, &call, &body));
	TRY(talk_out_put(talk, group, TALK_BODY_CALL, talk_blob_bytes(&body), true, &out));
out:
	talk_blob_clear(talk, &body);
	return talk_step_end(talk, err);
}

enum sotto_err talk_call_epoch(const struct talk *talk, uint32_t extension, uint64_t *epoch)
{
	const struct talk_group *group = conversation(talk, extension);

	if (group == NULL)
		return SOTTO_ERR_NOT_FOUND;
	*epoch = group->drops[0].epoch;
	return SOTTO_OK;
}

enum sotto_err talk_call_export(const struct talk *talk, uint32_t extension, const char *label,
				struct bytes context, uint8_t *out, size_t len)
{
	const struct talk_group *group = conversation(talk, extension);

	return group == NULL ? SOTTO_ERR_NOT_FOUND
			     : mls_group_export(group->mls, label, context, out, len);
}

const struct ledger *talk_ledger(const struct talk *talk)
{
	return talk->ledger;
}

void talk_status(const struct talk *talk, struct talk_status *status)
{
	struct ledger_invitation invitation;

	*status = (struct talk_status){
		.state = talk->state,
		.extension = talk_extension_of(talk, UINT32_MAX),
		.tells_read = !talk->silent && talk_feature(talk, LEDGER_FEATURE_READ),
		.problems = talk->problems,
		.discarded = talk->discarded,
		.current = talk->everyone != NULL && talk_group_current(talk, talk->everyone),
	};
	memcpy(status->device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	if (talk->state == TALK_JOINING &&
	    wire_decode(&ledger_invitation_type, talk_blob_bytes(&talk->invitation), &invitation) ==
		    SOTTO_OK) {
		status->extension = invitation.extension;
		bytes_wipe(&invitation, sizeof(invitation));
	}
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		const struct ledger_device *author =
			group->stuck == TALK_STUCK_COMMIT
				? ledger_device_by_key(talk->ledger, group->stuck_author)
				: NULL;

		if (author != NULL && status->stuck_by == 0)
			status->stuck_by = talk_extension_of(talk, author->member);
		list_for_each (item, after, &group->outbox) {
			const struct talk_out *out = CONTAINER_OF(item, struct talk_out, list);

			if (out->type != TALK_BODY_TEXT)
				continue;
			status->queued += !out->stored;
			status->unacknowledged++;
		}
	}
}

static void key_put(struct talk_link *link, enum talk_key_kind kind, uint64_t number,
		    const uint8_t *secret)
{
	struct talk_key *key = &link->keys[link->key_count++];

	key->kind = kind;
	key->number = number;
	memcpy(key->secret, secret, sizeof(key->secret));
}

/* It follows from secret 1, as long as nobody replaces it. */
static void porch_put(const struct talk *talk, struct talk_link *link)
{
	uint8_t secret[WIRE_KEY_LEN];

	talk_derive(talk_access_first(talk), "sotto porch key 1", BYTES_NONE, secret);
	key_put(link, TALK_KEY_PORCH, talk_access_first(talk)->number, secret);
	bytes_wipe(secret, sizeof(secret));
}

enum sotto_err talk_link(const struct talk *talk, struct talk_link *link)
{
	const struct ledger_found *founding = ledger_founding(talk->ledger);
	struct ledger_invitation card;
	uint8_t secret[WIRE_KEY_LEN];
	struct talk_link made = {0};
	size_t room;

	if (talk->state == TALK_EMPTY || talk->state > TALK_MEMBER)
		return SOTTO_ERR_STATE;
	if (talk->state == TALK_JOINING) {
		if (wire_decode(&ledger_invitation_type, talk_blob_bytes(&talk->invitation),
				&card) != SOTTO_OK)
			return SOTTO_ERR_CORRUPT;
		made.relay_address = card.relay_address;
		memcpy(made.relay_key, card.relay_key, WIRE_KEY_LEN);
		memcpy(made.network, card.network, WIRE_HASH_LEN);
		key_put(&made, TALK_KEY_PORCH, card.porch_number, card.porch_key);
		bytes_wipe(&card, sizeof(card));
		*link = made;
		return SOTTO_OK;
	}
	made.relay_address = founding->relay_address;
	memcpy(made.relay_key, founding->relay_key, WIRE_KEY_LEN);
	memcpy(made.network, ledger_network(talk->ledger), WIRE_HASH_LEN);
	/* While founding the claim is more likely the right one; the access key is if the answer was lost. */
	if (talk->state == TALK_FOUNDING)
		key_put(&made, TALK_KEY_CLAIM, 0, talk->claim);
	if (talk->porch_wanted)
		porch_put(talk, &made);
	room = talk->porch_offered && !talk->porch_wanted ? TALK_KEYS_MAX - 1 : TALK_KEYS_MAX;
	for (size_t i = 0; i < talk->access_count && made.key_count < room; i++) {
		talk_derive(&talk->access[i], "sotto access key 1", BYTES_NONE, secret);
		key_put(&made, TALK_KEY_ACCESS, talk->access[i].number, secret);
	}
	/* Perhaps none of these opens anything any more. */
	if (talk->porch_offered && !talk->porch_wanted)
		porch_put(talk, &made);
	bytes_wipe(secret, sizeof(secret));
	*link = made;
	return SOTTO_OK;
}
