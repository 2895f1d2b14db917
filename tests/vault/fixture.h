/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault on a simulated disk beside a store in memory that does the same: a script of batches from a seed,
 * and the comparison of the two. Tests read vault/state.h where they have to see a key.
 */
#ifndef TESTS_VAULT_FIXTURE_H
#define TESTS_VAULT_FIXTURE_H

#include "base/store_memory.h"
#include "sim/disk.h"
#include "sim/random.h"
#include "vault/vault.h"

#define FIXTURE_PATH	"vault"
#define FIXTURE_KEYS	"vault-keys"
#define FIXTURE_INDICES 8

/* Tables and owners of the script. */
extern const uint8_t fixture_tables[2];
extern const struct bytes fixture_owners[2];
extern const struct bytes fixture_passphrase;

/* Over a VFS of that name; random is borrowed. The least costly Argon2id. */
struct vault_config fixture_config(const char *vfs, const struct random_source *random);

/* The batch of a step: one to five actions, some erasable, some deletions; the same for the same step. */
void fixture_batch(uint64_t seed, uint64_t step, struct store_batch *batch);

/* Has every row of the script the same value in both, or is in neither? */
bool fixture_equal(struct vault *vault, struct store_memory *memory);

/* How many rows differ from memory without an error that says so, and how many say so. */
struct fixture_difference {
	size_t silent;
	size_t refused;
};
struct fixture_difference fixture_compare(struct vault *vault, struct store_memory *memory);

#endif
