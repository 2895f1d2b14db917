/* SPDX-License-Identifier: Apache-2.0 */
/* One table for all of os/, so that a full disk is a full disk whoever notices it. */
#include "os/error.h"

#include <errno.h>
#include <stddef.h>

#include "base/assert.h"

enum sotto_err os_err_from_errno(int number)
{
	static const struct {
		int number;
		enum sotto_err err;
	} table[] = {
		{EAGAIN, SOTTO_ERR_AGAIN},
		{ENOMEM, SOTTO_ERR_NO_MEMORY},
		{ENOBUFS, SOTTO_ERR_NO_MEMORY},
		{ENOSPC, SOTTO_ERR_DISK_FULL},
		{EDQUOT, SOTTO_ERR_DISK_FULL},
		{EFBIG, SOTTO_ERR_DISK_FULL},
		{EACCES, SOTTO_ERR_DENIED},
		{EPERM, SOTTO_ERR_DENIED},
		{EROFS, SOTTO_ERR_DENIED},
		{ENOENT, SOTTO_ERR_NOT_FOUND},
		{ENOTDIR, SOTTO_ERR_NOT_FOUND},
		{ESRCH, SOTTO_ERR_NOT_FOUND},
		{EADDRNOTAVAIL, SOTTO_ERR_NOT_FOUND},
		{ENETUNREACH, SOTTO_ERR_NOT_FOUND},
		{EHOSTUNREACH, SOTTO_ERR_NOT_FOUND},
		{EEXIST, SOTTO_ERR_EXISTS},
		{EADDRINUSE, SOTTO_ERR_EXISTS},
		{EISDIR, SOTTO_ERR_EXISTS},
		{EPIPE, SOTTO_ERR_CLOSED},
		{ECONNRESET, SOTTO_ERR_CLOSED},
		{ENOTCONN, SOTTO_ERR_CLOSED},
		{EMFILE, SOTTO_ERR_LIMIT},
		{ENFILE, SOTTO_ERR_LIMIT},
		{ENAMETOOLONG, SOTTO_ERR_LIMIT},
		{EAFNOSUPPORT, SOTTO_ERR_UNSUPPORTED},
		{ENOSYS, SOTTO_ERR_UNSUPPORTED},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].number == number)
			return table[i].err;
	}
	return SOTTO_ERR_IO;
}
