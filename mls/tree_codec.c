/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree on the wire, optional<Node> ratchet_tree<V> (RFC 9420 section 12.4.3.3), and the
 * difference between two trees, in which past and pending epochs are saved, and in large groups the
 * present one.
 */
#include "base/assert.h"
#include "mls/tree.h"
#include "mls/tree_slots.h"

#define NODE_LEAF   1
#define NODE_PARENT 2

static void node_write(const struct tree *tree, uint32_t node, struct writer *writer)
{
	const struct tree_slot *slot = tree_slot(tree, node);
	const struct parent_node *parent = slot->parent;

	writer_put_u8(writer, slot->leaf != NULL || parent != NULL);
	if (slot->leaf != NULL) {
		writer_put_u8(writer, NODE_LEAF);
		writer_put_bytes(writer, slot->leaf->view.encoded);
	} else if (parent != NULL) {
		writer_put_u8(writer, NODE_PARENT);
		writer_put_vector(writer, parent_key(parent));
		writer_put_vector(writer, parent_hash_of(parent));
		writer_put_varint(writer, (size_t)parent->unmerged_count * 4);
		for (uint32_t i = 0; i < parent->unmerged_count; i++)
			writer_put_u32(writer, parent->unmerged[i]);
	}
}

void tree_write(const struct tree *tree, struct writer *writer)
{
	uint32_t count = tree_node_count(tree->width);
	size_t start = writer_begin_vector(writer);

	while (count > 0 && tree_blank(tree, count - 1))
		count--;
	for (uint32_t node = 0; node < count; node++)
		node_write(tree, node, writer);
	writer_end_vector(writer, start);
}

static enum sotto_err leaf_read(struct tree *tree, uint32_t node, struct reader *reader)
{
	const struct leaf_node *leaf;
	struct leaf_view view;

	leaf_view_read(reader, &view);
	if (reader->err != SOTTO_OK)
		return reader->err;
	leaf = leaf_node_make(tree->allocator, view.encoded);
	if (leaf == NULL)
		return SOTTO_ERR_NO_MEMORY;
	return tree_set_leaf(tree, leaf_of_node(node), leaf);
}

/* 7.1: unmerged leaves lie below the node, in increasing order. */
static enum sotto_err unmerged_read(struct tree *tree, uint32_t node, struct bytes list)
{
	struct parent_node *parent;
	struct reader reader;
	enum sotto_err err = tree_own_parent(tree, node, &parent);

	if (list.len % 4 != 0)
		return SOTTO_ERR_FORMAT;
	if (err == SOTTO_OK)
		err = parent_reserve(tree->allocator, parent, (uint32_t)(list.len / 4));
	if (err != SOTTO_OK)
		return err;
	reader_init(&reader, list);
	while (reader_more(&reader)) {
		uint32_t leaf = reader_get_u32(&reader);

		if (leaf >= TREE_WIDTH_MAX || !node_covers(node, leaf))
			return SOTTO_ERR_INVALID;
		if (parent->unmerged_count != 0 &&
		    parent->unmerged[parent->unmerged_count - 1] >= leaf)
			return SOTTO_ERR_INVALID;
		parent->unmerged[parent->unmerged_count++] = leaf;
	}
	return SOTTO_OK;
}

static enum sotto_err parent_read(struct tree *tree, uint32_t node, struct reader *reader)
{
	struct bytes key = reader_get_vector(reader);
	struct bytes parent_hash = reader_get_vector(reader);
	struct bytes unmerged = reader_get_vector(reader);
	enum sotto_err err = reader->err;

	if (err == SOTTO_OK)
		err = tree_set_parent(tree, node, key, parent_hash);
	return err == SOTTO_OK ? unmerged_read(tree, node, unmerged) : err;
}

/* Node: the type must be that of its place. */
static enum sotto_err node_read(struct tree *tree, uint32_t node, struct reader *reader)
{
	uint8_t type = reader_get_u8(reader);

	if (reader->err != SOTTO_OK)
		return reader->err;
	if (type != (node_is_leaf(node) ? NODE_LEAF : NODE_PARENT))
		return SOTTO_ERR_INVALID;
	return type == NODE_LEAF ? leaf_read(tree, node, reader) : parent_read(tree, node, reader);
}

enum sotto_err tree_read(struct tree *tree, struct bytes encoded, uint32_t width_max)
{
	struct reader outer, reader;
	uint32_t node = 0;
	uint8_t filled = 0;
	enum sotto_err err = SOTTO_OK;

	reader_init(&outer, encoded);
	reader = reader_get_nested(&outer);
	for (; reader_more(&reader); node++) {
		filled = reader_get_u8(&reader);
		FAIL_IF(filled > 1, SOTTO_ERR_FORMAT);
		if (tree->width == 0 || node >= tree_node_count(tree->width)) {
			FAIL_IF(tree->width >= width_max, SOTTO_ERR_LIMIT);
			TRY(tree_widen(tree, tree->width + 1));
		}
		if (filled == 1)
			TRY(node_read(tree, node, &reader));
	}
	reader_end_nested(&outer, &reader);
	TRY(reader_finish(&outer));
	FAIL_IF(filled == 0, SOTTO_ERR_INVALID);
	/* A last node that is a parent has an empty right half: no tree grows like that. */
	FAIL_IF(node % 2 == 0, SOTTO_ERR_INVALID);
out:
	return err;
}

