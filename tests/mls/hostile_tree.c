/* SPDX-License-Identifier: Apache-2.0 */
/* A tree taken apart, and who joins with it: see the header. */
#include "tests/mls/hostile_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct world tree_world;
static struct mls_buffer package;
static struct mls_key_package_secrets secrets;

static size_t hash_size(void)
{
	return mls_suite_hash_len(tree_world.suite);
}

static void begin(bool deep)
{
	static const unsigned six[] = {1, 2, 3, 4, 5, 6}, gone[] = {REMOVED};

	world_init(&tree_world, world_suite(), 13);
	for (int i = 0; i < WIDTH; i++)
		(void)world_new_actor(&tree_world);
	world_create(&tree_world, 0);
	world_commit(&tree_world, 0, six, 6, NULL, 0, false);
	if (deep)
		world_commit(&tree_world, 0, NULL, 0, gone, 1, true);
	for (unsigned i = 1; deep && i <= LAST; i++) {
		if (i != REMOVED && i != 2 && i != 3)
			world_commit(&tree_world, i, NULL, 0, NULL, 0, true);
	}
	world_key_package(&tree_world, JOINER, &package, &secrets);
}

static void finish(void)
{
	mls_buffer_release(&package);
	world_finish(&tree_world);
}

static void parts_make(struct parts *parts)
{
	const struct tree *tree = &tree_world.actors[0].group->epoch->tree;
	struct key_package_view view;

	*parts = (struct parts){.count = NODES, .signer = LAST};
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	for (uint32_t i = 0; i < NODES; i++) {
		struct node *node = &parts->nodes[i];
		const struct leaf_node *leaf =
			node_is_leaf(i) ? tree_leaf(tree, leaf_of_node(i)) : NULL;

		writer_init_growing(&node->writer, &allocator_default);
		if (leaf != NULL) {
			node->type = LEAF;
			node->leaf = leaf->view;
			node->encoded = leaf->view.encoded;
		} else if (!node_is_leaf(i) && tree_parent(tree, i) != NULL) {
			node->type = PARENT;
			node->key = parent_key(tree_parent(tree, i));
			node->parent_hash = parent_hash_of(tree_parent(tree, i));
			assert_int_equal(tree_parent(tree, i)->unmerged_count, 0);
			if (node_covers(i, JOINER))
				unmerged_add(node, JOINER);
		}
	}
	parts->nodes[2 * JOINER].type = LEAF;
	parts->nodes[2 * JOINER].leaf = view.leaf;
	parts->nodes[2 * JOINER].encoded = view.leaf.encoded;
}

static void parts_release(struct parts *parts)
{
	for (uint32_t i = 0; i < NODES; i++)
		writer_release(&parts->nodes[i].writer);
}

void tree_leaf_sign(struct parts *parts, uint32_t leaf, unsigned signer)
{
	struct leaf_place place = {.group_id = BYTES_TEXT("test group"), .leaf = leaf};
	struct node *node = &parts->nodes[2 * leaf];

	node->writer.len = 0;
	hostile_leaf_write(&tree_world, &node->leaf, &place, &tree_world.actors[signer].identity,
			   &node->writer);
	node->encoded = writer_bytes(&node->writer);
}

/* ---- The wire, and the hashes of sections 7.8 and 7.9 ---- */

static void put_parent(const struct node *node, struct writer *out)
{
	writer_put_vector(out, node->key);
	writer_put_vector(out, node->parent_hash);
	writer_put_varint(out, 4 * node->unmerged_count);
	for (size_t i = 0; i < node->unmerged_count; i++)
		writer_put_u32(out, node->unmerged[i]);
}

static void put_node(const struct node *node, struct writer *out)
{
	writer_put_u8(out, node->type != BLANK);
	if (node->type == LEAF) {
		writer_put_u8(out, 1);
		writer_put_bytes(out, node->encoded);
	} else if (node->type == PARENT) {
		writer_put_u8(out, 2);
		put_parent(node, out);
	}
}

static void put_tree(const struct parts *parts, struct writer *out)
{
	size_t start, inner;

	writer_put_u16(out, MLS_EXTENSION_RATCHET_TREE);
	start = writer_begin_vector(out);
	inner = writer_begin_vector(out);
	for (uint32_t i = 0; i < parts->count; i++) {
		if (i < NODES)
			put_node(&parts->nodes[i], out);
		else
			writer_put_u8(out, 0);
	}
	writer_end_vector(out, inner);
	writer_end_vector(out, start);
}

