/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumption PSKs of a group's own epochs (RFC 9420 sections 8.4, 8.6, 12.1.4): by reference and by
 * value, of the current epoch and of kept ones, after the members were saved and loaded; and who
 * was not there then cannot follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mls/world.h"

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

/* Three members in epoch 1. */
static void begin(uint16_t suite)
{
	static const unsigned others[] = {1, 2};

	world_init(&world, suite, 40);
	for (int i = 0; i < 4; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
}

static void test_every_suite(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		uint64_t epochs[] = {2, 1};
		struct mls_commit_options by_value = {.resumption_epochs = epochs,
						      .resumption_count = 2};
		struct mls_commit_options plain = {0};
		struct mls_buffer message = {0};

		begin(suite);
		world_propose(&world, 1, mls_group_propose_resumption(group_of(1), 1, &message),
			      &message);
		world_commit_with(&world, 2, &plain);
		world_reload_all(&world);
		world_commit_with(&world, 0, &by_value);
		world_reload_all(&world);
		/* A cached proposal survives too; and the same epoch twice has two nonces. */
		world_propose(&world, 1, mls_group_propose_resumption(group_of(1), 1, &message),
			      &message);
		world_propose(&world, 2, mls_group_propose_resumption(group_of(2), 1, &message),
			      &message);
		world_reload_all(&world);
		world_commit_with(&world, 0, &plain);
		assert_int_equal(mls_group_cached_proposals(group_of(1)), 0);
		world_message(&world, 1, "as ever");
		world_finish(&world);
	}
}

/* Without a path the PSK is all that is new: who has another one gets another epoch. */
static void test_shown_and_mixed_in(void **state)
{
	uint64_t epoch = 1;
	struct mls_commit_options options = {.resumption_epochs = &epoch, .resumption_count = 1};
	struct mls_buffer commit = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	struct mls_change change;

	(void)state;
	begin(1);
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome), SOTTO_OK);
	assert_int_equal(mls_group_receive(group_of(1), mls_buffer_bytes(&commit), &staged),
			 SOTTO_OK);
	mls_staged_info(staged, &info);
	assert_false(info.path);
	assert_int_equal(info.sender_type, MLS_SENDER_MEMBER);
	assert_int_equal(info.changes, 1);
	mls_staged_change(staged, 0, &change);
	assert_int_equal(change.type, MLS_PROPOSAL_PSK);
	assert_true(change.psk_resumption);
	assert_int_equal(change.psk_epoch, 1);
	assert_true(bytes_equal(change.psk_id, BYTES_TEXT("test group")));
	mls_staged_destroy(staged);
	mls_buffer_release(&commit);
	world_finish(&world);
}

static void test_not_there(void **state)
{
	static const unsigned late[] = {3};
	uint64_t epoch = 1;
	struct mls_commit_options options = {.resumption_epochs = &epoch, .resumption_count = 1};
	struct mls_buffer message = {0}, commit = {0}, welcome = {0};
	struct mls_buffer before = {0}, after = {0};
	struct mls_staged *staged = NULL;

	(void)state;
	begin(1);
	world_commit(&world, 0, late, 1, NULL, 0, true);
	world_state(group_of(3), &before);
	/* Epochs to come, before the first, and before the newcomer's first. */
	assert_int_equal(mls_group_propose_resumption(group_of(0), 3, &message),
			 SOTTO_ERR_NOT_FOUND);
	assert_int_equal(mls_group_propose_resumption(group_of(3), 1, &message),
			 SOTTO_ERR_NOT_FOUND);
	assert_int_equal(mls_group_commit(group_of(3), &options, &commit, &welcome),
			 SOTTO_ERR_NOT_FOUND);
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome), SOTTO_OK);
	assert_int_equal(mls_group_receive(group_of(3), mls_buffer_bytes(&commit), &staged),
			 SOTTO_ERR_NOT_FOUND);
	world_state(group_of(3), &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	/* Proposed by who has it, the newcomer leaves it out of its own commit. */
	mls_group_drop_pending(group_of(0));
	world_propose(&world, 0, mls_group_propose_resumption(group_of(0), 1, &message), &message);
	options = (struct mls_commit_options){.path = true};
	world_commit_with(&world, 3, &options);
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	mls_buffer_release(&commit);
	world_finish(&world);
}

/* Kept for as many epochs as the limit says, and left out of a commit that adds somebody. */
static void test_limits(void **state)
{
	static const unsigned late[] = {3};
	struct mls_buffer message = {0};

	(void)state;
	begin(1);
	world.config.limits.past_epochs = 2;
	world_reload_all(&world);
	for (int i = 0; i < 2; i++)
		world_commit(&world, 0, NULL, 0, NULL, 0, true);
	world_propose(&world, 0, mls_group_propose_resumption(group_of(0), 1, &message), &message);
	world_commit(&world, 1, late, 1, NULL, 0, true);
	assert_int_equal(mls_group_propose_resumption(group_of(0), 1, &message),
			 SOTTO_ERR_NOT_FOUND);
	world_propose(&world, 0, mls_group_propose_resumption(group_of(0), 4, &message), &message);
	world_commit(&world, 3, NULL, 0, NULL, 0, false);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite),
		cmocka_unit_test(test_shown_and_mixed_in),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
