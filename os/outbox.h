/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be written to a local socket: bounded, in order, with the descriptors that go
 * beside it. What is sent or dropped is wiped: it may hold keys of a call. Inside os/ only.
 */
#ifndef OS_OUTBOX_H
#define OS_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"

struct outbox {
	struct list items;
	size_t len; /* bytes that wait */
	size_t count;
	size_t len_max;
	size_t count_max;
};

void outbox_init(struct outbox *outbox, size_t len_max, size_t count_max);

/* Drops what waits. */
void outbox_finish(struct outbox *outbox);

/* Head and tail in one piece, descriptors duplicated. LIMIT, NO_MEMORY: nothing was put. */
MUST_USE enum sotto_err outbox_put(struct outbox *outbox, struct bytes head, struct bytes tail,
				   const int *descriptors, size_t count);

/* Sends what the kernel takes. AGAIN if something is left, else as rights_send. */
MUST_USE enum sotto_err outbox_flush(struct outbox *outbox, int socket);

#endif
