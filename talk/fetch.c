/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting the sealed file of a parcel. Nothing of it counts before all of it has the hash that the parcel names, and
 * nothing is stored: after a restart the parcel is read again, and so is its file.
 *
 *   parcel --> drop, key, hash --read to the end--> whole, hash right --> contents
 *                                              \--> not there, or not all: another one's turn, and again after
 *                                                   TALK_FETCH_MS, twice as long each time; on a new link at once
 *
 * One file is read at a time, so that nobody makes this phone keep more than one that is not whole.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/file.h"
#include "talk/state.h"

static struct talk_coming *parts_of(const struct talk_fetch *fetch)
{
	return CONTAINER_OF(fetch->parts.next, struct talk_coming, list);
}

static bool whole(const struct talk_fetch *fetch)
{
	return parts_of(fetch)->have == parts_of(fetch)->count;
}

void talk_fetch_free(struct talk *talk)
{
	if (talk->fetch == NULL)
		return;
	list_for_each (element, following, &talk->fetch->parts)
		talk_coming_free(talk, CONTAINER_OF(element, struct talk_coming, list));
	talk_drop_clear(talk, &talk->fetch->drop);
	bytes_wipe(talk->fetch, sizeof(*talk->fetch));
	talk_give(talk, talk->fetch, sizeof(*talk->fetch));
	talk->fetch = NULL;
}

enum sotto_err talk_fetch_end(struct talk *talk, const struct talk_coming *coming)
{
	enum sotto_err err;

	if (talk->fetch == NULL || memcmp(talk->fetch->parcel, coming->id, sizeof(coming->id)) != 0)
		return SOTTO_OK;
	err = talk_cancel(talk, talk->fetch->drop.ticket);
	talk_fetch_free(talk);
	return err;
}

static enum sotto_err begin(struct talk *talk, const struct talk_coming *coming,
			    const struct talk_file *file)
{
	struct talk_part part = {.count = (uint16_t)talk_file_part_count(file->length)};
	struct talk_fetch *made = talk_take(talk, sizeof(*made));
	struct talk_coming *parts;
	enum sotto_err err;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&made->parts);
	memcpy(part.id, file->hash, sizeof(part.id));
	err = talk_coming_make(talk, &made->parts, &part, &parts);
	if (err != SOTTO_OK) {
		talk_give(talk, made, sizeof(*made));
		return err;
	}
	made->file = *file;
	memcpy(made->parcel, coming->id, sizeof(made->parcel));
	made->drop.flags = WIRE_DROP_FILE;
	memcpy(made->drop.append_hash, file->append_token_hash, WIRE_HASH_LEN);
	memcpy(made->drop.read_token, file->read_token, WIRE_TOKEN_LEN);
	memcpy(made->drop.record_key, file->record_key, WIRE_KEY_LEN);
	wire_read_token_hash(made->drop.read_token, made->drop.read_hash);
	talk_drop_name(&made->drop);
	talk->fetch = made;
	return SOTTO_OK;
}

enum sotto_err talk_fetch_file(struct talk *talk, struct talk_coming *coming,
			       const struct talk_file *file, struct talk_blob *contents)
{
	struct talk_blob joined = {0};
	uint8_t hash[WIRE_HASH_LEN];
	enum sotto_err err = SOTTO_OK;

	if (file->length == 0 || file->length > TALK_FILE_MAX)
		return SOTTO_ERR_INVALID;
	if (coming->due_ns == 0)
		coming->due_ns = talk->now_ns;
	if (talk->fetch == NULL && talk->now_ns >= coming->due_ns)
		TRY(begin(talk, coming, file));
	if (talk->fetch == NULL || !whole(talk->fetch) ||
	    memcmp(talk->fetch->parcel, coming->id, sizeof(coming->id)) != 0)
		return SOTTO_ERR_AGAIN;
	TRY(talk_coming_join(talk, parts_of(talk->fetch), 0, &joined));
	TRY(talk_fetch_end(talk, coming));
	hash_digest(HASH_SHA256, talk_blob_bytes(&joined), hash);
	FAIL_IF(joined.len != file->length || memcmp(hash, file->hash, sizeof(hash)) != 0,
		SOTTO_ERR_INVALID);
	coming->due_ns = 0;
	coming->tries = 0;
	talk_blob_clear(talk, contents);
	*contents = joined;
	joined = (struct talk_blob){0};
out:
	talk_blob_clear(talk, &joined);
	return err;
}

/* What is none of the parts that were announced is nothing to us. */
enum sotto_err talk_fetch_receive(struct talk *talk, struct bytes record)
{
	struct talk_fetch *fetch = talk->fetch;
	struct talk_blob opened = {0};
	struct talk_part part;
	enum sotto_err err = talk_record_open(talk, &fetch->drop, record, &opened);

	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
	if (wire_decode(&talk_part_type, talk_blob_bytes(&opened), &part) == SOTTO_OK &&
	    part.version == TALK_VERSION &&
	    memcmp(part.id, parts_of(fetch)->id, sizeof(part.id)) == 0)
		err = talk_coming_put(talk, parts_of(fetch), &part, 0);
	talk_blob_clear(talk, &opened);
	return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
}

void talk_fetch_restart(struct talk *talk)
{
	struct talk_coming *parts = parts_of(talk->fetch);

	for (uint16_t i = 0; i < parts->count; i++)
		talk_blob_clear(talk, &parts->parts[i].bytes);
	parts->have = 0;
}

void talk_fetch_wait(const struct talk *talk, struct talk_coming *coming)
{
	uint64_t wait_ms = TALK_FETCH_MS << (coming->tries < 8 ? coming->tries : 8);

	coming->tries++;
	coming->due_ns = talk->now_ns +
			 (wait_ms < TALK_FETCH_MS_MAX ? wait_ms : TALK_FETCH_MS_MAX) * TALK_MS;
}

enum sotto_err talk_fetch_work(struct talk *talk)
{
	struct talk_fetch *fetch = talk->fetch;
	struct talk_coming *coming;
	enum sotto_err err;

	if (fetch == NULL || whole(fetch) || fetch->drop.ticket != 0)
		return SOTTO_OK;
	if (fetch->drop.at_end || fetch->asks >= TALK_FETCH_ASKS) {
		coming = talk_coming_find(&talk->coming, fetch->parcel);
		if (coming != NULL)
			talk_fetch_wait(talk, coming);
		talk_fetch_free(talk);
		return SOTTO_OK;
	}
	if (talk->now_ns < talk->retry_ns || talk->now_ns < fetch->drop.again_ns)
		return SOTTO_OK;
	err = talk_ask_drop(talk, TALK_ASK_READ, &fetch->drop);
	if (err == SOTTO_OK)
		fetch->asks++;
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

uint64_t talk_fetch_due(const struct talk *talk)
{
	uint64_t due = TALK_NEVER;

	if (talk->fetch != NULL)
		return talk->fetch->drop.again_ns > talk->now_ns ? talk->fetch->drop.again_ns : due;
	list_for_each (element, following, &talk->coming) {
		const struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		if (coming->due_ns != 0 && coming->due_ns < due)
			due = coming->due_ns;
	}
	return due;
}

void talk_fetch_unlink(struct talk *talk)
{
	if (talk->fetch != NULL) {
		talk->fetch->drop.ticket = 0;
		talk->fetch->drop.at_end = false;
		talk->fetch->asks = 0;
	}
	list_for_each (element, following, &talk->coming) {
		struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		coming->tries = 0;
		if (coming->due_ns > talk->now_ns)
			coming->due_ns = talk->now_ns;
	}
}
