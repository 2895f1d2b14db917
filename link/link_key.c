/* SPDX-License-Identifier: Apache-2.0 */
/* Derivation from access keys; see secrets.h for the labels. */
#include "link/link_key.h"

#include <string.h>

#include "base/assert.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "link/secrets.h"

void link_key_wipe(struct link_key *key)
{
	if (key)
		bytes_wipe(key, sizeof(*key));
}

static void extract(const struct link_key *key, struct secret *prk)
{
	hkdf_extract(HASH_SHA256, BYTES_TEXT("sotto/1 link key"), BYTES_OF(key->secret), prk);
}

static void expand(const struct secret *prk, const struct link_key *key, const char *name,
		   uint8_t *out, size_t len)
{
	uint8_t buffer[64];
	struct writer info;

	writer_init_fixed(&info, buffer, sizeof(buffer));
	writer_put_bytes(&info, BYTES_TEXT("sotto/1 "));
	writer_put_bytes(&info, BYTES(name, strlen(name)));
	writer_put_u8(&info, (uint8_t)key->kind);
	writer_put_u64(&info, key->number);
	ASSERT(info.err == SOTTO_OK);
	hkdf_expand(HASH_SHA256, secret_bytes(prk), writer_bytes(&info), out, len);
}

void link_secrets_derive(const struct link_key *key, struct link_secrets *secrets)
{
	struct secret prk;

	secrets->kind = key->kind;
	secrets->number = key->number;
	extract(key, &prk);
	expand(&prk, key, "psk identity", secrets->psk_id, sizeof(secrets->psk_id));
	expand(&prk, key, "psk", secrets->psk, sizeof(secrets->psk));
	expand(&prk, key, "token mac", secrets->token_mac, sizeof(secrets->token_mac));
	expand(&prk, key, "token mask", secrets->token_mask, sizeof(secrets->token_mask));
	expand(&prk, key, "initial", secrets->initial, sizeof(secrets->initial));
	expand(&prk, key, "envelope", secrets->envelope, sizeof(secrets->envelope));
	secret_wipe(&prk);
}

void link_proof_message(const uint8_t *network_id, const uint8_t *exporter, uint8_t *message)
{
	struct writer writer;

	writer_init_fixed(&writer, message, LINK_PROOF_MESSAGE_LEN);
	writer_put_bytes(&writer, BYTES_TEXT(LINK_PROOF_LABEL));
	writer_put_bytes(&writer, BYTES(network_id, LINK_NETWORK_ID_LEN));
	writer_put_bytes(&writer, BYTES(exporter, LINK_EXPORTER_LEN));
	ASSERT(writer.err == SOTTO_OK && writer.len == LINK_PROOF_MESSAGE_LEN);
}
