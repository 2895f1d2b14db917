/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we don't know is kept byte for byte (RFC 9420 sections 7.2, 13.4, 13.5): GREASE in
 * capabilities and in extensions of leaves, key packages and group infos; other credential types;
 * X.509 chains, carried and shown; leaves that live for ever. We make them and we take them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "mls/group.h"
#include "mls/welcome.h"
#include "tests/mls/world.h"

/* All of section 13.5, and one of private use. */
static const uint16_t grease[] = {0x0a0a, 0x1a1a, 0x2a2a, 0x3a3a, 0x4a4a, 0x5a5a, 0x6a6a, 0x7a7a,
				  0x8a8a, 0x9a9a, 0xaaaa, 0xbaba, 0xcaca, 0xdada, 0xeaea, 0xfafa};

static const uint16_t types[] = {MLS_EXTENSION_PRIVATE_USE, 0x0a0a, 0x1a1a, 0xfafa};

static const struct mls_extension greasy[] = {
	{0x2a2a, {(const uint8_t *)"\0\xff\0", 3}},
	{0xeaea, {NULL, 0}},
	{0xfafa, {(const uint8_t *)"grease is the word", 18}},
};

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void greasy_leaf(unsigned actor, struct mls_leaf_options *leaf)
{
	world_leaf_options(&world.actors[actor], leaf);
	leaf->suites = grease;
	leaf->suite_count = ARRAY_LEN(grease);
	leaf->extension_types = types;
	leaf->extension_type_count = ARRAY_LEN(types);
	leaf->proposal_types = grease;
	leaf->proposal_type_count = ARRAY_LEN(grease);
	leaf->credential_types = grease;
	leaf->credential_type_count = ARRAY_LEN(grease);
	leaf->extensions = greasy;
	leaf->extension_count = ARRAY_LEN(greasy);
}

/* A leaf says what it was told to say, and no member's copy says anything else. */
static void assert_greasy(struct bytes encoded)
{
	struct leaf_view view;
	struct reader reader;

	reader_init(&reader, encoded);
	leaf_view_read(&reader, &view);
	assert_int_equal(reader_finish(&reader), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(grease); i++) {
		assert_int_equal(u16_list_at(view.suites, 1 + i), grease[i]);
		assert_int_equal(u16_list_at(view.proposal_types, i), grease[i]);
		assert_int_equal(u16_list_at(view.credential_types, 2 + i), grease[i]);
	}
	/* Those of the leaf's own extensions are listed by themselves (13.5). */
	for (size_t i = 0; i < ARRAY_LEN(greasy); i++) {
		struct bytes data;

		assert_true(u16_list_has(view.extension_types, greasy[i].type));
		assert_int_equal(mls_extension_find(view.extensions, greasy[i].type, &data),
				 SOTTO_OK);
		assert_true(bytes_equal(data, greasy[i].data));
	}
}

static void assert_all_see(struct bytes encoded, uint32_t leaf)
{
	for (unsigned i = 0; i < world.actor_count; i++) {
		struct mls_member member;

		if (group_of(i) == NULL)
			continue;
		assert_int_equal(mls_group_member(group_of(i), leaf, &member), SOTTO_OK);
		assert_true(bytes_equal(member.encoded, encoded));
	}
}

static void begin(uint16_t suite, unsigned members)
{
	unsigned added[WORLD_MAX];

	world_init(&world, suite, 90);
	world.config.external_commits = true;
	for (unsigned i = 0; i <= members; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	for (unsigned i = 1; i < members; i++)
		added[i - 1] = i;
	world_commit(&world, 0, added, members - 1, NULL, 0, true);
}

/* Adds actor 2 with a leaf and key package of these options to the group of 0 and 1. */
static void add(const struct mls_leaf_options *leaf, struct mls_buffer *package)
{
	struct mls_key_package_secrets secrets;
	struct mls_buffer commit = {0}, welcome = {0};
	struct bytes message;
	struct mls_commit_options options = {.add = &message, .add_count = 1};
	struct mls_join_options join = {.secrets = &secrets, .identity = leaf->identity};

	assert_int_equal(mls_key_package_create(&world.config, leaf, greasy, ARRAY_LEN(greasy),
						package, &secrets),
			 SOTTO_OK);
	message = mls_buffer_bytes(package);
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome), SOTTO_OK);
	world_deliver(&world, 0, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(group_of(0)), SOTTO_OK);
	join.welcome = mls_buffer_bytes(&welcome);
	join.key_package = message;
	assert_int_equal(mls_group_join(&world.config, &join, &world.actors[2].group), SOTTO_OK);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	world_check(&world);
}

