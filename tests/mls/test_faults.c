/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever goes wrong, a group stays exactly as it was: every truncation and bit flip of each
 * message, and every allocation and random call failed in turn; the state is compared as it would
 * be stored.
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

#define MESSAGE_LEN_SMALL 2048

static struct faulty faulty;

/* ---- The setting: 0 and 1 are members; 1 handles what 0 sends, 2 is outside ---- */

struct setting {
	struct world world;
	struct mls_buffer message; /* a handshake or application message by 0 */
	struct mls_buffer welcome;
	struct mls_buffer info;
	struct mls_buffer package;
	struct mls_key_package_secrets secrets;
	struct mls_buffer tree_part;
	struct mls_buffer epoch_part;
	struct mls_buffer ratchet_part;
	uint8_t application[1024];
	size_t application_len;
};

static struct setting setting;

static struct mls_group *member(unsigned actor)
{
	return setting.world.actors[actor].group;
}

static void setting_init(enum mls_wire_format handshake)
{
	static const unsigned one[] = {1};

	memset(&setting, 0, sizeof(setting));
	faulty_init(&faulty);
	world_init(&setting.world, world_suite(), 9);
	setting.world.config.allocator = &faulty.allocator;
	setting.world.config.limits.skipped_keys = 4;
	setting.world.config.external_commits = true;
	setting.world.config.new_member_proposals = true;
	setting.world.handshake = handshake;
	for (int i = 0; i < 3; i++)
		(void)world_new_actor(&setting.world);
	world_create(&setting.world, 0);
	world_commit(&setting.world, 0, one, 1, NULL, 0, true);
	world_key_package(&setting.world, 2, &setting.package, &setting.secrets);
}

static void setting_finish(void)
{
	mls_buffer_release(&setting.message);
	mls_buffer_release(&setting.welcome);
	mls_buffer_release(&setting.info);
	mls_buffer_release(&setting.package);
	mls_buffer_release(&setting.tree_part);
	mls_buffer_release(&setting.epoch_part);
	mls_buffer_release(&setting.ratchet_part);
	world_finish(&setting.world);
	assert_int_equal(faulty.live, 0);
}

static enum sotto_err commit_by(unsigned actor)
{
	struct bytes package = mls_buffer_bytes(&setting.package);
	struct mls_commit_options options = {.add = &package, .add_count = 1, .path = true};

	return mls_group_commit(member(actor), &options, &setting.message, &setting.welcome);
}

static void prepare_commit(void)
{
	assert_int_equal(commit_by(0), SOTTO_OK);
}

static void prepare_proposal(void)
{
	assert_int_equal(mls_group_propose_update(member(0), NULL, &setting.message), SOTTO_OK);
}

static void prepare_application(void)
{
	assert_int_equal(mls_group_protect(member(0), BYTES_TEXT("aad"), BYTES_TEXT("hello"), 5,
					   setting.application, sizeof(setting.application),
					   &setting.application_len),
			 SOTTO_OK);
}

static void prepare_saved(void)
{
	assert_int_equal(mls_group_save(member(1), &setting.epoch_part), SOTTO_OK);
	assert_int_equal(mls_group_save_ratchets(member(1), 2, &setting.ratchet_part), SOTTO_OK);
}

static void prepare_saved_tree(void)
{
	assert_int_equal(mls_group_save_tree(member(1), &setting.tree_part), SOTTO_OK);
	prepare_saved();
}

static void prepare_info(void)
{
	struct mls_group_info_options with = {.with_tree = true, .with_external_pub = true};

	assert_int_equal(mls_group_info(member(0), &with, &setting.info), SOTTO_OK);
}

static enum sotto_err join_external(struct bytes info)
{
	struct mls_leaf_options leaf;
	struct mls_external_join_options options = {.group_info = info, .leaf = &leaf};
	struct mls_group *group = NULL;
	enum sotto_err err;

