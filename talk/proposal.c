/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proposals: admin acts that not enough have signed yet.
 *
 *   act --(k is 1)--> entry
 *   act --(k > 1)---> said in *everyone* (body "proposal"), with its maker's signature
 *   approved here --> the same acts, said with ours
 *   k have signed --> entries, by who signed last; by rank, if he does not
 *   no longer possible, refused by too many, or old --> gone
 *
 * A proposal is nothing but acts and signatures, each of which is verified by itself, so it does not matter who says them,
 * how often, or in which order; what is lost is said again each day. Only the ledger decides what counts.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/problem.h"
#include "talk/state.h"

static const char proposal_label[] = "sotto proposal 1";

/* ---- One of them ---- */

bool talk_proposed_decode(const struct talk_blob *blob, struct ledger_entry *entry)
{
	return ledger_entry_decode(talk_blob_bytes(blob), entry) == SOTTO_OK;
}

/* Of its acts alone: whoever signs them, it is the same. */
void talk_proposed_hash(const struct talk *talk, const struct talk_blob *entries, size_t count,
			uint8_t *hash)
{
	struct hash state;

	hash_init(&state, HASH_SHA256);
	hash_update(&state, BYTES_TEXT(proposal_label));
	hash_update(&state, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN));
	for (size_t i = 0; i < count; i++) {
		struct ledger_entry entry;
		uint8_t digest[LEDGER_HASH_LEN];

		if (!talk_proposed_decode(&entries[i], &entry))
			continue;
		hash_digest(HASH_SHA256, entry.to_sign, digest);
		hash_update(&state, BYTES_OF(digest));
	}
	hash_final(&state, hash);
}

struct talk_proposed *talk_proposed_find(const struct talk *talk, const uint8_t *hash)
{
	list_for_each (element, following, &talk->proposals) {
		struct talk_proposed *item = CONTAINER_OF(element, struct talk_proposed, list);

		if (memcmp(item->hash, hash, LEDGER_HASH_LEN) == 0)
			return item;
	}
	return NULL;
}

struct talk_proposed *talk_proposed_by_code(const struct talk *talk, struct bytes typed)
{
	list_for_each (element, following, &talk->proposals) {
		struct talk_proposed *item = CONTAINER_OF(element, struct talk_proposed, list);
		char code[TALK_CODE_LEN + 1];

		talk_code_put(item->hash, code);
		if (talk_code_fits(code, typed))
			return item;
	}
	return NULL;
}

static void proposed_free(struct talk *talk, struct talk_proposed *item)
{
	list_remove(&item->list);
	talk_proposed_clear(talk, item->entries, item->count);
	talk_give(talk, item->entries, item->count * sizeof(*item->entries));
	talk_give(talk, item, sizeof(*item));
}

void talk_proposals_clear(struct talk *talk)
{
	list_for_each (element, following, &talk->proposals)
		proposed_free(talk, CONTAINER_OF(element, struct talk_proposed, list));
}

/* Can it still become an entry, if others sign it? */
bool talk_proposed_open(const struct talk *talk, const struct talk_blob *blob)
{
	return ledger_check_proposed(talk->ledger, talk_blob_bytes(blob)) == SOTTO_OK;
}

static bool has_signed(const struct talk_blob *blob, const uint8_t *key)
{
	struct ledger_entry entry;

	if (!talk_proposed_decode(blob, &entry))
		return false;
	for (uint8_t i = 0; i < entry.signature_count; i++) {
		if (memcmp(entry.signatures[i].key, key, LEDGER_KEY_LEN) == 0)
			return true;
	}
	return false;
}

/* All of it, as somebody does who approves it. */
bool talk_proposed_signed(const struct talk_proposed *item, const uint8_t *key)
{
	for (size_t i = 0; i < item->count; i++) {
		if (!has_signed(&item->entries[i], key))
			return false;
	}
	return true;
}

bool talk_proposed_refused(const struct talk_proposed *item, const uint8_t *key)
{
	for (size_t i = 0; i < item->refused_count; i++) {
		if (memcmp(item->refused[i], key, LEDGER_KEY_LEN) == 0)
			return true;
	}
	return false;
}

void talk_proposed_changed(struct talk_proposed *item)
{
	item->judged = 0;
	item->dirty = true;
}

static uint32_t extension_by_key(const struct talk *talk, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	return device == NULL ? 0 : talk_extension_of(talk, device->member);
}

