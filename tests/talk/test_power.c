/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power of a phone fails before every single write, sync, truncation and deletion of its vault while
 * it sends and receives. It starts again from what survived on the disk and goes on; the relay and the
 * other phone have kept whatever had left. Each time: the vault and the engine open, every text that was
 * taken arrives exactly once in both directions, and no key and nonce was ever used for two contents, also
 * not in requests that were lost on the way.
 *
 * The control forgets one batch that it said was durable, and must be caught.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "sim/frames.h"
#include "tests/sparse.h"
#include "tests/talk/power.h"
#include "tests/talk/world.h"

#define POINTS_MIN   500 /* of all tests */
#define WORLD_POINTS 48	 /* exchanges in one world; more fill its relay */
#define EXCHANGE_S   6

struct trial {
	struct world *world;
	struct sim_frames *frames;
	struct power power; /* of phone 0 */
};

static struct {
	uint64_t points, stops, frames, records, again;
} total;

/* Phone 0 is over the vault, phone 1 in memory; both are members. */
static void trial_begin(struct trial *trial, uint64_t seed)
{
	*trial = (struct trial){.world = world_create(seed), .frames = sim_frames_create()};
	world_listen(trial->world, sim_frames_sent, trial->frames);
	power_begin(&trial->power, trial->world, 0, seed);
	world_members(trial->world, 2, false);
}

static void trial_end(struct trial *trial)
{
	struct sim_frames_counts counts = sim_frames_counts(trial->frames);

	total.stops += trial->power.stops;
	total.frames += counts.frames;
	total.records += counts.records;
	total.again += counts.again;
	world_destroy(trial->world);
	power_end(&trial->power);
	sim_frames_destroy(trial->frames);
}

static void check_nonces(const struct trial *trial)
{
	struct sim_frames_counts counts = sim_frames_counts(trial->frames);

	assert_int_equal(counts.nonces_reused, 0);
	assert_int_equal(counts.generations_reused, 0);
}

static void check_whole(const struct trial *trial, uint32_t text, bool taken)
{
	struct world *world = trial->world;
	struct talk_status status;
	uint32_t received = world_received(world, 0, 1, text);

	talk_status(world_phone(world, 0)->talk, &status);
	assert_int_equal(status.state, TALK_MEMBER);
	assert_int_equal(status.problems & ~(UINT32_C(1) << TALK_PROBLEM_ONE_PERSON), 0);
	assert_int_equal(status.queued, 0);
	assert_int_equal(status.unacknowledged, 0);
	assert_true(world_agree(world, 0, 1));
	/* Durable although the phone died before it could say so: then it goes its way as well. */
	assert_int_equal(received, world_sent_state(world, 0, 1, text) == 0 ? 0 : 1);
	if (received != 0)
		assert_int_equal(world_sent_state(world, 0, 1, text), TALK_MESSAGE_DELIVERED);
	if (taken)
		assert_int_equal(received, 1);
	assert_int_equal(world_received(world, 1, 0, text), 1);
	assert_int_equal(world_sent_state(world, 1, 0, text), TALK_MESSAGE_DELIVERED);
	check_nonces(trial);
}

static void restart(struct trial *trial)
{
	world_restart(world_phone(trial->world, 0));
	world_run(trial->world, EXCHANGE_S);
}

/* One text in each direction; the power fails before operation n of that. False: it had fewer. */
static bool exchange(struct trial *trial, uint32_t text, uint64_t n, bool stop_again)
{
	uint64_t stops = trial->power.stops;
	bool taken;

	trial->power.stop_again = stop_again;
	power_stop_after(&trial->power, n);
	taken = world_send(trial->world, 0, 1, text);
	assert_true(world_send(trial->world, 1, 0, text));
	world_run(trial->world, EXCHANGE_S);
	power_return(&trial->power);
	power_stop_after(&trial->power, POWER_NEVER);
	trial->power.stop_again = false;
	world_run(trial->world, EXCHANGE_S);
	check_whole(trial, text, taken);
	return trial->power.stops > stops;
}

struct sweep {
	uint64_t seed;
	uint32_t
		world_points; /* exchanges in one world; 1: the exchange opens the conversation too */
	bool stop_again;
	/* A restart before each exchange: with nothing left of what was reserved before, the first thing
	 * that the phone does is to reserve, and to send. */
	bool restart;
};

/* Every operation of an exchange, or every few. */
static void sweep(const struct sweep *how)
{
	struct trial trial;
	bool going = true;

	for (uint64_t n = 0; going;) {
		trial_begin(&trial, how->seed + n);
		if (how->world_points > 1)
			(void)exchange(&trial, 0, POWER_NEVER, false);
		for (uint32_t text = 1; going && text <= how->world_points; text++) {
			if (how->restart)
				restart(&trial);
			going = exchange(&trial, text, n, how->stop_again);
			n += SPARSE(5);
			total.points += going;
		}
		trial_end(&trial);
	}
}

static void test_conversation(void **state)
{
	(void)state;
	sweep(&(struct sweep){.seed = 1000, .world_points = WORLD_POINTS, .stop_again = true});
	sweep(&(struct sweep){.seed = 2000, .world_points = WORLD_POINTS, .restart = true});
}

static void test_opening_a_conversation(void **state)
{
	(void)state;
	sweep(&(struct sweep){.seed = 9000, .world_points = 1});
}

/* The same with a store that keeps what it says, and with one that forgets a batch. */
static void test_forgotten_batch_is_caught(void **state)
{
	(void)state;
	for (int forgets = 0; forgets < 2; forgets++) {
		struct trial trial;
		struct sim_frames_counts counts;

		trial_begin(&trial, 42);
		(void)exchange(&trial, 0, POWER_NEVER, false);
		restart(&trial);
		trial.power.forgets = forgets != 0;
		assert_true(world_send(trial.world, 0, 1, 1));
		trial.power.forgets = false;
		restart(&trial); /* what was on its way is lost */
		(void)world_send(trial.world, 0, 1, 2);
		world_run(trial.world, EXCHANGE_S);
		counts = sim_frames_counts(trial.frames);
		assert_int_equal(counts.nonces_reused, 0); /* random, whatever is forgotten */
		if (forgets != 0)
			assert_true(counts.generations_reused > 0);
		else
			assert_int_equal(counts.generations_reused, 0);
		trial_end(&trial);
	}
}

static void test_enough_was_tried(void **state)
{
	(void)state;
	print_message(
		"# %llu points, %llu power cuts, %llu frames in %llu records, %llu sent again\n",
		(unsigned long long)total.points, (unsigned long long)total.stops,
		(unsigned long long)total.frames, (unsigned long long)total.records,
		(unsigned long long)total.again);
	assert_true(total.points >= POINTS_MIN / SPARSE(5));
	assert_true(total.stops >= total.points);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_opening_a_conversation),
		cmocka_unit_test(test_forgotten_batch_is_caught),
		cmocka_unit_test(test_enough_was_tried),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
