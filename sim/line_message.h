/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ends of message-level links: line_message.c is the phone's, line_server.c the relay's, which has the
 * names of link/link_server.h so that the released relay_front runs on it.
 */
#ifndef SIM_LINE_MESSAGE_H
#define SIM_LINE_MESSAGE_H

#include "base/list.h"
#include "link/link_server.h"
#include "sim/line.h"

#define SIM_STREAMS_MAX	 64		     /* as many as a link has */
#define SIM_STREAM_AGAIN (UINT64_C(1) << 63) /* of a request that arrived twice */

enum sim_parcel_kind {
	/* to the relay */
	SIM_PARCEL_HELLO,
	SIM_PARCEL_REQUEST,
	SIM_PARCEL_CANCEL,
	SIM_PARCEL_GOODBYE,
	SIM_PARCEL_ROOM,
	/* to the phone */
	SIM_PARCEL_PROOF,
	SIM_PARCEL_REPLY,
	SIM_PARCEL_REFUSED,
	SIM_PARCEL_CLOSED,
};

/* A message under way. The relay's end gets them as payloads: bytes of a pointer to one. */
struct sim_parcel {
	struct list list;
	struct sim_event event;
	struct sim_line *line;
	enum sim_parcel_kind kind;
	uint64_t session; /* of the relay's end; HELLO: 0 */
	uint64_t stream;
	bool fin;
	size_t len;
	uint8_t data[];
};

struct sim_stream {
	uint64_t stream; /* 0: free */
	bool fin;
	uint64_t last_ns; /* when the newest of it arrives, so that they do so in order */
};

/* The relay's end of one link. */
struct sim_session {
	struct list list;
	struct link_server *server;
	struct sim_line *line; /* NULL: the phone has gone */
	uint64_t id;
	enum link_key_kind kind;
	uint64_t number;
	bool past, proven, room_wanted;
	uint64_t gone_ns;
	struct list by_id;
	uint64_t waiting; /* bytes of replies */
	uint8_t exporter[LINK_EXPORTER_LEN];
	struct sim_stream streams[SIM_STREAMS_MAX];
};

struct sim_switch {
	struct sim_clock *clock;
	struct sim_random random;
	struct relay_front *front;
	uint64_t utc_ms_offset;
	void (*settle)(void *context);
	void *context;
	uint32_t current;
	struct list lines;
	uint64_t sessions; /* so far: a number is not used twice, whichever relay gives it */
	struct sim_line_counts counts;
};

enum sim_line_state { SIM_LINE_CLOSED, SIM_LINE_PAUSE, SIM_LINE_DIALLING, SIM_LINE_UP };

struct sim_line {
	struct list list;
	struct sim_switch *hub;
	uint32_t number;
	struct sim_line_events events;
	struct sim_line_faults faults;
	struct sim_random random;
	enum sim_line_state state;
	struct sim_event timer; /* PAUSE: dial; DIALLING: give up; UP: lost */
	uint64_t pause_ms;
	uint64_t up_ns, down_ns; /* when a slow link is free again */
	struct list parcels;
	struct sim_session *session;
	uint64_t session_id;
	struct link_key opened;
	struct link_key keys[TALK_KEYS_MAX];
	size_t key_count;
	uint8_t relay_key[WIRE_KEY_LEN], network[WIRE_HASH_LEN];
	int64_t clock_offset_ms; /* the relay's clock minus the phone's, as its proof told */
};

/* What a proof carries. */
struct sim_proof {
	uint8_t signature[LINK_SIGNATURE_LEN];
	uint8_t exporter[LINK_EXPORTER_LEN];
	uint64_t utc_ms;
	enum link_key_kind kind;
	uint64_t number;
};

/* Sends a message; it arrives at *last_ns or later, which then is when it does. NULL: no order. */
void sim_line_send(struct sim_line *line, enum sim_parcel_kind kind, uint64_t stream, bool fin,
		   struct bytes bytes, uint64_t *last_ns);
/* The phone is gone, without a word. */
void sim_session_gone(struct sim_session *session, uint64_t now_ns);
/* The relay's end is gone, likewise. */
void sim_line_orphan(struct sim_line *line);

#endif
