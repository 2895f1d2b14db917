/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates: a leaf is renewed when it is old enough, by one phone at a time, no more than 24 times a day in a conversation,
 * and never in the way of anything else; and then a copy of what that phone knew opens nothing any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define HOUR_MS UINT64_C(3600000)
#define DAY_MS	(24 * HOUR_MS)
#define HOUR_S	3600
#define DAY_S	86400

static uint64_t utc_ms(struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

/* Two members who have written to each other, and each has updated its leaf since it came. */
static struct world *pair(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 0);
	world_run(world, HOUR_S);
	all_write(world, 2, UINT32_MAX, 1);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(direct_of(world, i, 1 - i)->pace.used);
	return world;
}

/* As if the leaf had become what it is so long ago, and nobody had committed for a day. */
static void age(struct world *world, struct talk_group *group, uint64_t age_ms, bool used)
{
	group->pace.leaf_ms = utc_ms(world) - age_ms;
	group->pace.spent_ms = 0;
	group->pace.used = used;
	group->settled = false;
	group->dirty = true;
}

static void tick(struct world *world, uint32_t number)
{
	assert_int_equal(talk_tick(talk_of(world, number), world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, number));
}

static void assert_well(struct world *world, uint32_t text)
{
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(problems_of(world, i), 0);
	assert_true(world_agree(world, 0, 1));
	all_write(world, 2, UINT32_MAX, text);
}

/* ---- When ---- */

static void test_when(void **state)
{
	static const struct {
		bool everyone, used;
		uint64_t age_ms;
		bool due;
	} cases[] = {
		{false, true, 12 * HOUR_MS - 1, false}, {false, true, 12 * HOUR_MS, true},
		{false, false, 28 * DAY_MS - 1, false}, {false, false, 28 * DAY_MS, true},
		{true, true, 24 * HOUR_MS - 1, false},	{true, true, 24 * HOUR_MS, true},
		{true, false, 24 * HOUR_MS - 1, false}, {true, false, 24 * HOUR_MS, true},
	};
	struct world *world = pair(2000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk *talk = talk_of(world, 0);
		struct talk_group *group =
			cases[i].everyone ? talk->everyone : direct_of(world, 0, 1);

		tick(world, 0);
		age(world, group, cases[i].age_ms, cases[i].used);
		assert_int_equal(talk_update_due(talk, group), cases[i].due);
	}
	world_destroy(world);
}

/* Of N leaves each has its turn: N times 72 minutes. */
static void test_large(void **state)
{
	struct circle circle;
	struct talk_group *group;

	(void)state;
	circle_begin(&circle, 2010, 12, 0xffe);
	world_run(circle.world, 300);
	group = circle_group(&circle, 0);
	tick(circle.world, 0);
	age(circle.world, group, 12 * TALK_UPDATE_MS - 1, true);
	assert_false(talk_update_due(talk_of(circle.world, 0), group));
	age(circle.world, group, 12 * TALK_UPDATE_MS, true);
	assert_true(talk_update_due(talk_of(circle.world, 0), group));
	circle_end(&circle);
}

enum way {
	CALL,
	CALLED,
	BLOCKED,
	NOT_FRESH,
	FULL,
	LEAVES,
	WISHED,
	SPENT,
	LOST,
	BEHIND,
	LINKED,
	GAP,
	DOUBT,
	DOUBT_EVERYONE,
	AHEAD,
	WAYS
};

static struct talk_out leave = {.type = TALK_BODY_LEAVE};
static struct talk_wish wish = {.kind = TALK_WISH_RENAME};

