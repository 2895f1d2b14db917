/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for the whole network, and how long and whether somebody is in it: by k of n admins, and what one may do alone.
 * Two of three admins (0, 1, 2); 3 to 9 are members.
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

#define DAY_MS UINT64_C(86400000)

static struct ledger *ledger;
static const uint32_t both[] = {0, 1};
static const uint32_t one[] = {1};
static const uint32_t founder[] = {0};
static const uint32_t confirmer[] = {3};

static int setup(void **state)
{
	union ledger_body body;

	(void)state;
	ledger = network_two_of_three(&allocator_default);
	for (uint32_t number = 4; number < 10; number++) {
		network_join(ledger, number, both, 2);
		body_subject(number, &body);
		assert_int_equal(act(ledger, LEDGER_CONFIRM, &body, confirmer, 1), SOTTO_OK);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_destroy(ledger);
	return 0;
}

static void policy_body(union ledger_body *body)
{
	memset(body, 0, sizeof(*body));
	body->policy = (struct ledger_policy){
		.retention_ms = 7 * DAY_MS,
		.disappear_ms = DAY_MS,
		.disappear_max_ms = 2 * DAY_MS,
		.beat_ms = DAY_MS / 4,
		.features_off = LEDGER_FEATURE_EXPORT,
		.bitrates = LEDGER_BITRATE_24,
	};
}

static void relays_body(struct ledger_relay *relays, size_t count, union ledger_body *body)
{
	static const char *const addresses[] = {"one.example:4433", "two.example:4433",
						"[2001:db8::3]:4433", "203.0.113.4:4433"};

	for (size_t i = 0; i < count; i++) {
		struct person person;

		person_make(50 + (uint32_t)i, &person);
		relays[i].address = BYTES(addresses[i], strlen(addresses[i]));
		memcpy(relays[i].key, person.device_key, LEDGER_KEY_LEN);
	}
	body->relays = (struct ledger_relays){.relays = {.items = relays, .count = count}};
}

static void release_body(uint32_t number, uint8_t fill, union ledger_body *body)
{
	body->release =
		(struct ledger_release){.number = number, .version = BYTES_TEXT("1.0 beta")};
	memset(body->release.hash, fill, LEDGER_HASH_LEN);
}

static void term_body(uint32_t number, uint64_t until_ms, union ledger_body *body)
{
	struct person person;

	person_make(number, &person);
	body->term = (struct ledger_term){.until_ms = until_ms};
	memcpy(body->term.device_key, person.device_key, LEDGER_KEY_LEN);
}

/* ---- Who signs ---- */

/* One too few, somebody who is no admin, nobody: nothing of it applies. And half an entry never does. */
static void test_only_by_the_threshold(void **state)
{
	static const uint8_t actions[] = {LEDGER_POLICY, LEDGER_RELAYS, LEDGER_RELEASE,
					  LEDGER_TERM};
	static const uint32_t with_member[] = {0, 3};
	struct ledger_relay relays[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		uint64_t length = ledger_length(ledger);
		struct entry_bytes entry;
		union ledger_body body;

		if (actions[i] == LEDGER_POLICY)
			policy_body(&body);
		else if (actions[i] == LEDGER_RELAYS)
			relays_body(relays, 2, &body);
		else if (actions[i] == LEDGER_RELEASE)
			release_body(1, 1, &body);
		else
			term_body(4, NETWORK_UTC_MS + DAY_MS, &body);
		assert_int_equal(act(ledger, actions[i], &body, one, 1), SOTTO_ERR_DENIED);
		assert_int_equal(act(ledger, actions[i], &body, with_member, 2), SOTTO_ERR_DENIED);
		assert_int_equal(act(ledger, actions[i], &body, NULL, 0), SOTTO_ERR_DENIED);
		act_make(ledger, actions[i], &body, both, 2, &entry);
		assert_only_whole(ledger, &entry);
		assert_int_equal(ledger_length(ledger), length);
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)), SOTTO_OK);
		/* What was signed before it does not take it back. */
		assert_int_equal(ledger_append(ledger, BYTES(entry.data, entry.len)),
				 SOTTO_ERR_EXISTS);
	}
}

