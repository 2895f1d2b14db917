/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ages: past epochs with their resumption PSKs, and keys of skipped messages, are erased when the
 * caller's clock says so; over saving and loading, and with clocks that jump.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mls/group.h"
#include "tests/mls/world.h"

#define MESSAGES 12
#define DAY	 86400
#define NOON	 1700000000

static struct world world;
static uint8_t messages[MESSAGES][512];
static size_t lens[MESSAGES];

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(uint16_t suite)
{
	static const unsigned other[] = {1};

	world_init(&world, suite, 80);
	world.config.limits.past_epoch_age_s = 2 * DAY;
	world.config.limits.skipped_key_age_s = DAY;
	world.config.limits.past_epochs = 5;
	(void)world_new_actor(&world);
	(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, other, 1, NULL, 0, true);
	for (size_t i = 0; i < MESSAGES; i++)
		assert_int_equal(mls_group_protect(group_of(0), BYTES_NONE, BYTES_TEXT("late"), 0,
						   messages[i], 512, &lens[i]),
				 SOTTO_OK);
}

static enum sotto_err open_message(size_t i)
{
	struct mls_application application;
	uint8_t out[512];

	return mls_group_unprotect(group_of(1), BYTES(messages[i], lens[i]), out, sizeof(out),
				   &application);
}

static void test_skipped_keys(void **state)
{
	(void)state;
	for (int reload = 0; reload < 2; reload++) {
		begin(1);
		assert_int_equal(open_message(4), SOTTO_OK); /* 0 to 3 are kept */
		mls_group_expire(group_of(1), NOON);
		if (reload)
			world_reload(&world, 1);
		assert_int_equal(open_message(8), SOTTO_OK); /* 5 to 7 too */
		mls_group_expire(group_of(1), NOON + DAY);
		assert_int_equal(open_message(0), SOTTO_OK); /* exactly a day is not more */
		if (reload)
			world_reload(&world, 1);
		mls_group_expire(group_of(1), NOON + DAY + 1);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(open_message(i), SOTTO_ERR_REPLAY);
		assert_int_equal(open_message(5), SOTTO_OK);
		if (reload)
			world_reload(&world, 1);
		mls_group_expire(group_of(1), NOON + 2 * DAY + 1);
		assert_int_equal(open_message(6), SOTTO_ERR_REPLAY);
		/* What was not skipped is not old, and later messages come as ever. */
		assert_int_equal(open_message(9), SOTTO_OK);
		assert_int_equal(open_message(11), SOTTO_OK);
		assert_int_equal(open_message(10), SOTTO_OK);
		world_finish(&world);
	}
}

static void test_past_epochs(void **state)
{
	struct mls_buffer message = {0};

	(void)state;
	for (int reload = 0; reload < 2; reload++) {
		begin(1);
		world_commit(&world, 0, NULL, 0, NULL, 0, true);
		mls_group_expire(group_of(1), NOON); /* sees epochs 0 and 1 past */
		world_commit(&world, 0, NULL, 0, NULL, 0, true);
		mls_group_expire(group_of(1), NOON + DAY); /* sees 2 */
		if (reload)
			world_reload(&world, 1);
		mls_group_expire(group_of(1), NOON + 2 * DAY);
		assert_int_equal(open_message(0), SOTTO_OK);
		assert_int_equal(mls_group_propose_resumption(group_of(1), 1, &message), SOTTO_OK);
		mls_buffer_release(&message);
		mls_group_drop_proposals(group_of(1));
		mls_group_expire(group_of(1), NOON + 2 * DAY + 1);
		assert_int_equal(open_message(1), SOTTO_ERR_TOO_OLD);
		assert_int_equal(mls_group_propose_resumption(group_of(1), 1, &message),
				 SOTTO_ERR_NOT_FOUND);
		assert_int_equal(mls_group_propose_resumption(group_of(1), 2, &message), SOTTO_OK);
		mls_buffer_release(&message);
		mls_group_drop_proposals(group_of(1));
		if (reload)
			world_reload(&world, 1);
		mls_group_expire(group_of(1), NOON + 3 * DAY + 1);
		assert_int_equal(mls_group_propose_resumption(group_of(1), 2, &message),
				 SOTTO_ERR_NOT_FOUND);
		assert_int_equal(group_of(1)->past_count, 0);
		world_commit(&world, 1, NULL, 0, NULL, 0, true);
		world_message(&world, 0, "as ever");
		world_finish(&world);
	}
}