	world_leaf_options(&setting.world.actors[2], &leaf);
	mls_buffer_release(&setting.message);
	err = mls_group_join_external(&setting.world.config, &options, &setting.message, &group);
	mls_group_destroy(group);
	return err;
}

static void prepare_external_commit(void)
{
	prepare_info();
	assert_int_equal(join_external(mls_buffer_bytes(&setting.info)), SOTTO_OK);
}

static enum sotto_err propose_self(void)
{
	struct mls_external_options options = {
		.identity = &setting.world.actors[2].identity,
		.group_id = BYTES_TEXT("test group"),
		.epoch = 1,
	};

	return mls_new_member_propose(&setting.world.config, &options,
				      mls_buffer_bytes(&setting.package), 0, &setting.message);
}

static void prepare_new_member(void)
{
	assert_int_equal(propose_self(), SOTTO_OK);
}

static enum sotto_err end_by(unsigned actor)
{
	struct mls_extension extension = {MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("next")};
	struct mls_reinit_options reinit = {.group_id = BYTES_TEXT("next"),
					    .suite = 1,
					    .extensions = &extension,
					    .extension_count = 1};
	struct mls_commit_options options = {.reinit = &reinit};

	return mls_group_commit(member(actor), &options, &setting.message, &setting.welcome);
}

static void prepare_reinit(void)
{
	assert_int_equal(end_by(0), SOTTO_OK);
}

/* A branch by one, who adds actor 2, whom this setting takes for the other member's client. */
static bool anybody(void *context, const struct mls_credential *one,
		    const struct mls_credential *other)
{
	(void)context;
	return one->type == other->type;
}

static const struct mls_client_matcher matcher = {.same = anybody};

static enum sotto_err branch_by(unsigned actor)
{
	struct bytes package = mls_buffer_bytes(&setting.package);
	struct mls_commit_options options = {
		.add = &package, .add_count = 1, .link = MLS_LINK_BRANCH, .origin = member(actor)};
	struct mls_leaf_options leaf;
	struct mls_group *group = NULL;
	enum sotto_err err;

	setting.world.config.clients = &matcher;
	world_leaf_options(&setting.world.actors[actor], &leaf);
	mls_buffer_release(&setting.message);
	mls_buffer_release(&setting.welcome);
	err = mls_group_create(&setting.world.config, BYTES_TEXT("branch"), &leaf, NULL, 0, &group);
	if (err == SOTTO_OK)
		err = mls_group_commit(group, &options, &setting.message, &setting.welcome);
	mls_group_destroy(group);
	return err;
}

static void prepare_branch(void)
{
	assert_int_equal(branch_by(0), SOTTO_OK);
}

static void prepare_nothing(void)
{
}

/* ---- What is tried; a success is undone where it would leave something behind ---- */

static enum sotto_err try_receive(struct bytes message)
{
	struct mls_staged *staged = NULL;
	enum sotto_err err = mls_group_receive(member(1), message, &staged);

	if (err == SOTTO_OK)
		err = mls_group_merge(member(1), &staged);
	mls_staged_destroy(staged);
	return err;
}

static enum sotto_err try_unprotect(struct bytes message)
{
	struct mls_application application;
	uint8_t out[1024];

	return mls_group_unprotect(member(1), message, out, sizeof(out), &application);
}

static enum sotto_err join(struct bytes welcome, const struct mls_group *origin)
{
	struct mls_join_options options = {
		.welcome = welcome,
		.key_package = mls_buffer_bytes(&setting.package),
		.secrets = &setting.secrets,
		.identity = &setting.world.actors[2].identity,
		.origin = origin,
	};
	struct mls_group *group = NULL;
	enum sotto_err err = mls_group_join(&setting.world.config, &options, &group);

	mls_group_destroy(group);
	return err;
}

static enum sotto_err try_join(struct bytes welcome)
{
	return join(welcome, NULL);
}

static enum sotto_err try_join_branch(struct bytes welcome)
{
	return join(welcome, member(1));
}

