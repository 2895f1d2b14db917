/* SPDX-License-Identifier: Apache-2.0 */
/* The access state as it is saved. What is read back must obey every rule that a change obeys. */
#include <string.h>

#include "relay/access.h"
#include "relay/limits.h"

enum sotto_err relay_access_encode(const struct relay_access *access, struct writer *writer)
{
	struct wire_access_state state = {
		.generation = access->generation,
		.threshold = access->threshold,
		.admins_serial = access->admins_serial,
		.admins = {.items = access->admins, .count = access->admin_count},
		.keys = {.items = access->keys, .count = access->key_count},
		.porch_number = access->porch_number,
	};
	enum sotto_err err;

	memcpy(state.claim, access->claim, sizeof(state.claim));
	memcpy(state.network, access->network, sizeof(state.network));
	memcpy(state.porch_key, access->porch_key, sizeof(state.porch_key));
	memcpy(state.porch_drop, access->porch_drop, sizeof(state.porch_drop));
	err = wire_access_state_encode(&state, writer);
	bytes_wipe(&state, sizeof(state));
	return err;
}

static bool state_valid(const struct relay_access *access)
{
	static const uint8_t zeros[WIRE_KEY_LEN];

	if (access->generation == 0)
		return false;
	if (access->threshold == 0)
		return access->admin_count == 0 && access->key_count == 0 &&
		       memcmp(access->claim, zeros, sizeof(zeros)) != 0;
	if (access->threshold > access->admin_count || access->key_count == 0 ||
	    memcmp(access->claim, zeros, sizeof(zeros)) != 0)
		return false;
	for (size_t i = 0; i < access->key_count; i++) {
		if ((access->keys[i].replaced_ms == 0) != (i == 0) ||
		    access->keys[i].replaced_ms > RELAY_UTC_MS_MAX)
			return false;
		if (i > 0 && access->keys[i].number + 1 != access->keys[i - 1].number)
			return false;
	}
	return true;
}

enum sotto_err relay_access_decode(struct bytes bytes, struct relay_access *access)
{
	struct relay_access read = {0};
	struct wire_access_state state;
	struct wire_cursor cursor;
	enum sotto_err err = SOTTO_ERR_CORRUPT;

	if (wire_access_state_decode(bytes, &state) != SOTTO_OK)
		return SOTTO_ERR_CORRUPT;
	read.generation = state.generation;
	memcpy(read.claim, state.claim, sizeof(read.claim));
	memcpy(read.network, state.network, sizeof(read.network));
	read.threshold = state.threshold;
	read.admins_serial = state.admins_serial;
	cursor = wire_list_walk(&state.admins);
	while (wire_admin_key_next(&cursor, &read.admins[read.admin_count]))
		if (++read.admin_count == WIRE_ADMINS_MAX)
			break;
	cursor = wire_list_walk(&state.keys);
	while (wire_access_key_next(&cursor, &read.keys[read.key_count]))
		if (++read.key_count == WIRE_ACCESS_KEYS_MAX)
			break;
	read.porch_number = state.porch_number;
	memcpy(read.porch_key, state.porch_key, sizeof(read.porch_key));
	memcpy(read.porch_drop, state.porch_drop, sizeof(read.porch_drop));
	if (state_valid(&read)) {
		*access = read;
		err = SOTTO_OK;
	}
	relay_access_wipe(&read);
	bytes_wipe(&state, sizeof(state));
	return err;
}
