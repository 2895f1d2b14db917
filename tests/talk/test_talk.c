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

static void revoke(struct world *world, uint32_t number)
{
	struct world_phone *admin = world_phone(world, 0);

	assert_int_equal(talk_revoke(admin->talk, 100 + number, world_now(world),
				     WORLD_UTC_MS + world_now(world) / 1000000),
			 SOTTO_OK);
	world_settle(admin);
}

static void links(struct world *world, uint32_t count, bool wanted)
{
	for (uint32_t i = 0; i < count; i++)
		world_link(world, i, wanted);
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

/* To a phone that is off, from one that goes off too. */
static void test_offline_phone_catches_up(void **state)
{
	struct world *world = world_create(3);

	(void)state;
	world_members(world, 3, false);
	assert_true(world_send(world, 0, 2, 0));
	world_run(world, 5);
	world_link(world, 2, false);
	world_run(world, 1);
	for (uint32_t i = 1; i < 12; i++)
		assert_true(world_send(world, 0, 2, i));
	world_run(world, 5);
	assert_int_equal(world_sent_state(world, 0, 2, 11), TALK_MESSAGE_STORED);
	world_link(world, 0, false);
	assert_true(world_send(world, 0, 2, 12));
	assert_int_equal(world_sent_state(world, 0, 2, 12), TALK_MESSAGE_QUEUED);
	world_run(world, 5);
	world_link(world, 2, true);
	world_run(world, 5);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(world_received(world, 0, 2, i), 1);
	assert_int_equal(world_received(world, 0, 2, 12), 0);
	world_link(world, 0, true);
	world_run(world, 10);
	assert_int_equal(world_received(world, 0, 2, 12), 1);
	for (uint32_t i = 0; i < 13; i++)
		assert_int_equal(world_sent_state(world, 0, 2, i), TALK_MESSAGE_DELIVERED);
	world_destroy(world);
}

/* Everybody joins at once and writes to everybody: commits of *everyone* and of new conversations race. */
static void test_races(void **state)
{
	(void)state;
	for (uint64_t seed = 10; seed < 16; seed++) {
		struct world *world = world_create(seed);
		uint32_t missing = 0;

		world_members(world, 5, true);
		world_run(world, 150);
		for (uint32_t a = 0; a < 5; a++) {
			assert_int_equal(state_of(world, a), TALK_MEMBER);
			for (uint32_t b = 0; b < 5; b++) {
				if (a != b)
					assert_true(world_send(world, a, b, 0));
			}
		}
		world_run(world, 60);
		for (uint32_t a = 0; a < 5; a++) {
			assert_int_equal(problems_of(world, a), 0);
			for (uint32_t b = 0; b < 5; b++) {
				if (a == b)
					continue;
				missing += world_received(world, a, b, 0) != 1;
				missing +=
					world_sent_state(world, a, b, 0) != TALK_MESSAGE_DELIVERED;
				assert_true(world_agree(world, a, b));
			}
		}
		assert_int_equal(missing, 0);
		world_destroy(world);
	}
}

/* A phone with more conversations than streams reads some of them now and then. */
static void test_few_watches(void **state)
{
	struct world *world = world_create(25);

	(void)state;
	world_watches(world, 0, 4);
	world_members(world, 5, false);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 1; i < 5; i++) {
			assert_true(world_send(world, i, 0, round));
			assert_true(world_send(world, 0, i, round));
		}
		world_run(world, 40);
	}
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 1; i < 5; i++) {
			assert_int_equal(world_received(world, i, 0, round), 1);
			assert_int_equal(world_received(world, 0, i, round), 1);
			assert_int_equal(world_sent_state(world, 0, i, round),
					 TALK_MESSAGE_DELIVERED);
			assert_int_equal(world_sent_state(world, i, 0, round),
					 TALK_MESSAGE_DELIVERED);
		}
	}
	world_destroy(world);
}

/* Both open a conversation with the other at the same time: one stays, all is delivered. */
static void test_two_conversations_become_one(void **state)
{
	struct world *world = world_create(20);

	(void)state;
	world_members(world, 2, false);
	assert_true(world_send(world, 0, 1, 0));
	assert_true(world_send(world, 1, 0, 0));
	world_run(world, 10);
	assert_true(world_send(world, 0, 1, 1));
	assert_true(world_send(world, 1, 0, 1));
	world_run(world, 10);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(world_received(world, 0, 1, i), 1);
		assert_int_equal(world_received(world, 1, 0, i), 1);
		assert_int_equal(world_sent_state(world, 0, 1, i), TALK_MESSAGE_DELIVERED);
	}
	assert_true(world_agree(world, 0, 1));
	world_destroy(world);
}

