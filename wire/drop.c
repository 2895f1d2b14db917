/* SPDX-License-Identifier: Apache-2.0 */
/* Names, running hashes and signed contents; each begins with a label of its own. */
#include "wire/drop.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

#define LABEL(text) BYTES_TEXT(text)

static void digest(struct bytes label, struct bytes a, struct bytes b, struct bytes c, uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, label);
	hash_update(&hash, a);
	hash_update(&hash, b);
	hash_update(&hash, c);
	hash_final(&hash, out);
}

void wire_append_token_hash(const uint8_t token[WIRE_TOKEN_LEN], uint8_t hash[WIRE_HASH_LEN])
{
	digest(LABEL("sotto append 1"), BYTES(token, WIRE_TOKEN_LEN), BYTES_NONE, BYTES_NONE, hash);
}

void wire_read_token_hash(const uint8_t token[WIRE_TOKEN_LEN], uint8_t hash[WIRE_HASH_LEN])
{
	digest(LABEL("sotto read 1"), BYTES(token, WIRE_TOKEN_LEN), BYTES_NONE, BYTES_NONE, hash);
}

void wire_drop_name(uint8_t flags, const uint8_t append_token_hash[WIRE_HASH_LEN],
		    const uint8_t read_token_hash[WIRE_HASH_LEN], uint8_t name[WIRE_HASH_LEN])
{
	digest(LABEL("sotto drop 1"), BYTES(&flags, 1), BYTES(append_token_hash, WIRE_HASH_LEN),
	       BYTES(read_token_hash, WIRE_HASH_LEN), name);
}

void wire_running_start(const uint8_t name[WIRE_HASH_LEN],
			const uint8_t incarnation[WIRE_INCARNATION_LEN],
			uint8_t running[WIRE_HASH_LEN])
{
	digest(LABEL("sotto drop start 1"), BYTES(name, WIRE_HASH_LEN),
	       BYTES(incarnation, WIRE_INCARNATION_LEN), BYTES_NONE, running);
}

void wire_running_next_hash(uint8_t running[WIRE_HASH_LEN],
			    const uint8_t record_hash[WIRE_HASH_LEN])
{
	digest(LABEL("sotto drop next 1"), BYTES(running, WIRE_HASH_LEN),
	       BYTES(record_hash, WIRE_HASH_LEN), BYTES_NONE, running);
}

void wire_running_next(uint8_t running[WIRE_HASH_LEN], struct bytes record)
{
	uint8_t record_hash[WIRE_HASH_LEN];

	hash_digest(HASH_SHA256, record, record_hash);
	wire_running_next_hash(running, record_hash);
}

enum sotto_err wire_batch_verify(const struct wire_batch *batch,
				 const uint8_t relay_key[WIRE_KEY_LEN])
{
	struct wire_cursor cursor = wire_list_walk(&batch->records);
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	uint8_t running[WIRE_HASH_LEN];
	struct wire_record record;
	struct bytes content;

	if (batch->end_sequence < batch->before_sequence ||
	    batch->end_sequence - batch->before_sequence != batch->records.count)
		return SOTTO_ERR_VERIFY;
	memcpy(running, batch->before_hash, sizeof(running));
	while (wire_record_next(&cursor, &record))
		wire_running_next(running, record.sealed);
	if (memcmp(running, batch->running_hash, sizeof(running)) != 0)
		return SOTTO_ERR_VERIFY;
	content = wire_signed_batch(batch->drop, batch->incarnation, batch->end_sequence, running,
				    buffer);
	return sign_verify(SIGN_ED25519, BYTES(relay_key, WIRE_KEY_LEN), content,
			   BYTES_OF(batch->signature));
}

static struct bytes finish_content(const struct writer *writer)
{
	ASSERT(writer_finish(writer) == SOTTO_OK); /* the buffer's length is the program's own */
	return writer_bytes(writer);
}

/* The kind of an access key in what is derived from it; link/link_key.h has all kinds. */
#define KIND_ACCESS 3

