/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may become part of the ledger. One table line an action: who must sign, what must hold, what
 * changes. Checks read the ledger only; commits run after room was taken and cannot fail.
 *
 *   decode -> id is new -> base is an ancestor -> signers -> rule's check -> reserve -> commit -> head
 */
#include <string.h>

#include "base/assert.h"
#include "ledger/rule.h"

/* ---- found ---- */

/* That it is the first entry is checked for all actions at once. */
static enum sotto_err found_check(const struct ledger *ledger, const struct ledger_context *context)
{
	(void)ledger;
	return ledger_digits_fit(context->body.found.digits, context->body.found.extension)
		       ? SOTTO_OK
		       : SOTTO_ERR_INVALID;
}

static void device_touch(struct ledger *ledger, struct ledger_device *device, uint64_t index)
{
	device->touched = index;
	ledger->members[device->member - 1].touched = index;
}

static void device_become(struct ledger *ledger, struct ledger_device *device,
			  enum ledger_device_state state)
{
	ledger->unconfirmed -= device->state == LEDGER_DEVICE_UNCONFIRMED;
	ledger->unconfirmed += state == LEDGER_DEVICE_UNCONFIRMED;
	device->state = state;
}

static struct ledger_device *device_put(struct ledger *ledger, const struct ledger_context *context,
					const uint8_t *key, const uint8_t *inbox_read,
					uint32_t member, uint64_t index)
{
	struct ledger_device *device = ledger_state_put_device(ledger, key, member);

	memcpy(device->inbox_read, inbox_read, LEDGER_HASH_LEN);
	device_become(ledger, device,
		      ledger_one_person_controls(ledger) ? LEDGER_DEVICE_ACTIVE
							 : LEDGER_DEVICE_UNCONFIRMED);
	device->since_ms = context->entry.act.stated_ms;
	device->index = index;
	device->number = ++ledger->members[member - 1].numbers;
	ledger->members[member - 1].devices++;
	device_touch(ledger, device, index);
	return device;
}

static void found_commit(struct ledger *ledger, const struct ledger_context *context,
			 uint64_t index)
{
	const struct ledger_found *found = &context->body.found;
	const struct ledger_member *member;

	ledger_entry_network(&context->entry, ledger->state.network);
	ledger->state.threshold = 1;
	ledger->state.admin_count = 1;
	memcpy(ledger->state.admins[0].keys.key, found->device_key, LEDGER_KEY_LEN);
	memcpy(ledger->state.admins[0].keys.rotation, found->rotation, LEDGER_KEY_LEN);
	ledger->state.admins[0].since = index;
	ledger->state.admins_serial = 1;
	member = ledger_state_put_member(ledger, found->extension, found->name,
					 context->entry.act.stated_ms, LEDGER_PLACES_MAX);
	device_put(ledger, context, found->device_key, found->inbox_read, member->id, index);
}

/* ---- authorise ---- */

static enum sotto_err authorise_check(const struct ledger *ledger,
				      const struct ledger_context *context)
{
	const struct ledger_authorise *authorise = &context->body.authorise;
	const struct ledger_invitation_entry *previous =
		ledger_state_invitation_by_extension(ledger, authorise->extension);
	const struct ledger_member *member =
		ledger_member_by_extension(ledger, authorise->extension);

	if (!ledger_extension_fits(ledger, authorise->extension) || authorise->devices < 1 ||
	    authorise->devices > LEDGER_PLACES_MAX ||
	    authorise->expires_ms <= context->entry.act.stated_ms ||
	    (authorise->until_ms != 0 && authorise->until_ms <= authorise->expires_ms))
		return SOTTO_ERR_INVALID;
	if (ledger_invitation_by_key(ledger, authorise->invitation_key) != NULL ||
	    !ledger_extension_free(ledger, authorise->extension, context->entry.act.stated_ms))
		return SOTTO_ERR_EXISTS;
	if ((previous != NULL && previous->index >= context->entry.act.base_length) ||
	    (member != NULL && member->touched >= context->entry.act.base_length))
		return SOTTO_ERR_STATE;
	return SOTTO_OK;
}

