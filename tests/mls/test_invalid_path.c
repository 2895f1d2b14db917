/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Update paths that break a rule (RFC 9420 sections 7.3, 7.5, 7.6, 7.9.2, 12.4.2): a valid one taken
 * apart, spoilt in one place, with the parent hash and the signatures that such a path has, so that
 * nothing but the rule is broken. Who judges stays as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/mls/hostile.h"

#define EVIL  0 /* leaf 0: its path is node 1, over JUDGE, and node 3, the root */
#define JUDGE 1
#define STEPS 2
#define NODES (STEPS + 1) /* one may be too many */

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(void)
{
	static const unsigned others[] = {1, 2, 3};

	world_init(&world, world_suite(), 10);
	for (int i = 0; i < 4; i++)
		(void)world_new_actor(&world);
	world_create(&world, EVIL);
	world_commit(&world, EVIL, others, 3, NULL, 0, true);
}

/* A path taken apart; the ciphertexts of a node are without header. */
struct parts {
	struct writer whole;
	struct leaf_view leaf;
	struct bytes keys[NODES];
	struct writer ciphertexts[NODES];
	size_t count;
	bool own_parent_hash; /* as it is in the leaf, and not as the keys say */
	bool own_signature;
	const struct mls_identity *signer;
};

static void parts_make(struct parts *parts)
{
	static const struct leaf_list nobody = {0};
	struct epoch *next = NULL;
	struct path_view path;
	struct reader reader;

	*parts = (struct parts){.signer = &world.actors[EVIL].identity};
	writer_init_growing(&parts->whole, &allocator_default);
	assert_int_equal(epoch_next(group_of(EVIL)->epoch, &next), SOTTO_OK);
	hostile_path_write(next, &nobody, &parts->whole);
	epoch_destroy(next);
	reader_init(&reader, writer_bytes(&parts->whole));
	path_read(&reader, &path);
	assert_int_equal(path.node_count, STEPS);
	parts->leaf = path.leaf;
	reader_init(&reader, path.nodes);
	for (size_t i = 0; i < NODES; i++) {
		struct path_node_view node = {0};

		if (i < STEPS)
			path_node_read(&reader, &node);
		parts->keys[i] = node.encryption_key;
		writer_init_growing(&parts->ciphertexts[i], &allocator_default);
		writer_put_bytes(&parts->ciphertexts[i], node.ciphertexts);
	}
	parts->count = STEPS;
}

static void parts_release(struct parts *parts)
{
	writer_release(&parts->whole);
	for (size_t i = 0; i < NODES; i++)
		writer_release(&parts->ciphertexts[i]);
}

/* The parent hash that a leaf above which these keys stand has to carry. */
static void hash_parents(const struct parts *parts, uint8_t hash[HASH_LEN_MAX])
{
	const struct tree *tree = &group_of(EVIL)->epoch->tree;
	struct tree_path_step steps[TREE_DEPTH_MAX];
	struct bytes above = BYTES_NONE;

	assert_int_equal(tree_filtered_path(tree, EVIL, steps), STEPS);
	for (size_t i = STEPS; i > 0; i--) {
		uint8_t next[HASH_LEN_MAX];

		tree_parent_hash(tree, parts->keys[i - 1], above,
				 tree_hash(tree, steps[i - 1].copath), next);
		memcpy(hash, next, sizeof(next));
		above = BYTES(hash, mls_suite_hash_len(world.suite));
	}
}

static void parts_write(const struct parts *parts, struct writer *body)
{
	struct leaf_place place = {.group_id = group_id_bytes(group_of(EVIL)), .leaf = EVIL};
	struct leaf_view leaf = parts->leaf;
	uint8_t hash[HASH_LEN_MAX];
	size_t start;

	writer_put_varint(body, 0);
	writer_put_u8(body, 1);
	if (!parts->own_parent_hash && parts->count >= STEPS) {
		hash_parents(parts, hash);
		leaf.parent_hash = BYTES(hash, mls_suite_hash_len(world.suite));
	}
	hostile_leaf_write(&world, &leaf, &place, parts->signer, body);
	if (parts->own_signature)
		body->data[body->len - 1] ^= 1;
	start = writer_begin_vector(body);
	for (size_t i = 0; i < parts->count; i++) {
		writer_put_vector(body, parts->keys[i]);
		writer_put_vector(body, writer_bytes(&parts->ciphertexts[i]));
	}
	writer_end_vector(body, start);
}

/* ---- What is spoilt ---- */

static uint8_t room[KEM_PUBLIC_LEN_MAX];
static struct mls_identity stranger;

static struct bytes changed(struct bytes bytes, size_t at)
{
	memcpy(room, bytes.data, bytes.len);
	room[at] ^= 1;
	return BYTES(room, bytes.len);
}

