/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving. A member dies at any moment and comes back from what was stored: no generation of its
 * ratchets is ever sent twice, the others open everything, and a pending commit is still known.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"
#include "mls/group.h"
#include "tests/mls/faulty.h"
#include "tests/mls/world.h"

/* What is on disk. */
struct disk {
	struct mls_buffer epoch_part;
	struct mls_buffer ratchet_part;
};

static struct world world;

static void store_ratchets(struct disk *disk, unsigned actor, uint32_t ahead)
{
	mls_buffer_release(&disk->ratchet_part);
	assert_int_equal(
		mls_group_save_ratchets(world.actors[actor].group, ahead, &disk->ratchet_part),
		SOTTO_OK);
}

static void store_all(struct disk *disk, unsigned actor, uint32_t ahead)
{
	mls_buffer_release(&disk->epoch_part);
	assert_int_equal(mls_group_save(world.actors[actor].group, &disk->epoch_part), SOTTO_OK);
	store_ratchets(disk, actor, ahead);
	mls_group_ratchets_stored(world.actors[actor].group);
}

/* The process dies; another starts from the disk. */
static void die(const struct disk *disk, unsigned actor)
{
	mls_group_destroy(world.actors[actor].group);
	world.actors[actor].group = NULL;
	assert_int_equal(
		mls_group_load(&world.config, BYTES_NONE, mls_buffer_bytes(&disk->epoch_part),
			       mls_buffer_bytes(&disk->ratchet_part), &world.actors[actor].group),
		SOTTO_OK);
}

static void release(struct disk *disk)
{
	mls_buffer_release(&disk->epoch_part);
	mls_buffer_release(&disk->ratchet_part);
}

/* disks: of both members, with reserve; else not touched. */
static void begin(bool reserve, struct disk *disks)
{
	static const unsigned other[] = {1};
	struct mls_key_package_secrets secrets;
	struct mls_buffer package = {0}, commit = {0}, welcome = {0};
	struct bytes add;
	struct mls_commit_options options = {.add = &add, .add_count = 1};

	world_init(&world, world_suite(), 20);
	world.config.reserve_before_send = reserve;
	(void)world_new_actor(&world);
	(void)world_new_actor(&world);
	world_create(&world, 0);
	if (!reserve) {
		world_commit(&world, 0, other, 1, NULL, 0, true);
		return;
	}
	world_key_package(&world, 1, &package, &secrets);
	add = mls_buffer_bytes(&package);
	/* Nothing leaves before it was reserved, commits included. */
	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			 SOTTO_ERR_AGAIN);
	store_all(&disks[0], 0, 1);
	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			 SOTTO_OK);
	assert_int_equal(mls_group_apply_pending(world.actors[0].group), SOTTO_OK);
	assert_int_equal(mls_group_join(&world.config,
					&(struct mls_join_options){
						.welcome = mls_buffer_bytes(&welcome),
						.key_package = add,
						.secrets = &secrets,
						.identity = &world.actors[1].identity,
					},
					&world.actors[1].group),
			 SOTTO_OK);
	store_all(&disks[0], 0, 1);
	store_all(&disks[1], 1, 1);
	mls_buffer_release(&package);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
}

