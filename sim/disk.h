/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that keeps what was synced and no more.
 *
 *     write, truncate --> what the program reads back --sync--> durable
 *                                  |
 *              power cut: each 512-byte sector that was not synced is kept, dropped or torn,
 *              whatever came before or after it; the seed decides
 *
 * A new, renamed or deleted name is durable only after its directory was synced. Every write,
 * truncation, deletion, creation and sync is an operation and has a number, counted from 0 since
 * the disk was made: the disk can stop before any of them, refuse some of them, or lie about syncs.
 * Deterministic: the same seed and the same calls give the same bytes.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "sim/random.h"

#define SIM_SECTOR_LEN	 512
#define SIM_NAME_LEN_MAX 511

struct sim_disk;
struct sim_file;

MUST_USE enum sotto_err sim_disk_create(const struct allocator *allocator,
					const struct sim_random *random, struct sim_disk **disk);

/* All files closed (asserted). NULL is fine. */
void sim_disk_destroy(struct sim_disk *disk);

/* Operations done so far. */
uint64_t sim_disk_operations(const struct sim_disk *disk);

/*
 * The disk does operations until their number is n, then it is gone: operation n and everything
 * after it, reads too, is SOTTO_ERR_IO until sim_disk_restart. UINT64_MAX: never.
 */
void sim_disk_stop_at(struct sim_disk *disk, uint64_t n);
bool sim_disk_stopped(const struct sim_disk *disk);

enum sim_restart {
	SIM_POWER_CUT, /* unsynced sectors are kept, dropped or torn */
	SIM_KILL,      /* only the program died: everything is there, and still not synced */
};

/* Files are closed (asserted). The disk works again, and stops nowhere. */
void sim_disk_restart(struct sim_disk *disk, enum sim_restart how);

/*
 * Operations with from <= number < to are refused with err (SOTTO_ERR_IO, SOTTO_ERR_DISK_FULL). A
 * refused write has written half. growth_only: only writes beyond the end of a file and creations,
 * as on a full disk that overwrites in place. from == to: none.
 */
void sim_disk_refuse(struct sim_disk *disk, uint64_t from, uint64_t to, enum sotto_err err,
		     bool growth_only);

/* Syncs say yes and do nothing: to show that a test of durability can fail. */
void sim_disk_ignore_syncs(struct sim_disk *disk, bool ignore);

/* Bytes of all files as a program would read them now; and of one file (0 if there is none). */
uint64_t sim_disk_used(const struct sim_disk *disk);
size_t sim_disk_file_len(const struct sim_disk *disk, const char *name);

/* Inverts one bit of a file, at once and durably. Past its end: nothing. */
void sim_disk_flip(struct sim_disk *disk, const char *name, size_t offset, unsigned int bit);

/* Occurrences of these bytes in all files. */
size_t sim_disk_search(const struct sim_disk *disk, struct bytes needle);

/* A hash (FNV-1a) over all names and bytes, durable and not: equal runs have equal ones. */
uint64_t sim_disk_fingerprint(const struct sim_disk *disk);

/*
 * All files as they are, unsynced writes kept, on a disk of its own; counters start at 0. For a
 * test that tries many things on one state.
 */
MUST_USE enum sotto_err sim_disk_copy(const struct sim_disk *disk, struct sim_disk **copy);

/* The file layer, used by sim/vfs.c and by whatever else stores. */
enum sim_file_mode {
	SIM_FILE_EXISTING, /* SOTTO_ERR_NOT_FOUND if there is none */
	SIM_FILE_CREATE,   /* made if there is none */
	SIM_FILE_NEW,	   /* SOTTO_ERR_EXISTS if there is one */
};

/* sync_directory: a sync of this file makes all names durable too, as SQLite wants it for journals.
 */
MUST_USE enum sotto_err sim_file_open(struct sim_disk *disk, const char *name,
				      enum sim_file_mode mode, bool sync_directory,
				      struct sim_file **file);
void sim_file_close(struct sim_file *file);

/* *done: bytes read, fewer than len only at the end of the file. */
MUST_USE enum sotto_err sim_file_read(struct sim_file *file, uint64_t offset, void *out, size_t len,
				      size_t *done);
MUST_USE enum sotto_err sim_file_write(struct sim_file *file, uint64_t offset, struct bytes bytes);
MUST_USE enum sotto_err sim_file_truncate(struct sim_file *file, uint64_t len);
MUST_USE enum sotto_err sim_file_sync(struct sim_file *file);
MUST_USE enum sotto_err sim_file_len(const struct sim_file *file, uint64_t *len);

/* SOTTO_ERR_NOT_FOUND. Open files stay usable. */
MUST_USE enum sotto_err sim_disk_delete(struct sim_disk *disk, const char *name,
					bool sync_directory);
bool sim_disk_exists(const struct sim_disk *disk, const char *name);

#endif