static void way_set(struct talk *talk, struct talk_group *group, enum way way)
{
	talk_calling(talk, way == CALL);
	group->pace.call_ns = way == CALLED ? talk->now_ns - TALK_UPDATE_CALL_MS * TALK_MS + 1 : 0;
	group->blocked = way == BLOCKED;
	talk->fresh_ms = way == NOT_FRESH ? talk->utc_ms - DAY_MS : talk->utc_ms;
	talk->full_ns = way == FULL ? talk->now_ns : 0;
	group->pace.spent_ms =
		way == SPENT ? talk->utc_ms + (TALK_UPDATE_AHEAD - 1) * TALK_UPDATE_MS + 1 : 0;
	talk->problems = way == LOST ? UINT32_C(1) << TALK_PROBLEM_LOST : 0;
	group->stuck = way == GAP ? TALK_STUCK_LOST : TALK_STUCK_NO;
	group->branch.doubt = way == DOUBT;
	talk->everyone->branch.doubt = way == DOUBT_EVERYONE;
	group->branch.ahead = way == AHEAD ? group->drops[0].epoch + 1 : 0;
	talk->behind_ns = way == BEHIND ? talk->now_ns : 0;
	talk->updates.linked_ns =
		way == LINKED ? talk->now_ns - TALK_UPDATE_LINK_MS * TALK_MS + 1 : 0;
	list_remove(&leave.list);
	list_remove(&wish.list);
	if (way == LEAVES)
		list_append(&group->outbox, &leave.list);
	if (way == WISHED)
		list_append(&group->wishes, &wish.list);
}

/* What is in the way: no update is due, and it is when that is gone. */
static void test_in_the_way(void **state)
{
	struct world *world = pair(2020);
	struct talk *talk = talk_of(world, 0);
	struct talk_group *group = direct_of(world, 0, 1);

	(void)state;
	list_init(&leave.list);
	list_init(&wish.list);
	tick(world, 0);
	age(world, group, 12 * HOUR_MS, true);
	for (int way = 0; way < WAYS; way++) {
		way_set(talk, group, (enum way)way);
		assert_false(talk_update_due(talk, group));
		way_set(talk, group, WAYS);
		assert_true(talk_update_due(talk, group));
	}
	/* And it would not be made at all while there is something else to commit, or nothing to be read. */
	assert_true(talk_group_current(talk, group));
	world_destroy(world);
}

/* What phones say by themselves is no use of a conversation. */
static void test_use(void **state)
{
	static const struct {
		uint8_t type;
		bool use;
	} cases[] = {
		{TALK_BODY_TEXT, true},	   {TALK_BODY_CALL, true},
		{TALK_BODY_ENTRY, true},   {TALK_BODY_REACTION, true},
		{TALK_BODY_READ, true},	   {TALK_BODY_RECEIPT, false},
		{TALK_BODY_BEACON, false}, {TALK_BODY_KEY_PACKAGE, false},
		{TALK_BODY_STUCK, false},  {TALK_BODY_BRANCH, false},
	};
	struct world *world = pair(2030);
	struct talk_group *group = direct_of(world, 0, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		age(world, group, HOUR_MS, false);
		talk_update_used(talk_of(world, 0), group, cases[i].type);
		assert_int_equal(group->pace.used, cases[i].use);
		assert_int_equal(group->pace.call_ns != 0, cases[i].type == TALK_BODY_CALL);
		group->pace.call_ns = 0;
	}
	/* Nor is that a receipt comes, and a text is. */
	age(world, group, HOUR_MS, false);
	age(world, direct_of(world, 1, 0), HOUR_MS, false);
	assert_true(world_send(world, 0, 1, 2));
	world_run(world, 5);
	assert_true(group->pace.used);
	assert_true(direct_of(world, 1, 0)->pace.used);
	world_destroy(world);
}

/* ---- By whom, and how often ---- */

/* Both renew their leaves once, within the hour, and then it is quiet for as long as nobody says anything. */
static void test_pair(void **state)
{
	struct world *world = pair(2040);
	uint64_t epoch = epoch_of(direct_of(world, 0, 1));

	(void)state;
	world_run(world, 10 * HOUR_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch);
	world_run(world, 2 * HOUR_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch + 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_false(direct_of(world, i, 1 - i)->pace.used);
		assert_true(direct_of(world, i, 1 - i)->pace.leaf_ms + 2 * HOUR_MS > utc_ms(world));
	}
	world_run(world, 27 * DAY_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch + 2);
	world_run(world, 2 * DAY_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch + 4);
	assert_well(world, 2);
	world_destroy(world);
}

