/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups that follow others (RFC 9420 sections 11.2, 11.3, 12.4.3.1): successors and branches in
 * every suite; what their creator may not make; and forged welcomes, which no joiner accepts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "mls/group.h"
#include "mls/psk.h"
#include "tests/mls/world.h"

#define MEMBERS 3

static struct world world; /* the older group: actors 0 to 2; 3 is a stranger */

/* A client's part in the newer group. */
struct follower {
	struct mls_identity identity;
	struct mls_leaf_options leaf;
	struct mls_buffer package;
	struct mls_key_package_secrets secrets;
	struct mls_group *group;
};

static struct follower followers[MEMBERS + 1];

static const struct mls_extension next_extensions[] = {
	{MLS_EXTENSION_PRIVATE_USE, {(const uint8_t *)"next", 4}},
};

static struct mls_group *origin_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(uint16_t suite, uint16_t next_suite)
{
	static const unsigned others[] = {1, 2};

	world_init(&world, suite, 60);
	for (unsigned i = 0; i <= MEMBERS; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, others, 2, NULL, 0, true);
	memset(followers, 0, sizeof(followers));
	for (unsigned i = 0; i <= MEMBERS; i++) {
		struct follower *follower = &followers[i];

		assert_int_equal(
			mls_identity_generate(&world.config, next_suite, &follower->identity),
			SOTTO_OK);
		world_leaf_options(&world.actors[i], &follower->leaf);
		follower->leaf.identity = &follower->identity;
		assert_int_equal(mls_key_package_create(&world.config, &follower->leaf, NULL, 0,
							&follower->package, &follower->secrets),
				 SOTTO_OK);
	}
}

static void finish(void)
{
	for (unsigned i = 0; i <= MEMBERS; i++) {
		mls_group_destroy(followers[i].group);
		mls_buffer_release(&followers[i].package);
	}
	world_finish(&world);
}

static void end_origin(uint16_t next_suite, uint16_t version)
{
	struct mls_reinit_options next = {
		.group_id = BYTES_TEXT("newer"),
		.suite = next_suite,
		.version = version,
		.extensions = next_extensions,
		.extension_count = 1,
	};
	struct mls_commit_options options = {.reinit = &next};

	world_commit_with(&world, 2, &options);
}

static void create_plain(unsigned by, const char *group_id, size_t extension_count)
{
	mls_group_destroy(followers[by].group);
	followers[by].group = NULL;
	assert_int_equal(mls_group_create(&world.config, BYTES(group_id, strlen(group_id)),
					  &followers[by].leaf, next_extensions, extension_count,
					  &followers[by].group),
			 SOTTO_OK);
}

/* The first commit by one, that adds others. */
static enum sotto_err link_by(unsigned by, enum mls_link link, const unsigned *with, size_t count,
			      struct mls_buffer *welcome)
{
	struct bytes add[MEMBERS + 1];
	struct mls_commit_options options = {
		.add = add, .add_count = count, .link = link, .origin = origin_of(by)};
	struct mls_buffer commit = {0};
	enum sotto_err err;

	for (size_t i = 0; i < count; i++)
		add[i] = mls_buffer_bytes(&followers[with[i]].package);
	err = mls_group_commit(followers[by].group, &options, &commit, welcome);
	assert_int_equal(mls_group_has_pending(followers[by].group), err == SOTTO_OK);
	mls_buffer_release(&commit);
	return err;
}

static enum sotto_err join(unsigned actor, struct bytes welcome, const struct mls_group *origin)
{
	struct mls_join_options options = {
		.welcome = welcome,
		.key_package = mls_buffer_bytes(&followers[actor].package),
		.secrets = &followers[actor].secrets,
		.identity = &followers[actor].identity,
		.origin = origin,
	};
	enum sotto_err err = mls_group_join(&world.config, &options, &followers[actor].group);

	assert_int_equal(followers[actor].group != NULL, err == SOTTO_OK);
	return err;
}

