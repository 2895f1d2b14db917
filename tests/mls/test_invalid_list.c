/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of proposals that break a rule (RFC 9420 sections 12.1.7, 12.2, 12.4, 13.4), most of them by
 * reference, each with the path that would follow if the list were taken: nothing but the rule is
 * broken. And what the library refuses to its own caller for the same reasons.
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

#define EVIL	  0
#define JUDGE	  1
#define VICTIM	  2
#define OTHER	  3
#define NEWCOMER  4
#define EVIL_ONLY 0xf123 /* an extension that only EVIL supports */

/* What all have in their caches, in this order. */
enum cached { OWN_UPDATE, UPDATE, LATER_UPDATE, REMOVE, EXTENSIONS, CACHED };

static struct world world;
static uint8_t refs[CACHED][HASH_LEN_MAX];

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void propose(unsigned by, enum sotto_err err, struct mls_buffer *message)
{
	const struct mls_group *judge = group_of(JUDGE);

	world_propose(&world, by, err, message);
	memcpy(refs[judge->proposal_count - 1], judge->proposals[judge->proposal_count - 1]->ref,
	       HASH_LEN_MAX);
}

/* EVIL's leaf says that it supports what nobody else does. */
static void begin(void)
{
	static const unsigned others[] = {1, 2, 3};
	static const uint16_t types[] = {MLS_EXTENSION_PRIVATE_USE, EVIL_ONLY};
	struct mls_extension extension = {MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("another head")};
	struct mls_leaf_options leaf;
	struct mls_commit_options options = {.leaf = &leaf};
	struct mls_buffer message = {0};

	world_init(&world, world_suite(), 15);
	for (int i = 0; i < 5; i++)
		(void)world_new_actor(&world);
	world_create(&world, EVIL);
	world_commit(&world, EVIL, others, 3, NULL, 0, true);
	world_leaf_options(&world.actors[EVIL], &leaf);
	leaf.extension_types = types;
	leaf.extension_type_count = ARRAY_LEN(types);
	world_commit_with(&world, EVIL, &options);
	propose(EVIL, mls_group_propose_update(group_of(EVIL), NULL, &message), &message);
	propose(VICTIM, mls_group_propose_update(group_of(VICTIM), NULL, &message), &message);
	propose(VICTIM, mls_group_propose_update(group_of(VICTIM), NULL, &message), &message);
	propose(OTHER, mls_group_propose_remove(group_of(OTHER), VICTIM, &message), &message);
	propose(OTHER, mls_group_propose_extensions(group_of(OTHER), &extension, 1, &message),
		&message);
}

/* ---- Lists ---- */

static void put_cached(struct writer *list, enum cached which)
{
	writer_put_u8(list, 2);
	writer_put_vector(list, BYTES(refs[which], mls_suite_hash_len(world.suite)));
}

static void put_extension(struct writer *list, uint16_t type, size_t len)
{
	size_t start;

	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	start = writer_begin_vector(list);
	writer_put_u16(list, type);
	writer_put_varint(list, len);
	writer_put_zeros(list, len);
	writer_end_vector(list, start);
}

static void update(struct writer *list)
{
	put_cached(list, UPDATE);
}

static void own_update(struct writer *list)
{
	put_cached(list, OWN_UPDATE);
}

static void two_updates(struct writer *list)
{
	put_cached(list, UPDATE);
	put_cached(list, LATER_UPDATE);
}

static void same_update_twice(struct writer *list)
{
	put_cached(list, UPDATE);
	put_cached(list, UPDATE);
}

static void removal(struct writer *list)
{
	put_cached(list, REMOVE);
}

static void update_and_removal(struct writer *list)
{
	put_cached(list, UPDATE);
	put_cached(list, REMOVE);
}

static void removal_and_update(struct writer *list)
{
	put_cached(list, REMOVE);
	put_cached(list, UPDATE);
}

static void two_removals(struct writer *list)
{
	put_cached(list, REMOVE);
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_REMOVE);
	writer_put_u32(list, VICTIM);
}

static void extensions(struct writer *list)
{
	put_cached(list, EXTENSIONS);
}

