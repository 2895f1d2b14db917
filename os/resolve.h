/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS, in a file of its own: it blocks, opens files and sockets, and tells a resolver whom we look
 * for. Only a command that was given a name calls it, before any sandbox; processes behind a
 * sandbox have addresses.
 */
#ifndef OS_RESOLVE_H
#define OS_RESOLVE_H

#include <stddef.h>

#include "base/error.h"
#include "os/address.h"

#define OS_RESOLVE_MAX 8

/* HOST:PORT or [v6]:PORT to at most OS_RESOLVE_MAX addresses, in the order to try them (RFC 6724,
 * by the system). A numeric address asks nobody. FORMAT, NOT_FOUND (no such name), AGAIN (no
 * resolver answers), IO. */
MUST_USE enum sotto_err os_resolve(const char *host_port,
				   struct os_address addresses[OS_RESOLVE_MAX], size_t *count);

#endif
