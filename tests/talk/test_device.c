/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several devices of one person: in by their person alone, into all conversations, out again. Phones 0, 1, 2 are
 * members; phone 3 becomes the second device of member 101, whose first one is phone 1. Phone 4 is a stranger's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/circle.h"
#include "tests/talk/devices.h"
#include "tests/talk/steps.h"

#define PHONES 5
#define OLD    1
#define NEW    3

static struct world *world_begin(uint64_t seed)
{
	struct world *world = world_create_of(seed, PHONES);

	world_members(world, 3, false);
	return world;
}

/* In the ledger, in *everyone*, in the conversations that there are; nothing of before is on it. */
static void test_added(void **state)
{
	struct world *world = world_begin(1);
	const struct ledger_device *device;

	(void)state;
	say(world, OLD, 102, "before");
	world_run(world, 10);
	add(world, OLD, NEW, "Tablet");
	for (uint32_t i = 0; i < 4; i++) {
		device = device_of(world, i, NEW);
		assert_non_null(device);
		assert_int_equal(device->number, 2);
		assert_string_equal(device->name, "Tablet");
		assert_int_equal(device->member, device_of(world, i, OLD)->member);
		assert_int_equal(mls_group_member_count(everyone_of(world, i)->mls), 4);
		assert_int_equal(problems_of(world, i), 0);
	}
	assert_int_equal(look(world, NEW, 102, "before").count, 0);

	/* What each of the three devices says, the two others show. */
	say(world, OLD, 102, "from the phone");
	say(world, NEW, 102, "from the tablet");
	say(world, 2, 101, "to both");
	world_run(world, 20);
	assert_says(world, OLD, 102, "from the phone", 101, TALK_MESSAGE_DELIVERED);
	assert_says(world, NEW, 102, "from the phone", 101, TALK_MESSAGE_STORED);
	assert_says(world, 2, 101, "from the phone", 101, TALK_MESSAGE_RECEIVED);
	assert_says(world, OLD, 102, "from the tablet", 101, TALK_MESSAGE_STORED);
	assert_says(world, NEW, 102, "from the tablet", 101, TALK_MESSAGE_DELIVERED);
	assert_says(world, 2, 101, "from the tablet", 101, TALK_MESSAGE_RECEIVED);
	assert_says(world, OLD, 102, "to both", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, NEW, 102, "to both", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, 2, 101, "to both", 102, TALK_MESSAGE_DELIVERED);
	/* All three are told that there is one more. */
	assert_says(world, OLD, 102, "Tablet", 101, TALK_MESSAGE_RECEIVED);
	assert_says(world, NEW, 102, "Tablet", 101, TALK_MESSAGE_RECEIVED);
	assert_says(world, 2, 101, "Tablet", 101, TALK_MESSAGE_RECEIVED);
	assert_int_equal(look(world, 2, 101, "Tablet").message.verb, TALK_VERB_DEVICE);
	/* Nothing waits any more. */
	for (uint32_t i = 1; i < 4; i++)
		assert_true(list_empty(&direct_of(world, i, i == 2 ? 1 : 2)->outbox));
	/* And the same after a restart. */
	for (uint32_t i = 0; i < 4; i++)
		world_restart(world_phone(world, i));
	world_run(world, 10);
	say(world, NEW, 102, "later");
	world_run(world, 10);
	assert_says(world, 2, 101, "later", 101, TALK_MESSAGE_RECEIVED);
	assert_says(world, OLD, 102, "later", 101, TALK_MESSAGE_STORED);
	world_destroy(world);
}

/* Who writes first, to a person with two devices, has both from the beginning: none of them is news in there. */
static void test_begun_with_both(void **state)
{
	struct world *world = world_begin(12);

	(void)state;
	add(world, OLD, NEW, "Tablet");
	say(world, 2, 101, "the first word");
	world_run(world, 20);
	assert_says(world, 2, 101, "the first word", 102, TALK_MESSAGE_DELIVERED);
	assert_says(world, OLD, 102, "the first word", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, NEW, 102, "the first word", 102, TALK_MESSAGE_RECEIVED);
	assert_int_equal(look(world, 2, 101, "").devices, 0);
	assert_int_equal(look(world, OLD, 102, "").devices, 0);
	assert_int_equal(look(world, NEW, 102, "").devices, 0);
	world_destroy(world);
}

