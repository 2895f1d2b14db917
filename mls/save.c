/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a group's two parts, and the reservation of its own generations. */
#include <string.h>

#include "mls/save.h"

/*
 * From so many members on the tree is a part of its own. Below that all of it is no more than what the
 * store takes for a row anyway.
 */
#define TREE_PART_MEMBERS 64
/*
 * The tree part is written anew when one node of so many has changed since: later each save is longer,
 * earlier the tree part comes more often. A path in a group of 1,000 changes a hundred and eightieth; there
 * about here both cost the same.
 */
#define TREE_PART_SHARE 8

static void put_secret(struct writer *writer, const struct secret *secret)
{
	writer_put_vector(writer, secret_bytes(secret));
}

static void keys_save(const struct epoch *epoch, struct writer *writer)
{
	size_t private_len = sign_private_len(epoch->suite->sign);
	const struct secret *signature_key = &epoch->signature_key;

	put_secret(writer, &epoch->keys.leaf);
	for (size_t level = 1; level <= TREE_DEPTH_MAX; level++)
		put_secret(writer, &epoch->keys.nodes[level]);
	/* Not as expanded: what signs is derived from the one part that is the key. */
	writer_put_vector(writer, BYTES(signature_key->data, signature_key->len < private_len
								     ? signature_key->len
								     : private_len));
}

static void secrets_save(const struct epoch_secrets *secrets, struct writer *writer)
{
	put_secret(writer, &secrets->sender_data);
	put_secret(writer, &secrets->exporter);
	put_secret(writer, &secrets->external);
	put_secret(writer, &secrets->confirmation);
	put_secret(writer, &secrets->membership);
	put_secret(writer, &secrets->resumption);
	put_secret(writer, &secrets->authenticator);
	put_secret(writer, &secrets->init);
}

void epoch_save(const struct epoch *epoch, struct writer *writer)
{
	size_t len = suite_hash_len(epoch->suite);

	writer_put_u64(writer, epoch->number);
	writer_put_u64(writer, epoch->retired_s);
	writer_put_u32(writer, epoch->own_leaf);
	writer_put_vector(writer, writer_bytes(&epoch->extensions));
	writer_put_vector(writer, writer_bytes(&epoch->reinit));
	writer_put_vector(writer, epoch_confirmed_hash(epoch));
	writer_put_bytes(writer, BYTES(epoch->interim_hash, len));
	writer_put_bytes(writer, epoch_tag(epoch));
	secrets_save(&epoch->secrets, writer);
	keys_save(epoch, writer);
}

/* One that is not the current one. */
static void other_save(const struct mls_group *group, const struct epoch *epoch,
		       struct writer *writer)
{
	epoch_save(epoch, writer);
	tree_write_difference(&epoch->tree, &group->epoch->tree, writer);
}

bool mls_group_tree_due(const struct mls_group *group)
{
	const struct tree *tree = &group->epoch->tree;

	if (group->base.mark == 0)
		return tree->members >= TREE_PART_MEMBERS;
	return TREE_PART_SHARE *
		       (uint64_t)tree_unmarked(tree, group->base.mark, group->base.width) >
	       tree_node_count(tree->width);
}

enum sotto_err mls_group_save_tree(struct mls_group *group, struct mls_buffer *tree_part)
{
	const struct tree *tree = &group->epoch->tree;
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, group->config.allocator);
	writer_put_u8(&writer, SAVE_VERSION);
	tree_write(tree, &writer);
	TRY(writer_finish(&writer));
	group_set_base(group, tree, writer_bytes(&writer));
	buffer_take(tree_part, &writer);
out:
	writer_release(&writer);
	return err;
}

static void proposals_save(const struct mls_group *group, struct writer *writer)
{
	size_t len = suite_hash_len(group->suite);
	size_t start = writer_begin_vector(writer);

	for (size_t i = 0; i < group->proposal_count; i++) {
		const struct cached_proposal *proposal = group->proposals[i];

		writer_put_bytes(writer, BYTES(proposal->ref, len));
		writer_put_bytes(writer, BYTES(proposal->message_hash, len));
		writer_put_u8(writer, (uint8_t)proposal->sender.type);
		writer_put_u32(writer, proposal->sender.index);
		put_secret(writer, &proposal->leaf_key);
		put_secret(writer, &proposal->signature_key);
		writer_put_vector(writer, proposal->encoded);
	}
	writer_end_vector(writer, start);
}