/* *everyone*, too, once a day for each. */
static void test_everyone(void **state)
{
	struct world *world = pair(2050);
	uint64_t epoch = epoch_at(world, 0);

	(void)state;
	/* It was added, and has renewed its leaf, which was old from the beginning, within the hour. */
	assert_int_equal(epoch, 2);
	assert_true(everyone_of(world, 1)->pace.leaf_ms + HOUR_MS > utc_ms(world));
	for (uint64_t day = 1; day < 5; day++) {
		world_run(world, DAY_S + 2 * HOUR_S);
		assert_int_equal(epoch_at(world, 0), epoch + 2 * day);
	}
	assert_well(world, 2);
	world_destroy(world);
}

/* All are due at the same moment: they go one after the other by rank, as far as there are commits in hand. */
static void test_rank(void **state)
{
	enum { PHONES = 8 };
	struct circle circle;
	uint64_t epoch, discarded;
	uint64_t ranks = 0;

	(void)state;
	circle_begin(&circle, 2060, PHONES, 0xfe);
	world_run(circle.world, 60);
	epoch = epoch_of(circle_group(&circle, 0));
	discarded = circle_discarded(&circle);
	for (uint32_t i = 0; i < PHONES; i++) {
		age(circle.world, circle_group(&circle, i), DAY_MS, true);
		tick(circle.world, i);
	}
	for (uint32_t i = 0; i < PHONES; i++) {
		const struct talk_group *group = circle_group(&circle, i);
		uint32_t rank =
			talk_rank(talk_of(circle.world, i), group, BYTES_OF(group->commit_trigger));

		assert_memory_equal(group->commit_trigger, circle_group(&circle, 0)->commit_trigger,
				    WIRE_HASH_LEN);
		assert_int_equal(group->pending.count > 0, rank == 0);
		if (rank > 0)
			assert_int_equal(group->commit_due_ns,
					 world_now(circle.world) +
						 rank * TALK_UPDATE_RANK_MS * TALK_MS);
		ranks |= UINT64_C(1) << rank;
	}
	assert_int_equal(ranks, (1 << PHONES) - 1);
	/* Four are in hand, as nothing was committed for a day; then one each 72 minutes. */
	world_run(circle.world, 300);
	assert_int_equal(epoch_of(circle_group(&circle, 0)), epoch + TALK_UPDATE_AHEAD);
	world_run(circle.world, 4 * 72 * 60 + 2 * HOUR_S);
	assert_int_equal(epoch_of(circle_group(&circle, 0)), epoch + PHONES);
	assert_int_equal(circle_discarded(&circle), discarded);
	assert_true(circle_holds(&circle, 0xff, NULL));
	for (uint32_t i = 0; i < PHONES; i++)
		assert_false(circle_group(&circle, i)->pace.used);
	circle_end(&circle);
}

/* What else is to be done does not wait as long as an update of the same phone does. */
static void test_urgent(void **state)
{
	enum { PHONES = 8 };
	struct circle circle;
	struct talk_group *group;
	uint32_t who = 0, leaver;
	uint64_t epoch;

	(void)state;
	circle_begin(&circle, 2065, PHONES, 0xfe);
	world_run(circle.world, 60);
	/* Its turn is so late that it would have done the other thing long before. */
	for (;; who++) {
		assert_true(who < PHONES);
		group = circle_group(&circle, who);
		age(circle.world, group, DAY_MS, true);
		tick(circle.world, who);
		if (group->commit_due_ns != TALK_NEVER &&
		    group->commit_due_ns >
			    world_now(circle.world) + PHONES * TALK_RANK_MS * TALK_MS)
			break;
		world_run(circle.world, 2 * PHONES);
	}
	leaver = (who + 1) % PHONES;
	for (uint32_t i = 0; i < PHONES; i++) {
		if (i != who && i != leaver)
			world_link(circle.world, i, false);
	}
	epoch = epoch_of(group);
	assert_int_equal(circle_leave(&circle, leaver), SOTTO_OK);
	world_run(circle.world, PHONES * TALK_RANK_MS / 1000 + 1);
	assert_int_equal(epoch_of(group), epoch + 1);
	assert_int_equal(mls_group_member_count(group->mls), PHONES - 1);
	circle_end(&circle);
}

