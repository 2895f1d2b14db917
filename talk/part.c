/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does not fit into one record travels in parts. Parcels have an inbox of their own (inbox.c). A commit
 * has its place in the order of everybody's drop, and nobody may spoil it:
 *
 *   part 0     hashes of the parts that follow; the id is the hash of these
 *   part n     bytes, as the hash says
 *
 * So nobody can put another part in the place of one, and what has all parts is whole. It stands in the
 * order where its last part stands. Which messages are given up unfinished follows from the drop alone and
 * is the same on every phone: of more than TALK_UNFINISHED_MAX the one that began first. Parts are stored as
 * they come, so that no record is read twice.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/state.h"

/* A message in parts of ours was given up, as there were too many at once: it waits at most so long. */
#define PARTS_WAIT_MS 8192

/* The first byte of a part; an MLSMessage begins with 0. */
bool talk_is_part(struct bytes content)
{
	return content.len > 0 && content.data[0] == TALK_VERSION;
}

size_t talk_part_count(size_t len)
{
	return (len + TALK_PART_MAX - 1) / TALK_PART_MAX;
}

bool talk_part_fits(const struct talk_part *part, size_t most)
{
	return part->version == TALK_VERSION && part->count <= most && part->number < part->count &&
	       part->bytes.len > 0;
}

struct bytes talk_part_bytes(struct bytes whole, size_t number)
{
	size_t from = number * TALK_PART_MAX;
	size_t left = whole.len - from;

	return BYTES(whole.data + from, left < TALK_PART_MAX ? left : TALK_PART_MAX);
}

/* ---- Putting together ---- */

struct talk_coming *talk_coming_find(struct list *list, const uint8_t *id)
{
	list_for_each (element, following, list) {
		struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		if (memcmp(coming->id, id, sizeof(coming->id)) == 0)
			return coming;
	}
	return NULL;
}

enum sotto_err talk_coming_make(struct talk *talk, struct list *list, const struct talk_part *part,
				struct talk_coming **coming)
{
	struct talk_coming *made = talk_take(talk, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->parts = talk_take(talk, part->count * sizeof(*made->parts));
	if (made->parts == NULL) {
		talk_give(talk, made, sizeof(*made));
		return SOTTO_ERR_NO_MEMORY;
	}
	made->count = part->count;
	memcpy(made->id, part->id, sizeof(made->id));
	list_append(list, &made->list);
	*coming = made;
	return SOTTO_OK;
}

/* The first of its number counts. SOTTO_ERR_INVALID: it does not belong to the others. */
enum sotto_err talk_coming_put(struct talk *talk, struct talk_coming *coming,
			       const struct talk_part *part, uint64_t row)
{
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(part->count != coming->count || part->number >= coming->count ||
			part->bytes.len == 0 || coming->parts[part->number].bytes.data != NULL,
		SOTTO_ERR_INVALID);
	TRY(talk_blob_set(talk, &coming->parts[part->number].bytes, part->bytes));
	coming->parts[part->number].row = row;
	coming->have++;
out:
	return err;
}

enum sotto_err talk_coming_join(struct talk *talk, const struct talk_coming *coming, uint16_t first,
				struct talk_blob *whole)
{
	struct talk_blob made = {0};
	size_t at = 0;

	for (uint16_t i = first; i < coming->count; i++)
		made.len += coming->parts[i].bytes.len;
	made.data = talk_take(talk, made.len);
	if (made.data == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (uint16_t i = first; i < coming->count; i++) {
		memcpy(made.data + at, coming->parts[i].bytes.data, coming->parts[i].bytes.len);
		at += coming->parts[i].bytes.len;
	}
	talk_blob_clear(talk, whole);
	*whole = made;
	return SOTTO_OK;
}

/* ---- Cutting ---- */

static void id_of(struct bytes hashes, uint8_t *id)
{
	uint8_t digest[WIRE_HASH_LEN];
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto parts 1"));
	hash_update(&hash, hashes);
	hash_final(&hash, digest);
	memcpy(id, digest, TALK_MESSAGE_ID_LEN);
}

static enum sotto_err part_seal(struct talk *talk, const struct talk_drop *drop,
				struct talk_part *part, struct bytes bytes,
				struct talk_records *records)
{
	struct talk_blob encoded = {0};
	enum sotto_err err = SOTTO_OK;

