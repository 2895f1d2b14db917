/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call engine: what each event does in each state. Which event is heard in which state, and where a
 * state may go, is the table in call_table.c.
 *
 * Timers, one for each state (until_ns) and two for a change of epoch:
 *	DIALLING     CALL_REACH_MS    then unreachable
 *	FAR_RINGING  CALL_RING_MS     then unanswered
 *	RINGING      CALL_RING_MS     then unanswered
 *	ACTIVE       CALL_SILENCE_MS  behind the newest frame, then broken
 *	TAIL         1 to 5 s         then idle
 */
#include "call/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "call/call_internal.h"

#define NS_PER_MS UINT64_C(1000000)
#define NEVER	  UINT64_MAX

/* A queue slot to fill; the queue is drained after each call, so it never fills up. */
struct call_output *call_push(struct call *call, enum call_output_type type)
{
	size_t at = (call->output_first + call->output_count) % CALL_OUTPUTS_MAX;

	ASSERT(call->output_count < CALL_OUTPUTS_MAX);
	call->output_count++;
	memset(&call->outputs[at], 0, sizeof(call->outputs[at]));
	call->outputs[at].type = type;
	memcpy(call->outputs[at].conversation, call->conversation, CALL_CONVERSATION_LEN);
	return &call->outputs[at];
}

bool call_next_output(struct call *call, struct call_output *output)
{
	struct call_output *first = &call->outputs[call->output_first];

	if (call->output_count == 0)
		return false;
	*output = *first;
	bytes_wipe(first, sizeof(*first));
	call->output_first = (call->output_first + 1) % CALL_OUTPUTS_MAX;
	call->output_count--;
	return true;
}

void call_go(struct call *call, enum call_state to)
{
	ASSERT(call_may_go(call->state, to));
	call->state = to;
	call_push(call, CALL_OUT_CHANGED)->state = to;
}

struct call_message *call_push_message(struct call *call, enum call_message_type type)
{
	struct call_message *message = &call_push(call, CALL_OUT_SEND)->message;

	message->type = type;
	memcpy(message->id, call->id, CALL_ID_LEN);
	message->kid = call->kid;
	return message;
}

void call_push_end(struct call *call, enum call_reason reason)
{
	call_push_message(call, CALL_MESSAGE_END)->reason = reason;
}

void call_room_enter(struct call *call, struct call_room *room)
{
	room->joined = true;
	call_push(call, CALL_OUT_ROOM_JOIN)->keys = room->keys;
}

/* Forgets one epoch everywhere: the room, the voice process, this engine. */
void call_room_leave(struct call *call, struct call_room *room)
{
	if (!room->held)
		return;
	call_push(call, CALL_OUT_ROOM_LEAVE)->keys.epoch = room->keys.epoch;
	if (call->voice_started)
		call_push(call, CALL_OUT_VOICE_DROP)->keys.epoch = room->keys.epoch;
	bytes_wipe(room, sizeof(*room));
}

/* Everything that a call leaves behind, at its very end. */
static void forget(struct call *call)
{
	bytes_wipe(call->id, sizeof(call->id));
	bytes_wipe(call->id_random, sizeof(call->id_random));
	bytes_wipe(call->peer, sizeof(call->peer));
	bytes_wipe(call->senders, sizeof(call->senders));
	bytes_wipe(call->conversation, sizeof(call->conversation));
	bytes_wipe(call->rooms, sizeof(call->rooms));
	call->peer_known = false;
	call->peer_kid = 0;
	call->outgoing = false;
	call->kid = 0;
	call->sender_count = 0;
	call->until_ns = NEVER;
	call->switch_ns = NEVER;
	call->drop_ns = NEVER;
}

/* Tell the voice process whose frames to take: only those of the device that is in this call. */
void call_push_senders(struct call *call)
{
	for (size_t i = 0; i < call->sender_count; i++) {
		const struct call_sender *sender = &call->senders[i];
		struct call_output *output;

		if (!call->voice_started || !call->peer_known ||
		    memcmp(sender->device, call->peer, CALL_DEVICE_LEN) != 0)
			continue;
		output = call_push(call, CALL_OUT_VOICE_SENDER);
		output->kid = sender->kid;
		output->slot = sender->slot;
		output->slot_known = sender->slot_known;
	}
}

