/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing that breaks a rule (RFC 9420 sections 6.1, 6.2, 6.3, 9.1, 12.4.2): by a member, who has the
 * keys to sign, tag and seal whatever it likes. Who judges stays as it was, and opens afterwards what
 * it would have opened before.
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

#define EVIL  0
#define JUDGE 1
#define OTHER 3
#define BLANK 2 /* a leaf */
#define FAR   4 /* a leaf outside */

static struct world world;

static struct mls_group *group_of(unsigned actor)
{
	return world.actors[actor].group;
}

static void begin(void)
{
	static const unsigned others[] = {1, 2, 3}, gone[] = {2};

	world_init(&world, world_suite(), 12);
	world.config.limits.generations_forward = 20;
	for (int i = 0; i < 4; i++)
		(void)world_new_actor(&world);
	world_create(&world, EVIL);
	world_commit(&world, EVIL, others, 3, NULL, 0, true);
	world_commit(&world, EVIL, NULL, 0, gone, 1, true);
}

/* ---- PrivateMessage: every field as the test wants it ---- */

struct sealing {
	const char *name;
	uint32_t leaf; /* in the sender data, and whose ratchet's key it is */
	uint32_t generation;
	uint8_t type;
	uint8_t ratchet; /* of which the key is: by type if 0 */
	uint8_t padding; /* the last byte of five */
	unsigned signer;
	uint16_t version;
	const char *group_id;
	uint64_t epoch_ahead;
	size_t sender_data_len;
	size_t ciphertext_len; /* 0: all of it */
	enum sotto_err err;
};

/* The body of a message by its type: a text, an update of nobody's, an empty commit without path. */
static void put_body(const struct sealing *sealing, struct writer *out)
{
	if (sealing->type == MLS_CONTENT_PROPOSAL) {
		writer_put_u16(out, MLS_PROPOSAL_REMOVE);
		writer_put_u32(out, 3);
	} else if (sealing->type == MLS_CONTENT_COMMIT) {
		writer_put_u16(out, 0);
	} else {
		writer_put_bytes(out, BYTES_TEXT("hello"));
	}
}

static void sign_content(const struct sealing *sealing, const struct writer *body,
			 struct writer *content)
{
	struct mls_group *evil = group_of(EVIL);
	struct frame_keys keys = epoch_frame_keys(evil->epoch);
	const struct mls_identity *signer = &world.actors[sealing->signer].identity;
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;
	struct framed framed = {
		.wire_format = MLS_PRIVATE_MESSAGE,
		.group_id = BYTES(sealing->group_id, strlen(sealing->group_id)),
		.epoch = evil->epoch->number + sealing->epoch_ahead,
		.sender_type = SENDER_MEMBER,
		.sender = sealing->leaf,
		.authenticated_data = BYTES_TEXT("aad"),
		.content_type = (enum mls_content_type)sealing->type,
		.body = writer_bytes(body),
	};

	assert_int_equal(frame_sign(&keys, &world.random, &signer->private_key, &framed,
				    &evil->scratch, signature, &len),
			 SOTTO_OK);
	if (sealing->type == MLS_CONTENT_APPLICATION)
		writer_put_vector(content, framed.body);
	else
		writer_put_bytes(content, framed.body);
	writer_put_vector(content, BYTES(signature, len));
	if (sealing->type == MLS_CONTENT_COMMIT) {
		writer_put_varint(content, mls_suite_hash_len(world.suite));
		writer_put_zeros(content, mls_suite_hash_len(world.suite));
	}
	writer_put_zeros(content, 4);
	writer_put_u8(content, sealing->padding);
}

/* A key of the sender data, or one of a ratchet; with a guard of zeros. */
static struct bytes seal(const struct message_key *key, struct bytes aad, struct bytes plain,
			 uint8_t *out)
{
	enum aead_alg aead = suite_find(world.suite)->hpke.aead;

	aead_seal(aead, BYTES(key->key, aead_key_len(aead)),
		  BYTES(key->nonce, aead_nonce_len(aead)), aad, plain, out);
	return BYTES(out, plain.len + AEAD_TAG_LEN);
}

