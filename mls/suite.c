/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suites' table and the labelled operations. KDFLabel and RefHashInput go into the hash piece
 * by piece, so a context of any length (a GroupContext with large extensions) needs no copy.
 */
#include "mls/suite.h"

#include <string.h>

#include "base/assert.h"

static const struct suite suites[] = {
	{1, {KEM_X25519_SHA256, HASH_SHA256, AEAD_AES128GCM}, SIGN_ED25519},
	{2, {KEM_P256_SHA256, HASH_SHA256, AEAD_AES128GCM}, SIGN_ECDSA_P256_SHA256},
	{3, {KEM_X25519_SHA256, HASH_SHA256, AEAD_CHACHA20POLY1305}, SIGN_ED25519},
	{4, {KEM_X448_SHA512, HASH_SHA512, AEAD_AES256GCM}, SIGN_ED448},
	{5, {KEM_P521_SHA512, HASH_SHA512, AEAD_AES256GCM}, SIGN_ECDSA_P521_SHA512},
	{6, {KEM_X448_SHA512, HASH_SHA512, AEAD_CHACHA20POLY1305}, SIGN_ED448},
	{7, {KEM_P384_SHA384, HASH_SHA384, AEAD_AES256GCM}, SIGN_ECDSA_P384_SHA384},
	{0xf001, {KEM_XWING, HASH_SHA256, AEAD_AES128GCM}, SIGN_ED25519},
	{0xf002, {KEM_XWING, HASH_SHA384, AEAD_AES256GCM}, SIGN_ED25519},
};

const struct suite *suite_find(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		if (suites[i].id == id)
			return &suites[i];
	}
	return NULL;
}

bool mls_suite_supported(uint16_t suite)
{
	return suite_find(suite) != NULL;
}

size_t mls_suite_hash_len(uint16_t suite)
{
	const struct suite *found = suite_find(suite);

	return found != NULL ? suite_hash_len(found) : 0;
}

/* The header of a vector: at most 4 bytes. */
static struct bytes vector_header(uint8_t header[4], size_t len)
{
	struct writer writer;

	writer_init_fixed(&writer, header, 4);
	writer_put_varint(&writer, len);
	ASSERT(writer.err == SOTTO_OK);
	return writer_bytes(&writer);
}

void hash_put_u8(struct hash *hash, uint8_t value)
{
	hash_update(hash, BYTES(&value, 1));
}

void hash_put_u32(struct hash *hash, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			    (uint8_t)value};

	hash_update(hash, BYTES_OF(bytes));
}

void hash_put_vector(struct hash *hash, struct bytes bytes)
{
	uint8_t header[4];

	hash_update(hash, vector_header(header, bytes.len));
	hash_update(hash, bytes);
}

void suite_ref_hash(const struct suite *suite, const char *label, struct bytes value, uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, suite->hpke.kdf);
	hash_put_vector(&hash, BYTES(label, strlen(label)));
	hash_put_vector(&hash, value);
	hash_final(&hash, out);
}

static const struct bytes label_prefix = {(const uint8_t *)"MLS 1.0 ", 8};

static void mac_put_vector(struct hmac *mac, struct bytes prefix, struct bytes bytes)
{
	uint8_t header[4];

	hmac_update(mac, vector_header(header, prefix.len + bytes.len));
	hmac_update(mac, prefix);
	hmac_update(mac, bytes);
}

/* HKDF-Expand (RFC 5869 2.3) with a KDFLabel as info. */
void suite_expand(const struct suite *suite, struct bytes secret, const char *label,
		  struct bytes context, uint8_t *out, size_t len)
{
	size_t block_len = suite_hash_len(suite);
	uint8_t block[HASH_LEN_MAX];
	uint8_t length[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	uint8_t counter = 1;

	ASSERT(len <= 255 * block_len);
	for (size_t done = 0; done < len; counter++) {
		size_t part = len - done < block_len ? len - done : block_len;
		struct hmac mac;

		hmac_init(&mac, suite->hpke.kdf, secret);
		if (done != 0)
			hmac_update(&mac, BYTES(block, block_len));
		hmac_update(&mac, BYTES_OF(length));
		mac_put_vector(&mac, label_prefix, BYTES(label, strlen(label)));
		mac_put_vector(&mac, BYTES_NONE, context);
		hmac_update(&mac, BYTES(&counter, 1));
		hmac_final(&mac, block);
		memcpy(out + done, block, part);
		done += part;
	}
	bytes_wipe(block, sizeof(block));
}

void suite_expand_secret(const struct suite *suite, const struct secret *secret, const char *label,
			 struct bytes context, struct secret *out)
{
	struct secret result = {.len = (uint8_t)suite_hash_len(suite)};

	suite_expand(suite, secret_bytes(secret), label, context, result.data, result.len);
	*out = result;
	secret_wipe(&result);
}

void suite_derive(const struct suite *suite, const struct secret *secret, const char *label,
		  struct secret *out)
{
	suite_expand_secret(suite, secret, label, BYTES_NONE, out);
}

void suite_derive_tree(const struct suite *suite, struct bytes secret, const char *label,
		       uint32_t generation, uint8_t *out, size_t len)
{
	uint8_t context[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16),
			      (uint8_t)(generation >> 8), (uint8_t)generation};