static void assert_together(unsigned one, unsigned other)
{
	struct mls_application application;
	uint8_t message[512], out[512];
	size_t len;

	assert_int_equal(mls_group_protect(followers[one].group, BYTES_NONE, BYTES_TEXT("there?"),
					   0, message, sizeof(message), &len),
			 SOTTO_OK);
	assert_int_equal(mls_group_unprotect(followers[other].group, BYTES(message, len), out,
					     sizeof(out), &application),
			 SOTTO_OK);
}

/* Any member may make the successor; here 0, who did not commit the ReInit. All were reloaded. */
static void test_successors(void **state)
{
	static const unsigned others[] = {2, 1};

	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		uint16_t next = world_suites[(s + 1) % WORLD_SUITES];
		struct mls_buffer welcome = {0};
		struct mls_context context;

		begin(suite, next);
		assert_int_equal(mls_group_create_successor(&world.config, origin_of(0),
							    &followers[0].leaf,
							    &followers[0].group),
				 SOTTO_ERR_STATE);
		end_origin(next, 1);
		world_reload_all(&world);
		assert_int_equal(mls_group_create_successor(&world.config, origin_of(0),
							    &followers[0].leaf,
							    &followers[0].group),
				 SOTTO_OK);
		assert_int_equal(link_by(0, MLS_LINK_REINIT, others, 2, &welcome), SOTTO_OK);
		assert_int_equal(mls_group_apply_pending(followers[0].group), SOTTO_OK);
		for (unsigned i = 1; i < MEMBERS; i++) {
			assert_int_equal(join(i, mls_buffer_bytes(&welcome), NULL),
					 SOTTO_ERR_NOT_FOUND);
			assert_int_equal(join(i, mls_buffer_bytes(&welcome), origin_of(i)),
					 SOTTO_OK);
			assert_together(i, 0);
			assert_together(0, i);
		}
		mls_group_context(followers[1].group, &context);
		assert_int_equal(context.suite, next);
		assert_int_equal(context.epoch, 1);
		assert_true(bytes_equal(context.group_id, BYTES_TEXT("newer")));
		mls_buffer_release(&welcome);
		finish();
	}
}

/* A branch of some members, whose origin has gone on since, with a member more. */
static void test_branches(void **state)
{
	static const unsigned other[] = {2}, late[] = {3}, nobody = 0;

	(void)state;
	for (size_t s = 0; s < WORLD_SUITES; s++) {
		uint16_t suite = world_suites[s];
		struct mls_buffer welcome = {0};

		begin(suite, suite);
		create_plain(1, "branch", 1);
		assert_int_equal(link_by(1, MLS_LINK_BRANCH, other, 1, &welcome), SOTTO_OK);
		assert_int_equal(mls_group_apply_pending(followers[1].group), SOTTO_OK);
		world_commit(&world, 0, late, 1, NULL, 0, true);
		world_reload_all(&world);
		assert_int_equal(join(2, mls_buffer_bytes(&welcome), NULL), SOTTO_ERR_NOT_FOUND);
		/* 3 came later: it has no such PSK. */
		assert_int_equal(join(2, mls_buffer_bytes(&welcome), origin_of(3)),
				 SOTTO_ERR_NOT_FOUND);
		assert_int_equal(join(2, mls_buffer_bytes(&welcome), origin_of(2)), SOTTO_OK);
		assert_together(1, 2);
		mls_buffer_release(&welcome);
		/* Alone is a subset too. */
		create_plain(1, "hermit", 0);
		assert_int_equal(link_by(1, MLS_LINK_BRANCH, &nobody, 0, &welcome), SOTTO_OK);
		finish();
	}
}

