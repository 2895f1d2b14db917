/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating a commit (RFC 9420 section 12.4.1):
 *
 *    choose proposals -> apply to a successor -> path (provisional context)
 *        -> sign with the old context
 *        -> transcript, key schedule, confirmation tag -> welcome -> seal -> pending
 *
 * The message is sealed last, because that consumes a generation; everything before can fail
 * without a trace.
 */
#include <string.h>

#include "mls/group.h"
#include "mls/psk.h"
#include "mls/reinit.h"

struct committing {
	struct mls_group *group;
	const struct mls_commit_options *options;
	struct proposal_list list;
	struct link link;
	struct writer
		by_value; /* the proposals made here; list items point in by offset until sealed */
	struct list_outcome outcome;
	struct mls_staged *staged;
	struct epoch *next;
	bool has_path;
	struct path_secrets path;
	struct secret joiner;
	struct secret welcome_secret;
	struct writer body; /* Commit */
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
};

static bool removed_by_value(const struct mls_commit_options *options, uint32_t leaf)
{
	for (size_t i = 0; i < options->remove_count; i++) {
		if (options->remove[i] == leaf)
			return true;
	}
	return false;
}

static bool list_has_subject(const struct proposal_list *list, uint16_t type, uint32_t leaf)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type == type && list->items[i].subject == leaf)
			return true;
	}
	return false;
}

static bool list_has_type(const struct proposal_list *list, uint16_t type)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type == type)
			return true;
	}
	return false;
}

static bool list_has_encoded(const struct proposal_list *list, struct bytes encoded)
{
	for (size_t i = 0; i < list->count; i++) {
		if (bytes_equal(list->items[i].encoded, encoded))
			return true;
	}
	return false;
}

/* Is the client of an add in the tree already, and stays, or in the list? */
static bool add_is_known(const struct committing *committing, const struct leaf_view *leaf)
{
	const struct tree *tree = &committing->group->epoch->tree;
	uint32_t node = tree_find_signature_key(tree, leaf->signature_key);

	if (tree_find_encryption_key(tree, leaf->encryption_key) != TREE_NODE_NONE)
		return true;
	if (node != TREE_NODE_NONE && !removed_by_value(committing->options, leaf_of_node(node)) &&
	    !list_has_subject(&committing->list, MLS_PROPOSAL_REMOVE, leaf_of_node(node)))
		return true;
	for (size_t i = 0; i < committing->list.count; i++) {
		struct proposal_view view;

		if (committing->list.items[i].type != MLS_PROPOSAL_ADD)
			continue;
		proposal_item_view(&committing->list.items[i], &view);
		if (bytes_equal(view.add.leaf.signature_key, leaf->signature_key) ||
		    bytes_equal(view.add.leaf.encryption_key, leaf->encryption_key))
			return true;
	}
	return false;
}

/* Is the key at hand; and may a newcomer have it, who was in no epoch of this group? */
static bool psk_fits(const struct committing *committing, const struct psk_id_view *id)
{
	struct psk_finder finder = group_psk_finder(committing->group);
	bool adds = committing->options->add_count != 0 ||
		    list_has_type(&committing->list, MLS_PROPOSAL_ADD);
	struct bytes psk;

	return psk_find(&finder, id, &psk) == SOTTO_OK && !(id->type == PSK_RESUMPTION && adds);
}

