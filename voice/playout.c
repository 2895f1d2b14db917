/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound out, a piece at a time, when get has run out of it:
 *
 *	skip      numbers that were lost and whose place concealment took already, or that are far
 *too late choose    decode next | recover it from the packet behind it | conceal it | hold its
 *place stretch   a decoded frame towards the time at which it is due
 *
 * excess is how much later than due the piece would begin: what the stretching takes away.
 */
#include "voice/receiver.h"

#include <string.h>

#include "base/assert.h"

#define MS INT64_C(1000000)

/* Beside the block of the device, for what wakes up a little late. */
#define MARGIN_NS (3 * MS)

/* Not worth touching the sound for: as long as excess is in here. */
#define EARLY_NS (-2 * MS)
#define LATE_NS	 (10 * MS)

/* Beyond this, catching up by stretching takes longer than anybody likes: whole frames go. */
#define EXCESS_MAX_NS (200 * MS)

/* While a packet is awaited its place is held in pieces of 10 ms, for at most a second of sound. */
#define HOLD_SAMPLES	 480
#define HOLD_SAMPLES_MAX VOICE_RATE

/* After a hold of this length the sound has broken off anyway, and may begin again when it is due.
 */
#define BREAK_SAMPLES VOICE_SAMPLES(60)

/* The mean of losses runs over about so many frames: 5 % are noticed within 3 s, 20 % in half a second. */
#define LOSS_FRAMES 128

/* How alike a seam must be: strict while there is time, anything goes at 60 ms. */
#define MATCH_STRICT	 850
#define MATCH_LEAST	 250
#define MATCH_PER_MS_OFF 10

static void note_frame(struct voice_receiver *receiver, bool lost)
{
	uint32_t rate = receiver->loss_per_65536;

	rate -= rate / LOSS_FRAMES;
	if (lost)
		rate += 65536 / LOSS_FRAMES;
	receiver->loss_per_65536 = rate;
	voice_lossy_update(&receiver->lossy, voice_receiver_loss_percent(receiver));
}

unsigned voice_receiver_loss_percent(const struct voice_receiver *receiver)
{
	return (unsigned)(receiver->loss_per_65536 * 100 / 65536);
}

/* From the smallest transit to the point. */
int64_t voice_receiver_target_ns(const struct voice_receiver *receiver)
{
	int64_t wait_ns = voice_delay_jitter_ns(&receiver->delay) + receiver->block_ns + MARGIN_NS;

	return wait_ns + (receiver->lossy ? VOICE_FRAME_NS : 0);
}

static int64_t excess(const struct voice_receiver *receiver, uint64_t now_ns)
{
	int64_t transit_ns = (int64_t)(now_ns - receiver->next * VOICE_FRAME_NS);

	return transit_ns - receiver->delay.least_ns - voice_receiver_target_ns(receiver);
}

static void running_mean(int64_t *mean, int64_t value)
{
	*mean += (value - *mean) / 50;
}

/* On to the next frame; this one was begun now or will never be. */
static void advance(struct voice_receiver *receiver, uint64_t now_ns, bool lost)
{
	voice_store_drop(&receiver->store, receiver->next);
	receiver->next++;
	receiver->next_due_ns = now_ns + VOICE_FRAME_NS;
	if (lost)
		receiver->counts.lost++;
	note_frame(receiver, lost);
}

static void skip(struct voice_receiver *receiver, uint64_t now_ns)
{
	while (receiver->store.count > 0 &&
	       voice_store_find(&receiver->store, receiver->next) == NULL &&
	       (receiver->held_samples >= VOICE_FRAME_SAMPLES ||
		excess(receiver, now_ns) > 2 * VOICE_FRAME_NS)) {
		if (receiver->held_samples >= VOICE_FRAME_SAMPLES)
			receiver->held_samples -= VOICE_FRAME_SAMPLES;
		advance(receiver, now_ns, true);
	}
	while (receiver->store.count > 1 && excess(receiver, now_ns) > EXCESS_MAX_NS) {
		bool lost = voice_store_find(&receiver->store, receiver->next) == NULL;

		if (!lost)
			receiver->counts.late++;
		advance(receiver, now_ns, lost);
	}
}

