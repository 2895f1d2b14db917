/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of all suites: create, add, update, remove, by value and by reference, messages, races. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/mls/world.h"

/* Who let this actor in, as it sees it itself; UINT32_MAX: it does not know. */
static uint32_t welcomer_of(const struct world *world, unsigned actor)
{
	struct mls_member member;

	if (mls_group_welcomer(world->actors[actor].group, &member) != SOTTO_OK)
		return UINT32_MAX;
	assert_true(member.signature_key.len > 0);
	return member.leaf;
}

static void assert_parents(const struct world *world, uint32_t expected, uint32_t expected_filled)
{
	uint32_t parents, filled;

	mls_group_parents(world->actors[0].group, &parents, &filled);
	assert_int_equal(parents, expected);
	assert_int_equal(filled, expected_filled);
}

/* All three walks show the same leaves, over one that is blank. */
static void assert_walks(const struct mls_group *group)
{
	struct mls_member member;
	struct bytes key;
	uint32_t members = 0;
	uint32_t keys = 0;
	uint32_t leaves = 0;
	uint32_t leaf;

	while (mls_group_next_member(group, &members, &member)) {
		assert_true(mls_group_next_key(group, &keys, &leaf, &key));
		assert_int_equal(keys, members);
		assert_int_equal(leaf, member.leaf);
		assert_true(bytes_equal(key, member.signature_key));
		assert_true(mls_group_next_leaf(group, &leaves, &leaf));
		assert_int_equal(leaves, members);
		assert_int_equal(leaf, member.leaf);
		assert_true(bytes_equal(mls_group_leaf_key(group, leaf), member.signature_key));
	}
	assert_false(mls_group_next_key(group, &keys, &leaf, &key));
	assert_false(mls_group_next_leaf(group, &leaves, &leaf));
}

static void test_every_suite(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORLD_SUITES; i++) {
		uint16_t suite = world_suites[i];
		static const unsigned first[] = {1, 2}, second[] = {3, 4}, gone[] = {1};
		static struct world world;

		world_init(&world, suite, suite);
		world.handshake = suite % 2 == 0 ? MLS_PUBLIC_MESSAGE : MLS_PRIVATE_MESSAGE;
		world.tree_apart = suite == 3;
		for (int actor = 0; actor < 5; actor++)
			(void)world_new_actor(&world);
		world_create(&world, 0);
		assert_parents(&world, 0, 0);
		world_commit(&world, 0, first, 2, NULL, 0, false);
		assert_parents(&world, 3, 0);
		assert_int_equal(welcomer_of(&world, 0), UINT32_MAX);
		assert_int_equal(welcomer_of(&world, 1), 0);
		world_message(&world, 2, "hello");
		world_commit(&world, 2, second, 2, NULL, 0, true);
		assert_parents(&world, 7, 3); /* from leaf 2 up to the root of a larger tree */
		assert_int_equal(welcomer_of(&world, 1), UINT32_MAX);
		assert_int_equal(welcomer_of(&world, 4), 2);
		world_message(&world, 4, "and back");
		world_commit(&world, 3, NULL, 0, NULL, 0, true);
		world_commit(&world, 4, NULL, 0, gone, 1, true);
		assert_int_equal(mls_group_member_count(world.actors[0].group), 4);
		assert_walks(world.actors[0].group);
		world_message(&world, 0, "still here");
		world_finish(&world);
	}
}

/*
 * Seven members; leaf 4 renews its path, leaf 0 adds an eighth without a path, leaf 0 (or any other)
 * renews: the eighth, an unmerged leaf, must follow.
 */
static void test_unmerged_leaf_follows(void **state)
{
	static const unsigned six[] = {1, 2, 3, 4, 5, 6}, eighth[] = {7};

	(void)state;
	for (int from = 0; from < 14; from++) {
		static struct world world;
		bool all_renew = from >= 7; /* before: every parent is filled */

		world_init(&world, world_suite(), 8);
		for (int i = 0; i < 8; i++)
			(void)world_new_actor(&world);
		world_create(&world, 0);
		world_commit(&world, 0, six, 6, NULL, 0, all_renew);
		for (unsigned i = 0; all_renew && i < 7; i++)
			world_commit(&world, i, NULL, 0, NULL, 0, true);
		world_commit(&world, 4, NULL, 0, NULL, 0, true);
		world_commit(&world, 0, eighth, 1, NULL, 0, false);
		world_commit(&world, (unsigned)from % 7, NULL, 0, NULL, 0, true);
		world_message(&world, 7, "I follow");
		world_commit(&world, 7, NULL, 0, NULL, 0, true);
		world_finish(&world);
	}
}

