/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member that breaks the rules: commits and proposals that are signed, tagged and sealed as they
 * must be, whose content is invalid (RFC 9420 sections 7.3, 10.1, 12.1, 12.2, 12.4). Each must be
 * refused for its own reason, before anything changes. They are made from the library's inside,
 * because its outside refuses to make them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mls/hostile.h"

#define EVIL  0 /* sends */
#define JUDGE 1 /* receives */

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(void)
{
	static const unsigned others[] = {1, 2, 3};

	world_init(&world, world_suite(), 10);
	for (int i = 0; i < 6; i++)
		(void)world_new_actor(&world);
	world_create(&world, EVIL);
	world_commit(&world, EVIL, others, 3, NULL, 0, true);
}

/* Did JUDGE, asked to stage what only others may follow, stage the last message? */
static bool seen_unfollowable;

/* Sends a body as EVIL would; what JUDGE says of it. */
static enum sotto_err send_body(enum mls_content_type type, struct bytes body, uint32_t sender)
{
	struct verdict verdict;
	struct writer out;

	writer_init_growing(&out, &allocator_default);
	hostile_message_write(&world, EVIL, type, body, sender, &out);
	verdict = hostile_judge(group_of(JUDGE), writer_bytes(&out));
	seen_unfollowable = verdict.others_may_follow;
	writer_release(&out);
	return verdict.err;
}

/* ---- Proposals to be put into commits ---- */

static void put_remove(struct writer *body, uint32_t leaf)
{
	writer_put_u8(body, 1);
	writer_put_u16(body, MLS_PROPOSAL_REMOVE);
	writer_put_u32(body, leaf);
}

static void put_extensions(struct writer *body, uint16_t type, unsigned times)
{
	size_t start;

	writer_put_u8(body, 1);
	writer_put_u16(body, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	start = writer_begin_vector(body);
	for (unsigned i = 0; i < times; i++) {
		writer_put_u16(body, type);
		writer_put_vector(body, BYTES_TEXT("x"));
	}
	writer_end_vector(body, start);
}

/* A key package of an actor. */
enum spoil { WHOLE, BAD_SIGNATURE, NO_EXTENSION };

static void put_add(struct writer *body, unsigned actor, enum spoil spoil)
{
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options options;
	struct mls_buffer message = {0};
	struct key_package_view view;
	struct writer package;

	world_leaf_options(&world.actors[actor], &options);
	if (spoil == NO_EXTENSION)
		options.extension_type_count = 0;
	assert_int_equal(
		mls_key_package_create(&world.config, &options, NULL, 0, &message, &secrets),
		SOTTO_OK);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&message), &view), SOTTO_OK);
	writer_init_growing(&package, &allocator_default);
	writer_put_bytes(&package, view.encoded);
	if (spoil == BAD_SIGNATURE)
		package.data[package.len - 1] ^= 1;
	writer_put_u8(body, 1);
	writer_put_u16(body, MLS_PROPOSAL_ADD);
	writer_put_bytes(body, writer_bytes(&package));
	writer_release(&package);
	mls_buffer_release(&message);
}

static void put_update(struct writer *body)
{
	writer_put_u8(body, 1);
	writer_put_u16(body, MLS_PROPOSAL_UPDATE);
	writer_put_bytes(body, tree_leaf(&group_of(EVIL)->epoch->tree, 0)->view.encoded);
}

static void fill_nothing(struct writer *body)
{
	(void)body;
}

static void fill_remove_self(struct writer *body)
{
	put_remove(body, 0);
}

static void fill_remove_blank(struct writer *body)
{
	put_remove(body, 9);
}

static void fill_remove_far(struct writer *body)
{
	put_remove(body, UINT32_MAX);
}

static void fill_remove_twice(struct writer *body)
{
	put_remove(body, 2);
	put_remove(body, 2);
}

static void fill_remove_without_path(struct writer *body)
{
	put_remove(body, 2);
}

static void fill_update(struct writer *body)
{
	put_update(body);
}

