/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts of the admins, and what a confirmed member says of a newcomer.
 *
 *   what a person wants --> act, signed here --(enough)--> entry (roster.c) | --(not enough)--> proposal (proposal.c)
 *
 * What the ledger would not take is refused before anything is signed or sent.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "talk/access.h"
#include "talk/state.h"

static enum sotto_err admin_check(const struct talk *talk)
{
	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	return ledger_is_admin(talk->ledger, talk->identity.public_key) ? SOTTO_OK
									: SOTTO_ERR_DENIED;
}

/* Would the ledger take it, now or when others have signed it? alone: now. */
static enum sotto_err act_check(const struct talk *talk, struct bytes entry, bool *alone)
{
	enum sotto_err err = ledger_check(talk->ledger, entry);

	*alone = err == SOTTO_OK;
	return err == SOTTO_ERR_DENIED ? ledger_check_proposed(talk->ledger, entry) : err;
}

static void entries_clear(struct talk *talk, struct talk_blob *entries, size_t count)
{
	talk_proposed_clear(talk, entries, count);
	talk_give(talk, entries, count * sizeof(*entries));
}

/* All alike: an act for which this phone's signature is enough is so for each of several. */
static enum sotto_err acts_send(struct talk *talk, struct talk_blob *entries, size_t count,
				bool alone)
{
	enum sotto_err err = SOTTO_OK;

	if (!alone)
		return talk_propose(talk, entries, count);
	for (size_t i = 0; i < count; i++)
		TRY(talk_submit(talk, talk_blob_bytes(&entries[i])));
out:
	return err;
}

enum sotto_err talk_act_of(struct talk *talk, uint8_t action, const union ledger_body *body,
			   uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_blob *entry = NULL;
	bool alone = false;
	enum sotto_err err = admin_check(talk);

	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	entry = talk_take(talk, sizeof(*entry));
	FAIL_IF(entry == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(talk_entry_make(talk, action, body, entry));
	err = act_check(talk, talk_blob_bytes(entry), &alone);
	if (err == SOTTO_OK && !alone && !talk_proposal_room(talk))
		err = SOTTO_ERR_LIMIT;
	/* Nothing has changed. */
	if (err != SOTTO_OK) {
		entries_clear(talk, entry, 1);
		return err;
	}
	err = acts_send(talk, entry, 1, alone);
out:
	if (entry != NULL)
		entries_clear(talk, entry, 1);
	return talk_step_end(talk, err);
}

/* ---- Who the admins are ---- */

/* Sorted by the device's key. */
static void keys_put(struct ledger_admin_list *list, const struct ledger_admin_keys *keys)
{
	uint32_t place = list->count++;

	for (; place > 0 && memcmp(list->admins[place - 1].key, keys->key, LEDGER_KEY_LEN) > 0;
	     place--)
		list->admins[place] = list->admins[place - 1];
	list->admins[place] = *keys;
}

static enum sotto_err admins_act(struct talk *talk, const struct ledger_admin_list *list,
				 uint64_t now_ns, uint64_t utc_ms)
{
	union ledger_body body = {
		.admins = {.threshold = (uint8_t)list->threshold,
			   .keys = {.items = list->admins, .count = list->count}}};

	if (!ledger_threshold_fits(list->threshold, list->count))
		return SOTTO_ERR_INVALID;
	return talk_act_of(talk, LEDGER_ADMINS, &body, now_ns, utc_ms);
}

static bool admin_named(const struct talk *talk, const struct ledger_admin_list *list,
			uint32_t member)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, list->admins[i].key);

		if (device != NULL && device->member == member)
			return true;
	}
	return false;
}

/* The device of this number; 0: the only one. */
static enum sotto_err device_find(const struct talk *talk, uint32_t member, uint32_t number,
				  const struct ledger_device **found)
{
	*found = NULL;
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (device->member != member ||
		    !ledger_allows_leaf(talk->ledger, device->key, true) ||
		    (number != 0 && device->number != number))
			continue;
		if (*found != NULL)
			return SOTTO_ERR_INVALID;
		*found = device;
	}
	return *found == NULL ? SOTTO_ERR_NOT_FOUND : SOTTO_OK;
}