void wire_key_possession(uint64_t number, const uint8_t secret[WIRE_KEY_LEN],
			 const uint8_t exporter[WIRE_EXPORTER_LEN], uint8_t mac[WIRE_MAC_LEN])
{
	uint8_t mac_key[WIRE_KEY_LEN];
	uint8_t info[32];
	struct writer writer;
	struct secret prk;

	writer_init_fixed(&writer, info, sizeof(info));
	writer_put_bytes(&writer, LABEL("sotto/1 possession"));
	writer_put_u8(&writer, KIND_ACCESS);
	writer_put_u64(&writer, number);
	ASSERT(writer.err == SOTTO_OK);
	hkdf_extract(HASH_SHA256, LABEL("sotto/1 link key"), BYTES(secret, WIRE_KEY_LEN), &prk);
	hkdf_expand(HASH_SHA256, secret_bytes(&prk), writer_bytes(&writer), mac_key,
		    sizeof(mac_key));
	hmac_digest(HASH_SHA256, BYTES_OF(mac_key), BYTES(exporter, WIRE_EXPORTER_LEN), mac);
	bytes_wipe(mac_key, sizeof(mac_key));
	secret_wipe(&prk);
}

struct bytes wire_signed_batch(const uint8_t name[WIRE_HASH_LEN],
			       const uint8_t incarnation[WIRE_INCARNATION_LEN], uint64_t sequence,
			       const uint8_t running[WIRE_HASH_LEN], uint8_t *buffer)
{
	struct writer writer;

	writer_init_fixed(&writer, buffer, WIRE_SIGNED_LEN_MAX);
	writer_put_bytes(&writer, LABEL("sotto batch 1"));
	writer_put_bytes(&writer, BYTES(name, WIRE_HASH_LEN));
	writer_put_bytes(&writer, BYTES(incarnation, WIRE_INCARNATION_LEN));
	writer_put_u64(&writer, sequence);
	writer_put_bytes(&writer, BYTES(running, WIRE_HASH_LEN));
	return finish_content(&writer);
}

static void put_key_hash(struct writer *writer, const uint8_t key[WIRE_KEY_LEN])
{
	uint8_t hash[WIRE_HASH_LEN];

	digest(LABEL("sotto access key hash 1"), BYTES(key, WIRE_KEY_LEN), BYTES_NONE, BYTES_NONE,
	       hash);
	writer_put_bytes(writer, BYTES_OF(hash));
}

struct bytes wire_signed_key_install(const uint8_t network[WIRE_HASH_LEN],
				     const struct wire_key_install *install, uint8_t *buffer)
{
	struct writer writer;

	writer_init_fixed(&writer, buffer, WIRE_SIGNED_LEN_MAX);
	writer_put_bytes(&writer, LABEL("sotto access key 1"));
	writer_put_bytes(&writer, BYTES(network, WIRE_HASH_LEN));
	writer_put_u64(&writer, install->number);
	put_key_hash(&writer, install->access_key);
	return finish_content(&writer);
}

struct bytes wire_signed_porch_install(const uint8_t network[WIRE_HASH_LEN],
				       const struct wire_porch_install *install, uint8_t *buffer)
{
	struct writer writer;

	writer_init_fixed(&writer, buffer, WIRE_SIGNED_LEN_MAX);
	writer_put_bytes(&writer, LABEL("sotto porch 1"));
	writer_put_bytes(&writer, BYTES(network, WIRE_HASH_LEN));
	writer_put_u64(&writer, install->number);
	put_key_hash(&writer, install->porch_key);
	writer_put_bytes(&writer, BYTES_OF(install->porch_drop));
	return finish_content(&writer);
}

struct bytes wire_signed_admins_change(const uint8_t network[WIRE_HASH_LEN],
				       const struct wire_admins_change *change, uint8_t *buffer)
{
	struct wire_cursor cursor = wire_list_walk(&change->admins);
	struct wire_admin_key admin;
	struct writer writer;

	writer_init_fixed(&writer, buffer, WIRE_SIGNED_LEN_MAX);
	writer_put_bytes(&writer, LABEL("sotto admins 1"));
	writer_put_bytes(&writer, BYTES(network, WIRE_HASH_LEN));
	writer_put_u64(&writer, change->serial);
	writer_put_u8(&writer, change->threshold);
	while (wire_admin_key_next(&cursor, &admin))
		writer_put_bytes(&writer, BYTES_OF(admin.key));
	return finish_content(&writer);
}
