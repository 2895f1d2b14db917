/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that has GMP memory functions of its own and puts groups of every suite through their life: the
 * functions stay, the library takes little through them and gives all of it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>

#include "tests/mls/world.h"

/* What docs/mls.md says of scratch memory. */
#define SCRATCH_MAX ((size_t)8 * 1024)

static size_t live;
static size_t live_max;
static unsigned long calls;

static void *host_allocate(size_t len)
{
	void *memory = malloc(len);

	assert_non_null(memory);
	live += len;
	live_max = live > live_max ? live : live_max;
	calls++;
	return memory;
}

static void host_release(void *memory, size_t len)
{
	assert_true(len <= live);
	live -= len;
	free(memory);
}

static void *host_reallocate(void *memory, size_t len, size_t new_len)
{
	void *grown = host_allocate(new_len);

	memcpy(grown, memory, len < new_len ? len : new_len);
	host_release(memory, len);
	return grown;
}

static void expect_untouched(void)
{
	void *(*allocate)(size_t len);
	void *(*reallocate)(void *memory, size_t len, size_t new_len);
	void (*release)(void *memory, size_t len);

	mp_get_memory_functions(&allocate, &reallocate, &release);
	assert_true(allocate == host_allocate && reallocate == host_reallocate &&
		    release == host_release);
	assert_int_equal(live, 0);
}

static void statement(struct world *world)
{
	const struct mls_identity *identity = &world->actors[0].identity;
	struct bytes public_key = BYTES(identity->public_key, identity->public_len);
	uint8_t signature[MLS_SIGNATURE_LEN_MAX];
	struct mls_identity again;
	size_t len;

	assert_int_equal(
		mls_sign(&world->config, identity, "Statement", BYTES_TEXT("yes"), signature, &len),
		SOTTO_OK);
	assert_int_equal(mls_verify(&world->config, world->suite, public_key, "Statement",
				    BYTES_TEXT("yes"), BYTES(signature, len)),
			 SOTTO_OK);
	assert_int_equal(mls_identity_from_private(
				 world->suite, sotto_secret_bytes(&identity->private_key), &again),
			 SOTTO_OK);
	assert_memory_equal(again.public_key, identity->public_key, identity->public_len);
	sotto_wipe(&again, sizeof(again));
}

/* Three create and join, one comes by itself, one is put out; by proposal, with messages, and from disk. */
static void live_through(uint16_t suite)
{
	static struct world world;
	const unsigned newcomers[] = {1, 2};
	const unsigned leaver = 2;
	struct mls_buffer proposal = {0};

	world_init(&world, suite, suite);
	world.config.external_commits = true;
	for (unsigned i = 0; i < 4; i++)
		world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, newcomers, 2, NULL, 0, true);
	world_join_external(&world, 3, 0, false);
	world_message(&world, 1, "to all");
	world_propose(&world, 1, mls_group_propose_update(world.actors[1].group, NULL, &proposal),
		      &proposal);
	world_commit(&world, 0, NULL, 0, &leaver, 1, true);
	world_reload_all(&world);
	world_message(&world, 0, "from disk");
	statement(&world);
	world_finish(&world);
}

static void test_every_suite(void **state)
{
	(void)state;
	mp_set_memory_functions(host_allocate, host_reallocate, host_release);
	assert_int_equal(mls_init(), SOTTO_OK);
	expect_untouched();
	for (size_t i = 0; i < WORLD_SUITES; i++) {
		unsigned long before = calls;

		live_through(world_suites[i]);
		expect_untouched();
		/* Else nothing of this suite went by the functions that are watched. */
		assert_true(calls > before);
	}
	assert_true(live_max <= SCRATCH_MAX);
}

/* Only who asks for it gets it. */
static void test_asked_for(void **state)
{
	void *(*allocate)(size_t len);

	(void)state;
	mp_set_memory_functions(host_allocate, host_reallocate, host_release);
	mls_gmp_wipe();
	mp_get_memory_functions(&allocate, NULL, NULL);
	assert_false(allocate == host_allocate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite),
		cmocka_unit_test(test_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
