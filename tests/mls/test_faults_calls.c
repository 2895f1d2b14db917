/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the library that make something and are not in test_faults.c: every allocation and every
 * random call of each fails in turn, and nothing has happened then: no output, no change of the group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/mls/faulty.h"
#include "tests/mls/world.h"

#define NEWCOMER 2

static struct world world;
static struct faulty faulty;
static struct mls_buffer package;
static struct mls_buffer message; /* what a call makes */
static struct mls_buffer adding;  /* the welcome of a commit that adds the newcomer */
static struct mls_key_package_secrets secrets;

static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	(void)context;
	(void)id;
	*psk = BYTES_TEXT("a secret that everybody knows");
	return SOTTO_OK;
}

static const struct mls_psk_source psks = {.find = find_psk};

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(void)
{
	static const unsigned one[] = {1};

	faulty_init(&faulty);
	world_init(&world, world_suite(), 19);
	world.config.allocator = &faulty.allocator;
	world.config.psks = &psks;
	for (int i = 0; i < 3; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, one, 1, NULL, 0, true);
	world_key_package(&world, NEWCOMER, &package, &secrets);
}

static void finish(void)
{
	mls_buffer_release(&package);
	mls_buffer_release(&message);
	mls_buffer_release(&adding);
	world_finish(&world);
	assert_int_equal(faulty.live, 0);
}

static struct mls_external_options outside(void)
{
	return (struct mls_external_options){
		.identity = &world.actors[NEWCOMER].identity,
		.group_id = BYTES_TEXT("test group"),
		.epoch = 1,
		.authenticated_data = BYTES_TEXT("aad"),
	};
}

static const struct mls_extension extension = {MLS_EXTENSION_PRIVATE_USE, {NULL, 0}};

static struct mls_reinit_options next(void)
{
	return (struct mls_reinit_options){
		.group_id = BYTES_TEXT("next"),
		.suite = world.suite,
		.extensions = &extension,
		.extension_count = 1,
	};
}

/* ---- Identities ---- */

static enum sotto_err identity_generate(void)
{
	struct mls_identity identity = {0};
	enum sotto_err err = mls_identity_generate(&world.config, world.suite, &identity);

	assert_int_equal(identity.public_len != 0, err == SOTTO_OK);
	secret_wipe(&identity.private_key);
	return err;
}

static uint8_t signature[MLS_SIGNATURE_LEN_MAX];
static size_t signature_len;

static enum sotto_err sign(void)
{
	return mls_sign(&world.config, &world.actors[0].identity, "sotto entry",
			BYTES_TEXT("content"), signature, &signature_len);
}

static void before_verify(void)
{
	assert_int_equal(sign(), SOTTO_OK);
}

static enum sotto_err verify(void)
{
	const struct mls_identity *identity = &world.actors[0].identity;

	return mls_verify(&world.config, world.suite,
			  BYTES(identity->public_key, identity->public_len), "sotto entry",
			  BYTES_TEXT("content"), BYTES(signature, signature_len));
}

/* ---- Proposals by a member ---- */

static enum sotto_err propose_add(void)
{
	return mls_group_propose_add(group_of(1), mls_buffer_bytes(&package), 0, &message);
}

static enum sotto_err propose_remove(void)
{
	return mls_group_propose_remove(group_of(1), 0, &message);
}

static enum sotto_err propose_extensions(void)
{
	return mls_group_propose_extensions(group_of(1), &extension, 1, &message);
}

static enum sotto_err propose_psk(void)
{
	return mls_group_propose_psk(group_of(1), BYTES_TEXT("id"), &message);
}

static enum sotto_err propose_reinit(void)
{
	struct mls_reinit_options reinit = next();

	return mls_group_propose_reinit(group_of(1), &reinit, &message);
}

/* ---- Proposals from outside ---- */

static enum sotto_err external_add(void)
{
	struct mls_external_options options = outside();

	return mls_external_propose_add(&world.config, &options, mls_buffer_bytes(&package), 0,
					&message);
}

static enum sotto_err external_remove(void)
{
	struct mls_external_options options = outside();

	return mls_external_propose_remove(&world.config, &options, 0, &message);
}

static enum sotto_err external_extensions(void)
{
	struct mls_external_options options = outside();

	return mls_external_propose_extensions(&world.config, &options, &extension, 1, &message);
}

static enum sotto_err external_psk(void)
{
	struct mls_external_options options = outside();

	return mls_external_propose_psk(&world.config, &options, BYTES_TEXT("id"), &message);
}

static enum sotto_err external_reinit(void)
{
	struct mls_external_options options = outside();
	struct mls_reinit_options reinit = next();