static void authorise_commit(struct ledger *ledger, const struct ledger_context *context,
			     uint64_t index)
{
	const struct ledger_authorise *authorise = &context->body.authorise;
	struct ledger_invitation_entry *invitation = ledger_state_put_invitation(
		ledger, authorise->invitation_key, authorise->extension);

	invitation->expires_ms = authorise->expires_ms;
	invitation->index = index;
	invitation->state = LEDGER_INVITATION_OPEN;
}

/* ---- enrol ---- */

static enum sotto_err enrol_check(const struct ledger *ledger, const struct ledger_context *context)
{
	const struct ledger_enrol *enrol = &context->body.enrol;
	const struct ledger_invitation_entry *invitation =
		ledger_invitation_by_key(ledger, enrol->invitation_key);
	const struct ledger_member *member;

	if (invitation == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (invitation->state != LEDGER_INVITATION_OPEN)
		return SOTTO_ERR_DENIED;
	/* The sponsor's time, for the ledger has none. */
	if (context->entry.act.stated_ms > invitation->expires_ms)
		return SOTTO_ERR_TOO_OLD;
	if (ledger_device_by_key(ledger, enrol->device_key) != NULL)
		return SOTTO_ERR_EXISTS;
	/* A newer invitation for an expired one's extension may have been used meanwhile. */
	member = ledger_member_by_extension(ledger, invitation->extension);
	if (member != NULL && member->state != LEDGER_MEMBER_REVOKED)
		return SOTTO_ERR_EXISTS;
	return context->trusted ? SOTTO_OK : ledger_enrol_verify(ledger->state.network, enrol);
}

/* What k admins signed, read again from the entry that has it. */
static struct ledger_authorise invitation_body(const struct ledger *ledger,
					       const struct ledger_invitation_entry *invitation)
{
	struct ledger_entry entry;
	union ledger_body body;
	enum sotto_err err =
		ledger_entry_decode(ledger_entry_bytes(ledger, invitation->index), &entry);

	if (err == SOTTO_OK)
		err = ledger_body_decode(LEDGER_AUTHORISE, entry.act.body, &body);
	ASSERT(err == SOTTO_OK);
	return body.authorise;
}

static void enrol_commit(struct ledger *ledger, const struct ledger_context *context,
			 uint64_t index)
{
	const struct ledger_enrol *enrol = &context->body.enrol;
	struct ledger_invitation_entry *invitation =
		ledger_state_invitation(ledger, enrol->invitation_key);
	struct ledger_authorise authorise = invitation_body(ledger, invitation);
	struct ledger_member *member =
		ledger_state_put_member(ledger, invitation->extension, authorise.name,
					context->entry.act.stated_ms, authorise.devices);

	member->until_ms = authorise.until_ms;
	ledger->state.terms = ledger->state.terms || member->until_ms != 0;
	invitation->state = LEDGER_INVITATION_USED;
	device_put(ledger, context, enrol->device_key, enrol->inbox_read, member->id, index);
}

/* ---- further ---- */

/* The signer is a confirmed device, so that its person may have what his invitation has places for. */
static enum sotto_err further_check(const struct ledger *ledger,
				    const struct ledger_context *context)
{
	const struct ledger_further *further = &context->body.further;
	const struct ledger_device *approver = ledger_device_by_key(ledger, further->approver);
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(approver == NULL || memcmp(further->approver, context->entry.signatures[0].key,
					   LEDGER_KEY_LEN) != 0,
		SOTTO_ERR_DENIED);
	FAIL_IF(ledger_device_by_key(ledger, further->device_key) != NULL, SOTTO_ERR_EXISTS);
	TRY(ledger_place_check(ledger, approver->member, further->name));
	if (!context->trusted)
		TRY(ledger_further_verify(ledger->state.network, further));
out:
	return err;
}

/* Who is one person on two phones was compared by that person: nobody else can confirm it. */
static void further_commit(struct ledger *ledger, const struct ledger_context *context,
			   uint64_t index)
{
	const struct ledger_further *further = &context->body.further;
	uint32_t member = ledger_device_by_key(ledger, further->approver)->member;
	struct ledger_device *device = device_put(ledger, context, further->device_key,
						  further->inbox_read, member, index);

	device_become(ledger, device, LEDGER_DEVICE_ACTIVE);
	device->name_len = (uint8_t)further->name.len;
	memcpy(device->name, further->name.data, further->name.len);
}

/* ---- confirm ---- */

/* Did this key sign the invitation that the device came with? Its maker may not confirm it as well. */
static bool signed_invitation_of(const struct ledger *ledger, const struct ledger_device *device,
				 const uint8_t *key)
{
	const struct ledger_invitation_entry *invitation;
	const struct ledger_device *signer = ledger_device_by_key(ledger, key);
	struct ledger_entry entry;
	union ledger_body body;
	enum sotto_err err = ledger_entry_decode(ledger_entry_bytes(ledger, device->index), &entry);

	if (err == SOTTO_OK)
		err = ledger_body_decode(entry.act.action, entry.act.body, &body);
	ASSERT(err == SOTTO_OK);
	if (entry.act.action != LEDGER_ENROL)
		return false;
	invitation = ledger_invitation_by_key(ledger, body.enrol.invitation_key);
	ASSERT(invitation != NULL);
	err = ledger_entry_decode(ledger_entry_bytes(ledger, invitation->index), &entry);
	ASSERT(err == SOTTO_OK);
	for (uint8_t i = 0; i < entry.signature_count; i++) {
		const struct ledger_device *maker =
			ledger_device_by_key(ledger, entry.signatures[i].key);

		if (maker != NULL && maker->member == signer->member)
			return true;
	}
	return false;
}

static enum sotto_err confirm_check(const struct ledger *ledger,
				    const struct ledger_context *context)
{
	const struct ledger_device *device =
		ledger_device_by_key(ledger, context->body.subject.device_key);

	if (device == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (device->state != LEDGER_DEVICE_UNCONFIRMED ||
	    device->touched >= context->entry.act.base_length)
		return SOTTO_ERR_STATE;
	return signed_invitation_of(ledger, device, context->entry.signatures[0].key)
		       ? SOTTO_ERR_DENIED
		       : SOTTO_OK;
}

static void confirm_commit(struct ledger *ledger, const struct ledger_context *context,
			   uint64_t index)
{
	struct ledger_device *device =
		ledger_state_device(ledger, context->body.subject.device_key);

	device_become(ledger, device, LEDGER_DEVICE_ACTIVE);
	device_touch(ledger, device, index);
}

/* ---- revoke ---- */

bool ledger_member_has_admin(const struct ledger *ledger, uint32_t member)
{
	for (uint32_t i = 0; i < ledger->state.admin_count; i++) {
		const struct ledger_device *admin =
			ledger_device_by_key(ledger, ledger->state.admins[i].keys.key);

		if (admin != NULL && admin->member == member)
			return true;
	}
	return false;
}

/*
 * An admin's device leaves the admins first, by an act of its own: otherwise a revocation would change
 * how many must sign without saying so. Whether the member has got further devices meanwhile, or has retired the
 * one that is named, changes nothing: else whoever holds one of them could be in the way for good.
 */
static enum sotto_err revoke_check(const struct ledger *ledger,
				   const struct ledger_context *context)
{
	const struct ledger_device *device =
		ledger_device_by_key(ledger, context->body.subject.device_key);

	if (device == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (ledger_member_by_id(ledger, device->member)->state == LEDGER_MEMBER_REVOKED ||
	    device->touched >= context->entry.act.base_length)
		return SOTTO_ERR_STATE;
	return ledger_member_has_admin(ledger, device->member) ? SOTTO_ERR_INVALID : SOTTO_OK;
}

static void device_revoke(struct ledger *ledger, struct ledger_device *device)
{
	if (device->state != LEDGER_DEVICE_REVOKED) {
		ledger->members[device->member - 1].devices--;
		ledger->live_count--;
		ledger->exclusions++;
	}
	device_become(ledger, device, LEDGER_DEVICE_REVOKED);
}

static void revoke_commit(struct ledger *ledger, const struct ledger_context *context,
			  uint64_t index)
{
	uint32_t member = ledger_device_by_key(ledger, context->body.subject.device_key)->member;

	for (uint32_t i = 0; i < ledger->device_count; i++) {
		if (ledger->devices[i].member != member)
			continue;
		device_revoke(ledger, &ledger->devices[i]);
		device_touch(ledger, &ledger->devices[i], index);
	}
	ledger->members[member - 1].state = LEDGER_MEMBER_REVOKED;
}

/* ---- retire ---- */

/* The last one is not retired: that would be a member without a device. He is revoked. */
static enum sotto_err retire_check(const struct ledger *ledger,
				   const struct ledger_context *context)
{
	const struct ledger_device *device =
		ledger_device_by_key(ledger, context->body.subject.device_key);

	if (device == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (device->state == LEDGER_DEVICE_REVOKED ||
	    device->touched >= context->entry.act.base_length)
		return SOTTO_ERR_STATE;
	return ledger_is_admin(ledger, device->key) ||
			       ledger_member_by_id(ledger, device->member)->devices < 2
		       ? SOTTO_ERR_INVALID
		       : SOTTO_OK;
}

static void retire_commit(struct ledger *ledger, const struct ledger_context *context,
			  uint64_t index)
{
	struct ledger_device *device =
		ledger_state_device(ledger, context->body.subject.device_key);

	device_revoke(ledger, device);
	/* Not the device: what admins signed about its member meanwhile stands (revoke_check). */
	ledger->members[device->member - 1].touched = index;
}

/* ---- admins ---- */

/* Is another device of the same member before this one? A person is one admin, on however many phones. */
static bool named_before(const struct ledger *ledger, const struct ledger_admins *admins,
			 const struct ledger_admin_keys *key)
{
	struct wire_cursor cursor = wire_list_walk(&admins->keys);
	struct ledger_admin_keys item;

	while (wire_list_next(&cursor, &ledger_admin_keys_type, &item) &&
	       memcmp(item.key, key->key, LEDGER_KEY_LEN) != 0) {
		if (ledger_same_member(ledger, item.key, key->key))
			return true;
	}
	return false;
}

static enum sotto_err admins_check(const struct ledger *ledger,
				   const struct ledger_context *context)
{
	struct wire_cursor cursor = wire_list_walk(&context->body.admins.keys);
	struct ledger_admin_keys item;

	if (ledger->state.admins_touched >= context->entry.act.base_length)
		return SOTTO_ERR_STATE;
	while (wire_list_next(&cursor, &ledger_admin_keys_type, &item)) {
		const struct ledger_device *device = ledger_device_by_key(ledger, item.key);

		if (!ledger_allows_leaf(ledger, item.key, true))
			return SOTTO_ERR_NOT_FOUND;
		/* So that no end of a membership changes how many must sign. */
		if (ledger_member_by_id(ledger, device->member)->until_ms != 0)
			return SOTTO_ERR_INVALID;
		if (named_before(ledger, &context->body.admins, &item))
			return SOTTO_ERR_INVALID;
	}
	return SOTTO_OK;
}

/* Every open invitation that a former admin signed, or all of them, can no longer be used. */
static void invitations_lapse(struct ledger *ledger, bool all)
{
	for (uint32_t i = 0; i < ledger->invitation_count; i++) {
		struct ledger_invitation_entry *invitation = &ledger->invitations[i];
		struct ledger_entry entry;
		enum sotto_err err;
		bool lapsed = all;

		if (invitation->state != LEDGER_INVITATION_OPEN)
			continue;
		err = ledger_entry_decode(ledger_entry_bytes(ledger, invitation->index), &entry);
		ASSERT(err == SOTTO_OK);
		for (uint8_t k = 0; k < entry.signature_count && !lapsed; k++)
			lapsed = !ledger_is_admin(ledger, entry.signatures[k].key);
		if (lapsed)
			invitation->state = LEDGER_INVITATION_LAPSED;
	}
}

static void admins_commit(struct ledger *ledger, const struct ledger_context *context,
			  uint64_t index)
{
	const struct ledger_admins *admins = &context->body.admins;
	struct wire_cursor cursor = wire_list_walk(&admins->keys);
	bool risen = admins->threshold > ledger->state.threshold;
	struct ledger_admin next[LEDGER_ADMINS_MAX];
	struct ledger_admin_keys item;
	uint32_t count = 0;

	while (wire_list_next(&cursor, &ledger_admin_keys_type, &item)) {
		const struct ledger_admin *known = ledger_state_admin(ledger, item.key);

		next[count].keys = item;
		next[count++].since = known != NULL ? known->since : index;
	}
	memcpy(ledger->state.admins, next, count * sizeof(next[0]));
	ledger->state.admin_count = count;
	ledger->state.threshold = admins->threshold;
	ledger->state.admins_touched = index;
	ledger->state.admins_serial++;
	if (risen)
		ledger->state.threshold_risen = index;
	invitations_lapse(ledger, risen);
}

static const struct ledger_rule rules[] = {
	{LEDGER_FOUND, LEDGER_BY_FOUNDER, found_check, found_commit},
	{LEDGER_AUTHORISE, LEDGER_BY_ADMINS, authorise_check, authorise_commit},
	{LEDGER_ENROL, LEDGER_BY_DEVICE, enrol_check, enrol_commit},
	{LEDGER_CONFIRM, LEDGER_BY_DEVICE, confirm_check, confirm_commit},
	{LEDGER_REVOKE, LEDGER_BY_ADMINS, revoke_check, revoke_commit},
	{LEDGER_ADMINS, LEDGER_BY_ADMINS, admins_check, admins_commit},
	{LEDGER_FURTHER, LEDGER_BY_DEVICE, further_check, further_commit},
	{LEDGER_RETIRE, LEDGER_BY_PERSON, retire_check, retire_commit},
};

static const struct ledger_rule *rule_find(uint8_t action)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].action == action)
			return &rules[i];
	}
	for (size_t i = 0; i < LEDGER_GOVERN_RULES; i++) {
		if (ledger_govern_rules[i].action == action)
			return &ledger_govern_rules[i];
	}
	return NULL;
}

