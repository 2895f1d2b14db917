/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown to who joins and breaks a rule (RFC 9420 sections 8.4, 12.4.3, 12.4.3.1, 12.4.3.2):
 * welcomes and group infos, sealed and signed as they must be, over a tree that is good.
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

#define EVIL	0
#define JOINER	3
#define REMOVED 2 /* a blank leaf, which the joiner gets */

static struct world world;
static struct mls_buffer package;
static struct mls_key_package_secrets secrets;

static void begin(void)
{
	static const unsigned others[] = {1, 2}, gone[] = {2};

	world_init(&world, world_suite(), 14);
	for (int i = 0; i < 4; i++)
		(void)world_new_actor(&world);
	world_create(&world, EVIL);
	world_commit(&world, EVIL, others, 2, NULL, 0, true);
	world_commit(&world, EVIL, NULL, 0, gone, 1, true);
	world_key_package(&world, JOINER, &package, &secrets);
}

static void finish(void)
{
	mls_buffer_release(&package);
	world_finish(&world);
}

/* ---- Welcomes ---- */

static uint8_t room[HASH_LEN_MAX + 1];

static struct bytes changed(struct bytes bytes)
{
	memcpy(room, bytes.data, bytes.len);
	room[0] ^= 1;
	return BYTES(room, bytes.len);
}

struct given {
	struct hostile_welcome welcome;
	struct mls_join_options options;
	struct mls_key_package_secrets secrets;
	struct key_package_view package; /* whose entry there is */
	struct writer list;		 /* room */
};

static void nothing(struct given *given)
{
	(void)given;
}

static void version(struct given *given)
{
	given->welcome.info.version = 2;
}

static void other_suite(struct given *given)
{
	given->welcome.info.suite = world.suite == 3 ? 1 : 3;
}

static void tree_hash_wrong(struct given *given)
{
	given->welcome.info.tree_hash = changed(given->welcome.info.tree_hash);
}

static void tree_hash_short(struct given *given)
{
	given->welcome.info.tree_hash.len--;
}

static void confirmed_hash_long(struct given *given)
{
	given->welcome.info.confirmed_hash = BYTES(room, HASH_LEN_MAX + 1);
}

static void extension_in_use(struct given *given)
{
	given->welcome.info.context_extensions = BYTES_TEXT("\xf3\x21\0");
}

static void extension_twice(struct given *given)
{
	given->welcome.info.context_extensions = BYTES_TEXT("\xf0\0\0\xf0\0\0");
}

static void extension_malformed(struct given *given)
{
	given->welcome.info.context_extensions = BYTES_TEXT("\0\3\2\0\0");
}

static void info_extension_twice(struct given *given)
{
	writer_put_bytes(&given->list, given->welcome.info.extensions);
	writer_put_bytes(&given->list, given->welcome.info.extensions);
	given->welcome.info.extensions = writer_bytes(&given->list);
}

static void no_tree(struct given *given)
{
	given->welcome.info.extensions = BYTES_NONE;
}

static void signer_blank(struct given *given)
{
	given->welcome.info.signer = 3;
}

static void signer_outside(struct given *given)
{
	given->welcome.info.signer = UINT32_MAX;
}

static void signer_other(struct given *given)
{
	given->welcome.info.signer = 1;
}

static void signature(struct given *given)
{
	given->welcome.signature_change = 1;
}

static void tag(struct given *given)
{
	given->welcome.tag_change = 1;
}

static void tag_short(struct given *given)
{
	given->welcome.tag_len = mls_suite_hash_len(world.suite) - 1;
}

static void tag_long(struct given *given)
{
	given->welcome.tag_len = mls_suite_hash_len(world.suite) + 1;
}

static void joiner_short(struct given *given)
{
	given->welcome.joiner_len = mls_suite_hash_len(world.suite) - 1;
}

static void info_short(struct given *given)
{
	given->welcome.info_len = AEAD_TAG_LEN - 1;
}

