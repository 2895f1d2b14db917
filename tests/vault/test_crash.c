/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stop before every single write, sync, truncation and deletion of a vault's life: the state afterwards
 * is the one before or the one after the batch under way; what was erased cannot be opened by anything that
 * lies in the surviving files; of two passphrases exactly one is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "tests/sim/crash.h"
#include "tests/sparse.h"
#include "tests/vault/fixture.h"
#include "vault/state.h"

#define STEPS	       48
#define PASSPHRASES    6
#define SCRIPT_SEED    11
#define SUPERSEDED_MAX 256
#define FEWER	       SPARSE(5)

static const char *const passphrases[PASSPHRASES] = {"zero", "one", "two", "three", "four", "five"};

struct life {
	struct sim_disk *disk;
	struct sim_random random;
	struct random_source source;
	bool changes_passphrase;
	bool created;
	uint64_t step;	   /* batches acknowledged */
	size_t passphrase; /* changes acknowledged */
	bool in_flight;
	struct store_memory *before;
	struct store_memory *after; /* with the batch in flight */
	/* Sealed erasure keys, wraps of the master key: all that was ever seen in the key file. */
	struct vault_slot seen[SUPERSEDED_MAX];
	size_t seen_len;
	size_t searched;
};

static void apply_memory(struct store_memory *memory, const struct store_batch *batch)
{
	struct store_writer writer = store_memory_writer(memory);

	assert_int_equal(store_apply(&writer, batch), SOTTO_OK);
}

static void replay(struct store_memory **memory, uint64_t steps)
{
	store_memory_destroy(*memory);
	assert_int_equal(store_memory_create(&allocator_default, memory), SOTTO_OK);
	for (uint64_t i = 0; i < steps; i++) {
		struct store_batch batch;

		fixture_batch(SCRIPT_SEED, i, &batch);
		apply_memory(*memory, &batch);
		store_batch_release(&batch);
	}
}

static void life_begin(void *context, struct sim_disk *disk)
{
	struct life *life = context;

	life->disk = disk;
	sim_random_init(&life->random, 99);
	life->source = sim_random_source(&life->random);
	life->created = false;
	life->step = 0;
	life->passphrase = 0;
	life->in_flight = false;
	life->seen_len = 0;
	replay(&life->before, 0);
	replay(&life->after, 0);
}

static void life_end(void *context)
{
	struct life *life = context;

	store_memory_destroy(life->before);
	store_memory_destroy(life->after);
	life->before = NULL;
	life->after = NULL;
}

static struct bytes text(const char *word)
{
	return BYTES(word, strlen(word));
}

static void remember(struct life *life, const struct vault *vault)
{
	assert_true(life->seen_len < SUPERSEDED_MAX);
	life->seen[life->seen_len++] = vault->slot;
}

static bool change_passphrase(struct life *life, struct vault *vault)
{
	struct bytes old_one = text(passphrases[life->passphrase]);
	struct bytes new_one = text(passphrases[life->passphrase + 1]);

	if (vault_passphrase(vault, old_one, new_one) != SOTTO_OK)
		return false;
	life->passphrase++;
	remember(life, vault);
	return true;
}

static bool next_step(struct life *life, struct vault *vault)
{
	struct store_batch batch;
	enum sotto_err err;

	if (life->changes_passphrase && life->step % 4 == 3 && life->passphrase + 1 < PASSPHRASES &&
	    !change_passphrase(life, vault))
		return false;
	fixture_batch(SCRIPT_SEED, life->step, &batch);
	life->in_flight = true;
	apply_memory(life->after, &batch);
	err = vault_apply(vault, &batch);
	if (err == SOTTO_OK) {
		apply_memory(life->before, &batch);
		life->in_flight = false;
		life->step++;
		remember(life, vault);
	}
	store_batch_release(&batch);
	return err == SOTTO_OK;
}

static void life_run(void *context)
{
	struct life *life = context;
	struct vault_config config = fixture_config(CRASH_VFS, &life->source);
	struct vault *vault = NULL;
	enum sotto_err err;

	if (life->created)
		err = vault_open(&config, text(passphrases[life->passphrase]), &vault);
	else
		err = vault_create(&config, text(passphrases[0]), &vault);
	if (err == SOTTO_OK) {
		life->created = true;
		remember(life, vault);
		while (life->step < STEPS && next_step(life, vault))
			;
	}
	vault_close(vault);
}

/* No eight bytes in a row of what was sealed there before: half a key is none. */
static bool gone(struct life *life, const uint8_t *sealed, const uint8_t *current)
{
	if (memcmp(sealed, current, VAULT_SEALED_KEY_LEN) == 0)
		return true;
	for (size_t at = VAULT_NONCE_LEN; at < VAULT_NONCE_LEN + VAULT_KEY_LEN; at += 8) {
		if (sim_disk_search(life->disk, BYTES(sealed + at, 8)) != 0)
			return false;
		life->searched++;
	}
	return true;
}

