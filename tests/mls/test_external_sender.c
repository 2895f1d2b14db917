/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proposals from outside (RFC 9420 sections 6.1, 12.1.8): of senders that external_senders names and
 * of clients that want to be added; by reference into commits, saved and loaded in between; and
 * everything that such a sender may not do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "mls/group.h"
#include "tests/mls/world.h"

#define NEWCOMER 3

static struct world world;
static struct mls_identity service; /* index 1 of the extension */
static struct mls_external_options outside;
static struct mls_buffer senders_data;
static struct mls_extension extensions[2];

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static struct bytes public_of(const struct mls_identity *identity)
{
	return BYTES(identity->public_key, identity->public_len);
}

/* As the service sees the group now. */
static void look(void)
{
	struct mls_context context;

	mls_group_context(group_of(0), &context);
	outside.epoch = context.epoch;
}

static void begin(uint16_t suite)
{
	static const unsigned others[] = {1, 2};
	struct mls_external_sender senders[2];
	struct mls_commit_options options = {
		.set_extensions = true, .extensions = extensions, .extension_count = 2};

	world_init(&world, suite, 70);
	world.config.new_member_proposals = true;
	for (int i = 0; i < 5; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
	assert_int_equal(mls_identity_generate(&world.config, suite, &service), SOTTO_OK);
	senders[0] = (struct mls_external_sender){
		.signature_key = public_of(&world.actors[4].identity),
		/* Two certificates. */
		.credential = {MLS_CREDENTIAL_X509, BYTES_TEXT("\3one\3two")},
	};
	senders[1] = (struct mls_external_sender){
		.signature_key = public_of(&service),
		.credential = {MLS_CREDENTIAL_BASIC, BYTES_TEXT("the service")},
	};
	assert_int_equal(mls_external_senders_write(&world.config, senders, 2, &senders_data),
			 SOTTO_OK);
	extensions[0] = (struct mls_extension){MLS_EXTENSION_EXTERNAL_SENDERS,
					       mls_buffer_bytes(&senders_data)};
	extensions[1] = (struct mls_extension){MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("head")};
	world_commit_with(&world, 1, &options);
	outside = (struct mls_external_options){
		.identity = &service,
		.sender = 1,
		.group_id = BYTES_TEXT("test group"),
		.authenticated_data = BYTES_TEXT("by order"),
	};
	look();
}

static void finish(void)
{
	mls_buffer_release(&senders_data);
	world_finish(&world);
}

/* All merge what the service sends, after each has been shown what it is. */
static void take(enum sotto_err err, struct mls_buffer *message, enum mls_proposal_type type,
		 enum mls_sender_type sender)
{
	assert_int_equal(err, SOTTO_OK);
	for (unsigned i = 0; i < world.actor_count; i++) {
		struct mls_staged *staged = NULL;
		struct mls_staged_info info;
		struct mls_change change;

		if (group_of(i) == NULL)
			continue;
		assert_int_equal(mls_group_receive(group_of(i), mls_buffer_bytes(message), &staged),
				 SOTTO_OK);
		mls_staged_info(staged, &info);
		assert_int_equal(info.kind, MLS_STAGED_PROPOSAL);
		assert_int_equal(info.sender_type, sender);
		assert_int_equal(info.sender, sender == MLS_SENDER_EXTERNAL ? 1 : 0);
		assert_int_equal(info.old_leaf.encoded.len + info.new_leaf.encoded.len, 0);
		assert_true(bytes_equal(info.authenticated_data, BYTES_TEXT("by order")));
		mls_staged_change(staged, 0, &change);
		assert_int_equal(change.type, type);
		assert_int_equal(change.proposer_type, sender);
		assert_int_equal(mls_group_merge(group_of(i), &staged), SOTTO_OK);
		assert_int_equal(mls_group_receive(group_of(i), mls_buffer_bytes(message), &staged),
				 SOTTO_ERR_EXISTS);
	}
	mls_buffer_release(message);
	world_reload_all(&world);
}

static void join(struct bytes welcome, const struct mls_buffer *package,
		 const struct mls_key_package_secrets *secrets)
{
	struct mls_join_options options = {
		.welcome = welcome,
		.key_package = mls_buffer_bytes(package),
		.secrets = secrets,
		.identity = &world.actors[NEWCOMER].identity,
	};

	assert_int_equal(mls_group_join(&world.config, &options, &world.actors[NEWCOMER].group),
			 SOTTO_OK);
}

/* Commits what is cached; joins the newcomer if it was added. */
static void commit_all(unsigned by, const struct mls_buffer *package,
		       const struct mls_key_package_secrets *secrets)
{
	struct mls_commit_options options = {0};
	struct mls_buffer commit = {0}, welcome = {0};

	assert_int_equal(mls_group_commit(group_of(by), &options, &commit, &welcome), SOTTO_OK);
	assert_int_equal(welcome.len != 0, package != NULL);
	world_deliver(&world, by, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(group_of(by)), SOTTO_OK);
	if (package != NULL)
		join(mls_buffer_bytes(&welcome), package, secrets);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	world_check(&world);
	world_reload_all(&world);
	look();
}

static void test_every_suite(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		struct mls_key_package_secrets secrets;
		struct mls_buffer package = {0}, message = {0};
		struct mls_reinit_options next = {.group_id = BYTES_TEXT("next"), .suite = suite};
		struct mls_external_sender found;
		struct mls_context context;
		struct mls_reinit reinit;

		begin(suite);
		world_key_package(&world, NEWCOMER, &package, &secrets);
		take(mls_external_propose_add(&world.config, &outside, mls_buffer_bytes(&package),
					      0, &message),
		     &message, MLS_PROPOSAL_ADD, MLS_SENDER_EXTERNAL);
		take(mls_external_propose_remove(&world.config, &outside, 2, &message), &message,
		     MLS_PROPOSAL_REMOVE, MLS_SENDER_EXTERNAL);
		commit_all(1, &package, &secrets);
		assert_null(group_of(2));
		world_message(&world, NEWCOMER, "the service let me in");
		take(mls_external_propose_extensions(&world.config, &outside, extensions, 1,
						     &message),
		     &message, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, MLS_SENDER_EXTERNAL);
		commit_all(0, NULL, NULL);
		mls_group_context(group_of(NEWCOMER), &context);
		assert_int_equal(mls_external_sender_find(context.extensions, 0, &found), SOTTO_OK);
		assert_int_equal(found.credential.type, MLS_CREDENTIAL_X509);
		assert_true(bytes_equal(found.credential.content, BYTES_TEXT("\3one\3two")));
		assert_int_equal(mls_external_sender_find(context.extensions, 2, &found),
				 SOTTO_ERR_NOT_FOUND);
		take(mls_external_propose_reinit(&world.config, &outside, &next, &message),
		     &message, MLS_PROPOSAL_REINIT, MLS_SENDER_EXTERNAL);
		commit_all(NEWCOMER, NULL, NULL);
		assert_int_equal(mls_group_reinit(group_of(0), &reinit), SOTTO_OK);
		mls_buffer_release(&package);
		finish();
	}
}

