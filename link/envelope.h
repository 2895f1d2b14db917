/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope around every QUIC packet:
 *
 *   packet | padding | u16 length of the packet, masked       together exactly 1,232 bytes, or small
 *
 * mask = HMAC-SHA256(key, the 16 bytes before the length)[0..2]. Those bytes are ciphertext or padding
 * and do not repeat, as with QUIC's header protection (RFC 9001 5.4). The padding is a ChaCha20 stream
 * under a key of this engine's own: nobody has to reproduce it, it only has to look like the rest.
 */
#ifndef LINK_ENVELOPE_H
#define LINK_ENVELOPE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "link/link.h"
#include "link/secrets.h"

#define ENVELOPE_OVERHEAD   2
#define ENVELOPE_SAMPLE_LEN 16

/* The shortest QUIC packet: first byte, 8 of connection id, packet number and payload 4, tag 16. */
#define ENVELOPE_PACKET_MIN 29

/* Where padding comes from; one for each engine. Inside an engine only, so not atomic. */
struct envelope_padding {
	uint8_t key[32];
	uint64_t counter;
};

MUST_USE enum sotto_err envelope_padding_init(struct envelope_padding *padding,
					      const struct random_source *random);

/*
 * payload has total bytes, of which the first packet_len hold the packet (at most total -
 * ENVELOPE_OVERHEAD, asserted). The rest is filled.
 */
void envelope_seal(const struct link_secrets *secrets, struct envelope_padding *padding,
		   uint8_t *payload, size_t packet_len, size_t total);

/* The packet inside, borrowed from payload. VERIFY: not sealed with this key, or not an envelope. */
MUST_USE enum sotto_err envelope_open(const struct link_secrets *secrets, struct bytes payload,
				      struct bytes *packet);

#endif