static void fill_add_member(struct writer *body)
{
	put_add(body, 2, WHOLE);
}

static void fill_add_twice(struct writer *body)
{
	put_add(body, 4, WHOLE);
	put_add(body, 4, WHOLE);
}

static void fill_add_bad_signature(struct writer *body)
{
	put_add(body, 4, BAD_SIGNATURE);
}

static void fill_add_incapable(struct writer *body)
{
	put_add(body, 4, NO_EXTENSION);
}

static void fill_extensions_unknown(struct writer *body)
{
	put_extensions(body, 0xf123, 1);
}

static void fill_extensions_double(struct writer *body)
{
	put_extensions(body, MLS_EXTENSION_PRIVATE_USE, 2);
}

static void fill_two_extensions(struct writer *body)
{
	put_extensions(body, MLS_EXTENSION_PRIVATE_USE, 1);
	put_extensions(body, MLS_EXTENSION_PRIVATE_USE, 1);
}

static void fill_external_init(struct writer *body)
{
	writer_put_u8(body, 1);
	writer_put_u16(body, MLS_PROPOSAL_EXTERNAL_INIT);
	writer_put_vector(body, BYTES_TEXT("kem output"));
}

static void put_psk(struct writer *body, size_t nonce_len)
{
	writer_put_u8(body, 1);
	writer_put_u16(body, MLS_PROPOSAL_PSK);
	writer_put_u8(body, 1);
	writer_put_vector(body, BYTES_TEXT("id"));
	writer_put_varint(body, nonce_len);
	writer_put_zeros(body, nonce_len);
}

static void fill_psk_unknown(struct writer *body)
{
	put_psk(body, mls_suite_hash_len(world.suite));
}

static void fill_psk_nonce(struct writer *body)
{
	put_psk(body, mls_suite_hash_len(world.suite) - 1);
}

static void fill_psk_twice(struct writer *body)
{
	put_psk(body, mls_suite_hash_len(world.suite));
	put_psk(body, mls_suite_hash_len(world.suite));
}

static void fill_unknown_type(struct writer *body)
{
	writer_put_u8(body, 1);
	writer_put_u16(body, 0xf00d);
}

static void fill_unknown_reference(struct writer *body)
{
	writer_put_u8(body, 2);
	writer_put_vector(body, BYTES_TEXT("no such proposal, 32 bytes long."));
}

/* A valid list, so that it comes as far as its tag. */
static void fill_add(struct writer *body)
{
	put_add(body, 4, WHOLE);
}

static const struct {
	const char *name;
	void (*fill)(struct writer *body);
	bool path; /* EVIL's own path, valid but for what the list does */
	enum sotto_err err;
	bool others_may_follow; /* what is wrong shows only with a member's own keys */
} commits[] = {
	{"12.4: empty without path", fill_nothing, false, SOTTO_ERR_INVALID, false},
	{"12.4: remove without path", fill_remove_without_path, false, SOTTO_ERR_INVALID, false},
	{"12.2: removes the committer", fill_remove_self, true, SOTTO_ERR_INVALID, false},
	{"12.1.3: removes a blank leaf", fill_remove_blank, true, SOTTO_ERR_INVALID, false},
	{"12.1.3: removes outside", fill_remove_far, true, SOTTO_ERR_INVALID, false},
	{"12.2: removes twice", fill_remove_twice, true, SOTTO_ERR_INVALID, false},
	{"12.2: committer's own update", fill_update, true, SOTTO_ERR_INVALID, false},
	{"12.2: adds a member again", fill_add_member, false, SOTTO_ERR_INVALID, false},
	{"12.2: adds a client twice", fill_add_twice, false, SOTTO_ERR_INVALID, false},
	{"10.1: package signature", fill_add_bad_signature, false, SOTTO_ERR_VERIFY, false},
	{"13.4: newcomer lacks an extension", fill_add_incapable, false, SOTTO_ERR_INVALID, false},
	{"13.4: members lack an extension", fill_extensions_unknown, true, SOTTO_ERR_INVALID,
	 false},
	{"13.4: an extension twice", fill_extensions_double, true, SOTTO_ERR_INVALID, false},
	{"12.2: two lists of extensions", fill_two_extensions, true, SOTTO_ERR_INVALID, false},
	{"12.2: external init", fill_external_init, true, SOTTO_ERR_INVALID, false},
	{"12.4.2: a PSK that we don't have", fill_psk_unknown, false, SOTTO_ERR_NOT_FOUND, true},
	{"12.1.4: length of a PSK's nonce", fill_psk_nonce, false, SOTTO_ERR_INVALID, false},
	{"12.2: a PSK twice", fill_psk_twice, false, SOTTO_ERR_INVALID, false},
	{"12.1: unknown type", fill_unknown_type, true, SOTTO_ERR_UNSUPPORTED, false},
	{"12.4: unknown reference", fill_unknown_reference, true, SOTTO_ERR_NOT_FOUND, false},
	{"12.4.2: confirmation tag", fill_add, false, SOTTO_ERR_VERIFY, true},
	{"12.4.2: confirmation tag with path", fill_nothing, true, SOTTO_ERR_VERIFY, true},
};

