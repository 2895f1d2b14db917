/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of eight leaves taken apart, to be spoilt and shown to who joins, in a welcome whose every hash
 * and signature is right for it as it is. Tree and parent hashes are made here a second time, from the
 * text of RFC 9420.
 */
#ifndef TESTS_MLS_HOSTILE_TREE_H
#define TESTS_MLS_HOSTILE_TREE_H

#include "tests/mls/hostile.h"

#define WIDTH	8
#define NODES	(2 * WIDTH - 1)
#define JOINER	7 /* actor and leaf */
#define LAST	6 /* leaf that has renewed its path last: nodes 11 and 7 */
#define REMOVED 5 /* a blank leaf */
#define ROOT	7
#define BELOW	11 /* the node below the root on LAST's path */
#define OTHER	9  /* over leaves 4 and 5: blank */

/* A tree taken apart. */
struct node {
	enum { BLANK, LEAF, PARENT } type;
	struct leaf_view leaf;
	struct bytes encoded; /* of a leaf; signed anew: in writer */
	struct writer writer;
	struct bytes key; /* of a parent, and below */
	struct bytes parent_hash;
	uint8_t hash[HASH_LEN_MAX];
	uint32_t unmerged[WIDTH];
	size_t unmerged_count;
};

struct parts {
	struct node nodes[NODES];
	uint32_t count; /* of nodes that are written */
	bool wrong_hash;
	uint8_t room[2][KEM_PUBLIC_LEN_MAX];
	struct secret path_secret; /* told to the joiner */
	uint32_t signer;
	uint64_t now_s;
};

static inline void unmerged_add(struct node *node, uint32_t leaf)
{
	node->unmerged[node->unmerged_count++] = leaf;
}

/* The world of the case that runs, with the members' identities. */
extern struct world tree_world;

/* A leaf as its view says, signed by its member, or by another. */
void tree_leaf_sign(struct parts *parts, uint32_t leaf, unsigned signer);

/* ParentHashInput (7.9); no leaf below the sibling is unmerged at the node. */
void tree_parent_hash_make(const struct parts *parts, uint32_t at, uint32_t sibling, uint8_t *out);

/* Makes a parent hash the field of a node, or of a leaf before it is signed. */
void tree_hash_set(struct node *node, const uint8_t *hash);

/* LAST's path, as if it had just set the nodes as they are now. */
void tree_chain(struct parts *parts);

struct tree_case {
	const char *name;
	void (*spoil)(struct parts *parts);
	enum sotto_err err;
};

/*
 * Each case for a joiner. deep: one was removed, and all have renewed their paths but leaves 2 and 3,
 * above which there is a blank; else there is no parent at all. members_max: the joiner's limit, 0: the
 * default one.
 */
void tree_cases_run(const struct tree_case *cases, size_t count, bool deep, uint32_t members_max);

#endif