static enum sotto_err try_branch(struct bytes message)
{
	(void)message;
	return branch_by(1);
}

static enum sotto_err try_reinit(struct bytes message)
{
	(void)message;
	return end_by(1);
}

static enum sotto_err try_propose_self(struct bytes message)
{
	(void)message;
	return propose_self();
}

static enum sotto_err try_resumption(struct bytes message)
{
	(void)message;
	return mls_group_propose_resumption(member(1), 1, &setting.message);
}

static enum sotto_err try_join_external(struct bytes info)
{
	return join_external(info);
}

static enum sotto_err try_info(struct bytes message)
{
	struct mls_group_info_options with = {.with_tree = true, .with_external_pub = true};

	(void)message;
	mls_buffer_release(&setting.info);
	return mls_group_info(member(1), &with, &setting.info);
}

static enum sotto_err try_package(struct bytes message)
{
	struct mls_key_package_info info;

	return mls_key_package_check(&setting.world.config, message, 0, &info);
}

static enum sotto_err try_commit(struct bytes message)
{
	(void)message;
	return commit_by(1);
}

static enum sotto_err try_propose(struct bytes message)
{
	(void)message;
	return mls_group_propose_update(member(1), NULL, &setting.message);
}

static enum sotto_err try_protect(struct bytes message)
{
	uint8_t out[1024];
	size_t len;

	(void)message;
	return mls_group_protect(member(1), BYTES_NONE, BYTES_TEXT("x"), 0, out, sizeof(out), &len);
}

static enum sotto_err try_save(struct bytes message)
{
	struct mls_buffer part = {0};
	enum sotto_err err = mls_group_save(member(1), &part);

	(void)message;
	mls_buffer_release(&part);
	return err;
}

static enum sotto_err try_save_tree(struct bytes message)
{
	struct mls_buffer part = {0};
	enum sotto_err err = mls_group_save_tree(member(1), &part);

	(void)message;
	mls_buffer_release(&part);
	return err;
}

static enum sotto_err try_save_ratchets(struct bytes message)
{
	struct mls_buffer part = {0};
	enum sotto_err err = mls_group_save_ratchets(member(1), 2, &part);

	(void)message;
	mls_buffer_release(&part);
	return err;
}

static enum sotto_err try_load(struct bytes message)
{
	struct mls_group *group = NULL;
	enum sotto_err err = mls_group_load(&setting.world.config, BYTES_NONE, message,
					    mls_buffer_bytes(&setting.ratchet_part), &group);

	mls_group_destroy(group);
	return err;
}

static enum sotto_err try_load_tree(struct bytes message)
{
	struct mls_group *group = NULL;
	enum sotto_err err = mls_group_load(&setting.world.config, message,
					    mls_buffer_bytes(&setting.epoch_part),
					    mls_buffer_bytes(&setting.ratchet_part), &group);

	mls_group_destroy(group);
	return err;
}

static enum sotto_err try_load_ratchets(struct bytes message)
{
	struct mls_group *group = NULL;
	enum sotto_err err = mls_group_load(&setting.world.config, BYTES_NONE,
					    mls_buffer_bytes(&setting.epoch_part), message, &group);

	mls_group_destroy(group);
	return err;
}

static enum sotto_err try_create(struct bytes message)
{
	struct mls_leaf_options options;
	struct mls_group *group = NULL;
	enum sotto_err err;

	(void)message;
	world_leaf_options(&setting.world.actors[2], &options);
	err = mls_group_create(&setting.world.config, BYTES_TEXT("g"), &options, NULL, 0, &group);
	mls_group_destroy(group);
	return err;
}

static enum sotto_err try_package_create(struct bytes message)
{
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options options;
	struct mls_buffer out = {0};
	enum sotto_err err;

	(void)message;
	world_leaf_options(&setting.world.actors[2], &options);
	err = mls_key_package_create(&setting.world.config, &options, NULL, 0, &out, &secrets);
	mls_buffer_release(&out);
	return err;
}

