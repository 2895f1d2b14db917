/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proposal list validation and application (RFC 9420 sections 12.2, 12.3).
 *
 *    group context extensions -> updates and removes (old leaves out, new ones in, truncate)
 *        -> adds -> the tree
 *
 * Keys are checked for uniqueness by the tree itself, when leaves go in; so the order of updates
 * and removes does not matter, only the tree that comes out.
 */
#include "base/assert.h"
#include "mls/group.h"
#include "mls/psk.h"
#include "mls/reinit.h"

void proposal_list_init(struct proposal_list *list, const struct allocator *allocator)
{
	*list = (struct proposal_list){.allocator = allocator};
}

void proposal_list_finish(struct proposal_list *list)
{
	allocator_give(list->allocator, list->items, list->capacity * sizeof(list->items[0]));
	*list = (struct proposal_list){.allocator = list->allocator};
}

static enum sotto_err list_reserve(struct proposal_list *list)
{
	size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
	struct proposal_item *items;

	if (list->count < list->capacity)
		return SOTTO_OK;
	items = allocator_take(list->allocator, capacity * sizeof(items[0]));
	if (items == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (size_t i = 0; i < list->count; i++)
		items[i] = list->items[i];
	allocator_give(list->allocator, list->items, list->capacity * sizeof(items[0]));
	list->items = items;
	list->capacity = capacity;
	return SOTTO_OK;
}

void proposal_item_view(const struct proposal_item *item, struct proposal_view *view)
{
	struct reader reader;

	reader_init(&reader, item->encoded);
	proposal_read(&reader, view);
	ASSERT(reader.err == SOTTO_OK);
}

enum sotto_err proposal_list_put(struct proposal_list *list, struct bytes encoded,
				 struct sender sender, const struct cached_proposal *cached)
{
	struct proposal_item item = {.encoded = encoded, .sender = sender, .cached = cached};
	struct proposal_view view;
	enum sotto_err err = list_reserve(list);

	if (err != SOTTO_OK)
		return err;
	proposal_item_view(&item, &view);
	item.type = view.type;
	if (view.type == MLS_PROPOSAL_UPDATE)
		item.subject = sender.index;
	else if (view.type == MLS_PROPOSAL_REMOVE)
		item.subject = view.removed;
	list->items[list->count++] = item;
	return SOTTO_OK;
}

static bool type_needs_path(uint16_t type)
{
	return type != MLS_PROPOSAL_ADD && type != MLS_PROPOSAL_PSK && type != MLS_PROPOSAL_REINIT;
}

bool proposal_list_needs_path(const struct proposal_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (type_needs_path(list->items[i].type))
			return true;
	}
	return list->count == 0;
}

void list_outcome_finish(struct list_outcome *outcome, const struct allocator *allocator)
{
	allocator_give(allocator, outcome->added.leaves,
		       outcome->added.count * sizeof(outcome->added.leaves[0]));
	*outcome = (struct list_outcome){0};
}

/* ---- 12.1: one proposal ---- */

static enum sotto_err check_update(const struct leaf_view *view, uint32_t sender,
				   const struct epoch *epoch, uint64_t now_s)
{
	const struct leaf_node *old = tree_leaf(&epoch->tree, sender);
	struct leaf_place place = {.group_id = epoch->group_id, .leaf = sender};
	struct leaf_rules rules = {
		.suite = epoch->suite, .config = epoch->config, .place = &place, .now_s = now_s};

	if (old == NULL || bytes_equal(old->view.encryption_key, view->encryption_key))
		return SOTTO_ERR_INVALID;
	return leaf_check(view, LEAF_UPDATE, &rules);
}

enum sotto_err proposal_check(const struct proposal_view *proposal, struct sender sender,
			      const struct epoch *epoch, uint64_t now_s)
{
	if (!proposal_sender_may(sender.type, proposal->type))
		return SOTTO_ERR_INVALID;
	switch (proposal->type) {
	case MLS_PROPOSAL_ADD:
		return key_package_check(&proposal->add, epoch->suite, epoch->config, now_s);
	case MLS_PROPOSAL_UPDATE:
		return check_update(&proposal->update, sender.index, epoch, now_s);
	case MLS_PROPOSAL_REMOVE:
		return tree_leaf(&epoch->tree, proposal->removed) != NULL ? SOTTO_OK
									  : SOTTO_ERR_INVALID;
	case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
		return context_extensions_check(proposal->extensions, epoch->suite, epoch->config);
	case MLS_PROPOSAL_PSK:
		return psk_check(&proposal->psk, epoch->suite, MLS_LINK_NONE);
	case MLS_PROPOSAL_REINIT:
		return reinit_check(&proposal->reinit, epoch->config);
	case MLS_PROPOSAL_EXTERNAL_INIT:
		return SOTTO_ERR_INVALID; /* only in external commits */
	default:
		return SOTTO_ERR_UNSUPPORTED;
	}
}

