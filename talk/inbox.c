/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parcels: how a device comes into a group.
 *
 *   out   contents: the tree after the commit, in *everyone* ledger and key packages
 *           short: in each parcel      else: once, in a file (file.c)
 *         parcel: the Welcome, cut for one device, the file's name and key, or the contents. Sealed to the key package
 *         that the Welcome is for, kept and appended again until the device has spoken in the group
 *   in    parts are joined in memory, a file is fetched (fetch.c), the Welcome opened against its tree. Where the
 *         inbox is read from after a restart stays before the first part of a parcel that is not done
 */
#include <string.h>

#include "talk/access.h"
#include "talk/marks.h"
#include "talk/state.h"

/* Parcels that are coming at once: one for each group, of a phone that was away for long. */
#define COMING_MAX 4096

/* What contents have for each device beside its key package, taken high: a leaf and a parent node with X-Wing's keys. */
#define CONTENTS_LEAF_LEN 3000
#define CONTENTS_REST_LEN 65536

_Static_assert(TALK_PARCEL_PARTS_MAX *TALK_PART_MAX > TALK_WELCOME_MAX + TALK_INLINE_MAX + 4096,
	       "a parcel has room for what is in it");

/* Not less than contents would have with so many more. */
static size_t contents_len(const struct talk *talk, size_t adds)
{
	size_t members = mls_group_member_count(talk->everyone->mls);

	return CONTENTS_REST_LEN + (members + adds) * CONTENTS_LEAF_LEN +
	       ledger_entries_len(talk->ledger) + 4 * ledger_length(talk->ledger) +
	       talk->packages_len;
}

bool talk_parcel_fits(const struct talk *talk)
{
	return contents_len(talk, 1) <= TALK_FILE_MAX;
}

size_t talk_adds_max(const struct talk *talk, size_t wanted)
{
	size_t len = contents_len(talk, 1);
	size_t room;

	if (len > TALK_FILE_MAX)
		return 0;
	room = 1 + (TALK_FILE_MAX - len) / CONTENTS_LEAF_LEN;
	return room < wanted ? room : wanted;
}

static enum sotto_err parts_seal(struct talk *talk, struct bytes init_key, const uint8_t *drop_name,
				 struct bytes parcel, struct talk_sent_parcel *sent)
{
	struct talk_part part = {.version = TALK_VERSION};
	struct talk_blob encoded = {0};
	size_t count = talk_part_count(parcel.len);
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(count > TALK_PARCEL_PARTS_MAX, SOTTO_ERR_LIMIT);
	TRY(random_fill(talk->random, part.id, sizeof(part.id)));
	TRY(talk_records_make(talk, &sent->records, count));
	part.count = (uint16_t)count;
	for (size_t i = 0; i < count; i++) {
		part.number = (uint16_t)i;
		part.bytes = talk_part_bytes(parcel, i);
		TRY(talk_encode(talk, &talk_part_type, &part, &encoded));
		TRY(talk_box_seal(talk, init_key, drop_name, talk_blob_bytes(&encoded),
				  &sent->records.items[i]));
	}
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

/* The inbox that the device reads now: where it landed, if this brings it into the network. */
static void destination(const struct talk *talk, const struct ledger_device *device,
			const struct talk_kept_welcomed *welcomed, struct talk_drop *drop)
{
	static const uint8_t regular[WIRE_TOKEN_LEN] = {0};

	talk_inbox_of(talk_access_first(talk), device->key, device->inbox_read, drop);
	if (memcmp(welcomed->landing_append, regular, sizeof(regular)) == 0)
		return;
	memcpy(drop->append_token, welcomed->landing_append, WIRE_TOKEN_LEN);
	wire_append_token_hash(drop->append_token, drop->append_hash);
	talk_drop_name(drop);
}

static enum sotto_err parcel_erase(struct talk *talk, struct talk_sent_parcel *sent)
{
	enum sotto_err err =
		store_batch_delete(&talk->batch, TALK_TABLE_PARCEL, BYTES_NONE, sent->number);

