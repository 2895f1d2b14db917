/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and frames that left phones, and which key and nonce each was sealed with. The sender data is
 * opened here by RFC 9420, section 6.3.2, and not by the library's own frame_private_open: that one refuses
 * exactly the generations that this looks for.
 */
#include "sim/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "mls/group.h"
#include "talk/state.h"

#define RECORD_NONCE_LEN 24
#define SENDER_DATA_LEN	 12   /* leaf, generation, reuse guard */
#define SEEN_MIN	 1024 /* a power of two, as every size is */
#define LARGE_MAX	 256

/* Named by a hash over what the key and nonce is made of; content is a hash too. */
struct use {
	uint8_t name[WIRE_HASH_LEN];
	uint8_t content[WIRE_HASH_LEN];
};

/* A table by name with linear probing; content all zeros: free. */
struct uses {
	struct use *seen;
	size_t size;
	size_t count;
};

/* A message in parts: those that left, each once, in their order; of those, the newest few. */
struct large {
	uint8_t id[TALK_MESSAGE_ID_LEN];
	uint8_t *data;
	size_t len;
	uint16_t next;
};

struct sim_frames {
	struct uses nonces, generations;
	struct large large[LARGE_MAX];
	size_t large_next;
	struct sim_frames_counts counts;
};

enum met { NEW, SAME, REUSED };

struct sim_frames *sim_frames_create(void)
{
	struct sim_frames *frames = calloc(1, sizeof(*frames));

	ASSERT(frames != NULL);
	return frames;
}

void sim_frames_destroy(struct sim_frames *frames)
{
	if (frames == NULL)
		return;
	for (size_t i = 0; i < LARGE_MAX; i++)
		free(frames->large[i].data);
	free(frames->nonces.seen);
	free(frames->generations.seen);
	free(frames);
}

struct sim_frames_counts sim_frames_counts(const struct sim_frames *frames)
{
	return frames->counts;
}

static bool is_free(const struct use *use)
{
	static const uint8_t zeros[WIRE_HASH_LEN];

	return memcmp(use->content, zeros, sizeof(zeros)) == 0;
}

static size_t use_place(const struct uses *uses, const uint8_t *name)
{
	size_t place;

	memcpy(&place, name, sizeof(place));
	return place & (uses->size - 1);
}

static void uses_grow(struct uses *uses)
{
	struct uses larger = {.size = uses->size == 0 ? SEEN_MIN : 2 * uses->size};

	larger.seen = calloc(larger.size, sizeof(*larger.seen));
	ASSERT(larger.seen != NULL);
	for (size_t i = 0; i < uses->size; i++) {
		size_t place;

		if (is_free(&uses->seen[i]))
			continue;
		place = use_place(&larger, uses->seen[i].name);
		while (!is_free(&larger.seen[place]))
			place = (place + 1) & (larger.size - 1);
		larger.seen[place] = uses->seen[i];
		larger.count++;
	}
	free(uses->seen);
	*uses = larger;
}

static enum met use_put(struct uses *uses, struct bytes name, struct bytes content)
{
	enum met met = NEW;
	struct use use;
	size_t place;

	if (2 * uses->count >= uses->size)
		uses_grow(uses);
	hash_digest(HASH_SHA256, name, use.name);
	hash_digest(HASH_SHA256, content, use.content);
	for (place = use_place(uses, use.name); !is_free(&uses->seen[place]);
	     place = (place + 1) & (uses->size - 1)) {
		if (memcmp(uses->seen[place].name, use.name, WIRE_HASH_LEN) != 0)
			continue;
		if (memcmp(uses->seen[place].content, use.content, WIRE_HASH_LEN) == 0)
			return SAME;
		met = REUSED;
	}
	uses->seen[place] = use;
	uses->count++;
	return met;
}

static const struct epoch *epoch_of(const struct mls_group *group, uint64_t number)
{
	if (group->epoch->number == number)
		return group->epoch;
	for (size_t i = 0; i < group->past_count; i++) {
		if (group->past[i]->number == number)
			return group->past[i];
	}
	return NULL;
}

/* Leaf and generation, as they stand on the wire. */
static void sender_data_open(const struct epoch *epoch, const struct message_view *view,
			     uint8_t *out)
{
	enum aead_alg aead = epoch->suite->hpke.aead;
	struct bytes secret = secret_bytes(&epoch->secrets.sender_data);
	size_t sample_len = suite_hash_len(epoch->suite);
	struct bytes sample = BYTES(view->ciphertext.data, sample_len);
	uint8_t key[AEAD_KEY_LEN_MAX], nonce[AEAD_NONCE_LEN_MAX];
	enum sotto_err err;

	ASSERT(view->ciphertext.len >= sample_len);
	ASSERT(view->encrypted_sender_data.len == SENDER_DATA_LEN + AEAD_TAG_LEN);
	suite_expand(epoch->suite, secret, "key", sample, key, aead_key_len(aead));
	suite_expand(epoch->suite, secret, "nonce", sample, nonce, aead_nonce_len(aead));
	err = aead_open(aead, BYTES(key, aead_key_len(aead)), BYTES(nonce, aead_nonce_len(aead)),
			view->sender_data_aad, view->encrypted_sender_data, out);
	ASSERT(err == SOTTO_OK);
}

