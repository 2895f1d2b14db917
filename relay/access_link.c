/* SPDX-License-Identifier: Apache-2.0 */
/* The access state seen from the link: which keys open one, and what a proof of possession is. */
#include <string.h>

#include "relay/access.h"

static void set_key(struct link_key *key, enum link_key_kind kind, uint64_t number,
		    const uint8_t *secret)
{
	key->kind = kind;
	key->number = number;
	memcpy(key->secret, secret, LINK_SECRET_LEN);
}

bool relay_access_proves(const struct relay_access *access, const struct wire_key_prove *prove,
			 const uint8_t exporter[LINK_EXPORTER_LEN])
{
	const struct wire_access_key *newest = &access->keys[0];
	uint8_t mac[WIRE_MAC_LEN];

	if (access->key_count == 0 || prove->number != newest->number)
		return false;
	wire_key_possession(newest->number, newest->secret, exporter, mac);
	return bytes_equal_ct(mac, prove->mac, sizeof(mac));
}

void relay_access_link_keys(const struct relay_access *access,
			    struct link_key live[LINK_KEYS_LIVE_MAX], size_t *live_count,
			    struct link_key past[LINK_KEYS_PAST_MAX], size_t *past_count)
{
	*past_count = 0;
	if (!relay_access_founded(access)) {
		set_key(&live[0], LINK_KEY_CLAIM, 0, access->claim);
		*live_count = 1;
		return;
	}
	set_key(&live[0], LINK_KEY_ACCESS, access->keys[0].number, access->keys[0].secret);
	set_key(&live[1], LINK_KEY_PORCH, access->porch_number, access->porch_key);
	*live_count = 2;
	for (size_t i = 1; i < access->key_count && *past_count < LINK_KEYS_PAST_MAX; i++)
		set_key(&past[(*past_count)++], LINK_KEY_ACCESS, access->keys[i].number,
			access->keys[i].secret);
}
