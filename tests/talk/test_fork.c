/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that shows some phones one history and the others another one, and then only one of them: which one stays,
 * who comes over, and what becomes of what was said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "tests/sparse.h"
#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define BIT(name)      (UINT32_C(1) << TALK_PROBLEM_##name)
#define ALL	       0x1fU
#define VICTIMS	       (PHONE(3) | PHONE(4))
#define DEVICE(number) talk_of(circle->world, number)->identity.public_key

/* From now on the relay shows these phones a copy of what it has; none: one history again. */
static void relay_fork(struct world *world, uint32_t phones, uint64_t victims)
{
	links(world, phones, false);
	world_run(world, 1);
	if (victims != 0)
		fake_relay_fork(world_relay(world), victims);
	else
		fake_relay_unfork(world_relay(world));
	links(world, phones, true);
	world_run(world, 10);
}

/* Where the two sides part, by the marks of one phone of each: does the first one's stay? */
static bool first_stays(const struct talk_group *first, const struct talk_group *second)
{
	uint64_t at;
	enum talk_branches stays = talk_branches_compare(&first->branch, &second->branch, &at);

	assert_true(stays == TALK_BRANCHES_FIRST || stays == TALK_BRANCHES_SECOND);
	/* The same seen from the other side. */
	assert_int_equal(talk_branches_compare(&second->branch, &first->branch, &at),
			 stays == TALK_BRANCHES_FIRST ? TALK_BRANCHES_SECOND : TALK_BRANCHES_FIRST);
	return stays == TALK_BRANCHES_FIRST;
}

static void assert_all_received(const struct circle *circle, uint32_t by, uint32_t text)
{
	for (uint32_t i = 0; i < circle->phones; i++) {
		if (i != by)
			assert_int_equal(circle_received(circle, i, by, text), 1);
	}
	assert_int_equal(circle_state(circle, by, text), TALK_MESSAGE_DELIVERED);
}

/* Both sides name the group, and say something under that name. */
static void sides_part(struct circle *circle, uint64_t seed)
{
	circle_begin(circle, seed, 5, ALL & ~PHONE(0));
	relay_fork(circle->world, 5, VICTIMS);
	assert_int_equal(circle_rename(circle, 1, "Left"), SOTTO_OK);
	assert_int_equal(circle_rename(circle, 3, "Right"), SOTTO_OK);
	world_run(circle->world, 20);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(circle_send(circle, i, 10 + i), SOTTO_OK);
	world_run(circle->world, 20);
	assert_int_equal(circle_received(circle, 4, 3, 13), 1);
	assert_int_equal(circle_received(circle, 1, 3, 13), 0);
	assert_int_equal(circle_received(circle, 1, 2, 12), 1);
	assert_int_equal(circle_received(circle, 4, 2, 12), 0);
}

/* All is one again, and everybody has what everybody said. */
static void assert_one(struct circle *circle, const char *name, bool left, uint32_t text)
{
	assert_true(circle_holds(circle, ALL, name));
	for (uint32_t i = 0; i < 5; i++) {
		bool came = left ? i >= 3 : i < 3;
		char *story = circle_story(circle, i, false);

		assert_all_received(circle, i, 10 + i);
		assert_int_equal(strstr(story, "branched\n") != NULL, came);
		assert_int_equal(circle_group(circle, i)->branch.fork, 0);
		free(story);
		assert_int_equal(circle_send(circle, i, text + i), SOTTO_OK);
	}
	world_run(circle->world, 30);
	for (uint32_t i = 0; i < 5; i++)
		assert_all_received(circle, i, text + i);
}

/* Runs so long; what was shown meanwhile, by any of them. */
static uint32_t shown_in(struct world *world, uint32_t phones, uint32_t seconds)
{
	uint32_t shown = 0;

	for (uint32_t s = 0; s < seconds; s++) {
		world_run(world, 1);
		for (uint32_t i = 0; i < phones; i++)
			shown |= problems_of(world, i);
	}
	return shown;
}

static void test_smaller_stays(void **state)
{
	uint32_t lefts = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 13; seed++) {
		struct circle circle;
		bool left;

		sides_part(&circle, seed);
		left = first_stays(circle_group(&circle, 1), circle_group(&circle, 3));
		lefts += left;
		relay_fork(circle.world, 5, 0);
		assert_true((shown_in(circle.world, 5, 180) & BIT(BRANCHED)) != 0);
		assert_one(&circle, left ? "Left" : "Right", left, 30);
		world_run(circle.world, 600);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(problems_of(circle.world, i) & BIT(BRANCHED), 0);
		circle_end(&circle);
	}
	/* It is neither side's, nor the larger's. */
	assert_in_range(lefts, 2, 10);
}

