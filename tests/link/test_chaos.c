/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Minutes of everything at once, from a seed: requests, calls, moving phones, cuts, a relay that closes
 * links and is restarted. Whatever happened, when the network is whole again everybody is up and is served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/link/world.h"

#define PHONES 6

static struct world world;

static void act(int phone)
{
	struct world_phone *it = &world.phones[phone];
	static uint8_t bytes[70000];
	uint64_t number;
	char text[64];

	it->reply_count = 0; /* old numbers do not come again; what comes late makes a new entry */
	switch (world_random(&world) % 12) {
	case 0:
	case 1:
	case 2:
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = world_pattern(i);
		(void)world_ask(bytes, (uint32_t)(world_random(&world) % 90000));
		(void)!link_client_request(it->client,
					   BYTES(bytes, 4 + world_random(&world) % 69000), &number);
		break;
	case 3:
		link_client_cancel(it->client, 1 + world_random(&world) % 200);
		break;
	case 4:
		it->small_len = link_small_len(160);
		link_client_set_voice(it->client, it->small_len);
		break;
	case 5:
		link_client_set_voice(it->client, 0);
		break;
	case 6:
		if (world_random(&world) % 3 == 0) { /* to and fro */
			it->address = world_address("198.51.100.7", (uint16_t)(50000 + phone));
			break;
		}
		snprintf(text, sizeof(text), "10.%u.%u.%u", phone,
			 (unsigned)(world_random(&world) % 250),
			 (unsigned)(world_random(&world) % 250));
		it->address = world_address(text, (uint16_t)(1024 + phone));
		break;
	case 7:
		world_change_network(&world, phone, it->socket + 1);
		break;
	case 8:
		if (it->status.state == LINK_CLIENT_STOPPED)
			(void)!link_client_start(it->client, world.now_ns, world_utc(&world));
		else if (world_random(&world) % 4 == 0)
			link_client_stop(it->client, world.now_ns);
		break;
	default:
		(void)!world_send_datagram(&world, phone, bytes, 160);
		break;
	}
}

static void disturb(void)
{
	switch (world_random(&world) % 400) {
	case 0:
		world.cut = true;
		break;
	case 1:
	case 2:
		world.cut = false;
		break;
	case 3:
		world.loss_permille = (unsigned)(world_random(&world) % 250);
		break;
	case 4:
		world.delay_ns = world_random(&world) % 200 * WORLD_MS;
		world.jitter_ns = world_random(&world) % 100 * WORLD_MS;
		break;
	case 5:
		if (world.server)
			link_server_close(world.server, world.last_link, world.now_ns);
		break;
	case 6:
		if (world.server)
			world_restart_relay(&world, world_random(&world) % 5 * WORLD_SECOND);
		break;
	default:
		break;
	}
}

static void all_is_well(void)
{
	uint8_t ask[4];
	uint64_t numbers[PHONES];

	world.cut = false;
	world.copies_permille = 0;
	world.loss_permille = 0;
	world.jitter_ns = 0;
	world.delay_ns = 30 * WORLD_MS;
	for (int i = 0; i < PHONES; i++) {
		if (world.phones[i].status.state == LINK_CLIENT_STOPPED)
			assert_int_equal(link_client_start(world.phones[i].client, world.now_ns,
							   world_utc(&world)),
					 SOTTO_OK);
	}
	world_run(&world, 60 * WORLD_SECOND);
	world.lax_replies = false;
	world_run(&world, 20 * WORLD_SECOND);
	(void)world_ask(ask, 1000);
	for (int i = 0; i < PHONES; i++) {
		assert_int_equal(world.phones[i].status.state, LINK_CLIENT_UP);
		world.phones[i].reply_count = 0;
		assert_int_equal(
			link_client_request(world.phones[i].client, BYTES_OF(ask), &numbers[i]),
			SOTTO_OK);
	}
	world_run(&world, 2 * WORLD_SECOND);
	for (int i = 0; i < PHONES; i++) {
		assert_int_equal(world.phones[i].reply_count, 1);
		assert_int_equal(world.phones[i].replies[0].request, numbers[i]);
		assert_true(world.phones[i].replies[0].fin);
	}
}

static void test_chaos(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct link_client_config config;

		world_init(&world, seed * 7919);
		world.lax_replies = true;
		world.double_permille = 30;
		world.copies_permille = seed % 2 ? 100 : 0;
		for (int i = 0; i < PHONES; i++) {
			world_config(&world, &config);
			world_add_phone(&world, i, &config);
		}
		for (unsigned round = 0; round < 6000; round++) {
			act((int)(world_random(&world) % PHONES));
			disturb();
			world_run(&world, world_random(&world) % 40 * WORLD_MS);
		}
		all_is_well();
		world_finish(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chaos),
	};

	return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
