/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PrivateMessage (RFC 9420 section 6.3): content sealed by a key of the sender's ratchet, sender
 * data sealed by a key that comes from a sample of that ciphertext. Everything is done in the
 * message's own memory.
 */
#include <string.h>

#include "base/assert.h"
#include "mls/frame.h"

#define REUSE_GUARD_LEN 4
#define SENDER_DATA_LEN (4 + 4 + REUSE_GUARD_LEN)

struct sender_data {
	uint32_t leaf;
	uint32_t generation;
	uint8_t reuse_guard[REUSE_GUARD_LEN];
};

/* Key and nonce of the sender data, from the first hash_len bytes of the ciphertext (6.3.2). */
static void sender_data_key(const struct frame_keys *keys, struct bytes ciphertext,
			    struct message_key *key)
{
	size_t nh = suite_hash_len(keys->suite);
	struct bytes sample = BYTES(ciphertext.data, ciphertext.len < nh ? ciphertext.len : nh);
	struct bytes secret = secret_bytes(keys->sender_data);
	enum aead_alg aead = keys->suite->hpke.aead;

	suite_expand(keys->suite, secret, "key", sample, key->key, aead_key_len(aead));
	suite_expand(keys->suite, secret, "nonce", sample, key->nonce, aead_nonce_len(aead));
}

static struct bytes key_bytes(const struct frame_keys *keys, const struct message_key *key)
{
	return BYTES(key->key, aead_key_len(keys->suite->hpke.aead));
}

static struct bytes nonce_bytes(const struct frame_keys *keys, const struct message_key *key)
{
	return BYTES(key->nonce, aead_nonce_len(keys->suite->hpke.aead));
}

static void guard_nonce(struct message_key *key, const uint8_t guard[REUSE_GUARD_LEN])
{
	for (size_t i = 0; i < REUSE_GUARD_LEN; i++)
		key->nonce[i] ^= guard[i];
}

static size_t vector_len(size_t len)
{
	return len + (len < 1u << 6 ? 1 : len < 1u << 14 ? 2 : 4);
}

static size_t content_len(const struct suite *suite, enum mls_content_type type, size_t body_len,
			  size_t signature_len, size_t padding)
{
	size_t len = type == MLS_CONTENT_APPLICATION ? vector_len(body_len) : body_len;

	len += vector_len(signature_len) + padding;
	if (type == MLS_CONTENT_COMMIT)
		len += vector_len(suite_hash_len(suite));
	return len;
}

size_t frame_private_len(const struct suite *suite, size_t group_id_len, size_t aad_len,
			 enum mls_content_type type, size_t body_len, size_t signature_len,
			 size_t padding)
{
	return 2 + 2 + vector_len(group_id_len) + 8 + 1 + vector_len(aad_len) +
	       vector_len(SENDER_DATA_LEN + AEAD_TAG_LEN) +
	       vector_len(content_len(suite, type, body_len, signature_len, padding) +
			  AEAD_TAG_LEN);
}

static void seal_sender_data(const struct frame_keys *keys, const struct sender_data *sender,
			     struct bytes aad, struct bytes ciphertext, uint8_t *out)
{
	struct message_key key;
	struct writer writer;

	writer_init_fixed(&writer, out, SENDER_DATA_LEN);
	writer_put_u32(&writer, sender->leaf);
	writer_put_u32(&writer, sender->generation);
	writer_put_bytes(&writer, BYTES_OF(sender->reuse_guard));
	ASSERT(writer.err == SOTTO_OK && writer.len == SENDER_DATA_LEN);
	sender_data_key(keys, ciphertext, &key);
	aead_seal(keys->suite->hpke.aead, key_bytes(keys, &key), nonce_bytes(keys, &key), aad,
		  BYTES(out, SENDER_DATA_LEN), out);
	bytes_wipe(&key, sizeof(key));
}

/* PrivateMessageContent (6.3.1). */
static void content_write(const struct framed *framed, size_t padding, struct writer *out)
{
	if (framed->content_type == MLS_CONTENT_APPLICATION)
		writer_put_vector(out, framed->body);
	else
		writer_put_bytes(out, framed->body);
	writer_put_vector(out, framed->signature);
	if (framed->content_type == MLS_CONTENT_COMMIT)
		writer_put_vector(out, framed->confirmation_tag);
	writer_put_zeros(out, padding);
}

