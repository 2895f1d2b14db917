/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, whole or not at all:
 *
 *   write ".NAME.new" ──> fsync ──> rename to NAME ──> fsync of the directory
 *
 * A stop before the rename leaves the old file (and a ".NAME.new" that the next replacement
 * overwrites).
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/directory.h"
#include "os/error.h"

/* ".NAME.new" and its terminator. */
#define FILE_TEMPORARY_LEN (OS_FILE_NAME_LEN_MAX + sizeof("..new"))

static bool file_name_is_good(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= OS_FILE_NAME_LEN_MAX && name[0] != '.' &&
	       strchr(name, '/') == NULL;
}

enum sotto_err os_file_read(struct os_directory *directory, const char *name, size_t max,
			    const struct allocator *allocator, uint8_t **out, size_t *out_len)
{
	struct stat status;
	uint8_t *data = NULL;
	size_t len = 0;
	size_t got = 0;
	int descriptor = -1;
	enum sotto_err err;

	FAIL_IF(!file_name_is_good(name), SOTTO_ERR_NOT_FOUND);
	descriptor =
		openat(directory->descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	FAIL_IF(descriptor < 0, os_err_from_errno(errno));
	FAIL_IF(fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode), SOTTO_ERR_IO);
	FAIL_IF((uint64_t)status.st_size > max, SOTTO_ERR_LIMIT);
	len = (size_t)status.st_size;
	if (len > 0) {
		data = allocator_take(allocator, len);
		FAIL_IF(data == NULL, SOTTO_ERR_NO_MEMORY);
		TRY(os_descriptor_read_at(descriptor, 0, data, len, &got));
		FAIL_IF(got != len, SOTTO_ERR_IO); /* it became shorter meanwhile */
	}
	*out = data;
	*out_len = len;
	err = SOTTO_OK;
out:
	if (err != SOTTO_OK)
		allocator_wipe(allocator, data, len);
	os_descriptor_close(descriptor);
	return err;
}

static enum sotto_err file_write_new(struct os_directory *directory, const char *name,
				     struct bytes contents)
{
	int descriptor =
		openat(directory->descriptor, name,
		       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	enum sotto_err err;

	FAIL_IF(descriptor < 0, os_err_from_errno(errno));
	TRY(os_descriptor_write_at(descriptor, 0, contents));
	FAIL_IF(fsync(descriptor) != 0, os_err_from_errno(errno));
out:
	os_descriptor_close(descriptor);
	return err;
}

enum sotto_err os_file_replace(struct os_directory *directory, const char *name,
			       struct bytes contents)
{
	char temporary[FILE_TEMPORARY_LEN];
	enum sotto_err err;

	if (!file_name_is_good(name) || contents.len > OS_FILE_LEN_MAX)
		return SOTTO_ERR_ARGUMENT;
	(void)snprintf(temporary, sizeof(temporary), ".%s.new", name);
	TRY(file_write_new(directory, temporary, contents));
	FAIL_IF(renameat(directory->descriptor, temporary, directory->descriptor, name) != 0,
		os_err_from_errno(errno));
	/* If this fails, the new file is there but may not outlive a power cut: the caller must not
	 * rely on it. */
	return fsync(directory->descriptor) == 0 ? SOTTO_OK : os_err_from_errno(errno);
out:
	(void)unlinkat(directory->descriptor, temporary, 0);
	return err;
}

enum sotto_err os_file_remove(struct os_directory *directory, const char *name)
{
	if (!file_name_is_good(name))
		return SOTTO_ERR_NOT_FOUND;
	if (unlinkat(directory->descriptor, name, 0) != 0 || fsync(directory->descriptor) != 0)
		return os_err_from_errno(errno);
	return SOTTO_OK;
}

bool os_file_exists(struct os_directory *directory, const char *name)
{
	struct stat status;

	return file_name_is_good(name) &&
	       fstatat(directory->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}
