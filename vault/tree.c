/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of row keys. A key of zeros means: none. */
#include "vault/tree.h"

#include <string.h>

#include "base/assert.h"

#define NODE_BITS	6
#define NODE_LEN	(VAULT_NODE_KEYS * VAULT_KEY_LEN)
#define NODE_SEALED_LEN (NODE_LEN + VAULT_SEAL_LEN)

/* More than an iteration needs at once; past it what was not changed is forgotten. */
#define NODES_KEPT_MAX 64

static const uint8_t no_key[VAULT_KEY_LEN];

struct node {
	struct list link;
	struct node *parent; /* NULL: root */
	unsigned int level;  /* 0: root */
	uint64_t number;
	bool changed;
	uint8_t keys[VAULT_NODE_KEYS][VAULT_KEY_LEN];
};

void vault_tree_init(struct vault_tree *tree, const struct allocator *allocator,
		     const struct random_source *random, struct vault_database *database,
		     enum vault_domain domain, const uint8_t *erasure)
{
	*tree = (struct vault_tree){.allocator = allocator,
				    .random = random,
				    .database = database,
				    .domain = domain,
				    .erasure = erasure};
	list_init(&tree->nodes);
}

void vault_tree_finish(struct vault_tree *tree)
{
	if (tree->allocator == NULL)
		return;
	list_for_each (element, following, &tree->nodes) {
		list_remove(element);
		allocator_wipe(tree->allocator, CONTAINER_OF(element, struct node, link),
			       sizeof(struct node));
	}
	tree->node_count = 0;
}

static struct vault_place place_of(const struct vault_tree *tree, const struct node *node)
{
	return (struct vault_place){.kind = VAULT_SEALED_NODE,
				    .table = (uint8_t)tree->domain,
				    .class = (uint8_t)node->level,
				    .index = node->number};
}

static uint8_t *key_in_parent(const struct node *node)
{
	return node->parent->keys[node->number % VAULT_NODE_KEYS];
}

static const uint8_t *key_of(const struct vault_tree *tree, const struct node *node)
{
	return node->parent == NULL ? tree->erasure : key_in_parent(node);
}

/* From the database; one that was never written holds no keys. */
static enum sotto_err load(struct vault_tree *tree, struct node *node)
{
	struct vault_place place = place_of(tree, node);
	uint8_t sealed[NODE_SEALED_LEN];
	enum sotto_err err;

	if (node->parent != NULL && memcmp(key_in_parent(node), no_key, VAULT_KEY_LEN) == 0)
		return SOTTO_OK;
	err = vault_database_get_node(tree->database, tree->domain, node->level, node->number,
				      sealed, sizeof(sealed));
	if (err == SOTTO_ERR_NOT_FOUND)
		return node->parent == NULL ? SOTTO_OK : SOTTO_ERR_CORRUPT;
	if (err != SOTTO_OK)
		return err;
	if (vault_unseal(key_of(tree, node), &place, BYTES_OF(sealed), node->keys[0]) != SOTTO_OK)
		return SOTTO_ERR_CORRUPT;
	return SOTTO_OK;
}

static struct node *find(const struct vault_tree *tree, unsigned int level, uint64_t number)
{
	list_for_each (element, following, &tree->nodes) {
		struct node *node = CONTAINER_OF(element, struct node, link);

		if (node->level == level && node->number == number)
			return node;
	}
	return NULL;
}

static enum sotto_err descend(struct vault_tree *tree, struct node *parent, unsigned int level,
			      uint64_t number, struct node **found)
{
	struct node *node = find(tree, level, number);
	enum sotto_err err;

	if (node == NULL) {
		node = allocator_take_zeroed(tree->allocator, 1, sizeof(*node));
		if (node == NULL)
			return SOTTO_ERR_NO_MEMORY;
		node->parent = parent;
		node->level = level;
		node->number = number;
		err = load(tree, node);
		if (err != SOTTO_OK) {
			allocator_wipe(tree->allocator, node, sizeof(*node));
			return err;
		}
		list_append(&tree->nodes, &node->link);
		tree->node_count++;
	}
	*found = node;
	return SOTTO_OK;
}