	talk_parcel_free(talk, sent);
	return err;
}

/* Of several for one device the newest leads on. */
static enum sotto_err parcel_replace(struct talk *talk, const struct talk_group *group,
				     const uint8_t *key)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);

		if (sent->group == group->number &&
		    memcmp(sent->device_key, key, LEDGER_KEY_LEN) == 0)
			TRY(parcel_erase(talk, sent));
	}
out:
	return err;
}

static enum sotto_err parcel_send(struct talk *talk, struct talk_group *group,
				  const struct ledger_device *device,
				  const struct talk_kept_welcomed *welcomed, uint64_t file,
				  struct bytes parcel)
{
	struct talk_sent_parcel *sent = NULL;
	struct talk_drop drop;
	enum sotto_err err = SOTTO_OK;

	destination(talk, device, welcomed, &drop);
	TRY(parcel_replace(talk, group, device->key));
	sent = talk_take(talk, sizeof(*sent));
	if (sent == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&sent->list);
	sent->epoch = group->drops[0].epoch;
	sent->file = file;
	memcpy(sent->device_key, device->key, LEDGER_KEY_LEN);
	memcpy(sent->append_token, drop.append_token, WIRE_TOKEN_LEN);
	memcpy(sent->read_hash, drop.read_hash, WIRE_HASH_LEN);
	sent->group = group->number;
	sent->number = talk_number(talk);
	sent->dirty = true;
	FAIL_IF(welcomed->init_key_len > TALK_INIT_KEY_MAX, SOTTO_ERR_CORRUPT);
	TRY(parts_seal(talk, BYTES(welcomed->init_key, welcomed->init_key_len), drop.name, parcel,
		       sent));
	list_append(&talk->parcels, &sent->list);
	sent = NULL;
out:
	if (sent != NULL)
		talk_parcel_free(talk, sent);
	bytes_wipe(&drop, sizeof(drop));
	return err;
}

/* What a newcomer needs beside the Welcome: all entries, and how to add each device. */
static enum sotto_err roster_put(struct talk *talk, struct talk_contents *contents,
				 struct talk_entry **entries, struct talk_key_package **packages,
				 size_t *package_room)
{
	size_t count = 0;

	list_for_each (element, following, &talk->packages)
		(*package_room)++;
	*entries = talk_take(talk, ledger_length(talk->ledger) * sizeof(**entries));
	*packages = talk_take(talk, *package_room * sizeof(**packages));
	if (*entries == NULL || *packages == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (uint64_t i = 0; i < ledger_length(talk->ledger); i++)
		(*entries)[i].entry = ledger_entry_bytes(talk->ledger, i);
	list_for_each (element, following, &talk->packages) {
		struct talk_package *package = CONTAINER_OF(element, struct talk_package, list);

		/* Only the newest of each, and of nobody who is out. */
		if (talk_package_of(talk, package->device_key) == package &&
		    ledger_allows_leaf(talk->ledger, package->device_key, false))
			(*packages)[count++].message = talk_blob_bytes(&package->message);
	}
	contents->entries.items = *entries;
	contents->entries.count = ledger_length(talk->ledger);
	contents->key_packages.items = *packages;
	contents->key_packages.count = count;
	return SOTTO_OK;
}

/* All but the Welcome is the same for all of them. */
static enum sotto_err parcels_send(struct talk *talk, struct talk_group *group,
				   struct talk_parcel *parcel, uint64_t file)
{
	struct bytes welcome = mls_buffer_bytes(&group->welcome);
	struct mls_buffer one = {0};
	struct talk_blob encoded = {0};
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < group->welcomed_count; i++) {
		const struct talk_kept_welcomed *welcomed = &group->welcomed[i];
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, welcomed->key);

		if (device == NULL)
			continue;
		mls_buffer_release(&one);
		TRY(mls_welcome_for(talk->allocator, welcome,
				    BYTES(welcomed->package_ref, mls_suite_hash_len(talk->suite)),
				    &one));
		parcel->welcome = mls_buffer_bytes(&one);
		err = talk_encode(talk, &talk_parcel_type, parcel, &encoded);
		/* Whom it was for stays out, which is no reason for us to stop. */
		if (err == SOTTO_ERR_LIMIT)
			continue;
		TRY(err);
		TRY(parcel_send(talk, group, device, welcomed, file, talk_blob_bytes(&encoded)));
	}
	err = SOTTO_OK;