/* The pending commit's own secret tree is whole: nothing was sent in its epoch. */
static void pending_save(const struct mls_group *group, struct writer *writer)
{
	const struct mls_staged *pending = group->pending;

	writer_put_u8(writer, pending != NULL);
	if (pending == NULL)
		return;
	writer_put_bytes(writer, BYTES(pending->message_hash, suite_hash_len(group->suite)));
	writer_put_u8(writer, pending->path);
	writer_put_vector(writer, writer_bytes(&pending->authenticated_data));
	other_save(group, pending->next, writer);
	secret_tree_write(&pending->next->secret_tree, pending->next->own_leaf, NULL, writer);
}

enum sotto_err mls_group_save(const struct mls_group *group, struct mls_buffer *epoch_part)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, group->config.allocator);
	writer_put_u8(&writer, group->base.mark == 0 ? SAVE_VERSION : SAVE_VERSION_TREE);
	writer_put_u16(&writer, group->suite->id);
	writer_put_vector(&writer, group_id_bytes(group));
	if (group->base.mark != 0)
		writer_put_vector(&writer, BYTES(group->base.hash, suite_hash_len(group->suite)));
	writer_put_u8(&writer, group->active);
	writer_put_u16(&writer, (uint16_t)group->send.handshake);
	writer_put_u32(&writer, group->send.handshake_padding);
	writer_put_u8(&writer, group->send.tree_in_welcome);
	epoch_save(group->epoch, &writer);
	if (group->base.mark == 0)
		tree_write(&group->epoch->tree, &writer);
	else
		tree_write_unmarked(&group->epoch->tree, group->base.mark, group->base.width,
				    &writer);
	writer_put_u32(&writer, (uint32_t)group->past_count);
	for (size_t i = 0; i < group->past_count; i++)
		other_save(group, group->past[i], &writer);
	pending_save(group, &writer);
	proposals_save(group, &writer);
	err = writer_finish(&writer);
	if (err == SOTTO_OK)
		buffer_take(epoch_part, &writer);
	writer_release(&writer);
	return err;
}

static void ratchets_save(const struct epoch *epoch, const uint32_t *until, struct writer *writer)
{
	writer_put_u64(writer, epoch->number);
	writer_put_bytes(writer, epoch_tag(epoch));
	secret_tree_write(&epoch->secret_tree, epoch->own_leaf, until, writer);
}

enum sotto_err mls_group_save_ratchets(struct mls_group *group, uint32_t ahead,
				       struct mls_buffer *ratchet_part)
{
	const struct epoch *epoch = group->epoch;
	uint32_t until[2];
	struct writer writer;
	enum sotto_err err;

	if (ahead == 0 || ahead > group->config.limits.generations_forward / 2)
		return SOTTO_ERR_ARGUMENT;
	for (int kind = RATCHET_HANDSHAKE; kind <= RATCHET_APPLICATION; kind++) {
		until[kind] = ahead + secret_tree_generation(&epoch->secret_tree, epoch->own_leaf,
							     (enum ratchet_kind)kind);
		/*
		 * What was reserved may still be sent after this, so no state may stand behind it.
		 */
		if (until[kind] < group->reserved[kind])
			until[kind] = group->reserved[kind];
	}
	writer_init_growing(&writer, group->config.allocator);
	writer_put_u8(&writer, SAVE_VERSION);
	ratchets_save(epoch, until, &writer);
	for (size_t i = 0; i < group->past_count; i++)
		ratchets_save(group->past[i], NULL, &writer);
	TRY(writer_finish(&writer));
	memcpy(group->saved, until, sizeof(until));
	buffer_take(ratchet_part, &writer);
out:
	writer_release(&writer);
	return err;
}

void mls_group_ratchets_stored(struct mls_group *group)
{
	for (int kind = RATCHET_HANDSHAKE; kind <= RATCHET_APPLICATION; kind++) {
		if (group->saved[kind] > group->reserved[kind])
			group->reserved[kind] = group->saved[kind];
	}
}

uint32_t mls_group_reserved(const struct mls_group *group)
{
	uint32_t next = secret_tree_generation(&group->epoch->secret_tree, group->epoch->own_leaf,
					       RATCHET_APPLICATION);

	if (!group->config.reserve_before_send)
		return UINT32_MAX;
	return group->reserved[RATCHET_APPLICATION] > next
		       ? group->reserved[RATCHET_APPLICATION] - next
		       : 0;
}
