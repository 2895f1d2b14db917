/* SPDX-License-Identifier: Apache-2.0 */
/* Derivation and sealing. Every derived key has a label of its own. */
#include "vault/keys.h"

#include <string.h>

#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

#define AAD_LEN_MAX 64

static void derive(struct bytes master, const char *label, uint8_t domain, uint8_t *out)
{
	uint8_t info[AAD_LEN_MAX];
	struct writer writer;

	writer_init_fixed(&writer, info, sizeof(info));
	writer_put_vector(&writer, BYTES_TEXT("sotto vault 1"));
	writer_put_vector(&writer, BYTES(label, strlen(label)));
	writer_put_u8(&writer, domain);
	hkdf_expand(HASH_SHA256, master, writer_bytes(&writer), out, VAULT_KEY_LEN);
}

void vault_keys_derive(struct vault_keys *keys, struct bytes master)
{
	derive(master, "meta", 0, keys->meta);
	for (uint8_t i = 0; i < VAULT_DOMAINS; i++) {
		derive(master, "value", i, keys->domain[i].value);
		derive(master, "owner", i, keys->domain[i].owner);
		derive(master, "wrap", i, keys->domain[i].wrap);
	}
}

static struct bytes additional_data(const struct vault_place *place, uint8_t *out)
{
	struct writer writer;

	writer_init_fixed(&writer, out, AAD_LEN_MAX);
	writer_put_u8(&writer, (uint8_t)place->kind);
	writer_put_u8(&writer, place->table);
	writer_put_u8(&writer, place->class);
	writer_put_u64(&writer, place->index);
	writer_put_u64(&writer, place->slot);
	writer_put_bytes(&writer, BYTES_OF(place->owner));
	return writer_bytes(&writer);
}

enum sotto_err vault_seal(const uint8_t *key, const struct vault_place *place,
			  const struct random_source *random, struct bytes plaintext, uint8_t *out)
{
	uint8_t aad[AAD_LEN_MAX];
	enum sotto_err err = random_fill(random, out, VAULT_NONCE_LEN);

	if (err != SOTTO_OK)
		return err;
	aead_seal(AEAD_XCHACHA20POLY1305, BYTES(key, VAULT_KEY_LEN), BYTES(out, VAULT_NONCE_LEN),
		  additional_data(place, aad), plaintext, out + VAULT_NONCE_LEN);
	return SOTTO_OK;
}

enum sotto_err vault_unseal(const uint8_t *key, const struct vault_place *place,
			    struct bytes sealed, uint8_t *out)
{
	uint8_t aad[AAD_LEN_MAX];

	if (sealed.len < VAULT_SEAL_LEN)
		return SOTTO_ERR_VERIFY;
	return aead_open(AEAD_XCHACHA20POLY1305, BYTES(key, VAULT_KEY_LEN),
			 BYTES(sealed.data, VAULT_NONCE_LEN), additional_data(place, aad),
			 BYTES(sealed.data + VAULT_NONCE_LEN, sealed.len - VAULT_NONCE_LEN), out);
}

void vault_owner_hash(const struct vault_keys *keys, uint8_t table, struct bytes owner,
		      uint8_t *out)
{
	const struct vault_domain_keys *domain = &keys->domain[vault_domain_of(table)];
	uint8_t digest[HASH_LEN_MAX];
	struct hmac hmac;

	hmac_init(&hmac, HASH_SHA256, BYTES_OF(domain->owner));
	hmac_update(&hmac, BYTES(&table, 1));
	hmac_update(&hmac, owner);
	hmac_final(&hmac, digest);
	memcpy(out, digest, VAULT_OWNER_LEN);
}
