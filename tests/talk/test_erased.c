/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was deleted or edited is not in the files of the phone's vault any more, for somebody who has them and the
 * passphrase: not in a row, not on an old page, not in the log, not in free space. The same search finds it before, and
 * where the erasing of the old key, which the rest hangs on, is undone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "tests/talk/inside.h"
#include "tests/talk/power.h"
#include "tests/talk/steps.h"
#include "tests/vault/forensic.h"

#define WORDS BYTES_TEXT("Berth nine, after midnight, no lights")

static uint64_t utc(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

enum undone { DELETED, EDITED };

static const struct {
	const char *name;
	uint32_t from;	 /* who said it, and takes it back; phone 0's vault is looked at */
	bool on_its_way; /* the other one is off: it is in the outbox, too */
	enum undone undone;
	size_t rows; /* that have it before */
} cases[] = {
	{"sent, deleted", 0, false, DELETED, 1},      {"sent, edited", 0, false, EDITED, 1},
	{"on its way, deleted", 0, true, DELETED, 2}, {"on its way, edited", 0, true, EDITED, 2},
	{"received, deleted", 1, false, DELETED, 1},  {"received, edited", 1, false, EDITED, 1},
};

static void say(struct world *world, uint32_t from, uint8_t *id)
{
	struct talk_conversation with = talk_with(101 - from);

	assert_int_equal(talk_send_text(talk_of(world, from), &with, WORDS, NULL, id,
					world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, from));
}

static void undo(struct world *world, uint32_t from, const uint8_t *id, enum undone how)
{
	struct talk_conversation with = talk_with(101 - from);
	struct talk *talk = talk_of(world, from);

	assert_int_equal(how == DELETED
				 ? talk_delete(talk, &with, id, world_now(world), utc(world))
				 : talk_edit(talk, &with, id, BYTES_TEXT("Berth four, at noon"),
					     world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, from));
}

static void assert_rows_without(struct power *power, const char *name)
{
	struct forensic after = {.words = WORDS};

	if (forensic_look(&after, power->vault) != 0)
		fail_msg("%s: still in table %u", name, after.trails[0].table);
}

static void test_nothing_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *world = world_create(1200 + i);
		struct forensic forensic = {.words = WORDS};
		uint8_t id[TALK_MESSAGE_ID_LEN];
		struct bytes old_keys;
		struct power power;

		power_begin(&power, world, 0, 1200 + i);
		world_members(world, 2, false);
		all_write(world, 2, UINT32_MAX, 0);
		world_run(world, 5);
		/* With an empty log, there is less to look through. */
		world_restart(world_phone(world, 0));
		world_run(world, 5);
		if (cases[i].on_its_way)
			world_link(world, 1 - cases[i].from, false);
		say(world, cases[i].from, id);
		world_run(world, 5);
		if (forensic_look(&forensic, power.vault) != cases[i].rows)
			fail_msg("%s: in %zu rows", cases[i].name, forensic.count);
		if (forensic_search(&forensic, power.vault, power.disk, BYTES_NONE) !=
		    cases[i].rows)
			fail_msg("%s: the search finds nothing", cases[i].name);
		old_keys = forensic_file(power.disk, "vault-keys");
		undo(world, cases[i].from, id, cases[i].undone);
		world_run(world, 5);
		assert_rows_without(&power, cases[i].name);
		if (forensic_search(&forensic, power.vault, power.disk, BYTES_NONE) != 0)
			fail_msg("%s: still in the files", cases[i].name);
		if (sim_disk_search(power.disk, WORDS) != 0)
			fail_msg("%s: in clear", cases[i].name);
		/* The key file as it was: that is what had to go. */
		if (forensic_search(&forensic, power.vault, power.disk, old_keys) == 0)
			fail_msg("%s: not found where it must be", cases[i].name);
		world_restart(world_phone(world, 0));
		world_link(world, 1 - cases[i].from, true);
		world_run(world, 10);
		assert_rows_without(&power, cases[i].name);
		free((void *)(uintptr_t)old_keys.data);
		world_destroy(world);
		power_end(&power);
	}
}

/* Where a row is not erasable, deleting it does not erase it, and the search says so. */
static void test_plain_row_is_found(void **state)
{
	struct world *world = world_create(1300);
	struct forensic forensic = {.words = WORDS}, after = {.words = WORDS};
	struct store_batch batch;
	struct power power;

	(void)state;
	power_begin(&power, world, 0, 1300);
	world_members(world, 2, false);
	store_batch_init(&batch, &allocator_default);
	assert_int_equal(store_batch_put(&batch, TALK_TABLE_READ, BYTES_TEXT("planted"), 7, WORDS,
					 STORE_PLAIN),
			 SOTTO_OK);
	assert_int_equal(vault_apply(power.vault, &batch), SOTTO_OK);
	store_batch_release(&batch);
	assert_int_equal(forensic_look(&forensic, power.vault), 1);
	store_batch_init(&batch, &allocator_default);
	assert_int_equal(store_batch_delete(&batch, TALK_TABLE_READ, BYTES_TEXT("planted"), 7),
			 SOTTO_OK);
	assert_int_equal(vault_apply(power.vault, &batch), SOTTO_OK);
	store_batch_release(&batch);
	assert_int_equal(forensic_look(&after, power.vault), 0);
	assert_int_equal(forensic_search(&forensic, power.vault, power.disk, BYTES_NONE), 1);
	world_destroy(world);
	power_end(&power);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_found),
		cmocka_unit_test(test_plain_row_is_found),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
