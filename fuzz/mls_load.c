/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a group back. The input is (length of the epoch part u32, epoch part, ratchet part). What loads is
 * saved, and what was saved loads again: the epoch part to the same bytes, the ratchets one
 * message further. With its tree in a part of its own it loads as well.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/reader.h"
#include "fuzz/mls_setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct parts {
	struct mls_buffer tree;
	struct mls_buffer epoch;
	struct mls_buffer ratchet;
};

static enum sotto_err load(const struct mls_config *config, struct bytes tree, struct bytes epoch,
			   struct bytes ratchet, struct mls_group **group)
{
	enum sotto_err err = mls_group_load(config, tree, epoch, ratchet, group);

	/* Nothing else may be said of what was on a disk. */
	ASSERT(err == SOTTO_OK || err == SOTTO_ERR_CORRUPT || err == SOTTO_ERR_VERSION ||
	       err == SOTTO_ERR_UNSUPPORTED);
	return err;
}

static void save(struct mls_group *group, struct parts *parts)
{
	setting_must(mls_group_save(group, &parts->epoch));
	setting_must(mls_group_save_ratchets(group, 1, &parts->ratchet));
	mls_group_destroy(group);
}

static void release(struct parts *parts)
{
	mls_buffer_release(&parts->tree);
	mls_buffer_release(&parts->epoch);
	mls_buffer_release(&parts->ratchet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mls_config config = setting_config();
	struct parts first = {0};
	struct parts second = {0};
	struct parts third = {0};
	struct mls_group *group;
	struct bytes epoch;
	struct reader reader;
	size_t len;

	reader_init(&reader, BYTES(data, size));
	len = reader_get_u32(&reader);
	epoch = len < reader_left(&reader) ? reader_get_bytes(&reader, len)
					   : reader_get_rest(&reader);
	stream_state = 5;
	if (load(&config, BYTES_NONE, epoch, reader_get_rest(&reader), &group) != SOTTO_OK)
		return 0;
	save(group, &first);
	setting_must(load(&config, BYTES_NONE, mls_buffer_bytes(&first.epoch),
			  mls_buffer_bytes(&first.ratchet), &group));
	save(group, &second);
	ASSERT(bytes_equal(mls_buffer_bytes(&first.epoch), mls_buffer_bytes(&second.epoch)));
	setting_must(load(&config, BYTES_NONE, mls_buffer_bytes(&second.epoch),
			  mls_buffer_bytes(&second.ratchet), &group));
	setting_must(mls_group_save_tree(group, &third.tree));
	save(group, &third);
	setting_must(load(&config, mls_buffer_bytes(&third.tree), mls_buffer_bytes(&third.epoch),
			  mls_buffer_bytes(&third.ratchet), &group));
	mls_group_destroy(group);
	release(&first);
	release(&second);
	release(&third);
	return 0;
}
