/* SPDX-License-Identifier: Apache-2.0 */
/* tree-operations, tree-validation, treekem. */
#include "case.h"

#include <stdlib.h>

#include "mls/group.h"

static enum sotto_err load_tree(struct vector_case *vector, const struct suite *suite,
				struct bytes encoded, struct tree *tree)
{
	tree_init(tree, vector->config.allocator, suite, 1);
	return tree_read(tree, encoded, TREE_WIDTH_MAX);
}

/* An epoch around a tree: enough for proposals and paths. */
static struct epoch *epoch_around(struct vector_case *vector, const struct suite *suite,
				  struct bytes group_id, uint64_t number, struct bytes encoded)
{
	struct epoch *epoch = epoch_new(&vector->config, suite, group_id, number);

	if (epoch != NULL && load_tree(vector, suite, encoded, &epoch->tree) != SOTTO_OK) {
		epoch_destroy(epoch);
		epoch = NULL;
	}
	return epoch;
}

static bool tree_encodes_to(const struct tree *tree, struct bytes encoded)
{
	struct writer writer;
	bool same;

	writer_init_growing(&writer, tree->allocator);
	tree_write(tree, &writer);
	same = writer.err == SOTTO_OK && bytes_equal(writer_bytes(&writer), encoded);
	writer_release(&writer);
	return same;
}

/* ---- tree-operations ---- */

/*
 * The proposal by itself, without the rules that only a commit has: a vector's update is signed for
 * no group.
 */
static enum sotto_err apply_plain(struct tree *tree, const struct proposal_view *view,
				  uint32_t sender)
{
	const struct allocator *allocator = tree->allocator;
	const struct leaf_node *leaf;
	uint32_t at;
	enum sotto_err err;

	switch (view->type) {
	case MLS_PROPOSAL_ADD:
		leaf = leaf_node_make(allocator, view->add.leaf.encoded);
		return leaf != NULL ? tree_add(tree, leaf, &at) : SOTTO_ERR_NO_MEMORY;
	case MLS_PROPOSAL_UPDATE:
		leaf = leaf_node_make(allocator, view->update.encoded);
		err = leaf != NULL ? tree_set_leaf(tree, sender, leaf) : SOTTO_ERR_NO_MEMORY;
		return err == SOTTO_OK ? tree_blank_path(tree, sender) : err;
	case MLS_PROPOSAL_REMOVE:
		err = tree_blank_leaf(tree, view->removed);
		if (err == SOTTO_OK)
			err = tree_blank_path(tree, view->removed);
		return err == SOTTO_OK ? tree_truncate(tree) : err;
	default:
		return SOTTO_ERR_UNSUPPORTED;
	}
}

static enum verdict check_operation(struct vector_case *vector, struct tree *tree)
{
	size_t len = suite_hash_len(tree->suite);
	struct proposal_view view;
	struct reader reader;
	struct tree clone;
	bool done;

	CHECK_HEX(vector->json, "tree_hash_before", tree_root_hash(tree), len);
	reader_init(&reader, get_hex(vector, vector->json, "proposal"));
	proposal_read(&reader, &view);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	CHECK(tree_clone(tree, &clone) == SOTTO_OK);
	done = apply_plain(&clone, &view,
			   (uint32_t)get_number(vector, vector->json, "proposal_sender")) ==
		       SOTTO_OK &&
	       tree_encodes_to(&clone, get_hex(vector, vector->json, "tree_after")) &&
	       bytes_equal(BYTES(tree_root_hash(&clone), len),
			   get_hex(vector, vector->json, "tree_hash_after"));
	tree_finish(&clone);
	CHECK(done);
	/* The original did not notice. */
	CHECK(tree_encodes_to(tree, get_hex(vector, vector->json, "tree_before")));
	CHECK_HEX(vector->json, "tree_hash_before", tree_root_hash(tree), len);
	return PASSED;
}

enum verdict run_tree_operations(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	enum verdict verdict;
	struct tree tree;

	CHECK(suite != NULL);
	verdict = load_tree(vector, suite, get_hex(vector, vector->json, "tree_before"), &tree) ==
				  SOTTO_OK
			  ? check_operation(vector, &tree)
			  : fail_case(vector, "tree_before");
	tree_finish(&tree);
	return verdict;
}

/* ---- tree-validation ---- */

static uint64_t number_of(const json_t *value)
{
	return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10)
				     : (uint64_t)json_integer_value(value);
}

