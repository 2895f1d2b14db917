/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on a real file system, through the VFS of os/: both files, their modes, one user at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "os/vfs.h"
#include "tests/vault/fixture.h"

#define STEPS 60
#define SEED  31

struct place {
	char path[64];
	struct os_directory *directory;
};

static int place_setup(void **state)
{
	static struct place place;

	snprintf(place.path, sizeof(place.path), "/tmp/sotto-vault-XXXXXX");
	assert_non_null(mkdtemp(place.path));
	assert_int_equal(os_directory_open(place.path, false, &place.directory), SOTTO_OK);
	assert_int_equal(os_vfs_register(place.directory), SOTTO_OK);
	*state = &place;
	return 0;
}

static int place_teardown(void **state)
{
	static const char *const names[] = {FIXTURE_PATH, FIXTURE_KEYS, FIXTURE_PATH "-wal"};
	struct place *place = *state;

	os_vfs_unregister();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum sotto_err err = os_file_remove(place->directory, names[i]);

		assert_true(err == SOTTO_OK || err == SOTTO_ERR_NOT_FOUND);
	}
	os_directory_close(place->directory);
	assert_int_equal(rmdir(place->path), 0);
	return 0;
}

static void assert_private(const struct place *place, const char *name)
{
	char path[128];
	struct stat stat_now;

	snprintf(path, sizeof(path), "%s/%s", place->path, name);
	assert_int_equal(stat(path, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 0777, 0600);
	assert_true(stat_now.st_size > 0);
}

static void test_life_on_a_real_disk(void **state)
{
	struct bytes next = BYTES_TEXT("battery staple");
	struct sim_random random;
	struct random_source source = sim_random_source(&random);
	struct vault_config config = fixture_config(OS_VFS_NAME, &source);
	struct vault *second = NULL;
	struct vault *vault;
	struct store_memory *memory;
	struct store_writer writer;

	sim_random_init(&random, 1);
	assert_int_equal(store_memory_create(&allocator_default, &memory), SOTTO_OK);
	writer = store_memory_writer(memory);
	assert_int_equal(vault_open(&config, fixture_passphrase, &vault), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(vault_create(&config, fixture_passphrase, &vault), SOTTO_OK);
	for (uint64_t step = 0; step < STEPS; step++) {
		struct store_batch batch;

		fixture_batch(SEED, step, &batch);
		assert_int_equal(vault_apply(vault, &batch), SOTTO_OK);
		assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
		store_batch_release(&batch);
	}
	assert_private(*state, FIXTURE_PATH);
	assert_private(*state, FIXTURE_KEYS);
	assert_int_equal(vault_open(&config, fixture_passphrase, &second), SOTTO_ERR_STATE);
	assert_int_equal(vault_passphrase(vault, fixture_passphrase, next), SOTTO_OK);
	vault_close(vault);
	assert_int_equal(vault_open(&config, fixture_passphrase, &vault), SOTTO_ERR_DENIED);
	assert_int_equal(vault_open(&config, next, &vault), SOTTO_OK);
	assert_true(fixture_equal(vault, memory));
	vault_close(vault);
	store_memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life_on_a_real_disk, place_setup,
						place_teardown),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
