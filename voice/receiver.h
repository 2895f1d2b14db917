/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One speaker as heard here: packets in as the network brings them, sound out as the loudspeaker
 *takes it.
 *
 *	put -> store --(number)--> decode, recover or conceal -> stretch -> fifo -> get
 *	 |                              ^                           ^
 *	 +-> delay: when each is due ---+---- too early, too late --+
 *
 * Frame n is due at n * 20 ms + point (voice/delay.h). What is missing when it is needed was either
 *lost, which shows when a later packet is there, or is late: then concealment holds its place, and
 *whether that time is taken off again depends on whether it comes.
 */
#ifndef VOICE_RECEIVER_H
#define VOICE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"
#include "voice/decoder.h"
#include "voice/delay.h"
#include "voice/fifo.h"
#include "voice/late.h"
#include "voice/lossy.h"
#include "voice/store.h"
#include "voice/stretch.h"

/* What pipeline.h calls voice_stats, of one speaker. */
struct voice_receiver_counts {
	uint64_t received;
	uint64_t lost;
	uint64_t late;
	uint64_t invalid;
	uint64_t played;
	uint64_t concealed_samples;
	uint64_t recovered_samples;
	uint64_t first_packet_ns;
	uint64_t last_packet_ns;
	int64_t buffered_ns; /* running mean, from arrival to decoding */
};

struct voice_receiver {
	struct voice_decoder *decoder;
	struct voice_delay delay;
	struct voice_store store;
	struct voice_fifo fifo;
	struct voice_late late;
	struct voice_receiver_counts counts;

	uint8_t told_loss_percent; /* what this speaker misses of what we send */

	/* Numbers: a stream's counter plus its base is the number of a frame here. */
	bool started; /* a packet came */
	bool playing; /* a frame was decoded */
	uint32_t stream;
	uint64_t base;
	uint64_t previous_base;
	uint64_t newest;
	uint64_t next; /* the frame to decode next; the store holds none before it */

	uint64_t next_due_ns;	 /* when the frame before next was begun, plus 20 ms */
	size_t held_samples;	 /* concealed while waiting for next */
	int64_t block_ns;	 /* how much get asks for at once */
	uint32_t loss_per_65536; /* running mean */
	bool lossy;		 /* wait one frame more, for copies */

	int16_t work[VOICE_STRETCH_MAX +
		     VOICE_FRAME_SAMPLES]; /* what was played last, then a frame */
};

/* SOTTO_ERR_NO_MEMORY. In the caller's memory but for the decoder. */
MUST_USE enum sotto_err voice_receiver_init(struct voice_receiver *receiver,
					    const struct allocator *allocator);
/* Wipes. NULL is fine. */
void voice_receiver_finish(struct voice_receiver *receiver);

/* Forgets the speaker, keeps the decoder. */
void voice_receiver_reset(struct voice_receiver *receiver);

/* opus: VOICE_OPUS_LEN bytes. See voice_pipeline_put_packet. */
void voice_receiver_put(struct voice_receiver *receiver, uint32_t stream, uint64_t counter,
			const uint8_t *opus, uint64_t now_ns);

/* Exactly count samples; silence before the first packet's time. */
void voice_receiver_get(struct voice_receiver *receiver, int16_t *samples, size_t count,
			uint64_t now_ns);

/* What the buffer aims at: from a packet that came as fast as any to its decoding. */
int64_t voice_receiver_target_ns(const struct voice_receiver *receiver);

/* Of the last seconds: frames that had to be played without a packet of their own. */
unsigned voice_receiver_loss_percent(const struct voice_receiver *receiver);

/* The steps of get, in voice/playout.c: one more piece of sound into the fifo. */
void voice_receiver_produce(struct voice_receiver *receiver, uint64_t now_ns);

#endif
