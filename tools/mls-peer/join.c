/* SPDX-License-Identifier: Apache-2.0 */
/* Into a group: of one's own, by a welcome, by a commit of one's own. The new one takes the old one's place. */
#include "base/error.h"
#include "peer.h"
#include "reply.h"

void peer_new_epoch(struct peer *peer)
{
	for (size_t i = 0; i < peer->own_proposals.count; i++)
		mls_buffer_release(&peer->own_proposals.items[i]);
	peer->own_proposals.count = 0;
	mls_buffer_release(&peer->external_commit);
}

void peer_set_group(struct peer *peer, struct mls_group *group)
{
	peer_new_epoch(peer);
	mls_group_destroy(peer->group);
	peer->group = group;
	if (group != NULL)
		mls_group_set_send_options(group, &peer->send);
}

uint64_t peer_epoch(const struct peer *peer)
{
	struct mls_context context;

	mls_group_context(peer->group, &context);
	return context.epoch;
}

enum sotto_err peer_need_group(const struct peer *peer)
{
	if (peer->group == NULL || !mls_group_active(peer->group))
		return SOTTO_ERR_STATE;
	return SOTTO_OK;
}

enum sotto_err peer_create(struct peer *peer, const struct request *request)
{
	struct mls_leaf_options leaf = peer_leaf(peer);
	struct mls_group *group = NULL;
	struct bytes group_id;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &group_id));
	TRY(mls_group_create(&peer->config, group_id, &leaf, NULL, 0, &group));
	peer_set_group(peer, group);
out:
	return err;
}

/* Which of our key packages is this welcome for? */
static enum sotto_err find_package(const struct peer *peer, struct bytes welcome, size_t *index)
{
	for (size_t i = 0; i < peer->package_count; i++) {
		uint8_t ref[MLS_HASH_LEN_MAX];
		size_t len;
		enum sotto_err err;

		err = mls_key_package_ref(mls_buffer_bytes(&peer->packages[i].message), ref, &len);
		if (err == SOTTO_OK)
			err = mls_welcome_find(welcome, sotto_bytes(ref, len));
		if (err == SOTTO_OK)
			*index = i;
		if (err != SOTTO_ERR_NOT_FOUND)
			return err;
	}
	return SOTTO_ERR_NOT_FOUND;
}

/* Section 10: a key package is used once. */
static void forget_package(struct peer *peer, size_t index)
{
	struct key_package *last = &peer->packages[--peer->package_count];

	mls_buffer_release(&peer->packages[index].message);
	peer->packages[index] = *last;
	sotto_wipe(last, sizeof(*last));
}

enum sotto_err peer_join(struct peer *peer, const struct request *request)
{
	struct mls_join_options options = {.identity = &peer->identity};
	struct mls_group *group = NULL;
	size_t index = 0;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &options.welcome));
	if (request->count > 1)
		TRY(request_bytes(request, 1, &options.tree));
	TRY(find_package(peer, options.welcome, &index));
	options.key_package = mls_buffer_bytes(&peer->packages[index].message);
	options.secrets = &peer->packages[index].secrets;
	TRY(mls_group_join(&peer->config, &options, &group));
	forget_package(peer, index);
	peer_set_group(peer, group);
	reply_number(peer->reply, peer_epoch(peer));
out:
	return err;
}

/*
 * A client whose leaf is in the tree still takes its own place: with a second leaf of the same signature
 * key the group would be invalid.
 */
static enum sotto_err join_external(struct peer *peer, struct mls_external_join_options *options,
				    struct mls_buffer *commit, struct mls_group **group)
{
	enum sotto_err err = mls_group_join_external(&peer->config, options, commit, group);

	if (err != SOTTO_ERR_INVALID)
		return err;
	options->resync = true;
	return mls_group_join_external(&peer->config, options, commit, group);
}

enum sotto_err peer_external_join(struct peer *peer, const struct request *request)
{
	struct mls_leaf_options leaf = peer_leaf(peer);
	struct mls_external_join_options options = {.leaf = &leaf};
	struct mls_buffer commit = {0};
	struct mls_group *group = NULL;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &options.group_info));
	if (request->count > 1)
		TRY(request_bytes(request, 1, &options.tree));
	TRY(join_external(peer, &options, &commit, &group));
	peer_set_group(peer, group);
	peer->external_commit = commit;
	reply_bytes(peer->reply, mls_buffer_bytes(&commit));
out:
	return err;
}