	return mls_external_propose_reinit(&world.config, &options, &reinit, &message);
}

static enum sotto_err senders_write(void)
{
	const struct mls_identity *identity = &world.actors[NEWCOMER].identity;
	struct mls_external_sender sender = {
		.signature_key = BYTES(identity->public_key, identity->public_len),
		.credential = {MLS_CREDENTIAL_BASIC, BYTES_TEXT("the service")},
	};

	return mls_external_senders_write(&world.config, &sender, 1, &message);
}

/* ---- What a group shows, and what follows it ---- */

static enum sotto_err tree(void)
{
	return mls_group_tree(group_of(1), &message);
}

static void before_pending_tree(void)
{
	struct mls_commit_options options = {.path = true};
	struct mls_buffer commit = {0}, welcome = {0};

	assert_int_equal(mls_group_commit(group_of(1), &options, &commit, &welcome), SOTTO_OK);
	mls_buffer_release(&commit);
}

static enum sotto_err pending_tree(void)
{
	return mls_group_pending_tree(group_of(1), &message);
}

static void before_successor(void)
{
	struct mls_reinit_options reinit = next();
	struct mls_commit_options options = {.reinit = &reinit};

	world_commit_with(&world, 0, &options);
}

static enum sotto_err create_successor(void)
{
	struct mls_leaf_options leaf;
	struct mls_group *group = NULL;
	enum sotto_err err;

	world_leaf_options(&world.actors[1], &leaf);
	err = mls_group_create_successor(&world.config, group_of(1), &leaf, &group);
	assert_int_equal(group != NULL, err == SOTTO_OK);
	mls_group_destroy(group);
	return err;
}

static void nothing(void)
{
}

static void before_cut(void)
{
	struct bytes add = mls_buffer_bytes(&package);
	struct mls_commit_options options = {.add = &add, .add_count = 1, .path = true};
	struct mls_buffer commit = {0};

	assert_int_equal(mls_group_commit(group_of(1), &options, &commit, &adding), SOTTO_OK);
	mls_buffer_release(&commit);
}

static enum sotto_err welcome_cut(void)
{
	uint8_t ref[MLS_HASH_LEN_MAX];
	size_t len;

	assert_int_equal(mls_key_package_ref(mls_buffer_bytes(&package), ref, &len), SOTTO_OK);
	return mls_welcome_for(&faulty.allocator, mls_buffer_bytes(&adding), BYTES(ref, len),
			       &message);
}

static const struct {
	const char *name;
	void (*before)(void);
	enum sotto_err (*run)(void);
} calls[] = {
	{"identity", nothing, identity_generate},
	{"sign", nothing, sign},
	{"verify", before_verify, verify},
	{"add", nothing, propose_add},
	{"remove", nothing, propose_remove},
	{"extensions", nothing, propose_extensions},
	{"psk", nothing, propose_psk},
	{"reinit", nothing, propose_reinit},
	{"external add", nothing, external_add},
	{"external remove", nothing, external_remove},
	{"external extensions", nothing, external_extensions},
	{"external psk", nothing, external_psk},
	{"external reinit", nothing, external_reinit},
	{"external senders", nothing, senders_write},
	{"tree", nothing, tree},
	{"pending tree", before_pending_tree, pending_tree},
	{"successor", before_successor, create_successor},
	{"welcome for one", before_cut, welcome_cut},
};

/* Each call with its nth allocation or random call refused, until it comes through. */
static void refuse_all(bool memory)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		struct mls_buffer before = {0}, after = {0};
		enum sotto_err err = SOTTO_ERR_NO_MEMORY;

		begin();
		calls[i].before();
		world_state(group_of(1), &before);
		for (unsigned n = 1; err != SOTTO_OK; n++) {
			struct test_random *random = &world.test_random;

			if (memory)
				faulty.refuse = faulty.calls + n;
			else
				random->refuse_call = random->calls + n;
			err = calls[i].run();
			faulty.refuse = 0;
			random->refuse_call = 0;
			if (err == SOTTO_OK)
				break;
			if (err != (memory ? SOTTO_ERR_NO_MEMORY : SOTTO_ERR_RANDOM))
				print_error("%s: %s\n", calls[i].name, sotto_err_text(err));
			assert_int_equal(err, memory ? SOTTO_ERR_NO_MEMORY : SOTTO_ERR_RANDOM);
			assert_int_equal(message.len, 0);
			world_state(group_of(1), &after);
			assert_true(
				bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
			mls_buffer_release(&after);
		}
		mls_buffer_release(&before);
		finish();
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	refuse_all(true);
}

static void test_no_randomness(void **state)
{
	(void)state;
	refuse_all(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