static struct bytes seal_sender_data(const struct sealing *sealing, struct bytes ciphertext,
				     struct bytes aad, uint8_t *out)
{
	const struct suite *suite = suite_find(world.suite);
	struct frame_keys keys = epoch_frame_keys(group_of(EVIL)->epoch);
	size_t nh = mls_suite_hash_len(world.suite);
	struct bytes sample = BYTES(ciphertext.data, ciphertext.len < nh ? ciphertext.len : nh);
	struct message_key key;
	struct writer plain;
	struct bytes sealed;

	writer_init_growing(&plain, &allocator_default);
	writer_put_u32(&plain, sealing->leaf);
	writer_put_u32(&plain, sealing->generation);
	writer_put_zeros(&plain, 8);
	suite_expand(suite, secret_bytes(keys.sender_data), "key", sample, key.key,
		     aead_key_len(suite->hpke.aead));
	suite_expand(suite, secret_bytes(keys.sender_data), "nonce", sample, key.nonce,
		     aead_nonce_len(suite->hpke.aead));
	sealed = seal(&key, aad, BYTES(plain.data, sealing->sender_data_len), out);
	writer_release(&plain);
	return sealed;
}

static void message_seal(const struct sealing *sealing, struct writer *out)
{
	struct mls_group *evil = group_of(EVIL);
	struct writer body, content;
	struct message_key key = {0};
	uint8_t sealed[512], sender[64];
	struct bytes ciphertext;
	size_t aad, sender_aad_len;
	enum ratchet_kind ratchet = sealing->type == MLS_CONTENT_APPLICATION || sealing->ratchet
					    ? RATCHET_APPLICATION
					    : RATCHET_HANDSHAKE;

	writer_init_growing(&body, &allocator_default);
	writer_init_growing(&content, &allocator_default);
	put_body(sealing, &body);
	sign_content(sealing, &body, &content);
	/* What is far ahead is not judged by its key. */
	if (sealing->leaf < FAR && sealing->generation < 20)
		assert_int_equal(secret_tree_peek(&evil->epoch->secret_tree, sealing->leaf, ratchet,
						  sealing->generation, &key),
				 SOTTO_OK);
	writer_put_u16(out, sealing->version);
	writer_put_u16(out, MLS_PRIVATE_MESSAGE);
	aad = out->len;
	writer_put_vector(out, BYTES(sealing->group_id, strlen(sealing->group_id)));
	writer_put_u64(out, evil->epoch->number + sealing->epoch_ahead);
	writer_put_u8(out, sealing->type);
	sender_aad_len = out->len - aad;
	writer_put_vector(out, BYTES_TEXT("aad"));
	ciphertext =
		seal(&key, BYTES(out->data + aad, out->len - aad), writer_bytes(&content), sealed);
	if (sealing->ciphertext_len != 0)
		ciphertext.len = sealing->ciphertext_len;
	writer_put_vector(out, seal_sender_data(sealing, ciphertext,
						BYTES(out->data + aad, sender_aad_len), sender));
	writer_put_vector(out, ciphertext);
	assert_int_equal(writer_finish(out), SOTTO_OK);
	writer_release(&body);
	writer_release(&content);
}

#define G  "test group"
#define SD 12

static const struct sealing applications[] = {
	{"6.3.1: padding", EVIL, 0, 1, 0, 1, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_FORMAT},
	{"6.3.2: a blank leaf", BLANK, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_INVALID},
	{"6.3.2: a leaf outside", FAR, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_INVALID},
	{"6.3.2: the last leaf of all", UINT32_MAX, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0,
	 SOTTO_ERR_INVALID},
	{"6.1: in another's name", OTHER, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_VERIFY},
	{"9: far ahead", EVIL, 21, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_LIMIT},
	{"9: the last generation of all", EVIL, UINT32_MAX, 1, 0, 0, EVIL, 1, G, 0, SD, 0,
	 SOTTO_ERR_LIMIT},
	{"6.3.2: short sender data", EVIL, 0, 1, 0, 0, EVIL, 1, G, 0, 11, 0, SOTTO_ERR_FORMAT},
	{"6.3.2: long sender data", EVIL, 0, 1, 0, 0, EVIL, 1, G, 0, 13, 0, SOTTO_ERR_FORMAT},
	{"6.3.1: less than a tag", EVIL, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 15, SOTTO_ERR_VERIFY},
	{"6: another version", EVIL, 0, 1, 0, 0, EVIL, 2, G, 0, SD, 0, SOTTO_ERR_VERSION},
	{"6: another group", EVIL, 0, 1, 0, 0, EVIL, 1, "test grouq", 0, SD, 0, SOTTO_ERR_INVALID},
	{"6: a later epoch", EVIL, 0, 1, 0, 0, EVIL, 1, G, 1, SD, 0, SOTTO_ERR_AGAIN},
	{"6: no content type", EVIL, 0, 0, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_FORMAT},
	{"6: an unknown content type", EVIL, 0, 4, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_FORMAT},
	{"6.3: a proposal", EVIL, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_ARGUMENT},
	{"6.3: a commit", EVIL, 0, 3, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_ARGUMENT},
	/* Last, because it leaves something behind. */
	{"all right", EVIL, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_OK},
	{"9.1: again", EVIL, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_REPLAY},
};

