/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Newcomers that commit themselves in (RFC 9420 section 12.4.3.2): in every suite and place of the
 * tree, saved and loaded between steps; what the members are shown, and what the newcomer's own side
 * refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mls/world.h"

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(uint16_t suite, unsigned members, unsigned others)
{
	unsigned added[WORLD_MAX];

	world_init(&world, suite, 30);
	world.config.external_commits = true;
	for (unsigned i = 0; i < members + others; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	for (unsigned i = 1; i < members; i++)
		added[i - 1] = i;
	if (members > 1)
		world_commit(&world, 0, added, members - 1, NULL, 0, true);
}

static void test_every_suite(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		static const unsigned gone[] = {1}, added[] = {5};

		begin(suite, 3, 3);
		world.tree_apart = suite == 2;
		world_join_external(&world, 3, 1, false);
		assert_int_equal(mls_group_own_leaf(group_of(3)), 3);
		world_reload_all(&world);
		world_message(&world, 3, "I came by myself");
		world_message(&world, 0, "welcome");
		world_commit(&world, 3, NULL, 0, NULL, 0, true);
		world_commit(&world, 0, NULL, 0, gone, 1, true);
		/* The freed place is taken, and the path goes through what was blanked. */
		world_join_external(&world, 4, 3, false);
		assert_int_equal(mls_group_own_leaf(group_of(4)), 1);
		world_reload_all(&world);
		world_commit(&world, 4, added, 1, NULL, 0, false);
		world_commit(&world, 2, NULL, 0, NULL, 0, true);
		world_message(&world, 5, "all here");
		world_finish(&world);
	}
}

/* Trees of 1 to 9 members, full ones too: the tree widens for who comes. Twice in a row. */
static void test_every_width(void **state)
{
	(void)state;
	for (unsigned members = 1; members <= 9; members++) {
		begin(1, members, 2);
		world_join_external(&world, members, members - 1, false);
		assert_int_equal(mls_group_own_leaf(group_of(members)), members);
		world_join_external(&world, members + 1, 0, false);
		for (unsigned i = 0; i < members + 2; i++)
			world_commit(&world, i, NULL, 0, NULL, 0, true);
		world_message(&world, members, "hello");
		world_finish(&world);
	}
}

/* A member that has lost its state takes its own place again; at each place, with unmerged leaves. */
static void test_resync(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < 6; lost++) {
		static const unsigned late[] = {5};

		begin(1, 5, 1);
		world_commit(&world, 1, late, 1, NULL, 0, false);
		world_join_external(&world, lost, (lost + 1) % 6, true);
		assert_int_equal(mls_group_member_count(group_of(0)), 6);
		assert_int_equal(mls_group_own_leaf(group_of(lost)), lost);
		world_reload_all(&world);
		/* Another key, the same name. */
		assert_int_equal(
			mls_identity_generate(&world.config, 1, &world.actors[lost].identity),
			SOTTO_OK);
		world_join_external(&world, lost, (lost + 2) % 6, true);
		assert_int_equal(mls_group_member_count(group_of(0)), 6);
		world_commit(&world, lost, NULL, 0, NULL, 0, true);
		world_message(&world, (lost + 3) % 6, "complete again");
		world_finish(&world);
	}
}

struct info {
	struct mls_buffer message;
	struct mls_leaf_options leaf;
	struct mls_external_join_options options;
};

static void info_of(struct info *info, unsigned by, unsigned newcomer)
{
	struct mls_group_info_options with = {.with_tree = true, .with_external_pub = true};

	memset(info, 0, sizeof(*info));
	assert_int_equal(mls_group_info(group_of(by), &with, &info->message), SOTTO_OK);
	world_leaf_options(&world.actors[newcomer], &info->leaf);
	info->options.group_info = mls_buffer_bytes(&info->message);
	info->options.leaf = &info->leaf;
	info->options.authenticated_data = BYTES_TEXT("it is me");
}

static enum sotto_err join(const struct info *info, struct mls_buffer *commit)
{
	struct mls_group *group = NULL;
	enum sotto_err err = mls_group_join_external(&world.config, &info->options, commit, &group);

	assert_int_equal(group != NULL, err == SOTTO_OK);
	mls_group_destroy(group);
	return err;
}

