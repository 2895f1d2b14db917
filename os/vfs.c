/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin layer over SQLite's VFS for Unix. Paths are made in vfs_full_pathname, the one place where
 * a name becomes one; all other methods get paths that SQLite made from it ("-wal", "-journal") and
 * check that it did.
 *
 * A new file is made here, exclusively, before SQLite opens it: that gives the mode and the moment
 * at which the directory must be synced. (It must not be closed here once SQLite has it open:
 * closing any descriptor of a file drops all POSIX locks on it. "Exclusively" means that nobody
 * has.)
 */
#include "os/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/directory.h"
#include "os/random.h"

struct vfs {
	sqlite3_vfs base;
	sqlite3_vfs *unix_vfs; /* NULL: not registered */
	struct os_directory *directory;
	struct os_vfs_counts counts;
};

struct vfs_file {
	sqlite3_file base;
	sqlite3_file *inner; /* behind this struct */
};

static struct vfs vfs;

static struct vfs_file *vfs_file(sqlite3_file *file)
{
	return CONTAINER_OF(file, struct vfs_file, base);
}

static sqlite3_file *vfs_inner(sqlite3_file *file)
{
	return vfs_file(file)->inner;
}

static bool vfs_errno_is_full(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* Full is full: SQLite says so for write(2) alone, where fsync, ftruncate and mapping may be the
 * first to notice. */
static int vfs_result(sqlite3_file *inner, int result)
{
	int number = errno;
	int last = 0;

	if ((result & 0xff) != SQLITE_IOERR)
		return result;
	if (inner->pMethods->xFileControl(inner, SQLITE_FCNTL_LAST_ERRNO, &last) != SQLITE_OK)
		last = 0;
	return vfs_errno_is_full(number) || vfs_errno_is_full(last) ? SQLITE_FULL : result;
}

static int vfs_close(sqlite3_file *file)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xClose(inner);
}

static int vfs_read(sqlite3_file *file, void *out, int len, sqlite3_int64 position)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xRead(inner, out, len, position);
}

static int vfs_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 position)
{
	sqlite3_file *inner = vfs_inner(file);

	vfs.counts.writes++;
	vfs.counts.bytes_written += (uint64_t)len;
	errno = 0;
	return vfs_result(inner, inner->pMethods->xWrite(inner, data, len, position));
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_file *inner = vfs_inner(file);

	errno = 0;
	return vfs_result(inner, inner->pMethods->xTruncate(inner, size));
}

static int vfs_sync(sqlite3_file *file, int flags)
{
	sqlite3_file *inner = vfs_inner(file);

	vfs.counts.syncs++;
	errno = 0;
	return vfs_result(inner, inner->pMethods->xSync(inner, flags));
}

static int vfs_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xFileSize(inner, size);
}

static int vfs_lock(sqlite3_file *file, int level)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xLock(inner, level);
}

static int vfs_unlock(sqlite3_file *file, int level)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xUnlock(inner, level);
}

static int vfs_check_reserved_lock(sqlite3_file *file, int *reserved)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xCheckReservedLock(inner, reserved);
}

static int vfs_file_control(sqlite3_file *file, int operation, void *argument)
{
	sqlite3_file *inner = vfs_inner(file);

	/* The size hint grows the file ahead: that is where a full disk may show first. */
	errno = 0;
	return vfs_result(inner, inner->pMethods->xFileControl(inner, operation, argument));
}

static int vfs_sector_size(sqlite3_file *file)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xSectorSize(inner);
}

static int vfs_device_characteristics(sqlite3_file *file)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xDeviceCharacteristics(inner);
}

static int vfs_shm_map(sqlite3_file *file, int page, int page_len, int extend, void volatile **out)
{
	sqlite3_file *inner = vfs_inner(file);

	errno = 0;
	return vfs_result(inner, inner->pMethods->xShmMap(inner, page, page_len, extend, out));
}

static int vfs_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xShmLock(inner, offset, count, flags);
}

static void vfs_shm_barrier(sqlite3_file *file)
{
	sqlite3_file *inner = vfs_inner(file);

	inner->pMethods->xShmBarrier(inner);
}

static int vfs_shm_unmap(sqlite3_file *file, int remove)
{
	sqlite3_file *inner = vfs_inner(file);

	return inner->pMethods->xShmUnmap(inner, remove);
}

/* Version 2: no mapping of the database itself, where a read error would be a signal instead of a
 * result. */
static const sqlite3_io_methods vfs_methods = {
	.iVersion = 2,
	.xClose = vfs_close,
	.xRead = vfs_read,
	.xWrite = vfs_write,
	.xTruncate = vfs_truncate,
	.xSync = vfs_sync,
	.xFileSize = vfs_file_size,
	.xLock = vfs_lock,
	.xUnlock = vfs_unlock,
	.xCheckReservedLock = vfs_check_reserved_lock,
	.xFileControl = vfs_file_control,
	.xSectorSize = vfs_sector_size,
	.xDeviceCharacteristics = vfs_device_characteristics,
	.xShmMap = vfs_shm_map,
	.xShmLock = vfs_shm_lock,
	.xShmBarrier = vfs_shm_barrier,
	.xShmUnmap = vfs_shm_unmap,
};