/*
 * An admin who left and came back is another admin: what he signed before counts no more. Signatures by
 * keys that are no admin's make the whole act void, so that nobody can pad it with them.
 */
static enum sotto_err admins_signed(const struct ledger *ledger, const struct ledger_entry *entry,
				    uint32_t least)
{
	const struct ledger_state *state = &ledger->state;

	if (state->threshold_risen != 0 && entry->act.base_length <= state->threshold_risen)
		return SOTTO_ERR_DENIED;
	for (uint8_t i = 0; i < entry->signature_count; i++) {
		const struct ledger_admin *admin =
			ledger_state_admin(ledger, entry->signatures[i].key);

		if (admin == NULL || (admin->since != 0 && admin->since >= entry->act.base_length))
			return SOTTO_ERR_DENIED;
	}
	return entry->signature_count >= least ? SOTTO_OK : SOTTO_ERR_DENIED;
}

/* By another device of the person that the entry is about. */
static bool person_signed(const struct ledger *ledger, const struct ledger_context *context)
{
	const struct ledger_entry *entry = &context->entry;
	const uint8_t *subject = context->body.subject.device_key;

	return entry->signature_count == 1 &&
	       ledger_allows_leaf(ledger, entry->signatures[0].key, true) &&
	       memcmp(entry->signatures[0].key, subject, LEDGER_KEY_LEN) != 0 &&
	       ledger_same_member(ledger, entry->signatures[0].key, subject);
}

