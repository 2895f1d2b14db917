/* SPDX-License-Identifier: Apache-2.0 */
/* HPKE against the vectors of RFC 9180 and draft-ietf-hpke-pq, then what they leave out: forgeries, sequence, failing random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/hpke.h"
#include "tests/random.h"
#include "tests/vectors.h"

#define MESSAGE_LEN_MAX 256

static void assert_secret(const struct secret *secret, struct bytes expected)
{
	assert_int_equal(secret->len, expected.len);
	assert_memory_equal(secret->data, expected.data, expected.len);
}

static struct hpke_suite suite_of(struct vectors *vectors)
{
	return (struct hpke_suite){
		.kem = (enum kem_alg)vector_number(vectors, "kem_id"),
		.kdf = (enum hash_alg)vector_number(vectors, "kdf_id"),
		.aead = (enum aead_alg)vector_number(vectors, "aead_id"),
	};
}

static void check_key_pairs(struct vectors *vectors, struct hpke_suite suite)
{
	struct bytes expected_public = vector_hex(vectors, "pkRm");
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct secret private_key;

	assert_int_equal(
		kem_derive(suite.kem, vector_hex(vectors, "ikmR"), &private_key, public_key),
		SOTTO_OK);
	assert_secret(&private_key, vector_hex(vectors, "skRm"));
	assert_int_equal(kem_public_len(suite.kem), expected_public.len);
	assert_memory_equal(public_key, expected_public.data, expected_public.len);
	memset(public_key, 0, sizeof(public_key));
	assert_int_equal(kem_public(suite.kem, secret_bytes(&private_key), public_key), SOTTO_OK);
	assert_memory_equal(public_key, expected_public.data, expected_public.len);
	assert_int_equal(kem_check_public(suite.kem, expected_public), SOTTO_OK);
}

static void check_messages(struct vectors *vectors, struct hpke_context *sender,
			   struct hpke_context *receiver)
{
	for (unsigned i = 0; i < vector_number(vectors, "messages"); i++) {
		struct bytes aad = vector_hex(vectors, "aad_%u", i);
		struct bytes plaintext = vector_hex(vectors, "pt_%u", i);
		struct bytes sealed = vector_hex(vectors, "ct_%u", i);
		uint8_t out[MESSAGE_LEN_MAX];

		assert_true(sealed.len <= sizeof(out));
		assert_int_equal(plaintext.len + AEAD_TAG_LEN, sealed.len);
		sender->sequence = receiver->sequence = vector_number(vectors, "seq_%u", i);
		assert_int_equal(hpke_seal(sender, aad, plaintext, out), SOTTO_OK);
		assert_memory_equal(out, sealed.data, sealed.len);
		assert_int_equal(hpke_open(receiver, aad, sealed, out), SOTTO_OK);
		assert_memory_equal(out, plaintext.data, plaintext.len);
		assert_true(sender->sequence == receiver->sequence);
	}
}

static void check_exports(struct vectors *vectors, const struct hpke_context *context)
{
	for (unsigned i = 0; i < vector_number(vectors, "exports"); i++) {
		struct bytes expected = vector_hex(vectors, "exported_%u", i);
		uint8_t out[MESSAGE_LEN_MAX];

		hpke_export(context, vector_hex(vectors, "export_context_%u", i), out,
			    expected.len);
		assert_memory_equal(out, expected.data, expected.len);
	}
}

static void check_file(const char *file, unsigned least)
{
	struct vectors *vectors = vectors_open(file);
	unsigned checked = 0;

	while (vectors_next(vectors)) {
		struct hpke_suite suite = suite_of(vectors);
		struct test_random fixed = {.fixed = vector_hex(vectors, "ikmE")};
		struct random_source random = test_random_source(&fixed);
		struct bytes enc = vector_hex(vectors, "enc");
		struct bytes info;
		struct bytes psk = BYTES_NONE;
		struct bytes psk_id = BYTES_NONE;
		uint8_t enc_out[KEM_ENC_LEN_MAX];
		struct hpke_context sender;
		struct hpke_context receiver;

		/* A KDF of one stage, which is not here: only its KEM (tests/crypto/test_kem.c). */
		if (!vector_has(vectors, "key"))
			continue;
		info = vector_hex(vectors, "info");
		if (vector_has(vectors, "psk")) {
			psk = vector_hex(vectors, "psk");
			psk_id = vector_hex(vectors, "psk_id");
		}
		check_key_pairs(vectors, suite);
		assert_int_equal(hpke_init_sender(&sender, suite, &random,
						  vector_hex(vectors, "pkRm"), info, psk, psk_id,
						  enc_out),
				 SOTTO_OK);
		assert_memory_equal(enc_out, enc.data, enc.len);
		assert_int_equal(hpke_init_receiver(&receiver, suite, vector_hex(vectors, "skRm"),
						    enc, info, psk, psk_id),
				 SOTTO_OK);
		assert_secret(&sender.key, vector_hex(vectors, "key"));
		assert_secret(&receiver.key, vector_hex(vectors, "key"));
		assert_secret(&receiver.base_nonce, vector_hex(vectors, "base_nonce"));
		assert_secret(&receiver.exporter_secret, vector_hex(vectors, "exporter_secret"));
		check_messages(vectors, &sender, &receiver);
		check_exports(vectors, &sender);
		hpke_finish(&sender);
		hpke_finish(&receiver);
		checked++;
	}
	vectors_close(vectors);
	assert_true(checked >= least);
}

