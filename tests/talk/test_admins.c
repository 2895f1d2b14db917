/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What k of n admins do together: proposals, and what the relay is told for them. Phones 0, 1 and 2 are the admins of all
 * stories, two of whom must sign; 3 and 4 are members.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "talk/admins.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define PHONES 5

static uint64_t utc(struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

static const struct ledger *ledger_of(struct world *world, uint32_t number)
{
	return talk_ledger(talk_of(world, number));
}

static enum sotto_err add(struct world *world, uint32_t by, uint32_t number, uint32_t threshold)
{
	enum sotto_err err = talk_admin_add(talk_of(world, by), world_extension(world, number), 0,
					    threshold, world_now(world), utc(world));

	world_settle(world_phone(world, by));
	return err;
}

static enum sotto_err take_out(struct world *world, uint32_t by, uint32_t number)
{
	enum sotto_err err = talk_revoke(talk_of(world, by), world_extension(world, number),
					 world_now(world), utc(world));

	world_settle(world_phone(world, by));
	return err;
}

static enum sotto_err approve(struct world *world, uint32_t by, const char *code)
{
	enum sotto_err err = talk_approve(talk_of(world, by), BYTES(code, strlen(code)),
					  world_now(world), utc(world));

	world_settle(world_phone(world, by));
	return err;
}

static enum sotto_err refuse(struct world *world, uint32_t by, const char *code)
{
	enum sotto_err err = talk_refuse(talk_of(world, by), BYTES(code, strlen(code)),
					 world_now(world), utc(world));

	world_settle(world_phone(world, by));
	return err;
}

static enum sotto_err invite(struct world *world, uint32_t by, uint32_t number)
{
	enum sotto_err err = talk_invite(talk_of(world, by), world_extension(world, number),
					 BYTES_TEXT("Bo"), 86400000, world_now(world), utc(world));

	world_settle(world_phone(world, by));
	return err;
}

static uint32_t open_at(struct world *world, uint32_t number, struct talk_proposal_info *info)
{
	struct talk_proposal_info item;
	uint64_t cursor = 0;
	uint32_t count = 0;

	while (talk_next_proposal(talk_of(world, number), &cursor, &item)) {
		*info = item;
		count++;
	}
	return count;
}

static bool is_out(struct world *world, uint32_t at, uint32_t number)
{
	const struct ledger_member *member =
		ledger_member_by_extension(ledger_of(world, at), world_extension(world, number));

	return member != NULL && member->state == LEDGER_MEMBER_REVOKED;
}

static void assert_relay(struct world *world, uint64_t serial, size_t count, size_t threshold)
{
	size_t admins, needed;

	assert_int_equal(fake_relay_admins(world_relay(world), &admins, &needed), serial);
	assert_int_equal(admins, count);
	assert_int_equal(needed, threshold);
}

static struct world *two_of_three(uint64_t seed, uint32_t phones)
{
	struct world *world = world_create(seed);

	world_members(world, phones, false);
	world_run(world, 20);
	assert_int_equal(add(world, 0, 1, 0), SOTTO_OK);
	world_run(world, 20);
	assert_relay(world, 2, 2, 1);
	assert_int_equal(add(world, 1, 2, 2), SOTTO_OK);
	world_run(world, 20);
	assert_relay(world, 3, 3, 2);
	for (uint32_t i = 0; i < phones; i++) {
		assert_int_equal(ledger_threshold(ledger_of(world, i)), 2);
		assert_int_equal(problems_of(world, i), 0);
	}
	return world;
}

/* One alone changes nothing; the second one does, at all phones, and the relay has the next key of two. */
static void test_two_take_one_out(void **state)
{
	struct world *world = two_of_three(900, PHONES);
	struct talk_proposal_info info;
	struct ledger_entry entry;
	union ledger_body body;
	char code[TALK_CODE_LEN + 1];

	(void)state;
	assert_int_equal(take_out(world, 3, 4), SOTTO_ERR_DENIED);
	assert_int_equal(take_out(world, 0, 1), SOTTO_ERR_INVALID);
	assert_int_equal(take_out(world, 0, 3), SOTTO_OK);
	world_run(world, 20);
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_false(is_out(world, i, 3));
		assert_int_equal(open_at(world, i, &info), 1);
		assert_int_equal(info.by, 100);
		assert_int_equal(info.needed, 1);
		assert_int_equal(info.signed_count, 1);
		assert_int_equal(info.ours, i == 0);
		assert_int_equal(info.may, i == 1 || i == 2);
		assert_true(talk_proposal_act(talk_of(world, i), BYTES(info.code, TALK_CODE_LEN), 0,
					      &entry));
		assert_int_equal(entry.act.action, LEDGER_REVOKE);
		assert_int_equal(ledger_body_decode(LEDGER_REVOKE, entry.act.body, &body),
				 SOTTO_OK);
	}
	memcpy(code, info.code, sizeof(code));
	assert_int_equal(approve(world, 0, code), SOTTO_ERR_EXISTS);
	assert_int_equal(approve(world, 4, code), SOTTO_ERR_DENIED);
	assert_int_equal(approve(world, 1, "AAAABBBBCCCC"), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(approve(world, 2, code), SOTTO_OK);
	world_run(world, 20);
	for (uint32_t i = 0; i < PHONES; i++) {
		if (i == 3)
			continue;
		assert_true(is_out(world, i, 3));
		assert_int_equal(open_at(world, i, &info), 0);
		assert_int_equal(problems_of(world, i), 0);
		assert_int_equal(world_phone(world, i)->proposal, TALK_PROPOSAL_DONE);
	}
	assert_int_equal(state_of(world, 3), TALK_REVOKED);
	assert_int_equal(fake_relay_number(world_relay(world)), 2);
	assert_int_equal(authority(world, 4), WIRE_AUTHORITY_FULL);
	world_destroy(world);
}

/* Everything that a proposal is survives the phone's end, and what nobody has heard is said again. */
static void test_restart_and_loss(void **state)
{
	struct world *world = two_of_three(901, PHONES);
	struct talk_proposal_info info;

	(void)state;
	world_link(world, 2, false);
	world_run(world, 1);
	assert_int_equal(take_out(world, 0, 3), SOTTO_OK);
	world_run(world, 5);
	for (uint32_t i = 0; i < PHONES; i++) {
		world_restart(world_phone(world, i));
		assert_int_equal(open_at(world, i, &info), i == 2 ? 0 : 1);
	}
	/* It is lost before phone 2 has read it. */
	fake_relay_lose(world_relay(world));
	world_link(world, 2, true);
	world_run(world, 300);
	assert_int_equal(open_at(world, 2, &info), 1);
	assert_int_equal(approve(world, 2, info.code), SOTTO_OK);
	world_restart(world_phone(world, 2));
	world_run(world, 120);
	for (uint32_t i = 0; i < PHONES; i++) {
		if (i != 3)
			assert_true(is_out(world, i, 3));
	}
	world_destroy(world);
}

/* The last signature's phone dies before it has sent the entry: another one of the admins does. */
static void test_another_one_sends_it(void **state)
{
	struct world *world = two_of_three(902, PHONES);
	struct talk_proposal_info info;

	(void)state;
	assert_int_equal(take_out(world, 0, 3), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 1, &info), 1);
	world_link(world, 0, false);
	assert_int_equal(approve(world, 1, info.code), SOTTO_OK);
	world_run_ms(world, 1);
	world_link(world, 0, true);
	world_run(world, 60);
	assert_true(is_out(world, 4, 3));
	world_destroy(world);
}

