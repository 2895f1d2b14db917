/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's end of a link, without I/O.
 *
 *   program                         engine
 *   link_client_start        ---->  attempts: keys in order, addresses raced (RFC 8305)
 *   link_client_receive      ---->  handshake, the relay's proof, replies, datagrams
 *   link_client_send         <----  until it gives none
 *   link_client_deadline     <----  then link_client_handle_deadline
 *
 * After every call that takes now_ns, ask link_client_send until it gives nothing, then
 * link_client_deadline. The engine keeps itself connected: what is lost is dialled again, with
 * growing pauses, until link_client_stop. Nothing of the program is sent before the relay has
 * proved its key.
 *
 * now_ns is monotonic (a time that is older than one before is taken for that one); utc_ms is the phone's wall clock, which only tokens see.
 * Callbacks come from inside receive, handle_deadline, network_changed and stop; they may call
 * request, cancel, consume and the getters of this header, nothing else.
 */
#ifndef LINK_LINK_CLIENT_H
#define LINK_LINK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "link/link.h"
#include "link/link_key.h"

#define LINK_CLIENT_ADDRESSES_MAX 8
#define LINK_CLIENT_REQUESTS_MAX  64		      /* open at the same time */
#define LINK_CLIENT_REQUEST_LEN	  (UINT32_C(1) << 20) /* one request */
#define LINK_CLIENT_UNSENT_MAX \
	(UINT32_C(4) << 20) /* requests that the relay has not acknowledged */
#define LINK_CLIENT_WINDOW     (UINT32_C(256) << 10) /* of one reply, until link_client_consume */
#define LINK_CLIENT_WINDOW_ALL (UINT32_C(1) << 20)   /* of all replies */

struct link_client;

enum link_client_state {
	LINK_CLIENT_STOPPED = 0,
	LINK_CLIENT_CONNECTING, /* attempts are under way; reason says how the last round ended, if
				   one did */
	LINK_CLIENT_PROVING,	/* somebody who has the access key answered; not yet known to be our
				   relay */
	LINK_CLIENT_UP,
};

struct link_client_status {
	enum link_client_state state;
	enum link_reason
		reason; /* of the newest failure since the link was last up; NONE if none */
	enum link_key_kind kind; /* PROVING, UP: the key that opened the link */
	uint64_t number;	 /* PROVING, UP */
	struct link_path path;	 /* PROVING, UP: as it was when the handshake ended */
	/*
	 * UP: the relay's clock minus this phone's, in ms, to half a round trip. Give it to the
	 * next engine (config.clock_offset_ms): a relay that has just started refuses what is older
	 * than its start, and so for some minutes refuses phones whose clocks are slow.
	 */
	int64_t clock_offset_ms;
	uint64_t retry_ns; /* CONNECTING: when the next attempt starts */
};

struct link_client_events {
	/* State or reason changed. The pointer lives as long as the call. */
	void (*on_status)(void *context, const struct link_client_status *status);
	/*
	 * The next bytes of a reply, in order; fin with the last (which may be empty). Bytes live
	 * as long as the call. They count against the windows until link_client_consume.
	 */
	void (*on_reply)(void *context, uint64_t request, struct bytes bytes, bool fin);
	/* No more will come of this request, and no fin came. */
	void (*on_end)(void *context, uint64_t request, enum link_stream_end why);
	void (*on_datagram)(void *context, struct bytes bytes);
	/* After link_client_request gave SOTTO_ERR_AGAIN: it may succeed now. */
	void (*on_room)(void *context);
	void *context;
};

struct link_client_config {
	/* As many as a name or a card gives; tried in this order, 250 ms apart. */
	struct link_address addresses[LINK_CLIENT_ADDRESSES_MAX];
	size_t address_count;
	uint8_t relay_key[LINK_RELAY_KEY_LEN];
	uint8_t network_id[LINK_NETWORK_ID_LEN];    /* zeros before founding */
	struct link_key keys[LINK_CLIENT_KEYS_MAX]; /* the best first */
	size_t key_count;
	int64_t clock_offset_ms;	    /* 0 if never learnt */
	const struct allocator *allocator;  /* NULL: allocator_default */
	const struct random_source *random; /* borrowed for the engine's life */
	struct link_client_events events;
};

/* Copies config. ARGUMENT: no address, no key, too many. Nothing is sent before link_client_start.
 */
MUST_USE enum sotto_err link_client_create(const struct link_client_config *config,
					   struct link_client **client);