/* ---- *everyone* ---- */

/* A member of each side renews its path there: two epochs, and two drops, of one number. */
static void everyone_parts(struct circle *circle, uint64_t seed)
{
	struct world *world;

	circle_begin(circle, seed, 5, ALL & ~PHONE(0));
	world = circle->world;
	relay_fork(world, 5, VICTIMS);
	update_wish(world, 1, everyone_of(world, 1));
	update_wish(world, 3, everyone_of(world, 3));
	world_run(world, 30);
	assert_int_equal(epoch_at(world, 1), epoch_at(world, 3));
	assert_memory_not_equal(everyone_of(world, 1)->drops[0].name,
				everyone_of(world, 3)->drops[0].name, WIRE_HASH_LEN);
}

static void assert_everyone_one(struct world *world, uint32_t phones)
{
	for (uint32_t i = 0; i < phones; i++) {
		assert_int_equal(epoch_at(world, i), epoch_at(world, 0));
		assert_memory_equal(everyone_of(world, i)->drops[0].name,
				    everyone_of(world, 0)->drops[0].name, WIRE_HASH_LEN);
		assert_int_equal(everyone_of(world, i)->branch.fork, 0);
		assert_int_equal(state_of(world, i), TALK_MEMBER);
	}
}

static void test_everyone(void **state)
{
	uint32_t lefts = 0;

	(void)state;
	for (uint64_t seed = 21; seed < 31; seed++) {
		struct circle circle;
		uint8_t stays[LEDGER_HASH_LEN];
		uint64_t epoch;
		bool left;

		everyone_parts(&circle, seed);
		epoch = epoch_at(circle.world, 1);
		left = first_stays(everyone_of(circle.world, 1), everyone_of(circle.world, 3));
		lefts += left;
		memcpy(stays, everyone_of(circle.world, left ? 1 : 3)->branch.marks[0].hash,
		       sizeof(stays));
		relay_fork(circle.world, 5, 0);
		assert_true((shown_in(circle.world, 5, 240) & BIT(BRANCHED)) != 0);
		assert_everyone_one(circle.world, 5);
		for (uint32_t i = 0; i < 5; i++) {
			const struct talk_mark *mark =
				talk_branch_at(&everyone_of(circle.world, i)->branch, epoch);

			assert_non_null(mark);
			assert_memory_equal(mark->hash, stays, sizeof(stays));
		}
		/* The network goes on: somebody is taken out, and all others write. */
		all_write(circle.world, 5, UINT32_MAX, 1);
		revoke(circle.world, 4);
		world_run(circle.world, 60);
		assert_everyone_one(circle.world, 4);
		all_write(circle.world, 4, UINT32_MAX, 2);
		circle_end(&circle);
	}
	assert_in_range(lefts, 1, 9);
}

/* Who has the longer ledger, and the other one's is its beginning, stays: what an admin signed is not lost. */
static void test_longer_ledger_stays(void **state)
{
	(void)state;
	for (uint64_t seed = 41; seed < 47; seed++) {
		struct circle circle;
		uint64_t length;

		everyone_parts(&circle, seed);
		length = ledger_length(talk_ledger(talk_of(circle.world, 0)));
		assert_int_equal(talk_invite(talk_of(circle.world, 0), 177, BYTES_TEXT("Kim"),
					     86400000, world_now(circle.world),
					     talk_of(circle.world, 0)->utc_ms),
				 SOTTO_OK);
		world_settle(world_phone(circle.world, 0));
		world_run(circle.world, 20);
		relay_fork(circle.world, 5, 0);
		world_run(circle.world, 240);
		assert_everyone_one(circle.world, 5);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(ledger_length(talk_ledger(talk_of(circle.world, i))),
					 length + 1);
		all_write(circle.world, 5, UINT32_MAX, 1);
		circle_end(&circle);
	}
}

/* ---- Who is heard ---- */

/* What this phone would be told of a history of the group whose newest mark is small. */
static void history_made(const struct talk_group *group, uint8_t fill, struct talk_mark *marks,
			 size_t *count)
{
	*count = group->branch.count;
	memcpy(marks, group->branch.marks, *count * sizeof(*marks));
	memset(marks[0].hash, fill, sizeof(marks[0].hash));
}

