/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiver of HPKE: a byte that chooses the KEM, then enc and the sealed message, under a fixed key. A
 * message that opens must seal again, by the same enc, to nothing else than itself.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "crypto/hpke.h"

#define PLAINTEXT_LEN_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hpke_context receiver(struct hpke_suite suite, struct bytes enc, enum sotto_err *err)
{
	static const uint8_t ikm[66] = {0x5e, 0xed};
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct hpke_context context = {.sequence = 0};
	struct secret private_key;

	*err = kem_derive(suite.kem, BYTES(ikm, kem_private_len(suite.kem)), &private_key,
			  public_key);
	ASSERT(*err == SOTTO_OK);
	*err = hpke_init_receiver(&context, suite, secret_bytes(&private_key), enc,
				  BYTES_TEXT("info"), BYTES_NONE, BYTES_NONE);
	return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum kem_alg kems[] = {KEM_X25519_SHA256, KEM_P256_SHA256, KEM_X448_SHA512,
					    KEM_P384_SHA384,   KEM_P521_SHA512, KEM_MLKEM512,
					    KEM_MLKEM768,      KEM_MLKEM1024,	KEM_XWING};
	struct hpke_suite suite = {.kdf = HASH_SHA256, .aead = AEAD_AES128GCM};
	uint8_t plaintext[PLAINTEXT_LEN_MAX], again[PLAINTEXT_LEN_MAX];
	struct hpke_context context;
	struct bytes enc, sealed;
	enum sotto_err err;

	if (size == 0)
		return 0;
	suite.kem = kems[data[0] % ARRAY_LEN(kems)];
	enc = BYTES(data + 1, size - 1);
	if (enc.len > kem_enc_len(suite.kem))
		enc.len = kem_enc_len(suite.kem);
	sealed = BYTES(enc.data + enc.len, size - 1 - enc.len);
	if (sealed.len > sizeof(again))
		return 0;
	context = receiver(suite, enc, &err);
	/*
	 * DHKEM takes an enc exactly when it is a public key; only curve448 and 25519 refuse later. With ML-KEM
	 * every enc of the right length is taken.
	 */
	if (suite.kem >= KEM_MLKEM512)
		ASSERT((err == SOTTO_OK) == (enc.len == kem_enc_len(suite.kem)));
	else if (kem_check_public(suite.kem, enc) != SOTTO_OK)
		ASSERT(err == SOTTO_ERR_INVALID);
	if (err != SOTTO_OK)
		return 0;
	if (hpke_open(&context, BYTES_TEXT("aad"), sealed, plaintext) != SOTTO_OK) {
		ASSERT(context.sequence == 0);
		return 0;
	}
	ASSERT(context.sequence == 1);
	context.sequence = 0;
	ASSERT(hpke_seal(&context, BYTES_TEXT("aad"), BYTES(plaintext, sealed.len - AEAD_TAG_LEN),
			 again) == SOTTO_OK);
	ASSERT(bytes_equal(BYTES(again, sealed.len), sealed));
	return 0;
}