enum input {
	IN_MESSAGE,
	IN_APPLICATION,
	IN_WELCOME,
	IN_INFO,
	IN_PACKAGE,
	IN_TREE_PART,
	IN_EPOCH_PART,
	IN_RATCHET_PART,
};

static struct bytes input_bytes(enum input input)
{
	switch (input) {
	case IN_MESSAGE:
		return mls_buffer_bytes(&setting.message);
	case IN_APPLICATION:
		return BYTES(setting.application, setting.application_len);
	case IN_WELCOME:
		return mls_buffer_bytes(&setting.welcome);
	case IN_INFO:
		return mls_buffer_bytes(&setting.info);
	case IN_PACKAGE:
		return mls_buffer_bytes(&setting.package);
	case IN_TREE_PART:
		return mls_buffer_bytes(&setting.tree_part);
	case IN_EPOCH_PART:
		return mls_buffer_bytes(&setting.epoch_part);
	case IN_RATCHET_PART:
		return mls_buffer_bytes(&setting.ratchet_part);
	}
	return BYTES_NONE;
}

static const struct attempt {
	const char *name;
	void (*prepare)(void);
	enum input input;
	enum sotto_err (*run)(struct bytes message);
	bool reads; /* the input is a message that must be refused when changed */
	bool flips; /* not only truncations */
} attempts[] = {
	{"commit in", prepare_commit, IN_MESSAGE, try_receive, true, true},
	{"proposal in", prepare_proposal, IN_MESSAGE, try_receive, true, true},
	{"application in", prepare_application, IN_APPLICATION, try_unprotect, true, true},
	{"welcome in", prepare_commit, IN_WELCOME, try_join, true, true},
	{"newcomer's commit in", prepare_external_commit, IN_MESSAGE, try_receive, true, true},
	{"newcomer's proposal in", prepare_new_member, IN_MESSAGE, try_receive, true, true},
	{"reinit in", prepare_reinit, IN_MESSAGE, try_receive, true, true},
	{"branch's welcome in", prepare_branch, IN_WELCOME, try_join_branch, true, true},
	{"group info in", prepare_info, IN_INFO, try_join_external, true, true},
	{"group info out", prepare_nothing, IN_MESSAGE, try_info, false, false},
	{"key package in", prepare_nothing, IN_PACKAGE, try_package, true, true},
	{"tree part", prepare_saved_tree, IN_TREE_PART, try_load_tree, true, true},
	{"epoch part", prepare_saved, IN_EPOCH_PART, try_load, true, false},
	{"ratchet part", prepare_saved, IN_RATCHET_PART, try_load_ratchets, true, false},
	{"commit out", prepare_nothing, IN_MESSAGE, try_commit, false, false},
	{"reinit out", prepare_nothing, IN_MESSAGE, try_reinit, false, false},
	{"branch out", prepare_nothing, IN_MESSAGE, try_branch, false, false},
	{"newcomer's proposal out", prepare_nothing, IN_MESSAGE, try_propose_self, false, false},
	{"resumption out", prepare_nothing, IN_MESSAGE, try_resumption, false, false},
	{"proposal out", prepare_nothing, IN_MESSAGE, try_propose, false, false},
	{"application out", prepare_nothing, IN_MESSAGE, try_protect, false, false},
	{"save", prepare_nothing, IN_MESSAGE, try_save, false, false},
	{"save tree", prepare_nothing, IN_MESSAGE, try_save_tree, false, false},
	{"save ratchets", prepare_nothing, IN_MESSAGE, try_save_ratchets, false, false},
	{"create", prepare_nothing, IN_MESSAGE, try_create, false, false},
	{"key package out", prepare_nothing, IN_MESSAGE, try_package_create, false, false},
};

