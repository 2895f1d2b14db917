/* SPDX-License-Identifier: Apache-2.0 */
/* The replay cache: a ring of entries, chained by hash. */
#include "link/replay.h"

#include <string.h>

#include "base/assert.h"

#define KEEP_NS (2 * LINK_WINDOW_MS * UINT64_C(1000000))
#define NOBODY	UINT32_MAX

struct entry {
	uint8_t tag[TOKEN_TAG_LEN];
	uint64_t seen_ns;
	uint32_t next; /* in the chain of its hash */
};

struct replay {
	const struct allocator *allocator;
	struct entry *entries;
	uint32_t *heads;
	uint32_t capacity;
	uint32_t first;
	uint32_t count;
};

enum sotto_err replay_create(const struct allocator *allocator, uint32_t capacity,
			     struct replay **replay)
{
	struct replay *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	ASSERT(capacity > 0 && capacity < NOBODY);
	if (!made)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	made->capacity = capacity;
	made->entries = allocator_take_zeroed(allocator, capacity, sizeof(made->entries[0]));
	made->heads = allocator_take_zeroed(allocator, capacity, sizeof(made->heads[0]));
	if (!made->entries || !made->heads) {
		replay_destroy(made);
		return SOTTO_ERR_NO_MEMORY;
	}
	for (uint32_t i = 0; i < capacity; i++)
		made->heads[i] = NOBODY;
	*replay = made;
	return SOTTO_OK;
}

void replay_destroy(struct replay *replay)
{
	if (!replay)
		return;
	allocator_give(replay->allocator, replay->entries,
		       replay->capacity * sizeof(replay->entries[0]));
	allocator_give(replay->allocator, replay->heads,
		       replay->capacity * sizeof(replay->heads[0]));
	allocator_give(replay->allocator, replay, sizeof(*replay));
}

/* A tag is the output of a MAC: its own bytes are the hash. */
static uint32_t *head_of(struct replay *replay, const uint8_t *tag)
{
	uint32_t hash;

	memcpy(&hash, tag, sizeof(hash));
	return &replay->heads[hash % replay->capacity];
}

static void forget_first(struct replay *replay)
{
	struct entry *entry = &replay->entries[replay->first];
	uint32_t *at = head_of(replay, entry->tag);

	while (*at != replay->first)
		at = &replay->entries[*at].next;
	*at = entry->next;
	replay->first = (replay->first + 1) % replay->capacity;
	replay->count--;
}

static void expire(struct replay *replay, uint64_t now_ns)
{
	while (replay->count > 0 && replay->entries[replay->first].seen_ns + KEEP_NS < now_ns)
		forget_first(replay);
}

bool replay_seen(struct replay *replay, const uint8_t *tag, uint64_t now_ns)
{
	expire(replay, now_ns);
	for (uint32_t i = *head_of(replay, tag); i != NOBODY; i = replay->entries[i].next) {
		if (bytes_equal_ct(replay->entries[i].tag, tag, TOKEN_TAG_LEN))
			return true;
	}
	return false;
}

void replay_remember(struct replay *replay, const uint8_t *tag, uint64_t now_ns)
{
	struct entry *entry;
	uint32_t at;
	uint32_t *head;

	expire(replay, now_ns);
	if (replay->count == replay->capacity)
		forget_first(replay);
	at = (replay->first + replay->count) % replay->capacity;
	entry = &replay->entries[at];
	memcpy(entry->tag, tag, TOKEN_TAG_LEN);
	entry->seen_ns = now_ns;
	head = head_of(replay, tag);
	entry->next = *head;
	*head = at;
	replay->count++;
}

uint32_t replay_count(const struct replay *replay)
{
	return replay->count;
}
