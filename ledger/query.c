/* SPDX-License-Identifier: Apache-2.0 */
/* What others ask the ledger. Nothing here writes. */
#include <string.h>

#include "base/assert.h"
#include "ledger/state.h"

const uint8_t *ledger_network(const struct ledger *ledger)
{
	return ledger->state.network;
}

const struct ledger_found *ledger_founding(const struct ledger *ledger)
{
	return ledger->record_count == 0 ? NULL : &ledger->founding;
}

uint64_t ledger_length(const struct ledger *ledger)
{
	return ledger->record_count;
}

const uint8_t *ledger_head(const struct ledger *ledger, uint64_t length)
{
	if (length > ledger->record_count)
		return NULL;
	return length == 0 ? ledger->state.start : ledger->records[length - 1].head;
}

bool ledger_head_is(const struct ledger *ledger, uint64_t length, const uint8_t *head)
{
	const uint8_t *own = ledger_head(ledger, length);

	return own != NULL && memcmp(own, head, LEDGER_HASH_LEN) == 0;
}

struct bytes ledger_entry_bytes(const struct ledger *ledger, uint64_t index)
{
	if (index >= ledger->record_count)
		return BYTES_NONE;
	return BYTES(ledger->records[index].data, ledger->records[index].len);
}

const struct ledger_member *ledger_member_by_id(const struct ledger *ledger, uint32_t id)
{
	return id - 1 < ledger->member_count ? &ledger->members[id - 1] : NULL;
}

uint32_t ledger_member_count(const struct ledger *ledger)
{
	return ledger->member_count;
}

const struct ledger_device *ledger_device_at(const struct ledger *ledger, uint32_t position)
{
	return position < ledger->device_count ? &ledger->devices[position] : NULL;
}

uint32_t ledger_device_count(const struct ledger *ledger)
{
	return ledger->device_count;
}

uint32_t ledger_live_count(const struct ledger *ledger)
{
	return ledger->live_count;
}

uint64_t ledger_exclusions(const struct ledger *ledger)
{
	return ledger->exclusions;
}

uint32_t ledger_unconfirmed(const struct ledger *ledger)
{
	return ledger->unconfirmed;
}

uint64_t ledger_entries_len(const struct ledger *ledger)
{
	return ledger->entries_len;
}

const struct ledger_device *ledger_device_by_number(const struct ledger *ledger, uint32_t member,
						    uint32_t number)
{
	for (uint32_t i = 0; i < ledger->device_count; i++) {
		if (ledger->devices[i].member == member && ledger->devices[i].number == number)
			return &ledger->devices[i];
	}
	return NULL;
}

bool ledger_same_member(const struct ledger *ledger, const uint8_t *key, const uint8_t *other)
{
	const struct ledger_device *a = ledger_device_by_key(ledger, key);
	const struct ledger_device *b = ledger_device_by_key(ledger, other);

	return a != NULL && b != NULL && a->member == b->member;
}

enum sotto_err ledger_place_check(const struct ledger *ledger, uint32_t id, struct bytes name)
{
	const struct ledger_member *member = ledger_member_by_id(ledger, id);

	if (!ledger_name_valid(name))
		return SOTTO_ERR_INVALID;
	if (member == NULL || member->state != LEDGER_MEMBER_ACTIVE)
		return SOTTO_ERR_DENIED;
	if (member->devices >= member->places)
		return SOTTO_ERR_LIMIT;
	for (uint32_t i = 0; i < ledger->device_count; i++) {
		const struct ledger_device *device = &ledger->devices[i];

		if (device->member == id && device->state != LEDGER_DEVICE_REVOKED &&
		    bytes_equal(BYTES(device->name, device->name_len), name))
			return SOTTO_ERR_EXISTS;
	}
	return SOTTO_OK;
}

const struct ledger_admin *ledger_state_admin(const struct ledger *ledger, const uint8_t *key)
{
	for (uint32_t i = 0; i < ledger->state.admin_count; i++) {
		if (bytes_equal(BYTES_OF(ledger->state.admins[i].keys.key),
				BYTES(key, LEDGER_KEY_LEN)))
			return &ledger->state.admins[i];
	}
	return NULL;
}

bool ledger_is_admin(const struct ledger *ledger, const uint8_t *key)
{
	return ledger_state_admin(ledger, key) != NULL;
}

uint32_t ledger_admin_count(const struct ledger *ledger)
{
	return ledger->state.admin_count;
}

