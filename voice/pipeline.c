/* SPDX-License-Identifier: Apache-2.0 */
/* Sender, receivers and the sum of what they say. */
#include "voice/pipeline.h"

#include <string.h>

#include "base/assert.h"
#include "voice/level.h"
#include "voice/receiver.h"
#include "voice/sender.h"

struct voice_pipeline {
	const struct allocator *allocator;
	struct voice_sender sender;
	struct voice_receiver receivers[VOICE_SPEAKERS_MAX];
	struct voice_level capture_level;
	struct voice_level playout_level;
};

enum sotto_err voice_pipeline_create(const struct allocator *allocator, struct voice_pipeline **out)
{
	struct voice_pipeline *pipeline = allocator_take_zeroed(allocator, 1, sizeof(*pipeline));
	enum sotto_err err;

	if (pipeline == NULL)
		return SOTTO_ERR_NO_MEMORY;
	pipeline->allocator = allocator;
	TRY(voice_sender_init(&pipeline->sender, allocator));
	for (unsigned i = 0; i < VOICE_SPEAKERS_MAX; i++)
		TRY(voice_receiver_init(&pipeline->receivers[i], allocator));
	*out = pipeline;
	return SOTTO_OK;
out:
	voice_pipeline_destroy(pipeline);
	return err;
}

void voice_pipeline_destroy(struct voice_pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	voice_sender_finish(&pipeline->sender);
	for (unsigned i = 0; i < VOICE_SPEAKERS_MAX; i++)
		voice_receiver_finish(&pipeline->receivers[i]);
	allocator_wipe(pipeline->allocator, pipeline, sizeof(*pipeline));
}

void voice_pipeline_put_capture(struct voice_pipeline *pipeline, const int16_t *samples,
				size_t count)
{
	voice_level_put(&pipeline->capture_level, samples, count);
	voice_sender_put(&pipeline->sender, samples, count);
}

void voice_pipeline_set_muted(struct voice_pipeline *pipeline, bool muted)
{
	pipeline->sender.muted = muted;
}

void voice_pipeline_get_packet(struct voice_pipeline *pipeline, uint8_t out[VOICE_PACKET_LEN])
{
	unsigned worst = 0;

	for (unsigned i = 0; i < VOICE_SPEAKERS_MAX; i++) {
		unsigned loss = voice_receiver_loss_percent(&pipeline->receivers[i]);

		if (loss > worst)
			worst = loss;
	}
	out[0] = (uint8_t)worst;
	voice_sender_get(&pipeline->sender, out + 1);
}

/* The worst that any listener says. */
static unsigned told_loss(const struct voice_pipeline *pipeline)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < VOICE_SPEAKERS_MAX; i++)
		if (pipeline->receivers[i].told_loss_percent > worst)
			worst = pipeline->receivers[i].told_loss_percent;
	return worst;
}

void voice_pipeline_put_packet(struct voice_pipeline *pipeline, unsigned speaker, uint32_t stream,
			       uint64_t number, struct bytes packet, uint64_t now_ns)
{
	struct voice_receiver *receiver;

	ASSERT(speaker < VOICE_SPEAKERS_MAX);
	receiver = &pipeline->receivers[speaker];
	if (packet.len != VOICE_PACKET_LEN) {
		receiver->counts.invalid++;
		return;
	}
	receiver->told_loss_percent = packet.data[0];
	voice_sender_set_loss(&pipeline->sender, told_loss(pipeline));
	voice_receiver_put(receiver, stream, number, packet.data + 1, now_ns);
}

void voice_pipeline_reset_speaker(struct voice_pipeline *pipeline, unsigned speaker)
{
	ASSERT(speaker < VOICE_SPEAKERS_MAX);
	voice_receiver_reset(&pipeline->receivers[speaker]);
}

static int16_t saturate(int32_t value)
{
	if (value > INT16_MAX)
		return INT16_MAX;
	return value < INT16_MIN ? INT16_MIN : (int16_t)value;
}

/* At most a frame at a time. */
static void mix(struct voice_pipeline *pipeline, int16_t *samples, size_t count, uint64_t now_ns)
{
	int32_t sum[VOICE_FRAME_SAMPLES] = {0};
	int16_t one[VOICE_FRAME_SAMPLES];

	for (unsigned i = 0; i < VOICE_SPEAKERS_MAX; i++) {
		if (!pipeline->receivers[i].started)
			continue;
		voice_receiver_get(&pipeline->receivers[i], one, count, now_ns);
		for (size_t j = 0; j < count; j++)
			sum[j] += one[j];
	}
	for (size_t j = 0; j < count; j++)
		samples[j] = saturate(sum[j]);
}

void voice_pipeline_get_playout(struct voice_pipeline *pipeline, int16_t *samples, size_t count,
				uint64_t now_ns)
{
	while (count > 0) {
		size_t part = count < VOICE_FRAME_SAMPLES ? count : VOICE_FRAME_SAMPLES;

		mix(pipeline, samples, part, now_ns);
		voice_level_put(&pipeline->playout_level, samples, part);
		samples += part;
		count -= part;
		now_ns += part * 1000000000 / VOICE_RATE;
	}
}

unsigned voice_pipeline_capture_level(const struct voice_pipeline *pipeline)
{
	return voice_level_get(&pipeline->capture_level);
}

unsigned voice_pipeline_playout_level(const struct voice_pipeline *pipeline)
{
	return voice_level_get(&pipeline->playout_level);
}

static uint32_t whole_ms(int64_t ns)
{
	return ns > 0 ? (uint32_t)(ns / 1000000) : 0;
}

static void add_counts(struct voice_stats *stats, const struct voice_receiver_counts *counts)
{
	stats->packets_received += counts->received;
	stats->packets_lost += counts->lost;
	stats->packets_late += counts->late;
	stats->packets_invalid += counts->invalid;
	stats->packets_played += counts->played;
	stats->concealed_ms += counts->concealed_samples / VOICE_SAMPLES(1);
	stats->recovered_ms += counts->recovered_samples / VOICE_SAMPLES(1);
	if (counts->first_packet_ns != 0 &&
	    (stats->first_packet_ns == 0 || counts->first_packet_ns < stats->first_packet_ns))
		stats->first_packet_ns = counts->first_packet_ns;
}

void voice_pipeline_get_stats(const struct voice_pipeline *pipeline, struct voice_stats *stats)
{
	struct voice_late late = {0};
	unsigned lookahead = voice_encoder_lookahead(pipeline->sender.encoder);

	*stats = (struct voice_stats){
		.packets_sent = pipeline->sender.sent,
		.capture_ms = voice_sender_capture_ms(&pipeline->sender),
		.encode_ms = lookahead / VOICE_SAMPLES(1),
	};
	for (unsigned i = 0; i < VOICE_SPEAKERS_MAX; i++) {
		const struct voice_receiver *receiver = &pipeline->receivers[i];

		add_counts(stats, &receiver->counts);
		voice_late_add(&late, &receiver->late);
		if (receiver->counts.last_packet_ns <= stats->last_packet_ns)
			continue;
		stats->last_packet_ns = receiver->counts.last_packet_ns;
		stats->jitter_ms = whole_ms(voice_delay_jitter_ns(&receiver->delay));
		stats->target_ms = whole_ms(voice_receiver_target_ns(receiver));
		stats->jitter_buffer_ms = whole_ms(receiver->counts.buffered_ns);
	}
	stats->late_ms_p99 = voice_late_p99(&late);
}
