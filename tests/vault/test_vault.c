/* SPDX-License-Identifier: Apache-2.0 */
/* What the header promises: who may open, what is read back, locking, limits, clear errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "crypto/hash.h"
#include "crypto/init.h"
#include "sim/vfs.h"
#include "tests/vault/fixture.h"
#include "vault/state.h"

#define VFS   "vault-test"
#define FULL  STORE_TABLES_TEST
#define RING  (STORE_TABLE_RING | STORE_TABLES_TEST)
#define OWNER BYTES_TEXT("ana of the field office")

struct world {
	struct sim_random random;
	struct random_source source;
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct vault_config config;
	struct vault *vault;
};

static int world_setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	sim_random_init(&world.random, 1);
	world.source = sim_random_source(&world.random);
	assert_int_equal(sim_disk_create(&allocator_default, &world.random, &world.disk), SOTTO_OK);
	assert_int_equal(sim_vfs_create(&allocator_default, VFS, world.disk, &world.vfs), SOTTO_OK);
	world.config = fixture_config(VFS, &world.source);
	assert_int_equal(vault_create(&world.config, fixture_passphrase, &world.vault), SOTTO_OK);
	*state = &world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;

	vault_close(world->vault);
	sim_vfs_destroy(world->vfs);
	sim_disk_destroy(world->disk);
	return 0;
}

static enum sotto_err put(struct vault *vault, uint8_t table, uint64_t index, struct bytes value,
			  enum store_class class)
{
	struct store_batch batch;
	enum sotto_err err;

	store_batch_init(&batch, &allocator_default);
	assert_int_equal(store_batch_put(&batch, table, OWNER, index, value, class), SOTTO_OK);
	err = vault_apply(vault, &batch);
	store_batch_release(&batch);
	return err;
}

static enum sotto_err get(struct vault *vault, uint8_t table, uint64_t index, struct bytes wanted)
{
	struct store_reader reader = vault_reader(vault);
	struct writer out;
	enum sotto_err err;

	writer_init_growing(&out, &allocator_default);
	err = store_get(&reader, table, OWNER, index, &out);
	if (err == SOTTO_OK)
		assert_true(bytes_equal(writer_bytes(&out), wanted));
	writer_release(&out);
	return err;
}

static void reopen(struct world *world, struct bytes passphrase)
{
	vault_close(world->vault);
	world->vault = NULL;
	assert_int_equal(vault_open(&world->config, passphrase, &world->vault), SOTTO_OK);
}

static void test_values_come_back(void **state)
{
	static const struct {
		uint8_t table;
		enum store_class class;
		uint64_t index;
		size_t len;
	} table[] = {
		{FULL, STORE_PLAIN, 0, 0},
		{FULL, STORE_ERASABLE, 1, 0},
		{FULL, STORE_PLAIN, UINT64_MAX, 1},
		{RING, STORE_ERASABLE, UINT64_C(1) << 63, 100000},
		{RING, STORE_PLAIN, (UINT64_C(1) << 63) - 1, 5000},
		{FULL, STORE_ERASABLE, 2, 4096},
	};
	static uint8_t value[100000];
	struct world *world = *state;

	memset(value, 0x5a, sizeof(value));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(put(world->vault, table[i].table, table[i].index,
				     BYTES(value, table[i].len), table[i].class),
				 SOTTO_OK);
	for (unsigned int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			assert_int_equal(get(world->vault, table[i].table, table[i].index,
					     BYTES(value, table[i].len)),
					 SOTTO_OK);
		assert_int_equal(get(world->vault, FULL, 77, BYTES_NONE), SOTTO_ERR_NOT_FOUND);
		reopen(world, fixture_passphrase);
	}
	/* Neither values nor owners are in the files in clear. */
	assert_int_equal(sim_disk_search(world->disk, BYTES(value, 16)), 0);
	assert_int_equal(sim_disk_search(world->disk, OWNER), 0);
}

struct seen {
	uint64_t indices[16];
	size_t len;
	size_t stop_at;
};

static enum sotto_err note(void *context, uint64_t index, struct bytes value)
{
	struct seen *seen = context;

	assert_int_equal(value.len, 1);
	assert_int_equal(value.data[0], (uint8_t)index);
	seen->indices[seen->len++] = index;
	return seen->len == seen->stop_at ? SOTTO_ERR_INVALID : SOTTO_OK;
}

