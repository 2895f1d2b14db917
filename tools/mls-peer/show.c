/* SPDX-License-Identifier: Apache-2.0 */
/* What the group is, to compare with other members, and what others need to come in. */
#include <string.h>

#include "base/error.h"
#include "peer.h"
#include "reply.h"

enum sotto_err peer_group_info(struct peer *peer, const struct request *request)
{
	struct mls_group_info_options options = {
		.with_tree = peer->send.tree_in_welcome,
		.with_external_pub = true,
	};
	struct mls_buffer message = {0};
	enum sotto_err err;

	(void)request;
	TRY(peer_need_group(peer));
	TRY(mls_group_info(peer->group, &options, &message));
	reply_bytes(peer->reply, mls_buffer_bytes(&message));
out:
	mls_buffer_release(&message);
	return err;
}

enum sotto_err peer_ratchet_tree(struct peer *peer, const struct request *request)
{
	struct mls_buffer tree = {0};
	enum sotto_err err;

	(void)request;
	TRY(peer_need_group(peer));
	TRY(mls_group_tree(peer->group, &tree));
	reply_bytes(peer->reply, mls_buffer_bytes(&tree));
out:
	mls_buffer_release(&tree);
	return err;
}

enum sotto_err peer_export(struct peer *peer, const struct request *request)
{
	const char *label = strcmp(request->words[0], "-") == 0 ? "" : request->words[0];
	uint8_t *secret = NULL;
	struct bytes context;
	uint64_t len = 0;
	enum sotto_err err;

	TRY(request_bytes(request, 1, &context));
	TRY(request_number(request, 2, UINT16_MAX, &len));
	TRY(peer_need_group(peer));
	secret = peer_take((size_t)len);
	TRY(mls_group_export(peer->group, label, context, secret, (size_t)len));
	reply_bytes(peer->reply, sotto_bytes(secret, (size_t)len));
out:
	peer_give(secret, (size_t)len);
	return err;
}

enum sotto_err peer_authenticator(struct peer *peer, const struct request *request)
{
	uint8_t authenticator[MLS_HASH_LEN_MAX];
	struct mls_context context;
	enum sotto_err err = peer_need_group(peer);

	(void)request;
	if (err != SOTTO_OK)
		return err;
	mls_group_context(peer->group, &context);
	mls_group_epoch_authenticator(peer->group, authenticator);
	reply_bytes(peer->reply, sotto_bytes(authenticator, mls_suite_hash_len(context.suite)));
	return SOTTO_OK;
}

enum sotto_err peer_context(struct peer *peer, const struct request *request)
{
	struct mls_context context;
	enum sotto_err err = peer_need_group(peer);

	(void)request;
	if (err != SOTTO_OK)
		return err;
	mls_group_context(peer->group, &context);
	reply_bytes(peer->reply, context.encoded);
	return SOTTO_OK;
}

enum sotto_err peer_show_epoch(struct peer *peer, const struct request *request)
{
	enum sotto_err err = peer_need_group(peer);

	(void)request;
	if (err == SOTTO_OK)
		reply_number(peer->reply, peer_epoch(peer));
	return err;
}

enum sotto_err peer_show_leaf(struct peer *peer, const struct request *request)
{
	enum sotto_err err = peer_need_group(peer);

	(void)request;
	if (err == SOTTO_OK)
		reply_number(peer->reply, mls_group_own_leaf(peer->group));
	return err;
}

enum sotto_err peer_roster(struct peer *peer, const struct request *request)
{
	struct mls_member member;
	uint32_t cursor = 0;
	enum sotto_err err = peer_need_group(peer);

	(void)request;
	if (err != SOTTO_OK)
		return err;
	while (mls_group_next_member(peer->group, &cursor, &member))
		reply_pair(peer->reply, member.leaf, member.credential.content);
	return SOTTO_OK;
}
