/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long random histories of add, update and remove, by commits and by proposals, and of members that
 * come, or come again, by commits of their own; up to 50 members; after each step all members agree;
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

static void step_proposals(struct world *world)
{
	unsigned by = draw_member(world);
	unsigned committer = draw_member(world);
	struct mls_commit_options options = {0};
	struct mls_buffer message = {0}, commit = {0}, welcome = {0};

	if (by == committer)
		return;
	assert_int_equal(mls_group_propose_update(world->actors[by].group, NULL, &message),
			 SOTTO_OK);
	world_deliver(world, by, mls_buffer_bytes(&message));
	assert_int_equal(
		mls_group_commit(world->actors[committer].group, &options, &commit, &welcome),
		SOTTO_OK);
	world_deliver(world, committer, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world->actors[committer].group), SOTTO_OK);
	mls_buffer_release(&message);
	mls_buffer_release(&commit);
	world_check(world);
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
		step_proposals(world);
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
	bool reload; /* everybody is saved and loaded after each step */
};

static void run(const struct history *history)
{
	static struct world world;
	unsigned first[WORLD_MAX];

	world_init(&world, history->suite, history->seed);
	world.config.external_commits = true;
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
				      .reload = seed % 2 == 0});
}

static void test_fifty(void **state)
{
	(void)state;
	run(&(struct history){.suite = 1, .seed = 77, .start = 45, .limit = 50, .steps = 150});
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
