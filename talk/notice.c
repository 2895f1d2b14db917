/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did what: the difference that a commit made to a group, shown in its conversation. Read off the group
 * itself, before and after, so that our own commits and those of others, remembered or not, say the same.
 */
#include <string.h>

#include "talk/access.h"
#include "talk/state.h"

enum sotto_err talk_before_take(struct talk *talk, const struct talk_group *group,
				struct talk_before *before)
{
	struct talk_context context;
	enum sotto_err err = SOTTO_OK;

	*before = (struct talk_before){0};
	if (group->kind == TALK_EVERYONE)
		return SOTTO_OK;
	TRY(talk_access_members(talk, group, &before->seats));
	TRY(talk_group_context(group->mls, &context));
	before->name_len = context.name.len;
	if (context.name.len > 0)
		memcpy(before->name, context.name.data, context.name.len);
out:
	return err;
}

void talk_before_clear(const struct talk *talk, struct talk_before *before)
{
	talk_blob_clear(talk, &before->seats);
}

/* The extension of a device's member; 0: the ledger does not know it. */
static uint32_t extension_of_device(const struct talk *talk, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	return device == NULL ? 0 : talk_extension_of(talk, device->member);
}

struct noting {
	struct talk *talk;
	struct talk_group *group;
	const struct talk_blob *seats; /* of before */
	uint32_t actor;
};

static bool is_of(const struct talk *talk, const uint8_t *key, const struct ledger_device *device)
{
	return memcmp(key, device->key, LEDGER_KEY_LEN) != 0 &&
	       ledger_same_member(talk->ledger, key, device->key);
}

/* Was another device of this one's member in the group before? */
static bool was_there(const struct noting *noting, const struct ledger_device *device)
{
	struct talk_seat seat;

	for (size_t at = 0; at < noting->seats->len; at += sizeof(seat)) {
		memcpy(&seat, noting->seats->data + at, sizeof(seat));
		if (is_of(noting->talk, seat.key, device))
			return true;
	}
	return false;
}

/* Is another one in it now? */
static bool is_there(const struct noting *noting, const struct ledger_device *device)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(noting->group->mls, &cursor, &member)) {
		if (is_of(noting->talk, member.signature_key.data, device))
			return true;
	}
	return false;
}

static bool has_several(const struct talk *talk, const struct ledger_device *device)
{
	return device != NULL && ledger_member_by_id(talk->ledger, device->member)->numbers > 1;
}

static enum sotto_err come(struct noting *noting, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(noting->talk->ledger, key);

	/* He was there before: only the device is new. */
	if (has_several(noting->talk, device) && was_there(noting, device))
		return talk_device_notice(noting->talk, noting->group, &noting->group->drops[0],
					  device, TALK_VERB_DEVICE);
	return noting->group->kind != TALK_GROUP
		       ? SOTTO_OK
		       : talk_notice_put(noting->talk, noting->group, &noting->group->drops[0],
					 noting->actor, TALK_VERB_ADDED,
					 extension_of_device(noting->talk, key), BYTES_NONE);
}

/* Who had said that he leaves is not removed by whoever does it. */
static enum sotto_err gone(struct noting *noting, const uint8_t *key)
{
	struct talk *talk = noting->talk;
	const struct talk_group *group = noting->group;
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);
	uint32_t subject = extension_of_device(talk, key);
	bool left = memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) == 0
			    ? talk_group_leaving(talk, group)
			    : device != NULL &&
				      talk_wish_of(group, TALK_WISH_LEFT, device->member) != NULL;

	/* He is still there, without it. */
	if (has_several(talk, device) && is_there(noting, device))
		return talk_device_notice(talk, group, &group->drops[0], device,
					  TALK_VERB_DEVICE_GONE);
	if (group->kind != TALK_GROUP)
		return SOTTO_OK;
	return left ? talk_notice_put(talk, group, &group->drops[0], subject, TALK_VERB_LEFT,
				      subject, BYTES_NONE)
		    : talk_notice_put(talk, group, &group->drops[0], noting->actor,
				      TALK_VERB_REMOVED, subject, BYTES_NONE);
}