/* 12.2: may this cached proposal stand beside what is in the list and what the caller asks for? */
static bool cached_fits(const struct committing *committing, const struct cached_proposal *cached,
			const struct proposal_view *view)
{
	const struct proposal_list *list = &committing->list;
	uint32_t own = committing->group->epoch->own_leaf;

	switch (view->type) {
	case MLS_PROPOSAL_REMOVE:
		return view->removed != own &&
		       !removed_by_value(committing->options, view->removed) &&
		       !list_has_subject(list, MLS_PROPOSAL_REMOVE, view->removed);
	case MLS_PROPOSAL_UPDATE:
		return cached->sender.index != own &&
		       !removed_by_value(committing->options, cached->sender.index) &&
		       !list_has_subject(list, MLS_PROPOSAL_REMOVE, cached->sender.index) &&
		       !list_has_subject(list, MLS_PROPOSAL_UPDATE, cached->sender.index);
	case MLS_PROPOSAL_ADD:
		return !add_is_known(committing, &view->add.leaf);
	case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
		return !committing->options->set_extensions &&
		       !list_has_type(list, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	case MLS_PROPOSAL_PSK:
		return psk_fits(committing, &view->psk) && !list_has_encoded(list, cached->encoded);
	case MLS_PROPOSAL_REINIT: /* all others are preferred to it */
		return list->count == 0 && committing->by_value.len == 0;
	default:
		return false;
	}
}

/*
 * Removes before updates before the rest, the newest first: 12.2 prefers removes, then the latest
 * update.
 */
static enum sotto_err choose_cached(struct committing *committing)
{
	static const uint16_t order[] = {
		MLS_PROPOSAL_REMOVE, MLS_PROPOSAL_UPDATE, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS,
		MLS_PROPOSAL_ADD,    MLS_PROPOSAL_PSK,	  MLS_PROPOSAL_REINIT,
	};
	struct mls_group *group = committing->group;

	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++) {
		for (size_t i = group->proposal_count; i > 0; i--) {
			const struct cached_proposal *cached = group->proposals[i - 1];
			struct proposal_view view;
			struct reader reader;
			enum sotto_err err;

			reader_init(&reader, cached->encoded);
			proposal_read(&reader, &view);
			if (view.type != order[o] || !cached_fits(committing, cached, &view))
				continue;
			err = proposal_list_put(&committing->list, cached->encoded, cached->sender,
						cached);
			if (err != SOTTO_OK)
				return err;
		}
	}
	return SOTTO_OK;
}

static struct psk_finder finder_of(const struct committing *committing)
{
	struct psk_finder finder = group_psk_finder(committing->group);

	finder.origin = committing->link.origin;
	return finder;
}

/* The PSK that ties us to our origin (11.2, 11.3). */
static enum sotto_err write_link(const struct committing *committing, struct writer *writer)
{
	const struct link *link = &committing->link;
	struct psk_finder finder = finder_of(committing);

	if (link->kind == MLS_LINK_NONE)
		return SOTTO_OK;
	if (committing->group->epoch->number != 0 || !link->origin->active)
		return SOTTO_ERR_INVALID;
	return psk_resumption_write(&finder, (enum psk_usage)link->kind,
				    group_id_bytes(link->origin), link->epoch, writer);
}

/* The proposals that the caller asks for, encoded one after the other. */
static enum sotto_err write_by_value(struct committing *committing)
{
	const struct mls_commit_options *options = committing->options;
	struct psk_finder finder = finder_of(committing);
	struct writer *writer = &committing->by_value;
	enum sotto_err err = SOTTO_OK;
	size_t start, adds = 0;

	for (size_t i = 0; i < options->add_count; i++)
		adds += options->add[i].len;
	writer_reserve(writer, adds);
	if (options->reinit != NULL)
		reinit_write(writer, options->reinit);
	if (options->set_extensions) {
		writer_put_u16(writer, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
		start = writer_begin_vector(writer);
		extensions_write(writer, options->extensions, options->extension_count);
		writer_end_vector(writer, start);
	}
	for (size_t i = 0; i < options->remove_count; i++) {
		writer_put_u16(writer, MLS_PROPOSAL_REMOVE);
		writer_put_u32(writer, options->remove[i]);
	}
	for (size_t i = 0; i < options->add_count; i++) {
		struct key_package_view package;

		TRY(key_package_message_read(options->add[i], &package));
		writer_put_u16(writer, MLS_PROPOSAL_ADD);
		writer_put_bytes(writer, package.encoded);
	}
	for (size_t i = 0; i < options->psk_count; i++)
		TRY(psk_proposal_write(&finder, options->psks[i], writer));
	for (size_t i = 0; i < options->resumption_count; i++)
		TRY(psk_resumption_write(&finder, PSK_USAGE_APPLICATION,
					 group_id_bytes(committing->group),
					 options->resumption_epochs[i], writer));
	TRY(write_link(committing, writer));
	TRY(writer_finish(writer));
out:
	return err;
}

static enum sotto_err choose_proposals(struct committing *committing)
{
	struct proposal_view view;
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	TRY(write_by_value(committing));
	if (!committing->options->without_cached)
		TRY(choose_cached(committing));
	FAIL_IF(committing->options->reinit != NULL && committing->list.count != 0,
		SOTTO_ERR_STATE);
	reader_init(&reader, writer_bytes(&committing->by_value));
	while (reader_more(&reader)) {
		proposal_read(&reader, &view);
		TRY(reader.err);
		TRY(proposal_list_put(&committing->list, view.encoded,
				      group_own_sender(committing->group), NULL));
	}
	TRY(reader_finish(&reader));
out:
	return err;
}

/* Commit (12.4): proposals, optional path. */
static enum sotto_err write_body(struct committing *committing)
{
	const struct proposal_list *list = &committing->list;
	size_t hash_len = suite_hash_len(committing->group->suite);
	struct writer *body = &committing->body;
	enum sotto_err err = SOTTO_OK;
	size_t start;