/* Without the code on the old phone nothing happens, whatever card and petition there are. */
static void test_only_its_person_approves(void **state)
{
	struct world *world = world_begin(2);
	char code[TALK_CODE_LEN + 1], other[TALK_CODE_LEN + 1], typed[32];

	(void)state;
	assert_int_equal(approve(world, OLD, "AAAA"), SOTTO_ERR_STATE);
	assert_int_equal(card_show(world, OLD, "a\nb"), SOTTO_ERR_INVALID);
	assert_int_equal(card_show(world, OLD, "Tablet"), SOTTO_OK);
	assert_int_equal(approve(world, OLD, "AAAA"), SOTTO_ERR_NOT_FOUND);
	world_join(world, NEW);
	/* Somebody photographed the card, and is there as well. */
	world_join(world, 4);
	world_run(world, 120);
	assert_true(talk_join_code(talk_of(world, NEW), code));
	assert_true(talk_join_code(talk_of(world, 4), other));
	assert_string_not_equal(code, other);
	assert_int_equal(state_of(world, NEW), TALK_JOINING);
	assert_int_equal(state_of(world, 4), TALK_JOINING);
	assert_null(device_of(world, 0, NEW));
	assert_null(device_of(world, 0, 4));
	assert_int_equal(approve(world, OLD, ""), SOTTO_ERR_VERIFY);
	assert_int_equal(approve(world, OLD, "AAAAAAAAAAAA"), SOTTO_ERR_VERIFY);
	/* Another member's phone has no card open, and the code is of no use there. */
	assert_int_equal(approve(world, 2, code), SOTTO_ERR_STATE);
	assert_int_equal(approve(world, 0, code), SOTTO_ERR_STATE);
	snprintf(typed, sizeof(typed), " %.4s-%.4s %.4s ", code, code + 4, code + 8);
	for (size_t i = 0; i < sizeof(typed) && typed[i] != '\0'; i++) {
		if (typed[i] >= 'A' && typed[i] <= 'Z' && i % 2 == 0)
			typed[i] = (char)(typed[i] - 'A' + 'a');
	}
	assert_int_equal(approve(world, OLD, typed), SOTTO_OK);
	world_run(world, 30);
	assert_int_equal(state_of(world, NEW), TALK_MEMBER);
	/* The other one waits until the card is over, and is then nobody's. */
	assert_int_equal(approve(world, OLD, other), SOTTO_ERR_STATE);
	world_run(world, 3600);
	assert_int_equal(state_of(world, 4), TALK_EMPTY);
	assert_null(device_of(world, 0, 4));
	assert_int_equal(ledger_member_by_extension(talk_ledger(talk_of(world, 0)), 101)->devices,
			 2);
	world_destroy(world);
}

