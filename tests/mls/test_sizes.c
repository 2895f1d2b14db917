/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory is asked for at the limits, where a count of 32 bits wraps: all of it or none, never
 * the remainder. Nothing is given, so that the largest tree costs nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_secret_tree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
