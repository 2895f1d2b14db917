/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of messages in a drop, as they come: each two bytes of length and a content. Whatever comes, no more
 * is kept than the limits allow, and what is kept loads again.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/reader.h"
#include "talk/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err no_random(void *context, uint8_t *out, size_t len)
{
	(void)context;
	(void)out;
	(void)len;
	return SOTTO_ERR_RANDOM;
}

static size_t unfinished(const struct talk_group *group)
{
	size_t count = 0;

	list_for_each (element, following, &group->coming) {
		const struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		ASSERT(coming->have < coming->count && coming->count <= TALK_MESSAGE_PARTS_MAX + 1);
		ASSERT(coming->parts[0].bytes.len == (coming->count - 1U) * WIRE_HASH_LEN);
		count++;
	}
	ASSERT(count <= TALK_UNFINISHED_MAX);
	return count;
}

/* Was it deleted by one of those that follow? */
static bool deleted(const struct store_batch *batch, size_t at)
{
	for (size_t i = at + 1; i < batch->len; i++) {
		if (batch->actions[i].index == batch->actions[at].index)
			return true;
	}
	return false;
}

/* The rows that the store would have of them. */
static void load_again(struct talk *talk, const struct talk_group *group)
{
	struct talk_group loaded = {0};

	list_init(&loaded.coming);
	for (size_t i = 0; i < talk->batch.len; i++) {
		const struct store_action *action = &talk->batch.actions[i];
		enum sotto_err err;

		if (action->verb != STORE_PUT || deleted(&talk->batch, i))
			continue;
		err = talk_part_load(talk, &loaded, action->value, action->index);
		ASSERT(err == SOTTO_OK);
	}
	ASSERT(unfinished(&loaded) == unfinished(group));
	list_for_each (element, following, &loaded.coming)
		talk_coming_free(talk, CONTAINER_OF(element, struct talk_coming, list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct random_source random = {.fill = no_random};
	struct talk_config config = {.random = &random};
	struct talk_group group = {0};
	struct reader reader;
	struct talk *talk;
	enum sotto_err err = talk_create(&config, &talk);

	ASSERT(err == SOTTO_OK);
	list_init(&group.coming);
	list_init(&group.outbox);
	reader_init(&reader, BYTES(data, size));
	while (reader_left(&reader) > 0 && reader.err == SOTTO_OK) {
		struct bytes content = reader_get_bytes(&reader, reader_get_u16(&reader));
		struct talk_blob whole = {0};
		uint8_t id[TALK_MESSAGE_ID_LEN];

		if (reader.err != SOTTO_OK)
			break;
		group.drops[0].sequence++;
		err = talk_part_receive(talk, &group, content, &whole, id);
		ASSERT(err == SOTTO_OK);
		talk_blob_clear(talk, &whole);
		(void)unfinished(&group);
	}
	load_again(talk, &group);
	err = talk_parts_forget(talk, &group);
	ASSERT(err == SOTTO_OK && list_empty(&group.coming));
	talk_destroy(talk);
	return 0;
}