/* EVIL's own valid path for the tree as it is. */
static void put_path(struct writer *body)
{
	static const struct leaf_list nobody = {0};
	struct epoch *next = NULL;

	assert_int_equal(epoch_next(group_of(EVIL)->epoch, &next), SOTTO_OK);
	hostile_path_write(next, &nobody, body);
	epoch_destroy(next);
}

static void test_invalid_commits(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(commits) / sizeof(commits[0]); i++) {
		struct writer body;
		size_t start;
		enum sotto_err err;

		writer_init_growing(&body, &allocator_default);
		start = writer_begin_vector(&body);
		commits[i].fill(&body);
		writer_end_vector(&body, start);
		writer_put_u8(&body, commits[i].path);
		if (commits[i].path)
			put_path(&body);
		err = send_body(MLS_CONTENT_COMMIT, writer_bytes(&body), 0);
		if (err != commits[i].err)
			print_error("%s: %s\n", commits[i].name, sotto_err_text(err));
		assert_int_equal(err, commits[i].err);
		assert_int_equal(seen_unfollowable, commits[i].others_may_follow);
		writer_release(&body);
	}
	/* In somebody else's name, or a leaf that is not there. */
	assert_int_equal(send_body(MLS_CONTENT_COMMIT, BYTES_TEXT("\0\0"), 2), SOTTO_ERR_VERIFY);
	assert_int_equal(send_body(MLS_CONTENT_COMMIT, BYTES_TEXT("\0\0"), 700), SOTTO_ERR_INVALID);
	world_finish(&world);
}

static void test_invalid_proposals(void **state)
{
	static const struct {
		void (*fill)(struct writer *body);
		enum sotto_err err;
	} table[] = {
		{fill_remove_blank, SOTTO_ERR_INVALID},
		{fill_update,
		 SOTTO_ERR_INVALID}, /* the same key as before, and not an update's source */
		{fill_add_bad_signature, SOTTO_ERR_VERIFY},
		{fill_external_init, SOTTO_ERR_INVALID},
		{fill_extensions_double, SOTTO_ERR_INVALID},
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct writer body;

		writer_init_growing(&body, &allocator_default);
		table[i].fill(&body);
		/* Without the ProposalOrRef's type. */
		assert_int_equal(
			send_body(MLS_CONTENT_PROPOSAL, BYTES(body.data + 1, body.len - 1), 0),
			table[i].err);
		writer_release(&body);
	}
	/* Section 6.2: no application data in the clear. */
	assert_int_equal(send_body(MLS_CONTENT_APPLICATION, BYTES_TEXT("hello"), 0),
			 SOTTO_ERR_ARGUMENT);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_commits),
		cmocka_unit_test(test_invalid_proposals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
