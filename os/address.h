/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An IPv4 or IPv6 address with its port, as the kernel and ngtcp2 want it: &address.any and
 * address.len make an ngtcp2_addr. Text is always numeric: HOST:PORT or [v6]:PORT. Names are looked
 * up in os/resolve.h alone.
 */
#ifndef OS_ADDRESS_H
#define OS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

struct os_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len; /* 0: no address */
};

/* The longest: "[" + 45 + "]:65535" + terminator. */
#define OS_ADDRESS_TEXT_LEN 54

/* Numeric only, port 0 to 65535, nothing before or after. FORMAT. Zone names (%eth0) are refused.
 */
MUST_USE enum sotto_err os_address_parse(const char *text, struct os_address *address);

/* "" for no address. */
void os_address_format(const struct os_address *address, char text[OS_ADDRESS_TEXT_LEN]);

/* Family, address, port and zone. */
bool os_address_equal(const struct os_address *a, const struct os_address *b);

uint16_t os_address_port(const struct os_address *address);
void os_address_set_port(struct os_address *address, uint16_t port);

/* 0.0.0.0 or ::, that is: any. */
bool os_address_is_wildcard(const struct os_address *address);

/* Copies a sockaddr of either family. UNSUPPORTED for others, FORMAT if len is too short. */
MUST_USE enum sotto_err os_address_set(struct os_address *address, const struct sockaddr *any,
				       socklen_t len);

#endif
