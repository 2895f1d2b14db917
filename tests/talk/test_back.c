/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that were away, and phones that cannot follow: they come back by themselves, to the same conversations,
 * to everything that the relay still has, once and in order, and say what is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mls/group.h"
#include "tests/sparse.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define DAY    UINT64_C(86400)
#define VICTIM 2
#define PHONES 3

/* All write to all once, so that all conversations are there. */
static struct world *settled(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, PHONES, false);
	all_write(world, PHONES, UINT32_MAX, 0);
	for (uint32_t i = 0; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), 0);
	return world;
}

static void assert_whole(struct world *world, uint32_t text)
{
	all_write(world, PHONES, UINT32_MAX, text);
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_int_equal(problems_of(world, i), 0);
		assert_int_equal(mls_group_member_count(talk_of(world, i)->everyone->mls), PHONES);
		for (uint32_t k = 0; k < i; k++)
			assert_true(world_agree(world, i, k));
	}
}

struct stretch {
	uint32_t count;
	uint64_t since_ms, until_ms;
};

static enum sotto_err row_look(void *context, uint64_t index, struct bytes value)
{
	struct stretch *stretch = context;
	struct talk_message message;

	(void)index;
	assert_int_equal(talk_message_decode(value, &message), SOTTO_OK);
	if (message.kind == TALK_ROW_NOTICE && message.verb == TALK_VERB_MISSING) {
		stretch->count++;
		stretch->since_ms = message.sent_ms;
		stretch->until_ms = message.received_ms;
	}
	return SOTTO_OK;
}

/* What the phone says that it has not got from the other one. */
static struct stretch missing(struct world *world, uint32_t number, uint32_t peer)
{
	struct stretch stretch = {.count = 0};
	struct store_range range;
	struct talk_owner owner;

	talk_owner_of(direct_of(world, number, peer), &owner);
	range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(&owner));
	assert_int_equal(
		store_iterate(&world_phone(world, number)->reader, &range, row_look, &stretch),
		SOTTO_OK);
	return stretch;
}

/* What waits at the relay is read by whoever is back in time, in order and once; also behind the commits that added it anew. */
static void away(uint64_t seed, uint64_t days, bool all_there)
{
	struct world *world = settled(seed);
	uint64_t epoch = epoch_of(talk_of(world, 0)->everyone);
	uint64_t gone_ms = WORLD_UTC_MS + world_now(world) / 1000000;
	struct stretch stretch;
	uint32_t text = 1;

	assert_true(world_send(world, VICTIM, 0, 100));
	world_link(world, VICTIM, false);
	world_run(world, 1);
	assert_true(world_send(world, VICTIM, 1,
			       101)); /* queued before it goes, sent when it is back */
	for (; text <= days; text++) {
		assert_true(world_send(world, 0, VICTIM, text));
		assert_true(world_send(world, 1, VICTIM, text));
		world_run(world, DAY);
	}
	/* It was silent for half the retention: its leaf was replaced, and with it everybody can still write. */
	if (days > 8)
		assert_true(epoch_of(talk_of(world, 0)->everyone) > epoch);
	world_link(world, VICTIM, true);
	world_run(world, 60);
	for (uint32_t i = 1; i < text; i++) {
		bool there = all_there || i + 13 > days;

		assert_int_equal(world_received(world, 0, VICTIM, i), there ? 1 : 0);
		assert_int_equal(world_received(world, 1, VICTIM, i), there ? 1 : 0);
		assert_int_equal(world_sent_state(world, 0, VICTIM, i),
				 there ? TALK_MESSAGE_DELIVERED : TALK_MESSAGE_FAILED);
	}
	assert_int_equal(world_received(world, VICTIM, 1, 101), 1);
	stretch = missing(world, VICTIM, 0);
	assert_int_equal(stretch.count, all_there ? 0 : 1);
	if (!all_there) {
		/* Within the hour, and the minutes that pass here. */
		assert_true(stretch.since_ms <= gone_ms && stretch.since_ms + 3600000 > gone_ms);
		assert_in_range(stretch.until_ms, gone_ms + (days - 14) * DAY * 1000,
				gone_ms + (days - 14) * DAY * 1000 + 120000);
	}
	assert_int_equal(missing(world, 0, VICTIM).count, 0);
	assert_whole(world, 200);
	world_destroy(world);
}

