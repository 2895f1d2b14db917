/* SPDX-License-Identifier: Apache-2.0 */
/* Hearing of changes by rtnetlink (rtnetlink(7)); what a message says is not looked at. */
#include "os/netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"

struct os_netwatch {
	struct os_loop *loop;
	struct os_watch watch;
	struct os_timer settle;
	void (*changed)(void *context);
	void *context;
};

static void netwatch_settled(struct os_timer *timer, uint64_t now_ns)
{
	struct os_netwatch *netwatch = CONTAINER_OF(timer, struct os_netwatch, settle);

	(void)now_ns;
	netwatch->changed(netwatch->context);
}

static void netwatch_ready(struct os_watch *watch, unsigned seen)
{
	struct os_netwatch *netwatch = CONTAINER_OF(watch, struct os_netwatch, watch);
	char message[4096]; /* a longer one is cut */

	(void)seen;
	/* ENOBUFS says that messages were lost, which is a change, too; it is cleared by the
	 * failing call. */
	while (recv(watch->descriptor, message, sizeof(message), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
	if (netwatch->settle.at_ns == OS_NEVER)
		os_loop_set_timer(netwatch->loop, &netwatch->settle,
				  os_loop_now_ns(netwatch->loop) + OS_NETWATCH_SETTLE_NS);
}

enum sotto_err os_netwatch_create(struct os_loop *loop, void (*changed)(void *context),
				  void *context, struct os_netwatch **out)
{
	struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	struct os_netwatch *netwatch = calloc(1, sizeof(*netwatch));
	enum sotto_err err;
	int descriptor = -1;

	FAIL_IF(netwatch == NULL, SOTTO_ERR_NO_MEMORY);
	descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	FAIL_IF(descriptor < 0, os_err_from_errno(errno));
	FAIL_IF(bind(descriptor, (struct sockaddr *)&name, sizeof(name)) != 0,
		os_err_from_errno(errno));
	netwatch->loop = loop;
	netwatch->changed = changed;
	netwatch->context = context;
	os_timer_init(&netwatch->settle, netwatch_settled);
	os_watch_init(&netwatch->watch, descriptor, netwatch_ready);
	TRY(os_loop_watch(loop, &netwatch->watch, OS_READ));
	*out = netwatch;
	return SOTTO_OK;
out:
	if (descriptor >= 0)
		close(descriptor);
	free(netwatch);
	return err;
}

void os_netwatch_destroy(struct os_netwatch *netwatch)
{
	if (netwatch == NULL)
		return;
	os_loop_set_timer(netwatch->loop, &netwatch->settle, OS_NEVER);
	os_loop_unwatch(netwatch->loop, &netwatch->watch);
	close(netwatch->watch.descriptor);
	free(netwatch);
}
