/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was added to a group and has not been heard there yet. The Welcome that leads it in is with its adder alone; when
 * the ledger does not allow the adder any more, nobody may have sent it, or nobody may take it (welcome.c):
 *
 *   a commit adds a leaf --> owed --(it speaks, or commits)-----------> settled
 *                                 --(its adder is out of the ledger)--> added anew by whoever comes first (readd.c),
 *                                                                      who owes it from then on
 *
 * So it is added anew once for each adder that goes, and not again; one to one, when the other one is out, it is only taken
 * out, since it would not know whose conversation it is (commit.c). What an adder owes who left the group, or is off, he still
 * sends.
 */
#include "talk/owed.h"

#include <string.h>

#define CAPACITY_MIN 4

static struct talk_kept_owed *owed_find(const struct talk_group *group, const uint8_t *key)
{
	for (size_t i = 0; i < group->owed_count; i++) {
		if (memcmp(group->owed[i].key, key, LEDGER_KEY_LEN) == 0)
			return &group->owed[i];
	}
	return NULL;
}

bool talk_owed(const struct talk_group *group, const uint8_t *key)
{
	return owed_find(group, key) != NULL;
}

static bool is_in(const struct talk_group *group, const uint8_t *key)
{
	struct mls_member member;

	return mls_group_find_member(group->mls, BYTES(key, LEDGER_KEY_LEN), &member) == SOTTO_OK;
}

/* Who is in the group no more. */
static void owed_prune(struct talk_group *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->owed_count; i++) {
		if (is_in(group, group->owed[i].key))
			group->owed[kept++] = group->owed[i];
	}
	group->owed_count = kept;
}

/* Room for one more; SOTTO_ERR_LIMIT: there are TALK_MEMBERS_MAX. */
static enum sotto_err owed_grow(const struct talk *talk, struct talk_group *group)
{
	size_t capacity = group->owed_capacity == 0 ? CAPACITY_MIN : 2 * group->owed_capacity;
	struct talk_kept_owed *larger;

	if (group->owed_count == group->owed_capacity)
		owed_prune(group);
	if (group->owed_count < group->owed_capacity)
		return SOTTO_OK;
	if (group->owed_capacity == TALK_MEMBERS_MAX)
		return SOTTO_ERR_LIMIT;
	capacity = capacity < TALK_MEMBERS_MAX ? capacity : TALK_MEMBERS_MAX;
	larger = talk_take(talk, capacity * sizeof(*larger));
	if (larger == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (group->owed_count > 0)
		memcpy(larger, group->owed, group->owed_count * sizeof(*larger));
	talk_owed_free(talk, group);
	group->owed = larger;
	group->owed_capacity = capacity;
	return SOTTO_OK;
}

enum sotto_err talk_owed_put(struct talk *talk, struct talk_group *group, const uint8_t *key,
			     const uint8_t *adder, uint64_t epoch)
{
	struct talk_kept_owed *owed = owed_find(group, key);
	enum sotto_err err;

	if (memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) == 0)
		return SOTTO_OK;
	if (owed == NULL) {
		err = owed_grow(talk, group);
		/* A group with more of them has more members than it may have. */
		if (err != SOTTO_OK)
			return err == SOTTO_ERR_LIMIT ? SOTTO_OK : err;
		owed = &group->owed[group->owed_count++];
	}
	memcpy(owed->key, key, LEDGER_KEY_LEN);
	memcpy(owed->adder, adder, LEDGER_KEY_LEN);
	owed->epoch = epoch;
	group->dirty = true;
	return SOTTO_OK;
}

/* Whose newest key package is known has said it in *everyone*, where a first leaf may stay for days. */
static bool was_heard(const struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	return group->kind == TALK_EVERYONE && talk_package_of(talk, key) != NULL;
}

enum sotto_err talk_owed_welcome(struct talk *talk, struct talk_group *group)
{
	struct mls_context context;
	struct mls_member welcomer;
	struct mls_member member;
	uint32_t cursor = 0;
	enum sotto_err err = SOTTO_OK;

	mls_group_context(group->mls, &context);
	group->owed_count = 0;
	group->dirty = true;
	if (mls_group_welcomer(group->mls, &welcomer) != SOTTO_OK ||
	    welcomer.signature_key.len != LEDGER_KEY_LEN)
		return SOTTO_OK;
	while (mls_group_next_member(group->mls, &cursor, &member)) {
		/* Only a leaf that came by a key package, and was not renewed since, has a lifetime. */
		if (member.leaf == welcomer.leaf || member.lifetime.not_after == 0 ||
		    member.signature_key.len != LEDGER_KEY_LEN ||
		    was_heard(talk, group, member.signature_key.data))
			continue;
		TRY(talk_owed_put(talk, group, member.signature_key.data,
				  welcomer.signature_key.data, context.epoch));
	}
out:
	return err;
}

void talk_owed_forget(struct talk_group *group, const uint8_t *key)
{
	struct talk_kept_owed *owed = owed_find(group, key);

	if (owed == NULL)
		return;
	*owed = group->owed[--group->owed_count];
	group->dirty = true;
}

void talk_owed_heard(struct talk_group *group, const uint8_t *key, uint64_t epoch)
{
	const struct talk_kept_owed *owed = owed_find(group, key);

	if (owed == NULL || epoch < owed->epoch)
		return;
	talk_owed_forget(group, key);
	talk_return_unwant(group, key);
}

void talk_owed_want(struct talk *talk, struct talk_group *group)
{
	for (size_t i = 0; i < group->owed_count; i++) {
		const struct talk_kept_owed *owed = &group->owed[i];

		if (!ledger_allows_leaf(talk->ledger, owed->adder, false) &&
		    is_in(group, owed->key))
			talk_return_want(talk, group, owed->key, TALK_RETURN_OWED);
	}
}

enum sotto_err talk_owed_load(struct talk *talk, struct talk_group *group,
			      const struct wire_list *kept)
{
	struct wire_cursor cursor = wire_list_walk(kept);

	if (kept->count == 0)
		return SOTTO_OK;
	group->owed = talk_take(talk, kept->count * sizeof(*group->owed));
	if (group->owed == NULL)
		return SOTTO_ERR_NO_MEMORY;
	group->owed_capacity = kept->count;
	while (group->owed_count < group->owed_capacity &&
	       wire_list_next(&cursor, &talk_kept_owed_type, &group->owed[group->owed_count]))
		group->owed_count++;
	return SOTTO_OK;
}

void talk_owed_free(const struct talk *talk, struct talk_group *group)
{
	talk_give(talk, group->owed, group->owed_capacity * sizeof(*group->owed));
	group->owed = NULL;
	group->owed_capacity = 0;
}
