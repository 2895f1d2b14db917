/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP on the loop.
 *
 *   readable ──> recvmmsg, up to OS_UDP_BATCH_MAX ──> received()   again while full, at most
 *                                                                  OS_UDP_ROUNDS_MAX times
 *   error    ──> error queue, all of it           ──> unreachable()
 *   send     ──> sendmmsg ──> blocked? watch for OS_WRITE ──> writable()
 *
 * The buffers of a batch are the socket's own: one allocation when it is made.
 */
#include "os/udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/udp_socket.h"

/* Packet info of either family. */
#define UDP_CONTROL_LEN CMSG_SPACE(sizeof(struct in6_pktinfo))

/* What one ICMP message leaves on the error queue, and its sender. */
#define UDP_ERROR_CONTROL_LEN 512

struct udp_slot {
	uint8_t payload[OS_UDP_PAYLOAD_MAX];
	struct os_address remote;
	_Alignas(struct cmsghdr) uint8_t control[UDP_CONTROL_LEN];
	struct iovec vector;
};

struct os_udp {
	struct os_loop *loop;
	struct os_watch watch;
	struct os_udp_handler handler;
	struct os_address local;
	bool connected;
	bool busy;    /* in a callback: destroy leaves the memory to udp_ready */
	bool closed;  /* destroyed in a callback */
	bool blocked; /* watched for OS_WRITE */
	struct mmsghdr messages[OS_UDP_BATCH_MAX];
	struct udp_slot slots[OS_UDP_BATCH_MAX];
	struct os_datagram datagrams[OS_UDP_BATCH_MAX];
};

/* The address to which the datagram was sent: the socket's port, the host from packet info if it
 * came along. */
static struct os_address udp_read_local(const struct os_udp *udp, struct msghdr *header)
{
	struct os_address local = udp->local;

	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL;
	     item = CMSG_NXTHDR(header, item)) {
		if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(item), sizeof(info));
			local.v4.sin_addr = info.ipi_addr;
		} else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(item), sizeof(info));
			local.v6.sin6_addr = info.ipi6_addr;
			/* A zone belongs to a link-local address only; ngtcp2 compares the whole
			 * struct. */
			local.v6.sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)
							 ? (uint32_t)info.ipi6_ifindex
							 : 0;
		}
	}
	return local;
}

static void udp_prepare_receive(struct os_udp *udp)
{
	for (size_t i = 0; i < OS_UDP_BATCH_MAX; i++) {
		struct udp_slot *slot = &udp->slots[i];

		slot->vector =
			(struct iovec){.iov_base = slot->payload, .iov_len = sizeof(slot->payload)};
		udp->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &slot->remote.any,
			.msg_namelen = sizeof(slot->remote.v6),
			.msg_iov = &slot->vector,
			.msg_iovlen = 1,
			.msg_control = slot->control,
			.msg_controllen = sizeof(slot->control),
		};
	}
}

/* Returns whether there may be more. */
static bool udp_receive_batch(struct os_udp *udp)
{
	size_t count = 0;
	int got;

	udp_prepare_receive(udp);
	got = recvmmsg(udp->watch.descriptor, udp->messages, OS_UDP_BATCH_MAX, MSG_DONTWAIT, NULL);
	if (got <= 0)
		return got < 0 && errno == EINTR;
	for (int i = 0; i < got; i++) {
		struct msghdr *header = &udp->messages[i].msg_hdr;
		struct udp_slot *slot = &udp->slots[i];

		if ((header->msg_flags & MSG_TRUNC) != 0)
			continue;
		slot->remote.len = header->msg_namelen;
		udp->datagrams[count++] = (struct os_datagram){
			.payload = BYTES(slot->payload, udp->messages[i].msg_len),
			.local = udp_read_local(udp, header),
			.remote = slot->remote,
		};
	}
	if (count > 0)
		udp->handler.received(udp->handler.context, udp, udp->datagrams, count,
				      os_loop_now_ns(udp->loop));
	return got == OS_UDP_BATCH_MAX && !udp->closed;
}

