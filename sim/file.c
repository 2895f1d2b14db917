/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on files: what the program sees changes at once, what is durable at a sync. */
#include <string.h>

#include "base/assert.h"
#include "sim/disk_state.h"

enum sotto_err sim_content_resize(const struct allocator *allocator, struct sim_content *content,
				  uint64_t len)
{
	size_t capacity = content->capacity == 0 ? 4096 : content->capacity;
	uint8_t *data;

	if (len > SIZE_MAX / 4)
		return SOTTO_ERR_DISK_FULL;
	if (len > content->capacity) {
		while (capacity < len)
			capacity *= 2;
		data = allocator_take(allocator, capacity);
		if (data == NULL)
			return SOTTO_ERR_NO_MEMORY;
		if (content->len != 0)
			memcpy(data, content->data, content->len);
		allocator_give(allocator, content->data, content->capacity);
		content->data = data;
		content->capacity = capacity;
	}
	if (len > content->len)
		memset(content->data + content->len, 0, (size_t)len - content->len);
	content->len = (size_t)len;
	return SOTTO_OK;
}

enum sotto_err sim_content_write(const struct allocator *allocator, struct sim_content *content,
				 uint64_t offset, struct bytes bytes)
{
	uint64_t end = offset + bytes.len;
	enum sotto_err err;

	if (end > content->len) {
		err = sim_content_resize(allocator, content, end);
		if (err != SOTTO_OK)
			return err;
	}
	if (bytes.len != 0)
		memcpy(content->data + offset, bytes.data, bytes.len);
	return SOTTO_OK;
}

static enum sotto_err make_name(struct sim_disk *disk, const char *text, struct sim_name **name)
{
	struct sim_name *made = sim_disk_find(disk, text);

	if (made == NULL) {
		made = allocator_take_zeroed(disk->allocator, 1, sizeof(*made));
		if (made == NULL)
			return SOTTO_ERR_NO_MEMORY;
		memcpy(made->name, text, strlen(text) + 1);
		list_append(&disk->names, &made->link);
	}
	made->current = sim_inode_create(disk);
	if (made->current == NULL)
		return SOTTO_ERR_NO_MEMORY;
	*name = made;
	return SOTTO_OK;
}

enum sotto_err sim_file_open(struct sim_disk *disk, const char *text, enum sim_file_mode mode,
			     bool sync_directory, struct sim_file **file)
{
	struct sim_name *name = sim_disk_find(disk, text);
	bool exists = name != NULL && name->current != NULL;
	struct sim_file *made = NULL;
	enum sotto_err err;

	FAIL_IF(strlen(text) > SIM_NAME_LEN_MAX, SOTTO_ERR_LIMIT);
	FAIL_IF(disk->stopped, SOTTO_ERR_IO);
	FAIL_IF(exists && mode == SIM_FILE_NEW, SOTTO_ERR_EXISTS);
	FAIL_IF(!exists && mode == SIM_FILE_EXISTING, SOTTO_ERR_NOT_FOUND);
	made = allocator_take_zeroed(disk->allocator, 1, sizeof(*made));
	FAIL_IF(made == NULL, SOTTO_ERR_NO_MEMORY);
	if (!exists) {
		TRY(sim_disk_operate(disk, true));
		TRY(make_name(disk, text, &name));
	}
	*made = (struct sim_file){
		.disk = disk, .inode = name->current, .sync_directory = sync_directory};
	made->inode->references++;
	disk->open_files++;
	*file = made;
	made = NULL;
	err = SOTTO_OK;
out:
	allocator_give(disk->allocator, made, sizeof(*made));
	return err;
}

void sim_file_close(struct sim_file *file)
{
	struct sim_disk *disk;

	if (file == NULL)
		return;
	disk = file->disk;
	ASSERT(disk->open_files > 0);
	disk->open_files--;
	sim_inode_release(disk, file->inode);
	allocator_give(disk->allocator, file, sizeof(*file));
}

