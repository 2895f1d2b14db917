/* SPDX-License-Identifier: Apache-2.0 */
/* Opening UDP sockets with the options that os/udp.h promises; inside os/ only. */
#ifndef OS_UDP_SOCKET_H
#define OS_UDP_SOCKET_H

#include "base/error.h"
#include "os/address.h"

/* local or remote may be NULL, not both. */
MUST_USE enum sotto_err udp_socket_open(const struct os_address *local,
					const struct os_address *remote, int *descriptor);

/* Where it is bound. UNSUPPORTED if it is not UDP over IP. */
MUST_USE enum sotto_err udp_socket_local(int descriptor, struct os_address *local);

#endif