static void test_application_messages(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(applications); i++) {
		struct mls_buffer before = {0}, after = {0};
		struct mls_application application;
		struct writer message;
		uint8_t out[512];
		enum sotto_err err;

		writer_init_growing(&message, &allocator_default);
		message_seal(&applications[i], &message);
		world_state(group_of(JUDGE), &before);
		err = mls_group_unprotect(group_of(JUDGE), writer_bytes(&message), out, sizeof(out),
					  &application);
		if (err != applications[i].err)
			print_error("%s: %s\n", applications[i].name, sotto_err_text(err));
		assert_int_equal(err, applications[i].err);
		world_state(group_of(JUDGE), &after);
		assert_int_equal(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)),
				 err != SOTTO_OK);
		mls_buffer_release(&before);
		mls_buffer_release(&after);
		writer_release(&message);
	}
	world_finish(&world);
}

static const struct sealing handshakes[] = {
	{"all right", EVIL, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_OK},
	{"6.3.1: padding", EVIL, 0, 2, 0, 1, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_FORMAT},
	{"6.3.1: padding of a commit", EVIL, 0, 3, 0, 1, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_FORMAT},
	{"6.3.2: a blank leaf", BLANK, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_INVALID},
	{"6.3.2: a leaf outside", FAR, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_INVALID},
	{"6.1: in another's name", OTHER, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_VERIFY},
	{"6.1: in our own name", JUDGE, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_VERIFY},
	{"9.1: by a key for applications", EVIL, 0, 2, 1, 0, EVIL, 1, G, 0, SD, 0,
	 SOTTO_ERR_VERIFY},
	{"9: far ahead", EVIL, 21, 2, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_LIMIT},
	{"6.3.2: short sender data", EVIL, 0, 2, 0, 0, EVIL, 1, G, 0, 11, 0, SOTTO_ERR_FORMAT},
	{"6.3.1: less than a tag", EVIL, 0, 2, 0, 0, EVIL, 1, G, 0, SD, 15, SOTTO_ERR_VERIFY},
	{"6: another group", EVIL, 0, 2, 0, 0, EVIL, 1, "test grouq", 0, SD, 0, SOTTO_ERR_INVALID},
	{"12.4.2: a later epoch", EVIL, 0, 3, 0, 0, EVIL, 1, G, 1, SD, 0, SOTTO_ERR_AGAIN},
	{"12.4.2: an earlier epoch", EVIL, 0, 3, 0, 0, EVIL, 1, G, UINT64_MAX, SD, 0,
	 SOTTO_ERR_TOO_OLD},
	{"6.3: an application message", EVIL, 0, 1, 0, 0, EVIL, 1, G, 0, SD, 0, SOTTO_ERR_ARGUMENT},
	{"12.4: an empty commit without path", EVIL, 0, 3, 0, 0, EVIL, 1, G, 0, SD, 0,
	 SOTTO_ERR_INVALID},
};

static void test_handshake_messages(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(handshakes); i++) {
		struct verdict verdict;
		struct writer message;

		writer_init_growing(&message, &allocator_default);
		message_seal(&handshakes[i], &message);
		verdict = hostile_judge(group_of(JUDGE), writer_bytes(&message));
		if (verdict.err != handshakes[i].err)
			print_error("%s: %s\n", handshakes[i].name, sotto_err_text(verdict.err));
		assert_int_equal(verdict.err, handshakes[i].err);
		writer_release(&message);
	}
	world_finish(&world);
}

