/* SPDX-License-Identifier: Apache-2.0 */
/* What stands inside conversations, inboxes, the porch and the rows of a phone: the first byte chooses a structure. */
#include <stddef.h>
#include <stdint.h>

#include "fuzz/round_trip.h"
#include "talk/schema_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] < 128)
		round_trip(talk_types[data[0] % talk_type_count], BYTES(data + 1, size - 1));
	else if (size > 0)
		round_trip(talk_kept_types[data[0] % 128 % talk_kept_type_count],
			   BYTES(data + 1, size - 1));
	return 0;
}
