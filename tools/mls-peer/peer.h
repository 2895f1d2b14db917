/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One MLS client that does what it is told by lines: see mls-peer(1).
 *
 *    line --words--> command.c --one function a command--> library --> reply
 *
 * A command either succeeds and has said all its words, or fails and has changed nothing. Only the public
 * interface of the library is used.
 */
#ifndef MLS_PEER_H
#define MLS_PEER_H

#include <sotto/mls.h>

#include "line.h"

/* Padding of one message: enough to hide any length that a test sends. */
#define PADDING_MAX (1 << 20)

/* Messages of this many past epochs open, and their resumption PSKs may be used. */
#define PAST_EPOCHS 16

struct key_package {
	struct mls_buffer message;
	struct mls_key_package_secrets secrets;
};

struct psk {
	struct mls_buffer id;
	struct mls_buffer secret;
};

/* Proposals of our own in this epoch: they come back to us with those of others. */
struct messages {
	struct mls_buffer *items;
	size_t count;
	size_t capacity;
};

struct peer {
	bool begun; /* there is a client */
	struct mls_config config;
	struct mls_psk_source psk_source;
	struct mls_identity identity;
	struct mls_buffer name; /* the identity in our credential */
	struct mls_send_options send;
	size_t padding; /* of application messages */
	struct psk *psks;
	size_t psk_count;
	size_t psk_capacity;
	struct key_package *packages;
	size_t package_count;
	size_t package_capacity;
	struct mls_group *group; /* NULL: none; not active: we were removed */
	struct messages own_proposals;
	struct mls_buffer external_commit; /* ours, neither applied nor dropped */
	struct reply *reply;
};

/* The words of a request behind the command's name. */
struct request {
	char **words;
	const size_t *lens;
	size_t count;
};

typedef enum sotto_err command(struct peer *peer, const struct request *request);

/* Memory that is there or the program ends; wiped when given back. NULL is fine. */
void *peer_take(size_t len);
void *peer_resize(void *memory, size_t len);
void peer_give(void *memory, size_t len);
struct mls_buffer peer_copy(struct bytes bytes);

/* One more place at the end of an array of elements of this size, if it is full. */
void *peer_room(void *items, size_t count, size_t *capacity, size_t size);

void peer_init(struct peer *peer, struct reply *reply);

/* Back to the beginning: no client, no group, no secrets. */
void peer_reset(struct peer *peer);

/* Another group, or none, takes the place of the one there is. */
void peer_set_group(struct peer *peer, struct mls_group *group);

/* The epoch has changed: what belonged to the old one goes. */
void peer_new_epoch(struct peer *peer);

struct mls_leaf_options peer_leaf(const struct peer *peer);
uint64_t peer_epoch(const struct peer *peer);

/* A group in which we are: else SOTTO_ERR_STATE. */
enum sotto_err peer_need_group(const struct peer *peer);

enum sotto_err request_bytes(const struct request *request, size_t index, struct bytes *bytes);
enum sotto_err request_number(const struct request *request, size_t index, uint64_t max,
			      uint64_t *number);

/* One request: runs it and answers. False: it was `quit`. */
bool peer_obey(struct peer *peer, struct line *line);

/* ---- The commands, by stage ---- */

command peer_client, peer_format, peer_inline_tree, peer_psk, peer_key_package;
command peer_create, peer_join, peer_external_join;
command peer_add, peer_remove, peer_update, peer_commit, peer_apply, peer_drop, peer_propose;
command peer_handle;
command peer_protect, peer_unprotect;
command peer_group_info, peer_ratchet_tree, peer_export, peer_authenticator, peer_context;
command peer_show_epoch, peer_show_leaf, peer_roster;

#endif