static bool vfs_name_is_good(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* The bare name of a path that vfs_full_pathname made, or NULL. */
static const char *vfs_bare_name(const char *path)
{
	size_t len = strlen(vfs.directory->path);

	if (path == NULL || strncmp(path, vfs.directory->path, len) != 0 || path[len] != '/')
		return NULL;
	return vfs_name_is_good(path + len + 1) ? path + len + 1 : NULL;
}

static int vfs_sync_directory(void)
{
	vfs.counts.directory_syncs++;
	if (fsync(vfs.directory->descriptor) == 0)
		return SQLITE_OK;
	return vfs_errno_is_full(errno) ? SQLITE_FULL : SQLITE_IOERR_DIR_FSYNC;
}

/* Makes the file if there is none. */
static int vfs_make(const char *name)
{
	int descriptor =
		openat(vfs.directory->descriptor, name,
		       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

	if (descriptor < 0 && errno == EEXIST)
		return SQLITE_OK;
	if (descriptor < 0)
		return vfs_errno_is_full(errno) ? SQLITE_FULL : SQLITE_CANTOPEN;
	close(descriptor);
	return vfs_sync_directory();
}

static int vfs_open(sqlite3_vfs *base, sqlite3_filename path, sqlite3_file *file, int flags,
		    int *flags_out)
{
	struct vfs_file *opened = vfs_file(file);
	const char *name = vfs_bare_name(path);
	int result;

	(void)base;
	file->pMethods = NULL; /* so that SQLite does not close what was not opened */
	if (name == NULL)
		return SQLITE_CANTOPEN;
	if ((flags & SQLITE_OPEN_CREATE) != 0) {
		result = vfs_make(name);
		if (result != SQLITE_OK)
			return result;
	}
	opened->inner = (sqlite3_file *)(void *)(opened + 1);
	result = vfs.unix_vfs->xOpen(vfs.unix_vfs, path, opened->inner, flags, flags_out);
	if (result == SQLITE_OK)
		file->pMethods = &vfs_methods;
	return result;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int sync_directory)
{
	int result;

	(void)base;
	(void)sync_directory; /* always */
	if (vfs_bare_name(path) == NULL)
		return SQLITE_IOERR_DELETE;
	result = vfs.unix_vfs->xDelete(vfs.unix_vfs, path, 0);
	return result == SQLITE_OK ? vfs_sync_directory() : result;
}

static int vfs_access(sqlite3_vfs *base, const char *path, int flags, int *answer)
{
	(void)base;
	if (vfs_bare_name(path) == NULL)
		return SQLITE_IOERR_ACCESS;
	return vfs.unix_vfs->xAccess(vfs.unix_vfs, path, flags, answer);
}

static int vfs_full_pathname(sqlite3_vfs *base, const char *name, int capacity, char *out)
{
	int len;

	(void)base;
	if (!vfs_name_is_good(name))
		return SQLITE_CANTOPEN;
	len = snprintf(out, (size_t)capacity, "%s/%s", vfs.directory->path, name);
	return len < capacity ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* No extension is ever loaded. */
static void *vfs_dl_open(sqlite3_vfs *base, const char *path)
{
	(void)base;
	(void)path;
	return NULL;
}

static void vfs_dl_error(sqlite3_vfs *base, int capacity, char *out)
{
	(void)base;
	if (capacity > 0)
		out[0] = '\0';
}

static int vfs_randomness(sqlite3_vfs *base, int len, char *out)
{
	(void)base;
	return random_fill(&os_random, out, (size_t)len) == SOTTO_OK ? len : 0;
}

static int vfs_sleep(sqlite3_vfs *base, int us)
{
	(void)base;
	return vfs.unix_vfs->xSleep(vfs.unix_vfs, us);
}

static int vfs_current_time(sqlite3_vfs *base, double *days)
{
	(void)base;
	return vfs.unix_vfs->xCurrentTime(vfs.unix_vfs, days);
}

static int vfs_last_error(sqlite3_vfs *base, int capacity, char *out)
{
	(void)base;
	return vfs.unix_vfs->xGetLastError(vfs.unix_vfs, capacity, out);
}

enum sotto_err os_vfs_register(struct os_directory *directory)
{
	sqlite3_vfs *inner = sqlite3_vfs_find("unix");

	if (vfs.unix_vfs != NULL)
		return SOTTO_ERR_STATE;
	if (inner == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	vfs = (struct vfs){
		.base = {.iVersion = 1,
			 .szOsFile = (int)sizeof(struct vfs_file) + inner->szOsFile,
			 .mxPathname = inner->mxPathname,
			 .zName = OS_VFS_NAME,
			 .xOpen = vfs_open,
			 .xDelete = vfs_delete,
			 .xAccess = vfs_access,
			 .xFullPathname = vfs_full_pathname,
			 .xDlOpen = vfs_dl_open,
			 .xDlError = vfs_dl_error,
			 .xRandomness = vfs_randomness,
			 .xSleep = vfs_sleep,
			 .xCurrentTime = vfs_current_time,
			 .xGetLastError = vfs_last_error},
		.unix_vfs = inner,
		.directory = directory,
	};
	if (sqlite3_vfs_register(&vfs.base, 0) != SQLITE_OK) {
		vfs.unix_vfs = NULL;
		return SOTTO_ERR_NO_MEMORY;
	}
	return SOTTO_OK;
}

void os_vfs_unregister(void)
{
	if (vfs.unix_vfs == NULL)
		return;
	(void)sqlite3_vfs_unregister(
		&vfs.base); /* fails only if SQLite cannot be initialised, which it is */
	vfs.unix_vfs = NULL;
}

void os_vfs_count(struct os_vfs_counts *counts)
{
	*counts = vfs.counts;
}