static void test_no_generation_twice(void **state)
{
	struct disk disks[2] = {0};
	uint8_t message[512], plaintext[512];
	struct mls_application application;
	uint32_t last = 0;
	bool any = false;
	size_t len;

	(void)state;
	begin(true, disks);
	for (unsigned step = 0; step < 600; step++) {
		uint32_t value;
		enum sotto_err err;

		assert_int_equal(random_fill(&world.random, &value, sizeof(value)), SOTTO_OK);
		if (value % 7 == 0) {
			die(&disks[0], 0);
			assert_int_equal(mls_group_reserved(world.actors[0].group), 0);
		}
		if (value % 11 == 0)
			store_ratchets(&disks[0], 0, 1 + value % 5); /* and dies before it knows */
		err = mls_group_protect(world.actors[0].group, BYTES_NONE, BYTES_TEXT("x"), 0,
					message, sizeof(message), &len);
		if (err == SOTTO_ERR_AGAIN) {
			assert_int_equal(mls_group_reserved(world.actors[0].group), 0);
			store_ratchets(&disks[0], 0, 1 + value % 4);
			mls_group_ratchets_stored(world.actors[0].group);
			continue;
		}
		assert_int_equal(err, SOTTO_OK);
		assert_int_equal(mls_group_unprotect(world.actors[1].group, BYTES(message, len),
						     plaintext, sizeof(plaintext), &application),
				 SOTTO_OK);
		assert_true(!any || application.generation > last);
		last = application.generation;
		any = true;
	}
	assert_true(any);
	release(&disks[0]);
	release(&disks[1]);
	world_finish(&world);
}

/* A commit that may have left is known after a restart, and its echo becomes the epoch. */
static void test_pending_survives(void **state)
{
	struct mls_commit_options options = {.path = true};
	struct mls_buffer commit = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct disk disk = {0};

	(void)state;
	begin(false, NULL);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(
			mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			SOTTO_OK);
		store_all(&disk, 0, 1);
		world_deliver(&world, 0, mls_buffer_bytes(&commit));
		die(&disk, 0);
		assert_true(mls_group_has_pending(world.actors[0].group));
		assert_int_equal(mls_group_receive(world.actors[0].group, mls_buffer_bytes(&commit),
						   &staged),
				 SOTTO_OK);
		assert_int_equal(mls_group_merge(world.actors[0].group, &staged), SOTTO_OK);
		world_check(&world);
		world_message(&world, 0, "after it");
		world_message(&world, 1, "and back");
		mls_buffer_release(&commit);
	}
	release(&disk);
	world_finish(&world);
}

/* Late messages of past epochs open after a restart, and their replay is refused. */
static void test_past_epochs_survive(void **state)
{
	uint8_t messages[3][512], plaintext[512];
	struct mls_application application;
	struct disk disk = {0};
	size_t lens[3];

	(void)state;
	begin(false, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mls_group_protect(world.actors[1].group, BYTES_NONE,
						   BYTES_TEXT("old"), 0, messages[i], 512,
						   &lens[i]),
				 SOTTO_OK);
		world_commit(&world, 0, NULL, 0, NULL, 0, true);
	}
	for (int i = 0; i < 3; i++) {
		store_all(&disk, 0, 1);
		die(&disk, 0);
		assert_int_equal(mls_group_unprotect(world.actors[0].group,
						     BYTES(messages[i], lens[i]), plaintext, 512,
						     &application),
				 SOTTO_OK);
		assert_int_equal(application.epoch, 1 + i);
		store_all(&disk, 0, 1);
		die(&disk, 0);
		assert_int_equal(mls_group_unprotect(world.actors[0].group,
						     BYTES(messages[i], lens[i]), plaintext, 512,
						     &application),
				 SOTTO_ERR_REPLAY);
	}
	release(&disk);
	world_finish(&world);
}

/* Parts of different moments do not go together. */
static void test_parts_belong_together(void **state)
{
	struct disk before = {0}, after = {0};
	struct mls_group *group = NULL;

	(void)state;
	begin(false, NULL);
	store_all(&before, 0, 1);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	store_all(&after, 0, 1);
	assert_int_equal(mls_group_load(&world.config, BYTES_NONE,
					mls_buffer_bytes(&before.epoch_part),
					mls_buffer_bytes(&after.ratchet_part), &group),
			 SOTTO_ERR_CORRUPT);
	assert_int_equal(mls_group_load(&world.config, BYTES_NONE,
					mls_buffer_bytes(&after.epoch_part),
					mls_buffer_bytes(&before.ratchet_part), &group),
			 SOTTO_ERR_CORRUPT);
	assert_null(group);
	release(&before);
	release(&after);
	world_finish(&world);
}

