/* SPDX-License-Identifier: Apache-2.0 */
/* The secret tree: see the header for its parts. */
#include "mls/secret_tree.h"

#include <string.h>

#include "base/assert.h"

#define RATCHETS_PER_LEAF 2

struct skipped_key {
	uint32_t leaf;
	uint32_t generation;
	uint8_t used; /* 0: an empty place */
	uint8_t kind;
	uint64_t seen_s; /* by secret_tree_expire; 0: not yet */
	struct message_key key;
};

/* A ratchet in the block: the generation it stands at, then its secret. */
static size_t ratchet_len(const struct suite *suite)
{
	return sizeof(uint32_t) + suite_hash_len(suite);
}

static bool bit_get(const uint8_t *bits, uint32_t at)
{
	return (bits[at / 8] >> (at % 8) & 1) != 0;
}

static void bit_set(uint8_t *bits, uint32_t at)
{
	bits[at / 8] |= (uint8_t)(1u << (at % 8));
}

static void bit_clear(uint8_t *bits, uint32_t at)
{
	bits[at / 8] &= (uint8_t) ~(1u << (at % 8));
}

static uint8_t *node_secret(const struct secret_tree *tree, uint32_t node)
{
	return tree->nodes + (size_t)node * suite_hash_len(tree->suite);
}

static uint8_t *ratchet_at(const struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind)
{
	return tree->ratchets +
	       (RATCHETS_PER_LEAF * (size_t)leaf + kind) * ratchet_len(tree->suite);
}

static uint32_t ratchet_generation(const uint8_t *ratchet)
{
	uint32_t generation;

	memcpy(&generation, ratchet, sizeof(generation));
	return generation;
}

static void ratchet_set_generation(uint8_t *ratchet, uint32_t generation)
{
	memcpy(ratchet, &generation, sizeof(generation));
}

enum sotto_err secret_tree_init(struct secret_tree *tree, const struct mls_config *config,
				const struct suite *suite, uint32_t width,
				const struct secret *root)
{
	size_t nodes = tree_node_count(width);
	uint64_t skipped_len = (uint64_t)config->limits.skipped_keys * sizeof(struct skipped_key);
	size_t node_bits_len = (nodes + 7) / 8;
	size_t ratchet_bits_len = ((size_t)width + 7) / 8;
	uint64_t block_len = skipped_len + node_bits_len + ratchet_bits_len +
			     (uint64_t)nodes * suite_hash_len(suite) +
			     (uint64_t)RATCHETS_PER_LEAF * width * ratchet_len(suite);
	uint8_t *at;

	*tree = (struct secret_tree){
		.allocator = config->allocator,
		.suite = suite,
		.width = width,
		.forward = config->limits.generations_forward,
		.skipped_capacity = config->limits.skipped_keys,
	};
	/* The largest tree and the largest limit do not fit into 32 bits. */
	if (block_len > SIZE_MAX)
		return SOTTO_ERR_NO_MEMORY;
	tree->block_len = (size_t)block_len;
	tree->block = allocator_take(tree->allocator, tree->block_len);
	if (tree->block == NULL)
		return SOTTO_ERR_NO_MEMORY;
	/*
	 * First the part that needs malloc's alignment; only the bits are cleared, the rest is
	 * untouched.
	 */
	at = tree->block;
	tree->skipped = (struct skipped_key *)(void *)at;
	at += skipped_len;
	tree->node_bits = at;
	at += node_bits_len;
	tree->ratchet_bits = at;
	at += ratchet_bits_len;
	memset(tree->node_bits, 0, node_bits_len + ratchet_bits_len);
	tree->nodes = at;
	tree->ratchets = at + nodes * suite_hash_len(suite);
	if (root != NULL) {
		ASSERT(root->len == suite_hash_len(suite));
		memcpy(node_secret(tree, tree_root(width)), root->data, root->len);
		bit_set(tree->node_bits, tree_root(width));
	}
	return SOTTO_OK;
}

/* The first of count bits, from at on, that is set; count: none. Few are, so bytes are skipped. */
static uint32_t bit_next(const uint8_t *bits, uint32_t at, uint32_t count)
{
	while (at < count && !bit_get(bits, at))
		at = bits[at / 8] >> (at % 8) == 0 ? (at / 8 + 1) * 8 : at + 1;
	return at < count ? at : count;
}

