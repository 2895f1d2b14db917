/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power of a phone fails before every single write, sync, truncation and deletion of its vault while texts go out
 * of which one has the greatest length there is, and so comes in parts; once at who sends them, once at who gets them.
 * It starts again from what survived on the disk. Each time all of them are on both phones in the end, once, whole and
 * in one order; of the parts nothing is left, and no key and nonce was used twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "sim/frames.h"
#include "tests/talk/inside.h"
#include "tests/talk/power.h"
#include "tests/talk/steps.h"

#define TEXTS	     3 /* the middle one is long */
#define LONG	     1
#define PARTS	     3	/* records of it */
#define WORLD_POINTS 12 /* in one world; more fill its relay */
#define RUN_S	     6
#define POINTS_MIN   200 /* of both phones */

/* A sanitizer looks at memory, and all that is at work here is passed at each point: it need not see all. */
#ifdef SOTTO_SANITIZED
#define STEP 5
#else
#define STEP 1
#endif

struct trial {
	struct world *world;
	struct sim_frames *frames;
	struct power power; /* of phone 0 */
	uint32_t from;
	size_t said; /* so many texts so far */
	bool counts;
};

/* What phone 0 found when it started again. */
static struct {
	uint64_t points, sealed[PARTS + 1], parts;
} total[2];

static uint8_t room[TALK_TEXT_MAX];

static struct bytes text_of(size_t number)
{
	size_t len = number % TEXTS == LONG ? TALK_TEXT_MAX : 40;

	for (size_t i = 0; i < len; i++)
		room[i] = (uint8_t)('a' + (i * 7 + i / 251 + number) % 26);
	return BYTES(room, len);
}

static void started(void *context, struct world_phone *phone)
{
	struct trial *trial = context;

	if (phone->number != 0 || !trial->counts)
		return;
	list_for_each (element, following, &phone->talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		list_for_each (item, after, &group->outbox) {
			const struct talk_out *out = CONTAINER_OF(item, struct talk_out, list);

			if (out->type != TALK_BODY_TEXT || out->body.len < TALK_TEXT_MAX)
				continue;
			if (out->records.count == PARTS)
				total[trial->from].sealed[out->records.stored]++;
		}
		total[trial->from].parts += !list_empty(&group->coming);
	}
}

static void trial_begin(struct trial *trial, uint32_t from, uint64_t seed)
{
	*trial = (struct trial){
		.world = world_create(seed), .frames = sim_frames_create(), .from = from};
	world_listen(trial->world, sim_frames_sent, trial->frames);
	world_on_start(trial->world, started, trial);
	power_begin(&trial->power, trial->world, 0, seed);
	world_members(trial->world, 2, false);
	all_write(trial->world, 2, UINT32_MAX, 0);
	world_run(trial->world, RUN_S);
}

static void trial_end(struct trial *trial)
{
	struct sim_frames_counts counts = sim_frames_counts(trial->frames);

	assert_int_equal(counts.nonces_reused, 0);
	assert_int_equal(counts.generations_reused, 0);
	world_destroy(trial->world);
	power_end(&trial->power);
	sim_frames_destroy(trial->frames);
}

/* The row of a message; 0: it is not there. *message borrows from value. */
static uint64_t row_of(struct trial *trial, uint32_t number, const uint8_t *id,
		       struct writer *value, struct talk_message *message)
{
	struct talk_conversation with = talk_with(number == 0 ? 101 : 100);
	struct talk *talk = talk_of(trial->world, number);
	struct talk_owner owner;
	uint64_t row;

	assert_int_equal(talk_conversation_owner(talk, &with, &owner), SOTTO_OK);
	if (talk_row_find(talk, &owner, id, &row) != SOTTO_OK)
		return 0;
	assert_int_equal(store_get(&world_phone(trial->world, number)->reader, TALK_TABLE_MESSAGES,
				   talk_owner_bytes(&owner), row, value),
			 SOTTO_OK);
	assert_int_equal(talk_message_decode(writer_bytes(value), message), SOTTO_OK);
	return row;
}

