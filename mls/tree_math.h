/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic on array-based trees (RFC 9420 Appendix C). Leaves have even node indices, leaf n is
 * node 2n; a tree's width, its number of leaves, is always a power of two. Callers keep node
 * indices inside their tree.
 */
#ifndef MLS_TREE_MATH_H
#define MLS_TREE_MATH_H

#include <stdbool.h>
#include <stdint.h>

#define TREE_WIDTH_MAX (UINT32_C(1) << 24)
#define TREE_DEPTH_MAX 24

/* Leaves are level 0. */
static inline uint32_t node_level(uint32_t node)
{
	return (uint32_t)__builtin_ctz(~node);
}

static inline bool node_is_leaf(uint32_t node)
{
	return (node & 1) == 0;
}

static inline uint32_t node_of_leaf(uint32_t leaf)
{
	return 2 * leaf;
}

static inline uint32_t leaf_of_node(uint32_t node)
{
	return node / 2;
}

static inline uint32_t tree_root(uint32_t width)
{
	return width - 1;
}

static inline uint32_t tree_node_count(uint32_t width)
{
	return 2 * width - 1;
}

/* Of a parent node. */
static inline uint32_t node_left(uint32_t node)
{
	return node ^ (UINT32_C(1) << (node_level(node) - 1));
}

static inline uint32_t node_right(uint32_t node)
{
	return node ^ (UINT32_C(3) << (node_level(node) - 1));
}

/* Of a node that is not the root. */
static inline uint32_t node_parent(uint32_t node)
{
	uint32_t level = node_level(node);

	return (node | UINT32_C(1) << level) & ~(UINT32_C(1) << (level + 1));
}

static inline uint32_t node_sibling(uint32_t node)
{
	return node ^ (UINT32_C(2) << node_level(node));
}

/* The ancestor of a leaf at a level; level 0 is the leaf's own node. */
static inline uint32_t leaf_ancestor(uint32_t leaf, uint32_t level)
{
	uint32_t node = node_of_leaf(leaf);

	return (node | ((UINT32_C(1) << level) - 1)) & ~(UINT32_C(1) << level);
}

/* Is a leaf below a node, or the node itself? */
static inline bool node_covers(uint32_t node, uint32_t leaf)
{
	return leaf_ancestor(leaf, node_level(node)) == node;
}

/* The lowest node above both leaves; the leaf's own node when they are the same. */
static inline uint32_t leaf_common_ancestor(uint32_t a, uint32_t b)
{
	uint32_t level = a == b ? 0 : 32 - (uint32_t)__builtin_clz(a ^ b);

	return leaf_ancestor(a, level);
}

/* First and last leaf below a node. */
static inline uint32_t node_first_leaf(uint32_t node)
{
	return (node + 1 - (UINT32_C(1) << node_level(node))) / 2;
}

static inline uint32_t node_last_leaf(uint32_t node)
{
	return (node - 1 + (UINT32_C(1) << node_level(node))) / 2;
}

/* The smallest power of two above a leaf index. */
static inline uint32_t width_for_leaf(uint32_t leaf)
{
	return leaf == 0 ? 1 : UINT32_C(1) << (32 - (uint32_t)__builtin_clz(leaf));
}

/* The widest tree in which there were never more members: an add takes the leftmost blank leaf. */
static inline uint32_t width_for_members(uint32_t members)
{
	if (members > TREE_WIDTH_MAX)
		return TREE_WIDTH_MAX;
	return width_for_leaf(members == 0 ? 0 : members - 1);
}

#endif