enum sotto_err frame_private_seal(const struct frame_keys *keys, const struct random_source *random,
				  const struct framed *framed, const struct message_key *key,
				  uint32_t generation, size_t padding, struct writer *out)
{
	struct sender_data sender = {.leaf = framed->sender, .generation = generation};
	size_t len = content_len(keys->suite, framed->content_type, framed->body.len,
				 framed->signature.len, padding);
	size_t aad_at, sender_aad_len, aad_len, sender_at, sealed_at;
	struct message_key guarded = *key;
	enum sotto_err err;

	ASSERT(framed->sender_type == SENDER_MEMBER);
	TRY(random_fill(random, sender.reuse_guard, REUSE_GUARD_LEN));
	writer_reserve(out, frame_private_len(keys->suite, framed->group_id.len,
					      framed->authenticated_data.len, framed->content_type,
					      framed->body.len, framed->signature.len, padding));
	writer_put_u16(out, MLS_VERSION);
	writer_put_u16(out, MLS_PRIVATE_MESSAGE);
	aad_at = out->len;
	writer_put_vector(out, framed->group_id);
	writer_put_u64(out, framed->epoch);
	writer_put_u8(out, (uint8_t)framed->content_type);
	sender_aad_len = out->len - aad_at;
	writer_put_vector(out, framed->authenticated_data);
	aad_len = out->len - aad_at;
	writer_put_varint(out, SENDER_DATA_LEN + AEAD_TAG_LEN);
	sender_at = out->len;
	writer_put_zeros(out, SENDER_DATA_LEN + AEAD_TAG_LEN);
	writer_put_varint(out, len + AEAD_TAG_LEN);
	sealed_at = out->len;
	content_write(framed, padding, out);
	writer_put_zeros(out, AEAD_TAG_LEN);
	TRY(writer_finish(out));

	guard_nonce(&guarded, sender.reuse_guard);
	aead_seal(keys->suite->hpke.aead, key_bytes(keys, &guarded), nonce_bytes(keys, &guarded),
		  BYTES(out->data + aad_at, aad_len), BYTES(out->data + sealed_at, len),
		  out->data + sealed_at);
	seal_sender_data(keys, &sender, BYTES(out->data + aad_at, sender_aad_len),
			 BYTES(out->data + sealed_at, len + AEAD_TAG_LEN), out->data + sender_at);
out:
	bytes_wipe(&guarded, sizeof(guarded));
	return err;
}

static enum sotto_err open_sender_data(const struct frame_keys *keys,
				       const struct message_view *view, struct sender_data *sender)
{
	uint8_t plain[SENDER_DATA_LEN];
	struct message_key key;
	struct reader reader;
	enum sotto_err err;

	if (view->encrypted_sender_data.len != SENDER_DATA_LEN + AEAD_TAG_LEN)
		return SOTTO_ERR_FORMAT;
	sender_data_key(keys, view->ciphertext, &key);
	err = aead_open(keys->suite->hpke.aead, key_bytes(keys, &key), nonce_bytes(keys, &key),
			view->sender_data_aad, view->encrypted_sender_data, plain);
	bytes_wipe(&key, sizeof(key));
	if (err != SOTTO_OK)
		return err;
	reader_init(&reader, BYTES_OF(plain));
	sender->leaf = reader_get_u32(&reader);
	sender->generation = reader_get_u32(&reader);
	reader_get_array(&reader, sender->reuse_guard, REUSE_GUARD_LEN);
	return SOTTO_OK;
}

/* 6.3.1: the padding is all zeros. */
static enum sotto_err content_read(struct bytes plaintext, struct framed *framed)
{
	struct reader reader;
	struct bytes padding;
	uint8_t sum = 0;

	reader_init(&reader, plaintext);
	framed->body = framed_body_read(&reader, framed->content_type);
	framed->signature = reader_get_vector(&reader);
	if (framed->content_type == MLS_CONTENT_COMMIT)
		framed->confirmation_tag = reader_get_vector(&reader);
	padding = reader_get_rest(&reader);
	for (size_t i = 0; i < padding.len; i++)
		sum |= padding.data[i];
	if (sum != 0)
		reader_fail(&reader, SOTTO_ERR_FORMAT);
	return reader_finish(&reader);
}

enum sotto_err frame_private_open(const struct frame_keys *keys, const struct message_view *view,
				  uint8_t *plaintext, struct framed *framed,
				  struct private_origin *origin)
{
	struct sender_data sender = {0};
	struct message_key key = {0};
	struct framed opened = view->framed;
	enum sotto_err err;

	FAIL_IF(view->ciphertext.len < AEAD_TAG_LEN, SOTTO_ERR_VERIFY);
	TRY(open_sender_data(keys, view, &sender));
	FAIL_IF(sender.leaf >= keys->tree->width, SOTTO_ERR_INVALID);
	TRY(secret_tree_peek(keys->tree, sender.leaf, ratchet_of(opened.content_type),
			     sender.generation, &key));
	guard_nonce(&key, sender.reuse_guard);
	TRY(aead_open(keys->suite->hpke.aead, key_bytes(keys, &key), nonce_bytes(keys, &key),
		      view->content_aad, view->ciphertext, plaintext));
	opened.sender_type = SENDER_MEMBER;
	opened.sender = sender.leaf;
	TRY(content_read(BYTES(plaintext, view->ciphertext.len - AEAD_TAG_LEN), &opened));
	*framed = opened;
	*origin = (struct private_origin){.leaf = sender.leaf, .generation = sender.generation};
out:
	bytes_wipe(&key, sizeof(key));
	return err;
}
