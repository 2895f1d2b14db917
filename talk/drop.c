/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, tokens and keys of drops, and the records in them. Nothing of MLS is in clear:
 *
 *   conversation   nonce[24] | XChaCha20-Poly1305( u32 length | MLSMessage or part | zeros )
 *   inbox          enc | HPKE( u32 length | part | zeros ), to the key package that the Welcome is for
 *
 * A record has one of four sizes, and the drop's name is authenticated with it.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "talk/state.h"

#define NONCE_LEN  24
#define LENGTH_LEN 4

static const size_t record_lens[] = {WIRE_RECORD_LEN_1, WIRE_RECORD_LEN_4, WIRE_RECORD_LEN_16,
				     WIRE_RECORD_LEN_64};

static const char box_info[] = "sotto inbox 1";
static const char sheaf_info[] = "sotto history 1";

/* The KEM of a network's key packages. */
struct hpke_suite talk_box_suite(const struct talk *talk)
{
	bool classic = talk->suite == MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 ||
		       talk->suite == MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

	return (struct hpke_suite){classic ? KEM_X25519_SHA256 : KEM_XWING, HASH_SHA256,
				   AEAD_CHACHA20POLY1305};
}

void talk_drop_name(struct talk_drop *drop)
{
	wire_drop_name(drop->flags, drop->append_hash, drop->read_hash, drop->name);
}

enum sotto_err talk_drop_of_epoch(const struct talk *talk, const struct talk_group *group,
				  struct talk_drop *drop)
{
	uint8_t out[2 * WIRE_TOKEN_LEN + WIRE_KEY_LEN];
	struct talk_drop made = {0};
	struct mls_context context;
	enum sotto_err err;

	(void)talk;
	err = mls_group_export(group->mls, "sotto drop 1", BYTES_NONE, out, sizeof(out));
	if (err != SOTTO_OK)
		return err;
	memcpy(made.append_token, out, WIRE_TOKEN_LEN);
	memcpy(made.read_token, out + WIRE_TOKEN_LEN, WIRE_TOKEN_LEN);
	memcpy(made.record_key, out + 2 * WIRE_TOKEN_LEN, WIRE_KEY_LEN);
	bytes_wipe(out, sizeof(out));
	wire_append_token_hash(made.append_token, made.append_hash);
	wire_read_token_hash(made.read_token, made.read_hash);
	made.flags = group->kind == TALK_EVERYONE ? WIRE_DROP_CATCH_UP : 0;
	mls_group_context(group->mls, &context);
	made.epoch = context.epoch;
	talk_drop_name(&made);
	*drop = made;
	bytes_wipe(&made, sizeof(made));
	return SOTTO_OK;
}

void talk_drop_clear(const struct talk *talk, struct talk_drop *drop)
{
	talk_give(talk, drop->own, drop->own_count * sizeof(*drop->own));
	talk_records_clear(talk, &drop->commit);
	bytes_wipe(drop, sizeof(*drop));
}

void talk_drop_restart(struct talk_drop *drop)
{
	drop->known = false;
	drop->incarnations++;
	drop->sequence = 0;
	drop->winner = 0;
	drop->at_end = false;
	memset(drop->running, 0, sizeof(drop->running));
	memset(drop->incarnation, 0, sizeof(drop->incarnation));
}

void talk_derive(const struct talk_access *access, const char *label, struct bytes context,
		 uint8_t *out)
{
	uint8_t info[64 + LEDGER_KEY_LEN];
	struct writer writer;

	writer_init_fixed(&writer, info, sizeof(info));
	writer_put_bytes(&writer, BYTES(label, strlen(label)));
	writer_put_bytes(&writer, context);
	ASSERT(writer.err == SOTTO_OK);
	hkdf_expand(HASH_SHA256, BYTES_OF(access->secret), writer_bytes(&writer), out,
		    WIRE_KEY_LEN);
}

/* Who has a card knows the append token; the record key follows from it. */
void talk_porch_drop(const struct talk_access *access, struct talk_drop *drop)
{
	*drop = (struct talk_drop){0};
	talk_derive(access, "sotto porch append 1", BYTES_NONE, drop->append_token);
	talk_derive(access, "sotto porch read 1", BYTES_NONE, drop->read_token);
	hash_digest(HASH_SHA256, BYTES_OF(drop->append_token), drop->record_key);
	wire_append_token_hash(drop->append_token, drop->append_hash);
	wire_read_token_hash(drop->read_token, drop->read_hash);
	talk_drop_name(drop);
}

void talk_inbox_of(const struct talk_access *access, const uint8_t *device_key,
		   const uint8_t *read_hash, struct talk_drop *drop)
{
	*drop = (struct talk_drop){.flags = WIRE_DROP_INBOX | WIRE_DROP_CATCH_UP};
	talk_derive(access, "sotto inbox append 1", BYTES(device_key, LEDGER_KEY_LEN),
		    drop->append_token);
	wire_append_token_hash(drop->append_token, drop->append_hash);
	memcpy(drop->read_hash, read_hash, WIRE_HASH_LEN);
	talk_drop_name(drop);
}

