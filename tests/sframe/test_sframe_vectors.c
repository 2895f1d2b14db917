/* SPDX-License-Identifier: Apache-2.0 */
/* The working group's vectors: headers both ways, AES-CTR with HMAC, key derivation and whole frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "sframe/frame.h"
#include "tests/vectors.h"

#define OUT_LEN 256

static void check_header(struct vectors *vectors)
{
	struct sframe_header header = {.kid = vector_number(vectors, "kid"),
				       .ctr = vector_number(vectors, "ctr")};
	struct bytes expected = vector_hex(vectors, "encoded");
	uint8_t encoded[SFRAME_HEADER_LEN_MAX];
	struct sframe_header decoded = {0};
	size_t len = sframe_header_encode(header, encoded);

	assert_int_equal(len, expected.len);
	assert_memory_equal(encoded, expected.data, len);
	assert_int_equal(sframe_header_decode(expected, &decoded, &len), SOTTO_OK);
	assert_int_equal(len, expected.len);
	assert_true(decoded.kid == header.kid && decoded.ctr == header.ctr);
	for (size_t cut = 0; cut < expected.len; cut++)
		assert_int_equal(sframe_header_decode(BYTES(expected.data, cut), &decoded, &len),
				 SOTTO_ERR_FORMAT);
}

static void check_aead(struct vectors *vectors)
{
	enum sframe_suite suite = (enum sframe_suite)vector_number(vectors, "cipher_suite");
	struct bytes key = vector_hex(vectors, "key");
	struct bytes nonce = vector_hex(vectors, "nonce");
	struct bytes aad = vector_hex(vectors, "aad");
	struct bytes plaintext = vector_hex(vectors, "pt");
	struct bytes sealed = vector_hex(vectors, "ct");
	uint8_t out[OUT_LEN];

	assert_int_equal(key.len, sframe_suite_key_len(suite));
	assert_int_equal(sealed.len, plaintext.len + sframe_suite_tag_len(suite));
	sframe_suite_seal(suite, key, nonce.data, aad, plaintext, out);
	assert_memory_equal(out, sealed.data, sealed.len);
	assert_int_equal(sframe_suite_open(suite, key, nonce.data, aad, sealed, out), SOTTO_OK);
	assert_memory_equal(out, plaintext.data, plaintext.len);
}

static void check_derivation(struct vectors *vectors, enum sframe_suite suite)
{
	uint8_t secret[SFRAME_HASH_LEN_MAX];
	uint8_t nonce[SFRAME_NONCE_LEN];
	struct bytes expected = vector_hex(vectors, "sframe_secret");
	struct sframe_key key;

	assert_int_equal(sframe_suite_extract(suite, vector_hex(vectors, "base_key"), secret),
			 expected.len);
	assert_memory_equal(secret, expected.data, expected.len);
	sframe_key_derive(suite, vector_hex(vectors, "base_key"), vector_number(vectors, "kid"),
			  &key);
	expected = vector_hex(vectors, "sframe_key");
	assert_int_equal(sframe_suite_key_len(suite), expected.len);
	assert_memory_equal(key.key, expected.data, expected.len);
	expected = vector_hex(vectors, "sframe_salt");
	assert_memory_equal(key.salt, expected.data, expected.len);
	sframe_frame_nonce(&key, vector_number(vectors, "ctr"), nonce);
	assert_memory_equal(nonce, vector_hex(vectors, "nonce").data, sizeof(nonce));
}

static void check_frame(struct vectors *vectors)
{
	enum sframe_suite suite = (enum sframe_suite)vector_number(vectors, "cipher_suite");
	struct bytes base_key = vector_hex(vectors, "base_key");
	struct bytes metadata = vector_hex(vectors, "metadata");
	struct bytes plaintext = vector_hex(vectors, "pt");
	struct bytes sealed = vector_hex(vectors, "ct");
	uint64_t kid = vector_number(vectors, "kid");
	uint64_t ctr = vector_number(vectors, "ctr");
	struct sframe_sender sender;
	struct sframe_receiver receiver;
	uint64_t opened_ctr = 0;
	uint8_t out[OUT_LEN];
	size_t len = 0;

	check_derivation(vectors, suite);
	sframe_sender_init(&sender, suite, base_key, kid);
	sender.ctr = ctr;
	assert_int_equal(sframe_seal(&sender, metadata, plaintext, out, sizeof(out), &len),
			 SOTTO_OK);
	assert_int_equal(len, sealed.len);
	assert_memory_equal(out, sealed.data, len);
	assert_true(sender.ctr == ctr + 1);
	sframe_receiver_init(&receiver, suite, base_key, kid);
	assert_int_equal(
		sframe_open(&receiver, metadata, sealed, out, sizeof(out), &len, &opened_ctr),
		SOTTO_OK);
	assert_true(opened_ctr == ctr);
	assert_int_equal(len, plaintext.len);
	assert_memory_equal(out, plaintext.data, len);
	sframe_sender_finish(&sender);
	sframe_receiver_finish(&receiver);
}

static void test_official_vectors(void **state)
{
	static const struct {
		const char *type;
		void (*check)(struct vectors *vectors);
	} kinds[] = {{"header", check_header}, {"aead", check_aead}, {"sframe", check_frame}};
	unsigned checked[ARRAY_LEN(kinds)] = {0};
	struct vectors *vectors = vectors_open("sframe.txt");

	(void)state;
	while (vectors_next(vectors)) {
		const char *type = vector_text(vectors, "type");
		unsigned kind = 0;

		while (kind < ARRAY_LEN(kinds) && strcmp(kinds[kind].type, type) != 0)
			kind++;
		assert_true(kind < ARRAY_LEN(kinds));
		kinds[kind].check(vectors);
		checked[kind]++;
	}
	vectors_close(vectors);
	assert_true(checked[0] >= 40);
	assert_int_equal(checked[1], 6);
	assert_int_equal(checked[2], 8);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_official_vectors)};

	return cmocka_run_group_tests_name("sframe vectors", tests, NULL, NULL);
}