/* From the disk with this tree part. */
static enum sotto_err load_with(const struct mls_buffer *tree_part, const struct disk *disk,
				struct mls_group **group)
{
	return mls_group_load(
		&world.config, tree_part == NULL ? BYTES_NONE : mls_buffer_bytes(tree_part),
		mls_buffer_bytes(&disk->epoch_part), mls_buffer_bytes(&disk->ratchet_part), group);
}

static void assert_same_tree(const struct mls_group *group, const struct mls_group *other)
{
	struct mls_buffer tree = {0}, same = {0};

	assert_int_equal(mls_group_tree(group, &tree), SOTTO_OK);
	assert_int_equal(mls_group_tree(other, &same), SOTTO_OK);
	assert_true(bytes_equal(mls_buffer_bytes(&tree), mls_buffer_bytes(&same)));
	mls_buffer_release(&tree);
	mls_buffer_release(&same);
}

/* Widened, filled, blanked, narrowed, widened again: the tree is the tree part and what changed since. */
static void test_tree_part(void **state)
{
	static const unsigned all[] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const struct {
		unsigned by, add, remove; /* how many, of the last ones */
	} steps[] = {{0, 0, 0}, {2, 3, 0}, {5, 0, 0}, {0, 0, 3},
		     {1, 0, 2}, {0, 0, 0}, {3, 0, 0}, {0, 5, 0}};
	struct mls_buffer tree_part = {0}, newer = {0};
	struct mls_group *group = NULL;
	struct disk disk = {0};
	unsigned in = 6;

	(void)state;
	world_init(&world, world_suite(), 21);
	for (unsigned i = 0; i < 9; i++)
		(void)world_new_actor(&world);
	world_create(&world, 0);
	world_commit(&world, 0, all, in - 1, NULL, 0, true);
	assert_false(mls_group_tree_due(world.actors[0].group));
	assert_int_equal(mls_group_save_tree(world.actors[0].group, &tree_part), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const unsigned *gone = &all[in - 1 - steps[i].remove];

		world_commit(&world, steps[i].by, &all[in - 1], steps[i].add, gone, steps[i].remove,
			     true);
		in = in + steps[i].add - steps[i].remove;
		store_all(&disk, 0, 1);
		assert_int_equal(load_with(&tree_part, &disk, &group), SOTTO_OK);
		assert_same_tree(world.actors[0].group, group);
		mls_group_destroy(world.actors[0].group);
		world.actors[0].group = group;
		group = NULL;
		world_message(&world, 0, "from the disk");
	}
	world_check(&world);
	/* Without the tree part, or with another one. */
	assert_true(mls_group_tree_due(world.actors[0].group));
	assert_int_equal(load_with(NULL, &disk, &group), SOTTO_ERR_CORRUPT);
	assert_int_equal(mls_group_save_tree(world.actors[0].group, &newer), SOTTO_OK);
	assert_false(mls_group_tree_due(world.actors[0].group));
	assert_int_equal(load_with(&newer, &disk, &group), SOTTO_ERR_CORRUPT);
	store_all(&disk, 0, 1);
	assert_int_equal(load_with(&tree_part, &disk, &group), SOTTO_ERR_CORRUPT);
	assert_null(group);
	assert_int_equal(load_with(&newer, &disk, &group), SOTTO_OK);
	assert_same_tree(world.actors[0].group, group);
	mls_group_destroy(group);
	mls_buffer_release(&tree_part);
	mls_buffer_release(&newer);
	release(&disk);
	world_finish(&world);
}

static uint8_t *find(const struct mls_buffer *in, const uint8_t *what, size_t len)
{
	for (size_t at = 0; at + len <= in->len; at++) {
		if (memcmp(in->data + at, what, len) == 0)
			return in->data + at;
	}
	return NULL;
}

