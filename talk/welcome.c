/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Welcome must be before its group is a conversation of this phone. The ledger, read to its end, says
 * who may be in it; the group itself says what it is.
 *
 *   to a conversation of two   by a member of the ledger: we and one other member, nobody else
 *   to a group                 by a member of the ledger
 *
 * A leaf that the ledger does not allow any more is one to be removed: until then nothing is sent there (commit.c).
 *
 * A group that we were in and are taken into again keeps its place, its messages and its numbers.
 */
#include <string.h>

#include "talk/state.h"

/* Whoever let us in is one whom the ledger allows now. */
static bool welcomer_allowed(const struct talk *talk, const struct mls_group *mls)
{
	struct mls_member welcomer;

	return mls_group_welcomer(mls, &welcomer) == SOTTO_OK &&
	       welcomer.leaf != mls_group_own_leaf(mls) &&
	       welcomer.signature_key.len == LEDGER_KEY_LEN &&
	       ledger_allows_leaf(talk->ledger, welcomer.signature_key.data, true);
}

/* It may be in a conversation, or might be before it was revoked. */
static bool device_was_allowed(const struct talk *talk, const struct ledger_device *device)
{
	return device->state == LEDGER_DEVICE_REVOKED ||
	       ledger_member_by_id(talk->ledger, device->member)->state == LEDGER_MEMBER_REVOKED ||
	       ledger_allows_leaf(talk->ledger, device->key, true);
}

/* Is everybody in this group whom the ledger knows, and is it us and one other? known: where we were before. */
static enum sotto_err direct_peer(const struct talk *talk, const struct mls_group *mls,
				  const struct talk_group *known, uint32_t *peer)
{
	const struct ledger_device *own =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);
	struct mls_member member;
	uint32_t cursor = 0;

	*peer = UINT32_MAX;
	while (mls_group_next_member(mls, &cursor, &member)) {
		const struct ledger_device *device = talk_device_of(talk, &member);

		if (device == NULL)
			return SOTTO_ERR_AGAIN; /* our ledger may be behind */
		if (!device_was_allowed(talk, device) ||
		    !bytes_equal(member.credential.content, member.signature_key))
			return SOTTO_ERR_INVALID;
		if (device->member == own->member)
			continue;
		if (*peer != UINT32_MAX && *peer != device->member)
			return SOTTO_ERR_INVALID;
		*peer = device->member;
	}
	/* Of whom we speak to no device may be left: own ones have it, and go on when he has one again. */
	if (*peer == UINT32_MAX && known != NULL)
		*peer = known->peer;
	return *peer == UINT32_MAX || !welcomer_allowed(talk, mls) ? SOTTO_ERR_INVALID : SOTTO_OK;
}

/* Joins with whichever of our packages the Welcome is for; SOTTO_ERR_NOT_FOUND. */
enum sotto_err talk_welcome_join(struct talk *talk, struct bytes welcome, struct bytes tree,
				 struct mls_group **mls)
{
	list_for_each (element, following, &talk->packages) {
		struct talk_package *package = CONTAINER_OF(element, struct talk_package, list);
		struct mls_join_options options = {
			.welcome = welcome,
			.tree = tree,
			.key_package = talk_blob_bytes(&package->message),
			.secrets = &package->secrets,
			.identity = &talk->identity,
		};
		enum sotto_err err;

		if (memcmp(package->device_key, talk->identity.public_key, LEDGER_KEY_LEN) != 0)
			continue;
		talk->agreed.length = 0;
		err = mls_group_join(&talk->mls, &options, mls);
		if (err != SOTTO_ERR_NOT_FOUND)
			return err;
	}
	return SOTTO_ERR_NOT_FOUND;
}

/* Where this device came to a conversation that its person had before. */
static enum sotto_err further_notice(struct talk *talk, const struct talk_group *group)
{
	const struct ledger_device *own =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);
	struct talk_drop at = {.sequence = UINT64_MAX, .epoch = group->drops[0].epoch - 1};

	/* By the first commit all came at once, and a person's first device is none that was added. */
	if (group->drops[0].epoch <= 1 || own->number <= 1)
		return SOTTO_OK;
	return talk_group_has(talk, group, own->member)
		       ? talk_device_notice(talk, group, &at, own, TALK_VERB_DEVICE)
		       : SOTTO_OK;
}

/*
 * Says that we are here. It may be for the second time that we were added, the first adder being out by now: then what was
 * written to us in between waits for a receipt from this leaf.
 */
static enum sotto_err first_receipt(struct talk *talk, struct talk_group *group)
{
	struct talk_arrived *arrived;
	struct mls_member welcomer;

	if (group->drops[0].epoch < 2)
		return SOTTO_OK;
	if (mls_group_welcomer(group->mls, &welcomer) != SOTTO_OK)
		return SOTTO_ERR_INVALID;
	arrived = talk_arrived_from(talk, group, welcomer.signature_key.data);
	if (arrived == NULL)
		return SOTTO_ERR_NO_MEMORY;
	arrived->tell = 1;
	return SOTTO_OK;
}

/* Into a group that is new to us. */
static enum sotto_err newcomer_enter(struct talk *talk, struct talk_group *group,
				     struct talk_branch *came, uint64_t stated_ms)
{
	bool old = talk->utc_ms > stated_ms && talk->utc_ms - stated_ms > TALK_SILENCE_MS;
	enum sotto_err err;

