/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a relay answers to strangers: nothing. Each kind of packet a thousand times and more, while real
 * phones connect before, between and after; and what phones say about relays that are not theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/link/strangers.h"
#include "tests/link/world.h"

#define EACH 1250 /* eight kinds and more: above 10,000 packets */

static struct world world;

static void connect_phone(int phone)
{
	struct link_client_config config;

	world_config(&world, &config);
	world_add_phone(&world, phone, &config);
	assert_true(world_run_until(&world, phone, LINK_CLIENT_UP, 20 * WORLD_SECOND));
}

static void knock(const struct stranger *stranger)
{
	struct strangers strangers = {
		.random = &world.random,
		.key = world.keys[0],
		.relay = world.relay,
		.first_len = world.first.packet.len,
	};
	struct link_server_stats before;
	struct link_server_stats after;
	struct link_address from;
	uint8_t packet[LINK_FULL_LEN];
	uint64_t dropped = 0;

	memcpy(strangers.first, world.first.packet.data, world.first.packet.len);
	link_server_stats(world.server, &before);
	for (unsigned i = 0; i < EACH; i++) {
		size_t len;

		strangers.now_ns = world.now_ns;
		strangers.utc_ms = world_utc(&world);
		len = stranger->make(&strangers, packet);
		from = world_address(i & 1 ? "203.0.113.66" : "2001:db8:bad::1",
				     (uint16_t)(1024 + i));
		world_inject(&world, &from, packet, len);
		if (i % 100 == 0)
			world_run(&world, 50 * WORLD_MS);
	}
	world_run(&world, WORLD_SECOND);
	link_server_stats(world.server, &after);
	for (size_t i = 0; i < LINK_DROP_COUNT; i++)
		dropped += after.drops[i] - before.drops[i];
	assert_int_equal(world.to_strangers, 0);
	assert_int_equal(dropped, EACH);
	assert_int_equal(after.half_open, 0);
	assert_int_equal(after.links, before.links);
	if (after.drops[stranger->drop] - before.drops[stranger->drop] < EACH / 2)
		fail_msg("%s: not where it should end", stranger->name);
}

static void test_strangers(void **state)
{
	(void)state;
	world_init(&world, 21);
	world.server_config.limits.replay_entries = 65536;
	connect_phone(0);
	for (size_t i = 0; i < STRANGERS_COUNT; i++) {
		knock(&strangers_table[i]);
		connect_phone(1); /* another each time: the one before is replaced and forgotten */
		assert_int_equal(world.phones[0].status.state, LINK_CLIENT_UP);
	}
	assert_int_equal(world.to_strangers, 0);
	world_finish(&world);
}

/* Also from the phone's own address, also after a restart, when the cache is empty. */
static void test_replay_after_restart(void **state)
{
	struct link_server_stats stats;

	(void)state;
	world_init(&world, 22);
	connect_phone(0);
	link_client_stop(world.phones[0].client, world.now_ns);
	world_run(&world, WORLD_SECOND);
	assert_int_equal(world.closed, 1);
	world_remove_phone(&world, 0);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			world_inject(&world, &world.first.packet.path.remote,
				     world.first.packet.data, world.first.packet.len);
		}
		world_run(&world, WORLD_SECOND);
		assert_int_equal(world.to_strangers, 0);
		if (round == 0)
			world_restart_relay(&world, WORLD_SECOND);
	}
	link_server_stats(world.server, &stats);
	assert_int_equal(stats.drops[LINK_DROP_BEFORE_START], 1000);
	connect_phone(1);
	world_finish(&world);
}