enum sotto_err talk_admin_add(struct talk *talk, uint32_t extension, uint32_t device,
			      uint32_t threshold, uint64_t now_ns, uint64_t utc_ms)
{
	const struct ledger_member *member = ledger_member_by_extension(talk->ledger, extension);
	const struct ledger_device *added;
	struct ledger_admin_keys keys;
	struct ledger_admin_list list;
	enum sotto_err err = admin_check(talk);

	if (err != SOTTO_OK)
		return err;
	if (member == NULL)
		return SOTTO_ERR_NOT_FOUND;
	err = ledger_admins_at(talk->ledger, ledger_admins_serial(talk->ledger), &list);
	if (err == SOTTO_OK)
		err = device_find(talk, member->id, device, &added);
	if (err != SOTTO_OK)
		return err;
	if (admin_named(talk, &list, member->id))
		return SOTTO_ERR_EXISTS;
	if (list.count == LEDGER_ADMINS_MAX)
		return SOTTO_ERR_LIMIT;
	memcpy(keys.key, added->key, LEDGER_KEY_LEN);
	err = talk_package_rotation(talk, added->key, keys.rotation);
	if (err != SOTTO_OK)
		return err;
	keys_put(&list, &keys);
	if (threshold != 0)
		list.threshold = threshold;
	return admins_act(talk, &list, now_ns, utc_ms);
}

enum sotto_err talk_admin_remove(struct talk *talk, uint32_t extension, uint32_t threshold,
				 uint64_t now_ns, uint64_t utc_ms)
{
	struct ledger_admin_list list, left;
	enum sotto_err err = admin_check(talk);

	if (err == SOTTO_OK)
		err = ledger_admins_at(talk->ledger, ledger_admins_serial(talk->ledger), &list);
	if (err != SOTTO_OK)
		return err;
	left = (struct ledger_admin_list){.threshold = threshold != 0 ? threshold : list.threshold};
	for (uint32_t i = 0; i < list.count; i++) {
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, list.admins[i].key);

		if (device == NULL || talk_extension_of(talk, device->member) != extension)
			left.admins[left.count++] = list.admins[i];
	}
	return left.count == list.count ? SOTTO_ERR_NOT_FOUND
					: admins_act(talk, &left, now_ns, utc_ms);
}

enum sotto_err talk_admin_threshold(struct talk *talk, uint32_t threshold, uint64_t now_ns,
				    uint64_t utc_ms)
{
	struct ledger_admin_list list;
	enum sotto_err err = admin_check(talk);

	if (err == SOTTO_OK)
		err = ledger_admins_at(talk->ledger, ledger_admins_serial(talk->ledger), &list);
	if (err != SOTTO_OK)
		return err;
	if (list.threshold == threshold)
		return SOTTO_ERR_EXISTS;
	list.threshold = threshold;
	return admins_act(talk, &list, now_ns, utc_ms);
}

/* ---- Members ---- */

/* Some device of a member who is not out: it names him. admin: one of them is an admin's. */
static enum sotto_err subject_find(const struct talk *talk, uint32_t extension, uint8_t *key,
				   bool *admin)
{
	const struct ledger_member *member = ledger_member_by_extension(talk->ledger, extension);

	*admin = false;
	if (member == NULL || member->state == LEDGER_MEMBER_REVOKED)
		return SOTTO_ERR_NOT_FOUND;
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (device->member != member->id)
			continue;
		*admin = *admin || ledger_is_admin(talk->ledger, device->key);
		memcpy(key, device->key, LEDGER_KEY_LEN);
	}
	return SOTTO_OK;
}

static enum sotto_err subject_act(struct talk *talk, uint8_t action, uint32_t extension,
				  uint64_t now_ns, uint64_t utc_ms)
{
	union ledger_body body = {0};
	bool admin;
	enum sotto_err err = admin_check(talk);

	if (err == SOTTO_OK)
		err = subject_find(talk, extension, body.subject.device_key, &admin);
	if (err != SOTTO_OK)
		return err;
	return admin ? SOTTO_ERR_INVALID : talk_act_of(talk, action, &body, now_ns, utc_ms);
}

enum sotto_err talk_revoke(struct talk *talk, uint32_t extension, uint64_t now_ns, uint64_t utc_ms)
{
	return subject_act(talk, LEDGER_REVOKE, extension, now_ns, utc_ms);
}

enum sotto_err talk_suspend(struct talk *talk, uint32_t extension, uint64_t now_ns, uint64_t utc_ms)
{
	return subject_act(talk, LEDGER_SUSPEND, extension, now_ns, utc_ms);
}

enum sotto_err talk_term(struct talk *talk, uint32_t extension, uint64_t until_ms, uint64_t now_ns,
			 uint64_t utc_ms)
{
	union ledger_body body = {.term = {.until_ms = until_ms}};
	bool admin;
	enum sotto_err err = admin_check(talk);

	if (err == SOTTO_OK)
		err = subject_find(talk, extension, body.term.device_key, &admin);
	if (err != SOTTO_OK)
		return err;
	return admin && until_ms != 0 ? SOTTO_ERR_INVALID
				      : talk_act_of(talk, LEDGER_TERM, &body, now_ns, utc_ms);
}