/* One message of the error queue; false when it is empty. */
static bool udp_read_error(struct os_udp *udp)
{
	_Alignas(struct cmsghdr) uint8_t control[UDP_ERROR_CONTROL_LEN];
	struct os_address remote = {.len = 0};
	struct msghdr header = {
		.msg_name = &remote.any,
		.msg_namelen = sizeof(remote.v6),
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	bool from_network = false;

	if (recvmsg(udp->watch.descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item != NULL;
	     item = CMSG_NXTHDR(&header, item)) {
		struct sock_extended_err seen;

		if (!(item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVERR) &&
		    !(item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&seen, CMSG_DATA(item), sizeof(seen));
		/* EMSGSIZE is path MTU news, which a fixed packet size has no use for. */
		from_network = seen.ee_errno != EMSGSIZE;
	}
	remote.len = header.msg_namelen; /* where our packet was going */
	if (from_network && udp->handler.unreachable != NULL)
		udp->handler.unreachable(udp->handler.context, udp, &remote);
	return true;
}

static void udp_unblock(struct os_udp *udp)
{
	udp->blocked = false;
	/* Taking interest away from a watched descriptor cannot fail. */
	ASSERT(os_loop_watch(udp->loop, &udp->watch, OS_READ) == SOTTO_OK);
	if (udp->handler.writable != NULL)
		udp->handler.writable(udp->handler.context, udp);
}

static void udp_free(struct os_udp *udp)
{
	os_loop_unwatch(udp->loop, &udp->watch);
	close(udp->watch.descriptor);
	free(udp);
}

static void udp_ready(struct os_watch *watch, unsigned seen)
{
	struct os_udp *udp = CONTAINER_OF(watch, struct os_udp, watch);

	udp->busy = true;
	if ((seen & OS_GONE) != 0) {
		socklen_t len = sizeof(int);
		int pending;

		while (!udp->closed && udp_read_error(udp))
			;
		/* An error outside the queue would be reported for ever if it were not fetched. */
		(void)getsockopt(watch->descriptor, SOL_SOCKET, SO_ERROR, &pending, &len);
	}
	if ((seen & OS_READ) != 0 && !udp->closed) {
		for (unsigned round = 0; round < OS_UDP_ROUNDS_MAX && udp_receive_batch(udp);
		     round++)
			;
	}
	if ((seen & OS_WRITE) != 0 && udp->blocked && !udp->closed)
		udp_unblock(udp);
	udp->busy = false;
	if (udp->closed)
		udp_free(udp);
}

enum sotto_err os_udp_adopt(struct os_loop *loop, int descriptor,
			    const struct os_udp_handler *handler, struct os_udp **out)
{
	struct os_udp *udp = calloc(1, sizeof(*udp));
	struct os_address peer;
	socklen_t len = sizeof(peer.v6);
	enum sotto_err err;

	FAIL_IF(udp == NULL, SOTTO_ERR_NO_MEMORY);
	udp->loop = loop;
	udp->handler = *handler;
	TRY(udp_socket_local(descriptor, &udp->local));
	udp->connected = getpeername(descriptor, &peer.any, &len) == 0;
	os_watch_init(&udp->watch, descriptor, udp_ready);
	TRY(os_loop_watch(loop, &udp->watch, OS_READ));
	*out = udp;
	return SOTTO_OK;
out:
	free(udp);
	return err;
}

static enum sotto_err udp_open(struct os_loop *loop, const struct os_address *local,
			       const struct os_address *remote,
			       const struct os_udp_handler *handler, struct os_udp **udp)
{
	int descriptor;
	enum sotto_err err;

	TRY(udp_socket_open(local, remote, &descriptor));
	err = os_udp_adopt(loop, descriptor, handler, udp);
	if (err != SOTTO_OK)
		close(descriptor);
out:
	return err;
}

enum sotto_err os_udp_bind(struct os_loop *loop, const struct os_address *local,
			   const struct os_udp_handler *handler, struct os_udp **udp)
{
	return udp_open(loop, local, NULL, handler, udp);
}

enum sotto_err os_udp_connect(struct os_loop *loop, const struct os_address *remote,
			      const struct os_udp_handler *handler, struct os_udp **udp)
{
	return udp_open(loop, NULL, remote, handler, udp);
}

void os_udp_destroy(struct os_udp *udp)
{
	if (udp == NULL)
		return;
	udp->closed = true;
	if (!udp->busy)
		udp_free(udp);
}

const struct os_address *os_udp_local(const struct os_udp *udp)
{
	return &udp->local;
}

struct udp_outgoing {
	struct iovec vector;
	_Alignas(struct cmsghdr) uint8_t control[UDP_CONTROL_LEN];
};

/* Sends from the address at which the peer's packet arrived: a host with several must answer from
 * the same. */
static void udp_put_local(struct msghdr *header, struct udp_outgoing *outgoing,
			  const struct os_address *local)
{
	struct in_pktinfo info4 = {.ipi_spec_dst = local->v4.sin_addr};
	struct in6_pktinfo info6 = {.ipi6_addr = local->v6.sin6_addr,
				    .ipi6_ifindex = local->v6.sin6_scope_id};
	bool v6 = local->any.sa_family == AF_INET6;
	size_t len = v6 ? sizeof(info6) : sizeof(info4);
	struct cmsghdr *item;

	memset(outgoing->control, 0, sizeof(outgoing->control));
	header->msg_control = outgoing->control;
	header->msg_controllen = CMSG_SPACE(len);
	item = CMSG_FIRSTHDR(header);
	item->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	item->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	item->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(item), v6 ? (const void *)&info6 : (const void *)&info4, len);
}

static void udp_prepare_send(const struct os_udp *udp, const struct os_datagram *datagram,
			     struct msghdr *header, struct udp_outgoing *outgoing)
{
	/* The kernel does not write to what is sent; struct iovec has no const. */
	union {
		const uint8_t *in;
		void *out;
	} payload = {.in = datagram->payload.data};
	union {
		const struct sockaddr *in;
		void *out;
	} remote = {.in = &datagram->remote.any};

	outgoing->vector =
		(struct iovec){.iov_base = payload.out, .iov_len = datagram->payload.len};
	*header = (struct msghdr){.msg_iov = &outgoing->vector, .msg_iovlen = 1};
	if (udp->connected)
		return;
	header->msg_name = remote.out;
	header->msg_namelen = datagram->remote.len;
	if (os_address_is_wildcard(&udp->local) && !os_address_is_wildcard(&datagram->local))
		udp_put_local(header, outgoing, &datagram->local);
}

/* One batch; how many the kernel took, or -1 and errno. */
static int udp_send_batch(struct os_udp *udp, const struct os_datagram *datagrams, size_t count)
{
	struct mmsghdr messages[OS_UDP_BATCH_MAX];
	struct udp_outgoing outgoing[OS_UDP_BATCH_MAX];
	int sent;

	for (size_t i = 0; i < count; i++)
		udp_prepare_send(udp, &datagrams[i], &messages[i].msg_hdr, &outgoing[i]);
	do {
		sent = sendmmsg(udp->watch.descriptor, messages, (unsigned)count,
				MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

static bool udp_socket_is_broken(int number)
{
	return number == EBADF || number == ENOTSOCK || number == EFAULT || number == EDESTADDRREQ;
}

enum sotto_err os_udp_send(struct os_udp *udp, const struct os_datagram *datagrams, size_t count,
			   size_t *sent)
{
	bool retried = false;
	size_t done = 0;
	enum sotto_err err = SOTTO_OK;

	while (done < count) {
		size_t batch = count - done < OS_UDP_BATCH_MAX ? count - done : OS_UDP_BATCH_MAX;
		int taken = udp_send_batch(udp, datagrams + done, batch);

		if (taken > 0) {
			done += (size_t)taken;
			retried = false;
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			udp->blocked = true;
			ASSERT(os_loop_watch(udp->loop, &udp->watch, OS_READ | OS_WRITE) ==
			       SOTTO_OK);
			err = SOTTO_ERR_AGAIN;
			break;
		}
		FAIL_IF(udp_socket_is_broken(errno), SOTTO_ERR_IO);
		/* It may have been the echo of an earlier packet (ICMP), which the first failing
		 * call takes away: this datagram gets one more try, and is then what networks do to
		 * packets. */
		done += retried ? 1 : 0;
		retried = !retried;
	}
	*sent = done;
out:
	return err;
}
