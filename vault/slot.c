/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing a slot, and the keys sealed in it. */
#include "vault/slot.h"

#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"
#include "crypto/hash.h"

#define CHECKSUM_LEN 32
#define CONTENT_LEN  (VAULT_SLOT_LEN - CHECKSUM_LEN)
#define VERSION	     1

static const uint8_t magic[8] = {'s', 'o', 't', 't', 'o', 'k', 'e', 'y'};

void vault_slot_encode(const struct vault_slot *slot, uint8_t *out)
{
	struct writer writer;

	writer_init_fixed(&writer, out, CONTENT_LEN);
	writer_put_bytes(&writer, BYTES_OF(magic));
	writer_put_u16(&writer, VERSION);
	writer_put_u64(&writer, slot->sequence);
	for (size_t i = 0; i < VAULT_DOMAINS; i++)
		writer_put_u64(&writer, slot->generation[i]);
	writer_put_u32(&writer, slot->cost.passes);
	writer_put_u32(&writer, slot->cost.memory_kib);
	writer_put_bytes(&writer, BYTES_OF(slot->salt));
	writer_put_bytes(&writer, BYTES_OF(slot->master));
	for (size_t i = 0; i < VAULT_DOMAINS; i++)
		writer_put_bytes(&writer, BYTES_OF(slot->erasure[i]));
	ASSERT(writer_finish(&writer) == SOTTO_OK);
	memset(out + writer.len, 0, CONTENT_LEN - writer.len);
	hash_digest(HASH_SHA256, BYTES(out, CONTENT_LEN), out + CONTENT_LEN);
}

static bool is_empty(struct bytes bytes)
{
	uint8_t any = 0;

	for (size_t i = 0; i < bytes.len; i++)
		any |= bytes.data[i];
	return any == 0;
}

enum sotto_err vault_slot_decode(struct bytes bytes, struct vault_slot *slot)
{
	struct vault_slot read;
	uint8_t checksum[HASH_LEN_MAX];
	uint8_t found_magic[sizeof(magic)];
	struct reader reader;
	uint16_t version;

	if (bytes.len != VAULT_SLOT_LEN)
		return SOTTO_ERR_CORRUPT;
	if (is_empty(bytes))
		return SOTTO_ERR_NOT_FOUND;
	hash_digest(HASH_SHA256, BYTES(bytes.data, CONTENT_LEN), checksum);
	if (memcmp(checksum, bytes.data + CONTENT_LEN, CHECKSUM_LEN) != 0)
		return SOTTO_ERR_CORRUPT;
	reader_init(&reader, BYTES(bytes.data, CONTENT_LEN));
	reader_get_array(&reader, found_magic, sizeof(found_magic));
	version = reader_get_u16(&reader);
	if (memcmp(found_magic, magic, sizeof(magic)) != 0)
		return SOTTO_ERR_CORRUPT;
	if (version != VERSION)
		return SOTTO_ERR_VERSION;
	read.sequence = reader_get_u64(&reader);
	for (size_t i = 0; i < VAULT_DOMAINS; i++)
		read.generation[i] = reader_get_u64(&reader);
	read.cost.passes = reader_get_u32(&reader);
	read.cost.memory_kib = reader_get_u32(&reader);
	reader_get_array(&reader, read.salt, sizeof(read.salt));
	reader_get_array(&reader, read.master, sizeof(read.master));
	for (size_t i = 0; i < VAULT_DOMAINS; i++)
		reader_get_array(&reader, read.erasure[i], sizeof(read.erasure[i]));
	if (!is_empty(reader_get_rest(&reader)) || reader_finish(&reader) != SOTTO_OK)
		return SOTTO_ERR_CORRUPT;
	*slot = read;
	return SOTTO_OK;
}

/* The cost and the salt are bound to what they open. */
static struct vault_place master_place(const struct vault_slot *slot)
{
	struct vault_place place = {.kind = VAULT_SEALED_MASTER,
				    .index = slot->cost.passes,
				    .slot = slot->cost.memory_kib};

	_Static_assert(sizeof(slot->salt) == sizeof(place.owner), "the salt fits");
	memcpy(place.owner, slot->salt, sizeof(place.owner));
	return place;
}

enum sotto_err vault_slot_wrap(struct vault_slot *slot, struct bytes passphrase,
			       struct bytes master, const struct random_source *random)
{
	struct secret kek = {.len = 0};
	struct vault_place place;
	enum sotto_err err;

	TRY(random_fill(random, slot->salt, sizeof(slot->salt)));
	TRY(password_derive(slot->cost, passphrase, BYTES_OF(slot->salt), &kek));
	place = master_place(slot);
	TRY(vault_seal(kek.data, &place, random, master, slot->master));
out:
	secret_wipe(&kek);
	return err;
}

enum sotto_err vault_slot_unwrap(const struct vault_slot *slot, struct bytes passphrase,
				 uint8_t *master)
{
	struct vault_place place = master_place(slot);
	struct secret kek = {.len = 0};
	enum sotto_err err = password_derive(slot->cost, passphrase, BYTES_OF(slot->salt), &kek);

	if (err == SOTTO_OK)
		err = vault_unseal(kek.data, &place, BYTES_OF(slot->master), master);
	secret_wipe(&kek);
	if (err == SOTTO_ERR_VERIFY)
		return SOTTO_ERR_DENIED;
	return err == SOTTO_ERR_LIMIT ? SOTTO_ERR_CORRUPT : err;
}

static struct vault_place erasure_place(const struct vault_slot *slot, enum vault_domain domain)
{
	return (struct vault_place){.kind = VAULT_SEALED_ERASURE,
				    .table = (uint8_t)domain,
				    .index = slot->generation[domain]};
}

enum sotto_err vault_slot_put_erasure(struct vault_slot *slot, enum vault_domain domain,
				      const uint8_t *erasure, const struct vault_keys *keys,
				      const struct random_source *random)
{
	struct vault_place place = erasure_place(slot, domain);

	return vault_seal(keys->domain[domain].wrap, &place, random, BYTES(erasure, VAULT_KEY_LEN),
			  slot->erasure[domain]);
}

enum sotto_err vault_slot_get_erasure(const struct vault_slot *slot, enum vault_domain domain,
				      struct vault_keys *keys)
{
	struct vault_place place = erasure_place(slot, domain);

	if (vault_unseal(keys->domain[domain].wrap, &place, BYTES_OF(slot->erasure[domain]),
			 keys->domain[domain].erasure) != SOTTO_OK)
		return SOTTO_ERR_CORRUPT;
	return SOTTO_OK;
}
