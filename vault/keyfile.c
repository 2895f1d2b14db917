/* SPDX-License-Identifier: Apache-2.0 */
/* The key file, by the methods of the VFS. */
#include "vault/keyfile.h"

#include <string.h>

#include "base/assert.h"
#include "vault/database.h"
#include "vault/vault.h"

#define NAME_LEN_MAX (VAULT_PATH_LEN_MAX + sizeof(VAULT_KEYFILE_SUFFIX))

static enum sotto_err full_name(sqlite3_vfs *vfs, const char *path, char *out, size_t capacity)
{
	char name[NAME_LEN_MAX + 1];
	size_t len = strlen(path);

	ASSERT(len <= VAULT_PATH_LEN_MAX);
	memcpy(name, path, len);
	memcpy(name + len, VAULT_KEYFILE_SUFFIX, sizeof(VAULT_KEYFILE_SUFFIX));
	return vault_error(vfs->xFullPathname(vfs, name, (int)capacity, out));
}

/*
 * Opened as a super-journal: the one kind of file that SQLite's VFS takes under any name, makes with the
 * default mode and whose directory it syncs with the first sync.
 */
static enum sotto_err open_file(struct vault_keyfile *keyfile, sqlite3_vfs *vfs, bool create)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_SUPER_JOURNAL |
		    (create ? SQLITE_OPEN_CREATE : 0);
	int exists = 0;
	int flags_out = 0;
	int code = vfs->xAccess(vfs, keyfile->name, SQLITE_ACCESS_EXISTS, &exists);

	if (code != SQLITE_OK)
		return vault_error(code);
	if (!exists && !create)
		return SOTTO_ERR_NOT_FOUND;
	code = vfs->xOpen(vfs, keyfile->name, keyfile->file, flags, &flags_out);
	if (code != SQLITE_OK && keyfile->file->pMethods != NULL)
		(void)keyfile->file->pMethods->xClose(keyfile->file); /* xOpen's error counts */
	return vault_error(code);
}

static void release(struct vault_keyfile *keyfile)
{
	allocator_give(keyfile->allocator, keyfile->file, keyfile->file_len);
	allocator_give(keyfile->allocator, keyfile->name, keyfile->name_len);
	*keyfile = (struct vault_keyfile){.file = NULL};
}

enum sotto_err vault_keyfile_open(struct vault_keyfile *keyfile, const struct allocator *allocator,
				  const char *vfs_name, const char *path, bool create)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
	struct vault_keyfile opened = {.allocator = allocator};
	enum sotto_err err;

	if (vfs == NULL)
		return SOTTO_ERR_ARGUMENT;
	opened.name_len = (size_t)vfs->mxPathname + 1;
	opened.name = allocator_take_zeroed(allocator, 1, opened.name_len);
	opened.file_len = (size_t)vfs->szOsFile;
	opened.file = allocator_take_zeroed(allocator, 1, opened.file_len);
	FAIL_IF(opened.name == NULL || opened.file == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(full_name(vfs, path, opened.name, opened.name_len));
	TRY(open_file(&opened, vfs, create));
	*keyfile = opened;
out:
	if (err != SOTTO_OK)
		release(&opened);
	return err;
}

void vault_keyfile_close(struct vault_keyfile *keyfile)
{
	if (keyfile->file == NULL)
		return;
	(void)keyfile->file->pMethods->xClose(
		keyfile->file); /* everything was synced when written */
	release(keyfile);
}

enum sotto_err vault_keyfile_read(struct vault_keyfile *keyfile,
				  struct vault_keyfile_entry *entries)
{
	uint8_t bytes[VAULT_SLOT_LEN];

	for (unsigned int i = 0; i < VAULT_KEYFILE_PLACES; i++) {
		int code = keyfile->file->pMethods->xRead(keyfile->file, bytes, sizeof(bytes),
							  (sqlite3_int64)i * VAULT_SLOT_LEN);

		/* A short one was filled up with zeros: empty, or torn. */
		if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
			return vault_error(code);
		entries[i].err = vault_slot_decode(BYTES_OF(bytes), &entries[i].slot);
	}
	return SOTTO_OK;
}

enum sotto_err vault_keyfile_sync(struct vault_keyfile *keyfile)
{
	return vault_error(keyfile->file->pMethods->xSync(keyfile->file, SQLITE_SYNC_FULL));
}

static enum sotto_err put(struct vault_keyfile *keyfile, unsigned int place, const uint8_t *bytes)
{
	enum sotto_err err;

	ASSERT(place < VAULT_KEYFILE_PLACES);
	TRY(vault_error(keyfile->file->pMethods->xWrite(keyfile->file, bytes, VAULT_SLOT_LEN,
							(sqlite3_int64)place * VAULT_SLOT_LEN)));
	TRY(vault_keyfile_sync(keyfile));
out:
	return err;
}

enum sotto_err vault_keyfile_write(struct vault_keyfile *keyfile, unsigned int place,
				   const struct vault_slot *slot)
{
	uint8_t bytes[VAULT_SLOT_LEN];

	vault_slot_encode(slot, bytes);
	return put(keyfile, place, bytes);
}

enum sotto_err vault_keyfile_erase(struct vault_keyfile *keyfile, unsigned int place)
{
	static const uint8_t zeros[VAULT_SLOT_LEN];

	return put(keyfile, place, zeros);
}