static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	(void)context;
	*psk = BYTES_TEXT("what the service does not know");
	return bytes_equal(id, BYTES_TEXT("word")) ? SOTTO_OK : SOTTO_ERR_NOT_FOUND;
}

static void test_psk(void **state)
{
	static const struct mls_psk_source source = {.find = find_psk};
	struct mls_buffer message = {0};

	(void)state;
	begin(1);
	world.config.psks = &source;
	world_reload_all(&world);
	take(mls_external_propose_psk(&world.config, &outside, BYTES_TEXT("word"), &message),
	     &message, MLS_PROPOSAL_PSK, MLS_SENDER_EXTERNAL);
	commit_all(2, NULL, NULL);
	finish();
}

static void test_new_member(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		struct mls_key_package_secrets secrets;
		struct mls_buffer package = {0}, message = {0};

		begin(suite);
		world_key_package(&world, NEWCOMER, &package, &secrets);
		assert_int_equal(mls_new_member_propose(&world.config, &outside,
							mls_buffer_bytes(&package), 0, &message),
				 SOTTO_ERR_ARGUMENT); /* the service is not this client */
		outside.identity = &world.actors[NEWCOMER].identity;
		take(mls_new_member_propose(&world.config, &outside, mls_buffer_bytes(&package), 0,
					    &message),
		     &message, MLS_PROPOSAL_ADD, MLS_SENDER_NEW_MEMBER_PROPOSAL);
		commit_all(2, &package, &secrets);
		world_message(&world, NEWCOMER, "I asked, and here I am");
		mls_buffer_release(&package);
		finish();
	}
}

