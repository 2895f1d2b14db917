/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a disk is made of, shared by sim/disk.c (its control and its names), sim/file.c (operations)
 * and sim/disk_crash.c (what a power cut leaves).
 */
#ifndef SIM_DISK_STATE_H
#define SIM_DISK_STATE_H

#include "base/list.h"
#include "sim/disk.h"

struct sim_content {
	uint8_t *data;
	size_t len;
	size_t capacity;
};

/* A write or truncation that was not synced. */
struct sim_pending {
	struct list link;
	bool truncate;
	uint64_t offset; /* of the write; the new length for a truncation */
	size_t len;
	uint8_t data[];
};

struct sim_inode {
	struct list link;
	struct sim_content current;
	struct sim_content durable;
	struct list pending;
	size_t references; /* of names, current and durable, and of open files */
};

struct sim_name {
	struct list link;
	struct sim_inode *current; /* NULL: deleted */
	struct sim_inode *durable; /* NULL: not durable yet */
	char name[SIM_NAME_LEN_MAX + 1];
};

struct sim_file {
	struct sim_disk *disk;
	struct sim_inode *inode;
	bool sync_directory;
};

struct sim_disk {
	const struct allocator *allocator;
	struct sim_random random;
	struct list names;
	struct list inodes;
	size_t open_files;
	uint64_t operations;
	uint64_t stop_at;
	bool stopped;
	bool ignore_syncs;
	uint64_t refuse_from;
	uint64_t refuse_to;
	enum sotto_err refuse_err;
	bool refuse_growth_only;
};

/* May the next operation be done? Counts it. */
MUST_USE enum sotto_err sim_disk_operate(struct sim_disk *disk, bool grows);

struct sim_name *sim_disk_find(const struct sim_disk *disk, const char *name);
struct sim_inode *sim_inode_create(struct sim_disk *disk);
void sim_inode_release(struct sim_disk *disk, struct sim_inode *inode);
void sim_inode_forget_pending(struct sim_disk *disk, struct sim_inode *inode);

/* Both keep what is there; bytes between the old end and offset become zero. */
MUST_USE enum sotto_err sim_content_write(const struct allocator *allocator,
					  struct sim_content *content, uint64_t offset,
					  struct bytes bytes);
MUST_USE enum sotto_err sim_content_resize(const struct allocator *allocator,
					   struct sim_content *content, uint64_t len);

/* Makes every name what it is now, for good. */
void sim_disk_sync_names(struct sim_disk *disk);

#endif