static void two_extensions(struct writer *list)
{
	put_cached(list, EXTENSIONS);
	put_extension(list, MLS_EXTENSION_PRIVATE_USE, 1);
}

static void extension_of_evil(struct writer *list)
{
	put_extension(list, EVIL_ONLY, 1);
}

/* Does VICTIM, who lacks it, go at the same time: others lack it too. */
static void extension_of_evil_and_removal(struct writer *list)
{
	put_extension(list, EVIL_ONLY, 1);
	put_cached(list, REMOVE);
}

static void short_reference(struct writer *list)
{
	writer_put_u8(list, 2);
	writer_put_vector(list, BYTES(refs[UPDATE], mls_suite_hash_len(world.suite) - 1));
}

static void no_reference(struct writer *list)
{
	writer_put_u8(list, 3);
	writer_put_vector(list, BYTES_NONE);
}

/* ---- The tree that such a list would give ---- */

static void after_nothing(struct epoch *next)
{
	(void)next;
}

static void put_update(struct epoch *next, enum cached which, uint32_t leaf)
{
	const struct cached_proposal *cached = group_find_proposal(
		group_of(JUDGE), BYTES(refs[which], mls_suite_hash_len(world.suite)));
	struct proposal_view view;
	struct reader reader;

	reader_init(&reader, cached->encoded);
	proposal_read(&reader, &view);
	assert_int_equal(tree_blank_path(&next->tree, leaf), SOTTO_OK);
	assert_int_equal(tree_set_leaf(&next->tree, leaf,
				       leaf_node_make(&allocator_default, view.update.encoded)),
			 SOTTO_OK);
}

static void after_update(struct epoch *next)
{
	put_update(next, UPDATE, VICTIM);
}

static void after_later_update(struct epoch *next)
{
	put_update(next, LATER_UPDATE, VICTIM);
}

static void after_own_update(struct epoch *next)
{
	put_update(next, OWN_UPDATE, EVIL);
}

static void after_removal(struct epoch *next)
{
	assert_int_equal(tree_blank_path(&next->tree, VICTIM), SOTTO_OK);
	assert_int_equal(tree_blank_leaf(&next->tree, VICTIM), SOTTO_OK);
}

static const struct {
	const char *name;
	void (*fill)(struct writer *list);
	void (*after)(struct epoch *next); /* NULL: there is no path */
	enum sotto_err err;
	bool others_may_follow;
} lists[] = {
	{"an update, as far as the tag", update, after_update, SOTTO_ERR_VERIFY, true},
	{"a removal, as far as the tag", removal, after_removal, SOTTO_ERR_VERIFY, true},
	{"extensions, as far as the tag", extensions, after_nothing, SOTTO_ERR_VERIFY, true},
	{"12.2: the committer's own update", own_update, after_own_update, SOTTO_ERR_INVALID,
	 false},
	{"12.2: two updates of a leaf", two_updates, after_later_update, SOTTO_ERR_INVALID, false},
	{"12.2: an update twice", same_update_twice, after_update, SOTTO_ERR_INVALID, false},
	{"12.2: update and removal of a leaf", update_and_removal, after_removal, SOTTO_ERR_INVALID,
	 false},
	{"12.2: removal and update of a leaf", removal_and_update, after_update, SOTTO_ERR_INVALID,
	 false},
	{"12.2: two removals of a leaf", two_removals, after_removal, SOTTO_ERR_INVALID, false},
	{"12.2: two lists of extensions", two_extensions, after_nothing, SOTTO_ERR_INVALID, false},
	{"12.1.7: members lack an extension", extension_of_evil, after_nothing, SOTTO_ERR_INVALID,
	 false},
	{"12.1.7: those who stay lack an extension", extension_of_evil_and_removal, after_removal,
	 SOTTO_ERR_INVALID, false},
	{"12.4: an update without path", update, NULL, SOTTO_ERR_INVALID, false},
	{"12.4: a removal without path", removal, NULL, SOTTO_ERR_INVALID, false},
	{"12.4: extensions without path", extensions, NULL, SOTTO_ERR_INVALID, false},
	{"12.4: a short reference", short_reference, after_nothing, SOTTO_ERR_NOT_FOUND, false},
	{"12.4: neither value nor reference", no_reference, after_nothing, SOTTO_ERR_FORMAT, false},
};

