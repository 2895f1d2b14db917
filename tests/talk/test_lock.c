/* SPDX-License-Identifier: Apache-2.0 */
/* A locked phone: what comes meanwhile, and unlocking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk/steps.h"

/*
 * What is said to a locked phone, and what becomes of what it had said; world.c ends the test if a step of it
 * touches other than ring tables.
 */
static void test_locked_phone(void **state)
{
	struct world *world = world_create(31);
	struct world_phone *ben = world_phone(world, 1);
	struct talk_status status;
	struct talk_conversation with = talk_with(100);
	uint8_t id[TALK_MESSAGE_ID_LEN];
	uint8_t call[] = "a call message";

	(void)state;
	world_members(world, 3, false);
	assert_true(world_send(world, 0, 1, 0));
	world_run(world, 5);
	assert_int_equal(ben->texts, 1);
	/* Queued without a link: it goes out, and is acknowledged, while this phone is locked. */
	world_link(world, 1, false);
	assert_true(world_send(world, 1, 2, 7));
	assert_true(world_send(world, 1, 0, 8));
	assert_true(world_send(world, 1, 0, 9));
	world_lock(ben);
	world_link(world, 1, true);
	assert_int_equal(
		talk_send_text(ben->talk, &with, BYTES_TEXT("no"), NULL, id, world_now(world), 0),
		SOTTO_ERR_STATE);
	assert_int_equal(talk_mark_read(ben->talk, &with, 1, world_now(world), 0), SOTTO_ERR_STATE);
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 5);
	assert_true(world_send(world, 2, 1, 2));
	world_run(world, 5);
	/* A full disk: the engine is loaded again, and is still locked. */
	world_restart(ben);
	world_run(world, 5);
	assert_true(world_send(world, 0, 1, 3));
	world_run(world, 5);
	/* Members and epochs change too. */
	world_invite(world, 3);
	world_join(world, 3);
	world_run(world, 30);
	assert_true(world_send(world, 3, 1, 4));
	world_run(world, 20);
	/* The senders have their receipts, and it can be called. */
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, 2, 1, 2), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, 0, 1, 3), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, 3, 1, 4), TALK_MESSAGE_DELIVERED);
	assert_int_equal(talk_send_call(world_phone(world, 0)->talk, 101, BYTES_OF(call),
					world_now(world), WORLD_UTC_MS),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 5);
	assert_int_equal(ben->calls, 1);
	talk_status(ben->talk, &status);
	assert_int_equal(status.unacknowledged, 0);
	assert_int_equal(ben->texts, 1);

	world_unlock(ben);
	assert_int_equal(ben->texts, 5);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	assert_int_equal(world_received(world, 2, 1, 2), 1);
	assert_int_equal(world_received(world, 0, 1, 3), 1);
	assert_int_equal(world_received(world, 3, 1, 4), 1);
	assert_int_equal(world_sent_state(world, 1, 2, 7), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, 1, 0, 8), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, 1, 0, 9), TALK_MESSAGE_DELIVERED);
	world_destroy(world);
}

/* Nothing of what was parked is lost or doubled when unlocking fails anywhere, or is done after a restart. */
static void test_unlocking_that_fails(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		struct world *world = world_create(400 + i);
		struct world_phone *ben = world_phone(world, 1);
		size_t rows;

		world_members(world, 2, false);
		assert_true(world_send(world, 0, 1, 9));
		world_run(world, 20);
		rows = store_memory_rows(ben->store);
		world_lock(ben);
		for (uint32_t text = 0; text < 3; text++) {
			assert_true(world_send(world, 0, 1, text));
			world_run(world, 2);
		}
		world_run(world, 20);
		if (i % 2 == 0)
			world_die_after(ben, i / 2);
		else
			world_fail_after(ben, i / 2);
		world_unlock(ben);
		ben->fail_left = UINT64_MAX;
		world_restart(ben);
		world_unlock(ben);
		for (uint32_t text = 0; text < 3; text++)
			assert_int_equal(world_received(world, 0, 1, text), 1);
		assert_int_equal(store_memory_rows(ben->store), rows + 6); /* and their ids */
		world_destroy(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locked_phone),
		cmocka_unit_test(test_unlocking_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