static void test_away_less_than_half(void **state)
{
	(void)state;
	away(900, 5, true);
}

static void test_away_less_than_retention(void **state)
{
	(void)state;
	away(901, 12, true);
}

static void test_away_longer(void **state)
{
	(void)state;
	away(902, 20, false);
}

/* ---- Who cannot follow ---- */

/* What the phone holds of a group is not what the others hold: the next commit leads away from it. */
static void spoil(struct talk_group *group)
{
	group->mls->epoch->secrets.init.data[0] ^= 1;
}

static bool stands_still(struct world *world, uint32_t number)
{
	list_for_each (element, following, &talk_of(world, number)->groups) {
		if (CONTAINER_OF(element, struct talk_group, list)->stuck != TALK_STUCK_NO)
			return true;
	}
	return false;
}

/* Everything that was taken arrives, once, however often one of them dies on the way back. */
static bool dies_on_the_way(uint64_t seed, bool everyone, uint32_t who, uint64_t actions)
{
	struct world *world = settled(seed);
	bool taken, died;

	assert_true(world_send(world, 0, VICTIM, 1));
	world_run(world, 5);
	spoil(everyone ? talk_of(world, VICTIM)->everyone : direct_of(world, VICTIM, 0));
	update_wish(world, 0, everyone ? talk_of(world, 0)->everyone : direct_of(world, 0, VICTIM));
	while (!stands_still(world, VICTIM))
		world_run_ms(world, 1);
	world_die_after(world_phone(world, who), actions);
	taken = world_send(world, VICTIM, 0, 2);
	(void)world_send(world, 0, VICTIM, 2);
	/* A Welcome that its maker had no time to send is asked for again. */
	world_run(world, 1500);
	died = world_phone(world, who)->deaths > 0;
	world_die_after(world_phone(world, who), UINT64_MAX);
	assert_int_equal(world_received(world, VICTIM, 0, 2), taken ? 1 : 0);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_whole(world, 3);
	world_destroy(world);
	return died;
}

static void test_stops_at_every_store_action(void **state)
{
	uint32_t points = 0;

	(void)state;
	for (int everyone = 0; everyone < 2; everyone++) {
		for (uint32_t who = 0; who <= VICTIM; who += VICTIM) {
			uint64_t actions = 0;

			for (; dies_on_the_way(910, everyone != 0, who, actions);
			     actions += SPARSE(5))
				points++;
		}
	}
	print_message("# %u points\n", points);
	assert_true(points > 60 / SPARSE(5));
}

/* Who asks without a reason gets a new leaf, not more often than each ten minutes, and nothing is lost. */
static void test_asks_without_reason(void **state)
{
	struct world *world = settled(911);
	struct talk *talk = talk_of(world, VICTIM);
	uint64_t epoch = epoch_of(talk_of(world, 0)->everyone);

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(talk_step_begin(talk, world_now(world),
						 WORLD_UTC_MS + world_now(world) / 1000000),
				 SOTTO_OK);
		assert_int_equal(talk_stand_still(talk, talk->everyone, TALK_STUCK_GAP), SOTTO_OK);
		talk->everyone->asked_ms = 0;
		talk->everyone->stuck_ms = 1;
		assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
		world_settle(world_phone(world, VICTIM));
		world_run(world, 60);
	}
	/* Added anew, and renewed its path: once, not five times. */
	assert_int_equal(epoch_of(talk_of(world, 0)->everyone), epoch + 2);
	assert_whole(world, 1);
	world_destroy(world);
}

