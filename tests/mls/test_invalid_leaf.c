/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves and key packages that break a rule (RFC 9420 sections 7.2, 7.3, 10, 10.1, 11.1, 13.4), signed
 * as they must be: in the Add of a commit, in an Update that a commit then covers, and in the path of
 * a commit. Who judges stays as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/mls/hostile.h"

#define EVIL	 0
#define JUDGE	 1
#define OTHER	 2 /* commits what EVIL proposes */
#define NEWCOMER 4
#define REQUIRED 0x0a0a /* extension, proposal and credential type that the group requires */

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(void)
{
	static const unsigned others[] = {1, 2, 3};
	static const uint8_t required[] = {2, 0x0a, 0x0a, 2, 0x0a, 0x0a, 2, 0x0a, 0x0a};
	struct mls_extension extensions[] = {
		{MLS_EXTENSION_REQUIRED_CAPABILITIES, BYTES_OF(required)},
		{MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("head")},
	};
	struct mls_commit_options options = {
		.set_extensions = true, .extensions = extensions, .extension_count = 2};

	world_init(&world, world_suite(), 11);
	for (int i = 0; i < 5; i++)
		(void)world_new_actor(&world);
	world_create(&world, EVIL);
	world_commit(&world, EVIL, others, 3, NULL, 0, true);
	world_commit_with(&world, EVIL, &options);
}

/* ---- A leaf, and what is spoilt in it ---- */

struct parts {
	struct leaf_view leaf;
	const struct mls_identity *signer;
	bool own_signature;
	struct writer list; /* room for what is new in it */
	uint8_t key[KEM_PUBLIC_LEN_MAX];
};

static struct bytes list_of(struct parts *parts, const uint16_t *types, size_t count)
{
	hostile_types_write(&parts->list, types, count);
	return writer_bytes(&parts->list);
}

static struct bytes public_of(unsigned actor)
{
	return BYTES(world.actors[actor].identity.public_key,
		     world.actors[actor].identity.public_len);
}

static void nothing(struct parts *parts)
{
	(void)parts;
}

static void signature(struct parts *parts)
{
	parts->own_signature = true;
}

static void source_package(struct parts *parts)
{
	parts->leaf.source = LEAF_KEY_PACKAGE;
	parts->leaf.lifetime = (struct mls_lifetime){0, UINT64_MAX};
}

static void source_update(struct parts *parts)
{
	parts->leaf.source = LEAF_UPDATE;
}

static void source_commit(struct parts *parts)
{
	parts->leaf.source = LEAF_COMMIT;
}

static void no_version(struct parts *parts)
{
	parts->leaf.versions = list_of(parts, (uint16_t[]){REQUIRED}, 1);
}

static void no_suite(struct parts *parts)
{
	parts->leaf.suites = list_of(parts, (uint16_t[]){REQUIRED}, 1);
}

static void credential_not_listed(struct parts *parts)
{
	static const uint16_t types[] = {MLS_CREDENTIAL_X509, REQUIRED};

	parts->leaf.credential_types = list_of(parts, types, 2);
}

/* Of a type that it lists itself, and nobody else. */
static void credential_of_its_own(struct parts *parts)
{
	static const uint16_t types[] = {MLS_CREDENTIAL_BASIC, REQUIRED, 0x1a1a};

	parts->leaf.credential_types = list_of(parts, types, 3);
	parts->leaf.credential.type = 0x1a1a;
}

/* It cannot read the others': theirs are basic. */
static void credential_of_others(struct parts *parts)
{
	static const uint16_t types[] = {REQUIRED};

	parts->leaf.credential_types = list_of(parts, types, 1);
	parts->leaf.credential.type = REQUIRED;
}

static void extension_not_listed(struct parts *parts)
{
	writer_put_u16(&parts->list, 0xf321);
	writer_put_vector(&parts->list, BYTES_TEXT("x"));
	parts->leaf.extensions = writer_bytes(&parts->list);
}