/* The relay's machine starts with a clock that is an hour off, and is set right afterwards. */
static void test_the_clock_is_set_after_the_start(void **state)
{
	static const int64_t off_ms[] = {-3600000, 3600000};

	(void)state;
	for (size_t i = 0; i < sizeof(off_ms) / sizeof(off_ms[0]); i++) {
		struct link_server_stats stats;

		world_init(&world, 27 + i);
		connect_phone(0);
		world_run(&world, WORLD_SECOND);
		world_remove_phone(&world, 0);
		world_kill_relay(&world);
		world_run(&world, WORLD_SECOND);
		world.utc_ms += (uint64_t)off_ms[i];
		world_start_relay(&world);
		world_run(&world, WORLD_SECOND);
		world.utc_ms -= (uint64_t)off_ms[i];
		world_run(&world, WORLD_SECOND);
		/* What was seen before the start is not taken, by whatever clock it started; phones are. */
		for (unsigned n = 0; n < 1000; n++) {
			world_inject(&world, &world.first.packet.path.remote,
				     world.first.packet.data, world.first.packet.len);
		}
		world_run(&world, WORLD_SECOND);
		link_server_stats(world.server, &stats);
		assert_int_equal(stats.drops[LINK_DROP_BEFORE_START], 1000);
		assert_int_equal(stats.links, 0);
		assert_int_equal(world.to_strangers, 0);
		connect_phone(1);
		world_finish(&world);
	}
}

/* While the link is alive its own first packet, from elsewhere, moves nothing and gets nothing. */
static void test_replay_beside_the_link(void **state)
{
	struct link_address from = world_address("203.0.113.66", 99);

	(void)state;
	world_init(&world, 23);
	connect_phone(0);
	world_inject(&world, &from, world.first.packet.data, world.first.packet.len);
	world_run(&world, 10 * WORLD_SECOND);
	assert_int_equal(world.to_strangers, 0);
	assert_int_equal(world.phones[0].status.state, LINK_CLIENT_UP);
	world_finish(&world);

	/* During the handshake, too. */
	world_init(&world, 24);
	world.delay_ns = 200 * WORLD_MS;
	struct link_client_config config;

	world_config(&world, &config);
	world_add_phone(&world, 0, &config);
	world_run(&world, 300 * WORLD_MS);
	world_inject(&world, &from, world.first.packet.data, world.first.packet.len);
	assert_true(world_run_until(&world, 0, LINK_CLIENT_UP, WORLD_SECOND));
	assert_int_equal(world.to_strangers, 0);
	world_finish(&world);
}

enum spoil {
	SPOIL_SECRET,
	SPOIL_NUMBER,
	SPOIL_CLOCK_SLOW,
	SPOIL_CLOCK_FAST,
	SPOIL_RELAY_KEY,
	SPOIL_NETWORK,
	SPOIL_SIGNATURE,
	SPOIL_ADDRESS,
};

