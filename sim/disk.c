/* SPDX-License-Identifier: Apache-2.0 */
/* The disk: its names and inodes, the numbers of operations, and what tests do to it from outside.
 */
#include "sim/disk.h"

#include <string.h>

#include "base/assert.h"
#include "sim/disk_state.h"

enum sotto_err sim_disk_create(const struct allocator *allocator, const struct sim_random *random,
			       struct sim_disk **disk)
{
	struct sim_disk *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	made->random = *random;
	made->stop_at = UINT64_MAX;
	list_init(&made->names);
	list_init(&made->inodes);
	*disk = made;
	return SOTTO_OK;
}

void sim_disk_destroy(struct sim_disk *disk)
{
	if (disk == NULL)
		return;
	ASSERT(disk->open_files == 0);
	list_for_each (element, following, &disk->names) {
		struct sim_name *name = CONTAINER_OF(element, struct sim_name, link);

		sim_inode_release(disk, name->current);
		sim_inode_release(disk, name->durable);
		allocator_give(disk->allocator, name, sizeof(*name));
	}
	ASSERT(list_empty(&disk->inodes));
	allocator_give(disk->allocator, disk, sizeof(*disk));
}

enum sotto_err sim_disk_operate(struct sim_disk *disk, bool grows)
{
	uint64_t number = disk->operations;

	if (!disk->stopped && number >= disk->stop_at)
		disk->stopped = true;
	if (disk->stopped)
		return SOTTO_ERR_IO;
	disk->operations++;
	if (number >= disk->refuse_from && number < disk->refuse_to &&
	    (grows || !disk->refuse_growth_only))
		return disk->refuse_err;
	return SOTTO_OK;
}

uint64_t sim_disk_operations(const struct sim_disk *disk)
{
	return disk->operations;
}

void sim_disk_stop_at(struct sim_disk *disk, uint64_t n)
{
	disk->stop_at = n;
}

bool sim_disk_stopped(const struct sim_disk *disk)
{
	return disk->stopped;
}

void sim_disk_refuse(struct sim_disk *disk, uint64_t from, uint64_t to, enum sotto_err err,
		     bool growth_only)
{
	disk->refuse_from = from;
	disk->refuse_to = to;
	disk->refuse_err = err;
	disk->refuse_growth_only = growth_only;
}

void sim_disk_ignore_syncs(struct sim_disk *disk, bool ignore)
{
	disk->ignore_syncs = ignore;
}

struct sim_name *sim_disk_find(const struct sim_disk *disk, const char *name)
{
	list_for_each (element, following, &disk->names) {
		struct sim_name *at = CONTAINER_OF(element, struct sim_name, link);

		if (strcmp(at->name, name) == 0)
			return at;
	}
	return NULL;
}

bool sim_disk_exists(const struct sim_disk *disk, const char *name)
{
	const struct sim_name *at = sim_disk_find(disk, name);

	return at != NULL && at->current != NULL;
}

struct sim_inode *sim_inode_create(struct sim_disk *disk)
{
	struct sim_inode *inode = allocator_take_zeroed(disk->allocator, 1, sizeof(*inode));

	if (inode == NULL)
		return NULL;
	inode->references = 1;
	list_init(&inode->pending);
	list_append(&disk->inodes, &inode->link);
	return inode;
}

void sim_inode_forget_pending(struct sim_disk *disk, struct sim_inode *inode)
{
	list_for_each (element, following, &inode->pending) {
		struct sim_pending *pending = CONTAINER_OF(element, struct sim_pending, link);

		list_remove(element);
		allocator_give(disk->allocator, pending,
			       sizeof(*pending) + (pending->truncate ? 0 : pending->len));
	}
}

void sim_inode_release(struct sim_disk *disk, struct sim_inode *inode)
{
	if (inode == NULL || --inode->references > 0)
		return;
	sim_inode_forget_pending(disk, inode);
	list_remove(&inode->link);
	allocator_give(disk->allocator, inode->current.data, inode->current.capacity);
	allocator_give(disk->allocator, inode->durable.data, inode->durable.capacity);
	allocator_give(disk->allocator, inode, sizeof(*inode));
}

