/* SPDX-License-Identifier: Apache-2.0 */
/* Founding, numbered keys, changes of admins and porch: who may, in what order, and nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "relay/access.h"
#include "relay/limits.h"
#include "tests/relay/fixture.h"

#define ADMINS 4

struct world {
	struct relay_access access;
	uint8_t seeds[ADMINS][32];
	struct wire_admin_key admins[ADMINS];
};

/* k of the first n admins. */
static struct wire_found make_found(const struct world *world, uint8_t threshold, size_t count)
{
	struct wire_found found = {
		.network = {7},
		.threshold = threshold,
		.admins = {.items = world->admins, .count = count},
		.access_key = {1},
		.porch_key = {2},
		.porch_drop = {3},
	};

	return found;
}

static void make_world(struct world *world, uint8_t threshold, size_t count)
{
	struct wire_found found;

	memset(world, 0, sizeof(*world));
	for (uint8_t i = 0; i < ADMINS; i++) {
		world->seeds[i][0] = i;
		assert_int_equal(
			sign_public(SIGN_ED25519, BYTES_OF(world->seeds[i]), world->admins[i].key),
			SOTTO_OK);
	}
	assert_int_equal(relay_access_init(&world->access, &fixture_random), SOTTO_OK);
	if (threshold == 0)
		return;
	found = make_found(world, threshold, count);
	assert_int_equal(relay_access_found(&world->access, &found, &world->access), SOTTO_OK);
}

static void approve(const struct world *world, uint8_t admin, struct bytes content,
		    struct wire_approval *approval)
{
	size_t len;

	approval->admin = admin;
	assert_int_equal(sign_create(SIGN_ED25519, NULL, BYTES_OF(world->seeds[admin]), content,
				     approval->signature, &len),
			 SOTTO_OK);
}

static enum sotto_err install(struct world *world, uint64_t number, const uint8_t *signers,
			      size_t count)
{
	struct wire_approval approvals[ADMINS];
	struct wire_key_install message = {
		.number = number,
		.access_key = {(uint8_t)number},
		.approvals = {.items = approvals, .count = count},
	};
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];

	for (size_t i = 0; i < count; i++)
		approve(world, signers[i],
			wire_signed_key_install(world->access.network, &message, buffer),
			&approvals[i]);
	return relay_access_install(&world->access, &message, FIXTURE_UTC_MS + number,
				    &world->access);
}

