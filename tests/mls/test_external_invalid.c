/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Newcomers' commits that break a rule (RFC 9420 sections 6.1, 12.2, 12.4.3.2): made from the
 * library's inside, signed as they must be. Each is refused for its own reason, and the member that
 * judges stays as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "mls/group.h"
#include "tests/mls/world.h"

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(unsigned members, unsigned others)
{
	unsigned added[WORLD_MAX];

	world_init(&world, 1, 31);
	world.config.external_commits = true;
	for (unsigned i = 0; i < members + others; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	for (unsigned i = 1; i < members; i++)
		added[i - 1] = i;
	world_commit(&world, 0, added, members - 1, NULL, 0, true);
}

#define JUDGE	 0
#define NEWCOMER 3

/* A valid commit of the newcomer's, taken apart. */
struct parts {
	struct mls_buffer message;
	struct message_view view;
	struct commit_view commit;
	struct writer list;
	struct writer path;
};

static void parts_make(struct parts *parts, bool resync)
{
	struct mls_group_info_options with = {.with_tree = true, .with_external_pub = true};
	struct mls_external_join_options options = {.resync = resync};
	struct mls_group *group = NULL;
	struct mls_leaf_options leaf;
	struct mls_buffer info = {0};
	struct reader reader;
	const uint8_t *path;

	memset(parts, 0, sizeof(*parts));
	world_leaf_options(&world.actors[NEWCOMER], &leaf);
	assert_int_equal(mls_group_info(group_of(JUDGE), &with, &info), SOTTO_OK);
	options.group_info = mls_buffer_bytes(&info);
	options.leaf = &leaf;
	assert_int_equal(mls_group_join_external(&world.config, &options, &parts->message, &group),
			 SOTTO_OK);
	mls_group_destroy(group);
	mls_buffer_release(&info);
	assert_int_equal(message_read(mls_buffer_bytes(&parts->message), &parts->view), SOTTO_OK);
	reader_init(&reader, parts->view.framed.body);
	commit_read(&reader, &parts->commit);
	writer_init_growing(&parts->list, &allocator_default);
	writer_init_growing(&parts->path, &allocator_default);
	path = parts->commit.path.leaf.encoded.data;
	writer_put_bytes(&parts->list, parts->commit.proposals);
	writer_put_bytes(&parts->path,
			 BYTES(path, parts->commit.encoded.len -
					     (size_t)(path - parts->commit.encoded.data)));
}

static void parts_release(struct parts *parts)
{
	mls_buffer_release(&parts->message);
	writer_release(&parts->list);
	writer_release(&parts->path);
}

/* What the judge says, who stays as it was. */
static enum sotto_err judge(struct bytes message)
{
	struct mls_buffer before = {0}, after = {0};
	struct mls_staged *staged = NULL;
	enum sotto_err err;

	world_state(group_of(JUDGE), &before);
	err = mls_group_receive(group_of(JUDGE), message, &staged);
	assert_int_equal(staged != NULL, err == SOTTO_OK);
	mls_staged_destroy(staged);
	world_state(group_of(JUDGE), &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	return err;
}

/* Signs the parts anew as the newcomer, or as somebody else, over a context. */
static enum sotto_err send(const struct parts *parts, bool path, const struct actor *signer,
			   struct bytes context)
{
	struct mls_group *group = group_of(JUDGE);
	struct frame_keys keys = epoch_frame_keys(group->epoch);
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct framed framed = parts->view.framed;
	struct writer body, out, scratch;
	enum sotto_err err;
	size_t len;

	writer_init_growing(&body, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	writer_init_growing(&scratch, &allocator_default);
	if (framed.content_type ==
	    MLS_CONTENT_PROPOSAL) /* the list's one, without ProposalOrRef's type */
		writer_put_bytes(&body, BYTES(parts->list.data + 1, parts->list.len - 1));
	else
		writer_put_vector(&body, writer_bytes(&parts->list));
	if (framed.content_type == MLS_CONTENT_COMMIT)
		writer_put_u8(&body, path);
	if (path)
		writer_put_bytes(&body, writer_bytes(&parts->path));
	framed.body = writer_bytes(&body);
	keys.context = context;
	assert_int_equal(frame_sign(&keys, &world.random, &signer->identity.private_key, &framed,
				    &scratch, signature, &len),
			 SOTTO_OK);
	framed.signature = BYTES(signature, len);
	assert_int_equal(frame_public_write(&keys, &framed, &scratch, &out), SOTTO_OK);
	err = judge(writer_bytes(&out));
	writer_release(&body);
	writer_release(&out);
	writer_release(&scratch);
	return err;
}

static void no_init(struct writer *list)
{
	list->len = 0;
}

/* The good one, twice. */
static void two_inits(struct writer *list)
{
	size_t len = list->len;

	for (size_t i = 0; i < len; i++)
		writer_put_u8(list, list->data[i]);
}

static void bad_init(struct writer *list)
{
	list->len = 0;
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_EXTERNAL_INIT);
	writer_put_vector(list, BYTES_TEXT("no such thing"));
}

/* Of the right length, and no point: all zeros. */
static void zero_init(struct writer *list)
{
	list->len = 0;
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_EXTERNAL_INIT);
	writer_put_varint(list, 32);
	writer_put_zeros(list, 32);
}

static void put_remove(struct writer *list, uint32_t leaf)
{
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_REMOVE);
	writer_put_u32(list, leaf);
}

