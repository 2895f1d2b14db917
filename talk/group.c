/* SPDX-License-Identifier: Apache-2.0 */
/* The conversations of a phone: *everyone*, one-to-one ones, groups. */
#include <string.h>

#include "talk/state.h"

struct talk_group *talk_group_by_number(struct talk *talk, uint64_t number)
{
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->number == number)
			return group;
	}
	return NULL;
}

/* By the first bytes of its id; NULL: none. */
struct talk_group *talk_group_by_id(const struct talk *talk, const uint8_t *id)
{
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (memcmp(group->id, id, TALK_CONVERSATION_ID_LEN) == 0)
			return group;
	}
	return NULL;
}

/* Trees travel beside Welcomes (inbox.c). */
void talk_send_options(struct mls_group *mls)
{
	static const struct mls_send_options options = {.handshake = MLS_PRIVATE_MESSAGE};

	mls_group_set_send_options(mls, &options);
}

/* Takes mls over when it succeeds. */
enum sotto_err talk_group_put(struct talk *talk, struct mls_group *mls, enum talk_kind kind,
			      uint32_t peer, struct talk_group **group)
{
	struct talk_group *made;
	struct mls_context context;
	size_t count = 0;
	enum sotto_err err;

	list_for_each (element, following, &talk->groups)
		count++;
	if (count >= TALK_GROUPS_MAX)
		return SOTTO_ERR_LIMIT;
	made = talk_take(talk, sizeof(*made));
	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&made->list);
	list_init(&made->outbox);
	list_init(&made->coming);
	list_init(&made->wishes);
	mls_group_context(mls, &context);
	memcpy(made->id, context.group_id.data, TALK_GROUP_ID_LEN);
	made->kind = kind;
	made->peer = peer;
	made->commit_due_ns = made->speak_due_ns = made->age_due_ns = TALK_NEVER;
	made->mls = mls;
	talk_send_options(mls);
	err = talk_drop_of_epoch(talk, made, &made->drops[0]);
	if (err != SOTTO_OK) {
		made->mls = NULL;
		talk_group_free(talk, made);
		return err;
	}
	made->drop_count = 1;
	made->number = talk_number(talk);
	made->branch.since = context.epoch;
	talk_update_begin(talk, made);
	made->dirty = made->dirty_epoch = made->dirty_ratchet = true;
	list_append(&talk->groups, &made->list);
	*group = made;
	/* The way in may be older than the loss, and the others further. */
	return talk_relay_lost(talk) ? talk_life_lost(talk, made) : SOTTO_OK;
}

/*
 * Of two conversations of the same people the smaller id stays. One that nobody else is in yet gives way
 * to any other.
 */
struct talk_group *talk_group_direct(const struct talk *talk, uint32_t peer)
{
	struct talk_group *best = NULL;

	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		bool alone, best_alone;

		if (group->kind != TALK_DIRECT || group->peer != peer ||
		    !mls_group_active(group->mls))
			continue;
		if (best == NULL) {
			best = group;
			continue;
		}
		alone = !talk_group_has_peer(talk, group);
		best_alone = !talk_group_has_peer(talk, best);
		if (alone != best_alone ? best_alone
					: memcmp(group->id, best->id, TALK_GROUP_ID_LEN) < 0)
			best = group;
	}
	return best;
}

/* A group of one; commit.c adds the other as soon as his key package is here. */
enum sotto_err talk_group_open_direct(struct talk *talk, const struct ledger_member *member,
				      struct talk_group **group)
{
	struct talk_group *known = talk_group_direct(talk, member->id);
	struct talk_blob context = {0};
	struct mls_extension extension = {.type = TALK_CONTEXT_EXTENSION};
	struct mls_leaf_options options;
	struct mls_group *mls = NULL;
	uint8_t id[TALK_GROUP_ID_LEN];
	enum sotto_err err = SOTTO_OK;