static void path_secret_of_ours(struct given *given)
{
	given->welcome.info.signer = REMOVED;
	given->welcome.identity = &world.actors[JOINER].identity;
	given->welcome.path_secret = BYTES(room, mls_suite_hash_len(world.suite));
}

/* An external PSK that nobody has; its nonce of the right length or not. */
static void put_psk(struct given *given, size_t nonce_len)
{
	writer_put_u8(&given->list, PSK_EXTERNAL);
	writer_put_vector(&given->list, BYTES_TEXT("id"));
	writer_put_varint(&given->list, nonce_len);
	writer_put_zeros(&given->list, nonce_len);
	given->welcome.psks = writer_bytes(&given->list);
}

static void psk_unknown(struct given *given)
{
	put_psk(given, mls_suite_hash_len(world.suite));
}

static void psk_nonce(struct given *given)
{
	put_psk(given, mls_suite_hash_len(world.suite) - 1);
}

static void psk_malformed(struct given *given)
{
	given->welcome.psks = BYTES_TEXT("\3");
}

static struct mls_buffer other_package;
static struct mls_key_package_secrets other_secrets;

static void not_for_us(struct given *given)
{
	world_key_package(&world, JOINER, &other_package, &other_secrets);
	given->options.key_package = mls_buffer_bytes(&other_package);
}

/* The entry is for us, but our leaf is not the one in the tree. */
static void not_our_leaf(struct given *given)
{
	not_for_us(given);
	given->options.secrets = &other_secrets;
	assert_int_equal(
		key_package_message_read(mls_buffer_bytes(&other_package), &given->package),
		SOTTO_OK);
}

static void not_our_init_key(struct given *given)
{
	given->secrets.init_key = given->secrets.leaf_key;
}

static void not_our_leaf_key(struct given *given)
{
	given->secrets.leaf_key = given->secrets.init_key;
}

static void not_our_identity(struct given *given)
{
	given->options.identity = &world.actors[1].identity;
}

static const struct {
	const char *name;
	void (*spoil)(struct given *given);
	enum sotto_err err;
} welcomes[] = {
	{"all right", nothing, SOTTO_OK},
	{"12.4.3: version", version, SOTTO_ERR_VERSION},
	{"12.4.3.1: suite of the group info", other_suite, SOTTO_ERR_INVALID},
	{"12.4.3.1: tree hash", tree_hash_wrong, SOTTO_ERR_INVALID},
	{"12.4.3.1: length of the tree hash", tree_hash_short, SOTTO_ERR_INVALID},
	{"8.1: length of the confirmed hash", confirmed_hash_long, SOTTO_ERR_INVALID},
	{"13.4: an extension that we don't know", extension_in_use, SOTTO_ERR_INVALID},
	{"13.4: an extension twice", extension_twice, SOTTO_ERR_INVALID},
	{"11.1: malformed required capabilities", extension_malformed, SOTTO_ERR_FORMAT},
	{"13.4: an extension of the info twice", info_extension_twice, SOTTO_ERR_INVALID},
	{"12.4.3.1: no tree", no_tree, SOTTO_ERR_NOT_FOUND},
	{"12.4.3.1: signer blank", signer_blank, SOTTO_ERR_INVALID},
	{"12.4.3.1: signer outside", signer_outside, SOTTO_ERR_INVALID},
	{"12.4.3.1: signed by another member", signer_other, SOTTO_ERR_VERIFY},
	{"12.4.3.1: signature", signature, SOTTO_ERR_VERIFY},
	{"12.4.3.1: confirmation tag", tag, SOTTO_ERR_VERIFY},
	{"8.1: tag shorter", tag_short, SOTTO_ERR_VERIFY},
	{"8.1: tag longer", tag_long, SOTTO_ERR_VERIFY},
	{"8: length of the joiner secret", joiner_short, SOTTO_ERR_INVALID},
	{"12.4.3.1: a group info of less than a tag", info_short, SOTTO_ERR_VERIFY},
	{"12.4.3.1: a path secret from ourselves", path_secret_of_ours, SOTTO_ERR_INVALID},
	{"12.4.3.1: an unknown PSK", psk_unknown, SOTTO_ERR_NOT_FOUND},
	{"12.1.4: length of a PSK's nonce", psk_nonce, SOTTO_ERR_INVALID},
	{"8.4: a PSK of no type", psk_malformed, SOTTO_ERR_FORMAT},
	{"12.4.3.1: no entry for our package", not_for_us, SOTTO_ERR_NOT_FOUND},
	{"12.4.3.1: our leaf another", not_our_leaf, SOTTO_ERR_INVALID},
	{"12.4.3.1: not our init key", not_our_init_key, SOTTO_ERR_VERIFY},
	{"12.4.3.1: not our leaf key", not_our_leaf_key, SOTTO_ERR_ARGUMENT},
	{"12.4.3.1: not our identity", not_our_identity, SOTTO_ERR_ARGUMENT},
};

