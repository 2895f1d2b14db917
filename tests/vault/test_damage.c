/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full, refuses single operations or has bits flipped: nothing that was acknowledged is
 * lost, nothing wrong is read, and the vault can be used on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "sim/vfs.h"
#include "tests/sparse.h"
#include "tests/vault/fixture.h"

#define VFS	 "vault-damage"
#define STEPS	 14
#define SEED	 21

#define FAILURES 160

/* One bit of every third byte of the database: enough to meet every field, in a few seconds. */
#define FEWER		SPARSE(5)
#define DATABASE_STRIDE (3 * FEWER)

struct world {
	struct sim_random random;
	struct random_source source;
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct vault_config config;
	struct vault *vault;
	struct store_memory *memory;
};

static void world_init(struct world *world)
{
	memset(world, 0, sizeof(*world));
	sim_random_init(&world->random, 1);
	world->source = sim_random_source(&world->random);
	assert_int_equal(sim_disk_create(&allocator_default, &world->random, &world->disk),
			 SOTTO_OK);
	assert_int_equal(sim_vfs_create(&allocator_default, VFS, world->disk, &world->vfs),
			 SOTTO_OK);
	world->config = fixture_config(VFS, &world->source);
	assert_int_equal(vault_create(&world->config, fixture_passphrase, &world->vault), SOTTO_OK);
	assert_int_equal(store_memory_create(&allocator_default, &world->memory), SOTTO_OK);
}

static void world_finish(struct world *world)
{
	vault_close(world->vault);
	store_memory_destroy(world->memory);
	sim_vfs_destroy(world->vfs);
	sim_disk_destroy(world->disk);
}

static void apply_both(struct world *world, uint64_t step)
{
	struct store_writer writer = store_memory_writer(world->memory);
	struct store_batch batch;

	fixture_batch(SEED, step, &batch);
	assert_int_equal(vault_apply(world->vault, &batch), SOTTO_OK);
	assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
	store_batch_release(&batch);
}

/* Until the first error, which is wanted; the batch is tried again once the disk works again. */
static bool live_through(struct world *world, enum sotto_err wanted)
{
	struct store_writer writer = store_memory_writer(world->memory);
	bool met = false;

	for (uint64_t step = 0; step < STEPS; step++) {
		struct store_batch batch;
		enum sotto_err err;

		fixture_batch(SEED, step, &batch);
		err = vault_apply(world->vault, &batch);
		if (err != SOTTO_OK) {
			assert_int_equal(err, wanted);
			assert_true(fixture_equal(world->vault, world->memory));
			sim_disk_refuse(world->disk, 0, 0, SOTTO_OK, false);
			assert_int_equal(vault_apply(world->vault, &batch), SOTTO_OK);
			met = true;
		}
		assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
		store_batch_release(&batch);
		if (met)
			assert_true(fixture_equal(world->vault, world->memory));
	}
	return met;
}