/* Hand the voice process its keys as soon as it is ready and somebody answered. */
void call_start_voice(struct call *call)
{
	struct call_output *output;

	if (!call->voice_ready || call->voice_started || call->state != CALL_ACTIVE)
		return;
	call->voice_started = true;
	output = call_push(call, CALL_OUT_VOICE_START);
	output->keys = call->rooms[0].keys;
	output->kid = call_kid_in_epoch(call->kid, call->rooms[0].keys.epoch);
	call_push_senders(call);
}

static void stop_voice(struct call *call)
{
	if (call->voice_prepared)
		call_push(call, CALL_OUT_VOICE_STOP);
	call->voice_prepared = false;
	call->voice_ready = false;
	call->voice_started = false;
}

/* Over, here: the keys go now, the room and the beat after the tail. */
void call_end(struct call *call, enum call_reason reason, uint64_t now_ns)
{
	uint8_t random[2] = {0, 0};
	uint64_t tail_ms = CALL_TAIL_MIN_MS;

	/* Without randomness the tail is short, which is better than a call that does not end. */
	if (random_fill(call->random, random, sizeof(random)) == SOTTO_OK)
		tail_ms += (uint64_t)(random[0] << 8 | random[1]) %
			   (CALL_TAIL_MAX_MS - CALL_TAIL_MIN_MS + 1);
	if (call->state == CALL_RINGING)
		call_push(call, CALL_OUT_RING_STOP);
	stop_voice(call);
	call->times.ended_ns = now_ns;
	call->until_ns = now_ns + tail_ms * NS_PER_MS;
	call->switch_ns = NEVER;
	call->drop_ns = NEVER;
	bytes_wipe(call->id_random, sizeof(call->id_random));
	for (size_t i = 0; i < CALL_EPOCHS_MAX; i++)
		bytes_wipe(call->rooms[i].keys.base_key, CALL_BASE_KEY_LEN);
	call_push(call, CALL_OUT_ENDED)->reason = reason;
	call_go(call, CALL_TAIL);
}

void call_end_tail(struct call *call)
{
	call_push(call, CALL_OUT_BEAT_STOP);
	for (size_t i = 0; i < CALL_EPOCHS_MAX; i++)
		call_room_leave(call, &call->rooms[i]);
	forget(call);
	call_go(call, CALL_IDLE);
}

/* What a dialled and an arriving call have in common. */
void call_begin(struct call *call, const uint8_t *id, const uint8_t *random,
		const struct call_epoch *epoch, uint64_t kid, uint64_t now_ns)
{
	memset(&call->times, 0, sizeof(call->times));
	memcpy(call->id, id, CALL_ID_LEN);
	memcpy(call->id_random, random, CALL_RANDOM_LEN);
	call->kid = kid;
	call->media_ns = now_ns;
	call->verified = false;
	call->declined = CALL_REASON_NONE;
	call_keys_derive(epoch->exporter, epoch->number, id, random, &call->rooms[0].keys);
	call->rooms[0].held = true;
	call_room_enter(call, &call->rooms[0]);
	call_push(call, CALL_OUT_BEAT_START);
}

enum sotto_err call_create(const struct random_source *random, bool voice, struct call **out)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return SOTTO_ERR_NO_MEMORY;
	call->random = random;
	call->voice = voice;
	forget(call);
	*out = call;
	return SOTTO_OK;
}

void call_destroy(struct call *call)
{
	if (call == NULL)
		return;
	bytes_wipe(call, sizeof(*call));
	free(call);
}

enum sotto_err call_dial(struct call *call, const uint8_t id[CALL_ID_LEN],
			 const uint8_t conversation[CALL_CONVERSATION_LEN],
			 const struct call_epoch *epoch, uint64_t now_ns)
{
	uint8_t random[CALL_RANDOM_LEN];
	struct call_message *invite;
	uint64_t kid;
	enum sotto_err err;

	if (!call->voice)
		return SOTTO_ERR_UNSUPPORTED;
	if (!call_hears(call->state, CALL_EVENT_DIAL))
		return SOTTO_ERR_STATE;
	TRY(random_fill(call->random, random, sizeof(random)));
	TRY(call_kid_create(call->random, epoch->number, &kid));
	if (call->state == CALL_TAIL)
		call_end_tail(call);
	memcpy(call->conversation, conversation, CALL_CONVERSATION_LEN);
	call_begin(call, id, random, epoch, kid, now_ns);
	call->outgoing = true;
	call->times.pressed_ns = now_ns;
	call->until_ns = now_ns + CALL_REACH_MS * NS_PER_MS;
	call->voice_prepared = true;
	call_push(call, CALL_OUT_VOICE_PREPARE);
	invite = call_push_message(call, CALL_MESSAGE_INVITE);
	memcpy(invite->random, random, CALL_RANDOM_LEN);
	call_go(call, CALL_DIALLING);
out:
	bytes_wipe(random, sizeof(random));
	return err;
}

