/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees whose parents, hashes or encoding break a rule, shown to who joins (RFC 9420 sections 7.1, 7.8,
 * 7.9.2, 12.4.3.1, 12.4.3.3), and path secrets that do not belong to them: nothing but the rule is
 * broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/mls/hostile_tree.h"

/* ---- Parents ---- */

static void nothing(struct parts *parts)
{
	(void)parts;
}

static void chained_anew(struct parts *parts)
{
	tree_chain(parts);
}

static void tree_hash_wrong(struct parts *parts)
{
	parts->wrong_hash = true;
}

static struct bytes changed(struct parts *parts, struct bytes bytes)
{
	memcpy(parts->room[0], bytes.data, bytes.len);
	parts->room[0][1] ^= 1;
	return BYTES(parts->room[0], bytes.len);
}

static void parent_hash_of_parent(struct parts *parts)
{
	parts->nodes[BELOW].parent_hash = changed(parts, parts->nodes[BELOW].parent_hash);
}

static void parent_hash_of_leaf(struct parts *parts)
{
	struct node *node = &parts->nodes[2 * LAST];

	node->leaf.parent_hash = changed(parts, node->leaf.parent_hash);
	tree_leaf_sign(parts, LAST, LAST);
}

static void parent_hash_of_none(struct parts *parts)
{
	parts->nodes[2 * LAST].leaf.source = LEAF_UPDATE;
	tree_leaf_sign(parts, LAST, LAST);
}

static void key_of_root(struct parts *parts)
{
	parts->nodes[ROOT].key = changed(parts, parts->nodes[ROOT].key);
}

static void key_short(struct parts *parts)
{
	parts->nodes[ROOT].key.len--;
	tree_chain(parts);
}

static void key_of_leaf(struct parts *parts)
{
	parts->nodes[ROOT].key = parts->nodes[0].leaf.encryption_key;
	tree_chain(parts);
}

static void key_of_parent(struct parts *parts)
{
	parts->nodes[ROOT].key = parts->nodes[3].key;
	tree_chain(parts);
}

static void unmerged_lost(struct parts *parts)
{
	parts->nodes[ROOT].unmerged_count = 0;
	tree_chain(parts);
}

static void unmerged_lost_below(struct parts *parts)
{
	parts->nodes[BELOW].unmerged_count = 0;
	tree_chain(parts);
}

static void unmerged_too_many(struct parts *parts)
{
	parts->nodes[BELOW].unmerged[0] = LAST;
	unmerged_add(&parts->nodes[BELOW], JOINER);
	tree_chain(parts);
}

static void unmerged_blank(struct parts *parts)
{
	for (int i = 0; i < 2; i++) {
		struct node *node = &parts->nodes[i == 0 ? ROOT : BELOW];

		node->unmerged[0] = REMOVED;
		unmerged_add(node, JOINER);
	}
	tree_chain(parts);
}

static void unmerged_elsewhere(struct parts *parts)
{
	parts->nodes[BELOW].unmerged[0] = 2;
	unmerged_add(&parts->nodes[BELOW], JOINER);
	tree_chain(parts);
}

static void unmerged_outside(struct parts *parts)
{
	unmerged_add(&parts->nodes[BELOW], UINT32_MAX);
	tree_chain(parts);
}

static void unmerged_twice(struct parts *parts)
{
	unmerged_add(&parts->nodes[BELOW], JOINER);
	unmerged_add(&parts->nodes[ROOT], JOINER);
	tree_chain(parts);
}

/* Node 9 over leaf 4 and a blank one, which no path can have set, but with a chain of its own. */
static void above_empty(struct parts *parts)
{
	struct node *node = &parts->nodes[OTHER];
	enum kem_alg kem = suite_find(tree_world.suite)->hpke.kem;
	struct secret private_key;
	uint8_t hash[HASH_LEN_MAX];

	assert_int_equal(kem_generate(kem, &tree_world.random, &private_key, parts->room[0]),
			 SOTTO_OK);
	node->type = PARENT;
	node->key = BYTES(parts->room[0], kem_public_len(kem));
	tree_parent_hash_make(parts, OTHER, 2 * REMOVED, hash);
	tree_hash_set(&parts->nodes[2 * 4], hash);
	tree_leaf_sign(parts, 4, 4);
	tree_chain(parts);
	secret_wipe(&private_key);
}

/* ---- The wire ---- */

static void leaf_for_parent(struct parts *parts)
{
	parts->nodes[OTHER].type = LEAF;
	parts->nodes[OTHER].encoded = parts->nodes[2 * JOINER].encoded;
}

static void parent_for_leaf(struct parts *parts)
{
	struct node *node = &parts->nodes[2 * REMOVED];

	node->type = PARENT;
	node->key = changed(parts, parts->nodes[ROOT].key);
}

