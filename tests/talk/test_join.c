/* SPDX-License-Identifier: Apache-2.0 */
/* Coming in: founding, joining, sponsors, key packages, acts that do not apply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "talk/state.h"
#include "tests/talk/steps.h"

static void test_found_and_join(void **state)
{
	struct world *world = world_create(1);

	(void)state;
	world_members(world, 3, false);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(state_of(world, i), TALK_MEMBER);
		assert_int_equal(problems_of(world, i), 0);
		assert_true(world_agree(world, 0, i));
	}
	assert_int_equal(ledger_length(talk_ledger(world_phone(world, 2)->talk)), 5);
	world_destroy(world);
}

/* The same while it founds, invites, sponsors and joins. */
static void test_restart_while_joining(void **state)
{
	(void)state;
	for (uint32_t victim = 0; victim < 2; victim++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action++) {
			struct world *world = world_create(40 + victim);

			world_found(world);
			if (victim == 0)
				world_die_after(world_phone(world, 0), action);
			world_invite(world, 1);
			if (victim == 1)
				world_die_after(world_phone(world, 1), action);
			world_join(world, 1);
			if (state_of(world, 1) == TALK_EMPTY)
				world_join(world, 1);
			world_run(world, 30);
			died = world_phone(world, victim)->deaths;
			world_die_after(world_phone(world, victim), UINT64_MAX);
			assert_int_equal(state_of(world, 1), TALK_MEMBER);
			assert_true(world_send(world, 0, 1, 0));
			assert_true(world_send(world, 1, 0, 0));
			world_run(world, 20);
			assert_int_equal(world_received(world, 0, 1, 0), 1);
			assert_int_equal(world_received(world, 1, 0, 0), 1);
			world_destroy(world);
		}
	}
}

/* Whoever put the newcomer into the ledger is gone before the Add: the next one does it after a minute. */
static void test_sponsor_vanishes(void **state)
{
	struct world *world = world_create(55);
	const struct ledger_device *device = NULL;
	uint32_t sponsor;

	(void)state;
	world_members(world, 3, false);
	world_invite(world, 3);
	world_join(world, 3);
	for (uint32_t tenth = 0; tenth < 100 && device == NULL; tenth++) {
		struct talk_status status;

		world_run_ms(world, 20);
		talk_status(world_phone(world, 3)->talk, &status);
		for (sponsor = 0; sponsor < 3 && device == NULL; sponsor++)
			device = ledger_device_by_key(
				talk_ledger(world_phone(world, sponsor)->talk), status.device_key);
	}
	assert_non_null(device);
	/* The first who knows is the one who reads its own record back, or nearly. */
	world_link(world, sponsor - 1, false);
	world_run(world, 120);
	assert_int_equal(state_of(world, 3), TALK_MEMBER);
	world_link(world, sponsor - 1, true);
	world_run(world, 20);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(problems_of(world, i), 0);
		assert_true(world_agree(world, 0, i));
	}
	world_destroy(world);
}

/* Of two entries that cannot both stand the second one fails, and says so. */
static void test_act_that_cannot_apply(void **state)
{
	struct world *world = world_create(63);
	struct world_phone *admin = world_phone(world, 0);

	(void)state;
	world_members(world, 2, false);
	world_link(world, 0, false);
	world_run(world, 1);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(talk_invite(admin->talk, 105, BYTES_TEXT("Cleo"), 86400000,
					     world_now(world), WORLD_UTC_MS),
				 SOTTO_OK);
		world_settle(admin);
	}
	world_link(world, 0, true);
	world_run(world, 10);
	assert_int_equal(admin->invited, 105);
	assert_int_equal(admin->failed_act, 105);
	world_join(world, 5);
	world_run(world, 20);
	assert_int_equal(state_of(world, 5), TALK_MEMBER);
	for (uint32_t i = 0; i < 2; i++)
		revoke(world, 5);
	admin->failed_act = 0;
	world_run(world, 10);
	assert_int_equal(admin->failed_act, 105);
	world_destroy(world);
}