/* A card is good for a few wrong codes, for ten minutes, and until the old phone ends; a new one ends it. */
static void test_card_ends(void **state)
{
	struct world *world = world_begin(3);
	char code[TALK_CODE_LEN + 1], again[TALK_CODE_LEN + 1];

	(void)state;
	ask(world, OLD, NEW, "Tablet", code);
	for (int i = 0; i < TALK_CODE_TRIES; i++)
		assert_int_equal(approve(world, OLD, "AAAAAAAAAAAA"), SOTTO_ERR_VERIFY);
	assert_int_equal(approve(world, OLD, code), SOTTO_ERR_STATE);
	ask(world, OLD, NEW, "Tablet", again);
	assert_string_not_equal(code, again);
	assert_int_equal(approve(world, OLD, code), SOTTO_ERR_VERIFY);
	world_restart(world_phone(world, OLD));
	world_run(world, 10);
	assert_int_equal(approve(world, OLD, again), SOTTO_ERR_STATE);
	ask(world, OLD, NEW, "Tablet", code);
	world_run(world, TALK_CARD_MS / 1000);
	assert_int_equal(approve(world, OLD, code), SOTTO_ERR_STATE);
	world_run(world, 600);
	assert_int_equal(state_of(world, NEW), TALK_EMPTY);
	assert_null(device_of(world, 0, NEW));
	/* The old phone is off while the card is shown, and approves on its return. */
	ask(world, OLD, NEW, "Tablet", code);
	world_link(world, OLD, false);
	world_run(world, 1);
	assert_int_equal(approve(world, OLD, code), SOTTO_ERR_AGAIN);
	world_link(world, OLD, true);
	world_run(world, 5);
	assert_int_equal(approve(world, OLD, code), SOTTO_OK);
	world_run(world, 30);
	assert_int_equal(state_of(world, NEW), TALK_MEMBER);
	world_destroy(world);
}

/* The one is off: the message is delivered by the other, and comes to the first one when it is back. */
static void test_one_is_off(void **state)
{
	struct world *world = world_begin(4);

	(void)state;
	add_after(world, "before", OLD, NEW);
	world_link(world, OLD, false);
	world_run(world, 1);
	say(world, 2, 101, "one");
	say(world, NEW, 102, "two");
	world_run(world, 10);
	assert_says(world, NEW, 102, "one", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, 2, 101, "one", 102, TALK_MESSAGE_DELIVERED);
	assert_says(world, NEW, 102, "two", 101, TALK_MESSAGE_DELIVERED);
	assert_int_equal(look(world, OLD, 102, "one").count, 0);
	assert_false(list_empty(&direct_of(world, 2, OLD)->outbox));
	world_link(world, OLD, true);
	world_run(world, 10);
	assert_says(world, OLD, 102, "one", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, OLD, 102, "two", 101, TALK_MESSAGE_STORED);
	assert_true(list_empty(&direct_of(world, 2, OLD)->outbox));
	/* Both off: only our own would have it, and it is not delivered. */
	world_link(world, 2, false);
	world_run(world, 1);
	say(world, OLD, 102, "three");
	world_run(world, 10);
	assert_says(world, NEW, 102, "three", 101, TALK_MESSAGE_STORED);
	assert_says(world, OLD, 102, "three", 101, TALK_MESSAGE_STORED);
	world_link(world, 2, true);
	world_run(world, 10);
	assert_says(world, OLD, 102, "three", 101, TALK_MESSAGE_DELIVERED);
	/* A first conversation, begun on the second device, is on the first one too. */
	say(world, NEW, 100, "hello");
	world_run(world, 20);
	assert_says(world, OLD, 100, "hello", 101, TALK_MESSAGE_STORED);
	assert_says(world, 0, 101, "hello", 101, TALK_MESSAGE_RECEIVED);
	world_destroy(world);
}