static void extension_twice(struct parts *parts)
{
	for (int i = 0; i < 2; i++) {
		writer_put_u16(&parts->list, REQUIRED);
		writer_put_vector(&parts->list, BYTES_TEXT("x"));
	}
	parts->leaf.extensions = writer_bytes(&parts->list);
}

static void lacks_required_extension(struct parts *parts)
{
	parts->leaf.extension_types = list_of(parts, (uint16_t[]){MLS_EXTENSION_PRIVATE_USE}, 1);
}

static void lacks_required_proposal(struct parts *parts)
{
	parts->leaf.proposal_types = BYTES_NONE;
}

static void lacks_required_credential(struct parts *parts)
{
	static const uint16_t types[] = {MLS_CREDENTIAL_BASIC, MLS_CREDENTIAL_X509};

	parts->leaf.credential_types = list_of(parts, types, 2);
}

static void lacks_extension_in_use(struct parts *parts)
{
	parts->leaf.extension_types = list_of(parts, (uint16_t[]){REQUIRED}, 1);
}

static void odd_list(struct parts *parts)
{
	parts->leaf.proposal_types = BYTES_TEXT("\x0a\x0a\x0a");
}

static void key_short(struct parts *parts)
{
	parts->leaf.encryption_key.len--;
}

static void key_of_member(struct parts *parts)
{
	parts->leaf.encryption_key = tree_key(&group_of(JUDGE)->epoch->tree, node_of_leaf(3));
}

static void key_as_before(struct parts *parts)
{
	parts->leaf.encryption_key = tree_key(&group_of(JUDGE)->epoch->tree, node_of_leaf(EVIL));
}

static void signature_key_short(struct parts *parts)
{
	parts->leaf.signature_key.len--;
}

static void signature_key_of_member(struct parts *parts)
{
	parts->leaf.signature_key = public_of(3);
	parts->signer = &world.actors[3].identity;
}

static void lifetime_backwards(struct parts *parts)
{
	parts->leaf.lifetime = (struct mls_lifetime){2, 1};
}

/* What is said of a leaf by its place; OK: as good as any. */
#define GOOD SOTTO_OK
#define SAME SOTTO_ERR_INVALID
#define NONE SOTTO_ERR_ARGUMENT /* does not apply */

static const struct {
	const char *name;
	void (*spoil)(struct parts *parts);
	enum sotto_err add;
	enum sotto_err update;	/* the proposal by itself */
	enum sotto_err covered; /* a commit by another with it */
	enum sotto_err path;
} leaves[] = {
	{"all right", nothing, GOOD, GOOD, GOOD, GOOD},
	{"7.3: signature", signature, SOTTO_ERR_VERIFY, SOTTO_ERR_VERIFY, NONE, SOTTO_ERR_VERIFY},
	{"7.3: of a key package", source_package, NONE, SAME, NONE, SAME},
	{"7.3: of an update", source_update, SAME, NONE, NONE, SAME},
	{"7.3: of a commit", source_commit, SAME, SAME, NONE, NONE},
	{"7.2: the version not listed", no_version, SAME, SAME, NONE, SAME},
	/* 7.3 does not ask for it. */
	{"the suite not listed", no_suite, GOOD, GOOD, GOOD, GOOD},
	{"7.3: its credential not listed", credential_not_listed, SAME, SAME, NONE, SAME},
	{"7.3: its credential not supported by others", credential_of_its_own, SAME, GOOD, SAME,
	 SAME},
	{"7.3: others' credentials not supported", credential_of_others, SAME, GOOD, SAME, SAME},
	{"7.3: its extension not listed", extension_not_listed, SAME, SAME, NONE, SAME},
	{"13.4: its extension twice", extension_twice, SAME, SAME, NONE, SAME},
	{"7.3: a required extension", lacks_required_extension, SAME, GOOD, SAME, SAME},
	{"7.3: a required proposal", lacks_required_proposal, SAME, GOOD, SAME, SAME},
	{"7.3: a required credential", lacks_required_credential, SAME, GOOD, SAME, SAME},
	{"13.4: the group's extension", lacks_extension_in_use, SAME, GOOD, SAME, SAME},
	{"7.2: half a number", odd_list, SOTTO_ERR_FORMAT, SOTTO_ERR_FORMAT, NONE,
	 SOTTO_ERR_FORMAT},
	{"10: length of the encryption key", key_short, SAME, SAME, NONE, SAME},
	{"7.3: a member's encryption key", key_of_member, SAME, GOOD, SAME, SAME},
	{"7.3: the encryption key as before", key_as_before, SAME, SAME, NONE, SAME},
	{"10: length of the signature key", signature_key_short, SOTTO_ERR_VERIFY, SOTTO_ERR_VERIFY,
	 NONE, SOTTO_ERR_VERIFY},
	{"7.3: a member's signature key", signature_key_of_member, SAME, GOOD, SAME, SAME},
	{"7.3: lifetime backwards", lifetime_backwards, SAME, NONE, NONE, NONE},
};

