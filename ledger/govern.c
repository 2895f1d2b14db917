/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries about the network as a whole, and about how long and whether somebody is in it: policy, relays, releases, the end
 * of a membership, and the one thing that an admin may do alone.
 *
 * None of them touches a member or device in the sense of revoke and confirm: what one admin does alone, or does again and
 * again, must not be in the way of what k of them have signed.
 */
#include <string.h>

#include "base/assert.h"
#include "ledger/rule.h"

/* Whose device this is; NULL: nobody's. */
static const struct ledger_member *member_by_key(const struct ledger *ledger, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(ledger, key);

	return device == NULL ? NULL : ledger_member_by_id(ledger, device->member);
}

/* ---- suspend ---- */

static bool by_quorum(const struct ledger *ledger, const struct ledger_context *context)
{
	/* What is proposed can become so. */
	return context->proposed || context->entry.signature_count >= ledger->state.threshold;
}

/* Within a day of each other: whatever the clocks of those who state it, no more are so at a time. */
static bool at_once(uint64_t one_ms, uint64_t other_ms)
{
	return one_ms < other_ms ? other_ms - one_ms < LEDGER_SUSPEND_MS
				 : one_ms - other_ms < LEDGER_SUSPEND_MS;
}

static uint32_t suspended_alone(const struct ledger *ledger, uint64_t at_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ledger->member_count; i++) {
		const struct ledger_member *member = &ledger->members[i];

		count += member->suspended_ms != 0 && member->suspended_alone &&
			 member->state == LEDGER_MEMBER_ACTIVE &&
			 at_once(member->suspended_ms, at_ms);
	}
	return count;
}

