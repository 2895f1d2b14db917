/* SPDX-License-Identifier: Apache-2.0 */
/* Going out: what a revoked phone still gets, and the access keys that follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sparse.h"
#include "tests/talk/steps.h"

/* Revoked while the commit that adds it is on its way: nobody follows that commit, its author neither. */
static void test_revoked_while_added(void **state)
{
	(void)state;
	for (uint64_t seed = 90; seed < 110; seed++) {
		struct world *world = world_create(seed);

		world_members(world, 3, false);
		world_invite(world, 3);
		world_join(world, 3);
		while (ledger_member_by_extension(talk_ledger(world_phone(world, 0)->talk), 103) ==
		       NULL)
			world_run_ms(world, 5);
		world_run_ms(world, (seed - 90) * 8);
		revoke(world, 3);
		world_run(world, 200);
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(problems_of(world, i), 0);
			assert_true(world_agree(world, 0, i));
		}
		assert_true(world_send(world, 1, 2, 0));
		world_run(world, 20);
		assert_int_equal(world_received(world, 1, 2, 0), 1);
		assert_int_not_equal(state_of(world, 3), TALK_MEMBER);
		world_destroy(world);
	}
}

static void test_revoked_phone(void **state)
{
	struct world *world = world_create(60);
	struct talk_conversation with = talk_with(103);
	uint8_t id[TALK_MESSAGE_ID_LEN];

	(void)state;
	world_members(world, 4, false);
	assert_true(world_send(world, 3, 1, 0));
	world_run(world, 10);
	world_link(world, 3, false);
	world_run(world, 1);
	assert_true(world_send(world, 1, 3, 1));
	world_run(world, 2);
	revoke(world, 3);
	world_run(world, 20);
	/* What it had not got it does not get, and nobody can write to it. */
	assert_int_equal(world_sent_state(world, 1, 3, 1), TALK_MESSAGE_FAILED);
	assert_int_equal(talk_send_text(world_phone(world, 1)->talk, &with, BYTES_TEXT("x"), NULL,
					id, world_now(world), WORLD_UTC_MS),
			 SOTTO_ERR_DENIED);
	assert_true(world_send(world, 0, 1, 2));
	world_run(world, 5);
	world_link(world, 3, true);
	world_run(world, 10);
	assert_int_equal(state_of(world, 3), TALK_REVOKED);
	assert_false(world_send(world, 3, 1, 9));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(problems_of(world, i), 0);
	assert_int_equal(world_received(world, 0, 1, 2), 1);
	world_destroy(world);
}

/* Those who are up prove the next key in time; one who was off through two revocations comes back. */
static void test_next_access_key(void **state)
{
	struct world *world = world_create(61);

	(void)state;
	world_members(world, 5, false);
	all_write(world, 5, UINT32_MAX, 0);
	world_link(world, 2, false);
	world_link(world, 3, false);
	world_run(world, 1);
	fake_relay_busy(world_relay(world), 3);
	revoke(world, 3);
	world_run(world, 55);
	assert_int_equal(fake_relay_number(world_relay(world)), 2);
	revoke(world, 4);
	world_run(world, 55);
	assert_int_equal(fake_relay_number(world_relay(world)), 3);
	fake_relay_fall(world_relay(world));
	assert_int_equal(authority(world, 0), WIRE_AUTHORITY_FULL);
	assert_int_equal(authority(world, 1), WIRE_AUTHORITY_FULL);
	assert_true(world_send(world, 1, 2, 1));
	world_run(world, 5);
	world_link(world, 2, true);
	world_run_ms(world, 51);
	assert_int_equal(authority(world, 2), WIRE_AUTHORITY_CATCH_UP);
	world_run(world, 20);
	assert_int_equal(authority(world, 2), WIRE_AUTHORITY_FULL);
	assert_int_equal(world_received(world, 1, 2, 1), 1);
	all_write(world, 3, UINT32_MAX, 2);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(problems_of(world, i), 0);
	/* Who is let in later has the keys; a new link needs no proof. */
	world_invite(world, 5);
	world_join(world, 5);
	world_run(world, 30);
	assert_int_equal(state_of(world, 5), TALK_MEMBER);
	assert_int_equal(authority(world, 5), WIRE_AUTHORITY_FULL);
	assert_true(world_send(world, 5, 2, 0));
	world_run(world, 20);
	assert_int_equal(world_received(world, 5, 2, 0), 1);
	world_destroy(world);
}