/* As if this device had said so in *everyone*, and phone `to` heard it. */
static void history_say(struct circle *circle, uint32_t to, const uint8_t *key,
			const struct talk_mark *marks, size_t count)
{
	struct talk *talk = talk_of(circle->world, to);
	struct talk_branch_body body = {.marks = {.items = marks, .count = count}};
	struct talk_blob encoded = {0};
	uint8_t epoch[8];
	struct hash hash;

	for (size_t i = 0; i < sizeof(epoch); i++)
		epoch[i] = (uint8_t)(marks[0].epoch >> (56 - 8 * i));
	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto branch 1"));
	hash_update(&hash, BYTES_OF(circle_group(circle, to)->id));
	hash_update(&hash, BYTES(key, LEDGER_KEY_LEN));
	hash_update(&hash, BYTES_OF(epoch));
	hash_update(&hash, BYTES_OF(marks[0].hash));
	hash_final(&hash, body.tag);
	assert_int_equal(talk_step_begin(talk, world_now(circle->world),
					 WORLD_UTC_MS + world_now(circle->world) / 1000000),
			 SOTTO_OK);
	assert_int_equal(talk_encode(talk, &talk_branch_body_type, &body, &encoded), SOTTO_OK);
	assert_int_equal(talk_fork_receive(talk, key, talk_blob_bytes(&encoded)), SOTTO_OK);
	talk_blob_clear(talk, &encoded);
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	world_settle(world_phone(circle->world, to));
}

/* Only a member moves anybody: not who was taken out, nor who never was in. And nobody who has not our beginning. */
static void test_who_is_heard(void **state)
{
	struct talk_mark marks[TALK_BRANCH_MAX];
	struct circle local, *circle = &local;
	size_t count;

	(void)state;
	circle_begin(circle, 61, 6, ALL & ~PHONE(0));
	assert_int_equal(circle_remove(circle, 0, PHONE(4)), SOTTO_OK);
	world_run(circle->world, 20);
	history_made(circle_group(circle, 0), 0, marks, &count);
	assert_true(count > 1);
	history_say(circle, 0, DEVICE(4), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_NO);
	history_say(circle, 0, DEVICE(5), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_NO);
	/* In its own name nobody hears it. */
	history_say(circle, 0, DEVICE(0), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_NO);
	/* Nothing in common: where they part nobody can tell. */
	for (size_t i = 1; i < count; i++)
		memset(marks[i].hash, 0, sizeof(marks[i].hash));
	history_say(circle, 0, DEVICE(1), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_NO);
	/* A larger one gives way, and is told of ours; a smaller one of a member does not. */
	history_made(circle_group(circle, 0), 0xff, marks, &count);
	history_say(circle, 0, DEVICE(1), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_NO);
	assert_true(circle_group(circle, 0)->branch.doubt);
	history_made(circle_group(circle, 0), 0, marks, &count);
	history_say(circle, 0, DEVICE(1), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_FORK);
	assert_memory_equal(circle_group(circle, 0)->branch.fork_by, DEVICE(1), LEDGER_KEY_LEN);
	circle_end(circle);
}

/* ---- Between two, and in vain ---- */

/* A conversation of two of which each sees another epoch. */
static void test_direct(void **state)
{
	(void)state;
	for (uint64_t seed = 71; seed < 79; seed++) {
		struct world *world = world_create(seed);
		bool left;

		world_members(world, 3, false);
		assert_true(world_send(world, 1, 2, 1));
		world_run(world, 20);
		relay_fork(world, 3, PHONE(2));
		update_wish(world, 1, direct_of(world, 1, 2));
		update_wish(world, 2, direct_of(world, 2, 1));
		world_run(world, 20);
		assert_true(world_send(world, 1, 2, 2));
		assert_true(world_send(world, 2, 1, 3));
		world_run(world, 20);
		assert_int_equal(world_received(world, 1, 2, 2), 0);
		left = first_stays(direct_of(world, 1, 2), direct_of(world, 2, 1));
		relay_fork(world, 3, 0);
		world_run(world, 180);
		assert_int_equal(world_received(world, 1, 2, 2), 1);
		assert_int_equal(world_received(world, 2, 1, 3), 1);
		assert_true(world_agree(world, 1, 2));
		assert_memory_equal(direct_of(world, 1, 2)->drops[0].name,
				    direct_of(world, 2, 1)->drops[0].name, WIRE_HASH_LEN);
		/* Who came over has a new leaf, and the other one has not. */
		assert_true(direct_of(world, left ? 2 : 1, left ? 1 : 2)->branch.since > 1);
		all_write(world, 3, UINT32_MAX, 5);
		world_destroy(world);
	}
}

/*
 * A history that a member made up, or of whom nobody comes: a conversation of two goes on after an hour, and asks once
 * a day; a group, of which any member may take any other, is over.
 */
