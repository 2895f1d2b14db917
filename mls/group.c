/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group's life: made, advanced from epoch to epoch, destroyed; its cache of proposals; its own
 * generations.
 */
#include "mls/group.h"

#include <string.h>

#include "base/assert.h"

/* Scratch for signing and verifying application messages of up to 16 KiB without allocating. */
#define SCRATCH_LEN (16384 + 4096)

enum sotto_err group_new(const struct mls_config *config, const struct suite *suite,
			 struct bytes group_id, struct mls_group **group)
{
	struct mls_group *made = allocator_take_zeroed(config->allocator, 1, sizeof(*made));
	enum sotto_err err = SOTTO_OK;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->config = *config;
	made->suite = suite;
	made->active = true;
	made->send = (struct mls_send_options){
		.handshake = MLS_PRIVATE_MESSAGE,
		.tree_in_welcome = true,
	};
	writer_init_growing(&made->scratch, config->allocator);
	writer_put_zeros(&made->scratch, SCRATCH_LEN);
	TRY(writer_finish(&made->scratch));
	if (group_id.len != 0) {
		made->group_id = allocator_take(config->allocator, group_id.len);
		FAIL_IF(made->group_id == NULL, SOTTO_ERR_NO_MEMORY);
		memcpy(made->group_id, group_id.data, group_id.len);
		made->group_id_len = group_id.len;
	}
	if (config->limits.past_epochs != 0) {
		made->past = allocator_take_zeroed(config->allocator, config->limits.past_epochs,
						   sizeof(struct epoch *));
		FAIL_IF(made->past == NULL, SOTTO_ERR_NO_MEMORY);
	}
	*group = made;
	made = NULL;
out:
	mls_group_destroy(made);
	return err;
}

void mls_group_destroy(struct mls_group *group)
{
	struct allocator allocator;

	if (group == NULL)
		return;
	allocator = *group->config.allocator;
	mls_group_drop_proposals(group);
	group_drop_pending(group);
	epoch_destroy(group->epoch);
	for (size_t i = 0; i < group->past_count; i++)
		epoch_destroy(group->past[i]);
	allocator_give(&allocator, group->past,
		       group->config.limits.past_epochs * sizeof(struct epoch *));
	allocator_give(&allocator, group->proposals,
		       group->proposal_capacity * sizeof(group->proposals[0]));
	allocator_give(&allocator, group->group_id, group->group_id_len);
	writer_release(&group->scratch);
	allocator_wipe(&allocator, group, sizeof(*group));
}

void group_drop_pending(struct mls_group *group)
{
	mls_staged_destroy(group->pending);
	group->pending = NULL;
}

void mls_group_drop_pending(struct mls_group *group)
{
	group_drop_pending(group);
}

void group_advance(struct mls_group *group, struct epoch *next)
{
	size_t places = group->config.limits.past_epochs;

	ASSERT(group->pending == NULL);
	mls_group_drop_proposals(group);
	epoch_retire(group->epoch);
	if (places == 0) {
		epoch_destroy(group->epoch);
	} else {
		if (group->past_count == places)
			epoch_destroy(group->past[--group->past_count]);
		memmove(group->past + 1, group->past, group->past_count * sizeof(group->past[0]));
		group->past[0] = group->epoch;
		group->past_count++;
	}
	group->epoch = next;
	group->welcomed = false;
	memset(group->reserved, 0, sizeof(group->reserved));
	memset(group->saved, 0, sizeof(group->saved));
}

void group_set_base(struct mls_group *group, const struct tree *tree, struct bytes tree_part)
{
	/* An older mark may still stand in an epoch that is staged: it must mean nothing there. */
	group->base.mark = group->base.mark == UINT16_MAX ? 1 : group->base.mark + 1;
	group->base.width = tree->width;
	hash_digest(group->suite->hpke.kdf, tree_part, group->base.hash);
	tree_mark(tree, group->base.mark);
}

struct epoch *group_find_epoch(const struct mls_group *group, uint64_t number)
{
	if (group->epoch->number == number)
		return group->epoch;
	for (size_t i = 0; i < group->past_count; i++) {
		if (group->past[i]->number == number)
			return group->past[i];
	}
	return NULL;
}

/* ---- Cached proposals ---- */

void cached_proposal_destroy(const struct mls_config *config, struct cached_proposal *proposal)
{
	if (proposal != NULL)
		allocator_wipe(config->allocator, proposal, proposal->size);
}

