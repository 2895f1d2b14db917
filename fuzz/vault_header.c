/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a vault: a slot of the key file, as it is and with its checksum made right, so that what
 * lies behind the checksum is reached too. What decodes encodes to the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "vault/slot.h"

#define CONTENT_LEN (VAULT_SLOT_LEN - 32)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_slot(const uint8_t *bytes, size_t len)
{
	uint8_t again[VAULT_SLOT_LEN];
	struct vault_slot slot;
	enum sotto_err err = vault_slot_decode(BYTES(bytes, len), &slot);

	ASSERT(err == SOTTO_OK || err == SOTTO_ERR_NOT_FOUND || err == SOTTO_ERR_CORRUPT ||
	       err == SOTTO_ERR_VERSION);
	if (err != SOTTO_OK)
		return;
	vault_slot_encode(&slot, again);
	ASSERT(len == VAULT_SLOT_LEN && memcmp(again, bytes, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[VAULT_SLOT_LEN] = {0};

	try_slot(data, size);
	memcpy(bytes, data, size < CONTENT_LEN ? size : CONTENT_LEN);
	hash_digest(HASH_SHA256, BYTES(bytes, CONTENT_LEN), bytes + CONTENT_LEN);
	try_slot(bytes, sizeof(bytes));
	return 0;
}