static enum verdict check_resolution(struct vector_case *vector, const struct tree *tree,
				     uint32_t node, const json_t *expected)
{
	struct tree_resolution resolution;
	uint32_t at;
	size_t count = 0;

	tree_resolution_begin(&resolution, tree, node);
	while ((at = tree_resolution_next(&resolution)) != TREE_NODE_NONE)
		CHECK(number_of(json_array_get(expected, count++)) == at);
	CHECK(json_array_size(expected) == count);
	return PASSED;
}

static enum verdict check_tree(struct vector_case *vector, const struct tree *tree)
{
	const json_t *hashes = get_array(vector, vector->json, "tree_hashes");
	const json_t *resolutions = get_array(vector, vector->json, "resolutions");
	struct leaf_place place = {.group_id = get_hex(vector, vector->json, "group_id")};
	struct leaf_rules rules = {
		.suite = tree->suite, .config = &vector->config, .place = &place};

	CHECK(json_array_size(hashes) == tree_node_count(tree->width));
	for (uint32_t node = 0; node < tree_node_count(tree->width); node++) {
		const struct leaf_node *leaf =
			node_is_leaf(node) ? tree_leaf(tree, leaf_of_node(node)) : NULL;

		CHECK(bytes_equal(BYTES(tree_hash(tree, node), suite_hash_len(tree->suite)),
				  decode_hex(vector, json_array_get(hashes, node))));
		if (check_resolution(vector, tree, node, json_array_get(resolutions, node)) !=
		    PASSED)
			return FAILED;
		place.leaf = leaf_of_node(node);
		if (leaf != NULL)
			CHECK(leaf_check(&leaf->view, leaf->view.source, &rules) == SOTTO_OK);
	}
	CHECK(tree_check_parents(tree) == SOTTO_OK);
	CHECK(tree_encodes_to(tree, get_hex(vector, vector->json, "tree")));
	return PASSED;
}

enum verdict run_tree_validation(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	enum verdict verdict;
	struct tree tree;

	CHECK(suite != NULL);
	verdict = load_tree(vector, suite, get_hex(vector, vector->json, "tree"), &tree) == SOTTO_OK
			  ? check_tree(vector, &tree)
			  : fail_case(vector, "tree");
	tree_finish(&tree);
	return verdict;
}

/* ---- treekem ---- */

/* Gives an epoch the private state of a leaf. */
static enum verdict take_private(struct vector_case *vector, struct epoch *epoch,
				 const json_t *private)
{
	const json_t *secrets = get_array(vector, private, "path_secrets");
	enum kem_alg kem = epoch->suite->hpke.kem;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	const json_t *entry;
	size_t index;

	epoch->own_leaf = (uint32_t)get_number(vector, private, "index");
	epoch->keys.leaf = get_private(vector, private, "encryption_priv", kem_private_len(kem));
	epoch->signature_key = get_private(vector, private, "signature_priv",
					   sign_private_len(epoch->suite->sign));
	CHECK(kem_public(kem, secret_bytes(&epoch->keys.leaf), public_key) == SOTTO_OK);
	CHECK(bytes_equal(BYTES(public_key, kem_public_len(kem)),
			  tree_key(&epoch->tree, node_of_leaf(epoch->own_leaf))));
	json_array_foreach(secrets, index, entry)
	{
		uint32_t node = (uint32_t)get_number(vector, entry, "node");
		struct secret secret = get_secret(vector, entry, "path_secret");
		struct secret *key = &epoch->keys.nodes[node_level(node)];

		suite_derive(epoch->suite, &secret, "node", &secret);
		CHECK(kem_derive(kem, secret_bytes(&secret), key, public_key) == SOTTO_OK);
		CHECK(bytes_equal(BYTES(public_key, kem_public_len(kem)),
				  tree_key(&epoch->tree, node)));
	}
	return PASSED;
}

static enum sotto_err take_confirmed(struct epoch *epoch, struct bytes confirmed)
{
	if (confirmed.len > HASH_LEN_MAX)
		return SOTTO_ERR_INVALID;
	for (size_t i = 0; i < confirmed.len; i++)
		epoch->confirmed_hash[i] = confirmed.data[i];
	epoch->confirmed_hash_len = confirmed.len;
	return epoch_write_context(epoch);
}

static const struct leaf_list nobody = {0};

