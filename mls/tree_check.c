/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a joiner checks of a tree's parents: each is parent-hash valid (RFC 9420 section 7.9.2), top
 * down, by exactly one descendant, and its unmerged leaves are what they may be (12.4.3.1).
 *
 * For a parent P with children C and S: a node D in the resolution of C whose parent_hash field is
 * the parent hash of P with copath child S, and all else in that resolution is unmerged at P.
 */
#include "mls/tree.h"

static bool is_unmerged(const struct parent_node *parent, uint32_t leaf)
{
	uint32_t low = 0;
	uint32_t high = parent->unmerged_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (parent->unmerged[middle] == leaf)
			return true;
		if (parent->unmerged[middle] < leaf)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static enum sotto_err check_unmerged(const struct tree *tree, uint32_t node)
{
	const struct parent_node *parent = tree_parent(tree, node);

	for (uint32_t i = 0; i < parent->unmerged_count; i++) {
		uint32_t leaf = parent->unmerged[i];

		if (tree_leaf(tree, leaf) == NULL)
			return SOTTO_ERR_INVALID;
		for (uint32_t level = 1; level < node_level(node); level++) {
			const struct parent_node *between =
				tree_parent(tree, leaf_ancestor(leaf, level));

			if (between != NULL && !is_unmerged(between, leaf))
				return SOTTO_ERR_INVALID;
		}
	}
	return SOTTO_OK;
}

/* The parent_hash field of a node; false: a leaf that has none. */
static bool field_of(const struct tree *tree, uint32_t node, struct bytes *field)
{
	const struct leaf_node *leaf;

	if (!node_is_leaf(node)) {
		*field = parent_hash_of(tree_parent(tree, node));
		return true;
	}
	leaf = tree_leaf(tree, leaf_of_node(node));
	if (leaf == NULL || leaf->view.source != LEAF_COMMIT)
		return false;
	*field = leaf->view.parent_hash;
	return true;
}

static uint32_t count_unmerged_below(const struct parent_node *parent, uint32_t child)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < parent->unmerged_count; i++)
		count += node_covers(child, parent->unmerged[i]);
	return count;
}

/* How many nodes in the resolution of child chain to node through it. */
static uint32_t count_chained(const struct tree *tree, uint32_t node, uint32_t child)
{
	const struct parent_node *parent = tree_parent(tree, node);
	uint32_t matches = 0, merged = 0, unmerged = 0;
	struct tree_resolution resolution;
	uint8_t sibling[HASH_LEN_MAX];
	uint8_t expected[HASH_LEN_MAX];
	uint32_t at;

	tree_hash_without(tree, node_sibling(child), parent->unmerged, parent->unmerged_count,
			  sibling);
	tree_parent_hash(tree, parent_key(parent), parent_hash_of(parent), sibling, expected);
	tree_resolution_begin(&resolution, tree, child);
	while ((at = tree_resolution_next(&resolution)) != TREE_NODE_NONE) {
		struct bytes field;

		if (node_is_leaf(at) && is_unmerged(parent, leaf_of_node(at))) {
			unmerged++;
			continue;
		}
		merged++;
		if (field_of(tree, at, &field) &&
		    bytes_equal(field, BYTES(expected, suite_hash_len(tree->suite))))
			matches++;
	}
	if (merged != 1 || unmerged != count_unmerged_below(parent, child))
		return 0;
	return matches;
}

enum sotto_err tree_check_parents(const struct tree *tree)
{
	for (uint32_t node = 1; node < tree_node_count(tree->width); node += 2) {
		const struct parent_node *parent = tree_parent(tree, node);
		enum sotto_err err;

		if (parent == NULL)
			continue;
		/* No path goes through a node with an empty child. */
		if (tree_filled(tree, node_left(node)) == 0 ||
		    tree_filled(tree, node_right(node)) == 0)
			return SOTTO_ERR_INVALID;
		err = kem_check_public(tree->suite->hpke.kem, parent_key(parent));
		if (err == SOTTO_OK)
			err = check_unmerged(tree, node);
		if (err != SOTTO_OK)
			return err;
		if (count_chained(tree, node, node_left(node)) +
			    count_chained(tree, node, node_right(node)) !=
		    1)
			return SOTTO_ERR_INVALID;
	}
	return SOTTO_OK;
}
