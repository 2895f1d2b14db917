/* SPDX-License-Identifier: Apache-2.0 */
/* tree-math, deserialization, crypto-basics, psk_secret. */
#include "case.h"

#include <stdlib.h>

#include "mls/psk.h"

/* Arrays hold an index, or null where there is none. */
static bool entry_is(struct vector_case *vector, const char *name, size_t at, bool exists,
		     uint32_t value)
{
	const json_t *entry = json_array_get(get_array(vector, vector->json, name), at);

	if (!exists)
		return json_is_null(entry);
	if (json_is_string(entry))
		return (uint64_t)strtoull(json_string_value(entry), NULL, 10) == value;
	return json_is_integer(entry) && (uint64_t)json_integer_value(entry) == value;
}

enum verdict run_tree_math(struct vector_case *vector)
{
	uint32_t width = (uint32_t)get_number(vector, vector->json, "n_leaves");
	uint32_t root = (uint32_t)get_number(vector, vector->json, "root");

	CHECK(tree_node_count(width) == get_number(vector, vector->json, "n_nodes"));
	CHECK(tree_root(width) == root);
	for (uint32_t node = 0; node < tree_node_count(width); node++) {
		bool parent = !node_is_leaf(node);

		CHECK(entry_is(vector, "left", node, parent, parent ? node_left(node) : 0));
		CHECK(entry_is(vector, "right", node, parent, parent ? node_right(node) : 0));
		CHECK(entry_is(vector, "parent", node, node != root, node_parent(node)));
		CHECK(entry_is(vector, "sibling", node, node != root, node_sibling(node)));
	}
	return PASSED;
}

enum verdict run_deserialization(struct vector_case *vector)
{
	struct reader reader;

	reader_init(&reader, get_hex(vector, vector->json, "vlbytes_header"));
	CHECK(reader_get_varint(&reader) == get_number(vector, vector->json, "length"));
	CHECK(reader_finish(&reader) == SOTTO_OK);
	return PASSED;
}

static enum verdict check_derivations(struct vector_case *vector, const struct suite *suite)
{
	const json_t *ref = get_object(vector, vector->json, "ref_hash");
	const json_t *expand = get_object(vector, vector->json, "expand_with_label");
	const json_t *derive = get_object(vector, vector->json, "derive_secret");
	const json_t *tree = get_object(vector, vector->json, "derive_tree_secret");
	struct secret secret = get_secret(vector, derive, "secret");
	uint8_t out[255];
	size_t len;

	suite_ref_hash(suite, get_text(vector, ref, "label"), get_hex(vector, ref, "value"), out);
	CHECK_HEX(ref, "out", out, suite_hash_len(suite));

	len = get_len(vector, expand, "length");
	CHECK(len <= sizeof(out));
	suite_expand(suite, get_hex(vector, expand, "secret"), get_text(vector, expand, "label"),
		     get_hex(vector, expand, "context"), out, len);
	CHECK_HEX(expand, "out", out, len);

	suite_derive(suite, &secret, get_text(vector, derive, "label"), &secret);
	CHECK_HEX(derive, "out", secret.data, secret.len);

	len = get_len(vector, tree, "length");
	CHECK(len <= sizeof(out));
	suite_derive_tree(suite, get_hex(vector, tree, "secret"), get_text(vector, tree, "label"),
			  (uint32_t)get_number(vector, tree, "generation"), out, len);
	CHECK_HEX(tree, "out", out, len);
	return PASSED;
}

static enum verdict check_signature(struct vector_case *vector, const struct suite *suite)
{
	const json_t *sign = get_object(vector, vector->json, "sign_with_label");
	struct secret private_key =
		get_private(vector, sign, "priv", sign_private_len(suite->sign));
	struct bytes public_key = get_hex(vector, sign, "pub");
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct writer content;
	size_t start, len;
	bool given, made;

	writer_init_growing(&content, vector->config.allocator);
	start = sign_content_begin(&content, get_text(vector, sign, "label"));
	writer_put_bytes(&content, get_hex(vector, sign, "content"));
	sign_content_end(&content, start);
	given = suite_verify(suite, public_key, &content, get_hex(vector, sign, "signature")) ==
		SOTTO_OK;
	made = suite_sign(suite, vector->config.random, &private_key, &content, signature, &len) ==
		       SOTTO_OK &&
	       suite_verify(suite, public_key, &content, BYTES(signature, len)) == SOTTO_OK;
	writer_release(&content);
	CHECK(given);
	CHECK(made);
	return PASSED;
}

static enum verdict check_encryption(struct vector_case *vector, const struct suite *suite)
{
	const json_t *encrypt = get_object(vector, vector->json, "encrypt_with_label");
	struct secret private_key =
		get_private(vector, encrypt, "priv", kem_private_len(suite->hpke.kem));
	struct hpke_ciphertext sealed = {
		.kem_output = get_hex(vector, encrypt, "kem_output"),
		.ciphertext = get_hex(vector, encrypt, "ciphertext"),
	};
	struct bytes plaintext = get_hex(vector, encrypt, "plaintext");
	struct hpke_info info;
	struct writer made;
	struct reader reader;
	uint8_t out[1024];
	size_t len = 0;
	bool given, again;

	CHECK(sealed.ciphertext.len <= sizeof(out));
	writer_init_growing(&made, vector->config.allocator);
	suite_encrypt_info(suite, get_text(vector, encrypt, "label"),
			   get_hex(vector, encrypt, "context"), &info);
	given = suite_decrypt(suite, secret_bytes(&private_key), &info, &sealed, out, &len) ==
			SOTTO_OK &&
		bytes_equal(BYTES(out, len), plaintext);
	suite_encrypt(suite, vector->config.random, get_hex(vector, encrypt, "pub"), &info,
		      plaintext, &made);
	reader_init(&reader, writer_bytes(&made));
	sealed = hpke_ciphertext_read(&reader);
	again = reader_finish(&reader) == SOTTO_OK &&
		suite_decrypt(suite, secret_bytes(&private_key), &info, &sealed, out, &len) ==
			SOTTO_OK &&
		bytes_equal(BYTES(out, len), plaintext);
	writer_release(&made);
	CHECK(given);
	CHECK(again);
	return PASSED;
}

enum verdict run_crypto_basics(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	enum verdict verdict;

	CHECK(suite != NULL);
	verdict = check_derivations(vector, suite);
	if (verdict == PASSED)
		verdict = check_signature(vector, suite);
	if (verdict == PASSED)
		verdict = check_encryption(vector, suite);
	return verdict;
}

enum verdict run_psk_secret(struct vector_case *vector)
{
	const struct suite *suite = get_suite(vector);
	const json_t *psks = get_array(vector, vector->json, "psks");
	const json_t *entry;
	struct psk_chain chain;
	size_t index;

	CHECK(suite != NULL);
	psk_chain_init(&chain, suite, vector->config.allocator, json_array_size(psks));
	json_array_foreach(psks, index, entry)
	{
		struct writer id;
		enum sotto_err err;

		writer_init_growing(&id, vector->config.allocator);
		writer_put_u8(&id, PSK_EXTERNAL);
		writer_put_vector(&id, get_hex(vector, entry, "psk_id"));
		writer_put_vector(&id, get_hex(vector, entry, "psk_nonce"));
		err = psk_chain_add(&chain, writer_bytes(&id), get_hex(vector, entry, "psk"));
		writer_release(&id);
		CHECK(err == SOTTO_OK);
	}
	CHECK_HEX(vector->json, "psk_secret", chain.secret.data, chain.secret.len);
	return PASSED;
}
