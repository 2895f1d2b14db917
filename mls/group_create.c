/* SPDX-License-Identifier: Apache-2.0 */
/* A group of one (RFC 9420 section 11). */
#include "mls/group.h"

static enum sotto_err first_leaf(struct epoch *epoch, const struct mls_leaf_options *options)
{
	const struct suite *suite = epoch->suite;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct leaf_rules rules = {.suite = suite, .config = epoch->config};
	struct leaf_recipe recipe = {
		.options = options,
		.source = LEAF_KEY_PACKAGE,
		.encryption_key = BYTES(public_key, kem_public_len(suite->hpke.kem)),
	};
	const struct leaf_node *leaf;
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, epoch->config->allocator);
	TRY(kem_generate(suite->hpke.kem, epoch->config->random, &epoch->keys.leaf, public_key));
	TRY(leaf_create(suite, epoch->config, &recipe, &writer));
	leaf = leaf_node_make(epoch->config->allocator, writer_bytes(&writer));
	FAIL_IF(leaf == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(tree_set_leaf(&epoch->tree, 0, leaf));
	leaf = tree_leaf(&epoch->tree, 0);
	TRY(leaf_check(&leaf->view, LEAF_KEY_PACKAGE, &rules));
	TRY(leaf_check_context(&leaf->view, writer_bytes(&epoch->extensions)));
	epoch->signature_key = options->identity->private_key;
out:
	writer_release(&writer);
	return err;
}

static enum sotto_err first_epoch(struct epoch *epoch, const struct mls_leaf_options *leaf,
				  struct bytes extensions)
{
	const struct random_source *random = epoch->config->random;
	struct secret secret = {.len = (uint8_t)suite_hash_len(epoch->suite)};
	uint64_t seed;
	enum sotto_err err;

	TRY(random_fill(random, &seed, sizeof(seed)));
	tree_init(&epoch->tree, epoch->config->allocator, epoch->suite, seed);
	writer_put_bytes(&epoch->extensions, extensions);
	TRY(writer_finish(&epoch->extensions));
	TRY(extensions_check(writer_bytes(&epoch->extensions)));
	TRY(context_extensions_check(writer_bytes(&epoch->extensions), epoch->suite,
				     epoch->config));
	TRY(tree_widen(&epoch->tree, 1));
	TRY(first_leaf(epoch, leaf));
	TRY(epoch_write_context(epoch));
	TRY(random_fill(random, secret.data, secret.len));
	epoch_secrets_expand(epoch->suite, &secret, &epoch->secrets);
	TRY(epoch_begin(epoch));
out:
	secret_wipe(&secret);
	return err;
}

enum sotto_err group_create(const struct mls_config *config, struct bytes group_id,
			    const struct mls_leaf_options *leaf, struct bytes extensions,
			    struct mls_group **group)
{
	const struct suite *suite = suite_find(leaf->identity->suite);
	struct mls_group *made = NULL;
	enum sotto_err err;

	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	TRY(group_new(config, suite, group_id, &made));
	made->epoch = epoch_new(&made->config, suite, group_id_bytes(made), 0);
	FAIL_IF(made->epoch == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(first_epoch(made->epoch, leaf, extensions));
	*group = made;
	made = NULL;
out:
	mls_group_destroy(made);
	return err;
}

enum sotto_err mls_group_create(const struct mls_config *config, struct bytes group_id,
				const struct mls_leaf_options *leaf,
				const struct mls_extension *extensions, size_t extension_count,
				struct mls_group **group)
{
	struct writer list;
	enum sotto_err err;

	writer_init_growing(&list, config->allocator);
	extensions_write(&list, extensions, extension_count);
	TRY(writer_finish(&list));
	TRY(group_create(config, group_id, leaf, writer_bytes(&list), group));
out:
	writer_release(&list);
	return err;
}
