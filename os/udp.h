/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP sockets on the loop: batches in (recvmmsg), batches out (sendmmsg), never blocking, with the
 * address at both ends of each datagram, as ngtcp2's paths want it (IP_PKTINFO, IPV6_RECVPKTINFO).
 *
 * Packets are never fragmented and router messages do not shrink the path (IP_PMTUDISC_PROBE):
 * sotto's packets are of two fixed sizes that every IPv6 path carries, and a forged "too big" must
 * not stop them. A v6 socket is v6 only; for both families a program opens two.
 */
#ifndef OS_UDP_H
#define OS_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "os/address.h"
#include "os/loop.h"

/* More than any packet of sotto; what is longer is dropped, not cut. */
#define OS_UDP_PAYLOAD_MAX 1500

/* Datagrams taken or sent by one system call. */
#define OS_UDP_BATCH_MAX 32

/* Batches handled in one round before other descriptors have their turn. */
#define OS_UDP_ROUNDS_MAX 8

struct os_udp;

struct os_datagram {
	struct bytes payload;
	struct os_address local;  /* sending: len 0 lets the kernel choose; its port is ignored */
	struct os_address remote; /* sending on a connected socket: ignored */
};

struct os_udp_handler {
	/* 1 to OS_UDP_BATCH_MAX datagrams, borrowed until it returns. It may not destroy the
	 * socket: it defers. */
	void (*received)(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
			 size_t count, uint64_t now_ns);
	/* After os_udp_send did not take everything: now it may take more. May be NULL. */
	void (*writable)(void *context, struct os_udp *udp);
	/* A hint from ICMP (port unreachable, no route): unauthenticated, so a reason to probe or
	 * to word a message, never to give up. remote has len 0 when unknown. May be NULL. */
	void (*unreachable)(void *context, struct os_udp *udp, const struct os_address *remote);
	void *context;
};

/* Binds to local (port 0: any). EXISTS if the address is in use, DENIED, NOT_FOUND if it is not
 * ours, IO. */
MUST_USE enum sotto_err os_udp_bind(struct os_loop *loop, const struct os_address *local,
				    const struct os_udp_handler *handler, struct os_udp **udp);

/* A socket for one remote address: only its datagrams arrive, and os_udp_local is the real address
 * that the kernel chose, which a client's path needs. After a change of network, open a new one and
 * migrate. NOT_FOUND if there is no route. */
MUST_USE enum sotto_err os_udp_connect(struct os_loop *loop, const struct os_address *remote,
				       const struct os_udp_handler *handler, struct os_udp **udp);

/* For a parent that binds and a child that may not: the bare descriptor, and a socket around a
 * descriptor, which it then owns. On failure the descriptor stays the caller's. */
MUST_USE enum sotto_err os_udp_bind_descriptor(const struct os_address *local, int *descriptor);
MUST_USE enum sotto_err os_udp_adopt(struct os_loop *loop, int descriptor,
				     const struct os_udp_handler *handler, struct os_udp **udp);

void os_udp_destroy(struct os_udp *udp);

/* Where it is bound, with the port that the kernel chose. */
const struct os_address *os_udp_local(const struct os_udp *udp);

/* Sends in order until the kernel would block; *sent says how many were taken. AGAIN if not all:
 * writable follows. A datagram that the kernel refuses for its own sake (no route, a firewall)
 * counts as sent: networks lose packets, and the engine above knows what to do. IO: the socket is
 * broken. */
MUST_USE enum sotto_err os_udp_send(struct os_udp *udp, const struct os_datagram *datagrams,
				    size_t count, size_t *sent);

#endif
