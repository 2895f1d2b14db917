/* SPDX-License-Identifier: Apache-2.0 */
/* Who the admins are and were, and entries that not all have signed yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/ledger/network.h"

static const uint32_t founder[] = {0};
static const uint32_t both[] = {0, 1};
static struct ledger *ledger;

static int set_up(void **state)
{
	(void)state;
	ledger = network_two_of_three(&allocator_default);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_destroy(ledger);
	return 0;
}

static void assert_named(const struct ledger_admin_list *list, uint32_t number)
{
	struct person person;

	person_make(number, &person);
	for (uint32_t i = 0; i < list->count; i++) {
		if (memcmp(list->admins[i].key, person.device_key, LEDGER_KEY_LEN) != 0)
			continue;
		assert_memory_equal(list->admins[i].rotation, person.invitation_key,
				    LEDGER_KEY_LEN);
		return;
	}
	fail_msg("person %u is not in the list", number);
}

/* Each list has its number, so that a relay that is behind can be led on. */
static void test_lists_by_serial(void **state)
{
	static const uint32_t later[] = {0, 2, 3};
	struct ledger_admin_list list;
	struct ledger_admin_keys keys[3];
	union ledger_body body;

	(void)state;
	body_admins(1, later, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_OK);
	assert_int_equal(ledger_admins_serial(ledger), 3);
	assert_int_equal(ledger_admins_at(ledger, 0, &list), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(ledger_admins_at(ledger, 4, &list), SOTTO_ERR_NOT_FOUND);

	assert_int_equal(ledger_admins_at(ledger, 1, &list), SOTTO_OK);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.threshold, 1);
	assert_named(&list, 0);
	assert_int_equal(ledger_admins_at(ledger, 2, &list), SOTTO_OK);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.threshold, 2);
	assert_named(&list, 1);
	assert_int_equal(ledger_admins_at(ledger, 3, &list), SOTTO_OK);
	assert_int_equal(list.threshold, 1);
	assert_named(&list, 3);
}

static void test_no_rotation_key_twice(void **state)
{
	static const uint32_t three[] = {0, 1, 2};
	struct ledger_admin_keys keys[3];
	union ledger_body body;

	(void)state;
	body_admins(2, three, 3, keys, &body);
	memcpy(keys[2].rotation, keys[0].rotation, LEDGER_KEY_LEN);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_ERR_INVALID);
	memset(keys[2].rotation, 0, LEDGER_KEY_LEN);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_ERR_INVALID);
}

/* One signature of two: it could apply, and does not. */
static void test_proposed(void **state)
{
	static const uint32_t member[] = {3};
	struct entry_bytes entry;
	union ledger_body body;

	(void)state;
	body_subject(3, &body);
	act_make(ledger, LEDGER_REVOKE, &body, founder, 1, &entry);
	assert_int_equal(ledger_check(ledger, BYTES(entry.data, entry.len)), SOTTO_ERR_DENIED);
	assert_int_equal(ledger_check_proposed(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
	/* By nobody, or by somebody who is no admin, it is nothing. */
	act_make(ledger, LEDGER_REVOKE, &body, founder, 0, &entry);
	assert_int_equal(ledger_check_proposed(ledger, BYTES(entry.data, entry.len)),
			 SOTTO_ERR_DENIED);
	act_make(ledger, LEDGER_REVOKE, &body, member, 1, &entry);
	assert_int_equal(ledger_check_proposed(ledger, BYTES(entry.data, entry.len)),
			 SOTTO_ERR_DENIED);
	/* The rule of the action holds for it, too; and what no admin signs is not proposed. */
	body_subject(1, &body);
	act_make(ledger, LEDGER_REVOKE, &body, founder, 1, &entry);
	assert_int_equal(ledger_check_proposed(ledger, BYTES(entry.data, entry.len)),
			 SOTTO_ERR_INVALID);
	body_subject(3, &body);
	act_make(ledger, LEDGER_CONFIRM, &body, founder, 1, &entry);
	assert_int_equal(ledger_check_proposed(ledger, BYTES(entry.data, entry.len)),
			 SOTTO_ERR_UNSUPPORTED);
}

/* Signatures that come one by one are the same entry as signed at once. */
static void test_signatures_gathered(void **state)
{
	static struct ledger_draft draft, other;
	static struct entry_bytes entry;
	struct person person;
	union ledger_body body;

	(void)state;
	body_subject(3, &body);
	act_make(ledger, LEDGER_REVOKE, &body, founder, 1, &entry);
	assert_int_equal(
		ledger_draft_take(&draft, ledger_network(ledger), BYTES(entry.data, entry.len)),
		SOTTO_OK);
	other = draft;
	person_make(1, &person);
	assert_int_equal(ledger_draft_sign(&other, BYTES_OF(person.device_private)), SOTTO_OK);
	for (uint8_t i = 0; i < other.signature_count; i++) {
		if (memcmp(other.signatures[i].key, person.device_key, LEDGER_KEY_LEN) != 0)
			continue;
		assert_int_equal(ledger_draft_put(&draft, &other.signatures[i]), SOTTO_OK);
		assert_int_equal(ledger_draft_put(&draft, &other.signatures[i]), SOTTO_ERR_EXISTS);
		other.signatures[i].signature[7] ^= 1;
		assert_int_equal(ledger_draft_put(&draft, &other.signatures[i]), SOTTO_ERR_VERIFY);
	}
	assert_int_equal(draft.signature_count, 2);
	draft_finish(&draft, &entry);
	assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
	assert_int_equal(ledger_member_by_extension(ledger, 103)->state, LEDGER_MEMBER_REVOKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists_by_serial, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_rotation_key_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_proposed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signatures_gathered, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