/*
 * One phone dies at its nth store action, for every n, and goes on from its store. All that it was told to
 * send arrives, once; so does all that it is sent.
 */
static void test_restart_at_every_action(void **state)
{
	(void)state;
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action++) {
			struct world *world = world_create(30 + victim);
			uint32_t texts = 4;
			bool taken[8];

			world_members(world, 2, false);
			world_die_after(world_phone(world, victim), action);
			for (uint32_t i = 0; i < texts; i++) {
				taken[i] = world_send(world, 0, 1, i);
				taken[4 + i] = world_send(world, 1, 0, i);
				world_run(world, 1);
			}
			world_run(world, 60);
			for (uint32_t i = 0; i < texts; i++) {
				/* A send that died was not taken: the store decides. */
				uint32_t there = world_sent_state(world, 0, 1, i) != 0;
				uint32_t back = world_sent_state(world, 1, 0, i) != 0;

				assert_true(there || !taken[i]);
				assert_true(back || !taken[4 + i]);
				assert_int_equal(world_received(world, 0, 1, i), there);
				assert_int_equal(world_received(world, 1, 0, i), back);
				if (there)
					assert_int_equal(world_sent_state(world, 0, 1, i),
							 TALK_MESSAGE_DELIVERED);
				if (back)
					assert_int_equal(world_sent_state(world, 1, 0, i),
							 TALK_MESSAGE_DELIVERED);
			}
			assert_int_equal(problems_of(world, 0), 0);
			assert_int_equal(state_of(world, 0), TALK_MEMBER);
			assert_int_equal(state_of(world, 1), TALK_MEMBER);
			assert_true(world_agree(world, 0, 1));
			died = world_phone(world, victim)->deaths;
			world_destroy(world);
		}
	}
}

/* The same while it founds, invites, sponsors and joins. */
static void test_restart_while_joining(void **state)
{
	(void)state;
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action++) {
			struct world *world = world_create(40 + victim);

			world_found(world);
			if (victim == 0)
				world_die_after(world_phone(world, 0), action);
			world_invite(world, 1);
			if (victim == 1)
				world_die_after(world_phone(world, 1), action);
			world_join(world, 1);
			if (state_of(world, 1) == TALK_EMPTY)
				world_join(world, 1);
			world_run(world, 30);
			died = world_phone(world, victim)->deaths;
			world_die_after(world_phone(world, victim), UINT64_MAX);
			assert_int_equal(state_of(world, 1), TALK_MEMBER);
			assert_true(world_send(world, 0, 1, 0));
			assert_true(world_send(world, 1, 0, 0));
			world_run(world, 20);
			assert_int_equal(world_received(world, 0, 1, 0), 1);
			assert_int_equal(world_received(world, 1, 0, 0), 1);
			world_destroy(world);
		}
	}
}

/* Every so many allocations and random calls one fails; the step is lost, the phone goes on. */
static void test_failing_calls(void **state)
{
	(void)state;
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t calls = 0; died > 0; calls += 1 + calls / 40) {
			struct world *world = world_create(45 + victim);

			world_members(world, 2, false);
			world_fail_after(world_phone(world, victim), calls);
			for (uint32_t i = 0; i < 2; i++) {
				if (!world_send(world, 0, 1, i))
					assert_true(world_send(world, 0, 1, i));
				world_run(world, 1);
			}
			world_run(world, 30);
			assert_int_equal(world_received(world, 0, 1, 0), 1);
			assert_int_equal(world_received(world, 0, 1, 1), 1);
			assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
			assert_true(world_agree(world, 0, 1));
			died = world_phone(world, victim)->deaths;
			world_destroy(world);
		}
	}
}

/*
 * A relay that flips bits in what it answers. Nothing false is taken, nothing is taken twice; when it is
 * honest again, and the links are new, all is there.
 */
static void test_lying_relay(void **state)
{
	(void)state;
	for (uint64_t seed = 200; seed < 206; seed++) {
		struct world *world = world_create(seed);

		world_members(world, 3, false);
		world_corrupt(world, 3);
		for (uint32_t i = 0; i < 6; i++) {
			assert_true(world_send(world, 0, 1, i));
			assert_true(world_send(world, 1, 2, i));
			world_run(world, 3);
		}
		world_corrupt(world, 0);
		links(world, 3, false);
		world_run(world, 1);
		links(world, 3, true);
		world_run(world, 60);
		for (uint32_t i = 0; i < 6; i++) {
			assert_true(world_received(world, 0, 1, i) == 1);
			assert_true(world_received(world, 1, 2, i) == 1);
		}
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(state_of(world, i), TALK_MEMBER);
		world_destroy(world);
	}
}