static void test_refused_at_every_operation(void **state)
{
	static const struct {
		const char *name;
		enum sotto_err err;
		uint64_t length; /* how many operations are refused; 0: until lifted */
		bool growth_only;
	} table[] = {
		{"full, overwriting works", SOTTO_ERR_DISK_FULL, 0, true},
		{"full, nothing works", SOTTO_ERR_DISK_FULL, 0, false},
		{"one operation fails", SOTTO_ERR_IO, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t points = 0;
		size_t met = 0;
		uint64_t first = 0;
		uint64_t last = 1;

		for (uint64_t n = 0; first + n < last; n += FEWER, points++) {
			struct world world;

			world_init(&world);
			first = sim_disk_operations(world.disk);
			sim_disk_refuse(world.disk, first + n,
					table[i].length == 0 ? UINT64_MAX
							     : first + n + table[i].length,
					table[i].err, table[i].growth_only);
			met += live_through(&world, table[i].err);
			last = sim_disk_operations(world.disk);
			vault_close(world.vault);
			world.vault = NULL;
			sim_disk_restart(world.disk, SIM_POWER_CUT);
			assert_int_equal(
				vault_open(&world.config, fixture_passphrase, &world.vault),
				SOTTO_OK);
			assert_true(fixture_equal(world.vault, world.memory));
			world_finish(&world);
		}
		print_message("# %s: %d points, met by %d\n", table[i].name, (int)points, (int)met);
		assert_true(points > 200 / FEWER && met > points / 2);
	}
}

/* After a failure and a power cut at once: the state before, or the failed batch whole. */
static void test_failed_commit_then_power_cut(void **state)
{
	size_t back = 0;

	(void)state;
	for (uint64_t n = 0; n < FAILURES; n++) {
		struct world world;
		struct store_batch batch;
		struct store_writer writer;
		uint64_t step = 0;
		enum sotto_err err = SOTTO_OK;

		world_init(&world);
		writer = store_memory_writer(world.memory);
		sim_disk_refuse(world.disk, sim_disk_operations(world.disk) + n,
				sim_disk_operations(world.disk) + n + 1, SOTTO_ERR_IO, false);
		for (; step < STEPS && err == SOTTO_OK; step++) {
			fixture_batch(SEED, step, &batch);
			err = vault_apply(world.vault, &batch);
			if (err == SOTTO_OK)
				assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
			store_batch_release(&batch);
		}
		sim_disk_stop_at(world.disk, 0);
		vault_close(world.vault);
		world.vault = NULL;
		sim_disk_restart(world.disk, n % 2 == 0 ? SIM_POWER_CUT : SIM_KILL);
		assert_int_equal(vault_open(&world.config, fixture_passphrase, &world.vault),
				 SOTTO_OK);
		if (!fixture_equal(world.vault, world.memory)) {
			assert_true(err != SOTTO_OK);
			fixture_batch(SEED, step - 1, &batch);
			assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
			store_batch_release(&batch);
			assert_true(fixture_equal(world.vault, world.memory));
			back++;
		}
		world_finish(&world);
	}
	print_message("# %d of %d failed batches came back whole\n", (int)back, FAILURES);
}

/* Flips in a small vault's files are found out or harmless; never is another value read. */
static void flip(struct world *world, const char *name, size_t stride, size_t *opened,
		 size_t *refused)
{
	size_t len = sim_disk_file_len(world->disk, name);

	for (size_t at = 0; at < len; at += stride) {
		struct fixture_difference difference = {0};
		struct vault *vault = NULL;
		struct sim_disk *copy;

		assert_int_equal(sim_disk_copy(world->disk, &copy), SOTTO_OK);
		sim_vfs_use(world->vfs, copy);
		sim_disk_flip(copy, name, at, (unsigned int)(at * 5 % 8));
		if (vault_open(&world->config, fixture_passphrase, &vault) == SOTTO_OK) {
			difference = fixture_compare(vault, world->memory);
			(*opened)++;
		} else {
			(*refused)++;
		}
		if (difference.silent != 0)
			print_message("# %s: byte %d: a wrong answer\n", name, (int)at);
		assert_int_equal(difference.silent, 0);
		*refused += difference.refused != 0;
		vault_close(vault);
		sim_disk_destroy(copy);
	}
}

static void test_flips_are_found_or_harmless(void **state)
{
	struct world world;
	size_t opened = 0;
	size_t refused = 0;

	(void)state;
	world_init(&world);
	for (uint64_t step = 0; step < 4; step++)
		apply_both(&world, step);
	vault_close(world.vault);
	world.vault = NULL;
	flip(&world, FIXTURE_PATH, DATABASE_STRIDE, &opened, &refused);
	flip(&world, FIXTURE_KEYS, 1, &opened, &refused);
	sim_vfs_use(world.vfs, world.disk);
	print_message("# flips: %d refused or told, %d opened\n", (int)refused, (int)opened);
	assert_true(refused > 1000 / FEWER);
	world_finish(&world);
}

/* A copy of one disk with the key file of another. */
static struct sim_disk *mix(const struct sim_disk *database, struct sim_disk *keys)
{
	static uint8_t bytes[8192];
	struct sim_disk *mixed;
	struct sim_file *file;
	size_t done = 0;

	assert_int_equal(sim_disk_copy(database, &mixed), SOTTO_OK);
	assert_int_equal(sim_file_open(keys, FIXTURE_KEYS, SIM_FILE_EXISTING, false, &file),
			 SOTTO_OK);
	assert_int_equal(sim_file_read(file, 0, bytes, sizeof(bytes), &done), SOTTO_OK);
	sim_file_close(file);
	assert_int_equal(sim_file_open(mixed, FIXTURE_KEYS, SIM_FILE_EXISTING, false, &file),
			 SOTTO_OK);
	assert_int_equal(sim_file_write(file, 0, BYTES(bytes, done)), SOTTO_OK);
	sim_file_close(file);
	return mixed;
}

/* Database and key file of different times do not open, whichever is the older. */
static void test_mixed_times_are_refused(void **state)
{
	struct world world;
	struct sim_disk *disks[2];
	struct vault *vault = NULL;

	(void)state;
	world_init(&world);
	apply_both(&world, 0);
	vault_close(world.vault);
	world.vault = NULL;
	assert_int_equal(sim_disk_copy(world.disk, &disks[0]), SOTTO_OK);
	assert_int_equal(vault_open(&world.config, fixture_passphrase, &world.vault), SOTTO_OK);
	for (uint64_t step = 1; step < 8; step++)
		apply_both(&world, step);
	vault_close(world.vault);
	world.vault = NULL;
	disks[1] = world.disk;
	for (size_t i = 0; i < 2; i++) {
		struct sim_disk *mixed = mix(disks[i], disks[1 - i]);

		sim_vfs_use(world.vfs, mixed);
		assert_int_equal(vault_open(&world.config, fixture_passphrase, &vault),
				 SOTTO_ERR_CORRUPT);
		sim_disk_destroy(mixed);
	}
	sim_vfs_use(world.vfs, world.disk);
	sim_disk_destroy(disks[0]);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_at_every_operation),
		cmocka_unit_test(test_failed_commit_then_power_cut),
		cmocka_unit_test(test_flips_are_found_or_harmless),
		cmocka_unit_test(test_mixed_times_are_refused),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
