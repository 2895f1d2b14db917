/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the keys of erasable rows lie: a tree of nodes of 64 keys, three levels deep.
 *
 *     erasure key --> root --> middle --> leaf --> row key        slot = root, middle and leaf entry
 *
 * A node is sealed under the key that its parent holds for it, the root under the erasure key. To erase row
 * keys, the nodes on their paths get fresh keys and the root a fresh erasure key: 6 KiB for each erased
 * row at most, however many there are. Old versions of a node may lie on in the log or on free pages; what
 * opens them hangs on the old erasure key.
 */
#ifndef VAULT_TREE_H
#define VAULT_TREE_H

#include "base/allocator.h"
#include "base/list.h"
#include "vault/database.h"

#define VAULT_NODE_KEYS 64
#define VAULT_LEVELS	3

/* Nodes read so far, and what was changed in them; for the length of one call of the vault. */
struct vault_tree {
	const struct allocator *allocator;
	const struct random_source *random;
	struct vault_database *database;
	enum vault_domain domain;
	const uint8_t *erasure; /* borrowed */
	struct list nodes;
	size_t node_count;
};

void vault_tree_init(struct vault_tree *tree, const struct allocator *allocator,
		     const struct random_source *random, struct vault_database *database,
		     enum vault_domain domain, const uint8_t *erasure);

/* Wipes and forgets. Zeroed, never initialised, is fine. */
void vault_tree_finish(struct vault_tree *tree);

/* SOTTO_ERR_CORRUPT: a node is damaged, or the slot has no key. */
MUST_USE enum sotto_err vault_tree_get(struct vault_tree *tree, uint64_t slot, uint8_t *key);

/* NULL: no key any more. Written by vault_tree_flush. */
MUST_USE enum sotto_err vault_tree_set(struct vault_tree *tree, uint64_t slot, const uint8_t *key);

/*
 * Seals what was changed and puts it into the database. erasure: the next erasure key if anything is to be
 * erased, so that every changed node gets a fresh key; NULL: keys stay.
 */
MUST_USE enum sotto_err vault_tree_flush(struct vault_tree *tree, const uint8_t *erasure);

#endif
