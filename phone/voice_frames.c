/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a call: sealed and opened with the keys of their epoch. What comes from a KID that nobody
 * announced, or from another slot than its owner's, is dropped before anything is decrypted.
 */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/voice_process.h"

#define EPOCH_BYTE UINT64_C(0xff)

static struct voice_epoch *epoch_of(struct voice_process *process, uint64_t epoch)
{
	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		if (process->epochs[i].held && process->epochs[i].epoch == epoch)
			return &process->epochs[i];
	}
	return NULL;
}

static void forget_epoch(struct voice_process *process, struct voice_epoch *epoch)
{
	for (size_t i = 0; i < VOICE_SPEAKERS_MAX; i++) {
		for (size_t k = 0; k < VOICE_EPOCHS_MAX; k++) {
			if (process->peers[i].keys[k].held &&
			    process->peers[i].keys[k].epoch == epoch->epoch) {
				sframe_receiver_finish(&process->peers[i].keys[k].receiver);
				process->peers[i].keys[k].held = false;
			}
		}
	}
	bytes_wipe(epoch, sizeof(*epoch));
}

/* A new epoch drops one with the same low byte, which its KIDs could not be told from (RFC 9605 5.2). */
static struct voice_epoch *hold_epoch(struct voice_process *process, uint64_t epoch,
				      const uint8_t *base_key, const uint8_t *check)
{
	struct voice_epoch *place = NULL;

	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		struct voice_epoch *held = &process->epochs[i];

		if (held->held && (held->epoch & EPOCH_BYTE) == (epoch & EPOCH_BYTE))
			forget_epoch(process, held);
		if (!held->held)
			place = held;
	}
	for (size_t i = 0; place == NULL && i < VOICE_EPOCHS_MAX; i++) {
		if (process->epochs[i].epoch == process->sending_epoch)
			continue;
		forget_epoch(process, &process->epochs[i]);
		place = &process->epochs[i];
	}
	ASSERT(place != NULL);
	place->held = true;
	place->epoch = epoch;
	place->room = UINT8_MAX;
	memcpy(place->base_key, base_key, sizeof(place->base_key));
	memcpy(place->check, check, sizeof(place->check));
	return place;
}

static void send_with(struct voice_process *process, const struct voice_epoch *epoch)
{
	uint64_t kid = (process->kid & ~EPOCH_BYTE) | (epoch->epoch & EPOCH_BYTE);

	sframe_sender_finish(&process->sender);
	sframe_sender_init(&process->sender, VOICE_SUITE, BYTES_OF(epoch->base_key), kid);
	process->sending_epoch = epoch->epoch;
}

void voice_process_start(struct voice_process *process, const struct wire_voice_start *start)
{
	struct voice_epoch *epoch;

	/* Once: a second start would count from zero again under the same key. */
	if (process->started || start->payload_len > WIRE_DATAGRAM_PAYLOAD_MAX ||
	    start->payload_len < sframe_padded_len(VOICE_SUITE, VOICE_FRAME_LEN))
		return;
	process->started = true;
	process->kid = start->kid;
	process->payload_len = start->payload_len;
	process->sending_epoch = start->epoch;
	epoch = hold_epoch(process, start->epoch, start->base_key, start->check);
	epoch->room = start->room;
	send_with(process, epoch);
}

void voice_process_add_keys(struct voice_process *process, const struct wire_voice_keys *keys)
{
	if (process->started && epoch_of(process, keys->epoch) == NULL)
		(void)hold_epoch(process, keys->epoch, keys->base_key, keys->check);
}

void voice_process_set_room(struct voice_process *process, const struct wire_voice_room *room)
{
	struct voice_epoch *epoch = epoch_of(process, room->epoch);

	if (epoch != NULL)
		epoch->room = room->room;
}

void voice_process_switch(struct voice_process *process, uint64_t epoch)
{
	const struct voice_epoch *held = epoch_of(process, epoch);

	/* Back to an epoch that was sent with before would use its nonces again. */
	if (held == NULL || epoch <= process->sending_epoch)
		return;
	send_with(process, held);
	process->checked = false;
}

void voice_process_drop(struct voice_process *process, uint64_t epoch)
{
	struct voice_epoch *held = epoch_of(process, epoch);

	if (held != NULL && epoch != process->sending_epoch)
		forget_epoch(process, held);
}

