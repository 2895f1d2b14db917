/* SPDX-License-Identifier: Apache-2.0 */
/* Making, opening and locking the directory of a phone or relay. */
#include "os/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/error.h"
#include "os/file.h"

/* The entry of a new directory lives in its parent, which has to reach the disk, too. */
static enum sotto_err directory_sync_parent(const char *path)
{
	char *copy = strdup(path);
	enum sotto_err err = SOTTO_OK;
	int descriptor;
	char *slash;

	if (copy == NULL)
		return SOTTO_ERR_NO_MEMORY;
	slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy ? 1 : 0] = '\0';
	descriptor = open(slash == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0 || fsync(descriptor) != 0)
		err = os_err_from_errno(errno);
	if (descriptor >= 0)
		close(descriptor);
	free(copy);
	return err;
}

static enum sotto_err directory_make_one(const char *path)
{
	if (mkdir(path, S_IRWXU) == 0)
		return directory_sync_parent(path);
	return errno == EEXIST ? SOTTO_OK : os_err_from_errno(errno);
}

static enum sotto_err directory_make(const char *path)
{
	char *copy = strdup(path);
	enum sotto_err err = SOTTO_OK;
	size_t len;

	if (copy == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	for (char *at = copy + 1; *at != '\0' && err == SOTTO_OK; at++) {
		struct stat status;

		if (*at != '/')
			continue;
		*at = '\0';
		/* What is there may be a parent that we could not make: /proc, a read-only
		 * system. */
		if (stat(copy, &status) != 0)
			err = directory_make_one(copy);
		*at = '/';
	}
	if (err == SOTTO_OK)
		err = directory_make_one(copy);
	free(copy);
	return err;
}

enum sotto_err os_directory_open(const char *path, bool create, struct os_directory **out)
{
	struct os_directory *directory = calloc(1, sizeof(*directory));
	struct stat status;
	enum sotto_err err;

	FAIL_IF(directory == NULL, SOTTO_ERR_NO_MEMORY);
	directory->descriptor = -1;
	FAIL_IF(path[0] == '\0', SOTTO_ERR_NOT_FOUND);
	if (create)
		TRY(directory_make(path));
	directory->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FAIL_IF(directory->descriptor < 0, os_err_from_errno(errno));
	FAIL_IF(fstat(directory->descriptor, &status) != 0, os_err_from_errno(errno));
	FAIL_IF(status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0,
		SOTTO_ERR_DENIED);
	directory->path = realpath(path, NULL);
	FAIL_IF(directory->path == NULL, os_err_from_errno(errno));
	*out = directory;
	return SOTTO_OK;
out:
	os_directory_close(directory);
	return err;
}

void os_directory_close(struct os_directory *directory)
{
	if (directory == NULL)
		return;
	if (directory->descriptor >= 0)
		close(directory->descriptor);
	free(directory->path);
	free(directory);
}

const char *os_directory_path(const struct os_directory *directory)
{
	return directory->path;
}

enum sotto_err os_directory_lock(struct os_directory *directory)
{
	if (flock(directory->descriptor, LOCK_EX | LOCK_NB) == 0)
		return SOTTO_OK;
	return errno == EWOULDBLOCK ? SOTTO_ERR_EXISTS : os_err_from_errno(errno);
}
