/* SPDX-License-Identifier: Apache-2.0 */
/* Call messages: what decodes encodes to the same bytes, but for an unknown reason to end. */
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "call/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t wire[CALL_MESSAGE_LEN_MAX];
	struct call_message message;
	size_t len;

	if (call_message_decode(BYTES(data, size), &message) != SOTTO_OK)
		return 0;
	len = call_message_encode(&message, wire);
	ASSERT(len == size);
	ASSERT(message.type == CALL_MESSAGE_END || memcmp(wire, data, size) == 0);
	return 0;
}