/* Wipes what was used and leaves the rest of the block untouched. */
void secret_tree_finish(struct secret_tree *tree)
{
	uint32_t nodes;

	if (tree->block == NULL)
		return;
	nodes = tree_node_count(tree->width);
	for (uint32_t node = bit_next(tree->node_bits, 0, nodes); node < nodes;
	     node = bit_next(tree->node_bits, node + 1, nodes))
		bytes_wipe(node_secret(tree, node), suite_hash_len(tree->suite));
	for (uint32_t leaf = bit_next(tree->ratchet_bits, 0, tree->width); leaf < tree->width;
	     leaf = bit_next(tree->ratchet_bits, leaf + 1, tree->width))
		bytes_wipe(ratchet_at(tree, leaf, RATCHET_HANDSHAKE),
			   RATCHETS_PER_LEAF * ratchet_len(tree->suite));
	for (uint32_t i = 0; i < tree->skipped_begun; i++) {
		if (tree->skipped[i].used)
			bytes_wipe(&tree->skipped[i], sizeof(tree->skipped[i]));
	}
	allocator_give(tree->allocator, tree->block, tree->block_len);
	*tree = (struct secret_tree){0};
}

/* ---- Tree secrets ---- */

static void derive_child(const struct secret_tree *tree, const uint8_t *parent, bool left,
			 uint8_t *out)
{
	size_t len = suite_hash_len(tree->suite);

	suite_expand(tree->suite, BYTES(parent, len), "tree",
		     left ? BYTES_TEXT("left") : BYTES_TEXT("right"), out, len);
}

/* The level of the lowest node above a leaf that has a secret; above the root: there is none. */
static uint32_t covering_level(const struct secret_tree *tree, uint32_t leaf)
{
	uint32_t depth = node_level(tree_root(tree->width));
	uint32_t level = 0;

	while (level <= depth && !bit_get(tree->node_bits, leaf_ancestor(leaf, level)))
		level++;
	return level;
}

/* Can a leaf's ratchets be had at all? Not if what was loaded from a store had holes. */
static bool leaf_reachable(const struct secret_tree *tree, uint32_t leaf)
{
	return bit_get(tree->ratchet_bits, leaf) ||
	       covering_level(tree, leaf) <= node_level(tree_root(tree->width));
}

/* The first secrets of a leaf's ratchets, from whatever is there; changes nothing. */
static void derive_ratchet(const struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
			   uint8_t *out)
{
	size_t len = suite_hash_len(tree->suite);
	uint32_t level = covering_level(tree, leaf);
	uint8_t secret[HASH_LEN_MAX];

	memcpy(secret, node_secret(tree, leaf_ancestor(leaf, level)), len);
	for (; level > 0; level--) {
		uint32_t node = leaf_ancestor(leaf, level);

		derive_child(tree, secret, node_left(node) == leaf_ancestor(leaf, level - 1),
			     secret);
	}
	suite_expand(tree->suite, BYTES(secret, len),
		     kind == RATCHET_HANDSHAKE ? "handshake" : "application", BYTES_NONE, out, len);
	bytes_wipe(secret, sizeof(secret));
}

static void erase_node(struct secret_tree *tree, uint32_t node)
{
	bytes_wipe(node_secret(tree, node), suite_hash_len(tree->suite));
	bit_clear(tree->node_bits, node);
}

void secret_tree_start_leaf(struct secret_tree *tree, uint32_t leaf)
{
	uint32_t level;

	if (bit_get(tree->ratchet_bits, leaf))
		return;
	for (level = covering_level(tree, leaf); level > 0; level--) {
		uint32_t node = leaf_ancestor(leaf, level);

		derive_child(tree, node_secret(tree, node), true,
			     node_secret(tree, node_left(node)));
		derive_child(tree, node_secret(tree, node), false,
			     node_secret(tree, node_right(node)));
		bit_set(tree->node_bits, node_left(node));
		bit_set(tree->node_bits, node_right(node));
		erase_node(tree, node);
	}
	for (int kind = RATCHET_HANDSHAKE; kind <= RATCHET_APPLICATION; kind++) {
		uint8_t *ratchet = ratchet_at(tree, leaf, (enum ratchet_kind)kind);

		ratchet_set_generation(ratchet, 0);
		derive_ratchet(tree, leaf, (enum ratchet_kind)kind, ratchet + sizeof(uint32_t));
	}
	erase_node(tree, node_of_leaf(leaf));
	bit_set(tree->ratchet_bits, leaf);
}

/* ---- Ratchets ---- */

static void ratchet_key(const struct secret_tree *tree, const uint8_t *secret, uint32_t generation,
			struct message_key *key)
{
	struct bytes from = BYTES(secret, suite_hash_len(tree->suite));
	enum aead_alg aead = tree->suite->hpke.aead;

	suite_derive_tree(tree->suite, from, "nonce", generation, key->nonce, aead_nonce_len(aead));
	suite_derive_tree(tree->suite, from, "key", generation, key->key, aead_key_len(aead));
}

static void ratchet_step(const struct secret_tree *tree, uint8_t *secret, uint32_t generation)
{
	size_t len = suite_hash_len(tree->suite);

	suite_derive_tree(tree->suite, BYTES(secret, len), "secret", generation, secret, len);
}