static void parts_init(struct parts *parts, unsigned actor)
{
	*parts = (struct parts){.signer = &world.actors[actor].identity};
	writer_init_growing(&parts->list, &allocator_default);
}

static void put_leaf(const struct parts *parts, const struct leaf_place *place, struct writer *out)
{
	hostile_leaf_write(&world, &parts->leaf, place, parts->signer, out);
	if (parts->own_signature)
		out->data[out->len - 1] ^= 1;
}

/* A good leaf says GOOD, and so does a commit that only its tag spoils. */
static enum sotto_err judge(unsigned by, enum mls_content_type type, const struct writer *body)
{
	struct verdict verdict;
	struct writer message;

	writer_init_growing(&message, &allocator_default);
	hostile_message_write(&world, by, type, writer_bytes(body), by, &message);
	verdict = hostile_judge(group_of(JUDGE), writer_bytes(&message));
	writer_release(&message);
	return verdict.others_may_follow ? GOOD : verdict.err;
}

/* ---- The three places ---- */

static enum sotto_err judge_add(void (*spoil)(struct parts *parts))
{
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0};
	struct key_package_view view;
	struct writer body, leaf;
	struct parts parts;
	enum sotto_err err;
	size_t start;

	world_key_package(&world, NEWCOMER, &package, &secrets);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	parts_init(&parts, NEWCOMER);
	parts.leaf = view.leaf;
	spoil(&parts);
	writer_init_growing(&leaf, &allocator_default);
	writer_init_growing(&body, &allocator_default);
	put_leaf(&parts, NULL, &leaf);
	start = writer_begin_vector(&body);
	writer_put_u8(&body, 1);
	writer_put_u16(&body, MLS_PROPOSAL_ADD);
	hostile_package_write(&world, &view, writer_bytes(&leaf), parts.signer, &body);
	writer_end_vector(&body, start);
	writer_put_u8(&body, 0);
	err = judge(EVIL, MLS_CONTENT_COMMIT, &body);
	writer_release(&parts.list);
	writer_release(&leaf);
	writer_release(&body);
	mls_buffer_release(&package);
	return err;
}

/* A commit by OTHER that covers the last proposal, with a path for the tree that comes of it. */
static enum sotto_err judge_covered(struct bytes leaf)
{
	static const struct leaf_list nobody = {0};
	const struct mls_group *group = group_of(JUDGE);
	const uint8_t *ref = group->proposals[group->proposal_count - 1]->ref;
	struct epoch *next = NULL;
	struct writer body;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&body, &allocator_default);
	start = writer_begin_vector(&body);
	writer_put_u8(&body, 2);
	writer_put_vector(&body, BYTES(ref, mls_suite_hash_len(world.suite)));
	writer_end_vector(&body, start);
	writer_put_u8(&body, 1);
	assert_int_equal(epoch_next(group_of(OTHER)->epoch, &next), SOTTO_OK);
	assert_int_equal(tree_blank_path(&next->tree, EVIL), SOTTO_OK);
	/* Where the tree refuses it the path does not matter. */
	if (tree_set_leaf(&next->tree, EVIL, leaf_node_make(&allocator_default, leaf)) !=
	    SOTTO_OK) {
		epoch_destroy(next);
		assert_int_equal(epoch_next(group_of(OTHER)->epoch, &next), SOTTO_OK);
	}
	hostile_path_write(next, &nobody, &body);
	epoch_destroy(next);
	err = judge(OTHER, MLS_CONTENT_COMMIT, &body);
	writer_release(&body);
	return err;
}

