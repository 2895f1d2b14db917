/* SPDX-License-Identifier: Apache-2.0 */
/* See requests.h. */
#include "tests/relay/requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sign.h"

struct network network;
static const uint8_t admin_seed[32] = {9};
const uint8_t access_key[WIRE_KEY_LEN] = {1, 1};
const uint8_t next_key[WIRE_KEY_LEN] = {2, 2};
const uint8_t porch_key[WIRE_KEY_LEN] = {3, 3};
struct fixture_drop porch;

uint8_t found(size_t phone)
{
	struct wire_admin_key admin;
	struct wire_found message = {
		.network = {7}, .threshold = 1, .admins = {.items = &admin, .count = 1}};

	assert_int_equal(sign_public(SIGN_ED25519, BYTES_OF(admin_seed), admin.key), SOTTO_OK);
	memcpy(message.access_key, access_key, WIRE_KEY_LEN);
	memcpy(message.porch_key, porch_key, WIRE_KEY_LEN);
	memcpy(message.porch_drop, porch.name, WIRE_HASH_LEN);
	return network_status(&network, phone, &wire_found_type, &message);
}

uint8_t install(size_t phone, uint64_t number, const uint8_t *key)
{
	struct wire_approval approval = {.admin = 0};
	struct wire_key_install message = {.number = number,
					   .approvals = {.items = &approval, .count = 1}};
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	uint8_t id[WIRE_HASH_LEN] = {7};
	size_t len;

	memcpy(message.access_key, key, WIRE_KEY_LEN);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, BYTES_OF(admin_seed),
				     wire_signed_key_install(id, &message, buffer),
				     approval.signature, &len),
			 SOTTO_OK);
	return network_status(&network, phone, &wire_key_install_type, &message);
}

uint8_t prove(size_t phone, uint64_t number, const uint8_t *secret)
{
	struct wire_key_prove message = {.number = number};
	uint8_t exporter[LINK_EXPORTER_LEN];

	assert_int_equal(link_client_exporter(network.phones[phone].client, exporter), SOTTO_OK);
	wire_key_possession(number, secret, exporter, message.mac);
	return network_status(&network, phone, &wire_key_prove_type, &message);
}

uint8_t append_len(size_t phone, const struct fixture_drop *drop, uint32_t number, size_t len)
{
	struct wire_record record = fixture_record(number, len);
	struct wire_append message = {.flags = drop->flags,
				      .records = {.items = &record, .count = 1}};

	memcpy(message.append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(message.read_token_hash, drop->read_token_hash, WIRE_HASH_LEN);
	return network_status(&network, phone, &wire_append_type, &message);
}

uint8_t append(size_t phone, const struct fixture_drop *drop, uint32_t number)
{
	return append_len(phone, drop, number, WIRE_RECORD_LEN_1);
}

uint8_t read_drop(size_t phone, const struct fixture_drop *drop)
{
	struct wire_read message = {.flags = drop->flags, .from_sequence = 1};

	memcpy(message.append_token_hash, drop->append_token_hash, WIRE_HASH_LEN);
	memcpy(message.read_token, drop->read_token, WIRE_TOKEN_LEN);
	return network_status(&network, phone, &wire_read_type, &message);
}

uint64_t watch(size_t phone, const struct fixture_drop *drop)
{
	struct wire_watch message = {.flags = drop->flags, .from_sequence = 1};

	memcpy(message.append_token_hash, drop->append_token_hash, WIRE_HASH_LEN);
	memcpy(message.read_token, drop->read_token, WIRE_TOKEN_LEN);
	return network_ask(&network, phone, &wire_watch_type, &message);
}

int setup(void **state)
{
	(void)state;
	fixture_drop(99, 0, &porch);
	network_init(&network);
	return 0;
}

/* A network that is founded already, with phone 0 on the access key. */
int setup_founded(void **state)
{
	(void)setup(state);
	network_connect(&network, 0, LINK_KEY_CLAIM, 0, relay_front_access(network.front)->claim);
	assert_int_equal(found(0), OK);
	network_disconnect(&network, 0);
	network_connect(&network, 0, LINK_KEY_ACCESS, 1, access_key);
	return network.phones[0].status.state == LINK_CLIENT_UP ? 0 : -1;
}

int teardown(void **state)
{
	(void)state;
	network_finish(&network);
	return 0;
}