/* ---- Keys that open nothing any more ---- */

static void rotate(struct world *world, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		struct talk *talk = talk_of(world, 0);

		world_invite(world, 5);
		world_join(world, 5);
		world_run(world, 20);
		assert_int_equal(state_of(world, 5), TALK_MEMBER);
		revoke(world, 5);
		world_run(world, 20);
		assert_int_equal(state_of(world, 5), TALK_REVOKED);
		assert_int_equal(fake_relay_number(world_relay(world)), talk->access[0].number);
		world_empty(world, 5);
	}
}

/* Up to 28 keys behind it is in catch-up, and reads its way. */
static void test_keys_behind(void **state)
{
	struct world *world = settled(920);

	(void)state;
	world_link(world, VICTIM, false);
	world_run(world, 1);
	assert_true(world_send(world, 0, VICTIM, 1));
	rotate(world, 27);
	assert_true(world_send(world, 0, VICTIM, 2));
	world_link(world, VICTIM, true);
	world_run(world, 60);
	assert_int_equal(authority(world, VICTIM), WIRE_AUTHORITY_FULL);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_int_equal(world_received(world, 0, VICTIM, 2), 1);
	assert_whole(world, 3);
	world_destroy(world);
}

/* Further behind nothing opens but the porch: it asks there, and finds its way in its inbox. */
static void test_keys_too_far_behind(void **state)
{
	struct world *world = settled(921);

	(void)state;
	world_link(world, VICTIM, false);
	world_run(world, 1);
	assert_true(world_send(world, 0, VICTIM, 1));
	rotate(world, 40);
	assert_true(world_send(world, 0, VICTIM, 2));
	world_link(world, VICTIM, true);
	world_run(world, DAY);
	assert_int_equal(authority(world, VICTIM), WIRE_AUTHORITY_FULL);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_int_equal(world_received(world, 0, VICTIM, 2), 1);
	assert_whole(world, 3);
	world_destroy(world);
}

/* It stands still in *everyone* and its key is past: what it asks cannot be asked on a link in catch-up. */
static void test_stuck_in_catch_up(void **state)
{
	struct world *world = settled(922);

	(void)state;
	world_link(world, VICTIM, false);
	world_run(world, 1);
	spoil(talk_of(world, VICTIM)->everyone);
	world_restart(world_phone(world, 0));
	world_run(world, 5);
	update_wish(world, 0, talk_of(world, 0)->everyone);
	world_run(world, 5);
	rotate(world, 2);
	assert_true(world_send(world, 0, VICTIM, 1));
	world_link(world, VICTIM, true);
	world_run(world, 120);
	assert_int_equal(authority(world, VICTIM), WIRE_AUTHORITY_FULL);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_whole(world, 2);
	world_destroy(world);
}

/* ---- A relay that lost its store ---- */

struct asked {
	const struct talk *talk;
	uint8_t drop[WIRE_HASH_LEN];
	uint32_t requests;
};

static void count_pleas(void *context, const struct talk *talk, struct bytes request)
{
	struct asked *pleas = context;
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	pleas->requests += talk == pleas->talk && append_read(request, name, &sealed) &&
			   memcmp(name, pleas->drop, WIRE_HASH_LEN) == 0;
}

/* All is well, but that the relay lost something; and it goes on so. */
static void assert_lost_only(struct world *world)
{
	all_write(world, PHONES, UINT32_MAX, 300);
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_int_equal(problems_of(world, i) & ~(UINT32_C(1) << TALK_PROBLEM_LOST), 0);
		assert_int_equal(mls_group_member_count(talk_of(world, i)->everyone->mls), PHONES);
		for (uint32_t k = 0; k < i; k++)
			assert_true(world_agree(world, i, k));
	}
}

/* With all that its authors would put there again: nobody keeps the commits of so many epochs. */
#define PAST (TALK_DROPS_MAX + 2)

