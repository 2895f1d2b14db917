/* SPDX-License-Identifier: Apache-2.0 */
/* What we change: commits, which stay pending until `apply` or `drop`, and proposals. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "peer.h"
#include "reply.h"

/* What a request asks to be committed by value. */
struct wanted {
	struct bytes *adds;
	struct bytes *psks;
	uint32_t *removes;
	uint64_t *resumptions;
	struct mls_commit_options options;
};

static void wanted_init(struct wanted *wanted, size_t words)
{
	wanted->adds = peer_take(words * sizeof(wanted->adds[0]));
	wanted->psks = peer_take(words * sizeof(wanted->psks[0]));
	wanted->removes = peer_take(words * sizeof(wanted->removes[0]));
	wanted->resumptions = peer_take(words * sizeof(wanted->resumptions[0]));
	wanted->options = (struct mls_commit_options){
		.add = wanted->adds,
		.psks = wanted->psks,
		.remove = wanted->removes,
		.resumption_epochs = wanted->resumptions,
	};
}

static void wanted_finish(struct wanted *wanted)
{
	free(wanted->adds);
	free(wanted->psks);
	free(wanted->removes);
	free(wanted->resumptions);
}

static enum sotto_err want_remove(struct wanted *wanted, const char *word)
{
	uint64_t leaf;
	enum sotto_err err = word_number(word, UINT32_MAX, &leaf);

	if (err == SOTTO_OK)
		wanted->removes[wanted->options.remove_count++] = (uint32_t)leaf;
	return err;
}

/* Commits what is wanted and what is cached. */
static enum sotto_err make(struct peer *peer, const struct wanted *wanted)
{
	struct mls_buffer commit = {0}, welcome = {0};
	enum sotto_err err;

	TRY(peer_need_group(peer));
	TRY(mls_group_commit(peer->group, &wanted->options, &commit, &welcome));
	reply_bytes(peer->reply, mls_buffer_bytes(&commit));
	reply_bytes(peer->reply, mls_buffer_bytes(&welcome));
out:
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	return err;
}

enum sotto_err peer_add(struct peer *peer, const struct request *request)
{
	struct wanted wanted;
	enum sotto_err err;

	wanted_init(&wanted, request->count);
	for (size_t i = 0; i < request->count; i++)
		TRY(request_bytes(request, i, &wanted.adds[i]));
	wanted.options.add_count = request->count;
	TRY(make(peer, &wanted));
out:
	wanted_finish(&wanted);
	return err;
}

enum sotto_err peer_remove(struct peer *peer, const struct request *request)
{
	struct wanted wanted;
	enum sotto_err err;

	wanted_init(&wanted, request->count);
	for (size_t i = 0; i < request->count; i++)
		TRY(want_remove(&wanted, request->words[i]));
	wanted.options.path = true;
	TRY(make(peer, &wanted));
out:
	wanted_finish(&wanted);
	return err;
}

enum sotto_err peer_update(struct peer *peer, const struct request *request)
{
	struct wanted wanted;
	enum sotto_err err;

	wanted_init(&wanted, request->count);
	wanted.options.path = true;
	err = make(peer, &wanted);
	wanted_finish(&wanted);
	return err;
}

/* The part behind `name:`, or NULL. */
static char *behind(char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && word[len] == ':' ? word + len + 1 : NULL;
}

static enum sotto_err want(struct wanted *wanted, char *word, size_t len)
{
	struct mls_commit_options *options = &wanted->options;
	char *end = word + len;
	char *rest;

	if (strcmp(word, "path") == 0) {
		options->path = true;
		return SOTTO_OK;
	}
	if ((rest = behind(word, "add")) != NULL)
		return word_bytes(rest, (size_t)(end - rest), &wanted->adds[options->add_count++]);
	if ((rest = behind(word, "psk")) != NULL)
		return word_bytes(rest, (size_t)(end - rest), &wanted->psks[options->psk_count++]);
	if ((rest = behind(word, "remove")) != NULL)
		return want_remove(wanted, rest);
	if ((rest = behind(word, "resume")) != NULL)
		return word_number(rest, UINT64_MAX,
				   &wanted->resumptions[options->resumption_count++]);
	return SOTTO_ERR_FORMAT;
}

enum sotto_err peer_commit(struct peer *peer, const struct request *request)
{
	struct wanted wanted;
	enum sotto_err err = SOTTO_OK;

	wanted_init(&wanted, request->count);
	for (size_t i = 0; i < request->count; i++)
		TRY(want(&wanted, request->words[i], request->lens[i]));
	TRY(make(peer, &wanted));
out:
	wanted_finish(&wanted);
	return err;
}

/* Our commit was accepted. A commit by which we came is merged already. */
enum sotto_err peer_apply(struct peer *peer, const struct request *request)
{
	enum sotto_err err;

	(void)request;
	TRY(peer_need_group(peer));
	if (peer->external_commit.len == 0)
		TRY(mls_group_apply_pending(peer->group));
	peer_new_epoch(peer);
	reply_number(peer->reply, peer_epoch(peer));
out:
	return err;
}

/* It never will be. If it was to bring us in, we are in no group. */
enum sotto_err peer_drop(struct peer *peer, const struct request *request)
{
	enum sotto_err err = peer_need_group(peer);

	(void)request;
	if (err != SOTTO_OK)
		return err;
	if (peer->external_commit.len != 0)
		peer_set_group(peer, NULL);
	else
		mls_group_drop_pending(peer->group);
	return SOTTO_OK;
}

/* ---- Proposals ---- */

static enum sotto_err propose(struct peer *peer, const struct request *request,
			      struct mls_buffer *message)
{
	struct mls_group *group = peer->group;
	const char *kind = request->words[0];
	struct bytes bytes;
	uint64_t number;
	enum sotto_err err = SOTTO_OK;

	if (strcmp(kind, "update") == 0 && request->count == 1)
		return mls_group_propose_update(group, NULL, message);
	FAIL_IF(request->count != 2, SOTTO_ERR_FORMAT);
	if (strcmp(kind, "add") == 0) {
		TRY(request_bytes(request, 1, &bytes));
		TRY(mls_group_propose_add(group, bytes, 0, message));
	} else if (strcmp(kind, "psk") == 0) {
		TRY(request_bytes(request, 1, &bytes));
		TRY(mls_group_propose_psk(group, bytes, message));
	} else if (strcmp(kind, "remove") == 0) {
		TRY(request_number(request, 1, UINT32_MAX, &number));
		TRY(mls_group_propose_remove(group, (uint32_t)number, message));
	} else if (strcmp(kind, "resume") == 0) {
		TRY(request_number(request, 1, UINT64_MAX, &number));
		TRY(mls_group_propose_resumption(group, number, message));
	} else {
		err = SOTTO_ERR_FORMAT;
	}
out:
	return err;
}

enum sotto_err peer_propose(struct peer *peer, const struct request *request)
{
	struct messages *own = &peer->own_proposals;
	struct mls_buffer message = {0};
	enum sotto_err err;

	TRY(peer_need_group(peer));
	TRY(propose(peer, request, &message));
	own->items = peer_room(own->items, own->count, &own->capacity, sizeof(own->items[0]));
	own->items[own->count++] = message;
	reply_bytes(peer->reply, mls_buffer_bytes(&message));
out:
	return err;
}
