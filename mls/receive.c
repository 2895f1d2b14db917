/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incoming handshake message, step one (RFC 9420 sections 6, 12.4.2): open, verify, and for a
 * commit build the next epoch beside the current one. Nothing of the group changes;
 * commit_process.c does the commit's part.
 */
#include "mls/commit_process.h"
#include "mls/external.h"

/* Ours, byte for byte? The echo of a pending commit, or of a proposal that we keep. */
static enum sotto_err recognise(const struct mls_group *group, struct bytes message,
				bool *own_commit)
{
	size_t len = suite_hash_len(group->suite);
	uint8_t hash[HASH_LEN_MAX];

	*own_commit = false;
	if (group->pending == NULL && group->proposal_count == 0)
		return SOTTO_OK;
	message_hash(group->suite, message, hash);
	*own_commit = group->pending != NULL &&
		      bytes_equal(BYTES(hash, len), BYTES(group->pending->message_hash, len));
	for (size_t i = 0; i < group->proposal_count; i++) {
		if (bytes_equal(BYTES(hash, len), BYTES(group->proposals[i]->message_hash, len)))
			return SOTTO_ERR_EXISTS;
	}
	return SOTTO_OK;
}

bool mls_group_is_pending(const struct mls_group *group, struct bytes message)
{
	bool own_commit;

	return recognise(group, message, &own_commit) == SOTTO_OK && own_commit;
}

/* A stand-in for the pending commit, to be merged like any other. */
static enum sotto_err stage_own(struct mls_group *group, struct mls_staged **staged)
{
	const struct mls_staged *pending = group->pending;
	struct mls_staged *made;
	enum sotto_err err =
		staged_new(&group->config, MLS_STAGED_OWN_COMMIT, group->epoch, pending->sender,
			   writer_bytes(&pending->authenticated_data), &made);

	if (err != SOTTO_OK)
		return err;
	made->path = pending->path;
	*staged = made;
	return SOTTO_OK;
}

/* 6.1: whose key signs, by the kind of sender. */
static enum sotto_err find_signer(const struct mls_group *group, const struct framed *framed,
				  struct bytes *public_key)
{
	const struct leaf_node *leaf;

	switch (framed->sender_type) {
	case SENDER_MEMBER:
		leaf = tree_leaf(&group->epoch->tree, framed->sender);
		if (leaf == NULL)
			return SOTTO_ERR_INVALID;
		*public_key = leaf->view.signature_key;
		return SOTTO_OK;
	case SENDER_NEW_MEMBER_COMMIT:
		return external_commit_signer(group, framed, public_key);
	case SENDER_EXTERNAL:
	case SENDER_NEW_MEMBER_PROPOSAL:
		return external_proposal_signer(group, framed, public_key);
	}
	return SOTTO_ERR_INVALID;
}

/*
 * Opens a message of the current epoch and verifies its sender's signature. plaintext: see struct
 * opened.
 */
static enum sotto_err open_message(struct mls_group *group, const struct message_view *view,
				   struct opened *opened)
{
	struct epoch *epoch = group->epoch;
	struct frame_keys keys = epoch_frame_keys(epoch);
	struct bytes public_key;
	enum sotto_err err;

	if (view->wire_format == MLS_PUBLIC_MESSAGE) {
		TRY(frame_public_open(&keys, view, &group->scratch));
		opened->framed = view->framed;
	} else {
		opened->plaintext_len = view->ciphertext.len;
		opened->plaintext = allocator_take(group->config.allocator, opened->plaintext_len);
		FAIL_IF(opened->plaintext == NULL && opened->plaintext_len != 0,
			SOTTO_ERR_NO_MEMORY);
		TRY(frame_private_open(&keys, view, opened->plaintext, &opened->framed,
				       &opened->origin));
		opened->is_private = true;
	}
	TRY(find_signer(group, &opened->framed, &public_key));
	TRY(frame_verify(&keys, public_key, &opened->framed, &group->scratch));
	/* What we sent we know, by its hash; anything else in our name is not to be followed. */
	FAIL_IF(opened->framed.sender_type == SENDER_MEMBER &&
			opened->framed.sender == epoch->own_leaf,
		SOTTO_ERR_STATE);
out:
	return err;
}

static enum sotto_err stage_proposal(struct mls_group *group, const struct opened *opened,
				     struct mls_staged *staged)
{
	const struct framed *framed = &opened->framed;
	struct proposal_list list;
	struct proposal_view view;
	struct reader reader;
	enum sotto_err err;

	proposal_list_init(&list, group->config.allocator);
	reader_init(&reader, framed->body);
	proposal_read(&reader, &view);
	TRY(reader_finish(&reader));
	TRY(proposal_check(&view, framed_sender(framed), group->epoch, 0));
	TRY(cached_proposal_make(&group->config, group->suite, framed, &staged->proposal));
	FAIL_IF(group_find_proposal(
			group, BYTES(staged->proposal->ref, suite_hash_len(group->suite))) != NULL,
		SOTTO_ERR_EXISTS);
	TRY(proposal_list_put(&list, framed->body, framed_sender(framed), NULL));
	TRY(staged_list_changes(staged, &list, &group->epoch->tree, NULL));
out:
	proposal_list_finish(&list);
	return err;
}

static enum sotto_err stage_opened(struct mls_group *group, const struct opened *opened,
				   struct mls_staged **staged)
{
	bool is_commit = opened->framed.content_type == MLS_CONTENT_COMMIT;
	struct mls_staged *made = NULL;
	enum sotto_err err;

	TRY(staged_new(&group->config, is_commit ? MLS_STAGED_COMMIT : MLS_STAGED_PROPOSAL,
		       group->epoch, framed_sender(&opened->framed),
		       opened->framed.authenticated_data, &made));
	made->consumes = opened->is_private;
	made->origin = opened->origin;
	if (is_commit)
		TRY(commit_stage(group, opened, made));
	else
		TRY(stage_proposal(group, opened, made));
	*staged = made;
	made = NULL;
out:
	mls_staged_destroy(made);
	return err;
}

enum sotto_err mls_group_receive(struct mls_group *group, struct bytes message,
				 struct mls_staged **staged)
{
	struct opened opened = {0};
	struct message_view view;
	bool own_commit;
	enum sotto_err err;

	FAIL_IF(!group->active || group_ended(group), SOTTO_ERR_STATE);
	TRY(message_read(message, &view));
	FAIL_IF(view.wire_format != MLS_PUBLIC_MESSAGE && view.wire_format != MLS_PRIVATE_MESSAGE,
		SOTTO_ERR_ARGUMENT);
	FAIL_IF(view.framed.content_type == MLS_CONTENT_APPLICATION, SOTTO_ERR_ARGUMENT);
	FAIL_IF(!bytes_equal(view.framed.group_id, group_id_bytes(group)), SOTTO_ERR_INVALID);
	FAIL_IF(view.framed.epoch < group->epoch->number, SOTTO_ERR_TOO_OLD);
	FAIL_IF(view.framed.epoch > group->epoch->number, SOTTO_ERR_AGAIN);
	TRY(recognise(group, message, &own_commit));
	if (own_commit) {
		err = stage_own(group, staged);
		goto out;
	}
	TRY(open_message(group, &view, &opened));
	TRY(stage_opened(group, &opened, staged));
out:
	allocator_wipe(group->config.allocator, opened.plaintext, opened.plaintext_len);
	return err;
}
