/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening the envelope; the layout is in the header. */
#include "link/envelope.h"

#include <string.h>

#include "base/assert.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

enum sotto_err envelope_padding_init(struct envelope_padding *padding,
				     const struct random_source *random)
{
	padding->counter = 0;
	return random_fill(random, padding->key, sizeof(padding->key));
}

/* The keystream is what an AEAD makes of zeros; its tag is thrown away. */
static void fill(struct envelope_padding *padding, uint8_t *out, size_t len)
{
	uint8_t stream[LINK_FULL_LEN + AEAD_TAG_LEN] = {0};
	uint8_t nonce[12] = {0};
	struct writer writer;

	writer_init_fixed(&writer, nonce, sizeof(nonce));
	writer_put_u64(&writer, padding->counter++);
	aead_seal(AEAD_CHACHA20POLY1305, BYTES_OF(padding->key), BYTES_OF(nonce), BYTES_NONE,
		  BYTES(stream, len), stream);
	memcpy(out, stream, len);
}

static uint16_t mask(const struct link_secrets *secrets, const uint8_t *payload, size_t total)
{
	uint8_t mac[HASH_LEN_MAX];
	const uint8_t *sample = payload + total - ENVELOPE_OVERHEAD - ENVELOPE_SAMPLE_LEN;

	hmac_digest(HASH_SHA256, BYTES_OF(secrets->envelope), BYTES(sample, ENVELOPE_SAMPLE_LEN),
		    mac);
	return (uint16_t)((uint16_t)(mac[0] << 8) | mac[1]);
}

void envelope_seal(const struct link_secrets *secrets, struct envelope_padding *padding,
		   uint8_t *payload, size_t packet_len, size_t total)
{
	uint16_t masked;

	ASSERT(total >= LINK_SMALL_LEN_MIN && total <= LINK_FULL_LEN);
	ASSERT(packet_len + ENVELOPE_OVERHEAD <= total);
	if (packet_len + ENVELOPE_OVERHEAD < total)
		fill(padding, payload + packet_len, total - ENVELOPE_OVERHEAD - packet_len);
	masked = (uint16_t)(packet_len ^ mask(secrets, payload, total));
	payload[total - 2] = (uint8_t)(masked >> 8);
	payload[total - 1] = (uint8_t)masked;
}

enum sotto_err envelope_open(const struct link_secrets *secrets, struct bytes payload,
			     struct bytes *packet)
{
	uint16_t len;

	if (payload.len < LINK_SMALL_LEN_MIN || payload.len > LINK_FULL_LEN)
		return SOTTO_ERR_VERIFY;
	len = (uint16_t)((uint16_t)(payload.data[payload.len - 2] << 8) |
			 payload.data[payload.len - 1]);
	len ^= mask(secrets, payload.data, payload.len);
	if (len < ENVELOPE_PACKET_MIN || len > payload.len - ENVELOPE_OVERHEAD)
		return SOTTO_ERR_VERIFY;
	*packet = BYTES(payload.data, len);
	return SOTTO_OK;
}