static enum sotto_err signers_check(const struct ledger *ledger, const struct ledger_rule *rule,
				    const struct ledger_context *context)
{
	const struct ledger_entry *entry = &context->entry;

	/* Others may still sign it. */
	if (context->proposed)
		return rule->signers == LEDGER_BY_ADMINS || rule->signers == LEDGER_BY_ADMIN ||
				       rule->signers == LEDGER_BY_PERSON
			       ? admins_signed(ledger, entry, 1)
			       : SOTTO_ERR_UNSUPPORTED;

	switch (rule->signers) {
	case LEDGER_BY_FOUNDER:
		return entry->signature_count == 1 &&
				       bytes_equal(BYTES_OF(entry->signatures[0].key),
						   BYTES_OF(context->body.found.device_key))
			       ? SOTTO_OK
			       : SOTTO_ERR_DENIED;
	case LEDGER_BY_ADMINS:
		return admins_signed(ledger, entry, ledger->state.threshold);
	case LEDGER_BY_ADMIN:
		return admins_signed(ledger, entry, 1);
	case LEDGER_BY_DEVICE:
		return entry->signature_count == 1 &&
				       ledger_allows_leaf(ledger, entry->signatures[0].key, true)
			       ? SOTTO_OK
			       : SOTTO_ERR_DENIED;
	case LEDGER_BY_PERSON:
		return person_signed(ledger, context)
			       ? SOTTO_OK
			       : admins_signed(ledger, entry, ledger->state.threshold);
	}
	return SOTTO_ERR_DENIED;
}

