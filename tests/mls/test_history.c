/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long random histories of add, update and remove, by value and by reference, in private and in public
 * messages, and of members that come, or come again, by commits of their own; up to 50 members; after each step all members agree;
 * now and then one of them, or after each step all, are saved and loaded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mls/world.h"

static uint32_t draw(struct world *world, uint32_t below)
{
	uint32_t value;

	assert_int_equal(random_fill(&world->random, &value, sizeof(value)), SOTTO_OK);
	return value % below;
}

static unsigned draw_member(struct world *world)
{
	for (;;) {
		unsigned actor = draw(world, world->actor_count);

		if (world->actors[actor].group != NULL)
			return actor;
	}
}

/* A free place among the actors gets a fresh person. */
static bool draw_newcomer(struct world *world, unsigned limit, unsigned *actor)
{
	for (unsigned i = 0; i < world->actor_count; i++) {
		if (world->actors[i].group == NULL) {
			*actor = i;
			assert_int_equal(mls_identity_generate(&world->config, world->suite,
							       &world->actors[i].identity),
					 SOTTO_OK);
			return true;
		}
	}
	if (world->actor_count >= limit)
		return false;
	*actor = world_new_actor(world);
	return true;
}

static unsigned member_count(const struct world *world)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world->actor_count; i++)
		count += world->actors[i].group != NULL;
	return count;
}

/* Of the committer's list: a newcomer, added by reference. */
struct proposed_add {
	bool there;
	unsigned actor;
	struct mls_buffer package;
	struct mls_key_package_secrets secrets;
};

static void propose_add(struct world *world, unsigned by, unsigned limit, struct proposed_add *add)
{
	struct mls_buffer message = {0};

	add->there = draw_newcomer(world, limit, &add->actor);
	if (!add->there)
		return;
	world_key_package(world, add->actor, &add->package, &add->secrets);
	world_propose(world, by,
		      mls_group_propose_add(world->actors[by].group,
					    mls_buffer_bytes(&add->package), 0, &message),
		      &message);
}

/* All that was proposed, in one commit by one whom no proposal removes; the newcomer joins. */
static void commit_proposals(struct world *world, unsigned committer, struct proposed_add *add)
{
	struct mls_commit_options options = {0};
	struct mls_buffer commit = {0}, welcome = {0};

	assert_int_equal(
		mls_group_commit(world->actors[committer].group, &options, &commit, &welcome),
		SOTTO_OK);
	world_deliver(world, committer, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world->actors[committer].group), SOTTO_OK);
	if (add->there) {
		struct mls_join_options join = {
			.welcome = mls_buffer_bytes(&welcome),
			.key_package = mls_buffer_bytes(&add->package),
			.secrets = &add->secrets,
			.identity = &world->actors[add->actor].identity,
		};

		assert_int_equal(
			mls_group_join(&world->config, &join, &world->actors[add->actor].group),
			SOTTO_OK);
		world_set_send_options(world, add->actor);
	}
	mls_buffer_release(&add->package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	world_check(world);
}

/* Update, removal and add by reference, one or more of them, proposed by anybody. */
static void step_proposals(struct world *world, unsigned limit)
{
	unsigned by = draw_member(world), victim = draw_member(world);
	unsigned committer = draw_member(world);
	uint32_t which = 1 + draw(world, 7);
	struct proposed_add add = {0};
	struct mls_buffer message = {0};

	if (by == committer || victim == committer)
		return;
	if ((which & 1) != 0)
		world_propose(world, by,
			      mls_group_propose_update(world->actors[by].group, NULL, &message),
			      &message);
	if ((which & 2) != 0 && member_count(world) > 2)
		world_propose(world, by,
			      mls_group_propose_remove(
				      world->actors[by].group,
				      mls_group_own_leaf(world->actors[victim].group), &message),
			      &message);
	if ((which & 4) != 0)
		propose_add(world, by, limit, &add);
	commit_proposals(world, committer, &add);
}

static void step(struct world *world, unsigned limit)
{
	unsigned by = draw_member(world);
	unsigned victim = draw_member(world);
	unsigned newcomer;

	switch (draw(world, 9)) {
	case 0:
	case 1:
		if (draw_newcomer(world, limit, &newcomer))
			world_commit(world, by, &newcomer, 1, NULL, 0, draw(world, 2) == 0);
		break;
	case 2:
		if (victim != by && member_count(world) > 2)
			world_commit(world, by, NULL, 0, &victim, 1, true);
		break;
	case 3:
		world_commit(world, by, NULL, 0, NULL, 0, true);
		break;
	case 4:
		step_proposals(world, limit);
		break;
	case 5:
		if (victim != by && draw_newcomer(world, limit, &newcomer))
			world_commit(world, by, &newcomer, 1, &victim, 1, true);
		break;
	case 6:
		if (draw_newcomer(world, limit, &newcomer))
			world_join_external(world, newcomer, by, false);
		break;
	case 7:
		if (victim != by)
			world_join_external(world, victim, by, true);
		break;
	default:
		world_reload(world, victim);
		break;
	}
}

struct history {
	uint16_t suite;
	uint64_t seed;
	unsigned start; /* added at once in the beginning */
	unsigned limit; /* members at most */
	unsigned steps;
	bool reload;	   /* everybody is saved and loaded after each step */
	bool in_the_clear; /* handshake messages are public */
};

static void run(const struct history *history)
{
	static struct world world;
	unsigned first[WORLD_MAX];

	world_init(&world, history->suite, history->seed);
	world.config.external_commits = true;
	world.handshake = history->in_the_clear ? MLS_PUBLIC_MESSAGE : MLS_PRIVATE_MESSAGE;
	(void)world_new_actor(&world);
	world_create(&world, 0);
	for (unsigned i = 0; i < history->start; i++)
		first[i] = world_new_actor(&world);
	if (history->start != 0)
		world_commit(&world, 0, first, history->start, NULL, 0, true);
	for (unsigned i = 0; i < history->steps; i++) {
		step(&world, history->limit);
		if (history->reload)
			world_reload_all(&world);
		if (i % 16 == 0)
			world_message(&world, draw_member(&world), "said in between");
	}
	world_finish(&world);
}

static void test_small_histories(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++)
		run(&(struct history){.suite = 1,
				      .seed = seed,
				      .limit = 2 + seed,
				      .steps = 60,
				      .reload = seed % 2 == 0,
				      .in_the_clear = seed % 3 == 0});
}

static void test_fifty(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		run(&(struct history){.suite = i < 2 ? 1 : 0xf002,
				      .seed = 77 + (uint64_t)i,
				      .start = 45,
				      .limit = 50,
				      .steps = i < 2 ? 120 : 50,
				      .in_the_clear = i % 2 != 0});
}

static void test_other_suites(void **state)
{
	(void)state;
	for (size_t i = 1; i < WORLD_SUITES; i++)
		run(&(struct history){.suite = world_suites[i],
				      .seed = world_suites[i],
				      .start = 2,
				      .limit = 5,
				      .steps = 12});
	run(&(struct history){
		.suite = 0xf002, .seed = 5, .start = 20, .limit = 25, .steps = 40, .reload = true});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_histories),
		cmocka_unit_test(test_fifty),
		cmocka_unit_test(test_other_suites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