static void test_proposals_by_reference(void **state)
{
	static const unsigned others[] = {1, 2, 3};
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0}, message = {0}, commit = {0}, welcome = {0};
	struct mls_commit_options options = {0};
	struct mls_extension extension = {MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("another head")};
	struct mls_context context;
	struct bytes found;
	static struct world world;
	uint8_t out[512];
	size_t len;

	(void)state;
	world_init(&world, world_suite(), 3);
	for (int i = 0; i < 5; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 3, NULL, 0, true);
	world_key_package(&world, 4, &package, &secrets);
	world_propose(&world, 1, mls_group_propose_update(world.actors[1].group, NULL, &message),
		      &message);
	world_propose(&world, 2, mls_group_propose_remove(world.actors[2].group, 3, &message),
		      &message);
	world_propose(&world, 0,
		      mls_group_propose_add(world.actors[0].group, mls_buffer_bytes(&package), 0,
					    &message),
		      &message);
	world_propose(&world, 0,
		      mls_group_propose_extensions(world.actors[0].group, &extension, 1, &message),
		      &message);
	assert_int_equal(mls_group_cached_proposals(world.actors[3].group), 4);
	/* Nobody writes while proposals wait. */
	assert_int_equal(mls_group_protect(world.actors[0].group, BYTES_NONE, BYTES_NONE, 0, out,
					   sizeof(out), &len),
			 SOTTO_ERR_STATE);
	assert_int_equal(mls_group_commit(world.actors[2].group, &options, &commit, &welcome),
			 SOTTO_OK);
	world_deliver(&world, 2, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world.actors[2].group), SOTTO_OK);
	assert_null(world.actors[3].group);
	world_check(&world);
	mls_group_context(world.actors[1].group, &context);
	assert_int_equal(mls_extension_find(context.extensions, MLS_EXTENSION_PRIVATE_USE, &found),
			 SOTTO_OK);
	assert_true(bytes_equal(found, extension.data));
	assert_int_equal(mls_group_join(&world.config,
					&(struct mls_join_options){
						.welcome = mls_buffer_bytes(&welcome),
						.key_package = mls_buffer_bytes(&package),
						.secrets = &secrets,
						.identity = &world.actors[4].identity,
					},
					&world.actors[4].group),
			 SOTTO_OK);
	world_check(&world);
	/* The updated member's new key works. */
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	world_commit(&world, 1, NULL, 0, NULL, 0, true);
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	world_finish(&world);
}

/* Two members commit at once: the loser's pending commit gives way. */
static void test_race(void **state)
{
	static const unsigned others[] = {1, 2};
	struct mls_commit_options options = {.path = true};
	struct mls_buffer first = {0}, second = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	static struct world world;

	(void)state;
	world_init(&world, world_suite(), 4);
	for (int i = 0; i < 3; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &first, &welcome),
			 SOTTO_OK);
	assert_int_equal(mls_group_commit(world.actors[1].group, &options, &second, &welcome),
			 SOTTO_OK);
	assert_int_equal(mls_group_commit(world.actors[1].group, &options, &second, &welcome),
			 SOTTO_ERR_EXISTS);
	/* The winner reads its own back. */
	assert_int_equal(
		mls_group_receive(world.actors[0].group, mls_buffer_bytes(&first), &staged),
		SOTTO_OK);
	mls_staged_info(staged, &info);
	assert_int_equal(info.kind, MLS_STAGED_OWN_COMMIT);
	assert_int_equal(mls_group_merge(world.actors[0].group, &staged), SOTTO_OK);
	assert_false(mls_group_has_pending(world.actors[0].group));
	world_deliver(&world, 0, mls_buffer_bytes(&first));
	assert_false(mls_group_has_pending(world.actors[1].group));
	world_check(&world);
	assert_int_equal(
		mls_group_receive(world.actors[2].group, mls_buffer_bytes(&second), &staged),
		SOTTO_ERR_TOO_OLD);
	mls_buffer_release(&first);
	mls_buffer_release(&second);
	world_finish(&world);
}