/* ---- 12.2: the list ---- */

/* At most one update or remove for a leaf; none by or against the committer that may not be. */
static enum sotto_err check_subjects(const struct proposal_list *list, const struct tree *tree,
				     uint32_t committer)
{
	size_t len = ((size_t)tree->width + 7) / 8;
	uint8_t *seen = allocator_take_zeroed(tree->allocator, 1, len);
	enum sotto_err err = SOTTO_OK;

	if (seen == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (size_t i = 0; i < list->count; i++) {
		const struct proposal_item *item = &list->items[i];
		uint8_t bit = (uint8_t)(1u << (item->subject % 8));

		if (item->type != MLS_PROPOSAL_UPDATE && item->type != MLS_PROPOSAL_REMOVE)
			continue;
		FAIL_IF(item->subject == committer, SOTTO_ERR_INVALID);
		FAIL_IF(tree_leaf(tree, item->subject) == NULL, SOTTO_ERR_INVALID);
		FAIL_IF((seen[item->subject / 8] & bit) != 0, SOTTO_ERR_INVALID);
		seen[item->subject / 8] |= bit;
	}
out:
	allocator_give(tree->allocator, seen, len);
	return err;
}

static enum sotto_err apply_extensions(const struct proposal_list *list, struct epoch *next,
				       bool *changed)
{
	*changed = false;
	for (size_t i = 0; i < list->count; i++) {
		struct proposal_view view;

		if (list->items[i].type != MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
			continue;
		if (*changed)
			return SOTTO_ERR_INVALID;
		proposal_item_view(&list->items[i], &view);
		next->extensions.len = 0;
		writer_put_bytes(&next->extensions, view.extensions);
		*changed = true;
	}
	return writer_finish(&next->extensions);
}

static enum sotto_err check_each(const struct proposal_list *list, const struct epoch *before,
				 uint64_t now_s)
{
	for (size_t i = 0; i < list->count; i++) {
		struct proposal_view view;
		enum sotto_err err;

		proposal_item_view(&list->items[i], &view);
		err = view.type == MLS_PROPOSAL_PSK
			      ? psk_check(&view.psk, before->suite, list->link)
			      : proposal_check(&view, list->items[i].sender, before, now_s);
		if (err != SOTTO_OK)
			return err;
	}
	return SOTTO_OK;
}

/* 12.2: a ReInit stands alone. */
static enum sotto_err note_reinit(const struct proposal_list *list, struct epoch *next)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type != MLS_PROPOSAL_REINIT)
			continue;
		if (list->count != 1)
			return SOTTO_ERR_INVALID;
		writer_put_bytes(&next->reinit, list->items[i].encoded);
	}
	return writer_finish(&next->reinit);
}

static enum sotto_err blank_subjects(const struct proposal_list *list, struct tree *tree)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct proposal_item *item = &list->items[i];
		enum sotto_err err;

		if (item->type != MLS_PROPOSAL_UPDATE && item->type != MLS_PROPOSAL_REMOVE)
			continue;
		err = tree_blank_leaf(tree, item->subject);
		if (err == SOTTO_OK)
			err = tree_blank_path(tree, item->subject);
		if (err != SOTTO_OK)
			return err;
	}
	return SOTTO_OK;
}

/* A new leaf, if it fits the group's (new) extensions. */
static enum sotto_err make_leaf(const struct leaf_view *view, const struct epoch *next,
				const struct leaf_node **leaf)
{
	enum sotto_err err = leaf_check_context(view, writer_bytes(&next->extensions));

	if (err != SOTTO_OK)
		return err;
	*leaf = leaf_node_make(next->config->allocator, view->encoded);
	return *leaf != NULL ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
}

