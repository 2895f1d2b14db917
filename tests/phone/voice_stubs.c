/* SPDX-License-Identifier: Apache-2.0 */
/* No sound, no channels: the last of everything is kept. */
#include "tests/phone/voice_stubs.h"

#include <string.h>

#include "base/assert.h"

struct voice_stubs voice_stubs;

enum sotto_err os_ipc_send(struct os_ipc *ipc, struct bytes message, const int *descriptors,
			   size_t descriptors_count)
{
	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	ASSERT(message.len <= sizeof(voice_stubs.datagram));
	memcpy(voice_stubs.datagram, message.data, message.len);
	voice_stubs.datagram_len = message.len;
	voice_stubs.sent++;
	return SOTTO_OK;
}

size_t os_ipc_queued(const struct os_ipc *ipc)
{
	(void)ipc;
	return 0;
}

void voice_pipeline_get_packet(struct voice_pipeline *pipeline, uint8_t out[VOICE_PACKET_LEN])
{
	(void)pipeline;
	memset(out, 0x5a, VOICE_PACKET_LEN);
}

void voice_pipeline_put_packet(struct voice_pipeline *pipeline, unsigned speaker, uint32_t stream,
			       uint64_t number, struct bytes packet, uint64_t now_ns)
{
	(void)pipeline;
	(void)now_ns;
	ASSERT(speaker < VOICE_SPEAKERS_MAX);
	voice_stubs.heard++;
	voice_stubs.speaker = speaker;
	voice_stubs.stream = stream;
	voice_stubs.number = number;
	if (packet.len == VOICE_PACKET_LEN)
		memcpy(voice_stubs.packet, packet.data, packet.len);
}

void voice_process_tell(struct voice_process *process, const struct wire_type *type,
			const void *message)
{
	(void)process;
	if (type != &wire_voice_checked_type)
		return;
	voice_stubs.told++;
	voice_stubs.equal = ((const struct wire_voice_checked *)message)->equal != 0;
}