	if (known != NULL) {
		*group = known;
		return SOTTO_OK;
	}
	TRY(random_fill(talk->random, id, sizeof(id)));
	TRY(talk_context_encode(talk, TALK_DIRECT, BYTES_NONE, &context));
	extension.data = talk_blob_bytes(&context);
	talk_leaf_options(talk, &options);
	TRY(mls_group_create(&talk->mls, BYTES_OF(id), &options, &extension, 1, &mls));
	TRY(talk_group_put(talk, mls, TALK_DIRECT, member->id, group));
	mls = NULL;
out:
	mls_group_destroy(mls);
	talk_blob_clear(talk, &context);
	return err;
}

enum sotto_err talk_group_context(const struct mls_group *mls, struct talk_context *context)
{
	struct mls_context found;
	struct talk_context decoded;
	struct bytes data;

	mls_group_context(mls, &found);
	if (found.group_id.len != TALK_GROUP_ID_LEN ||
	    mls_extension_find(found.extensions, TALK_CONTEXT_EXTENSION, &data) != SOTTO_OK ||
	    wire_decode(&talk_context_type, data, &decoded) != SOTTO_OK ||
	    decoded.version != TALK_VERSION)
		return SOTTO_ERR_FORMAT;
	*context = decoded;
	return SOTTO_OK;
}

bool talk_group_over(const struct talk_group *group)
{
	return group->left || !mls_group_active(group->mls);
}

bool talk_group_alone(const struct talk_group *group)
{
	return group->kind != TALK_EVERYONE && mls_group_member_count(group->mls) == 1;
}

const struct ledger_device *talk_device_of(const struct talk *talk, const struct mls_member *member)
{
	return member->signature_key.len == LEDGER_KEY_LEN
		       ? ledger_device_by_key(talk->ledger, member->signature_key.data)
		       : NULL;
}

bool talk_group_has(const struct talk *talk, const struct talk_group *group, uint32_t id)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(group->mls, &cursor, &member)) {
		const struct ledger_device *device = talk_device_of(talk, &member);

		if (device != NULL && device->member == id &&
		    member.leaf != mls_group_own_leaf(group->mls))
			return true;
	}
	return false;
}

bool talk_group_has_peer(const struct talk *talk, const struct talk_group *group)
{
	return talk_group_has(talk, group, group->peer);
}

bool talk_group_leaving(const struct talk *talk, const struct talk_group *group)
{
	if (talk_wish_of(group, TALK_WISH_LEFT, talk_own_member(talk)) != NULL)
		return true;
	list_for_each (element, following, &group->outbox) {
		if (CONTAINER_OF(element, struct talk_out, list)->type == TALK_BODY_LEAVE)
			return true;
	}
	return false;
}

/* Do we know of everything that stands there, or did a moment ago? */
bool talk_drop_fresh(const struct talk *talk, const struct talk_drop *drop)
{
	return drop->at_end &&
	       (drop->watched || talk->now_ns < drop->read_ns + TALK_FRESH_MS * TALK_MS);
}

/* May something be sent here now? Only by a member that has read everything there is. */
bool talk_group_current(const struct talk *talk, const struct talk_group *group)
{
	return talk->state == TALK_MEMBER && talk->link_ready &&
	       (talk->problems & UINT32_C(1) << TALK_PROBLEM_FORKED) == 0 &&
	       !talk_stands_still(group) && !talk_gap_waits(talk, group) &&
	       !talk_branch_behind(group) && !talk_gap_waits(talk, talk->everyone) &&
	       talk_drop_fresh(talk, &talk->everyone->drops[0]) &&
	       talk_drop_fresh(talk, &group->drops[0]) && !talk_group_over(group);
}

enum sotto_err talk_context_encode(const struct talk *talk, enum talk_kind kind, struct bytes name,
				   struct talk_blob *blob)
{
	struct talk_context context = {
		.version = TALK_VERSION, .kind = (uint8_t)kind, .name = name};

	if (kind == TALK_EVERYONE) {
		context.ledger_length = ledger_length(talk->ledger);
		memcpy(context.ledger_head, ledger_head(talk->ledger, context.ledger_length),
		       LEDGER_HASH_LEN);
	}
	return talk_encode(talk, &talk_context_type, &context, blob);
}