/* The same table for the vault and for the store in memory: they are one interface. */
static void check_ranges(const struct store_reader *reader)
{
	static const struct {
		uint64_t first;
		uint64_t last;
		size_t limit;
		bool descending;
		size_t stop_at;
		size_t len;
		uint64_t wanted[4];
	} table[] = {
		{0, UINT64_MAX, 0, false, 0, 4, {1, 2, 3, UINT64_MAX}},
		{0, UINT64_MAX, 0, true, 0, 4, {UINT64_MAX, 3, 2, 1}},
		{2, 3, 0, false, 0, 2, {2, 3}},
		{2, 3, 0, true, 0, 2, {3, 2}},
		{0, UINT64_MAX, 2, false, 0, 2, {1, 2}},
		{0, UINT64_MAX, 2, true, 0, 2, {UINT64_MAX, 3}},
		{4, 9, 0, false, 0, 0, {0}},
		{3, 2, 0, false, 0, 0, {0}},
		{0, UINT64_MAX, 0, false, 3, 3, {1, 2, 3}},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct store_range range = {.table = FULL,
					    .owner = OWNER,
					    .first = table[i].first,
					    .last = table[i].last,
					    .limit = table[i].limit,
					    .descending = table[i].descending};
		struct seen seen = {.stop_at = table[i].stop_at};

		assert_int_equal(store_iterate(reader, &range, note, &seen),
				 table[i].stop_at != 0 ? SOTTO_ERR_INVALID : SOTTO_OK);
		assert_int_equal(seen.len, table[i].len);
		for (size_t j = 0; j < seen.len; j++)
			assert_true(seen.indices[j] == table[i].wanted[j]);
	}
}

static void test_ranges_in_order(void **state)
{
	static const uint64_t indices[] = {3, 1, UINT64_MAX, 2};
	struct world *world = *state;
	struct store_memory *memory;
	struct store_writer writers[2];
	struct store_reader readers[2];

	assert_int_equal(store_memory_create(&allocator_default, &memory), SOTTO_OK);
	writers[0] = vault_writer(world->vault);
	writers[1] = store_memory_writer(memory);
	readers[0] = vault_reader(world->vault);
	readers[1] = store_memory_reader(memory);
	for (size_t i = 0; i < 2; i++) {
		struct store_batch batch;

		store_batch_init(&batch, &allocator_default);
		for (size_t j = 0; j < 4; j++) {
			uint8_t value = (uint8_t)indices[j];
			enum store_class class = j % 2 == 0 ? STORE_PLAIN : STORE_ERASABLE;

			assert_int_equal(store_batch_put(&batch, FULL, OWNER, indices[j],
							 BYTES(&value, 1), class),
					 SOTTO_OK);
			assert_int_equal(store_batch_put(&batch, FULL, BYTES_TEXT("other"), j,
							 BYTES_TEXT("xx"), class),
					 SOTTO_OK);
			assert_int_equal(store_batch_put(&batch, FULL + 1, OWNER, j,
							 BYTES_TEXT("xx"), class),
					 SOTTO_OK);
		}
		assert_int_equal(store_apply(&writers[i], &batch), SOTTO_OK);
		check_ranges(&readers[i]);
		store_batch_release(&batch);
	}
	store_memory_destroy(memory);
}

static void test_lock_keeps_what_rings(void **state)
{
	static const struct vault_domain_keys no_keys;
	struct world *world = *state;
	struct vault *vault = world->vault;

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(put(vault, FULL, i, BYTES_TEXT("f"), (enum store_class)i),
				 SOTTO_OK);
		assert_int_equal(put(vault, RING, i, BYTES_TEXT("r"), (enum store_class)i),
				 SOTTO_OK);
	}
	vault_lock(vault);
	vault_lock(vault);
	assert_true(vault_locked(vault));
	assert_memory_equal(&vault->keys->domain[VAULT_FULL], &no_keys, sizeof(no_keys));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(get(vault, FULL, i, BYTES_NONE), SOTTO_ERR_STATE);
		assert_int_equal(put(vault, FULL, i, BYTES_NONE, STORE_PLAIN), SOTTO_ERR_STATE);
		assert_int_equal(get(vault, RING, i, BYTES_TEXT("r")), SOTTO_OK);
		assert_int_equal(put(vault, RING, i, BYTES_TEXT("s"), STORE_ERASABLE), SOTTO_OK);
		assert_int_equal(get(vault, RING, i, BYTES_TEXT("s")), SOTTO_OK);
	}
	assert_int_equal(vault_unlock(vault, BYTES_TEXT("wrong")), SOTTO_ERR_DENIED);
	assert_true(vault_locked(vault));
	assert_int_equal(vault_unlock(vault, fixture_passphrase), SOTTO_OK);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(get(vault, FULL, i, BYTES_TEXT("f")), SOTTO_OK);
		assert_int_equal(get(vault, RING, i, BYTES_TEXT("s")), SOTTO_OK);
	}
}