/* The group's tree with the joiner in it, as an extension of a GroupInfo. */
static void put_tree(struct writer *extensions, uint8_t *hash)
{
	struct key_package_view view;
	struct tree tree;
	uint32_t leaf;
	size_t start;

	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	assert_int_equal(tree_clone(&world.actors[EVIL].group->epoch->tree, &tree), SOTTO_OK);
	assert_int_equal(
		tree_add(&tree, leaf_node_make(&allocator_default, view.leaf.encoded), &leaf),
		SOTTO_OK);
	assert_int_equal(leaf, REMOVED);
	memcpy(hash, tree_root_hash(&tree), mls_suite_hash_len(world.suite));
	writer_put_u16(extensions, MLS_EXTENSION_RATCHET_TREE);
	start = writer_begin_vector(extensions);
	tree_write(&tree, extensions);
	writer_end_vector(extensions, start);
	tree_finish(&tree);
}

static enum sotto_err join(void (*spoil)(struct given *given))
{
	struct given given = {.secrets = secrets};
	uint8_t hash[HASH_LEN_MAX];
	struct writer extensions, out;
	struct mls_group *group = NULL;
	enum sotto_err err;

	writer_init_growing(&extensions, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	writer_init_growing(&given.list, &allocator_default);
	put_tree(&extensions, hash);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &given.package),
			 SOTTO_OK);
	given.options = (struct mls_join_options){
		.key_package = mls_buffer_bytes(&package),
		.secrets = &given.secrets,
		.identity = &world.actors[JOINER].identity,
	};
	given.welcome.identity = &world.actors[EVIL].identity;
	given.welcome.info = (struct group_info_view){
		.version = 1,
		.suite = world.suite,
		.group_id = BYTES_TEXT("test group"),
		.epoch = 9,
		.tree_hash = BYTES(hash, mls_suite_hash_len(world.suite)),
		.confirmed_hash = BYTES_TEXT("some transcript or other"),
		.context_extensions = writer_bytes(&world.actors[EVIL].group->epoch->extensions),
		.extensions = writer_bytes(&extensions),
	};
	spoil(&given);
	hostile_welcome_write(&world, &given.welcome, &given.package, &out);
	given.options.welcome = writer_bytes(&out);
	err = mls_group_join(&world.config, &given.options, &group);
	assert_int_equal(group != NULL, err == SOTTO_OK);
	mls_group_destroy(group);
	mls_buffer_release(&other_package);
	mls_key_package_secrets_wipe(&given.secrets);
	writer_release(&extensions);
	writer_release(&out);
	writer_release(&given.list);
	return err;
}

static void test_welcomes(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(welcomes); i++) {
		enum sotto_err err = join(welcomes[i].spoil);

		if (err != welcomes[i].err)
			print_error("%s: %s\n", welcomes[i].name, sotto_err_text(err));
		assert_int_equal(err, welcomes[i].err);
	}
	finish();
}

