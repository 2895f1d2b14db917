/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed file: bytes that several devices are to have, once and in a drop of its own. Who has its name, key and
 * hash, which stand in the parcels of those devices alone, can read it; nobody but its maker can append to it, and
 * nobody can trim it.
 *
 *   bytes --> parts (the first one short) --seal, random key--> records, stored --append in order--> there
 *                                                                 |
 *                                 a new link: the first one again; the relay says how many there are
 *
 * Bytes stay the same when they are sent again. So a relay that has all says so at the first part, and one that lost
 * them gets all. A file that no parcel names any more is forgotten here; at the relay its time ends like that of any
 * record.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "talk/file.h"
#include "talk/state.h"

_Static_assert(TALK_FILE_PARTS_MAX *(WIRE_RECORD_LEN_64 + 4) + 4096 <= STORE_VALUE_LEN_MAX,
	       "a file fits a row");

size_t talk_file_part_count(size_t len)
{
	return len <= TALK_FILE_FIRST ? 1 : 1 + talk_part_count(len - TALK_FILE_FIRST);
}

static struct bytes part_bytes(struct bytes whole, size_t number)
{
	size_t first = whole.len < TALK_FILE_FIRST ? whole.len : TALK_FILE_FIRST;

	if (number == 0)
		return BYTES(whole.data, first);
	return talk_part_bytes(BYTES(whole.data + first, whole.len - first), number - 1);
}

static enum sotto_err parts_seal(struct talk *talk, const struct talk_drop *drop,
				 const struct talk_file *file, struct bytes bytes,
				 struct talk_records *records)
{
	struct talk_part part = {.version = TALK_VERSION};
	struct talk_blob encoded = {0};
	size_t count = talk_file_part_count(bytes.len);
	enum sotto_err err = SOTTO_OK;

	ASSERT(count <= TALK_FILE_PARTS_MAX);
	TRY(talk_records_make(talk, records, count));
	memcpy(part.id, file->hash, sizeof(part.id));
	part.count = (uint16_t)count;
	for (; part.number < part.count; part.number++) {
		part.bytes = part_bytes(bytes, part.number);
		TRY(talk_encode(talk, &talk_part_type, &part, &encoded));
		TRY(talk_record_seal(talk, drop, talk_blob_bytes(&encoded),
				     &records->items[part.number]));
	}
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

enum sotto_err talk_file_make(struct talk *talk, struct bytes bytes, struct talk_file *file,
			      uint64_t *number)
{
	struct talk_drop drop = {.flags = WIRE_DROP_FILE};
	struct talk_sent_file *sent = NULL;
	struct talk_file made = {0};
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(bytes.len == 0 || bytes.len > TALK_FILE_MAX, SOTTO_ERR_LIMIT);
	sent = talk_take(talk, sizeof(*sent));
	FAIL_IF(sent == NULL, SOTTO_ERR_NO_MEMORY);
	list_init(&sent->list);
	TRY(random_fill(talk->random, drop.append_token, sizeof(drop.append_token)));
	TRY(random_fill(talk->random, drop.read_token, sizeof(drop.read_token)));
	TRY(random_fill(talk->random, drop.record_key, sizeof(drop.record_key)));
	wire_append_token_hash(drop.append_token, drop.append_hash);
	wire_read_token_hash(drop.read_token, drop.read_hash);
	talk_drop_name(&drop);
	memcpy(made.append_token_hash, drop.append_hash, WIRE_HASH_LEN);
	memcpy(made.read_token, drop.read_token, WIRE_TOKEN_LEN);
	memcpy(made.record_key, drop.record_key, WIRE_KEY_LEN);
	hash_digest(HASH_SHA256, bytes, made.hash);
	made.length = (uint32_t)bytes.len;
	TRY(parts_seal(talk, &drop, &made, bytes, &sent->records));
	memcpy(sent->append_token, drop.append_token, WIRE_TOKEN_LEN);
	memcpy(sent->read_hash, drop.read_hash, WIRE_HASH_LEN);
	sent->number = talk_number(talk);
	sent->dirty = true;
	list_append(&talk->files, &sent->list);
	*number = sent->number;
	*file = made;
	sent = NULL;
out:
	if (sent != NULL)
		talk_file_free(talk, sent);
	bytes_wipe(&made, sizeof(made));
	bytes_wipe(&drop, sizeof(drop));
	return err;
}

void talk_file_free(struct talk *talk, struct talk_sent_file *sent)
{
	list_remove(&sent->list);
	talk_records_clear(talk, &sent->records);
	talk_give(talk, sent, sizeof(*sent));
}

static struct talk_sent_file *file_find(const struct talk *talk, uint64_t number)
{
	list_for_each (element, following, &talk->files) {
		struct talk_sent_file *sent = CONTAINER_OF(element, struct talk_sent_file, list);

		if (sent->number == number)
			return sent;
	}
	return NULL;
}

bool talk_file_there(const struct talk *talk, uint64_t number)
{
	const struct talk_sent_file *sent = file_find(talk, number);

	return sent == NULL || sent->records.stored == sent->records.count;
}

static bool named(const struct talk *talk, const struct talk_sent_file *sent)
{
	list_for_each (element, following, &talk->parcels) {
		if (CONTAINER_OF(element, struct talk_sent_parcel, list)->file == sent->number)
			return true;
	}
	return false;
}

enum sotto_err talk_files_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->files) {
		struct talk_sent_file *sent = CONTAINER_OF(element, struct talk_sent_file, list);
		struct talk_asked *asked;

		if (!named(talk, sent)) {
			TRY(store_batch_delete(&talk->batch, TALK_TABLE_PARCEL, TALK_OWNER_FILE,
					       sent->number));
			talk_file_free(talk, sent);
			continue;
		}
		TRY(talk_records_append(talk, TALK_ASK_APPEND_FILE, sent->append_token,
					sent->read_hash, WIRE_DROP_FILE, &sent->records, &asked));
		if (asked != NULL)
			asked->number = sent->number;
	}
out:
	return err;
}

/* Only we append there, in order: what stands behind the first one is what we put there. */
void talk_file_appended(struct talk *talk, const struct talk_asked *asked,
			const struct wire_appended *appended)
{
	struct talk_sent_file *sent = file_find(talk, asked->number);
	struct wire_placed first;
	struct wire_cursor cursor;
	uint64_t there = 0;

	if (sent == NULL || sent->records.ticket != asked->ticket)
		return;
	sent->records.ticket = 0;
	sent->records.stored++;
	cursor = wire_list_walk(&appended->placed);
	if (sent->records.stored == 1 && wire_list_next(&cursor, &wire_placed_type, &first) &&
	    first.sequence <= appended->end_sequence)
		there = appended->end_sequence - first.sequence + 1;
	if (there > 1 && there <= sent->records.count)
		sent->records.stored = (size_t)there;
}

void talk_files_end(struct talk *talk, uint64_t ticket)
{
	list_for_each (element, following, &talk->files) {
		struct talk_sent_file *sent = CONTAINER_OF(element, struct talk_sent_file, list);

		if (sent->records.ticket == ticket)
			sent->records.ticket = 0;
	}
}

void talk_files_unlink(struct talk *talk)
{
	list_for_each (element, following, &talk->files) {
		struct talk_sent_file *sent = CONTAINER_OF(element, struct talk_sent_file, list);

		sent->records.ticket = 0;
		sent->records.stored = 0;
	}
}