enum sotto_err sim_file_read(struct sim_file *file, uint64_t offset, void *out, size_t len,
			     size_t *done)
{
	const struct sim_content *content = &file->inode->current;
	size_t part = offset < content->len ? content->len - (size_t)offset : 0;

	if (file->disk->stopped)
		return SOTTO_ERR_IO;
	if (part > len)
		part = len;
	if (part != 0)
		memcpy(out, content->data + offset, part);
	*done = part;
	return SOTTO_OK;
}

/* Remembers what has to be undone or torn if the power goes. */
static enum sotto_err remember(struct sim_file *file, bool truncate, uint64_t offset,
			       struct bytes bytes)
{
	struct sim_pending *pending =
		allocator_take(file->disk->allocator, sizeof(*pending) + bytes.len);

	if (pending == NULL)
		return SOTTO_ERR_NO_MEMORY;
	pending->truncate = truncate;
	pending->offset = offset;
	pending->len = bytes.len;
	if (bytes.len != 0)
		memcpy(pending->data, bytes.data, bytes.len);
	list_append(&file->inode->pending, &pending->link);
	return SOTTO_OK;
}

enum sotto_err sim_file_write(struct sim_file *file, uint64_t offset, struct bytes bytes)
{
	bool grows = offset + bytes.len > file->inode->current.len;
	enum sotto_err refused = sim_disk_operate(file->disk, grows);
	enum sotto_err err;

	if (file->disk->stopped)
		return SOTTO_ERR_IO;
	if (refused != SOTTO_OK)
		bytes.len /= 2;
	err = remember(file, false, offset, bytes);
	if (err == SOTTO_OK)
		err = sim_content_write(file->disk->allocator, &file->inode->current, offset,
					bytes);
	return refused != SOTTO_OK ? refused : err;
}

enum sotto_err sim_file_truncate(struct sim_file *file, uint64_t len)
{
	bool grows = len > file->inode->current.len;
	enum sotto_err err = sim_disk_operate(file->disk, grows);

	if (err == SOTTO_OK)
		err = remember(file, true, len, BYTES_NONE);
	if (err == SOTTO_OK)
		err = sim_content_resize(file->disk->allocator, &file->inode->current, len);
	return err;
}

static enum sotto_err settle(struct sim_disk *disk, struct sim_inode *inode)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &inode->pending) {
		const struct sim_pending *pending = CONTAINER_OF(element, struct sim_pending, link);
		struct sim_content *durable = &inode->durable;

		if (pending->truncate)
			err = sim_content_resize(disk->allocator, durable, pending->offset);
		else
			err = sim_content_write(disk->allocator, durable, pending->offset,
						BYTES(pending->data, pending->len));
		if (err != SOTTO_OK)
			return err;
	}
	sim_inode_forget_pending(disk, inode);
	return SOTTO_OK;
}

enum sotto_err sim_file_sync(struct sim_file *file)
{
	enum sotto_err err = sim_disk_operate(file->disk, false);

	if (err != SOTTO_OK || file->disk->ignore_syncs)
		return err;
	err = settle(file->disk, file->inode);
	if (err == SOTTO_OK && file->sync_directory)
		sim_disk_sync_names(file->disk);
	return err;
}

enum sotto_err sim_file_len(const struct sim_file *file, uint64_t *len)
{
	if (file->disk->stopped)
		return SOTTO_ERR_IO;
	*len = file->inode->current.len;
	return SOTTO_OK;
}

enum sotto_err sim_disk_delete(struct sim_disk *disk, const char *text, bool sync_directory)
{
	struct sim_name *name = sim_disk_find(disk, text);
	enum sotto_err err;

	if (disk->stopped)
		return SOTTO_ERR_IO;
	if (name == NULL || name->current == NULL)
		return SOTTO_ERR_NOT_FOUND;
	err = sim_disk_operate(disk, false);
	if (err != SOTTO_OK)
		return err;
	sim_inode_release(disk, name->current);
	name->current = NULL;
	if (sync_directory && !disk->ignore_syncs)
		sim_disk_sync_names(disk);
	return SOTTO_OK;
}
