/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several devices of one person: who may add and retire them, how many there may be, and that neither a thief
 * of one nor another member gets more by it. Two of three admins; person 3 has two places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/ledger/network.h"
#include "tests/ledger/whole.h"

static struct ledger *ledger;
static const uint32_t both[] = {0, 1};
static const uint32_t founder[] = {0};
static const uint32_t fourth[] = {4};
static const uint32_t confirmer[] = {3};

#define MEMBER	4  /* with two places, by number of the first device */
#define FURTHER 40 /* the number of his second device */

static void add_member(uint32_t number, uint8_t places)
{
	union ledger_body body;

	body_authorise(number, &body);
	body.authorise.devices = places;
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);
	body_enrol(ledger, number, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_OK);
}

static int setup(void **state)
{
	union ledger_body body;

	(void)state;
	ledger = network_two_of_three(&allocator_default);
	add_member(MEMBER, 2);
	body_subject(MEMBER, &body);
	assert_int_equal(act(ledger, LEDGER_CONFIRM, &body, confirmer, 1), SOTTO_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_destroy(ledger);
	return 0;
}

static enum sotto_err add(uint32_t approver, uint32_t number, const char *name)
{
	union ledger_body body;

	body_further(ledger, approver, number, name, &body);
	return act(ledger, LEDGER_FURTHER, &body, &approver, 1);
}

static enum sotto_err subject_act(uint8_t action, uint32_t number, const uint32_t *signers,
				  size_t count)
{
	union ledger_body body;

	body_subject(number, &body);
	return act(ledger, action, &body, signers, count);
}

static const struct ledger_device *device_of(uint32_t number)
{
	struct person person;

	person_make(number, &person);
	return ledger_device_by_key(ledger, person.device_key);
}

static void test_added_by_its_person(void **state)
{
	const struct ledger_device *device;
	const struct ledger_member *member;

	(void)state;
	assert_int_equal(add(MEMBER, FURTHER, "Tablet"), SOTTO_OK);
	device = device_of(FURTHER);
	member = ledger_member_by_extension(ledger, 100 + MEMBER);
	assert_int_equal(device->member, member->id);
	assert_int_equal(device->state, LEDGER_DEVICE_ACTIVE);
	assert_int_equal(device->number, 2);
	assert_string_equal(device->name, "Tablet");
	assert_int_equal(device->since_ms, NETWORK_UTC_MS);
	assert_int_equal(member->devices, 2);
	assert_true(ledger_same_member(ledger, device->key, device_of(MEMBER)->key));
	assert_ptr_equal(ledger_device_by_number(ledger, member->id, 2), device);
	assert_true(ledger_allows_leaf(ledger, device->key, true));
}

/* Who signs, and what the ledger says. */
static void test_signers(void **state)
{
	static const struct {
		uint32_t signers[2];
		size_t count;
		enum sotto_err err;
	} table[] = {
		{{0}, 0, SOTTO_ERR_DENIED},	    /* nobody */
		{{0}, 1, SOTTO_ERR_DENIED},	    /* an admin */
		{{0, 1}, 2, SOTTO_ERR_DENIED},	    /* all admins that are needed */
		{{3}, 1, SOTTO_ERR_DENIED},	    /* another member */
		{{8}, 1, SOTTO_ERR_DENIED},	    /* a stranger */
		{{FURTHER}, 1, SOTTO_ERR_DENIED},   /* the new device itself */
		{{MEMBER, 3}, 2, SOTTO_ERR_DENIED}, /* he and another one */
		{{MEMBER}, 1, SOTTO_OK},
		{{MEMBER}, 1, SOTTO_ERR_EXISTS}, /* the same device again */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t length = ledger_length(ledger);
		union ledger_body body;

		body_further(ledger, MEMBER, FURTHER, "Tablet", &body);
		assert_int_equal(
			act(ledger, LEDGER_FURTHER, &body, table[i].signers, table[i].count),
			table[i].err);
		assert_int_equal(ledger_length(ledger), length + (table[i].err == SOTTO_OK));
	}
}

/* A member who sees the petition of somebody's phone does not get that phone for himself, nor changes it. */
static void test_bent_bodies(void **state)
{
	struct person thief;
	union ledger_body body, bent;
	const uint32_t three[] = {3};

	(void)state;
	body_further(ledger, MEMBER, FURTHER, "Tablet", &body);
	person_make(3, &thief);
	bent = body;
	memcpy(bent.further.approver, thief.device_key, LEDGER_KEY_LEN);
	assert_int_equal(act(ledger, LEDGER_FURTHER, &bent, three, 1), SOTTO_ERR_LIMIT);
	add_member(5, 2);
	assert_int_equal(subject_act(LEDGER_CONFIRM, 5, confirmer, 1), SOTTO_OK);
	person_make(5, &thief);
	memcpy(bent.further.approver, thief.device_key, LEDGER_KEY_LEN);
	assert_int_equal(act(ledger, LEDGER_FURTHER, &bent, (const uint32_t[]){5}, 1),
			 SOTTO_ERR_VERIFY);
	bent = body;
	bent.further.inbox_read[0] ^= 1;
	assert_int_equal(act(ledger, LEDGER_FURTHER, &bent, fourth, 1), SOTTO_ERR_VERIFY);
	bent = body;
	bent.further.name = BYTES_TEXT("Table");
	assert_int_equal(act(ledger, LEDGER_FURTHER, &bent, fourth, 1), SOTTO_ERR_VERIFY);
	bent = body;
	bent.further.name = BYTES_TEXT("a\nb");
	assert_int_equal(act(ledger, LEDGER_FURTHER, &bent, fourth, 1), SOTTO_ERR_INVALID);
	bent = body;
	memcpy(bent.further.card_key, thief.invitation_key, LEDGER_KEY_LEN);
	assert_int_equal(act(ledger, LEDGER_FURTHER, &bent, fourth, 1), SOTTO_ERR_VERIFY);
	/* An unconfirmed device brings nobody in. */
	add_member(6, 2);
	assert_int_equal(add(6, 60, "Tablet"), SOTTO_ERR_DENIED);
	assert_int_equal(act(ledger, LEDGER_FURTHER, &body, fourth, 1), SOTTO_OK);
}

static void test_places(void **state)
{
	union ledger_body body;

	(void)state;
	body_authorise(7, &body);
	body.authorise.devices = 0;
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_ERR_INVALID);
	body.authorise.devices = LEDGER_PLACES_MAX + 1;
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_ERR_INVALID);

	assert_int_equal(add(3, 30, "Tablet"), SOTTO_ERR_LIMIT); /* one place */
	assert_int_equal(add(MEMBER, FURTHER, "Tablet"), SOTTO_OK);
	assert_int_equal(add(MEMBER, 41, "Desk"), SOTTO_ERR_LIMIT);
	assert_int_equal(add(FURTHER, 41, "Desk"), SOTTO_ERR_LIMIT);
	/* A device that was retired makes room; its key never comes back, its name may, its number does not. */
	assert_int_equal(subject_act(LEDGER_RETIRE, FURTHER, fourth, 1), SOTTO_OK);
	assert_int_equal(add(MEMBER, FURTHER, "Desk"), SOTTO_ERR_EXISTS);
	assert_int_equal(add(MEMBER, 41, "Tablet"), SOTTO_OK);
	assert_int_equal(device_of(41)->number, 3);
	/* The founder has as many as there can be. */
	for (uint32_t i = 1; i < LEDGER_PLACES_MAX; i++) {
		char name[] = "Phone 0";

		name[6] = (char)('0' + i);
		assert_int_equal(add(0, 50 + i, name), SOTTO_OK);
		assert_int_equal(add(0, 70, name),
				 i + 1 < LEDGER_PLACES_MAX ? SOTTO_ERR_EXISTS : SOTTO_ERR_LIMIT);
	}
}