out:
	mls_buffer_release(&one);
	talk_blob_clear(talk, &encoded);
	return err;
}

static enum sotto_err contents_send(struct talk *talk, struct talk_group *group,
				    struct bytes contents)
{
	struct talk_parcel parcel = {.version = TALK_VERSION, .stated_ms = talk->utc_ms};
	struct talk_file file = {0};
	uint64_t number = 0;
	enum sotto_err err = SOTTO_OK;

	if (group->kind == TALK_EVERYONE) {
		parcel.access.items = talk->access;
		parcel.access.count = talk->access_count;
	}
	if (contents.len <= TALK_INLINE_MAX) {
		parcel.contents = contents;
	} else {
		TRY(talk_file_make(talk, contents, &file, &number));
		parcel.file.items = &file;
		parcel.file.count = 1;
	}
	err = parcels_send(talk, group, &parcel, number);
out:
	bytes_wipe(&file, sizeof(file));
	return err;
}

enum sotto_err talk_parcels_make(struct talk *talk, struct talk_group *group)
{
	struct talk_contents contents = {.version = TALK_VERSION};
	struct talk_entry *entries = NULL;
	struct talk_key_package *packages = NULL;
	size_t package_room = 0;
	struct mls_buffer tree = {0};
	struct talk_blob encoded = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(mls_group_tree(group->mls, &tree));
	contents.tree = mls_buffer_bytes(&tree);
	TRY(talk_branch_note(talk, group));
	contents.marks.items = group->branch.marks;
	contents.marks.count = group->branch.count;
	if (group->kind == TALK_EVERYONE)
		TRY(roster_put(talk, &contents, &entries, &packages, &package_room));
	err = talk_encode(talk, &talk_contents_type, &contents, &encoded);
	if (err == SOTTO_OK)
		err = contents_send(talk, group, talk_blob_bytes(&encoded));
	/* Those whom it was for stay out, which is no reason for us to stop. */
	if (err == SOTTO_ERR_LIMIT)
		err = SOTTO_OK;
out:
	mls_buffer_release(&tree);
	talk_give(talk, entries, ledger_length(talk->ledger) * sizeof(*entries));
	talk_give(talk, packages, package_room * sizeof(*packages));
	talk_blob_clear(talk, &encoded);
	return err;
}

/* One record at a time, so that they stand in order. */
enum sotto_err talk_parcels_work(struct talk *talk)
{
	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);
		struct talk_asked *asked;
		enum sotto_err err;

		/* Who was taken out before it came has no use for it. */
		if (!ledger_allows_leaf(talk->ledger, sent->device_key, false)) {
			err = parcel_erase(talk, sent);
			if (err != SOTTO_OK)
				return err;
			continue;
		}
		/* Who reads it finds its file. */
		if (!talk_file_there(talk, sent->file))
			continue;
		err = talk_records_append(talk, TALK_ASK_APPEND_PARCEL, sent->append_token,
					  sent->read_hash, WIRE_DROP_INBOX | WIRE_DROP_CATCH_UP,
					  &sent->records, &asked);
		if (err != SOTTO_OK)
			return err;
		if (asked != NULL)
			asked->number = sent->number;
	}
	return SOTTO_OK;
}

/* The device has spoken in the group: it is there. */
enum sotto_err talk_parcel_done(struct talk *talk, const struct talk_group *group,
				const uint8_t *key, uint64_t epoch)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);

		if (sent->group == group->number && epoch >= sent->epoch &&
		    memcmp(sent->device_key, key, LEDGER_KEY_LEN) == 0)
			TRY(parcel_erase(talk, sent));
	}
out:
	return err;
}

enum sotto_err talk_parcels_drop(struct talk *talk, const struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);

		if (sent->group == group->number)
			TRY(parcel_erase(talk, sent));
	}
out:
	return err;
}

