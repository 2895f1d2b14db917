/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sim_disk as a SQLite VFS, under the name by which programs open their databases.
 *
 * One connection a database: there is no shared memory, so WAL needs `PRAGMA
 * locking_mode=EXCLUSIVE` before it is switched on (without, journal_mode stays what it was;
 * sotto's stores all do so, as one process owns each). Temporary files are refused: `PRAGMA
 * temp_store=MEMORY`.
 */
#ifndef SIM_VFS_H
#define SIM_VFS_H

#include "base/error.h"
#include "sim/disk.h"

struct sim_vfs;

/*
 * Registers the disk under name (copied; at most 63 bytes, asserted), not as the default. Also
 * seeds SQLite's own randomness, which is one for the whole process, so that its salts repeat.
 */
MUST_USE enum sotto_err sim_vfs_create(const struct allocator *allocator, const char *name,
				       struct sim_disk *disk, struct sim_vfs **vfs);

/* Unregisters; the disk stays. NULL is fine. */
void sim_vfs_destroy(struct sim_vfs *vfs);

/* Another disk under the same name, for a test that tries many; files are closed. */
void sim_vfs_use(struct sim_vfs *vfs, struct sim_disk *disk);

#endif
