/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the call engine share: the state, the queue of outputs, and the table that says which
 * event is heard in which state.
 */
#ifndef CALL_CALL_INTERNAL_H
#define CALL_CALL_INTERNAL_H

#include "call/call.h"

/* Epochs whose keys are held: the present one and the one before it, for CALL_OVERLAP_MS. */
#define CALL_EPOCHS_MAX 2

enum call_event {
	CALL_EVENT_DIAL,       /* key pressed here */
	CALL_EVENT_ANSWER_KEY, /* key pressed here */
	CALL_EVENT_HANG_UP,    /* key pressed here */
	CALL_EVENT_INVITE,
	CALL_EVENT_RINGING,
	CALL_EVENT_ANSWER,
	CALL_EVENT_SENDER,
	CALL_EVENT_END,
	CALL_EVENT_TAKEN,
	CALL_EVENT_TIMEOUT,
	CALL_EVENT_VOICE_GONE,
	CALL_EVENT_MISMATCH,
	CALL_EVENT_CUT,
	CALL_EVENTS,
};

/* Devices of the other person that said under which KID and from which slot they would speak. */
#define CALL_SENDERS_MAX 16

struct call_sender {
	uint8_t device[CALL_DEVICE_LEN];
	uint64_t kid;
	uint16_t slot;
	bool slot_known;
};

struct call_room {
	struct call_keys keys;
	bool held;
	bool joined; /* asked for; cleared when the link went down */
};

struct call {
	const struct random_source *random;
	bool voice; /* this phone can speak */

	enum call_state state;
	bool outgoing;
	uint8_t id[CALL_ID_LEN];
	uint8_t id_random[CALL_RANDOM_LEN];
	uint64_t kid;
	uint8_t conversation[CALL_CONVERSATION_LEN];
	uint8_t peer[CALL_DEVICE_LEN];
	bool peer_known;
	uint64_t peer_kid; /* of the answer that counts */
	struct call_sender senders[CALL_SENDERS_MAX];
	size_t sender_count;

	struct call_room rooms[CALL_EPOCHS_MAX]; /* [0] is the newest */
	bool voice_prepared;			 /* the voice process was asked for */
	bool voice_ready;
	bool voice_started;
	bool verified;
	/* What a device said that does not speak for its person; NONE: nothing. */
	enum call_reason declined;

	struct call_times times;
	uint64_t media_ns;  /* newest frame that opened */
	uint64_t until_ns;  /* deadline of the state */
	uint64_t switch_ns; /* when to send with rooms[0]; UINT64_MAX: done */
	uint64_t drop_ns;   /* when to leave rooms[1]; UINT64_MAX: none */

	struct call_output outputs[CALL_OUTPUTS_MAX];
	size_t output_first;
	size_t output_count;
};

/* May this event be heard in this state? The table is in call_table.c. */
bool call_hears(enum call_state state, enum call_event event);

/* May the machine go from here to there? Asserted at the one place that changes the state. */
bool call_may_go(enum call_state from, enum call_state to);

/* The one writer of the state. */
void call_go(struct call *call, enum call_state to);

/* A zeroed output of this type, in the call's conversation, to fill in. */
struct call_output *call_push(struct call *call, enum call_output_type type);

/* A message of this type about this call, with this phone's KID, to fill in. */
struct call_message *call_push_message(struct call *call, enum call_message_type type);
void call_push_end(struct call *call, enum call_reason reason);
void call_push_senders(struct call *call);

/* What a dialled and an arriving call have in common. */
void call_begin(struct call *call, const uint8_t *id, const uint8_t *random,
		const struct call_epoch *epoch, uint64_t kid, uint64_t now_ns);
void call_start_voice(struct call *call);
void call_end(struct call *call, enum call_reason reason, uint64_t now_ns);
void call_end_tail(struct call *call);
void call_room_enter(struct call *call, struct call_room *room);
void call_room_leave(struct call *call, struct call_room *room);

#endif