static struct skipped_key *find_skipped(const struct secret_tree *tree, uint32_t leaf,
					enum ratchet_kind kind, uint32_t generation)
{
	for (uint32_t i = 0; i < tree->skipped_begun; i++) {
		struct skipped_key *skipped = &tree->skipped[i];

		if (skipped->used && skipped->leaf == leaf && skipped->kind == kind &&
		    skipped->generation == generation)
			return skipped;
	}
	return NULL;
}

static struct skipped_key *skipped_place(struct secret_tree *tree)
{
	struct skipped_key *place = &tree->skipped[tree->skipped_next];

	/* Places are begun in their order. */
	if (tree->skipped_begun == tree->skipped_next)
		tree->skipped_begun++;
	tree->skipped_next = (tree->skipped_next + 1) % tree->skipped_capacity;
	return place;
}

uint32_t secret_tree_generation(const struct secret_tree *tree, uint32_t leaf,
				enum ratchet_kind kind)
{
	if (!bit_get(tree->ratchet_bits, leaf))
		return 0;
	return ratchet_generation(ratchet_at(tree, leaf, kind));
}

enum sotto_err secret_tree_peek(const struct secret_tree *tree, uint32_t leaf,
				enum ratchet_kind kind, uint32_t generation,
				struct message_key *key)
{
	uint8_t secret[HASH_LEN_MAX];
	uint32_t at;

	ASSERT(leaf < tree->width);
	if (!leaf_reachable(tree, leaf))
		return SOTTO_ERR_CORRUPT;
	at = secret_tree_generation(tree, leaf, kind);
	if (generation < at) {
		const struct skipped_key *skipped = find_skipped(tree, leaf, kind, generation);

		if (skipped == NULL)
			return SOTTO_ERR_REPLAY;
		*key = skipped->key;
		return SOTTO_OK;
	}
	if (generation - at > tree->forward || generation == UINT32_MAX)
		return SOTTO_ERR_LIMIT;
	if (bit_get(tree->ratchet_bits, leaf))
		memcpy(secret, ratchet_at(tree, leaf, kind) + sizeof(uint32_t),
		       suite_hash_len(tree->suite));
	else
		derive_ratchet(tree, leaf, kind, secret);
	for (; at < generation; at++)
		ratchet_step(tree, secret, at);
	ratchet_key(tree, secret, generation, key);
	bytes_wipe(secret, sizeof(secret));
	return SOTTO_OK;
}

void secret_tree_consume(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
			 uint32_t generation)
{
	uint8_t *ratchet, *secret;
	uint32_t at;

	secret_tree_start_leaf(tree, leaf);
	ratchet = ratchet_at(tree, leaf, kind);
	secret = ratchet + sizeof(uint32_t);
	at = ratchet_generation(ratchet);
	if (generation < at) {
		struct skipped_key *skipped = find_skipped(tree, leaf, kind, generation);

		if (skipped != NULL)
			bytes_wipe(skipped, sizeof(*skipped));
		return;
	}
	for (; at < generation; at++) {
		if (tree->skipped_capacity != 0) {
			struct skipped_key *place = skipped_place(tree);

			place->leaf = leaf;
			place->generation = at;
			place->used = 1;
			place->kind = (uint8_t)kind;
			place->seen_s = 0;
			ratchet_key(tree, secret, at, &place->key);
		}
		ratchet_step(tree, secret, at);
	}
	ratchet_step(tree, secret, at);
	ratchet_set_generation(ratchet, at + 1);
}

void secret_tree_expire(struct secret_tree *tree, uint64_t now_s, uint64_t age_s)
{
	for (uint32_t i = 0; i < tree->skipped_begun; i++) {
		struct skipped_key *skipped = &tree->skipped[i];

		if (skipped->used && age_passed(&skipped->seen_s, now_s, age_s))
			bytes_wipe(skipped, sizeof(*skipped));
	}
}

/* ---- Saving ---- */

static void write_ratchets(const struct secret_tree *tree, uint32_t leaf, const uint32_t *until,
			   struct writer *writer)
{
	size_t len = suite_hash_len(tree->suite);

	writer_put_u32(writer, leaf);
	for (int kind = RATCHET_HANDSHAKE; kind <= RATCHET_APPLICATION; kind++) {
		const uint8_t *ratchet = ratchet_at(tree, leaf, (enum ratchet_kind)kind);
		uint32_t generation = ratchet_generation(ratchet);
		uint8_t secret[HASH_LEN_MAX];

		memcpy(secret, ratchet + sizeof(uint32_t), len);
		for (; until != NULL && generation < until[kind]; generation++)
			ratchet_step(tree, secret, generation);
		writer_put_u32(writer, generation);
		writer_put_bytes(writer, BYTES(secret, len));
		bytes_wipe(secret, sizeof(secret));
	}
}