static void test_creator_refused(void **state)
{
	static const unsigned all[] = {1, 2}, one[] = {1}, more[] = {1, 2, 3}, stranger[] = {3};
	struct mls_commit_options nothing = {.link = MLS_LINK_BRANCH};
	struct mls_buffer welcome = {0}, commit = {0};

	(void)state;
	begin(1, 1);
	create_plain(0, "newer", 1);
	assert_int_equal(mls_group_commit(followers[0].group, &nothing, &commit, &welcome),
			 SOTTO_ERR_ARGUMENT); /* of no origin */
	assert_int_equal(link_by(0, MLS_LINK_REINIT, all, 2, &welcome), SOTTO_ERR_INVALID);
	assert_int_equal(link_by(0, MLS_LINK_BRANCH, stranger, 1, &welcome), SOTTO_ERR_INVALID);
	end_origin(1, 1);
	assert_int_equal(link_by(0, MLS_LINK_REINIT, one, 1, &welcome), SOTTO_ERR_INVALID);
	assert_int_equal(link_by(0, MLS_LINK_REINIT, more, 3, &welcome), SOTTO_ERR_INVALID);
	create_plain(0, "other", 1);
	assert_int_equal(link_by(0, MLS_LINK_REINIT, all, 2, &welcome), SOTTO_ERR_INVALID);
	create_plain(0, "newer", 0);
	assert_int_equal(link_by(0, MLS_LINK_REINIT, all, 2, &welcome), SOTTO_ERR_INVALID);
	/* Not in the first commit. */
	create_plain(0, "newer", 1);
	nothing.link = MLS_LINK_NONE;
	assert_int_equal(mls_group_commit(followers[0].group, &nothing, &commit, &welcome),
			 SOTTO_OK);
	assert_int_equal(mls_group_apply_pending(followers[0].group), SOTTO_OK);
	assert_int_equal(link_by(0, MLS_LINK_REINIT, all, 2, &welcome), SOTTO_ERR_INVALID);
	create_plain(0, "newer", 1);
	assert_int_equal(link_by(0, MLS_LINK_REINIT, all, 2, &welcome), SOTTO_OK);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	finish();
	begin(1, 2);
	end_origin(1, 1);
	create_plain(0, "newer", 1); /* of suite 2 */
	assert_int_equal(link_by(0, MLS_LINK_REINIT, all, 2, &welcome), SOTTO_ERR_INVALID);
	assert_int_equal(link_by(0, MLS_LINK_BRANCH, all, 2, &welcome), SOTTO_ERR_INVALID);
	finish();
}

/* ---- Forged welcomes: the PSK is right, what it is used for is not ---- */

struct forgery {
	const char *name;
	uint64_t number; /* of the new group's epoch */
	const char *group_id;
	unsigned extensions;
	unsigned members; /* added: 1 alone, 1 and 2, 1 and 2 and the stranger */
	struct {
		uint8_t usage; /* 0: none */
		const char *group_id;
		uint64_t epoch;
		size_t nonce_len;
	} psks[2];
	uint16_t ended; /* the version that its ReInit says; 0: it goes on */
	enum sotto_err err;
};

static void put_psks(const struct forgery *forgery, struct writer *out)
{
	for (unsigned i = 0; i < 2 && forgery->psks[i].usage != 0; i++) {
		const char *id = forgery->psks[i].group_id;

		writer_put_u16(out, MLS_PROPOSAL_PSK);
		writer_put_u8(out, PSK_RESUMPTION);
		writer_put_u8(out, forgery->psks[i].usage);
		writer_put_vector(out, BYTES(id, strlen(id)));
		writer_put_u64(out, forgery->psks[i].epoch);
		writer_put_varint(out, forgery->psks[i].nonce_len);
		writer_put_zeros(out, forgery->psks[i].nonce_len);
	}
}

static void put_adds(const struct forgery *forgery, struct writer *out)
{
	for (unsigned i = 1; i <= forgery->members; i++) {
		struct key_package_view package;

		assert_int_equal(
			key_package_message_read(mls_buffer_bytes(&followers[i].package), &package),
			SOTTO_OK);
		writer_put_u16(out, MLS_PROPOSAL_ADD);
		writer_put_bytes(out, package.encoded);
	}
}

static void put_list(struct proposal_list *list, const struct writer *proposals)
{
	struct sender sender = {.type = SENDER_MEMBER};
	struct reader reader;

	reader_init(&reader, writer_bytes(proposals));
	while (reader_more(&reader)) {
		struct proposal_view view;

		proposal_read(&reader, &view);
		assert_int_equal(reader.err, SOTTO_OK);
		assert_int_equal(proposal_list_put(list, view.encoded, sender, NULL), SOTTO_OK);
	}
}

