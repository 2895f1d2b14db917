/* SPDX-License-Identifier: Apache-2.0 */
/* Deriving the keys of a call. */
#include "call/keys.h"

#include "base/assert.h"
#include "base/writer.h"
#include "crypto/hash.h"

#define INFO_LEN_MAX 64

/* info = label | call id | epoch: another key for each purpose, call and epoch. */
static void expand(const struct secret *prk, struct bytes label, const uint8_t *id, uint64_t epoch,
		   uint8_t *out, size_t len)
{
	uint8_t info[INFO_LEN_MAX];
	struct writer writer;

	writer_init_fixed(&writer, info, sizeof(info));
	writer_put_vector(&writer, label);
	writer_put_bytes(&writer, BYTES(id, CALL_ID_LEN));
	writer_put_u64(&writer, epoch);
	ASSERT(writer_finish(&writer) == SOTTO_OK);
	hkdf_expand(HASH_SHA256, secret_bytes(prk), writer_bytes(&writer), out, len);
}

void call_keys_derive(const uint8_t exporter[CALL_EXPORTER_LEN], uint64_t epoch,
		      const uint8_t id[CALL_ID_LEN], const uint8_t random[CALL_RANDOM_LEN],
		      struct call_keys *keys)
{
	struct secret prk;

	hkdf_extract(HASH_SHA256, BYTES(random, CALL_RANDOM_LEN),
		     BYTES(exporter, CALL_EXPORTER_LEN), &prk);
	keys->epoch = epoch;
	expand(&prk, BYTES_TEXT("sotto call base key"), id, epoch, keys->base_key,
	       sizeof(keys->base_key));
	expand(&prk, BYTES_TEXT("sotto call room"), id, epoch, keys->room_token,
	       sizeof(keys->room_token));
	secret_wipe(&prk);
}

void call_keys_wipe(struct call_keys *keys)
{
	if (keys != NULL)
		bytes_wipe(keys, sizeof(*keys));
}

void call_keys_check(const struct call_keys *keys, struct bytes ledger_head, struct bytes policy,
		     uint8_t check[CALL_CHECK_LEN])
{
	static const uint8_t label[] = "sotto call check";
	uint8_t header[16];
	uint8_t digest[HASH_LEN_MAX];
	struct writer writer;
	struct hmac hmac;

	/* Lengths first, so that no two pairs of head and policy look alike. */
	writer_init_fixed(&writer, header, sizeof(header));
	writer_put_u64(&writer, ledger_head.len);
	writer_put_u64(&writer, policy.len);
	hmac_init(&hmac, HASH_SHA256, BYTES_OF(keys->base_key));
	hmac_update(&hmac, BYTES_OF(label));
	hmac_update(&hmac, BYTES_OF(header));
	hmac_update(&hmac, ledger_head);
	hmac_update(&hmac, policy);
	hmac_final(&hmac, digest);
	for (size_t i = 0; i < CALL_CHECK_LEN; i++)
		check[i] = digest[i];
	bytes_wipe(digest, sizeof(digest));
}

enum sotto_err call_kid_create(const struct random_source *random, uint64_t epoch, uint64_t *kid)
{
	uint8_t bytes[8];
	uint64_t value = 0;
	enum sotto_err err;

	TRY(random_fill(random, bytes, sizeof(bytes)));
	for (size_t i = 0; i < sizeof(bytes); i++)
		value = value << 8 | bytes[i];
	*kid = call_kid_in_epoch(value, epoch);
out:
	return err;
}

uint64_t call_kid_in_epoch(uint64_t kid, uint64_t epoch)
{
	return (kid & ~UINT64_C(0xff)) | (epoch & 0xff);
}
