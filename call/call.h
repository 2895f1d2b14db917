/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call state machine of one phone: one call at a time, without a clock, a socket or a microphone.
 *
 *	keys pressed, call messages, room, voice process, time  -->  call  -->  outputs, in order
 *
 * Nothing that arrives can start the voice process: CALL_OUT_VOICE_PREPARE comes only from call_dial and
 * call_answer, which a key press on this phone calls. Timers: ringing out (CALL_RING_MS), waiting for the
 * far end to ring (CALL_REACH_MS), silence in the call (CALL_SILENCE_MS), the old epoch's room
 * (CALL_OVERLAP_MS), and the tail: a random while of packets after hanging up, so that the end of a call
 * is not seen on the wire.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "call/keys.h"
#include "call/message.h"

#define CALL_RING_MS	   60000 /* then unanswered */
#define CALL_REACH_MS	   30000 /* no phone of the other person has said that it rings */
#define CALL_SILENCE_MS	   30000 /* nothing that opens: broken; a relay's restart takes less */
#define CALL_INVITE_AGE_MS 60000 /* an older invitation is a missed call and does not ring */
#define CALL_SWITCH_MS \
	500 /* receivers have the new epoch's keys this long before senders use them */
#define CALL_OVERLAP_MS	      2000 /* in both rooms for at most this long */
#define CALL_TAIL_MIN_MS      1000
#define CALL_TAIL_MAX_MS      5000
#define CALL_DEVICE_LEN	      32 /* a device's identity key */
#define CALL_CONVERSATION_LEN 32 /* names a conversation: the hash of its group id */
#define CALL_OUTPUTS_MAX      64

enum call_state {
	CALL_IDLE,
	CALL_DIALLING,	  /* invited; nobody said yet that it rings */
	CALL_FAR_RINGING, /* it rings there */
	CALL_RINGING,	  /* it rings here */
	CALL_ACTIVE,	  /* answered */
	CALL_TAIL,	  /* over; the beat goes on for a random while */
	CALL_STATES,
};

enum call_output_type {
	CALL_OUT_SEND = 1,   /* message to the call's conversation */
	CALL_OUT_ROOM_JOIN,  /* keys.room_token, keys.epoch; answer with call_room_joined */
	CALL_OUT_ROOM_LEAVE, /* keys.epoch */
	CALL_OUT_BEAT_START, /* the link sends a packet each 20 ms from now on, random ones if need be */
	CALL_OUT_BEAT_STOP,
	CALL_OUT_RING_START, /* the ringer */
	CALL_OUT_RING_STOP,
	CALL_OUT_VOICE_PREPARE, /* start the voice process; no stream yet */
	CALL_OUT_VOICE_START,	/* keys, kid: capture and playback begin */
	CALL_OUT_VOICE_KEYS,	/* keys of a further epoch, to receive with */
	CALL_OUT_VOICE_SWITCH,	/* keys.epoch: send with these from now on */
	CALL_OUT_VOICE_DROP,	/* keys.epoch: forget them */
	CALL_OUT_VOICE_SENDER,	/* kid, slot: whose frames to take */
	CALL_OUT_VOICE_STOP,
	CALL_OUT_CHANGED, /* to state: for who watches */
	CALL_OUT_ENDED,	  /* reason; times are in struct call_times */
};

struct call_output {
	enum call_output_type type;
	struct call_message message;
	struct call_keys keys;
	uint8_t conversation[CALL_CONVERSATION_LEN];
	uint64_t kid;
	uint16_t slot;
	bool slot_known; /* false: take the KID from any slot until its sender announces one */
	enum call_state state;
	enum call_reason reason;
};

/* On the clock of now_ns; 0: has not happened. */
struct call_times {
	uint64_t pressed_ns;  /* call or answer, here */
	uint64_t ringing_ns;  /* the far end said so, or it began to ring here */
	uint64_t answered_ns; /* the answer came, or was given here */
	uint64_t sound_ns;    /* the first frame that opened */
	uint64_t ended_ns;
};

/* The exporter of the conversation's present epoch for this call id (CALL_EXPORTER_LABEL). */
struct call_epoch {
	uint64_t number;
	uint8_t exporter[CALL_EXPORTER_LEN];
};

struct call;