/* 12.4.3.1: a key package of another suite than the welcome's. */
static void test_suite_of_the_package(void **state)
{
	uint16_t other = world_suite() == 1 ? 3 : 1;
	struct mls_key_package_secrets foreign_secrets;
	struct mls_identity foreign;
	struct mls_buffer foreign_package = {0};
	struct mls_leaf_options leaf;
	struct mls_join_options options = {0};
	struct mls_group *group = NULL;
	struct writer out;

	(void)state;
	begin();
	writer_init_growing(&out, &allocator_default);
	assert_int_equal(mls_identity_generate(&world.config, other, &foreign), SOTTO_OK);
	world_leaf_options(&world.actors[JOINER], &leaf);
	leaf.identity = &foreign;
	assert_int_equal(mls_key_package_create(&world.config, &leaf, NULL, 0, &foreign_package,
						&foreign_secrets),
			 SOTTO_OK);
	writer_put_u16(&out, 1);
	writer_put_u16(&out, MLS_WELCOME);
	writer_put_u16(&out, world.suite);
	writer_put_varint(&out, 0);
	writer_put_varint(&out, 0);
	options.welcome = writer_bytes(&out);
	options.key_package = mls_buffer_bytes(&foreign_package);
	options.secrets = &foreign_secrets;
	options.identity = &world.actors[JOINER].identity;
	assert_int_equal(mls_group_join(&world.config, &options, &group), SOTTO_ERR_INVALID);
	mls_key_package_secrets_wipe(&foreign_secrets);
	secret_wipe(&foreign.private_key);
	mls_buffer_release(&foreign_package);
	writer_release(&out);
	finish();
}

/* ---- Group infos, shown to who would come in by a commit of its own ---- */

static void info_nothing(struct group_info_view *info)
{
	(void)info;
}

static void info_version(struct group_info_view *info)
{
	info->version = 2;
}

static void info_suite(struct group_info_view *info)
{
	info->suite = 0x0a0a;
}

static void info_tree_hash(struct group_info_view *info)
{
	info->tree_hash = changed(info->tree_hash);
}

static void info_confirmed_hash(struct group_info_view *info)
{
	info->confirmed_hash = BYTES(room, HASH_LEN_MAX + 1);
}

static void info_extension(struct group_info_view *info)
{
	info->context_extensions = BYTES_TEXT("\xf3\x21\0");
}

static void info_extension_malformed(struct group_info_view *info)
{
	info->context_extensions = BYTES_TEXT("\0\3\2\0\0");
}

static void info_signer_blank(struct group_info_view *info)
{
	info->signer = REMOVED;
}

static void info_signer_other(struct group_info_view *info)
{
	info->signer = 1;
}

static void info_tag(struct group_info_view *info)
{
	info->confirmation_tag.len--;
}

static void info_last_epoch(struct group_info_view *info)
{
	info->epoch = UINT64_MAX;
}

/* The tree stays; the external_pub is another one, or none. */
static struct writer info_list;

static void pub_is(struct group_info_view *info, bool there, struct bytes key)
{
	struct bytes tree;

	assert_int_equal(mls_extension_find(info->extensions, MLS_EXTENSION_RATCHET_TREE, &tree),
			 SOTTO_OK);
	info_list.len = 0;
	writer_put_u16(&info_list, MLS_EXTENSION_RATCHET_TREE);
	writer_put_vector(&info_list, tree);
	if (there) {
		writer_put_u16(&info_list, MLS_EXTENSION_EXTERNAL_PUB);
		writer_put_vector(&info_list, key);
	}
	info->extensions = writer_bytes(&info_list);
}

static void info_no_pub(struct group_info_view *info)
{
	pub_is(info, false, BYTES_NONE);
}

static void info_pub_malformed(struct group_info_view *info)
{
	pub_is(info, true, BYTES_TEXT("\5key"));
}

static void info_pub_short(struct group_info_view *info)
{
	pub_is(info, true, BYTES_TEXT("\3key"));
}