/* What the members are shown before they merge. */
static void test_shown(void **state)
{
	struct mls_buffer commit = {0};
	struct mls_staged *staged = NULL;
	struct mls_staged_info shown;
	struct mls_change change;
	struct info info;

	(void)state;
	begin(1, 3, 0);
	info_of(&info, 0, 2);
	info.options.resync = true;
	assert_int_equal(join(&info, &commit), SOTTO_OK);
	assert_int_equal(mls_group_receive(group_of(1), mls_buffer_bytes(&commit), &staged),
			 SOTTO_OK);
	mls_staged_info(staged, &shown);
	assert_int_equal(shown.kind, MLS_STAGED_COMMIT);
	assert_int_equal(shown.sender_type, MLS_SENDER_NEW_MEMBER_COMMIT);
	assert_int_equal(shown.sender, 2);
	assert_int_equal(shown.changes, 2);
	assert_true(shown.path);
	assert_false(shown.removes_us);
	assert_int_equal(shown.old_leaf.encoded.len, 0);
	assert_true(bytes_equal(shown.new_leaf.signature_key,
				BYTES(world.actors[2].identity.public_key, 32)));
	assert_true(bytes_equal(shown.authenticated_data, BYTES_TEXT("it is me")));
	assert_int_equal(shown.context.epoch, 2);
	mls_staged_change(staged, 0, &change);
	assert_int_equal(change.type, MLS_PROPOSAL_EXTERNAL_INIT);
	assert_int_equal(change.proposer_type, MLS_SENDER_NEW_MEMBER_COMMIT);
	assert_int_equal(change.proposer, 2);
	mls_staged_change(staged, 1, &change);
	assert_int_equal(change.type, MLS_PROPOSAL_REMOVE);
	assert_int_equal(change.before.leaf, 2);
	mls_staged_destroy(staged);
	staged = NULL;
	/* Who is replaced is told so. */
	assert_int_equal(mls_group_receive(group_of(2), mls_buffer_bytes(&commit), &staged),
			 SOTTO_OK);
	mls_staged_info(staged, &shown);
	assert_true(shown.removes_us);
	assert_int_equal(mls_group_merge(group_of(2), &staged), SOTTO_OK);
	assert_false(mls_group_active(group_of(2)));
	mls_buffer_release(&commit);
	mls_buffer_release(&info.message);
	world_finish(&world);
}

static bool same_first_letter(void *context, const struct mls_credential *one,
			      const struct mls_credential *other)
{
	(void)context;
	return one->content.len != 0 && other->content.len != 0 &&
	       one->content.data[0] == other->content.data[0];
}

/* What the newcomer's side refuses, and what the application's notion of a client changes. */
static void test_refused_at_home(void **state)
{
	static const struct mls_client_matcher matcher = {.same = same_first_letter};
	struct mls_group_info_options bare = {.with_tree = true};
	struct mls_extension twice[] = {{0xf00a, BYTES_NONE}, {0xf00a, BYTES_NONE}};
	struct mls_buffer commit = {0}, other = {0};
	struct info info;

	(void)state;
	begin(1, 2, 1);
	info_of(&info, 0, 2);
	info.options.resync = true;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_NOT_FOUND); /* never was a member */
	world.config.clients = &matcher;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_NOT_FOUND); /* two of the same client */
	world.config.clients = NULL;
	info.options.resync = false;
	info.leaf.identity = &world.actors[1].identity;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_INVALID); /* this key is in already */
	info.options.resync = true;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_NOT_FOUND); /* under another name */
	info.leaf.identity = &world.actors[2].identity;
	info.options.resync = false;
	info.leaf.extension_type_count = 0;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_INVALID); /* 13.4 */
	info.leaf.extension_type_count = 2;
	world.config.limits.members = 2;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_LIMIT);
	world.config.limits.members = 65536;
	assert_int_equal(commit.len, 0);
	assert_int_equal(mls_group_info(group_of(0), &bare, &other), SOTTO_OK);
	info.options.group_info = mls_buffer_bytes(&other);
	assert_int_equal(join(&info, &commit), SOTTO_ERR_UNSUPPORTED); /* no external_pub */
	mls_buffer_release(&other);
	bare = (struct mls_group_info_options){.with_external_pub = true};
	assert_int_equal(mls_group_info(group_of(0), &bare, &other), SOTTO_OK);
	info.options.group_info = mls_buffer_bytes(&other);
	assert_int_equal(join(&info, &commit), SOTTO_ERR_NOT_FOUND); /* no tree */
	bare.extensions = twice;
	bare.extension_count = 2;
	mls_buffer_release(&other);
	assert_int_equal(mls_group_info(group_of(0), &bare, &other), SOTTO_ERR_ARGUMENT);
	/* All in order: and twice, as nothing was changed by making it. */
	info.options.group_info = mls_buffer_bytes(&info.message);
	assert_int_equal(join(&info, &commit), SOTTO_OK);
	mls_buffer_release(&commit);
	assert_int_equal(join(&info, &commit), SOTTO_OK);
	mls_buffer_release(&commit);
	mls_buffer_release(&info.message);
	world_finish(&world);
}

