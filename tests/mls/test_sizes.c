/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory is asked for at the limits, where a count of 32 bits wraps: all of it or none, never
 * the remainder. Nothing is given, so that the largest tree costs nothing. And how little of a secret tree's
 * memory is touched: an operating system then gives no more than that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "mls/secret_tree.h"

static void *refuse(void *context, size_t len)
{
	*(size_t *)context = len;
	return NULL;
}

static void test_secret_tree(void **state)
{
	static const struct {
		uint16_t suite;
		uint32_t width, skipped_keys;
		uint64_t least; /* two ratchets a leaf, a secret a node, a byte a skipped key */
	} table[] = {
		{1, 1, 0, 2 * 36 + 32},
		{1, 1u << 24, 0, (UINT64_C(1) << 24) * (2 * 36 + 2 * 32) - 32},
		{5, 1u << 24, 0, (UINT64_C(1) << 24) * (2 * 68 + 2 * 64) - 64},
		{5, 1u << 24, UINT32_MAX,
		 (UINT64_C(1) << 24) * (2 * 68 + 2 * 64) + UINT32_MAX - 64},
		{1, 1, 1u << 28, UINT64_C(1) << 32},
		{1, 1, UINT32_MAX, UINT64_C(1) << 34},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t asked = 0;
		struct allocator allocator = {.allocate = refuse, .context = &asked};
		struct mls_config config = {.allocator = &allocator,
					    .limits.skipped_keys = table[i].skipped_keys};
		struct secret_tree tree;

		assert_int_equal(secret_tree_init(&tree, &config, suite_find(table[i].suite),
						  table[i].width, NULL),
				 SOTTO_ERR_NO_MEMORY);
		assert_int_equal(asked != 0, table[i].least <= SIZE_MAX);
		if (asked != 0)
			assert_true(asked >= table[i].least);
	}
}

#define UNTOUCHED 0xa5

static _Alignas(16) uint8_t pool[512 * 1024];
static size_t pool_len;

static void *take_pool(void *context, size_t len)
{
	(void)context;
	assert_true(len <= sizeof(pool));
	pool_len = len;
	memset(pool, UNTOUCHED, sizeof(pool));
	return pool;
}

static void give_pool(void *context, void *memory, size_t len)
{
	(void)context;
	assert_ptr_equal(memory, pool);
	assert_int_equal(len, pool_len);
}

static size_t touched(void)
{
	size_t count = 0;

	for (size_t i = 0; i < pool_len; i++)
		count += pool[i] != UNTOUCHED;
	return count;
}

static void test_secret_tree_touches_little(void **state)
{
	struct allocator allocator = {.allocate = take_pool, .release = give_pool};
	struct mls_config config = {.allocator = &allocator, .limits = *mls_limits_default()};
	const struct suite *suite = suite_find(1);
	struct secret root = {.len = 32};
	struct message_key key, again;
	struct secret_tree tree;

	(void)state;
	memset(root.data, 1, root.len);
	assert_int_equal(secret_tree_init(&tree, &config, suite, 1024, &root), SOTTO_OK);
	assert_true(pool_len > 200 * 1024);
	/* Bits of 2,047 nodes and of 1,024 leaves, the root's secret. */
	assert_true(touched() <= 256 + 128 + 32);
	/* The way to a leaf, its ratchets, three keys that were jumped over. */
	assert_int_equal(secret_tree_peek(&tree, 5, RATCHET_APPLICATION, 2, &key), SOTTO_OK);
	secret_tree_consume(&tree, 5, RATCHET_APPLICATION, 3);
	assert_true(touched() <= 256 + 128 + (2 * 10 + 1) * 32 + 2 * 36 + 3 * 128);
	assert_int_equal(secret_tree_peek(&tree, 5, RATCHET_APPLICATION, 2, &again), SOTTO_OK);
	assert_memory_equal(again.key, key.key, 16);
	secret_tree_finish(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_tree),
		cmocka_unit_test(test_secret_tree_touches_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
