/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ratchet tree that parses is written again byte for byte; it can be hashed, judged, searched,
 * cut by removes and widened by adds, and a clone that goes through that leaves the original as it
 * was. First byte: the suite, of 0xF001 and 0xF002 0xF1 and 0xF2.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "mls/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct tree *tree)
{
	for (uint32_t node = 0; node < tree_node_count(tree->width); node++) {
		struct tree_resolution resolution;
		uint32_t at;

		tree_resolution_begin(&resolution, tree, node);
		while ((at = tree_resolution_next(&resolution)) != TREE_NODE_NONE)
			ASSERT(!tree_blank(tree, at) || node_is_leaf(at));
		if (!tree_blank(tree, node))
			ASSERT(tree_find_encryption_key(tree, tree_key(tree, node)) == node);
	}
}

static void change(struct tree *tree)
{
	struct tree_path_step steps[TREE_DEPTH_MAX];
	enum sotto_err err = SOTTO_OK;
	uint32_t last = tree->width - 1;

	(void)tree_filtered_path(tree, last, steps);
	err = tree_blank_leaf(tree, last);
	ASSERT(err == SOTTO_OK);
	err = tree_blank_path(tree, last);
	ASSERT(err == SOTTO_OK);
	err = tree_truncate(tree);
	ASSERT(err == SOTTO_OK);
	if (tree->width <= 1 << 10) {
		err = tree_widen(tree, 2 * tree->width);
		ASSERT(err == SOTTO_OK);
	}
	(void)tree_root_hash(tree);
}

static void check(const struct tree *tree, struct bytes input)
{
	uint8_t hash[HASH_LEN_MAX];
	struct writer writer;
	struct tree clone;
	enum sotto_err err;

	writer_init_growing(&writer, &allocator_default);
	tree_write(tree, &writer);
	ASSERT(writer.err == SOTTO_OK && bytes_equal(writer_bytes(&writer), input));
	writer_release(&writer);
	memcpy(hash, tree_root_hash(tree), suite_hash_len(tree->suite));
	walk(tree);
	if (tree_check_parents(tree) == SOTTO_OK && tree_check_credentials(tree) == SOTTO_OK)
		ASSERT(tree->members != 0);
	err = tree_clone(tree, &clone);
	ASSERT(err == SOTTO_OK);
	change(&clone);
	tree_finish(&clone);
	ASSERT(memcmp(hash, tree_root_hash(tree), suite_hash_len(tree->suite)) == 0);
}

/* The suites' numbers lie below 0x10 or above 0xF000. */
static uint16_t suite_number(uint8_t first)
{
	return first < 0xf0 ? first : (uint16_t)(0xf000 | (first & 0x0f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct suite *suite = suite_find(size != 0 ? suite_number(data[0]) : 0);
	struct tree tree;

	if (suite == NULL || size == 0)
		return 0;
	tree_init(&tree, &allocator_default, suite, 1);
	if (tree_read(&tree, BYTES(data + 1, size - 1), 1 << 12) == SOTTO_OK)
		check(&tree, BYTES(data + 1, size - 1));
	tree_finish(&tree);
	return 0;
}