static struct bytes key_of(uint32_t node)
{
	return tree_key(&group_of(EVIL)->epoch->tree, node);
}

static void nothing(struct parts *parts)
{
	(void)parts;
}

static void leaf_signature(struct parts *parts)
{
	parts->own_signature = true;
}

static void leaf_of_stranger(struct parts *parts)
{
	parts->signer = &world.actors[2].identity;
}

static void leaf_parent_hash(struct parts *parts)
{
	parts->own_parent_hash = true;
	parts->leaf.parent_hash = changed(parts->leaf.parent_hash, 0);
}

static void leaf_no_parent_hash(struct parts *parts)
{
	parts->own_parent_hash = true;
	parts->leaf.parent_hash = BYTES_NONE;
}

static void leaf_source_update(struct parts *parts)
{
	parts->leaf.source = LEAF_UPDATE;
}

static void leaf_source_package(struct parts *parts)
{
	parts->leaf.source = LEAF_KEY_PACKAGE;
	parts->leaf.lifetime.not_after = UINT64_MAX;
}

static void leaf_old_key(struct parts *parts)
{
	parts->leaf.encryption_key = key_of(0);
}

static void leaf_key_of_member(struct parts *parts)
{
	parts->leaf.encryption_key = key_of(4);
}

static void leaf_key_of_parent(struct parts *parts)
{
	parts->leaf.encryption_key = key_of(1);
}

static void leaf_key_of_path(struct parts *parts)
{
	parts->leaf.encryption_key = parts->keys[1];
}

static void signature_key_of_member(struct parts *parts)
{
	parts->leaf.signature_key =
		BYTES(world.actors[2].identity.public_key, world.actors[2].identity.public_len);
	parts->signer = &world.actors[2].identity;
}

static void signature_key_new(struct parts *parts)
{
	assert_int_equal(mls_identity_generate(&world.config, world.suite, &stranger), SOTTO_OK);
	parts->leaf.signature_key = BYTES(stranger.public_key, stranger.public_len);
	parts->signer = &stranger;
}

static void node_key_of_member(struct parts *parts)
{
	parts->keys[0] = key_of(4);
}

static void node_key_of_own_leaf(struct parts *parts)
{
	parts->keys[0] = key_of(0);
}

/* EVIL's own, which this path takes out. */
static void node_key_old(struct parts *parts)
{
	parts->keys[0] = key_of(1);
}

static void node_key_twice(struct parts *parts)
{
	parts->keys[0] = parts->keys[1];
}

static void node_key_short(struct parts *parts)
{
	parts->keys[1].len--;
}

static void one_node_fewer(struct parts *parts)
{
	parts->count--;
}

static void one_node_more(struct parts *parts)
{
	parts->keys[STEPS] = changed(parts->keys[0], 0);
	writer_put_bytes(&parts->ciphertexts[STEPS], writer_bytes(&parts->ciphertexts[0]));
	parts->count++;
}

static void one_ciphertext_fewer(struct parts *parts)
{
	parts->ciphertexts[0].len = 0;
}

/* The one that nobody needs comes last, so that all find theirs. */
static void one_ciphertext_more(struct parts *parts)
{
	size_t len = parts->ciphertexts[0].len;

	for (size_t i = 0; i < len; i++)
		writer_put_u8(&parts->ciphertexts[0], parts->ciphertexts[0].data[i]);
}

static void ciphertext(struct parts *parts)
{
	parts->ciphertexts[0].data[parts->ciphertexts[0].len - 1] ^= 1;
}

/* For the far half, which JUDGE is not in. */
static void ciphertext_of_others(struct parts *parts)
{
	parts->ciphertexts[1].data[parts->ciphertexts[1].len - 1] ^= 1;
}

/* A path secret of another length, sealed as it must be: JUDGE opens it. */
static void secret_short(struct parts *parts)
{
	uint8_t plain[HASH_LEN_MAX] = {1};
	struct hpke_info info;

	suite_encrypt_info(suite_find(world.suite), "UpdatePathNode",
			   writer_bytes(&group_of(EVIL)->epoch->context), &info);
	parts->ciphertexts[0].len = 0;
	suite_encrypt(suite_find(world.suite), &world.random, key_of(2), &info,
		      BYTES(plain, mls_suite_hash_len(world.suite) - 1), &parts->ciphertexts[0]);
}

/*
 * Another path secret for JUDGE than the one that the keys come from, sealed as it must be: for the tree
 * as it will be, whose leaf Ed25519 signs alike each time.
 */
