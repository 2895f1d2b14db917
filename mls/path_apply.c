/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A received UpdatePath (RFC 9420 sections 7.5, 7.6, 12.4.2): check and merge its public part, then
 * open the one ciphertext that is for us and climb to the root.
 */
#include "mls/epoch.h"

/* Which ciphertext of a node is ours, and the key that opens it. */
struct opener {
	size_t index;
	const struct secret *key;
};

static size_t count_recipients(const struct tree *tree, uint32_t copath,
			       const struct leaf_list *added)
{
	struct tree_resolution resolution;
	size_t count = 0;
	uint32_t node;

	tree_resolution_begin(&resolution, tree, copath);
	while ((node = tree_resolution_next(&resolution)) != TREE_NODE_NONE)
		count += !(node_is_leaf(node) && leaf_list_has(added, leaf_of_node(node)));
	return count;
}

/*
 * 12.4.2: no public key of the path is in the new tree, before anything of it is merged. (Two equal
 * keys inside the path are refused when the second is set.)
 */
static enum sotto_err check_keys(const struct epoch *next, const struct path_view *path,
				 const struct tree_path_step *steps, size_t count,
				 const struct leaf_list *added)
{
	const struct tree *tree = &next->tree;
	struct reader nodes;

	if (path->node_count != count)
		return SOTTO_ERR_INVALID;
	if (tree_find_encryption_key(tree, path->leaf.encryption_key) != TREE_NODE_NONE)
		return SOTTO_ERR_INVALID;
	reader_init(&nodes, path->nodes);
	for (size_t i = 0; i < count; i++) {
		struct path_node_view node;
		enum sotto_err err;

		path_node_read(&nodes, &node);
		err = kem_check_public(next->suite->hpke.kem, node.encryption_key);
		if (err != SOTTO_OK)
			return err;
		if (tree_find_encryption_key(tree, node.encryption_key) != TREE_NODE_NONE)
			return SOTTO_ERR_INVALID;
		if (node.ciphertext_count != count_recipients(tree, steps[i].copath, added))
			return SOTTO_ERR_INVALID;
	}
	return reader_finish(&nodes);
}

/*
 * One node of a path that has been parsed: its key, and its ciphertexts, which are not parsed again, for
 * there may be as many as members.
 */
static struct bytes node_pass(struct reader *nodes, struct bytes *ciphertexts)
{
	struct bytes key = reader_get_vector(nodes);

	*ciphertexts = reader_get_vector(nodes);
	return key;
}

/* The keys in order, leaf to root, borrowed from the path. */
static void list_keys(const struct path_view *path, struct bytes keys[TREE_DEPTH_MAX])
{
	struct bytes ciphertexts;
	struct reader nodes;

	reader_init(&nodes, path->nodes);
	for (size_t i = 0; i < path->node_count; i++)
		keys[i] = node_pass(&nodes, &ciphertexts);
}

static enum sotto_err merge_nodes(struct epoch *next, uint32_t sender, const struct path_view *path,
				  const struct tree_path_step *steps, size_t count)
{
	struct bytes keys[TREE_DEPTH_MAX];
	uint8_t hash[HASH_LEN_MAX];
	struct bytes above = BYTES_NONE;
	enum sotto_err err;

	list_keys(path, keys);
	TRY(tree_blank_path(&next->tree, sender));
	for (size_t i = count; i > 0; i--) {
		TRY(tree_set_parent(&next->tree, steps[i - 1].node, keys[i - 1], above));
		tree_parent_hash(&next->tree, keys[i - 1],
				 parent_hash_of(tree_parent(&next->tree, steps[i - 1].node)),
				 tree_hash(&next->tree, steps[i - 1].copath), hash);
		above = BYTES(hash, suite_hash_len(next->suite));
	}
	/* 7.9.2: the leaf's field closes the chain. */
	FAIL_IF(!bytes_equal(path->leaf.parent_hash, above), SOTTO_ERR_INVALID);
out:
	return err;
}