	/* A header for the list and for each reference; a path comes on top. */
	writer_reserve(body, 4 + committing->by_value.len + list->count * (3 + hash_len) + 1);
	start = writer_begin_vector(body);
	for (size_t i = 0; i < list->count; i++) {
		const struct proposal_item *item = &list->items[i];

		writer_put_u8(body, item->cached != NULL ? 2 : 1);
		if (item->cached != NULL)
			writer_put_vector(body, BYTES(item->cached->ref, hash_len));
		else
			writer_put_bytes(body, item->encoded);
	}
	writer_end_vector(body, start);
	writer_put_u8(body, committing->has_path);
	if (committing->has_path) {
		TRY(epoch_write_context(committing->next)); /* provisional */
		TRY(path_write(committing->next, &committing->path, &committing->outcome.added,
			       body));
	}
	TRY(writer_finish(body));
out:
	return err;
}

/* Applies the list to a successor of the current epoch, and our path. */
static enum sotto_err build_next(struct committing *committing)
{
	struct mls_group *group = committing->group;
	const struct mls_commit_options *options = committing->options;
	enum sotto_err err;

	TRY(epoch_next(group->epoch, &committing->staged->next));
	committing->next = committing->staged->next;
	TRY(proposal_list_apply(&committing->list, group->epoch, committing->next,
				group->epoch->own_leaf, options->now_s, &committing->outcome));
	if (committing->link.kind != MLS_LINK_NONE) {
		/* Extensions and members as this commit leaves them. */
		TRY(link_check(&committing->link, committing->next));
		TRY(link_check_members(&committing->link, committing->next));
	}
	committing->has_path = options->path || options->leaf != NULL ||
			       proposal_list_needs_path(&committing->list);
	if (committing->has_path) {
		TRY(path_renew(committing->next, options->leaf, &committing->path));
		TRY(tree_check_credentials(&committing->next->tree));
		TRY(leaf_check_context(
			&tree_leaf(&committing->next->tree, committing->next->own_leaf)->view,
			writer_bytes(&committing->next->extensions)));
	} else {
		secret_zero(group->suite, &committing->path.commit);
	}
	epoch_prune_keys(committing->next);
	TRY(write_body(committing));
out:
	return err;
}

/* Signs, then carries transcript and key schedule into the new epoch. */
static enum sotto_err sign_and_derive(struct committing *committing, struct framed *framed)
{
	struct mls_group *group = committing->group;
	struct frame_keys keys = epoch_frame_keys(group->epoch);
	struct psk_finder finder = finder_of(committing);
	struct epoch *next = committing->next;
	size_t signature_len = 0;
	struct secret psk = {0};
	enum sotto_err err;