/* What is proposed against the committer it leaves out; another one commits it. */
static void test_remove_of_the_committer(void **state)
{
	struct mls_commit_options options = {.path = true};
	struct mls_buffer message = {0};

	(void)state;
	begin(1);
	take(mls_external_propose_remove(&world.config, &outside, 0, &message), &message,
	     MLS_PROPOSAL_REMOVE, MLS_SENDER_EXTERNAL);
	world_commit_with(&world, 0, &options);
	assert_int_equal(mls_group_member_count(group_of(0)), 3);
	look();
	take(mls_external_propose_remove(&world.config, &outside, 0, &message), &message,
	     MLS_PROPOSAL_REMOVE, MLS_SENDER_EXTERNAL);
	world_commit_with(&world, 1, &options);
	assert_null(group_of(0));
	finish();
}

/* ---- What is refused ---- */

static enum sotto_err judge(struct bytes message)
{
	struct mls_buffer before = {0}, after = {0};
	struct mls_staged *staged = NULL;
	enum sotto_err err;

	world_state(group_of(0), &before);
	err = mls_group_receive(group_of(0), message, &staged);
	assert_int_equal(staged != NULL, err == SOTTO_OK);
	mls_staged_destroy(staged);
	world_state(group_of(0), &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	return err;
}

static enum sotto_err send(enum sender_type type, uint32_t index, enum mls_content_type content,
			   struct bytes body, const struct mls_identity *signer)
{
	struct frame_keys keys = {.suite = suite_find(1)};
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX], tag[32] = {0};
	struct writer scratch, out;
	enum sotto_err err;
	size_t len;
	struct framed framed = {
		.wire_format = MLS_PUBLIC_MESSAGE,
		.group_id = BYTES_TEXT("test group"),
		.epoch = outside.epoch,
		.sender_type = type,
		.sender = index,
		.content_type = content,
		.body = body,
		.confirmation_tag = BYTES_OF(tag),
	};

	writer_init_growing(&scratch, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	assert_int_equal(frame_sign(&keys, &world.random, &signer->private_key, &framed, &scratch,
				    signature, &len),
			 SOTTO_OK);
	framed.signature = BYTES(signature, len);
	assert_int_equal(frame_public_write(&keys, &framed, &scratch, &out), SOTTO_OK);
	err = judge(writer_bytes(&out));
	writer_release(&scratch);
	writer_release(&out);
	return err;
}

static void put_remove(struct writer *out)
{
	writer_put_u16(out, MLS_PROPOSAL_REMOVE);
	writer_put_u32(out, 1);
}

static void put_remove_blank(struct writer *out)
{
	writer_put_u16(out, MLS_PROPOSAL_REMOVE);
	writer_put_u32(out, 3);
}

static void put_update(struct writer *out)
{
	writer_put_u16(out, MLS_PROPOSAL_UPDATE);
	writer_put_bytes(out, tree_leaf(&group_of(0)->epoch->tree, 1)->view.encoded);
}

static void put_external_init(struct writer *out)
{
	writer_put_u16(out, MLS_PROPOSAL_EXTERNAL_INIT);
	writer_put_vector(out, BYTES_TEXT("kem output"));
}

static void put_add(struct writer *out)
{
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0};
	struct key_package_view view;

	world_key_package(&world, NEWCOMER, &package, &secrets);
	assert_int_equal(key_package_message_read(mls_buffer_bytes(&package), &view), SOTTO_OK);
	writer_put_u16(out, MLS_PROPOSAL_ADD);
	writer_put_bytes(out, view.encoded);
	mls_buffer_release(&package);
}