enum sotto_err path_merge(struct epoch *next, uint32_t sender, const struct path_view *path,
			  const struct leaf_list *added, uint64_t now_s)
{
	struct leaf_place place = {.group_id = next->group_id, .leaf = sender};
	struct leaf_rules rules = {
		.suite = next->suite, .config = next->config, .place = &place, .now_s = now_s};
	struct tree_path_step steps[TREE_DEPTH_MAX];
	size_t count = tree_filtered_path(&next->tree, sender, steps);
	const struct leaf_node *leaf;
	enum sotto_err err;

	TRY(leaf_check(&path->leaf, LEAF_COMMIT, &rules));
	TRY(leaf_check_context(&path->leaf, writer_bytes(&next->extensions)));
	TRY(check_keys(next, path, steps, count, added));
	TRY(merge_nodes(next, sender, path, steps, count));
	leaf = leaf_node_make(next->config->allocator, path->leaf.encoded);
	FAIL_IF(leaf == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(tree_set_leaf(&next->tree, sender, leaf));
	TRY(tree_check_credentials(&next->tree));
out:
	return err;
}

/*
 * The first key in the copath's resolution that we hold. A member whom no path has reached yet is
 * an unmerged leaf: nodes above it are in the resolution, but only its own leaf's key is there to
 * open with.
 */
static enum sotto_err find_opener(const struct epoch *next, uint32_t copath,
				  const struct leaf_list *added, struct opener *opener)
{
	struct tree_resolution resolution;
	uint32_t node;
	size_t index = 0;

	tree_resolution_begin(&resolution, &next->tree, copath);
	while ((node = tree_resolution_next(&resolution)) != TREE_NODE_NONE) {
		const struct secret *key;

		if (node_is_leaf(node) && leaf_list_has(added, leaf_of_node(node)))
			continue;
		key = node_is_leaf(node) ? &next->keys.leaf : &next->keys.nodes[node_level(node)];
		if (node_covers(node, next->own_leaf) && key->len != 0) {
			*opener = (struct opener){.index = index, .key = key};
			return SOTTO_OK;
		}
		index++;
	}
	return SOTTO_ERR_INVALID;
}

static struct hpke_ciphertext ciphertext_at(const struct path_view *path, size_t step, size_t index)
{
	struct hpke_ciphertext sealed = {0};
	struct bytes ciphertexts = BYTES_NONE;
	struct reader reader;

	reader_init(&reader, path->nodes);
	for (size_t i = 0; i <= step; i++)
		(void)node_pass(&reader, &ciphertexts);
	reader_init(&reader, ciphertexts);
	for (size_t i = 0; i <= index; i++)
		sealed = hpke_ciphertext_read(&reader);
	return sealed;
}

static enum sotto_err open_secret(const struct epoch *next, const struct opener *opener,
				  const struct hpke_ciphertext *sealed, struct secret *path_secret)
{
	uint8_t plaintext[HASH_LEN_MAX + AEAD_TAG_LEN];
	struct hpke_info info;
	enum sotto_err err;
	size_t len = 0;

	FAIL_IF(sealed->ciphertext.len != suite_hash_len(next->suite) + AEAD_TAG_LEN,
		SOTTO_ERR_INVALID);
	suite_encrypt_info(next->suite, "UpdatePathNode", writer_bytes(&next->context), &info);
	TRY(suite_decrypt(next->suite, secret_bytes(opener->key), &info, sealed, plaintext, &len));
	secret_set(path_secret, plaintext, len);
out:
	bytes_wipe(plaintext, sizeof(plaintext));
	return err;
}

enum sotto_err path_climb(struct epoch *next, uint32_t sender, uint32_t level,
			  const struct secret *path_secret, struct secret *commit_secret)
{
	struct tree_path_step steps[TREE_DEPTH_MAX];
	size_t count = tree_filtered_path(&next->tree, sender, steps);
	enum kem_alg kem = next->suite->hpke.kem;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct secret secret = *path_secret;
	struct secret node_secret = {0};
	struct secret private_key = {0};
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < count; i++) {
		uint32_t at = node_level(steps[i].node);

		if (at < level)
			continue;
		suite_derive(next->suite, &secret, "node", &node_secret);
		TRY(kem_derive(kem, secret_bytes(&node_secret), &private_key, public_key));
		FAIL_IF(tree_parent(&next->tree, steps[i].node) == NULL, SOTTO_ERR_INVALID);
		FAIL_IF(!bytes_equal(BYTES(public_key, kem_public_len(kem)),
				     parent_key(tree_parent(&next->tree, steps[i].node))),
			SOTTO_ERR_INVALID);
		next->keys.nodes[at] = private_key;
		suite_derive(next->suite, &secret, "path", &secret);
	}
	*commit_secret = secret;
out:
	secret_wipe(&secret);
	secret_wipe(&node_secret);
	secret_wipe(&private_key);
	return err;
}

enum sotto_err path_open(struct epoch *next, uint32_t sender, const struct path_view *path,
			 const struct leaf_list *added, struct secret *commit_secret)
{
	uint32_t common = leaf_common_ancestor(sender, next->own_leaf);
	struct tree_path_step steps[TREE_DEPTH_MAX];
	size_t count = tree_filtered_path(&next->tree, sender, steps);
	struct secret path_secret = {0};
	struct hpke_ciphertext sealed;
	struct opener opener;
	enum sotto_err err;
	size_t step = 0;

	while (step < count && steps[step].node != common)
		step++;
	FAIL_IF(step == count, SOTTO_ERR_INVALID);
	TRY(find_opener(next, steps[step].copath, added, &opener));
	sealed = ciphertext_at(path, step, opener.index);
	TRY(open_secret(next, &opener, &sealed, &path_secret));
	epoch_prune_keys(next);
	TRY(path_climb(next, sender, node_level(common), &path_secret, commit_secret));
out:
	secret_wipe(&path_secret);
	return err;
}
