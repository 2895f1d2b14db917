/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret tree and its ratchets (RFC 9420 section 9).
 *
 * All memory is taken when an epoch begins, one block in which only what is used is ever touched;
 * so opening and sealing messages allocates nothing. A key is looked up first, without changing
 * anything, and consumed when its message has turned out to be genuine: a forged message, or a
 * duplicate, destroys nothing.
 *
 *    root ----- tree secrets, derived on the way to a leaf, the siblings kept
 *     leaf ---- two ratchets: handshake, application: secret, next generation
 *       key --- of generations that were jumped over: a ring, the oldest erased for the newest
 */
#ifndef MLS_SECRET_TREE_H
#define MLS_SECRET_TREE_H

#include "mls/suite.h"
#include "mls/tree_math.h"

enum ratchet_kind {
	RATCHET_HANDSHAKE = 0,
	RATCHET_APPLICATION = 1,
};

struct message_key {
	uint8_t key[AEAD_KEY_LEN_MAX];
	uint8_t nonce[AEAD_NONCE_LEN_MAX];
};

struct skipped_key;

struct secret_tree {
	const struct allocator *allocator;
	const struct suite *suite;
	uint32_t width;
	uint32_t forward; /* limits.generations_forward */
	uint8_t *block;
	size_t block_len;
	/* Inside the block: */
	uint8_t *node_bits;    /* has this node a secret? */
	uint8_t *ratchet_bits; /* has this leaf its ratchets? */
	uint8_t *nodes;
	uint8_t *ratchets;
	struct skipped_key *skipped;
	uint32_t skipped_capacity;
	uint32_t skipped_next;	/* the ring's next place */
	uint32_t skipped_begun; /* places that were ever used: behind them nothing is initialised */
};

/* Starts from encryption_secret; SOTTO_ERR_NO_MEMORY. root NULL: empty, to be loaded. */
MUST_USE enum sotto_err secret_tree_init(struct secret_tree *tree, const struct mls_config *config,
					 const struct suite *suite, uint32_t width,
					 const struct secret *root);
void secret_tree_finish(struct secret_tree *tree);

/* The generation that a ratchet stands at: what its owner sends next. */
uint32_t secret_tree_generation(const struct secret_tree *tree, uint32_t leaf,
				enum ratchet_kind kind);

/*
 * The key of a generation; changes nothing. SOTTO_ERR_REPLAY: consumed or given up.
 * SOTTO_ERR_LIMIT: too far ahead. leaf is inside the tree (asserted).
 */
MUST_USE enum sotto_err secret_tree_peek(const struct secret_tree *tree, uint32_t leaf,
					 enum ratchet_kind kind, uint32_t generation,
					 struct message_key *key);

/* After a peek that was right: erases this key, keeps those jumped over. */
void secret_tree_consume(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
			 uint32_t generation);

/* Derives the two ratchets of a leaf and erases the tree secrets above it. */
void secret_tree_start_leaf(struct secret_tree *tree, uint32_t leaf);

/*
 * Has a time been longer ago than an age? A stamp of 0 is none and becomes now_s; so does one that
 * lies ahead, of a clock that was set back. A stamp never grows.
 */
static inline bool age_passed(uint64_t *stamp_s, uint64_t now_s, uint64_t age_s)
{
	if (*stamp_s == 0 || *stamp_s > now_s)
		*stamp_s = now_s;
	return now_s - *stamp_s > age_s;
}

/* Erases kept keys that were first seen here longer ago than age_s. now_s is not 0. */
void secret_tree_expire(struct secret_tree *tree, uint64_t now_s, uint64_t age_s);

/*
 * The state, for saving. until: the ratchets of own_leaf are written as they will stand at these
 * generations (by kind), where that is ahead of where they are; NULL: as they are.
 */
void secret_tree_write(const struct secret_tree *tree, uint32_t own_leaf, const uint32_t *until,
		       struct writer *writer);

/* Into a tree that was initialised empty. */
MUST_USE enum sotto_err secret_tree_read(struct secret_tree *tree, struct reader *reader);

#endif
