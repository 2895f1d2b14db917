/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between the processes of one phone or relay: a SOCK_SEQPACKET socket pair, one message a
 * packet, descriptors beside it (SCM_RIGHTS). Order is kept, nothing is lost, nothing is cut; the
 * end of the other process is seen at once.
 *
 * Sending never blocks: what the kernel does not take waits in a bounded queue. A full queue means
 * that the other process does not read; the sender decides whether that is a lost beat or the end.
 */
#ifndef OS_IPC_H
#define OS_IPC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "os/loop.h"

/* One wire message with the largest record (64 KiB) and room for its fields. */
#define OS_IPC_MESSAGE_LEN_MAX (128 * 1024)

/* A WAV file each way and room to grow. */
#define OS_IPC_DESCRIPTORS_MAX 4

/* What may wait for a slow reader: 64 of the largest messages, or so many small ones, as the agent gets
 * them while it writes to a slow disk. */
#define OS_IPC_QUEUE_LEN_MAX   (8 * 1024 * 1024)
#define OS_IPC_QUEUE_COUNT_MAX 8192

struct os_ipc;

struct os_ipc_handler {
	/* message is borrowed until it returns. Descriptors left in the array are closed
	 * afterwards; to keep one, take it and put -1 in its place. It may call os_ipc_destroy. */
	void (*received)(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
			 size_t descriptors_count);
	/* The other end is gone or sent what no process of ours sends (too long, too many
	 * descriptors). Called once, last; os_ipc_destroy is then the caller's next step. */
	void (*gone)(void *context, struct os_ipc *ipc);
	/* The queue was not empty and now is. May be NULL. */
	void (*drained)(void *context, struct os_ipc *ipc);
	void *context;
};

/* Two connected ends, close-on-exec: one to keep, one for a process to be spawned. */
MUST_USE enum sotto_err os_ipc_pair(int ends[2]);

/* Owns the descriptor from success on. FORMAT if it is not a SOCK_SEQPACKET socket. */
MUST_USE enum sotto_err os_ipc_create(struct os_loop *loop, int descriptor,
				      const struct os_ipc_handler *handler, struct os_ipc **ipc);
void os_ipc_destroy(struct os_ipc *ipc);

/* Sends or queues. Descriptors are duplicated; the caller keeps his. ARGUMENT (empty or too long,
 * too many descriptors), LIMIT (queue full; nothing was queued), CLOSED, NO_MEMORY. */
MUST_USE enum sotto_err os_ipc_send(struct os_ipc *ipc, struct bytes message,
				    const int *descriptors, size_t descriptors_count);

/* Bytes that wait. */
size_t os_ipc_queued(const struct os_ipc *ipc);

#endif
