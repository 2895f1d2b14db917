/* SPDX-License-Identifier: Apache-2.0 */
/* A relay's name that reads writes itself again, but for case and white space. */
#include <stdint.h>

#include "base/assert.h"
#include "base/writer.h"
#include "wire/relay_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t text[WIRE_RELAY_ADDRESS_MAX + 256];
	struct wire_relay_name name;
	struct wire_relay_name again;
	struct writer writer;

	if (wire_relay_name_get(BYTES(data, size), &name) != SOTTO_OK)
		return 0;
	writer_init_fixed(&writer, text, sizeof(text));
	wire_relay_name_put(&name, &writer);
	ASSERT(writer_finish(&writer) == SOTTO_OK);
	ASSERT(wire_relay_name_get(writer_bytes(&writer), &again) == SOTTO_OK);
	ASSERT(bytes_equal(name.address, again.address) && name.has_claim == again.has_claim);
	return 0;
}
