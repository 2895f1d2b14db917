/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReInit (RFC 9420 sections 11.2, 12.1.5, 12.2, 12.4.2): by value and by reference; alone in its
 * commit; afterwards the group has ended, also after it was saved and loaded.
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

static struct world world;

static const struct mls_extension next_extensions[] = {
	{MLS_EXTENSION_PRIVATE_USE, {(const uint8_t *)"next", 4}},
};

static struct mls_reinit_options next_group(void)
{
	return (struct mls_reinit_options){
		.group_id = BYTES_TEXT("the next group"),
		.suite = 3,
		.extensions = next_extensions,
		.extension_count = 1,
	};
}

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(uint16_t suite)
{
	static const unsigned others[] = {1, 2};

	world_init(&world, suite, 50);
	world.config.external_commits = true;
	for (int i = 0; i < 4; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
}

/* Nothing goes out any more, and no handshake message comes in. */
static void assert_ended(unsigned actor)
{
	struct mls_group *group = group_of(actor);
	struct mls_commit_options options = {.path = true};
	struct mls_reinit_options again = next_group();
	struct mls_buffer out = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct mls_reinit reinit;
	struct bytes found;
	uint8_t message[512];
	size_t len;

	assert_true(mls_group_active(group));
	assert_int_equal(mls_group_reinit(group, &reinit), SOTTO_OK);
	assert_true(bytes_equal(reinit.group_id, BYTES_TEXT("the next group")));
	assert_int_equal(reinit.version, 1);
	assert_int_equal(reinit.suite, 3);
	assert_int_equal(mls_extension_find(reinit.extensions, MLS_EXTENSION_PRIVATE_USE, &found),
			 SOTTO_OK);
	assert_true(bytes_equal(found, BYTES_TEXT("next")));
	assert_int_equal(mls_group_commit(group, &options, &out, &welcome), SOTTO_ERR_STATE);
	assert_int_equal(mls_group_propose_update(group, NULL, &out), SOTTO_ERR_STATE);
	assert_int_equal(mls_group_propose_remove(group, 1, &out), SOTTO_ERR_STATE);
	assert_int_equal(mls_group_propose_reinit(group, &again, &out), SOTTO_ERR_STATE);
	assert_int_equal(mls_group_info(group, NULL, &out), SOTTO_ERR_STATE);
	assert_int_equal(mls_group_protect(group, BYTES_NONE, BYTES_TEXT("x"), 0, message,
					   sizeof(message), &len),
			 SOTTO_ERR_STATE);
	assert_int_equal(mls_group_receive(group, BYTES_TEXT("whatever"), &staged),
			 SOTTO_ERR_STATE);
	assert_int_equal(out.len + welcome.len, 0);
}

static void assert_all_ended(void)
{
	for (unsigned i = 0; i < 3; i++)
		assert_ended(i);
}

static void test_every_suite(void **state)
{
	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		struct mls_reinit_options next = next_group();
		struct mls_commit_options options = {.reinit = &next, .path = s % 2 == 0};
		uint8_t late[512], out[512];
		struct mls_application application;
		struct mls_reinit reinit;
		size_t len;

		begin(suite);
		assert_int_equal(mls_group_reinit(group_of(0), &reinit), SOTTO_ERR_NOT_FOUND);
		assert_int_equal(mls_group_protect(group_of(2), BYTES_NONE, BYTES_TEXT("late"), 0,
						   late, sizeof(late), &len),
				 SOTTO_OK);
		world_commit_with(&world, 1, &options);
		assert_all_ended();
		world_reload_all(&world);
		assert_all_ended();
		/* What was on its way is read. */
		assert_int_equal(mls_group_unprotect(group_of(0), BYTES(late, len), out,
						     sizeof(out), &application),
				 SOTTO_OK);
		world_finish(&world);
	}
}

/* By reference; saved while it is only proposed, and while the commit is pending. */
static void test_by_reference(void **state)
{
	struct mls_reinit_options next = next_group();
	struct mls_commit_options options = {0};
	struct mls_buffer message = {0}, commit = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	struct mls_change change;

	(void)state;
	begin(1);
	world_propose(&world, 2, mls_group_propose_reinit(group_of(2), &next, &message), &message);
	world_reload_all(&world);
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome), SOTTO_OK);
	world_reload(&world, 0);
	assert_int_equal(mls_group_receive(group_of(1), mls_buffer_bytes(&commit), &staged),
			 SOTTO_OK);
	mls_staged_info(staged, &info);
	assert_int_equal(info.changes, 1);
	mls_staged_change(staged, 0, &change);
	assert_int_equal(change.type, MLS_PROPOSAL_REINIT);
	assert_int_equal(change.proposer, 2);
	assert_true(change.by_reference);
	assert_true(bytes_equal(change.reinit.group_id, next.group_id));
	assert_int_equal(change.reinit.suite, 3);
	mls_staged_destroy(staged);
	world_deliver(&world, 0, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(group_of(0)), SOTTO_OK);
	world_check(&world);
	assert_all_ended();
	mls_buffer_release(&commit);
	world_finish(&world);
}