enum sotto_err talk_parcels_settle(struct talk *talk, const struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);
		struct mls_member member;

		if (sent->group == group->number &&
		    mls_group_find_member(group->mls, BYTES_OF(sent->device_key), &member) !=
			    SOTTO_OK)
			TRY(parcel_erase(talk, sent));
	}
out:
	return err;
}

/* SOTTO_ERR_LIMIT: too many at once. */
static enum sotto_err coming_find(struct talk *talk, const struct talk_part *part,
				  struct talk_coming **coming)
{
	size_t count = 0;

	*coming = talk_coming_find(&talk->coming, part->id);
	if (*coming != NULL)
		return SOTTO_OK;
	list_for_each (element, following, &talk->coming)
		count++;
	if (count == COMING_MAX)
		return SOTTO_ERR_LIMIT;
	return talk_coming_make(talk, &talk->coming, part, coming);
}

static bool is_everyone(const struct talk *talk, const struct mls_group *mls)
{
	struct mls_context context;

	mls_group_context(mls, &context);
	return bytes_equal(context.group_id, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN));
}

enum sotto_err talk_contents_get(struct talk *talk, struct talk_coming *coming,
				 const struct talk_parcel *parcel, struct talk_blob *fetched,
				 struct talk_contents *contents)
{
	struct wire_cursor cursor = wire_list_walk(&parcel->file);
	struct bytes bytes = parcel->contents;
	struct talk_contents decoded;
	struct talk_file file = {0};
	enum sotto_err err = SOTTO_OK;

	FAIL_IF((bytes.len == 0) != (parcel->file.count == 1), SOTTO_ERR_INVALID);
	if (wire_list_next(&cursor, &talk_file_type, &file)) {
		err = talk_fetch_file(talk, coming, &file, fetched);
		/* Looked for in vain, and nobody keeps it any more. */
		if (err == SOTTO_ERR_AGAIN && coming->tries > 0 &&
		    talk->utc_ms > parcel->stated_ms + talk->retention_ms)
			err = SOTTO_ERR_INVALID;
		TRY(err);
		bytes = talk_blob_bytes(fetched);
	}
	TRY(wire_decode(&talk_contents_type, bytes, &decoded));
	FAIL_IF(decoded.version != TALK_VERSION, SOTTO_ERR_INVALID);
	*contents = decoded;
out:
	bytes_wipe(&file, sizeof(file));
	return err;
}

/* Room for this one: those that wait longest are opened again when their turn comes. */
static void waiting_close(const struct talk *talk, const struct talk_coming *newest)
{
	size_t sum = 0;

	list_for_each (element, following, &talk->coming)
		sum += CONTAINER_OF(element, struct talk_coming, list)->weight;
	list_for_each (element, following, &talk->coming) {
		struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		if (sum <= TALK_WAITING_BYTES || coming == newest)
			return;
		if (coming->mls == NULL)
			continue;
		sum -= coming->weight;
		coming->weight = 0;
		mls_group_destroy(coming->mls);
		coming->mls = NULL;
		talk_fetch_wait(talk, coming);
	}
}

/* What is in it, and where its Welcome leads, if that is not known yet. */
static enum sotto_err parcel_open(struct talk *talk, struct talk_coming *coming,
				  struct talk_blob *whole, struct talk_blob *fetched,
				  struct talk_parcel *parcel, struct talk_contents *contents)
{
	enum sotto_err err = SOTTO_OK;

	TRY(talk_coming_join(talk, coming, 0, whole));
	TRY(wire_decode(&talk_parcel_type, talk_blob_bytes(whole), parcel));
	TRY(talk_contents_get(talk, coming, parcel, fetched, contents));
	TRY(talk_branch_take(talk, &coming->branch, &contents->marks));
	coming->stated_ms = parcel->stated_ms;
	if (coming->mls != NULL)
		goto out;
	TRY(talk_welcome_join(talk, parcel->welcome, contents->tree, &coming->mls));
	coming->agreed = talk->agreed;
	coming->weight = contents->tree.len;
	waiting_close(talk, coming);
out:
	return err;
}