static void put_extensions(struct writer *out, struct bytes data)
{
	size_t start;

	writer_put_u16(out, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	start = writer_begin_vector(out);
	writer_put_u16(out, MLS_EXTENSION_EXTERNAL_SENDERS);
	writer_put_vector(out, data);
	writer_end_vector(out, start);
}

static void put_bad_senders(struct writer *out)
{
	put_extensions(out, BYTES_TEXT("no such list"));
}

static void put_bad_key(struct writer *out)
{
	put_extensions(out, BYTES_TEXT("\x08\3key\0\1\1x"));
}

static void put_psk_reinit(struct writer *out)
{
	writer_put_u16(out, MLS_PROPOSAL_PSK);
	writer_put_u8(out, 2);
	writer_put_u8(out, 2);
	writer_put_vector(out, BYTES_TEXT("test group"));
	writer_put_u64(out, 1);
	writer_put_varint(out, 32);
	writer_put_zeros(out, 32);
}

/* An empty commit. */
static void put_commit(struct writer *out)
{
	writer_put_u16(out, 0);
}

static void test_refused(void **state)
{
	const struct mls_identity *newcomer = &world.actors[NEWCOMER].identity;
	const struct {
		void (*put)(struct writer *out);
		enum sender_type type;
		uint32_t index;
		const struct mls_identity *signer;
		enum sotto_err err;
	} table[] = {
		{put_remove, SENDER_EXTERNAL, 1, &service, SOTTO_OK},
		{put_remove, SENDER_EXTERNAL, 0, &service, SOTTO_ERR_VERIFY},
		{put_remove, SENDER_EXTERNAL, 2, &service, SOTTO_ERR_INVALID},
		{put_remove, SENDER_EXTERNAL, UINT32_MAX, &service, SOTTO_ERR_INVALID},
		{put_remove_blank, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_INVALID},
		{put_update, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_INVALID},
		{put_external_init, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_INVALID},
		{put_bad_senders, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_FORMAT},
		{put_bad_key, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_INVALID},
		{put_psk_reinit, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_INVALID},
		{put_commit, SENDER_EXTERNAL, 1, &service, SOTTO_ERR_INVALID},
		{put_add, SENDER_NEW_MEMBER_PROPOSAL, 0, newcomer, SOTTO_OK},
		{put_add, SENDER_NEW_MEMBER_PROPOSAL, 0, &service, SOTTO_ERR_VERIFY},
		{put_remove, SENDER_NEW_MEMBER_PROPOSAL, 0, newcomer, SOTTO_ERR_INVALID},
		{put_update, SENDER_NEW_MEMBER_PROPOSAL, 0, newcomer, SOTTO_ERR_INVALID},
		{put_external_init, SENDER_NEW_MEMBER_PROPOSAL, 0, newcomer, SOTTO_ERR_INVALID},
		{put_commit, SENDER_NEW_MEMBER_PROPOSAL, 0, newcomer, SOTTO_ERR_INVALID},
		{put_add, SENDER_NEW_MEMBER_COMMIT, 0, newcomer, SOTTO_ERR_UNSUPPORTED},
	};

	(void)state;
	begin(1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct writer body;
		enum sotto_err err;

		writer_init_growing(&body, &allocator_default);
		table[i].put(&body);
		err = send(table[i].type, table[i].index,
			   table[i].put == put_commit ? MLS_CONTENT_COMMIT : MLS_CONTENT_PROPOSAL,
			   writer_bytes(&body), table[i].signer);
		if (err != table[i].err)
			print_error("case %zu: %s\n", i, sotto_err_text(err));
		assert_int_equal(err, table[i].err);
		writer_release(&body);
	}
	finish();
}

/* Not of this epoch; a flipped bit anywhere; no extension; not allowed. */
static void test_setting(void **state)
{
	struct mls_commit_options options = {
		.set_extensions = true, .extensions = &extensions[1], .extension_count = 1};
	struct mls_key_package_secrets secrets;
	struct mls_buffer message = {0}, package = {0};

	(void)state;
	begin(1);
	assert_int_equal(mls_external_propose_remove(&world.config, &outside, 1, &message),
			 SOTTO_OK);
	for (size_t bit = 0; bit < 8 * message.len; bit++) {
		message.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_not_equal(judge(mls_buffer_bytes(&message)), SOTTO_OK);
		message.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	for (size_t len = 0; len < message.len; len++)
		assert_int_not_equal(judge(BYTES(message.data, len)), SOTTO_OK);
	assert_int_equal(judge(mls_buffer_bytes(&message)), SOTTO_OK);
	world_commit_with(&world, 1, &options);
	assert_int_equal(judge(mls_buffer_bytes(&message)), SOTTO_ERR_TOO_OLD);
	mls_buffer_release(&message);
	look();
	outside.epoch++;
	assert_int_equal(mls_external_propose_remove(&world.config, &outside, 1, &message),
			 SOTTO_OK);
	assert_int_equal(judge(mls_buffer_bytes(&message)), SOTTO_ERR_AGAIN);
	mls_buffer_release(&message);
	outside.epoch--;
	assert_int_equal(mls_external_propose_remove(&world.config, &outside, 1, &message),
			 SOTTO_OK);
	assert_int_equal(judge(mls_buffer_bytes(&message)), SOTTO_ERR_INVALID);
	mls_buffer_release(&message);
	world_key_package(&world, NEWCOMER, &package, &secrets);
	outside.identity = &world.actors[NEWCOMER].identity;
	assert_int_equal(mls_new_member_propose(&world.config, &outside, mls_buffer_bytes(&package),
						0, &message),
			 SOTTO_OK);
	assert_int_equal(judge(mls_buffer_bytes(&message)), SOTTO_OK);
	world.config.new_member_proposals = false;
	world_reload_all(&world);
	assert_int_equal(judge(mls_buffer_bytes(&message)), SOTTO_ERR_UNSUPPORTED);
	mls_buffer_release(&message);
	mls_buffer_release(&package);
	finish();
}

/* A list that is none is refused by who creates, who joins, and in a ReInit of a suite that we know. */
static void test_bad_lists(void **state)
{
	struct mls_extension bad = {MLS_EXTENSION_EXTERNAL_SENDERS, BYTES_TEXT("\x08\3key\0\1\1x")};
	struct mls_reinit_options next = {
		.group_id = BYTES_TEXT("next"), .extensions = &bad, .extension_count = 1};
	struct mls_external_sender sender = {.credential = {0x0a0a, BYTES_NONE}};
	struct mls_buffer message = {0}, package = {0}, commit = {0}, welcome = {0};
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options leaf;
	struct mls_group *group = NULL;
	struct bytes add;
	struct mls_commit_options options = {.add = &add, .add_count = 1};
	struct mls_join_options join_options = {.secrets = &secrets,
						.identity = &world.actors[NEWCOMER].identity};
	struct writer *list;

	(void)state;
	begin(1);
	world_leaf_options(&world.actors[0], &leaf);
	assert_int_equal(mls_group_create(&world.config, BYTES_TEXT("g"), &leaf, &bad, 1, &group),
			 SOTTO_ERR_INVALID);
	next.suite = 1;
	assert_int_equal(mls_group_propose_reinit(group_of(0), &next, &message), SOTTO_ERR_INVALID);
	next.suite = 0x0a0a;
	assert_int_equal(mls_group_propose_reinit(group_of(0), &next, &message), SOTTO_OK);
	assert_int_equal(mls_external_propose_extensions(&world.config, &outside, &bad, 1, &commit),
			 SOTTO_ERR_INVALID);
	assert_int_equal(mls_external_senders_write(&world.config, &sender, 1, &commit),
			 SOTTO_ERR_ARGUMENT);
	/* A creator that has it all the same. */
	assert_int_equal(mls_group_create(&world.config, BYTES_TEXT("g"), &leaf, NULL, 0, &group),
			 SOTTO_OK);
	list = &group->epoch->extensions;
	writer_put_u16(list, bad.type);
	writer_put_vector(list, bad.data);
	assert_int_equal(epoch_write_context(group->epoch), SOTTO_OK);
	world_key_package(&world, NEWCOMER, &package, &secrets);
	add = mls_buffer_bytes(&package);
	assert_int_equal(mls_group_commit(group, &options, &commit, &welcome), SOTTO_OK);
	join_options.welcome = mls_buffer_bytes(&welcome);
	join_options.key_package = add;
	assert_int_equal(
		mls_group_join(&world.config, &join_options, &world.actors[NEWCOMER].group),
		SOTTO_ERR_INVALID);
	mls_group_destroy(group);
	mls_buffer_release(&message);
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite), cmocka_unit_test(test_psk),
		cmocka_unit_test(test_new_member),  cmocka_unit_test(test_remove_of_the_committer),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_setting),
		cmocka_unit_test(test_bad_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