static void remove_stranger(struct writer *list)
{
	put_remove(list, 1);
}

static void remove_blank(struct writer *list)
{
	put_remove(list, 3);
}

static void remove_far(struct writer *list)
{
	put_remove(list, UINT32_MAX);
}

static void remove_two(struct writer *list)
{
	put_remove(list, 1);
	put_remove(list, 2);
}

static void with_add(struct writer *list)
{
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0};
	struct key_package_view view;

	world_key_package(&world, NEWCOMER, &package, &secrets);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_ADD);
	writer_put_bytes(list, view.encoded);
	mls_buffer_release(&package);
}

static void with_update(struct writer *list)
{
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_UPDATE);
	writer_put_bytes(list, tree_leaf(&group_of(JUDGE)->epoch->tree, 1)->view.encoded);
}

static void with_extensions(struct writer *list)
{
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	writer_put_vector(list, BYTES_NONE);
}

static void with_reinit(struct writer *list)
{
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_REINIT);
	writer_put_vector(list, BYTES_TEXT("next"));
	writer_put_u16(list, 1);
	writer_put_u16(list, 1);
	writer_put_vector(list, BYTES_NONE);
}

/* One that is there, and one that is not. */
static void with_reference(struct writer *list)
{
	writer_put_u8(list, 2);
	writer_put_vector(list, BYTES(group_of(JUDGE)->proposals[0]->ref, 32));
}

static void with_unknown_reference(struct writer *list)
{
	writer_put_u8(list, 2);
	writer_put_vector(list, BYTES_TEXT("no such proposal, 32 bytes long."));
}

static void put_psk(struct writer *list, uint8_t type, size_t nonce_len)
{
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_PSK);
	writer_put_u8(list, type != 0 ? PSK_RESUMPTION : PSK_EXTERNAL);
	if (type != 0)
		writer_put_u8(list, type);
	writer_put_vector(list, BYTES_TEXT("test group"));
	if (type != 0)
		writer_put_u64(list, 1);
	writer_put_varint(list, nonce_len);
	writer_put_zeros(list, nonce_len);
}

static void psk_nonce(struct writer *list)
{
	put_psk(list, 0, 31);
}

static void psk_twice(struct writer *list)
{
	put_psk(list, 0, 32);
	put_psk(list, 0, 32);
}

static void psk_reinit(struct writer *list)
{
	put_psk(list, 2, 32);
}

static void psk_branch(struct writer *list)
{
	put_psk(list, 3, 32);
}

static void psk_unknown(struct writer *list)
{
	put_psk(list, 0, 32);
}

static void whole(struct writer *list)
{
	(void)list;
}