/* random outlives the call. voice: false for a text-only phone, which answers CALL_REASON_NO_VOICE. */
MUST_USE enum sotto_err call_create(const struct random_source *random, bool voice,
				    struct call **out);

/* Wipes. NULL is fine. */
void call_destroy(struct call *call);

/*
 * Somebody pressed call here. id: 16 random bytes that the caller drew to ask for the exporter with.
 * SOTTO_ERR_STATE: in another call; SOTTO_ERR_UNSUPPORTED: a text-only phone; SOTTO_ERR_RANDOM.
 */
MUST_USE enum sotto_err call_dial(struct call *call, const uint8_t id[CALL_ID_LEN],
				  const uint8_t conversation[CALL_CONVERSATION_LEN],
				  const struct call_epoch *epoch, uint64_t now_ns);

/* Pressed here: answers what rings. SOTTO_ERR_STATE if nothing does. */
MUST_USE enum sotto_err call_answer(struct call *call, uint64_t now_ns);

/* Pressed here: hangs up, cancels or refuses, whatever it is now. SOTTO_ERR_STATE if there is no call. */
MUST_USE enum sotto_err call_hang_up(struct call *call, uint64_t now_ns);

/* A call message, and where it came from. epoch is used by an invitation only and may be NULL otherwise. */
struct call_arrival {
	const struct call_message *message;
	uint8_t conversation[CALL_CONVERSATION_LEN];
	uint8_t device[CALL_DEVICE_LEN]; /* the sender's identity key, as verified by MLS */
	bool own;			 /* another device of this phone's own person */
	bool further;			 /* its person has further devices */
	uint64_t age_ms;		 /* since its sender sent it, as far as clocks tell */
	const struct call_epoch *epoch;
};

/*
 * Whatever arrives is legal: what does not fit the state is ignored. An invitation during a call is
 * answered busy without touching the call; two phones that dial each other at the same time are in one
 * call, that with the smaller id.
 * SOTTO_ERR_RANDOM leaves everything as it was.
 */
MUST_USE enum sotto_err call_receive(struct call *call, const struct call_arrival *arrival,
				     uint64_t now_ns);

/* The relay gave this phone a slot in the room of an epoch. */
void call_room_joined(struct call *call, uint64_t epoch, uint16_t slot);

/* The link is up again: rooms of before are gone and must be joined again. */
void call_link_up(struct call *call);

/* The voice process can begin, or is gone. */
void call_voice_ready(struct call *call);
void call_voice_gone(struct call *call, uint64_t now_ns);

/* The newest frame that opened came at at_ns. */
void call_media_seen(struct call *call, uint64_t at_ns);

/*
 * Both ends compared their check values inside the call. Unequal is no end: where the keys differed nothing
 * would open, and a ledger may lag; but the call is not verified, and says so.
 */
void call_checked(struct call *call, bool equal);

/* The other end follows another policy at the same length of the ledger: a hard stop. */
void call_mismatched(struct call *call, uint64_t now_ns);

/*
 * Nothing may be exchanged with the other end any more: it was taken out of the network, or this phone was.
 * Ends at once, without a word to it and without a tail: every room is left and the beat stops, also that
 * of the tail of a call that is over.
 */
void call_cut(struct call *call, enum call_reason reason, uint64_t now_ns);

/* The conversation is in a new epoch; removed: somebody was removed, so the old one ends at once. */
void call_epoch_changed(struct call *call, const struct call_epoch *epoch, bool removed,
			uint64_t now_ns);

/* UINT64_MAX: none. */
uint64_t call_deadline(const struct call *call);
void call_handle_deadline(struct call *call, uint64_t now_ns);

/* The next thing to do, oldest first; false: nothing. It carries keys: wipe it after use. */
bool call_next_output(struct call *call, struct call_output *output);

enum call_state call_state_of(const struct call *call);
const char *call_state_name(enum call_state state);
const uint8_t *call_id_of(const struct call *call);
const struct call_times *call_times_of(const struct call *call);
bool call_is_outgoing(const struct call *call);
bool call_is_verified(const struct call *call);

/* Whose device is at the other end: empty before anything came from it. Borrowed for the call's life. */
struct bytes call_peer_device(const struct call *call);

#endif
