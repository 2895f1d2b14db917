/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing whole spans of open files. */
#include "os/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/error.h"

static enum sotto_err descriptor_open(const char *path, int flags, int *out)
{
	int descriptor = open(path, flags | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);

	if (descriptor < 0)
		return os_err_from_errno(errno);
	*out = descriptor;
	return SOTTO_OK;
}

enum sotto_err os_descriptor_open_read(const char *path, int *out)
{
	struct stat status;
	int descriptor = -1;
	enum sotto_err err;

	/* A FIFO without a writer must not keep the command waiting. */
	err = descriptor_open(path, O_RDONLY | O_NONBLOCK, &descriptor);
	if (err != SOTTO_OK)
		return err;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(descriptor);
		return SOTTO_ERR_EXISTS;
	}
	*out = descriptor;
	return SOTTO_OK;
}

enum sotto_err os_descriptor_open_write(const char *path, int *descriptor)
{
	return descriptor_open(path, O_RDWR | O_CREAT | O_TRUNC, descriptor);
}

enum sotto_err os_link_read(const char *path, char *target, size_t capacity, size_t *len)
{
	ssize_t got = readlink(path, target, capacity);

	if (got < 0)
		return errno == EINVAL ? SOTTO_ERR_EXISTS : os_err_from_errno(errno);
	if ((size_t)got == capacity)
		return SOTTO_ERR_LIMIT;
	*len = (size_t)got;
	return SOTTO_OK;
}

enum sotto_err os_descriptor_read_at(int descriptor, uint64_t position, void *out, size_t capacity,
				     size_t *len)
{
	uint8_t *bytes = out;
	size_t done = 0;

	while (done < capacity) {
		ssize_t got =
			pread(descriptor, bytes + done, capacity - done, (off_t)(position + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return os_err_from_errno(errno);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*len = done;
	return SOTTO_OK;
}

enum sotto_err os_descriptor_write_at(int descriptor, uint64_t position, struct bytes bytes)
{
	size_t done = 0;

	while (done < bytes.len) {
		ssize_t put = position == UINT64_MAX
				      ? write(descriptor, bytes.data + done, bytes.len - done)
				      : pwrite(descriptor, bytes.data + done, bytes.len - done,
					       (off_t)(position + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return os_err_from_errno(errno);
		done += (size_t)put;
	}
	return SOTTO_OK;
}

enum sotto_err os_descriptor_len(int descriptor, uint64_t *len)
{
	struct stat status;

	if (fstat(descriptor, &status) != 0)
		return os_err_from_errno(errno);
	if (!S_ISREG(status.st_mode))
		return SOTTO_ERR_UNSUPPORTED;
	*len = (uint64_t)status.st_size;
	return SOTTO_OK;
}

void os_descriptor_close(int descriptor)
{
	if (descriptor >= 0)
		close(descriptor);
}
