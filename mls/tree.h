/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ratchet tree (RFC 9420 sections 4, 7): public contents only.
 *
 * Nodes live in pages that successive epochs share: a clone copies page pointers, a write copies
 * one page. So staging a commit costs what the commit changes, and dropping it costs nothing but
 * that. Each slot remembers its tree hash and how many leaves below it are filled; a write clears
 * the hashes above it.
 *
 *    slot 0   1   2   3   4 ...        even: struct leaf_node, odd: struct parent_node, NULL: blank
 *
 * The tree also keeps what section 7.3 asks of all leaves together: an index of every key (unique
 * signature and encryption keys) and, for each credential type in use, how many leaves use and how
 * many support it.
 */
#ifndef MLS_TREE_H
#define MLS_TREE_H

#include "mls/leaf.h"
#include "mls/tree_index.h"
#include "mls/tree_math.h"

/* ParentNode (7.1); unmerged leaves in increasing order. */
struct parent_node {
	uint32_t refs;
	uint32_t unmerged_count;
	uint32_t unmerged_capacity;
	uint32_t *unmerged;
	uint16_t key_len;
	uint8_t parent_hash_len;
	uint8_t parent_hash[HASH_LEN_MAX];
	uint8_t key[];
};

static inline struct bytes parent_key(const struct parent_node *parent)
{
	return BYTES(parent->key, parent->key_len);
}

static inline struct bytes parent_hash_of(const struct parent_node *parent)
{
	return BYTES(parent->parent_hash, parent->parent_hash_len);
}

#define TREE_PAGE_SLOTS 32
#define TREE_TYPES_MAX	16

struct tree_slot {
	const struct leaf_node *leaf;
	struct parent_node *parent;
	uint32_t filled; /* leaves below, or 1 for a filled leaf */
	bool hashed;
	uint16_t mark; /* of the tree that had just this here; 0: of none. tree_mark */
	uint8_t hash[HASH_LEN_MAX];
};

struct tree_page {
	uint32_t refs;
	struct tree_slot slots[TREE_PAGE_SLOTS];
};

struct tree_type {
	uint16_t type;
	uint32_t using;
	uint32_t supporting;
};

struct tree {
	const struct allocator *allocator;
	const struct suite *suite;
	uint32_t width; /* leaves: a power of two, or 0 before the first */
	uint32_t members;
	uint32_t first_blank; /* every leaf below is filled */
	struct tree_page **pages;
	size_t page_count;
	size_t page_capacity;
	struct tree_index index;
	struct tree_type types[TREE_TYPES_MAX];
	size_t type_count;
};

void tree_init(struct tree *tree, const struct allocator *allocator, const struct suite *suite,
	       uint64_t index_seed);
void tree_finish(struct tree *tree);

/* clone is uninitialised before, and needs no tree_finish after a failure. */
MUST_USE enum sotto_err tree_clone(const struct tree *tree, struct tree *clone);

/* ---- Reading; indices inside the tree are asserted, leaves beyond it are blank ---- */

const struct leaf_node *tree_leaf(const struct tree *tree, uint32_t leaf);
const struct parent_node *tree_parent(const struct tree *tree, uint32_t node);
bool tree_blank(const struct tree *tree, uint32_t node);

/* Of any non-blank node. */
struct bytes tree_key(const struct tree *tree, uint32_t node);

/* Leaves filled below a node: 0 means that its resolution is empty. */
uint32_t tree_filled(const struct tree *tree, uint32_t node);

/* The node that has this key; TREE_NODE_NONE. */
#define TREE_NODE_NONE UINT32_MAX
uint32_t tree_find_encryption_key(const struct tree *tree, struct bytes key);
uint32_t tree_find_signature_key(const struct tree *tree, struct bytes key);

/* ---- Writing; after a failure the tree is only good for tree_finish ---- */

/*
 * Takes over the reference. SOTTO_ERR_INVALID: a key that another node has. SOTTO_ERR_LIMIT: too
 * wide.
 */
MUST_USE enum sotto_err tree_set_leaf(struct tree *tree, uint32_t leaf,
				      const struct leaf_node *content);
MUST_USE enum sotto_err tree_blank_leaf(struct tree *tree, uint32_t leaf);

/* A new parent without unmerged leaves. */
MUST_USE enum sotto_err tree_set_parent(struct tree *tree, uint32_t node, struct bytes key,
					struct bytes parent_hash);
MUST_USE enum sotto_err tree_set_parent_hash(struct tree *tree, uint32_t node,
					     struct bytes parent_hash);