/* Of two that saw the same ledger the second one does not apply, whoever signed it. */
static void test_one_after_the_other(void **state)
{
	static const uint8_t actions[] = {LEDGER_POLICY, LEDGER_RELAYS, LEDGER_TERM};
	struct ledger_relay relays[1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		static struct entry_bytes first, second;
		union ledger_body body;

		if (actions[i] == LEDGER_POLICY)
			policy_body(&body);
		else if (actions[i] == LEDGER_RELAYS)
			relays_body(relays, 1, &body);
		else
			term_body(4, NETWORK_UTC_MS + DAY_MS, &body);
		act_make(ledger, actions[i], &body, both, 2, &first);
		act_make(ledger, actions[i], &body, both, 2, &second);
		assert_int_equal(ledger_append(ledger, BYTES(first.data, first.len)), SOTTO_OK);
		assert_int_equal(ledger_append(ledger, BYTES(second.data, second.len)),
				 SOTTO_ERR_STATE);
		assert_int_equal(act(ledger, actions[i], &body, both, 2), SOTTO_OK);
	}
}

/* ---- Policy ---- */

static void test_policy(void **state)
{
	struct ledger_policy policy;
	union ledger_body body;

	(void)state;
	ledger_policy(ledger, &policy);
	assert_int_equal(policy.retention_ms, 14 * DAY_MS);
	assert_int_equal(policy.features_off, 0);
	assert_int_equal(policy.bitrates, LEDGER_BITRATES);
	assert_int_equal(ledger_policy_index(ledger), 0);
	policy_body(&body);
	assert_int_equal(act(ledger, LEDGER_POLICY, &body, both, 2), SOTTO_OK);
	ledger_policy(ledger, &policy);
	assert_int_equal(policy.retention_ms, 7 * DAY_MS);
	assert_int_equal(policy.disappear_ms, DAY_MS);
	assert_int_equal(policy.disappear_max_ms, 2 * DAY_MS);
	assert_int_equal(policy.beat_ms, DAY_MS / 4);
	assert_int_equal(policy.features_off, LEDGER_FEATURE_EXPORT);
	assert_int_equal(policy.bitrates, LEDGER_BITRATE_24);
	assert_int_equal(ledger_policy_index(ledger), ledger_length(ledger) - 1);
}