static void test_founding(void **state)
{
	static const struct {
		uint8_t threshold;
		size_t count;
		enum sotto_err err;
	} table[] = {
		{0, 1, SOTTO_ERR_INVALID}, {1, 1, SOTTO_OK},	      {2, 1, SOTTO_ERR_INVALID},
		{1, 2, SOTTO_OK},	   {2, 2, SOTTO_ERR_INVALID}, {1, 3, SOTTO_OK},
		{2, 3, SOTTO_OK},	   {3, 3, SOTTO_ERR_INVALID}, {3, 4, SOTTO_OK},
		{1, 0, SOTTO_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct relay_access next;
		struct wire_found found;
		struct world world;

		make_world(&world, 0, 0);
		assert_int_equal(relay_access_number(&world.access), 0);
		assert_int_equal(relay_access_authority(&world.access, LINK_KEY_CLAIM, 0),
				 WIRE_AUTHORITY_CLAIM);
		found = make_found(&world, table[i].threshold, table[i].count);
		assert_int_equal(relay_access_found(&world.access, &found, &next), table[i].err);
		if (table[i].err != SOTTO_OK)
			continue;
		assert_int_equal(relay_access_number(&next), 1);
		assert_int_equal(relay_access_authority(&next, LINK_KEY_CLAIM, 0),
				 WIRE_AUTHORITY_NONE);
		assert_int_equal(relay_access_found(&next, &found, &next), SOTTO_ERR_STATE);
	}
}

static void test_founding_refuses_equal_and_false_keys(void **state)
{
	struct relay_access next;
	struct wire_found found;
	struct world world;

	(void)state;
	make_world(&world, 0, 0);
	world.admins[1] = world.admins[0];
	found = make_found(&world, 1, 2);
	assert_int_equal(relay_access_found(&world.access, &found, &next), SOTTO_ERR_INVALID);
	memset(&world.admins[1], 0xff, sizeof(world.admins[1]));
	assert_int_equal(relay_access_found(&world.access, &found, &next), SOTTO_ERR_INVALID);
}

static void test_approvals(void **state)
{
	static const struct {
		const char *name;
		uint8_t signers[ADMINS];
		size_t count;
		uint64_t number;
		enum sotto_err err;
	} table[] = {
		{"two of three", {0, 2}, 2, 2, SOTTO_OK},
		{"all three", {0, 1, 2}, 3, 2, SOTTO_OK},
		{"one", {0}, 1, 2, SOTTO_ERR_DENIED},
		{"none", {0}, 0, 2, SOTTO_ERR_DENIED},
		{"one twice", {1, 1}, 2, 2, SOTTO_ERR_DENIED},
		{"not ascending", {2, 0}, 2, 2, SOTTO_ERR_DENIED},
		{"a stranger", {0, 3}, 2, 2, SOTTO_ERR_DENIED},
		{"the same number again", {0, 1}, 2, 1, SOTTO_ERR_TOO_OLD},
		{"number 0", {0, 1}, 2, 0, SOTTO_ERR_TOO_OLD},
		{"a number left out", {0, 1}, 2, 3, SOTTO_ERR_TOO_OLD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world world;
		uint64_t generation;

		make_world(&world, 2, 3);
		generation = world.access.generation;
		assert_int_equal(install(&world, table[i].number, table[i].signers, table[i].count),
				 table[i].err);
		assert_int_equal(world.access.generation,
				 generation + (table[i].err == SOTTO_OK ? 1 : 0));
		assert_int_equal(relay_access_number(&world.access),
				 table[i].err == SOTTO_OK ? 2 : 1);
	}
}

static void test_every_bit_of_an_install_is_signed(void **state)
{
	struct wire_approval approval;
	struct wire_key_install message = {.number = 2, .access_key = {9}};
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct relay_access next;
	struct world world;

	(void)state;
	make_world(&world, 1, 1);
	message.approvals = (struct wire_list){.items = &approval, .count = 1};
	approve(&world, 0, wire_signed_key_install(world.access.network, &message, buffer),
		&approval);
	for (size_t bit = 0; bit < 8 * WIRE_KEY_LEN; bit++) {
		message.access_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(relay_access_install(&world.access, &message, 1, &next),
				 SOTTO_ERR_DENIED);
		message.access_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * WIRE_SIGNATURE_LEN; bit++) {
		approval.signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(relay_access_install(&world.access, &message, 1, &next),
				 SOTTO_ERR_DENIED);
		approval.signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	world.access.network[0] ^= 1; /* another network's approval */
	assert_int_equal(relay_access_install(&world.access, &message, 1, &next), SOTTO_ERR_DENIED);
	world.access.network[0] ^= 1;
	assert_int_equal(relay_access_install(&world.access, &message, 1, &next), SOTTO_OK);
}

static void test_past_keys(void **state)
{
	static const uint8_t signer[] = {0};
	struct world world;

	(void)state;
	make_world(&world, 1, 1);
	for (uint64_t number = 2; number < 40; number++) {
		assert_int_equal(install(&world, number, signer, 1), SOTTO_OK);
		assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, number),
				 WIRE_AUTHORITY_FULL);
		assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, number - 1),
				 WIRE_AUTHORITY_CATCH_UP);
		assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, number + 1),
				 WIRE_AUTHORITY_NONE);
	}
	assert_int_equal(world.access.key_count, WIRE_ACCESS_KEYS_MAX);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, 11),
			 WIRE_AUTHORITY_CATCH_UP);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, 10),
			 WIRE_AUTHORITY_NONE);
	/* Number n was replaced at FIXTURE_UTC_MS + n + 1. */
	relay_access_expire(&world.access, FIXTURE_UTC_MS + RELAY_PAST_KEY_MS + 30);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, 30),
			 WIRE_AUTHORITY_CATCH_UP);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_ACCESS, 29),
			 WIRE_AUTHORITY_NONE);
	relay_access_expire(&world.access, UINT64_MAX / 2);
	assert_int_equal(world.access.key_count, 1);
}