enum sotto_err talk_proposed_tell(struct talk *talk, const struct talk_proposed *item,
				  enum talk_proposal_change change)
{
	char code[TALK_CODE_LEN + 1];

	talk_code_put(item->hash, code);
	return talk_tell(talk, &(struct talk_event){
				       .type = TALK_EVENT_PROPOSAL,
				       .proposal = change,
				       .extension = extension_by_key(talk, item->by),
				       .own = memcmp(item->by, talk->identity.public_key,
						     LEDGER_KEY_LEN) == 0,
				       .text = BYTES(code, TALK_CODE_LEN),
			       });
}

/* ---- The store ---- */

static enum sotto_err row_save(struct talk *talk, struct talk_proposed *item)
{
	struct talk_kept_proposal kept = {
		.version = TALK_STORE_VERSION, .came_ms = item->came_ms, .said_ms = item->said_ms};
	size_t size = item->count * sizeof(struct talk_entry);
	struct talk_entry *entries = talk_take(talk, size);
	struct talk_kept_key refused[LEDGER_ADMINS_MAX];
	enum sotto_err err;

	if (entries == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (size_t i = 0; i < item->count; i++)
		entries[i].entry = talk_blob_bytes(&item->entries[i]);
	for (size_t i = 0; i < item->refused_count; i++) {
		refused[i] = (struct talk_kept_key){.acknowledged = 0};
		memcpy(refused[i].key, item->refused[i], LEDGER_KEY_LEN);
	}
	memcpy(kept.by, item->by, LEDGER_KEY_LEN);
	kept.refused = (struct wire_list){.items = refused, .count = item->refused_count};
	kept.entries = (struct wire_list){.items = entries, .count = item->count};
	err = talk_put(talk, TALK_TABLE_INVITE, TALK_OWNER_PROPOSAL, item->number,
		       &talk_kept_proposal_type, &kept);
	item->dirty = false;
	talk_give(talk, entries, size);
	return err;
}

enum sotto_err talk_proposals_save(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->proposals) {
		struct talk_proposed *item = CONTAINER_OF(element, struct talk_proposed, list);

		if (item->dirty)
			TRY(row_save(talk, item));
	}
out:
	return err;
}

enum sotto_err talk_proposed_erase(struct talk *talk, struct talk_proposed *item)
{
	uint64_t number = item->number;

	proposed_free(talk, item);
	return store_batch_delete(&talk->batch, TALK_TABLE_INVITE, TALK_OWNER_PROPOSAL, number);
}

/* Takes the entries over; not in the list yet. NULL: no memory, and they are still the caller's. */
struct talk_proposed *talk_proposed_make(struct talk *talk, const struct talk_blob *entries,
					 size_t count)
{
	struct talk_proposed *item = talk_take(talk, sizeof(*item));

	if (item == NULL)
		return NULL;
	list_init(&item->list);
	item->entries = talk_take(talk, count * sizeof(*item->entries));
	if (item->entries == NULL) {
		talk_give(talk, item, sizeof(*item));
		return NULL;
	}
	memcpy(item->entries, entries, count * sizeof(*item->entries));
	item->count = count;
	item->dirty = true;
	talk_proposed_hash(talk, item->entries, count, item->hash);
	return item;
}

/* Entries of a list, as blobs of our own; empty before. */
enum sotto_err talk_proposed_take(struct talk *talk, const struct wire_list *list,
				  struct talk_blob *entries, size_t *count)
{
	struct wire_cursor cursor = wire_list_walk(list);
	struct talk_entry item;
	enum sotto_err err = SOTTO_OK;

	while (*count < TALK_PROPOSAL_ACTS_MAX &&
	       wire_list_next(&cursor, &talk_entry_type, &item)) {
		TRY(talk_blob_set(talk, &entries[*count], item.entry));
		++*count;
	}
out:
	return err;
}

void talk_proposed_clear(struct talk *talk, struct talk_blob *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		talk_blob_clear(talk, &entries[i]);
}

