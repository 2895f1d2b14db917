/* SPDX-License-Identifier: Apache-2.0 */
/* Options of UDP sockets, a table for each family. */
#include "os/udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/udp.h"

/* linux/errqueue.h and netinet/in.h clash on some systems; these numbers are the kernel's
 * interface. */
#ifndef IPV6_RECVERR
#define IPV6_RECVERR 25
#endif

/* A second of a busy relay: 4,000 packets of 1,232 bytes. The kernel grants what
 * net.core.[rw]mem_max allows. */
#define UDP_BUFFER_LEN (4 * 1024 * 1024)

struct udp_option {
	int family; /* 0: both */
	int level;
	int name;
	int value;
	bool required;
};

static const struct udp_option udp_options[] = {
	{0, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_LEN, false},
	{0, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER_LEN, false},
	{AF_INET, IPPROTO_IP, IP_PKTINFO, 1, true},
	{AF_INET, IPPROTO_IP, IP_RECVERR, 1, true},
	{AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, true},
	{AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 1, true},
	{AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true},
	{AF_INET6, IPPROTO_IPV6, IPV6_RECVERR, 1, true},
	{AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, true},
};

enum sotto_err udp_socket_open(const struct os_address *local, const struct os_address *remote,
			       int *out)
{
	int family = (local != NULL ? local : remote)->any.sa_family;
	int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	enum sotto_err err;

	FAIL_IF(descriptor < 0, os_err_from_errno(errno));
	for (size_t i = 0; i < ARRAY_LEN(udp_options); i++) {
		const struct udp_option *option = &udp_options[i];

		if (option->family != 0 && option->family != family)
			continue;
		FAIL_IF(setsockopt(descriptor, option->level, option->name, &option->value,
				   sizeof(option->value)) != 0 &&
				option->required,
			os_err_from_errno(errno));
	}
	FAIL_IF(local != NULL && bind(descriptor, &local->any, local->len) != 0,
		os_err_from_errno(errno));
	FAIL_IF(remote != NULL && connect(descriptor, &remote->any, remote->len) != 0,
		os_err_from_errno(errno));
	*out = descriptor;
	return SOTTO_OK;
out:
	if (descriptor >= 0)
		close(descriptor);
	return err;
}

enum sotto_err udp_socket_local(int descriptor, struct os_address *local)
{
	struct os_address address = {.len = 0};
	socklen_t len = sizeof(address) - offsetof(struct os_address, any);
	socklen_t type_len = sizeof(int);
	int type = 0;

	if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0 ||
	    getsockname(descriptor, &address.any, &len) != 0)
		return os_err_from_errno(errno);
	if (type != SOCK_DGRAM)
		return SOTTO_ERR_UNSUPPORTED;
	return os_address_set(local, &address.any, len);
}

enum sotto_err os_udp_bind_descriptor(const struct os_address *local, int *descriptor)
{
	return udp_socket_open(local, NULL, descriptor);
}
