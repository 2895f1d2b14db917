/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and call messages: both ways, offline, in races, through restarts, losses and a relay that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sparse.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

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

struct pair {
	const struct talk_group *smaller, *larger;
};

/* The two conversations of one phone with the other, by their ids; false: there are not two. */
static bool pair_of(struct world *world, uint32_t number, struct pair *pair)
{
	size_t count = 0;

	list_for_each (element, following, &talk_of(world, number)->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->kind != TALK_DIRECT)
			continue;
		if (count++ == 0)
			pair->smaller = group;
		pair->larger = group;
	}
	if (count != 2)
		return false;
	if (memcmp(pair->smaller->id, pair->larger->id, TALK_GROUP_ID_LEN) > 0) {
		const struct talk_group *other = pair->smaller;

		pair->smaller = pair->larger;
		pair->larger = other;
	}
	return true;
}

/*
 * Both open a conversation with the other at the same time: the one of the smaller id stays, whoever made it,
 * what was said in the other one is shown, and nothing more goes there.
 */
static void test_two_conversations_become_one(void **state)
{
	uint32_t made_by[2] = {0};

	(void)state;
	for (uint64_t seed = 20; seed < 30; seed++) {
		struct world *world = world_create(seed);
		struct pair pairs[2];
		uint64_t larger_serials[2];

		world_members(world, 2, false);
		assert_true(world_send(world, 0, 1, 0));
		assert_true(world_send(world, 1, 0, 0));
		world_run(world, 10);
		for (uint32_t i = 0; i < 2; i++) {
			assert_true(pair_of(world, i, &pairs[i]));
			larger_serials[i] = pairs[i].larger->serial;
			assert_ptr_equal(direct_of(world, i, 1 - i), pairs[i].smaller);
		}
		assert_memory_equal(pairs[0].smaller->id, pairs[1].smaller->id, TALK_GROUP_ID_LEN);
		assert_memory_equal(pairs[0].larger->id, pairs[1].larger->id, TALK_GROUP_ID_LEN);
		/* Who made a group is its first leaf. */
		made_by[mls_group_own_leaf(pairs[1].smaller->mls) == 0]++;
		assert_true(world_send(world, 0, 1, 1));
		assert_true(world_send(world, 1, 0, 1));
		world_run(world, 10);
		for (uint32_t i = 0; i < 2; i++) {
			assert_int_equal(pairs[i].larger->serial, larger_serials[i]);
			assert_int_equal(world_received(world, 0, 1, i), 1);
			assert_int_equal(world_received(world, 1, 0, i), 1);
			assert_int_equal(world_sent_state(world, 0, 1, i), TALK_MESSAGE_DELIVERED);
			assert_int_equal(world_sent_state(world, 1, 0, i), TALK_MESSAGE_DELIVERED);
		}
		assert_true(world_agree(world, 0, 1));
		world_destroy(world);
	}
	assert_true(made_by[0] > 0 && made_by[1] > 0);
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

		for (uint64_t action = 0; died > 0; action += SPARSE(4)) {
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
 * honest again, and the links are new, all is there. Phones say that it is the relay, and accuse nobody else:
 * a flipped bit is no second history, and no other phone's.
 */
static void test_lying_relay(void **state)
{
	const uint32_t never = UINT32_C(1) << TALK_PROBLEM_FORKED |
			       UINT32_C(1) << TALK_PROBLEM_WITHHELD |
			       UINT32_C(1) << TALK_PROBLEM_CONTRADICTION |
			       UINT32_C(1) << TALK_PROBLEM_BLOCKED_LEAF |
			       UINT32_C(1) << TALK_PROBLEM_STUCK | UINT32_C(1) << TALK_PROBLEM_OLD;
	const uint32_t bad = UINT32_C(1) << TALK_PROBLEM_BAD_RELAY;
	uint32_t both = 0;

	(void)state;
	for (uint64_t seed = 200; seed < 206; seed++) {
		struct world *world = world_create(seed);
		uint32_t seen[3] = {0};
		uint32_t texts = 0;

		world_members(world, 3, false);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(problems_of(world, i), 0);
		world_corrupt(world, 3);
		/* Until both were told something false. What is not even understood, or never answered, is not. */
		for (; texts < 6 || (texts < 20 && (seen[1] & seen[2] & bad) == 0); texts++) {
			assert_true(world_send(world, 0, 1, texts));
			assert_true(world_send(world, 1, 2, texts));
			for (uint32_t tenth = 0; tenth < 30; tenth++) {
				world_run_ms(world, 100);
				for (uint32_t k = 0; k < 3; k++)
					seen[k] |= problems_of(world, k);
			}
		}
		for (uint32_t k = 0; k < 3; k++)
			assert_int_equal(seen[k] & never, 0);
		assert_true(((seen[0] | seen[1] | seen[2]) & bad) != 0);
		both += (seen[1] & seen[2] & bad) != 0;
		world_corrupt(world, 0);
		links(world, 3, false);
		world_run(world, 1);
		links(world, 3, true);
		world_run(world, 60);
		for (uint32_t i = 0; i < texts; i++) {
			assert_true(world_received(world, 0, 1, i) == 1);
			assert_true(world_received(world, 1, 2, i) == 1);
		}
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(state_of(world, i), TALK_MEMBER);
			/* Only what it did is still shown. */
			assert_int_equal(problems_of(world, i) & ~bad, 0);
		}
		world_destroy(world);
	}
	assert_in_range(both, 4, 6);
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

/* Who wrote was off when it arrived, and the relay lost the receipt: it is told again. */
static void test_relay_that_lost_receipts(void **state)
{
	struct world *world = world_create(51);

	(void)state;
	world_members(world, 3, false);
	assert_true(world_send(world, 0, 1, 0));
	world_run(world, 60);
	assert_true(world_send(world, 1, 0, 0));
	world_run(world, 3600);
	world_link(world, 1, false);
	world_run(world, 1);
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 5);
	world_link(world, 0, false);
	world_run(world, 1);
	world_link(world, 1, true);
	world_run(world, 10);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
	links(world, 3, false);
	world_run(world, 1);
	fake_relay_lose(world_relay(world));
	world_link(world, 1, true);
	world_link(world, 2, true);
	world_run(world, 300);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_STORED);
	world_link(world, 0, true);
	world_run(world, 120);
	assert_int_equal(world_sent_state(world, 0, 1, 1), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_received(world, 0, 1, 1), 1);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_both_ways),
		cmocka_unit_test(test_offline_phone_catches_up),
		cmocka_unit_test(test_races),
		cmocka_unit_test(test_few_watches),
		cmocka_unit_test(test_two_conversations_become_one),
		cmocka_unit_test(test_restart_at_every_action),
		cmocka_unit_test(test_failing_calls),
		cmocka_unit_test(test_lying_relay),
		cmocka_unit_test(test_relay_that_lost_records),
		cmocka_unit_test(test_relay_that_lost_receipts),
		cmocka_unit_test(test_copied_phone),
		cmocka_unit_test(test_call_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
