/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's end of all its links, without I/O.
 *
 *   program                         engine
 *   link_server_receive      ---->  link known?  -> QUIC
 *                                   Initial?     -> envelope, token, window, replay: else silence
 *   link_server_send         <----  until it gives none
 *   link_server_deadline     <----  then link_server_handle_deadline
 *
 * After every call that takes now_ns, ask link_server_send until it gives nothing, then
 * link_server_deadline (under load: receive all there is, then send, at most once a millisecond;
 * deadlines are rounded up to that). Whoever does not show an access key gets no packet at all,
 * whatever he sends.
 *
 * Sizes follow the phone: for LINK_SMALL_LINGER_MS after a datagram that came in a small packet,
 * everything towards that phone that fits goes in packets of the same size.
 *
 * A link is named by a number that is not used twice in the engine's life; a call about one that
 * has gone is SOTTO_ERR_NOT_FOUND. Callbacks come from inside receive and handle_deadline (and
 * close), and may call everything here except those, send, and destroy; a datagram to the very
 * link that a callback is about is refused (AGAIN) there.
 */
#ifndef LINK_LINK_SERVER_H
#define LINK_LINK_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "link/link.h"
#include "link/link_key.h"

#define LINK_SMALL_LINGER_MS UINT64_C(1000)

struct link_server;

struct link_server_limits {
	uint32_t links;		    /* in all; 80 kB each when idle, and TLS 10 */
	uint32_t half_open;	    /* handshakes under way, in all */
	uint32_t half_open_address; /* ... from one IPv4 address or IPv6 /64 */
	uint32_t streams;	    /* requests open on one link, watches included */
	uint32_t request_len;	    /* one request */
	uint32_t request_bytes;	    /* requests being received, on one link */
	uint32_t request_bytes_all; /* ... on all links */
	uint32_t reply_bytes;	    /* replies that a phone has not acknowledged, on one link */
	uint32_t replay_entries;    /* handshakes remembered (for 20 minutes) */
};

/* 4096 links, 1024 half-open, 32 from an address, 64 streams, requests of 1 MiB, 4 MiB a link and
 * 256 MiB in all, 4 MiB of replies a link, 65,536 remembered handshakes. */
extern const struct link_server_limits link_server_limits_default;

struct link_server_events {
	/* A phone that has an access key is there; link_server_info tells which key. */
	void (*on_open)(void *context, uint64_t link);
	/*
	 * Sign link_proof_message(network, exporter) and give the signature to link_server_proven:
	 * now or later; after LINK_HANDSHAKE_MS the phone gives up. exporter has LINK_EXPORTER_LEN
	 * bytes, and lives as long as the call.
	 */
	void (*on_prove)(void *context, uint64_t link, const uint8_t *exporter);
	/* One whole request; bytes live as long as the call. Answer with link_server_reply. */
	void (*on_request)(void *context, uint64_t link, uint64_t stream, struct bytes bytes);
	/* The phone cancelled it, or its reply was acknowledged to the end. No reply is taken any
	 * more. */
	void (*on_stream_end)(void *context, uint64_t link, uint64_t stream);
	/* After link_server_reply gave SOTTO_ERR_AGAIN: half of the room is free again. */
	void (*on_room)(void *context, uint64_t link);
	void (*on_datagram)(void *context, uint64_t link, struct bytes bytes);
	/* The link is gone, with its streams (no on_stream_end for them). After on_open only. */
	void (*on_close)(void *context, uint64_t link, enum link_reason reason);
	void *context;
};

struct link_server_config {
	struct link_server_limits limits;
	/*
	 * When this process started, monotonic. Tokens older than that are refused, because what the
	 * process before had seen is forgotten. They are compared by what the wall clock of now says of
	 * that moment: a machine may start with a wrong clock and be set right later. Phones learn the
	 * relay's clock with its proof and count by it afterwards, so that a slow phone is not locked out
	 * by a restart.
	 */
	uint64_t start_ns;
	const struct allocator *allocator;  /* NULL: allocator_default */
	const struct random_source *random; /* borrowed for the engine's life */
	struct link_server_events events;
};

/* Copies config. Opens for nobody until link_server_set_keys. */
MUST_USE enum sotto_err link_server_create(const struct link_server_config *config,
					   struct link_server **server);
/* Silent: phones find out by themselves. Makes no callback. Wipes keys. NULL is fine. */
void link_server_destroy(struct link_server *server);

/*
 * The keys that open a link from now on, copied: live (at most LINK_KEYS_LIVE_MAX), then past (at
 * most LINK_KEYS_PAST_MAX, newest first; what a link opened by one may do is the relay's decision
 * above). Links that are open stay open, whatever key opened them: see link_server_info and
 * link_server_close. LIMIT: too many. NO_MEMORY.
 */
