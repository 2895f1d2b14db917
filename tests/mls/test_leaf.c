/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves and key packages may say (RFC 9420 sections 5.3, 7.2, 7.3, 11.1): lifetimes,
 * credentials of other types, GREASE and unknown extensions kept byte for byte, required
 * capabilities.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mls/proposal.h"
#include "tests/mls/world.h"

static struct world world;

static enum sotto_err check_lifetime(uint64_t not_before, uint64_t not_after, uint64_t longest,
				     uint64_t now_s)
{
	struct mls_key_package_secrets secrets;
	struct mls_key_package_info info;
	struct mls_leaf_options options;
	struct mls_buffer message = {0};
	enum sotto_err err;

	world_leaf_options(&world.actors[0], &options);
	options.lifetime = (struct mls_lifetime){not_before, not_after};
	world.config.limits.lifetime_s = longest;
	assert_int_equal(
		mls_key_package_create(&world.config, &options, NULL, 0, &message, &secrets),
		SOTTO_OK);
	err = mls_key_package_check(&world.config, mls_buffer_bytes(&message), now_s, &info);
	if (err == SOTTO_OK)
		assert_int_equal(info.member.lifetime.not_after, not_after);
	mls_buffer_release(&message);
	return err;
}

static void test_lifetimes(void **state)
{
	static const struct {
		uint64_t not_before, not_after, longest, now_s;
		enum sotto_err err;
	} table[] = {
		{100, 200, 0, 0, SOTTO_OK},
		{100, 200, 0, 100, SOTTO_OK},
		{100, 200, 0, 200, SOTTO_OK},
		{100, 200, 0, 99, SOTTO_ERR_INVALID},
		{100, 200, 0, 201, SOTTO_ERR_INVALID},
		{100, 200, 100, 150, SOTTO_OK},
		{100, 201, 100, 150, SOTTO_ERR_INVALID},
		{200, 100, 0, 0, SOTTO_ERR_INVALID},
		{0, UINT64_MAX, 0, 1, SOTTO_OK},
		{0, UINT64_MAX, 1000, 1, SOTTO_ERR_INVALID},
	};

	(void)state;
	world_init(&world, world_suite(), 30);
	(void)world_new_actor(&world);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(check_lifetime(table[i].not_before, table[i].not_after,
						table[i].longest, table[i].now_s),
				 table[i].err);
	world_finish(&world);
}

/* Adds actor 1 with these options to a group of actor 0 with these context extensions. */
static enum sotto_err add(const struct mls_leaf_options *leaf,
			  const struct mls_extension *extensions, size_t extension_count,
			  struct mls_member *member)
{
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0}, commit = {0}, welcome = {0};
	struct mls_leaf_options creator;
	struct bytes add_bytes;
	struct mls_commit_options options = {.add = &add_bytes, .add_count = 1};
	struct mls_join_options join = {
		.secrets = &secrets,
		.identity = &world.actors[1].identity,
	};
	enum sotto_err err;

	world_leaf_options(&world.actors[0], &creator);
	assert_int_equal(mls_group_create(&world.config, BYTES_TEXT("group"), &creator, extensions,
					  extension_count, &world.actors[0].group),
			 SOTTO_OK);
	assert_int_equal(mls_key_package_create(&world.config, leaf, NULL, 0, &package, &secrets),
			 SOTTO_OK);
	add_bytes = mls_buffer_bytes(&package);
	err = mls_group_commit(world.actors[0].group, &options, &commit, &welcome);
	if (err == SOTTO_OK) {
		assert_int_equal(mls_group_apply_pending(world.actors[0].group), SOTTO_OK);
		join.welcome = mls_buffer_bytes(&welcome);
		join.key_package = add_bytes;
		assert_int_equal(mls_group_join(&world.config, &join, &world.actors[1].group),
				 SOTTO_OK);
		world_check(&world);
		assert_int_equal(mls_group_member(world.actors[1].group, 1, member), SOTTO_OK);
	}
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	return err;
}

