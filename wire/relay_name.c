/* SPDX-License-Identifier: Apache-2.0 */
/* HOST:PORT#KEY. */
#include "wire/relay_name.h"

#include <string.h>

#include "crypto/armour.h"

void wire_relay_name_put(const struct wire_relay_name *name, struct writer *text)
{
	uint8_t both[2 * WIRE_KEY_LEN];

	memcpy(both, name->key, WIRE_KEY_LEN);
	memcpy(both + WIRE_KEY_LEN, name->claim, WIRE_KEY_LEN);
	writer_put_bytes(text, name->address);
	writer_put_u8(text, '#');
	armour_put(BYTES(both, name->has_claim ? sizeof(both) : WIRE_KEY_LEN), text);
	bytes_wipe(both, sizeof(both));
}

enum sotto_err wire_relay_name_get(struct bytes text, struct wire_relay_name *name)
{
	uint8_t both[2 * WIRE_KEY_LEN + ARMOUR_CHECK_LEN];
	const uint8_t *mark = text.len > 0 ? memchr(text.data, '#', text.len) : NULL;
	enum sotto_err err;
	size_t address_len;
	size_t len = 0;

	if (mark == NULL)
		return SOTTO_ERR_FORMAT;
	address_len = (size_t)(mark - text.data);
	if (address_len == 0 || address_len > WIRE_RELAY_ADDRESS_MAX)
		return SOTTO_ERR_FORMAT;
	err = armour_get(BYTES(mark + 1, text.len - address_len - 1), both, sizeof(both), &len);
	if (err == SOTTO_ERR_LIMIT ||
	    (err == SOTTO_OK && len != WIRE_KEY_LEN && len != sizeof(name->key) * 2))
		err = SOTTO_ERR_FORMAT;
	if (err != SOTTO_OK)
		goto out;
	memset(name, 0, sizeof(*name));
	name->address = BYTES(text.data, address_len);
	memcpy(name->key, both, WIRE_KEY_LEN);
	name->has_claim = len > WIRE_KEY_LEN;
	if (name->has_claim)
		memcpy(name->claim, both + WIRE_KEY_LEN, WIRE_KEY_LEN);
out:
	bytes_wipe(both, sizeof(both));
	return err;
}
