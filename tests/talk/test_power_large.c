/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power of a phone fails before every single write, sync, truncation and deletion of its vault while a
 * commit goes through that does not fit into one record: once it is the phone that makes the commit, once one
 * that follows. It starts again from what survived on the disk. Each time: the vault and the engine open, the
 * commit that left comes through, one that nobody has seen is made again, all phones are in the same epoch
 * with the same authenticator, nothing of the parts is left over, and no key and nonce was used twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "sim/frames.h"
#include "tests/talk/inside.h"
#include "tests/talk/power.h"
#include "tests/talk/steps.h"

#define PHONES	     3
#define PADDING	     UINT32_C(125000) /* four records: three parts, and what they are */
#define MESSAGES     4
#define WORLD_POINTS 40 /* commits in one world; more fill its relay */
#define COMMIT_S     4
#define POINTS_MIN   500 /* of all tests */

/* A sanitizer looks at memory, and all that is at work here is passed at each point: it need not see all. */
#ifdef SOTTO_SANITIZED
#define STEP 4
#else
#define STEP 1
#endif

struct trial {
	struct world *world;
	struct sim_frames *frames;
	struct power power; /* of phone 0 */
	uint32_t committer; /* 0: that phone; 1: another one */
	bool counts;	    /* what is found at a start is counted */
};

/* What phone 0 found when it started again. */
static struct {
	uint64_t points, stops, frames, again;
	uint64_t unmade;	     /* it wants to commit, and has not done it */
	uint64_t pending;	     /* its commit is not read back yet */
	uint64_t parts[2][MESSAGES]; /* so many parts; by committer */
	uint64_t done;		     /* the new epoch */
} total;

static void started(void *context, struct world_phone *phone)
{
	static const struct mls_send_options large = {.handshake = MLS_PRIVATE_MESSAGE,
						      .handshake_padding = PADDING,
						      .tree_in_welcome = true};
	struct trial *trial = context;
	const struct talk_group *everyone = phone->talk->everyone;

	if (everyone == NULL)
		return;
	if (phone->number == trial->committer)
		mls_group_set_send_options(everyone->mls, &large);
	if (phone->number != 0 || !trial->counts)
		return;
	list_for_each (element, following, &everyone->coming) {
		const struct talk_coming *coming = CONTAINER_OF(element, struct talk_coming, list);

		total.parts[trial->committer][coming->have]++;
	}
	total.pending += everyone->pending.count == MESSAGES;
	total.unmade +=
		trial->committer == 0 && everyone->pending.count == 0 && everyone->update_due;
	total.done += !everyone->update_due && list_empty(&everyone->coming);
}

/* Phone 0 is over the vault, the others in memory; all are members. */
static void trial_begin(struct trial *trial, uint32_t committer, uint64_t seed)
{
	*trial = (struct trial){
		.world = world_create(seed), .frames = sim_frames_create(), .committer = committer};
	world_listen(trial->world, sim_frames_sent, trial->frames);
	world_on_start(trial->world, started, trial);
	power_begin(&trial->power, trial->world, 0, seed);
	world_members(trial->world, PHONES, false);
	world_run(trial->world, 10);
	started(trial, world_phone(trial->world, committer));
}

static void trial_end(struct trial *trial)
{
	struct sim_frames_counts counts = sim_frames_counts(trial->frames);

	all_write(trial->world, PHONES, UINT32_MAX, 1);
	total.stops += trial->power.stops;
	total.frames += counts.frames;
	total.again += counts.again;
	world_destroy(trial->world);
	power_end(&trial->power);
	sim_frames_destroy(trial->frames);
}

/* The committer wants a new path in *everyone*, and has stored that it does; false: it died before. */
static bool wish(struct trial *trial)
{
	struct world_phone *phone = world_phone(trial->world, trial->committer);
	struct talk_group *everyone = phone->talk->everyone;
	uint32_t deaths = phone->deaths;
	uint64_t now_ns = world_now(trial->world);

	assert_int_equal(talk_step_begin(phone->talk, now_ns, WORLD_UTC_MS + now_ns / 1000000),
			 SOTTO_OK);
	everyone->update_due = everyone->dirty = true;
	everyone->settled = false;
	assert_int_equal(talk_step_end(phone->talk, SOTTO_OK), SOTTO_OK);
	world_settle(phone);
	return phone->deaths == deaths;
}

