/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole sound path of one phone in a call, without a device, a socket or a clock:
 *
 *	microphone -> put_capture -> beat -> Opus -> get_packet -> SFrame, network
 *	network, SFrame -> put_packet -> jitter buffer -> Opus -> stretch -> mix -> get_playout ->
 *speaker (one row for each speaker of the call)
 *
 * How a program uses it: with each 20 ms of its own clock it calls get_packet and sends what it
 *gets; what a frame opened to goes to put_packet as it arrives, with the SFrame counter as its
 *number; whenever the sound device wants samples it calls get_playout for exactly so many.
 *
 * One thread at a time. Memory is taken when it is created; after that nothing here allocates,
 *locks, logs or fails, so it may run on the audio path.
 */
#ifndef VOICE_PIPELINE_H
#define VOICE_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "voice/format.h"

/* People heard at the same time in a group call; each costs a decoder of about 50 KiB. */
#define VOICE_SPEAKERS_MAX 8

/* What happened so far. Milliseconds are rounded down. */
struct voice_stats {
	uint64_t packets_sent;	   /* by get_packet */
	uint64_t packets_received; /* by put_packet, without duplicates */
	uint64_t packets_lost;	   /* their time passed without them, and they never came */
	uint64_t packets_late;	   /* came when their time had passed */
	uint64_t packets_invalid;  /* Opus refused them */
	uint64_t
		packets_played; /* decoded; before the first one jitter_buffer_ms is not measured */
	uint64_t concealed_ms;	/* played without a packet: from the next one's copy, or made up */
	uint64_t recovered_ms;	/* the part of concealed_ms that came from the next packet's copy */
	uint32_t late_ms_p99;	/* arrival after the playout time it was meant for; 0 if in time */
	uint32_t jitter_ms;	/* as measured over the last 1.5 s */
	uint32_t target_ms;	/* what the jitter buffer aims at */
	uint32_t capture_ms;	/* mean age of the oldest sample when its frame is encoded */
	uint32_t encode_ms;	/* the encoder's look-ahead */
	uint32_t jitter_buffer_ms; /* from arrival to decoding, mean of the last second */
	uint64_t first_packet_ns;  /* when the first packet came; 0: none yet */
	uint64_t last_packet_ns;   /* when the newest came */
};

struct voice_pipeline;

/* SOTTO_ERR_NO_MEMORY. The allocator must outlive the pipeline. */
MUST_USE enum sotto_err voice_pipeline_create(const struct allocator *allocator,
					      struct voice_pipeline **out);

/* Wipes the sound that is still in it. NULL is fine. */
void voice_pipeline_destroy(struct voice_pipeline *pipeline);

/* Sound from the microphone, any count. What is more than 200 ms ahead of get_packet is dropped. */
void voice_pipeline_put_capture(struct voice_pipeline *pipeline, const int16_t *samples,
				size_t count);

/* While muted, packets carry silence and look the same. */
void voice_pipeline_set_muted(struct voice_pipeline *pipeline, bool muted);

/*
 * The next 20 ms as a packet, of silence if the microphone gave nothing. The caller's clock makes
 * the beat, not the microphone's: where the two drift apart, a few milliseconds of a quiet spot are
 * left out or repeated.
 */
void voice_pipeline_get_packet(struct voice_pipeline *pipeline, uint8_t out[VOICE_PACKET_LEN]);

/*
 * A packet (voice/format.h) from speaker (0 to VOICE_SPEAKERS_MAX - 1, asserted). number counts this speaker's
 * frames: the SFrame counter. stream says in which run of counters (the first KID of a speaker is
 * stream 0, the next one 1): a higher stream goes on where the one before it ended. What is not
 * VOICE_PACKET_LEN bytes counts as invalid. Copies the packet.
 */
void voice_pipeline_put_packet(struct voice_pipeline *pipeline, unsigned speaker, uint32_t stream,
			       uint64_t number, struct bytes packet, uint64_t now_ns);

/* Somebody left: drops what is buffered of this speaker and frees the place. */
void voice_pipeline_reset_speaker(struct voice_pipeline *pipeline, unsigned speaker);

/*
 * The next count samples for the loudspeaker; silence where there is nothing. now_ns is when the
 * caller asks (not when it will be heard).
 */
void voice_pipeline_get_playout(struct voice_pipeline *pipeline, int16_t *samples, size_t count,
				uint64_t now_ns);

/* Loudness of the last 100 ms, in dB below full scale times -1: 0 loudest, 96 silence. */
unsigned voice_pipeline_capture_level(const struct voice_pipeline *pipeline);
unsigned voice_pipeline_playout_level(const struct voice_pipeline *pipeline);

/* Over all speakers: counts are sums; delays are of the speaker who sent last. */
void voice_pipeline_get_stats(const struct voice_pipeline *pipeline, struct voice_stats *stats);

#endif