/* Back to 1970 and far ahead: nothing comes back, nothing lives for ever, nothing aborts. */
static void test_jumping_clocks(void **state)
{
	(void)state;
	begin(1);
	assert_int_equal(open_message(4), SOTTO_OK);
	mls_group_expire(group_of(1), UINT64_MAX); /* stamps in the far future */
	mls_group_expire(group_of(1), UINT64_MAX);
	mls_group_expire(group_of(1), NOON); /* set back: they count from here */
	assert_int_equal(open_message(0), SOTTO_OK);
	mls_group_expire(group_of(1), NOON + DAY + 1);
	assert_int_equal(open_message(1), SOTTO_ERR_REPLAY);
	mls_group_expire(group_of(1), 1);
	assert_int_equal(open_message(1), SOTTO_ERR_REPLAY);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	mls_group_expire(group_of(1), UINT64_MAX - 1);
	assert_int_equal(open_message(6), SOTTO_OK);
	mls_group_expire(group_of(1), 1);
	mls_group_expire(group_of(1), 1 + 2 * DAY);
	assert_int_equal(open_message(7), SOTTO_OK);
	mls_group_expire(group_of(1), 2 + 2 * DAY);
	assert_int_equal(open_message(8), SOTTO_ERR_TOO_OLD);
	mls_group_expire(group_of(1), 1);
	assert_int_equal(open_message(8), SOTTO_ERR_TOO_OLD);
	assert_int_equal(group_of(1)->past_count, 0);
	world_finish(&world);
}

/* No time, or no limit by age: nothing happens, not even a stamp. */
static void test_without_age(void **state)
{
	struct mls_buffer before = {0}, after = {0};

	(void)state;
	begin(1);
	assert_int_equal(open_message(4), SOTTO_OK);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	world_state(group_of(1), &before);
	mls_group_expire(group_of(1), 0);
	world.config.limits.past_epoch_age_s = 0;
	world.config.limits.skipped_key_age_s = 0;
	group_of(1)->config.limits = world.config.limits;
	mls_group_expire(group_of(1), NOON);
	mls_group_expire(group_of(1), NOON + 1000 * DAY);
	world_state(group_of(1), &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	assert_int_equal(open_message(1), SOTTO_OK);
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	world_finish(&world);
}

/* A removed member's group expires too. */
static void test_removed(void **state)
{
	uint32_t leaf = 1;
	struct mls_commit_options options = {.remove = &leaf, .remove_count = 1};
	struct mls_buffer commit = {0}, welcome = {0};
	struct mls_staged *staged = NULL;

	(void)state;
	begin(1);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome), SOTTO_OK);
	assert_int_equal(mls_group_receive(group_of(1), mls_buffer_bytes(&commit), &staged),
			 SOTTO_OK);
	assert_int_equal(mls_group_merge(group_of(1), &staged), SOTTO_OK);
	mls_group_expire(group_of(1), NOON);
	assert_int_equal(open_message(0), SOTTO_OK);
	mls_group_expire(group_of(1), NOON + 3 * DAY);
	assert_int_equal(open_message(1), SOTTO_ERR_TOO_OLD);
	mls_buffer_release(&commit);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skipped_keys),   cmocka_unit_test(test_past_epochs),
		cmocka_unit_test(test_jumping_clocks), cmocka_unit_test(test_without_age),
		cmocka_unit_test(test_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
