/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree's pages: what a slot holds, who shares it, and what follows from a change (hashes above
 * it, leaf counts, the key index, credential types). tree_change.c builds the RFC's operations on
 * top.
 *
 * An invariant makes invalidation cheap: above a slot without a hash no slot has one.
 */
#include "mls/tree.h"

#include <string.h>

#include "base/assert.h"
#include "mls/tree_slots.h"

void tree_init(struct tree *tree, const struct allocator *allocator, const struct suite *suite,
	       uint64_t index_seed)
{
	*tree = (struct tree){.allocator = allocator, .suite = suite};
	tree_index_init(&tree->index, allocator, index_seed);
}

/* ---- Parents ---- */

static size_t parent_size(size_t key_len)
{
	return sizeof(struct parent_node) + key_len;
}

static void parent_drop(const struct allocator *allocator, struct parent_node *parent)
{
	if (parent == NULL || --parent->refs != 0)
		return;
	allocator_give(allocator, parent->unmerged,
		       parent->unmerged_capacity * sizeof(parent->unmerged[0]));
	allocator_give(allocator, parent, parent_size(parent->key_len));
}

struct parent_node *parent_make(const struct allocator *allocator, struct bytes key,
				struct bytes parent_hash)
{
	struct parent_node *parent;

	ASSERT(key.len <= UINT16_MAX && parent_hash.len <= HASH_LEN_MAX);
	parent = allocator_take(allocator, parent_size(key.len));
	if (parent == NULL)
		return NULL;
	*parent = (struct parent_node){.refs = 1, .key_len = (uint16_t)key.len};
	parent->parent_hash_len = (uint8_t)parent_hash.len;
	if (parent_hash.len != 0)
		memcpy(parent->parent_hash, parent_hash.data, parent_hash.len);
	if (key.len != 0)
		memcpy(parent->key, key.data, key.len);
	return parent;
}

