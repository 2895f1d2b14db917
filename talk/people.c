/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with groups: wishes, which commits then make true; and what groups there are. */
#include <string.h>

#include "base/utf8.h"
#include "talk/policy.h"
#include "talk/state.h"

static struct talk_group *group_of(const struct talk *talk, const uint8_t *id)
{
	struct talk_group *group = talk_group_by_id(talk, id);

	return group != NULL && group->kind == TALK_GROUP ? group : NULL;
}

bool talk_group_name_valid(struct bytes name)
{
	return name.len <= TALK_GROUP_NAME_MAX && ledger_name_valid(name);
}

/* A group that we are in, in whose name we may act. */
static enum sotto_err member_check(const struct talk *talk, const uint8_t *id,
				   struct talk_group **group)
{
	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	*group = group_of(talk, id);
	if (*group == NULL)
		return SOTTO_ERR_NOT_FOUND;
	return talk_group_over(*group) || talk_group_leaving(talk, *group) ? SOTTO_ERR_DENIED
									   : SOTTO_OK;
}

/* How many of this member's devices may be in a group; 0: he is nobody to add. */
static size_t devices_of(const struct talk *talk, uint32_t member)
{
	size_t count = 0;

	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		count += device->member == member &&
			 ledger_allows_leaf(talk->ledger, device->key, true);
	}
	return count;
}

/* Are all of these people whom a group may hold, none of them ourselves, and is there room? */
static enum sotto_err people_check(const struct talk *talk, const struct talk_group *group,
				   const uint32_t *extensions, size_t count)
{
	size_t devices = group == NULL ? 1 : mls_group_member_count(group->mls);
	uint32_t own = talk_extension_of(talk, UINT32_MAX);

	for (size_t i = 0; i < count; i++) {
		const struct ledger_member *member =
			ledger_member_by_extension(talk->ledger, extensions[i]);
		size_t more;

		if (member == NULL)
			return SOTTO_ERR_NOT_FOUND;
		if (extensions[i] == own)
			return SOTTO_ERR_EXISTS;
		more = devices_of(talk, member->id);
		if (more == 0)
			return SOTTO_ERR_DENIED;
		devices += more;
	}
	if (group != NULL) {
		list_for_each (element, following, &group->wishes) {
			const struct talk_wish *wish =
				CONTAINER_OF(element, struct talk_wish, list);

			if (wish->kind == TALK_WISH_ADD)
				devices += devices_of(talk, wish->member);
		}
	}
	return devices > TALK_MEMBERS_MAX ? SOTTO_ERR_LIMIT : SOTTO_OK;
}

static enum sotto_err people_wish(struct talk *talk, struct talk_group *group,
				  enum talk_wish_kind kind, const uint32_t *extensions,
				  size_t count)
{
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < count; i++)
		TRY(talk_wish_put(talk, group, kind,
				  ledger_member_by_extension(talk->ledger, extensions[i])->id,
				  BYTES_NONE));
	/* What was true before is nobody's wish. */
	TRY(talk_wishes_settle(talk, group));
out:
	return err;
}

static enum sotto_err group_make(struct talk *talk, struct bytes name, struct talk_group **group)
{
	struct talk_blob context = {0};
	struct mls_extension extension = {.type = TALK_CONTEXT_EXTENSION};
	struct mls_leaf_options options;
	struct mls_group *mls = NULL;
	uint8_t id[TALK_GROUP_ID_LEN];
	enum sotto_err err = SOTTO_OK;

	TRY(random_fill(talk->random, id, sizeof(id)));
	TRY(talk_context_encode(talk, TALK_GROUP, name, &context));
	extension.data = talk_blob_bytes(&context);
	talk_leaf_options(talk, &options);
	TRY(mls_group_create(&talk->mls, BYTES_OF(id), &options, &extension, 1, &mls));
	TRY(talk_group_put(talk, mls, TALK_GROUP, 0, group));
	mls = NULL;
	TRY(talk_notice_put(talk, *group, &(*group)->drops[0], talk_extension_of(talk, UINT32_MAX),
			    TALK_VERB_CREATED, 0, name));
out:
	mls_group_destroy(mls);
	talk_blob_clear(talk, &context);
	return err;
}