/* Late and reordered messages, of this epoch and past ones; jumps beyond the window. */
static void test_windows(void **state)
{
	static const unsigned other[] = {1};
	static uint8_t messages[40][512];
	size_t lens[40];
	uint8_t out[512];
	struct mls_application application;
	static struct world world;

	(void)state;
	world_init(&world, world_suite(), 5);
	world.config.limits.generations_forward = 30;
	world.config.limits.skipped_keys = 10;
	world.config.limits.past_epochs = 2;
	(void)world_new_actor(&world);
	(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, other, 1, NULL, 0, true);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(mls_group_protect(world.actors[0].group, BYTES_NONE,
						   BYTES_TEXT("late"), 0, messages[i], 512,
						   &lens[i]),
				 SOTTO_OK);
#define OPEN(i) \
	mls_group_unprotect(world.actors[1].group, BYTES(messages[i], lens[i]), out, sizeof(out), \
			    &application)
	assert_int_equal(OPEN(31), SOTTO_ERR_LIMIT);
	assert_int_equal(OPEN(12), SOTTO_OK);
	assert_int_equal(OPEN(12), SOTTO_ERR_REPLAY);
	assert_int_equal(OPEN(1), SOTTO_ERR_REPLAY); /* given up: only ten are kept */
	assert_int_equal(OPEN(2), SOTTO_OK);
	assert_int_equal(OPEN(2), SOTTO_ERR_REPLAY);
	assert_int_equal(OPEN(13), SOTTO_OK);
	world_commit(&world, 1, NULL, 0, NULL, 0, true);
	assert_int_equal(OPEN(14), SOTTO_OK);
	assert_int_equal(application.epoch, 1);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	assert_int_equal(OPEN(16), SOTTO_OK);
	assert_int_equal(OPEN(11), SOTTO_OK);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	assert_int_equal(OPEN(17), SOTTO_ERR_TOO_OLD);
#undef OPEN
	world_finish(&world);
}

static void test_key_change_with_commit(void **state)
{
	static const unsigned others[] = {1, 2};
	struct mls_leaf_options leaf;
	struct mls_commit_options options = {.leaf = &leaf};
	struct mls_buffer commit = {0}, welcome = {0};
	static struct world world;

	(void)state;
	world_init(&world, world_suite(), 6);
	for (int i = 0; i < 3; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
	assert_int_equal(
		mls_identity_generate(&world.config, world.suite, &world.actors[1].identity),
		SOTTO_OK);
	world_leaf_options(&world.actors[1], &leaf);
	assert_int_equal(mls_group_commit(world.actors[1].group, &options, &commit, &welcome),
			 SOTTO_OK);
	world_deliver(&world, 1, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world.actors[1].group), SOTTO_OK);
	world_check(&world);
	world_message(&world, 1, "by my new key");
	world_commit(&world, 1, NULL, 0, NULL, 0, true);
	mls_buffer_release(&commit);
	world_finish(&world);
}

/* A new signature key in the commit that adds somebody: the group info of the welcome is signed by it. */
static void test_key_change_with_add(void **state)
{
	static const unsigned other[] = {1};
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0}, commit = {0}, welcome = {0};
	struct bytes add;
	struct mls_leaf_options leaf;
	struct mls_commit_options options = {.leaf = &leaf, .add = &add, .add_count = 1};
	struct mls_join_options join = {.secrets = &secrets};
	static struct world world;

	(void)state;
	world_init(&world, world_suite(), 16);
	for (int i = 0; i < 3; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, other, 1, NULL, 0, true);
	world_key_package(&world, 2, &package, &secrets);
	add = mls_buffer_bytes(&package);
	assert_int_equal(
		mls_identity_generate(&world.config, world.suite, &world.actors[0].identity),
		SOTTO_OK);
	world_leaf_options(&world.actors[0], &leaf);
	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			 SOTTO_OK);
	world_deliver(&world, 0, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world.actors[0].group), SOTTO_OK);
	join.welcome = mls_buffer_bytes(&welcome);
	join.key_package = add;
	join.identity = &world.actors[2].identity;
	assert_int_equal(mls_group_join(&world.config, &join, &world.actors[2].group), SOTTO_OK);
	world_check(&world);
	world_message(&world, 0, "by my new key");
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	world_finish(&world);
}