MUST_USE enum sotto_err link_server_set_keys(struct link_server *server,
					     const struct link_key *live, size_t live_count,
					     const struct link_key *past, size_t past_count);

/* One UDP payload that arrived; it cannot fail. */
void link_server_receive(struct link_server *server, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms);

/* The next UDP payload to send; out->len is 0 when there is none now. */
void link_server_send(struct link_server *server, uint64_t now_ns, struct link_packet *out);

uint64_t link_server_deadline(const struct link_server *server);
void link_server_handle_deadline(struct link_server *server, uint64_t now_ns);

/*
 * The answer to on_prove: LINK_SIGNATURE_LEN bytes, and the wall clock that the phone is told.
 * NOT_FOUND: the link has gone meanwhile, no harm. STATE: was proven. NO_MEMORY.
 */
MUST_USE enum sotto_err link_server_proven(struct link_server *server, uint64_t link,
					   const uint8_t *signature, uint64_t utc_ms);

/*
 * More of the reply to a request, the bytes copied; fin: this was the last. An empty one without
 * fin is nothing. All or nothing: AGAIN (limits.reply_bytes are waiting; on_room says when) takes
 * none of it, and anything fits when none are waiting. NOT_FOUND: link or stream has gone. STATE:
 * after fin. NO_MEMORY.
 */
MUST_USE enum sotto_err link_server_reply(struct link_server *server, uint64_t link,
					  uint64_t stream, struct bytes bytes, bool fin);

/* Refuse a request (not parsable, over a quota): the phone gets LINK_STREAM_REFUSED. Unknown:
 * nothing. */
void link_server_refuse(struct link_server *server, uint64_t link, uint64_t stream);

/*
 * One datagram, now or never: OK and out holds it (send it at once). AGAIN: that link's congestion
 * window is full, it is dropped. NOT_FOUND; STATE: not proven yet. LIMIT: too long for the size in
 * force. Whatever is returned, send out if out->len > 0.
 */
MUST_USE enum sotto_err link_server_datagram(struct link_server *server, uint64_t link,
					     struct bytes bytes, uint64_t now_ns,
					     struct link_packet *out);

/* Says goodbye (one packet is left to link_server_send) and forgets; on_close with CLOSED. Unknown:
 * nothing. */
void link_server_close(struct link_server *server, uint64_t link, uint64_t now_ns);

struct link_server_info {
	enum link_key_kind kind; /* of the key that opened it */
	uint64_t number;
	bool past;	       /* that key was a past one when the link was opened */
	bool proven;	       /* link_server_proven was called */
	struct link_path path; /* newest validated; never to be logged */
};
MUST_USE enum sotto_err link_server_info(const struct link_server *server, uint64_t link,
					 struct link_server_info *info);

/* LINK_EXPORTER_LEN bytes that only the two ends know: what wire_key_possession is over. NOT_FOUND.
 */
MUST_USE enum sotto_err link_server_exporter(const struct link_server *server, uint64_t link,
					     uint8_t *exporter);

/* Why a packet got no answer. Counted, never logged one by one. */
enum link_drop {
	LINK_DROP_SIZE = 0, /* no size that a link's packet has */
	LINK_DROP_STRANGER, /* not of a link and not the first packet of one */
	LINK_DROP_ENVELOPE, /* no key opens it */
	LINK_DROP_TOKEN,    /* a key opens it; its token is not of that key */
	LINK_DROP_WINDOW,   /* its time is more than LINK_WINDOW_MS off */
	LINK_DROP_BEFORE_START,
	LINK_DROP_REPLAY,
	LINK_DROP_LIMIT,     /* links or half-open handshakes, in all or from there */
	LINK_DROP_HANDSHAKE, /* started and failed: another PSK, another protocol, never finished */
	LINK_DROP_ADDRESS,   /* of a handshake under way, from elsewhere */
	LINK_DROP_RANDOM,
	LINK_DROP_MEMORY,
	LINK_DROP_COUNT,
};

/* A short name of a reason for `sottod status`; static storage. */
const char *link_drop_text(enum link_drop drop);

struct link_server_stats {
	uint32_t links; /* open, handshake done */
	uint32_t half_open;
	uint32_t replay_entries;
	uint64_t handshakes; /* finished, in the engine's life */
	uint64_t closed;
	uint64_t lost; /* links that ended by silence */
	uint64_t packets_in;
	uint64_t packets_out;
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t datagrams_refused;
	uint64_t request_bytes;	   /* held now, all links */
	uint64_t reply_bytes;	   /* held now, all links */
	uint64_t requests_refused; /* over a limit */
	uint64_t drops[LINK_DROP_COUNT];
};
void link_server_stats(const struct link_server *server, struct link_server_stats *stats);

#endif
