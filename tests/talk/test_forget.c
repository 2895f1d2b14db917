/* SPDX-License-Identifier: Apache-2.0 */
/* Ways into a network that nothing comes of: cards used, withdrawn, over, claims that are wrong; given up for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/world.h"

#define CARD_S		      86400 /* as world_invite has it */
#define LATE_S		      60
#define LOOK_S		      600
#define ENTRIES_WITH_ONE_CARD 2 /* founded, authorised */

static struct talk_status status_of(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(world_phone(world, number)->talk, &status);
	return status;
}

static uint64_t utc_of(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

/* Nothing is left of it, here or in the store, and no link is wanted. */
static void assert_empty(struct world *world, uint32_t number)
{
	static const uint8_t zeros[LEDGER_KEY_LEN];
	struct world_phone *phone = world_phone(world, number);
	struct talk_status status = status_of(world, number);
	struct talk_link link;

	assert_int_equal(status.state, TALK_EMPTY);
	assert_int_equal(status.extension, 0);
	assert_memory_equal(status.device_key, zeros, sizeof(zeros));
	assert_int_equal(talk_link(phone->talk, &link), SOTTO_ERR_STATE);
	assert_int_equal(store_memory_rows(phone->store), 0);
	world_restart(phone);
	assert_int_equal(status_of(world, number).state, TALK_EMPTY);
}

static uint64_t entries(struct world *world)
{
	return ledger_length(talk_ledger(world_phone(world, 0)->talk));
}

/* The newest card of phone 0, presented by phone `number`. */
static enum sotto_err present(struct world *world, uint32_t number)
{
	const struct world_phone *admin = world_phone(world, 0);
	struct world_phone *phone = world_phone(world, number);
	enum sotto_err err = talk_join(phone->talk, BYTES(admin->invitation, admin->invitation_len),
				       world_now(world), utc_of(world));

	world_settle(phone);
	return err;
}

/* Nobody who could let it in is there; afterwards a new card works in the same home. */
static void test_card_is_over(void **state)
{
	struct world *world = world_create(1);

	(void)state;
	world_found(world);
	world_invite(world, 1);
	world_link(world, 0, false);
	world_join(world, 1);
	world_run(world, CARD_S - 60);
	assert_int_equal(status_of(world, 1).state, TALK_JOINING);
	world_run(world, 60 + LATE_S + 1);
	assert_empty(world, 1);
	assert_int_equal(present(world, 1), SOTTO_ERR_TOO_OLD);
	world_link(world, 0, true);
	world_run(world, 5);
	world_phone(world, 0)->invited = 0;
	world_invite(world, 1);
	world_join(world, 1);
	world_run(world, 30);
	assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
	assert_true(world_agree(world, 0, 1));
	world_destroy(world);
}

/* The second one who presents a card gets nowhere, and nothing about it comes into the ledger. */
static void test_card_that_was_used(void **state)
{
	struct world *world = world_create(2);

	(void)state;
	world_found(world);
	world_invite(world, 1);
	world_join(world, 1);
	world_run(world, 20);
	assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
	assert_int_equal(entries(world), ENTRIES_WITH_ONE_CARD + 1);
	world_join(world, 2);
	world_run(world, 3600);
	assert_int_equal(status_of(world, 2).state, TALK_JOINING);
	assert_int_equal(entries(world), ENTRIES_WITH_ONE_CARD + 1);
	world_run(world, CARD_S);
	assert_empty(world, 2);
	assert_int_equal(entries(world), ENTRIES_WITH_ONE_CARD + 1);
	world_destroy(world);
}

/* Somebody let it in while it had no link: a last look finds that, after the card's time. */
static void test_last_look(void **state)
{
	struct world *world = world_create(3);

	(void)state;
	world_found(world);
	world_invite(world, 1);
	world_link(world, 0, false);
	world_join(world, 1);
	world_run(world, 5);
	world_link(world, 1, false);
	world_link(world, 0, true);
	world_run(world, CARD_S + LATE_S + LOOK_S / 2);
	assert_int_equal(entries(world), ENTRIES_WITH_ONE_CARD + 1);
	assert_int_equal(status_of(world, 1).state, TALK_JOINING);
	world_link(world, 1, true);
	world_run(world, 10);
	assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
	world_destroy(world);
}

/* Without a link it is over a while later. */
static void test_no_last_look(void **state)
{
	struct world *world = world_create(4);

	(void)state;
	world_found(world);
	world_invite(world, 1);
	assert_int_equal(present(world, 1), SOTTO_OK);
	world_run(world, CARD_S + LATE_S + LOOK_S / 2);
	assert_int_equal(status_of(world, 1).state, TALK_JOINING);
	world_run(world, LOOK_S);
	assert_empty(world, 1);
	world_destroy(world);
}

/* Another card takes the place of the one before, the same one goes on. */
static void test_another_card(void **state)
{
	struct world *world = world_create(5);
	struct talk_status before, after;
	size_t rows;

	(void)state;
	world_found(world);
	world_invite(world, 1);
	world_link(world, 0, false);
	world_run(world, 1);
	assert_int_equal(present(world, 1), SOTTO_OK);
	before = status_of(world, 1);
	rows = store_memory_rows(world_phone(world, 1)->store);
	assert_int_equal(present(world, 1), SOTTO_OK);
	after = status_of(world, 1);
	assert_memory_equal(before.device_key, after.device_key, LEDGER_KEY_LEN);
	world_link(world, 0, true);
	world_run(world, 2);
	world_invite(world, 2);
	assert_int_equal(present(world, 1), SOTTO_OK);
	after = status_of(world, 1);
	assert_int_equal(after.state, TALK_JOINING);
	assert_int_equal(after.extension, 102);
	assert_memory_not_equal(before.device_key, after.device_key, LEDGER_KEY_LEN);
	assert_int_equal(store_memory_rows(world_phone(world, 1)->store), rows);
	world_restart(world_phone(world, 1));
	assert_memory_equal(after.device_key, status_of(world, 1).device_key, LEDGER_KEY_LEN);
	world_link(world, 1, true);
	world_run(world, 20);
	assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
	assert_int_equal(status_of(world, 1).extension, 102);
	assert_int_equal(present(world, 1), SOTTO_ERR_STATE);
	world_destroy(world);
}

/* What is wrong with the new way leaves the old one as it was; founding takes its place. */
static void test_founding_instead(void **state)
{
	struct world *world = world_create(6);
	struct world_phone *phone = world_phone(world, 1);
	struct talk_found found = {
		.network_name = BYTES_TEXT("Other"),
		.name = BYTES_TEXT("Bo"),
		.digits = 3,
		.relay_address = BYTES_TEXT("relay.example:4433"),
	};
	struct talk_status before;

	(void)state;
	world_found(world);
	world_invite(world, 1);
	assert_int_equal(present(world, 1), SOTTO_OK);
	before = status_of(world, 1);
	memcpy(found.relay_key, fake_relay_key(world_relay(world)), WIRE_KEY_LEN);
	found.digits = 2;
	assert_int_equal(talk_found(phone->talk, &found, world_now(world), utc_of(world)),
			 SOTTO_ERR_INVALID);
	assert_int_equal(talk_join(phone->talk, BYTES_TEXT("sotto:NONSENSE"), world_now(world),
				   utc_of(world)),
			 SOTTO_ERR_FORMAT);
	assert_memory_equal(before.device_key, status_of(world, 1).device_key, LEDGER_KEY_LEN);
	assert_int_equal(status_of(world, 1).state, TALK_JOINING);
	found.digits = 4;
	assert_int_equal(talk_found(phone->talk, &found, world_now(world), utc_of(world)),
			 SOTTO_OK);
	world_settle(phone);
	assert_int_equal(status_of(world, 1).state, TALK_FOUNDING);
	assert_int_equal(status_of(world, 1).extension, 1000);
	world_restart(phone);
	assert_int_equal(status_of(world, 1).state, TALK_FOUNDING);
	assert_memory_not_equal(before.device_key, status_of(world, 1).device_key, LEDGER_KEY_LEN);
	world_destroy(world);
}

/* What is said at the relay of this world; claim: NULL for the right one. */
static enum sotto_err founding(struct world *world, uint32_t number, const char *network_name,
			       const uint8_t *claim)
{
	struct world_phone *phone = world_phone(world, number);
	struct talk_found found = {
		.network_name = BYTES(network_name, strlen(network_name)),
		.name = BYTES_TEXT("Ana"),
		.digits = 3,
		.relay_address = BYTES_TEXT("relay.example:4433"),
	};
	enum sotto_err err;

	memcpy(found.relay_key, fake_relay_key(world_relay(world)), WIRE_KEY_LEN);
	memcpy(found.claim, claim != NULL ? claim : fake_relay_claim(world_relay(world)),
	       WIRE_KEY_LEN);
	err = talk_found(phone->talk, &found, world_now(world), utc_of(world));
	if (err == SOTTO_OK)
		world_settle(phone);
	return err;
}

static const uint8_t wrong_claim[WIRE_KEY_LEN] = {1};

/* A claim with a slip of the pen opens no link; the same again with the right one does, and it is the same network. */
static void test_claim_corrected(void **state)
{
	struct world *world = world_create(8);
	struct talk_status before;

	(void)state;
	assert_int_equal(founding(world, 0, "Newsroom", wrong_claim), SOTTO_OK);
	world_link(world, 0, true);
	world_run(world, 30);
	before = status_of(world, 0);
	assert_int_equal(before.state, TALK_FOUNDING);
	/* What cannot be founded at all changes nothing. */
	assert_int_equal(founding(world, 0, "", NULL), SOTTO_ERR_INVALID);
	assert_int_equal(founding(world, 0, "Newsroom", wrong_claim), SOTTO_OK);
	world_restart(world_phone(world, 0));
	world_run(world, 30);
	assert_int_equal(status_of(world, 0).state, TALK_FOUNDING);
	assert_memory_equal(before.device_key, status_of(world, 0).device_key, LEDGER_KEY_LEN);
	assert_int_equal(founding(world, 0, "Newsroom", NULL), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(status_of(world, 0).state, TALK_MEMBER);
	assert_memory_equal(before.device_key, status_of(world, 0).device_key, LEDGER_KEY_LEN);
	assert_int_equal(founding(world, 0, "Newsroom", NULL), SOTTO_ERR_STATE);
	assert_int_equal(present(world, 0), SOTTO_ERR_STATE);
	world_invite(world, 1);
	world_join(world, 1);
	world_run(world, 30);
	assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
	world_destroy(world);
}

/* Another network instead: of the first one nothing is left. */
static void test_another_founding(void **state)
{
	struct world *world = world_create(9);
	struct world_phone *phone = world_phone(world, 0);
	struct talk_status before;
	size_t rows;

	(void)state;
	assert_int_equal(founding(world, 0, "Newsroom", wrong_claim), SOTTO_OK);
	rows = store_memory_rows(phone->store);
	world_link(world, 0, true);
	world_run(world, 5);
	before = status_of(world, 0);
	assert_int_equal(founding(world, 0, "Night desk", NULL), SOTTO_OK);
	assert_int_equal(store_memory_rows(phone->store), rows);
	world_restart(phone);
	assert_int_equal(status_of(world, 0).state, TALK_FOUNDING);
	assert_memory_not_equal(before.device_key, status_of(world, 0).device_key, LEDGER_KEY_LEN);
	world_run(world, 5);
	assert_int_equal(status_of(world, 0).state, TALK_MEMBER);
	world_restart(phone);
	assert_int_equal(ledger_length(talk_ledger(phone->talk)), 1);
	assert_true(bytes_equal(ledger_founding(talk_ledger(phone->talk))->network_name,
				BYTES_TEXT("Night desk")));
	world_run(world, 5);
	world_invite(world, 1);
	world_join(world, 1);
	world_run(world, 30);
	assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
	world_destroy(world);
}

/* A card instead; the phone stops after each store action of that, and is in the one state or the other. */
static void test_join_instead_of_founding(void **state)
{
	uint32_t died = 1;
	uint64_t action;

	(void)state;
	for (action = 0; died > 0; action++) {
		struct world *world = world_create(10);
		struct world_phone *phone = world_phone(world, 1);
		uint64_t found_rows;

		world_found(world);
		world_invite(world, 1);
		assert_int_equal(founding(world, 1, "Other", wrong_claim), SOTTO_OK);
		found_rows = store_memory_rows(phone->store);
		world_link(world, 1, true);
		world_run(world, 5);
		world_die_after(phone, action);
		assert_int_equal(present(world, 1), SOTTO_OK);
		died = phone->deaths;
		if (died > 0) {
			assert_int_equal(status_of(world, 1).state, TALK_FOUNDING);
			assert_int_equal(store_memory_rows(phone->store), found_rows);
			assert_int_equal(present(world, 1), SOTTO_OK);
		}
		world_die_after(phone, UINT64_MAX);
		assert_int_equal(status_of(world, 1).state, TALK_JOINING);
		/* The phone itself and its key package. */
		assert_int_equal(store_memory_rows(phone->store), 2);
		world_run(world, 30);
		assert_int_equal(status_of(world, 1).state, TALK_MEMBER);
		assert_true(world_agree(world, 0, 1));
		world_destroy(world);
	}
	/* Group, epoch, ratchets, entry, key package, phone; phone and key package. */
	assert_true(action > 8);
}

/* Stopped after each store action while it is given up: whole before, or empty and whole after. */
static void test_stop_while_forgetting(void **state)
{
	uint32_t died = 1;

	(void)state;
	for (uint64_t action = 0; died > 0; action++) {
		struct world *world = world_create(7);

		world_found(world);
		world_invite(world, 1);
		world_link(world, 0, false);
		world_join(world, 1);
		world_run(world, CARD_S);
		world_die_after(world_phone(world, 1), action);
		world_run(world, 2 * (LATE_S + LOOK_S));
		died = world_phone(world, 1)->deaths;
		world_die_after(world_phone(world, 1), UINT64_MAX);
		world_run(world, LATE_S + LOOK_S);
		assert_empty(world, 1);
		world_destroy(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_card_is_over),
		cmocka_unit_test(test_card_that_was_used),
		cmocka_unit_test(test_last_look),
		cmocka_unit_test(test_no_last_look),
		cmocka_unit_test(test_another_card),
		cmocka_unit_test(test_founding_instead),
		cmocka_unit_test(test_stop_while_forgetting),
		cmocka_unit_test(test_claim_corrected),
		cmocka_unit_test(test_another_founding),
		cmocka_unit_test(test_join_instead_of_founding),
	};

	return cmocka_run_group_tests_name("forget", tests, NULL, NULL);
}
