/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was added, and whose adder went before it was in: the Welcome never left, or the newcomer may not take it any
 * more. Somebody else adds it anew, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define ADDER 1
#define NEW   3

/* Does this phone hold a way in, of which the relay has nothing? */
static bool holds_unsent(struct world *world, uint32_t number)
{
	list_for_each (element, following, &talk_of(world, number)->parcels) {
		if (CONTAINER_OF(element, struct talk_sent_parcel, list)->records.stored == 0)
			return true;
	}
	return false;
}

/* Phone 0 made a group with the adder and phone 2; the adder adds the newcomer, and falls silent before the Welcome
 * leaves it. */
static void begin_unsent(struct circle *circle, uint64_t seed)
{
	circle_begin(circle, seed, 5, PHONE(ADDER) | PHONE(2));
	assert_int_equal(circle_add(circle, ADDER, PHONE(NEW)), SOTTO_OK);
	for (uint32_t ms = 0; !holds_unsent(circle->world, ADDER); ms++) {
		assert_true(ms < 20000);
		world_run_ms(circle->world, 1);
	}
	world_link(circle->world, ADDER, false);
	world_run(circle->world, 60);
	assert_true(circle_sees(circle, 0, 0xf));
	assert_null(circle_group(circle, NEW));
	assert_true(talk_owed(circle_group(circle, 0),
			      talk_of(circle->world, NEW)->identity.public_key));
}

/* It is in, can write and is read, and nobody owes anybody anything. */
static void assert_in(struct circle *circle, circle_phones members, uint32_t text)
{
	uint64_t epoch = circle_group(circle, 0)->drops[0].epoch;

	for (uint32_t i = 0; i < circle->phones; i++) {
		if ((members & PHONE(i)) == 0)
			continue;
		assert_int_equal(problems_of(circle->world, i), 0);
		assert_non_null(circle_group(circle, i));
		assert_true(circle_sees(circle, i, members));
		assert_int_equal(circle_group(circle, i)->drops[0].epoch, epoch);
		assert_int_equal(circle_group(circle, i)->owed_count, 0);
		assert_int_equal(circle_send(circle, i, text + i), SOTTO_OK);
	}
	world_run(circle->world, 60);
	for (uint32_t i = 0; i < circle->phones; i++) {
		for (uint32_t k = 0; k < circle->phones; k++) {
			if (i != k && (members & PHONE(i)) != 0 && (members & PHONE(k)) != 0)
				assert_int_equal(circle_received(circle, i, k, text + k), 1);
		}
	}
	/* Nothing goes on there. */
	assert_int_equal(circle_group(circle, 0)->drops[0].epoch, epoch);
}

static void test_never_sent(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 6; seed++) {
		struct circle circle;

		begin_unsent(&circle, seed);
		revoke(circle.world, ADDER);
		world_run(circle.world, 60);
		assert_in(&circle, 0xd, 10);
		circle_end(&circle);
	}
}

/* What is owed is known after a restart, too. */
static void test_never_sent_and_restarted(void **state)
{
	struct circle circle;

	(void)state;
	begin_unsent(&circle, 10);
	for (uint32_t i = 0; i < 5; i++) {
		if (i != ADDER)
			world_restart(world_phone(circle.world, i));
	}
	world_run(circle.world, 30);
	assert_true(talk_owed(circle_group(&circle, 2),
			      talk_of(circle.world, NEW)->identity.public_key));
	revoke(circle.world, ADDER);
	world_run(circle.world, 60);
	assert_in(&circle, 0xd, 10);
	circle_end(&circle);
}

/* The Welcome is there, and its author out when the newcomer looks: it is not taken, and another one comes. */
static void test_refused(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 20, 5, PHONE(ADDER) | PHONE(2));
	world_link(circle.world, NEW, false);
	world_run(circle.world, 2);
	assert_int_equal(circle_add(&circle, ADDER, PHONE(NEW)), SOTTO_OK);
	world_run(circle.world, 30);
	assert_false(holds_unsent(circle.world, ADDER));
	assert_true(circle_sees(&circle, 0, 0xf));
	/* Those who could add it anew are off meanwhile: it reads the first Welcome, and nothing comes of it. */
	world_link(circle.world, 2, false);
	world_run(circle.world, 2);
	revoke(circle.world, ADDER);
	while (ledger_member_by_extension(talk_ledger(talk_of(circle.world, 0)), 101)->state !=
	       LEDGER_MEMBER_REVOKED)
		world_run_ms(circle.world, 1);
	world_link(circle.world, 0, false);
	world_link(circle.world, NEW, true);
	world_run(circle.world, 60);
	assert_null(circle_group(&circle, NEW));
	world_link(circle.world, 0, true);
	world_link(circle.world, 2, true);
	world_run(circle.world, 90);
	assert_in(&circle, 0xd, 10);
	circle_end(&circle);
}