static const struct {
	const char *name;
	void (*spoil)(struct group_info_view *info);
	enum sotto_err err;
} infos[] = {
	{"all right", info_nothing, SOTTO_OK},
	{"12.4.3: version", info_version, SOTTO_ERR_VERSION},
	{"12.4.3: suite", info_suite, SOTTO_ERR_UNSUPPORTED},
	{"12.4.3.1: tree hash", info_tree_hash, SOTTO_ERR_INVALID},
	{"8.1: length of the confirmed hash", info_confirmed_hash, SOTTO_ERR_INVALID},
	{"13.4: an extension that we don't know", info_extension, SOTTO_ERR_INVALID},
	{"11.1: malformed required capabilities", info_extension_malformed, SOTTO_ERR_FORMAT},
	{"12.4.3: signer blank", info_signer_blank, SOTTO_ERR_INVALID},
	{"12.4.3: signed by another member", info_signer_other, SOTTO_ERR_VERIFY},
	{"8.1: length of the tag", info_tag, SOTTO_ERR_INVALID},
	{"8: no epoch after it", info_last_epoch, SOTTO_ERR_LIMIT},
	{"12.4.3.2: no external_pub", info_no_pub, SOTTO_ERR_UNSUPPORTED},
	{"12.4.3.2: a malformed external_pub", info_pub_malformed, SOTTO_ERR_FORMAT},
	{"12.4.3.2: length of the external_pub", info_pub_short, SOTTO_ERR_INVALID},
};

/* 6: the version of the message, which nothing signs. */
static void message_of_another_version(struct mls_external_join_options *options,
				       struct mls_buffer *message)
{
	struct mls_group *group = NULL;
	struct mls_buffer commit = {0};

	message->data[1] = 2;
	options->group_info = mls_buffer_bytes(message);
	assert_int_equal(mls_group_join_external(&world.config, options, &commit, &group),
			 SOTTO_ERR_VERSION);
	message->data[1] = 1;
}

static void test_group_infos(void **state)
{
	struct mls_group_info_options with = {.with_tree = true, .with_external_pub = true};
	struct mls_external_join_options options = {0};
	struct mls_buffer message = {0};
	struct mls_leaf_options leaf;

	(void)state;
	begin();
	writer_init_growing(&info_list, &allocator_default);
	world_leaf_options(&world.actors[JOINER], &leaf);
	options.leaf = &leaf;
	assert_int_equal(mls_group_info(world.actors[EVIL].group, &with, &message), SOTTO_OK);
	message_of_another_version(&options, &message);
	for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
		struct mls_group *group = NULL;
		struct mls_buffer commit = {0};
		struct group_info_view info;
		struct reader reader;
		struct writer out;
		enum sotto_err err;

		reader_init(&reader, BYTES(message.data + 4, message.len - 4));
		group_info_read(&reader, &info);
		assert_int_equal(reader_finish(&reader), SOTTO_OK);
		infos[i].spoil(&info);
		writer_init_growing(&out, &allocator_default);
		writer_put_u16(&out, 1);
		writer_put_u16(&out, MLS_GROUP_INFO);
		hostile_info_write(&world, &info, &world.actors[EVIL].identity, &out);
		options.group_info = writer_bytes(&out);
		err = mls_group_join_external(&world.config, &options, &commit, &group);
		if (err != infos[i].err)
			print_error("%s: %s\n", infos[i].name, sotto_err_text(err));
		assert_int_equal(err, infos[i].err);
		assert_int_equal(commit.len != 0, err == SOTTO_OK);
		assert_int_equal(group != NULL, err == SOTTO_OK);
		mls_group_destroy(group);
		mls_buffer_release(&commit);
		writer_release(&out);
	}
	mls_buffer_release(&message);
	writer_release(&info_list);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_welcomes),
		cmocka_unit_test(test_suite_of_the_package),
		cmocka_unit_test(test_group_infos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