static void test_retire(void **state)
{
	static const struct {
		uint32_t number;
		uint32_t signers[2];
		size_t count;
		enum sotto_err err;
	} table[] = {
		{FURTHER, {3}, 1, SOTTO_ERR_DENIED},	   /* another member */
		{FURTHER, {0}, 1, SOTTO_ERR_DENIED},	   /* one admin of two */
		{FURTHER, {FURTHER}, 1, SOTTO_ERR_DENIED}, /* itself */
		{3, {MEMBER}, 1, SOTTO_ERR_DENIED},	   /* somebody else's */
		{3, {0, 1}, 2, SOTTO_ERR_INVALID},	   /* his only one */
		{0, {0, 1}, 2, SOTTO_ERR_INVALID},	   /* an admin's */
		{MEMBER, {FURTHER}, 1, SOTTO_OK},	   /* the first, by the second */
		{MEMBER, {0, 1}, 2, SOTTO_ERR_STATE},	   /* that is done */
		{FURTHER, {MEMBER}, 1, SOTTO_ERR_DENIED},  /* by one that is out */
		{FURTHER, {0, 1}, 2, SOTTO_ERR_INVALID},   /* the last one */
	};

	(void)state;
	assert_int_equal(add(MEMBER, FURTHER, "Tablet"), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(subject_act(LEDGER_RETIRE, table[i].number, table[i].signers,
					     table[i].count),
				 table[i].err);
	assert_false(ledger_allows_leaf(ledger, device_of(MEMBER)->key, false));
	assert_true(ledger_allows_leaf(ledger, device_of(FURTHER)->key, true));
	assert_int_equal(ledger_member_by_extension(ledger, 104)->state, LEDGER_MEMBER_ACTIVE);
	assert_int_equal(ledger_member_by_extension(ledger, 104)->devices, 1);
}

static void test_admins_retire_one(void **state)
{
	(void)state;
	assert_int_equal(add(MEMBER, FURTHER, "Tablet"), SOTTO_OK);
	assert_int_equal(subject_act(LEDGER_RETIRE, FURTHER, both, 2), SOTTO_OK);
	assert_false(ledger_allows_leaf(ledger, device_of(FURTHER)->key, false));
	assert_true(ledger_allows_leaf(ledger, device_of(MEMBER)->key, true));
}

/* A revocation takes all, also what a thief adds or retires between its signatures and its landing. */
static void test_revoke_takes_all(void **state)
{
	static struct entry_bytes revoke, late;
	union ledger_body body;

	(void)state;
	assert_int_equal(add(MEMBER, FURTHER, "Tablet"), SOTTO_OK);
	body_subject(MEMBER, &body);
	act_make(ledger, LEDGER_REVOKE, &body, both, 2, &revoke);
	body_further(ledger, FURTHER, 42, "Later", &body);
	act_make(ledger, LEDGER_FURTHER, &body, (const uint32_t[]){FURTHER}, 1, &late);
	assert_int_equal(subject_act(LEDGER_RETIRE, MEMBER, (const uint32_t[]){FURTHER}, 1),
			 SOTTO_OK);
	assert_int_equal(add(FURTHER, 41, "Desk"), SOTTO_OK);
	assert_int_equal(ledger_append(ledger, BYTES(revoke.data, revoke.len)), SOTTO_OK);
	assert_false(ledger_allows_leaf(ledger, device_of(MEMBER)->key, false));
	assert_false(ledger_allows_leaf(ledger, device_of(FURTHER)->key, false));
	assert_false(ledger_allows_leaf(ledger, device_of(41)->key, false));
	assert_int_equal(ledger_member_by_extension(ledger, 104)->devices, 0);
	assert_int_equal(ledger_append(ledger, BYTES(late.data, late.len)), SOTTO_ERR_DENIED);
	assert_int_equal(subject_act(LEDGER_REVOKE, FURTHER, both, 2), SOTTO_ERR_STATE);
}

/* An admin's second phone makes him no second admin, and does not protect or expose the first. */
static void test_one_person_one_admin(void **state)
{
	static const uint32_t twice[] = {0, 1, 50};
	struct ledger_admin_keys keys[3];
	union ledger_body body;

	(void)state;
	assert_int_equal(add(0, 50, "Tablet"), SOTTO_OK);
	body_admins(2, twice, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_ERR_INVALID);
	assert_int_equal(subject_act(LEDGER_REVOKE, 50, both, 2), SOTTO_ERR_INVALID);
	assert_int_equal(subject_act(LEDGER_RETIRE, 0, (const uint32_t[]){50}, 1),
			 SOTTO_ERR_INVALID);
	body_authorise(9, &body);
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, (const uint32_t[]){1, 50}, 2),
			 SOTTO_ERR_DENIED);
	assert_int_equal(subject_act(LEDGER_RETIRE, 50, both, 2), SOTTO_OK);
}