static void check_whole(const struct trial *trial, uint64_t epoch, size_t large)
{
	struct world *world = trial->world;
	struct sim_frames_counts counts = sim_frames_counts(trial->frames);
	uint8_t first[MLS_HASH_LEN_MAX] = {0};

	mls_group_epoch_authenticator(everyone_of(world, 0)->mls, first);
	for (uint32_t i = 0; i < PHONES; i++) {
		uint8_t other[MLS_HASH_LEN_MAX] = {0};

		assert_int_equal(state_of(world, i), TALK_MEMBER);
		assert_int_equal(problems_of(world, i), 0);
		assert_int_equal(epoch_at(world, i), epoch);
		mls_group_epoch_authenticator(everyone_of(world, i)->mls, other);
		assert_memory_equal(other, first, sizeof(first));
		assert_int_equal(everyone_of(world, i)->pending.count, 0);
		assert_false(everyone_of(world, i)->update_due);
		assert_int_equal(unfinished(world, i), 0);
		assert_int_equal(rows(world, i, TALK_TABLE_PART), 0);
		assert_true(rows(world, i, TALK_TABLE_COMMIT) < TALK_DROPS_MAX);
	}
	assert_int_equal(counts.nonces_reused, 0);
	assert_int_equal(counts.generations_reused, 0);
	/* What has left is never given up for another one. */
	assert_int_equal(counts.large, large);
}

/* One commit; the power fails before operation n of it. False: it had fewer. */
static bool commit(struct trial *trial, uint64_t n, bool stop_again)
{
	struct world *world = trial->world;
	uint64_t epoch = epoch_at(world, 1);
	size_t large = sim_frames_counts(trial->frames).large;
	uint64_t stops = trial->power.stops;
	bool stored;

	trial->counts = true;
	trial->power.stop_again = stop_again;
	power_stop_after(&trial->power, n);
	stored = wish(trial);
	world_run(world, COMMIT_S);
	power_return(&trial->power);
	power_stop_after(&trial->power, POWER_NEVER);
	trial->power.stop_again = trial->counts = false;
	world_run(world, COMMIT_S);
	if (epoch_at(world, 1) == epoch) {
		/* Nobody will ever know that it wanted to. */
		assert_false(stored);
		assert_false(everyone_of(world, 0)->update_due);
		(void)wish(trial);
		world_run(world, COMMIT_S);
	}
	check_whole(trial, epoch + 1, large + 1);
	return trial->power.stops > stops;
}

/* Every operation of a commit. */
static void sweep(uint32_t committer, uint64_t seed, bool stop_again)
{
	struct trial trial;
	bool going = true;

	for (uint64_t n = 0; going;) {
		trial_begin(&trial, committer, seed + n);
		for (uint32_t point = 0; going && point < WORLD_POINTS; point++) {
			going = commit(&trial, n, stop_again);
			n += STEP;
			total.points += going;
		}
		trial_end(&trial);
	}
}

static void test_committer(void **state)
{
	(void)state;
	sweep(0, 11000, true);
	/* It wanted to and had done nothing; it waited; it had read back so many of its own parts; it was done. */
	assert_true(total.unmade > 0 && total.pending > 0 && total.done > 0);
	for (uint32_t have = 1; have < MESSAGES; have++)
		assert_true(total.parts[0][have] > 0);
}

static void test_follower(void **state)
{
	(void)state;
	sweep(1, 12000, true);
	for (uint32_t have = 1; have < MESSAGES; have++)
		assert_true(total.parts[1][have] > 0);
}

static void test_enough_was_tried(void **state)
{
	(void)state;
	print_message("# %llu points, %llu power cuts, %llu frames, %llu records sent again\n",
		      (unsigned long long)total.points, (unsigned long long)total.stops,
		      (unsigned long long)total.frames, (unsigned long long)total.again);
	print_message("# found: %llu not made, %llu on its way, %llu done\n",
		      (unsigned long long)total.unmade, (unsigned long long)total.pending,
		      (unsigned long long)total.done);
	for (uint32_t have = 1; have < MESSAGES; have++)
		print_message("# found %u parts of %u: its own %llu, another's %llu\n", have,
			      MESSAGES, (unsigned long long)total.parts[0][have],
			      (unsigned long long)total.parts[1][have]);
	assert_true(total.points >= POINTS_MIN / STEP);
	assert_true(total.stops >= total.points);
	assert_true(total.again > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_committer),
		cmocka_unit_test(test_follower),
		cmocka_unit_test(test_enough_was_tried),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
