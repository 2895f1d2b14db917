/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA signatures: what the strict DER parser takes has one encoding, which is the input. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "crypto/der.h"

#define LEN_MAX 66

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t lens[] = {32, 48, LEN_MAX};

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		uint8_t r[LEN_MAX], s[LEN_MAX], again[2 * LEN_MAX + 9];
		size_t len;

		if (der_get_signature(BYTES(data, size), lens[i], r, s) != SOTTO_OK)
			continue;
		len = der_put_signature(r, s, lens[i], again);
		ASSERT(bytes_equal(BYTES(again, len), BYTES(data, size)));
	}
	return 0;
}