static void test_in_vain(void **state)
{
	struct talk_mark marks[TALK_BRANCH_MAX];
	struct circle local, *circle = &local;
	size_t count;

	(void)state;
	circle_begin(circle, 81, 4, PHONE(1) | PHONE(2));
	history_made(circle_group(circle, 0), 0, marks, &count);
	world_link(circle->world, 1, false);
	world_link(circle->world, 2, false);
	world_run(circle->world, 5);
	history_say(circle, 0, DEVICE(1), marks, count);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_FORK);
	assert_true((problems_of(circle->world, 0) & BIT(BRANCHED)) != 0);
	world_run(circle->world, 3500);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_FORK);
	world_restart(world_phone(circle->world, 0));
	world_run(circle->world, 200);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_NO);
	assert_true(talk_group_over(circle_group(circle, 0)));
	world_run(circle->world, 700);
	assert_int_equal(problems_of(circle->world, 0) & BIT(BRANCHED), 0);
	circle_end(circle);
}

/*
 * Alone behind a relay that lost everything, for hours; then it hears that others are further. They have an hour to bring it
 * back: before that nobody was there who could.
 */
static void test_ahead_in_vain(void **state)
{
	struct talk_mark marks[TALK_BRANCH_MAX];
	struct circle local, *circle = &local;
	const struct talk_branch *branch;

	(void)state;
	circle_begin(circle, 82, 4, PHONE(1) | PHONE(2));
	links(circle->world, 4, false);
	world_run(circle->world, 1);
	fake_relay_lose(world_relay(circle->world));
	world_link(circle->world, 0, true);
	world_link(circle->world, 3, true);
	world_run(circle->world, 7200);
	assert_int_equal(circle_group(circle, 0)->stuck, TALK_STUCK_LOST);
	branch = &circle_group(circle, 0)->branch;
	memcpy(marks + 1, branch->marks, branch->count * sizeof(*marks));
	marks[0] = (struct talk_mark){.epoch = marks[1].epoch + 1};
	history_say(circle, 0, DEVICE(1), marks, branch->count + 1);
	world_run(circle->world, 3500);
	assert_false(talk_group_over(circle_group(circle, 0)));
	world_run(circle->world, 200);
	assert_true(talk_group_over(circle_group(circle, 0)));
	circle_end(circle);
}

/* ---- Power cuts ---- */

/* This phone dies at its nth store action after there is one history again; how often it did. */
static uint32_t healing_with_power_cut(uint32_t victim, uint64_t action)
{
	struct circle circle;
	struct world_phone *phone;
	uint32_t deaths;

	circle_begin(&circle, 91, 4, PHONE(1) | PHONE(2) | PHONE(3));
	relay_fork(circle.world, 4, PHONE(2) | PHONE(3));
	assert_int_equal(circle_rename(&circle, 1, "Left"), SOTTO_OK);
	assert_int_equal(circle_rename(&circle, 2, "Right"), SOTTO_OK);
	update_wish(circle.world, 1, everyone_of(circle.world, 1));
	update_wish(circle.world, 2, everyone_of(circle.world, 2));
	world_run(circle.world, 20);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(circle_send(&circle, i, 10 + i), SOTTO_OK);
	world_run(circle.world, 10);
	links(circle.world, 4, false);
	world_run(circle.world, 1);
	fake_relay_unfork(world_relay(circle.world));
	phone = world_phone(circle.world, victim);
	world_die_after(phone, action);
	links(circle.world, 4, true);
	world_run(circle.world, 700);
	deaths = phone->deaths;
	world_die_after(phone, UINT64_MAX);
	world_run(circle.world, 60);
	assert_everyone_one(circle.world, 4);
	assert_true(circle_holds(&circle, 0xf, NULL));
	for (uint32_t i = 0; i < 4; i++)
		assert_all_received(&circle, i, 10 + i);
	circle_end(&circle);
	return deaths;
}

static void test_power(void **state)
{
	uint32_t points = 0;

	(void)state;
	for (uint32_t victim = 1; victim <= 2; victim++) {
		for (uint64_t action = 0; healing_with_power_cut(victim, action) > 0;
		     action += 5 * SPARSE(4))
			points++;
	}
	print_message("# %u points\n", points);
	assert_true(points > 20 / SPARSE(4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smaller_stays),
		cmocka_unit_test(test_everyone),
		cmocka_unit_test(test_longer_ledger_stays),
		cmocka_unit_test(test_who_is_heard),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_in_vain),
		cmocka_unit_test(test_ahead_in_vain),
		cmocka_unit_test(test_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