/* TreeHashInput. */
static void tree_hash_make(const struct parts *parts, uint32_t at, uint8_t *out)
{
	const struct node *node = &parts->nodes[at];
	uint8_t left[HASH_LEN_MAX], right[HASH_LEN_MAX];
	struct writer input;

	writer_init_growing(&input, &allocator_default);
	writer_put_u8(&input, node_is_leaf(at) ? 1 : 2);
	if (node_is_leaf(at)) {
		writer_put_u32(&input, leaf_of_node(at));
		writer_put_u8(&input, node->type != BLANK);
		writer_put_bytes(&input, node->encoded);
	} else {
		tree_hash_make(parts, node_left(at), left);
		tree_hash_make(parts, node_right(at), right);
		writer_put_u8(&input, node->type != BLANK);
		if (node->type != BLANK)
			put_parent(node, &input);
		writer_put_vector(&input, BYTES(left, hash_size()));
		writer_put_vector(&input, BYTES(right, hash_size()));
	}
	hash_digest(suite_find(tree_world.suite)->hpke.kdf, writer_bytes(&input), out);
	writer_release(&input);
}

void tree_parent_hash_make(const struct parts *parts, uint32_t at, uint32_t sibling, uint8_t *out)
{
	uint8_t hash[HASH_LEN_MAX];
	struct writer input;

	tree_hash_make(parts, sibling, hash);
	writer_init_growing(&input, &allocator_default);
	writer_put_vector(&input, parts->nodes[at].key);
	writer_put_vector(&input, parts->nodes[at].parent_hash);
	writer_put_vector(&input, BYTES(hash, hash_size()));
	hash_digest(suite_find(tree_world.suite)->hpke.kdf, writer_bytes(&input), out);
	writer_release(&input);
}

void tree_hash_set(struct node *node, const uint8_t *hash)
{
	memcpy(node->hash, hash, hash_size());
	node->parent_hash = BYTES(node->hash, hash_size());
	node->leaf.parent_hash = node->parent_hash;
}

void tree_chain(struct parts *parts)
{
	uint8_t hash[HASH_LEN_MAX];

	tree_parent_hash_make(parts, ROOT, 3, hash);
	tree_hash_set(&parts->nodes[BELOW], hash);
	tree_parent_hash_make(parts, BELOW, OTHER, hash);
	tree_hash_set(&parts->nodes[2 * LAST], hash);
	tree_leaf_sign(parts, LAST, LAST);
}

/* ---- Joining ---- */

static enum sotto_err join(const struct parts *parts)
{
	struct mls_join_options options = {
		.key_package = mls_buffer_bytes(&package),
		.secrets = &secrets,
		.identity = &tree_world.actors[JOINER].identity,
		.now_s = parts->now_s,
	};
	struct hostile_welcome welcome = {
		.info = {.version = 1,
			 .suite = tree_world.suite,
			 .group_id = BYTES_TEXT("test group"),
			 .epoch = 9,
			 .confirmed_hash = BYTES_TEXT("some transcript or other"),
			 .context_extensions =
				 writer_bytes(&tree_world.actors[0].group->epoch->extensions),
			 .signer = parts->signer},
		.identity = &tree_world.actors[parts->signer].identity,
		.path_secret = secret_bytes(&parts->path_secret),
	};
	uint8_t hash[HASH_LEN_MAX];
	struct key_package_view view;
	struct mls_group *group = NULL;
	struct writer extensions, out;
	enum sotto_err err;

	writer_init_growing(&extensions, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	tree_hash_make(parts, ROOT, hash);
	hash[0] ^= parts->wrong_hash;
	put_tree(parts, &extensions);
	welcome.info.tree_hash = BYTES(hash, hash_size());
	welcome.info.extensions = writer_bytes(&extensions);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	hostile_welcome_write(&tree_world, &welcome, &view, &out);
	options.welcome = writer_bytes(&out);
	err = mls_group_join(&tree_world.config, &options, &group);
	assert_int_equal(group != NULL, err == SOTTO_OK);
	mls_group_destroy(group);
	writer_release(&extensions);
	writer_release(&out);
	return err;
}

void tree_cases_run(const struct tree_case *cases, size_t count, bool deep, uint32_t members_max)
{
	begin(deep);
	if (members_max != 0)
		tree_world.config.limits.members = members_max;
	for (size_t i = 0; i < count; i++) {
		static struct parts parts;
		enum sotto_err err;

		parts_make(&parts);
		cases[i].spoil(&parts);
		err = join(&parts);
		if (err != cases[i].err)
			print_error("%s: %s\n", cases[i].name, sotto_err_text(err));
		assert_int_equal(err, cases[i].err);
		parts_release(&parts);
	}
	finish();
}