static const struct {
	const char *name;
	void (*spoil)(struct writer *list);
	bool no_path;
	enum sotto_err err;
} commits[] = {
	{"a good one", whole, false, SOTTO_OK},
	{"12.2: no ExternalInit", no_init, false, SOTTO_ERR_INVALID},
	{"12.2: two", two_inits, false, SOTTO_ERR_INVALID},
	{"8.3: a kem_output that is none", bad_init, false, SOTTO_ERR_INVALID},
	{"8.3: a kem_output of zeros", zero_init, false, SOTTO_ERR_INVALID},
	{"12.2: removes another client", remove_stranger, false, SOTTO_ERR_INVALID},
	{"12.1.3: removes a blank leaf", remove_blank, false, SOTTO_ERR_INVALID},
	{"12.1.3: removes outside", remove_far, false, SOTTO_ERR_INVALID},
	{"12.2: two removes", remove_two, false, SOTTO_ERR_INVALID},
	{"12.2: an add", with_add, false, SOTTO_ERR_INVALID},
	{"12.2: an update", with_update, false, SOTTO_ERR_INVALID},
	{"12.2: extensions", with_extensions, false, SOTTO_ERR_INVALID},
	{"12.2: a ReInit", with_reinit, false, SOTTO_ERR_INVALID},
	{"12.4.3.2: by reference", with_reference, false, SOTTO_ERR_INVALID},
	{"12.4.3.2: by unknown reference", with_unknown_reference, false, SOTTO_ERR_INVALID},
	{"12.1.4: length of a PSK's nonce", psk_nonce, false, SOTTO_ERR_INVALID},
	{"12.2: a PSK twice", psk_twice, false, SOTTO_ERR_INVALID},
	{"11.2: a PSK of reinit", psk_reinit, false, SOTTO_ERR_INVALID},
	{"11.3: a PSK of branch", psk_branch, false, SOTTO_ERR_INVALID},
	{"12.4.2: an unknown PSK", psk_unknown, false, SOTTO_ERR_NOT_FOUND},
	{"12.4.3.2: no path", whole, true, SOTTO_ERR_INVALID},
};

static struct bytes old_context(void)
{
	return writer_bytes(&group_of(JUDGE)->epoch->context);
}

static void test_invalid_lists(void **state)
{
	struct mls_buffer proposal = {0};

	(void)state;
	begin(3, 1);
	assert_int_equal(mls_group_propose_update(group_of(1), NULL, &proposal), SOTTO_OK);
	world_deliver(&world, 1, mls_buffer_bytes(&proposal));
	for (size_t i = 0; i < ARRAY_LEN(commits); i++) {
		struct parts parts;
		enum sotto_err err;

		parts_make(&parts, false);
		commits[i].spoil(&parts.list);
		err = send(&parts, !commits[i].no_path, &world.actors[NEWCOMER], old_context());
		if (err != commits[i].err)
			print_error("%s: %s\n", commits[i].name, sotto_err_text(err));
		assert_int_equal(err, commits[i].err);
		parts_release(&parts);
	}
	mls_buffer_release(&proposal);
	world_finish(&world);
}

/* Signs the leaf of a path anew, for a place in the tree. */
static void resign_leaf(struct parts *parts, size_t signed_len, uint32_t place)
{
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct writer content, path;
	struct bytes old = writer_bytes(&parts->path);
	size_t leaf_len = parts->commit.path.leaf.encoded.len;
	size_t start, len;

	writer_init_growing(&content, &allocator_default);
	writer_init_growing(&path, &allocator_default);
	start = sign_content_begin(&content, "LeafNodeTBS");
	writer_put_bytes(&content, BYTES(old.data, signed_len));
	writer_put_vector(&content, BYTES_TEXT("test group"));
	writer_put_u32(&content, place);
	sign_content_end(&content, start);
	assert_int_equal(suite_sign(suite_find(1), &world.random,
				    &world.actors[NEWCOMER].identity.private_key, &content,
				    signature, &len),
			 SOTTO_OK);
	writer_put_bytes(&path, BYTES(old.data, signed_len));
	writer_put_vector(&path, BYTES(signature, len));
	writer_put_bytes(&path, BYTES(old.data + leaf_len, old.len - leaf_len));
	writer_release(&content);
	writer_release(&parts->path);
	parts->path = path;
}

/* The leaf with a key that is somebody's in the tree, signed anew. */
static void take_key(struct parts *parts, uint32_t from, uint32_t place)
{
	const struct leaf_view *leaf = &parts->commit.path.leaf;
	struct bytes key = tree_key(&group_of(JUDGE)->epoch->tree, node_of_leaf(from));

	memcpy(parts->path.data + (leaf->encryption_key.data - leaf->encoded.data), key.data,
	       key.len);
	resign_leaf(parts, leaf->signed_len, place);
}

static void test_signatures_and_places(void **state)
{
	const struct actor *newcomer = &world.actors[NEWCOMER];
	struct bytes context;
	struct parts parts;

	(void)state;
	begin(3, 1);
	parts_make(&parts, false);
	context = old_context();
	/* By a member's key, over another context, for another place. */
	assert_int_equal(send(&parts, true, &world.actors[1], context), SOTTO_ERR_VERIFY);
	assert_int_equal(send(&parts, true, newcomer, BYTES(context.data, context.len - 1)),
			 SOTTO_ERR_VERIFY);
	resign_leaf(&parts, parts.commit.path.leaf.signed_len, 2);
	assert_int_equal(send(&parts, true, newcomer, context), SOTTO_ERR_VERIFY);
	take_key(&parts, 2, 3);
	assert_int_equal(send(&parts, true, newcomer, context), SOTTO_ERR_INVALID);
	parts_release(&parts);
	world_finish(&world);
}