/* A phone that was off when it was revoked: its key opens catch-up, and there it learns that and no more. */
static void test_revoked_phone_is_in_catch_up(void **state)
{
	struct world *world = world_create(62);
	uint64_t epoch, after;

	(void)state;
	world_members(world, 3, false);
	all_write(world, 3, UINT32_MAX, 0);
	world_link(world, 2, false);
	world_run(world, 1);
	assert_int_equal(talk_call_epoch(world_phone(world, 2)->talk, 101, &epoch), SOTTO_OK);
	revoke(world, 2);
	world_run(world, 30);
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 10);
	world_link(world, 2, true);
	world_run_ms(world, 51);
	assert_int_equal(authority(world, 2), WIRE_AUTHORITY_CATCH_UP);
	world_run(world, 20);
	assert_int_equal(state_of(world, 2), TALK_REVOKED);
	assert_int_equal(authority(world, 2), WIRE_AUTHORITY_NONE);
	assert_int_equal(world_received(world, 0, 2, 1), 0);
	assert_int_equal(talk_call_epoch(world_phone(world, 2)->talk, 101, &after), SOTTO_OK);
	assert_int_equal(after, epoch);
	world_destroy(world);
}

/* The founder is gone between the entry and the key, and others fall before they could prove it. */
static void test_next_access_key_comes_late(void **state)
{
	(void)state;
	for (uint64_t seed = 120; seed < 132; seed++) {
		struct world *world = world_create(seed);
		uint32_t steps = 0;

		world_members(world, 4, false);
		all_write(world, 4, UINT32_MAX, 0);
		revoke(world, 3);
		world_run_ms(world, (seed - 120) * 60);
		world_link(world, 0, false);
		world_run(world, 200);
		assert_true(world_send(world, 1, 2, 1));
		world_run(world, 20);
		assert_int_equal(world_received(world, 1, 2, 1), 1);
		world_link(world, 0, true);
		while (fake_relay_number(world_relay(world)) < 2 && ++steps < 2000)
			world_run_ms(world, 5);
		assert_int_equal(fake_relay_number(world_relay(world)), 2);
		fake_relay_fall(world_relay(world));
		world_run(world, 40);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(authority(world, i), WIRE_AUTHORITY_FULL);
		all_write(world, 3, UINT32_MAX, 2);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(problems_of(world, i), 0);
		world_destroy(world);
	}
}

/* One phone dies at its nth store action in a revocation: the founder, another one. */
static void test_restart_while_revoking(void **state)
{
	(void)state;
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action += SPARSE(4)) {
			struct world *world = world_create(48 + victim);

			world_members(world, 3, false);
			world_die_after(world_phone(world, victim), action);
			revoke(world, 2);
			world_run(world, 40);
			/* An act that died was not taken. */
			if (ledger_member_by_extension(talk_ledger(world_phone(world, 0)->talk),
						       102)
				    ->state != LEDGER_MEMBER_REVOKED) {
				revoke(world, 2);
				world_run(world, 40);
			}
			died = world_phone(world, victim)->deaths;
			world_die_after(world_phone(world, victim), UINT64_MAX);
			assert_int_equal(fake_relay_number(world_relay(world)), 2);
			fake_relay_fall(world_relay(world));
			assert_int_equal(authority(world, 0), WIRE_AUTHORITY_FULL);
			assert_int_equal(authority(world, 1), WIRE_AUTHORITY_FULL);
			all_write(world, 2, UINT32_MAX, 0);
			world_destroy(world);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revoked_while_added),
		cmocka_unit_test(test_revoked_phone),
		cmocka_unit_test(test_next_access_key),
		cmocka_unit_test(test_revoked_phone_is_in_catch_up),
		cmocka_unit_test(test_next_access_key_comes_late),
		cmocka_unit_test(test_restart_while_revoking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
