/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is to be added anew to a group: removed and added in one commit, with the newest key package that its
 * device posted.
 *
 *   it asked (plea.c)                                    --> once, not more often than each TALK_READD_MS
 *   nobody heard of it for half the relay's retention    --> again each half of it, while it stays silent
 *   who added it is out before it was heard (owed.c)     --> once
 *
 * The second is done before the records end that would lead a phone that was off to where the others are.
 * Clocks decide here whether a commit is made, and never whether one counts.
 */
#include <string.h>

#include "talk/problem.h"
#include "talk/state.h"

static struct talk_kept_return *return_find(const struct talk_group *group, const uint8_t *key)
{
	for (size_t i = 0; i < group->return_count; i++) {
		if (memcmp(group->returns[i].key, key, LEDGER_KEY_LEN) == 0)
			return &group->returns[i];
	}
	return NULL;
}

/* What is older than this decides nothing any more. */
static void returns_prune(const struct talk *talk, struct talk_group *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->return_count; i++) {
		const struct talk_kept_return *item = &group->returns[i];

		if (item->wanted != 0 || talk->utc_ms < item->readded_ms + talk->retention_ms)
			group->returns[kept++] = *item;
	}
	group->return_count = kept;
}

/* NULL: no memory, or too many. */
static struct talk_kept_return *return_make(struct talk *talk, struct talk_group *group,
					    const uint8_t *key)
{
	struct talk_kept_return *item = return_find(group, key);

	if (item != NULL)
		return item;
	if (group->returns == NULL) {
		group->returns = talk_take(talk, TALK_MEMBERS_MAX * sizeof(*group->returns));
		if (group->returns == NULL)
			return NULL;
	}
	if (group->return_count == TALK_MEMBERS_MAX)
		returns_prune(talk, group);
	if (group->return_count == TALK_MEMBERS_MAX)
		return NULL;
	item = &group->returns[group->return_count++];
	*item = (struct talk_kept_return){0};
	memcpy(item->key, key, LEDGER_KEY_LEN);
	group->dirty = true;
	return item;
}

/* Who does not fit in asks again. */
void talk_return_want(struct talk *talk, struct talk_group *group, const uint8_t *key,
		      enum talk_return_why why)
{
	struct talk_kept_return *item = return_make(talk, group, key);

	if (item == NULL || item->wanted == TALK_RETURN_ASKED || item->wanted == (uint8_t)why)
		return;
	item->wanted = (uint8_t)why;
	group->dirty = true;
	group->settled = false;
}

void talk_return_unwant(struct talk_group *group, const uint8_t *key)
{
	struct talk_kept_return *item = return_find(group, key);

	if (item == NULL || item->wanted != TALK_RETURN_OWED)
		return;
	item->wanted = 0;
	group->dirty = true;
}

bool talk_return_asked(const struct talk_group *group, const uint8_t *key)
{
	const struct talk_kept_return *item = return_find(group, key);

	return item != NULL && item->wanted == TALK_RETURN_ASKED;
}

bool talk_returns_all(const struct talk *talk, const struct talk_group *group)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(group->mls, &cursor, &member)) {
		if (member.leaf != mls_group_own_leaf(group->mls) &&
		    talk_leaf_allowed(talk, group, member.signature_key.data) &&
		    !talk_return_asked(group, member.signature_key.data))
			return false;
	}
	return true;
}

enum sotto_err talk_returned(struct talk *talk, struct talk_group *group, const uint8_t *key)
{
	struct talk_kept_return *item;
	struct mls_member member;

	if (mls_group_find_member(group->mls, BYTES(key, LEDGER_KEY_LEN), &member) != SOTTO_OK &&
	    return_find(group, key) == NULL)
		return SOTTO_OK; /* it comes for the first time */
	returns_prune(talk, group);
	item = return_make(talk, group, key);
	if (item == NULL)
		return group->returns == NULL ? SOTTO_ERR_NO_MEMORY : SOTTO_OK;
	item->readded_ms = talk->utc_ms;
	item->epoch = group->drops[0].epoch + 1;
	item->wanted = 0;
	group->dirty = true;
	return SOTTO_OK;
}

/*
 * It spoke in this epoch, and so has read what it could read of the ones before it was added anew. What it has
 * not acknowledged by then is sealed anew.
 */
