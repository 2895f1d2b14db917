/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining by a commit of one's own (RFC 9420 section 12.4.3.2):
 *
 *    group info -> the group as it is, public part only -> list, place, path
 *        -> sign with the old context -> transcript, key schedule from the external init secret
 *        -> PublicMessage, and the group in the next epoch
 */
#include "mls/external.h"
#include "mls/psk.h"
#include "mls/welcome.h"

struct external_joining {
	const struct mls_config *config;
	const struct mls_external_join_options *options;
	const struct suite *suite;
	struct group_info_view info;
	struct bytes external_pub;
	struct mls_group *group;
	struct epoch *before; /* what the group info tells: no secrets */
	struct epoch *next;
	struct writer by_value; /* the proposals */
	struct proposal_list list;
	struct path_secrets path;
	struct secret init;
	struct secret joiner;
	struct secret psk;
	struct writer body; /* Commit */
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
};

/* ExternalPub: one HPKE public key. */
static enum sotto_err find_external_pub(struct external_joining *joining)
{
	struct reader reader;
	struct bytes data;

	if (mls_extension_find(joining->info.extensions, MLS_EXTENSION_EXTERNAL_PUB, &data) !=
	    SOTTO_OK)
		return SOTTO_ERR_UNSUPPORTED;
	reader_init(&reader, data);
	joining->external_pub = reader_get_vector(&reader);
	return reader_finish(&reader);
}

static enum sotto_err read_info(struct external_joining *joining)
{
	struct reader reader;
	enum sotto_err err;

	reader_init(&reader, joining->options->group_info);
	if (reader_get_u16(&reader) != MLS_VERSION)
		reader_fail(&reader, SOTTO_ERR_VERSION);
	if (reader_get_u16(&reader) != MLS_GROUP_INFO)
		reader_fail(&reader, SOTTO_ERR_ARGUMENT);
	group_info_read(&reader, &joining->info);
	TRY(reader_finish(&reader));
	joining->suite = suite_find(joining->info.suite);
	FAIL_IF(joining->suite == NULL, SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(joining->options->leaf->identity->suite != joining->suite->id, SOTTO_ERR_ARGUMENT);
	TRY(group_info_check(&joining->info, joining->suite, joining->config));
	FAIL_IF(joining->info.confirmation_tag.len != suite_hash_len(joining->suite),
		SOTTO_ERR_INVALID);
	FAIL_IF(joining->info.epoch == UINT64_MAX, SOTTO_ERR_LIMIT);
	TRY(find_external_pub(joining));
out:
	return err;
}

/* The group as it is before us. */
static enum sotto_err enter(struct external_joining *joining)
{
	const struct group_info_view *info = &joining->info;
	const struct info_entry entry = {
		.info = info,
		.tree = joining->options->tree,
		.now_s = joining->options->now_s,
	};
	enum sotto_err err;

	TRY(group_new(joining->config, joining->suite, info->group_id, &joining->group));
	joining->before = epoch_new(&joining->group->config, joining->suite,
				    group_id_bytes(joining->group), info->epoch);
	FAIL_IF(joining->before == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(group_info_enter(&entry, joining->before));
	interim_hash_next(joining->suite, info->confirmed_hash, info->confirmation_tag,
			  joining->before->interim_hash);
	TRY(epoch_next(joining->before, &joining->next));
out:
	return err;
}

/* ---- Proposals ---- */

static bool is_our_client(const struct external_joining *joining, uint32_t leaf)
{
	const struct leaf_node *node = tree_leaf(&joining->before->tree, leaf);

	return node != NULL && client_same(joining->config, &node->view.credential,
					   &joining->options->leaf->credential);
}

/* The leaf of our signature key, or else the only one of our client. */
static enum sotto_err find_old_leaf(const struct external_joining *joining, uint32_t *leaf)
{
	const struct mls_identity *identity = joining->options->leaf->identity;
	struct bytes public_key = BYTES(identity->public_key, identity->public_len);
	const struct tree *tree = &joining->before->tree;
	uint32_t node = tree_find_signature_key(tree, public_key);
	uint32_t found = UINT32_MAX;

	if (node != TREE_NODE_NONE) {
		found = leaf_of_node(node);
		if (!is_our_client(joining, found))
			return SOTTO_ERR_NOT_FOUND;
	}
	for (uint32_t i = 0; node == TREE_NODE_NONE && i < tree->width; i++) {
		if (!is_our_client(joining, i))
			continue;
		if (found != UINT32_MAX)
			return SOTTO_ERR_NOT_FOUND;
		found = i;
	}
	if (found == UINT32_MAX)
		return SOTTO_ERR_NOT_FOUND;
	*leaf = found;
	return SOTTO_OK;
}

static enum sotto_err write_proposals(struct external_joining *joining)
{
	const struct mls_external_join_options *options = joining->options;
	struct psk_finder finder = {.config = joining->config, .suite = joining->suite};
	struct writer *writer = &joining->by_value;
	uint8_t kem_output[KEM_ENC_LEN_MAX];
	uint32_t old_leaf;
	enum sotto_err err;

