/* SPDX-License-Identifier: Apache-2.0 */
/* One beat: take a frame's worth, a little more or a little less, fit it to a frame, encode. */
#include "voice/sender.h"

#include <string.h>

#include "base/bytes.h"
#include "voice/lossy.h"

/* What a beat leaves swings by the device's block; only what never goes away is surplus. */
#define BEATS_PER_SECOND 50
#define SURPLUS_MAX	 VOICE_SAMPLES(5)
#define CUSHION		 VOICE_SAMPLES(2) /* left, so that a late wake-up does not starve the beat */
#define MATCH		 700

enum sotto_err voice_sender_init(struct voice_sender *sender, const struct allocator *allocator)
{
	memset(sender, 0, sizeof(*sender));
	return voice_encoder_create(allocator, &sender->encoder);
}

void voice_sender_finish(struct voice_sender *sender)
{
	if (sender == NULL)
		return;
	voice_encoder_destroy(sender->encoder);
	bytes_wipe(sender, sizeof(*sender));
}

void voice_sender_put(struct voice_sender *sender, const int16_t *samples, size_t count)
{
	voice_fifo_put(&sender->fifo, samples, count);
}

/* Leaves out up to surplus samples at the head of the fifo, if that can be done unheard. */
static void drop_surplus(struct voice_sender *sender)
{
	size_t count;

	if (sender->surplus < SURPLUS_MAX ||
	    sender->fifo.count < VOICE_FRAME_SAMPLES + sender->surplus)
		return;
	count = voice_stretch_shorten(sender->fifo.samples, VOICE_FRAME_SAMPLES,
				      sender->surplus - CUSHION, MATCH, sender->out);
	if (count == VOICE_FRAME_SAMPLES)
		return;
	(void)voice_fifo_get(&sender->fifo, NULL, VOICE_FRAME_SAMPLES - count);
	memcpy(sender->fifo.samples, sender->out, count * sizeof(*sender->out));
	sender->surplus = 0;
}

/* The fifo holds less than a frame: repeats a piece of what there is, or ends in silence. */
static void take_short(struct voice_sender *sender, int16_t frame[VOICE_FRAME_SAMPLES])
{
	int16_t *fresh = sender->work + VOICE_STRETCH_MAX;
	size_t count = voice_fifo_get(&sender->fifo, fresh, VOICE_FRAME_SAMPLES);
	size_t missing = VOICE_FRAME_SAMPLES - count;

	memset(sender->out, 0, sizeof(sender->out));
	if (missing <= VOICE_STRETCH_MAX && count >= VOICE_STRETCH_OVERLAP)
		count = voice_stretch_lengthen(fresh, count, missing, VOICE_STRETCH_MAX,
					       VOICE_STRETCH_ANYTHING, sender->out);
	else
		memcpy(sender->out, fresh, count * sizeof(*fresh));
	memcpy(frame, sender->out, VOICE_FRAME_SAMPLES * sizeof(*frame));
	if (count > VOICE_FRAME_SAMPLES)
		voice_fifo_put(&sender->fifo, sender->out + VOICE_FRAME_SAMPLES,
			       count - VOICE_FRAME_SAMPLES);
}

static void measure_left(struct voice_sender *sender)
{
	size_t left = sender->fifo.count;

	sender->mean_left += left - sender->mean_left / 64;
	if (sender->beats == 0 || left < sender->least_left)
		sender->least_left = left;
	if (++sender->beats < BEATS_PER_SECOND)
		return;
	sender->surplus = sender->least_left;
	sender->beats = 0;
}

void voice_sender_get(struct voice_sender *sender, uint8_t opus[VOICE_OPUS_LEN])
{
	int16_t frame[VOICE_FRAME_SAMPLES];

	drop_surplus(sender);
	if (sender->fifo.count >= VOICE_FRAME_SAMPLES)
		(void)voice_fifo_get(&sender->fifo, frame, VOICE_FRAME_SAMPLES);
	else
		take_short(sender, frame);
	measure_left(sender);
	memcpy(sender->work, frame + VOICE_FRAME_SAMPLES - VOICE_STRETCH_MAX,
	       VOICE_STRETCH_MAX * sizeof(*frame));
	if (sender->muted)
		memset(frame, 0, sizeof(frame));
	voice_encoder_encode(sender->encoder, frame, opus);
	sender->sent++;
	bytes_wipe(frame, sizeof(frame));
}

void voice_sender_set_loss(struct voice_sender *sender, unsigned loss_percent)
{
	voice_lossy_update(&sender->lossy, loss_percent);
	voice_encoder_set_copies(sender->encoder, sender->lossy);
}

unsigned voice_sender_capture_ms(const struct voice_sender *sender)
{
	return VOICE_FRAME_MS + (unsigned)(sender->mean_left / 64 / VOICE_SAMPLES(1));
}