static enum sotto_err suspend_check(const struct ledger *ledger,
				    const struct ledger_context *context)
{
	const struct ledger_act *act = &context->entry.act;
	const struct ledger_member *member =
		member_by_key(ledger, context->body.subject.device_key);

	if (member == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (member->state == LEDGER_MEMBER_REVOKED ||
	    (member->suspended_ms != 0 && member->suspended_index >= act->base_length))
		return SOTTO_ERR_STATE;
	if (act->stated_ms == 0 || ledger_member_has_admin(ledger, member->id))
		return SOTTO_ERR_INVALID;
	if (by_quorum(ledger, context))
		return SOTTO_OK;
	/* Again only if k have done it since. */
	if (member->suspended_ms != 0 && member->suspended_alone)
		return SOTTO_ERR_DENIED;
	return suspended_alone(ledger, act->stated_ms) < LEDGER_SUSPENDED_MAX ? SOTTO_OK
									      : SOTTO_ERR_LIMIT;
}

static struct ledger_member *member_of(struct ledger *ledger, const uint8_t *key)
{
	return &ledger->members[ledger_state_device(ledger, key)->member - 1];
}

static void suspend_commit(struct ledger *ledger, const struct ledger_context *context,
			   uint64_t index)
{
	struct ledger_member *member = member_of(ledger, context->body.subject.device_key);

	member->suspended_ms = context->entry.act.stated_ms;
	member->suspended_index = index;
	member->suspended_alone = !by_quorum(ledger, context);
	if (member->suspended_ms + LEDGER_SUSPEND_MS > ledger->state.suspended_until)
		ledger->state.suspended_until = member->suspended_ms + LEDGER_SUSPEND_MS;
}

bool ledger_suspended(const struct ledger *ledger, const uint8_t *key, uint64_t at_ms)
{
	const struct ledger_member *member = member_by_key(ledger, key);

	return member != NULL && member->suspended_ms != 0 && at_ms >= member->suspended_ms &&
	       at_once(member->suspended_ms, at_ms);
}

/* ---- term ---- */

static enum sotto_err term_check(const struct ledger *ledger, const struct ledger_context *context)
{
	const struct ledger_term *term = &context->body.term;
	const struct ledger_member *member = member_by_key(ledger, term->device_key);

	if (member == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (member->state == LEDGER_MEMBER_REVOKED ||
	    (member->term_index != 0 && member->term_index >= context->entry.act.base_length))
		return SOTTO_ERR_STATE;
	return term->until_ms != 0 && ledger_member_has_admin(ledger, member->id)
		       ? SOTTO_ERR_INVALID
		       : SOTTO_OK;
}

static void term_commit(struct ledger *ledger, const struct ledger_context *context, uint64_t index)
{
	struct ledger_member *member = member_of(ledger, context->body.term.device_key);

	member->until_ms = context->body.term.until_ms;
	ledger->state.terms = ledger->state.terms || member->until_ms != 0;
	member->term_index = index;
}

bool ledger_expired(const struct ledger *ledger, const uint8_t *key, uint64_t at_ms)
{
	const struct ledger_member *member = member_by_key(ledger, key);

	return member != NULL && member->until_ms != 0 && at_ms >= member->until_ms;
}

uint64_t ledger_suspended_until(const struct ledger *ledger)
{
	return ledger->state.suspended_until;
}

uint32_t ledger_ended(const struct ledger *ledger, uint64_t at_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; ledger->state.terms && i < ledger->member_count; i++) {
		const struct ledger_member *member = &ledger->members[i];

		count += member->state == LEDGER_MEMBER_ACTIVE && member->until_ms != 0 &&
			 at_ms >= member->until_ms;
	}
	return count;
}

uint64_t ledger_next_end(const struct ledger *ledger, uint64_t at_ms)
{
	uint64_t next_ms = UINT64_MAX;

	for (uint32_t i = 0; ledger->state.terms && i < ledger->member_count; i++) {
		const struct ledger_member *member = &ledger->members[i];

		if (member->state == LEDGER_MEMBER_ACTIVE && member->until_ms > at_ms &&
		    member->until_ms < next_ms)
			next_ms = member->until_ms;
	}
	return next_ms;
}

/* ---- policy ---- */

static enum sotto_err policy_check(const struct ledger *ledger,
				   const struct ledger_context *context)
{
	uint32_t least = context->body.policy.release_min;

	if (ledger->state.policy != 0 && ledger->state.policy >= context->entry.act.base_length)
		return SOTTO_ERR_STATE;
	/* Else it would be a stop of all phones. */
	return least != 0 && ledger_release_by_number(ledger, least) == NULL ? SOTTO_ERR_NOT_FOUND
									     : SOTTO_OK;
}

static void policy_commit(struct ledger *ledger, const struct ledger_context *context,
			  uint64_t index)
{
	ledger->state.policy = index;
	ledger->state.current = context->body.policy;
}

uint64_t ledger_policy_index(const struct ledger *ledger)
{
	return ledger->state.policy;
}

void ledger_policy(const struct ledger *ledger, struct ledger_policy *policy)
{
	static const struct ledger_policy without = {
		.retention_ms = 14 * LEDGER_DAY_MS,
		.beat_ms = LEDGER_DAY_MS / 2,
		.bitrates = LEDGER_BITRATES,
	};

	*policy = ledger->state.policy == 0 ? without : ledger->state.current;
}

/* ---- relays ---- */

static enum sotto_err relays_check(const struct ledger *ledger,
				   const struct ledger_context *context)
{
	return ledger->state.relays != 0 && ledger->state.relays >= context->entry.act.base_length
		       ? SOTTO_ERR_STATE
		       : SOTTO_OK;
}

static void relays_commit(struct ledger *ledger, const struct ledger_context *context,
			  uint64_t index)
{
	(void)context;
	ledger->state.relays = index;
}

/* As the newest entry has them. */
static struct ledger_relays relays_of(const struct ledger *ledger)
{
	struct ledger_entry entry;
	union ledger_body body;
	enum sotto_err err =
		ledger_entry_decode(ledger_entry_bytes(ledger, ledger->state.relays), &entry);

	if (err == SOTTO_OK)
		err = ledger_body_decode(LEDGER_RELAYS, entry.act.body, &body);
	ASSERT(err == SOTTO_OK);
	return body.relays;
}

uint32_t ledger_relay_count(const struct ledger *ledger)
{
	if (ledger->record_count == 0)
		return 0;
	return ledger->state.relays == 0 ? 1 : (uint32_t)relays_of(ledger).relays.count;
}

enum sotto_err ledger_relay_at(const struct ledger *ledger, uint32_t position,
			       struct ledger_relay *relay)
{
	struct ledger_relays relays;
	struct wire_cursor cursor;

	if (position >= ledger_relay_count(ledger))
		return SOTTO_ERR_NOT_FOUND;
	if (ledger->state.relays == 0) {
		relay->address = ledger->founding.relay_address;
		memcpy(relay->key, ledger->founding.relay_key, LEDGER_KEY_LEN);
		return SOTTO_OK;
	}
	relays = relays_of(ledger);
	cursor = wire_list_walk(&relays.relays);
	for (uint32_t i = 0; i <= position; i++) {
		if (!wire_list_next(&cursor, &ledger_relay_type, relay))
			return SOTTO_ERR_NOT_FOUND;
	}
	return SOTTO_OK;
}

/* ---- release ---- */

static enum sotto_err release_check(const struct ledger *ledger,
				    const struct ledger_context *context)
{
	const struct ledger_release *release = &context->body.release;
	const struct ledger_release *newest = ledger_release_newest(ledger);

	if (ledger->release_count == LEDGER_RELEASES_MAX)
		return SOTTO_ERR_LIMIT;
	if (newest != NULL && release->number <= newest->number)
		return SOTTO_ERR_STATE;
	return ledger_release_by_hash(ledger, release->hash) != NULL ? SOTTO_ERR_EXISTS : SOTTO_OK;
}

static void release_commit(struct ledger *ledger, const struct ledger_context *context,
			   uint64_t index)
{
	(void)index;
	ledger->releases[ledger->release_count++] = context->body.release;
}

const struct ledger_release *ledger_release_by_hash(const struct ledger *ledger,
						    const uint8_t *hash)
{
	for (uint32_t i = 0; i < ledger->release_count; i++) {
		if (memcmp(ledger->releases[i].hash, hash, LEDGER_HASH_LEN) == 0)
			return &ledger->releases[i];
	}
	return NULL;
}

const struct ledger_release *ledger_release_by_number(const struct ledger *ledger, uint32_t number)
{
	for (uint32_t i = 0; i < ledger->release_count; i++) {
		if (ledger->releases[i].number == number)
			return &ledger->releases[i];
	}
	return NULL;
}

const struct ledger_release *ledger_release_newest(const struct ledger *ledger)
{
	return ledger->release_count == 0 ? NULL : &ledger->releases[ledger->release_count - 1];
}

const struct ledger_rule ledger_govern_rules[LEDGER_GOVERN_RULES] = {
	{LEDGER_SUSPEND, LEDGER_BY_ADMIN, suspend_check, suspend_commit},
	{LEDGER_POLICY, LEDGER_BY_ADMINS, policy_check, policy_commit},
	{LEDGER_RELAYS, LEDGER_BY_ADMINS, relays_check, relays_commit},
	{LEDGER_RELEASE, LEDGER_BY_ADMINS, release_check, release_commit},
	{LEDGER_TERM, LEDGER_BY_ADMINS, term_check, term_commit},
};
