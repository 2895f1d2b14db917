/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay or another member of the room can hand to a voice process in a call: it is heard at most
 * once, and only if it is the one frame that was sealed (seeds/voice_datagram/sealed).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "tests/phone/voice_stubs.h"

#define PAYLOAD_LEN 160
#define KID	    UINT64_C(0x1122334455667705)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(struct voice_process *process, uint64_t kid)
{
	struct wire_voice_start message = {
		.epoch = 5, .kid = kid, .room = 1, .payload_len = PAYLOAD_LEN};

	memset(process, 0, sizeof(*process));
	memset(message.base_key, 9, sizeof(message.base_key));
	voice_process_start(process, &message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct voice_process sender;
	static struct voice_process receiver;
	struct wire_voice_sender announced = {.kid = KID, .slot = 7, .slot_known = 1};

	start(&sender, KID);
	start(&receiver, UINT64_C(0x8899aabbccddee05));
	voice_process_add_peer(&receiver, &announced);
	voice_process_send_frame(&sender, 1000000);
	memset(&voice_stubs.heard, 0, sizeof(voice_stubs.heard));
	for (int i = 0; i < 2; i++)
		voice_process_take_datagram(&receiver, BYTES(data, size), 2000000);
	if (voice_stubs.heard > 0) {
		ASSERT(voice_stubs.heard == 1 && size == voice_stubs.datagram_len);
		/* The relay writes index and slot; the rest is the sender's. */
		ASSERT(memcmp(data + WIRE_DATAGRAM_HEADER_LEN,
			      voice_stubs.datagram + WIRE_DATAGRAM_HEADER_LEN, PAYLOAD_LEN) == 0);
	}
	voice_process_wipe(&receiver);
	voice_process_wipe(&sender);
	return 0;
}