/* ---- Invitations ---- */

/* The key that the card will have, kept here until the card is told; and the act. */
static enum sotto_err guest_make(struct talk *talk, const struct talk_guest *guest,
				 uint64_t valid_ms, struct talk_invite_row **made,
				 struct talk_blob *entry)
{
	union ledger_body body = {.authorise = {.extension = guest->extension,
						.name = guest->name,
						.expires_ms = talk->utc_ms + valid_ms,
						.devices = guest->places,
						.until_ms = guest->until_ms}};
	struct talk_invite_row *row = talk_take(talk, sizeof(*row));
	enum sotto_err err = SOTTO_OK;

	if (row == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&row->list);
	*made = row;
	TRY(random_fill(talk->random, row->private_key, sizeof(row->private_key)));
	TRY(sign_public(SIGN_ED25519, BYTES_OF(row->private_key), row->public_key));
	row->extension = guest->extension;
	memcpy(body.authorise.invitation_key, row->public_key, LEDGER_KEY_LEN);
	err = talk_entry_make(talk, LEDGER_AUTHORISE, &body, entry);
out:
	return err;
}

static enum sotto_err invite_keep(struct talk *talk, struct talk_invite_row *row)
{
	struct talk_kept_invite kept = {.version = TALK_STORE_VERSION, .extension = row->extension};
	enum sotto_err err;

	row->number = talk_number(talk);
	memcpy(kept.private_key, row->private_key, sizeof(kept.private_key));
	memcpy(kept.public_key, row->public_key, sizeof(kept.public_key));
	err = talk_put(talk, TALK_TABLE_INVITE, BYTES_NONE, row->number, &talk_kept_invite_type,
		       &kept);
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

static enum sotto_err guest_check(const struct talk *talk, const struct talk_guest *guests,
				  size_t at, uint64_t utc_ms)
{
	const struct talk_guest *guest = &guests[at];

	if (!ledger_name_valid(guest->name) ||
	    !ledger_extension_fits(talk->ledger, guest->extension) || guest->places == 0 ||
	    guest->places > LEDGER_PLACES_MAX)
		return SOTTO_ERR_INVALID;
	for (size_t i = 0; i < at; i++) {
		if (guests[i].extension == guest->extension)
			return SOTTO_ERR_EXISTS;
	}
	return ledger_extension_free(talk->ledger, guest->extension, utc_ms) ? SOTTO_OK
									     : SOTTO_ERR_EXISTS;
}

static void rows_free(struct talk *talk, struct talk_invite_row **rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		talk_give(talk, rows[i], sizeof(*rows[i]));
	talk_give(talk, rows, count * sizeof(struct talk_invite_row *));
}

/* Those who are not invited by this phone yet: all of them, or nobody. refused: by whose fault, in *wrong; nothing has
 * changed then. */
static enum sotto_err guests_invite(struct talk *talk, const struct talk_guest *guests,
				    size_t count, uint64_t valid_ms, size_t *wrong, bool *refused)
{
	struct talk_invite_row **rows = talk_take(talk, count * sizeof(struct talk_invite_row *));
	struct talk_blob *entries = talk_take(talk, count * sizeof(*entries));
	bool alone = false;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(rows == NULL || entries == NULL, SOTTO_ERR_NO_MEMORY);
	for (size_t i = 0; i < count; i++)
		TRY(guest_make(talk, &guests[i], valid_ms, &rows[i], &entries[i]));
	for (size_t i = 0; i < count && err == SOTTO_OK; i++) {
		*wrong = i;
		err = act_check(talk, talk_blob_bytes(&entries[i]), &alone);
	}
	if (err == SOTTO_OK && !alone && !talk_proposal_room(talk))
		err = SOTTO_ERR_LIMIT;
	*refused = err != SOTTO_OK;
	TRY(err);
	for (size_t i = 0; i < count; i++) {
		TRY(invite_keep(talk, rows[i]));
		list_append(&talk->invites, &rows[i]->list);
		rows[i] = NULL;
	}
	err = acts_send(talk, entries, count, alone);
out:
	if (rows != NULL)
		rows_free(talk, rows, count);
	if (entries != NULL)
		entries_clear(talk, entries, count);
	return err;
}

/* Asked twice, the card is the same; those who are left come first. */
static enum sotto_err guests_left(struct talk *talk, const struct talk_guest *guests, size_t count,
				  struct talk_guest *left, size_t *left_count, size_t *places)
{
	enum sotto_err err = SOTTO_OK;