static enum sotto_err card_after(struct world *world, uint32_t extension,
				 struct talk_invitation *invitation)
{
	uint64_t utc_ms = WORLD_UTC_MS + world_now(world) / 1000000;

	return talk_invitation_after(world_phone(world, 0)->talk, extension, utc_ms, invitation);
}

/* The cards that are out, in the order of extensions: the same text as was told, after a restart too, until one is used
 * or its time is over. */
static void test_cards_that_are_out(void **state)
{
	struct world *world = world_create(76);
	struct world_phone *admin = world_phone(world, 0);
	struct talk_invitation card = {.extension = 7};

	(void)state;
	world_found(world);
	assert_int_equal(card_after(world, 0, &card), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(card.extension, 7);
	for (uint32_t i = 3; i >= 1; i--)
		world_invite(world, i);
	world_restart(admin);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(card_after(world, world_extension(world, i) - 1, &card), SOTTO_OK);
		assert_int_equal(card.extension, world_extension(world, i));
		assert_memory_equal(card.name, "Bo", card.name_len);
	}
	assert_int_equal(card_after(world, card.extension, &card), SOTTO_ERR_NOT_FOUND);
	/* The one that was made last. */
	assert_int_equal(card_after(world, 0, &card), SOTTO_OK);
	assert_int_equal(card.text_len, admin->invitation_len);
	assert_memory_equal(card.text, admin->invitation, card.text_len);
	world_link(world, 0, true);
	world_join(world, 1);
	world_run(world, 20);
	assert_int_equal(state_of(world, 1), TALK_MEMBER);
	assert_int_equal(card_after(world, 0, &card), SOTTO_OK);
	assert_int_equal(card.extension, world_extension(world, 2));
	world_run(world, 86400);
	assert_int_equal(card_after(world, 0, &card), SOTTO_ERR_NOT_FOUND);
	world_destroy(world);
}

/* Key packages are renewed; a conversation that begins later uses the new one, restarts or not. */
static void test_key_packages_are_renewed(void **state)
{
	struct world *world = world_create(75);
	uint8_t before[2][WIRE_HASH_LEN] = {0}, now[WIRE_HASH_LEN];
	size_t records;

	(void)state;
	world_members(world, 2, false);
	records = fake_relay_records(world_relay(world));
	for (uint32_t day = 0; day < 20; day++) {
		world_run(world, 86400);
		links(world, 2, false);
		world_run(world, 1);
		links(world, 2, true);
		world_run(world, 5);
		world_restart(world_phone(world, day % 2));
		world_run(world, 5);
		for (uint32_t i = 0; i < 2; i++) {
			struct talk *other = world_phone(world, 1 - i)->talk;
			const uint8_t *key = world_phone(world, i)->talk->identity.public_key;
			const struct talk_package *package = talk_package_of(other, key);

			hash_digest(HASH_SHA256, talk_blob_bytes(&package->message), now);
			assert_memory_not_equal(before[i], now, sizeof(now));
			memcpy(before[i], now, sizeof(now));
		}
	}
	/* Each posts one a day, a sign of life, and an update of its leaf; the admin a sign of life each hour. */
	assert_in_range(fake_relay_records(world_relay(world)), records + 20 * (2 + 1 + 2 + 23) - 2,
			records + 20 * (2 + 1 + 2 + 28));
	assert_true(world_send(world, 0, 1, 0));
	world_run(world, 10);
	assert_int_equal(world_received(world, 0, 1, 0), 1);
	assert_int_equal(problems_of(world, 0), 0);
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_and_join),
		cmocka_unit_test(test_restart_while_joining),
		cmocka_unit_test(test_sponsor_vanishes),
		cmocka_unit_test(test_act_that_cannot_apply),
		cmocka_unit_test(test_cards_that_are_out),
		cmocka_unit_test(test_key_packages_are_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
