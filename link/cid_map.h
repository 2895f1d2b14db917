/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection id -> link. The hash is keyed, because a phone chooses its first id itself (multiply and
 * shift with a random odd factor: universal, so no set of ids collides for more than chance).
 */
#ifndef LINK_CID_MAP_H
#define LINK_CID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"
#include "base/list.h"
#include "base/random.h"
#include "link/token.h"

struct server_link;
struct cid_entry;

struct cid_map {
	const struct allocator *allocator;
	struct cid_entry **buckets;
	unsigned shift; /* 64 - log2 of the number of buckets */
	uint32_t count;
	uint32_t max;
	uint64_t add;
	uint64_t factor;
};

/* max: how many ids there may be. */
MUST_USE enum sotto_err cid_map_init(struct cid_map *map, const struct allocator *allocator,
				     const struct random_source *random, uint32_t max);
void cid_map_finish(struct cid_map *map);

/*
 * False: taken already, full, or out of memory. The id joins `owned`, a list that the link keeps of its
 * own, for cid_map_remove_all.
 */
bool cid_map_put(struct cid_map *map, const uint8_t *cid, struct server_link *link,
		 struct list *owned);
struct server_link *cid_map_get(const struct cid_map *map, const uint8_t *cid);
/* Only if it is this link's. */
void cid_map_remove(struct cid_map *map, const uint8_t *cid, const struct server_link *link);
void cid_map_remove_all(struct cid_map *map, struct list *owned);

#endif
