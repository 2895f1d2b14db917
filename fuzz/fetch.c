/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parcel's file as a member could make it: four bytes of its announced length, then parts, each two bytes of length
 * and what its record holds. Whatever comes, no more is kept than was announced, and what is taken has its hash.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "talk/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err same(void *context, uint8_t *out, size_t len)
{
	(void)context;
	memset(out, 9, len);
	return SOTTO_OK;
}

/* Of the bytes that the parts would have in order, as far as they follow each other: so there is a file that is right. */
static void hash_of(struct reader reader, uint8_t *digest)
{
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	while (reader_left(&reader) > 0 && reader.err == SOTTO_OK) {
		struct talk_part part;

		if (wire_decode(&talk_part_type, reader_get_bytes(&reader, reader_get_u16(&reader)),
				&part) == SOTTO_OK)
			hash_update(&hash, part.bytes);
	}
	hash_final(&hash, digest);
}

static void feed(struct talk *talk, struct reader *reader)
{
	const struct talk_coming *parts =
		CONTAINER_OF(talk->fetch->parts.next, struct talk_coming, list);
	struct talk_blob record = {0};

	while (reader_left(reader) > 0 && reader->err == SOTTO_OK) {
		struct bytes content = reader_get_bytes(reader, reader_get_u16(reader));
		enum sotto_err err;

		if (content.len == 0)
			continue; /* nobody seals nothing */
		err = talk_record_seal(talk, &talk->fetch->drop, content, &record);
		if (err != SOTTO_OK)
			continue; /* longer than any record */
		err = talk_fetch_receive(talk, talk_blob_bytes(&record));
		ASSERT(err == SOTTO_OK);
		ASSERT(parts->have <= parts->count && parts->count <= TALK_FILE_PARTS_MAX);
	}
	talk_blob_clear(talk, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct random_source random = {.fill = same};
	struct talk_config config = {.random = &random};
	struct talk_part part = {.count = 1};
	struct talk_blob contents = {0};
	struct talk_contents decoded;
	struct talk_coming *coming;
	struct talk_file file = {0};
	struct reader reader;
	struct talk *talk;
	enum sotto_err err = talk_create(&config, &talk);

	ASSERT(err == SOTTO_OK);
	reader_init(&reader, BYTES(data, size));
	file.length = reader_get_u32(&reader);
	hash_of(reader, file.hash);
	err = talk_coming_make(talk, &talk->coming, &part, &coming);
	ASSERT(err == SOTTO_OK);
	err = talk_fetch_file(talk, coming, &file, &contents);
	ASSERT(err == SOTTO_ERR_INVALID || talk->fetch != NULL);
	if (talk->fetch != NULL) {
		feed(talk, &reader);
		err = talk_fetch_file(talk, coming, &file, &contents);
	}
	if (err == SOTTO_OK) {
		uint8_t hash[WIRE_HASH_LEN];

		hash_digest(HASH_SHA256, talk_blob_bytes(&contents), hash);
		ASSERT(contents.len == file.length && memcmp(hash, file.hash, sizeof(hash)) == 0);
		err = wire_decode(&talk_contents_type, talk_blob_bytes(&contents), &decoded);
	}
	talk_blob_clear(talk, &contents);
	talk_destroy(talk);
	(void)err;
	return 0;
}
