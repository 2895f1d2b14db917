/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GroupInfo as who joins reads it (RFC 9420 section 12.4.3), with a welcome or for an external
 * commit: parse, find the tree, check all of it, and fill an epoch with what is public.
 */
#include <string.h>

#include "base/assert.h"
#include "mls/welcome.h"

void group_info_read(struct reader *reader, struct group_info_view *view)
{
	const uint8_t *start = reader->at;

	view->version = reader_get_u16(reader);
	view->suite = reader_get_u16(reader);
	view->group_id = reader_get_vector(reader);
	view->epoch = reader_get_u64(reader);
	view->tree_hash = reader_get_vector(reader);
	view->confirmed_hash = reader_get_vector(reader);
	view->context_extensions = extensions_read(reader);
	view->context_encoded = BYTES(start, (size_t)(reader->at - start));
	view->extensions = extensions_read(reader);
	view->confirmation_tag = reader_get_vector(reader);
	view->signer = reader_get_u32(reader);
	view->signed_len = (size_t)(reader->at - start);
	view->signature = reader_get_vector(reader);
	view->encoded = BYTES(start, (size_t)(reader->at - start));
}

enum sotto_err group_info_verify(const struct group_info_view *view, const struct suite *suite,
				 const struct allocator *allocator, struct bytes public_key)
{
	struct writer content;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&content, allocator);
	start = sign_content_begin(&content, "GroupInfoTBS");
	writer_put_bytes(&content, BYTES(view->encoded.data, view->signed_len));
	sign_content_end(&content, start);
	err = suite_verify(suite, public_key, &content, view->signature);
	writer_release(&content);
	return err;
}

static enum sotto_err verify_entry(const struct info_entry *entry, const struct epoch *epoch,
				   struct bytes public_key)
{
	const struct group_info_view *info = entry->info;

	if (entry->own == NULL)
		return group_info_verify(info, epoch->suite, epoch->config->allocator, public_key);
	ASSERT(entry->own == info->encoded.data);
	return sign_verify(epoch->suite->sign, public_key,
			   sign_content_around("GroupInfoTBS", entry->own, info->signed_len),
			   info->signature);
}

/* The tree that came beside the group info, or the one inside. */
static enum sotto_err load_tree(const struct info_entry *entry, struct epoch *epoch)
{
	const struct mls_config *config = epoch->config;
	struct bytes encoded = entry->tree;
	uint64_t seed;
	enum sotto_err err = SOTTO_OK;

	if (encoded.len == 0)
		TRY(mls_extension_find(entry->info->extensions, MLS_EXTENSION_RATCHET_TREE,
				       &encoded));
	TRY(random_fill(config->random, &seed, sizeof(seed)));
	tree_init(&epoch->tree, config->allocator, epoch->suite, seed);
	TRY(tree_read(&epoch->tree, encoded, width_for_members(config->limits.members)));
	FAIL_IF(!bytes_equal(entry->info->tree_hash,
			     BYTES(tree_root_hash(&epoch->tree), suite_hash_len(epoch->suite))),
		SOTTO_ERR_INVALID);
out:
	return err;
}

static enum sotto_err check_tree(const struct info_entry *entry, struct epoch *epoch)
{
	struct leaf_place place = {.group_id = epoch->group_id};
	struct leaf_rules rules = {
		.suite = epoch->suite,
		.config = epoch->config,
		.place = &place,
		.now_s = entry->now_s,
	};
	enum sotto_err err;

	TRY(tree_check_parents(&epoch->tree));
	TRY(tree_check_credentials(&epoch->tree));
	for (uint32_t i = 0; i < epoch->tree.width; i++) {
		const struct leaf_node *leaf = tree_leaf(&epoch->tree, i);

		if (leaf == NULL)
			continue;
		place.leaf = i;
		TRY(leaf_check(&leaf->view, leaf->view.source, &rules));
		TRY(leaf_check_context(&leaf->view, writer_bytes(&epoch->extensions)));
	}
out:
	return err;
}

enum sotto_err group_info_check(const struct group_info_view *info, const struct suite *suite,
				const struct mls_config *config)
{
	if (info->version != MLS_VERSION)
		return SOTTO_ERR_VERSION;
	if (info->suite != suite->id || info->confirmed_hash.len > HASH_LEN_MAX)
		return SOTTO_ERR_INVALID;
	return context_extensions_check(info->context_extensions, suite, config);
}

enum sotto_err group_info_enter(const struct info_entry *entry, struct epoch *epoch)
{
	const struct group_info_view *info = entry->info;
	const struct leaf_node *signer;
	enum sotto_err err;

	writer_put_bytes(&epoch->extensions, info->context_extensions);
	writer_put_bytes(&epoch->context, info->context_encoded);
	TRY(writer_finish(&epoch->extensions));
	TRY(writer_finish(&epoch->context));
	if (info->confirmed_hash.len != 0)
		memcpy(epoch->confirmed_hash, info->confirmed_hash.data, info->confirmed_hash.len);
	epoch->confirmed_hash_len = info->confirmed_hash.len;
	TRY(load_tree(entry, epoch));
	signer = tree_leaf(&epoch->tree, info->signer);
	FAIL_IF(signer == NULL, SOTTO_ERR_INVALID);
	TRY(verify_entry(entry, epoch, signer->view.signature_key));
	TRY(check_tree(entry, epoch));
out:
	return err;
}
