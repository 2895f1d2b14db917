/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's view of a sim_disk: version 1 methods, no locks (one connection), no shared memory. */
#include "sim/vfs.h"

#include <sqlite3.h>
#include <string.h>

#include "base/assert.h"

#define VFS_NAME_LEN_MAX 63

struct sim_vfs {
	const struct allocator *allocator;
	struct sim_disk *disk;
	sqlite3_vfs sqlite;
	char name[VFS_NAME_LEN_MAX + 1];
};

struct vfs_file {
	sqlite3_file sqlite;
	struct sim_file *file;
};

static struct sim_file *file_of(sqlite3_file *sqlite)
{
	return CONTAINER_OF(sqlite, struct vfs_file, sqlite)->file;
}

static struct sim_vfs *vfs_of(sqlite3_vfs *sqlite)
{
	return sqlite->pAppData;
}

static int code_of(enum sotto_err err, int otherwise)
{
	if (err == SOTTO_OK)
		return SQLITE_OK;
	if (err == SOTTO_ERR_DISK_FULL)
		return SQLITE_FULL;
	if (err == SOTTO_ERR_NO_MEMORY)
		return SQLITE_IOERR_NOMEM;
	return otherwise;
}

static int file_close(sqlite3_file *sqlite)
{
	sim_file_close(file_of(sqlite));
	CONTAINER_OF(sqlite, struct vfs_file, sqlite)->file = NULL;
	return SQLITE_OK;
}

static int file_read(sqlite3_file *sqlite, void *out, int len, sqlite3_int64 offset)
{
	size_t done = 0;
	enum sotto_err err =
		sim_file_read(file_of(sqlite), (uint64_t)offset, out, (size_t)len, &done);

	if (err != SOTTO_OK)
		return code_of(err, SQLITE_IOERR_READ);
	if (done == (size_t)len)
		return SQLITE_OK;
	memset((uint8_t *)out + done, 0, (size_t)len - done);
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *sqlite, const void *data, int len, sqlite3_int64 offset)
{
	return code_of(sim_file_write(file_of(sqlite), (uint64_t)offset, BYTES(data, (size_t)len)),
		       SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *sqlite, sqlite3_int64 len)
{
	return code_of(sim_file_truncate(file_of(sqlite), (uint64_t)len), SQLITE_IOERR_TRUNCATE);
}

static int file_sync(sqlite3_file *sqlite, int flags)
{
	(void)flags;
	return code_of(sim_file_sync(file_of(sqlite)), SQLITE_IOERR_FSYNC);
}

static int file_size(sqlite3_file *sqlite, sqlite3_int64 *len)
{
	uint64_t size = 0;
	enum sotto_err err = sim_file_len(file_of(sqlite), &size);

	if (err == SOTTO_OK)
		*len = (sqlite3_int64)size;
	return code_of(err, SQLITE_IOERR_FSTAT);
}

/* One connection: every lock is free. */
static int file_lock(sqlite3_file *sqlite, int level)
{
	(void)sqlite;
	(void)level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *sqlite, int *held)
{
	(void)sqlite;
	*held = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *sqlite, int operation, void *argument)
{
	(void)sqlite;
	(void)operation;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int file_sector_len(sqlite3_file *sqlite)
{
	(void)sqlite;
	return 4096;
}

/* As the disk tears inside of a write only, never beside it. */
static int file_characteristics(sqlite3_file *sqlite)
{
	(void)sqlite;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_len,
	.xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *sqlite, const char *name, sqlite3_file *opened, int flags,
		    int *flags_out)
{
	const int syncs_directory =
		SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
	struct vfs_file *file = CONTAINER_OF(opened, struct vfs_file, sqlite);
	enum sim_file_mode mode = (flags & SQLITE_OPEN_CREATE) == 0	 ? SIM_FILE_EXISTING
				  : (flags & SQLITE_OPEN_EXCLUSIVE) == 0 ? SIM_FILE_CREATE
									 : SIM_FILE_NEW;
	enum sotto_err err;

	opened->pMethods = NULL;
	if (name == NULL)
		return SQLITE_CANTOPEN;
	err = sim_file_open(vfs_of(sqlite)->disk, name, mode, (flags & syncs_directory) != 0,
			    &file->file);
	if (err != SOTTO_OK)
		return code_of(err, err == SOTTO_ERR_IO ? SQLITE_IOERR : SQLITE_CANTOPEN);
	opened->pMethods = &methods;
	if (flags_out != NULL)
		*flags_out = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *sqlite, const char *name, int sync_directory)
{
	enum sotto_err err = sim_disk_delete(vfs_of(sqlite)->disk, name, sync_directory != 0);

	if (err == SOTTO_ERR_NOT_FOUND)
		return SQLITE_IOERR_DELETE_NOENT;
	return code_of(err, SQLITE_IOERR_DELETE);
}

static int vfs_access(sqlite3_vfs *sqlite, const char *name, int flags, int *result)
{
	(void)flags;
	if (sim_disk_stopped(vfs_of(sqlite)->disk))
		return SQLITE_IOERR_ACCESS;
	*result = sim_disk_exists(vfs_of(sqlite)->disk, name);
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *sqlite, const char *name, int len, char *out)
{
	size_t name_len = strlen(name);

	(void)sqlite;
	if (name_len >= (size_t)len)
		return SQLITE_CANTOPEN;
	memcpy(out, name, name_len + 1);
	return SQLITE_OK;
}

/* SQLite asks for its seed only; sim_vfs_create sets it, so that nobody asks. */
static int vfs_randomness(sqlite3_vfs *sqlite, int len, char *out)
{
	(void)sqlite;
	memset(out, 0, (size_t)len);
	return len;
}

static int vfs_sleep(sqlite3_vfs *sqlite, int microseconds)
{
	(void)sqlite;
	return microseconds;
}

/* Nothing that sotto stores by SQL reads a clock. */
static int vfs_time(sqlite3_vfs *sqlite, double *julian_day)
{
	(void)sqlite;
	*julian_day = 2460000.5;
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *sqlite, int len, char *out)
{
	(void)sqlite;
	if (len > 0)
		out[0] = '\0';
	return 0;
}

enum sotto_err sim_vfs_create(const struct allocator *allocator, const char *name,
			      struct sim_disk *disk, struct sim_vfs **vfs)
{
	struct sim_vfs *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	ASSERT(strlen(name) <= VFS_NAME_LEN_MAX);
	memcpy(made->name, name, strlen(name));
	made->allocator = allocator;
	made->disk = disk;
	made->sqlite = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = (int)sizeof(struct vfs_file),
		.mxPathname = SIM_NAME_LEN_MAX,
		.zName = made->name,
		.pAppData = made,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	if (sqlite3_vfs_register(&made->sqlite, 0) != SQLITE_OK) {
		allocator_give(allocator, made, sizeof(*made));
		return SOTTO_ERR_NO_MEMORY;
	}
	(void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, NULL); /* cannot fail */
	*vfs = made;
	return SOTTO_OK;
}

void sim_vfs_destroy(struct sim_vfs *vfs)
{
	if (vfs == NULL)
		return;
	(void)sqlite3_vfs_unregister(&vfs->sqlite); /* fails only for one that is not registered */
	allocator_give(vfs->allocator, vfs, sizeof(*vfs));
}

void sim_vfs_use(struct sim_vfs *vfs, struct sim_disk *disk)
{
	vfs->disk = disk;
}
