/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's engine, cut by stage: client_dial.c makes attempts until one is answered, client_link.c
 * is the link that won (proof, signs of life, moving), client_stream.c its requests and replies,
 * client.c is what the program calls.
 */
#ifndef LINK_CLIENT_INTERNAL_H
#define LINK_CLIENT_INTERNAL_H

#include "base/assert.h"
#include "base/list.h"
#include "link/link_client.h"
#include "link/quic.h"

#define CLIENT_ATTEMPTS_MAX 4 /* under way at the same time */

/* What a relay says first, on a one-way stream: its clock and its signature. */
#define CLIENT_PROOF_LEN (8 + LINK_SIGNATURE_LEN)

#define MS		 UINT64_C(1000000)

struct client_attempt {
	struct link_client *client;
	struct quic *quic; /* NULL: free */
	uint64_t started_ns;
	bool handshaken;
};

struct client_request {
	struct list node;
	uint64_t number; /* the program's */
	int64_t stream;	 /* of this link */
	size_t len;
	bool sent;     /* the relay has acknowledged all of it */
	bool finished; /* fin was delivered */
};

struct link_client {
	struct link_client_config config;
	const struct allocator *allocator;
	struct quic_tls *tls;
	struct envelope_padding padding;
	struct link_secrets secrets[LINK_CLIENT_KEYS_MAX];

	enum link_client_state state;
	enum link_reason reason;
	uint32_t socket;

	/* Dialling. */
	struct client_attempt attempts[CLIENT_ATTEMPTS_MAX];
	size_t candidate;   /* the next to dial: key-major, address-minor */
	uint64_t dial_ns;   /* when; LINK_NEVER while a link is up */
	uint64_t pause_ms;  /* after this round */
	uint64_t round_ns;  /* when the first attempt since the last link was made */
	size_t unreachable; /* candidates in a row that the system would not send to */

	/* The link. */
	struct client_attempt *up; /* in attempts; NULL while dialling */
	uint64_t up_ns;		   /* when the handshake ended */
	struct link_path path;
	uint8_t proof[CLIENT_PROOF_LEN];
	size_t proof_len;
	bool proof_whole;
	uint64_t heard_ns;
	uint64_t unanswered_ns; /* since when something waits for a sign of life; 0: nothing does */
	size_t small_len;
	struct list requests;
	size_t request_count;
	uint64_t numbers;      /* of requests given out */
	uint64_t first_number; /* of this link's requests */
	bool wants_room;

	int64_t clock_offset_ms;
	struct link_packet goodbye;
	uint64_t migrations;
	uint64_t connects;
};

/* Sets state and reason and tells the program; client_report only if they are others than before. */
void client_tell(struct link_client *client, enum link_client_state state, enum link_reason reason);
void client_report(struct link_client *client, enum link_client_state state,
		   enum link_reason reason);

/* client_dial.c */
void client_dial_start(struct link_client *client, uint64_t now_ns);
/* Makes the attempt that is due, gives up the one that is too old. */
void client_dial_step(struct link_client *client, uint64_t now_ns, uint64_t utc_ms);
/* After a round, or after a link that ended badly. */
void client_dial_pause(struct link_client *client, uint64_t now_ns, bool longer);
void client_dial_unreachable(struct link_client *client, const struct link_path *path);
uint64_t client_dial_deadline(const struct link_client *client);
void client_attempt_drop(struct client_attempt *attempt);
void client_attempts_drop(struct link_client *client);

/* client_link.c */
extern const struct quic_events client_quic_events;
/* This attempt shook hands first. */
void client_link_begin(struct link_client *client, struct client_attempt *attempt, uint64_t now_ns);
/* Ends the link, tells the program, and dials anew unless the client was stopped. */
void client_link_lose(struct link_client *client, enum link_reason reason, uint64_t now_ns);
/* After anything that its quic did: the proof, signs of life. The link may be gone afterwards. */
void client_link_settle(struct link_client *client, uint64_t now_ns, uint64_t utc_ms);
/* After anything that was sent: does it want an answer? */
void client_link_watch(struct link_client *client, uint64_t now_ns);
void client_link_moved(struct link_client *client, uint64_t now_ns);
uint64_t client_link_deadline(const struct link_client *client);

/* client_stream.c */
MUST_USE enum sotto_err client_stream_receive(struct link_client *client, int64_t stream,
					      struct bytes bytes, bool fin);
void client_stream_closed(struct link_client *client, int64_t stream, bool reset);
void client_streams_lose(struct link_client *client);
void client_stream_room(struct link_client *client);

#endif