/* What was sent in a past epoch is checked and shown with the leaf of that epoch. */
static void test_past_epoch_past_key(void **state)
{
	static const unsigned others[] = {1, 2}, gone[] = {1};
	struct mls_leaf_options leaf;
	struct mls_commit_options options = {.leaf = &leaf};
	struct mls_identity old;
	struct mls_application application;
	uint8_t first[512], second[512], out[512];
	size_t first_len, second_len;
	static struct world world;

	(void)state;
	world_init(&world, world_suite(), 17);
	for (int i = 0; i < 3; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
	old = world.actors[1].identity;
	assert_int_equal(mls_group_protect(world.actors[1].group, BYTES_NONE, BYTES_TEXT("late"), 0,
					   first, sizeof(first), &first_len),
			 SOTTO_OK);
	assert_int_equal(mls_group_protect(world.actors[1].group, BYTES_NONE, BYTES_TEXT("later"),
					   0, second, sizeof(second), &second_len),
			 SOTTO_OK);
	assert_int_equal(
		mls_identity_generate(&world.config, world.suite, &world.actors[1].identity),
		SOTTO_OK);
	world_leaf_options(&world.actors[1], &leaf);
	world_commit_with(&world, 1, &options);
	assert_int_equal(mls_group_unprotect(world.actors[0].group, BYTES(first, first_len), out,
					     sizeof(out), &application),
			 SOTTO_OK);
	assert_true(bytes_equal(application.member.signature_key,
				BYTES(old.public_key, old.public_len)));
	/* Nor need its sender be a member any more. */
	world_commit(&world, 0, NULL, 0, gone, 1, true);
	assert_int_equal(mls_group_unprotect(world.actors[0].group, BYTES(second, second_len), out,
					     sizeof(out), &application),
			 SOTTO_OK);
	assert_true(bytes_equal(application.member.signature_key,
				BYTES(old.public_key, old.public_len)));
	secret_wipe(&old.private_key);
	world_finish(&world);
}

/* The last one, in another leaf than the first: alone it renews its path, and takes others in again. */
static void test_sole_member(void **state)
{
	static const unsigned others[] = {1, 2, 3}, gone[] = {0, 1, 3}, back[] = {0, 1};

	(void)state;
	for (int path = 0; path < 2; path++) {
		static struct world world;

		world_init(&world, world_suite(), 18);
		for (int i = 0; i < 4; i++)
			(void)world_new_actor(&world);
		world_create(&world, 0);
		world_commit(&world, 0, others, 3, NULL, 0, true);
		world_commit(&world, 2, NULL, 0, gone, 3, true);
		assert_int_equal(mls_group_member_count(world.actors[2].group), 1);
		world_commit(&world, 2, NULL, 0, NULL, 0, true);
		world_reload(&world, 2);
		world_commit(&world, 2, back, 2, NULL, 0, path != 0);
		world_message(&world, 0, "here again");
		world_commit(&world, 2, NULL, 0, NULL, 0, true);
		world_commit(&world, 1, NULL, 0, NULL, 0, true);
		world_finish(&world);
	}
}

static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	(void)context;
	if (!bytes_equal(id, BYTES_TEXT("shared")))
		return SOTTO_ERR_NOT_FOUND;
	*psk = BYTES_TEXT("a secret that everybody knows");
	return SOTTO_OK;
}

/* External PSKs by reference and by value, also for a newcomer; who lacks one cannot follow. */
static void test_pre_shared_keys(void **state)
{
	static const struct mls_psk_source source = {.find = find_psk};
	static const unsigned others[] = {1, 2};
	struct bytes ids[] = {BYTES_TEXT("shared"), BYTES_TEXT("unknown")};
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0}, message = {0}, commit = {0}, welcome = {0};
	struct bytes add;
	struct mls_commit_options options = {
		.psks = ids, .psk_count = 2, .add = &add, .add_count = 1};
	static struct world world;

	(void)state;
	world_init(&world, world_suite(), 7);
	world.config.psks = &source;
	for (int i = 0; i < 4; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
	world_key_package(&world, 3, &package, &secrets);
	add = mls_buffer_bytes(&package);
	world_propose(&world, 1, mls_group_propose_psk(world.actors[1].group, ids[0], &message),
		      &message);
	assert_int_equal(mls_group_propose_psk(world.actors[1].group, ids[1], &message),
			 SOTTO_ERR_NOT_FOUND);
	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			 SOTTO_ERR_NOT_FOUND);
	options.psk_count = 1;
	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			 SOTTO_OK);
	world_deliver(&world, 0, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world.actors[0].group), SOTTO_OK);
	for (int with = 0; with < 2; with++) {
		struct mls_join_options join = {
			.welcome = mls_buffer_bytes(&welcome),
			.key_package = add,
			.secrets = &secrets,
			.identity = &world.actors[3].identity,
		};

		world.config.psks = with ? &source : NULL;
		assert_int_equal(mls_group_join(&world.config, &join, &world.actors[3].group),
				 with ? SOTTO_OK : SOTTO_ERR_NOT_FOUND);
	}
	world_check(&world);
	world_message(&world, 3, "with the key");
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite),
		cmocka_unit_test(test_unmerged_leaf_follows),
		cmocka_unit_test(test_proposals_by_reference),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_key_change_with_commit),
		cmocka_unit_test(test_key_change_with_add),
		cmocka_unit_test(test_past_epoch_past_key),
		cmocka_unit_test(test_sole_member),
		cmocka_unit_test(test_pre_shared_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