static void blanks_behind(struct parts *parts)
{
	parts->count = NODES + 2;
}

static void last_parent(struct parts *parts)
{
	parts->count = NODES - 1;
	parts->nodes[13].type = PARENT;
	parts->nodes[13].key = changed(parts, parts->nodes[ROOT].key);
}

/* ---- Path secrets ---- */

/* BELOW and the root as a path secret gives them, whatever its length. */
static void keys_of_secret(struct parts *parts, size_t len)
{
	const struct suite *suite = suite_find(tree_world.suite);
	struct secret secret = {.len = (uint8_t)len, .data = {7}}, node, private_key;

	parts->path_secret = secret;
	for (int i = 0; i < 2; i++) {
		suite_derive(suite, &secret, "node", &node);
		assert_int_equal(kem_derive(suite->hpke.kem, secret_bytes(&node), &private_key,
					    parts->room[i]),
				 SOTTO_OK);
		parts->nodes[i == 0 ? BELOW : ROOT].key =
			BYTES(parts->room[i], kem_public_len(suite->hpke.kem));
		suite_derive(suite, &secret, "path", &secret);
	}
	tree_chain(parts);
	parts->signer = 4; /* whose common ancestor with the joiner is BELOW */
	secret_wipe(&private_key);
}

static void path_secret_right(struct parts *parts)
{
	keys_of_secret(parts, mls_suite_hash_len(tree_world.suite));
}

static void path_secret_short(struct parts *parts)
{
	keys_of_secret(parts, mls_suite_hash_len(tree_world.suite) - 1);
}

static void path_secret_other(struct parts *parts)
{
	keys_of_secret(parts, mls_suite_hash_len(tree_world.suite));
	parts->path_secret.data[1] = 1;
}

static void path_secret_of_blank(struct parts *parts)
{
	keys_of_secret(parts, mls_suite_hash_len(tree_world.suite));
	parts->signer = LAST;
}

static const struct tree_case parents[] = {
	{"all right", nothing, SOTTO_OK},
	{"all right, chained anew", chained_anew, SOTTO_OK},
	{"12.4.3.1: tree hash", tree_hash_wrong, SOTTO_ERR_INVALID},
	{"7.9.2: parent hash of a parent", parent_hash_of_parent, SOTTO_ERR_INVALID},
	{"7.9.2: parent hash of a leaf", parent_hash_of_leaf, SOTTO_ERR_INVALID},
	{"7.9.2: chained by no commit", parent_hash_of_none, SOTTO_ERR_INVALID},
	{"7.9.2: key of a parent", key_of_root, SOTTO_ERR_INVALID},
	{"7.9.2: a leaf that is not unmerged above", unmerged_lost, SOTTO_ERR_INVALID},
	{"12.4.3.1: not unmerged in between", unmerged_lost_below, SOTTO_ERR_INVALID},
	{"7.9.2: who set it is unmerged", unmerged_too_many, SOTTO_ERR_INVALID},
	{"12.4.3.1: a blank leaf unmerged", unmerged_blank, SOTTO_ERR_INVALID},
	{"12.4.3.1: unmerged and not below", unmerged_elsewhere, SOTTO_ERR_INVALID},
	{"12.4.3.1: unmerged and outside", unmerged_outside, SOTTO_ERR_INVALID},
	{"7.1: unmerged twice", unmerged_twice, SOTTO_ERR_INVALID},
	{"12.4.3.1: a parent's key a leaf's", key_of_leaf, SOTTO_ERR_INVALID},
	{"12.4.3.1: a parent's key a parent's", key_of_parent, SOTTO_ERR_INVALID},
	{"7.1: length of a parent's key", key_short, SOTTO_ERR_INVALID},
	{"7.9: a parent above an empty half", above_empty, SOTTO_ERR_INVALID},
	{"12.4.3.3: a leaf in a parent's place", leaf_for_parent, SOTTO_ERR_INVALID},
	{"12.4.3.3: a parent in a leaf's place", parent_for_leaf, SOTTO_ERR_INVALID},
	{"12.4.3.3: blanks behind it all", blanks_behind, SOTTO_ERR_INVALID},
	{"12.4.3.3: the last node a parent", last_parent, SOTTO_ERR_INVALID},
	{"12.4.3.1: the right path secret", path_secret_right, SOTTO_OK},
	{"12.4.3.1: length of the path secret", path_secret_short, SOTTO_ERR_INVALID},
	{"12.4.3.1: another path secret", path_secret_other, SOTTO_ERR_INVALID},
	{"12.4.3.1: the path secret of a blank node", path_secret_of_blank, SOTTO_ERR_INVALID},
};

static void test_parents(void **state)
{
	(void)state;
	tree_cases_run(parents, ARRAY_LEN(parents), true, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