static enum sotto_err signatures_verify(const struct ledger *ledger,
					const struct ledger_entry *entry)
{
	enum sotto_err err = SOTTO_OK;
	uint8_t founded[LEDGER_HASH_LEN];
	const uint8_t *network = ledger->state.network;

	if (entry->act.action == LEDGER_FOUND) {
		ledger_entry_network(entry, founded);
		network = founded;
	}
	for (uint8_t i = 0; i < entry->signature_count && err == SOTTO_OK; i++)
		err = ledger_entry_verify(entry, network, &entry->signatures[i]);
	return err;
}

static enum sotto_err entry_check(const struct ledger *ledger, struct bytes bytes, bool trusted,
				  struct ledger_context *context, const struct ledger_rule **rule)
{
	struct ledger_entry *entry = &context->entry;
	const uint8_t *base;
	enum sotto_err err = SOTTO_OK;

	context->trusted = trusted;
	TRY(ledger_entry_decode(bytes, entry));
	*rule = rule_find(entry->act.action);
	FAIL_IF(*rule == NULL, SOTTO_ERR_UNSUPPORTED);
	TRY(ledger_body_decode(entry->act.action, entry->act.body, &context->body));
	FAIL_IF((ledger->record_count == 0) != (entry->act.action == LEDGER_FOUND),
		SOTTO_ERR_STATE);
	FAIL_IF((entry->act.base_length == 0) != (entry->act.action == LEDGER_FOUND),
		SOTTO_ERR_STATE);
	FAIL_IF(ledger_state_has_id(ledger, entry->act.id), SOTTO_ERR_EXISTS);
	base = ledger_head(ledger, entry->act.base_length);
	FAIL_IF(base == NULL ||
			!bytes_equal(BYTES(base, LEDGER_HASH_LEN), BYTES_OF(entry->act.base_head)),
		SOTTO_ERR_STATE);
	TRY(signers_check(ledger, *rule, context));
	if (!trusted)
		TRY(signatures_verify(ledger, entry));
	TRY((*rule)->check(ledger, context));
out:
	return err;
}

