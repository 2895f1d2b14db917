/* SPDX-License-Identifier: Apache-2.0 */
/* Releases that a ledger names, as a phone says it: which entry, who signed it, the newest or not, too old or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/hex.h"
#include "phone/agent.h"
#include "phone/agent_release.h"
#include "tests/ledger/network.h"

static struct ledger *ledger;
static const uint32_t both[] = {0, 2};

static int setup(void **state)
{
	(void)state;
	ledger = network_two_of_three(&allocator_default);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_destroy(ledger);
	return 0;
}

static void hash_of(uint32_t number, uint8_t hash[LEDGER_HASH_LEN])
{
	memset(hash, (int)number, LEDGER_HASH_LEN);
}

static void name_release(uint32_t number)
{
	union ledger_body body;

	body.release = (struct ledger_release){.number = number, .version = BYTES_TEXT("1.0 beta")};
	hash_of(number, body.release.hash);
	assert_int_equal(act(ledger, LEDGER_RELEASE, &body, both, 2), SOTTO_OK);
}

static void want_release(uint32_t number)
{
	union ledger_body body;

	ledger_policy(ledger, &body.policy);
	body.policy.release_min = number;
	assert_int_equal(act(ledger, LEDGER_POLICY, &body, both, 2), SOTTO_OK);
}

static enum agent_release_standing standing_of(uint32_t number)
{
	const struct ledger_release *release;
	enum agent_release_standing standing;
	uint8_t hash[LEDGER_HASH_LEN];

	hash_of(number, hash);
	standing = agent_release_standing(ledger, hash, &release);
	assert_true((release == NULL) == (standing == AGENT_RELEASE_UNNAMED));
	if (release != NULL)
		assert_int_equal(release->number, number);
	return standing;
}

static void test_standing(void **state)
{
	(void)state;
	assert_int_equal(standing_of(1), AGENT_RELEASE_UNNAMED);
	name_release(1);
	assert_int_equal(standing_of(1), AGENT_RELEASE_NEWEST);
	assert_int_equal(standing_of(2), AGENT_RELEASE_UNNAMED);
	name_release(2);
	name_release(5);
	assert_int_equal(standing_of(1), AGENT_RELEASE_OLDER);
	assert_int_equal(standing_of(5), AGENT_RELEASE_NEWEST);
	want_release(2);
	assert_int_equal(standing_of(1), AGENT_RELEASE_BELOW);
	assert_int_equal(standing_of(2), AGENT_RELEASE_OLDER);
	assert_int_equal(standing_of(5), AGENT_RELEASE_NEWEST);
	assert_int_equal(standing_of(3), AGENT_RELEASE_UNNAMED);
}

/* One bit of a hash is another release. */
static void test_each_bit_counts(void **state)
{
	const struct ledger_release *release;
	uint8_t hash[LEDGER_HASH_LEN];

	(void)state;
	name_release(1);
	for (size_t bit = 0; bit < 8 * sizeof(hash); bit++) {
		hash_of(1, hash);
		hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(agent_release_standing(ledger, hash, &release),
				 AGENT_RELEASE_UNNAMED);
	}
}

static bool signed_by(const struct ledger_entry *entry, uint32_t number)
{
	struct person person;

	person_make(number, &person);
	for (size_t i = 0; i < entry->signature_count; i++) {
		if (memcmp(entry->signatures[i].key, person.device_key, LEDGER_KEY_LEN) == 0)
			return true;
	}
	return false;
}

static void test_entry(void **state)
{
	struct agent_release_entry found;
	uint8_t hash[LEDGER_HASH_LEN];
	uint64_t index;

	(void)state;
	hash_of(1, hash);
	assert_false(agent_release_find(ledger, hash, &found));
	index = ledger_length(ledger);
	name_release(1);
	name_release(2);
	want_release(2);
	assert_true(agent_release_find(ledger, hash, &found));
	assert_int_equal(found.index, index);
	assert_int_equal(found.release->number, 1);
	assert_int_equal(found.entry.signature_count, 2);
	assert_true(signed_by(&found.entry, 0) && signed_by(&found.entry, 2));
	assert_false(signed_by(&found.entry, 1));
	assert_true(found.below_minimum && !found.newest);
	hash_of(2, hash);
	assert_true(agent_release_find(ledger, hash, &found));
	assert_true(found.newest && !found.below_minimum);
	hash_of(3, hash);
	assert_false(agent_release_find(ledger, hash, &found));
}

/* What the launcher says of what this phone runs. */
static void test_words_of_the_launcher(void **state)
{
	static const char *const refused[] = {"", "None", "none ", "00", "changed.", "zz"};
	static struct agent agent;
	char text[2 * LEDGER_HASH_LEN + 3];
	uint8_t hash[LEDGER_HASH_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_false(agent_release_set(&agent, refused[i]));
	hash_of(7, hash);
	hex_encode(BYTES_OF(hash), text);
	assert_true(agent_release_set(&agent, text));
	assert_true(agent.release.known && !agent.release.changed);
	assert_memory_equal(agent.release.hash, hash, sizeof(hash));
	strcpy(text + strlen(text), "00");
	assert_false(agent_release_set(&agent, text));
	assert_true(agent_release_set(&agent, PHONE_RELEASE_CHANGED));
	assert_true(!agent.release.known && agent.release.changed);
	assert_true(agent_release_set(&agent, PHONE_RELEASE_NONE));
	assert_true(!agent.release.known && !agent.release.changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_standing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_bit_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_entry, setup, teardown),
		cmocka_unit_test(test_words_of_the_launcher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