enum sotto_err call_answer(struct call *call, uint64_t now_ns)
{
	if (!call_hears(call->state, CALL_EVENT_ANSWER_KEY))
		return SOTTO_ERR_STATE;
	call->times.pressed_ns = now_ns;
	call->times.answered_ns = now_ns;
	call->media_ns = now_ns;
	call->voice_prepared = true;
	call_push(call, CALL_OUT_RING_STOP);
	call_push(call, CALL_OUT_VOICE_PREPARE);
	call_push_message(call, CALL_MESSAGE_ANSWER);
	call_go(call, CALL_ACTIVE);
	return SOTTO_OK;
}

enum sotto_err call_hang_up(struct call *call, uint64_t now_ns)
{
	enum call_reason reason = CALL_REASON_HUNG_UP;

	if (!call_hears(call->state, CALL_EVENT_HANG_UP))
		return SOTTO_ERR_STATE;
	if (call->state == CALL_RINGING)
		reason = CALL_REASON_REFUSED;
	else if (call->state != CALL_ACTIVE)
		reason = CALL_REASON_CANCELLED;
	call_push_end(call, reason);
	call_end(call, reason, now_ns);
	return SOTTO_OK;
}

void call_room_joined(struct call *call, uint64_t epoch, uint16_t slot)
{
	struct call_message *sender;

	for (size_t i = 0; i < CALL_EPOCHS_MAX; i++) {
		if (!call->rooms[i].held || call->rooms[i].keys.epoch != epoch)
			continue;
		if (call->state == CALL_TAIL)
			return;
		sender = call_push_message(call, CALL_MESSAGE_SENDER);
		sender->kid = call_kid_in_epoch(call->kid, epoch);
		sender->slot = slot;
		return;
	}
}

void call_link_up(struct call *call)
{
	for (size_t i = 0; i < CALL_EPOCHS_MAX; i++) {
		if (call->rooms[i].held)
			call_room_enter(call, &call->rooms[i]);
	}
}

void call_voice_ready(struct call *call)
{
	if (!call->voice_prepared)
		return;
	call->voice_ready = true;
	call_start_voice(call);
}

void call_voice_gone(struct call *call, uint64_t now_ns)
{
	if (!call->voice_prepared || !call_hears(call->state, CALL_EVENT_VOICE_GONE))
		return;
	call->voice_prepared = false;
	call->voice_ready = false;
	call->voice_started = false;
	call_push_end(call, CALL_REASON_BROKEN);
	call_end(call, CALL_REASON_BROKEN, now_ns);
}

void call_media_seen(struct call *call, uint64_t at_ns)
{
	if (call->state != CALL_ACTIVE)
		return;
	if (call->times.sound_ns == 0)
		call->times.sound_ns = at_ns;
	if (at_ns > call->media_ns)
		call->media_ns = at_ns;
}

void call_checked(struct call *call, bool equal)
{
	if (call->state == CALL_ACTIVE)
		call->verified = equal;
}

void call_mismatched(struct call *call, uint64_t now_ns)
{
	if (!call_hears(call->state, CALL_EVENT_MISMATCH))
		return;
	call->verified = false;
	call_push_end(call, CALL_REASON_MISMATCH);
	call_end(call, CALL_REASON_MISMATCH, now_ns);
}

void call_cut(struct call *call, enum call_reason reason, uint64_t now_ns)
{
	if (!call_hears(call->state, CALL_EVENT_CUT))
		return;
	if (call->state != CALL_TAIL)
		call_end(call, reason, now_ns);
	call_push(call, CALL_OUT_BEAT_STOP);
	for (size_t i = 0; i < CALL_EPOCHS_MAX; i++)
		call_room_leave(call, &call->rooms[i]);
}

enum call_state call_state_of(const struct call *call)
{
	return call->state;
}

const uint8_t *call_id_of(const struct call *call)
{
	return call->id;
}

const struct call_times *call_times_of(const struct call *call)
{
	return &call->times;
}

bool call_is_outgoing(const struct call *call)
{
	return call->outgoing;
}

bool call_is_verified(const struct call *call)
{
	return call->verified;
}

struct bytes call_peer_device(const struct call *call)
{
	return call->peer_known ? BYTES_OF(call->peer) : BYTES_NONE;
}
