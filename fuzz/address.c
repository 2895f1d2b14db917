/* SPDX-License-Identifier: Apache-2.0 */
/* HOST:PORT as people and cards write it: what parses is written in one way, which parses to the
 * same. */
#include <string.h>

#include "base/assert.h"
#include "os/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];
	char formatted[OS_ADDRESS_TEXT_LEN];
	struct os_address address;
	struct os_address again;

	if (size >= sizeof(text))
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (os_address_parse(text, &address) != SOTTO_OK)
		return 0;
	os_address_format(&address, formatted);
	ASSERT(os_address_parse(formatted, &again) == SOTTO_OK);
	ASSERT(os_address_equal(&address, &again));
	return 0;
}