static void epochs_pass(struct world *world, uint32_t by, struct talk_group *group, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t epoch = epoch_of(group);

		update_wish(world, by, group);
		world_run(world, 5);
		assert_int_equal(epoch_of(group), epoch + 1);
	}
}

static void lose(struct world *world)
{
	links(world, PHONES, false);
	world_run(world, 1);
	fake_relay_lose(world_relay(world));
}

/*
 * While a phone is off the others go on, and then the relay loses everything: what led to where they are is nowhere.
 * It comes back by itself, and what both sides wrote meanwhile arrives.
 */
static void away_and_lost(uint64_t seed, bool everyone, bool keys)
{
	struct world *world = settled(seed);

	world_link(world, VICTIM, false);
	world_run(world, 1);
	assert_true(world_send(world, VICTIM, 0, 100));
	if (keys)
		rotate(world, 3);
	if (everyone)
		epochs_pass(world, 1, talk_of(world, 1)->everyone, PAST);
	epochs_pass(world, 0, direct_of(world, 0, VICTIM), PAST);
	assert_true(world_send(world, 0, VICTIM, 1));
	assert_true(world_send(world, 1, VICTIM, 1));
	world_run(world, 5);
	lose(world);
	links(world, 2, true);
	world_run(world, 60);
	world_link(world, VICTIM, true);
	world_run(world, 300);
	assert_int_equal(authority(world, VICTIM), WIRE_AUTHORITY_FULL);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_int_equal(world_received(world, 1, VICTIM, 1), 1);
	assert_int_equal(world_received(world, VICTIM, 0, 100), 1);
	assert_int_equal(world_sent_state(world, 0, VICTIM, 1), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, VICTIM, 0, 100), TALK_MESSAGE_DELIVERED);
	assert_lost_only(world);
	world_destroy(world);
}

static void test_away_while_lost(void **state)
{
	(void)state;
	away_and_lost(940, true, true);
	away_and_lost(941, true, false);
	away_and_lost(942, false, false);
}

static bool has_package(struct world *world, uint32_t number, uint32_t of)
{
	const uint8_t *key = talk_of(world, of)->identity.public_key;

	return bytes_equal(talk_blob_bytes(&talk_package_of(talk_of(world, number), key)->message),
			   talk_blob_bytes(&talk_package_of(talk_of(world, of), key)->message));
}

/* A key package that it had not read before the relay lost it is said again. */
static void test_package_lost(void **state)
{
	struct world *world = settled(949);
	struct talk *talk = talk_of(world, 0);

	(void)state;
	world_link(world, VICTIM, false);
	world_run(world, 1);
	talk_package_of(talk, talk->identity.public_key)->made_ms -= UINT64_C(2) * 86400000;
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 10);
	assert_true(has_package(world, 1, 0));
	assert_false(has_package(world, VICTIM, 0));
	lose(world);
	links(world, PHONES, true);
	world_run(world, 30);
	assert_true(has_package(world, VICTIM, 0));
	world_destroy(world);
}

/*
 * An entry that all others have read is lost before it reads it, in the epoch where all are: nobody puts that one there
 * again, and the relay withholds nothing.
 */
static void test_entry_lost(void **state)
{
	struct world *world = settled(946);
	uint64_t length;

	(void)state;
	world_link(world, VICTIM, false);
	world_run(world, 1);
	world_invite(world, PHONES);
	world_run(world, 10);
	length = ledger_length(talk_of(world, 0)->ledger);
	assert_true(ledger_length(talk_of(world, VICTIM)->ledger) < length);
	lose(world);
	links(world, PHONES, true);
	world_run(world, 30);
	assert_true(world_send(world, 0, VICTIM, 1));
	world_run(world, 300);
	assert_int_equal(ledger_length(talk_of(world, VICTIM)->ledger), length);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_lost_only(world);
	world_destroy(world);
}