/* Every truncation and every flipped bit is refused and changes nothing. */
static void test_truncations_and_flips(void **state)
{
	static struct entry_bytes entry;
	union ledger_body body;

	(void)state;
	for (int retire = 0; retire < 2; retire++) {
		if (retire)
			body_subject(FURTHER, &body);
		else
			body_further(ledger, MEMBER, FURTHER, "Tablet", &body);
		act_make(ledger, retire ? LEDGER_RETIRE : LEDGER_FURTHER, &body, fourth, 1, &entry);
		assert_only_whole(ledger, &entry);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
	}
}

static void test_restored(void **state)
{
	struct ledger *again;
	const struct ledger_device *device;

	(void)state;
	assert_int_equal(add(MEMBER, FURTHER, "Tablet"), SOTTO_OK);
	assert_int_equal(subject_act(LEDGER_RETIRE, MEMBER, (const uint32_t[]){FURTHER}, 1),
			 SOTTO_OK);
	assert_int_equal(ledger_create(&allocator_default, &again), SOTTO_OK);
	for (uint64_t i = 0; i < ledger_length(ledger); i++)
		assert_int_equal(ledger_restore(again, ledger_entry_bytes(ledger, i)), SOTTO_OK);
	device = ledger_device_by_key(again, device_of(FURTHER)->key);
	assert_int_equal(device->number, 2);
	assert_string_equal(device->name, "Tablet");
	assert_int_equal(ledger_member_by_id(again, device->member)->devices, 1);
	ledger_destroy(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_added_by_its_person, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bent_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retire, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admins_retire_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoke_takes_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_person_one_admin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncations_and_flips, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
