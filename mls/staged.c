/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message would do: kept apart from the group, shown to the application, merged or dropped.
 */
#include "mls/group.h"

#include <string.h>

#include "base/assert.h"

enum sotto_err staged_new(const struct mls_config *config, enum mls_staged_kind kind,
			  const struct epoch *epoch, struct sender sender,
			  struct bytes authenticated_data, struct mls_staged **staged)
{
	struct mls_staged *made = allocator_take_zeroed(config->allocator, 1, sizeof(*made));
	enum sotto_err err = SOTTO_OK;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->config = config;
	made->kind = kind;
	made->epoch = epoch->number;
	made->sender = sender;
	writer_init_growing(&made->authenticated_data, config->allocator);
	if (sender.type == SENDER_MEMBER) {
		made->old_leaf = leaf_node_ref(tree_leaf(&epoch->tree, sender.index));
		made->new_leaf = leaf_node_ref(made->old_leaf);
	}
	writer_put_bytes(&made->authenticated_data, authenticated_data);
	TRY(writer_finish(&made->authenticated_data));
	*staged = made;
	made = NULL;
out:
	mls_staged_destroy(made);
	return err;
}

void staged_set_new_leaf(struct mls_staged *staged, const struct tree *tree, uint32_t leaf)
{
	leaf_node_drop(tree->allocator, staged->new_leaf);
	staged->sender.index = leaf;
	staged->new_leaf = leaf_node_ref(tree_leaf(tree, leaf));
}

void mls_staged_destroy(struct mls_staged *staged)
{
	const struct allocator *allocator;

	if (staged == NULL)
		return;
	allocator = staged->config->allocator;
	leaf_node_drop(allocator, staged->old_leaf);
	leaf_node_drop(allocator, staged->new_leaf);
	for (size_t i = 0; i < staged->change_count; i++) {
		struct change *change = &staged->changes[i];

		leaf_node_drop(allocator, change->before);
		leaf_node_drop(allocator, change->after);
		allocator_give(allocator, change->encoded, change->encoded_len);
	}
	allocator_give(allocator, staged->changes,
		       staged->change_count * sizeof(staged->changes[0]));
	writer_release(&staged->authenticated_data);
	epoch_destroy(staged->next);
	cached_proposal_destroy(staged->config, staged->proposal);
	allocator_wipe(allocator, staged, sizeof(*staged));
}

static const struct leaf_node *ref_or_null(const struct leaf_node *leaf)
{
	return leaf != NULL ? leaf_node_ref(leaf) : NULL;
}

static enum sotto_err copy_encoded(struct change *change, const struct proposal_item *item,
				   const struct allocator *allocator)
{
	change->encoded = allocator_take(allocator, item->encoded.len);
	if (change->encoded == NULL)
		return SOTTO_ERR_NO_MEMORY;
	memcpy(change->encoded, item->encoded.data, item->encoded.len);
	change->encoded_len = item->encoded.len;
	return SOTTO_OK;
}

/* The leaf of an add that is not in a tree: by itself, out of its key package. */
static enum sotto_err leaf_of_proposal(const struct proposal_item *item,
				       const struct allocator *allocator,
				       const struct leaf_node **leaf)
{
	struct proposal_view view;

	proposal_item_view(item, &view);
	*leaf = leaf_node_make(allocator, view.type == MLS_PROPOSAL_ADD ? view.add.leaf.encoded
									: view.update.encoded);
	return *leaf != NULL ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
}

static enum sotto_err fill_change(struct change *change, const struct proposal_item *item,
				  const struct tree *before, const struct tree *after)
{
	const struct allocator *allocator = before->allocator;

	change->type = item->type;
	change->proposer = item->sender;
	change->subject = item->subject;
	change->by_reference = item->cached != NULL;
	switch (item->type) {
	case MLS_PROPOSAL_ADD:
	case MLS_PROPOSAL_UPDATE:
		if (item->type == MLS_PROPOSAL_UPDATE)
			change->before = ref_or_null(tree_leaf(before, item->subject));
		if (after == NULL)
			return leaf_of_proposal(item, allocator, &change->after);
		change->after = ref_or_null(tree_leaf(after, item->subject));
		return SOTTO_OK;
	case MLS_PROPOSAL_REMOVE:
		change->before = ref_or_null(tree_leaf(before, item->subject));
		return SOTTO_OK;
	case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
	case MLS_PROPOSAL_PSK:
	case MLS_PROPOSAL_REINIT:
		return copy_encoded(change, item, allocator);
	default:
		return SOTTO_OK;
	}
}

enum sotto_err staged_list_changes(struct mls_staged *staged, const struct proposal_list *list,
				   const struct tree *before, const struct tree *after)
{
	enum sotto_err err = SOTTO_OK;

	if (list->count == 0)
		return SOTTO_OK;
	staged->changes = allocator_take_zeroed(staged->config->allocator, list->count,
						sizeof(staged->changes[0]));
	if (staged->changes == NULL)
		return SOTTO_ERR_NO_MEMORY;
	staged->change_count = list->count;
	for (size_t i = 0; i < list->count && err == SOTTO_OK; i++)
		err = fill_change(&staged->changes[i], &list->items[i], before, after);
	return err;
}

void mls_staged_info(const struct mls_staged *staged, struct mls_staged_info *info)
{
	*info = (struct mls_staged_info){
		.kind = staged->kind,
		.sender_type = (enum mls_sender_type)staged->sender.type,
		.sender = staged->sender.index,
		.epoch = staged->epoch,
		.authenticated_data = writer_bytes(&staged->authenticated_data),
		.changes = staged->change_count,
		.path = staged->path,
		.removes_us = staged->removes_us,
	};
	if (staged->old_leaf != NULL)
		leaf_member(&staged->old_leaf->view, staged->sender.index, &info->old_leaf);
	if (staged->new_leaf != NULL)
		leaf_member(&staged->new_leaf->view, staged->sender.index, &info->new_leaf);
	if (staged->next != NULL)
		info->extensions = writer_bytes(&staged->next->extensions);
	if (staged->next != NULL && staged->kind != MLS_STAGED_UNFOLLOWABLE)
		epoch_context_view(staged->next, &info->context);
}

static void show_encoded(const struct change *from, struct mls_change *change)
{
	struct proposal_view view;
	struct reader reader;

	reader_init(&reader, BYTES(from->encoded, from->encoded_len));
	proposal_read(&reader, &view);
	ASSERT(reader.err == SOTTO_OK);
	if (view.type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
		change->extensions = view.extensions;
	if (view.type == MLS_PROPOSAL_REINIT)
		change->reinit = view.reinit;
	if (view.type == MLS_PROPOSAL_PSK) {
		change->psk_id = view.psk.id;
		change->psk_epoch = view.psk.epoch;
		change->psk_resumption = view.psk.type == PSK_RESUMPTION;
	}
}

void mls_staged_change(const struct mls_staged *staged, size_t index, struct mls_change *change)
{
	const struct change *from = &staged->changes[index];

	ASSERT(index < staged->change_count);
	*change = (struct mls_change){
		.type = (enum mls_proposal_type)from->type,
		.proposer_type = (enum mls_sender_type)from->proposer.type,
		.proposer = from->proposer.index,
		.by_reference = from->by_reference,
	};
	if (from->before != NULL)
		leaf_member(&from->before->view, from->subject, &change->before);
	if (from->after != NULL)
		leaf_member(&from->after->view, from->subject, &change->after);
	if (from->encoded != NULL)
		show_encoded(from, change);
}
