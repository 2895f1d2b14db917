/* SPDX-License-Identifier: Apache-2.0 */
/* The cipher suites as a table, and the AEAD made of AES-CTR and a truncated HMAC, RFC 9605 4.5.1.
 */
#include "sframe/suite.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/ctr.h"
#include "crypto/hash.h"

struct suite_row {
	enum hash_alg hash;
	bool gcm;
	enum aead_alg aead; /* if gcm */
	uint8_t cipher_key_len;
	uint8_t key_len;
	uint8_t tag_len;
};

static const struct suite_row suite_rows[] = {
	[SFRAME_AES128CTR_HMAC80] = {HASH_SHA256, false, 0, 16, 48, 10},
	[SFRAME_AES128CTR_HMAC64] = {HASH_SHA256, false, 0, 16, 48, 8},
	[SFRAME_AES128CTR_HMAC32] = {HASH_SHA256, false, 0, 16, 48, 4},
	[SFRAME_AES128GCM] = {HASH_SHA256, true, AEAD_AES128GCM, 16, 16, 16},
	[SFRAME_AES256GCM] = {HASH_SHA512, true, AEAD_AES256GCM, 32, 32, 16},
	[SFRAME_AES256CTR_HMAC80] = {HASH_SHA512, false, 0, 32, 96, 10},
	[SFRAME_AES256CTR_HMAC64] = {HASH_SHA512, false, 0, 32, 96, 8},
	[SFRAME_AES256CTR_HMAC32] = {HASH_SHA512, false, 0, 32, 96, 4},
};

bool sframe_suite_known(unsigned suite)
{
	return suite != 0 && suite < ARRAY_LEN(suite_rows);
}

static const struct suite_row *row_of(enum sframe_suite suite)
{
	ASSERT(sframe_suite_known(suite));
	return &suite_rows[suite];
}

size_t sframe_suite_key_len(enum sframe_suite suite)
{
	return row_of(suite)->key_len;
}

size_t sframe_suite_tag_len(enum sframe_suite suite)
{
	return row_of(suite)->tag_len;
}

size_t sframe_suite_extract(enum sframe_suite suite, struct bytes base_key, uint8_t *secret)
{
	struct secret prk;
	size_t len;

	hkdf_extract(row_of(suite)->hash, BYTES_NONE, base_key, &prk);
	len = prk.len;
	memcpy(secret, prk.data, len);
	secret_wipe(&prk);
	return len;
}

void sframe_suite_expand(enum sframe_suite suite, struct bytes secret, struct bytes label,
			 uint8_t *out, size_t len)
{
	hkdf_expand(row_of(suite)->hash, secret, label, out, len);
}

static void hmac_update_len(struct hmac *hmac, size_t len)
{
	uint8_t encoded[8];

	for (size_t i = 0; i < sizeof(encoded); i++)
		encoded[i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	hmac_update(hmac, BYTES_OF(encoded));
}

/* compute_tag of section 4.5.1; tag has HASH_LEN_MAX bytes of room, of which the first tag_len
 * count. */
static void compute_tag(const struct suite_row *row, struct bytes key, const uint8_t *nonce,
			struct bytes aad, struct bytes ciphertext, uint8_t *tag)
{
	struct hmac hmac;

	hmac_init(&hmac, row->hash,
		  BYTES(key.data + row->cipher_key_len, key.len - row->cipher_key_len));
	hmac_update_len(&hmac, aad.len);
	hmac_update_len(&hmac, ciphertext.len);
	hmac_update_len(&hmac, row->tag_len);
	hmac_update(&hmac, BYTES(nonce, SFRAME_NONCE_LEN));
	hmac_update(&hmac, aad);
	hmac_update(&hmac, ciphertext);
	hmac_final(&hmac, tag);
}

/* Encrypts or decrypts; the counter block is the nonce and four zero bytes. */
static void crypt_ctr(const struct suite_row *row, struct bytes key, const uint8_t *nonce,
		      struct bytes input, uint8_t *out)
{
	uint8_t counter[CTR_BLOCK_LEN] = {0};

	memcpy(counter, nonce, SFRAME_NONCE_LEN);
	ctr_xor(BYTES(key.data, row->cipher_key_len), BYTES_OF(counter), input, out);
}

void sframe_suite_seal(enum sframe_suite suite, struct bytes key, const uint8_t *nonce,
		       struct bytes aad, struct bytes plaintext, uint8_t *out)
{
	const struct suite_row *row = row_of(suite);
	uint8_t tag[HASH_LEN_MAX];

	ASSERT(key.len == row->key_len);
	if (row->gcm) {
		aead_seal(row->aead, key, BYTES(nonce, SFRAME_NONCE_LEN), aad, plaintext, out);
		return;
	}
	crypt_ctr(row, key, nonce, plaintext, out);
	compute_tag(row, key, nonce, aad, BYTES(out, plaintext.len), tag);
	memcpy(out + plaintext.len, tag, row->tag_len);
	bytes_wipe(tag, sizeof(tag)); /* the rest of it is not for the wire */
}

enum sotto_err sframe_suite_open(enum sframe_suite suite, struct bytes key, const uint8_t *nonce,
				 struct bytes aad, struct bytes sealed, uint8_t *out)
{
	const struct suite_row *row = row_of(suite);
	uint8_t tag[HASH_LEN_MAX];
	struct bytes ciphertext;
	bool authentic;

	ASSERT(key.len == row->key_len);
	if (sealed.len < row->tag_len)
		return SOTTO_ERR_VERIFY;
	if (row->gcm)
		return aead_open(row->aead, key, BYTES(nonce, SFRAME_NONCE_LEN), aad, sealed, out);
	ciphertext = BYTES(sealed.data, sealed.len - row->tag_len);
	compute_tag(row, key, nonce, aad, ciphertext, tag);
	authentic = bytes_equal_ct(tag, sealed.data + ciphertext.len, row->tag_len);
	bytes_wipe(tag, sizeof(tag));
	if (!authentic)
		return SOTTO_ERR_VERIFY;
	crypt_ctr(row, key, nonce, ciphertext, out);
	return SOTTO_OK;
}