static void test_policy_limits(void **state)
{
	static const struct {
		uint64_t retention_ms, disappear_ms, disappear_max_ms, beat_ms;
		uint32_t release_min, features_off;
		uint8_t bitrates;
		enum sotto_err err;
	} table[] = {
		{DAY_MS, 0, 0, DAY_MS, 0, 0, 1, SOTTO_OK},
		{DAY_MS - 1, 0, 0, DAY_MS, 0, 0, 1, SOTTO_ERR_INVALID},
		{365 * DAY_MS, 0, 0, DAY_MS, 0, 0, 15, SOTTO_OK},
		{365 * DAY_MS + 1, 0, 0, DAY_MS, 0, 0, 15, SOTTO_ERR_INVALID},
		{DAY_MS, 30000, 0, DAY_MS, 0, 0, 1, SOTTO_OK},
		{DAY_MS, 29999, 0, DAY_MS, 0, 0, 1, SOTTO_ERR_INVALID},
		/* A limit, and nothing that disappears, would be no limit. */
		{DAY_MS, 0, DAY_MS, DAY_MS, 0, 0, 1, SOTTO_ERR_INVALID},
		{DAY_MS, DAY_MS, DAY_MS, DAY_MS, 0, 0, 1, SOTTO_OK},
		{DAY_MS, DAY_MS + 1, DAY_MS, DAY_MS, 0, 0, 1, SOTTO_ERR_INVALID},
		{DAY_MS, 0, 0, 3599999, 0, 0, 1, SOTTO_ERR_INVALID},
		{DAY_MS, 0, 0, 31 * DAY_MS, 0, 0, 1, SOTTO_ERR_INVALID},
		{DAY_MS, 0, 0, DAY_MS, 7, 0, 1, SOTTO_ERR_NOT_FOUND}, /* a release that is none */
		{DAY_MS, 0, 0, DAY_MS, 0, 32, 1, SOTTO_ERR_INVALID},
		{DAY_MS, 0, 0, DAY_MS, 0, 31, 1, SOTTO_OK},
		{DAY_MS, 0, 0, DAY_MS, 0, 0, 0, SOTTO_ERR_INVALID},
		{DAY_MS, 0, 0, DAY_MS, 0, 0, 16, SOTTO_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		union ledger_body body;

		memset(&body, 0, sizeof(body));
		body.policy = (struct ledger_policy){
			.retention_ms = table[i].retention_ms,
			.disappear_ms = table[i].disappear_ms,
			.disappear_max_ms = table[i].disappear_max_ms,
			.beat_ms = table[i].beat_ms,
			.release_min = table[i].release_min,
			.features_off = table[i].features_off,
			.bitrates = table[i].bitrates,
		};
		if (act(ledger, LEDGER_POLICY, &body, both, 2) != table[i].err)
			fail_msg("line %zu", i);
	}
}

/* ---- Relays ---- */

static void test_relays(void **state)
{
	struct ledger_relay relays[LEDGER_RELAYS_MAX];
	struct ledger_relay relay;
	union ledger_body body;

	(void)state;
	assert_int_equal(ledger_relay_count(ledger), 1);
	assert_int_equal(ledger_relay_at(ledger, 0, &relay), SOTTO_OK);
	assert_true(bytes_equal(relay.address, BYTES_TEXT("relay.example:4433")));
	relays_body(relays, LEDGER_RELAYS_MAX, &body);
	assert_int_equal(act(ledger, LEDGER_RELAYS, &body, both, 2), SOTTO_OK);
	assert_int_equal(ledger_relay_count(ledger), LEDGER_RELAYS_MAX);
	for (uint32_t i = 0; i < LEDGER_RELAYS_MAX; i++) {
		assert_int_equal(ledger_relay_at(ledger, i, &relay), SOTTO_OK);
		assert_true(bytes_equal(relay.address, relays[i].address));
		assert_memory_equal(relay.key, relays[i].key, LEDGER_KEY_LEN);
	}
	assert_int_equal(ledger_relay_at(ledger, LEDGER_RELAYS_MAX, &relay), SOTTO_ERR_NOT_FOUND);
	/* None, the same twice, no address. */
	body.relays.relays.count = 0;
	assert_int_equal(act(ledger, LEDGER_RELAYS, &body, both, 2), SOTTO_ERR_INVALID);
	body.relays.relays.count = 2;
	memcpy(relays[1].key, relays[0].key, LEDGER_KEY_LEN);
	assert_int_equal(act(ledger, LEDGER_RELAYS, &body, both, 2), SOTTO_ERR_INVALID);
	relays_body(relays, 2, &body);
	relays[1].address = relays[0].address;
	assert_int_equal(act(ledger, LEDGER_RELAYS, &body, both, 2), SOTTO_ERR_INVALID);
	relays[1].address = BYTES_TEXT("nowhere");
	assert_int_equal(act(ledger, LEDGER_RELAYS, &body, both, 2), SOTTO_ERR_INVALID);
	assert_int_equal(ledger_relay_count(ledger), LEDGER_RELAYS_MAX);
}

/* ---- Releases ---- */

static void test_releases(void **state)
{
	uint8_t hash[LEDGER_HASH_LEN];
	union ledger_body body;

	(void)state;
	assert_null(ledger_release_newest(ledger));
	release_body(3, 0xaa, &body);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_OK);
	release_body(3, 0xbb, &body);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_ERR_STATE);
	release_body(2, 0xbb, &body);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_ERR_STATE);
	release_body(4, 0xaa, &body);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_ERR_EXISTS);
	release_body(4, 0xbb, &body);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_OK);
	memset(hash, 0xaa, sizeof(hash));
	assert_int_equal(ledger_release_by_hash(ledger, hash)->number, 3);
	assert_true(
		bytes_equal(ledger_release_by_hash(ledger, hash)->version, BYTES_TEXT("1.0 beta")));
	assert_int_equal(ledger_release_newest(ledger)->number, 4);
	hash[0] = 0;
	assert_null(ledger_release_by_hash(ledger, hash));
	/* And now a policy may ask for it. */
	policy_body(&body);
	body.policy.release_min = 4;
	assert_int_equal(act(ledger, LEDGER_POLICY, &body, both, 2), SOTTO_OK);
}