static void assert_unchanged(const struct mls_buffer *before)
{
	struct mls_buffer after = {0};

	world_state(member(1), &after);
	assert_true(bytes_equal(mls_buffer_bytes(before), mls_buffer_bytes(&after)));
	mls_buffer_release(&after);
}

static void change_message(const struct attempt *attempt)
{
	struct bytes message = input_bytes(attempt->input);
	struct mls_buffer before = {0};
	uint8_t *copy = malloc(message.len + 1);
	/* Keys of X-Wing are long: a bit of almost every byte. */
	size_t step = message.len > MESSAGE_LEN_SMALL ? 7 : 1;

	assert_non_null(copy);
	memcpy(copy, message.data, message.len);
	copy[message.len] = 0;
	world_state(member(1), &before);
	for (size_t len = 0; len < message.len; len++)
		assert_int_not_equal(attempt->run(BYTES(copy, len)), SOTTO_OK);
	assert_int_not_equal(attempt->run(BYTES(copy, message.len + 1)), SOTTO_OK);
	assert_unchanged(&before);
	for (size_t bit = 0; attempt->flips && bit < 8 * message.len; bit += step) {
		copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_not_equal(attempt->run(BYTES(copy, message.len)), SOTTO_OK);
		copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (bit % 64 == 0)
			assert_unchanged(&before);
	}
	assert_unchanged(&before);
	assert_int_equal(attempt->run(BYTES(copy, message.len)), SOTTO_OK);
	mls_buffer_release(&before);
	free(copy);
}

static void test_changed_messages(void **state)
{
	(void)state;
	for (int format = MLS_PUBLIC_MESSAGE; format <= MLS_PRIVATE_MESSAGE; format++) {
		for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
			if (!attempts[i].reads)
				continue;
			setting_init((enum mls_wire_format)format);
			attempts[i].prepare();
			change_message(&attempts[i]);
			setting_finish();
		}
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		struct mls_buffer before = {0};
		enum sotto_err err = SOTTO_ERR_NO_MEMORY;

		setting_init(MLS_PRIVATE_MESSAGE);
		attempts[i].prepare();
		world_state(member(1), &before);
		for (unsigned n = 1; err != SOTTO_OK; n++) {
			faulty.refuse = faulty.calls + n;
			err = attempts[i].run(input_bytes(attempts[i].input));
			faulty.refuse = 0;
			if (err == SOTTO_OK)
				break;
			assert_int_equal(err, SOTTO_ERR_NO_MEMORY);
			assert_unchanged(&before);
		}
		mls_buffer_release(&before);
		setting_finish();
	}
}

static void test_no_randomness(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		struct mls_buffer before = {0};
		enum sotto_err err = SOTTO_ERR_RANDOM;

		setting_init(MLS_PRIVATE_MESSAGE);
		attempts[i].prepare();
		world_state(member(1), &before);
		for (unsigned n = 1; err != SOTTO_OK; n++) {
			struct test_random *random = &setting.world.test_random;

			random->refuse_call = random->calls + n;
			err = attempts[i].run(input_bytes(attempts[i].input));
			random->refuse_call = 0;
			if (err == SOTTO_OK)
				break;
			assert_int_equal(err, SOTTO_ERR_RANDOM);
			assert_unchanged(&before);
		}
		mls_buffer_release(&before);
		setting_finish();
	}
}

/* Application messages take no memory at all, both ways, even from a sender's first message on. */
static void test_messages_allocate_nothing(void **state)
{
	unsigned calls;

	(void)state;
	setting_init(MLS_PRIVATE_MESSAGE);
	calls = faulty.calls;
	for (int i = 0; i < 20; i++) {
		prepare_application();
		assert_int_equal(try_unprotect(input_bytes(IN_APPLICATION)), SOTTO_OK);
		assert_int_equal(try_protect(BYTES_NONE), SOTTO_OK);
	}
	assert_int_equal(faulty.calls, calls);
	setting_finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed_messages),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_randomness),
		cmocka_unit_test(test_messages_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