/* Taken out: it learns that, and nothing that is sent later can be read with it, in any conversation. */
static void test_retired(void **state)
{
	struct circle circle = {.phones = PHONES};
	static const uint32_t others[] = {101, 102};
	struct world *world = world_begin(5);
	uint8_t secret[32], left[32];
	uint64_t epoch;

	(void)state;
	circle.world = world;
	say(world, 2, 101, "before");
	assert_int_equal(talk_group_create(talk_of(world, 0), BYTES_TEXT("Harbour"), others, 2,
					   circle.id, world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 20);
	add(world, OLD, NEW, "Tablet");
	assert_true(circle_holds(&circle, 0xf, "Harbour"));
	/* The thief keeps it off until it is too late for him. */
	world_link(world, NEW, false);
	world_run(world, 1);
	assert_int_equal(
		talk_device_retire(talk_of(world, 2), 101, 2, world_now(world), utc_ms(world)),
		SOTTO_ERR_DENIED);
	assert_int_equal(
		talk_device_retire(talk_of(world, OLD), 101, 1, world_now(world), utc_ms(world)),
		SOTTO_ERR_INVALID);
	assert_int_equal(
		talk_device_retire(talk_of(world, OLD), 101, 3, world_now(world), utc_ms(world)),
		SOTTO_ERR_NOT_FOUND);
	retire(world, OLD, 2);
	say(world, 2, 101, "secret");
	assert_int_equal(circle_send(&circle, 2, 1), SOTTO_OK);
	world_run(world, 20);
	assert_says(world, OLD, 102, "secret", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, 2, 101, "secret", 102, TALK_MESSAGE_DELIVERED);
	assert_int_equal(circle_state(&circle, 2, 1), TALK_MESSAGE_DELIVERED);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(circle_sees(&circle, i, 0x7));
	epoch = epoch_of(direct_of(world, NEW, 2));
	world_link(world, NEW, true);
	world_run(world, 60);
	assert_int_equal(state_of(world, NEW), TALK_REVOKED);
	assert_int_equal(look(world, NEW, 102, "secret").count, 0);
	assert_int_equal(circle_received(&circle, NEW, 2, 1), 0);
	/* Its epoch is past, and what the others derive it cannot. */
	assert_true(epoch_of(direct_of(world, 2, OLD)) > epoch);
	assert_int_equal(
		mls_group_export(direct_of(world, 2, OLD)->mls, "test", BYTES_NONE, secret, 32),
		SOTTO_OK);
	assert_int_equal(
		mls_group_export(direct_of(world, NEW, 2)->mls, "test", BYTES_NONE, left, 32),
		SOTTO_OK);
	assert_memory_not_equal(secret, left, 32);
	assert_int_equal(look(world, 2, 101, "Tablet").count, 2);
	assert_int_equal(look(world, 2, 101, "Tablet").message.verb, TALK_VERB_DEVICE_GONE);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(problems_of(world, i), 0);
	world_destroy(world);
}

/* Who was off is let into a conversation in which a device stands that is out by now: he takes it, and that one goes. */
static void test_welcome_with_revoked(void **state)
{
	struct world *world = world_begin(13);

	(void)state;
	add(world, OLD, NEW, "Tablet");
	world_link(world, 2, false);
	say(world, OLD, 102, "hello");
	world_run(world, 20);
	world_link(world, NEW, false);
	retire(world, OLD, 2);
	world_link(world, 2, true);
	world_run(world, 60);
	assert_says(world, 2, 101, "hello", 101, TALK_MESSAGE_RECEIVED);
	assert_says(world, OLD, 102, "hello", 101, TALK_MESSAGE_DELIVERED);
	assert_true(list_empty(&direct_of(world, OLD, 2)->outbox));
	assert_int_equal(mls_group_member_count(direct_of(world, 2, OLD)->mls), 2);
	world_destroy(world);
}

/* The first one was lost: the second one takes it out. An admin takes out the member with all. */
static void test_first_one_lost(void **state)
{
	struct world *world = world_begin(6);

	(void)state;
	add_after(world, "before", OLD, NEW);
	add(world, NEW, 4, "Desk");
	world_link(world, OLD, false);
	retire(world, NEW, 1);
	assert_int_equal(device_of(world, 0, OLD)->state, LEDGER_DEVICE_REVOKED);
	say(world, 2, 101, "later");
	world_run(world, 20);
	assert_says(world, NEW, 102, "later", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, 4, 102, "later", 102, TALK_MESSAGE_RECEIVED);
	assert_says(world, 2, 101, "later", 102, TALK_MESSAGE_DELIVERED);
	world_link(world, OLD, true);
	world_run(world, 60);
	assert_int_equal(state_of(world, OLD), TALK_REVOKED);
	assert_int_equal(look(world, OLD, 102, "later").count, 0);
	revoke(world, 1);
	world_run(world, 60);
	assert_int_equal(state_of(world, NEW), TALK_REVOKED);
	assert_int_equal(state_of(world, 4), TALK_REVOKED);
	assert_int_equal(mls_group_member_count(everyone_of(world, 0)->mls), 2);
	for (uint32_t i = 0; i < 3; i += 2)
		assert_int_equal(problems_of(world, i), 0);
	world_destroy(world);
}

/* Who began a conversation is out before one of the other one's devices came in: it never does, and is taken out of it. */
static void test_other_one_is_out(void **state)
{
	struct world *world = world_begin(14);
	struct talk_group *group;

	(void)state;
	add(world, OLD, NEW, "Tablet");
	world_link(world, NEW, false);
	world_run(world, 1);
	say(world, 2, 101, "hello");
	world_run(world, 20);
	assert_says(world, OLD, 102, "hello", 102, TALK_MESSAGE_RECEIVED);
	group = direct_of(world, OLD, 2);
	assert_int_equal(mls_group_member_count(group->mls), 3);
	revoke(world, 2);
	world_run(world, 60);
	assert_int_equal(mls_group_member_count(group->mls), 1);
	world_link(world, NEW, true);
	world_run(world, 1200);
	assert_int_equal(mls_group_member_count(group->mls), 1);
	assert_int_equal(look(world, NEW, 102, "hello").count, 0);
	assert_int_equal(problems_of(world, OLD), 0);
	assert_int_equal(problems_of(world, NEW), 0);
	world_destroy(world);
}

/* What is left of a conversation whose other one is out is found again after a loss, and then nothing goes on there. */
static void test_other_one_is_out_and_lost(void **state)
{
	struct world *world = world_begin(15);
	uint64_t epoch;

	(void)state;
	add(world, OLD, NEW, "Tablet");
	say(world, 2, 101, "hello");
	world_run(world, 20);
	revoke(world, 2);
	world_run(world, 60);
	assert_int_equal(mls_group_member_count(direct_of(world, NEW, 2)->mls), 2);
	for (uint32_t i = 0; i < PHONES - 1; i++)
		world_link(world, i, false);
	world_run(world, 1);
	fake_relay_lose(world_relay(world));
	for (uint32_t i = 0; i < PHONES - 1; i++)
		world_link(world, i, i != 2);
	world_run(world, 1200);
	epoch = epoch_of(direct_of(world, OLD, 2));
	world_run(world, 3600);
	assert_int_equal(epoch_of(direct_of(world, OLD, 2)), epoch);
	assert_int_equal(epoch_of(direct_of(world, NEW, 2)), epoch);
	assert_int_equal(direct_of(world, OLD, 2)->stuck, TALK_STUCK_NO);
	assert_int_equal(direct_of(world, NEW, 2)->stuck, TALK_STUCK_NO);
	world_destroy(world);
}

/* In a group: told once, one order, and who leaves on one device has left. */
static void test_group(void **state)
{
	struct circle circle = {.phones = PHONES};
	static const uint32_t others[] = {101, 102};
	struct world *world = world_begin(7);
	char *story;

	(void)state;
	circle.world = world;
	assert_int_equal(talk_group_create(talk_of(world, 0), BYTES_TEXT("Harbour"), others, 2,
					   circle.id, world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 20);
	add(world, OLD, NEW, "Tablet");
	assert_true(circle_holds(&circle, 0xf, "Harbour"));
	assert_int_equal(circle_send(&circle, NEW, 1), SOTTO_OK);
	world_run(world, 10);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(circle_received(&circle, i, 1, 1), 1);
	assert_true(list_empty(&circle_group(&circle, NEW)->outbox));
	assert_int_equal(circle_leave(&circle, NEW), SOTTO_OK);
	world_run(world, 2);
	world_run(world, 30);
	assert_true(circle_holds(&circle, 0x5, "Harbour"));
	assert_int_equal(circle_send(&circle, OLD, 2), SOTTO_ERR_DENIED);
	story = circle_story(&circle, 0, true);
	assert_non_null(strstr(story, "101 has"));
	assert_string_equal(strstr(story, "101 has"), "101 has Tablet\n101: text 1\n101 left\n");
	free(story);
	/* Added again, he comes with both, and is told of once. */
	assert_int_equal(circle_add(&circle, 2, PHONE(1)), SOTTO_OK);
	world_run(world, 30);
	assert_true(circle_holds(&circle, 0xf, "Harbour"));
	assert_int_equal(circle_remove(&circle, 0, PHONE(1)), SOTTO_OK);
	world_run(world, 30);
	assert_true(circle_holds(&circle, 0x5, "Harbour"));
	story = circle_story(&circle, 0, false);
	assert_non_null(strstr(story, "101 has"));
	assert_string_equal(strstr(story, "101 has"),
			    "101 has Tablet\n101 left\n102 added 101\n100 removed 101\n");
	free(story);
	world_destroy(world);
}

/* An entry for a device that never comes keeps nobody out. */
static void test_device_that_never_comes(void **state)
{
	struct world *world = world_begin(8);
	struct talk *talk = talk_of(world, 2);
	union ledger_body body = {.further = {.name = BYTES_TEXT("Ghost")}};
	struct mls_identity ghost = {0}, card = {0};
	struct talk_blob entry = {0};

	(void)state;
	assert_int_equal(mls_identity_generate(&talk->mls, talk->suite, &ghost), SOTTO_OK);
	assert_int_equal(mls_identity_generate(&talk->mls, talk->suite, &card), SOTTO_OK);
	memcpy(body.further.approver, talk->identity.public_key, LEDGER_KEY_LEN);
	assert_int_equal(ledger_further_sign(ledger_network(talk->ledger),
					     secret_bytes(&card.private_key),
					     secret_bytes(&ghost.private_key), &body.further),
			 SOTTO_OK);
	assert_int_equal(talk_entry_make(talk, LEDGER_FURTHER, &body, &entry), SOTTO_OK);
	assert_int_equal(talk_act(talk, talk_blob_bytes(&entry), world_now(world), utc_ms(world)),
			 SOTTO_OK);
	talk_blob_clear(talk, &entry);
	world_settle(world_phone(world, 2));
	world_run(world, 3600);
	world_invite(world, NEW);
	world_join(world, NEW);
	world_run(world, 30);
	assert_int_equal(state_of(world, NEW), TALK_MEMBER);
	bytes_wipe(&ghost, sizeof(ghost));
	bytes_wipe(&card, sizeof(card));
	world_destroy(world);
}

/* Whatever dies on the way, it comes about or not, and nobody is stopped. */
static void test_deaths(void **state)
{
	uint32_t in = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 24; seed++) {
		struct world *world = world_begin(100 + seed);
		char code[TALK_CODE_LEN + 1];

		say(world, 2, 101, "before");
		world_run(world, 10);
		ask(world, OLD, NEW, "Tablet", code);
		world_die_after(world_phone(world, (uint32_t)(seed % 4)), seed / 2);
		(void)!approve(world, OLD, code);
		world_run(world, 240);
		say(world, 2, 101, "after");
		world_run(world, 20);
		assert_says(world, OLD, 102, "after", 102, TALK_MESSAGE_RECEIVED);
		if (device_of(world, 0, NEW) != NULL) {
			assert_int_equal(state_of(world, NEW), TALK_MEMBER);
			assert_says(world, NEW, 102, "after", 102, TALK_MESSAGE_RECEIVED);
			in++;
		}
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(problems_of(world, i), 0);
		world_destroy(world);
	}
	assert_true(in >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begun_with_both),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_only_its_person_approves),
		cmocka_unit_test(test_card_ends),
		cmocka_unit_test(test_one_is_off),
		cmocka_unit_test(test_retired),
		cmocka_unit_test(test_welcome_with_revoked),
		cmocka_unit_test(test_first_one_lost),
		cmocka_unit_test(test_other_one_is_out),
		cmocka_unit_test(test_other_one_is_out_and_lost),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_device_that_never_comes),
		cmocka_unit_test(test_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
