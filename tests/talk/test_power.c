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

#include "base/assert.h"
#include "crypto/init.h"
#include "sim/vfs.h"
#include "tests/talk/frames.h"
#include "tests/talk/world.h"
#include "vault/vault.h"

#define VFS	      "sim-power"
#define PASSPHRASE    BYTES_TEXT("correct horse")
#define POINTS_MIN    500 /* of all tests */
#define WORLD_POINTS  48  /* exchanges in one world; more fill its relay */
#define NEVER	      UINT64_MAX
#define EXCHANGE_S    6
#define SECOND_WITHIN 24 /* falls into recovery, or into the first steps after it */

struct trial {
	struct world *world;
	struct frames *frames;
	struct sim_random random;
	struct random_source source;
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct vault *vault;
	bool stop_again; /* also a second stop, soon after the first */
	bool forgets;	 /* says that a batch is durable, and drops it */
	uint64_t stops;
};

static struct {
	uint64_t points, stops, frames, records, again;
} total;

static enum sotto_err apply(void *context, const struct store_batch *batch)
{
	struct trial *trial = context;

	return trial->forgets ? SOTTO_OK : vault_apply(trial->vault, batch);
}

static enum sotto_err vault_start(struct trial *trial)
{
	struct vault_config config = {.allocator = &allocator_default,
				      .random = &trial->source,
				      .vfs = VFS,
				      .path = "vault",
				      .cost = PASSWORD_COST_TESTING};
	enum sotto_err err = vault_open(&config, PASSPHRASE, &trial->vault);

	if (err == SOTTO_ERR_NOT_FOUND)
		err = vault_create(&config, PASSPHRASE, &trial->vault);
	return err;
}

/* What was not synced is kept, dropped or torn; then the phone is switched on, until it stays on. */
static void power(void *context, struct store_reader *reader, struct store_writer *writer)
{
	struct trial *trial = context;
	enum sotto_err err;

	for (;;) {
		bool stopped = sim_disk_stopped(trial->disk);

		trial->stops += stopped;
		vault_close(trial->vault);
		trial->vault = NULL;
		sim_disk_restart(trial->disk, SIM_POWER_CUT);
		if (stopped && trial->stop_again) {
			trial->stop_again = false;
			sim_disk_stop_at(trial->disk,
					 sim_disk_operations(trial->disk) +
						 sim_random_below(&trial->random, SECOND_WITHIN));
		}
		err = vault_start(trial);
		if (err == SOTTO_OK && !sim_disk_stopped(trial->disk))
			break;
		assert_true(sim_disk_stopped(trial->disk));
	}
	*reader = vault_reader(trial->vault);
	*writer = (struct store_writer){apply, trial};
}

/* Phone 0 is over the vault, phone 1 in memory; both are members. */
static void trial_begin(struct trial *trial, uint64_t seed)
{
	struct sim_random random;

	*trial = (struct trial){.world = world_create(seed), .frames = frames_create()};
	sim_random_init(&random, seed);
	sim_random_fork(&random, 1, &trial->random);
	trial->source = sim_random_source(&trial->random);
	assert_int_equal(sim_disk_create(&allocator_default, &random, &trial->disk), SOTTO_OK);
	assert_int_equal(sim_vfs_create(&allocator_default, VFS, trial->disk, &trial->vfs),
			 SOTTO_OK);
	world_listen(trial->world, frames_sent, trial->frames);
	world_store(trial->world, 0, (struct world_store){power, trial});
	world_members(trial->world, 2, false);
}

static void trial_end(struct trial *trial)
{
	struct frames_counts counts = frames_counts(trial->frames);

	total.stops += trial->stops;
	total.frames += counts.frames;
	total.records += counts.records;
	total.again += counts.again;
	world_destroy(trial->world);
	vault_close(trial->vault);
	sim_vfs_destroy(trial->vfs);
	sim_disk_destroy(trial->disk);
	frames_destroy(trial->frames);
}

static void check_nonces(const struct trial *trial)
{
	struct frames_counts counts = frames_counts(trial->frames);

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
	uint64_t stops = trial->stops;
	bool taken;

	trial->stop_again = stop_again;
	sim_disk_stop_at(trial->disk, n == NEVER ? NEVER : sim_disk_operations(trial->disk) + n);
	taken = world_send(trial->world, 0, 1, text);
	assert_true(world_send(trial->world, 1, 0, text));
	world_run(trial->world, EXCHANGE_S);
	if (sim_disk_stopped(trial->disk)) /* in what needs no answer, such as erasing a key */
		world_restart(world_phone(trial->world, 0));
	sim_disk_stop_at(trial->disk, NEVER);
	trial->stop_again = false;
	world_run(trial->world, EXCHANGE_S);
	check_whole(trial, text, taken);
	return trial->stops > stops;
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

/* Every operation of an exchange. */
static void sweep(const struct sweep *how)
{
	struct trial trial;
	bool going = true;

	for (uint64_t n = 0; going;) {
		trial_begin(&trial, how->seed + n);
		if (how->world_points > 1)
			(void)exchange(&trial, 0, NEVER, false);
		for (uint32_t text = 1; going && text <= how->world_points; text++) {
			if (how->restart)
				restart(&trial);
			going = exchange(&trial, text, n++, how->stop_again);
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
		struct frames_counts counts;

		trial_begin(&trial, 42);
		(void)exchange(&trial, 0, NEVER, false);
		restart(&trial);
		trial.forgets = forgets != 0;
		assert_true(world_send(trial.world, 0, 1, 1));
		trial.forgets = false;
		restart(&trial); /* what was on its way is lost */
		(void)world_send(trial.world, 0, 1, 2);
		world_run(trial.world, EXCHANGE_S);
		counts = frames_counts(trial.frames);
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
	assert_true(total.points >= POINTS_MIN);
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
