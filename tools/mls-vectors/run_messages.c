/* SPDX-License-Identifier: Apache-2.0 */
/* message-protection, welcome, messages. */
#include "case.h"

#include "mls/group.h"
#include "mls/welcome.h"

/* ---- message-protection: two members, the sender is leaf 1 ---- */

#define SENDER 1

struct protection {
	const struct suite *suite;
	struct writer context;
	struct secret membership;
	struct secret sender_data;
	struct secret encryption;
	struct secret signature_key;
	struct bytes signature_public;
	struct writer scratch;
	struct frame_keys keys;
	struct secret_tree tree;
};

static enum verdict unprotect(struct vector_case *vector, struct protection *given,
			      struct bytes message, struct bytes body)
{
	struct private_origin origin;
	struct message_view view;
	struct framed framed;
	uint8_t plaintext[4096];

	CHECK(message_read(message, &view) == SOTTO_OK);
	if (view.wire_format == MLS_PUBLIC_MESSAGE) {
		CHECK(frame_public_open(&given->keys, &view, &given->scratch) == SOTTO_OK);
		framed = view.framed;
	} else {
		CHECK(view.ciphertext.len <= sizeof(plaintext));
		CHECK(frame_private_open(&given->keys, &view, plaintext, &framed, &origin) ==
		      SOTTO_OK);
	}
	CHECK(framed.sender == SENDER);
	CHECK(frame_verify(&given->keys, given->signature_public, &framed, &given->scratch) ==
	      SOTTO_OK);
	CHECK(bytes_equal(framed.body, body));
	return PASSED;
}

/* Protects again with our own code and opens that. */
static enum verdict round_trip(struct vector_case *vector, struct protection *given,
			       uint16_t wire_format, enum mls_content_type type, struct bytes body)
{
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	uint8_t tag[HASH_LEN_MAX] = {0};
	struct message_key key;
	struct writer out;
	size_t len;
	enum verdict verdict;
	struct framed framed = {
		.wire_format = wire_format,
		.group_id = get_hex(vector, vector->json, "group_id"),
		.epoch = get_number(vector, vector->json, "epoch"),
		.sender_type = SENDER_MEMBER,
		.sender = SENDER,
		.content_type = type,
		.body = body,
		.confirmation_tag = BYTES(tag, suite_hash_len(given->suite)),
	};

	CHECK(frame_sign(&given->keys, vector->config.random, &given->signature_key, &framed,
			 &given->scratch, signature, &len) == SOTTO_OK);
	framed.signature = BYTES(signature, len);
	writer_init_growing(&out, vector->config.allocator);
	if (wire_format == MLS_PUBLIC_MESSAGE) {
		CHECK(frame_public_write(&given->keys, &framed, &given->scratch, &out) == SOTTO_OK);
	} else {
		CHECK(secret_tree_peek(&given->tree, SENDER, ratchet_of(type), 5, &key) ==
		      SOTTO_OK);
		CHECK(frame_private_seal(&given->keys, vector->config.random, &framed, &key, 5, 17,
					 &out) == SOTTO_OK);
		CHECK(out.len == frame_private_len(given->suite, framed.group_id.len, 0, type,
						   body.len, len, 17));
	}
	verdict = unprotect(vector, given, writer_bytes(&out), body);
	writer_release(&out);
	return verdict;
}

static enum verdict check_protection(struct vector_case *vector, struct protection *given)
{
	static const struct {
		const char *body;
		const char *pub;
		const char *priv;
		enum mls_content_type type;
	} table[] = {
		{"proposal", "proposal_pub", "proposal_priv", MLS_CONTENT_PROPOSAL},
		{"commit", "commit_pub", "commit_priv", MLS_CONTENT_COMMIT},
		{"application", NULL, "application_priv", MLS_CONTENT_APPLICATION},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bytes body = get_hex(vector, vector->json, table[i].body);

		if (unprotect(vector, given, get_hex(vector, vector->json, table[i].priv), body) !=
		    PASSED)
			return FAILED;
		if (round_trip(vector, given, MLS_PRIVATE_MESSAGE, table[i].type, body) != PASSED)
			return FAILED;
		if (table[i].pub == NULL)
			continue;
		if (unprotect(vector, given, get_hex(vector, vector->json, table[i].pub), body) !=
		    PASSED)
			return FAILED;
		if (round_trip(vector, given, MLS_PUBLIC_MESSAGE, table[i].type, body) != PASSED)
			return FAILED;
	}
	return PASSED;
}

enum verdict run_message_protection(struct vector_case *vector)
{
	struct protection given = {.suite = get_suite(vector)};
	enum verdict verdict;

