/* SPDX-License-Identifier: Apache-2.0 */
/* What phone/voice_frames.c gives to the rest of its process, noted instead of done. */
#ifndef TESTS_PHONE_VOICE_STUBS_H
#define TESTS_PHONE_VOICE_STUBS_H

#include "phone/voice_process.h"

struct voice_stubs {
	size_t sent; /* datagrams to the link */
	uint8_t datagram[WIRE_DATAGRAM_HEADER_LEN + WIRE_DATAGRAM_PAYLOAD_MAX];
	size_t datagram_len;
	size_t heard; /* packets to the pipeline */
	unsigned speaker;
	uint32_t stream;
	uint64_t number;
	uint8_t packet[VOICE_PACKET_LEN];
	size_t told; /* words to the agent */
	bool equal;
};

extern struct voice_stubs voice_stubs;

#endif