/* Two against it are too many of three, and who proposed it may withdraw it. */
static void test_refused(void **state)
{
	struct world *world = two_of_three(903, PHONES);
	struct talk_proposal_info info;

	(void)state;
	assert_int_equal(take_out(world, 0, 3), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 1, &info), 1);
	assert_int_equal(refuse(world, 1, info.code), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 4, &info), 1);
	assert_int_equal(info.refused_count, 1);
	assert_int_equal(info.refused_by[0], 101);
	assert_int_equal(refuse(world, 2, info.code), SOTTO_OK);
	world_run(world, 5);
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_int_equal(open_at(world, i, &info), 0);
		assert_int_equal(world_phone(world, i)->proposal, TALK_PROPOSAL_LAPSED);
	}
	assert_int_equal(take_out(world, 0, 4), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 0, &info), 1);
	assert_int_equal(refuse(world, 0, info.code), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 2, &info), 0);
	assert_false(is_out(world, 2, 4));
	world_destroy(world);
}

/* Nobody comes in by one admin; by two he does, unconfirmed, until somebody else has compared the words. */
static void test_invited_and_confirmed(void **state)
{
	struct world *world = two_of_three(904, 4);
	struct talk_proposal_info info;
	char words[TALK_CODE_LEN + 1], other[TALK_CODE_LEN + 1];
	struct world_phone *maker = world_phone(world, 0);
	const struct ledger_device *device;

	(void)state;
	maker->invitation_len = 0;
	assert_int_equal(invite(world, 0, 4), SOTTO_OK);
	world_run(world, 20);
	assert_int_equal(maker->invitation_len, 0);
	assert_int_equal(open_at(world, 1, &info), 1);
	/* Asked again nothing more is proposed. */
	assert_int_equal(invite(world, 0, 4), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 1, &info), 1);
	assert_int_equal(approve(world, 1, info.code), SOTTO_OK);
	world_run(world, 20);
	assert_int_not_equal(maker->invitation_len, 0);
	world_join(world, 4);
	world_run(world, 60);
	assert_int_equal(state_of(world, 4), TALK_MEMBER);
	device = ledger_device_by_key(ledger_of(world, 3), talk_of(world, 4)->identity.public_key);
	assert_int_equal(device->state, LEDGER_DEVICE_UNCONFIRMED);
	assert_false(world_send(world, 3, 4, 0));

	assert_int_equal(talk_confirm_words(talk_of(world, 4), 104, words), SOTTO_OK);
	assert_int_equal(talk_confirm_words(talk_of(world, 3), 104, other), SOTTO_OK);
	assert_string_equal(words, other);
	other[0] = other[0] == 'A' ? 'B' : 'A';
	assert_int_equal(talk_confirm(talk_of(world, 3), 104, BYTES(other, TALK_CODE_LEN),
				      world_now(world), utc(world)),
			 SOTTO_ERR_VERIFY);
	/* Who signed the invitation does not confirm whom it brought. */
	assert_int_equal(talk_confirm(talk_of(world, 0), 104, BYTES(words, TALK_CODE_LEN),
				      world_now(world), utc(world)),
			 SOTTO_ERR_DENIED);
	assert_int_equal(talk_confirm(talk_of(world, 4), 104, BYTES(words, TALK_CODE_LEN),
				      world_now(world), utc(world)),
			 SOTTO_ERR_DENIED);
	assert_int_equal(talk_confirm(talk_of(world, 3), 104, BYTES(words, TALK_CODE_LEN),
				      world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 3));
	world_run(world, 20);
	assert_true(world_send(world, 3, 4, 0));
	world_run(world, 20);
	assert_int_equal(world_received(world, 3, 4, 0), 1);
	world_destroy(world);
}

