/* SPDX-License-Identifier: Apache-2.0 */
/* key-schedule, secret-tree, transcript-hashes. */
#include "case.h"

static enum verdict check_epoch(struct vector_case *vector, const struct suite *suite,
				const json_t *epoch, struct secret *init)
{
	struct secret commit = get_secret(vector, epoch, "commit_secret");
	struct secret psk = get_secret(vector, epoch, "psk_secret");
	struct bytes context = get_hex(vector, epoch, "group_context");
	const json_t *exporter = get_object(vector, epoch, "exporter");
	struct secret joiner, member, welcome, external;
	struct epoch_secrets secrets;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	uint8_t out[255];
	size_t len = get_len(vector, exporter, "length");

	joiner_secret_derive(suite, init, &commit, context, &joiner);
	CHECK_HEX(epoch, "joiner_secret", joiner.data, joiner.len);
	member_secret_derive(suite, &joiner, &psk, &member);
	welcome_secret_derive(suite, &member, &welcome);
	CHECK_HEX(epoch, "welcome_secret", welcome.data, welcome.len);
	epoch_secrets_derive(suite, &member, context, &secrets);
	CHECK_HEX(epoch, "init_secret", secrets.init.data, secrets.init.len);
	CHECK_HEX(epoch, "sender_data_secret", secrets.sender_data.data, secrets.sender_data.len);
	CHECK_HEX(epoch, "encryption_secret", secrets.encryption.data, secrets.encryption.len);
	CHECK_HEX(epoch, "exporter_secret", secrets.exporter.data, secrets.exporter.len);
	CHECK_HEX(epoch, "epoch_authenticator", secrets.authenticator.data,
		  secrets.authenticator.len);
	CHECK_HEX(epoch, "external_secret", secrets.external.data, secrets.external.len);
	CHECK_HEX(epoch, "confirmation_key", secrets.confirmation.data, secrets.confirmation.len);
	CHECK_HEX(epoch, "membership_key", secrets.membership.data, secrets.membership.len);
	CHECK_HEX(epoch, "resumption_psk", secrets.resumption.data, secrets.resumption.len);
	CHECK(kem_derive(suite->hpke.kem, secret_bytes(&secrets.external), &external, public_key) ==
	      SOTTO_OK);
	CHECK_HEX(epoch, "external_pub", public_key, kem_public_len(suite->hpke.kem));
	CHECK(len <= sizeof(out));
	export_secret(suite, &secrets.exporter, get_text(vector, exporter, "label"),
		      get_hex(vector, exporter, "context"), out, len);
	CHECK_HEX(exporter, "secret", out, len);
	*init = secrets.init;
	return PASSED;
}

enum verdict run_key_schedule(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	struct secret init = get_secret(vector, vector->json, "initial_init_secret");
	const json_t *epochs = get_array(vector, vector->json, "epochs");
	const json_t *epoch;
	size_t index;

	CHECK(suite != NULL);
	json_array_foreach(epochs, index, epoch)
	{
		if (check_epoch(vector, suite, epoch, &init) != PASSED)
			return FAILED;
	}
	return PASSED;
}

static enum verdict check_sender_data(struct vector_case *vector, const struct suite *suite)
{
	const json_t *data = get_object(vector, vector->json, "sender_data");
	struct bytes secret = get_hex(vector, data, "sender_data_secret");
	struct bytes sample = get_hex(vector, data, "ciphertext");
	size_t key_len = aead_key_len(suite->hpke.aead);
	size_t nonce_len = aead_nonce_len(suite->hpke.aead);
	uint8_t out[AEAD_KEY_LEN_MAX];

	if (sample.len > suite_hash_len(suite))
		sample.len = suite_hash_len(suite);
	suite_expand(suite, secret, "key", sample, out, key_len);
	CHECK_HEX(data, "key", out, key_len);
	suite_expand(suite, secret, "nonce", sample, out, nonce_len);
	CHECK_HEX(data, "nonce", out, nonce_len);
	return PASSED;
}

static enum verdict check_key(struct vector_case *vector, struct secret_tree *tree, uint32_t leaf,
			      enum ratchet_kind kind, const json_t *step)
{
	static const char *const names[2][2] = {
		{"handshake_key", "handshake_nonce"},
		{"application_key", "application_nonce"},
	};
	uint32_t generation = (uint32_t)get_number(vector, step, "generation");
	enum aead_alg aead = tree->suite->hpke.aead;
	struct message_key key;

	CHECK(secret_tree_peek(tree, leaf, kind, generation, &key) == SOTTO_OK);
	CHECK_HEX(step, names[kind][0], key.key, aead_key_len(aead));
	CHECK_HEX(step, names[kind][1], key.nonce, aead_nonce_len(aead));
	secret_tree_consume(tree, leaf, kind, generation);
	CHECK(secret_tree_peek(tree, leaf, kind, generation, &key) == SOTTO_ERR_REPLAY);
	return PASSED;
}

static enum verdict check_leaves(struct vector_case *vector, struct secret_tree *tree)
{
	const json_t *leaves = get_array(vector, vector->json, "leaves");
	const json_t *leaf, *step;
	size_t i, j;

	json_array_foreach(leaves, i, leaf)
	{
		json_array_foreach(leaf, j, step)
		{
			if (check_key(vector, tree, (uint32_t)i, RATCHET_HANDSHAKE, step) !=
				    PASSED ||
			    check_key(vector, tree, (uint32_t)i, RATCHET_APPLICATION, step) !=
				    PASSED)
				return FAILED;
		}
	}
	return PASSED;
}

enum verdict run_secret_tree(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	struct secret root = get_secret(vector, vector->json, "encryption_secret");
	size_t leaves = json_array_size(get_array(vector, vector->json, "leaves"));
	struct secret_tree tree;
	enum verdict verdict;

	CHECK(suite != NULL && leaves != 0);
	CHECK(check_sender_data(vector, suite) == PASSED);
	CHECK(secret_tree_init(&tree, &vector->config, suite, width_for_leaf((uint32_t)leaves - 1),
			       &root) == SOTTO_OK);
	verdict = check_leaves(vector, &tree);
	secret_tree_finish(&tree);
	return verdict;
}

enum verdict run_transcript_hashes(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	struct secret key = get_secret(vector, vector->json, "confirmation_key");
	struct bytes before = get_hex(vector, vector->json, "interim_transcript_hash_before");
	uint8_t hash[HASH_LEN_MAX];
	uint8_t tag[HASH_LEN_MAX];
	struct writer head;
	struct framed framed;
	struct reader reader;
	size_t len;

	CHECK(suite != NULL);
	len = suite_hash_len(suite);
	reader_init(&reader, get_hex(vector, vector->json, "authenticated_content"));
	framed_read(&reader, &framed);
	CHECK(reader_finish(&reader) == SOTTO_OK);
	writer_init_growing(&head, vector->config.allocator);
	framed_head_write(&framed, &head);
	confirmed_hash_next(suite, before, framed.wire_format, writer_bytes(&head), framed.body,
			    framed.signature, hash);
	writer_release(&head);
	CHECK_HEX(vector->json, "confirmed_transcript_hash_after", hash, len);
	suite_mac(suite, &key, BYTES(hash, len), tag);
	CHECK(suite_mac_check(suite, tag, framed.confirmation_tag) == SOTTO_OK);
	interim_hash_next(suite, BYTES(hash, len), framed.confirmation_tag, hash);
	CHECK_HEX(vector->json, "interim_transcript_hash_after", hash, len);
	return PASSED;
}