/* Whoever put the newcomer into the ledger is gone before the Add: the next one does it after a minute. */
static void test_sponsor_vanishes(void **state)
{
	struct world *world = world_create(55);
	const struct ledger_device *device = NULL;
	uint32_t sponsor;

	(void)state;
	world_members(world, 3, false);
	world_invite(world, 3);
	world_join(world, 3);
	for (uint32_t tenth = 0; tenth < 100 && device == NULL; tenth++) {
		struct talk_status status;

		world_run_ms(world, 20);
		talk_status(world_phone(world, 3)->talk, &status);
		for (sponsor = 0; sponsor < 3 && device == NULL; sponsor++)
			device = ledger_device_by_key(
				talk_ledger(world_phone(world, sponsor)->talk), status.device_key);
	}
	assert_non_null(device);
	/* The first who knows is the one who reads its own record back, or nearly. */
	world_link(world, sponsor - 1, false);
	world_run(world, 120);
	assert_int_equal(state_of(world, 3), TALK_MEMBER);
	world_link(world, sponsor - 1, true);
	world_run(world, 20);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(problems_of(world, i), 0);
		assert_true(world_agree(world, 0, i));
	}
	world_destroy(world);
}

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

/* A relay that comes back empty: what was not acknowledged yet is sent again. */
static void test_relay_that_lost_records(void **state)
{
	struct world *world = world_create(50);

	(void)state;
	world_members(world, 3, false);
	assert_true(world_send(world, 0, 1, 0));
	assert_true(world_send(world, 2, 1, 0));
	world_run(world, 10);
	world_link(world, 1, false);
	world_run(world, 1);
	assert_true(world_send(world, 0, 1, 1));
	assert_true(world_send(world, 2, 1, 1));
	world_run(world, 5);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_STORED);
	links(world, 3, false);
	world_run(world, 1);
	fake_relay_lose(world_relay(world));
	links(world, 3, true);
	world_run(world, 30);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	assert_int_equal(world_received(world, 2, 1, 1), 1);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
	assert_true(world_send(world, 1, 0, 2));
	world_run(world, 10);
	assert_int_equal(world_received(world, 1, 0, 2), 1);
	assert_int_equal(world_received(world, 0, 1, 0), 1);
	world_destroy(world);
}

