/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group is to become: whom we want in it or out of it, what we want it called, and who said that he
 * leaves.
 *
 *   wish, stored --> in a commit (commit.c) --> won: it is so | lost: in the next one
 *                \--> somebody else was first, or nothing can come of it: gone
 *
 * Looked at in each epoch by itself: what came true once is not wished again when it is undone later.
 */
#include <string.h>

#include "talk/state.h"

struct talk_wish *talk_wish_of(const struct talk_group *group, enum talk_wish_kind kind,
			       uint32_t member)
{
	list_for_each (element, following, &group->wishes) {
		struct talk_wish *wish = CONTAINER_OF(element, struct talk_wish, list);

		if (wish->kind == kind && wish->member == member)
			return wish;
	}
	return NULL;
}

enum sotto_err talk_wish_erase(struct talk *talk, const struct talk_group *group,
			       struct talk_wish *wish)
{
	uint8_t owner[8];
	enum sotto_err err;

	talk_group_owner(group, owner);
	err = store_batch_delete(&talk->batch, TALK_TABLE_WISH, BYTES_OF(owner), wish->number);
	list_remove(&wish->list);
	talk_give(talk, wish, sizeof(*wish));
	return err;
}

static enum sotto_err wish_save(struct talk *talk, const struct talk_group *group,
				const struct talk_wish *wish)
{
	struct talk_kept_wish kept = {
		.version = TALK_STORE_VERSION,
		.kind = (uint8_t)wish->kind,
		.member = wish->member,
		.name = BYTES(wish->name, wish->name_len),
	};
	struct talk_blob value = {0};
	uint8_t owner[8];
	enum sotto_err err = SOTTO_OK;

	talk_group_owner(group, owner);
	TRY(talk_encode(talk, &talk_kept_wish_type, &kept, &value));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_WISH, BYTES_OF(owner), wish->number,
			    talk_blob_bytes(&value), STORE_ERASABLE));
out:
	talk_blob_clear(talk, &value);
	return err;
}

enum sotto_err talk_wish_put(struct talk *talk, struct talk_group *group, enum talk_wish_kind kind,
			     uint32_t member, struct bytes name)
{
	struct talk_wish *made;
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->wishes) {
		struct talk_wish *wish = CONTAINER_OF(element, struct talk_wish, list);

		/* Who leaves is to go, whatever else anybody wants. */
		if (wish->member != member || wish->kind == TALK_WISH_LEFT)
			continue;
		TRY(talk_wish_erase(talk, group, wish));
	}
	made = talk_take(talk, sizeof(*made));
	FAIL_IF(made == NULL, SOTTO_ERR_NO_MEMORY);
	made->number = talk_number(talk);
	made->kind = kind;
	made->member = member;
	if (name.len > 0)
		memcpy(made->name, name.data, name.len);
	made->name_len = name.len;
	list_append(&group->wishes, &made->list);
	group->settled = false;
	TRY(wish_save(talk, group, made));
out:
	return err;
}

enum sotto_err talk_marks_make(const struct talk *talk, const struct talk_group *group,
			       struct talk_marks *marks)
{
	size_t count = (size_t)ledger_member_count(talk->ledger) + 1;
	struct talk_marks made = {
		.wished = talk_take(talk, count * sizeof(*made.wished)),
		.devices = talk_take(talk, count * sizeof(*made.devices)),
		.in = talk_take(talk, count * sizeof(*made.in)),
		.count = count,
	};

	if (made.wished == NULL || made.devices == NULL || made.in == NULL) {
		talk_marks_clear(talk, &made);
		return SOTTO_ERR_NO_MEMORY;
	}
	list_for_each (element, following, &group->wishes) {
		const struct talk_wish *wish = CONTAINER_OF(element, struct talk_wish, list);

		if (wish->member < count)
			made.wished[wish->member] = (uint8_t)wish->kind;
	}
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);
		struct mls_member member;

		if (ledger_allows_leaf(talk->ledger, device->key, true))
			made.devices[device->member]++;
		if (mls_group_find_member(group->mls, BYTES_OF(device->key), &member) == SOTTO_OK)
			made.in[device->member]++;
	}
	*marks = made;
	return SOTTO_OK;
}

void talk_marks_clear(const struct talk *talk, struct talk_marks *marks)
{
	talk_give(talk, marks->wished, marks->count * sizeof(*marks->wished));
	talk_give(talk, marks->devices, marks->count * sizeof(*marks->devices));
	talk_give(talk, marks->in, marks->count * sizeof(*marks->in));
	*marks = (struct talk_marks){0};
}