/* The PSK secret from the origin's own epochs, whatever the usage. */
static void forge_psk(const struct proposal_list *list, size_t count, struct secret *secret)
{
	struct psk_chain chain;

	psk_chain_init(&chain, suite_find(1), &allocator_default, count);
	for (size_t i = 0; i < count; i++) {
		const struct bytes encoded = list->items[i].encoded;
		struct epoch *epoch = origin_of(0)->epoch;
		struct proposal_view view;

		proposal_item_view(&list->items[i], &view);
		if (group_find_epoch(origin_of(0), view.psk.epoch) != NULL)
			epoch = group_find_epoch(origin_of(0), view.psk.epoch);
		assert_int_equal(psk_chain_add(&chain, BYTES(encoded.data + 2, encoded.len - 2),
					       secret_bytes(&epoch->secrets.resumption)),
				 SOTTO_OK);
	}
	*secret = chain.secret;
}

/* What a commit would make of the new group, by hand. */
static void forge(const struct forgery *forgery, struct writer *welcome)
{
	struct secret joiner = {.len = 32}, psk, welcome_secret;
	struct proposal_list psks, adds;
	struct list_outcome outcome;
	struct writer proposals;
	struct epoch *next;

	create_plain(0, forgery->group_id, forgery->extensions);
	proposal_list_init(&psks, &allocator_default);
	proposal_list_init(&adds, &allocator_default);
	writer_init_growing(&proposals, &allocator_default);
	assert_int_equal(epoch_next(followers[0].group->epoch, &next), SOTTO_OK);
	next->number = forgery->number;
	put_adds(forgery, &proposals);
	put_list(&adds, &proposals);
	assert_int_equal(
		proposal_list_apply(&adds, followers[0].group->epoch, next, 0, 0, &outcome),
		SOTTO_OK);
	put_psks(forgery, &proposals);
	put_list(&psks, &proposals);
	/* Adds come first in both. */
	memmove(psks.items, psks.items + adds.count,
		(psks.count - adds.count) * sizeof(psks.items[0]));
	forge_psk(&psks, psks.count - adds.count, &psk);
	for (size_t i = 0; i < adds.count; i++)
		psks.items[psks.count - adds.count + i] = adds.items[i];
	assert_int_equal(epoch_write_context(next), SOTTO_OK);
	assert_int_equal(epoch_derive(next, &joiner, &psk, &welcome_secret), SOTTO_OK);
	assert_int_equal(welcome_write(next, &psks, &joiner, &welcome_secret, NULL, true, welcome),
			 SOTTO_OK);
	epoch_destroy(next);
	list_outcome_finish(&outcome, &allocator_default);
	proposal_list_finish(&psks);
	proposal_list_finish(&adds);
	writer_release(&proposals);
}

#define OLD   "test group"
#define AGREE 1, "newer", 1, 2 /* as the ReInit says */

