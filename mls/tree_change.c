/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree's operations (RFC 9420 sections 7.1, 7.7, 12.1): set, blank, add, widen, truncate.
 * Whatever changes a leaf or a parent here also changes the key index and the credential types in
 * use.
 */
#include "base/assert.h"
#include "mls/tree.h"
#include "mls/tree_slots.h"

#include <string.h>

/* ---- Credential types (7.3) ---- */

static uint32_t count_supporting(const struct tree *tree, uint16_t type)
{
	uint32_t count = 0;

	for (uint32_t leaf = 0; leaf < tree->width; leaf++) {
		const struct leaf_node *node = tree_leaf(tree, leaf);

		count += node != NULL && leaf_supports_credential(&node->view, type);
	}
	return count;
}

/* A leaf that is in the tree already. */
static enum sotto_err types_add(struct tree *tree, const struct leaf_view *view)
{
	bool known = false;

	for (size_t i = 0; i < tree->type_count; i++) {
		struct tree_type *type = &tree->types[i];

		type->supporting += leaf_supports_credential(view, type->type);
		if (type->type == view->credential.type) {
			type->using ++;
			known = true;
		}
	}
	if (known)
		return SOTTO_OK;
	if (tree->type_count == TREE_TYPES_MAX)
		return SOTTO_ERR_LIMIT;
	tree->types[tree->type_count++] = (struct tree_type){
		.type = view->credential.type,
		.using = 1,
		.supporting = count_supporting(tree, view->credential.type),
	};
	return SOTTO_OK;
}

static void types_remove(struct tree *tree, const struct leaf_view *view)
{
	for (size_t i = 0; i < tree->type_count; i++) {
		struct tree_type *type = &tree->types[i];

		type->supporting -= leaf_supports_credential(view, type->type);
		type->using -= type->type == view->credential.type;
	}
	for (size_t i = 0; i < tree->type_count; i++) {
		if (tree->types[i].using == 0) {
			tree->types[i] = tree->types[--tree->type_count];
			return;
		}
	}
}

enum sotto_err tree_check_credentials(const struct tree *tree)
{
	for (size_t i = 0; i < tree->type_count; i++) {
		if (tree->types[i].supporting != tree->members)
			return SOTTO_ERR_INVALID;
	}
	return SOTTO_OK;
}

/* ---- Keys ---- */

static enum sotto_err index_put_new(struct tree *tree, enum tree_key_kind kind, struct bytes key,
				    uint32_t node)
{
	if (tree_index_find(&tree->index, kind, key, tree_key_matches, tree) != TREE_NODE_NONE)
		return SOTTO_ERR_INVALID;
	return tree_index_put(&tree->index, kind, key, node);
}

/* ---- Leaves ---- */

enum sotto_err tree_blank_leaf(struct tree *tree, uint32_t leaf)
{
	uint32_t node = node_of_leaf(leaf);
	const struct leaf_node *content = tree_leaf(tree, leaf);
	struct tree_slot *slot;
	enum sotto_err err;

	if (content == NULL)
		return SOTTO_OK;
	TRY(tree_index_remove(&tree->index, TREE_KEY_ENCRYPTION, content->view.encryption_key,
			      node));
	TRY(tree_index_remove(&tree->index, TREE_KEY_SIGNATURE, content->view.signature_key, node));
	TRY(tree_touch(tree, node, -1));
	TRY(tree_slot_change(tree, node, &slot));
	types_remove(tree, &content->view);
	slot->leaf = NULL;
	leaf_node_drop(tree->allocator, content);
	tree->members--;
	if (leaf < tree->first_blank)
		tree->first_blank = leaf;
out:
	return err;
}

enum sotto_err tree_set_leaf(struct tree *tree, uint32_t leaf, const struct leaf_node *content)
{
	uint32_t node = node_of_leaf(leaf);
	struct tree_slot *slot;
	enum sotto_err err;

	TRY(tree_blank_leaf(tree, leaf));
	TRY(index_put_new(tree, TREE_KEY_ENCRYPTION, content->view.encryption_key, node));
	TRY(index_put_new(tree, TREE_KEY_SIGNATURE, content->view.signature_key, node));
	TRY(tree_touch(tree, node, 1));
	TRY(tree_slot_change(tree, node, &slot));
	slot->leaf = content;
	content = NULL;
	tree->members++;
	TRY(types_add(tree, &slot->leaf->view));
out:
	leaf_node_drop(tree->allocator, content);
	return err;
}

/* ---- Parents ---- */

enum sotto_err tree_blank_parent(struct tree *tree, uint32_t node)
{
	const struct parent_node *parent = tree_parent(tree, node);
	enum sotto_err err;

	if (parent == NULL)
		return SOTTO_OK;
	err = tree_index_remove(&tree->index, TREE_KEY_ENCRYPTION, parent_key(parent), node);
	return err == SOTTO_OK ? tree_put_parent(tree, node, NULL) : err;
}

enum sotto_err tree_set_parent(struct tree *tree, uint32_t node, struct bytes key,
			       struct bytes parent_hash)
{
	struct parent_node *parent;
	enum sotto_err err;