/* The leaf of a slot; every node on the path is marked if it is going to be changed. */
static enum sotto_err walk(struct vault_tree *tree, uint64_t slot, bool change, struct node **leaf)
{
	struct node *node = NULL;

	for (unsigned int level = 0; level < VAULT_LEVELS; level++) {
		uint64_t number = slot >> (NODE_BITS * (VAULT_LEVELS - level));
		enum sotto_err err = descend(tree, node, level, number, &node);

		if (err != SOTTO_OK)
			return err;
		node->changed |= change;
	}
	*leaf = node;
	return SOTTO_OK;
}

static bool nothing_changed(const struct vault_tree *tree)
{
	list_for_each (element, following, &tree->nodes) {
		if (CONTAINER_OF(element, struct node, link)->changed)
			return false;
	}
	return true;
}

enum sotto_err vault_tree_get(struct vault_tree *tree, uint64_t slot, uint8_t *key)
{
	struct node *leaf;
	const uint8_t *found;
	enum sotto_err err;

	if (slot >> (NODE_BITS * VAULT_LEVELS) != 0)
		return SOTTO_ERR_CORRUPT;
	if (tree->node_count > NODES_KEPT_MAX && nothing_changed(tree))
		vault_tree_finish(tree);
	err = walk(tree, slot, false, &leaf);
	if (err != SOTTO_OK)
		return err;
	found = leaf->keys[slot % VAULT_NODE_KEYS];
	if (memcmp(found, no_key, VAULT_KEY_LEN) == 0)
		return SOTTO_ERR_CORRUPT;
	memcpy(key, found, VAULT_KEY_LEN);
	return SOTTO_OK;
}

enum sotto_err vault_tree_set(struct vault_tree *tree, uint64_t slot, const uint8_t *key)
{
	struct node *leaf;
	enum sotto_err err;

	if (slot >> (NODE_BITS * VAULT_LEVELS) != 0)
		return SOTTO_ERR_CORRUPT;
	err = walk(tree, slot, true, &leaf);
	if (err != SOTTO_OK)
		return err;
	memcpy(leaf->keys[slot % VAULT_NODE_KEYS], key != NULL ? key : no_key, VAULT_KEY_LEN);
	return SOTTO_OK;
}

/* A key for a node that has none yet, or that is to lose the one it has. */
static enum sotto_err renew_key(struct vault_tree *tree, struct node *node, bool erase)
{
	if (node->parent == NULL)
		return SOTTO_OK;
	if (!erase && memcmp(key_in_parent(node), no_key, VAULT_KEY_LEN) != 0)
		return SOTTO_OK;
	return random_fill(tree->random, key_in_parent(node), VAULT_KEY_LEN);
}

static enum sotto_err store(struct vault_tree *tree, const struct node *node, const uint8_t *key)
{
	struct vault_place place = place_of(tree, node);
	uint8_t sealed[NODE_SEALED_LEN];
	enum sotto_err err =
		vault_seal(key, &place, tree->random, BYTES(node->keys, NODE_LEN), sealed);

	if (err != SOTTO_OK)
		return err;
	return vault_database_put_node(tree->database, tree->domain, node->level, node->number,
				       BYTES_OF(sealed));
}

enum sotto_err vault_tree_flush(struct vault_tree *tree, const uint8_t *erasure)
{
	enum sotto_err err;

	/* All keys first: a parent is sealed with the keys of its children in it. */
	list_for_each (element, following, &tree->nodes) {
		struct node *node = CONTAINER_OF(element, struct node, link);

		if (node->changed) {
			err = renew_key(tree, node, erasure != NULL);
			if (err != SOTTO_OK)
				return err;
		}
	}
	list_for_each (element, following, &tree->nodes) {
		struct node *node = CONTAINER_OF(element, struct node, link);
		const uint8_t *key =
			node->parent == NULL && erasure != NULL ? erasure : key_of(tree, node);

		if (!node->changed)
			continue;
		err = store(tree, node, key);
		if (err != SOTTO_OK)
			return err;
		node->changed = false;
	}
	return SOTTO_OK;
}
