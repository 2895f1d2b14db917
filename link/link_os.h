/* SPDX-License-Identifier: Apache-2.0 */
/* Between os/address.h and a link's addresses, for the programs that own the sockets. */
#ifndef LINK_LINK_OS_H
#define LINK_LINK_OS_H

#include "link/link.h"
#include "os/address.h"

/* from must hold an address. */
void link_address_from_os(const struct os_address *from, struct link_address *to);

/* A mapped address becomes one of AF_INET. */
void link_address_to_os(const struct link_address *from, struct os_address *to);

#endif