void talk_return_spoke(struct talk *talk, struct talk_group *group, const uint8_t *key,
		       uint64_t epoch)
{
	const struct talk_kept_return *item = return_find(group, key);

	if (item == NULL || item->epoch == 0 || epoch < item->epoch)
		return;
	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		for (size_t i = 0; i < out->recipient_count && out->epoch < item->epoch; i++) {
			if (memcmp(out->recipients[i].key, key, LEDGER_KEY_LEN) == 0 &&
			    out->recipients[i].acknowledged == 0)
				talk_out_unseal(talk, out);
		}
	}
}

enum sotto_err talk_return_fail(struct talk *talk, struct talk_group *group, const uint8_t *key)
{
	struct talk_kept_return *item = return_make(talk, group, key);

	if (item == NULL)
		return group->returns == NULL ? SOTTO_ERR_NO_MEMORY : SOTTO_OK;
	item->readded_ms = talk->utc_ms;
	item->wanted = 0;
	group->dirty = true;
	talk_owed_forget(group, key);
	return SOTTO_OK;
}

enum sotto_err talk_return_package(struct talk *talk, const struct talk_group *group,
				   const uint8_t *key, const uint8_t **device_key,
				   struct bytes *message)
{
	const struct talk_package *package = talk_package_of(talk, key);
	const struct talk_petition_row *petition =
		group->kind == TALK_EVERYONE ? talk_petition_of(talk, key) : NULL;

	if (package != NULL) {
		*device_key = package->device_key;
		*message = talk_blob_bytes(&package->message);
	} else if (petition != NULL) {
		*device_key = petition->enrol.device_key;
		*message = talk_blob_bytes(&petition->key_package);
	} else {
		return SOTTO_ERR_NOT_FOUND;
	}
	return SOTTO_OK;
}

/* Who asked has read its first parcel: it reads its regular inbox since. */
bool talk_return_landed(struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	return group->kind == TALK_EVERYONE && talk_owed(group, key) &&
	       talk_package_of(talk, key) == NULL && !talk_return_asked(group, key);
}

uint64_t talk_silent_from(const struct talk *talk, const struct talk_package *package)
{
	return package->heard_ms == 0 ? UINT64_MAX : package->heard_ms + talk->retention_ms / 2;
}

/* Could anybody be silent now? All are looked at when the first of them could be. */
static bool silence_due(struct talk *talk)
{
	if (talk->utc_ms < talk->silent_ms)
		return false;
	talk->silent_ms = UINT64_MAX;
	list_for_each (element, following, &talk->packages) {
		const struct talk_package *package =
			CONTAINER_OF(element, struct talk_package, list);
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, package->device_key);

		if (device == NULL || device->state != LEDGER_DEVICE_REVOKED)
			talk->silent_ms =
				talk_earlier(talk->silent_ms, talk_silent_from(talk, package));
	}
	return talk->utc_ms >= talk->silent_ms;
}

bool talk_returns_possible(struct talk *talk, const struct talk_group *group)
{
	for (size_t i = 0; i < group->return_count; i++) {
		if (group->returns[i].wanted != 0)
			return true;
	}
	return silence_due(talk);
}

/* A clock that was set back makes nobody silent. */
static bool is_silent(const struct talk *talk, const struct talk_package *package)
{
	return package->heard_ms != 0 && talk->utc_ms > package->heard_ms &&
	       talk->utc_ms - package->heard_ms >= talk->retention_ms / 2;
}

bool talk_return_due(struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	const struct talk_kept_return *item = return_find(group, key);
	const struct talk_package *package = talk_package_of(talk, key);
	uint64_t before_ms = item == NULL ? 0 : item->readded_ms;
	const uint8_t *device_key;
	struct bytes message;

	if (memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) == 0)
		return false;
	if (item != NULL && item->wanted != 0)
		return talk->utc_ms >= before_ms + TALK_READD_MS &&
		       talk_return_package(talk, group, key, &device_key, &message) == SOTTO_OK;
	return package != NULL && is_silent(talk, package) &&
	       talk->utc_ms >= before_ms + talk->retention_ms / 2;
}

void talk_heard_from(struct talk *talk, const uint8_t *key)
{
	struct talk_package *package = talk_package_of(talk, key);

	if (package == NULL || (talk->utc_ms >= package->heard_ms &&
				talk->utc_ms - package->heard_ms < TALK_SILENCE_MS))
		return;
	talk_package_heard(talk, package);
	talk_package_unsaved(talk, package);
}
