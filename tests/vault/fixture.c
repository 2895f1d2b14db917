/* SPDX-License-Identifier: Apache-2.0 */
/* The script and the comparison. */
#include "tests/vault/fixture.h"

#include "base/assert.h"

const uint8_t fixture_tables[2] = {STORE_TABLES_TEST, STORE_TABLE_RING | STORE_TABLES_TEST};
const struct bytes fixture_owners[2] = {{(const uint8_t *)"ana", 3}, {(const uint8_t *)"", 0}};
const struct bytes fixture_passphrase = {(const uint8_t *)"correct horse", 13};

struct vault_config fixture_config(const char *vfs, const struct random_source *random)
{
	return (struct vault_config){.allocator = &allocator_default,
				     .random = random,
				     .vfs = vfs,
				     .path = FIXTURE_PATH,
				     .cost = PASSWORD_COST_TESTING};
}

void fixture_batch(uint64_t seed, uint64_t step, struct store_batch *batch)
{
	struct sim_random base;
	struct sim_random random;
	size_t actions;

	sim_random_init(&base, seed);
	sim_random_fork(&base, step, &random);
	store_batch_init(batch, &allocator_default);
	actions = 1 + (size_t)sim_random_below(&random, 5);
	for (size_t i = 0; i < actions; i++) {
		uint8_t value[1500];
		uint8_t table = fixture_tables[sim_random_below(&random, 2)];
		struct bytes owner = fixture_owners[sim_random_below(&random, 2)];
		uint64_t index = sim_random_below(&random, FIXTURE_INDICES);
		size_t len = (size_t)sim_random_below(&random, sizeof(value));
		enum store_class class =
			sim_random_below(&random, 2) != 0 ? STORE_ERASABLE : STORE_PLAIN;
		enum sotto_err err;

		sim_random_fill(&random, value, len);
		if (sim_random_below(&random, 4) == 0)
			err = store_batch_delete(batch, table, owner, index);
		else
			err = store_batch_put(batch, table, owner, index, BYTES(value, len), class);
		ASSERT(err == SOTTO_OK);
	}
}

static bool same(enum sotto_err a, const struct writer *value, enum sotto_err b,
		 const struct writer *wanted)
{
	if (a != b)
		return false;
	return a != SOTTO_OK || bytes_equal(writer_bytes(value), writer_bytes(wanted));
}

static void compare_row(struct vault *vault, struct store_memory *memory, uint8_t table,
			struct bytes owner, uint64_t index, struct fixture_difference *difference)
{
	struct store_reader readers[2] = {vault_reader(vault), store_memory_reader(memory)};
	struct writer values[2];
	enum sotto_err errs[2];

	for (size_t i = 0; i < 2; i++) {
		writer_init_growing(&values[i], &allocator_default);
		errs[i] = store_get(&readers[i], table, owner, index, &values[i]);
	}
	ASSERT(errs[1] == SOTTO_OK || errs[1] == SOTTO_ERR_NOT_FOUND);
	if (!same(errs[0], &values[0], errs[1], &values[1])) {
		if (errs[0] == SOTTO_OK || errs[0] == SOTTO_ERR_NOT_FOUND)
			difference->silent++;
		else
			difference->refused++;
	}
	for (size_t i = 0; i < 2; i++)
		writer_release(&values[i]);
}

struct fixture_difference fixture_compare(struct vault *vault, struct store_memory *memory)
{
	struct fixture_difference difference = {0};

	for (size_t table = 0; table < ARRAY_LEN(fixture_tables); table++) {
		for (size_t owner = 0; owner < ARRAY_LEN(fixture_owners); owner++) {
			for (uint64_t index = 0; index < FIXTURE_INDICES; index++)
				compare_row(vault, memory, fixture_tables[table],
					    fixture_owners[owner], index, &difference);
		}
	}
	return difference;
}

bool fixture_equal(struct vault *vault, struct store_memory *memory)
{
	struct fixture_difference difference = fixture_compare(vault, memory);

	return difference.silent == 0 && difference.refused == 0;
}