static void begin(void)
{
	world_init(&world, world_suite(), 31);
	(void)world_new_actor(&world);
	(void)world_new_actor(&world);
}

static void test_certificates_are_carried(void **state)
{
	static const uint8_t chain[] = {3, 'o', 'n', 'e', 3, 't', 'w', 'o'};
	struct mls_leaf_options options;
	struct mls_member member;

	(void)state;
	begin();
	world_leaf_options(&world.actors[1], &options);
	options.credential =
		(struct mls_credential){.type = MLS_CREDENTIAL_X509, .content = BYTES_OF(chain)};
	assert_int_equal(add(&options, NULL, 0, &member), SOTTO_OK);
	assert_int_equal(member.credential.type, MLS_CREDENTIAL_X509);
	assert_true(bytes_equal(member.credential.content, BYTES_OF(chain)));
	world_message(&world, 1, "certified");
	world_finish(&world);
}

static void test_unknown_values_are_kept(void **state)
{
	static const uint16_t grease[] = {0x1a1a, 0x2a2a};
	struct mls_extension extensions[] = {
		{0x3a3a, BYTES_TEXT("greasy")},
		{0xf777, BYTES_TEXT("somebody's own")},
	};
	struct mls_leaf_options options;
	struct mls_member member;
	struct bytes found;

	(void)state;
	begin();
	world_leaf_options(&world.actors[1], &options);
	options.extension_types = grease;
	options.extension_type_count = 2;
	options.proposal_types = grease;
	options.proposal_type_count = 2;
	options.credential_types = grease;
	options.credential_type_count = 2;
	options.extensions = extensions;
	options.extension_count = 2;
	assert_int_equal(add(&options, NULL, 0, &member), SOTTO_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(mls_extension_find(member.extensions, extensions[i].type, &found),
				 SOTTO_OK);
		assert_true(bytes_equal(found, extensions[i].data));
	}
	assert_int_equal(mls_extension_find(member.extensions, 0x4a4a, &found),
			 SOTTO_ERR_NOT_FOUND);
	/* A path keeps all of it. */
	world_commit(&world, 1, NULL, 0, NULL, 0, true);
	assert_int_equal(mls_group_member(world.actors[0].group, 1, &member), SOTTO_OK);
	assert_int_equal(mls_extension_find(member.extensions, 0x3a3a, &found), SOTTO_OK);
	world_finish(&world);
}

/* 7.2, 10: what a key package and its leaf carry is listed once; what everybody supports is not. */
static void test_what_is_listed(void **state)
{
	static const uint16_t types[] = {MLS_EXTENSION_EXTERNAL_PUB, 0x0a0a},
			      wanted[] = {0x0a0a, 0x1a1a, 0x2a2a};
	static const uint16_t proposals[] = {MLS_PROPOSAL_ADD, 0x3a3a};
	struct mls_extension leaf[] = {{0x1a1a, BYTES_NONE},
				       {MLS_EXTENSION_APPLICATION_ID, BYTES_NONE}};
	struct mls_extension package[] = {
		{0x1a1a, BYTES_NONE}, {0x2a2a, BYTES_NONE}, {0x0a0a, BYTES_NONE}};
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options options;
	struct mls_buffer message = {0};
	struct key_package_view view;

	(void)state;
	begin();
	world_leaf_options(&world.actors[1], &options);
	options.extension_types = types;
	options.extension_type_count = 2;
	options.proposal_types = proposals;
	options.proposal_type_count = 2;
	options.extensions = leaf;
	options.extension_count = 2;
	assert_int_equal(
		mls_key_package_create(&world.config, &options, package, 3, &message, &secrets),
		SOTTO_OK);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&message), &view), SOTTO_OK);
	assert_int_equal(u16_list_count(view.leaf.extension_types), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(u16_list_at(view.leaf.extension_types, i), wanted[i]);
	assert_int_equal(u16_list_count(view.leaf.proposal_types), 1);
	assert_int_equal(u16_list_at(view.leaf.proposal_types, 0), 0x3a3a);
	mls_buffer_release(&message);
	world_finish(&world);
}