static enum sotto_err entry_append(struct ledger *ledger, struct bytes bytes, bool trusted)
{
	struct ledger_context context = {.proposed = false};
	const struct ledger_rule *rule;
	uint8_t *copy = NULL;
	enum sotto_err err = SOTTO_OK;

	TRY(entry_check(ledger, bytes, trusted, &context, &rule));
	TRY(ledger_state_reserve(ledger));
	copy = allocator_take(ledger->allocator, bytes.len);
	FAIL_IF(copy == NULL, SOTTO_ERR_NO_MEMORY);

	memcpy(copy, bytes.data, bytes.len);
	/* What is kept of it borrows from our own copy. */
	err = ledger_entry_decode(BYTES(copy, bytes.len), &context.entry);
	ASSERT(err == SOTTO_OK);
	err = ledger_body_decode(context.entry.act.action, context.entry.act.body, &context.body);
	ASSERT(err == SOTTO_OK);
	rule->commit(ledger, &context, ledger->record_count);
	ledger_state_put_record(ledger, copy, (uint32_t)bytes.len, context.entry.act.id);
	if (context.entry.act.action == LEDGER_FOUND)
		ledger->founding = context.body.found;
out:
	return err;
}

enum sotto_err ledger_append(struct ledger *ledger, struct bytes entry)
{
	return entry_append(ledger, entry, false);
}

enum sotto_err ledger_restore(struct ledger *ledger, struct bytes entry)
{
	return entry_append(ledger, entry, true);
}

enum sotto_err ledger_check(const struct ledger *ledger, struct bytes entry)
{
	struct ledger_context context = {.proposed = false};
	const struct ledger_rule *rule;

	return entry_check(ledger, entry, false, &context, &rule);
}

enum sotto_err ledger_check_proposed(const struct ledger *ledger, struct bytes entry)
{
	struct ledger_context context = {.proposed = true};
	const struct ledger_rule *rule;

	return entry_check(ledger, entry, false, &context, &rule);
}