enum sotto_err parent_reserve(const struct allocator *allocator, struct parent_node *parent,
			      uint32_t count)
{
	uint32_t capacity = parent->unmerged_capacity == 0 ? 4 : parent->unmerged_capacity;
	uint32_t *grown;

	if (count <= parent->unmerged_capacity)
		return SOTTO_OK;
	while (capacity < count)
		capacity *= 2;
	grown = allocator_take(allocator, capacity * sizeof(grown[0]));
	if (grown == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (parent->unmerged_count != 0)
		memcpy(grown, parent->unmerged, parent->unmerged_count * sizeof(grown[0]));
	allocator_give(allocator, parent->unmerged,
		       parent->unmerged_capacity * sizeof(parent->unmerged[0]));
	parent->unmerged = grown;
	parent->unmerged_capacity = capacity;
	return SOTTO_OK;
}

static struct parent_node *parent_copy(const struct allocator *allocator,
				       const struct parent_node *parent)
{
	struct parent_node *copy =
		parent_make(allocator, parent_key(parent), parent_hash_of(parent));

	if (copy == NULL)
		return NULL;
	if (parent->unmerged_count == 0)
		return copy;
	if (parent_reserve(allocator, copy, parent->unmerged_count) != SOTTO_OK) {
		parent_drop(allocator, copy);
		return NULL;
	}
	memcpy(copy->unmerged, parent->unmerged,
	       parent->unmerged_count * sizeof(copy->unmerged[0]));
	copy->unmerged_count = parent->unmerged_count;
	return copy;
}

/* ---- Pages ---- */

static void page_drop(const struct allocator *allocator, struct tree_page *page)
{
	if (page == NULL || --page->refs != 0)
		return;
	for (size_t i = 0; i < TREE_PAGE_SLOTS; i++) {
		leaf_node_drop(allocator, page->slots[i].leaf);
		parent_drop(allocator, page->slots[i].parent);
	}
	allocator_give(allocator, page, sizeof(*page));
}

static struct tree_page *page_copy(const struct allocator *allocator, const struct tree_page *page)
{
	struct tree_page *copy = allocator_take(allocator, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *page;
	copy->refs = 1;
	for (size_t i = 0; i < TREE_PAGE_SLOTS; i++) {
		if (copy->slots[i].leaf != NULL)
			(void)leaf_node_ref(copy->slots[i].leaf);
		if (copy->slots[i].parent != NULL)
			copy->slots[i].parent->refs++;
	}
	return copy;
}

void tree_drop_pages(struct tree *tree, size_t keep)
{
	while (tree->page_count > keep)
		page_drop(tree->allocator, tree->pages[--tree->page_count]);
}

void tree_finish(struct tree *tree)
{
	tree_drop_pages(tree, 0);
	allocator_give(tree->allocator, tree->pages, tree->page_capacity * sizeof(tree->pages[0]));
	tree->pages = NULL;
	tree->page_capacity = 0;
	tree->width = 0;
	tree_index_finish(&tree->index);
}

enum sotto_err tree_clone(const struct tree *tree, struct tree *clone)
{
	size_t size = tree->page_count * sizeof(tree->pages[0]);
	struct tree_page **pages = allocator_take(tree->allocator, size);

	if (pages == NULL && size != 0)
		return SOTTO_ERR_NO_MEMORY;
	*clone = *tree;
	clone->pages = pages;
	clone->page_capacity = tree->page_count;
	for (size_t i = 0; i < tree->page_count; i++) {
		pages[i] = tree->pages[i];
		pages[i]->refs++;
	}
	tree_index_share(&tree->index, &clone->index);
	return SOTTO_OK;
}

enum sotto_err tree_grow_pages(struct tree *tree, size_t count)
{
	if (count > tree->page_capacity) {
		size_t capacity = count > 2 * tree->page_capacity ? count : 2 * tree->page_capacity;
		struct tree_page **pages =
			allocator_take(tree->allocator, capacity * sizeof(pages[0]));

		if (pages == NULL)
			return SOTTO_ERR_NO_MEMORY;
		if (tree->page_count != 0)
			memcpy(pages, tree->pages, tree->page_count * sizeof(pages[0]));
		allocator_give(tree->allocator, tree->pages,
			       tree->page_capacity * sizeof(tree->pages[0]));
		tree->pages = pages;
		tree->page_capacity = capacity;
	}
	while (tree->page_count < count) {
		struct tree_page *page =
			allocator_take_zeroed(tree->allocator, 1, sizeof(struct tree_page));

		if (page == NULL)
			return SOTTO_ERR_NO_MEMORY;
		page->refs = 1;
		tree->pages[tree->page_count++] = page;
	}
	return SOTTO_OK;
}

/* ---- Slots ---- */

struct tree_slot *tree_slot(const struct tree *tree, uint32_t node)
{
	ASSERT(tree->width != 0 && node < tree_node_count(tree->width));
	return &tree->pages[node / TREE_PAGE_SLOTS]->slots[node % TREE_PAGE_SLOTS];
}

enum sotto_err tree_slot_own(struct tree *tree, uint32_t node, struct tree_slot **slot)
{
	struct tree_page **page = &tree->pages[node / TREE_PAGE_SLOTS];

	ASSERT(tree->width != 0 && node < tree_node_count(tree->width));
	if ((*page)->refs > 1) {
		struct tree_page *copy = page_copy(tree->allocator, *page);

		if (copy == NULL)
			return SOTTO_ERR_NO_MEMORY;
		page_drop(tree->allocator, *page);
		*page = copy;
	}
	*slot = &(*page)->slots[node % TREE_PAGE_SLOTS];
	return SOTTO_OK;
}

enum sotto_err tree_slot_change(struct tree *tree, uint32_t node, struct tree_slot **slot)
{
	enum sotto_err err = tree_slot_own(tree, node, slot);

	if (err == SOTTO_OK)
		(*slot)->mark = 0;
	return err;
}

enum sotto_err tree_touch(struct tree *tree, uint32_t node, int filled)
{
	for (;; node = node_parent(node)) {
		struct tree_slot *slot;
		enum sotto_err err;

		if (filled == 0 && !tree_slot(tree, node)->hashed)
			return SOTTO_OK;
		err = tree_slot_own(tree, node, &slot);
		if (err != SOTTO_OK)
			return err;
		slot->hashed = false;
		slot->filled = (uint32_t)((int64_t)slot->filled + filled);
		if (node == tree_root(tree->width))
			return SOTTO_OK;
	}
}

enum sotto_err tree_put_parent(struct tree *tree, uint32_t node, struct parent_node *parent)
{
	struct tree_slot *slot;
	enum sotto_err err = tree_slot_change(tree, node, &slot);

	if (err == SOTTO_OK)
		err = tree_touch(tree, node, 0);
	if (err != SOTTO_OK) {
		parent_drop(tree->allocator, parent);
		return err;
	}
	parent_drop(tree->allocator, slot->parent);
	slot->parent = parent;
	return SOTTO_OK;
}

enum sotto_err tree_own_parent(struct tree *tree, uint32_t node, struct parent_node **parent)
{
	struct tree_slot *slot;
	enum sotto_err err = tree_slot_change(tree, node, &slot);

	if (err == SOTTO_OK)
		err = tree_touch(tree, node, 0);
	if (err != SOTTO_OK)
		return err;
	ASSERT(slot->parent != NULL);
	if (slot->parent->refs > 1) {
		struct parent_node *copy = parent_copy(tree->allocator, slot->parent);

		if (copy == NULL)
			return SOTTO_ERR_NO_MEMORY;
		parent_drop(tree->allocator, slot->parent);
		slot->parent = copy;
	}
	*parent = slot->parent;
	return SOTTO_OK;
}

/* ---- Reading ---- */

const struct leaf_node *tree_leaf(const struct tree *tree, uint32_t leaf)
{
	return leaf < tree->width ? tree_slot(tree, node_of_leaf(leaf))->leaf : NULL;
}

const struct parent_node *tree_parent(const struct tree *tree, uint32_t node)
{
	return tree_slot(tree, node)->parent;
}

bool tree_blank(const struct tree *tree, uint32_t node)
{
	const struct tree_slot *slot = tree_slot(tree, node);

	return slot->leaf == NULL && slot->parent == NULL;
}

struct bytes tree_key(const struct tree *tree, uint32_t node)
{
	const struct tree_slot *slot = tree_slot(tree, node);

	ASSERT(slot->leaf != NULL || slot->parent != NULL);
	return slot->leaf != NULL ? slot->leaf->view.encryption_key : parent_key(slot->parent);
}

uint32_t tree_filled(const struct tree *tree, uint32_t node)
{
	return tree_slot(tree, node)->filled;
}

bool tree_key_matches(const void *context, enum tree_key_kind kind, uint32_t node, struct bytes key)
{
	const struct tree *tree = context;

	if (kind == TREE_KEY_ENCRYPTION)
		return bytes_equal(tree_key(tree, node), key);
	return bytes_equal(tree_slot(tree, node)->leaf->view.signature_key, key);
}

uint32_t tree_find_encryption_key(const struct tree *tree, struct bytes key)
{
	return tree_index_find(&tree->index, TREE_KEY_ENCRYPTION, key, tree_key_matches, tree);
}

uint32_t tree_find_signature_key(const struct tree *tree, struct bytes key)
{
	return tree_index_find(&tree->index, TREE_KEY_SIGNATURE, key, tree_key_matches, tree);
}