/* A resync with the removed leaf's own key, in its own place; with a fresh one it is good. */
static void test_resync_keeps_no_key(void **state)
{
	struct parts parts;

	(void)state;
	begin(4, 0);
	parts_make(&parts, true);
	assert_int_equal(judge(mls_buffer_bytes(&parts.message)), SOTTO_OK);
	take_key(&parts, NEWCOMER, NEWCOMER);
	assert_int_equal(send(&parts, true, &world.actors[NEWCOMER], old_context()),
			 SOTTO_ERR_INVALID);
	parts_release(&parts);
	world_finish(&world);
}

/* 6.1, 6.2: such a sender has no membership tag, and sends commits only. */
static void test_form(void **state)
{
	struct writer tagged;
	struct parts parts;

	(void)state;
	begin(3, 1);
	parts_make(&parts, false);
	assert_int_equal(judge(mls_buffer_bytes(&parts.message)), SOTTO_OK);
	writer_init_growing(&tagged, &allocator_default);
	writer_put_bytes(&tagged, mls_buffer_bytes(&parts.message));
	writer_put_vector(&tagged, BYTES_TEXT("a membership tag, 32 bytes long."));
	assert_int_equal(judge(writer_bytes(&tagged)), SOTTO_ERR_FORMAT);
	writer_release(&tagged);
	parts.view.framed.confirmation_tag = BYTES_TEXT("a confirmation tag, 32 bytes lon");
	assert_int_equal(send(&parts, true, &world.actors[NEWCOMER], old_context()),
			 SOTTO_ERR_VERIFY);
	parts.view.framed.content_type = MLS_CONTENT_PROPOSAL;
	assert_int_equal(send(&parts, false, &world.actors[NEWCOMER], old_context()),
			 SOTTO_ERR_INVALID);
	parts_release(&parts);
	world_finish(&world);
}

static bool anybody(void *context, const struct mls_credential *one,
		    const struct mls_credential *other)
{
	(void)context;
	return one->type == other->type;
}

/* 12.2: at most one Remove, where the application would let each of them pass. */
static void test_one_remove(void **state)
{
	static const struct mls_client_matcher matcher = {.same = anybody};
	struct parts parts;

	(void)state;
	begin(4, 0);
	parts_make(&parts, true);
	group_of(JUDGE)->config.clients = &matcher;
	group_of(JUDGE)->config.stage_unfollowable = true;
	assert_int_equal(send(&parts, true, &world.actors[NEWCOMER], old_context()), SOTTO_OK);
	remove_two(&parts.list);
	assert_int_equal(send(&parts, true, &world.actors[NEWCOMER], old_context()),
			 SOTTO_ERR_INVALID);
	parts_release(&parts);
	world_finish(&world);
}

/* What shows only with our own keys may be staged, to be looked at (config.stage_unfollowable). */
static void test_unfollowable(void **state)
{
	static const struct {
		void (*spoil)(struct writer *list);
		bool staged;
	} table[] = {
		{psk_unknown, true},	  {zero_init, true}, {bad_init, false},
		{remove_stranger, false}, {no_init, false},
	};

	(void)state;
	begin(3, 1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct parts parts;
		enum sotto_err err;

		parts_make(&parts, false);
		table[i].spoil(&parts.list);
		group_of(JUDGE)->config.stage_unfollowable = true;
		err = send(&parts, true, &world.actors[NEWCOMER], old_context());
		assert_int_equal(err == SOTTO_OK, table[i].staged);
		group_of(JUDGE)->config.stage_unfollowable = false;
		assert_int_not_equal(send(&parts, true, &world.actors[NEWCOMER], old_context()),
				     SOTTO_OK);
		parts_release(&parts);
	}
	world_finish(&world);
}

static void test_off_by_default(void **state)
{
	struct parts parts;

	(void)state;
	begin(3, 1);
	parts_make(&parts, false);
	world.config.external_commits = false;
	world_reload(&world, JUDGE);
	assert_int_equal(judge(mls_buffer_bytes(&parts.message)), SOTTO_ERR_UNSUPPORTED);
	parts_release(&parts);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_lists),
		cmocka_unit_test(test_signatures_and_places),
		cmocka_unit_test(test_resync_keeps_no_key),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_one_remove),
		cmocka_unit_test(test_unfollowable),
		cmocka_unit_test(test_off_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