static bool seated(const struct talk_blob *seats, size_t *at, const struct mls_member *member)
{
	struct talk_seat seat;

	for (; *at < seats->len; *at += sizeof(seat)) {
		memcpy(&seat, seats->data + *at, sizeof(seat));
		if (seat.leaf >= member->leaf)
			return seat.leaf == member->leaf &&
			       bytes_equal(member->signature_key, BYTES_OF(seat.key));
	}
	return false;
}

/* Was this key in another seat? Rare, so that all are looked through. */
static bool sat_elsewhere(const struct talk_blob *seats, struct bytes key)
{
	struct talk_seat seat;

	for (size_t at = 0; at < seats->len; at += sizeof(seat)) {
		memcpy(&seat, seats->data + at, sizeof(seat));
		if (bytes_equal(key, BYTES_OF(seat.key)))
			return true;
	}
	return false;
}

/* A member who comes or goes with several devices is told of once, for the first of them. */
static bool gone_before(const struct noting *noting, const struct talk_blob *seats, size_t until,
			const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(noting->talk->ledger, key);
	struct talk_seat seat;
	struct mls_member member;

	for (size_t at = 0; at < until && has_several(noting->talk, device); at += sizeof(seat)) {
		memcpy(&seat, seats->data + at, sizeof(seat));
		if (is_of(noting->talk, seat.key, device) &&
		    mls_group_find_member(noting->group->mls, BYTES_OF(seat.key), &member) !=
			    SOTTO_OK)
			return !is_there(noting, device);
	}
	return false;
}

static bool come_before(const struct noting *noting, const struct mls_member *come)
{
	const struct ledger_device *device =
		ledger_device_by_key(noting->talk->ledger, come->signature_key.data);
	struct mls_member member;
	uint32_t cursor = 0;

	while (has_several(noting->talk, device) && !was_there(noting, device) &&
	       mls_group_next_member(noting->group->mls, &cursor, &member) &&
	       member.leaf < come->leaf) {
		if (is_of(noting->talk, member.signature_key.data, device))
			return true;
	}
	return false;
}

static enum sotto_err gone_note(struct noting *noting, const struct talk_blob *seats)
{
	const struct mls_group *mls = noting->group->mls;
	struct talk_seat seat;
	struct mls_member member;
	enum sotto_err err = SOTTO_OK;

	for (size_t at = 0; at < seats->len; at += sizeof(seat)) {
		memcpy(&seat, seats->data + at, sizeof(seat));
		if (mls_group_find_member(mls, BYTES_OF(seat.key), &member) != SOTTO_OK &&
		    !gone_before(noting, seats, at, seat.key))
			TRY(gone(noting, seat.key));
	}
out:
	return err;
}

static enum sotto_err come_note(struct noting *noting, const struct talk_blob *seats)
{
	struct mls_member member;
	uint32_t cursor = 0;
	size_t at = 0;
	enum sotto_err err = SOTTO_OK;

	while (mls_group_next_member(noting->group->mls, &cursor, &member)) {
		if (!seated(seats, &at, &member) && !sat_elsewhere(seats, member.signature_key) &&
		    !come_before(noting, &member))
			TRY(come(noting, member.signature_key.data));
	}
out:
	return err;
}

enum sotto_err talk_notices_make(struct talk *talk, struct talk_group *group,
				 const struct talk_before *before, const uint8_t *by)
{
	struct noting noting = {.talk = talk,
				.group = group,
				.seats = &before->seats,
				.actor = extension_of_device(talk, by)};
	struct talk_context context;
	enum sotto_err err = SOTTO_OK;

	if (group->kind == TALK_EVERYONE)
		return SOTTO_OK;
	if (!mls_group_active(group->mls))
		return gone(&noting, talk->identity.public_key);
	TRY(gone_note(&noting, &before->seats));
	TRY(come_note(&noting, &before->seats));
	if (group->kind != TALK_GROUP)
		goto out;
	TRY(talk_group_context(group->mls, &context));
	if (bytes_equal(context.name, BYTES(before->name, before->name_len)))
		goto out;
	TRY(talk_notice_put(talk, group, &group->drops[0], noting.actor, TALK_VERB_NAMED, 0,
			    context.name));
out:
	return err;
}
