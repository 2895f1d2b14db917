/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between our own processes. Both ends are ours, but the process at the other may have
 * been taken over: what is malformed ends the channel, and its launcher decides what comes then.
 */
#include "os/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/outbox.h"
#include "os/rights.h"

/* Room for several of the longest messages in the kernel; it grants what net.core.wmem_max allows,
 * which is more than one everywhere. */
#define IPC_BUFFER_LEN (1024 * 1024)

/* Messages handled in one round before other descriptors have their turn. */
#define IPC_ROUND_MAX 32

_Static_assert(OS_IPC_DESCRIPTORS_MAX == RIGHTS_MAX, "one limit");

struct os_ipc {
	struct os_loop *loop;
	struct os_watch watch;
	struct os_ipc_handler handler;
	struct outbox outbox;
	bool busy;    /* in a callback: destroy leaves the memory to its caller */
	bool closed;  /* destroyed in a callback */
	bool waiting; /* watched for OS_WRITE */
	uint8_t buffer[OS_IPC_MESSAGE_LEN_MAX];
};

enum sotto_err os_ipc_pair(int ends[2])
{
	int pair[2];
	int len = IPC_BUFFER_LEN;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return os_err_from_errno(errno);
	for (size_t i = 0; i < 2; i++) {
		/* Without it messages queue earlier, and that is all. */
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
		ends[i] = pair[i];
	}
	return SOTTO_OK;
}

static void ipc_free(struct os_ipc *ipc)
{
	os_loop_unwatch(ipc->loop, &ipc->watch);
	close(ipc->watch.descriptor);
	outbox_finish(&ipc->outbox);
	free(ipc);
}

void os_ipc_destroy(struct os_ipc *ipc)
{
	if (ipc == NULL)
		return;
	ipc->closed = true;
	if (!ipc->busy)
		ipc_free(ipc);
}

/* After a callback: false if it destroyed the channel, whose memory is gone then. */
static bool ipc_leave_callback(struct os_ipc *ipc)
{
	ipc->busy = false;
	if (!ipc->closed)
		return true;
	ipc_free(ipc);
	return false;
}

/* Callers touch nothing afterwards. */
static void ipc_gone(struct os_ipc *ipc)
{
	os_loop_unwatch(ipc->loop, &ipc->watch);
	ipc->handler.gone(ipc->handler.context, ipc);
}

/* False if the channel is gone. */
static bool ipc_receive(struct os_ipc *ipc)
{
	for (unsigned i = 0; i < IPC_ROUND_MAX; i++) {
		int descriptors[RIGHTS_MAX];
		size_t count;
		size_t len;
		enum sotto_err err = rights_receive(ipc->watch.descriptor, ipc->buffer,
						    sizeof(ipc->buffer), &len, descriptors, &count);

		if (err == SOTTO_ERR_AGAIN)
			break;
		if (err != SOTTO_OK) {
			ipc_gone(ipc);
			return false;
		}
		ipc->busy = true;
		ipc->handler.received(ipc->handler.context, ipc, BYTES(ipc->buffer, len),
				      descriptors, count);
		rights_close(descriptors, count);
		bytes_wipe(ipc->buffer, len);
		if (!ipc_leave_callback(ipc))
			return false;
	}
	return true;
}

static enum sotto_err ipc_flush(struct os_ipc *ipc)
{
	enum sotto_err err = outbox_flush(&ipc->outbox, ipc->watch.descriptor);
	bool wait = err == SOTTO_ERR_AGAIN || err == SOTTO_ERR_LIMIT || err == SOTTO_ERR_NO_MEMORY;

	if (wait != ipc->waiting && ipc->watch.added) {
		ipc->waiting = wait;
		ASSERT(os_loop_watch(ipc->loop, &ipc->watch, wait ? OS_READ | OS_WRITE : OS_READ) ==
		       SOTTO_OK);
	}
	/* Whatever it was, reading now finds the end, after what the other process said last. */
	if (err != SOTTO_OK && !wait)
		(void)shutdown(ipc->watch.descriptor, SHUT_RDWR);
	return wait ? SOTTO_ERR_AGAIN : err;
}

static void ipc_ready(struct os_watch *watch, unsigned seen)
{
	struct os_ipc *ipc = CONTAINER_OF(watch, struct os_ipc, watch);

	if ((seen & (OS_READ | OS_GONE)) != 0 && !ipc_receive(ipc))
		return;
	if ((seen & OS_WRITE) == 0 || !ipc->waiting)
		return;
	if (ipc_flush(ipc) == SOTTO_OK && ipc->handler.drained != NULL)
		ipc->handler.drained(ipc->handler.context, ipc);
}

enum sotto_err os_ipc_create(struct os_loop *loop, int descriptor,
			     const struct os_ipc_handler *handler, struct os_ipc **out)
{
	struct os_ipc *ipc = calloc(1, sizeof(*ipc));
	socklen_t len = sizeof(int);
	int type = 0;
	enum sotto_err err;

	FAIL_IF(ipc == NULL, SOTTO_ERR_NO_MEMORY);
	FAIL_IF(getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
			type != SOCK_SEQPACKET,
		SOTTO_ERR_FORMAT);
	ipc->loop = loop;
	ipc->handler = *handler;
	outbox_init(&ipc->outbox, OS_IPC_QUEUE_LEN_MAX, OS_IPC_QUEUE_COUNT_MAX);
	os_watch_init(&ipc->watch, descriptor, ipc_ready);
	TRY(os_loop_watch(loop, &ipc->watch, OS_READ));
	*out = ipc;
	return SOTTO_OK;
out:
	free(ipc);
	return err;
}

enum sotto_err os_ipc_send(struct os_ipc *ipc, struct bytes message, const int *descriptors,
			   size_t descriptors_count)
{
	enum sotto_err err;

	if (message.len == 0 || message.len > OS_IPC_MESSAGE_LEN_MAX ||
	    descriptors_count > OS_IPC_DESCRIPTORS_MAX)
		return SOTTO_ERR_ARGUMENT;
	if (ipc->closed || !ipc->watch.added)
		return SOTTO_ERR_CLOSED;
	TRY(outbox_put(&ipc->outbox, message, BYTES_NONE, descriptors, descriptors_count));
	if (ipc->waiting)
		return SOTTO_OK; /* its turn comes */
	err = ipc_flush(ipc);
	if (err == SOTTO_ERR_AGAIN)
		err = SOTTO_OK;
	else if (err != SOTTO_OK)
		err = SOTTO_ERR_CLOSED;
out:
	return err;
}

size_t os_ipc_queued(const struct os_ipc *ipc)
{
	return ipc->outbox.len;
}