/* ---- The end of a membership ---- */

static bool expired(uint32_t number, uint64_t at_ms)
{
	struct person person;

	person_make(number, &person);
	return ledger_expired(ledger, person.device_key, at_ms);
}

static void test_terms(void **state)
{
	static const uint32_t admins[] = {0, 1, 4};
	uint64_t until_ms = NETWORK_UTC_MS + 30 * DAY_MS;
	struct ledger_admin_keys keys[3];
	union ledger_body body;

	(void)state;
	assert_false(expired(4, UINT64_MAX));
	term_body(4, until_ms, &body);
	assert_int_equal(act(ledger, LEDGER_TERM, &body, both, 2), SOTTO_OK);
	assert_false(expired(4, until_ms - 1));
	assert_true(expired(4, until_ms));
	/* Who will be out is no admin, and no admin will be out: that would change how many must sign. */
	body_admins(2, admins, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_ERR_INVALID);
	term_body(0, until_ms, &body);
	assert_int_equal(act(ledger, LEDGER_TERM, &body, both, 2), SOTTO_ERR_INVALID);
	term_body(4, 0, &body);
	assert_int_equal(act(ledger, LEDGER_TERM, &body, both, 2), SOTTO_OK);
	assert_false(expired(4, UINT64_MAX));
	body_admins(2, admins, 3, keys, &body);
	assert_int_equal(act(ledger, LEDGER_ADMINS, &body, both, 2), SOTTO_OK);
	term_body(77, until_ms, &body);
	assert_int_equal(act(ledger, LEDGER_TERM, &body, both, 2), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(act(ledger, LEDGER_TERM, &body, founder, 1), SOTTO_ERR_DENIED);
}

/* With the invitation, after its own end. */
static void test_term_of_an_invitation(void **state)
{
	union ledger_body body;
	uint64_t expires_ms;

	(void)state;
	body_authorise(20, &body);
	expires_ms = body.authorise.expires_ms;
	body.authorise.until_ms = expires_ms;
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_ERR_INVALID);
	body.authorise.until_ms = expires_ms + DAY_MS;
	assert_int_equal(act(ledger, LEDGER_AUTHORISE, &body, both, 2), SOTTO_OK);
	body_enrol(ledger, 20, &body);
	assert_int_equal(act(ledger, LEDGER_ENROL, &body, founder, 1), SOTTO_OK);
	assert_false(expired(20, expires_ms));
	assert_true(expired(20, expires_ms + DAY_MS));
}

/* ---- Suspending ---- */

static enum sotto_err suspend(uint32_t number, uint64_t stated_ms, const uint32_t *signers,
			      size_t count)
{
	struct ledger_draft draft;
	static struct entry_bytes entry;
	union ledger_body body;

	body_subject(number, &body);
	draft_make_at(ledger, LEDGER_SUSPEND, &body, stated_ms, &draft);
	for (size_t i = 0; i < count; i++) {
		struct person person;

		person_make(signers[i], &person);
		assert_int_equal(ledger_draft_sign(&draft, BYTES_OF(person.device_private)),
				 SOTTO_OK);
	}
	draft_finish(&draft, &entry);
	return ledger_append(ledger, BYTES(entry.data, entry.len));
}

static bool suspended(uint32_t number, uint64_t at_ms)
{
	struct person person;

	person_make(number, &person);
	return ledger_suspended(ledger, person.device_key, at_ms);
}

