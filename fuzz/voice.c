/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer who holds the keys and sends anything at any time. The input is a list of events: a byte that
 * says which, then what it needs. Playing must go on, and its delay must stay bounded.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "voice/pipeline.h"

#define EVENTS_MAX 100
#define SPEAKERS   2
#define HEAD_LEN   6 /* of each packet; the rest is zeros */

/* One for all inputs, as making nine Opus states takes most of the time. */
static struct voice_pipeline *pipeline;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void packet_event(struct reader *reader, uint64_t now_ns)
{
	uint8_t kind = reader_get_u8(reader);
	uint32_t stream = kind & 3;
	uint64_t counter = (kind & 4) != 0 ? reader_get_u64(reader) : reader_get_u8(reader);
	uint8_t packet[VOICE_PACKET_LEN] = {0};
	size_t len = reader_left(reader) < HEAD_LEN ? reader_left(reader) : HEAD_LEN;

	reader_get_array(reader, packet, len);
	voice_pipeline_put_packet(pipeline, (kind >> 3) % SPEAKERS, stream, counter,
				  BYTES(packet, (kind & 0x40) != 0 ? len : sizeof(packet)), now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int16_t samples[VOICE_FRAME_SAMPLES];
	struct voice_stats stats;
	struct reader reader;
	uint64_t now_ns = 1;

	if (pipeline == NULL && voice_pipeline_create(&allocator_default, &pipeline) != SOTTO_OK)
		return 0;
	for (unsigned speaker = 0; speaker < SPEAKERS; speaker++)
		voice_pipeline_reset_speaker(pipeline, speaker);
	reader_init(&reader, BYTES(data, size));
	for (unsigned i = 0; i < EVENTS_MAX && reader_more(&reader); i++) {
		uint8_t event = reader_get_u8(&reader);

		if ((event & 1) != 0)
			packet_event(&reader, now_ns);
		else
			voice_pipeline_get_playout(pipeline, samples, event * 3u, now_ns);
		now_ns += (uint64_t)(event & 0x1e) * 1000000;
		if (event == 0xfe)
			voice_pipeline_reset_speaker(pipeline, 0);
	}
	voice_pipeline_get_stats(pipeline, &stats);
	ASSERT(stats.jitter_ms <= 300 && stats.target_ms <= 360);
	return 0;
}