/* The signature key is stored as its seed, and as nothing else taken back. */
static void test_signature_key(void **state)
{
	const struct secret *key;
	struct disk disk = {0};
	struct mls_group *group = NULL;
	uint8_t *at, *stored;
	uint8_t head[33] = {32};
	size_t before;

	(void)state;
	begin(false, NULL);
	store_all(&disk, 0, 1);
	key = &world.actors[0].group->epoch->signature_key;
	assert_int_equal(key->len, 64);
	memcpy(head + 1, key->data, 32);
	at = find(&disk.epoch_part, head, sizeof(head));
	assert_non_null(at);
	assert_null(find(&disk.epoch_part, key->data, key->len));

	/* The same with 64 bytes, which is what is in memory. */
	stored = malloc(disk.epoch_part.len + 33);
	assert_non_null(stored);
	before = (size_t)(at - disk.epoch_part.data);
	memcpy(stored, disk.epoch_part.data, before);
	stored[before] = 0x40;
	stored[before + 1] = 64;
	memcpy(stored + before + 2, key->data, 64);
	memcpy(stored + before + 66, at + 33, disk.epoch_part.len - before - 33);
	assert_int_equal(mls_group_load(&world.config, BYTES_NONE,
					BYTES(stored, disk.epoch_part.len + 33),
					mls_buffer_bytes(&disk.ratchet_part), &group),
			 SOTTO_ERR_CORRUPT);
	assert_null(group);
	free(stored);
	die(&disk, 0);
	world_message(&world, 0, "signed");
	release(&disk);
	world_finish(&world);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned byte = 0; byte < 4; byte++)
		at[byte] = (uint8_t)(value >> (24 - 8 * byte));
}

/*
 * What is stored of a past epoch's tree says how wide it is. No memory is taken for a width that the
 * limits do not allow, or that no leaf calls for.
 */
static void test_width_of_nothing(void **state)
{
	static const uint32_t widths[] = {65536, 131072, 1 << 24};
	struct disk disk = {0};
	struct mls_group *group = NULL;
	struct mls_config config;
	struct faulty counting;
	struct writer difference;
	struct bytes bytes;
	uint8_t *at;
	size_t honest;

	(void)state;
	begin(false, NULL);
	world_commit(&world, 0, NULL, 0, NULL, 0, true);
	store_all(&disk, 0, 1);
	config = world.config;
	faulty_init(&counting);
	config.allocator = &counting.allocator;
	assert_int_equal(mls_group_load(&config, BYTES_NONE, mls_buffer_bytes(&disk.epoch_part),
					mls_buffer_bytes(&disk.ratchet_part), &group),
			 SOTTO_OK);
	honest = counting.most;

	writer_init_growing(&difference, &allocator_default);
	tree_write_difference(&group->past[0]->tree, &group->epoch->tree, &difference);
	mls_group_destroy(group);
	group = NULL;
	assert_int_equal(counting.live, 0);
	bytes = writer_bytes(&difference);
	at = find(&disk.epoch_part, bytes.data, bytes.len);
	assert_non_null(at);
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		put_u32(at, widths[i]);
		counting.most = 0;
		assert_int_equal(mls_group_load(&config, BYTES_NONE,
						mls_buffer_bytes(&disk.epoch_part),
						mls_buffer_bytes(&disk.ratchet_part), &group),
				 SOTTO_ERR_CORRUPT);
		assert_int_equal(counting.live, 0);
		assert_in_range(counting.most, 1, honest);
	}
	writer_release(&difference);
	release(&disk);
	world_finish(&world);
}

/* Our leaf, as the first epoch of an epoch part says it. */
static uint8_t *own_leaf_in(struct mls_buffer *epoch_part)
{
	struct reader reader;

	reader_init(&reader, mls_buffer_bytes(epoch_part));
	(void)reader_get_bytes(&reader, 3); /* version, suite */
	(void)reader_get_vector(&reader);
	(void)reader_get_bytes(&reader, 8);  /* how it sends */
	(void)reader_get_bytes(&reader, 16); /* epoch, since when it is past */
	assert_int_equal(reader.err, SOTTO_OK);
	return epoch_part->data + (epoch_part->len - reader_left(&reader));
}

