/* SPDX-License-Identifier: Apache-2.0 */
/* Who the client is, how it sends, what it holds before there is a group. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "peer.h"
#include "reply.h"

static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	const struct peer *peer = context;

	for (size_t i = 0; i < peer->psk_count; i++) {
		if (bytes_equal(mls_buffer_bytes(&peer->psks[i].id), id)) {
			*psk = mls_buffer_bytes(&peer->psks[i].secret);
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_NOT_FOUND;
}

void peer_init(struct peer *peer, struct reply *reply)
{
	memset(peer, 0, sizeof(*peer));
	peer->reply = reply;
	peer->psk_source = (struct mls_psk_source){.find = find_psk, .context = peer};
	peer->send = (struct mls_send_options){
		.handshake = MLS_PRIVATE_MESSAGE,
		.tree_in_welcome = true,
	};
	peer->config = (struct mls_config){
		.allocator = sotto_allocator_malloc(),
		.random = sotto_random_kernel(),
		.limits = *mls_limits_default(),
		.psks = &peer->psk_source,
		.external_commits = true,
		.new_member_proposals = true,
	};
	peer->config.limits.past_epochs = PAST_EPOCHS;
}

void peer_reset(struct peer *peer)
{
	struct reply *reply = peer->reply;

	peer_set_group(peer, NULL);
	free(peer->own_proposals.items);
	for (size_t i = 0; i < peer->psk_count; i++) {
		mls_buffer_release(&peer->psks[i].id);
		mls_buffer_release(&peer->psks[i].secret);
	}
	free(peer->psks);
	for (size_t i = 0; i < peer->package_count; i++)
		mls_buffer_release(&peer->packages[i].message);
	peer_give(peer->packages, peer->package_capacity * sizeof(peer->packages[0]));
	mls_buffer_release(&peer->name);
	sotto_wipe(peer, sizeof(*peer));
	peer_init(peer, reply);
}

struct mls_leaf_options peer_leaf(const struct peer *peer)
{
	return (struct mls_leaf_options){
		.identity = &peer->identity,
		.credential = {MLS_CREDENTIAL_BASIC, mls_buffer_bytes(&peer->name)},
		.lifetime = {0, UINT64_MAX},
	};
}

enum sotto_err peer_client(struct peer *peer, const struct request *request)
{
	struct mls_identity identity;
	struct bytes name;
	uint64_t suite;
	enum sotto_err err;

	TRY(request_number(request, 0, UINT16_MAX, &suite));
	TRY(request_bytes(request, 1, &name));
	TRY(mls_identity_generate(&peer->config, (uint16_t)suite, &identity));
	peer_reset(peer);
	peer->identity = identity;
	peer->name = peer_copy(name);
	peer->begun = true;
	sotto_wipe(&identity, sizeof(identity));
out:
	return err;
}

enum sotto_err peer_format(struct peer *peer, const struct request *request)
{
	struct mls_send_options send = peer->send;
	uint64_t padding = 0;
	enum sotto_err err = SOTTO_OK;

	if (strcmp(request->words[0], "public") == 0)
		send.handshake = MLS_PUBLIC_MESSAGE;
	else if (strcmp(request->words[0], "private") == 0)
		send.handshake = MLS_PRIVATE_MESSAGE;
	else
		return SOTTO_ERR_FORMAT;
	if (request->count > 1)
		TRY(request_number(request, 1, PADDING_MAX, &padding));
	send.handshake_padding = (uint32_t)padding;
	peer->padding = (size_t)padding;
	peer->send = send;
	if (peer->group != NULL)
		mls_group_set_send_options(peer->group, &send);
out:
	return err;
}

enum sotto_err peer_inline_tree(struct peer *peer, const struct request *request)
{
	uint64_t on;
	enum sotto_err err = request_number(request, 0, 1, &on);

	if (err != SOTTO_OK)
		return err;
	peer->send.tree_in_welcome = on != 0;
	if (peer->group != NULL)
		mls_group_set_send_options(peer->group, &peer->send);
	return SOTTO_OK;
}

/* A secret for an id that has one takes its place. */
enum sotto_err peer_psk(struct peer *peer, const struct request *request)
{
	struct bytes id, secret;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &id));
	TRY(request_bytes(request, 1, &secret));
	for (size_t i = 0; i < peer->psk_count; i++) {
		if (bytes_equal(mls_buffer_bytes(&peer->psks[i].id), id)) {
			mls_buffer_release(&peer->psks[i].secret);
			peer->psks[i].secret = peer_copy(secret);
			return SOTTO_OK;
		}
	}
	peer->psks =
		peer_room(peer->psks, peer->psk_count, &peer->psk_capacity, sizeof(peer->psks[0]));
	peer->psks[peer->psk_count++] = (struct psk){peer_copy(id), peer_copy(secret)};
out:
	return err;
}

enum sotto_err peer_key_package(struct peer *peer, const struct request *request)
{
	struct mls_leaf_options leaf = peer_leaf(peer);
	struct key_package package = {0};
	enum sotto_err err;

	(void)request;
	TRY(mls_key_package_create(&peer->config, &leaf, NULL, 0, &package.message,
				   &package.secrets));
	peer->packages = peer_room(peer->packages, peer->package_count, &peer->package_capacity,
				   sizeof(peer->packages[0]));
	peer->packages[peer->package_count++] = package;
	reply_bytes(peer->reply, mls_buffer_bytes(&package.message));
out:
	mls_key_package_secrets_wipe(&package.secrets);
	return err;
}
