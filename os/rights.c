/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors beside bytes. */
#include "os/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"

void rights_close(const int *descriptors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (descriptors[i] >= 0)
			close(descriptors[i]);
	}
}

enum sotto_err rights_send(int socket, struct bytes bytes, const int *descriptors, size_t count,
			   size_t *sent)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(RIGHTS_MAX * sizeof(int))] = {0};
	/* The kernel does not write to what is sent; struct iovec has no const. */
	union {
		const uint8_t *in;
		void *out;
	} data = {.in = bytes.data};
	struct iovec vector = {.iov_base = data.out, .iov_len = bytes.len};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t done;

	ASSERT(count <= RIGHTS_MAX);
	if (count > 0) {
		struct cmsghdr *item;

		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		item = CMSG_FIRSTHDR(&header);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(item), descriptors, count * sizeof(int));
	}
	do {
		done = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == ETOOMANYREFS ? SOTTO_ERR_LIMIT : os_err_from_errno(errno);
	*sent = (size_t)done;
	return SOTTO_OK;
}

static size_t rights_take(struct msghdr *header, int descriptors[RIGHTS_MAX])
{
	size_t count = 0;

	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL;
	     item = CMSG_NXTHDR(header, item)) {
		size_t len = item->cmsg_len - CMSG_LEN(0);

		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
			continue;
		/* The control buffer has room for no more. */
		ASSERT(count + len / sizeof(int) <= RIGHTS_MAX);
		memcpy(descriptors + count, CMSG_DATA(item), len);
		count += len / sizeof(int);
	}
	return count;
}

enum sotto_err rights_receive(int socket, void *buffer, size_t capacity, size_t *len,
			      int descriptors[RIGHTS_MAX], size_t *count)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
	struct iovec vector = {.iov_base = buffer, .iov_len = capacity};
	struct msghdr header;
	size_t taken;
	ssize_t got;

	do {
		header = (struct msghdr){.msg_iov = &vector,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return os_err_from_errno(errno);
	taken = rights_take(&header, descriptors);
	if (got == 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		rights_close(descriptors, taken);
		return got == 0 ? SOTTO_ERR_CLOSED : SOTTO_ERR_FORMAT;
	}
	*len = (size_t)got;
	*count = taken;
	return SOTTO_OK;
}