static void frame_seen(struct sim_frames *frames, const struct talk_group *group,
		       struct bytes message)
{
	uint8_t sender[SENDER_DATA_LEN];
	uint8_t name[TALK_GROUP_ID_LEN + 8 + MLS_HASH_LEN_MAX + 1 + 8];
	struct message_view view;
	const struct epoch *epoch;
	struct writer writer;
	enum sotto_err err = message_read(message, &view);
	enum met met;

	ASSERT(err == SOTTO_OK && view.wire_format == MLS_PRIVATE_MESSAGE);
	epoch = epoch_of(group->mls, view.framed.epoch);
	/* Sealed long ago, and sent again: it was seen when it left first. */
	if (epoch == NULL) {
		frames->counts.unopened++;
		return;
	}
	sender_data_open(epoch, &view, sender);
	writer_init_fixed(&writer, name, sizeof(name));
	writer_put_bytes(&writer, BYTES_OF(group->id));
	writer_put_u64(&writer, view.framed.epoch);
	/* Two histories have other keys in an epoch of one number. */
	writer_put_bytes(&writer, secret_bytes(&epoch->secrets.sender_data));
	writer_put_u8(&writer, (uint8_t)ratchet_of(view.framed.content_type));
	writer_put_bytes(&writer, BYTES(sender, 8));
	ASSERT(writer.err == SOTTO_OK);
	met = use_put(&frames->generations, writer_bytes(&writer), message);
	frames->counts.frames += met != SAME;
	frames->counts.generations_reused += met == REUSED;
}

static void part_seen(struct sim_frames *frames, const struct talk_group *group,
		      struct bytes content)
{
	struct talk_part part;
	struct large *large = NULL;
	enum sotto_err err = wire_decode(&talk_part_type, content, &part);

	ASSERT(err == SOTTO_OK);
	if (part.number == 0)
		return;
	for (size_t i = 0; i < LARGE_MAX; i++) {
		if (memcmp(frames->large[i].id, part.id, sizeof(part.id)) == 0)
			large = &frames->large[i];
	}
	if (large == NULL) {
		frames->counts.large++;
		large = &frames->large[frames->large_next++ % LARGE_MAX];
		memcpy(large->id, part.id, sizeof(large->id));
		large->len = 0;
		large->next = 0;
	}
	/* In other records once more. */
	if (part.number == 1) {
		large->len = 0;
		large->next = 1;
	}
	/* Some left before this began to look. */
	if (part.number != large->next)
		return;
	large->next++;
	large->data = realloc(large->data, large->len + part.bytes.len);
	ASSERT(large->data != NULL);
	memcpy(large->data + large->len, part.bytes.data, part.bytes.len);
	large->len += part.bytes.len;
	if (part.number == part.count - 1)
		frame_seen(frames, group, BYTES(large->data, large->len));
}

/* The group whose drop this is; NULL: an inbox or the porch. */
static const struct talk_group *group_of(const struct talk *talk, const uint8_t *name,
					 const struct talk_drop **drop)
{
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		for (size_t i = 0; i < group->drop_count; i++) {
			*drop = &group->drops[i];
			if (memcmp((*drop)->name, name, WIRE_HASH_LEN) == 0)
				return group;
		}
	}
	return NULL;
}

static void record_seen(struct sim_frames *frames, const struct talk *talk, const uint8_t *name,
			struct bytes sealed)
{
	enum met met = use_put(&frames->nonces, BYTES(sealed.data, RECORD_NONCE_LEN), sealed);
	const struct talk_drop *drop;
	const struct talk_group *group = group_of(talk, name, &drop);
	struct talk_blob message = {0};
	enum sotto_err err;

	frames->counts.records += met != SAME;
	frames->counts.again += met == SAME;
	frames->counts.nonces_reused += met == REUSED;
	if (group == NULL || met == SAME)
		return;
	err = talk_record_open(talk, drop, sealed, &message);
	ASSERT(err == SOTTO_OK);
	if (!talk_is_part(talk_blob_bytes(&message)))
		frame_seen(frames, group, talk_blob_bytes(&message));
	else
		part_seen(frames, group, talk_blob_bytes(&message));
	talk_blob_clear(talk, &message);
}

void sim_frames_sent(void *context, const struct talk *talk, struct bytes request)
{
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct wire_append append;
	struct wire_cursor cursor;
	struct wire_record record;
	enum sotto_err err;

	if (wire_identify(WIRE_FAMILY_RELAY, request) != &wire_append_type)
		return;
	err = wire_decode(&wire_append_type, request, &append);
	ASSERT(err == SOTTO_OK);
	wire_append_token_hash(append.append_token, append_hash);
	wire_drop_name(append.flags, append_hash, append.read_token_hash, name);
	cursor = wire_list_walk(&append.records);
	while (wire_record_next(&cursor, &record))
		record_seen(context, talk, name, record.sealed);
}
