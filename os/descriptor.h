/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that were opened elsewhere and handed over as descriptors (a WAV file, an attachment), and
 * the few that a command opens for its user. Positions are explicit; short reads and writes are
 * completed here.
 */
#ifndef OS_DESCRIPTOR_H
#define OS_DESCRIPTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* For the command line alone: a regular file to read; a file to write, made (0600) or emptied.
 * NOT_FOUND, DENIED, EXISTS (a directory is in the way), DISK_FULL, IO. Close-on-exec. */
/* open_read: EXISTS also if it is not a regular file. */
MUST_USE enum sotto_err os_descriptor_open_read(const char *path, int *descriptor);
MUST_USE enum sotto_err os_descriptor_open_write(const char *path, int *descriptor);

/* Where a symbolic link leads, without an end; LIMIT: further than capacity. NOT_FOUND, EXISTS (it is none), DENIED, IO. */
MUST_USE enum sotto_err os_link_read(const char *path, char *target, size_t capacity, size_t *len);

/* Bytes at a position: *len is what the file had, less than capacity only at its end. */
MUST_USE enum sotto_err os_descriptor_read_at(int descriptor, uint64_t position, void *out,
					      size_t capacity, size_t *len);

/* All of them, at a position, or at the end of what is not seekable (UINT64_MAX). DISK_FULL,
 * CLOSED, IO. */
MUST_USE enum sotto_err os_descriptor_write_at(int descriptor, uint64_t position,
					       struct bytes bytes);

/* Of a regular file; UNSUPPORTED otherwise. */
MUST_USE enum sotto_err os_descriptor_len(int descriptor, uint64_t *len);

/* -1 is fine. */
void os_descriptor_close(int descriptor);

#endif
