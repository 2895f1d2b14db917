/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends of a link share: addresses, packets, sizes, reasons. docs/protocol.md, "Link".
 *
 * A link is one QUIC v1 connection between a phone and its relay. link_client.h and link_server.h
 * are engines without I/O: UDP payloads and `now_ns` go in, UDP payloads and a deadline come out.
 * No header of link/ shows QUIC or TLS, so that the simulator can put another implementation below
 * the same calls.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * Every UDP payload has one of two sizes. Full fits IPv6's minimum of 1280 with its headers. Small
 * is what a call needs (link_small_len); it exists during a call only.
 */
#define LINK_FULL_LEN	   1232
#define LINK_SMALL_LEN_MIN 128
#define LINK_SMALL_LEN_MAX 640

/* A datagram of at most this many bytes always fits into a full packet. */
#define LINK_DATAGRAM_LEN_MAX 1152

/*
 * What a small packet carries beside its datagram: QUIC short header 13 (8 of them the connection
 * id), frame header 3, tag 16, masked length 2, and room for one ACK frame of a few ranges, 22.
 */
#define LINK_SMALL_OVERHEAD 56

/* The small size for a call whose datagrams have datagram_len bytes; full if that is past the
 * maximum. */
size_t link_small_len(size_t datagram_len);

#define LINK_RELAY_KEY_LEN  32 /* Ed25519 */
#define LINK_SIGNATURE_LEN  64
#define LINK_NETWORK_ID_LEN 32
#define LINK_EXPORTER_LEN   32

/* IPv4 is written as RFC 4291 2.5.5.2 maps it, ::ffff:a.b.c.d. */
struct link_address {
	uint8_t ip[16];
	uint32_t scope; /* of fe80::/10; else 0 */
	uint16_t port;
};

bool link_address_equal(const struct link_address *a, const struct link_address *b);
bool link_address_is_v4(const struct link_address *address);

/*
 * Which of the program's sockets, and who is at the other end. On a phone `socket` is the
 * generation of its sockets (link_client_network_changed): a packet with a new one is sent from
 * sockets opened anew. On a relay it is the number of a listening socket, as the program counts
 * them.
 */
struct link_path {
	uint32_t socket;
	struct link_address remote;
};

/* One UDP payload on its way out. len 0: there is none. */
struct link_packet {
	struct link_path path;
	size_t len;
	uint8_t data[LINK_FULL_LEN];
};

/* No deadline: wait for input. */
#define LINK_NEVER UINT64_MAX

/* What a phone or a relay says about the end, or the absence, of a link. */
enum link_reason {
	LINK_REASON_NONE = 0,
	LINK_REASON_NO_ANSWER,	/* relay off, clock wrong, access ended, or UDP blocked: all silent
				 */
	LINK_REASON_NO_NETWORK, /* this machine has no way to any of the relay's addresses */
	LINK_REASON_WRONG_RELAY_KEY, /* it has the access key and not the relay's own: not our relay
				      */
	LINK_REASON_NO_PROOF,	     /* the other end shook hands and then proved nothing in time */
	LINK_REASON_LOST, /* it was up, and nothing came for LINK_DEAD_MS: restarted, or the path
			     broke */
	LINK_REASON_IDLE, /* relay: the phone went without a word */
	LINK_REASON_PEER_CLOSED, /* the other end said goodbye */
	LINK_REASON_CLOSED,	 /* this end did */
	LINK_REASON_PROTOCOL,	 /* the other end broke the rules of the link */
	LINK_REASON_RANDOM,	 /* this machine's random source failed */
	LINK_REASON_NO_MEMORY,
};

/* A phrase that a command can print, after "no link: ". Never NULL, static storage. */
const char *link_reason_text(enum link_reason reason);

/* Why request or reply ended early. */
enum link_stream_end {
	LINK_STREAM_LOST,    /* the link went: nobody knows how far it came; ask again */
	LINK_STREAM_REFUSED, /* the other end reset it: over its limits, or the request was not one
			      */
	LINK_STREAM_CANCELLED, /* the phone did not want it any more */
};

/* Times that both ends and the tests know. */
#define LINK_WINDOW_MS	  UINT64_C(600000) /* a token's time may differ by 10 minutes either way */
#define LINK_KEEPALIVE_MS UINT64_C(2000)   /* silence after which a phone asks for a sign of life */
#define LINK_DEAD_MS	  UINT64_C(2500)   /* ... and how long it then waits: 4.5 s in all */
#define LINK_HANDSHAKE_MS UINT64_C(4000)   /* one attempt; five lost packets at 300 ms */
#define LINK_IDLE_MS	  UINT64_C(30000) /* a relay forgets a phone that has been silent so long */

#endif