static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	(void)context;
	*psk = BYTES_TEXT("what only friends know");
	return bytes_equal(id, BYTES_TEXT("word")) ? SOTTO_OK : SOTTO_ERR_NOT_FOUND;
}

/* With a PSK; who lacks it does not follow. */
static void test_with_psk(void **state)
{
	static const struct mls_psk_source source = {.find = find_psk};
	struct bytes ids[] = {BYTES_TEXT("word"), BYTES_TEXT("other")};
	struct mls_buffer commit = {0};
	struct mls_staged *staged = NULL;
	struct mls_change change;
	struct info info;

	(void)state;
	begin(1, 2, 1);
	world.config.psks = &source;
	world_reload(&world, 0);
	info_of(&info, 0, 2);
	info.options.psks = ids;
	info.options.psk_count = 2;
	assert_int_equal(join(&info, &commit), SOTTO_ERR_NOT_FOUND);
	info.options.psk_count = 1;
	assert_int_equal(mls_group_join_external(&world.config, &info.options, &commit,
						 &world.actors[2].group),
			 SOTTO_OK);
	assert_int_equal(mls_group_receive(group_of(1), mls_buffer_bytes(&commit), &staged),
			 SOTTO_ERR_NOT_FOUND);
	world_reload(&world, 1);
	assert_int_equal(mls_group_receive(group_of(1), mls_buffer_bytes(&commit), &staged),
			 SOTTO_OK);
	mls_staged_change(staged, 1, &change);
	assert_true(bytes_equal(change.psk_id, ids[0]));
	assert_false(change.psk_resumption);
	mls_staged_destroy(staged);
	world_deliver(&world, 2, mls_buffer_bytes(&commit));
	world_check(&world);
	world_message(&world, 2, "friend");
	/* Read back by who made it. */
	assert_int_equal(mls_group_receive(group_of(2), mls_buffer_bytes(&commit), &staged),
			 SOTTO_ERR_TOO_OLD);
	mls_buffer_release(&commit);
	mls_buffer_release(&info.message);
	world_finish(&world);
}

/* Two join at once: the second finds another epoch, and begins again. A pending commit gives way. */
static void test_race(void **state)
{
	struct mls_commit_options options = {.path = true};
	struct mls_buffer commits[2] = {{0}}, pending = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct info info[2];

	(void)state;
	begin(1, 2, 2);
	for (unsigned i = 0; i < 2; i++) {
		info_of(&info[i], i, 2 + i);
		assert_int_equal(mls_group_join_external(&world.config, &info[i].options,
							 &commits[i], &world.actors[2 + i].group),
				 SOTTO_OK);
		mls_buffer_release(&info[i].message);
	}
	assert_int_equal(mls_group_commit(group_of(0), &options, &pending, &welcome), SOTTO_OK);
	mls_group_destroy(group_of(3));
	world.actors[3].group = NULL;
	world_deliver(&world, 2, mls_buffer_bytes(&commits[0]));
	assert_false(mls_group_has_pending(group_of(0)));
	world_check(&world);
	assert_int_equal(mls_group_receive(group_of(0), mls_buffer_bytes(&commits[1]), &staged),
			 SOTTO_ERR_TOO_OLD);
	world_join_external(&world, 3, 2, false);
	mls_buffer_release(&commits[0]);
	mls_buffer_release(&commits[1]);
	mls_buffer_release(&pending);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_resync),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_refused_at_home),
		cmocka_unit_test(test_with_psk),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