const uint8_t *ledger_admin_at(const struct ledger *ledger, uint32_t position)
{
	return position < ledger->state.admin_count ? ledger->state.admins[position].keys.key
						    : NULL;
}

uint64_t ledger_admins_serial(const struct ledger *ledger)
{
	return ledger->state.admins_serial;
}

static void admins_present(const struct ledger *ledger, struct ledger_admin_list *list)
{
	*list = (struct ledger_admin_list){.threshold = ledger->state.threshold,
					   .count = ledger->state.admin_count};
	for (uint32_t i = 0; i < list->count; i++)
		list->admins[i] = ledger->state.admins[i].keys;
}

static void admins_named(const struct ledger_admins *admins, struct ledger_admin_list *list)
{
	struct wire_cursor cursor = wire_list_walk(&admins->keys);

	*list = (struct ledger_admin_list){.threshold = admins->threshold};
	while (list->count < LEDGER_ADMINS_MAX &&
	       wire_list_next(&cursor, &ledger_admin_keys_type, &list->admins[list->count]))
		list->count++;
}

enum sotto_err ledger_admins_at(const struct ledger *ledger, uint64_t serial,
				struct ledger_admin_list *list)
{
	uint64_t number = ledger->state.admins_serial;

	if (serial == 0 || serial > number)
		return SOTTO_ERR_NOT_FOUND;
	if (serial == number) {
		admins_present(ledger, list);
		return SOTTO_OK;
	}
	if (serial == 1) {
		*list = (struct ledger_admin_list){.threshold = 1, .count = 1};
		memcpy(list->admins[0].key, ledger->founding.device_key, LEDGER_KEY_LEN);
		memcpy(list->admins[0].rotation, ledger->founding.rotation, LEDGER_KEY_LEN);
		return SOTTO_OK;
	}
	/* Mostly one of the last: who asks is a relay's list behind. */
	for (uint64_t index = ledger->record_count; index-- > 0;) {
		struct ledger_entry entry;
		union ledger_body body;
		enum sotto_err err = ledger_entry_decode(ledger_entry_bytes(ledger, index), &entry);

		ASSERT(err == SOTTO_OK);
		if (entry.act.action != LEDGER_ADMINS || number-- != serial)
			continue;
		err = ledger_body_decode(LEDGER_ADMINS, entry.act.body, &body);
		ASSERT(err == SOTTO_OK);
		admins_named(&body.admins, list);
		return SOTTO_OK;
	}
	return SOTTO_ERR_NOT_FOUND;
}

bool ledger_has(const struct ledger *ledger, const uint8_t *id)
{
	return ledger_state_has_id(ledger, id);
}

uint32_t ledger_threshold(const struct ledger *ledger)
{
	return ledger->state.threshold;
}

bool ledger_one_person_controls(const struct ledger *ledger)
{
	return ledger->state.threshold < 2;
}

bool ledger_allows_leaf(const struct ledger *ledger, const uint8_t *key, bool conversation)
{
	const struct ledger_device *device = ledger_device_by_key(ledger, key);

	if (device == NULL)
		return false;
	return device->state == LEDGER_DEVICE_ACTIVE ||
	       (!conversation && device->state == LEDGER_DEVICE_UNCONFIRMED);
}

bool ledger_threshold_fits(uint32_t threshold, uint32_t admins)
{
	return admins >= 1 && threshold >= 1 && threshold <= (admins > 1 ? admins - 1 : 1);
}

bool ledger_digits_fit(uint8_t digits, uint32_t extension)
{
	uint32_t low = 1;

	if (digits < LEDGER_DIGITS_MIN || digits > LEDGER_DIGITS_MAX)
		return false;
	for (uint8_t i = 1; i < digits; i++)
		low *= 10;
	return extension >= low && extension < low * 10;
}

bool ledger_extension_fits(const struct ledger *ledger, uint32_t extension)
{
	return ledger->record_count != 0 && ledger_digits_fit(ledger->founding.digits, extension);
}

bool ledger_extension_free(const struct ledger *ledger, uint32_t extension, uint64_t now_ms)
{
	const struct ledger_member *member = ledger_member_by_extension(ledger, extension);
	const struct ledger_invitation_entry *invitation =
		ledger_state_invitation_by_extension(ledger, extension);

	if (member != NULL && member->state != LEDGER_MEMBER_REVOKED)
		return false;
	return invitation == NULL || invitation->state != LEDGER_INVITATION_OPEN ||
	       invitation->expires_ms < now_ms;
}
