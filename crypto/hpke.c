/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HPKE (RFC 9180), base and PSK mode.
 *
 *   encap/decap -> shared secret -> key schedule (5.1) -> key, base nonce, exporter secret
 *   seal/open: nonce = base nonce xor sequence number (5.2)
 */
#include "crypto/hpke.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/labeled.h"

enum hpke_mode {
	HPKE_MODE_BASE = 0,
	HPKE_MODE_PSK = 1,
};

#define SUITE_ID_LEN 10

static void suite_id_put(struct hpke_suite suite, uint8_t out[SUITE_ID_LEN])
{
	const unsigned ids[] = {(unsigned)suite.kem, (unsigned)suite.kdf, (unsigned)suite.aead};

	memcpy(out, "HPKE", 4);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		out[4 + 2 * i] = (uint8_t)(ids[i] >> 8);
		out[5 + 2 * i] = (uint8_t)ids[i];
	}
}

static void expand_secret(struct hpke_suite suite, struct bytes suite_id, const struct secret *prk,
			  struct bytes label, struct bytes info, size_t len, struct secret *out)
{
	uint8_t expanded[SECRET_LEN_MAX];

	labeled_expand(suite.kdf, suite_id, secret_bytes(prk), label, info, expanded, len);
	secret_set(out, expanded, len);
	bytes_wipe(expanded, sizeof(expanded));
}

void hpke_info_init(struct hpke_info *prepared, struct hpke_suite suite, const struct bytes *parts,
		    size_t count)
{
	uint8_t suite_id[SUITE_ID_LEN];

	suite_id_put(suite, suite_id);
	labeled_extract_parts(suite.kdf, BYTES_OF(suite_id), BYTES_NONE, BYTES_TEXT("info_hash"),
			      parts, count, &prepared->hash);
	labeled_extract(suite.kdf, BYTES_OF(suite_id), BYTES_NONE, BYTES_TEXT("psk_id_hash"),
			BYTES_NONE, &prepared->no_psk_id_hash);
}

/* KeySchedule (5.1); without the exporter secret where nobody can ask for it. */
static void key_schedule(struct hpke_context *context, struct hpke_suite suite,
			 const struct secret *shared, const struct hpke_info *info,
			 struct bytes psk, struct bytes psk_id, bool exports)
{
	uint8_t suite_id_data[SUITE_ID_LEN];
	struct bytes suite_id = BYTES_OF(suite_id_data);
	size_t hash = hash_len(suite.kdf);
	uint8_t binding_data[1 + 2 * HASH_LEN_MAX];
	struct bytes binding = BYTES(binding_data, 1 + 2 * hash);
	struct secret psk_id_hash = info->no_psk_id_hash;
	struct secret secret;

	ASSERT((psk.len == 0) == (psk_id.len == 0));
	suite_id_put(suite, suite_id_data);
	if (psk_id.len != 0)
		labeled_extract(suite.kdf, suite_id, BYTES_NONE, BYTES_TEXT("psk_id_hash"), psk_id,
				&psk_id_hash);
	binding_data[0] = psk.len == 0 ? HPKE_MODE_BASE : HPKE_MODE_PSK;
	memcpy(binding_data + 1, psk_id_hash.data, hash);
	memcpy(binding_data + 1 + hash, info->hash.data, hash);

	labeled_extract(suite.kdf, suite_id, secret_bytes(shared), BYTES_TEXT("secret"), psk,
			&secret);
	expand_secret(suite, suite_id, &secret, BYTES_TEXT("key"), binding,
		      aead_key_len(suite.aead), &context->key);
	expand_secret(suite, suite_id, &secret, BYTES_TEXT("base_nonce"), binding,
		      aead_nonce_len(suite.aead), &context->base_nonce);
	if (exports)
		expand_secret(suite, suite_id, &secret, BYTES_TEXT("exp"), binding, hash,
			      &context->exporter_secret);
	else
		secret_set(&context->exporter_secret, NULL, 0);
	context->suite = suite;
	context->sequence = 0;

	secret_wipe(&secret);
	secret_wipe(&psk_id_hash);
}

enum sotto_err hpke_init_sender(struct hpke_context *context, struct hpke_suite suite,
				const struct random_source *random, struct bytes public_key,
				struct bytes info, struct bytes psk, struct bytes psk_id,
				uint8_t *enc)
{
	struct hpke_info prepared;
	struct secret shared;
	enum sotto_err err;

	err = kem_encap(suite.kem, random, public_key, enc, &shared);
	if (err != SOTTO_OK)
		return err;
	hpke_info_init(&prepared, suite, &info, 1);
	key_schedule(context, suite, &shared, &prepared, psk, psk_id, true);
	secret_wipe(&shared);
	return SOTTO_OK;
}