enum sotto_err talk_wish_fail(struct talk *talk, struct talk_group *group, struct talk_wish *wish,
			      const char *why)
{
	static const enum talk_verb verbs[] = {
		[TALK_WISH_ADD] = TALK_VERB_NOT_ADDED,
		[TALK_WISH_REMOVE] = TALK_VERB_NOT_REMOVED,
		[TALK_WISH_RENAME] = TALK_VERB_NOT_NAMED,
	};
	enum talk_wish_kind kind = wish->kind;
	struct talk_event event = {
		.type = TALK_EVENT_GROUP_FAILED,
		.conversation = talk_conversation_of(talk, group),
		.err = strcmp(why, TALK_WHY_PACKAGE) == 0 ? SOTTO_ERR_INVALID : SOTTO_ERR_DENIED,
	};
	enum sotto_err err = SOTTO_OK;

	if (kind != TALK_WISH_RENAME)
		event.extension = talk_extension_of(talk, wish->member);
	TRY(talk_wish_erase(talk, group, wish));
	/* Who leaves wants nothing of it any more; that somebody else leaves was no wish of ours. */
	if (group->left || kind == TALK_WISH_LEFT)
		goto out;
	TRY(talk_notice_put(talk, group, &group->drops[0], talk_extension_of(talk, UINT32_MAX),
			    verbs[kind], event.extension, BYTES(why, strlen(why))));
	TRY(talk_tell(talk, &event));
out:
	return err;
}

static bool came_true(const struct talk_group *group, const struct talk_wish *wish,
		      const struct talk_marks *marks)
{
	struct talk_context context;

	switch (wish->kind) {
	case TALK_WISH_ADD:
		return marks->in[wish->member] > 0 &&
		       marks->devices[wish->member] <= marks->in[wish->member];
	case TALK_WISH_REMOVE:
	case TALK_WISH_LEFT:
		return marks->in[wish->member] == 0;
	case TALK_WISH_RENAME:
		return talk_group_context(group->mls, &context) == SOTTO_OK &&
		       bytes_equal(context.name, BYTES(wish->name, wish->name_len));
	}
	return false;
}

/* Is nothing left to do for it, or nothing that could be done? */
static enum sotto_err wish_settle(struct talk *talk, struct talk_group *group,
				  struct talk_wish *wish, const struct talk_marks *marks)
{
	bool known = wish->member < marks->count;

	/* What our commit on its way does is not seen yet. */
	if (group->pending.count > 0 && known && !talk_group_over(group))
		return SOTTO_OK;
	if (known && came_true(group, wish, marks))
		return talk_wish_erase(talk, group, wish);
	if (talk_group_over(group))
		return talk_wish_fail(talk, group, wish, TALK_WHY_OUT);
	if (!known || (wish->kind == TALK_WISH_ADD && marks->devices[wish->member] == 0))
		return talk_wish_fail(talk, group, wish, TALK_WHY_GONE);
	return SOTTO_OK;
}

enum sotto_err talk_wishes_settle(struct talk *talk, struct talk_group *group)
{
	struct talk_marks marks;
	enum sotto_err err;

	if (list_empty(&group->wishes))
		return SOTTO_OK;
	err = talk_marks_make(talk, group, &marks);
	if (err != SOTTO_OK)
		return err;
	list_for_each (element, following, &group->wishes)
		TRY(wish_settle(talk, group, CONTAINER_OF(element, struct talk_wish, list),
				&marks));
out:
	talk_marks_clear(talk, &marks);
	return err;
}

enum sotto_err talk_left_note(struct talk *talk, struct talk_group *group, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	if (device == NULL || group->kind != TALK_GROUP ||
	    talk_wish_of(group, TALK_WISH_LEFT, device->member) != NULL)
		return SOTTO_OK;
	return talk_wish_put(talk, group, TALK_WISH_LEFT, device->member, BYTES_NONE);
}

/*
 * The sender leaves: whoever comes first by rank removes him. Behind a winning commit it does not count, since
 * that one may have let him in again; he says it once more.
 */
enum sotto_err talk_leave_receive(struct talk *talk, struct talk_group *group, const uint8_t *key,
				  struct bytes body)
{
	struct talk_leave leave;

	return wire_decode(&talk_leave_type, body, &leave) == SOTTO_OK
		       ? talk_left_note(talk, group, key)
		       : SOTTO_OK;
}