/* The record with its plaintext in place, len bytes of overhead before it; SOTTO_ERR_LIMIT. */
static enum sotto_err record_begin(const struct talk *talk, size_t before, struct bytes content,
				   struct talk_blob *record)
{
	size_t needed = before + LENGTH_LEN + content.len + AEAD_TAG_LEN;
	uint8_t *data = NULL;

	for (size_t i = 0; i < ARRAY_LEN(record_lens) && data == NULL; i++) {
		if (needed > record_lens[i])
			continue;
		data = talk_take(talk, record_lens[i]);
		if (data == NULL)
			return SOTTO_ERR_NO_MEMORY;
		record->len = record_lens[i];
	}
	if (data == NULL)
		return SOTTO_ERR_LIMIT;
	for (size_t i = 0; i < LENGTH_LEN; i++)
		data[before + i] = (uint8_t)(content.len >> (24 - 8 * i));
	memcpy(data + before + LENGTH_LEN, content.data, content.len);
	record->data = data;
	return SOTTO_OK;
}

/* What the length says, without the zeros; SOTTO_ERR_FORMAT. */
static enum sotto_err padding_remove(const struct talk *talk, struct bytes plaintext,
				     struct talk_blob *content)
{
	struct reader reader;
	struct bytes inner;

	reader_init(&reader, plaintext);
	inner = reader_get_bytes(&reader, reader_get_u32(&reader));
	if (reader.err != SOTTO_OK)
		return SOTTO_ERR_FORMAT;
	return talk_blob_set(talk, content, inner);
}

enum sotto_err talk_record_seal(struct talk *talk, const struct talk_drop *drop,
				struct bytes message, struct talk_blob *record)
{
	struct talk_blob made = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(record_begin(talk, NONCE_LEN, message, &made));
	TRY(random_fill(talk->random, made.data, NONCE_LEN));
	aead_seal(AEAD_XCHACHA20POLY1305, BYTES_OF(drop->record_key), BYTES(made.data, NONCE_LEN),
		  BYTES_OF(drop->name),
		  BYTES(made.data + NONCE_LEN, made.len - NONCE_LEN - AEAD_TAG_LEN),
		  made.data + NONCE_LEN);
	talk_blob_clear(talk, record);
	*record = made;
	made = (struct talk_blob){0};
out:
	talk_blob_clear(talk, &made);
	return err;
}

enum sotto_err talk_record_open(const struct talk *talk, const struct talk_drop *drop,
				struct bytes record, struct talk_blob *message)
{
	size_t len = record.len - NONCE_LEN - AEAD_TAG_LEN;
	uint8_t *plaintext;
	enum sotto_err err = SOTTO_OK;

	ASSERT(wire_record_len_valid(record.len));
	plaintext = talk_take(talk, len);
	if (plaintext == NULL)
		return SOTTO_ERR_NO_MEMORY;
	TRY(aead_open(AEAD_XCHACHA20POLY1305, BYTES_OF(drop->record_key),
		      BYTES(record.data, NONCE_LEN), BYTES_OF(drop->name),
		      BYTES(record.data + NONCE_LEN, record.len - NONCE_LEN), plaintext));
	TRY(padding_remove(talk, BYTES(plaintext, len), message));
out:
	talk_give(talk, plaintext, len);
	return err;
}

static enum sotto_err box_seal(struct talk *talk, struct bytes info, struct bytes public_key,
			       const uint8_t *drop_name, struct bytes part,
			       struct talk_blob *record)
{
	struct hpke_suite suite = talk_box_suite(talk);
	size_t enc_len = kem_enc_len(suite.kem);
	struct talk_blob made = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(record_begin(talk, enc_len, part, &made));
	TRY(hpke_seal_once(suite, talk->random, public_key, info, BYTES(drop_name, WIRE_HASH_LEN),
			   BYTES(made.data + enc_len, made.len - enc_len - AEAD_TAG_LEN), made.data,
			   made.data + enc_len));
	talk_blob_clear(talk, record);
	*record = made;
	made = (struct talk_blob){0};
out:
	talk_blob_clear(talk, &made);
	return err;
}

enum sotto_err talk_box_seal(struct talk *talk, struct bytes init_key, const uint8_t *drop_name,
			     struct bytes part, struct talk_blob *record)
{
	return box_seal(talk, BYTES_TEXT(box_info), init_key, drop_name, part, record);
}

enum sotto_err talk_sheaf_seal(struct talk *talk, struct bytes public_key, const uint8_t *drop_name,
			       struct bytes part, struct talk_blob *record)
{
	return box_seal(talk, BYTES_TEXT(sheaf_info), public_key, drop_name, part, record);
}

