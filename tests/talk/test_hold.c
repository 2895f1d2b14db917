/* SPDX-License-Identifier: Apache-2.0 */
/* Who is suspended, and whose membership ends: what is sent to him then, and what others go on with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "talk/admins.h"
#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define PHONES	4
#define DAY_S	86400
#define BIT(p)	(UINT32_C(1) << TALK_PROBLEM_##p)
#define WEEK_MS (7 * UINT64_C(86400000))

static uint64_t utc(struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

static void suspend(struct world *world, uint32_t number)
{
	assert_int_equal(talk_suspend(talk_of(world, 0), world_extension(world, number),
				      world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 10);
}

static void term(struct world *world, uint32_t number, uint64_t until_ms)
{
	assert_int_equal(talk_term(talk_of(world, 0), world_extension(world, number), until_ms,
				   world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 10);
}

/* For a day nothing is sent to him, one to one and where he is in a group; what waited comes then. */
static void test_a_day(void **state)
{
	struct circle circle;
	struct world *world;
	struct talk_conversation with = talk_with(103);

	(void)state;
	circle_begin(&circle, 920, PHONES, PHONE(1) | PHONE(3));
	world = circle.world;
	assert_true(world_send(world, 1, 3, 0));
	world_run(world, 20);
	suspend(world, 3);
	assert_true(world_send(world, 1, 3, 1));
	assert_true(world_send(world, 1, 2, 2));
	assert_int_equal(circle_send(&circle, 1, 3), SOTTO_OK);
	assert_int_equal(talk_send_call(talk_of(world, 1), 103, BYTES_TEXT("call"),
					world_now(world), utc(world)),
			 SOTTO_ERR_DENIED);
	world_run(world, 3600);
	assert_int_equal(world_received(world, 1, 3, 1), 0);
	assert_int_equal(world_sent_state(world, 1, 3, 1), TALK_MESSAGE_QUEUED);
	assert_int_equal(world_received(world, 1, 2, 2), 1);
	assert_int_equal(circle_received(&circle, 0, 1, 3), 0);
	assert_true(talk_conversation_held(talk_of(world, 1), &with));
	assert_int_equal(problems_of(world, 1), BIT(HELD));
	assert_int_equal(problems_of(world, 2), 0);
	/* A restart forgets nothing of it. */
	world_restart(world_phone(world, 1));
	world_run(world, DAY_S - 3600 - 60);
	assert_int_equal(world_received(world, 1, 3, 1), 0);
	world_run(world, 120);
	assert_int_equal(world_received(world, 1, 3, 1), 1);
	assert_int_equal(circle_received(&circle, 3, 1, 3), 1);
	assert_int_equal(problems_of(world, 1), 0);
	circle_end(&circle);
}

/* Who wants to go on takes him out of the group. */
static void test_group_goes_on_without(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 921, PHONES, PHONE(1) | PHONE(3));
	suspend(circle.world, 3);
	assert_int_equal(circle_send(&circle, 1, 1), SOTTO_OK);
	world_run(circle.world, 20);
	assert_int_equal(circle_received(&circle, 0, 1, 1), 0);
	assert_int_equal(circle_remove(&circle, 0, PHONE(3)), SOTTO_OK);
	world_run(circle.world, 30);
	assert_true(circle_holds(&circle, PHONE(0) | PHONE(1), NULL));
	assert_int_equal(circle_received(&circle, 0, 1, 1), 1);
	assert_int_equal(circle_received(&circle, 3, 1, 1), 0);
	circle_end(&circle);
}

/* At the end of a membership his phone sends nothing more, groups go on without him, and a later end lets him in again. */
static void test_membership_ends(void **state)
{
	struct circle circle;
	struct world *world;

	(void)state;
	circle_begin(&circle, 922, PHONES, PHONE(1) | PHONE(3));
	world = circle.world;
	term(world, 3, utc(world) + 3600 * 1000);
	assert_true(world_send(world, 3, 1, 0));
	world_run(world, 30);
	assert_int_equal(world_received(world, 3, 1, 0), 1);
	world_run(world, 3600);
	assert_int_equal(problems_of(world, 3) & BIT(ENDED), BIT(ENDED));
	assert_true(world_send(world, 3, 1, 1));
	assert_true(world_send(world, 1, 3, 2));
	assert_int_equal(circle_send(&circle, 1, 3), SOTTO_OK);
	world_run(world, 7200);
	assert_int_equal(world_received(world, 3, 1, 1), 0);
	assert_int_equal(world_received(world, 1, 3, 2), 0);
	assert_true(circle_holds(&circle, PHONE(0) | PHONE(1), NULL));
	assert_int_equal(circle_received(&circle, 0, 1, 3), 1);
	assert_int_equal(circle_received(&circle, 3, 1, 3), 0);
	assert_int_equal(problems_of(world, 1), BIT(HELD));
	term(world, 3, utc(world) + WEEK_MS);
	world_run(world, 60);
	assert_int_equal(problems_of(world, 3), 0);
	assert_int_equal(world_received(world, 3, 1, 1), 1);
	assert_int_equal(world_received(world, 1, 3, 2), 1);
	assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
	world_run(world, 60);
	assert_true(circle_holds(&circle, PHONE(0) | PHONE(1) | PHONE(3), NULL));
	circle_end(&circle);
}