enum sotto_err cached_proposal_make(const struct mls_config *config, const struct suite *suite,
				    const struct framed *framed, struct cached_proposal **proposal)
{
	size_t size = sizeof(struct cached_proposal) + framed->body.len;
	struct cached_proposal *made;
	struct writer content;
	enum sotto_err err;

	writer_init_growing(&content, config->allocator);
	framed_write(framed, &content);
	TRY(writer_finish(&content));
	made = allocator_take_zeroed(config->allocator, 1, size);
	FAIL_IF(made == NULL, SOTTO_ERR_NO_MEMORY);
	made->size = size;
	made->sender = framed_sender(framed);
	memcpy(made->storage, framed->body.data, framed->body.len);
	made->encoded = BYTES(made->storage, framed->body.len);
	suite_ref_hash(suite, "MLS 1.0 Proposal Reference", writer_bytes(&content), made->ref);
	*proposal = made;
out:
	writer_release(&content);
	return err;
}

enum sotto_err group_reserve_proposal(struct mls_group *group)
{
	size_t capacity = group->proposal_capacity == 0 ? 8 : 2 * group->proposal_capacity;
	struct cached_proposal **proposals;

	if (group->proposal_count >= group->config.limits.cached_proposals)
		return SOTTO_ERR_LIMIT;
	if (group->proposal_count < group->proposal_capacity)
		return SOTTO_OK;
	proposals = allocator_take(group->config.allocator, capacity * sizeof(proposals[0]));
	if (proposals == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (group->proposal_count != 0)
		memcpy(proposals, group->proposals, group->proposal_count * sizeof(proposals[0]));
	allocator_give(group->config.allocator, group->proposals,
		       group->proposal_capacity * sizeof(proposals[0]));
	group->proposals = proposals;
	group->proposal_capacity = capacity;
	return SOTTO_OK;
}

void group_put_proposal(struct mls_group *group, struct cached_proposal *proposal)
{
	ASSERT(group->proposal_count < group->proposal_capacity);
	group->proposals[group->proposal_count++] = proposal;
}

const struct cached_proposal *group_find_proposal(const struct mls_group *group, struct bytes ref)
{
	size_t len = suite_hash_len(group->suite);

	for (size_t i = 0; i < group->proposal_count; i++) {
		if (bytes_equal(ref, BYTES(group->proposals[i]->ref, len)))
			return group->proposals[i];
	}
	return NULL;
}

uint32_t mls_group_cached_proposals(const struct mls_group *group)
{
	return (uint32_t)group->proposal_count;
}

void mls_group_drop_proposals(struct mls_group *group)
{
	while (group->proposal_count > 0)
		cached_proposal_destroy(&group->config, group->proposals[--group->proposal_count]);
}

/* ---- Own messages ---- */

enum sotto_err group_next_generation(const struct mls_group *group, enum ratchet_kind kind,
				     uint32_t *generation)
{
	uint32_t next =
		secret_tree_generation(&group->epoch->secret_tree, group->epoch->own_leaf, kind);

	if (group->config.reserve_before_send && next >= group->reserved[kind])
		return SOTTO_ERR_AGAIN;
	if (next == UINT32_MAX)
		return SOTTO_ERR_LIMIT;
	*generation = next;
	return SOTTO_OK;
}

enum sotto_err group_write_handshake(struct mls_group *group, const struct framed *framed,
				     struct writer *out)
{
	struct epoch *epoch = group->epoch;
	struct frame_keys keys = epoch_frame_keys(epoch);
	struct message_key key;
	uint32_t generation;
	enum sotto_err err;

	if (framed->wire_format == MLS_PUBLIC_MESSAGE)
		return frame_public_write(&keys, framed, &group->scratch, out);
	err = group_next_generation(group, RATCHET_HANDSHAKE, &generation);
	if (err != SOTTO_OK)
		return err;
	TRY(secret_tree_peek(&epoch->secret_tree, epoch->own_leaf, RATCHET_HANDSHAKE, generation,
			     &key));
	TRY(frame_private_seal(&keys, group->config.random, framed, &key, generation,
			       group->send.handshake_padding, out));
	secret_tree_consume(&epoch->secret_tree, epoch->own_leaf, RATCHET_HANDSHAKE, generation);
out:
	bytes_wipe(&key, sizeof(key));
	return err;
}

void message_hash(const struct suite *suite, struct bytes message, uint8_t *out)
{
	hash_digest(suite->hpke.kdf, message, out);
}