static size_t total_asked(struct world *world)
{
	size_t pleas = 0;

	for (uint32_t i = 0; i < PHONES; i++) {
		list_for_each (element, following, &talk_of(world, i)->groups)
			pleas += CONTAINER_OF(element, struct talk_group, list)->asked_ms != 0;
	}
	return pleas;
}

/* Who was not behind hears the others, and nobody is added anew; also where the others come hours later. */
static void together_and_lost(uint64_t seed, uint64_t alone_s)
{
	struct world *world = settled(seed);
	uint64_t epoch = epoch_at(world, 0), direct = epoch_of(direct_of(world, 0, VICTIM));

	lose(world);
	world_link(world, VICTIM, true);
	world_run(world, alone_s);
	links(world, PHONES, true);
	world_run(world, 50);
	if (alone_s == 0)
		assert_int_equal(total_asked(world), 0);
	assert_lost_only(world);
	if (alone_s == 0) {
		assert_int_equal(epoch_at(world, VICTIM), epoch);
		assert_int_equal(epoch_of(direct_of(world, VICTIM, 0)), direct);
	}
	world_destroy(world);
}

static void test_together_while_lost(void **state)
{
	(void)state;
	together_and_lost(943, 0);
	together_and_lost(944, 45 * 60);
}

/*
 * Alone behind a relay that lost everything it asks less and less often, and commits nothing in *everyone*: the
 * others may have gone on.
 */
static void test_alone_while_lost(void **state)
{
	struct world *world = settled(945);
	struct asked pleas = {.requests = 0};
	uint64_t epoch;

	(void)state;
	world_link(world, 0, false);
	world_run(world, 1);
	epochs_pass(world, 1, talk_of(world, 1)->everyone, PAST);
	lose(world);
	epoch = epoch_at(world, 0);
	pleas.talk = talk_of(world, 0);
	memcpy(pleas.drop, talk_of(world, 0)->porch.name, WIRE_HASH_LEN);
	world_listen(world, count_pleas, &pleas);
	world_link(world, 0, true);
	world_run(world, 60);
	update_wish(world, 0, talk_of(world, 0)->everyone);
	world_run(world, 12 * 3600);
	assert_int_equal(epoch_at(world, 0), epoch);
	assert_in_range(pleas.requests, 4, 9);
	links(world, PHONES, true);
	world_run(world, 12 * 3600);
	assert_int_equal(epoch_at(world, 0), epoch_at(world, 1));
	assert_true(epoch_at(world, 0) > epoch + PAST);
	assert_lost_only(world);
	world_destroy(world);
}

/* ---- Many epochs ---- */

#define EPOCHS	  200
#define PER_EPOCH 5

static void count_asked(void *context, const struct talk *talk, struct bytes request)
{
	struct asked *asked = context;

	(void)request;
	asked->requests += talk == asked->talk;
}

/* A thousand texts through two hundred epochs: all of them, once. What that costs is printed. */
static void test_many_epochs(void **state)
{
	struct world *world = settled(940);
	struct asked asked;
	uint64_t epoch;
	uint64_t from_ns;
	clock_t from;
	uint32_t text = 1;

	(void)state;
	world_link(world, VICTIM, false);
	world_run(world, 1);
	epoch = epoch_of(direct_of(world, 0, VICTIM));
	for (uint32_t i = 0; i < EPOCHS; i++) {
		for (uint32_t k = 0; k < PER_EPOCH; k++)
			assert_true(world_send(world, 0, VICTIM, text++));
		world_run(world, 1);
		update_wish(world, 0, direct_of(world, 0, VICTIM));
		world_run(world, 2);
	}
	assert_int_equal(epoch_of(direct_of(world, 0, VICTIM)), epoch + EPOCHS);
	asked = (struct asked){.talk = talk_of(world, VICTIM)};
	world_listen(world, count_asked, &asked);
	from = clock();
	from_ns = world_now(world);
	world_link(world, VICTIM, true);
	while (world_received(world, 0, VICTIM, text - 1) == 0) {
		assert_true(world_now(world) < from_ns + 600 * WORLD_SECOND);
		world_run(world, 1);
	}
	print_message("# %d epochs, %u texts: %u requests, %.2f s of processor for all of it, "
		      "%.0f s with round trips of 10 to 120 ms\n",
		      EPOCHS, text - 1, asked.requests, (double)(clock() - from) / CLOCKS_PER_SEC,
		      (double)(world_now(world) - from_ns) / WORLD_SECOND);
	world_listen(world, NULL, NULL);
	world_run(world, 30);
	for (uint32_t i = 1; i < text; i++)
		assert_int_equal(world_received(world, 0, VICTIM, i), 1);
	assert_int_equal(epoch_of(direct_of(world, VICTIM, 0)),
			 epoch_of(direct_of(world, 0, VICTIM)));
	assert_whole(world, 5000);
	world_destroy(world);
}