/* A member's parcel. Its Welcome is opened once, and then waits until its group or the ledger is so far. */
static enum sotto_err parcel_take(struct talk *talk, struct talk_coming *coming)
{
	struct talk_blob whole = {0}, fetched = {0};
	struct talk_parcel parcel;
	struct talk_contents contents;
	enum sotto_err err = SOTTO_OK;

	/* A file is not read again for nothing. */
	if (coming->mls != NULL && is_everyone(talk, coming->mls))
		TRY(talk_back_awaited(talk, talk->everyone, coming->mls, &coming->branch));
	if (coming->mls == NULL || is_everyone(talk, coming->mls))
		TRY(parcel_open(talk, coming, &whole, &fetched, &parcel, &contents));
	if (is_everyone(talk, coming->mls))
		err = talk_back_everyone(talk, &parcel, &contents, coming);
	else if (talk->everyone->drops[0].at_end)
		err = talk_conversation_join(talk, &coming->mls, &coming->branch,
					     coming->stated_ms);
	else
		err = SOTTO_ERR_AGAIN;
out:
	talk_blob_clear(talk, &fetched);
	talk_blob_clear(talk, &whole);
	return err;
}

static enum sotto_err joiner_take(struct talk *talk, struct talk_coming *coming)
{
	struct talk_blob whole = {0}, fetched = {0};
	struct talk_parcel parcel;
	struct talk_contents contents;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_coming_join(talk, coming, 0, &whole));
	TRY(wire_decode(&talk_parcel_type, talk_blob_bytes(&whole), &parcel));
	TRY(talk_contents_get(talk, coming, &parcel, &fetched, &contents));
	TRY(talk_branch_take(talk, &coming->branch, &contents.marks));
	TRY(talk_join_parcel(talk, &parcel, &contents));
	talk_branch_enter(talk, talk->everyone, &coming->branch);
out:
	talk_blob_clear(talk, &fetched);
	talk_blob_clear(talk, &whole);
	return err;
}

/* Complete parcels; one that must wait stays. */
enum sotto_err talk_coming_work(struct talk *talk)
{
	list_for_each (element, following, &talk->coming) {
		struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);
		bool joining = talk->state == TALK_JOINING;
		enum sotto_err err;

		if (coming->have < coming->count || (!joining && talk->everyone == NULL))
			continue;
		err = joining ? joiner_take(talk, coming) : parcel_take(talk, coming);
		if (err == SOTTO_ERR_NO_MEMORY || err == SOTTO_ERR_RANDOM)
			return err;
		if (err != SOTTO_ERR_AGAIN) {
			err = talk_fetch_end(talk, coming);
			if (err != SOTTO_OK)
				return err;
			talk_coming_free(talk, coming);
			talk->dirty = true;
		}
		if (joining && talk->state == TALK_MEMBER)
			break;
	}
	return SOTTO_OK;
}

enum sotto_err talk_inbox_receive(struct talk *talk, struct bytes record)
{
	struct talk_blob opened = {0};
	struct talk_coming *coming;
	struct talk_part part;
	enum sotto_err err = talk_box_open(talk, talk->inbox.name, record, &opened);

	talk->dirty = true;
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
	if (opened.len > 0 && opened.data[0] == TALK_LETTER_FORM) {
		err = talk_letter_receive(talk, talk_blob_bytes(&opened));
		goto out;
	}
	if (opened.len > 0 && opened.data[0] == TALK_MARKS_FORM) {
		err = talk_read_marks_receive(talk, talk_blob_bytes(&opened));
		goto out;
	}
	if (wire_decode(&talk_part_type, talk_blob_bytes(&opened), &part) != SOTTO_OK ||
	    !talk_part_fits(&part, TALK_PARCEL_PARTS_MAX))
		goto out;
	err = coming_find(talk, &part, &coming);
	if (err == SOTTO_OK)
		err = talk_coming_put(talk, coming, &part, 0);
	if (err != SOTTO_ERR_NO_MEMORY)
		err = SOTTO_OK;
out:
	talk_blob_clear(talk, &opened);
	return err;
}
