/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree hashes (RFC 9420 section 7.8), remembered in the slots: only what changed since is hashed
 * again. And parent hashes (7.9), with the original tree hash of a sibling.
 */
#include "mls/tree.h"
#include "mls/tree_slots.h"

#define NODE_TYPE_LEAF	 1
#define NODE_TYPE_PARENT 2

static void hash_leaf(const struct tree *tree, uint32_t leaf, const struct leaf_node *content,
		      uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, tree->suite->hpke.kdf);
	hash_put_u8(&hash, NODE_TYPE_LEAF);
	hash_put_u32(&hash, leaf);
	hash_put_u8(&hash, content != NULL);
	if (content != NULL)
		hash_update(&hash, content->view.encoded);
	hash_final(&hash, out);
}

static bool list_has(const uint32_t *leaves, size_t count, uint32_t leaf)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (leaves[middle] == leaf)
			return true;
		if (leaves[middle] < leaf)
			low = middle + 1;
		else
			count = middle;
	}
	return false;
}

/* The unmerged leaves but for those in a list, as uint32 unmerged_leaves<V>. */
static void hash_unmerged(struct hash *hash, const struct parent_node *parent,
			  const uint32_t *without, size_t without_count)
{
	struct writer writer;
	uint8_t header[4];
	uint32_t count = 0;

	for (uint32_t i = 0; i < parent->unmerged_count; i++)
		count += !list_has(without, without_count, parent->unmerged[i]);
	writer_init_fixed(&writer, header, sizeof(header));
	writer_put_varint(&writer, (size_t)count * 4);
	hash_update(hash, writer_bytes(&writer));
	for (uint32_t i = 0; i < parent->unmerged_count; i++) {
		if (!list_has(without, without_count, parent->unmerged[i]))
			hash_put_u32(hash, parent->unmerged[i]);
	}
}

static void hash_parent(const struct tree *tree, uint32_t node, const uint32_t *without,
			size_t without_count, const uint8_t *left, const uint8_t *right,
			uint8_t *out)
{
	const struct parent_node *parent = tree_parent(tree, node);
	size_t len = suite_hash_len(tree->suite);
	struct hash hash;

	hash_init(&hash, tree->suite->hpke.kdf);
	hash_put_u8(&hash, NODE_TYPE_PARENT);
	hash_put_u8(&hash, parent != NULL);
	if (parent != NULL) {
		hash_put_vector(&hash, parent_key(parent));
		hash_put_vector(&hash, parent_hash_of(parent));
		hash_unmerged(&hash, parent, without, without_count);
	}
	hash_put_vector(&hash, BYTES(left, len));
	hash_put_vector(&hash, BYTES(right, len));
	hash_final(&hash, out);
}

const uint8_t *tree_hash(const struct tree *tree, uint32_t node)
{
	struct tree_slot *slot = tree_slot(tree, node);

	if (slot->hashed)
		return slot->hash;
	if (node_is_leaf(node))
		hash_leaf(tree, leaf_of_node(node), slot->leaf, slot->hash);
	else
		hash_parent(tree, node, NULL, 0, tree_hash(tree, node_left(node)),
			    tree_hash(tree, node_right(node)), slot->hash);
	slot->hashed = true;
	return slot->hash;
}

static void copy_hash(const struct tree *tree, const uint8_t *hash, uint8_t *out)
{
	for (size_t i = 0; i < suite_hash_len(tree->suite); i++)
		out[i] = hash[i];
}

void tree_hash_without(const struct tree *tree, uint32_t node, const uint32_t *leaves, size_t count,
		       uint8_t *out)
{
	uint8_t left[HASH_LEN_MAX];
	uint8_t right[HASH_LEN_MAX];

	while (count > 0 && leaves[0] < node_first_leaf(node)) {
		leaves++;
		count--;
	}
	while (count > 0 && leaves[count - 1] > node_last_leaf(node))
		count--;
	if (count == 0) {
		copy_hash(tree, tree_hash(tree, node), out);
		return;
	}
	if (node_is_leaf(node)) {
		hash_leaf(tree, leaf_of_node(node), NULL, out);
		return;
	}
	tree_hash_without(tree, node_left(node), leaves, count, left);
	tree_hash_without(tree, node_right(node), leaves, count, right);
	hash_parent(tree, node, leaves, count, left, right, out);
}

void tree_parent_hash(const struct tree *tree, struct bytes key, struct bytes parent_hash,
		      const uint8_t *sibling_hash, uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, tree->suite->hpke.kdf);
	hash_put_vector(&hash, key);
	hash_put_vector(&hash, parent_hash);
	hash_put_vector(&hash, BYTES(sibling_hash, suite_hash_len(tree->suite)));
	hash_final(&hash, out);
}
