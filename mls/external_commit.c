/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is special about a newcomer's commit (RFC 9420 sections 8.3, 12.2, 12.4.3.2), for both ends:
 *
 *    ExternalInit, at most one Remove, PSKs: all by value
 *        -> old leaf out, truncate -> the leftmost blank leaf is the newcomer's -> path
 *    external_pub --HPKE export--> init_secret of the next epoch
 */
#include "mls/external.h"

#include "mls/psk.h"

#define EXPORT_LABEL BYTES_TEXT("MLS 1.0 external init secret")

bool client_same(const struct mls_config *config, const struct mls_credential *one,
		 const struct mls_credential *other)
{
	if (config->clients != NULL)
		return config->clients->same(config->clients->context, one, other);
	return one->type == other->type && bytes_equal(one->content, other->content);
}

enum sotto_err external_commit_signer(const struct mls_group *group, const struct framed *framed,
				      struct bytes *public_key)
{
	struct commit_view commit;
	struct reader reader;
	enum sotto_err err;

	if (!group->config.external_commits)
		return SOTTO_ERR_UNSUPPORTED;
	if (framed->content_type != MLS_CONTENT_COMMIT)
		return SOTTO_ERR_INVALID;
	reader_init(&reader, framed->body);
	commit_read(&reader, &commit);
	err = reader_finish(&reader);
	if (err != SOTTO_OK)
		return err;
	if (!commit.has_path)
		return SOTTO_ERR_INVALID;
	*public_key = commit.path.leaf.signature_key;
	return sign_check_public(group->suite->sign, *public_key);
}

/* ---- The list ---- */

/* 12.2: exactly one ExternalInit, at most one Remove, PSKs, nothing else. */
static enum sotto_err check_list(const struct proposal_list *list, const struct epoch *before)
{
	size_t inits = 0;
	size_t removes = 0;
	struct proposal_view view;
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < list->count; i++) {
		switch (list->items[i].type) {
		case MLS_PROPOSAL_EXTERNAL_INIT:
			inits++;
			proposal_item_view(&list->items[i], &view);
			FAIL_IF(view.kem_output.len != kem_enc_len(before->suite->hpke.kem),
				SOTTO_ERR_INVALID);
			break;
		case MLS_PROPOSAL_REMOVE:
			removes++;
			FAIL_IF(tree_leaf(&before->tree, list->items[i].subject) == NULL,
				SOTTO_ERR_INVALID);
			break;
		case MLS_PROPOSAL_PSK:
			proposal_item_view(&list->items[i], &view);
			TRY(psk_check(&view.psk, before->suite, MLS_LINK_NONE));
			break;
		default:
			return SOTTO_ERR_INVALID;
		}
	}
	FAIL_IF(inits != 1 || removes > 1, SOTTO_ERR_INVALID);
	TRY(psk_check_list(list));
out:
	return err;
}

/*
 * The new leaf must be fit to be an update of the removed one: another key, and the same client.
 * Else anybody could put anybody out.
 */
static enum sotto_err take_out(const struct epoch *before, struct epoch *next, uint32_t removed,
			       const struct leaf_view *leaf)
{
	const struct leaf_view *old = &tree_leaf(&before->tree, removed)->view;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(bytes_equal(old->encryption_key, leaf->encryption_key), SOTTO_ERR_INVALID);
	FAIL_IF(!client_same(before->config, &old->credential, &leaf->credential),
		SOTTO_ERR_INVALID);
	TRY(tree_blank_leaf(&next->tree, removed));
	TRY(tree_blank_path(&next->tree, removed));
	TRY(tree_truncate(&next->tree));
out:
	return err;
}

enum sotto_err external_place(struct epoch *next, uint32_t *leaf)
{
	struct tree *tree = &next->tree;
	uint32_t at = tree->first_blank;
	enum sotto_err err = SOTTO_OK;

	if (tree->members >= next->config->limits.members)
		return SOTTO_ERR_LIMIT;
	while (at < tree->width && tree_leaf(tree, at) != NULL)
		at++;
	if (at == tree->width)
		err = tree_widen(tree, 2 * tree->width);
	if (err == SOTTO_OK)
		*leaf = at;
	return err;
}

enum sotto_err external_list_apply(struct proposal_list *list, const struct epoch *before,
				   struct epoch *next, const struct leaf_view *leaf,
				   struct list_outcome *outcome)
{
	enum sotto_err err;

	*outcome = (struct list_outcome){0};
	TRY(check_list(list, before));
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type != MLS_PROPOSAL_REMOVE)
			continue;
		TRY(take_out(before, next, list->items[i].subject, leaf));
		outcome->removes_us = list->items[i].subject == next->own_leaf;
	}
	TRY(external_place(next, &outcome->committer));
	for (size_t i = 0; i < list->count; i++)
		list->items[i].sender.index = outcome->committer;
out:
	return err;
}

/* ---- The init secret (8.3) ---- */

static void export_init(const struct suite *suite, struct hpke_context *context,
			struct secret *init)
{
	init->len = (uint8_t)suite_hash_len(suite);
	hpke_export(context, EXPORT_LABEL, init->data, init->len);
	hpke_finish(context);
}

enum sotto_err external_init_open(const struct epoch *before, const struct proposal_list *list,
				  struct secret *init)
{
	enum kem_alg kem = before->suite->hpke.kem;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct secret private_key = {0};
	struct hpke_context context;
	struct proposal_view view = {0};
	enum sotto_err err;

	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type == MLS_PROPOSAL_EXTERNAL_INIT)
			proposal_item_view(&list->items[i], &view);
	}
	TRY(kem_derive(kem, secret_bytes(&before->secrets.external), &private_key, public_key));
	TRY(hpke_init_receiver(&context, before->suite->hpke, secret_bytes(&private_key),
			       view.kem_output, BYTES_NONE, BYTES_NONE, BYTES_NONE));
	export_init(before->suite, &context, init);
out:
	secret_wipe(&private_key);
	return err;
}

enum sotto_err external_init_seal(const struct suite *suite, const struct random_source *random,
				  struct bytes external_pub, uint8_t kem_output[KEM_ENC_LEN_MAX],
				  struct secret *init)
{
	struct hpke_context context;
	enum sotto_err err = kem_check_public(suite->hpke.kem, external_pub);

	if (err == SOTTO_OK)
		err = hpke_init_sender(&context, suite->hpke, random, external_pub, BYTES_NONE,
				       BYTES_NONE, BYTES_NONE, kem_output);
	if (err == SOTTO_OK)
		export_init(suite, &context, init);
	return err;
}