	part->bytes = bytes;
	TRY(talk_encode(talk, &talk_part_type, part, &encoded));
	TRY(talk_record_seal(talk, drop, talk_blob_bytes(&encoded), &records->items[part->number]));
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

static enum sotto_err parts_seal(struct talk *talk, const struct talk_drop *drop,
				 struct bytes message, struct talk_records *records)
{
	uint8_t hashes[TALK_MESSAGE_PARTS_MAX * WIRE_HASH_LEN];
	struct talk_part part = {.version = TALK_VERSION};
	size_t count = talk_part_count(message.len);
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(count > TALK_MESSAGE_PARTS_MAX, SOTTO_ERR_LIMIT);
	for (size_t i = 0; i < count; i++)
		hash_digest(HASH_SHA256, talk_part_bytes(message, i), hashes + i * WIRE_HASH_LEN);
	id_of(BYTES(hashes, count * WIRE_HASH_LEN), part.id);
	part.count = (uint16_t)(count + 1);
	TRY(talk_records_make(talk, records, part.count));
	TRY(part_seal(talk, drop, &part, BYTES(hashes, count * WIRE_HASH_LEN), records));
	for (part.number = 1; part.number < part.count; part.number++)
		TRY(part_seal(talk, drop, &part, talk_part_bytes(message, part.number - 1U),
			      records));
	memcpy(records->id, part.id, sizeof(records->id));
out:
	return err;
}

/* What came back in one piece is known by its hash, what came back in parts by their id. */
enum sotto_err talk_records_own(const struct talk *talk, struct talk_drop *drop,
				const struct talk_records *records, const struct talk_out *out)
{
	uint64_t serial = out != NULL ? out->serial : 0;

	if (records->count > 1)
		return out != NULL ? talk_own_add(talk, drop, BYTES_OF(records->id), serial)
				   : SOTTO_OK;
	return records->count == 1
		       ? talk_own_add(talk, drop, talk_blob_bytes(&records->items[0]), serial)
		       : SOTTO_OK;
}

enum sotto_err talk_message_seal(struct talk *talk, struct talk_drop *drop, struct bytes message,
				 const struct talk_out *out, struct talk_records *records)
{
	struct talk_records made = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(talk_records_make(talk, &made, 1));
	err = talk_record_seal(talk, drop, message, &made.items[0]);
	if (err == SOTTO_ERR_LIMIT)
		err = parts_seal(talk, drop, message, &made);
	if (err != SOTTO_OK)
		goto out;
	TRY(talk_records_own(talk, drop, &made, out));
	made.dirty = true;
	talk_records_clear(talk, records);
	*records = made;
	made = (struct talk_records){0};
out:
	talk_records_clear(talk, &made);
	return err;
}

/* ---- In a conversation's drop ---- */

static enum sotto_err rows_erase(struct talk *talk, const struct talk_group *group,
				 const struct talk_coming *coming)
{
	uint8_t owner[8];
	enum sotto_err err = SOTTO_OK;

	talk_group_owner(group, owner);
	for (uint16_t i = 0; i < coming->count; i++) {
		if (coming->parts[i].bytes.data != NULL)
			TRY(store_batch_delete(&talk->batch, TALK_TABLE_PART, BYTES_OF(owner),
					       coming->parts[i].row));
	}
out:
	return err;
}

enum sotto_err talk_parts_forget(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->coming) {
		struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		TRY(rows_erase(talk, group, coming));
		talk_coming_free(talk, coming);
	}
out:
	return err;
}

/* The same parts in other records: the relay knows the ones that it has. */
static enum sotto_err pending_seal_again(struct talk *talk, struct talk_group *group)
{
	struct talk_drop *drop = &group->drops[0];
	struct talk_records *pending = &group->pending;
	struct talk_blob content = {0};
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < pending->count; i++) {
		struct talk_blob *record = &pending->items[i];

		TRY(talk_record_open(talk, drop, talk_blob_bytes(record), &content));
		TRY(talk_record_seal(talk, drop, talk_blob_bytes(&content), record));
	}
	pending->stored = 0;
	pending->ticket = 0;
	pending->dirty = group->dirty = true;
out:
	talk_blob_clear(talk, &content);
	return err;
}

/* A message of ours was given up: it is sealed anew, after a while. */
static enum sotto_err out_again(struct talk *talk, struct talk_group *group, const uint8_t *id)
{
	uint8_t wait[2];
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->records.count < 2 ||
		    memcmp(out->records.id, id, sizeof(out->records.id)) != 0)
			continue;
		talk_out_unseal(talk, out);
		/* Not at once and not all together, or they would push each other out for good. */
		TRY(random_fill(talk->random, wait, sizeof(wait)));
		group->parts_due_ns =
			talk->now_ns +
			((uint64_t)(wait[0] << 8 | wait[1]) % PARTS_WAIT_MS) * TALK_MS;
	}