/* Where phones and relay disagree about the time nobody is taken out of a group, and nothing is sent either. */
static void test_no_agreed_time(void **state)
{
	struct circle circle;
	struct world *world;

	(void)state;
	circle_begin(&circle, 923, PHONES, PHONE(1) | PHONE(3));
	world = circle.world;
	term(world, 3, utc(world) + 3600 * 1000);
	for (uint32_t i = 0; i < PHONES; i++)
		world_phone(world, i)->clock_offset_ms = -(int64_t)WEEK_MS;
	links(world, PHONES, false);
	world_run(world, 1);
	links(world, PHONES, true);
	world_run(world, 3 * 3600);
	assert_true(circle_holds(&circle, PHONE(0) | PHONE(1) | PHONE(3), NULL));
	assert_int_equal(circle_send(&circle, 1, 1), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(circle_received(&circle, 0, 1, 1), 0);
	for (uint32_t i = 0; i < PHONES; i++)
		world_phone(world, i)->clock_offset_ms = 0;
	links(world, PHONES, false);
	world_run(world, 1);
	links(world, PHONES, true);
	world_run(world, 2 * 3600);
	assert_true(circle_holds(&circle, PHONE(0) | PHONE(1), NULL));
	assert_int_equal(circle_received(&circle, 0, 1, 1), 1);
	circle_end(&circle);
}

/* Of three admins two must sign: when one of them is not heard of any more it is said. */
static void test_few_admins(void **state)
{
	struct world *world = world_create(924);

	(void)state;
	world_members(world, PHONES, false);
	world_run(world, 20);
	for (uint32_t i = 1; i < 3; i++) {
		assert_int_equal(talk_admin_add(talk_of(world, 0), world_extension(world, i), 0,
						i == 2 ? 2 : 0, world_now(world), utc(world)),
				 SOTTO_OK);
		world_settle(world_phone(world, 0));
		world_run(world, 20);
	}
	assert_int_equal(problems_of(world, 3), 0);
	world_link(world, 2, false);
	world_run(world, DAY_S);
	assert_int_equal(problems_of(world, 3), 0);
	world_run(world, 2 * DAY_S);
	assert_int_equal(problems_of(world, 3), BIT(FEW_ADMINS));
	world_link(world, 2, true);
	world_run(world, 60);
	assert_int_equal(problems_of(world, 3), 0);
	world_destroy(world);
}

static const uint8_t *const hashes[] = {
	(const uint8_t *)"release one release one release ",
	(const uint8_t *)"release two release two release ",
};

static void name_release(struct world *world, uint32_t number)
{
	union ledger_body body = {.release = {.number = number, .version = BYTES_TEXT("1.0")}};

	memcpy(body.release.hash, hashes[number - 1], LEDGER_HASH_LEN);
	assert_int_equal(
		talk_act_of(talk_of(world, 0), LEDGER_RELEASE, &body, world_now(world), utc(world)),
		SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 10);
}

static void least(struct world *world, uint32_t number)
{
	union ledger_body body;

	ledger_policy(talk_ledger(talk_of(world, 0)), &body.policy);
	body.policy.release_min = number;
	assert_int_equal(
		talk_act_of(talk_of(world, 0), LEDGER_POLICY, &body, world_now(world), utc(world)),
		SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 10);
}

/* As a program sets it up at its start. */
static void runs(struct world *world, uint32_t phone, uint32_t number)
{
	memcpy(talk_of(world, phone)->release, hashes[number - 1], LEDGER_HASH_LEN);
}

/* All see which one each runs; who runs an older one than the policy allows is sent nothing and sends nothing. */
static void test_releases(void **state)
{
	struct world *world = world_create(925);
	uint32_t number;

	(void)state;
	world_members(world, PHONES, false);
	name_release(world, 1);
	name_release(world, 2);
	for (uint32_t i = 0; i < PHONES; i++)
		runs(world, i, i == 3 ? 1 : 2);
	assert_false(talk_device_release(talk_of(world, 2), talk_of(world, 3)->identity.public_key,
					 &number) &&
		     number != 0);
	all_write(world, PHONES, UINT32_MAX, 0);
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_true(talk_device_release(talk_of(world, 1),
						talk_of(world, i)->identity.public_key, &number));
		assert_int_equal(number, i == 3 ? 1 : 2);
	}
	/* Two that are allowed are no problem. */
	least(world, 1);
	all_write(world, PHONES, UINT32_MAX, 1);
	assert_int_equal(problems_of(world, 3), 0);
	least(world, 2);
	assert_int_equal(problems_of(world, 3), BIT(RELEASE));
	assert_int_equal(problems_of(world, 1), BIT(HELD));
	assert_true(world_send(world, 3, 1, 2));
	assert_true(world_send(world, 1, 3, 3));
	assert_true(world_send(world, 1, 2, 4));
	world_run(world, 600);
	assert_int_equal(world_received(world, 3, 1, 2), 0);
	assert_int_equal(world_received(world, 1, 3, 3), 0);
	assert_int_equal(world_received(world, 1, 2, 4), 1);
	/* Its owner installs the newer one; as soon as it has said anything the others know. */
	world_restart(world_phone(world, 3));
	runs(world, 3, 2);
	world_run(world, 60);
	assert_int_equal(world_received(world, 3, 1, 2), 1);
	assert_int_equal(world_received(world, 1, 3, 3), 1);
	assert_int_equal(problems_of(world, 3), 0);
	assert_int_equal(problems_of(world, 1), 0);
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day),
		cmocka_unit_test(test_group_goes_on_without),
		cmocka_unit_test(test_membership_ends),
		cmocka_unit_test(test_no_agreed_time),
		cmocka_unit_test(test_few_admins),
		cmocka_unit_test(test_releases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
