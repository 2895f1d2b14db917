/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay says that a record is durable, and has not got it: its author sees that, and puts it there again. Or it keeps a record from
 * one who reads, until nobody reads any more where it stood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define PHONES 3

static struct world *settled(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, PHONES, false);
	assert_true(world_send(world, 0, 1, 0));
	assert_true(world_send(world, 1, 0, 0));
	world_run(world, 60);
	assert_int_equal(world_sent_state(world, 0, 1, 0), TALK_MESSAGE_DELIVERED);
	return world;
}

static void assert_well(struct world *world)
{
	for (uint32_t i = 0; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), 0);
}

static void test_text(void **state)
{
	(void)state;
	for (uint32_t restarted = 0; restarted < 2; restarted++) {
		struct world *world = settled(700 + restarted);

		fake_relay_swallow(world_relay(world), 1);
		assert_true(world_send(world, 0, 1, 1));
		world_run(world, 20);
		assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_STORED);
		assert_int_equal(world_received(world, 0, 1, 1), 0);
		/* After a restart nobody knows how long ago that was. */
		if (restarted != 0)
			world_restart(world_phone(world, 0));
		world_run(world, restarted != 0 ? 20 : 60);
		assert_int_equal(world_received(world, 0, 1, 1), 1);
		assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
		assert_well(world);
		world_destroy(world);
	}
}

/* The receipt is what is missing: the text has arrived, and its sender would never learn it. */
static void test_receipt(void **state)
{
	struct world *world = settled(710);

	(void)state;
	assert_true(world_send(world, 0, 1, 1));
	while (world_received(world, 0, 1, 1) == 0)
		world_run_ms(world, 1);
	fake_relay_swallow(world_relay(world), 1);
	world_run(world, 20);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_STORED);
	world_run(world, 60);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
	assert_well(world);
	world_destroy(world);
}

/* Nothing would be sent any more in that conversation. */
static void test_commit(void **state)
{
	struct world *world = settled(720);
	struct talk_group *group = direct_of(world, 0, 1);
	uint64_t epoch = epoch_of(group);

	(void)state;
	fake_relay_swallow(world_relay(world), 1);
	update_wish(world, 0, group);
	world_run(world, 20);
	assert_int_equal(group->pending.count, 1);
	assert_int_equal(epoch_of(group), epoch);
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 60);
	assert_int_equal(epoch_of(group), epoch + 1);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	assert_true(world_agree(world, 0, 1));
	assert_well(world);
	world_destroy(world);
}

static void append_count(void *context, const struct talk *talk, struct bytes request)
{
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	(void)talk;
	*(uint32_t *)context += append_read(request, name, &sealed);
}

/* Of an honest relay nothing is missed. */
static void test_nothing_missed(void **state)
{
	struct world *world = settled(730);
	uint32_t appends = 0;

	(void)state;
	world_run(world, 60);
	world_listen(world, append_count, &appends);
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 600);
	world_listen(world, NULL, NULL);
	/* The text and its receipt. */
	assert_int_equal(appends, 2);
	world_destroy(world);
}

/* Whatever stands in the drop of this epoch is read no more. */
static void epochs_pass(struct world *world)
{
	for (uint32_t i = 0; i < TALK_DROPS_MAX; i++) {
		update_wish(world, 0, direct_of(world, 0, 1));
		world_run(world, 20);
	}
	assert_true(world_agree(world, 0, 1));
}

/* From now on phone 1 is shown a copy; or everybody the same. */
static void withhold(struct world *world, bool withholds)
{
	links(world, PHONES, false);
	world_run(world, 1);
	if (withholds)
		fake_relay_withhold(world_relay(world), UINT64_C(1) << 1);
	else
		fake_relay_unfork(world_relay(world));
	links(world, PHONES, true);
	world_run(world, 10);
}

/* Phone 1 does not read that its text has come; nor what is written to it, for the first time or not. */
static void test_kept_from_one(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < 3; number++) {
		struct world *world = world_create(740 + number);
		uint32_t from = number == 0 ? 1 : 0;

		world_members(world, PHONES, false);
		assert_true(world_send(world, 1, 0, 0));
		if (number == 1)
			assert_true(world_send(world, 0, 1, 0));
		world_run(world, 60);
		withhold(world, true);
		if (from == 0)
			fake_relay_hide(world_relay(world), 1);
		assert_true(world_send(world, from, 1 - from, 1));
		while (from == 1 && world_received(world, 1, 0, 1) == 0)
			world_run_ms(world, 1);
		if (from == 1)
			fake_relay_hide(world_relay(world), 1);
		world_run(world, 20);
		epochs_pass(world);
		assert_int_equal(world_received(world, from, 1 - from, 1), from);
		assert_int_equal(world_sent_state(world, from, 1 - from, 1), TALK_MESSAGE_STORED);
		withhold(world, false);
		world_run(world, 60);
		assert_int_equal(world_received(world, from, 1 - from, 1), 1);
		assert_int_equal(world_sent_state(world, from, 1 - from, 1),
				 TALK_MESSAGE_DELIVERED);
		world_destroy(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	      cmocka_unit_test(test_receipt),
		cmocka_unit_test(test_commit),	      cmocka_unit_test(test_nothing_missed),
		cmocka_unit_test(test_kept_from_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
