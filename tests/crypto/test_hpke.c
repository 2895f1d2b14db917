/* SPDX-License-Identifier: Apache-2.0 */
/* HPKE against the vectors of RFC 9180, then what they leave out: forgeries, sequence, failing random. */
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

static void test_vectors(void **state)
{
	struct vectors *vectors = vectors_open("hpke.txt");

	(void)state;
	while (vectors_next(vectors)) {
		struct hpke_suite suite = suite_of(vectors);
		struct test_random fixed = {.fixed = vector_hex(vectors, "ikmE")};
		struct random_source random = test_random_source(&fixed);
		struct bytes enc = vector_hex(vectors, "enc");
		struct bytes info = vector_hex(vectors, "info");
		struct bytes psk = vector_hex(vectors, "psk");
		struct bytes psk_id = vector_hex(vectors, "psk_id");
		uint8_t enc_out[KEM_ENC_LEN_MAX];
		struct hpke_context sender;
		struct hpke_context receiver;

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
	}
	vectors_close(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