static enum sotto_err set_updates(const struct proposal_list *list, struct epoch *next,
				  struct list_outcome *outcome)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct proposal_item *item = &list->items[i];
		const struct leaf_node *leaf;
		struct proposal_view view;
		enum sotto_err err;

		if (item->type != MLS_PROPOSAL_UPDATE)
			continue;
		proposal_item_view(item, &view);
		err = make_leaf(&view.update, next, &leaf);
		if (err == SOTTO_OK)
			err = tree_set_leaf(&next->tree, item->subject, leaf);
		if (err != SOTTO_OK)
			return err;
		if (item->subject == next->own_leaf)
			outcome->own_update = item->cached;
	}
	return SOTTO_OK;
}

static enum sotto_err apply_adds(struct proposal_list *list, struct epoch *next,
				 struct list_outcome *outcome)
{
	struct leaf_list *added = &outcome->added;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].type == MLS_PROPOSAL_ADD;
	if (count == 0)
		return SOTTO_OK;
	if ((uint64_t)next->tree.members + count > next->config->limits.members)
		return SOTTO_ERR_LIMIT;
	added->leaves = allocator_take(next->config->allocator, count * sizeof(added->leaves[0]));
	if (added->leaves == NULL)
		return SOTTO_ERR_NO_MEMORY;
	added->count = count;
	count = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct proposal_item *item = &list->items[i];
		const struct leaf_node *leaf;
		struct proposal_view view;
		enum sotto_err err;

		if (item->type != MLS_PROPOSAL_ADD)
			continue;
		proposal_item_view(item, &view);
		err = make_leaf(&view.add.leaf, next, &leaf);
		if (err == SOTTO_OK)
			err = tree_add(&next->tree, leaf, &item->subject);
		if (err != SOTTO_OK)
			return err;
		added->leaves[count++] = item->subject;
	}
	return SOTTO_OK;
}

/* 12.1.7, 13.4: new extensions must suit every member there is after the commit. */
static enum sotto_err check_members_suit(const struct epoch *next)
{
	for (uint32_t i = 0; i < next->tree.width; i++) {
		const struct leaf_node *leaf = tree_leaf(&next->tree, i);
		enum sotto_err err;

		if (leaf == NULL)
			continue;
		err = leaf_check_context(&leaf->view, writer_bytes(&next->extensions));
		if (err != SOTTO_OK)
			return err;
	}
	return SOTTO_OK;
}

/* Do both lists ask the same of every leaf? Then whoever was there suits the one as well as the other. */
static bool same_demands(struct bytes before, struct bytes after)
{
	struct mls_extension old, next;
	struct reader old_reader, next_reader;
	bool more;

	reader_init(&old_reader, before);
	reader_init(&next_reader, after);
	do {
		more = extensions_next(&next_reader, &next);
		if (extensions_next(&old_reader, &old) != more)
			return false;
		if (more &&
		    (old.type != next.type || (next.type == MLS_EXTENSION_REQUIRED_CAPABILITIES &&
					       !bytes_equal(old.data, next.data))))
			return false;
	} while (more);
	return true;
}

enum sotto_err proposal_list_apply(struct proposal_list *list, const struct epoch *before,
				   struct epoch *next, uint32_t committer, uint64_t now_s,
				   struct list_outcome *outcome)
{
	bool new_extensions;
	enum sotto_err err;

	*outcome = (struct list_outcome){.committer = committer};
	TRY(check_each(list, before, now_s));
	TRY(check_subjects(list, &before->tree, committer));
	TRY(psk_check_list(list));
	TRY(note_reinit(list, next));
	TRY(apply_extensions(list, next, &new_extensions));
	TRY(blank_subjects(list, &next->tree));
	TRY(set_updates(list, next, outcome));
	TRY(tree_truncate(&next->tree));
	TRY(apply_adds(list, next, outcome));
	if (new_extensions &&
	    !same_demands(writer_bytes(&before->extensions), writer_bytes(&next->extensions)))
		TRY(check_members_suit(next));
	TRY(tree_check_credentials(&next->tree));
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type == MLS_PROPOSAL_REMOVE &&
		    list->items[i].subject == next->own_leaf)
			outcome->removes_us = true;
	}
	if (outcome->own_update != NULL) {
		next->keys.leaf = outcome->own_update->leaf_key;
		if (outcome->own_update->signature_key.len != 0)
			next->signature_key = outcome->own_update->signature_key;
	}
out:
	if (err != SOTTO_OK)
		list_outcome_finish(outcome, before->config->allocator);
	return err;
}