out:
	return err;
}

/* Room for one more. */
static enum sotto_err oldest_give_up(struct talk *talk, struct talk_group *group)
{
	struct talk_coming *oldest = NULL;
	size_t count = 0;
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->coming) {
		if (count++ == 0)
			oldest = CONTAINER_OF(element, struct talk_coming, list);
	}
	if (count < TALK_UNFINISHED_MAX)
		return SOTTO_OK;
	TRY(rows_erase(talk, group, oldest));
	if (group->pending.count > 1 &&
	    memcmp(group->pending.id, oldest->id, sizeof(oldest->id)) == 0)
		TRY(pending_seal_again(talk, group));
	TRY(out_again(talk, group, oldest->id));
	talk_coming_free(talk, oldest);
out:
	return err;
}

/* Part 0: does the id say what follows? */
static bool list_fits(const struct talk_part *part)
{
	uint8_t id[TALK_MESSAGE_ID_LEN];

	if (part->count < 2 || part->count > TALK_MESSAGE_PARTS_MAX + 1 ||
	    part->bytes.len != (part->count - 1U) * WIRE_HASH_LEN)
		return false;
	id_of(part->bytes, id);
	return memcmp(id, part->id, sizeof(id)) == 0;
}

/* A later part: is it the one that part 0 announced? */
static bool part_fits(const struct talk_coming *coming, const struct talk_part *part)
{
	uint8_t digest[WIRE_HASH_LEN];

	if (part->number >= coming->count)
		return false;
	hash_digest(HASH_SHA256, part->bytes, digest);
	return memcmp(coming->parts[0].bytes.data + (part->number - 1U) * WIRE_HASH_LEN, digest,
		      sizeof(digest)) == 0;
}

/* SOTTO_ERR_INVALID: it counts for nobody. */
static enum sotto_err part_take(struct talk *talk, struct talk_group *group,
				const struct talk_part *part, uint64_t row,
				struct talk_coming **coming)
{
	struct talk_coming *known = talk_coming_find(&group->coming, part->id);
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(part->version != TALK_VERSION || (known == NULL) != (part->number == 0),
		SOTTO_ERR_INVALID);
	if (known == NULL) {
		FAIL_IF(!list_fits(part), SOTTO_ERR_INVALID);
		TRY(oldest_give_up(talk, group));
		TRY(talk_coming_make(talk, &group->coming, part, &known));
	} else {
		FAIL_IF(!part_fits(known, part), SOTTO_ERR_INVALID);
	}
	TRY(talk_coming_put(talk, known, part, row));
	*coming = known;
out:
	return err;
}

enum sotto_err talk_part_receive(struct talk *talk, struct talk_group *group, struct bytes content,
				 struct talk_blob *whole, uint8_t *id)
{
	uint64_t row = group->drops[0].sequence;
	struct talk_coming *coming;
	struct talk_part part;
	uint8_t owner[8];
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_part_type, content, &part) != SOTTO_OK)
		return SOTTO_OK;
	err = part_take(talk, group, &part, row, &coming);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_INVALID ? SOTTO_OK : err;
	talk_group_owner(group, owner);
	TRY(store_batch_put(&talk->batch, TALK_TABLE_PART, BYTES_OF(owner), row, content,
			    STORE_ERASABLE));
	if (coming->have < coming->count)
		goto out;
	TRY(talk_coming_join(talk, coming, 1, whole));
	memcpy(id, coming->id, sizeof(coming->id));
	TRY(rows_erase(talk, group, coming));
	talk_coming_free(talk, coming);
out:
	return err;
}

enum sotto_err talk_part_load(struct talk *talk, struct talk_group *group, struct bytes content,
			      uint64_t row)
{
	struct talk_coming *coming;
	struct talk_part part;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(wire_decode(&talk_part_type, content, &part) != SOTTO_OK, SOTTO_ERR_CORRUPT);
	err = part_take(talk, group, &part, row, &coming);
	if (err == SOTTO_ERR_INVALID)
		err = SOTTO_ERR_CORRUPT;
out:
	return err;
}