/* One receiver of one path. */
static enum verdict receive_path(struct vector_case *vector, struct epoch *epoch,
				 const json_t *private, uint32_t sender,
				 const struct path_view *path, const json_t *expected)
{
	struct secret commit = {0};

	CHECK(take_private(vector, epoch, private) == PASSED);
	CHECK(path_merge(epoch, sender, path, &nobody, 0) == SOTTO_OK);
	CHECK(take_confirmed(epoch, get_hex(vector, vector->json, "confirmed_transcript_hash")) ==
	      SOTTO_OK);
	CHECK_HEX(expected, "tree_hash_after", tree_root_hash(&epoch->tree),
		  suite_hash_len(epoch->suite));
	CHECK(path_open(epoch, sender, path, &nobody, &commit) == SOTTO_OK);
	CHECK_HEX(expected, "commit_secret", commit.data, commit.len);
	return PASSED;
}

static struct epoch *treekem_epoch(struct vector_case *vector, const struct suite *suite)
{
	return epoch_around(vector, suite, get_hex(vector, vector->json, "group_id"),
			    get_number(vector, vector->json, "epoch"),
			    get_hex(vector, vector->json, "ratchet_tree"));
}

static enum verdict check_path(struct vector_case *vector, const struct suite *suite,
			       const json_t *expected)
{
	const json_t *privates = get_array(vector, vector->json, "leaves_private");
	uint32_t sender = (uint32_t)get_number(vector, expected, "sender");
	const json_t *private;
	struct path_view path;
	struct reader reader;
	size_t index;

	reader_init(&reader, get_hex(vector, expected, "update_path"));
	path_read(&reader, &path);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	json_array_foreach(privates, index, private)
	{
		struct epoch *epoch;
		enum verdict verdict;

		if (get_number(vector, private, "index") == sender)
			continue;
		epoch = treekem_epoch(vector, suite);
		CHECK(epoch != NULL);
		verdict = receive_path(vector, epoch, private, sender, &path, expected);
		epoch_destroy(epoch);
		if (verdict != PASSED)
			return verdict;
	}
	return PASSED;
}

/* A path of our own from this leaf: every other leaf must come to the same commit secret. */
static enum verdict check_own_path(struct vector_case *vector, const struct suite *suite,
				   const json_t *private, struct epoch *ours)
{
	const json_t *privates = get_array(vector, vector->json, "leaves_private");
	struct path_secrets secrets = {0};
	struct path_view path;
	struct writer writer;
	struct reader reader;
	const json_t *other;
	size_t index;

	CHECK(take_private(vector, ours, private) == PASSED);
	CHECK(path_renew(ours, NULL, &secrets) == SOTTO_OK);
	CHECK(take_confirmed(ours, get_hex(vector, vector->json, "confirmed_transcript_hash")) ==
	      SOTTO_OK);
	writer_init_growing(&writer, vector->config.allocator);
	CHECK(path_write(ours, &secrets, &nobody, &writer) == SOTTO_OK);
	reader_init(&reader, writer_bytes(&writer));
	path_read(&reader, &path);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	json_array_foreach(privates, index, other)
	{
		struct epoch *theirs;
		struct secret commit = {0};

		if (get_number(vector, other, "index") == ours->own_leaf)
			continue;
		theirs = treekem_epoch(vector, suite);
		CHECK(theirs != NULL && take_private(vector, theirs, other) == PASSED);
		CHECK(path_merge(theirs, ours->own_leaf, &path, &nobody, 0) == SOTTO_OK);
		CHECK(take_confirmed(theirs, epoch_confirmed_hash(ours)) == SOTTO_OK);
		CHECK(path_open(theirs, ours->own_leaf, &path, &nobody, &commit) == SOTTO_OK);
		CHECK(secret_equal(&commit, &secrets.commit));
		epoch_destroy(theirs);
	}
	writer_release(&writer);
	return PASSED;
}

enum verdict run_treekem(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	const json_t *privates = get_array(vector, vector->json, "leaves_private");
	const json_t *entry;
	size_t index;

	CHECK(suite != NULL);
	json_array_foreach(get_array(vector, vector->json, "update_paths"), index, entry)
	{
		if (check_path(vector, suite, entry) != PASSED)
			return FAILED;
	}
	json_array_foreach(privates, index, entry)
	{
		struct epoch *ours = treekem_epoch(vector, suite);
		enum verdict verdict;

		CHECK(ours != NULL);
		verdict = check_own_path(vector, suite, entry, ours);
		epoch_destroy(ours);
		if (verdict != PASSED)
			return verdict;
	}
	return PASSED;
}