void secret_tree_write(const struct secret_tree *tree, uint32_t own_leaf, const uint32_t *until,
		       struct writer *writer)
{
	uint32_t nodes = tree_node_count(tree->width);
	size_t len = suite_hash_len(tree->suite);
	size_t start;

	writer_put_u32(writer, tree->width);
	start = writer_begin_vector(writer);
	for (uint32_t node = bit_next(tree->node_bits, 0, nodes); node < nodes;
	     node = bit_next(tree->node_bits, node + 1, nodes)) {
		writer_put_u32(writer, node);
		writer_put_bytes(writer, BYTES(node_secret(tree, node), len));
	}
	writer_end_vector(writer, start);
	start = writer_begin_vector(writer);
	for (uint32_t leaf = bit_next(tree->ratchet_bits, 0, tree->width); leaf < tree->width;
	     leaf = bit_next(tree->ratchet_bits, leaf + 1, tree->width))
		write_ratchets(tree, leaf, leaf == own_leaf ? until : NULL, writer);
	writer_end_vector(writer, start);
	start = writer_begin_vector(writer);
	for (uint32_t i = 0; i < tree->skipped_begun; i++) {
		/* From the oldest on, so that the ring comes back in its order. */
		uint32_t at = (tree->skipped_next + i) % tree->skipped_begun;
		const struct skipped_key *skipped = &tree->skipped[at];

		if (!skipped->used)
			continue;
		writer_put_u32(writer, skipped->leaf);
		writer_put_u8(writer, skipped->kind);
		writer_put_u32(writer, skipped->generation);
		writer_put_u64(writer, skipped->seen_s);
		writer_put_bytes(writer,
				 BYTES(skipped->key.key, aead_key_len(tree->suite->hpke.aead)));
		writer_put_bytes(writer,
				 BYTES(skipped->key.nonce, aead_nonce_len(tree->suite->hpke.aead)));
	}
	writer_end_vector(writer, start);
}

static void read_nodes(struct secret_tree *tree, struct reader *reader)
{
	struct reader nodes = reader_get_nested(reader);

	while (reader_more(&nodes)) {
		uint32_t node = reader_get_u32(&nodes);

		if (node >= tree_node_count(tree->width)) {
			reader_fail(&nodes, SOTTO_ERR_CORRUPT);
			break;
		}
		reader_get_array(&nodes, node_secret(tree, node), suite_hash_len(tree->suite));
		bit_set(tree->node_bits, node);
	}
	reader_end_nested(reader, &nodes);
}

static void read_ratchets(struct secret_tree *tree, struct reader *reader)
{
	struct reader leaves = reader_get_nested(reader);

	while (reader_more(&leaves)) {
		uint32_t leaf = reader_get_u32(&leaves);

		if (leaf >= tree->width) {
			reader_fail(&leaves, SOTTO_ERR_CORRUPT);
			break;
		}
		for (int kind = RATCHET_HANDSHAKE; kind <= RATCHET_APPLICATION; kind++) {
			uint8_t *ratchet = ratchet_at(tree, leaf, (enum ratchet_kind)kind);

			ratchet_set_generation(ratchet, reader_get_u32(&leaves));
			reader_get_array(&leaves, ratchet + sizeof(uint32_t),
					 suite_hash_len(tree->suite));
		}
		bit_set(tree->ratchet_bits, leaf);
	}
	reader_end_nested(reader, &leaves);
}

static void read_skipped(struct secret_tree *tree, struct reader *reader)
{
	struct reader keys = reader_get_nested(reader);

	while (reader_more(&keys)) {
		struct skipped_key key = {.used = 1};

		key.leaf = reader_get_u32(&keys);
		key.kind = reader_get_u8(&keys);
		key.generation = reader_get_u32(&keys);
		key.seen_s = reader_get_u64(&keys);
		reader_get_array(&keys, key.key.key, aead_key_len(tree->suite->hpke.aead));
		reader_get_array(&keys, key.key.nonce, aead_nonce_len(tree->suite->hpke.aead));
		if (keys.err == SOTTO_OK && tree->skipped_capacity != 0)
			*skipped_place(tree) = key;
		bytes_wipe(&key, sizeof(key));
	}
	reader_end_nested(reader, &keys);
}

enum sotto_err secret_tree_read(struct secret_tree *tree, struct reader *reader)
{
	if (reader_get_u32(reader) != tree->width)
		return reader->err != SOTTO_OK ? reader->err : SOTTO_ERR_CORRUPT;
	read_nodes(tree, reader);
	read_ratchets(tree, reader);
	read_skipped(tree, reader);
	return reader->err;
}