/* The frame in work behind the history, stretched towards its time, goes to the fifo. */
static void emit(struct voice_receiver *receiver, size_t count, int64_t excess_ns)
{
	int16_t *frame = receiver->work + VOICE_STRETCH_MAX;
	int16_t out[VOICE_FRAME_SAMPLES + VOICE_STRETCH_MAX];
	int64_t off_ms = (excess_ns > 0 ? excess_ns - LATE_NS : EARLY_NS - excess_ns) / MS;
	int64_t match = MATCH_STRICT - off_ms * MATCH_PER_MS_OFF;
	size_t off_samples = (size_t)(excess_ns > 0 ? excess_ns : -excess_ns) / (MS / 48);

	if (match < MATCH_LEAST)
		match = MATCH_LEAST;
	if (excess_ns > LATE_NS) {
		count = voice_stretch_shorten(frame, count, off_samples, (int)match, out);
	} else if (excess_ns < EARLY_NS) {
		count = voice_stretch_lengthen(frame, count, VOICE_STRETCH_MIN,
					       off_samples + VOICE_STRETCH_MIN, (int)match, out);
	} else {
		memcpy(out, frame, count * sizeof(*out));
	}
	voice_fifo_put(&receiver->fifo, out, count);
	if (count >= VOICE_STRETCH_MAX) {
		memcpy(receiver->work, out + count - VOICE_STRETCH_MAX,
		       VOICE_STRETCH_MAX * sizeof(*out));
		return;
	}
	memmove(receiver->work, receiver->work + count, (VOICE_STRETCH_MAX - count) * sizeof(*out));
	memcpy(receiver->work + VOICE_STRETCH_MAX - count, out, count * sizeof(*out));
}

/* A piece in place of next, which has not come and may yet. */
static void hold(struct voice_receiver *receiver)
{
	int16_t *frame = receiver->work + VOICE_STRETCH_MAX;

	if (receiver->held_samples < HOLD_SAMPLES_MAX) {
		voice_decoder_conceal(receiver->decoder, frame, HOLD_SAMPLES);
		receiver->held_samples += HOLD_SAMPLES;
	} else {
		memset(frame, 0, HOLD_SAMPLES * sizeof(*frame));
	}
	receiver->counts.concealed_samples += HOLD_SAMPLES;
	emit(receiver, HOLD_SAMPLES, 0);
}

static void play(struct voice_receiver *receiver, const struct voice_stored *stored,
		 uint64_t now_ns)
{
	int64_t excess_ns = excess(receiver, now_ns);
	enum sotto_err err = voice_decoder_decode(receiver->decoder, stored->opus,
						  receiver->work + VOICE_STRETCH_MAX);

	if (err != SOTTO_OK) {
		receiver->counts.invalid++; /* and was concealed by the decoder */
		receiver->counts.concealed_samples += VOICE_FRAME_SAMPLES;
	}
	receiver->counts.played++;
	running_mean(&receiver->counts.buffered_ns, (int64_t)(now_ns - stored->arrival_ns));
	receiver->playing = true;
	receiver->held_samples = 0;
	advance(receiver, now_ns, false);
	emit(receiver, VOICE_FRAME_SAMPLES, excess_ns);
}

/* next was lost: a later one is there. */
static void replace(struct voice_receiver *receiver, uint64_t now_ns)
{
	int16_t *frame = receiver->work + VOICE_STRETCH_MAX;
	const struct voice_stored *behind = voice_store_find(&receiver->store, receiver->next + 1);

	if (behind != NULL && voice_decoder_recover(receiver->decoder, behind->opus, frame))
		receiver->counts.recovered_samples += VOICE_FRAME_SAMPLES;
	else if (behind == NULL)
		voice_decoder_conceal(receiver->decoder, frame, VOICE_FRAME_SAMPLES);
	receiver->counts.concealed_samples += VOICE_FRAME_SAMPLES;
	advance(receiver, now_ns, true);
	emit(receiver, VOICE_FRAME_SAMPLES, 0);
}

/* Before the first frame is due. */
static void wait_for_first(struct voice_receiver *receiver)
{
	memset(receiver->work + VOICE_STRETCH_MAX, 0, HOLD_SAMPLES / 10 * sizeof(int16_t));
	emit(receiver, HOLD_SAMPLES / 10, 0);
}

void voice_receiver_produce(struct voice_receiver *receiver, uint64_t now_ns)
{
	const struct voice_stored *stored;
	bool early;

	skip(receiver, now_ns);
	stored = voice_store_find(&receiver->store, receiver->next);
	early = excess(receiver, now_ns) < EARLY_NS;
	if (!receiver->started || (!receiver->playing && early))
		wait_for_first(receiver);
	else if (stored != NULL && !(early && receiver->held_samples >= BREAK_SAMPLES))
		play(receiver, stored, now_ns);
	else if (stored != NULL || receiver->store.count == 0)
		hold(receiver);
	else
		replace(receiver, now_ns);
}
