/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's saved access state: what is read back must be what would be saved again. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "relay/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay_access access;
	struct writer writer;

	if (relay_access_decode(BYTES(data, size), &access) != SOTTO_OK)
		return 0;
	writer_init_growing(&writer, &allocator_default);
	ASSERT(relay_access_encode(&access, &writer) == SOTTO_OK);
	ASSERT(bytes_equal(writer_bytes(&writer), BYTES(data, size)));
	writer_release(&writer);
	relay_access_expire(&access, UINT64_MAX / 2);
	ASSERT(access.key_count <= 1);
	relay_access_wipe(&access);
	return 0;
}
