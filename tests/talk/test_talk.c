/* SPDX-License-Identifier: Apache-2.0 */
/* Whole networks in memory: founding, joining, messages, races, losses, revocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/world.h"

static enum talk_state state_of(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(world_phone(world, number)->talk, &status);
	return status.state;
}

static uint32_t problems_of(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(world_phone(world, number)->talk, &status);
	return status.problems & ~(UINT32_C(1) << TALK_PROBLEM_ONE_PERSON);
}

static void test_found_and_join(void **state)
{
	struct world *world = world_create(1);

	(void)state;
	world_members(world, 3, false);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(state_of(world, i), TALK_MEMBER);
		assert_int_equal(problems_of(world, i), 0);
		assert_true(world_agree(world, 0, i));
	}
	assert_int_equal(ledger_length(talk_ledger(world_phone(world, 2)->talk)), 5);
	world_destroy(world);
}

static void test_messages_both_ways(void **state)
{
	struct world *world = world_create(2);

	(void)state;
	world_members(world, 3, false);
	for (uint32_t i = 0; i < 5; i++) {
		assert_true(world_send(world, 0, 1, i));
		assert_true(world_send(world, 1, 0, i));
		assert_true(world_send(world, 2, 1, i));
		world_run(world, 1);
	}
	world_run(world, 20);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(world_received(world, 0, 1, i), 1);
		assert_int_equal(world_received(world, 1, 0, i), 1);
		assert_int_equal(world_received(world, 2, 1, i), 1);
		assert_int_equal(world_sent_state(world, 0, 1, i), TALK_MESSAGE_DELIVERED);
		assert_int_equal(world_sent_state(world, 2, 1, i), TALK_MESSAGE_DELIVERED);
	}
	assert_true(world_agree(world, 0, 1));
	assert_int_equal(problems_of(world, 0), 0);
	assert_false(fake_relay_contains(world_relay(world), BYTES_TEXT("text 1 from")));
	assert_false(fake_relay_contains(world_relay(world), BYTES_TEXT("Newsroom")));
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_and_join),
		cmocka_unit_test(test_messages_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