/* 12.2: others are preferred, and the ReInit comes again. */
static void test_others_first(void **state)
{
	struct mls_reinit_options next = next_group();
	struct mls_commit_options options = {0};
	struct mls_buffer message = {0}, commit = {0}, welcome = {0};
	struct mls_reinit reinit;

	(void)state;
	begin(1);
	world_propose(&world, 2, mls_group_propose_reinit(group_of(2), &next, &message), &message);
	world_propose(&world, 1, mls_group_propose_update(group_of(1), NULL, &message), &message);
	options.reinit = &next;
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
			 SOTTO_ERR_STATE);
	options.reinit = NULL;
	world_commit_with(&world, 0, &options);
	assert_int_equal(mls_group_reinit(group_of(1), &reinit), SOTTO_ERR_NOT_FOUND);
	world_propose(&world, 1, mls_group_propose_update(group_of(1), NULL, &message), &message);
	options.reinit = &next;
	options.without_cached = true;
	world_commit_with(&world, 0, &options);
	assert_all_ended();
	world_finish(&world);
}

/* By value beside anything else, from our side. */
static void test_alone(void **state)
{
	uint32_t leaf = 2;
	uint64_t epoch = 1;
	struct mls_reinit_options next = next_group();
	struct mls_commit_options options = {.reinit = &next};
	struct mls_buffer before = {0}, after = {0}, commit = {0}, welcome = {0};

	(void)state;
	begin(1);
	world_state(group_of(0), &before);
	options.remove = &leaf;
	options.remove_count = 1;
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
			 SOTTO_ERR_INVALID);
	options.remove_count = 0;
	options.resumption_epochs = &epoch;
	options.resumption_count = 1;
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
			 SOTTO_ERR_INVALID);
	options.resumption_count = 0;
	options.set_extensions = true;
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
			 SOTTO_ERR_INVALID);
	options.set_extensions = false;
	next.extension_count = 1;
	next.extensions = (const struct mls_extension[]){
		{MLS_EXTENSION_REQUIRED_CAPABILITIES, BYTES_TEXT("no such")}};
	assert_int_equal(mls_group_commit(group_of(0), &options, &commit, &welcome),
			 SOTTO_ERR_FORMAT);
	world_state(group_of(0), &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	world_finish(&world);
}

/* ---- What another member sends: signed, and against the rules ---- */

static void put_reinit(struct writer *list, uint16_t version, const char *extensions, size_t len)
{
	writer_put_u8(list, 1);
	writer_put_u16(list, MLS_PROPOSAL_REINIT);
	writer_put_vector(list, BYTES_TEXT("next"));
	writer_put_u16(list, version);
	writer_put_u16(list, 0x0a0a); /* a suite that nobody has is no reason */
	writer_put_vector(list, BYTES(extensions, len));
}

static enum sotto_err send(const struct writer *list)
{
	struct mls_group *evil = group_of(0);
	struct frame_keys keys = epoch_frame_keys(evil->epoch);
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX], tag[HASH_LEN_MAX] = {0};
	struct mls_buffer before = {0}, after = {0};
	struct mls_staged *staged = NULL;
	struct writer body, out;
	enum sotto_err err;
	size_t len;
	struct framed framed = {
		.wire_format = MLS_PUBLIC_MESSAGE,
		.group_id = group_id_bytes(evil),
		.epoch = evil->epoch->number,
		.sender_type = SENDER_MEMBER,
		.content_type = MLS_CONTENT_COMMIT,
		.confirmation_tag = BYTES(tag, 32),
	};

	writer_init_growing(&body, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	writer_put_vector(&body, writer_bytes(list));
	writer_put_u8(&body, 0);
	framed.body = writer_bytes(&body);
	assert_int_equal(frame_sign(&keys, &world.random, &evil->epoch->signature_key, &framed,
				    &evil->scratch, signature, &len),
			 SOTTO_OK);
	framed.signature = BYTES(signature, len);
	assert_int_equal(frame_public_write(&keys, &framed, &evil->scratch, &out), SOTTO_OK);
	world_state(group_of(1), &before);
	err = mls_group_receive(group_of(1), writer_bytes(&out), &staged);
	assert_null(staged);
	world_state(group_of(1), &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	writer_release(&body);
	writer_release(&out);
	return err;
}

static void test_invalid(void **state)
{
	static const struct {
		uint16_t version;
		unsigned times;
		const char *extensions;
		size_t len;
		enum sotto_err err;
	} table[] = {
		{1, 1, "", 0, SOTTO_ERR_VERIFY}, /* good: as far as the tag */
		{2, 1, "", 0, SOTTO_ERR_VERIFY}, /* a later version may be agreed on */
		{0, 1, "", 0, SOTTO_ERR_INVALID},
		{1, 2, "", 0, SOTTO_ERR_INVALID},
		{1, 1, "\xf0\x0a\0\xf0\x0a\0", 6, SOTTO_ERR_INVALID}, /* an extension twice */
		{1, 1, "\0\3\1x", 4, SOTTO_ERR_FORMAT}, /* required capabilities that are none */
	};

	(void)state;
	begin(1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct writer list;

		writer_init_growing(&list, &allocator_default);
		for (unsigned n = 0; n < table[i].times; n++)
			put_reinit(&list, table[i].version, table[i].extensions, table[i].len);
		assert_int_equal(send(&list), table[i].err);
		writer_release(&list);
	}
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite),  cmocka_unit_test(test_by_reference),
		cmocka_unit_test(test_others_first), cmocka_unit_test(test_alone),
		cmocka_unit_test(test_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