	talk_branch_enter(talk, group, came);
	group->update_due = true;
	err = talk_owed_welcome(talk, group);
	if (err == SOTTO_OK)
		err = first_receipt(talk, group);
	/* The others may have gone on since, and what leads to them be lost. */
	if (err == SOTTO_OK && (old || talk_relay_lost(talk)))
		err = talk_life_lost(talk, group);
	return err;
}

/* Out of it, a later epoch takes the place of what we had; in it, we come back only if we wait for that. */
static enum sotto_err known_join(struct talk *talk, struct talk_group *group,
				 struct mls_group **mls, struct talk_branch *came)
{
	struct mls_context context;
	enum sotto_err err = SOTTO_OK;

	mls_group_context(*mls, &context);
	if (!talk_group_over(group))
		return talk_back_group(talk, group, mls, came);
	FAIL_IF(context.epoch <= group->drops[0].epoch &&
			!talk_fork_awaits(group, context.epoch, came),
		SOTTO_ERR_EXISTS);
	TRY(talk_back_take(talk, group, mls, came));
	group->left = false;
	group->lost = 0;
out:
	return err;
}

static enum sotto_err direct_join(struct talk *talk, struct talk_group *known,
				  struct mls_group **mls, struct talk_branch *came,
				  uint64_t stated_ms)
{
	struct talk_group *group;
	uint32_t peer;
	enum sotto_err err = SOTTO_OK;

	TRY(direct_peer(talk, *mls, known, &peer));
	if (known != NULL)
		return known->peer == peer ? known_join(talk, known, mls, came) : SOTTO_ERR_INVALID;
	TRY(talk_group_put(talk, *mls, TALK_DIRECT, peer, &group));
	*mls = NULL;
	TRY(newcomer_enter(talk, group, came, stated_ms));
	TRY(further_notice(talk, group));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_EPOCH,
						 .extension = talk_extension_of(talk, peer),
						 .epoch = group->drops[0].epoch}));
out:
	return err;
}

/* Everybody in it is known to the ledger, and by a device's own key; who let us in is a member. */
static enum sotto_err group_check(const struct talk *talk, const struct mls_group *mls,
				  const struct talk_context *context)
{
	struct mls_member member;
	uint32_t cursor = 0;

	if (!talk_group_name_valid(context->name) || mls_group_member_count(mls) > TALK_MEMBERS_MAX)
		return SOTTO_ERR_INVALID;
	while (mls_group_next_member(mls, &cursor, &member)) {
		if (member.signature_key.len != LEDGER_KEY_LEN ||
		    !bytes_equal(member.credential.content, member.signature_key))
			return SOTTO_ERR_INVALID;
		/* Our ledger may be behind. */
		if (ledger_device_by_key(talk->ledger, member.signature_key.data) == NULL)
			return SOTTO_ERR_AGAIN;
	}
	return welcomer_allowed(talk, mls) ? SOTTO_OK : SOTTO_ERR_INVALID;
}

/* Into a group that is new to us, or that we were taken out of; and it is shown who did it. */
static enum sotto_err group_join(struct talk *talk, struct talk_group *known,
				 struct mls_group **mls, struct talk_branch *came,
				 uint64_t stated_ms)
{
	bool before = known != NULL && !talk_group_over(known);
	struct talk_group *group = known;
	struct talk_context context;
	struct talk_drop at = {.sequence = UINT64_MAX};
	struct mls_member welcomer;
	uint32_t actor;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_group_context(*mls, &context));
	TRY(group_check(talk, *mls, &context));
	TRY(mls_group_welcomer(*mls, &welcomer));
	actor = talk_extension_of(
		talk, ledger_device_by_key(talk->ledger, welcomer.signature_key.data)->member);
	if (known == NULL) {
		TRY(talk_group_put(talk, *mls, TALK_GROUP, 0, &group));
		*mls = NULL;
		TRY(newcomer_enter(talk, group, came, stated_ms));
	} else {
		TRY(known_join(talk, group, mls, came));
	}
	/* Who only could not follow was in it all the time. */
	if (before)
		return SOTTO_OK;
	if (talk_group_has(talk, group, talk_own_member(talk)))
		return further_notice(talk, group);
	/* By the commit that ended the epoch before; where it stood in a drop that is not ours nobody says. */
	at.epoch = group->drops[0].epoch - 1;
	TRY(talk_notice_put(talk, group, &at, actor, TALK_VERB_ADDED,
			    talk_extension_of(talk, UINT32_MAX), context.name));
out:
	return err;
}

enum sotto_err talk_conversation_join(struct talk *talk, struct mls_group **mls,
				      struct talk_branch *came, uint64_t stated_ms)
{
	struct talk_group *known;
	struct talk_context context;
	struct mls_context found;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_group_context(*mls, &context));
	mls_group_context(*mls, &found);
	known = talk_group_by_id(talk, found.group_id.data);
	FAIL_IF(known != NULL && (memcmp(known->id, found.group_id.data, TALK_GROUP_ID_LEN) != 0 ||
				  known->kind != (enum talk_kind)context.kind),
		SOTTO_ERR_INVALID);
	if (context.kind == TALK_DIRECT && context.name.len == 0)
		err = direct_join(talk, known, mls, came, stated_ms);
	else if (context.kind == TALK_GROUP)
		err = group_join(talk, known, mls, came, stated_ms);
	else
		err = SOTTO_ERR_INVALID;
out:
	return err;
}
