/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group shows: context, members, exported secrets, its tree; what a message shows without
 * keys.
 */
#include "mls/group.h"

#include <string.h>

#include "base/assert.h"

void mls_group_set_send_options(struct mls_group *group, const struct mls_send_options *options)
{
	group->send = *options;
}

void mls_group_context(const struct mls_group *group, struct mls_context *context)
{
	epoch_context_view(group->epoch, context);
}

uint32_t mls_group_own_leaf(const struct mls_group *group)
{
	return group->epoch->own_leaf;
}

bool mls_group_active(const struct mls_group *group)
{
	return group->active;
}

uint32_t mls_group_member_count(const struct mls_group *group)
{
	return group->epoch->tree.members;
}

enum sotto_err mls_group_welcomer(const struct mls_group *group, struct mls_member *member)
{
	return group->welcomed ? mls_group_member(group, group->welcomer, member)
			       : SOTTO_ERR_NOT_FOUND;
}

void mls_group_parents(const struct mls_group *group, uint32_t *parents, uint32_t *filled)
{
	const struct tree *tree = &group->epoch->tree;
	uint32_t count = 0;

	/* Parents stand between leaves: node 1, 3, ... */
	for (uint32_t i = 1; i < tree->width; i++)
		count += !tree_blank(tree, 2 * i - 1);
	*parents = tree->width == 0 ? 0 : tree->width - 1;
	*filled = count;
}

enum sotto_err mls_group_member(const struct mls_group *group, uint32_t leaf,
				struct mls_member *member)
{
	const struct leaf_node *node = tree_leaf(&group->epoch->tree, leaf);

	if (node == NULL)
		return SOTTO_ERR_NOT_FOUND;
	leaf_member(&node->view, leaf, member);
	return SOTTO_OK;
}

bool mls_group_next_member(const struct mls_group *group, uint32_t *cursor,
			   struct mls_member *member)
{
	while (*cursor < group->epoch->tree.width) {
		if (mls_group_member(group, (*cursor)++, member) == SOTTO_OK)
			return true;
	}
	return false;
}

bool mls_group_next_key(const struct mls_group *group, uint32_t *cursor, uint32_t *leaf,
			struct bytes *signature_key)
{
	while (*cursor < group->epoch->tree.width) {
		const struct leaf_node *node = tree_leaf(&group->epoch->tree, (*cursor)++);

		if (node == NULL)
			continue;
		*leaf = *cursor - 1;
		*signature_key = node->view.signature_key;
		return true;
	}
	return false;
}

bool mls_group_next_leaf(const struct mls_group *group, uint32_t *cursor, uint32_t *leaf)
{
	const struct tree *tree = &group->epoch->tree;

	while (*cursor < tree->width) {
		*leaf = (*cursor)++;
		if (*leaf < tree->first_blank || tree_leaf(tree, *leaf) != NULL)
			return true;
	}
	return false;
}

struct bytes mls_group_leaf_key(const struct mls_group *group, uint32_t leaf)
{
	const struct leaf_node *node = tree_leaf(&group->epoch->tree, leaf);

	ASSERT(node != NULL);
	return node->view.signature_key;
}

enum sotto_err mls_group_find_member(const struct mls_group *group, struct bytes signature_key,
				     struct mls_member *member)
{
	uint32_t node = tree_find_signature_key(&group->epoch->tree, signature_key);

	if (node == TREE_NODE_NONE)
		return SOTTO_ERR_NOT_FOUND;
	return mls_group_member(group, leaf_of_node(node), member);
}

enum sotto_err mls_group_export(const struct mls_group *group, const char *label,
				struct bytes context, uint8_t *out, size_t len)
{
	if (!group->active)
		return SOTTO_ERR_STATE;
	if (len > 255 * suite_hash_len(group->suite))
		return SOTTO_ERR_ARGUMENT;
	export_secret(group->suite, &group->epoch->secrets.exporter, label, context, out, len);
	return SOTTO_OK;
}

void mls_group_epoch_authenticator(const struct mls_group *group, uint8_t *out)
{
	memcpy(out, group->epoch->secrets.authenticator.data, suite_hash_len(group->suite));
}

static enum sotto_err write_tree(const struct mls_config *config, const struct tree *tree,
				 struct mls_buffer *buffer)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, config->allocator);
	tree_write(tree, &writer);
	err = writer_finish(&writer);
	if (err == SOTTO_OK)
		buffer_take(buffer, &writer);
	writer_release(&writer);
	return err;
}

enum sotto_err mls_group_tree(const struct mls_group *group, struct mls_buffer *tree)
{
	return write_tree(&group->config, &group->epoch->tree, tree);
}

enum sotto_err mls_group_pending_tree(const struct mls_group *group, struct mls_buffer *tree)
{
	if (group->pending == NULL)
		return SOTTO_ERR_STATE;
	return write_tree(&group->config, &group->pending->next->tree, tree);
}

enum sotto_err mls_group_info(const struct mls_group *group,
			      const struct mls_group_info_options *options,
			      struct mls_buffer *message)
{
	static const struct mls_group_info_options bare = {0};
	struct writer writer;
	enum sotto_err err;

	if (!group->active || group_ended(group))
		return SOTTO_ERR_STATE;
	writer_init_growing(&writer, group->config.allocator);
	writer_put_u16(&writer, MLS_VERSION);
	writer_put_u16(&writer, MLS_GROUP_INFO);
	TRY(group_info_write(group->epoch, options != NULL ? options : &bare, &writer));
	buffer_take(message, &writer);
out:
	writer_release(&writer);
	return err;
}

enum sotto_err mls_message_read(struct bytes message, struct mls_message_info *info)
{
	struct message_view view;
	enum sotto_err err = message_read(message, &view);

	if (err != SOTTO_OK)
		return err;
	*info = (struct mls_message_info){
		.wire_format = view.wire_format,
		.content_type = view.framed.content_type,
		.group_id = view.framed.group_id,
		.epoch = view.framed.epoch,
	};
	if (view.wire_format == MLS_GROUP_INFO) {
		struct reader reader;

		reader_init(&reader, view.rest);
		(void)reader_get_u32(&reader); /* version, suite */
		info->group_id = reader_get_vector(&reader);
		info->epoch = reader_get_u64(&reader);
		return reader.err;
	}
	return SOTTO_OK;
}