/* The newest word on an epoch's slot; it takes the place of the older epoch's. */
static void note_slot(struct voice_peer *peer, const struct wire_voice_sender *sender)
{
	uint8_t epoch = (uint8_t)(sender->kid & EPOCH_BYTE);
	size_t place = peer->next_slot;

	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		if (peer->slots[i].used && peer->slots[i].epoch == epoch)
			place = i;
	}
	if (place == peer->next_slot)
		peer->next_slot = (place + 1) % VOICE_EPOCHS_MAX;
	peer->slots[place].used = true;
	peer->slots[place].epoch = epoch;
	peer->slots[place].known = sender->slot_known != 0;
	peer->slots[place].slot = sender->slot;
}

void voice_process_add_peer(struct voice_process *process, const struct wire_voice_sender *sender)
{
	uint64_t kid = sender->kid & ~EPOCH_BYTE;
	struct voice_peer *place = NULL;

	for (size_t i = 0; i < VOICE_SPEAKERS_MAX; i++) {
		struct voice_peer *peer = &process->peers[i];

		if (peer->used && peer->kid == kid)
			place = peer;
		else if (!peer->used && place == NULL)
			place = peer;
	}
	if (place == NULL)
		return;
	place->used = true;
	place->kid = kid;
	note_slot(place, sender);
}

static uint32_t stamp_of(uint64_t now_ns)
{
	return (uint32_t)(now_ns / 1000);
}

static void fill_frame(struct voice_process *process, const struct voice_epoch *epoch,
		       uint64_t now_ns, struct wire_voice_frame *frame,
		       uint8_t packet[VOICE_PACKET_LEN])
{
	memcpy(frame->check, epoch->check, sizeof(frame->check));
	frame->stamp_us = stamp_of(now_ns);
	frame->echo_us = process->echo.stamp_us;
	frame->echo_age_us = process->echo.at_ns == 0
				     ? UINT32_MAX
				     : (uint32_t)((now_ns - process->echo.at_ns) / 1000);
	voice_pipeline_get_packet(process->pipeline, packet);
	frame->audio = BYTES(packet, VOICE_PACKET_LEN);
}

void voice_process_send_frame(struct voice_process *process, uint64_t now_ns)
{
	uint8_t payload[WIRE_DATAGRAM_PAYLOAD_MAX];
	uint8_t plain[SFRAME_PADDED_LEN_MAX];
	uint8_t packet[VOICE_PACKET_LEN];
	const struct voice_epoch *epoch = epoch_of(process, process->sending_epoch);
	struct wire_datagram datagram = {.slot = 0};
	struct wire_voice_frame frame;
	struct writer writer;
	enum sotto_err err;

	/* Its place went to an epoch with the same low byte: nothing is sent until the switch to that. */
	if (epoch == NULL)
		return;
	fill_frame(process, epoch, now_ns, &frame, packet);
	datagram.room = epoch->room;
	writer_init_fixed(&writer, plain, sizeof(plain));
	TRY(wire_voice_frame_encode(&frame, &writer));
	TRY(sframe_seal_padded(&process->sender, BYTES_NONE, writer_bytes(&writer), payload,
			       process->payload_len));
	datagram.payload = BYTES(payload, process->payload_len);
	writer_init_fixed(&writer, plain, sizeof(plain));
	TRY(wire_datagram_encode(&datagram, &writer));
	/* A link process that does not read loses frames; nothing here may wait. */
	if (os_ipc_queued(process->media) == 0)
		(void)!os_ipc_send(process->media, writer_bytes(&writer), NULL, 0);
out:
	/* The only failure left is a counter that is used up, after 2^64 frames. */
	(void)err;
	bytes_wipe(plain, sizeof(plain));
	bytes_wipe(packet, sizeof(packet));
}

/* The keys for a KID of this peer, made when the epoch is first heard from it. */
static struct sframe_receiver *receiver_for(struct voice_peer *peer,
					    const struct voice_epoch *epoch, uint64_t kid,
					    uint32_t *stream)
{
	size_t place = VOICE_EPOCHS_MAX;

	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		if (peer->keys[i].held && peer->keys[i].epoch == epoch->epoch) {
			*stream = peer->keys[i].stream;
			return &peer->keys[i].receiver;
		}
		if (!peer->keys[i].held)
			place = i;
	}
	/* There are as many places as epochs, and forget_epoch frees them together. */
	ASSERT(place < VOICE_EPOCHS_MAX);
	peer->keys[place].held = true;
	peer->keys[place].epoch = epoch->epoch;
	peer->keys[place].stream = peer->streams++;
	sframe_receiver_init(&peer->keys[place].receiver, VOICE_SUITE, BYTES_OF(epoch->base_key),
			     kid);
	*stream = peer->keys[place].stream;
	return &peer->keys[place].receiver;
}