static void test_vectors(void **state)
{
	(void)state;
	check_file("hpke.txt", 24);
	check_file("hpke-pq.txt", 4); /* ML-KEM-512, 768, 1024 and X-Wing */
}

/* A sender's and a receiver's context that belong together, without a PSK. */
static void pair_make(struct hpke_suite suite, struct hpke_context *sender,
		      struct hpke_context *receiver)
{
	struct test_random seeded = {.seed = 1};
	struct random_source random = test_random_source(&seeded);
	uint8_t public_key[KEM_PUBLIC_LEN_MAX], enc[KEM_ENC_LEN_MAX];
	struct secret private_key;

	assert_int_equal(kem_generate(suite.kem, &random, &private_key, public_key), SOTTO_OK);
	assert_int_equal(hpke_init_sender(sender, suite, &random,
					  BYTES(public_key, kem_public_len(suite.kem)),
					  BYTES_TEXT("info"), BYTES_NONE, BYTES_NONE, enc),
			 SOTTO_OK);
	assert_int_equal(hpke_init_receiver(receiver, suite, secret_bytes(&private_key),
					    BYTES(enc, kem_enc_len(suite.kem)), BYTES_TEXT("info"),
					    BYTES_NONE, BYTES_NONE),
			 SOTTO_OK);
}

/* Those of MLS (RFC 9420 17.1), in their order, then those of draft-ietf-mls-pq-ciphersuites. */
static const struct hpke_suite mls_suites[] = {
	{KEM_X25519_SHA256, HASH_SHA256, AEAD_AES128GCM},
	{KEM_P256_SHA256, HASH_SHA256, AEAD_AES128GCM},
	{KEM_X25519_SHA256, HASH_SHA256, AEAD_CHACHA20POLY1305},
	{KEM_X448_SHA512, HASH_SHA512, AEAD_AES256GCM},
	{KEM_P521_SHA512, HASH_SHA512, AEAD_AES256GCM},
	{KEM_X448_SHA512, HASH_SHA512, AEAD_CHACHA20POLY1305},
	{KEM_P384_SHA384, HASH_SHA384, AEAD_AES256GCM},
	{KEM_XWING, HASH_SHA256, AEAD_AES128GCM},
	{KEM_XWING, HASH_SHA384, AEAD_AES256GCM},
	{KEM_MLKEM1024, HASH_SHA384, AEAD_AES256GCM},
};
static const struct hpke_suite suite1 = {KEM_X25519_SHA256, HASH_SHA256, AEAD_AES128GCM};

/* Messages open in their order only; a forgery in between changes nothing. */
static void check_sequence(struct hpke_suite suite)
{
	struct hpke_context sender, receiver;
	uint8_t sealed[3][5 + AEAD_TAG_LEN], forged[5 + AEAD_TAG_LEN], out[5];

	pair_make(suite, &sender, &receiver);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(hpke_seal(&sender, BYTES_NONE, BYTES_TEXT("hello"), sealed[i]),
				 SOTTO_OK);
	assert_memory_not_equal(sealed[0], sealed[1], sizeof(sealed[0]));
	for (size_t i = 0; i < 3; i++) {
		for (size_t other = 0; other < 3; other++)
			if (other != i)
				assert_int_equal(hpke_open(&receiver, BYTES_NONE,
							   BYTES_OF(sealed[other]), out),
						 SOTTO_ERR_VERIFY);
		for (size_t bit = 0; bit < 8 * sizeof(forged); bit++) {
			memcpy(forged, sealed[i], sizeof(forged));
			forged[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(hpke_open(&receiver, BYTES_NONE, BYTES_OF(forged), out),
					 SOTTO_ERR_VERIFY);
		}
		for (size_t len = 0; len < sizeof(forged); len++)
			assert_int_equal(
				hpke_open(&receiver, BYTES_NONE, BYTES(sealed[i], len), out),
				SOTTO_ERR_VERIFY);
		assert_int_equal(hpke_open(&receiver, BYTES_NONE, BYTES_OF(sealed[i]), out),
				 SOTTO_OK);
		assert_memory_equal(out, "hello", sizeof(out));
	}
	hpke_finish(&sender);
	hpke_finish(&receiver);
	hpke_finish(NULL);
}

static void test_sequence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mls_suites); i++)
		check_sequence(mls_suites[i]);
}

