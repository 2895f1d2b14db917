/* SPDX-License-Identifier: Apache-2.0 */
/* One sendmsg or recvmsg with descriptors beside the bytes (SCM_RIGHTS, unix(7)); inside os/
 * only. */
#ifndef OS_RIGHTS_H
#define OS_RIGHTS_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/* Both kinds of connection use the same number. */
#define RIGHTS_MAX 4

/* *sent of the bytes went out, the descriptors with the first of them. AGAIN, CLOSED, LIMIT (the
 * kernel holds too many descriptors in flight), IO. */
MUST_USE enum sotto_err rights_send(int socket, struct bytes bytes, const int *descriptors,
				    size_t count, size_t *sent);

/* Descriptors are close-on-exec and the caller's. AGAIN, CLOSED (end of file, too), FORMAT: bytes
 * or descriptors were cut (what was received of them is closed), IO. */
MUST_USE enum sotto_err rights_receive(int socket, void *buffer, size_t capacity, size_t *len,
				       int descriptors[RIGHTS_MAX], size_t *count);

/* Closes those that are not -1. */
void rights_close(const int *descriptors, size_t count);

#endif
