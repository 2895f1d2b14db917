/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which of this machine's addresses to answer whom. A socket bound to any address would let the kernel
 * choose, and a phone drops what comes from another address than it called: so what each remote address
 * called is remembered, in a table of fixed size whose entries displace each other.
 */
#ifndef RELAY_REPLY_FROM_H
#define RELAY_REPLY_FROM_H

#include "os/address.h"

/* As many as links that the relay takes, twice, so that few displace each other; about 60 bytes each. */
#define REPLY_FROM_ENTRIES 8192

struct reply_from {
	struct {
		struct os_address remote;
		struct os_address local;
	} entries[REPLY_FROM_ENTRIES];
};

void reply_from_note(struct reply_from *table, const struct os_address *remote,
		     const struct os_address *local);

/* The address that remote called last; one with len 0 (the kernel chooses) if that is not known. */
struct os_address reply_from_find(const struct reply_from *table, const struct os_address *remote);

#endif