	suite_expand(suite, secret, label, BYTES_OF(context), out, len);
}

void suite_mac(const struct suite *suite, const struct secret *key, struct bytes input,
	       uint8_t *out)
{
	hmac_digest(suite->hpke.kdf, secret_bytes(key), input, out);
}

enum sotto_err suite_mac_check(const struct suite *suite, const uint8_t *expected, struct bytes tag)
{
	if (tag.len != suite_hash_len(suite) || !bytes_equal_ct(expected, tag.data, tag.len))
		return SOTTO_ERR_VERIFY;
	return SOTTO_OK;
}

size_t sign_content_begin(struct writer *writer, const char *label)
{
	writer_put_varint(writer, label_prefix.len + strlen(label));
	writer_put_bytes(writer, label_prefix);
	writer_put_bytes(writer, BYTES(label, strlen(label)));
	return writer_begin_vector(writer);
}

void sign_content_end(struct writer *writer, size_t start)
{
	writer_end_vector(writer, start);
}

struct bytes sign_content_around(const char *label, uint8_t *content, size_t len)
{
	uint8_t head[SIGN_CONTENT_HEAD_MAX];
	struct writer writer;

	writer_init_fixed(&writer, head, sizeof(head));
	writer_put_varint(&writer, label_prefix.len + strlen(label));
	writer_put_bytes(&writer, label_prefix);
	writer_put_bytes(&writer, BYTES(label, strlen(label)));
	writer_put_varint(&writer, len);
	ASSERT(writer.err == SOTTO_OK);
	memcpy(content - writer.len, head, writer.len);
	return BYTES(content - writer.len, writer.len + len);
}

enum sotto_err suite_sign(const struct suite *suite, const struct random_source *random,
			  const struct secret *private_key, const struct writer *content,
			  uint8_t signature[SIGN_SIGNATURE_LEN_MAX], size_t *len)
{
	enum sotto_err err = writer_finish(content);

	if (err != SOTTO_OK)
		return err;
	return sign_create(suite->sign, random, secret_bytes(private_key), writer_bytes(content),
			   signature, len);
}

enum sotto_err suite_verify(const struct suite *suite, struct bytes public_key,
			    const struct writer *content, struct bytes signature)
{
	enum sotto_err err = writer_finish(content);

	if (err != SOTTO_OK)
		return err;
	return sign_verify(suite->sign, public_key, writer_bytes(content), signature);
}

void suite_encrypt_info(const struct suite *suite, const char *label, struct bytes context,
			struct hpke_info *info)
{
	struct bytes name = BYTES(label, strlen(label));
	uint8_t name_header[4], context_header[4];
	struct bytes parts[] = {vector_header(name_header, label_prefix.len + name.len),
				label_prefix, name, vector_header(context_header, context.len),
				context};

	hpke_info_init(info, suite->hpke, parts, ARRAY_LEN(parts));
}

void suite_encrypt(const struct suite *suite, const struct random_source *random,
		   struct bytes public_key, const struct hpke_info *info, struct bytes plaintext,
		   struct writer *out)
{
	uint8_t enc[KEM_ENC_LEN_MAX];
	size_t sealed_len = plaintext.len + AEAD_TAG_LEN;
	size_t at;
	enum sotto_err err;

	/* The room first: what is sealed is written where it belongs. */
	writer_put_varint(out, kem_enc_len(suite->hpke.kem));
	at = out->len;
	writer_put_zeros(out, kem_enc_len(suite->hpke.kem));
	writer_put_varint(out, sealed_len);
	writer_put_zeros(out, sealed_len);
	if (out->err != SOTTO_OK || out->data == NULL)
		return;
	err = hpke_seal_prepared(suite->hpke, random, public_key, info, BYTES_NONE, plaintext, enc,
				 out->data + out->len - sealed_len);
	if (err != SOTTO_OK)
		writer_fail(out, err);
	else
		memcpy(out->data + at, enc, kem_enc_len(suite->hpke.kem));
}

struct hpke_ciphertext hpke_ciphertext_read(struct reader *reader)
{
	struct hpke_ciphertext sealed;

	sealed.kem_output = reader_get_vector(reader);
	sealed.ciphertext = reader_get_vector(reader);
	return sealed;
}

enum sotto_err suite_decrypt(const struct suite *suite, struct bytes private_key,
			     const struct hpke_info *info, const struct hpke_ciphertext *sealed,
			     uint8_t *out, size_t *len)
{
	enum sotto_err err;

	if (sealed->kem_output.len != kem_enc_len(suite->hpke.kem))
		return SOTTO_ERR_INVALID;
	if (sealed->ciphertext.len < AEAD_TAG_LEN)
		return SOTTO_ERR_VERIFY;
	err = hpke_open_prepared(suite->hpke, private_key, sealed->kem_output, info, BYTES_NONE,
				 sealed->ciphertext, out);
	if (err == SOTTO_OK)
		*len = sealed->ciphertext.len - AEAD_TAG_LEN;
	return err;
}
