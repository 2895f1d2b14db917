/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One QUIC connection inside its envelope, as both engines use it. Only quic*.c see ngtcp2 and GnuTLS.
 *
 * Incoming packets come without their envelope (the engine had to open it to know whose they are),
 * outgoing ones leave with it. Callbacks come from inside quic_receive and quic_expire and must not
 * destroy the connection. Inside link/ only.
 *
 * TLS draws its key share and hellos from GnuTLS's own generator, which takes no other: runs are
 * repeatable down to packets' sizes and times, not to their bytes. (The simulator replaces link/.)
 */
#ifndef LINK_QUIC_H
#define LINK_QUIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "link/envelope.h"
#include "link/link.h"
#include "link/token.h"

/* While a call goes on, streams leave this much of the congestion window to datagrams, or half of it. */
#define QUIC_VOICE_RESERVE 3000
/* RFC 9000 13.2.1 allows 25 ms (max_ack_delay, default): so long may an ACK wait for a datagram. */
#define QUIC_LAZY_ACK_NS UINT64_C(25000000)
/* RFC 9000 13.2.2: outside of calls an ACK for at least every second packet. */
#define QUIC_UNANSWERED_MAX 2

/* Application error codes that go with a reset stream (RFC 9000 20.2). */
#define QUIC_STREAM_CANCELLED 1
#define QUIC_STREAM_REFUSED   2

/* What TLS needs once for an engine. */
struct quic_tls;
MUST_USE enum sotto_err quic_tls_create(const struct allocator *allocator, struct quic_tls **tls);
void quic_tls_destroy(struct quic_tls *tls);

/* The invariant part of a packet (RFC 8999), readable without any key. */
struct quic_header {
	bool is_long;
	uint8_t dcid[LINK_CID_LEN];
};

/* FORMAT: not QUIC, or ids of another length. VERSION: a long header of another version. */
MUST_USE enum sotto_err quic_peek(struct bytes payload, struct quic_header *header);

/* The first packet of a phone that nobody knows, without its envelope. */
struct quic_initial {
	uint8_t dcid[LINK_CID_LEN];
	uint8_t scid[LINK_CID_LEN];
	struct bytes token; /* borrowed from the packet */
};
MUST_USE enum sotto_err quic_peek_initial(struct bytes packet, struct quic_initial *initial);

struct quic;

struct quic_events {
	void (*on_handshake)(void *context);
	/* In order, each byte once. Failing ends the connection. */
	enum sotto_err (*on_stream)(void *context, int64_t stream, struct bytes bytes, bool fin);
	/* Both directions are over; reset: not by FIN. */
	void (*on_stream_closed)(void *context, int64_t stream, bool reset);
	void (*on_datagram)(void *context, struct bytes bytes);
	/* NULL on a phone. False: no room, do not use this id. */
	bool (*on_cid)(void *context, const uint8_t *cid);
	void (*on_cid_retired)(void *context, const uint8_t *cid);
};

struct quic_config {
	const struct allocator *allocator;
	const struct random_source *random;
	struct quic_tls *tls;
	struct envelope_padding *padding;
	const struct link_secrets *secrets; /* copied */
	const struct quic_events *events;
	void *context;
	struct link_path path;
	uint64_t now_ns;
	uint64_t streams_bidi; /* that the other end may have open */
	uint64_t streams_uni;
	uint64_t window_stream; /* of one stream of either end */
	uint64_t window_all;
};

/* A token for utc_ms is made with the connection id that goes with it. */
MUST_USE enum sotto_err quic_create_client(const struct quic_config *config, uint64_t utc_ms,
					   struct quic **quic);
MUST_USE enum sotto_err quic_create_server(const struct quic_config *config,
					   const struct quic_initial *initial, struct quic **quic);
/* Silent. NULL is fine. */
void quic_destroy(struct quic *quic);

const struct link_secrets *quic_secrets(const struct quic *quic);

/* Client: is this one of the ids that it gave out? */
bool quic_owns(const struct quic *quic, const uint8_t *cid);

/*
 * SOTTO_OK: handled, which says nothing about the packet. Anything else: the connection is over, reason
 * in *reason, and must be destroyed without a word.
 */
MUST_USE enum sotto_err quic_receive(struct quic *quic, const struct link_path *path,
				     struct bytes packet, size_t payload_len, uint64_t now_ns,
				     enum link_reason *reason);
MUST_USE enum sotto_err quic_expire(struct quic *quic, uint64_t now_ns, enum link_reason *reason);

/* The next payload, sealed; len 0: none now. Fails as quic_receive does. */
MUST_USE enum sotto_err quic_write(struct quic *quic, uint64_t now_ns, struct link_packet *out,
				   enum link_reason *reason);
uint64_t quic_deadline(const struct quic *quic);

/* May quic_write have something? */
bool quic_wants_write(const struct quic *quic);

/* OK, AGAIN (dropped), LIMIT, STATE, as in the engines' headers. */
MUST_USE enum sotto_err quic_datagram(struct quic *quic, struct bytes bytes, uint64_t now_ns,
				      struct link_packet *out);

/* AGAIN: the other end allows no more now. */
MUST_USE enum sotto_err quic_stream_open(struct quic *quic, bool bidi, int64_t *stream);
/* Copies. NOT_FOUND: no such stream, or its sending end is over. */
MUST_USE enum sotto_err quic_stream_put(struct quic *quic, int64_t stream, struct bytes bytes,
					bool fin);
void quic_stream_reset(struct quic *quic, int64_t stream, uint64_t code);
/* The other end may send len more: on this stream (-1: none) and in all. */
void quic_consume(struct quic *quic, int64_t stream, size_t len);
/* A stream of the other end is over: it may open another. */
void quic_allow_stream(struct quic *quic);
/* Bytes put and not acknowledged: in all, and of one stream. */
size_t quic_unacked(const struct quic *quic);
size_t quic_stream_unacked(const struct quic *quic, int64_t stream);

/* 0: full only. */
void quic_set_small(struct quic *quic, size_t small_len);

/* Client: from now on from other sockets, beginning with a PING; the relay follows (roam.h). */
void quic_move(struct quic *quic, uint32_t socket);

/* Client: silence after which it asks for a sign of life; 0 is never. */
void quic_keep_alive(struct quic *quic, uint64_t silence_ns);

/* Changes whenever an authentic packet has come in. */
uint64_t quic_heard_ns(const struct quic *quic);
/* Is something under way that the other end has to answer? */
bool quic_unanswered(const struct quic *quic);

/* One goodbye to a peer who has shaken hands; len 0 if there is none to be said. Destroy it then. */
void quic_close(struct quic *quic, uint64_t now_ns, struct link_packet *out);

MUST_USE enum sotto_err quic_exporter(const struct quic *quic, uint8_t *exporter);

void quic_path(const struct quic *quic, struct link_path *path);

struct quic_stats {
	uint64_t packets_in;
	uint64_t packets_out;
	uint64_t datagrams_lost;
	uint64_t datagrams_refused;
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t rtt_ns;
};
void quic_stats(const struct quic *quic, struct quic_stats *stats);

#endif
