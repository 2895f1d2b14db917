/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear probing, at most half full, deletion by shifting back: no tombstones, so histories stay
 * fast.
 */
#include "mls/tree_index.h"

#include <string.h>

#include "base/assert.h"

#define CAPACITY_FIRST 16

/* value: node * 2 + kind + 1; 0 is an empty entry. */
struct entry {
	uint32_t tag;
	uint32_t value;
};

struct tree_index_table {
	uint32_t refs;
	uint32_t capacity; /* a power of two */
	uint32_t count;
	struct entry entries[];
};

static uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 with the key (seed, kind). */
static uint32_t tag_of(uint64_t seed, enum tree_key_kind kind, struct bytes key)
{
	uint64_t v[4] = {
		seed ^ UINT64_C(0x736f6d6570736575), (uint64_t)kind ^ UINT64_C(0x646f72616e646f6d),
		seed ^ UINT64_C(0x6c7967656e657261), (uint64_t)kind ^ UINT64_C(0x7465646279746573)};

	for (size_t at = 0; at <= key.len; at += 8) {
		size_t left = key.len - at;
		uint64_t word = 0;

		for (size_t i = 0; i < 8 && i < left; i++)
			word |= (uint64_t)key.data[at + i] << (8 * i);
		if (left < 8)
			word |= (uint64_t)key.len << 56;
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

static size_t table_size(uint32_t capacity)
{
	return sizeof(struct tree_index_table) + (size_t)capacity * sizeof(struct entry);
}

static void table_drop(const struct allocator *allocator, struct tree_index_table *table)
{
	if (table != NULL && --table->refs == 0)
		allocator_give(allocator, table, table_size(table->capacity));
}

void tree_index_init(struct tree_index *index, const struct allocator *allocator, uint64_t seed)
{
	*index = (struct tree_index){.allocator = allocator, .seed = seed};
}

void tree_index_finish(struct tree_index *index)
{
	table_drop(index->allocator, index->table);
	index->table = NULL;
}

void tree_index_share(const struct tree_index *index, struct tree_index *clone)
{
	*clone = *index;
	if (clone->table != NULL)
		clone->table->refs++;
}

uint32_t tree_index_find(const struct tree_index *index, enum tree_key_kind kind, struct bytes key,
			 tree_index_match *match, const void *tree)
{
	const struct tree_index_table *table = index->table;
	uint32_t tag = tag_of(index->seed, kind, key);

	if (table == NULL)
		return UINT32_MAX;
	for (uint32_t at = tag;; at++) {
		const struct entry *entry = &table->entries[at & (table->capacity - 1)];
		uint32_t node = (entry->value - 1) / 2;

		if (entry->value == 0)
			return UINT32_MAX;
		if (entry->tag == tag && ((entry->value - 1) & 1) == (uint32_t)kind &&
		    match(tree, kind, node, key))
			return node;
	}
}

static void insert(struct tree_index_table *table, struct entry entry)
{
	uint32_t at = entry.tag & (table->capacity - 1);

	while (table->entries[at].value != 0)
		at = (at + 1) & (table->capacity - 1);
	table->entries[at] = entry;
	table->count++;
}

/* A table of our own with room for one more. */
static enum sotto_err own(struct tree_index *index)
{
	struct tree_index_table *old = index->table;
	uint32_t capacity = old != NULL ? old->capacity : CAPACITY_FIRST;
	struct tree_index_table *table;

	if (old != NULL && old->refs == 1 && 2 * (old->count + 1) <= old->capacity)
		return SOTTO_OK;
	if (old != NULL && 2 * (old->count + 1) > capacity)
		capacity *= 2;
	table = allocator_take(index->allocator, table_size(capacity));
	if (table == NULL)
		return SOTTO_ERR_NO_MEMORY;
	*table = (struct tree_index_table){.refs = 1, .capacity = capacity};
	if (old != NULL && old->capacity == capacity) {
		table->count = old->count;
		memcpy(table->entries, old->entries, (size_t)capacity * sizeof(struct entry));
	} else {
		memset(table->entries, 0, (size_t)capacity * sizeof(struct entry));
		for (uint32_t i = 0; old != NULL && i < old->capacity; i++) {
			if (old->entries[i].value != 0)
				insert(table, old->entries[i]);
		}
	}
	table_drop(index->allocator, old);
	index->table = table;
	return SOTTO_OK;
}

enum sotto_err tree_index_put(struct tree_index *index, enum tree_key_kind kind, struct bytes key,
			      uint32_t node)
{
	enum sotto_err err = own(index);

	if (err != SOTTO_OK)
		return err;
	insert(index->table, (struct entry){.tag = tag_of(index->seed, kind, key),
					    .value = node * 2 + (uint32_t)kind + 1});
	return SOTTO_OK;
}

enum sotto_err tree_index_remove(struct tree_index *index, enum tree_key_kind kind,
				 struct bytes key, uint32_t node)
{
	uint32_t tag = tag_of(index->seed, kind, key);
	uint32_t value = node * 2 + (uint32_t)kind + 1;
	enum sotto_err err = own(index);
	struct tree_index_table *table = index->table;
	uint32_t mask, hole, next;

	if (err != SOTTO_OK)
		return err;
	mask = table->capacity - 1;
	for (hole = tag & mask; table->entries[hole].value != value; hole = (hole + 1) & mask)
		ASSERT(table->entries[hole].value != 0);
	/* Shift back every follower whose home is not between the hole and itself. */
	for (next = (hole + 1) & mask; table->entries[next].value != 0; next = (next + 1) & mask) {
		uint32_t home = table->entries[next].tag & mask;

		if (((next - home) & mask) >= ((next - hole) & mask)) {
			table->entries[hole] = table->entries[next];
			hole = next;
		}
	}
	table->entries[hole] = (struct entry){0};
	table->count--;
	return SOTTO_OK;
}