static void judge_update(size_t at)
{
	struct leaf_place place = {.group_id = BYTES_TEXT("test group"), .leaf = EVIL};
	enum kem_alg kem = suite_find(world.suite)->hpke.kem;
	struct writer body, message, leaf;
	struct mls_staged *staged = NULL;
	struct secret private_key;
	struct parts parts;
	enum sotto_err err;

	parts_init(&parts, EVIL);
	parts.leaf = tree_leaf(&group_of(EVIL)->epoch->tree, EVIL)->view;
	parts.leaf.source = LEAF_UPDATE;
	assert_int_equal(kem_generate(kem, &world.random, &private_key, parts.key), SOTTO_OK);
	parts.leaf.encryption_key = BYTES(parts.key, kem_public_len(kem));
	leaves[at].spoil(&parts);
	writer_init_growing(&leaf, &allocator_default);
	writer_init_growing(&body, &allocator_default);
	writer_init_growing(&message, &allocator_default);
	put_leaf(&parts, &place, &leaf);
	writer_put_u16(&body, MLS_PROPOSAL_UPDATE);
	writer_put_bytes(&body, writer_bytes(&leaf));
	err = judge(EVIL, MLS_CONTENT_PROPOSAL, &body);
	assert_int_equal(err, leaves[at].update);
	if (err == GOOD) {
		hostile_message_write(&world, EVIL, MLS_CONTENT_PROPOSAL, writer_bytes(&body), EVIL,
				      &message);
		assert_int_equal(
			mls_group_receive(group_of(JUDGE), writer_bytes(&message), &staged),
			SOTTO_OK);
		assert_int_equal(mls_group_merge(group_of(JUDGE), &staged), SOTTO_OK);
		assert_int_equal(judge_covered(writer_bytes(&leaf)), leaves[at].covered);
		mls_group_drop_proposals(group_of(JUDGE));
	}
	secret_wipe(&private_key);
	writer_release(&parts.list);
	writer_release(&leaf);
	writer_release(&body);
	writer_release(&message);
}

static enum sotto_err judge_path(void (*spoil)(struct parts *parts))
{
	static const struct leaf_list nobody = {0};
	struct leaf_place place = {.group_id = BYTES_TEXT("test group"), .leaf = EVIL};
	struct epoch *next = NULL;
	struct writer body, path;
	struct path_view view;
	struct reader reader;
	struct parts parts;
	enum sotto_err err;

	writer_init_growing(&path, &allocator_default);
	writer_init_growing(&body, &allocator_default);
	assert_int_equal(epoch_next(group_of(EVIL)->epoch, &next), SOTTO_OK);
	hostile_path_write(next, &nobody, &path);
	epoch_destroy(next);
	reader_init(&reader, writer_bytes(&path));
	path_read(&reader, &view);
	parts_init(&parts, EVIL);
	parts.leaf = view.leaf;
	spoil(&parts);
	writer_put_varint(&body, 0);
	writer_put_u8(&body, 1);
	put_leaf(&parts, &place, &body);
	writer_put_vector(&body, view.nodes);
	err = judge(EVIL, MLS_CONTENT_COMMIT, &body);
	writer_release(&parts.list);
	writer_release(&path);
	writer_release(&body);
	return err;
}

static void say_where(size_t at, const char *place)
{
	print_message("%s: %s\n", leaves[at].name, place);
}

static void test_leaves_added(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		enum sotto_err err;

		if (leaves[i].add == NONE)
			continue;
		err = judge_add(leaves[i].spoil);
		if (err != leaves[i].add)
			say_where(i, "added");
		assert_int_equal(err, leaves[i].add);
	}
	world_finish(&world);
}