	CHECK(given.suite != NULL);
	given.membership = get_secret(vector, vector->json, "membership_key");
	given.sender_data = get_secret(vector, vector->json, "sender_data_secret");
	given.encryption = get_secret(vector, vector->json, "encryption_secret");
	given.signature_key = get_private(vector, vector->json, "signature_priv",
					  sign_private_len(given.suite->sign));
	given.signature_public = get_hex(vector, vector->json, "signature_pub");
	writer_init_growing(&given.context, vector->config.allocator);
	writer_init_growing(&given.scratch, vector->config.allocator);
	writer_put_u16(&given.context, MLS_VERSION);
	writer_put_u16(&given.context, given.suite->id);
	writer_put_vector(&given.context, get_hex(vector, vector->json, "group_id"));
	writer_put_u64(&given.context, get_number(vector, vector->json, "epoch"));
	writer_put_vector(&given.context, get_hex(vector, vector->json, "tree_hash"));
	writer_put_vector(&given.context,
			  get_hex(vector, vector->json, "confirmed_transcript_hash"));
	writer_put_varint(&given.context, 0);
	CHECK(secret_tree_init(&given.tree, &vector->config, given.suite, 2, &given.encryption) ==
	      SOTTO_OK);
	given.keys = (struct frame_keys){
		.suite = given.suite,
		.context = writer_bytes(&given.context),
		.membership = &given.membership,
		.sender_data = &given.sender_data,
		.tree = &given.tree,
	};
	verdict = check_protection(vector, &given);
	secret_tree_finish(&given.tree);
	writer_release(&given.context);
	writer_release(&given.scratch);
	return verdict;
}

/* ---- welcome ---- */

static enum verdict open_info(struct vector_case *vector, const struct suite *suite,
			      const struct welcome_view *welcome, struct bytes joiner_bytes)
{
	enum aead_alg aead = suite->hpke.aead;
	struct secret joiner, psk, member, secret;
	struct epoch_secrets secrets;
	struct group_info_view info;
	struct welcome_key key;
	struct reader reader;
	uint8_t plaintext[4096];
	uint8_t tag[HASH_LEN_MAX];

	CHECK(joiner_bytes.len == suite_hash_len(suite));
	secret_set(&joiner, joiner_bytes.data, joiner_bytes.len);
	secret_zero(suite, &psk);
	member_secret_derive(suite, &joiner, &psk, &member);
	welcome_secret_derive(suite, &member, &secret);
	welcome_key_derive(suite, &secret, &key);
	CHECK(welcome->encrypted_group_info.len <= sizeof(plaintext));
	CHECK(aead_open(aead, BYTES(key.key, aead_key_len(aead)),
			BYTES(key.nonce, aead_nonce_len(aead)), BYTES_NONE,
			welcome->encrypted_group_info, plaintext) == SOTTO_OK);
	reader_init(&reader, BYTES(plaintext, welcome->encrypted_group_info.len - AEAD_TAG_LEN));
	group_info_read(&reader, &info);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	CHECK(group_info_verify(&info, suite, vector->config.allocator,
				get_hex(vector, vector->json, "signer_pub")) == SOTTO_OK);
	epoch_secrets_derive(suite, &member, info.context_encoded, &secrets);
	suite_mac(suite, &secrets.confirmation, info.confirmed_hash, tag);
	CHECK(suite_mac_check(suite, tag, info.confirmation_tag) == SOTTO_OK);
	return PASSED;
}

enum verdict run_welcome(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	struct key_package_view package;
	struct group_secrets_view secrets;
	struct hpke_ciphertext sealed;
	struct message_view message;
	struct welcome_view welcome;
	struct secret init_key;
	struct reader reader;
	struct hpke_info info;
	uint8_t ref[HASH_LEN_MAX];
	uint8_t plaintext[1024];
	size_t len = 0;

	CHECK(suite != NULL);
	CHECK(key_package_message_read(get_hex(vector, vector->json, "key_package"), &package) ==
	      SOTTO_OK);
	CHECK(message_read(get_hex(vector, vector->json, "welcome"), &message) == SOTTO_OK);
	reader_init(&reader, message.rest);
	welcome_read(&reader, &welcome);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	suite_ref_hash(suite, "MLS 1.0 KeyPackage Reference", package.encoded, ref);
	CHECK(welcome_find(&welcome, BYTES(ref, suite_hash_len(suite)), &sealed) == SOTTO_OK);
	CHECK(sealed.ciphertext.len <= sizeof(plaintext));
	suite_encrypt_info(suite, "Welcome", welcome.encrypted_group_info, &info);
	init_key = get_private(vector, vector->json, "init_priv", kem_private_len(suite->hpke.kem));
	CHECK(suite_decrypt(suite, secret_bytes(&init_key), &info, &sealed, plaintext, &len) ==
	      SOTTO_OK);
	reader_init(&reader, BYTES(plaintext, len));
	group_secrets_read(&reader, &secrets);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	return open_info(vector, suite, &welcome, secrets.joiner_secret);
}