static void test_required_capabilities(void **state)
{
	/* extensions, proposals, credentials: uint16<V> each */
	static const uint8_t needs_nothing[] = {0, 0, 0};
	static const uint8_t needs_ours[] = {2, 0xf0, 0x00, 0, 2, 0, 1};
	static const uint8_t needs_default[] = {2, 0, 1, 2, 0, 3, 0};
	static const struct {
		struct bytes required;
		bool lists_ours;
		enum sotto_err err;
	} table[] = {
		{{needs_nothing, sizeof(needs_nothing)}, false, SOTTO_OK},
		{{needs_default, sizeof(needs_default)}, false, SOTTO_OK},
		{{needs_ours, sizeof(needs_ours)}, true, SOTTO_OK},
		{{needs_ours, sizeof(needs_ours)}, false, SOTTO_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mls_extension required = {MLS_EXTENSION_REQUIRED_CAPABILITIES,
						 table[i].required};
		struct mls_leaf_options options;
		struct mls_member member;

		begin();
		world_leaf_options(&world.actors[1], &options);
		if (!table[i].lists_ours)
			options.extension_type_count = 0;
		assert_int_equal(add(&options, &required, 1, &member), table[i].err);
		world_finish(&world);
	}
}

/* A group cannot start with what its creator lacks, nor with lists that contradict themselves. */
static void test_bad_groups(void **state)
{
	static const uint8_t malformed[] = {1, 0, 0, 0};
	const struct {
		struct mls_extension extensions[2];
		size_t count;
		enum sotto_err err;
	} table[] = {
		{{{0xf888, BYTES_TEXT("unknown to us")}}, 1, SOTTO_ERR_INVALID},
		{{{MLS_EXTENSION_PRIVATE_USE, BYTES_NONE}, {MLS_EXTENSION_PRIVATE_USE, BYTES_NONE}},
		 2,
		 SOTTO_ERR_INVALID},
		{{{MLS_EXTENSION_REQUIRED_CAPABILITIES, BYTES(malformed, 4)}}, 1, SOTTO_ERR_FORMAT},
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mls_leaf_options options;
		struct mls_group *group = NULL;

		world_leaf_options(&world.actors[0], &options);
		assert_int_equal(mls_group_create(&world.config, BYTES_TEXT("group"), &options,
						  table[i].extensions, table[i].count, &group),
				 table[i].err);
		assert_null(group);
	}
	world_finish(&world);
}

/* An application's own signatures cannot pass as MLS's. */
static void test_application_signatures(void **state)
{
	uint8_t signature[MLS_SIGNATURE_LEN_MAX];
	struct bytes content = BYTES_TEXT("ledger entry");
	size_t len;

	(void)state;
	for (size_t i = 0; i < WORLD_SUITES; i++) {
		uint16_t suite = world_suites[i];
		const struct mls_identity *identity = &world.actors[0].identity;
		struct bytes key;

		world_init(&world, suite, 32);
		(void)world_new_actor(&world);
		key = BYTES(identity->public_key, identity->public_len);
		assert_int_equal(
			mls_sign(&world.config, identity, "sotto entry", content, signature, &len),
			SOTTO_OK);
		assert_int_equal(mls_verify(&world.config, suite, key, "sotto entry", content,
					    BYTES(signature, len)),
				 SOTTO_OK);
		assert_int_equal(mls_verify(&world.config, suite, key, "another label", content,
					    BYTES(signature, len)),
				 SOTTO_ERR_VERIFY);
		assert_int_equal(
			mls_sign(&world.config, identity, "LeafNodeTBS", content, signature, &len),
			SOTTO_ERR_ARGUMENT);
		world_finish(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_certificates_are_carried),
		cmocka_unit_test(test_unknown_values_are_kept),
		cmocka_unit_test(test_what_is_listed),
		cmocka_unit_test(test_required_capabilities),
		cmocka_unit_test(test_bad_groups),
		cmocka_unit_test(test_application_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
