/* SPDX-License-Identifier: Apache-2.0 */
/* Nonce and associated data of one frame, RFC 9605 section 4.4.3. */
#include "sframe/frame.h"

#include <string.h>

#include "base/assert.h"

void sframe_frame_nonce(const struct sframe_key *key, uint64_t ctr, uint8_t nonce[SFRAME_NONCE_LEN])
{
	memcpy(nonce, key->salt, SFRAME_NONCE_LEN);
	for (size_t i = 0; i < sizeof(ctr); i++)
		nonce[SFRAME_NONCE_LEN - 1 - i] ^= (uint8_t)(ctr >> (8 * i));
}

size_t sframe_frame_aad(struct bytes header, struct bytes metadata,
			uint8_t aad[SFRAME_HEADER_LEN_MAX + SFRAME_METADATA_LEN_MAX])
{
	ASSERT(header.len <= SFRAME_HEADER_LEN_MAX);
	ASSERT(metadata.len <= SFRAME_METADATA_LEN_MAX);
	memcpy(aad, header.data, header.len);
	if (metadata.len != 0)
		memcpy(aad + header.len, metadata.data, metadata.len);
	return header.len + metadata.len;
}