/* ---- messages: decode, encode again, compare ---- */

static bool same_message(struct vector_case *vector, struct bytes encoded)
{
	struct message_view view;
	struct writer writer;
	bool same;

	if (message_read(encoded, &view) != SOTTO_OK)
		return false;
	writer_init_growing(&writer, vector->config.allocator);
	writer_put_u16(&writer, MLS_VERSION);
	if (view.wire_format == MLS_PUBLIC_MESSAGE) {
		framed_write(&view.framed, &writer);
		if (view.framed.sender_type == SENDER_MEMBER)
			writer_put_vector(&writer, view.membership_tag);
	} else {
		writer_put_u16(&writer, MLS_PRIVATE_MESSAGE);
		writer_put_bytes(&writer, view.content_aad);
		writer_put_vector(&writer, view.encrypted_sender_data);
		writer_put_vector(&writer, view.ciphertext);
	}
	same = bytes_equal(writer_bytes(&writer), encoded);
	writer_release(&writer);
	return same;
}

/* A bare proposal in the file lacks its type. */
static bool reads_as_proposal(struct vector_case *vector, uint16_t type, struct bytes body)
{
	struct proposal_view view;
	struct writer writer;
	struct reader reader;
	bool whole;

	writer_init_growing(&writer, vector->config.allocator);
	writer_put_u16(&writer, type);
	writer_put_bytes(&writer, body);
	reader_init(&reader, writer_bytes(&writer));
	proposal_read(&reader, &view);
	whole = reader_finish(&reader) == SOTTO_OK && view.encoded.len == writer.len;
	writer_release(&writer);
	return whole;
}

static bool reads_as_tree(struct vector_case *vector, struct bytes encoded)
{
	struct writer writer;
	struct tree tree;
	bool same;

	tree_init(&tree, vector->config.allocator, suite_find(1), 1);
	writer_init_growing(&writer, vector->config.allocator);
	same = tree_read(&tree, encoded, TREE_WIDTH_MAX) == SOTTO_OK;
	if (same)
		tree_write(&tree, &writer);
	same = same && bytes_equal(writer_bytes(&writer), encoded);
	writer_release(&writer);
	tree_finish(&tree);
	return same;
}

static enum verdict check_structures(struct vector_case *vector)
{
	struct group_secrets_view secrets;
	struct key_package_view package;
	struct group_info_view info;
	struct welcome_view welcome;
	struct message_view message;
	struct commit_view commit;
	struct reader reader;

	CHECK(message_read(get_hex(vector, vector->json, "mls_welcome"), &message) == SOTTO_OK);
	reader_init(&reader, message.rest);
	welcome_read(&reader, &welcome);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	CHECK(message_read(get_hex(vector, vector->json, "mls_group_info"), &message) == SOTTO_OK);
	reader_init(&reader, message.rest);
	group_info_read(&reader, &info);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	CHECK(key_package_message_read(get_hex(vector, vector->json, "mls_key_package"),
				       &package) == SOTTO_OK);
	CHECK(reads_as_tree(vector, get_hex(vector, vector->json, "ratchet_tree")));
	reader_init(&reader, get_hex(vector, vector->json, "group_secrets"));
	group_secrets_read(&reader, &secrets);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	reader_init(&reader, get_hex(vector, vector->json, "commit"));
	commit_read(&reader, &commit);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	return PASSED;
}

enum verdict run_messages(struct vector_case *vector)
{
	static const struct {
		const char *name;
		uint16_t type;
	} proposals[] = {
		{"add_proposal", MLS_PROPOSAL_ADD},
		{"update_proposal", MLS_PROPOSAL_UPDATE},
		{"remove_proposal", MLS_PROPOSAL_REMOVE},
		{"pre_shared_key_proposal", MLS_PROPOSAL_PSK},
		{"re_init_proposal", MLS_PROPOSAL_REINIT},
		{"external_init_proposal", MLS_PROPOSAL_EXTERNAL_INIT},
		{"group_context_extensions_proposal", MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS},
	};
	static const char *const messages[] = {"public_message_application",
					       "public_message_proposal", "public_message_commit",
					       "private_message"};

	for (size_t i = 0; i < sizeof(proposals) / sizeof(proposals[0]); i++) {
		struct bytes body = get_hex(vector, vector->json, proposals[i].name);

		if (!reads_as_proposal(vector, proposals[i].type, body))
			return fail_case(vector, proposals[i].name);
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (!same_message(vector, get_hex(vector, vector->json, messages[i])))
			return fail_case(vector, messages[i]);
	}
	return check_structures(vector);
}