static struct verdict judge(void (*fill)(struct writer *list), void (*after)(struct epoch *next))
{
	static const struct leaf_list nobody = {0};
	struct writer body, message;
	struct verdict verdict;
	struct epoch *next = NULL;
	size_t start;

	writer_init_growing(&body, &allocator_default);
	writer_init_growing(&message, &allocator_default);
	start = writer_begin_vector(&body);
	fill(&body);
	writer_end_vector(&body, start);
	writer_put_u8(&body, after != NULL);
	if (after != NULL) {
		assert_int_equal(epoch_next(group_of(EVIL)->epoch, &next), SOTTO_OK);
		after(next);
		hostile_path_write(next, &nobody, &body);
		epoch_destroy(next);
	}
	hostile_message_write(&world, EVIL, MLS_CONTENT_COMMIT, writer_bytes(&body), EVIL,
			      &message);
	verdict = hostile_judge(group_of(JUDGE), writer_bytes(&message));
	writer_release(&body);
	writer_release(&message);
	return verdict;
}

static void test_invalid_lists(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct verdict verdict = judge(lists[i].fill, lists[i].after);

		if (verdict.err != lists[i].err ||
		    verdict.others_may_follow != lists[i].others_may_follow)
			print_error("%s: %s, %d\n", lists[i].name, sotto_err_text(verdict.err),
				    verdict.others_may_follow);
		assert_int_equal(verdict.err, lists[i].err);
		assert_int_equal(verdict.others_may_follow, lists[i].others_may_follow);
	}
	/* 12.1: a proposal lives for an epoch. */
	world_commit_with(&world, JUDGE,
			  &(struct mls_commit_options){.without_cached = true, .path = true});
	assert_int_equal(judge(update, after_nothing).err, SOTTO_ERR_NOT_FOUND);
	world_finish(&world);
}

/* ---- Limits ---- */

static void long_extension(struct writer *list)
{
	put_extension(list, MLS_EXTENSION_PRIVATE_USE, 200);
}

/* A newcomer whose key package has a long extension of its own; or whose leaf has. */
static void put_add(struct writer *list, size_t in_package, size_t in_leaf)
{
	static const uint8_t zeros[200] = {0};
	struct mls_extension extension = {0x0a0a, BYTES(zeros, in_package + in_leaf)};
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0};
	struct key_package_view view;
	struct mls_leaf_options leaf;

	world_leaf_options(&world.actors[NEWCOMER], &leaf);
	leaf.extensions = &extension;
	leaf.extension_count = in_leaf != 0;
	assert_int_equal(mls_key_package_create(&world.config, &leaf, &extension, in_package != 0,
						&package, &secrets),
			 SOTTO_OK);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_ADD);
	writer_put_bytes(list, view.encoded);
	mls_buffer_release(&package);
}

static void add(struct writer *list)
{
	put_add(list, 0, 0);
}

static void add_long_package(struct writer *list)
{
	put_add(list, 200, 0);
}

static void add_long_leaf(struct writer *list)
{
	put_add(list, 0, 200);
}

/* What JUDGE takes, until its own limits are lower. */
static void test_limits(void **state)
{
	static const struct {
		void (*fill)(struct writer *list);
		void (*after)(struct epoch *next);
		bool members;
	} table[] = {
		{add, NULL, true},
		{long_extension, after_nothing, false},
		{add_long_package, NULL, false},
		{add_long_leaf, NULL, false},
	};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct mls_limits *limits = &group_of(JUDGE)->config.limits;

		assert_true(judge(table[i].fill, table[i].after).others_may_follow);
		if (table[i].members)
			limits->members = 4;
		else
			limits->extension_bytes = 100;
		assert_int_equal(judge(table[i].fill, table[i].after).err, SOTTO_ERR_LIMIT);
		*limits = *mls_limits_default();
	}
	world_finish(&world);
}

/* ---- Who makes a commit is told the same ---- */

