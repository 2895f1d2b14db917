/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time and epochs. When the conversation moves to a new epoch during a call, receivers hold both epochs'
 * keys before anybody sends with the new ones:
 *
 *	now                   join the new room, receive with both
 *	+ CALL_SWITCH_MS      send with the new keys, in the new room
 *	+ CALL_OVERLAP_MS     leave the old room, forget the old keys
 *
 * When somebody was removed, all of it happens at once.
 */
#include "base/assert.h"
#include "call/call.h"
#include "call/call_internal.h"

#define NS_PER_MS UINT64_C(1000000)
#define NEVER	  UINT64_MAX

static void switch_epoch(struct call *call)
{
	call->switch_ns = NEVER;
	if (call->voice_started)
		call_push(call, CALL_OUT_VOICE_SWITCH)->keys.epoch = call->rooms[0].keys.epoch;
}

static void drop_epoch(struct call *call)
{
	call->drop_ns = NEVER;
	call_room_leave(call, &call->rooms[1]);
}

void call_epoch_changed(struct call *call, const struct call_epoch *epoch, bool removed,
			uint64_t now_ns)
{
	/* The tail of a call that is over goes into the old room: it ends with that. */
	if (call->state == CALL_TAIL && removed)
		call_cut(call, CALL_REASON_NONE, now_ns);
	if (call->state == CALL_IDLE || call->state == CALL_TAIL ||
	    call->rooms[0].keys.epoch == epoch->number)
		return;
	call_room_leave(call, &call->rooms[1]);
	call->rooms[1] = call->rooms[0];
	call_keys_derive(epoch->exporter, epoch->number, call->id, call->id_random,
			 &call->rooms[0].keys);
	call_room_enter(call, &call->rooms[0]);
	if (call->voice_started)
		call_push(call, CALL_OUT_VOICE_KEYS)->keys = call->rooms[0].keys;
	call->switch_ns = now_ns + CALL_SWITCH_MS * NS_PER_MS;
	call->drop_ns = now_ns + CALL_OVERLAP_MS * NS_PER_MS;
	if (removed) {
		switch_epoch(call);
		drop_epoch(call);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the state itself ends. */
static uint64_t state_deadline(const struct call *call)
{
	if (call->state == CALL_ACTIVE)
		return call->media_ns + CALL_SILENCE_MS * NS_PER_MS;
	return call->until_ns;
}

uint64_t call_deadline(const struct call *call)
{
	return earlier(state_deadline(call), earlier(call->switch_ns, call->drop_ns));
}

static void end_state(struct call *call, uint64_t now_ns)
{
	enum call_reason reason = CALL_REASON_UNANSWERED;

	if (call->state == CALL_TAIL) {
		call_end_tail(call);
		return;
	}
	if (call->state == CALL_DIALLING)
		reason = CALL_REASON_UNREACHABLE;
	else if (call->state == CALL_ACTIVE)
		reason = CALL_REASON_BROKEN;
	call_push_end(call, reason);
	/* None of the person's devices rang, and one said why. */
	if (reason == CALL_REASON_UNREACHABLE && call->declined != CALL_REASON_NONE)
		reason = call->declined;
	call_end(call, reason, now_ns);
}

void call_handle_deadline(struct call *call, uint64_t now_ns)
{
	if (now_ns >= call->switch_ns)
		switch_epoch(call);
	if (now_ns >= call->drop_ns)
		drop_epoch(call);
	if (now_ns >= state_deadline(call)) {
		ASSERT(call_hears(call->state, CALL_EVENT_TIMEOUT));
		end_state(call, now_ns);
	}
}