enum sotto_err talk_group_create(struct talk *talk, struct bytes name, const uint32_t *extensions,
				 size_t count, uint8_t *id, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_group *group;
	size_t groups = 0;
	enum sotto_err err;

	if (talk->state != TALK_MEMBER || talk->locked)
		return SOTTO_ERR_STATE;
	if (!talk_feature(talk, LEDGER_FEATURE_GROUPS))
		return SOTTO_ERR_UNSUPPORTED;
	if (!talk_group_name_valid(name))
		return SOTTO_ERR_INVALID;
	err = people_check(talk, NULL, extensions, count);
	list_for_each (element, following, &talk->groups)
		groups++;
	if (err == SOTTO_OK && groups >= TALK_GROUPS_MAX)
		err = SOTTO_ERR_SPACE;
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	TRY(group_make(talk, name, &group));
	memcpy(id, group->id, TALK_CONVERSATION_ID_LEN);
	TRY(people_wish(talk, group, TALK_WISH_ADD, extensions, count));
out:
	return talk_step_end(talk, err);
}

enum sotto_err talk_group_rename(struct talk *talk, const uint8_t *id, struct bytes name,
				 uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_group *group;
	enum sotto_err err = member_check(talk, id, &group);

	if (err == SOTTO_OK && !talk_group_name_valid(name))
		err = SOTTO_ERR_INVALID;
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	TRY(talk_wish_put(talk, group, TALK_WISH_RENAME, 0, name));
	TRY(talk_wishes_settle(talk, group));
out:
	return talk_step_end(talk, err);
}

enum sotto_err talk_group_add(struct talk *talk, const uint8_t *id, const uint32_t *extensions,
			      size_t count, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_group *group;
	enum sotto_err err = member_check(talk, id, &group);

	if (err == SOTTO_OK && !talk_feature(talk, LEDGER_FEATURE_GROUPS))
		err = SOTTO_ERR_UNSUPPORTED;
	if (err == SOTTO_OK)
		err = people_check(talk, group, extensions, count);
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, people_wish(talk, group, TALK_WISH_ADD, extensions, count));
}

/* Has one of this member's devices a leaf in it? */
static bool member_in(const struct talk *talk, const struct talk_group *group, uint32_t member)
{
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);
		struct mls_member found;

		if (device->member == member &&
		    mls_group_find_member(group->mls, BYTES_OF(device->key), &found) == SOTTO_OK)
			return true;
	}
	return false;
}

enum sotto_err talk_group_remove(struct talk *talk, const uint8_t *id, const uint32_t *extensions,
				 size_t count, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_group *group;
	enum sotto_err err = member_check(talk, id, &group);

	for (size_t i = 0; i < count && err == SOTTO_OK; i++) {
		const struct ledger_member *member =
			ledger_member_by_extension(talk->ledger, extensions[i]);

		/* Oneself leaves. */
		if (extensions[i] == talk_extension_of(talk, UINT32_MAX))
			err = SOTTO_ERR_INVALID;
		else if (member == NULL || (!member_in(talk, group, member->id) &&
					    talk_wish_of(group, TALK_WISH_ADD, member->id) == NULL))
			err = SOTTO_ERR_NOT_FOUND;
	}
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, people_wish(talk, group, TALK_WISH_REMOVE, extensions, count));
}

/* Nobody else is there to remove us. */
static enum sotto_err alone_leave(struct talk *talk, struct talk_group *group)
{
	uint32_t own = talk_extension_of(talk, UINT32_MAX);
	enum sotto_err err = SOTTO_OK;

	group->left = group->dirty = true;
	TRY(talk_wishes_settle(talk, group));
	TRY(talk_notice_put(talk, group, &group->drops[0], own, TALK_VERB_LEFT, own, BYTES_NONE));
out:
	return err;
}

static enum sotto_err leave_send(struct talk *talk, struct talk_group *group)
{
	struct talk_leave leave = {.version = TALK_VERSION};
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	/* What we wanted of it is nothing to us any more; what others want of it is. */
	list_for_each (element, following, &group->wishes) {
		struct talk_wish *wish = CONTAINER_OF(element, struct talk_wish, list);

		if (wish->kind != TALK_WISH_LEFT)
			TRY(talk_wish_erase(talk, group, wish));
	}
	TRY(talk_encode(talk, &talk_leave_type, &leave, &body));
	TRY(talk_out_put(talk, group, TALK_BODY_LEAVE, talk_blob_bytes(&body), false, &out));
out:
	talk_blob_clear(talk, &body);
	return err;
}