/* VICTIM's new leaf reads basic credentials only; all follow. */
static void narrow_credentials(void)
{
	static const uint16_t types[] = {MLS_CREDENTIAL_BASIC, 0x0a0a};
	struct leaf_place place = {.group_id = BYTES_TEXT("test group"), .leaf = VICTIM};
	enum kem_alg kem = suite_find(world.suite)->hpke.kem;
	struct leaf_view leaf = tree_leaf(&group_of(VICTIM)->epoch->tree, VICTIM)->view;
	uint8_t key[KEM_PUBLIC_LEN_MAX];
	struct writer list, body, message;
	struct secret private_key;

	writer_init_growing(&list, &allocator_default);
	writer_init_growing(&body, &allocator_default);
	writer_init_growing(&message, &allocator_default);
	assert_int_equal(kem_generate(kem, &world.random, &private_key, key), SOTTO_OK);
	hostile_types_write(&list, types, 2);
	leaf.encryption_key = BYTES(key, kem_public_len(kem));
	leaf.credential_types = writer_bytes(&list);
	leaf.source = LEAF_UPDATE;
	writer_put_u16(&body, MLS_PROPOSAL_UPDATE);
	hostile_leaf_write(&world, &leaf, &place, &world.actors[VICTIM].identity, &body);
	hostile_message_write(&world, VICTIM, MLS_CONTENT_PROPOSAL, writer_bytes(&body), VICTIM,
			      &message);
	world_deliver(&world, VICTIM, writer_bytes(&message));
	mls_group_destroy(group_of(VICTIM)); /* it does not know its own new key */
	world.actors[VICTIM].group = NULL;
	world_commit_with(&world, JUDGE, &(struct mls_commit_options){0});
	secret_wipe(&private_key);
	writer_release(&list);
	writer_release(&body);
	writer_release(&message);
}

static void test_own_leaf(void **state)
{
	static const uint16_t too_few[] = {0x0a0a};
	struct mls_group_info_options with = {.with_tree = true, .with_external_pub = true};
	struct mls_leaf_options leaf;
	struct mls_commit_options options = {.leaf = &leaf};
	struct mls_external_join_options join = {.leaf = &leaf};
	struct mls_buffer commit = {0}, welcome = {0}, info = {0};
	struct mls_group *group = NULL;

	(void)state;
	begin();
	for (unsigned i = 0; i < 4; i++)
		mls_group_drop_proposals(group_of(i));
	narrow_credentials();
	/* 7.3: a certificate, which VICTIM cannot read. */
	world_leaf_options(&world.actors[JUDGE], &leaf);
	leaf.credential = (struct mls_credential){MLS_CREDENTIAL_X509, BYTES_TEXT("\3one")};
	assert_int_equal(mls_group_commit(group_of(JUDGE), &options, &commit, &welcome),
			 SOTTO_ERR_INVALID);
	assert_int_equal(mls_group_info(group_of(JUDGE), &with, &info), SOTTO_OK);
	world_leaf_options(&world.actors[NEWCOMER], &leaf);
	join.group_info = mls_buffer_bytes(&info);
	leaf.credential = (struct mls_credential){MLS_CREDENTIAL_X509, BYTES_TEXT("\3one")};
	assert_int_equal(mls_group_join_external(&world.config, &join, &commit, &group),
			 SOTTO_ERR_INVALID);
	/* 13.4: without what the group has in use. */
	world_leaf_options(&world.actors[NEWCOMER], &leaf);
	leaf.extension_types = too_few;
	leaf.extension_type_count = 1;
	assert_int_equal(mls_group_join_external(&world.config, &join, &commit, &group),
			 SOTTO_ERR_INVALID);
	world_leaf_options(&world.actors[JUDGE], &leaf);
	leaf.extension_types = too_few;
	leaf.extension_type_count = 1;
	assert_int_equal(mls_group_commit(group_of(JUDGE), &options, &commit, &welcome),
			 SOTTO_ERR_INVALID);
	assert_false(mls_group_has_pending(group_of(JUDGE)));
	assert_null(group);
	mls_buffer_release(&info);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_lists),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_own_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
