/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of past epochs, and of messages that were jumped over, are there for the retention time, and then they
 * are nowhere: not in the engine, not in its store, and whether or not the phone was off or its clock was set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mls/group.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define DAY_S  86400
#define AGE_S  (14 * DAY_S) /* the relay's retention */
#define PASS_S (6 * 3600)   /* within this after it */

/* Two members with a conversation. */
static struct world *settled(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 1);
	return world;
}

/* Time passes, and no leaf becomes old enough to be renewed: what is looked for ends by its age alone. */
static void run_quiet(struct world *world, uint64_t seconds)
{
	while (seconds > 0) {
		uint64_t now_s = seconds < PASS_S ? seconds : PASS_S;

		for (uint32_t i = 0; i < 2; i++) {
			list_for_each (element, following, &talk_of(world, i)->groups) {
				struct talk_group *group =
					CONTAINER_OF(element, struct talk_group, list);

				group->pace.leaf_ms = WORLD_UTC_MS + world_now(world) / 1000000;
				group->dirty = true;
			}
		}
		world_run(world, now_s);
		seconds -= now_s;
	}
}

struct needle {
	struct bytes bytes;
	size_t found;
};

static enum sotto_err row_search(void *context, uint64_t index, struct bytes value)
{
	struct needle *needle = context;

	(void)index;
	for (size_t i = 0; i + needle->bytes.len <= value.len; i++)
		needle->found += memcmp(value.data + i, needle->bytes.data, needle->bytes.len) == 0;
	return SOTTO_OK;
}

/* Do these bytes stand in what the phone has stored of its groups? */
static bool is_stored(struct world *world, uint32_t number, struct bytes bytes)
{
	static const uint8_t tables[] = {TALK_TABLE_EPOCH, TALK_TABLE_RATCHET};
	struct needle needle = {.bytes = bytes};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct store_range range = STORE_RANGE_ALL(tables[i], BYTES_NONE);

		assert_int_equal(store_iterate(&world_phone(world, number)->reader, &range,
					       row_search, &needle),
				 SOTTO_OK);
	}
	return needle.found > 0;
}

/* A secret of the epoch before the present one. */
static struct secret past_secret(const struct talk_group *group)
{
	assert_true(group->mls->past_count > 0);
	return group->mls->past[0]->secrets.sender_data;
}

static void assert_kept(struct world *world, const struct secret *everyone,
			const struct secret *direct)
{
	assert_true(everyone_of(world, 0)->mls->past_count > 0);
	assert_true(direct_of(world, 0, 1)->mls->past_count > 0);
	assert_true(is_stored(world, 0, secret_bytes(everyone)));
	assert_true(is_stored(world, 0, secret_bytes(direct)));
}

static void assert_gone(struct world *world, const struct secret *everyone,
			const struct secret *direct)
{
	assert_int_equal(everyone_of(world, 0)->mls->past_count, 0);
	assert_int_equal(direct_of(world, 0, 1)->mls->past_count, 0);
	assert_false(is_stored(world, 0, secret_bytes(everyone)));
	assert_false(is_stored(world, 0, secret_bytes(direct)));
}

static void test_past_epochs(void **state)
{
	struct world *world = settled(1200);
	struct secret everyone = past_secret(everyone_of(world, 0));
	struct secret direct = past_secret(direct_of(world, 0, 1));
	struct secret present = everyone_of(world, 0)->mls->epoch->secrets.sender_data;

	(void)state;
	run_quiet(world, AGE_S - 3600);
	assert_kept(world, &everyone, &direct);
	run_quiet(world, 3600 + PASS_S);
	assert_gone(world, &everyone, &direct);
	/* What is in use stays, and works. */
	assert_true(is_stored(world, 0, secret_bytes(&present)));
	all_write(world, 2, UINT32_MAX, 2);
	world_restart(world_phone(world, 0));
	assert_gone(world, &everyone, &direct);
	world_destroy(world);
}

/* Neither a phone that is started every day nor one without a link forgets later. */
static void test_restarts(void **state)
{
	(void)state;
	for (uint64_t linked = 0; linked < 2; linked++) {
		struct world *world = settled(1210 + linked);
		struct secret everyone = past_secret(everyone_of(world, 0));
		struct secret direct = past_secret(direct_of(world, 0, 1));

		world_link(world, 0, linked != 0);
		for (uint32_t day = 0; day < 13; day++) {
			world_restart(world_phone(world, 0));
			run_quiet(world, DAY_S);
		}
		assert_kept(world, &everyone, &direct);
		world_restart(world_phone(world, 0));
		run_quiet(world, DAY_S + PASS_S);
		assert_gone(world, &everyone, &direct);
		world_destroy(world);
	}
}

