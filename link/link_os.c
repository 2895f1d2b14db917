/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the system to ours and back. */
#include "link/link_os.h"

#include <string.h>

#include "base/assert.h"

#define V4_AT 12 /* where RFC 4291 2.5.5.2 puts the IPv4 address */

void link_address_from_os(const struct os_address *from, struct link_address *to)
{
	ASSERT(from->len > 0);
	memset(to, 0, sizeof(*to));
	to->port = os_address_port(from);
	if (from->any.sa_family == AF_INET) {
		memset(to->ip + V4_AT - 2, 0xff, 2);
		memcpy(to->ip + V4_AT, &from->v4.sin_addr, sizeof(from->v4.sin_addr));
		return;
	}
	memcpy(to->ip, &from->v6.sin6_addr, sizeof(to->ip));
	to->scope = from->v6.sin6_scope_id;
}

void link_address_to_os(const struct link_address *from, struct os_address *to)
{
	memset(to, 0, sizeof(*to));
	if (link_address_is_v4(from)) {
		to->v4.sin_family = AF_INET;
		memcpy(&to->v4.sin_addr, from->ip + V4_AT, sizeof(to->v4.sin_addr));
		to->len = sizeof(to->v4);
	} else {
		to->v6.sin6_family = AF_INET6;
		memcpy(&to->v6.sin6_addr, from->ip, sizeof(from->ip));
		to->v6.sin6_scope_id = from->scope;
		to->len = sizeof(to->v6);
	}
	os_address_set_port(to, from->port);
}
