/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which node has this key? An open-addressing table over all keys of a tree. It holds no key, only
 * 32 bits of a keyed hash (SipHash-2-4, so no member can choose keys that collide) and the node;
 * the tree tells whether the key there is the same. Clones share the table until one of them
 * writes.
 */
#ifndef MLS_TREE_INDEX_H
#define MLS_TREE_INDEX_H

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"

enum tree_key_kind {
	TREE_KEY_ENCRYPTION = 0,
	TREE_KEY_SIGNATURE = 1,
};

struct tree_index_table;

struct tree_index {
	const struct allocator *allocator;
	uint64_t seed;
	struct tree_index_table *table; /* NULL: empty */
};

/* Does this node have this key? Given by the tree. */
typedef bool tree_index_match(const void *tree, enum tree_key_kind kind, uint32_t node,
			      struct bytes key);

void tree_index_init(struct tree_index *index, const struct allocator *allocator, uint64_t seed);
void tree_index_finish(struct tree_index *index);
void tree_index_share(const struct tree_index *index, struct tree_index *clone);

/* UINT32_MAX: no such key. */
uint32_t tree_index_find(const struct tree_index *index, enum tree_key_kind kind, struct bytes key,
			 tree_index_match *match, const void *tree);

/* The key is not in yet: find first. */
MUST_USE enum sotto_err tree_index_put(struct tree_index *index, enum tree_key_kind kind,
				       struct bytes key, uint32_t node);

/* Removes the entry of this key at this node, which is there (asserted). */
MUST_USE enum sotto_err tree_index_remove(struct tree_index *index, enum tree_key_kind kind,
					  struct bytes key, uint32_t node);

#endif