static void test_key_packages_and_leaves(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		struct mls_key_package_info info;
		struct mls_buffer package = {0}, message = {0};
		struct mls_leaf_options leaf;
		struct mls_commit_options plain = {0}, path = {.path = true};
		struct mls_member member;
		struct bytes data;

		begin(suite, 2);
		greasy_leaf(2, &leaf);
		add(&leaf, &package);
		assert_int_equal(
			mls_key_package_check(&world.config, mls_buffer_bytes(&package), 1, &info),
			SOTTO_OK);
		assert_int_equal(mls_extension_find(info.extensions, 0xfafa, &data), SOTTO_OK);
		assert_true(bytes_equal(data, greasy[2].data));
		assert_greasy(info.member.encoded);
		assert_all_see(info.member.encoded, 2);
		world_reload_all(&world);
		assert_all_see(info.member.encoded, 2);
		/* It renews its leaf, by commit and by proposal, and keeps all of it but the key. */
		world_commit_with(&world, 2, &path);
		assert_int_equal(mls_group_member(group_of(0), 2, &member), SOTTO_OK);
		assert_greasy(member.encoded);
		assert_all_see(member.encoded, 2);
		world_propose(&world, 2, mls_group_propose_update(group_of(2), NULL, &message),
			      &message);
		world_commit_with(&world, 1, &plain);
		assert_int_equal(mls_group_member(group_of(0), 2, &member), SOTTO_OK);
		assert_greasy(member.encoded);
		world_message(&world, 2, "slippery");
		mls_buffer_release(&package);
		world_finish(&world);
	}
}

/* Group infos and newcomers' leaves. */
static void test_group_info(void **state)
{
	struct mls_group_info_options with = {
		.with_tree = true,
		.with_external_pub = true,
		.extensions = greasy,
		.extension_count = ARRAY_LEN(greasy),
	};
	struct mls_external_join_options options = {0};
	struct mls_leaf_options leaf;
	struct mls_buffer info = {0}, commit = {0};
	struct group_info_view view;
	struct mls_member member;
	struct reader reader;
	struct bytes data;

	(void)state;
	begin(1, 2);
	assert_int_equal(mls_group_info(group_of(0), &with, &info), SOTTO_OK);
	reader_init(&reader, BYTES(info.data + 4, info.len - 4));
	group_info_read(&reader, &view);
	assert_int_equal(reader_finish(&reader), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(greasy); i++) {
		assert_int_equal(mls_extension_find(view.extensions, greasy[i].type, &data),
				 SOTTO_OK);
		assert_true(bytes_equal(data, greasy[i].data));
	}
	greasy_leaf(2, &leaf);
	options.group_info = mls_buffer_bytes(&info);
	options.leaf = &leaf;
	assert_int_equal(
		mls_group_join_external(&world.config, &options, &commit, &world.actors[2].group),
		SOTTO_OK);
	world_deliver(&world, 2, mls_buffer_bytes(&commit));
	world_check(&world);
	assert_int_equal(mls_group_member(group_of(1), 2, &member), SOTTO_OK);
	assert_greasy(member.encoded);
	mls_buffer_release(&info);
	mls_buffer_release(&commit);
	world_finish(&world);
}

/* 13.5: not in the group's context, nor as proposal, nor as credential: unless all can do it. */
static void test_where_it_may_not_be(void **state)
{
	struct mls_commit_options options = {
		.set_extensions = true, .extensions = &greasy[0], .extension_count = 1};
	struct mls_extension known = {0x0a0a, BYTES_TEXT("all list this")};
	struct mls_leaf_options leaf;
	struct mls_buffer out = {0}, welcome = {0};
	struct mls_key_package_secrets secrets;
	struct mls_context context;
	struct bytes data;

	(void)state;
	begin(1, 2);
	assert_int_equal(mls_group_commit(group_of(0), &options, &out, &welcome),
			 SOTTO_ERR_INVALID);
	options.extensions = &known;
	world_commit_with(&world, 0, &options);
	mls_group_context(group_of(1), &context);
	assert_int_equal(mls_extension_find(context.extensions, 0x0a0a, &data), SOTTO_OK);
	assert_true(bytes_equal(data, known.data));
	world_leaf_options(&world.actors[2], &leaf);
	leaf.credential.type = 0x0a0a;
	assert_int_equal(mls_key_package_create(&world.config, &leaf, NULL, 0, &out, &secrets),
			 SOTTO_ERR_ARGUMENT);
	world_finish(&world);
}

