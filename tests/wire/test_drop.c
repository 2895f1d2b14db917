/* SPDX-License-Identifier: Apache-2.0 */
/* Names depend on each of their parts; a reader's check of a batch finds every change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/hex.h"
#include "crypto/sign.h"
#include "wire/drop.h"

static void test_names(void **state)
{
	uint8_t a[WIRE_HASH_LEN] = {1};
	uint8_t b[WIRE_HASH_LEN] = {2};
	uint8_t names[4][WIRE_HASH_LEN];

	(void)state;
	wire_drop_name(0, a, b, names[0]);
	wire_drop_name(WIRE_DROP_INBOX, a, b, names[1]);
	wire_drop_name(0, b, a, names[2]);
	wire_drop_name(0, a, a, names[3]);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(names[i], names[j], WIRE_HASH_LEN);
	}
	wire_append_token_hash(a, names[0]);
	wire_read_token_hash(a, names[1]);
	assert_memory_not_equal(names[0], names[1], WIRE_HASH_LEN);
}

static void test_batch_is_verified(void **state)
{
	static uint8_t body[2][WIRE_RECORD_LEN_1] = {{7}, {8}};
	struct wire_record records[2] = {{BYTES_OF(body[0])}, {BYTES_OF(body[1])}};
	struct wire_batch batch = {
		.drop = {1},
		.incarnation = {2},
		.before_sequence = 4,
		.before_hash = {3},
		.records = {.items = records, .count = 2},
		.end_sequence = 6,
		.newest_sequence = 9,
	};
	uint8_t seed[32] = {5};
	uint8_t public_key[32];
	uint8_t other_key[32] = {0};
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct {
		uint8_t *at;
		bool matters;
	} table[] = {
		{batch.drop, true},
		{batch.incarnation, true},
		{(uint8_t *)&batch.before_sequence, true},
		{batch.before_hash, true},
		{body[0], true},
		{body[1], true},
		{(uint8_t *)&batch.end_sequence, true},
		{batch.running_hash, true},
		{batch.signature, true},
		{(uint8_t *)&batch.newest_sequence, false},
	};
	size_t len;

	(void)state;
	assert_int_equal(sign_public(SIGN_ED25519, BYTES_OF(seed), public_key), SOTTO_OK);
	memcpy(batch.running_hash, batch.before_hash, WIRE_HASH_LEN);
	wire_running_next(batch.running_hash, records[0].sealed);
	wire_running_next(batch.running_hash, records[1].sealed);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, BYTES_OF(seed),
				     wire_signed_batch(batch.drop, batch.incarnation, 6,
						       batch.running_hash, buffer),
				     batch.signature, &len),
			 SOTTO_OK);
	assert_int_equal(len, WIRE_SIGNATURE_LEN);
	assert_int_equal(wire_batch_verify(&batch, public_key), SOTTO_OK);
	assert_int_equal(wire_batch_verify(&batch, other_key), SOTTO_ERR_VERIFY);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		*table[i].at ^= 1;
		assert_int_equal(wire_batch_verify(&batch, public_key),
				 table[i].matters ? SOTTO_ERR_VERIFY : SOTTO_OK);
		*table[i].at ^= 1;
	}
}

/* An approval of one content is none of another. */
static void test_signed_contents_differ(void **state)
{
	static const uint8_t network[WIRE_HASH_LEN] = {1};
	static const struct wire_admin_key keys[] = {{{1}}, {{2}}};
	struct wire_key_install install = {.number = 2};
	struct wire_porch_install porch = {.number = 2};
	struct wire_admins_change admins = {.serial = 2, .admins = {.items = keys, .count = 2}};
	uint8_t buffers[4][WIRE_SIGNED_LEN_MAX];
	struct bytes contents[4];

	(void)state;
	contents[0] = wire_signed_key_install(network, &install, buffers[0]);
	contents[1] = wire_signed_porch_install(network, &porch, buffers[1]);
	contents[2] = wire_signed_admins_change(network, &admins, buffers[2]);
	install.access_key[31] = 1;
	contents[3] = wire_signed_key_install(network, &install, buffers[3]);
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		for (size_t j = 0; j < i; j++)
			assert_false(bytes_equal(contents[i], contents[j]));
	}
}

/* Made by an independent implementation; a change here is another protocol. */
static void test_possession(void **state)
{
	static const char known[] =
		"14855f66bc4cc9e42913d4c87dba99003feaee53e2a30286ea2943d0b144b5fe";
	uint8_t secret[WIRE_KEY_LEN], exporter[WIRE_EXPORTER_LEN];
	uint8_t mac[WIRE_MAC_LEN], other[WIRE_MAC_LEN];
	char text[2 * WIRE_MAC_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++) {
		secret[i] = (uint8_t)i;
		exporter[i] = (uint8_t)(0x40 + i);
	}
	wire_key_possession(7, secret, exporter, mac);
	hex_encode(BYTES_OF(mac), text);
	assert_string_equal(text, known);
	/* Of this key, under this number, on this link. */
	wire_key_possession(8, secret, exporter, other);
	assert_memory_not_equal(mac, other, sizeof(mac));
	secret[31] ^= 1;
	wire_key_possession(7, secret, exporter, other);
	assert_memory_not_equal(mac, other, sizeof(mac));
	secret[31] ^= 1;
	exporter[0] ^= 1;
	wire_key_possession(7, secret, exporter, other);
	assert_memory_not_equal(mac, other, sizeof(mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_batch_is_verified),
		cmocka_unit_test(test_signed_contents_differ),
		cmocka_unit_test(test_possession),
	};

	return cmocka_run_group_tests_name("drop", tests, NULL, NULL);
}