/* However old all leaves are, all the time: in no day there are more than 24 commits. */
static void test_day(void **state)
{
	enum { HOURS = 72 };
	struct world *world = pair(2070);
	uint64_t epochs[HOURS + 1];

	(void)state;
	for (uint32_t hour = 0; hour <= HOURS; hour++) {
		epochs[hour] = epoch_of(direct_of(world, 0, 1));
		for (uint32_t i = 0; i < 2; i++) {
			struct talk_group *group = direct_of(world, i, 1 - i);

			group->pace.leaf_ms = 0;
			group->pace.used = true;
			group->settled = false;
			tick(world, i);
		}
		world_run(world, HOUR_S);
		if (hour >= 24)
			assert_in_range(epochs[hour] - epochs[hour - 24], 15, TALK_UPDATE_DAY_MAX);
	}
	assert_well(world, 2);
	world_destroy(world);
}

/* Commits of all kinds count. */
static void test_others_count(void **state)
{
	struct world *world = pair(2080);
	struct talk_group *group = direct_of(world, 0, 1);

	(void)state;
	age(world, group, 0, true);
	for (uint32_t i = 0; i < TALK_UPDATE_AHEAD; i++) {
		update_wish(world, 1, direct_of(world, 1, 0));
		world_run(world, 5);
	}
	group->pace.leaf_ms = 0;
	assert_false(talk_update_due(talk_of(world, 0), group));
	world_run(world, 2 * HOUR_S + 60);
	assert_true(group->pace.leaf_ms != 0);
	world_destroy(world);
}

/*
 * Off while the others commit: what is read then was made in the time that has passed, so there is some left
 * for our own.
 */
static void test_off(void **state)
{
	struct world *world = pair(2090);
	uint64_t epoch;

	(void)state;
	age(world, direct_of(world, 0, 1), 0, true);
	world_link(world, 0, false);
	for (uint32_t hour = 0; hour < 16; hour++) {
		struct talk_group *group = direct_of(world, 1, 0);

		group->pace.leaf_ms = 0;
		group->pace.used = true;
		group->settled = false;
		tick(world, 1);
		world_run(world, HOUR_S);
	}
	epoch = epoch_of(direct_of(world, 1, 0));
	assert_true(epoch >= epoch_of(direct_of(world, 0, 1)) + 10);
	world_link(world, 0, true);
	world_run(world, 2 * HOUR_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch + 1);
	assert_false(direct_of(world, 0, 1)->pace.used);
	assert_well(world, 2);
	world_destroy(world);
}

/* No other conversation's either. */
static void test_call(void **state)
{
	struct world *world = pair(2100);
	uint64_t epoch = epoch_of(direct_of(world, 0, 1));
	uint64_t everyone = epoch_at(world, 0);

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		talk_calling(talk_of(world, i), true);
	world_run(world, 3 * DAY_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch);
	assert_int_equal(epoch_at(world, 0), everyone);
	for (uint32_t i = 0; i < 2; i++)
		talk_calling(talk_of(world, i), false);
	world_run(world, 2 * HOUR_S);
	assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch + 2);
	assert_int_equal(epoch_at(world, 0), everyone + 2);
	assert_well(world, 2);
	world_destroy(world);
}

/* ---- Restarts and clocks ---- */