static void measure_round_trip(struct voice_process *process, const struct wire_voice_frame *frame,
			       uint64_t now_ns)
{
	struct voice_echo *echo = &process->echo;
	uint32_t round_trip;

	if (frame->echo_age_us != UINT32_MAX) {
		round_trip = stamp_of(now_ns) - frame->echo_us - frame->echo_age_us;
		/* What is longer than a minute is another machine's nonsense. */
		if (round_trip < 60000000)
			echo->round_trip_us =
				echo->round_trip_us == 0
					? round_trip
					: (uint32_t)((echo->round_trip_us * UINT64_C(15) +
						      round_trip) /
						     16);
	}
	echo->stamp_us = frame->stamp_us;
	echo->at_ns = now_ns;
}

static void compare_check(struct voice_process *process, const struct voice_epoch *epoch,
			  const struct wire_voice_frame *frame)
{
	bool equal = bytes_equal_ct(epoch->check, frame->check, sizeof(epoch->check));
	struct wire_voice_checked checked = {.equal = equal};

	if (process->checked && process->check_equal == equal)
		return;
	process->checked = true;
	process->check_equal = equal;
	voice_process_tell(process, &wire_voice_checked_type, &checked);
}

static void hear(struct voice_process *process, const struct voice_peer *peer, uint32_t stream,
		 uint64_t ctr, const struct voice_epoch *epoch, struct bytes content,
		 uint64_t now_ns)
{
	unsigned speaker = (unsigned)(peer - process->peers);
	struct wire_voice_frame frame;

	if (wire_voice_frame_decode(content, &frame) != SOTTO_OK) {
		process->refused++;
		return;
	}
	if (process->first_sound_ns == 0)
		process->first_sound_ns = now_ns;
	process->last_sound_ns = now_ns;
	measure_round_trip(process, &frame, now_ns);
	compare_check(process, epoch, &frame);
	voice_pipeline_put_packet(process->pipeline, speaker, stream, ctr, frame.audio, now_ns);
}

/* May this KID come from this slot? One whose owner named no slot for its epoch yet may from any. */
static bool slot_fits(const struct voice_peer *peer, uint64_t kid, uint16_t slot)
{
	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		if (peer->slots[i].used && peer->slots[i].known &&
		    peer->slots[i].epoch == (uint8_t)(kid & EPOCH_BYTE))
			return peer->slots[i].slot == slot;
	}
	return true;
}

/* Who announced this KID, and may he be heard from this slot? */
static struct voice_peer *peer_for(struct voice_process *process, uint64_t kid, uint16_t slot)
{
	for (size_t i = 0; i < VOICE_SPEAKERS_MAX; i++) {
		struct voice_peer *peer = &process->peers[i];

		if (peer->used && peer->kid == (kid & ~EPOCH_BYTE))
			return slot_fits(peer, kid, slot) ? peer : NULL;
	}
	return NULL;
}

static struct voice_epoch *epoch_for(struct voice_process *process, uint64_t kid)
{
	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		struct voice_epoch *epoch = &process->epochs[i];

		if (epoch->held && (epoch->epoch & EPOCH_BYTE) == (kid & EPOCH_BYTE))
			return epoch;
	}
	return NULL;
}

void voice_process_take_datagram(struct voice_process *process, struct bytes message,
				 uint64_t now_ns)
{
	uint8_t plain[SFRAME_PADDED_LEN_MAX];
	struct sframe_header header;
	size_t header_len;
	struct wire_datagram datagram;
	struct sframe_receiver *receiver;
	struct voice_epoch *epoch;
	struct voice_peer *peer;
	struct bytes content;
	uint32_t stream;
	uint64_t ctr;

	/* Random bytes of the other end's beat look like this too, so nothing here is an event. */
	if (!process->started || wire_datagram_decode(message, &datagram) != SOTTO_OK ||
	    datagram.payload.len != process->payload_len ||
	    sframe_header_decode(datagram.payload, &header, &header_len) != SOTTO_OK)
		return;
	peer = peer_for(process, header.kid, datagram.slot);
	epoch = epoch_for(process, header.kid);
	if (peer == NULL || epoch == NULL)
		return;
	receiver = receiver_for(peer, epoch, header.kid, &stream);
	if (sframe_open_padded(receiver, BYTES_NONE, datagram.payload, plain, sizeof(plain),
			       &content, &ctr) != SOTTO_OK)
		process->refused++;
	else
		hear(process, peer, stream, ctr, epoch, content, now_ns);
	bytes_wipe(plain, sizeof(plain));
}

void voice_process_wipe(struct voice_process *process)
{
	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++) {
		if (process->epochs[i].held)
			forget_epoch(process, &process->epochs[i]);
	}
	sframe_sender_finish(&process->sender);
}
