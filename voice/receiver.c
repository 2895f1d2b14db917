/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in: numbering, what is late or double, and when frames are due. */
#include "voice/receiver.h"

#include <string.h>

#include "base/bytes.h"

/* Far from 0, so that packets from before the first one have a number too. */
#define FIRST_NUMBER (UINT64_C(1) << 32)

/* A counter that jumps by more than a minute begins anew: nothing from before matters any more. */
#define JUMP_MAX 3000

enum sotto_err voice_receiver_init(struct voice_receiver *receiver,
				   const struct allocator *allocator)
{
	memset(receiver, 0, sizeof(*receiver));
	return voice_decoder_create(allocator, &receiver->decoder);
}

void voice_receiver_finish(struct voice_receiver *receiver)
{
	if (receiver == NULL)
		return;
	voice_decoder_destroy(receiver->decoder);
	bytes_wipe(receiver, sizeof(*receiver));
}

void voice_receiver_reset(struct voice_receiver *receiver)
{
	struct voice_decoder *decoder = receiver->decoder;

	bytes_wipe(receiver, sizeof(*receiver));
	receiver->decoder = decoder;
	voice_decoder_reset(decoder);
}

/* Wraps, as unsigned numbers do; only differences of transits mean something. */
static int64_t transit(uint64_t number, uint64_t now_ns)
{
	return (int64_t)(now_ns - number * VOICE_FRAME_NS);
}

/* A stream goes on where the one before it ended. */
static void rebase(struct voice_receiver *receiver, uint32_t stream, uint64_t counter)
{
	uint64_t number = receiver->started ? receiver->newest + 1 : FIRST_NUMBER;

	receiver->previous_base = receiver->base;
	receiver->base = number - counter;
	receiver->stream = stream;
}

/* The number of a frame; false if it belongs to a stream that is over. */
static bool number_of(struct voice_receiver *receiver, uint32_t stream, uint64_t counter,
		      uint64_t *number)
{
	uint64_t distance;

	if (receiver->started && stream < receiver->stream) {
		*number = counter + receiver->previous_base;
		return stream + 1 == receiver->stream && *number <= receiver->newest;
	}
	if (!receiver->started || stream > receiver->stream)
		rebase(receiver, stream, counter);
	*number = counter + receiver->base;
	distance = *number - receiver->newest;
	if (receiver->started && distance + JUMP_MAX > 2 * JUMP_MAX) {
		rebase(receiver, stream, counter);
		*number = counter + receiver->base;
	}
	return true;
}

/* A frame so far ahead that it has no place in the store ends the wait for all that are before it.
 */
static void make_room(struct voice_receiver *receiver, uint64_t number)
{
	while (receiver->next + VOICE_STORE_PACKETS <= number) {
		if (voice_store_find(&receiver->store, receiver->next) == NULL)
			receiver->counts.lost++;
		voice_store_drop(&receiver->store, receiver->next);
		receiver->next++;
	}
}

/* How long ago the frame should have been begun; 0 if its time has not come. */
static uint64_t lateness(const struct voice_receiver *receiver, uint64_t number, uint64_t now_ns)
{
	uint64_t due_ns = receiver->next_due_ns - (receiver->next - number) * VOICE_FRAME_NS;
	bool awaited =
		number < receiver->next || (number == receiver->next && receiver->held_samples > 0);

	return receiver->playing && awaited && now_ns > due_ns ? now_ns - due_ns : 0;
}

void voice_receiver_put(struct voice_receiver *receiver, uint32_t stream, uint64_t counter,
			const uint8_t *opus, uint64_t now_ns)
{
	uint64_t number;

	if (!number_of(receiver, stream, counter, &number) ||
	    voice_store_came(&receiver->store, number))
		return;
	if (!receiver->started) {
		receiver->started = true;
		receiver->newest = number;
		receiver->next = number;
		receiver->counts.first_packet_ns = now_ns;
	}
	if (number > receiver->newest)
		receiver->newest = number;
	if (number < receiver->next && !receiver->playing &&
	    receiver->newest - number < VOICE_STORE_PACKETS)
		receiver->next = number;
	receiver->counts.received++;
	receiver->counts.last_packet_ns = now_ns;
	voice_late_put(&receiver->late, lateness(receiver, number, now_ns));
	voice_delay_put(&receiver->delay, (int64_t)now_ns, transit(number, now_ns));
	if (number < receiver->next) {
		receiver->counts.late++;
		if (receiver->counts.lost > 0)
			receiver->counts.lost--;
		return;
	}
	make_room(receiver, number);
	voice_store_put(&receiver->store, number, opus, now_ns);
}

static void measure_block(struct voice_receiver *receiver, size_t count)
{
	int64_t block_ns = (int64_t)(count * 1000000000 / VOICE_RATE);

	if (block_ns > VOICE_FRAME_NS)
		block_ns = VOICE_FRAME_NS;
	receiver->block_ns = block_ns;
}

void voice_receiver_get(struct voice_receiver *receiver, int16_t *samples, size_t count,
			uint64_t now_ns)
{
	size_t got = 0;

	measure_block(receiver, count);
	while (got < count) {
		size_t part = voice_fifo_get(&receiver->fifo, samples + got, count - got);

		got += part;
		now_ns += part * 1000000000 / VOICE_RATE;
		if (got < count)
			voice_receiver_produce(receiver, now_ns);
	}
}