/* Certificates in their vectors: shown as they came, in every member's view. */
static void test_x509(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		static const struct bytes chain = {(const uint8_t *)"\x04leaf\x04root\0", 11};
		struct mls_key_package_secrets secrets;
		struct mls_key_package_info info;
		struct mls_buffer package = {0};
		struct mls_leaf_options leaf;
		struct mls_commit_options path = {.path = true};
		struct mls_member member;

		begin(suite, 2);
		world_leaf_options(&world.actors[2], &leaf);
		leaf.credential =
			(struct mls_credential){.type = MLS_CREDENTIAL_X509, .content = chain};
		add(&leaf, &package);
		world_commit_with(&world, 2, &path);
		world_reload_all(&world);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(mls_group_member(group_of(i), 2, &member), SOTTO_OK);
			assert_int_equal(member.credential.type, MLS_CREDENTIAL_X509);
			assert_true(bytes_equal(member.credential.content, chain));
		}
		mls_buffer_release(&package);
		/* A chain that is none does not parse at the other end. */
		leaf.credential.content = BYTES(chain.data, 9);
		assert_int_equal(
			mls_key_package_create(&world.config, &leaf, NULL, 0, &package, &secrets),
			SOTTO_OK);
		assert_int_equal(
			mls_key_package_check(&world.config, mls_buffer_bytes(&package), 0, &info),
			SOTTO_ERR_FORMAT);
		mls_buffer_release(&package);
		world_finish(&world);
	}
}

static void sign_again(struct writer *out, const char *label, struct bytes content,
		       const struct mls_identity *identity)
{
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct writer tbs;
	size_t start, len;

	writer_init_growing(&tbs, &allocator_default);
	start = sign_content_begin(&tbs, label);
	writer_put_bytes(&tbs, content);
	sign_content_end(&tbs, start);
	assert_int_equal(suite_sign(suite_find(identity->suite), &world.random,
				    &identity->private_key, &tbs, signature, &len),
			 SOTTO_OK);
	writer_put_vector(out, BYTES(signature, len));
	writer_release(&tbs);
}

/*
 * A key package with another credential type, or another suite listed in place of its own: ours are not
 * made so, hence by hand.
 */
static void change_type(const struct mls_buffer *package, bool credential, uint16_t type,
			const struct mls_identity *identity, struct writer *out)
{
	struct key_package_view view;
	struct writer leaf;
	size_t at;

	assert_int_equal(key_package_message_read(mls_buffer_bytes(package), &view), SOTTO_OK);
	at = (size_t)((credential ? view.leaf.credential_encoded.data : view.leaf.suites.data) -
		      view.leaf.encoded.data);
	writer_init_growing(&leaf, &allocator_default);
	writer_put_bytes(&leaf, BYTES(view.leaf.encoded.data, view.leaf.signed_len));
	leaf.data[at] = (uint8_t)(type >> 8);
	leaf.data[at + 1] = (uint8_t)type;
	sign_again(&leaf, "LeafNodeTBS", BYTES(leaf.data, leaf.len), identity);
	writer_put_u16(out, MLS_VERSION);
	writer_put_u16(out, MLS_KEY_PACKAGE);
	writer_put_bytes(out, BYTES(view.encoded.data,
				    (size_t)(view.leaf.encoded.data - view.encoded.data)));
	writer_put_bytes(out, writer_bytes(&leaf));
	writer_put_vector(out, view.extensions);
	sign_again(out, "KeyPackageTBS", BYTES(out->data + 4, out->len - 4), identity);
	assert_int_equal(out->err, SOTTO_OK);
	writer_release(&leaf);
}

/* 7.3: a credential type that all list, and none of us knows, is carried like any other. */
static void test_other_credentials(void **state)
{
	(void)state;
	for (int listed = 0; listed < 2; listed++) {
		struct mls_key_package_secrets secrets;
		struct mls_buffer package = {0}, commit = {0}, welcome = {0};
		struct mls_leaf_options leaf;
		struct mls_commit_options options = {.add_count = 1};
		struct mls_join_options join = {.secrets = &secrets};
		struct mls_member member;
		struct writer changed;
		struct bytes add;

		world_init(&world, 1, 91);
		(void)world_new_actor(&world);
		(void)world_new_actor(&world);
		greasy_leaf(0, &leaf);
		leaf.credential_type_count = listed ? ARRAY_LEN(grease) : 0;
		assert_int_equal(mls_group_create(&world.config, BYTES_TEXT("g"), &leaf, NULL, 0,
						  &world.actors[0].group),
				 SOTTO_OK);
		greasy_leaf(1, &leaf);
		assert_int_equal(
			mls_key_package_create(&world.config, &leaf, NULL, 0, &package, &secrets),
			SOTTO_OK);
		writer_init_growing(&changed, &allocator_default);
		change_type(&package, true, 0x7a7a, leaf.identity, &changed);
		add = writer_bytes(&changed);
		options.add = &add;
		assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
				 listed ? SOTTO_OK : SOTTO_ERR_INVALID);
		if (listed) {
			assert_int_equal(mls_group_apply_pending(group_of(0)), SOTTO_OK);
			join.welcome = mls_buffer_bytes(&welcome);
			join.key_package = add;
			join.identity = leaf.identity;
			assert_int_equal(
				mls_group_join(&world.config, &join, &world.actors[1].group),
				SOTTO_OK);
			world_check(&world);
			world_reload_all(&world);
			assert_int_equal(mls_group_member(group_of(0), 1, &member), SOTTO_OK);
			assert_int_equal(member.credential.type, 0x7a7a);
			assert_true(bytes_equal(member.credential.content, BYTES_TEXT("actor-1")));
		}
		writer_release(&changed);
		mls_buffer_release(&package);
		mls_buffer_release(&commit);
		mls_buffer_release(&welcome);
		world_finish(&world);
	}
}