static void test_passphrase_changes(void **state)
{
	struct world *world = *state;
	struct bytes next = BYTES_TEXT("battery staple");
	struct vault *vault = NULL;

	assert_int_equal(put(world->vault, FULL, 1, BYTES_TEXT("x"), STORE_ERASABLE), SOTTO_OK);
	assert_int_equal(vault_passphrase(world->vault, next, next), SOTTO_ERR_DENIED);
	assert_int_equal(vault_passphrase(world->vault, fixture_passphrase, BYTES_NONE),
			 SOTTO_ERR_ARGUMENT);
	vault_lock(world->vault);
	assert_int_equal(vault_passphrase(world->vault, fixture_passphrase, next), SOTTO_OK);
	assert_true(vault_locked(world->vault));
	assert_int_equal(vault_unlock(world->vault, fixture_passphrase), SOTTO_ERR_DENIED);
	assert_int_equal(vault_unlock(world->vault, next), SOTTO_OK);
	vault_close(world->vault);
	world->vault = NULL;
	assert_int_equal(vault_open(&world->config, fixture_passphrase, &vault), SOTTO_ERR_DENIED);
	assert_null(vault);
	assert_int_equal(vault_open(&world->config, next, &world->vault), SOTTO_OK);
	assert_int_equal(get(world->vault, FULL, 1, BYTES_TEXT("x")), SOTTO_OK);
}

/* The one slot of the key file, the other place empty. */
static void write_slot(struct sim_disk *disk, const uint8_t *slot)
{
	static const uint8_t empty[VAULT_SLOT_LEN];
	struct sim_file *file;

	assert_int_equal(sim_file_open(disk, FIXTURE_KEYS, SIM_FILE_CREATE, true, &file), SOTTO_OK);
	assert_int_equal(sim_file_write(file, 0, BYTES(slot, VAULT_SLOT_LEN)), SOTTO_OK);
	assert_int_equal(sim_file_write(file, VAULT_SLOT_LEN, BYTES_OF(empty)), SOTTO_OK);
	assert_int_equal(sim_file_sync(file), SOTTO_OK);
	sim_file_close(file);
}

/* A whole slot of version 2, and a database of version 2. */
static void plant_later_slot(struct sim_disk *disk, const struct vault_slot *slot)
{
	uint8_t bytes[VAULT_SLOT_LEN];
	const size_t content = VAULT_SLOT_LEN - 32;

	vault_slot_encode(slot, bytes);
	bytes[9] = 2;
	hash_digest(HASH_SHA256, BYTES(bytes, content), bytes + content);
	write_slot(disk, bytes);
}