/* ---- PublicMessage ---- */

/* A good commit of EVIL's, taken apart, to be tagged anew. */
static void commit_read_public(struct mls_buffer *message, struct message_view *view)
{
	struct mls_commit_options options = {.path = true};
	struct mls_send_options send = {.handshake = MLS_PUBLIC_MESSAGE, .tree_in_welcome = true};
	struct mls_buffer welcome = {0};

	mls_group_set_send_options(group_of(EVIL), &send);
	assert_int_equal(mls_group_commit(group_of(EVIL), &options, message, &welcome), SOTTO_OK);
	mls_group_drop_pending(group_of(EVIL));
	assert_int_equal(message_read(mls_buffer_bytes(message), view), SOTTO_OK);
}

static void message_write(const struct framed *framed, struct bytes membership_tag,
			  struct writer *out)
{
	out->len = 0;
	writer_put_u16(out, MLS_VERSION);
	framed_write(framed, out);
	writer_put_vector(out, membership_tag);
	assert_int_equal(writer_finish(out), SOTTO_OK);
}

/* Tags of every length but the right one, each the beginning of the right one. */
static void test_lengths_of_tags(void **state)
{
	uint8_t longer[HASH_LEN_MAX + 1] = {0};
	struct mls_buffer message = {0};
	struct message_view view;
	struct frame_keys keys;
	struct writer out;
	size_t len;

	(void)state;
	begin();
	len = mls_suite_hash_len(world.suite);
	keys = epoch_frame_keys(group_of(EVIL)->epoch);
	commit_read_public(&message, &view);
	writer_init_growing(&out, &allocator_default);
	assert_int_equal(hostile_judge(group_of(JUDGE), mls_buffer_bytes(&message)).err, SOTTO_OK);
	memcpy(longer, view.membership_tag.data, len);
	for (size_t i = 0; i <= len + 1; i++) {
		message_write(&view.framed, BYTES(longer, i), &out);
		assert_int_equal(hostile_judge(group_of(JUDGE), writer_bytes(&out)).err,
				 i == len ? SOTTO_OK : SOTTO_ERR_VERIFY);
	}
	memcpy(longer, view.framed.confirmation_tag.data, len);
	for (size_t i = 0; i <= len + 1; i++) {
		struct framed framed = view.framed;
		struct verdict verdict;

		framed.confirmation_tag = BYTES(longer, i);
		out.len = 0;
		assert_int_equal(frame_public_write(&keys, &framed, &group_of(EVIL)->scratch, &out),
				 SOTTO_OK);
		verdict = hostile_judge(group_of(JUDGE), writer_bytes(&out));
		assert_int_equal(verdict.err, i == len ? SOTTO_OK : SOTTO_ERR_VERIFY);
		assert_int_equal(verdict.others_may_follow, i != len);
	}
	writer_release(&out);
	mls_buffer_release(&message);
	world_finish(&world);
}

