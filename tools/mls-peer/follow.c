/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals and commits that come in; ours come back too. */
#include "base/bytes.h"
#include "base/error.h"
#include "peer.h"
#include "reply.h"

static void say_commit(struct peer *peer)
{
	reply_text(peer->reply, "commit");
	reply_number(peer->reply, peer_epoch(peer));
}

/* What we sent ourselves and have taken into account already. */
static bool is_echo(struct peer *peer, struct bytes message)
{
	const struct messages *own = &peer->own_proposals;

	if (peer->external_commit.len != 0 &&
	    bytes_equal(message, mls_buffer_bytes(&peer->external_commit))) {
		peer_new_epoch(peer);
		say_commit(peer);
		return true;
	}
	for (size_t i = 0; i < own->count; i++) {
		if (bytes_equal(message, mls_buffer_bytes(&own->items[i]))) {
			reply_text(peer->reply, "proposal");
			return true;
		}
	}
	return false;
}

enum sotto_err peer_handle(struct peer *peer, const struct request *request)
{
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	struct bytes message;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &message));
	TRY(peer_need_group(peer));
	if (is_echo(peer, message))
		goto out;
	TRY(mls_group_receive(peer->group, message, &staged));
	mls_staged_info(staged, &info);
	TRY(mls_group_merge(peer->group, &staged));
	if (info.kind == MLS_STAGED_PROPOSAL) {
		reply_text(peer->reply, "proposal");
		goto out;
	}
	peer_new_epoch(peer);
	if (info.removes_us)
		reply_text(peer->reply, "removed");
	else
		say_commit(peer);
out:
	mls_staged_destroy(staged);
	return err;
}