static void test_restart(void **state)
{
	struct world *world = pair(2110);
	uint64_t epoch = epoch_of(direct_of(world, 0, 1));

	(void)state;
	for (uint32_t quarter = 0; quarter < 5; quarter++) {
		for (uint32_t i = 0; i < 2; i++) {
			struct talk_pace before = direct_of(world, i, 1 - i)->pace;
			const struct talk_pace *after;

			world_restart(world_phone(world, i));
			after = &direct_of(world, i, 1 - i)->pace;
			assert_int_equal(after->leaf_ms, before.leaf_ms);
			assert_int_equal(after->spent_ms, before.spent_ms);
			assert_int_equal(after->used, before.used);
			assert_true(after->leaf_ms != 0);
		}
		world_run(world, 3 * HOUR_S);
		assert_int_equal(epoch_of(direct_of(world, 0, 1)), epoch + (quarter < 3 ? 0 : 2));
	}
	assert_well(world, 2);
	world_destroy(world);
}

/* A clock that was set back by a year delays an update by what it may take, and not by a year. */
static void test_clock(void **state)
{
	struct world *world = pair(2120);
	struct talk *talk = talk_of(world, 0);
	struct talk_group *group = direct_of(world, 0, 1);

	(void)state;
	tick(world, 0);
	age(world, group, 0, true);
	group->pace.leaf_ms = group->pace.spent_ms = talk->utc_ms + 365 * DAY_MS;
	assert_false(talk_update_due(talk, group));
	assert_int_equal(group->pace.leaf_ms, talk->utc_ms);
	for (uint32_t half = 0; half < 2; half++) {
		assert_false(talk_update_due(talk, group));
		talk->utc_ms += 12 * HOUR_MS;
		talk->relay_ms += 12 * HOUR_MS;
		talk->fresh_ms = talk->utc_ms;
	}
	assert_true(talk_update_due(talk, group));
	talk->utc_ms -= DAY_MS;
	talk->relay_ms -= DAY_MS;
	world_destroy(world);
}

/* ---- What it is for ---- */

/* Somebody who has all that a phone knew of one conversation, and sees all that goes to the relay. */
struct thief {
	const struct talk *talk; /* whose functions it uses, and nothing else */
	struct mls_group *mls;
	enum talk_kind kind;
	struct talk_drop drop;
	uint64_t epochs;
	uint64_t opened; /* messages */
	bool shut_out;
};

static void thief_epoch(struct thief *thief)
{
	struct talk_group named = {.kind = thief->kind, .mls = thief->mls};

	assert_int_equal(talk_drop_of_epoch(thief->talk, &named, &thief->drop), SOTTO_OK);
}

static void thief_begin(struct thief *thief, const struct talk *talk,
			const struct talk_group *group)
{
	struct mls_config config = talk->mls;
	struct mls_buffer epoch = {0}, ratchets = {0};

	config.reserve_before_send = false;
	assert_int_equal(mls_group_save(group->mls, &epoch), SOTTO_OK);
	assert_int_equal(mls_group_save_ratchets(group->mls, 1, &ratchets), SOTTO_OK);
	*thief = (struct thief){.talk = talk, .kind = group->kind};
	assert_int_equal(mls_group_load(&config, BYTES_NONE, mls_buffer_bytes(&epoch),
					mls_buffer_bytes(&ratchets), &thief->mls),
			 SOTTO_OK);
	mls_buffer_release(&epoch);
	mls_buffer_release(&ratchets);
	thief_epoch(thief);
}

static void thief_message(struct thief *thief, struct bytes message)
{
	struct mls_staged *staged = NULL;
	struct mls_application application;
	struct mls_message_info info;
	uint8_t *room = malloc(message.len);

	ASSERT(room != NULL && mls_message_read(message, &info) == SOTTO_OK);
	if (info.content_type == MLS_CONTENT_APPLICATION) {
		if (mls_group_unprotect(thief->mls, message, room, message.len, &application) ==
		    SOTTO_OK)
			thief->opened++;
	} else if (mls_group_receive(thief->mls, message, &staged) != SOTTO_OK ||
		   mls_group_merge(thief->mls, &staged) != SOTTO_OK) {
		thief->shut_out = true;
	} else {
		thief->epochs++;
		thief_epoch(thief);
	}
	mls_staged_destroy(staged);
	free(room);
}