static void test_revoked_phone(void **state)
{
	struct world *world = world_create(60);
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
	assert_int_equal(talk_send_text(world_phone(world, 1)->talk, 103, BYTES_TEXT("x"), id,
					world_now(world), WORLD_UTC_MS),
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

static uint8_t authority(struct world *world, uint32_t number)
{
	return fake_relay_authority(world_relay(world), number);
}

/* Both ways, between all of the first `count`, but for `out`. */
static void all_write(struct world *world, uint32_t count, uint32_t out, uint32_t text)
{
	for (uint32_t a = 0; a < count; a++) {
		for (uint32_t b = 0; b < count; b++) {
			if (a != b && a != out && b != out)
				assert_true(world_send(world, a, b, text));
		}
	}
	world_run(world, 40);
	for (uint32_t a = 0; a < count; a++) {
		for (uint32_t b = 0; b < count; b++) {
			if (a == b || a == out || b == out)
				continue;
			assert_int_equal(world_received(world, a, b, text), 1);
			assert_int_equal(world_sent_state(world, a, b, text),
					 TALK_MESSAGE_DELIVERED);
		}
	}
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

		for (uint64_t action = 0; died > 0; action++) {
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

/* Of two entries that cannot both stand the second one fails, and says so. */
static void test_act_that_cannot_apply(void **state)
{
	struct world *world = world_create(63);
	struct world_phone *admin = world_phone(world, 0);

	(void)state;
	world_members(world, 2, false);
	world_link(world, 0, false);
	world_run(world, 1);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(talk_invite(admin->talk, 105, BYTES_TEXT("Cleo"), 86400000,
					     world_now(world), WORLD_UTC_MS),
				 SOTTO_OK);
		world_settle(admin);
	}
	world_link(world, 0, true);
	world_run(world, 10);
	assert_int_equal(admin->invited, 105);
	assert_int_equal(admin->failed_act, 105);
	world_join(world, 5);
	world_run(world, 20);
	assert_int_equal(state_of(world, 5), TALK_MEMBER);
	for (uint32_t i = 0; i < 2; i++)
		revoke(world, 5);
	admin->failed_act = 0;
	world_run(world, 10);
	assert_int_equal(admin->failed_act, 105);
	world_destroy(world);
}

/* Two phones with one phone's keys: the one that reads what it did not write stops. */
static void test_copied_phone(void **state)
{
	struct world *world = world_create(70);
	uint32_t stopped = 0;

	(void)state;
	world_members(world, 2, false);
	assert_true(world_send(world, 0, 1, 0));
	world_run(world, 10);
	world_copy(world, 1, 2);
	world_link(world, 2, true);
	world_run(world, 2);
	(void)world_send(world, 2, 0, 1);
	world_run(world, 5);
	stopped += state_of(world, 1) == TALK_COPIED;
	stopped += state_of(world, 2) == TALK_COPIED;
	assert_true(stopped > 0);
	world_destroy(world);
}

/* Key packages are renewed; a conversation that begins later uses the new one, restarts or not. */
static void test_key_packages_are_renewed(void **state)
{
	struct world *world = world_create(75);
	size_t records;

	(void)state;
	world_members(world, 2, false);
	records = fake_relay_records(world_relay(world));
	for (uint32_t day = 0; day < 20; day++) {
		world_run(world, 86400);
		links(world, 2, false);
		world_run(world, 1);
		links(world, 2, true);
		world_run(world, 5);
		world_restart(world_phone(world, day % 2));
		world_run(world, 5);
	}
	/* Each posts one a day. */
	assert_int_equal(fake_relay_records(world_relay(world)), records + 40);
	assert_true(world_send(world, 0, 1, 0));
	world_run(world, 10);
	assert_int_equal(world_received(world, 0, 1, 0), 1);
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);
}

static void test_call_messages(void **state)
{
	struct world *world = world_create(80);
	struct world_phone *caller;

	(void)state;
	world_members(world, 2, false);
	caller = world_phone(world, 0);
	assert_int_equal(talk_send_call(caller->talk, 101, BYTES_TEXT("ring"), world_now(world),
					WORLD_UTC_MS),
			 SOTTO_ERR_AGAIN);
	assert_int_equal(talk_open(caller->talk, 101, world_now(world), WORLD_UTC_MS), SOTTO_OK);
	world_settle(caller);
	world_run(world, 10);
	assert_int_equal(talk_send_call(caller->talk, 101, BYTES_TEXT("ring"), world_now(world),
					WORLD_UTC_MS),
			 SOTTO_OK);
	world_settle(caller);
	world_run(world, 2);
	assert_int_equal(world_phone(world, 1)->calls, 1);
	world_destroy(world);
}

/*
 * What is said to a locked phone, and what becomes of what it had said; world.c ends the test if a step of it
 * touches other than ring tables.
 */
static void test_locked_phone(void **state)
{
	struct world *world = world_create(31);
	struct world_phone *ben = world_phone(world, 1);
	struct talk_status status;
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
	assert_int_equal(talk_send_text(ben->talk, 100, BYTES_TEXT("no"), id, world_now(world), 0),
			 SOTTO_ERR_STATE);
	assert_int_equal(talk_mark_read(ben->talk, 100, 1), SOTTO_ERR_STATE);
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
		assert_int_equal(store_memory_rows(ben->store), rows + 3);
		world_destroy(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_and_join),
		cmocka_unit_test(test_messages_both_ways),
		cmocka_unit_test(test_offline_phone_catches_up),
		cmocka_unit_test(test_races),
		cmocka_unit_test(test_few_watches),
		cmocka_unit_test(test_two_conversations_become_one),
		cmocka_unit_test(test_restart_at_every_action),
		cmocka_unit_test(test_restart_while_joining),
		cmocka_unit_test(test_failing_calls),
		cmocka_unit_test(test_lying_relay),
		cmocka_unit_test(test_sponsor_vanishes),
		cmocka_unit_test(test_revoked_while_added),
		cmocka_unit_test(test_relay_that_lost_records),
		cmocka_unit_test(test_revoked_phone),
		cmocka_unit_test(test_next_access_key),
		cmocka_unit_test(test_revoked_phone_is_in_catch_up),
		cmocka_unit_test(test_next_access_key_comes_late),
		cmocka_unit_test(test_restart_while_revoking),
		cmocka_unit_test(test_act_that_cannot_apply),
		cmocka_unit_test(test_copied_phone),
		cmocka_unit_test(test_key_packages_are_renewed),
		cmocka_unit_test(test_call_messages),
		cmocka_unit_test(test_locked_phone),
		cmocka_unit_test(test_unlocking_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
