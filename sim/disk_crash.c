/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a power cut leaves. Unsynced operations are taken in their order, sector by sector; each
 * sector is kept, dropped or torn by itself, so a later one may survive an earlier one: that is a
 * disk that reorders.
 */
#include "base/assert.h"
#include "sim/disk_state.h"

/* Of the part of one write that lies in one sector: how many bytes from its start survive. */
static size_t survives(struct sim_random *random, size_t len)
{
	uint64_t fate = sim_random_below(random, 8);

	if (fate < 4)
		return len;
	if (fate < 7)
		return 0;
	return (size_t)sim_random_below(random, len + 1);
}

static void cut_write(struct sim_disk *disk, struct sim_content *durable,
		      const struct sim_pending *pending)
{
	size_t at = 0;

	while (at < pending->len) {
		uint64_t offset = pending->offset + at;
		size_t part = SIM_SECTOR_LEN - (size_t)(offset % SIM_SECTOR_LEN);
		struct bytes kept;

		if (part > pending->len - at)
			part = pending->len - at;
		kept = BYTES(pending->data + at, survives(&disk->random, part));
		if (kept.len != 0) {
			enum sotto_err err =
				sim_content_write(disk->allocator, durable, offset, kept);

			ASSERT(err == SOTTO_OK); /* the simulator's own memory */
		}
		at += part;
	}
}

static void cut_inode(struct sim_disk *disk, struct sim_inode *inode)
{
	enum sotto_err err;

	list_for_each (element, following, &inode->pending) {
		const struct sim_pending *pending = CONTAINER_OF(element, struct sim_pending, link);

		if (!pending->truncate) {
			cut_write(disk, &inode->durable, pending);
		} else if (sim_random_below(&disk->random, 2) == 0) {
			err = sim_content_resize(disk->allocator, &inode->durable, pending->offset);
			ASSERT(err == SOTTO_OK);
		}
	}
	sim_inode_forget_pending(disk, inode);
	err = sim_content_resize(disk->allocator, &inode->current, 0);
	ASSERT(err == SOTTO_OK);
	err = sim_content_write(disk->allocator, &inode->current, 0,
				BYTES(inode->durable.data, inode->durable.len));
	ASSERT(err == SOTTO_OK);
}

/* A name whose directory was not synced is what it was or what it became. */
static void cut_name(struct sim_disk *disk, struct sim_name *name)
{
	struct sim_inode *lost;

	if (name->durable == name->current)
		return;
	if (sim_random_below(&disk->random, 2) == 0) {
		lost = name->durable;
		name->durable = name->current;
	} else {
		lost = name->current;
		name->current = name->durable;
	}
	if (name->current != NULL)
		name->current->references++;
	sim_inode_release(disk, lost);
}

void sim_disk_restart(struct sim_disk *disk, enum sim_restart how)
{
	ASSERT(disk->open_files == 0);
	disk->stopped = false;
	disk->stop_at = UINT64_MAX;
	disk->refuse_from = 0;
	disk->refuse_to = 0;
	if (how == SIM_KILL)
		return;
	list_for_each (element, following, &disk->names)
		cut_name(disk, CONTAINER_OF(element, struct sim_name, link));
	list_for_each (element, following, &disk->inodes)
		cut_inode(disk, CONTAINER_OF(element, struct sim_inode, link));
}