/* A hundred in one: one approval, and each of them becomes an entry. */
static void test_many_at_once(void **state)
{
	struct world *world = two_of_three(905, 4);
	struct talk_guest guests[100];
	char names[100][8];
	struct talk_proposal_info info;
	size_t wrong;
	uint64_t before = ledger_length(ledger_of(world, 0));

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		int len = snprintf(names[i], sizeof(names[i]), "N%zu", i);

		guests[i] = (struct talk_guest){.extension = 200 + (uint32_t)i,
						.name = BYTES(names[i], (size_t)len),
						.places = 1};
	}
	/* One of them is wrong: nobody is invited, and it is said whose line it is. */
	guests[70].extension = 101;
	assert_int_equal(talk_invite_all(talk_of(world, 0), guests, 100, 86400000, &wrong,
					 world_now(world), utc(world)),
			 SOTTO_ERR_EXISTS);
	world_settle(world_phone(world, 0));
	assert_int_equal(wrong, 70);
	assert_int_equal(open_at(world, 0, &info), 0);
	guests[70].extension = 270;
	assert_int_equal(talk_invite_all(talk_of(world, 0), guests, 100, 86400000, &wrong,
					 world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 20);
	assert_int_equal(open_at(world, 2, &info), 1);
	assert_int_equal(info.acts, 100);
	assert_int_equal(approve(world, 2, info.code), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(ledger_length(ledger_of(world, 3)), before + 100);
	assert_int_equal(open_at(world, 0, &info), 0);
	world_destroy(world);
}

/* Who is admin no more signs nothing more, and what he has signed before lapses. */
static void test_admin_leaves(void **state)
{
	struct world *world = two_of_three(906, PHONES);
	struct talk_proposal_info info;
	char code[TALK_CODE_LEN + 1];

	(void)state;
	assert_int_equal(take_out(world, 2, 3), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 0, &info), 1);
	memcpy(code, info.code, sizeof(code));
	/* Two of two cannot be: first one must be enough. */
	assert_int_equal(talk_admin_remove(talk_of(world, 0), 102, 0, world_now(world), utc(world)),
			 SOTTO_ERR_INVALID);
	assert_int_equal(talk_admin_remove(talk_of(world, 0), 102, 1, world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 5);
	assert_int_equal(open_at(world, 1, &info), 2);
	assert_int_equal(approve(world, 1, info.code), SOTTO_OK);
	world_run(world, 20);
	assert_relay(world, 4, 2, 1);
	assert_int_equal(open_at(world, 1, &info), 0);
	assert_int_equal(approve(world, 1, code), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(take_out(world, 2, 3), SOTTO_ERR_DENIED);
	assert_int_equal(take_out(world, 1, 3), SOTTO_OK);
	world_run(world, 20);
	assert_true(is_out(world, 0, 3));
	assert_int_equal(fake_relay_number(world_relay(world)), 2);
	world_destroy(world);
}

/* The relay takes the next key when enough of them are there to sign it, and not before. */
static void test_key_waits_for_two(void **state)
{
	struct world *world = two_of_three(907, PHONES);
	struct talk_proposal_info info;

	(void)state;
	assert_int_equal(take_out(world, 0, 3), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(open_at(world, 1, &info), 1);
	world_link(world, 2, false);
	assert_int_equal(approve(world, 1, info.code), SOTTO_OK);
	world_run_ms(world, 100);
	world_link(world, 1, false);
	world_run(world, 120);
	assert_true(is_out(world, 4, 3));
	assert_int_equal(fake_relay_number(world_relay(world)), 1);
	world_link(world, 2, true);
	world_run(world, 90);
	assert_int_equal(fake_relay_number(world_relay(world)), 2);
	world_run(world, 30);
	assert_int_equal(authority(world, 4), WIRE_AUTHORITY_FULL);
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_take_one_out),
		cmocka_unit_test(test_restart_and_loss),
		cmocka_unit_test(test_another_one_sends_it),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_invited_and_confirmed),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_admin_leaves),
		cmocka_unit_test(test_key_waits_for_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