static void test_admins_change(void **state)
{
	static const uint8_t old_signers[] = {0, 1};
	struct wire_approval approvals[2];
	struct wire_admins_change change = {.serial = 2, .threshold = 2};
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct relay_access next;
	struct world world;

	(void)state;
	make_world(&world, 2, 3);
	change.admins = (struct wire_list){.items = &world.admins[1], .count = 3};
	change.approvals = (struct wire_list){.items = approvals, .count = 2};
	for (uint8_t i = 0; i < 2; i++)
		approve(&world, i, wire_signed_admins_change(world.access.network, &change, buffer),
			&approvals[i]);
	change.threshold = 1; /* was not what they signed */
	assert_int_equal(relay_access_admins(&world.access, &change, &next), SOTTO_ERR_DENIED);
	change.threshold = 2;
	assert_int_equal(relay_access_admins(&world.access, &change, &next), SOTTO_OK);
	assert_int_equal(relay_access_admins(&next, &change, &next), SOTTO_ERR_TOO_OLD);
	world.access = next;
	/* Admin 0 is none any more, and the others have other indexes: nothing old counts. */
	assert_int_equal(install(&world, 2, old_signers, 2), SOTTO_ERR_DENIED);
}

static void test_porch_install(void **state)
{
	struct wire_approval approval;
	struct wire_porch_install message = {.number = 2, .porch_key = {8}, .porch_drop = {9}};
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct world world;

	(void)state;
	make_world(&world, 1, 1);
	message.approvals = (struct wire_list){.items = &approval, .count = 1};
	approve(&world, 0, wire_signed_porch_install(world.access.network, &message, buffer),
		&approval);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_PORCH, 1),
			 WIRE_AUTHORITY_PORCH);
	assert_int_equal(relay_access_porch(&world.access, &message, &world.access), SOTTO_OK);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_PORCH, 1),
			 WIRE_AUTHORITY_NONE);
	assert_int_equal(relay_access_authority(&world.access, LINK_KEY_PORCH, 2),
			 WIRE_AUTHORITY_PORCH);
	assert_int_equal(relay_access_porch(&world.access, &message, &world.access),
			 SOTTO_ERR_TOO_OLD);
}

static void test_saved_state(void **state)
{
	static const uint8_t signer[] = {0};
	struct relay_access read;
	struct writer writer;
	struct world world;

	(void)state;
	for (int founded = 0; founded < 2; founded++) {
		make_world(&world, founded != 0 ? 1 : 0, 2);
		for (uint64_t number = 2; founded != 0 && number < 40; number++)
			assert_int_equal(install(&world, number, signer, 1), SOTTO_OK);
		writer_init_growing(&writer, &allocator_default);
		assert_int_equal(relay_access_encode(&world.access, &writer), SOTTO_OK);
		assert_true(writer.len <= WIRE_ACCESS_STATE_MAX);
		assert_int_equal(relay_access_decode(writer_bytes(&writer), &read), SOTTO_OK);
		assert_int_equal(read.generation, world.access.generation);
		assert_int_equal(read.key_count, world.access.key_count);
		assert_memory_equal(read.keys, world.access.keys, sizeof(read.keys));
		assert_memory_equal(read.admins, world.access.admins, sizeof(read.admins));
		for (size_t cut = 0; cut < writer.len; cut++)
			assert_int_equal(relay_access_decode(BYTES(writer.data, cut), &read),
					 SOTTO_ERR_CORRUPT);
		writer_release(&writer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_founding),
		cmocka_unit_test(test_founding_refuses_equal_and_false_keys),
		cmocka_unit_test(test_approvals),
		cmocka_unit_test(test_every_bit_of_an_install_is_signed),
		cmocka_unit_test(test_past_keys),
		cmocka_unit_test(test_admins_change),
		cmocka_unit_test(test_porch_install),
		cmocka_unit_test(test_saved_state),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