/* ---- Signs of life ---- */

#define NOT_FRESH (UINT32_C(1) << TALK_PROBLEM_NOT_FRESH)

static size_t records_of_a_day(struct world *world)
{
	size_t before = fake_relay_records(world_relay(world));

	world_run(world, DAY);
	return fake_relay_records(world_relay(world)) - before;
}

/* The admin's phone is off for a day: the others begin nothing new, and what there is goes on. */
static void test_not_fresh(void **state)
{
	struct world *world = world_create(930);
	size_t records;

	(void)state;
	world_members(world, PHONES, false);
	assert_true(world_send(world, 1, 0, 1));
	assert_true(world_send(world, 0, 2, 1));
	world_run(world, 5 * 3600);
	/* One each day, and the admin's each hour; a key package, an update and receipts of each phone; updates of two pairs. */
	records = records_of_a_day(world);
	print_message("# %zu records in a day of %d phones\n", records, PHONES);
	assert_in_range(records, 24 + 2 + 4, 24 + 4 * PHONES + 4);

	world_link(world, 0, false);
	world_run(world, DAY - 2 * 3600);
	for (uint32_t i = 1; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), 0);
	world_run(world, 4 * 3600);
	for (uint32_t i = 1; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), NOT_FRESH);
	world_restart(world_phone(world, 1));
	world_run(world, 10);
	assert_int_equal(problems_of(world, 1), NOT_FRESH);
	assert_true(world_send(world, 1, 2, 2));
	assert_true(world_send(world, 1, 0, 3));
	world_run(world, 600);
	assert_int_equal(world_received(world, 1, 2, 2), 0);
	/* The other is not there yet: it is sealed for him when he is. */
	assert_int_equal(world_sent_state(world, 1, 2, 2), TALK_MESSAGE_QUEUED);
	assert_int_equal(world_sent_state(world, 1, 0, 3), TALK_MESSAGE_STORED);

	world_link(world, 0, true);
	world_run(world, 60);
	for (uint32_t i = 0; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), 0);
	assert_int_equal(world_received(world, 1, 2, 2), 1);
	assert_int_equal(world_received(world, 1, 0, 3), 1);
	/* In one place: not in the first epoch, which nobody but its founder reads. */
	assert_true(histories_equal(world, 1, 2));
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_away_less_than_half),
		cmocka_unit_test(test_away_less_than_retention),
		cmocka_unit_test(test_away_longer),
		cmocka_unit_test(test_stops_at_every_store_action),
		cmocka_unit_test(test_asks_without_reason),
		cmocka_unit_test(test_keys_behind),
		cmocka_unit_test(test_keys_too_far_behind),
		cmocka_unit_test(test_stuck_in_catch_up),
		cmocka_unit_test(test_away_while_lost),
		cmocka_unit_test(test_entry_lost),
		cmocka_unit_test(test_package_lost),
		cmocka_unit_test(test_together_while_lost),
		cmocka_unit_test(test_alone_while_lost),
		cmocka_unit_test(test_many_epochs),
		cmocka_unit_test(test_not_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
