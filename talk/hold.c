/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom nothing is sent for now: who is suspended, and whose membership has ended.
 *
 *   suspended --> for a day nothing is sent into a conversation that he reads; then what waited goes out
 *   ended     --> his phone sends nothing any more; out of groups he is taken by whoever comes first by rank, one to one nothing is sent
 *
 * Judged by this phone's clock, and only about what it sends and which commits it makes: a clock decides of no commit and
 * no message whether it counts. Closed, never open: where clocks differ something waits.
 */
#include "talk/hold.h"

#include "talk/problem.h"

/* ---- Releases ---- */

uint32_t talk_own_release(const struct talk *talk)
{
	const struct ledger_release *release = ledger_release_by_hash(talk->ledger, talk->release);

	return release == NULL ? 0 : release->number;
}

bool talk_device_release(const struct talk *talk, const uint8_t *key, uint32_t *release)
{
	const struct talk_package *package = talk_package_of(talk, key);

	if (memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) == 0) {
		*release = talk_own_release(talk);
		return true;
	}
	if (package == NULL || package->release == 0)
		return false;
	*release = (uint32_t)(package->release - 1);
	return true;
}

static uint32_t release_least(const struct talk *talk)
{
	struct ledger_policy policy;

	ledger_policy(talk->ledger, &policy);
	return policy.release_min;
}

static bool own_release_low(const struct talk *talk)
{
	uint32_t least = release_least(talk);

	return least != 0 && talk_own_release(talk) < least;
}

/* Who has said nothing yet is not held for it. */
static bool release_low(const struct talk *talk, const uint8_t *key)
{
	uint32_t least = release_least(talk);
	const struct talk_package *package = least == 0 ? NULL : talk_package_of(talk, key);

	return package != NULL && package->release != 0 && package->release - 1 < least;
}

/* Not looked at with every step, since it holds for long: when the policy is another one, or a device says so. */
void talk_release_look(struct talk *talk)
{
	talk->release_low = false;
	if (release_least(talk) == 0)
		return;
	list_for_each (element, following, &talk->packages) {
		const struct talk_package *package =
			CONTAINER_OF(element, struct talk_package, list);

		talk->release_low = talk->release_low || release_low(talk, package->device_key);
	}
}

/* Of *everyone* alone it would be heard once a day; so it stands in each message. */
void talk_release_heard(struct talk *talk, const uint8_t *key, uint32_t release)
{
	struct talk_package *package = talk_package_of(talk, key);

	if (package == NULL || package->release == (uint64_t)release + 1)
		return;
	package->release = (uint64_t)release + 1;
	talk_package_unsaved(talk, package);
	talk_release_look(talk);
}

/* ---- Members ---- */

static bool own_ended(const struct talk *talk)
{
	return ledger_expired(talk->ledger, talk->identity.public_key, talk->utc_ms);
}

bool talk_member_ended(const struct talk *talk, const uint8_t *key)
{
	return ledger_expired(talk->ledger, key, talk->utc_ms);
}

/* Our own person's other devices are no reason: whoever keeps us quiet does it on his own phone. */
static bool device_held(const struct talk *talk, const uint8_t *key)
{
	return (!ledger_same_member(talk->ledger, key, talk->identity.public_key) &&
		(ledger_suspended(talk->ledger, key, talk->utc_ms) ||
		 ledger_expired(talk->ledger, key, talk->utc_ms))) ||
	       release_low(talk, key);
}

static bool anybody_held(const struct talk *talk)
{
	return talk->utc_ms < ledger_suspended_until(talk->ledger) ||
	       ledger_ended(talk->ledger, talk->utc_ms) > 0 || talk->release_low ||
	       own_release_low(talk);
}

/* Of a conversation of two, also if the other one is not in it yet. */
static bool peer_held(const struct talk *talk, const struct talk_group *group)
{
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (device->member == group->peer && device_held(talk, device->key))
			return true;
	}
	return false;
}

bool talk_held(const struct talk *talk, const struct talk_group *group)
{
	struct bytes key;
	uint32_t cursor = 0;
	uint32_t leaf;

	if (group->kind == TALK_EVERYONE || !anybody_held(talk))
		return false;
	if (own_ended(talk) || own_release_low(talk) ||
	    (group->kind == TALK_DIRECT && peer_held(talk, group)))
		return true;
	while (mls_group_next_key(group->mls, &cursor, &leaf, &key)) {
		if (key.len == LEDGER_KEY_LEN && device_held(talk, key.data))
			return true;
	}
	return false;
}

bool talk_conversation_held(const struct talk *talk, const struct talk_conversation *conversation)
{
	const struct ledger_member *member;
	const struct talk_group *group = NULL;

	if (conversation->kind == TALK_GROUP) {
		group = talk_group_by_id(talk, conversation->id);
	} else if (conversation->kind == TALK_DIRECT) {
		member = ledger_member_by_extension(talk->ledger, conversation->extension);
		group = member == NULL ? NULL : talk_group_direct(talk, member->id);
	}
	return group != NULL && talk_held(talk, group);
}

/* Admins who were heard of in the last two days, with this one. Each phone says something once a day. */
static uint32_t admins_heard(const struct talk *talk)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ledger_admin_count(talk->ledger); i++) {
		const uint8_t *key = ledger_admin_at(talk->ledger, i);
		const struct talk_package *package = talk_package_of(talk, key);

		count += memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) == 0 ||
			 (package != NULL &&
			  (package->heard_ms > talk->utc_ms ||
			   talk->utc_ms - package->heard_ms < TALK_ADMIN_HEARD_MS));
	}
	return count;
}

static bool few_admins(const struct talk *talk)
{
	uint32_t threshold = ledger_threshold(talk->ledger);

	/* Of one alone it is said that he is the only one. */
	return talk->state == TALK_MEMBER && talk->everyone->drops[0].at_end &&
	       ledger_admin_count(talk->ledger) > 1 && admins_heard(talk) < threshold + 1;
}

void talk_hold_settle(struct talk *talk)
{
	uint32_t ended = ledger_ended(talk->ledger, talk->utc_ms);
	bool held = false;

	/* What a group is to become is to be looked at again. */
	if (ended != talk->ended)
		talk->news++;
	talk->ended = ended;
	if (anybody_held(talk)) {
		list_for_each (element, following, &talk->groups)
			held = held ||
			       talk_held(talk, CONTAINER_OF(element, struct talk_group, list));
	}
	talk_problem_set(talk, TALK_PROBLEM_HELD,
			 held && talk->state == TALK_MEMBER && !own_ended(talk) &&
				 !own_release_low(talk));
	talk_problem_set(talk, TALK_PROBLEM_RELEASE,
			 talk->state == TALK_MEMBER && own_release_low(talk));
	talk_problem_set(talk, TALK_PROBLEM_ENDED, talk->state == TALK_MEMBER && own_ended(talk));
	talk_problem_set(talk, TALK_PROBLEM_FEW_ADMINS, few_admins(talk));
}

uint64_t talk_hold_due(const struct talk *talk)
{
	uint64_t until_ms = ledger_suspended_until(talk->ledger);
	uint64_t due_ms = ledger_next_end(talk->ledger, talk->utc_ms);

	if (talk->utc_ms < until_ms)
		due_ms = talk_earlier(due_ms, until_ms);
	return due_ms == UINT64_MAX ? TALK_NEVER : talk->now_ns + (due_ms - talk->utc_ms) * TALK_MS;
}