/* Says nothing to the relay (link_client_stop does) and makes no callback. Wipes keys. NULL is
 * fine. */
void link_client_destroy(struct link_client *client);

/* Connect, and stay connected. STATE: was started. */
MUST_USE enum sotto_err link_client_start(struct link_client *client, uint64_t now_ns,
					  uint64_t utc_ms);

/* End every request, say goodbye if up (one packet is left to link_client_send). Start may follow.
 */
void link_client_stop(struct link_client *client, uint64_t now_ns);

/*
 * Other keys from now on: for the next attempt; a link that is up stays up. ARGUMENT: none, or too
 * many. Likewise addresses (a relay's name resolved anew).
 */
MUST_USE enum sotto_err link_client_set_keys(struct link_client *client,
					     const struct link_key *keys, size_t count);
MUST_USE enum sotto_err link_client_set_addresses(struct link_client *client,
						  const struct link_address *addresses,
						  size_t count);

/*
 * One UDP payload that arrived. Whatever it is, it cannot fail: what does not belong is dropped.
 * path: the generation of the socket it came in on, and its source.
 */
void link_client_receive(struct link_client *client, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms);

/* The next UDP payload to send; out->len is 0 when there is none now. */
void link_client_send(struct link_client *client, uint64_t now_ns, struct link_packet *out);

/* The system refuses to send there (no route, no address of that family, not permitted). */
void link_client_unreachable(struct link_client *client, const struct link_path *path,
			     uint64_t now_ns);

/* When handle_deadline is due; LINK_NEVER if nothing is. */
uint64_t link_client_deadline(const struct link_client *client);
void link_client_handle_deadline(struct link_client *client, uint64_t now_ns, uint64_t utc_ms);

/*
 * Interfaces changed, or the phone woke up. Open new sockets and call them `socket` (greater than
 * any before; 0 is the first): a link that is up goes on from them and must be
 * answered within LINK_DEAD_MS or is dialled anew; attempts start over, without any pause.
 */
void link_client_network_changed(struct link_client *client, uint32_t socket, uint64_t now_ns,
				 uint64_t utc_ms);

/*
 * Sends one whole request on a stream of its own; the bytes are copied. Numbers start at 1, grow,
 * and are not reused in the engine's life. STATE: not up. LIMIT: longer than
 * LINK_CLIENT_REQUEST_LEN. AGAIN: as many as may be are open or unsent; on_room says when to try
 * again. NO_MEMORY.
 */
MUST_USE enum sotto_err link_client_request(struct link_client *client, struct bytes bytes,
					    uint64_t *request);

/* No more of it, please (a watch that is no longer wanted). on_end is not called. Unknown: nothing.
 */
void link_client_cancel(struct link_client *client, uint64_t request);

/*
 * len bytes of the reply have been dealt with: the relay may send as many more. Also after fin or
 * on_end, for what was still held: unknown requests count too, so tell all of it.
 */
void link_client_consume(struct link_client *client, uint64_t request, size_t len);

/*
 * One datagram, now or never: OK and out holds it (send it at once). AGAIN: the congestion window
 * is full, it is dropped. STATE: not up. LIMIT: too long for the size in force. Whatever is
 * returned, send out if out->len > 0 (it may carry acknowledgements).
 */
MUST_USE enum sotto_err link_client_datagram(struct link_client *client, struct bytes bytes,
					     uint64_t now_ns, struct link_packet *out);

/*
 * A call begins (small_len from link_small_len) or ends (0). While it lasts everything that fits
 * goes in packets of small_len, acknowledgements wait up to 25 ms for a datagram to ride on, and
 * the relay does the same towards this phone.
 */
void link_client_set_voice(struct link_client *client, size_t small_len);

/* PROVING or UP: LINK_EXPORTER_LEN bytes that only the two ends of this link know. Else STATE. */
MUST_USE enum sotto_err link_client_exporter(const struct link_client *client, uint8_t *exporter);

void link_client_status(const struct link_client *client, struct link_client_status *status);

/* Of this link since it came up, for `status` and a call's report. */
struct link_client_stats {
	uint64_t packets_in;
	uint64_t packets_out;
	uint64_t datagrams_lost; /* sent, and by QUIC's loss detection not arrived */
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t datagrams_refused; /* dropped here, for want of congestion window */
	uint64_t rtt_ns;	    /* smoothed; 0 before the first sample */
	uint64_t migrations;
	uint64_t connects; /* links that came up in the engine's life */
};
void link_client_stats(const struct link_client *client, struct link_client_stats *stats);

#endif