static bool node_same(const struct tree *tree, const struct tree *base, uint32_t node)
{
	const struct tree_slot *slot = tree_slot(tree, node);
	const struct tree_slot *old;

	if (node >= tree_node_count(base->width))
		return slot->leaf == NULL && slot->parent == NULL;
	old = tree_slot(base, node);
	return slot->leaf == old->leaf && slot->parent == old->parent;
}

void tree_write_difference(const struct tree *tree, const struct tree *base, struct writer *writer)
{
	size_t start;

	writer_put_u32(writer, tree->width);
	start = writer_begin_vector(writer);
	for (uint32_t node = 0; node < tree_node_count(tree->width); node++) {
		if (node_same(tree, base, node))
			continue;
		writer_put_u32(writer, node);
		node_write(tree, node, writer);
	}
	writer_end_vector(writer, start);
}

void tree_mark(const struct tree *tree, uint16_t mark)
{
	ASSERT(mark != 0);
	for (uint32_t node = 0; node < tree_node_count(tree->width); node++)
		tree_slot(tree, node)->mark = mark;
}

static bool node_marked(const struct tree *tree, uint32_t node, uint16_t mark, uint32_t width)
{
	return node < tree_node_count(width) ? tree_slot(tree, node)->mark == mark
					     : tree_blank(tree, node);
}

uint32_t tree_unmarked(const struct tree *tree, uint16_t mark, uint32_t width)
{
	uint32_t count = 0;

	for (uint32_t node = 0; node < tree_node_count(tree->width); node++)
		count += !node_marked(tree, node, mark, width);
	return count;
}

void tree_write_unmarked(const struct tree *tree, uint16_t mark, uint32_t width,
			 struct writer *writer)
{
	size_t start;

	writer_put_u32(writer, tree->width);
	start = writer_begin_vector(writer);
	for (uint32_t node = 0; node < tree_node_count(tree->width); node++) {
		if (node_marked(tree, node, mark, width))
			continue;
		writer_put_u32(writer, node);
		node_write(tree, node, writer);
	}
	writer_end_vector(writer, start);
}

static enum sotto_err blank_node(struct tree *tree, uint32_t node)
{
	return node_is_leaf(node) ? tree_blank_leaf(tree, leaf_of_node(node))
				  : tree_blank_parent(tree, node);
}

static void skip_node(struct reader *reader)
{
	struct leaf_view view;

	if (reader_get_u8(reader) == NODE_LEAF) {
		leaf_view_read(reader, &view);
		return;
	}
	(void)reader_get_vector(reader);
	(void)reader_get_vector(reader);
	(void)reader_get_vector(reader);
}

/* One entry; the first pass blanks what changed, so that keys may move, the second fills. */
static enum sotto_err entry_read(struct tree *tree, struct reader *reader, bool fill)
{
	uint32_t node = reader_get_u32(reader);
	uint8_t filled = reader_get_u8(reader);

	if (reader->err != SOTTO_OK || filled > 1 || node >= tree_node_count(tree->width))
		return SOTTO_ERR_CORRUPT;
	if (filled == 1 && fill)
		return node_read(tree, node, reader);
	if (filled == 1)
		skip_node(reader);
	return fill ? SOTTO_OK : blank_node(tree, node);
}

/* Is a leaf filled in the right half of that width? Else no tree has it. */
static bool entries_reach(struct reader entries, uint32_t width)
{
	bool reach = false;

	while (reader_more(&entries)) {
		uint32_t node = reader_get_u32(&entries);

		if (reader_get_u8(&entries) == 0)
			continue;
		reach |= node_is_leaf(node) && leaf_of_node(node) >= width / 2;
		skip_node(&entries);
	}
	return reach;
}

enum sotto_err tree_read_difference(struct tree *tree, const struct tree *base,
				    struct reader *reader, uint32_t width_max)
{
	uint32_t width = reader_get_u32(reader);
	struct reader entries = reader_get_nested(reader);
	struct reader again = entries;
	enum sotto_err err = tree_clone(base, tree);

	if (err != SOTTO_OK)
		return err;
	FAIL_IF(width == 0 || width > width_max || (width & (width - 1)) != 0, SOTTO_ERR_CORRUPT);
	FAIL_IF(width > tree->width && !entries_reach(entries, width), SOTTO_ERR_CORRUPT);
	TRY(tree_widen(tree, width));
	while (reader_more(&entries))
		TRY(entry_read(tree, &entries, false));
	for (uint32_t node = tree_node_count(width); node < tree_node_count(tree->width); node++)
		TRY(blank_node(tree, node));
	while (reader_more(&again))
		TRY(entry_read(tree, &again, true));
	reader_end_nested(reader, &entries);
	TRY(reader->err);
	TRY(tree_truncate(tree));
	FAIL_IF(tree->width != width, SOTTO_ERR_CORRUPT);
out:
	if (err != SOTTO_OK)
		tree_finish(tree);
	return err;
}