	TRY(external_init_seal(joining->suite, joining->config->random, joining->external_pub,
			       kem_output, &joining->init));
	writer_put_u16(writer, MLS_PROPOSAL_EXTERNAL_INIT);
	writer_put_vector(writer, BYTES(kem_output, kem_enc_len(joining->suite->hpke.kem)));
	if (options->resync) {
		TRY(find_old_leaf(joining, &old_leaf));
		writer_put_u16(writer, MLS_PROPOSAL_REMOVE);
		writer_put_u32(writer, old_leaf);
	}
	for (size_t i = 0; i < options->psk_count; i++)
		TRY(psk_proposal_write(&finder, options->psks[i], writer));
	TRY(writer_finish(writer));
out:
	return err;
}

static enum sotto_err apply_proposals(struct external_joining *joining)
{
	struct sender self = {.type = SENDER_NEW_MEMBER_COMMIT};
	struct epoch *next = joining->next;
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	reader_init(&reader, writer_bytes(&joining->by_value));
	while (reader_more(&reader)) {
		struct proposal_view view;

		proposal_read(&reader, &view);
		TRY(reader.err);
		TRY(proposal_list_put(&joining->list, view.encoded, self, NULL));
		if (view.type != MLS_PROPOSAL_REMOVE)
			continue;
		TRY(tree_blank_leaf(&next->tree, view.removed));
		TRY(tree_blank_path(&next->tree, view.removed));
		TRY(tree_truncate(&next->tree));
	}
	TRY(psk_check_list(&joining->list));
	TRY(external_place(next, &next->own_leaf));
out:
	return err;
}

/* ---- Commit ---- */

static enum sotto_err write_body(struct external_joining *joining)
{
	static const struct leaf_list nobody = {0};
	struct writer *body = &joining->body;
	struct epoch *next = joining->next;
	enum sotto_err err;
	size_t start;

	TRY(path_renew(next, joining->options->leaf, &joining->path));
	TRY(tree_check_credentials(&next->tree));
	TRY(leaf_check_context(&tree_leaf(&next->tree, next->own_leaf)->view,
			       writer_bytes(&next->extensions)));
	TRY(epoch_write_context(next)); /* provisional */
	start = writer_begin_vector(body);
	for (size_t i = 0; i < joining->list.count; i++) {
		writer_put_u8(body, 1);
		writer_put_bytes(body, joining->list.items[i].encoded);
	}
	writer_end_vector(body, start);
	writer_put_u8(body, 1);
	TRY(path_write(next, &joining->path, &nobody, body));
out:
	return err;
}

static enum sotto_err write_commit(struct external_joining *joining, struct writer *commit)
{
	struct frame_keys keys = epoch_frame_keys(joining->before);
	struct psk_finder finder = {.config = joining->config, .suite = joining->suite};
	struct writer *scratch = &joining->group->scratch;
	struct epoch *next = joining->next;
	size_t signature_len = 0;
	enum sotto_err err;
	struct framed framed = {
		.wire_format = MLS_PUBLIC_MESSAGE,
		.group_id = next->group_id,
		.epoch = joining->before->number,
		.sender_type = SENDER_NEW_MEMBER_COMMIT,
		.authenticated_data = joining->options->authenticated_data,
		.content_type = MLS_CONTENT_COMMIT,
		.body = writer_bytes(&joining->body),
	};

	TRY(frame_sign(&keys, joining->config->random, &next->signature_key, &framed, scratch,
		       joining->signature, &signature_len));
	framed.signature = BYTES(joining->signature, signature_len);
	TRY(epoch_advance_transcript(next, joining->before, &framed));
	joiner_secret_derive(joining->suite, &joining->init, &joining->path.commit,
			     writer_bytes(&next->context), &joining->joiner);
	TRY(psk_secret_of_list(&finder, &joining->list, &joining->psk));
	TRY(epoch_derive(next, &joining->joiner, &joining->psk, NULL));
	epoch_prune_keys(next);
	framed.confirmation_tag = epoch_tag(next);
	TRY(frame_public_write(&keys, &framed, scratch, commit));
out:
	return err;
}

enum sotto_err mls_group_join_external(const struct mls_config *config,
				       const struct mls_external_join_options *options,
				       struct mls_buffer *commit, struct mls_group **group)
{
	struct external_joining joining = {.config = config, .options = options};
	struct writer out;
	enum sotto_err err;

	proposal_list_init(&joining.list, config->allocator);
	writer_init_growing(&joining.by_value, config->allocator);
	writer_init_growing(&joining.body, config->allocator);
	writer_init_growing(&out, config->allocator);
	TRY(read_info(&joining));
	TRY(enter(&joining));
	TRY(write_proposals(&joining));
	TRY(apply_proposals(&joining));
	TRY(write_body(&joining));
	TRY(write_commit(&joining, &out));
	joining.group->epoch = joining.next;
	joining.next = NULL;
	buffer_take(commit, &out);
	*group = joining.group;
	joining.group = NULL;
out:
	epoch_destroy(joining.next);
	epoch_destroy(joining.before);
	mls_group_destroy(joining.group);
	proposal_list_finish(&joining.list);
	writer_release(&joining.by_value);
	writer_release(&joining.body);
	writer_release(&out);
	bytes_wipe(&joining, sizeof(joining));
	return err;
}