/* Who was removed keeps the group here, as one does that still opens late messages. */
static void remove_by_hand(void)
{
	static const uint32_t leaf = 1;
	struct mls_commit_options options = {.remove = &leaf, .remove_count = 1};
	struct mls_buffer commit = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct mls_group *group = world.actors[1].group;

	assert_int_equal(mls_group_commit(world.actors[0].group, &options, &commit, &welcome),
			 SOTTO_OK);
	assert_int_equal(mls_group_receive(group, mls_buffer_bytes(&commit), &staged), SOTTO_OK);
	assert_int_equal(mls_group_merge(group, &staged), SOTTO_OK);
	assert_false(mls_group_active(group));
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
}

/* A member's group, or one that has been left: our leaf is one of its tree. */
static void test_own_leaf(void **state)
{
	static const uint32_t leaves[] = {2, 3, 1 << 24, 1 << 30, UINT32_MAX};
	struct disk disk = {0};
	struct mls_group *group = NULL;
	uint8_t *at;

	(void)state;
	begin(false, NULL);
	for (unsigned removed = 0; removed < 2; removed++) {
		if (removed == 1)
			remove_by_hand();
		store_all(&disk, 1, 1);
		die(&disk, 1);
		at = own_leaf_in(&disk.epoch_part);
		assert_memory_equal(at, "\0\0\0\1", 4);
		for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
			put_u32(at, leaves[i]);
			assert_int_equal(mls_group_load(&world.config, BYTES_NONE,
							mls_buffer_bytes(&disk.epoch_part),
							mls_buffer_bytes(&disk.ratchet_part),
							&group),
					 SOTTO_ERR_CORRUPT);
			assert_null(group);
		}
	}
	release(&disk);
	world_finish(&world);
}

static size_t read_seed(const char *name, uint8_t *data, size_t capacity)
{
	static char path[4096];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/fuzz/seeds/mls_load/%s", getenv("SOTTO_SOURCE"), name);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(data, 1, capacity, file);
	fclose(file);
	return len;
}

/* What the fuzz target mls_load starts from: seeds of a form that is no longer read lead nowhere. */
static void test_seeds_load(void **state)
{
	static uint8_t data[64 * 1024];
	unsigned loaded = 0;
	struct dirent *entry;
	static char path[4096];
	DIR *folder;

	(void)state;
	assert_non_null(getenv("SOTTO_SOURCE"));
	snprintf(path, sizeof(path), "%s/fuzz/seeds/mls_load", getenv("SOTTO_SOURCE"));
	folder = opendir(path);
	assert_non_null(folder);
	world_init(&world, 1, 1);
	while ((entry = readdir(folder)) != NULL) {
		struct mls_group *group = NULL;
		struct reader reader;
		struct bytes epoch;

		if (entry->d_name[0] == '.')
			continue;
		reader_init(&reader, BYTES(data, read_seed(entry->d_name, data, sizeof(data))));
		epoch = reader_get_bytes(&reader, reader_get_u32(&reader));
		if (mls_group_load(&world.config, BYTES_NONE, epoch, reader_get_rest(&reader),
				   &group) != SOTTO_OK)
			fail_msg("%s does not load", entry->d_name);
		mls_group_destroy(group);
		loaded++;
	}
	closedir(folder);
	assert_true(loaded > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_generation_twice),
		cmocka_unit_test(test_pending_survives),
		cmocka_unit_test(test_past_epochs_survive),
		cmocka_unit_test(test_parts_belong_together),
		cmocka_unit_test(test_tree_part),
		cmocka_unit_test(test_signature_key),
		cmocka_unit_test(test_own_leaf),
		cmocka_unit_test(test_width_of_nothing),
		cmocka_unit_test(test_seeds_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
