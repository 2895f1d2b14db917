/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key file: two places for a slot, written in place and never grown, reached through the same SQLite
 * VFS as the database. A change is written to the other place and synced; after whatever refers to it is
 * durable, the old place is overwritten with zeros and synced.
 */
#ifndef VAULT_KEYFILE_H
#define VAULT_KEYFILE_H

#include <sqlite3.h>

#include "base/allocator.h"
#include "vault/slot.h"

#define VAULT_KEYFILE_PLACES 2
#define VAULT_KEYFILE_SUFFIX "-keys"

struct vault_keyfile {
	const struct allocator *allocator;
	sqlite3_file *file;
	size_t file_len; /* of what file points to */
	char *name;	 /* in full: the VFS borrows it until the file is closed */
	size_t name_len;
};

/* What lies in one place. */
struct vault_keyfile_entry {
	enum sotto_err err; /* of vault_slot_decode */
	struct vault_slot slot;
};

/*
 * path: of the database. create: made if there is none. SOTTO_ERR_NOT_FOUND otherwise. On failure there is
 * nothing to close.
 */
MUST_USE enum sotto_err vault_keyfile_open(struct vault_keyfile *keyfile,
					   const struct allocator *allocator, const char *vfs,
					   const char *path, bool create);

/* One that was never opened (zeroed) is fine. */
void vault_keyfile_close(struct vault_keyfile *keyfile);

MUST_USE enum sotto_err vault_keyfile_read(struct vault_keyfile *keyfile,
					   struct vault_keyfile_entry *entries);

/* Durable on return. */
MUST_USE enum sotto_err vault_keyfile_write(struct vault_keyfile *keyfile, unsigned int place,
					    const struct vault_slot *slot);

/* Makes durable what is read: a program may have been killed between a write and its sync. */
MUST_USE enum sotto_err vault_keyfile_sync(struct vault_keyfile *keyfile);

/* Zeros, durable on return. */
MUST_USE enum sotto_err vault_keyfile_erase(struct vault_keyfile *keyfile, unsigned int place);

#endif
