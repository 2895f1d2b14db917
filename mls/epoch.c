/* SPDX-License-Identifier: Apache-2.0 */
/* An epoch's making: context, transcript, secrets (RFC 9420 sections 8, 8.1, 8.2). */
#include "mls/epoch.h"

#include <string.h>

struct epoch *epoch_new(const struct mls_config *config, const struct suite *suite,
			struct bytes group_id, uint64_t number)
{
	struct epoch *epoch = allocator_take_zeroed(config->allocator, 1, sizeof(*epoch));

	if (epoch == NULL)
		return NULL;
	epoch->config = config;
	epoch->suite = suite;
	epoch->group_id = group_id;
	epoch->number = number;
	tree_init(&epoch->tree, config->allocator, suite, 0);
	writer_init_growing(&epoch->extensions, config->allocator);
	writer_init_growing(&epoch->context, config->allocator);
	writer_init_growing(&epoch->reinit, config->allocator);
	return epoch;
}

void epoch_destroy(struct epoch *epoch)
{
	if (epoch == NULL)
		return;
	tree_finish(&epoch->tree);
	secret_tree_finish(&epoch->secret_tree);
	writer_release(&epoch->extensions);
	writer_release(&epoch->context);
	writer_release(&epoch->reinit);
	allocator_wipe(epoch->config->allocator, epoch, sizeof(*epoch));
}

enum sotto_err epoch_next(const struct epoch *epoch, struct epoch **next)
{
	struct epoch *made =
		epoch_new(epoch->config, epoch->suite, epoch->group_id, epoch->number + 1);
	enum sotto_err err;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	TRY(tree_clone(&epoch->tree, &made->tree));
	writer_put_bytes(&made->extensions, writer_bytes(&epoch->extensions));
	TRY(writer_finish(&made->extensions));
	memcpy(made->confirmed_hash, epoch->confirmed_hash, sizeof(made->confirmed_hash));
	made->confirmed_hash_len = epoch->confirmed_hash_len;
	made->own_leaf = epoch->own_leaf;
	made->keys = epoch->keys;
	made->signature_key = epoch->signature_key;
	*next = made;
	made = NULL;
out:
	epoch_destroy(made);
	return err;
}

void epoch_retire(struct epoch *epoch)
{
	secret_wipe(&epoch->secrets.encryption);
	secret_wipe(&epoch->secrets.exporter);
	secret_wipe(&epoch->secrets.external);
	secret_wipe(&epoch->secrets.confirmation);
	secret_wipe(&epoch->secrets.membership);
	secret_wipe(&epoch->secrets.init);
	bytes_wipe(&epoch->keys, sizeof(epoch->keys));
	secret_wipe(&epoch->signature_key);
}

enum sotto_err epoch_write_context(struct epoch *epoch)
{
	struct writer *writer = &epoch->context;

	writer->len = 0;
	writer->err = SOTTO_OK;
	writer_put_u16(writer, MLS_VERSION);
	writer_put_u16(writer, epoch->suite->id);
	writer_put_vector(writer, epoch->group_id);
	writer_put_u64(writer, epoch->number);
	writer_put_vector(writer,
			  BYTES(tree_root_hash(&epoch->tree), suite_hash_len(epoch->suite)));
	writer_put_vector(writer, epoch_confirmed_hash(epoch));
	writer_put_vector(writer, writer_bytes(&epoch->extensions));
	return writer_finish(writer);
}

enum sotto_err epoch_advance_transcript(struct epoch *next, const struct epoch *before,
					const struct framed *commit)
{
	const struct suite *suite = next->suite;
	struct writer head;
	enum sotto_err err;

	writer_init_growing(&head, next->config->allocator);
	framed_head_write(commit, &head);
	TRY(writer_finish(&head));
	confirmed_hash_next(suite, BYTES(before->interim_hash, suite_hash_len(suite)),
			    commit->wire_format, writer_bytes(&head), commit->body,
			    commit->signature, next->confirmed_hash);
	next->confirmed_hash_len = suite_hash_len(suite);
	TRY(epoch_write_context(next));
out:
	writer_release(&head);
	return err;
}

enum sotto_err epoch_expand_signature_key(struct epoch *epoch)
{
	if (epoch->signature_key.len == 0)
		return SOTTO_OK;
	return sign_expand(epoch->suite->sign, &epoch->signature_key);
}

enum sotto_err epoch_begin(struct epoch *epoch)
{
	const struct suite *suite = epoch->suite;
	enum sotto_err err;

	TRY(epoch_expand_signature_key(epoch));
	suite_mac(suite, &epoch->secrets.confirmation, epoch_confirmed_hash(epoch),
		  epoch->confirmation_tag);
	interim_hash_next(suite, epoch_confirmed_hash(epoch), epoch_tag(epoch),
			  epoch->interim_hash);
	TRY(secret_tree_init(&epoch->secret_tree, epoch->config, suite, epoch->tree.width,
			     &epoch->secrets.encryption));
	secret_tree_start_leaf(&epoch->secret_tree, epoch->own_leaf);
out:
	secret_wipe(&epoch->secrets.encryption);
	return err;
}

enum sotto_err epoch_derive(struct epoch *epoch, const struct secret *joiner,
			    const struct secret *psk, struct secret *welcome)
{
	struct secret member;

	member_secret_derive(epoch->suite, joiner, psk, &member);
	if (welcome != NULL)
		welcome_secret_derive(epoch->suite, &member, welcome);
	epoch_secrets_derive(epoch->suite, &member, writer_bytes(&epoch->context), &epoch->secrets);
	secret_wipe(&member);
	return epoch_begin(epoch);
}

struct frame_keys epoch_frame_keys(struct epoch *epoch)
{
	return (struct frame_keys){
		.suite = epoch->suite,
		.context = writer_bytes(&epoch->context),
		.membership = &epoch->secrets.membership,
		.sender_data = &epoch->secrets.sender_data,
		.tree = &epoch->secret_tree,
	};
}

void epoch_prune_keys(struct epoch *epoch)
{
	uint32_t depth = node_level(tree_root(epoch->tree.width));

	for (uint32_t level = 1; level <= TREE_DEPTH_MAX; level++) {
		if (level > depth ||
		    tree_parent(&epoch->tree, leaf_ancestor(epoch->own_leaf, level)) == NULL)
			secret_wipe(&epoch->keys.nodes[level]);
	}
}

void epoch_context_view(const struct epoch *epoch, struct mls_context *context)
{
	*context = (struct mls_context){
		.suite = epoch->suite->id,
		.epoch = epoch->number,
		.group_id = epoch->group_id,
		.tree_hash = BYTES(tree_root_hash(&epoch->tree), suite_hash_len(epoch->suite)),
		.confirmed_transcript_hash = epoch_confirmed_hash(epoch),
		.extensions = writer_bytes(&epoch->extensions),
		.encoded = writer_bytes(&epoch->context),
	};
}
