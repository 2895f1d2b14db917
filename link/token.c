/* SPDX-License-Identifier: Apache-2.0 */
/* Making and opening tokens; the construction is in the header. */
#include "link/token.h"

#include "base/reader.h"
#include "base/writer.h"
#include "crypto/hash.h"

#define RANDOM_LEN 16

static uint64_t time_mask(const struct link_secrets *secrets, const uint8_t *dcid,
			  const uint8_t *token)
{
	struct hmac hmac;
	struct reader reader;
	uint8_t mac[HASH_LEN_MAX];

	hmac_init(&hmac, HASH_SHA256, BYTES_OF(secrets->token_mask));
	hmac_update(&hmac, BYTES(token, RANDOM_LEN));
	hmac_update(&hmac, BYTES(dcid, LINK_CID_LEN));
	hmac_final(&hmac, mac);
	reader_init(&reader, BYTES_OF(mac));
	return reader_get_u64(&reader);
}

static void make_tag(const struct link_secrets *secrets, const uint8_t *dcid, const uint8_t *token,
		     uint8_t *mac)
{
	struct hmac hmac;

	hmac_init(&hmac, HASH_SHA256, BYTES_OF(secrets->token_mac));
	hmac_update(&hmac, BYTES(dcid, LINK_CID_LEN));
	hmac_update(&hmac, BYTES(token, TOKEN_TAG_FROM));
	hmac_final(&hmac, mac);
}

enum sotto_err token_create(const struct link_secrets *secrets, const struct random_source *random,
			    const uint8_t *dcid, uint64_t utc_ms, uint8_t *token)
{
	uint8_t buffer[TOKEN_LEN];
	uint8_t mac[HASH_LEN_MAX];
	struct writer writer;
	enum sotto_err err;

	TRY(random_fill(random, buffer, RANDOM_LEN));
	writer_init_fixed(&writer, buffer + RANDOM_LEN, TOKEN_LEN - RANDOM_LEN);
	writer_put_u64(&writer, utc_ms ^ time_mask(secrets, dcid, buffer));
	make_tag(secrets, dcid, buffer, mac);
	writer_put_bytes(&writer, BYTES(mac, TOKEN_TAG_LEN));
	TRY(writer_finish(&writer));
	for (size_t i = 0; i < TOKEN_LEN; i++)
		token[i] = buffer[i];
out:
	return err;
}

enum sotto_err token_open(const struct link_secrets *secrets, const uint8_t *dcid,
			  struct bytes token, uint64_t *utc_ms)
{
	uint8_t mac[HASH_LEN_MAX];
	struct reader reader;

	if (token.len != TOKEN_LEN)
		return SOTTO_ERR_VERIFY;
	make_tag(secrets, dcid, token.data, mac);
	if (!bytes_equal_ct(mac, token.data + TOKEN_TAG_FROM, TOKEN_TAG_LEN))
		return SOTTO_ERR_VERIFY;
	reader_init(&reader, BYTES(token.data + RANDOM_LEN, 8));
	*utc_ms = reader_get_u64(&reader) ^ time_mask(secrets, dcid, token.data);
	return SOTTO_OK;
}