static void test_sequence_limit(void **state)
{
	struct hpke_context sender, receiver;
	uint8_t sealed[5 + AEAD_TAG_LEN], out[5];

	(void)state;
	pair_make(suite1, &sender, &receiver);
	sender.sequence = receiver.sequence = UINT64_MAX - 1;
	assert_int_equal(hpke_seal(&sender, BYTES_NONE, BYTES_TEXT("hello"), sealed), SOTTO_OK);
	assert_int_equal(hpke_open(&receiver, BYTES_NONE, BYTES_OF(sealed), out), SOTTO_OK);
	assert_int_equal(hpke_seal(&sender, BYTES_NONE, BYTES_TEXT("hello"), sealed),
			 SOTTO_ERR_LIMIT);
	assert_int_equal(hpke_open(&receiver, BYTES_NONE, BYTES_OF(sealed), out), SOTTO_ERR_LIMIT);
}

static struct bytes text(const char *text)
{
	return BYTES(text, strlen(text));
}

/* What is bound into the key schedule: with any of it different, nothing opens. */
static void test_bindings(void **state)
{
	static const struct {
		const char *info, *psk, *psk_id, *aad;
		enum sotto_err err;
	} table[] = {
		{"info", "psk", "id", "aad", SOTTO_OK},
		{"inf0", "psk", "id", "aad", SOTTO_ERR_VERIFY},
		{"info", "psl", "id", "aad", SOTTO_ERR_VERIFY},
		{"info", "psk", "ie", "aad", SOTTO_ERR_VERIFY},
		{"info", "psk", "id", "", SOTTO_ERR_VERIFY},
		{"info", "", "", "aad", SOTTO_ERR_VERIFY},
	};
	struct test_random seeded = {.seed = 1};
	struct random_source random = test_random_source(&seeded);
	uint8_t public_key[KEM_PUBLIC_LEN_MAX], enc[KEM_ENC_LEN_MAX];
	uint8_t sealed[5 + AEAD_TAG_LEN], out[5];
	struct secret private_key;
	struct hpke_context context;

	(void)state;
	assert_int_equal(kem_generate(suite1.kem, &random, &private_key, public_key), SOTTO_OK);
	assert_int_equal(hpke_init_sender(&context, suite1, &random, BYTES(public_key, 32),
					  text(table[0].info), text(table[0].psk),
					  text(table[0].psk_id), enc),
			 SOTTO_OK);
	assert_int_equal(hpke_seal(&context, text(table[0].aad), BYTES_TEXT("hello"), sealed),
			 SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(hpke_init_receiver(&context, suite1, secret_bytes(&private_key),
						    BYTES(enc, 32), text(table[i].info),
						    text(table[i].psk), text(table[i].psk_id)),
				 SOTTO_OK);
		assert_int_equal(hpke_open(&context, text(table[i].aad), BYTES_OF(sealed), out),
				 table[i].err);
	}
}

/* On failure nothing is written: no half-made context, no enc. */
static void test_failures(void **state)
{
	struct test_random refusing = {.refuse_call = 1};
	struct random_source random = test_random_source(&refusing);
	static const uint8_t zeros[32], ones[32] = {1};
	uint8_t enc[KEM_ENC_LEN_MAX] = {0}, sealed[5 + AEAD_TAG_LEN] = {0}, out[5];
	struct hpke_context context, untouched;

	(void)state;
	memset(&context, 0xee, sizeof(context));
	untouched = context;
	assert_int_equal(hpke_init_sender(&context, suite1, &random, BYTES_OF(ones), BYTES_NONE,
					  BYTES_NONE, BYTES_NONE, enc),
			 SOTTO_ERR_RANDOM);
	assert_int_equal(hpke_init_sender(&context, suite1, &random, BYTES_OF(zeros), BYTES_NONE,
					  BYTES_NONE, BYTES_NONE, enc),
			 SOTTO_ERR_INVALID);
	assert_int_equal(hpke_init_receiver(&context, suite1, BYTES_OF(ones), BYTES_OF(zeros),
					    BYTES_NONE, BYTES_NONE, BYTES_NONE),
			 SOTTO_ERR_INVALID);
	assert_memory_equal(&context, &untouched, sizeof(context));
	refusing.calls = 0;
	assert_int_equal(hpke_seal_once(suite1, &random, BYTES_OF(ones), BYTES_NONE, BYTES_NONE,
					BYTES_TEXT("hello"), enc, sealed),
			 SOTTO_ERR_RANDOM);
	assert_memory_equal(enc, zeros, 32);
	assert_int_equal(hpke_open_once(suite1, BYTES_OF(ones), BYTES_OF(zeros), BYTES_NONE,
					BYTES_NONE, BYTES_OF(sealed), out),
			 SOTTO_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	       cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_sequence_limit), cmocka_unit_test(test_bindings),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