/* Off for longer than that: as soon as it runs. */
static void test_off(void **state)
{
	struct world *world = settled(1220);
	struct secret everyone = past_secret(everyone_of(world, 0));
	struct secret direct = past_secret(direct_of(world, 0, 1));
	struct talk *talk;
	uint64_t now_ns = world_now(world) + (AGE_S + 3600) * WORLD_SECOND;

	(void)state;
	world_link(world, 0, false);
	world_restart(world_phone(world, 0));
	assert_kept(world, &everyone, &direct);
	talk = talk_of(world, 0);
	for (uint32_t s = 0; s < 2; s++, now_ns += 120 * WORLD_SECOND) {
		assert_int_equal(talk_tick(talk, now_ns, WORLD_UTC_MS + now_ns / 1000000),
				 SOTTO_OK);
		world_settle(world_phone(world, 0));
	}
	assert_gone(world, &everyone, &direct);
	world_destroy(world);
}

/* The phone alone, with a clock that is wrong by so much. */
static void run_alone(struct world *world, uint64_t *now_ns, uint64_t seconds, int64_t wrong_ms)
{
	struct world_phone *phone = world_phone(world, 0);
	uint64_t end_ns = *now_ns + seconds * WORLD_SECOND;

	while (*now_ns < end_ns) {
		uint64_t utc_ms = WORLD_UTC_MS + *now_ns / 1000000;

		assert_int_equal(talk_tick(phone->talk, *now_ns, utc_ms + (uint64_t)wrong_ms),
				 SOTTO_OK);
		world_settle(phone);
		*now_ns = talk_deadline(phone->talk) < end_ns ? talk_deadline(phone->talk) : end_ns;
	}
}

/* Back by a month in the middle: one age from then on, and no longer. */
static void test_clock_set_back(void **state)
{
	static const int64_t month_ms = INT64_C(30) * DAY_S * 1000;
	struct world *world = settled(1230);
	struct secret everyone = past_secret(everyone_of(world, 0));
	struct secret direct = past_secret(direct_of(world, 0, 1));
	uint64_t now_ns = world_now(world);

	(void)state;
	world_link(world, 0, false);
	run_alone(world, &now_ns, 10 * DAY_S, 0);
	run_alone(world, &now_ns, AGE_S - 3600, -month_ms);
	assert_kept(world, &everyone, &direct);
	run_alone(world, &now_ns, 3600 + 2 * PASS_S, -month_ms);
	assert_gone(world, &everyone, &direct);
	world_destroy(world);
}

/* What nothing changes any more is not stored again and again. */
static void test_quiet(void **state)
{
	struct world *world = settled(1240);
	uint64_t now_ns = world_now(world);
	uint64_t actions;

	(void)state;
	world_link(world, 0, false);
	run_alone(world, &now_ns, AGE_S + 3 * PASS_S, 0);
	actions = store_memory_actions(world_phone(world, 0)->store);
	run_alone(world, &now_ns, AGE_S, 0);
	assert_int_equal(store_memory_actions(world_phone(world, 0)->store), actions);
	world_destroy(world);
}

/* However many epochs there were: those whose drops are read. */
static void test_as_many_as_drops(void **state)
{
	struct world *world = settled(1250);

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		update_wish(world, 1, everyone_of(world, 1));
		world_run(world, 5);
	}
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(everyone_of(world, i)->mls->past_count, TALK_DROPS_MAX - 1);
		assert_int_equal(everyone_of(world, i)->drop_count, TALK_DROPS_MAX);
	}
	world_destroy(world);
}

static void newer_type(struct talk_frame *frame, const void *context)
{
	(void)context;
	frame->type = 200; /* whoever opens it says so */
}

/* A message that others have overtaken can be opened as long as it may stand at the relay. */
static void test_jumped_over(void **state)
{
	static const struct {
		uint64_t late_s;
		bool opened;
	} cases[] = {{3600, true}, {AGE_S - 3600, true}, {AGE_S + 2 * PASS_S, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *world = settled(1260 + i);
		struct talk_group *group = direct_of(world, 1, 0);
		struct talk_blob record = {0};

		frame_seal(world, 1, group, newer_type, NULL, &record);
		assert_true(world_send(world, 1, 0, 2));
		world_run(world, 10);
		assert_int_equal(world_received(world, 1, 0, 2), 1);
		run_quiet(world, cases[i].late_s);
		assert_int_equal(problems_of(world, 0), 0);
		fake_relay_put(world_relay(world), group->drops[0].name, talk_blob_bytes(&record));
		world_run(world, 10);
		assert_int_equal(problems_of(world, 0),
				 cases[i].opened ? UINT32_C(1) << TALK_PROBLEM_OLD : 0);
		assert_int_equal(state_of(world, 1), TALK_MEMBER);
		talk_blob_clear(talk_of(world, 1), &record);
		world_destroy(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_past_epochs), cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_off),	    cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_quiet),	    cmocka_unit_test(test_as_many_as_drops),
		cmocka_unit_test(test_jumped_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
