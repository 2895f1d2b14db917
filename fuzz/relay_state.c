/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's small file: as it is, and sealed with the right key, so that what lies behind the seal is reached
 * too. Nothing opens that was not sealed; what opens encodes to the same bytes.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "relay/access.h"
#include "relay/state.h"

#define VERSION 1
#define NONCE	24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[WIRE_KEY_LEN] = {7};

static void open_sealed(struct bytes plain)
{
	static uint8_t file[RELAY_STATE_LEN_MAX + AEAD_TAG_LEN];
	static uint8_t buffer[RELAY_STATE_LEN_MAX];
	struct wire_relay_state state;
	struct relay_access access;
	struct writer again;

	file[0] = VERSION;
	aead_seal(AEAD_XCHACHA20POLY1305, BYTES_OF(key), BYTES(file + 1, NONCE),
		  BYTES_TEXT("sotto relay state 1"), plain, file + 1 + NONCE);
	if (relay_state_open(key, BYTES(file, 1 + NONCE + plain.len + AEAD_TAG_LEN), buffer,
			     &state) != SOTTO_OK)
		return;
	writer_init_growing(&again, &allocator_default);
	ASSERT(wire_relay_state_encode(&state, &again) == SOTTO_OK);
	ASSERT(bytes_equal(writer_bytes(&again), plain));
	writer_release(&again);
	if (relay_access_decode(state.access, &access) == SOTTO_OK)
		relay_access_wipe(&access);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buffer[RELAY_STATE_LEN_MAX];
	struct wire_relay_state state;

	ASSERT(relay_state_open(key, BYTES(data, size), buffer, &state) != SOTTO_OK);
	if (size <= RELAY_STATE_LEN_MAX - 1 - NONCE - AEAD_TAG_LEN)
		open_sealed(BYTES(data, size));
	return 0;
}