/* Who has the group's keys and no signature key; and who signs for what it is not. */
static void test_public_messages(void **state)
{
	static const struct {
		const char *name;
		const char *group_id;
		uint32_t sender;
		unsigned signer;
		uint64_t epoch_ahead;
		enum sotto_err err;
	} table[] = {
		{"all right", G, EVIL, EVIL, 0, SOTTO_OK},
		{"6.1: signed by another member", G, EVIL, OTHER, 0, SOTTO_ERR_VERIFY},
		{"6.1: in another's name", G, OTHER, EVIL, 0, SOTTO_ERR_VERIFY},
		{"6.1: a blank leaf", G, BLANK, EVIL, 0, SOTTO_ERR_INVALID},
		{"6.1: a leaf outside", G, FAR, EVIL, 0, SOTTO_ERR_INVALID},
		{"6.1: the last leaf of all", G, UINT32_MAX, EVIL, 0, SOTTO_ERR_INVALID},
		{"6: another group", "test grouq", EVIL, EVIL, 0, SOTTO_ERR_INVALID},
		{"12.1: a later epoch", G, EVIL, EVIL, 1, SOTTO_ERR_AGAIN},
		{"12.1: an earlier epoch", G, EVIL, EVIL, UINT64_MAX, SOTTO_ERR_TOO_OLD},
	};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct mls_group *evil = group_of(EVIL);
		struct frame_keys keys = epoch_frame_keys(evil->epoch);
		uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
		struct writer body, out;
		struct verdict verdict;
		struct framed framed;
		size_t len;

		writer_init_growing(&body, &allocator_default);
		writer_init_growing(&out, &allocator_default);
		put_body(&(struct sealing){.type = MLS_CONTENT_PROPOSAL}, &body);
		framed = (struct framed){
			.wire_format = MLS_PUBLIC_MESSAGE,
			.group_id = BYTES(table[i].group_id, strlen(table[i].group_id)),
			.epoch = evil->epoch->number + table[i].epoch_ahead,
			.sender_type = SENDER_MEMBER,
			.sender = table[i].sender,
			.content_type = MLS_CONTENT_PROPOSAL,
			.body = writer_bytes(&body),
		};
		assert_int_equal(frame_sign(&keys, &world.random,
					    &world.actors[table[i].signer].identity.private_key,
					    &framed, &evil->scratch, signature, &len),
				 SOTTO_OK);
		framed.signature = BYTES(signature, len);
		assert_int_equal(frame_public_write(&keys, &framed, &evil->scratch, &out),
				 SOTTO_OK);
		verdict = hostile_judge(group_of(JUDGE), writer_bytes(&out));
		if (verdict.err != table[i].err)
			print_error("%s: %s\n", table[i].name, sotto_err_text(verdict.err));
		assert_int_equal(verdict.err, table[i].err);
		writer_release(&body);
		writer_release(&out);
	}
	world_finish(&world);
}

/* 12.4.2: what is signed in our own name, and is not what we keep as pending, is followed by nobody here. */
static void test_own_name(void **state)
{
	struct mls_commit_options options = {.path = true};
	struct mls_buffer commit = {0}, welcome = {0};

	(void)state;
	for (int format = MLS_PUBLIC_MESSAGE; format <= MLS_PRIVATE_MESSAGE; format++) {
		struct mls_buffer message = {0};
		struct mls_application application;
		uint8_t out[512];

		begin();
		mls_group_set_send_options(
			group_of(JUDGE),
			&(struct mls_send_options){.handshake = (enum mls_wire_format)format});
		assert_int_equal(mls_group_commit(group_of(JUDGE), &options, &commit, &welcome),
				 SOTTO_OK);
		mls_group_drop_pending(group_of(JUDGE));
		if (format == MLS_PUBLIC_MESSAGE)
			assert_int_equal(
				hostile_judge(group_of(JUDGE), mls_buffer_bytes(&commit)).err,
				SOTTO_ERR_STATE);
		else /* its key is gone */
			assert_int_equal(
				hostile_judge(group_of(JUDGE), mls_buffer_bytes(&commit)).err,
				SOTTO_ERR_REPLAY);
		/* 6.2: application messages are private. */
		assert_int_equal(mls_group_unprotect(group_of(OTHER), mls_buffer_bytes(&commit),
						     out, sizeof(out), &application),
				 SOTTO_ERR_ARGUMENT);
		mls_buffer_release(&message);
		mls_buffer_release(&commit);
		world_finish(&world);
	}
}

/* 6.2: application data in the clear, to both doors. */
static void test_application_in_the_clear(void **state)
{
	struct mls_application application;
	struct writer message;
	uint8_t out[512];

	(void)state;
	begin();
	writer_init_growing(&message, &allocator_default);
	hostile_message_write(&world, EVIL, MLS_CONTENT_APPLICATION, BYTES_TEXT("hello"), EVIL,
			      &message);
	assert_int_equal(hostile_judge(group_of(JUDGE), writer_bytes(&message)).err,
			 SOTTO_ERR_ARGUMENT);
	assert_int_equal(mls_group_unprotect(group_of(JUDGE), writer_bytes(&message), out,
					     sizeof(out), &application),
			 SOTTO_ERR_ARGUMENT);
	writer_release(&message);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_application_messages),
		cmocka_unit_test(test_handshake_messages),
		cmocka_unit_test(test_lengths_of_tags),
		cmocka_unit_test(test_public_messages),
		cmocka_unit_test(test_own_name),
		cmocka_unit_test(test_application_in_the_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
