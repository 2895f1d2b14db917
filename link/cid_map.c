/* SPDX-License-Identifier: Apache-2.0 */
/* Connection ids in chained buckets. */
#include "link/cid_map.h"

#include <string.h>

#include "base/assert.h"

struct cid_entry {
	struct cid_entry *next;
	struct list owned;
	struct server_link *link;
	uint8_t cid[LINK_CID_LEN];
};

static size_t bucket_count(const struct cid_map *map)
{
	return (size_t)1 << (64 - map->shift);
}

enum sotto_err cid_map_init(struct cid_map *map, const struct allocator *allocator,
			    const struct random_source *random, uint32_t max)
{
	uint64_t keys[2];
	enum sotto_err err;

	TRY(random_fill(random, keys, sizeof(keys)));
	*map = (struct cid_map){
		.allocator = allocator,
		.shift = 60,
		.max = max,
		.add = keys[0],
		.factor = keys[1] | 1,
	};
	while (bucket_count(map) < max && map->shift > 40)
		map->shift--;
	map->buckets = allocator_take_zeroed(allocator, bucket_count(map), sizeof(map->buckets[0]));
	FAIL_IF(!map->buckets, SOTTO_ERR_NO_MEMORY);
out:
	return err;
}

void cid_map_finish(struct cid_map *map)
{
	if (!map->buckets)
		return;
	ASSERT(map->count == 0);
	allocator_give(map->allocator, map->buckets, bucket_count(map) * sizeof(map->buckets[0]));
	map->buckets = NULL;
}

static struct cid_entry **find(const struct cid_map *map, const uint8_t *cid)
{
	struct cid_entry **at;
	uint64_t value;

	memcpy(&value, cid, sizeof(value));
	at = &map->buckets[(value * map->factor + map->add) >> map->shift];
	while (*at && memcmp((*at)->cid, cid, LINK_CID_LEN) != 0)
		at = &(*at)->next;
	return at;
}

bool cid_map_put(struct cid_map *map, const uint8_t *cid, struct server_link *link,
		 struct list *owned)
{
	struct cid_entry **at = find(map, cid);
	struct cid_entry *entry;

	if (*at || map->count >= map->max)
		return false;
	entry = allocator_take(map->allocator, sizeof(*entry));
	if (!entry)
		return false;
	entry->next = NULL;
	entry->link = link;
	memcpy(entry->cid, cid, LINK_CID_LEN);
	list_append(owned, &entry->owned);
	*at = entry;
	map->count++;
	return true;
}

struct server_link *cid_map_get(const struct cid_map *map, const uint8_t *cid)
{
	struct cid_entry *entry = *find(map, cid);

	return entry ? entry->link : NULL;
}

static void unhook(struct cid_map *map, struct cid_entry **at)
{
	struct cid_entry *entry = *at;

	*at = entry->next;
	list_remove(&entry->owned);
	map->count--;
	allocator_give(map->allocator, entry, sizeof(*entry));
}

void cid_map_remove(struct cid_map *map, const uint8_t *cid, const struct server_link *link)
{
	struct cid_entry **at = find(map, cid);

	if (*at && (*at)->link == link)
		unhook(map, at);
}

void cid_map_remove_all(struct cid_map *map, struct list *owned)
{
	while (!list_empty(owned)) {
		struct cid_entry *entry = CONTAINER_OF(owned->next, struct cid_entry, owned);

		unhook(map, find(map, entry->cid));
	}
}