enum sotto_err hpke_init_receiver(struct hpke_context *context, struct hpke_suite suite,
				  struct bytes private_key, struct bytes enc, struct bytes info,
				  struct bytes psk, struct bytes psk_id)
{
	struct hpke_info prepared;
	struct secret shared;
	enum sotto_err err;

	err = kem_decap(suite.kem, private_key, enc, &shared);
	if (err != SOTTO_OK)
		return err;
	hpke_info_init(&prepared, suite, &info, 1);
	key_schedule(context, suite, &shared, &prepared, psk, psk_id, true);
	secret_wipe(&shared);
	return SOTTO_OK;
}

/* ComputeNonce (5.2). */
static struct bytes compute_nonce(const struct hpke_context *context, uint8_t *nonce)
{
	size_t len = context->base_nonce.len;

	memcpy(nonce, context->base_nonce.data, len);
	for (size_t i = 0; i < sizeof(context->sequence); i++)
		nonce[len - 1 - i] ^= (uint8_t)(context->sequence >> (8 * i));
	return BYTES(nonce, len);
}

enum sotto_err hpke_seal(struct hpke_context *context, struct bytes aad, struct bytes plaintext,
			 uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE_LEN_MAX];

	if (context->sequence == UINT64_MAX)
		return SOTTO_ERR_LIMIT;
	aead_seal(context->suite.aead, secret_bytes(&context->key), compute_nonce(context, nonce),
		  aad, plaintext, out);
	context->sequence++;
	bytes_wipe(nonce, sizeof(nonce));
	return SOTTO_OK;
}

enum sotto_err hpke_open(struct hpke_context *context, struct bytes aad, struct bytes sealed,
			 uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE_LEN_MAX];
	enum sotto_err err;

	if (context->sequence == UINT64_MAX)
		return SOTTO_ERR_LIMIT;
	err = aead_open(context->suite.aead, secret_bytes(&context->key),
			compute_nonce(context, nonce), aad, sealed, out);
	if (err == SOTTO_OK)
		context->sequence++;
	bytes_wipe(nonce, sizeof(nonce));
	return err;
}

void hpke_export(const struct hpke_context *context, struct bytes exporter_context, uint8_t *out,
		 size_t len)
{
	uint8_t suite_id[SUITE_ID_LEN];

	suite_id_put(context->suite, suite_id);
	labeled_expand(context->suite.kdf, BYTES_OF(suite_id),
		       secret_bytes(&context->exporter_secret), BYTES_TEXT("sec"), exporter_context,
		       out, len);
}

void hpke_finish(struct hpke_context *context)
{
	if (context != NULL)
		bytes_wipe(context, sizeof(*context));
}

enum sotto_err hpke_seal_once(struct hpke_suite suite, const struct random_source *random,
			      struct bytes public_key, struct bytes info, struct bytes aad,
			      struct bytes plaintext, uint8_t *enc, uint8_t *out)
{
	struct hpke_info prepared;

	hpke_info_init(&prepared, suite, &info, 1);
	return hpke_seal_prepared(suite, random, public_key, &prepared, aad, plaintext, enc, out);
}

enum sotto_err hpke_seal_prepared(struct hpke_suite suite, const struct random_source *random,
				  struct bytes public_key, const struct hpke_info *info,
				  struct bytes aad, struct bytes plaintext, uint8_t *enc,
				  uint8_t *out)
{
	struct hpke_context context;
	struct secret shared;
	enum sotto_err err;

	err = kem_encap(suite.kem, random, public_key, enc, &shared);
	if (err != SOTTO_OK)
		return err;
	key_schedule(&context, suite, &shared, info, BYTES_NONE, BYTES_NONE, false);
	secret_wipe(&shared);
	err = hpke_seal(&context, aad, plaintext, out);
	hpke_finish(&context);
	return err;
}

enum sotto_err hpke_open_once(struct hpke_suite suite, struct bytes private_key, struct bytes enc,
			      struct bytes info, struct bytes aad, struct bytes sealed,
			      uint8_t *out)
{
	struct hpke_info prepared;

	hpke_info_init(&prepared, suite, &info, 1);
	return hpke_open_prepared(suite, private_key, enc, &prepared, aad, sealed, out);
}

enum sotto_err hpke_open_prepared(struct hpke_suite suite, struct bytes private_key,
				  struct bytes enc, const struct hpke_info *info, struct bytes aad,
				  struct bytes sealed, uint8_t *out)
{
	struct hpke_context context;
	struct secret shared;
	enum sotto_err err;

	err = kem_decap(suite.kem, private_key, enc, &shared);
	if (err != SOTTO_OK)
		return err;
	key_schedule(&context, suite, &shared, info, BYTES_NONE, BYTES_NONE, false);
	secret_wipe(&shared);
	err = hpke_open(&context, aad, sealed, out);
	hpke_finish(&context);
	return err;
}