static void plant_later_database(struct sim_disk *disk, const struct vault_slot *slot)
{
	sqlite3 *db = NULL;

	(void)disk;
	(void)slot;
	assert_int_equal(sqlite3_open_v2(FIXTURE_PATH, &db, SQLITE_OPEN_READWRITE, VFS), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA user_version=2",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void plant_nothing(struct sim_disk *disk, const struct vault_slot *slot)
{
	(void)disk;
	(void)slot;
}

static void plant_no_key_file(struct sim_disk *disk, const struct vault_slot *slot)
{
	(void)slot;
	assert_int_equal(sim_disk_delete(disk, FIXTURE_KEYS, true), SOTTO_OK);
}

static void plant_no_database(struct sim_disk *disk, const struct vault_slot *slot)
{
	(void)slot;
	assert_int_equal(sim_disk_delete(disk, FIXTURE_PATH, true), SOTTO_OK);
}

/* The key file of one time beside the database of another. */
static void plant_old_key_file(struct sim_disk *disk, const struct vault_slot *slot)
{
	struct vault_slot old_slot = *slot;
	uint8_t bytes[VAULT_SLOT_LEN];

	old_slot.generation[VAULT_FULL]--;
	vault_slot_encode(&old_slot, bytes);
	write_slot(disk, bytes);
}

static void test_errors_are_clear(void **state)
{
	static const struct {
		const char *passphrase;
		void (*plant)(struct sim_disk *disk, const struct vault_slot *slot);
		enum sotto_err open;
		enum sotto_err create;
	} table[] = {
		{"correct horse", plant_nothing, SOTTO_OK, SOTTO_ERR_EXISTS},
		{"Correct horse", plant_nothing, SOTTO_ERR_DENIED, SOTTO_ERR_EXISTS},
		{"", plant_nothing, SOTTO_ERR_ARGUMENT, SOTTO_ERR_ARGUMENT},
		{"correct horse", plant_later_slot, SOTTO_ERR_VERSION, SOTTO_ERR_EXISTS},
		{"correct horse", plant_later_database, SOTTO_ERR_VERSION, SOTTO_ERR_EXISTS},
		{"correct horse", plant_no_key_file, SOTTO_ERR_CORRUPT, SOTTO_ERR_EXISTS},
		{"correct horse", plant_no_database, SOTTO_ERR_NOT_FOUND, SOTTO_OK},
		{"correct horse", plant_old_key_file, SOTTO_ERR_CORRUPT, SOTTO_ERR_EXISTS},
	};
	struct world *world = *state;
	struct vault_slot slot;

	assert_int_equal(put(world->vault, FULL, 1, BYTES_TEXT("x"), STORE_ERASABLE), SOTTO_OK);
	assert_int_equal(put(world->vault, FULL, 1, BYTES_TEXT("y"), STORE_ERASABLE), SOTTO_OK);
	reopen(world, fixture_passphrase);
	slot = world->vault->slot;
	vault_close(world->vault);
	world->vault = NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bytes passphrase = BYTES(table[i].passphrase, strlen(table[i].passphrase));
		struct vault *vault = NULL;
		struct sim_disk *copy;

		assert_int_equal(sim_disk_copy(world->disk, &copy), SOTTO_OK);
		sim_vfs_use(world->vfs, copy);
		table[i].plant(copy, &slot);
		assert_int_equal(vault_open(&world->config, passphrase, &vault), table[i].open);
		vault_close(vault);
		vault = NULL;
		assert_int_equal(vault_create(&world->config, passphrase, &vault), table[i].create);
		vault_close(vault);
		sim_disk_destroy(copy);
	}
	sim_vfs_use(world->vfs, world->disk);
}

/* An allocator that refuses the nth request. */
struct stingy {
	uint64_t left;
};

static void *stingy_allocate(void *context, size_t len)
{
	struct stingy *stingy = context;

	if (stingy->left == 0)
		return NULL;
	stingy->left--;
	return allocator_default.allocate(NULL, len);
}

static void stingy_release(void *context, void *memory, size_t len)
{
	(void)context;
	allocator_default.release(NULL, memory, len);
}

/* Every allocation and every draw of randomness refused in turn: the batch is not applied, the next is. */
static void test_refusals_in_turn(void **state)
{
	struct world *world = *state;
	struct stingy stingy = {.left = UINT64_MAX};
	struct allocator allocator = {
		.allocate = stingy_allocate, .release = stingy_release, .context = &stingy};
	struct store_memory *memory;
	struct store_writer writer;
	size_t refused[2] = {0};

	vault_close(world->vault);
	world->vault = NULL;
	world->config.allocator = &allocator;
	assert_int_equal(vault_open(&world->config, fixture_passphrase, &world->vault), SOTTO_OK);
	assert_int_equal(store_memory_create(&allocator_default, &memory), SOTTO_OK);
	writer = store_memory_writer(memory);
	for (uint64_t step = 0; step < 24; step++) {
		struct store_batch batch;
		enum sotto_err err = SOTTO_ERR_NO_MEMORY;

		fixture_batch(3, step, &batch);
		for (uint64_t n = 0; err != SOTTO_OK; n++) {
			bool memory_turn = step % 2 == 0;

			stingy.left = memory_turn ? n : UINT64_MAX;
			sim_random_refuse(&world->random, memory_turn ? UINT64_MAX : n);
			err = vault_apply(world->vault, &batch);
			stingy.left = UINT64_MAX;
			sim_random_refuse(&world->random, UINT64_MAX);
			if (err == SOTTO_OK)
				break;
			assert_int_equal(err, memory_turn ? SOTTO_ERR_NO_MEMORY : SOTTO_ERR_RANDOM);
			assert_true(fixture_equal(world->vault, memory));
			refused[memory_turn]++;
		}
		assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
		assert_true(fixture_equal(world->vault, memory));
		store_batch_release(&batch);
	}
	print_message("# %d allocations and %d draws refused\n", (int)refused[1], (int)refused[0]);
	assert_true(refused[0] > 50 && refused[1] > 50);
	vault_close(world->vault);
	world->vault = NULL;
	store_memory_destroy(memory);
}

/* More erasable rows than a node or a middle node has keys for, then gone, then their slots used again. */
static void test_many_erasable_rows(void **state)
{
	const uint64_t rows = 5000;
	struct world *world = *state;

	for (unsigned int round = 0; round < 2; round++) {
		struct store_batch batch;

		store_batch_init(&batch, &allocator_default);
		for (uint64_t i = 0; i < rows; i++)
			assert_int_equal(store_batch_put(&batch, FULL, OWNER, i, BYTES(&i, 8),
							 STORE_ERASABLE),
					 SOTTO_OK);
		assert_int_equal(vault_apply(world->vault, &batch), SOTTO_OK);
		store_batch_release(&batch);
		reopen(world, fixture_passphrase);
		for (uint64_t i = 0; i < rows; i += 499)
			assert_int_equal(get(world->vault, FULL, i, BYTES(&i, 8)), SOTTO_OK);
		assert_int_equal(world->vault->meta.slots[VAULT_FULL], rows);
		for (uint64_t i = 0; i < rows; i++)
			assert_int_equal(store_batch_delete(&batch, FULL, OWNER, i), SOTTO_OK);
		assert_int_equal(vault_apply(world->vault, &batch), SOTTO_OK);
		store_batch_release(&batch);
		assert_int_equal(get(world->vault, FULL, 1, BYTES_NONE), SOTTO_ERR_NOT_FOUND);
	}
}

static void test_batch(void **state)
{
	static const uint8_t long_owner[STORE_OWNER_LEN_MAX + 1];
	struct store_batch batch;

	(void)state;
	store_batch_init(&batch, &allocator_default);
	assert_int_equal(
		store_batch_put(&batch, 1, BYTES_OF(long_owner), 0, BYTES_NONE, STORE_PLAIN),
		SOTTO_ERR_LIMIT);
	assert_int_equal(store_batch_put(&batch, 1, BYTES_NONE, 0,
					 BYTES(long_owner, STORE_VALUE_LEN_MAX + 1), STORE_PLAIN),
			 SOTTO_ERR_LIMIT);
	for (size_t i = 0; i < STORE_BATCH_ACTIONS_MAX; i++)
		assert_int_equal(store_batch_delete(&batch, 1, BYTES_NONE, i), SOTTO_OK);
	assert_int_equal(store_batch_delete(&batch, 1, BYTES_NONE, 0), SOTTO_ERR_LIMIT);
	store_batch_cut(&batch, 3);
	assert_int_equal(batch.len, 3);
	store_batch_release(&batch);
	store_batch_release(&batch);
	assert_int_equal(batch.len, 0);
}

static void test_memory_store_dies_and_locks(void **state)
{
	struct store_memory *memory;
	struct store_writer writer;
	struct store_reader reader;
	struct store_batch batch;
	struct writer out;

	(void)state;
	assert_int_equal(store_memory_create(&allocator_default, &memory), SOTTO_OK);
	writer = store_memory_writer(memory);
	reader = store_memory_reader(memory);
	store_batch_init(&batch, &allocator_default);
	assert_int_equal(store_batch_put(&batch, FULL, OWNER, 1, OWNER, STORE_PLAIN), SOTTO_OK);
	assert_int_equal(store_batch_put(&batch, FULL, OWNER, 2, OWNER, STORE_PLAIN), SOTTO_OK);
	store_memory_stop_after(memory, 3);
	assert_int_equal(store_apply(&writer, &batch), SOTTO_OK);
	assert_int_equal(store_apply(&writer, &batch), SOTTO_ERR_IO);
	assert_int_equal(store_memory_rows(memory), 2);
	assert_int_equal(store_memory_actions(memory), 2);
	store_memory_stop_after(memory, UINT64_MAX);
	store_memory_lock(memory, true);
	assert_int_equal(store_apply(&writer, &batch), SOTTO_ERR_STATE);
	writer_init_growing(&out, &allocator_default);
	assert_int_equal(store_get(&reader, FULL, OWNER, 1, &out), SOTTO_ERR_STATE);
	store_batch_release(&batch);
	store_memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values_come_back, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_ranges_in_order, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_lock_keeps_what_rings, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_passphrase_changes, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_errors_are_clear, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_refusals_in_turn, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_many_erasable_rows, world_setup,
						world_teardown),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_memory_store_dies_and_locks),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
