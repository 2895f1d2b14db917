/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own UpdatePath (RFC 9420 sections 7.4 to 7.6):
 *
 *    path_secret[0] --> path_secret[1] --> ... --> commit_secret
 *         |                  |
 *    node keys          node keys
 *
 * then parent hashes from the root down, the leaf, and the secrets sealed to the resolutions of the
 * copath.
 */
#include "mls/epoch.h"

#include <string.h>

bool leaf_list_has(const struct leaf_list *list, uint32_t leaf)
{
	size_t low = 0;
	size_t high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->leaves[middle] == leaf)
			return true;
		if (list->leaves[middle] < leaf)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/*
 * A fresh path secret and those that follow from it; the secret behind the last is the commit
 * secret.
 */
static enum sotto_err draw_secrets(const struct epoch *next, const struct tree_path_step *steps,
				   size_t count, struct path_secrets *secrets)
{
	struct secret secret = {.len = (uint8_t)suite_hash_len(next->suite)};
	enum sotto_err err = random_fill(next->config->random, secret.data, secret.len);

	if (err != SOTTO_OK)
		return err;
	for (size_t i = 0; i < count; i++) {
		secrets->by_level[node_level(steps[i].node)] = secret;
		suite_derive(next->suite, &secret, "path", &secret);
	}
	if (count == 0)
		suite_derive(next->suite, &secret, "path", &secret);
	secrets->commit = secret;
	secret_wipe(&secret);
	return SOTTO_OK;
}

/* Keys of one node from its path secret, into keys and tree. */
static enum sotto_err renew_node(struct epoch *next, uint32_t node,
				 const struct secret *path_secret, struct bytes parent_hash)
{
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	enum kem_alg kem = next->suite->hpke.kem;
	struct secret node_secret;
	enum sotto_err err;

	suite_derive(next->suite, path_secret, "node", &node_secret);
	err = kem_derive(kem, secret_bytes(&node_secret), &next->keys.nodes[node_level(node)],
			 public_key);
	secret_wipe(&node_secret);
	if (err != SOTTO_OK)
		return err;
	return tree_set_parent(&next->tree, node, BYTES(public_key, kem_public_len(kem)),
			       parent_hash);
}

static enum sotto_err renew_leaf(struct epoch *next, const struct mls_leaf_options *options,
				 struct bytes parent_hash)
{
	const struct suite *suite = next->suite;
	const struct leaf_node *old = tree_leaf(&next->tree, next->own_leaf);
	struct leaf_place place = {.group_id = next->group_id, .leaf = next->own_leaf};
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	const struct leaf_node *made;
	struct writer writer;
	enum sotto_err err;
	struct leaf_recipe recipe = {
		.options = options,
		.old = old != NULL ? &old->view : NULL, /* who joins has none, and options */
		.signature_key = &next->signature_key,
		.encryption_key = BYTES(public_key, kem_public_len(suite->hpke.kem)),
		.source = LEAF_COMMIT,
		.parent_hash = parent_hash,
		.place = &place,
	};

	writer_init_growing(&writer, next->config->allocator);
	TRY(kem_generate(suite->hpke.kem, next->config->random, &next->keys.leaf, public_key));
	TRY(leaf_create(suite, next->config, &recipe, &writer));
	made = leaf_node_make(next->config->allocator, writer_bytes(&writer));
	FAIL_IF(made == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(tree_set_leaf(&next->tree, next->own_leaf, made));
	if (options != NULL)
		next->signature_key = options->identity->private_key;
out:
	writer_release(&writer);
	return err;
}

enum sotto_err path_renew(struct epoch *next, const struct mls_leaf_options *leaf,
			  struct path_secrets *secrets)
{
	struct tree_path_step steps[TREE_DEPTH_MAX];
	size_t count = tree_filtered_path(&next->tree, next->own_leaf, steps);
	size_t hash_len = suite_hash_len(next->suite);
	uint8_t hash[HASH_LEN_MAX];
	struct bytes above = BYTES_NONE;
	enum sotto_err err;

	TRY(draw_secrets(next, steps, count, secrets));
	TRY(tree_blank_path(&next->tree, next->own_leaf));
	/*
	 * From the root down: each node's parent_hash field is the parent hash of the one above it.
	 */
	for (size_t i = count; i > 0; i--) {
		uint32_t node = steps[i - 1].node;

		TRY(renew_node(next, node, &secrets->by_level[node_level(node)], above));
		tree_parent_hash(&next->tree, parent_key(tree_parent(&next->tree, node)),
				 parent_hash_of(tree_parent(&next->tree, node)),
				 tree_hash(&next->tree, steps[i - 1].copath), hash);
		above = BYTES(hash, hash_len);
	}
	epoch_prune_keys(next);
	TRY(renew_leaf(next, leaf, above));
out:
	return err;
}

/*
 * UpdatePathNode: one ciphertext for each key of the copath's resolution but those of new members.
 */
static void node_write(const struct epoch *next, const struct tree_path_step *step,
		       const struct secret *path_secret, const struct leaf_list *added,
		       const struct hpke_info *info, struct writer *writer)
{
	struct tree_resolution resolution;
	uint32_t node;
	size_t start;

	writer_put_vector(writer, parent_key(tree_parent(&next->tree, step->node)));
	start = writer_begin_vector(writer);
	tree_resolution_begin(&resolution, &next->tree, step->copath);
	while ((node = tree_resolution_next(&resolution)) != TREE_NODE_NONE) {
		if (node_is_leaf(node) && leaf_list_has(added, leaf_of_node(node)))
			continue;
		suite_encrypt(next->suite, next->config->random, tree_key(&next->tree, node), info,
			      secret_bytes(path_secret), writer);
	}
	writer_end_vector(writer, start);
}

/* Room for the path: of a tree with blanks, a ciphertext for each of many leaves. */
static void reserve_path(const struct epoch *next, const struct tree_path_step *steps, size_t count,
			 struct writer *writer)
{
	const struct suite *suite = next->suite;
	size_t sealed_len =
		4 + kem_enc_len(suite->hpke.kem) + 4 + suite_hash_len(suite) + AEAD_TAG_LEN;
	size_t len = tree_leaf(&next->tree, next->own_leaf)->view.encoded.len + 4;

	for (size_t i = 0; i < count; i++) {
		struct tree_resolution resolution;

		tree_resolution_begin(&resolution, &next->tree, steps[i].copath);
		while (tree_resolution_next(&resolution) != TREE_NODE_NONE)
			len += sealed_len;
		len += 4 + kem_public_len(suite->hpke.kem) + 4;
	}
	writer_reserve(writer, len);
}

enum sotto_err path_write(const struct epoch *next, const struct path_secrets *secrets,
			  const struct leaf_list *added, struct writer *writer)
{
	struct tree_path_step steps[TREE_DEPTH_MAX];
	size_t count = tree_filtered_path(&next->tree, next->own_leaf, steps);
	struct hpke_info info;
	size_t start;

	suite_encrypt_info(next->suite, "UpdatePathNode", writer_bytes(&next->context), &info);
	reserve_path(next, steps, count, writer);
	writer_put_bytes(writer, tree_leaf(&next->tree, next->own_leaf)->view.encoded);
	start = writer_begin_vector(writer);
	for (size_t i = 0; i < count; i++)
		node_write(next, &steps[i], &secrets->by_level[node_level(steps[i].node)], added,
			   &info, writer);
	writer_end_vector(writer, start);
	return writer_finish(writer);
}
