/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrives about calls. None of it opens a microphone: the strongest thing that a message does is to
 * ring, and the strongest thing that an answer does is to let the caller, who pressed a key, speak.
 */
#include <string.h>

#include "base/assert.h"
#include "call/call.h"
#include "call/call_internal.h"

#define NS_PER_MS UINT64_C(1000000)

/* Refuses another call without touching the one that is. */
static void refuse(struct call *call, const struct call_arrival *arrival, enum call_reason reason)
{
	struct call_output *output = call_push(call, CALL_OUT_SEND);

	memcpy(output->conversation, arrival->conversation, CALL_CONVERSATION_LEN);
	output->message.type = CALL_MESSAGE_END;
	memcpy(output->message.id, arrival->message->id, CALL_ID_LEN);
	output->message.reason = reason;
}

static void note_peer(struct call *call, const struct call_arrival *arrival)
{
	memcpy(call->peer, arrival->device, CALL_DEVICE_LEN);
	call->peer_known = true;
}

/*
 * Keeps what a device said of a KID; a slot that it named for that KID stays known. Each epoch has a KID
 * and a slot of its own, and during a change of epoch both count.
 */
static void note_sender(struct call *call, const struct call_arrival *arrival, bool slot_known)
{
	struct call_sender *sender = NULL;

	for (size_t i = 0; i < call->sender_count; i++) {
		if (call->senders[i].kid == arrival->message->kid &&
		    memcmp(call->senders[i].device, arrival->device, CALL_DEVICE_LEN) == 0)
			sender = &call->senders[i];
	}
	if (sender != NULL && !slot_known)
		return;
	if (sender == NULL && call->sender_count == CALL_SENDERS_MAX) {
		call->sender_count--;
		memmove(&call->senders[0], &call->senders[1],
			call->sender_count * sizeof(call->senders[0]));
	}
	if (sender == NULL)
		sender = &call->senders[call->sender_count++];
	memcpy(sender->device, arrival->device, CALL_DEVICE_LEN);
	sender->kid = arrival->message->kid;
	sender->slot = arrival->message->slot;
	sender->slot_known = slot_known;
}

static enum sotto_err ring(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	const struct call_message *invite = arrival->message;
	uint64_t kid;
	enum sotto_err err;

	TRY(call_kid_create(call->random, arrival->epoch->number, &kid));
	if (call->state == CALL_TAIL)
		call_end_tail(call);
	memcpy(call->conversation, arrival->conversation, CALL_CONVERSATION_LEN);
	call_begin(call, invite->id, invite->random, arrival->epoch, kid, now_ns);
	note_peer(call, arrival);
	note_sender(call, arrival, false);
	call->times.ringing_ns = now_ns;
	call->until_ns = now_ns + CALL_RING_MS * NS_PER_MS;
	call_push(call, CALL_OUT_RING_START);
	call_push_message(call, CALL_MESSAGE_RINGING);
	call_go(call, CALL_RINGING);
out:
	return err;
}

/*
 * Both pressed call for each other: the call with the smaller id stays. Who gives up the other one answers
 * with the key press that dialled.
 */
static void meet(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	const struct call_message *invite = arrival->message;
	uint64_t pressed_ns = call->times.pressed_ns;

	if (memcmp(invite->id, call->id, CALL_ID_LEN) >= 0)
		return;
	for (size_t i = 0; i < CALL_EPOCHS_MAX; i++)
		call_room_leave(call, &call->rooms[i]);
	call_push(call, CALL_OUT_BEAT_STOP);
	call_begin(call, invite->id, invite->random, arrival->epoch,
		   call_kid_in_epoch(call->kid, arrival->epoch->number), now_ns);
	call->outgoing = false;
	call->times.pressed_ns = pressed_ns;
	call->times.answered_ns = now_ns;
	note_peer(call, arrival);
	note_sender(call, arrival, false);
	call_push_message(call, CALL_MESSAGE_ANSWER);
	call_go(call, CALL_ACTIVE);
	call_start_voice(call);
}

static enum sotto_err receive_invite(struct call *call, const struct call_arrival *arrival,
				     uint64_t now_ns)
{
	bool same = memcmp(arrival->message->id, call->id, CALL_ID_LEN) == 0;

	if (arrival->own || arrival->age_ms > CALL_INVITE_AGE_MS)
		return SOTTO_OK;
	if (!call->voice) {
		refuse(call, arrival, CALL_REASON_NO_VOICE);
		return SOTTO_OK;
	}
	if (call->state == CALL_IDLE || (call->state == CALL_TAIL && !same)) {
		ASSERT(arrival->epoch != NULL);
		return ring(call, arrival, now_ns);
	}
	if (same)
		return SOTTO_OK;
	if ((call->state == CALL_DIALLING || call->state == CALL_FAR_RINGING) &&
	    memcmp(arrival->conversation, call->conversation, CALL_CONVERSATION_LEN) == 0)
		meet(call, arrival, now_ns);
	else
		refuse(call, arrival, CALL_REASON_BUSY);
	return SOTTO_OK;
}