static bool has(struct trial *trial, uint32_t number, const uint8_t *id)
{
	struct talk_message message;
	struct writer value;
	bool found;

	writer_init_growing(&value, &allocator_default);
	found = row_of(trial, number, id, &value, &message) != 0;
	writer_release(&value);
	return found;
}

/* Says it until it stands in the store, whatever happens to the power. */
static void say(struct trial *trial, size_t text, uint8_t *id)
{
	struct world_phone *phone = world_phone(trial->world, trial->from);
	struct talk_conversation with = talk_with(trial->from == 0 ? 101 : 100);
	uint64_t now_ns = world_now(trial->world);

	do {
		assert_int_equal(talk_send_text(phone->talk, &with, text_of(text), NULL, id, now_ns,
						WORLD_UTC_MS + now_ns / 1000000),
				 SOTTO_OK);
		world_settle(phone);
	} while (!has(trial, trial->from, id));
}

static void check_whole(struct trial *trial, uint8_t (*ids)[TALK_MESSAGE_ID_LEN])
{
	size_t placeless;

	assert_true(histories_equal(trial->world, 0, 1));
	for (uint32_t k = 0; k < 2; k++) {
		assert_int_equal(history_of(trial->world, k, 1 - k, &placeless), 2 + trial->said);
		assert_int_equal(placeless, 0);
		for (size_t i = 0; i < TEXTS; i++) {
			struct talk_message message;
			struct writer value;

			writer_init_growing(&value, &allocator_default);
			assert_true(row_of(trial, k, ids[i], &value, &message) != 0);
			assert_true(bytes_equal(message.text, text_of(trial->said - TEXTS + i)));
			assert_int_equal(message.state, k == trial->from ? TALK_MESSAGE_DELIVERED
									 : TALK_MESSAGE_RECEIVED);
			writer_release(&value);
		}
		assert_true(list_empty(&direct_of(trial->world, k, 1 - k)->coming));
		assert_true(list_empty(&direct_of(trial->world, k, 1 - k)->outbox));
		assert_int_equal(problems_of(trial->world, k), 0);
	}
}

/* The texts; the power fails before operation n of that. False: it had fewer. */
static bool exchange(struct trial *trial, uint64_t n, bool stop_again)
{
	uint8_t ids[TEXTS][TALK_MESSAGE_ID_LEN];
	uint64_t stops = trial->power.stops;

	trial->counts = true;
	trial->power.stop_again = stop_again;
	power_stop_after(&trial->power, n);
	for (size_t i = 0; i < TEXTS; i++)
		say(trial, trial->said++, ids[i]);
	world_run(trial->world, RUN_S);
	power_return(&trial->power);
	power_stop_after(&trial->power, POWER_NEVER);
	trial->power.stop_again = trial->counts = false;
	world_run(trial->world, RUN_S);
	check_whole(trial, ids);
	return trial->power.stops > stops;
}

static void sweep(uint32_t from, uint64_t seed, bool stop_again)
{
	struct trial trial;
	bool going = true;

	for (uint64_t n = 0; going;) {
		trial_begin(&trial, from, seed + n);
		for (uint32_t point = 0; going && point < WORLD_POINTS; point++) {
			going = exchange(&trial, n, stop_again);
			n += STEP;
			total[from].points += going;
		}
		trial_end(&trial);
	}
}

static void test_sending(void **state)
{
	(void)state;
	sweep(0, 12000, false);
	for (size_t i = 0; i <= PARTS; i++)
		print_message("# %llu starts with %zu of %d parts stored\n",
			      (unsigned long long)total[0].sealed[i], i, PARTS);
	/* None of its parts was at the relay, and some. */
	assert_true(total[0].sealed[0] > 0);
	assert_true(total[0].sealed[1] + total[0].sealed[2] + total[0].sealed[PARTS] > 0);
}

static void test_receiving(void **state)
{
	(void)state;
	sweep(1, 13000, true);
	/* Some of it was there. */
	assert_true(total[1].parts > 0);
	print_message("# %llu points at who sends, %llu at who gets\n",
		      (unsigned long long)total[0].points, (unsigned long long)total[1].points);
	assert_true((total[0].points + total[1].points) * STEP >= POINTS_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sending),
		cmocka_unit_test(test_receiving),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
