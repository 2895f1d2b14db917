/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from SQLite to the disk: a VFS named OS_VFS_NAME over SQLite's own for Unix. The
 * simulator registers its own under the same name, which loses and tears what was not synced.
 *
 *   - a file is a bare name in the one directory given here; anything with a slash, and SQLite's
 * own temporary files, are refused (use PRAGMA temp_store = MEMORY)
 *   - files are made with mode 0600, and their directory is synced when one is made or removed
 *   - no room on the disk, or over quota, is SQLITE_FULL whichever call notices it
 *   - writes and syncs are counted, for status and for tests that ask how many a transaction costs
 *
 * Open with sqlite3_open_v2("vault", ..., OS_VFS_NAME).
 */
#ifndef OS_VFS_H
#define OS_VFS_H

#include <stdint.h>

#include "base/error.h"
#include "os/file.h"

#define OS_VFS_NAME "sotto"

struct os_vfs_counts {
	uint64_t writes;
	uint64_t bytes_written;
	uint64_t syncs;		  /* of files */
	uint64_t directory_syncs; /* of the directory, by this file */
};

/* Once a process; the directory must stay open until os_vfs_unregister, and every database be
 * closed by then. */
MUST_USE enum sotto_err os_vfs_register(struct os_directory *directory);
void os_vfs_unregister(void);

/* Since registration. */
void os_vfs_count(struct os_vfs_counts *counts);

#endif