static const struct forgery forgeries[] = {
	{"11.2: all right", AGREE, {{2, OLD, 2, 32}}, 1, SOTTO_OK},
	{"11.3: all right", 1, "branch", 0, 2, {{3, OLD, 1, 32}}, 0, SOTTO_OK},
	{"11.2: not epoch 1", 2, "newer", 1, 2, {{2, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"11.3: not epoch 1", 2, "branch", 0, 2, {{3, OLD, 1, 32}}, 0, SOTTO_ERR_INVALID},
	{"11.2: of a group that has not ended", AGREE, {{2, OLD, 1, 32}}, 0, SOTTO_ERR_INVALID},
	{"11.2: of an earlier epoch", AGREE, {{2, OLD, 1, 32}}, 1, SOTTO_ERR_INVALID},
	{"11.2: another group id", 1, "other", 1, 2, {{2, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"11.2: another version", AGREE, {{2, OLD, 2, 32}}, 2, SOTTO_ERR_INVALID},
	{"11.2: other extensions", 1, "newer", 0, 2, {{2, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"11.2: a member is missing", 1, "newer", 1, 1, {{2, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"11.2: one too many", 1, "newer", 1, 3, {{2, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"11.3: a stranger", 1, "branch", 0, 3, {{3, OLD, 1, 32}}, 0, SOTTO_ERR_INVALID},
	{"12.4.3.1: two", AGREE, {{2, OLD, 2, 32}, {2, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"12.4.3.1: of both", AGREE, {{2, OLD, 2, 32}, {3, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"8.4: an unknown usage", AGREE, {{4, OLD, 2, 32}}, 1, SOTTO_ERR_INVALID},
	{"12.1.4: length of the nonce", AGREE, {{2, OLD, 2, 31}}, 1, SOTTO_ERR_INVALID},
	{"8.6: an unknown epoch", AGREE, {{2, OLD, 7, 32}}, 1, SOTTO_ERR_NOT_FOUND},
	{"8.6: another group", AGREE, {{2, "what", 2, 32}}, 1, SOTTO_ERR_NOT_FOUND},
	{"no PSK, and an origin was named", AGREE, {{0}}, 1, SOTTO_ERR_INVALID},
	{"an application's", 1, "newer", 1, 2, {{1, OLD, 1, 32}}, 0, SOTTO_OK},
	{"an application's beside it", AGREE, {{1, OLD, 1, 32}, {2, OLD, 2, 32}}, 1, SOTTO_OK},
};

static void test_forged_welcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
		struct mls_buffer before = {0}, after = {0};
		struct writer welcome;
		enum sotto_err err;

		begin(1, 1);
		if (forgeries[i].ended)
			end_origin(1, forgeries[i].ended);
		writer_init_growing(&welcome, &allocator_default);
		forge(&forgeries[i], &welcome);
		world_state(origin_of(1), &before);
		err = join(1, writer_bytes(&welcome), origin_of(1));
		if (err != forgeries[i].err)
			print_error("%s: %s\n", forgeries[i].name, sotto_err_text(err));
		assert_int_equal(err, forgeries[i].err);
		world_state(origin_of(1), &after);
		assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
		mls_buffer_release(&before);
		mls_buffer_release(&after);
		writer_release(&welcome);
		finish();
	}
}

static bool anybody(void *context, const struct mls_credential *one,
		    const struct mls_credential *other)
{
	(void)context;
	return one->type == other->type;
}

/* Who is the same client is the application's to say. */
static void test_application_decides(void **state)
{
	static const struct mls_client_matcher matcher = {.same = anybody};
	static const unsigned stranger[] = {3};
	struct mls_buffer welcome = {0};

	(void)state;
	begin(1, 1);
	world.config.clients = &matcher;
	create_plain(0, "branch", 0);
	assert_int_equal(link_by(0, MLS_LINK_BRANCH, stranger, 1, &welcome), SOTTO_OK);
	mls_buffer_release(&welcome);
	finish();
}

/* A commit in a group may not hold such a PSK. */
static void test_nowhere_else(void **state)
{
	struct proposal_view view;
	struct reader reader;

	(void)state;
	begin(1, 1);
	for (uint8_t usage = 1; usage <= 4; usage++) {
		struct forgery forgery = {.psks = {{usage, OLD, 1, 32}}};
		struct sender sender = {.type = SENDER_MEMBER, .index = 1};
		struct writer proposal;

		writer_init_growing(&proposal, &allocator_default);
		put_psks(&forgery, &proposal);
		reader_init(&reader, writer_bytes(&proposal));
		proposal_read(&reader, &view);
		assert_int_equal(proposal_check(&view, sender, origin_of(0)->epoch, 0),
				 usage == 1 ? SOTTO_OK : SOTTO_ERR_INVALID);
		writer_release(&proposal);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_successors),	    cmocka_unit_test(test_branches),
		cmocka_unit_test(test_creator_refused),	    cmocka_unit_test(test_forged_welcomes),
		cmocka_unit_test(test_application_decides), cmocka_unit_test(test_nowhere_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
