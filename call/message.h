/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What phones say to each other about a call, as bodies of application messages: signed by the sender's
 * leaf, sealed to the conversation, in the drop's order. None of them opens a microphone or answers.
 *
 *	struct {
 *		uint8 version;            1
 *		uint8 type;
 *		opaque call_id[16];
 *		select (type) {
 *			case invite:  opaque random[32]; uint64 kid;
 *			case ringing: uint64 kid;
 *			case answer:  uint64 kid;
 *			case sender:  uint64 kid; uint16 slot;
 *			case end:     uint8 reason;
 *		}
 *	} CallMessage;
 */
#ifndef CALL_MESSAGE_H
#define CALL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define CALL_ID_LEN	     16
#define CALL_RANDOM_LEN	     32
#define CALL_MESSAGE_VERSION 1
#define CALL_MESSAGE_LEN_MAX (2 + CALL_ID_LEN + CALL_RANDOM_LEN + 8)

/* Numbers are only appended. */
enum call_message_type {
	CALL_MESSAGE_INVITE =
		1, /* rings; random goes into the call's keys and is erased with the call */
	CALL_MESSAGE_RINGING = 2, /* it rings here */
	CALL_MESSAGE_ANSWER = 3,  /* somebody pressed the key here */
	CALL_MESSAGE_SENDER = 4,  /* my frames carry this KID and come from this slot of the room */
	CALL_MESSAGE_END = 5,
	CALL_MESSAGE_TAKEN = 6, /* several have answered: in the call is the one with this KID */
};

/* Why a call ended, as its sender sees it. Numbers are only appended. */
enum call_reason {
	CALL_REASON_NONE = 0,
	CALL_REASON_HUNG_UP = 1,     /* after an answer */
	CALL_REASON_CANCELLED = 2,   /* by the caller before an answer */
	CALL_REASON_REFUSED = 3,     /* by the called person */
	CALL_REASON_BUSY = 4,	     /* in another call */
	CALL_REASON_UNANSWERED = 5,  /* rang to the end */
	CALL_REASON_UNREACHABLE = 6, /* never rang */
	CALL_REASON_BROKEN = 7,	     /* no media for CALL_SILENCE_MS, or the voice process died */
	CALL_REASON_NO_VOICE = 8,    /* a text-only phone */
	CALL_REASON_ELSEWHERE = 9,   /* answered on another device of the same person */
	CALL_REASON_MISMATCH = 10,   /* keys, ledger or policy differ: a hard stop */
	CALL_REASON_REVOKED = 11, /* one of the two phones was taken out; never said on the wire */
	CALL_REASON_LAST = CALL_REASON_MISMATCH, /* that a message may carry */
};

struct call_message {
	enum call_message_type type;
	uint8_t id[CALL_ID_LEN];
	uint8_t random[CALL_RANDOM_LEN]; /* invite; a secret of the conversation */
	uint64_t kid;			 /* invite, ringing, answer, sender, taken */
	uint16_t slot;			 /* sender */
	enum call_reason reason;	 /* end */
};

/* out has CALL_MESSAGE_LEN_MAX bytes; returns how many were written. */
size_t call_message_encode(const struct call_message *message, uint8_t out[CALL_MESSAGE_LEN_MAX]);

/*
 * SOTTO_ERR_VERSION, SOTTO_ERR_UNSUPPORTED (a type of a later release: ignore it), SOTTO_ERR_FORMAT. An end
 * with an unknown reason reads as CALL_REASON_BROKEN.
 */
MUST_USE enum sotto_err call_message_decode(struct bytes input, struct call_message *message);

/* "hung_up", "busy", ... for --json and documents; static storage. */
const char *call_reason_name(enum call_reason reason);

#endif