static enum sotto_err open_with(const struct talk *talk, struct bytes info,
				struct bytes private_key, const uint8_t *drop_name,
				struct bytes record, uint8_t *plaintext)
{
	struct hpke_suite suite = talk_box_suite(talk);
	size_t enc_len = kem_enc_len(suite.kem);

	return hpke_open_once(suite, private_key, BYTES(record.data, enc_len), info,
			      BYTES(drop_name, WIRE_HASH_LEN),
			      BYTES(record.data + enc_len, record.len - enc_len), plaintext);
}

/* With whichever of our packages the record is for: the newest, most of the time. */
static enum sotto_err box_open(const struct talk *talk, const uint8_t *drop_name,
			       struct bytes record, uint8_t *plaintext)
{
	enum sotto_err err = SOTTO_ERR_VERIFY;

	list_for_each (element, following, &talk->packages) {
		const struct talk_package *package =
			CONTAINER_OF(element, struct talk_package, list);

		if (package->secrets.init_key.len == 0)
			continue; /* another device's */
		err = open_with(talk, BYTES_TEXT(box_info),
				secret_bytes(&package->secrets.init_key), drop_name, record,
				plaintext);
		if (err == SOTTO_OK || err == SOTTO_ERR_NO_MEMORY)
			return err;
	}
	return err;
}

/* key: the private half; NULL: those of our packages. */
static enum sotto_err record_open(const struct talk *talk, const struct bytes *key,
				  const uint8_t *drop_name, struct bytes record,
				  struct talk_blob *part)
{
	size_t before = kem_enc_len(talk_box_suite(talk).kem);
	size_t len;
	uint8_t *plaintext;
	enum sotto_err err = SOTTO_OK;

	ASSERT(wire_record_len_valid(record.len));
	/* X-Wing's 1,120 bytes are more than the shortest record has. */
	if (record.len < before + LENGTH_LEN + AEAD_TAG_LEN)
		return SOTTO_ERR_FORMAT;
	len = record.len - before - AEAD_TAG_LEN;
	plaintext = talk_take(talk, len);
	if (plaintext == NULL)
		return SOTTO_ERR_NO_MEMORY;
	TRY(key == NULL
		    ? box_open(talk, drop_name, record, plaintext)
		    : open_with(talk, BYTES_TEXT(sheaf_info), *key, drop_name, record, plaintext));
	TRY(padding_remove(talk, BYTES(plaintext, len), part));
out:
	talk_give(talk, plaintext, len);
	return err;
}

enum sotto_err talk_box_open(const struct talk *talk, const uint8_t *drop_name, struct bytes record,
			     struct talk_blob *part)
{
	return record_open(talk, NULL, drop_name, record, part);
}

enum sotto_err talk_sheaf_open(const struct talk *talk, struct bytes private_key,
			       const uint8_t *drop_name, struct bytes record,
			       struct talk_blob *part)
{
	return record_open(talk, &private_key, drop_name, record, part);
}

enum sotto_err talk_own_add(const struct talk *talk, struct talk_drop *drop, struct bytes record,
			    uint64_t serial)
{
	static const uint8_t unused[WIRE_HASH_LEN] = {0};
	struct talk_kept_own *place = NULL;
	struct talk_kept_own *longer;
	uint8_t digest[WIRE_HASH_LEN];

	hash_digest(HASH_SHA256, record, digest);
	for (size_t i = 0; i < drop->own_count; i++) {
		if (memcmp(drop->own[i].hash, digest, WIRE_HASH_LEN) == 0)
			return SOTTO_OK;
		if (memcmp(drop->own[i].hash, unused, WIRE_HASH_LEN) == 0)
			place = &drop->own[i];
	}
	if (place == NULL) {
		if (drop->own_count == TALK_OWN_MAX)
			return SOTTO_ERR_LIMIT;
		longer = talk_take(talk, (drop->own_count + 1) * sizeof(*longer));
		if (longer == NULL)
			return SOTTO_ERR_NO_MEMORY;
		if (drop->own_count > 0)
			memcpy(longer, drop->own, drop->own_count * sizeof(*longer));
		talk_give(talk, drop->own, drop->own_count * sizeof(*longer));
		drop->own = longer;
		place = &drop->own[drop->own_count++];
	}
	memcpy(place->hash, digest, WIRE_HASH_LEN);
	place->serial = serial;
	return SOTTO_OK;
}

/* What was read back is forgotten; the sequence says that it is not read again. */
bool talk_own_take(struct talk_drop *drop, struct bytes record, uint64_t *serial)
{
	uint8_t digest[WIRE_HASH_LEN];

	hash_digest(HASH_SHA256, record, digest);
	for (size_t i = 0; i < drop->own_count; i++) {
		if (memcmp(drop->own[i].hash, digest, WIRE_HASH_LEN) != 0)
			continue;
		*serial = drop->own[i].serial;
		/* Zeros stay in its place: no record has such a hash. */
		memset(&drop->own[i], 0, sizeof(drop->own[i]));
		return true;
	}
	return false;
}