static void secret_other(struct parts *parts)
{
	static const struct leaf_list nobody = {0};
	uint8_t plain[HASH_LEN_MAX] = {1};
	struct epoch *next = NULL;
	struct hpke_info info;
	struct path_view path;
	struct reader reader;
	struct writer body;

	writer_init_growing(&body, &allocator_default);
	parts_write(parts, &body);
	reader_init(&reader, BYTES(body.data + 2, body.len - 2));
	path_read(&reader, &path);
	assert_int_equal(epoch_next(group_of(JUDGE)->epoch, &next), SOTTO_OK);
	assert_int_equal(path_merge(next, EVIL, &path, &nobody, 0), SOTTO_OK);
	assert_int_equal(epoch_write_context(next), SOTTO_OK);
	suite_encrypt_info(suite_find(world.suite), "UpdatePathNode", writer_bytes(&next->context),
			   &info);
	parts->ciphertexts[0].len = 0;
	suite_encrypt(suite_find(world.suite), &world.random, key_of(2), &info,
		      BYTES(plain, mls_suite_hash_len(world.suite)), &parts->ciphertexts[0]);
	epoch_destroy(next);
	writer_release(&body);
}

static const struct {
	const char *name;
	void (*spoil)(struct parts *parts);
	enum sotto_err err;
	bool others_may_follow;
} paths[] = {
	{"all right, as far as the tag", nothing, SOTTO_ERR_VERIFY, true},
	{"a new signature key, as far as the tag", signature_key_new, SOTTO_ERR_VERIFY, true},
	{"7.3: leaf signature", leaf_signature, SOTTO_ERR_VERIFY, false},
	{"7.3: leaf signed by another", leaf_of_stranger, SOTTO_ERR_VERIFY, false},
	{"7.3: an update's leaf", leaf_source_update, SOTTO_ERR_INVALID, false},
	{"7.3: a key package's leaf", leaf_source_package, SOTTO_ERR_INVALID, false},
	{"7.3: a member's signature key", signature_key_of_member, SOTTO_ERR_INVALID, false},
	{"7.9.2: parent hash", leaf_parent_hash, SOTTO_ERR_INVALID, false},
	{"7.9.2: no parent hash", leaf_no_parent_hash, SOTTO_ERR_INVALID, false},
	{"12.4.2: the leaf's key as before", leaf_old_key, SOTTO_ERR_INVALID, false},
	{"12.4.2: the leaf's key a member's", leaf_key_of_member, SOTTO_ERR_INVALID, false},
	{"12.4.2: the leaf's key a parent's", leaf_key_of_parent, SOTTO_ERR_INVALID, false},
	{"12.4.2: the leaf's key again above", leaf_key_of_path, SOTTO_ERR_INVALID, false},
	{"12.4.2: a node's key a member's", node_key_of_member, SOTTO_ERR_INVALID, false},
	{"12.4.2: a node's key the old leaf's", node_key_of_own_leaf, SOTTO_ERR_INVALID, false},
	{"12.4.2: a node's key as before", node_key_old, SOTTO_ERR_INVALID, false},
	{"12.4.2: a node's key twice", node_key_twice, SOTTO_ERR_INVALID, false},
	{"7.5: a node's key of another length", node_key_short, SOTTO_ERR_INVALID, false},
	{"7.6: a node fewer", one_node_fewer, SOTTO_ERR_INVALID, false},
	{"7.6: a node more", one_node_more, SOTTO_ERR_INVALID, false},
	{"7.6: a ciphertext fewer", one_ciphertext_fewer, SOTTO_ERR_INVALID, false},
	{"7.6: a ciphertext more", one_ciphertext_more, SOTTO_ERR_INVALID, false},
	{"7.5: ciphertext", ciphertext, SOTTO_ERR_VERIFY, true},
	{"7.5: ciphertext of others", ciphertext_of_others, SOTTO_ERR_VERIFY, true},
	{"7.5: length of the path secret", secret_short, SOTTO_ERR_INVALID, true},
	{"7.5: not the secret of the keys", secret_other, SOTTO_ERR_INVALID, true},
};

static void test_invalid_paths(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct writer body, message;
		struct verdict verdict;
		struct parts parts;

		writer_init_growing(&body, &allocator_default);
		writer_init_growing(&message, &allocator_default);
		parts_make(&parts);
		paths[i].spoil(&parts);
		parts_write(&parts, &body);
		hostile_message_write(&world, EVIL, MLS_CONTENT_COMMIT, writer_bytes(&body), EVIL,
				      &message);
		verdict = hostile_judge(group_of(JUDGE), writer_bytes(&message));
		if (verdict.err != paths[i].err ||
		    verdict.others_may_follow != paths[i].others_may_follow)
			print_error("%s: %s, %d\n", paths[i].name, sotto_err_text(verdict.err),
				    verdict.others_may_follow);
		assert_int_equal(verdict.err, paths[i].err);
		assert_int_equal(verdict.others_may_follow, paths[i].others_may_follow);
		parts_release(&parts);
		writer_release(&body);
		writer_release(&message);
	}
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