enum sotto_err talk_proposal_load(struct talk *talk, uint64_t index, struct bytes value)
{
	struct talk_blob entries[TALK_PROPOSAL_ACTS_MAX] = {{0}};
	struct talk_kept_proposal kept;
	struct talk_proposed *item = NULL;
	struct wire_cursor cursor;
	struct talk_kept_key key;
	size_t count = 0;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(wire_decode(&talk_kept_proposal_type, value, &kept) != SOTTO_OK ||
			kept.version != TALK_STORE_VERSION || kept.entries.count == 0,
		SOTTO_ERR_CORRUPT);
	TRY(talk_proposed_take(talk, &kept.entries, entries, &count));
	item = talk_proposed_make(talk, entries, count);
	FAIL_IF(item == NULL, SOTTO_ERR_NO_MEMORY);
	count = 0;
	item->number = index;
	item->came_ms = kept.came_ms;
	item->said_ms = kept.said_ms;
	item->dirty = false;
	memcpy(item->by, kept.by, LEDGER_KEY_LEN);
	cursor = wire_list_walk(&kept.refused);
	while (item->refused_count < LEDGER_ADMINS_MAX &&
	       wire_list_next(&cursor, &talk_kept_key_type, &key))
		memcpy(item->refused[item->refused_count++], key.key, LEDGER_KEY_LEN);
	list_append(&talk->proposals, &item->list);
out:
	talk_proposed_clear(talk, entries, count);
	return err;
}

/* ---- Asked ---- */

static void info_of(const struct talk *talk, const struct talk_proposed *item,
		    struct talk_proposal_info *info)
{
	const uint8_t *own = talk->identity.public_key;
	uint32_t threshold = ledger_threshold(talk->ledger);

	*info = (struct talk_proposal_info){
		.by = extension_by_key(talk, item->by),
		.since_ms = item->came_ms,
		.acts = (uint32_t)item->count,
		.ours = talk_proposed_signed(item, own),
		.may = ledger_is_admin(talk->ledger, own) && !talk_proposed_signed(item, own) &&
		       !talk_proposed_refused(item, own),
	};
	talk_code_put(item->hash, info->code);
	for (uint32_t i = 0; i < ledger_admin_count(talk->ledger); i++) {
		const uint8_t *key = ledger_admin_at(talk->ledger, i);

		if (talk_proposed_signed(item, key))
			info->signed_by[info->signed_count++] = extension_by_key(talk, key);
		if (talk_proposed_refused(item, key))
			info->refused_by[info->refused_count++] = extension_by_key(talk, key);
	}
	info->needed = info->signed_count < threshold ? threshold - info->signed_count : 0;
}

bool talk_next_proposal(const struct talk *talk, uint64_t *cursor, struct talk_proposal_info *info)
{
	list_for_each (element, following, &talk->proposals) {
		const struct talk_proposed *item =
			CONTAINER_OF(element, struct talk_proposed, list);

		if (item->number <= *cursor)
			continue;
		*cursor = item->number;
		info_of(talk, item, info);
		return true;
	}
	return false;
}

enum sotto_err talk_proposal_get(const struct talk *talk, struct bytes code,
				 struct talk_proposal_info *info)
{
	const struct talk_proposed *item = talk_proposed_by_code(talk, code);

	if (item == NULL)
		return SOTTO_ERR_NOT_FOUND;
	info_of(talk, item, info);
	return SOTTO_OK;
}

bool talk_proposal_act(const struct talk *talk, struct bytes code, uint32_t number,
		       struct ledger_entry *entry)
{
	const struct talk_proposed *item = talk_proposed_by_code(talk, code);

	return item != NULL && number < item->count &&
	       talk_proposed_decode(&item->entries[number], entry);
}

bool talk_proposal_room(const struct talk *talk)
{
	size_t all = 0, ours = 0;

	list_for_each (element, following, &talk->proposals) {
		const struct talk_proposed *item =
			CONTAINER_OF(element, struct talk_proposed, list);

		all++;
		ours += memcmp(item->by, talk->identity.public_key, LEDGER_KEY_LEN) == 0;
	}
	return all < TALK_PROPOSALS_MAX && ours < TALK_PROPOSALS_BY_MAX;
}

bool talk_proposal_invites(const struct talk *talk, uint32_t extension)
{
	list_for_each (element, following, &talk->proposals) {
		const struct talk_proposed *item =
			CONTAINER_OF(element, struct talk_proposed, list);

		if (memcmp(item->by, talk->identity.public_key, LEDGER_KEY_LEN) != 0)
			continue;
		for (size_t i = 0; i < item->count; i++) {
			struct ledger_entry entry;
			union ledger_body body;

			if (talk_proposed_decode(&item->entries[i], &entry) &&
			    entry.act.action == LEDGER_AUTHORISE &&
			    ledger_body_decode(LEDGER_AUTHORISE, entry.act.body, &body) ==
				    SOTTO_OK &&
			    body.authorise.extension == extension &&
			    talk_proposed_open(talk, &item->entries[i]))
				return true;
		}
	}
	return false;
}