	if (key.len > UINT16_MAX || parent_hash.len > HASH_LEN_MAX)
		return SOTTO_ERR_INVALID;
	err = tree_blank_parent(tree, node);
	if (err == SOTTO_OK)
		err = index_put_new(tree, TREE_KEY_ENCRYPTION, key, node);
	if (err != SOTTO_OK)
		return err;
	parent = parent_make(tree->allocator, key, parent_hash);
	return parent != NULL ? tree_put_parent(tree, node, parent) : SOTTO_ERR_NO_MEMORY;
}

enum sotto_err tree_set_parent_hash(struct tree *tree, uint32_t node, struct bytes parent_hash)
{
	struct parent_node *parent;
	enum sotto_err err;

	ASSERT(parent_hash.len <= HASH_LEN_MAX);
	err = tree_own_parent(tree, node, &parent);
	if (err != SOTTO_OK)
		return err;
	if (parent_hash.len != 0)
		memcpy(parent->parent_hash, parent_hash.data, parent_hash.len);
	parent->parent_hash_len = (uint8_t)parent_hash.len;
	return SOTTO_OK;
}

/* New leaves mostly come at the end, so the list is searched from there. */
enum sotto_err tree_add_unmerged(struct tree *tree, uint32_t node, uint32_t leaf)
{
	struct parent_node *parent;
	enum sotto_err err = tree_own_parent(tree, node, &parent);
	uint32_t at;

	if (err == SOTTO_OK)
		err = parent_reserve(tree->allocator, parent, parent->unmerged_count + 1);
	if (err != SOTTO_OK)
		return err;
	for (at = parent->unmerged_count; at > 0 && parent->unmerged[at - 1] > leaf; at--)
		parent->unmerged[at] = parent->unmerged[at - 1];
	parent->unmerged[at] = leaf;
	parent->unmerged_count++;
	return SOTTO_OK;
}

enum sotto_err tree_blank_path(struct tree *tree, uint32_t leaf)
{
	uint32_t depth = node_level(tree_root(tree->width));

	for (uint32_t level = 1; level <= depth; level++) {
		enum sotto_err err = tree_blank_parent(tree, leaf_ancestor(leaf, level));

		if (err != SOTTO_OK)
			return err;
	}
	return SOTTO_OK;
}

/* ---- Width ---- */

static enum sotto_err widen_once(struct tree *tree)
{
	uint32_t width = tree->width == 0 ? 1 : 2 * tree->width;
	struct tree_slot *root;
	uint32_t filled;
	enum sotto_err err;

	if (width > TREE_WIDTH_MAX)
		return SOTTO_ERR_LIMIT;
	filled = tree->width == 0 ? 0 : tree_filled(tree, tree_root(tree->width));
	err = tree_grow_pages(tree,
			      (tree_node_count(width) + TREE_PAGE_SLOTS - 1) / TREE_PAGE_SLOTS);
	if (err != SOTTO_OK)
		return err;
	tree->width = width;
	/* A narrower tree may have left a hash of its former root here. */
	err = tree_slot_own(tree, tree_root(width), &root);
	if (err != SOTTO_OK)
		return err;
	root->hashed = false;
	root->filled = filled;
	return SOTTO_OK;
}

enum sotto_err tree_widen(struct tree *tree, uint32_t width)
{
	enum sotto_err err = SOTTO_OK;

	while (tree->width < width && err == SOTTO_OK)
		err = widen_once(tree);
	return err;
}

enum sotto_err tree_truncate(struct tree *tree)
{
	while (tree->width > 1 && tree_filled(tree, node_right(tree_root(tree->width))) == 0) {
		uint32_t half = tree->width / 2;

		for (uint32_t node = tree_root(tree->width); node < tree_node_count(tree->width);
		     node += 2) {
			enum sotto_err err = tree_blank_parent(tree, node);

			if (err != SOTTO_OK)
				return err;
		}
		tree->width = half;
		tree_drop_pages(tree,
				(tree_node_count(half) + TREE_PAGE_SLOTS - 1) / TREE_PAGE_SLOTS);
	}
	if (tree->first_blank > tree->width)
		tree->first_blank = tree->width;
	return SOTTO_OK;
}

enum sotto_err tree_add(struct tree *tree, const struct leaf_node *content, uint32_t *leaf)
{
	uint32_t at = tree->first_blank;
	uint32_t depth;
	enum sotto_err err = SOTTO_OK;

	while (at < tree->width && tree_leaf(tree, at) != NULL)
		at++;
	if (at == tree->width)
		err = widen_once(tree);
	if (err != SOTTO_OK) {
		leaf_node_drop(tree->allocator, content);
		return err;
	}
	depth = node_level(tree_root(tree->width));
	for (uint32_t level = 1; level <= depth && err == SOTTO_OK; level++) {
		uint32_t node = leaf_ancestor(at, level);

		if (tree_parent(tree, node) != NULL)
			err = tree_add_unmerged(tree, node, at);
	}
	if (err != SOTTO_OK) {
		leaf_node_drop(tree->allocator, content);
		return err;
	}
	err = tree_set_leaf(tree, at, content);
	if (err == SOTTO_OK) {
		tree->first_blank = at + 1;
		*leaf = at;
	}
	return err;
}
