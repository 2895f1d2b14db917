/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's engine, cut by stage: server_accept.c decides about packets from nowhere, server_link.c is
 * one link's events, server_stream.c its requests and replies, cid_map.c and timers.c find the link that
 * a packet or a deadline is for, server.c is what the program calls.
 */
#ifndef LINK_SERVER_INTERNAL_H
#define LINK_SERVER_INTERNAL_H

#include "base/assert.h"
#include "base/list.h"
#include "link/cid_map.h"
#include "link/link_server.h"
#include "link/quic.h"
#include "link/replay.h"
#include "link/timers.h"

/* A connection has its own ids (4 that the phone may hold, spares while they change) and the first. */
#define SERVER_CIDS_PER_LINK 10

/* A request on its way in. */
struct server_stream {
	struct list node;
	int64_t id;
	uint8_t *data; /* grows to the named limit; NULL once handed over */
	size_t len;
	size_t capacity;
	bool handed_over;
	bool refused;
	bool replied; /* to the end */
};

struct server_link {
	struct link_server *server;
	struct quic *quic;
	struct timer timer;
	struct list dirty;   /* in server.dirty while it may have something to send */
	struct list half;    /* in server.half until the handshake is done */
	struct list streams; /* struct server_stream */
	struct list cids;    /* its entries in server.cids */
	uint64_t id;
	struct link_path first; /* where its handshake came from */
	uint8_t first_dcid
		[LINK_CID_LEN]; /* the phone's choice, of use until the handshake is done */
	uint64_t small_until;
	size_t payload_len; /* of the packet being received */
	size_t request_bytes;
	uint64_t now_ns; /* of the packet being received */
	bool handshaken; /* ... and on_open is due */
	bool opened;	 /* on_open was called */
	bool busy;	 /* inside its own quic: do not destroy, do not write */
	bool proven;
	bool past;
	bool wants_room; /* link_server_reply gave AGAIN */
	bool closing;	 /* asked for while busy */
};

/* A goodbye that waits for link_server_send. */
struct server_goodbye {
	struct list node;
	struct link_packet packet;
};

struct link_server {
	struct link_server_config config;
	const struct allocator *allocator;
	struct quic_tls *tls;
	struct envelope_padding padding;
	struct replay *replay;
	struct cid_map cids;
	struct timers timers;
	struct server_link **links; /* by slot */
	uint32_t *free_slots;
	uint32_t free_count;
	struct list dirty;
	struct list half;
	struct list goodbyes;
	struct link_secrets keys[LINK_KEYS_LIVE_MAX + LINK_KEYS_PAST_MAX];
	size_t key_count;
	size_t live_count;
	uint64_t serial; /* of links made */
	struct link_server_stats stats;
};

/* By the number that the program knows; NULL if it has gone. */
struct server_link *server_find(const struct link_server *server, uint64_t id);

void server_drop(struct link_server *server, enum link_drop why);

/* server_accept.c: a long header that belongs to no link. */
void server_accept(struct link_server *server, const struct link_path *path, struct bytes payload,
		   uint64_t now_ns, uint64_t utc_ms);

void server_goodbye(struct link_server *server, const struct link_packet *packet);

/* server_link.c */
MUST_USE enum sotto_err server_link_create(struct link_server *server, const struct link_path *path,
					   const struct quic_initial *initial, size_t key,
					   uint64_t now_ns, struct server_link **link);
/* Silent; on_close if it was open. */
void server_link_destroy(struct server_link *link, enum link_reason reason);
/* Says goodbye first. */
void server_link_close(struct server_link *link, uint64_t now_ns);
/* Its timer is due. The link may be gone afterwards. */
void server_link_expire(struct server_link *link, uint64_t now_ns);
/* One packet without its envelope. The link may be gone afterwards. */
void server_link_receive(struct server_link *link, const struct link_path *path,
			 struct bytes packet, size_t payload_len, uint64_t now_ns);
/* Puts it where send and deadline find it. */
void server_link_touch(struct server_link *link);

/* server_stream.c */
MUST_USE enum sotto_err server_stream_receive(struct server_link *link, int64_t id,
					      struct bytes bytes, bool fin);
void server_stream_closed(struct server_link *link, int64_t id);
void server_streams_clear(struct server_link *link);
struct server_stream *server_stream_find(const struct server_link *link, int64_t id);
/* on_room, if somebody waits for it and there is. */
void server_stream_room(struct server_link *link);

#endif