/* 7.2 has clients list the suites they do; 7.3 has nobody refuse those who left out the group's. */
static void test_suite_not_listed(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		struct mls_key_package_secrets secrets;
		struct mls_buffer package = {0}, commit = {0}, welcome = {0};
		struct mls_commit_options options = {.add_count = 1};
		struct mls_join_options join = {.secrets = &secrets};
		struct mls_key_package_info info;
		struct mls_leaf_options leaf;
		struct key_package_view view;
		struct writer changed;
		struct bytes add;

		begin(suite, 2);
		world_leaf_options(&world.actors[2], &leaf);
		assert_int_equal(
			mls_key_package_create(&world.config, &leaf, NULL, 0, &package, &secrets),
			SOTTO_OK);
		writer_init_growing(&changed, &allocator_default);
		change_type(&package, false, 0x7a7a, leaf.identity, &changed);
		add = writer_bytes(&changed);
		assert_int_equal(key_package_message_read(add, &view), SOTTO_OK);
		assert_false(u16_list_has(view.leaf.suites, suite));
		assert_int_equal(mls_key_package_check(&world.config, add, 0, &info), SOTTO_OK);
		options.add = &add;
		assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
				 SOTTO_OK);
		world_deliver(&world, 0, mls_buffer_bytes(&commit));
		assert_int_equal(mls_group_apply_pending(group_of(0)), SOTTO_OK);
		join.welcome = mls_buffer_bytes(&welcome);
		join.key_package = add;
		join.identity = leaf.identity;
		assert_int_equal(mls_group_join(&world.config, &join, &world.actors[2].group),
				 SOTTO_OK);
		world_check(&world);
		world_message(&world, 2, "no suite named");
		writer_release(&changed);
		mls_buffer_release(&package);
		mls_buffer_release(&commit);
		mls_buffer_release(&welcome);
		world_finish(&world);
	}
}

/* Lifetimes: for ever is fine unless the application wants it shorter; a clock decides when given. */
static void test_lifetimes(void **state)
{
	static const struct {
		struct mls_lifetime lifetime;
		uint64_t longest_s;
		uint64_t now_s;
		enum sotto_err err;
	} table[] = {
		{{0, UINT64_MAX}, 0, 0, SOTTO_OK},
		{{0, UINT64_MAX}, 0, 1700000000, SOTTO_OK},
		{{0, UINT64_MAX}, 0, UINT64_MAX, SOTTO_OK},
		{{0, UINT64_MAX}, 31536000, 0, SOTTO_ERR_INVALID},
		{{1000, 2000}, 1000, 1500, SOTTO_OK},
		{{1000, 2000}, 999, 1500, SOTTO_ERR_INVALID},
		{{1000, 2000}, 0, 999, SOTTO_ERR_INVALID},
		{{1000, 2000}, 0, 1000, SOTTO_OK},
		{{1000, 2000}, 0, 2000, SOTTO_OK},
		{{1000, 2000}, 0, 2001, SOTTO_ERR_INVALID},
		{{1000, 2000}, 0, 0, SOTTO_OK},
		{{2000, 1000}, 0, 0, SOTTO_ERR_INVALID},
	};

	(void)state;
	begin(1, 2);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct mls_key_package_secrets secrets;
		struct mls_key_package_info info;
		struct mls_buffer package = {0};
		struct mls_leaf_options leaf;

		world_leaf_options(&world.actors[2], &leaf);
		leaf.lifetime = table[i].lifetime;
		assert_int_equal(
			mls_key_package_create(&world.config, &leaf, NULL, 0, &package, &secrets),
			SOTTO_OK);
		world.config.limits.lifetime_s = table[i].longest_s;
		assert_int_equal(mls_key_package_check(&world.config, mls_buffer_bytes(&package),
						       table[i].now_s, &info),
				 table[i].err);
		mls_buffer_release(&package);
	}
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_packages_and_leaves), cmocka_unit_test(test_group_info),
		cmocka_unit_test(test_where_it_may_not_be),	cmocka_unit_test(test_x509),
		cmocka_unit_test(test_other_credentials),	cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_suite_not_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
