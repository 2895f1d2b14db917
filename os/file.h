/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files in one directory: a phone's home, a relay's state. Names have no slash. A file is
 * replaced whole or not at all (write beside, sync, rename, sync the directory), so after any stop
 * it holds the old or the new. Everything is mode 0600 in a directory of mode 0700.
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"

#define OS_FILE_NAME_LEN_MAX 64

/* What is replaced whole is small: keys, headers, a ledger's checkpoint. */
#define OS_FILE_LEN_MAX (16 * 1024 * 1024)

struct os_directory;

/* Opens; makes it (and its parents, 0700) if create. NOT_FOUND; DENIED if others than its owner may
 * write to it or it belongs to another user; DISK_FULL; IO. */
MUST_USE enum sotto_err os_directory_open(const char *path, bool create,
					  struct os_directory **directory);
void os_directory_close(struct os_directory *directory);

/* The absolute path, as long as the directory is open. */
const char *os_directory_path(const struct os_directory *directory);

/* The lock of this directory (flock), held until it is closed or the process ends. EXISTS: another
 * process has it. */
MUST_USE enum sotto_err os_directory_lock(struct os_directory *directory);

/* The whole file in memory of the allocator: the caller wipes and gives it back with its length.
 * NOT_FOUND, LIMIT (longer than max), NO_MEMORY, IO. An empty file is len 0 and data NULL. */
MUST_USE enum sotto_err os_file_read(struct os_directory *directory, const char *name, size_t max,
				     const struct allocator *allocator, uint8_t **data,
				     size_t *len);

/* Durable when it returns OK; else the old contents stand. DISK_FULL, IO. */
MUST_USE enum sotto_err os_file_replace(struct os_directory *directory, const char *name,
					struct bytes contents);

/* Durable. NOT_FOUND. */
MUST_USE enum sotto_err os_file_remove(struct os_directory *directory, const char *name);

bool os_file_exists(struct os_directory *directory, const char *name);

#endif
