/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever opens lies within the payload; whatever was sealed opens as it was. */
#include <string.h>

#include "base/assert.h"
#include "link/envelope.h"
#include "link/quic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_key key = {.kind = LINK_KEY_ACCESS, .number = 1};
	struct envelope_padding padding = {.counter = size};
	struct link_secrets secrets;
	struct quic_header header;
	struct quic_initial initial;
	struct bytes packet;
	uint8_t payload[LINK_FULL_LEN] = {0};

	link_secrets_derive(&key, &secrets);
	(void)!quic_peek(BYTES(data, size), &header);
	if (envelope_open(&secrets, BYTES(data, size), &packet) == SOTTO_OK) {
		ASSERT(packet.data == data && packet.len + ENVELOPE_OVERHEAD <= size);
		(void)!quic_peek_initial(packet, &initial);
	}
	if (size < ENVELOPE_PACKET_MIN || size > LINK_FULL_LEN - ENVELOPE_OVERHEAD)
		return 0;
	memcpy(payload, data, size);
	envelope_seal(&secrets, &padding, payload, size, LINK_FULL_LEN);
	ASSERT(envelope_open(&secrets, BYTES_OF(payload), &packet) == SOTTO_OK);
	ASSERT(packet.len == size && memcmp(packet.data, data, size) == 0);
	(void)!quic_peek_initial(packet, &initial);
	return 0;
}