static void test_one_admin_suspends(void **state)
{
	static const uint32_t member[] = {3};
	uint64_t at_ms = NETWORK_UTC_MS;
	struct person person;

	(void)state;
	assert_int_equal(suspend(4, at_ms, member, 1), SOTTO_ERR_DENIED);
	assert_int_equal(suspend(4, at_ms, NULL, 0), SOTTO_ERR_DENIED);
	assert_int_equal(suspend(2, at_ms, one, 1), SOTTO_ERR_INVALID); /* an admin */
	assert_int_equal(suspend(2, at_ms, both, 2), SOTTO_ERR_INVALID);
	assert_int_equal(suspend(4, at_ms, one, 1), SOTTO_OK);
	assert_false(suspended(4, at_ms - 1));
	assert_true(suspended(4, at_ms));
	assert_true(suspended(4, at_ms + DAY_MS - 1));
	assert_false(suspended(4, at_ms + DAY_MS));
	assert_false(suspended(5, at_ms));
	/* Nothing else changes. */
	person_make(4, &person);
	assert_true(ledger_allows_leaf(ledger, person.device_key, true));
	/* Not again by one alone, whoever it is; by two; and then by one again. */
	assert_int_equal(suspend(4, at_ms + 2 * DAY_MS, founder, 1), SOTTO_ERR_DENIED);
	assert_int_equal(suspend(4, at_ms + 2 * DAY_MS, both, 2), SOTTO_OK);
	assert_true(suspended(4, at_ms + 2 * DAY_MS));
	assert_int_equal(suspend(4, at_ms + 4 * DAY_MS, founder, 1), SOTTO_OK);
}

/* Three at a time, whatever the clocks say; k may do more. */
static void test_three_at_a_time(void **state)
{
	uint64_t at_ms = NETWORK_UTC_MS;

	(void)state;
	assert_int_equal(suspend(4, at_ms, one, 1), SOTTO_OK);
	assert_int_equal(suspend(5, at_ms + DAY_MS / 2, one, 1), SOTTO_OK);
	assert_int_equal(suspend(6, at_ms, founder, 1), SOTTO_OK);
	assert_int_equal(suspend(7, at_ms + DAY_MS / 4, founder, 1), SOTTO_ERR_LIMIT);
	assert_int_equal(suspend(7, at_ms - DAY_MS * 3 / 4, founder, 1), SOTTO_OK);
	assert_int_equal(suspend(8, at_ms, founder, 1), SOTTO_ERR_LIMIT);
	assert_int_equal(suspend(8, at_ms, both, 2), SOTTO_OK);
	assert_int_equal(suspend(9, at_ms + 2 * DAY_MS, founder, 1), SOTTO_OK);
}

/* What k have signed about somebody does not lapse because one of them suspends him. */
static void test_suspending_is_not_in_the_way(void **state)
{
	struct entry_bytes revoke;
	union ledger_body body;

	(void)state;
	body_subject(4, &body);
	act_make(ledger, LEDGER_REVOKE, &body, both, 2, &revoke);
	assert_int_equal(suspend(4, NETWORK_UTC_MS, one, 1), SOTTO_OK);
	assert_int_equal(ledger_append(ledger, BYTES(revoke.data, revoke.len)), SOTTO_OK);
	assert_int_equal(suspend(4, NETWORK_UTC_MS, both, 2), SOTTO_ERR_STATE);
}

/* Read again from a store, it is the same. */
static void test_restored(void **state)
{
	struct ledger_relay relays[2], relay;
	struct ledger_policy policy;
	struct ledger *again;
	union ledger_body body;

	(void)state;
	policy_body(&body);
	assert_int_equal(act(ledger, LEDGER_POLICY, &body, both, 2), SOTTO_OK);
	relays_body(relays, 2, &body);
	assert_int_equal(act(ledger, LEDGER_RELAYS, &body, both, 2), SOTTO_OK);
	release_body(1, 1, &body);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_OK);
	assert_int_equal(suspend(4, NETWORK_UTC_MS, one, 1), SOTTO_OK);
	assert_int_equal(ledger_create(&allocator_default, &again), SOTTO_OK);
	for (uint64_t i = 0; i < ledger_length(ledger); i++)
		assert_int_equal(ledger_restore(again, ledger_entry_bytes(ledger, i)), SOTTO_OK);
	ledger_destroy(ledger);
	ledger = again;
	ledger_policy(ledger, &policy);
	assert_int_equal(policy.beat_ms, DAY_MS / 4);
	assert_int_equal(ledger_relay_at(ledger, 1, &relay), SOTTO_OK);
	assert_true(bytes_equal(relay.address, relays[1].address));
	assert_true(bytes_equal(ledger_release_newest(ledger)->version, BYTES_TEXT("1.0 beta")));
	assert_true(suspended(4, NETWORK_UTC_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_by_the_threshold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_releases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_terms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_term_of_an_invitation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_admin_suspends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_three_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_suspending_is_not_in_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