	*framed = (struct framed){
		.wire_format = (uint16_t)group->send.handshake,
		.group_id = group_id_bytes(group),
		.epoch = group->epoch->number,
		.sender_type = SENDER_MEMBER,
		.sender = group->epoch->own_leaf,
		.authenticated_data = committing->options->authenticated_data,
		.content_type = MLS_CONTENT_COMMIT,
		.body = writer_bytes(&committing->body),
	};
	TRY(frame_sign(&keys, group->config.random, &group->epoch->signature_key, framed,
		       &group->scratch, committing->signature, &signature_len));
	framed->signature = BYTES(committing->signature, signature_len);
	TRY(epoch_advance_transcript(next, group->epoch, framed));
	joiner_secret_derive(group->suite, &group->epoch->secrets.init, &committing->path.commit,
			     writer_bytes(&next->context), &committing->joiner);
	TRY(psk_secret_of_list(&finder, &committing->list, &psk));
	TRY(epoch_derive(next, &committing->joiner, &psk, &committing->welcome_secret));
	framed->confirmation_tag = epoch_tag(next);
out:
	secret_wipe(&psk);
	return err;
}

static enum sotto_err make_commit(struct committing *committing, struct writer *commit,
				  struct writer *welcome)
{
	struct mls_group *group = committing->group;
	struct mls_staged *staged;
	struct framed framed;
	enum sotto_err err;

	TRY(choose_proposals(committing));
	TRY(staged_new(&group->config, MLS_STAGED_OWN_COMMIT, group->epoch, group_own_sender(group),
		       committing->options->authenticated_data, &committing->staged));
	staged = committing->staged;
	TRY(build_next(committing));
	TRY(sign_and_derive(committing, &framed));
	if (committing->outcome.added.count != 0)
		TRY(welcome_write(committing->next, &committing->list, &committing->joiner,
				  &committing->welcome_secret,
				  committing->has_path ? &committing->path : NULL,
				  group->send.tree_in_welcome, welcome));
	TRY(staged_list_changes(staged, &committing->list, &group->epoch->tree,
				&committing->next->tree));
	staged->path = committing->has_path;
	staged_set_new_leaf(staged, &committing->next->tree, committing->next->own_leaf);
	TRY(group_write_handshake(group, &framed, commit));
	message_hash(group->suite, writer_bytes(commit), staged->message_hash);
out:
	return err;
}

enum sotto_err mls_group_commit(struct mls_group *group, const struct mls_commit_options *options,
				struct mls_buffer *commit, struct mls_buffer *welcome)
{
	const struct allocator *allocator = group->config.allocator;
	struct committing committing = {.group = group, .options = options};
	struct writer commit_out, welcome_out;
	uint32_t generation;
	enum sotto_err err = SOTTO_OK;

	if (!group->active || group_ended(group))
		return SOTTO_ERR_STATE;
	if (group->pending != NULL)
		return SOTTO_ERR_EXISTS;
	if (group->send.handshake == MLS_PRIVATE_MESSAGE)
		err = group_next_generation(group, RATCHET_HANDSHAKE, &generation);
	if (err != SOTTO_OK)
		return err;
	if (options->link != MLS_LINK_NONE) {
		if (options->origin == NULL)
			return SOTTO_ERR_ARGUMENT;
		committing.link = (struct link){.kind = options->link,
						.origin = options->origin,
						.epoch = options->origin->epoch->number};
	}
	proposal_list_init(&committing.list, allocator);
	committing.list.link = options->link;
	writer_init_growing(&committing.by_value, allocator);
	writer_init_growing(&committing.body, allocator);
	writer_init_growing(&commit_out, allocator);
	writer_init_growing(&welcome_out, allocator);
	TRY(make_commit(&committing, &commit_out, &welcome_out));
	group->pending = committing.staged;
	committing.staged = NULL;
	buffer_take(commit, &commit_out);
	buffer_take(welcome, &welcome_out);
out:
	mls_staged_destroy(committing.staged);
	list_outcome_finish(&committing.outcome, allocator);
	proposal_list_finish(&committing.list);
	writer_release(&committing.by_value);
	writer_release(&committing.body);
	writer_release(&commit_out);
	writer_release(&welcome_out);
	bytes_wipe(&committing, sizeof(committing));
	return err;
}