static void test_leaves_updated(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		if (leaves[i].update != NONE)
			judge_update(i);
	}
	world_finish(&world);
}

static void test_leaves_of_paths(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		enum sotto_err err;

		if (leaves[i].path == NONE)
			continue;
		err = judge_path(leaves[i].spoil);
		if (err != leaves[i].path)
			say_where(i, "in a path");
		assert_int_equal(err, leaves[i].path);
	}
	world_finish(&world);
}

/* ---- Key packages ---- */

static void package_nothing(struct key_package_view *package)
{
	(void)package;
}

static void package_version(struct key_package_view *package)
{
	package->version = 2;
}

static void package_suite(struct key_package_view *package)
{
	package->suite = world.suite == 2 ? 1 : 2; /* whose keys have another form */
}

static void package_init_key_short(struct key_package_view *package)
{
	package->init_key.len--;
}

static void package_same_keys(struct key_package_view *package)
{
	package->init_key = package->leaf.encryption_key;
}

static void package_extension_twice(struct key_package_view *package)
{
	package->extensions = BYTES_TEXT("\x0a\x0a\0\x0a\x0a\0");
}

static const struct {
	const char *name;
	void (*spoil)(struct key_package_view *package);
	bool signed_by_other;
	bool other_message; /* the message says another version */
	enum sotto_err added;
	enum sotto_err checked;
} packages[] = {
	{"all right", package_nothing, false, false, GOOD, GOOD},
	{"10: version of package and message", package_version, false, false, SOTTO_ERR_VERSION,
	 SOTTO_ERR_VERSION},
	{"10: version of the message", package_nothing, false, true, GOOD, SOTTO_ERR_VERSION},
	{"10.1: another suite", package_suite, false, false, SAME, SAME},
	{"10: length of the init key", package_init_key_short, false, false, SAME, SAME},
	{"10.1: init key is leaf key", package_same_keys, false, false, SAME, SAME},
	{"10.1: signature", package_nothing, true, false, SOTTO_ERR_VERIFY, SOTTO_ERR_VERIFY},
	{"13.4: an extension twice", package_extension_twice, false, false, SAME, SAME},
};

static void test_packages(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		unsigned signer = packages[i].signed_by_other ? EVIL : NEWCOMER;
		struct mls_key_package_secrets secrets;
		struct mls_key_package_info info;
		struct mls_buffer good = {0};
		struct key_package_view view;
		struct writer body, message;
		struct bytes leaf;
		enum sotto_err err;
		size_t start, at;

		world_key_package(&world, NEWCOMER, &good, &secrets);
		assert_int_equal(key_package_message_read(mls_buffer_bytes(&good), &view),
				 SOTTO_OK);
		leaf = view.leaf.encoded;
		packages[i].spoil(&view);
		writer_init_growing(&body, &allocator_default);
		writer_init_growing(&message, &allocator_default);
		start = writer_begin_vector(&body);
		writer_put_u8(&body, 1);
		writer_put_u16(&body, MLS_PROPOSAL_ADD);
		at = body.len;
		hostile_package_write(&world, &view, leaf, &world.actors[signer].identity, &body);
		writer_put_u16(&message, packages[i].other_message ? 2 : 1);
		writer_put_u16(&message, MLS_KEY_PACKAGE);
		writer_put_bytes(&message, BYTES(body.data + at, body.len - at));
		writer_end_vector(&body, start);
		writer_put_u8(&body, 0);
		err = judge(EVIL, MLS_CONTENT_COMMIT, &body);
		if (err != packages[i].added)
			print_error("%s: %s\n", packages[i].name, sotto_err_text(err));
		assert_int_equal(err, packages[i].added);
		assert_int_equal(
			mls_key_package_check(&world.config, writer_bytes(&message), 0, &info),
			packages[i].checked);
		writer_release(&body);
		writer_release(&message);
		mls_buffer_release(&good);
	}
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_added),
		cmocka_unit_test(test_leaves_updated),
		cmocka_unit_test(test_leaves_of_paths),
		cmocka_unit_test(test_packages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
