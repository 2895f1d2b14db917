/* SPDX-License-Identifier: Apache-2.0 */
/* Resolutions and filtered direct paths (RFC 9420 sections 4.1.1, 4.1.2). */
#include "mls/tree.h"

#include "base/assert.h"

void tree_resolution_begin(struct tree_resolution *resolution, const struct tree *tree,
			   uint32_t node)
{
	*resolution = (struct tree_resolution){.tree = tree, .pending_count = 1};
	resolution->pending[0] = node;
}

uint32_t tree_resolution_next(struct tree_resolution *resolution)
{
	const struct tree *tree = resolution->tree;

	if (resolution->unmerged_of != NULL) {
		if (resolution->unmerged_at < resolution->unmerged_of->unmerged_count)
			return node_of_leaf(
				resolution->unmerged_of->unmerged[resolution->unmerged_at++]);
		resolution->unmerged_of = NULL;
	}
	while (resolution->pending_count > 0) {
		uint32_t node = resolution->pending[--resolution->pending_count];

		if (!tree_blank(tree, node)) {
			resolution->unmerged_of = tree_parent(tree, node);
			resolution->unmerged_at = 0;
			return node;
		}
		if (node_is_leaf(node) || tree_filled(tree, node) == 0)
			continue;
		ASSERT(resolution->pending_count + 2 <= ARRAY_LEN(resolution->pending));
		resolution->pending[resolution->pending_count++] = node_right(node);
		resolution->pending[resolution->pending_count++] = node_left(node);
	}
	return TREE_NODE_NONE;
}

size_t tree_filtered_path(const struct tree *tree, uint32_t leaf,
			  struct tree_path_step steps[TREE_DEPTH_MAX])
{
	uint32_t depth = node_level(tree_root(tree->width));
	size_t count = 0;

	for (uint32_t level = 1; level <= depth; level++) {
		uint32_t copath = node_sibling(leaf_ancestor(leaf, level - 1));

		if (tree_filled(tree, copath) == 0)
			continue;
		steps[count++] = (struct tree_path_step){
			.node = leaf_ancestor(leaf, level),
			.copath = copath,
		};
	}
	return count;
}