void sim_disk_sync_names(struct sim_disk *disk)
{
	list_for_each (element, following, &disk->names) {
		struct sim_name *name = CONTAINER_OF(element, struct sim_name, link);

		if (name->durable == name->current)
			continue;
		sim_inode_release(disk, name->durable);
		name->durable = name->current;
		if (name->current != NULL)
			name->current->references++;
	}
}

uint64_t sim_disk_used(const struct sim_disk *disk)
{
	uint64_t used = 0;

	list_for_each (element, following, &disk->names) {
		const struct sim_name *name = CONTAINER_OF(element, struct sim_name, link);

		if (name->current != NULL)
			used += name->current->current.len;
	}
	return used;
}

size_t sim_disk_file_len(const struct sim_disk *disk, const char *name)
{
	const struct sim_name *at = sim_disk_find(disk, name);

	return at != NULL && at->current != NULL ? at->current->current.len : 0;
}

void sim_disk_flip(struct sim_disk *disk, const char *name, size_t offset, unsigned int bit)
{
	struct sim_name *at = sim_disk_find(disk, name);

	if (at == NULL || at->current == NULL)
		return;
	if (offset < at->current->current.len)
		at->current->current.data[offset] ^= (uint8_t)(1u << bit);
	if (offset < at->current->durable.len)
		at->current->durable.data[offset] ^= (uint8_t)(1u << bit);
}

static size_t count(const struct sim_content *content, struct bytes needle)
{
	const uint8_t *at = content->data;
	size_t left = content->len;
	size_t hits = 0;

	while (left >= needle.len) {
		const uint8_t *next = memchr(at, needle.data[0], left - needle.len + 1);

		if (next == NULL)
			break;
		hits += memcmp(next, needle.data, needle.len) == 0;
		left -= (size_t)(next - at) + 1;
		at = next + 1;
	}
	return hits;
}

size_t sim_disk_search(const struct sim_disk *disk, struct bytes needle)
{
	size_t hits = 0;

	ASSERT(needle.len > 0);
	list_for_each (element, following, &disk->inodes) {
		const struct sim_inode *inode = CONTAINER_OF(element, struct sim_inode, link);

		hits += count(&inode->current, needle) + count(&inode->durable, needle);
	}
	return hits;
}

static uint64_t fingerprint(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t sim_disk_fingerprint(const struct sim_disk *disk)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	list_for_each (element, following, &disk->names) {
		const struct sim_name *name = CONTAINER_OF(element, struct sim_name, link);

		hash = fingerprint(hash, name->name, strlen(name->name) + 1);
		if (name->current != NULL)
			hash = fingerprint(hash, name->current->current.data,
					   name->current->current.len);
		if (name->durable != NULL)
			hash = fingerprint(hash, name->durable->durable.data,
					   name->durable->durable.len);
	}
	return hash;
}

static enum sotto_err copy_name(struct sim_disk *copy, const struct sim_name *name)
{
	const struct sim_content *content = &name->current->current;
	struct bytes bytes = BYTES(content->data, content->len);
	struct sim_name *made = allocator_take_zeroed(copy->allocator, 1, sizeof(*made));
	enum sotto_err err;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	memcpy(made->name, name->name, sizeof(made->name));
	list_append(&copy->names, &made->link);
	made->current = sim_inode_create(copy);
	if (made->current == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->durable = made->current;
	made->current->references++;
	err = sim_content_write(copy->allocator, &made->current->current, 0, bytes);
	if (err == SOTTO_OK)
		err = sim_content_write(copy->allocator, &made->current->durable, 0, bytes);
	return err;
}

enum sotto_err sim_disk_copy(const struct sim_disk *disk, struct sim_disk **copy)
{
	struct sim_disk *made = NULL;
	enum sotto_err err;

	TRY(sim_disk_create(disk->allocator, &disk->random, &made));
	list_for_each (element, following, &disk->names) {
		const struct sim_name *name = CONTAINER_OF(element, struct sim_name, link);

		if (name->current != NULL)
			TRY(copy_name(made, name));
	}
	*copy = made;
	made = NULL;
out:
	sim_disk_destroy(made);
	return err;
}