enum sotto_err talk_group_leave(struct talk *talk, const uint8_t *id, uint64_t now_ns,
				uint64_t utc_ms)
{
	struct talk_group *group;
	enum sotto_err err = member_check(talk, id, &group);

	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, talk_group_alone(group) ? alone_leave(talk, group)
							   : leave_send(talk, group));
}

/* All others went while we were leaving. */
enum sotto_err talk_leave_work(struct talk *talk, struct talk_group *group)
{
	if (group->kind != TALK_GROUP || talk_group_over(group) || !talk_group_alone(group) ||
	    !talk_group_leaving(talk, group))
		return SOTTO_OK;
	return alone_leave(talk, group);
}

/* Whom we are adding gets what is written meanwhile. */
bool talk_group_writable(const struct talk *talk, const struct talk_group *group)
{
	bool coming = false;

	list_for_each (element, following, &group->wishes)
		coming = coming ||
			 CONTAINER_OF(element, struct talk_wish, list)->kind == TALK_WISH_ADD;
	return !talk_group_over(group) && !talk_group_leaving(talk, group) &&
	       (coming || !talk_group_alone(group));
}

static enum talk_membership membership(const struct talk *talk, const struct talk_group *group)
{
	if (talk_group_over(group))
		return TALK_OUT;
	return talk_group_leaving(talk, group) ? TALK_GOING : TALK_IN;
}

/* What others have said of themselves is not ours. */
static uint32_t wanted(const struct talk_group *group)
{
	uint32_t count = 0;

	list_for_each (element, following, &group->wishes)
		count += CONTAINER_OF(element, struct talk_wish, list)->kind != TALK_WISH_LEFT;
	return count;
}

static bool info_make(const struct talk *talk, const struct talk_group *group,
		      struct talk_group_info *info)
{
	struct talk_context context;

	if (talk_group_context(group->mls, &context) != SOTTO_OK)
		return false;
	*info = (struct talk_group_info){
		.name = context.name,
		.state = membership(talk, group),
		.devices = mls_group_member_count(group->mls),
		.epoch = group->drops[0].epoch,
		.wanted = wanted(group),
		.blocked = group->blocked,
		.stuck = talk_stands_still(group),
	};
	memcpy(info->id, group->id, TALK_CONVERSATION_ID_LEN);
	return true;
}

bool talk_group_get(const struct talk *talk, const uint8_t *id, struct talk_group_info *info)
{
	const struct talk_group *group = group_of(talk, id);

	return group != NULL && info_make(talk, group, info);
}

bool talk_next_group(const struct talk *talk, uint64_t *cursor, struct talk_group_info *info)
{
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		/* Numbers grow along the list. */
		if (group->kind != TALK_GROUP || group->number <= *cursor ||
		    !info_make(talk, group, info))
			continue;
		*cursor = group->number;
		return true;
	}
	return false;
}

enum sotto_err talk_group_members(const struct talk *talk, const uint8_t *id,
				  talk_group_member_fn *each, void *context)
{
	const struct talk_group *group = group_of(talk, id);
	uint32_t own = talk_extension_of(talk, UINT32_MAX);
	struct talk_marks marks;
	enum sotto_err err;

	if (group == NULL)
		return SOTTO_ERR_NOT_FOUND;
	err = talk_marks_make(talk, group, &marks);
	if (err != SOTTO_OK)
		return err;
	for (uint32_t i = 1; i < marks.count; i++) {
		uint32_t extension = talk_extension_of(talk, i);
		bool ours = extension == own;
		bool in = marks.in[i] > 0 && !(ours && talk_group_over(group));
		bool coming = marks.wished[i] == TALK_WISH_ADD;
		bool going = (marks.wished[i] != 0 && !coming) ||
			     (ours && talk_group_leaving(talk, group));

		if (in || coming)
			each(context, extension, going ? TALK_GOING : in ? TALK_IN : TALK_COMING);
	}
	talk_marks_clear(talk, &marks);
	return SOTTO_OK;
}