static void receive_ringing(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	if (arrival->own || !call->outgoing)
		return;
	note_sender(call, arrival, false);
	if (call->state != CALL_DIALLING)
		return;
	call->times.ringing_ns = now_ns;
	call->until_ns = now_ns + CALL_RING_MS * NS_PER_MS;
	call_go(call, CALL_FAR_RINGING);
}

static void receive_answer(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	if (arrival->own) {
		if (call->state == CALL_RINGING)
			call_end(call, CALL_REASON_ELSEWHERE, now_ns);
		return;
	}
	if (!call->outgoing)
		return;
	if (call->state == CALL_ACTIVE) {
		/* Two at the same moment: neither knows whose answer was read first. */
		if (arrival->further && memcmp(arrival->device, call->peer, CALL_DEVICE_LEN) != 0)
			call_push_message(call, CALL_MESSAGE_TAKEN)->kid = call->peer_kid;
		return;
	}
	note_peer(call, arrival);
	note_sender(call, arrival, false);
	call->peer_kid = arrival->message->kid;
	call->times.answered_ns = now_ns;
	call->media_ns = now_ns;
	call_go(call, CALL_ACTIVE);
	call_start_voice(call);
}

static void receive_sender(struct call *call, const struct call_arrival *arrival)
{
	if (arrival->own)
		return;
	note_sender(call, arrival, true);
	call_push_senders(call);
}

static void receive_end(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	if (arrival->own) {
		/* What cannot ring has not answered for us. */
		if (call->state == CALL_RINGING && arrival->message->reason != CALL_REASON_NO_VOICE)
			call_end(call, CALL_REASON_ELSEWHERE, now_ns);
		return;
	}
	/* One that cannot ring does not speak for the others. */
	if (arrival->further && arrival->message->reason == CALL_REASON_NO_VOICE &&
	    (call->state == CALL_DIALLING || call->state == CALL_FAR_RINGING)) {
		call->declined = CALL_REASON_NO_VOICE;
		return;
	}
	/* In a call, only the device that is in it ends it. */
	if (call->state == CALL_ACTIVE && memcmp(arrival->device, call->peer, CALL_DEVICE_LEN) != 0)
		return;
	call_end(call, arrival->message->reason, now_ns);
}

/* The caller's word on which of those that answered is in the call. */
static void receive_taken(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	if (arrival->own || call->outgoing || arrival->message->kid == call->kid ||
	    memcmp(arrival->device, call->peer, CALL_DEVICE_LEN) != 0)
		return;
	call_end(call, CALL_REASON_ELSEWHERE, now_ns);
}

static const enum call_event events[] = {
	[CALL_MESSAGE_INVITE] = CALL_EVENT_INVITE, [CALL_MESSAGE_RINGING] = CALL_EVENT_RINGING,
	[CALL_MESSAGE_ANSWER] = CALL_EVENT_ANSWER, [CALL_MESSAGE_SENDER] = CALL_EVENT_SENDER,
	[CALL_MESSAGE_END] = CALL_EVENT_END,	   [CALL_MESSAGE_TAKEN] = CALL_EVENT_TAKEN,
};

enum sotto_err call_receive(struct call *call, const struct call_arrival *arrival, uint64_t now_ns)
{
	const struct call_message *message = arrival->message;

	ASSERT((size_t)message->type < ARRAY_LEN(events) && message->type != 0);
	if (!call_hears(call->state, events[message->type]))
		return SOTTO_OK;
	if (message->type == CALL_MESSAGE_INVITE)
		return receive_invite(call, arrival, now_ns);
	if (memcmp(message->id, call->id, CALL_ID_LEN) != 0 ||
	    memcmp(arrival->conversation, call->conversation, CALL_CONVERSATION_LEN) != 0)
		return SOTTO_OK;
	if (message->type == CALL_MESSAGE_RINGING)
		receive_ringing(call, arrival, now_ns);
	else if (message->type == CALL_MESSAGE_ANSWER)
		receive_answer(call, arrival, now_ns);
	else if (message->type == CALL_MESSAGE_SENDER)
		receive_sender(call, arrival);
	else if (message->type == CALL_MESSAGE_TAKEN)
		receive_taken(call, arrival, now_ns);
	else
		receive_end(call, arrival, now_ns);
	return SOTTO_OK;
}