	*left_count = 0;
	for (size_t i = 0; i < count; i++) {
		err = talk_invite_again(talk, guests[i].extension);
		if (err == SOTTO_OK || talk_proposal_invites(talk, guests[i].extension)) {
			err = SOTTO_OK;
			continue;
		}
		FAIL_IF(err != SOTTO_ERR_NOT_FOUND, err);
		places[*left_count] = i;
		left[(*left_count)++] = guests[i];
		err = SOTTO_OK;
	}
out:
	return err;
}

enum sotto_err talk_invite_all(struct talk *talk, const struct talk_guest *guests, size_t count,
			       uint64_t valid_ms, size_t *wrong, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_guest left[TALK_GUESTS_MAX];
	size_t places[TALK_GUESTS_MAX];
	size_t left_count, at = 0;
	bool refused = false;
	enum sotto_err err = admin_check(talk);

	*wrong = 0;
	if (err != SOTTO_OK)
		return err;
	if (count == 0 || count > TALK_GUESTS_MAX || valid_ms == 0)
		return SOTTO_ERR_INVALID;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	TRY(guests_left(talk, guests, count, left, &left_count, places));
	for (size_t i = 0; i < left_count && !refused; i++) {
		err = guest_check(talk, left, i, utc_ms);
		refused = err != SOTTO_OK;
		*wrong = places[i];
	}
	if (!refused && left_count > talk_network_room(talk)) {
		err = SOTTO_ERR_LIMIT;
		refused = true;
	}
	if (!refused && left_count > 0) {
		err = guests_invite(talk, left, left_count, valid_ms, &at, &refused);
		*wrong = places[at];
	}
	/* Cards that were told again are only told. */
	if (refused) {
		enum sotto_err end = talk_step_end(talk, SOTTO_OK);

		return end == SOTTO_OK ? err : end;
	}
out:
	return talk_step_end(talk, err);
}

enum sotto_err talk_invite(struct talk *talk, uint32_t extension, struct bytes name,
			   uint64_t valid_ms, uint64_t now_ns, uint64_t utc_ms)
{
	return talk_invite_with(talk, extension, name, TALK_PLACES, valid_ms, now_ns, utc_ms);
}

enum sotto_err talk_invite_with(struct talk *talk, uint32_t extension, struct bytes name,
				uint8_t places, uint64_t valid_ms, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_guest guest = {.extension = extension, .name = name, .places = places};
	size_t wrong;

	return talk_invite_all(talk, &guest, 1, valid_ms, &wrong, now_ns, utc_ms);
}

/* ---- Newcomers ---- */

/* Of the device's key, by which all of it is known: who has another phone has another code. */
static void words_of(const struct talk *talk, const uint8_t *device_key,
		     char code[TALK_CODE_LEN + 1])
{
	uint8_t digest[LEDGER_HASH_LEN];
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto confirm code 1"));
	hash_update(&hash, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN));
	hash_update(&hash, BYTES(device_key, LEDGER_KEY_LEN));
	hash_final(&hash, digest);
	talk_code_put(digest, code);
}

/* The device of this member that waits; NULL: none does. */
static const struct ledger_device *waiting(const struct talk *talk, uint32_t extension)
{
	const struct ledger_member *member = ledger_member_by_extension(talk->ledger, extension);

	for (uint32_t i = 0; member != NULL && i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (device->member == member->id && device->state == LEDGER_DEVICE_UNCONFIRMED)
			return device;
	}
	return NULL;
}

enum sotto_err talk_confirm_words(const struct talk *talk, uint32_t extension,
				  char code[TALK_CODE_LEN + 1])
{
	const struct ledger_device *device = waiting(talk, extension);

	if (device == NULL)
		return SOTTO_ERR_NOT_FOUND;
	words_of(talk, device->key, code);
	return SOTTO_OK;
}

enum sotto_err talk_confirm(struct talk *talk, uint32_t extension, struct bytes code,
			    uint64_t now_ns, uint64_t utc_ms)
{
	const struct ledger_device *device = waiting(talk, extension);
	union ledger_body body = {0};
	struct talk_blob entry = {0};
	char words[TALK_CODE_LEN + 1];
	enum sotto_err err;

	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	if (device == NULL)
		return SOTTO_ERR_NOT_FOUND;
	words_of(talk, device->key, words);
	if (!talk_code_fits(words, code))
		return SOTTO_ERR_VERIFY;
	memcpy(body.subject.device_key, device->key, LEDGER_KEY_LEN);
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	TRY(talk_entry_make(talk, LEDGER_CONFIRM, &body, &entry));
	err = ledger_check(talk->ledger, talk_blob_bytes(&entry));
	if (err != SOTTO_OK) {
		talk_blob_clear(talk, &entry);
		return err;
	}
	err = talk_submit(talk, talk_blob_bytes(&entry));
out:
	talk_blob_clear(talk, &entry);
	return talk_step_end(talk, err);
}
