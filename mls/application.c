/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application messages (RFC 9420 sections 6.3, 15). Nothing here allocates once the group's scratch
 * has room for the message: the message is made in the caller's memory and opened into it.
 */
#include "mls/group.h"

static size_t signature_len_max(const struct suite *suite)
{
	switch (suite->sign) {
	case SIGN_ED25519:
		return 64;
	case SIGN_ED448:
		return 114;
	case SIGN_ECDSA_P256_SHA256:
		return 72;
	case SIGN_ECDSA_P384_SHA384:
		return 104;
	case SIGN_ECDSA_P521_SHA512:
		return 139;
	}
	return SIGN_SIGNATURE_LEN_MAX;
}

size_t mls_group_protect_len(const struct mls_group *group, size_t authenticated_data_len,
			     size_t plaintext_len, size_t padding)
{
	return frame_private_len(group->suite, group->group_id_len, authenticated_data_len,
				 MLS_CONTENT_APPLICATION, plaintext_len,
				 signature_len_max(group->suite), padding);
}

enum sotto_err mls_group_protect(struct mls_group *group, struct bytes authenticated_data,
				 struct bytes plaintext, size_t padding, uint8_t *out,
				 size_t capacity, size_t *len)
{
	struct epoch *epoch = group->epoch;
	struct frame_keys keys = epoch_frame_keys(epoch);
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct message_key key = {0};
	size_t signature_len = 0;
	struct writer writer;
	uint32_t generation;
	enum sotto_err err = SOTTO_OK;
	struct framed framed = {
		.wire_format = MLS_PRIVATE_MESSAGE,
		.group_id = group_id_bytes(group),
		.epoch = epoch->number,
		.sender_type = SENDER_MEMBER,
		.sender = epoch->own_leaf,
		.authenticated_data = authenticated_data,
		.content_type = MLS_CONTENT_APPLICATION,
		.body = plaintext,
	};

	FAIL_IF(!group->active || group_ended(group) || group->proposal_count != 0,
		SOTTO_ERR_STATE);
	TRY(group_next_generation(group, RATCHET_APPLICATION, &generation));
	TRY(frame_sign(&keys, group->config.random, &epoch->signature_key, &framed, &group->scratch,
		       signature, &signature_len));
	framed.signature = BYTES(signature, signature_len);
	TRY(secret_tree_peek(&epoch->secret_tree, epoch->own_leaf, RATCHET_APPLICATION, generation,
			     &key));
	writer_init_fixed(&writer, out, capacity);
	TRY(frame_private_seal(&keys, group->config.random, &framed, &key, generation, padding,
			       &writer));
	secret_tree_consume(&epoch->secret_tree, epoch->own_leaf, RATCHET_APPLICATION, generation);
	*len = writer.len;
out:
	bytes_wipe(&key, sizeof(key));
	bytes_wipe(group->scratch.data, group->scratch.len);
	return err;
}

enum sotto_err mls_group_unprotect(struct mls_group *group, struct bytes message, uint8_t *out,
				   size_t capacity, struct mls_application *application)
{
	struct private_origin origin;
	const struct leaf_node *leaf;
	struct message_view view;
	struct frame_keys keys;
	struct framed framed;
	struct epoch *epoch;
	enum sotto_err err;

	TRY(message_read(message, &view));
	FAIL_IF(view.wire_format != MLS_PRIVATE_MESSAGE ||
			view.framed.content_type != MLS_CONTENT_APPLICATION,
		SOTTO_ERR_ARGUMENT);
	FAIL_IF(!bytes_equal(view.framed.group_id, group_id_bytes(group)), SOTTO_ERR_INVALID);
	FAIL_IF(view.framed.epoch > group->epoch->number, SOTTO_ERR_AGAIN);
	epoch = group_find_epoch(group, view.framed.epoch);
	FAIL_IF(epoch == NULL, SOTTO_ERR_TOO_OLD);
	FAIL_IF(capacity < view.ciphertext.len, SOTTO_ERR_SPACE);
	keys = epoch_frame_keys(epoch);
	TRY(frame_private_open(&keys, &view, out, &framed, &origin));
	leaf = tree_leaf(&epoch->tree, origin.leaf);
	err = leaf != NULL ? frame_verify(&keys, leaf->view.signature_key, &framed, &group->scratch)
			   : SOTTO_ERR_INVALID;
	bytes_wipe(group->scratch.data, group->scratch.len);
	if (err != SOTTO_OK) {
		bytes_wipe(out, view.ciphertext.len);
		goto out;
	}
	secret_tree_consume(&epoch->secret_tree, origin.leaf, RATCHET_APPLICATION,
			    origin.generation);
	*application = (struct mls_application){
		.sender = origin.leaf,
		.epoch = epoch->number,
		.generation = origin.generation,
		.authenticated_data = view.framed.authenticated_data,
		.plaintext = framed.body,
	};
	leaf_member(&leaf->view, origin.leaf, &application->member);
out:
	return err;
}
