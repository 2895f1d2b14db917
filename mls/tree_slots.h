/* SPDX-License-Identifier: Apache-2.0 */
/* What tree.c offers to the other files of the tree, and to nobody else. */
#ifndef MLS_TREE_SLOTS_H
#define MLS_TREE_SLOTS_H

#include "mls/tree.h"

/* NULL: no memory. */
struct parent_node *parent_make(const struct allocator *allocator, struct bytes key,
				struct bytes parent_hash);

/* Room for count unmerged leaves. */
MUST_USE enum sotto_err parent_reserve(const struct allocator *allocator,
				       struct parent_node *parent, uint32_t count);

/* For reading, and for remembering a hash: true of every tree that shares the page. */
struct tree_slot *tree_slot(const struct tree *tree, uint32_t node);

/* For writing: the page is ours alone afterwards. */
MUST_USE enum sotto_err tree_slot_own(struct tree *tree, uint32_t node, struct tree_slot **slot);

/* Likewise, when what stands there changes. */
MUST_USE enum sotto_err tree_slot_change(struct tree *tree, uint32_t node, struct tree_slot **slot);

/* Forgets the hashes of a node and above, and adds to the leaf counts there. */
MUST_USE enum sotto_err tree_touch(struct tree *tree, uint32_t node, int filled);

/* Into the slot; takes over parent, also on failure. NULL blanks. The index is not changed. */
MUST_USE enum sotto_err tree_put_parent(struct tree *tree, uint32_t node,
					struct parent_node *parent);

/* The parent there, ours alone, to be changed. */
MUST_USE enum sotto_err tree_own_parent(struct tree *tree, uint32_t node,
					struct parent_node **parent);

MUST_USE enum sotto_err tree_grow_pages(struct tree *tree, size_t count);
void tree_drop_pages(struct tree *tree, size_t keep);

/* For tree_index_find. */
bool tree_key_matches(const void *tree, enum tree_key_kind kind, uint32_t node, struct bytes key);

#endif
