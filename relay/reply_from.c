/* SPDX-License-Identifier: Apache-2.0 */
/* A direct-mapped table; who is displaced is answered as the kernel chooses until he sends again. */
#include "relay/reply_from.h"

#include <string.h>

/* FNV-1a over address and port. Whoever makes entries collide only displaces others for a packet. */
static size_t place(const struct os_address *remote)
{
	const uint8_t *bytes = (const uint8_t *)&remote->v6.sin6_addr;
	size_t len = sizeof(remote->v6.sin6_addr);
	uint64_t hash = UINT64_C(14695981039346656037) ^ os_address_port(remote);

	if (remote->any.sa_family == AF_INET) {
		bytes = (const uint8_t *)&remote->v4.sin_addr;
		len = sizeof(remote->v4.sin_addr);
	}
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
	return (size_t)((hash ^ hash >> 32) % REPLY_FROM_ENTRIES);
}

void reply_from_note(struct reply_from *table, const struct os_address *remote,
		     const struct os_address *local)
{
	size_t at = place(remote);

	table->entries[at].remote = *remote;
	table->entries[at].local = *local;
}

struct os_address reply_from_find(const struct reply_from *table, const struct os_address *remote)
{
	size_t at = place(remote);
	struct os_address unknown = {.len = 0};

	return os_address_equal(&table->entries[at].remote, remote) ? table->entries[at].local
								    : unknown;
}