static bool superseded_are_gone(struct life *life, const struct vault_slot *current)
{
	size_t from = life->seen_len > 6 ? life->seen_len - 6 : 0;

	for (size_t i = from; i < life->seen_len; i++) {
		if (!gone(life, life->seen[i].master, current->master))
			return false;
		for (size_t domain = 0; domain < VAULT_DOMAINS; domain++) {
			if (!gone(life, life->seen[i].erasure[domain], current->erasure[domain]))
				return false;
		}
	}
	/* The control: what counts is found by the same search. */
	return sim_disk_search(life->disk, BYTES(current->master, VAULT_SEALED_KEY_LEN)) > 0;
}

/* Opens by the last passphrase or the next, by one of them exactly; sets which. */
static struct vault *open_by_one(struct life *life)
{
	struct vault_config config = fixture_config(CRASH_VFS, &life->source);
	struct vault *vault = NULL;
	struct vault *by_next = NULL;
	size_t next = (life->passphrase + 1) % PASSPHRASES;
	enum sotto_err err = vault_open(&config, text(passphrases[life->passphrase]), &vault);

	if (err == SOTTO_ERR_NOT_FOUND && !life->created) {
		err = vault_create(&config, text(passphrases[0]), &vault);
		life->created = err == SOTTO_OK;
		return vault;
	}
	vault_close(vault);
	if (vault_open(&config, text(passphrases[next]), &by_next) == SOTTO_OK) {
		vault_close(by_next);
		if (err == SOTTO_OK)
			return NULL;
		life->passphrase = next;
	} else if (err != SOTTO_OK) {
		return NULL;
	}
	life->created = true;
	vault = NULL;
	err = vault_open(&config, text(passphrases[life->passphrase]), &vault);
	return err == SOTTO_OK ? vault : NULL;
}

static bool life_check(void *context)
{
	struct life *life = context;
	struct vault *vault = open_by_one(life);
	bool good = false;

	if (vault == NULL)
		return false;
	if (fixture_equal(vault, life->before)) {
		good = true;
	} else if (life->in_flight && fixture_equal(vault, life->after)) {
		good = true;
		life->step++;
	}
	life->in_flight = false;
	replay(&life->before, life->step);
	replay(&life->after, life->step);
	good = good && superseded_are_gone(life, &vault->slot);
	remember(life, vault);
	vault_close(vault);
	return good;
}

static struct crash_report live(struct life *life, const struct crash_options *options)
{
	const struct crash_workload workload = {.begin = life_begin,
						.run = life_run,
						.check = life_check,
						.end = life_end,
						.context = life};

	return crash_run(&workload, options);
}

static void test_state_is_whole_after_every_stop(void **state)
{
	static const struct {
		const char *name;
		bool changes_passphrase;
		uint64_t points_min;
		struct crash_options options;
	} table[] = {
		{"power cut", false, 300, {.seed = 1, .how = SIM_POWER_CUT, .step = 4 * FEWER}},
		{"power cut, passphrases change",
		 true,
		 500,
		 {.seed = 2, .how = SIM_POWER_CUT, .step = FEWER}},
		{"kill, then a power cut soon",
		 true,
		 100,
		 {.seed = 3, .how = SIM_KILL, .stop_again = true, .step = 5 * FEWER}},
		{"two power cuts",
		 true,
		 100,
		 {.seed = 4, .how = SIM_POWER_CUT, .stop_again = true, .step = 5 * FEWER}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct life *life = calloc(1, sizeof(*life));
		struct crash_report report;

		assert_non_null(life);
		life->changes_passphrase = table[i].changes_passphrase;
		report = live(life, &table[i].options);
		print_message(
			"# %s: %d stops in %d operations, %d pieces of old keys searched for\n",
			table[i].name, (int)report.points, (int)report.operations,
			(int)life->searched);
		if (report.failed != 0)
			print_message("# failed %d, first at %d\n", (int)report.failed,
				      (int)report.first_failed);
		assert_true(report.points >= table[i].points_min / FEWER);
		assert_true(life->searched > 0);
		assert_int_equal(report.failed, 0);
		free(life);
	}
}

/* The same test on a disk that says it has synced and has not: it must fail. */
static void test_fails_without_syncs(void **state)
{
	static const struct crash_options options = {
		.seed = 5, .how = SIM_POWER_CUT, .ignore_syncs = true, .step = 7 * FEWER};
	struct life *life = calloc(1, sizeof(*life));
	struct crash_report report;

	(void)state;
	assert_non_null(life);
	report = live(life, &options);
	print_message("# %d of %d stops found a disk that lies\n", (int)report.failed,
		      (int)report.points);
	assert_true(report.failed > report.points / 2);
	free(life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_is_whole_after_every_stop),
		cmocka_unit_test(test_fails_without_syncs),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
