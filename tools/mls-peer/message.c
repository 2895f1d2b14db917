/* SPDX-License-Identifier: Apache-2.0 */
/* Application messages. */
#include "base/error.h"
#include "peer.h"
#include "reply.h"

enum sotto_err peer_protect(struct peer *peer, const struct request *request)
{
	struct bytes authenticated_data, plaintext;
	uint8_t *message = NULL;
	size_t room = 0, len;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &authenticated_data));
	TRY(request_bytes(request, 1, &plaintext));
	TRY(peer_need_group(peer));
	room = mls_group_protect_len(peer->group, authenticated_data.len, plaintext.len,
				     peer->padding);
	message = peer_take(room);
	TRY(mls_group_protect(peer->group, authenticated_data, plaintext, peer->padding, message,
			      room, &len));
	reply_bytes(peer->reply, sotto_bytes(message, len));
out:
	peer_give(message, room);
	return err;
}

/* Also of a past epoch, and after we were removed. */
enum sotto_err peer_unprotect(struct peer *peer, const struct request *request)
{
	struct mls_application application;
	struct bytes message = sotto_bytes(NULL, 0);
	uint8_t *plaintext = NULL;
	enum sotto_err err;

	TRY(request_bytes(request, 0, &message));
	FAIL_IF(peer->group == NULL, SOTTO_ERR_STATE);
	plaintext = peer_take(message.len);
	TRY(mls_group_unprotect(peer->group, message, plaintext, message.len, &application));
	reply_number(peer->reply, application.sender);
	reply_bytes(peer->reply, application.authenticated_data);
	reply_bytes(peer->reply, application.plaintext);
out:
	peer_give(plaintext, message.len);
	return err;
}