/* What a phone says about it, and that it keeps trying without knocking the door down. */
static void test_what_phones_say(void **state)
{
	static const struct {
		enum spoil spoil;
		enum link_reason reason;
	} table[] = {
		{SPOIL_SECRET, LINK_REASON_NO_ANSWER},
		{SPOIL_NUMBER, LINK_REASON_NO_ANSWER},
		{SPOIL_CLOCK_SLOW, LINK_REASON_NO_ANSWER},
		{SPOIL_CLOCK_FAST, LINK_REASON_NO_ANSWER},
		{SPOIL_RELAY_KEY, LINK_REASON_WRONG_RELAY_KEY},
		{SPOIL_NETWORK, LINK_REASON_WRONG_RELAY_KEY},
		{SPOIL_SIGNATURE, LINK_REASON_WRONG_RELAY_KEY},
		{SPOIL_ADDRESS, LINK_REASON_NO_NETWORK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct link_client_config config;
		struct link_path path = {0};
		uint64_t number;

		world_init(&world, 500 + i);
		world_config(&world, &config);
		config.keys[0].secret[5] ^= table[i].spoil == SPOIL_SECRET;
		config.keys[0].number += table[i].spoil == SPOIL_NUMBER;
		config.relay_key[3] ^= table[i].spoil == SPOIL_RELAY_KEY;
		config.network_id[3] ^= table[i].spoil == SPOIL_NETWORK;
		world.sign_wrong = table[i].spoil == SPOIL_SIGNATURE;
		if (table[i].spoil == SPOIL_CLOCK_SLOW)
			world.skew_ms[0] = -(int64_t)LINK_WINDOW_MS - 1000;
		if (table[i].spoil == SPOIL_CLOCK_FAST)
			world.skew_ms[0] = (int64_t)LINK_WINDOW_MS + 10000;
		world_add_phone(&world, 0, &config);
		path.remote = world.relay;
		if (table[i].spoil == SPOIL_ADDRESS)
			link_client_unreachable(world.phones[0].client, &path, world.now_ns);
		else
			world_run(&world, 6 * WORLD_SECOND);
		assert_int_equal(world.phones[0].status.reason, table[i].reason);
		assert_int_not_equal(world.phones[0].status.state, LINK_CLIENT_UP);
		assert_int_equal(world.requests + world.server_datagrams, 0);
		assert_int_equal(
			link_client_request(world.phones[0].client, BYTES_TEXT("1234"), &number),
			SOTTO_ERR_STATE);
		assert_int_equal(world_send_datagram(&world, 0, "x", 1), SOTTO_ERR_STATE);
		world.phones[0].sizes[LINK_FULL_LEN] = 0;
		world_run(&world, 600 * WORLD_SECOND);
		assert_true(world.phones[0].sizes[LINK_FULL_LEN] < 400);
		assert_true(world.phones[0].sizes[LINK_FULL_LEN] > 20);
		world_finish(&world);
	}
}

static void test_no_proof(void **state)
{
	struct link_client_config config;

	(void)state;
	world_init(&world, 25);
	world.sign_delay_ns = 60 * WORLD_SECOND;
	world_config(&world, &config);
	world_add_phone(&world, 0, &config);
	assert_true(world_run_until(&world, 0, LINK_CLIENT_PROVING, WORLD_SECOND));
	assert_true(world_run_until(&world, 0, LINK_CLIENT_CONNECTING, 5 * WORLD_SECOND));
	assert_int_equal(world.phones[0].status.reason, LINK_REASON_NO_PROOF);
	world_finish(&world);
}

/* Keys in order: the relay does not know the first yet; and one that only opens catch-up. */
static void test_several_keys(void **state)
{
	struct link_client_config config;
	struct link_server_info info;

	(void)state;
	world_init(&world, 26);
	world_config(&world, &config);
	config.keys[1] = config.keys[0];
	config.keys[0].number = 3;
	config.key_count = 2;
	world_add_phone(&world, 0, &config);
	assert_true(world_run_until(&world, 0, LINK_CLIENT_UP, 3 * WORLD_SECOND));
	assert_int_equal(world.phones[0].status.number, 2);
	config.keys[0] = world.keys[1];
	config.key_count = 1;
	world_add_phone(&world, 1, &config);
	assert_true(world_run_until(&world, 1, LINK_CLIENT_UP, 3 * WORLD_SECOND));
	assert_int_equal(link_server_info(world.server, world.last_link, &info), SOTTO_OK);
	assert_true(info.past && info.number == 1);
	/* Retired altogether: the link stays, a new one does not come up. */
	assert_int_equal(link_server_set_keys(world.server, world.keys, 1, NULL, 0), SOTTO_OK);
	world_run(&world, 5 * WORLD_SECOND);
	assert_int_equal(world.phones[1].status.state, LINK_CLIENT_UP);
	world_add_phone(&world, 2, &config);
	assert_false(world_run_until(&world, 2, LINK_CLIENT_UP, 5 * WORLD_SECOND));
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_replay_after_restart),
		cmocka_unit_test(test_the_clock_is_set_after_the_start),
		cmocka_unit_test(test_replay_beside_the_link),
		cmocka_unit_test(test_what_phones_say),
		cmocka_unit_test(test_no_proof),
		cmocka_unit_test(test_several_keys),
	};

	return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
