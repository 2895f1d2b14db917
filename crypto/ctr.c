/* SPDX-License-Identifier: Apache-2.0 */
/* AES-CTR by nettle. */
#include "crypto/ctr.h"

#include <nettle/ctr.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/aes.h"

void ctr_xor(struct bytes key, struct bytes counter, struct bytes input, uint8_t *out)
{
	uint8_t block[CTR_BLOCK_LEN];
	struct aes_key aes;

	ASSERT(counter.len == CTR_BLOCK_LEN);
	memcpy(block, counter.data, CTR_BLOCK_LEN);
	aes_key_init(&aes, key);
	nettle_ctr_crypt(&aes.schedule, aes.encrypt, CTR_BLOCK_LEN, block, input.len, out,
			 input.data);
	bytes_wipe(&aes, sizeof(aes));
}
