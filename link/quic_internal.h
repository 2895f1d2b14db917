/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection object, split by stage: quic.c makes it and takes what arrives, quic_write.c lets out,
 * quic_stream.c holds what is to be sent on streams, quic_tls.c is the TLS session below, quic_memory.c
 * gives ngtcp2 the engine's allocator. What ngtcp2 1.x changes is confined to these files.
 */
#ifndef LINK_QUIC_INTERNAL_H
#define LINK_QUIC_INTERNAL_H

#include <netinet/in.h>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "base/assert.h"
#include "base/list.h"
#include "link/quic.h"
#include "link/roam.h"

/* A stream's bytes between quic_stream_put and their acknowledgement. */
struct quic_chunk {
	struct list node;
	size_t len;
	uint8_t data[];
};

struct quic_stream {
	struct list node; /* in quic.streams, turning round robin */
	struct list chunks;
	int64_t id;
	uint64_t start; /* offset of the first chunk */
	uint64_t end;	/* behind the last */
	uint64_t sent;
	bool fin;
	bool fin_sent;
	bool blocked; /* by the other end's flow control, until something arrives */
};

struct quic {
	const struct allocator *allocator;
	const struct random_source *random;
	struct quic_tls *tls;
	struct envelope_padding *padding;
	const struct quic_events *events;
	void *context;
	struct link_secrets secrets;
	ngtcp2_mem mem;
	ngtcp2_conn *conn;
	ngtcp2_crypto_conn_ref ref;
	gnutls_session_t session;
	gnutls_psk_client_credentials_t credentials; /* NULL on a relay */
	struct list streams;
	size_t unacked;
	size_t small_len;
	uint64_t lazy_until; /* 0: no acknowledgement is being held back */
	unsigned unanswered; /* packets that came since one left */
	uint64_t heard_ns;
	uint64_t latest_ns;	   /* of all calls: ngtcp2 must not see time go back */
	struct link_packet *stash; /* made beside a datagram, goes out first */
	struct roam roam;	   /* where the other end is */
	struct quic_stats stats;
	bool is_server;
	bool handshaken;
	bool wants_write;
	bool carried; /* the packet being received held more than datagrams and acknowledgements */
	bool random_failed;
	bool pinging; /* the next packet is to be one that is answered */
	uint64_t keep_alive_ns;
};

extern const ngtcp2_callbacks quic_callbacks;

/*
 * What opened since this was last cleared? The only sign of life that counts. ngtcp2 calls
 * `decrypt` without a context, hence a variable; it is set and read within one quic_receive.
 */
extern _Thread_local struct quic_opened {
	bool any;
	bool is_short;	 /* and then: */
	uint32_t number; /* the end of its packet number, */
	unsigned bytes;	 /* so many bytes of it */
} quic_opened;

/*
 * The one path that ngtcp2 knows. Where packets really come from and go to is ours to say (roam.h): in
 * ngtcp2 0.12.1 a copy of a phone's packet, sent by an onlooker from elsewhere, meets assertions in the
 * code that follows a moving peer, and aborts the relay.
 */
struct quic_path {
	struct sockaddr_in6 end;
	ngtcp2_path path;
};
void quic_path_init(struct quic_path *path);

void quic_memory_init(ngtcp2_mem *mem, const struct allocator *allocator);

/* The session of a connection that has its secrets and, after this, its TLS. */
MUST_USE enum sotto_err quic_tls_open(struct quic *quic);
void quic_tls_close(struct quic *quic);
bool quic_tls_alpn_agreed(const struct quic *quic);

struct quic_stream *quic_stream_find(const struct quic *quic, int64_t id);
MUST_USE enum sotto_err quic_stream_add(struct quic *quic, int64_t id);
void quic_stream_remove(struct quic *quic, struct quic_stream *stream);
/* Nothing more of it is sent. */
void quic_stream_silence(struct quic *quic, int64_t id);
void quic_stream_acked(struct quic *quic, int64_t id, uint64_t upto);

/* What may be sent next of a stream, in at most `count` pieces; returns how many. */
#define QUIC_VECS_MAX 8
size_t quic_stream_peek(const struct quic_stream *stream, ngtcp2_vec *vecs);
/* The next that has something to say and is not blocked; NULL if none has. */
struct quic_stream *quic_stream_next(struct quic *quic);

/* Does the congestion window have room for streams, above what is kept for voice? */
bool quic_streams_allowed(const struct quic *quic);
bool quic_stream_pending(const struct quic *quic);

/* now_ns, or the time of a call before if that was later. */
uint64_t quic_now(struct quic *quic, uint64_t now_ns);

/* Writes the verdict of ngtcp2 on a connection in our words. */
MUST_USE enum sotto_err quic_verdict(struct quic *quic, int rv, enum link_reason *reason);

#endif
