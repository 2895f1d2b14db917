/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "The network changed": an rtnetlink socket that hears of links, addresses and default routes. It
 * says only that something changed, never what: whoever needs a path tries it. A burst (joining a
 * Wi-Fi network is a dozen messages) is reported once, OS_NETWATCH_SETTLE_NS after its first
 * message.
 *
 * The socket must be opened before the sandbox is entered, which allows no AF_NETLINK.
 */
#ifndef OS_NETWATCH_H
#define OS_NETWATCH_H

#include "base/error.h"
#include "os/loop.h"

#define OS_NETWATCH_SETTLE_NS UINT64_C(50000000)

struct os_netwatch;

MUST_USE enum sotto_err os_netwatch_create(struct os_loop *loop, void (*changed)(void *context),
					   void *context, struct os_netwatch **netwatch);
void os_netwatch_destroy(struct os_netwatch *netwatch);

#endif
