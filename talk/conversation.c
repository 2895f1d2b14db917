/* SPDX-License-Identifier: Apache-2.0 */
/* What a conversation is called, whose rows are its own, and in which order they stand. */
#include <string.h>

#include "talk/state.h"

bool talk_conversation_equal(const struct talk_conversation *a, const struct talk_conversation *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == TALK_DIRECT ? a->extension == b->extension
				      : memcmp(a->id, b->id, sizeof(a->id)) == 0;
}

static struct talk_conversation conversation_make(const struct talk *talk, enum talk_kind kind,
						  uint32_t peer, const uint8_t *group_id)
{
	struct talk_conversation made = {.kind = kind};

	if (kind == TALK_DIRECT)
		made.extension = talk_extension_of(talk, peer);
	else
		memcpy(made.id, group_id, sizeof(made.id));
	return made;
}

struct talk_conversation talk_conversation_of(const struct talk *talk,
					      const struct talk_group *group)
{
	return conversation_make(talk, group->kind, group->peer, group->id);
}

struct talk_conversation talk_conversation_parked(const struct talk *talk,
						  const struct talk_kept_parked *parked)
{
	return conversation_make(talk, (enum talk_kind)parked->kind, parked->peer, parked->id);
}

static void owner_make(enum talk_kind kind, uint32_t peer, const uint8_t *group_id,
		       struct talk_owner *owner)
{
	if (kind == TALK_DIRECT) {
		owner->len = 4;
		for (size_t i = 0; i < owner->len; i++)
			owner->data[i] = (uint8_t)(peer >> (24 - 8 * i));
		return;
	}
	owner->len = sizeof(owner->data);
	memcpy(owner->data, group_id, sizeof(owner->data));
}

void talk_owner_of(const struct talk_group *group, struct talk_owner *owner)
{
	owner_make(group->kind, group->peer, group->id, owner);
}

void talk_owner_parked(const struct talk_kept_parked *parked, struct talk_owner *owner)
{
	owner_make((enum talk_kind)parked->kind, parked->peer, parked->id, owner);
}

enum sotto_err talk_conversation_owner(const struct talk *talk,
				       const struct talk_conversation *conversation,
				       struct talk_owner *owner)
{
	const struct ledger_member *member;

	if (conversation->kind != TALK_DIRECT) {
		owner_make(conversation->kind, 0, conversation->id, owner);
		return SOTTO_OK;
	}
	member = ledger_member_by_extension(talk->ledger, conversation->extension);
	if (member == NULL)
		return SOTTO_ERR_NOT_FOUND;
	owner_make(TALK_DIRECT, member->id, NULL, owner);
	return SOTTO_OK;
}

/* A revoked member's messages can still be read, and so can those of a group that we are in no more. */
bool talk_conversation_next(const struct talk *talk, size_t *cursor,
			    struct talk_conversation *conversation)
{
	size_t members = ledger_member_count(talk->ledger);
	size_t at = members;

	while (*cursor < members) {
		const struct ledger_member *member =
			ledger_member_by_id(talk->ledger, (uint32_t)++ * cursor);

		if (member == NULL)
			continue;
		*conversation = talk_with(member->extension);
		return true;
	}
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->kind != TALK_GROUP || at++ < *cursor)
			continue;
		*cursor = at;
		*conversation = talk_conversation_of(talk, group);
		return true;
	}
	return false;
}

/* ---- Places ---- */

struct talk_place talk_place_of(const struct talk_group *group, const struct talk_drop *drop)
{
	struct talk_place place = {
		.epoch = drop->epoch,
		.incarnation = drop->incarnations,
		.sequence = drop->sequence,
	};

	memcpy(place.group, group->id, sizeof(place.group));
	return place;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int talk_place_compare(const struct talk_place *a, const struct talk_place *b)
{
	int order;

	if (a->sequence == 0 || b->sequence == 0)
		return compare_u64(a->sequence == 0, b->sequence == 0);
	/* Of two conversations that became one the larger id went first. */
	order = memcmp(b->group, a->group, sizeof(a->group));
	if (order == 0)
		order = compare_u64(a->epoch, b->epoch);
	if (order == 0)
		order = compare_u64(a->incarnation, b->incarnation);
	return order != 0 ? order : compare_u64(a->sequence, b->sequence);
}
