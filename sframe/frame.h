/* SPDX-License-Identifier: Apache-2.0 */
/* What sealing and opening share: nonce and associated data of one frame, RFC 9605 section 4.4.3.
 */
#ifndef SFRAME_FRAME_H
#define SFRAME_FRAME_H

#include "sframe/sframe.h"

/* Metadata is a few identifiers; a call's is 16 bytes. */
#define SFRAME_METADATA_LEN_MAX 256

/* salt ^ CTR */
void sframe_frame_nonce(const struct sframe_key *key, uint64_t ctr,
			uint8_t nonce[SFRAME_NONCE_LEN]);

/* header | metadata into aad (header at most SFRAME_HEADER_LEN_MAX, metadata asserted); its length.
 */
size_t sframe_frame_aad(struct bytes header, struct bytes metadata,
			uint8_t aad[SFRAME_HEADER_LEN_MAX + SFRAME_METADATA_LEN_MAX]);

#endif