/* It knows the drops of the epochs that it can follow, and their keys. */
static void thief_sees(void *context, const struct talk *talk, struct bytes request)
{
	struct thief *thief = context;
	uint8_t name[WIRE_HASH_LEN];
	struct talk_blob message = {0};
	struct bytes sealed;

	(void)talk;
	if (thief->mls == NULL || !append_read(request, name, &sealed) ||
	    memcmp(name, thief->drop.name, sizeof(name)) != 0)
		return;
	assert_int_equal(talk_record_open(thief->talk, &thief->drop, sealed, &message), SOTTO_OK);
	thief_message(thief, talk_blob_bytes(&message));
	talk_blob_clear(thief->talk, &message);
}

/*
 * It reads along, and follows the updates of others; the first one of the phone itself shuts it out for good, and that
 * comes within 12 hours and the one after which a phone looks.
 */
static void test_copied(void **state)
{
	struct circle circle;
	struct thief thief = {0};
	uint64_t opened;

	(void)state;
	circle_begin(&circle, 2130, 4, 0xe);
	world_listen(circle.world, thief_sees, &thief);
	world_run(circle.world, HOUR_S);
	thief_begin(&thief, talk_of(circle.world, 2), circle_group(&circle, 2));
	assert_int_equal(circle_send(&circle, 0, 1), SOTTO_OK);
	assert_int_equal(circle_send(&circle, 2, 2), SOTTO_OK);
	world_run(circle.world, 60);
	assert_true(thief.opened >= 2);
	/* Somebody else's. */
	update_wish(circle.world, 1, circle_group(&circle, 1));
	world_run(circle.world, 60);
	assert_int_equal(thief.epochs, 1);
	opened = thief.opened;
	assert_int_equal(circle_send(&circle, 0, 3), SOTTO_OK);
	world_run(circle.world, 60);
	assert_true(thief.opened > opened);
	assert_false(thief.shut_out);

	world_run(circle.world, 13 * HOUR_S);
	assert_true(thief.shut_out);
	opened = thief.opened;
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(circle_send(&circle, i, 10 + i), SOTTO_OK);
	world_run(circle.world, 2 * DAY_S);
	for (uint32_t i = 0; i < 4; i++) {
		for (uint32_t k = 0; k < 4; k++)
			assert_int_equal(i == k || circle_received(&circle, i, k, 10 + k) == 1, 1);
	}
	assert_int_equal(thief.opened, opened);
	mls_group_destroy(thief.mls);
	thief.mls = NULL;
	circle_end(&circle);
}

/* In *everyone*, whose epochs name inboxes and access keys, within a day. */
static void test_copied_everyone(void **state)
{
	struct world *world = pair(2140);
	struct thief thief = {0};
	uint64_t opened;

	(void)state;
	world_run(world, 3 * HOUR_S);
	world_listen(world, thief_sees, &thief);
	thief_begin(&thief, talk_of(world, 1), everyone_of(world, 1));
	world_run(world, 3 * HOUR_S);
	assert_true(thief.opened > 0); /* what time it is */
	world_run(world, DAY_S);
	assert_true(thief.shut_out);
	opened = thief.opened;
	world_run(world, 3 * DAY_S);
	assert_int_equal(thief.opened, opened);
	assert_well(world, 2);
	mls_group_destroy(thief.mls);
	thief.mls = NULL;
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when),	   cmocka_unit_test(test_large),
		cmocka_unit_test(test_in_the_way), cmocka_unit_test(test_use),
		cmocka_unit_test(test_pair),	   cmocka_unit_test(test_everyone),
		cmocka_unit_test(test_rank),	   cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_day),	   cmocka_unit_test(test_others_count),
		cmocka_unit_test(test_off),	   cmocka_unit_test(test_call),
		cmocka_unit_test(test_restart),	   cmocka_unit_test(test_clock),
		cmocka_unit_test(test_copied),	   cmocka_unit_test(test_copied_everyone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