/* Whoever came in by the same Welcome did not see who added the others: who has not renewed its leaf is owed a way in. */
static void test_added_together(void **state)
{
	struct circle circle;
	uint32_t others[2] = {102, 103};
	struct talk *talk;

	(void)state;
	circle_begin(&circle, 30, 5, PHONE(2));
	world_link(circle.world, NEW, false);
	world_run(circle.world, 2);
	talk = talk_of(circle.world, ADDER);
	assert_int_equal(talk_group_create(talk, BYTES_TEXT("Quay"), others, 2, circle.id,
					   world_now(circle.world),
					   WORLD_UTC_MS + world_now(circle.world) / 1000000),
			 SOTTO_OK);
	world_settle(world_phone(circle.world, ADDER));
	world_run(circle.world, 60);
	assert_true(circle_sees(&circle, 2, 0xe));
	world_link(circle.world, ADDER, false);
	revoke(circle.world, ADDER);
	world_run(circle.world, 60);
	assert_true(circle_sees(&circle, 2, 0xc));
	world_link(circle.world, NEW, true);
	world_run(circle.world, 60);
	assert_non_null(circle_group(&circle, NEW));
	assert_true(circle_sees(&circle, 2, 0xc));
	assert_true(circle_sees(&circle, NEW, 0xc));
	assert_int_equal(circle_send(&circle, NEW, 1), SOTTO_OK);
	world_run(circle.world, 30);
	assert_int_equal(circle_received(&circle, 2, NEW, 1), 1);
	circle_end(&circle);
}

/* Its adder is off, or leaves the group, and may stay in the network: the Welcome comes from him, if late. */
static void test_adder_leaves(void **state)
{
	struct circle circle;

	(void)state;
	begin_unsent(&circle, 40);
	assert_int_equal(circle_remove(&circle, 0, PHONE(ADDER)), SOTTO_OK);
	world_run(circle.world, 60);
	assert_true(circle_sees(&circle, 0, 0xd));
	assert_null(circle_group(&circle, NEW));
	world_link(circle.world, ADDER, true);
	world_run(circle.world, 60);
	assert_in(&circle, 0xd, 10);
	circle_end(&circle);

	/* Out of the group before he is out of the network: then he owes it still. */
	begin_unsent(&circle, 41);
	assert_int_equal(circle_remove(&circle, 0, PHONE(ADDER)), SOTTO_OK);
	world_run(circle.world, 60);
	revoke(circle.world, ADDER);
	world_run(circle.world, 60);
	assert_in(&circle, 0xd, 10);
	circle_end(&circle);
}

/* Who never comes is added anew once, not again and again; and again when that adder goes, too. */
static void test_not_endlessly(void **state)
{
	struct circle circle;
	uint64_t epoch;

	(void)state;
	begin_unsent(&circle, 50);
	world_link(circle.world, NEW, false);
	revoke(circle.world, ADDER);
	world_run(circle.world, 60);
	epoch = circle_group(&circle, 0)->drops[0].epoch;
	for (uint32_t i = 0; i < 4; i++)
		world_run(circle.world, 1200);
	assert_int_equal(circle_group(&circle, 0)->drops[0].epoch, epoch);
	assert_true(circle_sees(&circle, 0, 0xd));
	assert_int_equal(circle_group(&circle, 0)->owed_count, 1);
	world_link(circle.world, NEW, true);
	world_run(circle.world, 60);
	assert_in(&circle, 0xd, 10);
	circle_end(&circle);
}

/* The same in *everyone*: whoever put the newcomer there is out before its parcel left. False: phone 0 did. */
static bool newcomer_comes(uint64_t seed)
{
	struct world *world = world_create(seed);
	uint32_t sponsor = UINT32_MAX;

	world_members(world, 4, false);
	world_run(world, 30);
	world_invite(world, 4);
	world_join(world, 4);
	for (uint32_t ms = 0; sponsor == UINT32_MAX; ms++) {
		assert_true(ms < 60000);
		world_run_ms(world, 1);
		for (uint32_t i = 0; i < 4; i++)
			sponsor = holds_unsent(world, i) ? i : sponsor;
	}
	if (sponsor == 0) {
		world_destroy(world);
		return false;
	}
	world_link(world, sponsor, false);
	world_run(world, 120);
	assert_int_equal(state_of(world, 4), TALK_JOINING);
	/* The porch is read again, and what is owed is in the store. */
	world_restart(world_phone(world, 0));
	world_run(world, 30);
	revoke(world, sponsor);
	world_run(world, 120);
	assert_int_equal(state_of(world, 4), TALK_MEMBER);
	for (uint32_t i = 0; i < 5; i++) {
		if (i == sponsor)
			continue;
		assert_int_equal(problems_of(world, i), 0);
		assert_true(world_agree(world, 0, i));
		assert_int_equal(everyone_of(world, i)->owed_count, 0);
	}
	assert_true(world_send(world, 4, 0, 1));
	assert_true(world_send(world, 0, 4, 2));
	world_run(world, 60);
	assert_int_equal(world_received(world, 4, 0, 1), 1);
	assert_int_equal(world_received(world, 0, 4, 2), 1);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(i == sponsor || list_empty(&talk_of(world, i)->petitions));
	world_destroy(world);
	return true;
}

static void test_newcomer(void **state)
{
	uint32_t tried = 0;

	(void)state;
	for (uint64_t seed = 60; seed < 72; seed++)
		tried += newcomer_comes(seed);
	assert_true(tried >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_sent),
		cmocka_unit_test(test_never_sent_and_restarted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_added_together),
		cmocka_unit_test(test_adder_leaves),
		cmocka_unit_test(test_not_endlessly),
		cmocka_unit_test(test_newcomer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