MUST_USE enum sotto_err tree_add_unmerged(struct tree *tree, uint32_t node, uint32_t leaf);
MUST_USE enum sotto_err tree_blank_parent(struct tree *tree, uint32_t node);

/* 7.1: blank every parent above a leaf. */
MUST_USE enum sotto_err tree_blank_path(struct tree *tree, uint32_t leaf);

/*
 * 12.1.1: the leftmost blank leaf, widening if there is none, unmerged at the parents above. Takes
 * over.
 */
MUST_USE enum sotto_err tree_add(struct tree *tree, const struct leaf_node *content,
				 uint32_t *leaf);

/* 7.7: doubles the width; 12.1.3: halves it while the right half is empty. */
MUST_USE enum sotto_err tree_widen(struct tree *tree, uint32_t width);
MUST_USE enum sotto_err tree_truncate(struct tree *tree);

/* 7.3: is every credential type in use supported by every member? */
MUST_USE enum sotto_err tree_check_credentials(const struct tree *tree);

/* ---- Views over it ---- */

/* Tree hash (7.8) of a node, from what is remembered and what changed: tree_hash.c. */
const uint8_t *tree_hash(const struct tree *tree, uint32_t node);

static inline const uint8_t *tree_root_hash(const struct tree *tree)
{
	return tree_hash(tree, tree_root(tree->width));
}

/*
 * The tree hash of a node with some leaves taken out everywhere (7.9: original sibling); sorted
 * list.
 */
void tree_hash_without(const struct tree *tree, uint32_t node, const uint32_t *leaves, size_t count,
		       uint8_t *out);

/*
 * Resolution (4.1.1) of a node, in order. Start with tree_resolution_begin; next gives
 * TREE_NODE_NONE at the end.
 */
struct tree_resolution {
	const struct tree *tree;
	uint32_t pending[TREE_DEPTH_MAX + 2];
	size_t pending_count;
	const struct parent_node *unmerged_of;
	uint32_t unmerged_at;
};

void tree_resolution_begin(struct tree_resolution *resolution, const struct tree *tree,
			   uint32_t node);
uint32_t tree_resolution_next(struct tree_resolution *resolution);

/*
 * The filtered direct path (4.1.2) of a leaf, leaf to root, each with its copath child. Returns the
 * count.
 */
struct tree_path_step {
	uint32_t node;
	uint32_t copath;
};

size_t tree_filtered_path(const struct tree *tree, uint32_t leaf,
			  struct tree_path_step steps[TREE_DEPTH_MAX]);

/* optional<Node> ratchet_tree<V> (12.4.3.3), with its header: tree_codec.c. */
void tree_write(const struct tree *tree, struct writer *writer);

/*
 * Into an initialised empty tree. Forms only: node types at their places, last node filled,
 * unmerged leaves sorted and inside, no key twice; at most width_max leaves. tree_check.c judges
 * the rest.
 */
MUST_USE enum sotto_err tree_read(struct tree *tree, struct bytes encoded, uint32_t width_max);

/*
 * The same by marks, without a base tree in memory: tree_mark says of everything in this tree, and in
 * those that share its pages, that it stands there as in the base with this number, which is not 0. What
 * is written later has no mark. width: of the base. tree_unmarked: how many nodes that are.
 */
void tree_mark(const struct tree *tree, uint16_t mark);
uint32_t tree_unmarked(const struct tree *tree, uint16_t mark, uint32_t width);
void tree_write_unmarked(const struct tree *tree, uint16_t mark, uint32_t width,
			 struct writer *writer);

/*
 * What differs from a base tree, for saving; reading makes a clone of base and applies it. Takes no
 * memory for a width beyond width_max, or for one that no leaf in it calls for.
 */
void tree_write_difference(const struct tree *tree, const struct tree *base, struct writer *writer);
MUST_USE enum sotto_err tree_read_difference(struct tree *tree, const struct tree *base,
					     struct reader *reader, uint32_t width_max);

/*
 * Parent hash (7.9) of a node with a copath child, given the parent_hash field it has or will have.
 */
void tree_parent_hash(const struct tree *tree, struct bytes key, struct bytes parent_hash,
		      const uint8_t *sibling_hash, uint8_t *out);

/* 7.9.2: every parent is parent-hash valid; 12.4.3.1: unmerged leaves. For joiners. */
MUST_USE enum sotto_err tree_check_parents(const struct tree *tree);

#endif
