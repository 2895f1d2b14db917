/* SPDX-License-Identifier: Apache-2.0 */
/* What runs out: places, memory, randomness. Nobody crashes, nothing grows past its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/link/world.h"

static struct world world;

/* Counts what is held; refuses the nth allocation, or anything beyond a limit. */
static struct {
	size_t held, high;
	uint64_t taken;
	uint64_t fails_at;
} memory;

static void *take(void *context, size_t len)
{
	(void)context;
	if (++memory.taken == memory.fails_at)
		return NULL;
	memory.held += len;
	if (memory.held > memory.high)
		memory.high = memory.held;
	return malloc(len);
}

static void give(void *context, void *piece, size_t len)
{
	(void)context;
	assert_true(memory.held >= len);
	memory.held -= len;
	free(piece);
}

static const struct allocator counting = {.allocate = take, .release = give};

static void init(uint64_t seed)
{
	memset(&memory, 0, sizeof(memory));
	world_init(&world, seed);
	world_kill_relay(&world);
	world.server_config.allocator = &counting;
	world_start_relay(&world);
	world_run(&world, WORLD_SECOND);
}

static void connect_phone(int phone)
{
	struct link_client_config config;

	world_config(&world, &config);
	world_add_phone(&world, phone, &config);
	assert_true(world_run_until(&world, phone, LINK_CLIENT_UP, 30 * WORLD_SECOND));
}

static void test_places(void **state)
{
	struct link_client_config config;
	struct link_server_stats stats;

	(void)state;
	init(31);
	world_kill_relay(&world);
	world.server_config.limits.links = 2;
	world_start_relay(&world);
	world_run(&world, WORLD_SECOND);
	connect_phone(0);
	connect_phone(1);
	world_config(&world, &config);
	world_add_phone(&world, 2, &config);
	assert_false(world_run_until(&world, 2, LINK_CLIENT_UP, 5 * WORLD_SECOND));
	link_server_stats(world.server, &stats);
	assert_int_equal(stats.links, 2);
	assert_true(stats.drops[LINK_DROP_LIMIT] > 0);
	/* A place that is free again is given out again. */
	link_client_stop(world.phones[0].client, world.now_ns);
	assert_true(world_run_until(&world, 2, LINK_CLIENT_UP, 30 * WORLD_SECOND));
	world_finish(&world);
	assert_int_equal(memory.held, 0);
}

/* Phones that begin and never go on: from one address at most so many, and they are forgotten. */
static void test_half_open(void **state)
{
	struct link_server_stats stats;

	(void)state;
	init(32);
	world_kill_relay(&world);
	world.server_config.limits.half_open_address = 3;
	world_start_relay(&world);
	world_run(&world, WORLD_SECOND);
	for (int i = 0; i < 5; i++) {
		struct link_client_config config;

		world_config(&world, &config);
		world_add_phone(&world, i, &config);
	}
	/* What the relay answers is lost; the phones' packets arrive. */
	for (int i = 0; i < 5; i++)
		world.phones[i].deaf = true;
	world_run(&world, 500 * WORLD_MS);
	link_server_stats(world.server, &stats);
	assert_int_equal(stats.half_open, 3);
	assert_true(stats.drops[LINK_DROP_LIMIT] >= 2);
	for (int i = 0; i < 5; i++)
		world_remove_phone(&world, i);
	world_run(&world, 10 * WORLD_SECOND);
	link_server_stats(world.server, &stats);
	assert_int_equal(stats.half_open, 0);
	connect_phone(5);
	world_finish(&world);
	assert_int_equal(memory.held, 0);
}

/* All that requests may hold on all links is 300,000 bytes: the second large one is refused. */
static void test_request_bytes(void **state)
{
	static uint8_t request[200000];
	struct link_server_stats stats;
	uint64_t number;

	(void)state;
	init(33);
	world_kill_relay(&world);
	world.server_config.limits.request_bytes_all = 300000;
	world_start_relay(&world);
	world_run(&world, WORLD_SECOND);
	for (size_t i = 0; i < sizeof(request); i++)
		request[i] = world_pattern(i);
	(void)world_ask(request, 10);
	for (int phone = 0; phone < 2; phone++) {
		connect_phone(phone);
		assert_int_equal(
			link_client_request(world.phones[phone].client, BYTES_OF(request), &number),
			SOTTO_OK);
	}
	world_run(&world, 10 * WORLD_SECOND);
	link_server_stats(world.server, &stats);
	assert_int_equal(world.requests + stats.requests_refused, 2);
	assert_int_equal(stats.request_bytes, 0);
	assert_true(world.phones[0].replies[0].fin || world.phones[0].replies[0].ended);
	assert_true(world.phones[1].replies[0].fin || world.phones[1].replies[0].ended);
	world_finish(&world);
	assert_int_equal(memory.held, 0);
}

/* A thousand links that come and go leave nothing behind. */
static void test_memory_is_given_back(void **state)
{
	size_t before = 0;

	(void)state;
	init(34);
	for (int i = 0; i < 300; i++) {
		uint8_t ask[4];
		uint64_t number;

		connect_phone(0);
		(void)world_ask(ask, 5000);
		assert_int_equal(
			link_client_request(world.phones[0].client, BYTES_OF(ask), &number),
			SOTTO_OK);
		world_run(&world, 200 * WORLD_MS);
		link_client_stop(world.phones[0].client, world.now_ns);
		world_run(&world, 200 * WORLD_MS);
		world_remove_phone(&world, 0);
		if (i == 0)
			before = memory.held;
		assert_int_equal(memory.held, before);
	}
	print_message("# one link on the relay: at most %zu bytes beside TLS\n",
		      memory.high - before);
	world_finish(&world);
	assert_int_equal(memory.held, 0);
}

static void exercise(void)
{
	struct link_client_config config;
	uint8_t ask[4];
	uint64_t number;

	world_config(&world, &config);
	config.allocator = &counting;
	world_add_phone(&world, 0, &config);
	world_run(&world, 500 * WORLD_MS);
	(void)world_ask(ask, 3000);
	(void)!link_client_request(world.phones[0].client, BYTES_OF(ask), &number);
	(void)!world_send_datagram(&world, 0, "voice", 5);
	world_run(&world, 500 * WORLD_MS);
	/* Whatever was refused on the way: without refusals it works in the end. */
	memory.fails_at = 0;
	world.random_fails_at = 0;
	for (int tries = 0; tries < 3; tries++) {
		assert_true(world_run_until(&world, 0, LINK_CLIENT_UP, 30 * WORLD_SECOND));
		if (link_client_request(world.phones[0].client, BYTES_OF(ask), &number) != SOTTO_OK)
			continue;
		/* The relay may have dropped the link: then the phone notices first. */
		world_run(&world, 6 * WORLD_SECOND);
		if (world.phones[0].reply_count > 0 &&
		    world.phones[0].replies[world.phones[0].reply_count - 1].fin)
			return;
	}
	fail();
}

/* Every allocation refused in turn, on both ends (GnuTLS's own are not ours to refuse). */
static void test_failing_allocations(void **state)
{
	uint64_t start;
	uint64_t count;

	(void)state;
	init(35);
	start = memory.taken;
	exercise();
	count = memory.taken - start;
	world_finish(&world);
	assert_int_equal(memory.held, 0);
	assert_true(count > 50);
	for (uint64_t nth = 1; nth <= count; nth++) {
		struct link_client_config config;
		struct link_client *client;

		init(35);
		/* Creating may fail, cleanly; then the rest is tried with a client that was created. */
		world_config(&world, &config);
		config.allocator = &counting;
		memory.fails_at = memory.taken + nth;
		if (link_client_create(&config, &client) == SOTTO_OK) {
			link_client_destroy(client);
			memory.fails_at = memory.taken + nth;
			if (nth > 3)
				exercise();
		}
		world_finish(&world);
		assert_int_equal(memory.held, 0);
	}
}

static void test_failing_random(void **state)
{
	(void)state;
	for (uint64_t nth = 1; nth <= 40; nth++) {
		struct link_client_config config;
		struct link_client *client;

		init(36);
		world_config(&world, &config);
		world.random_fails_at = nth;
		if (link_client_create(&config, &client) == SOTTO_OK) {
			link_client_destroy(client);
			world.random_fails_at = nth + 1; /* past the new client's own first draw */
			exercise();
		}
		world_finish(&world);
		assert_int_equal(memory.held, 0);
	}
}

static void test_arguments(void **state)
{
	struct link_client_config config;
	struct link_client *client = NULL;
	struct link_server *server = NULL;
	struct link_server_config relay;
	struct link_key keys[LINK_KEYS_PAST_MAX + 1] = {{.kind = LINK_KEY_ACCESS}};

	(void)state;
	init(37);
	world_config(&world, &config);
	config.address_count = 0;
	assert_int_equal(link_client_create(&config, &client), SOTTO_ERR_ARGUMENT);
	world_config(&world, &config);
	config.key_count = LINK_CLIENT_KEYS_MAX + 1;
	assert_int_equal(link_client_create(&config, &client), SOTTO_ERR_ARGUMENT);
	relay = world.server_config;
	relay.limits.links = 65536;
	assert_int_equal(link_server_create(&relay, &server), SOTTO_ERR_ARGUMENT);
	assert_int_equal(link_server_set_keys(world.server, keys, LINK_KEYS_LIVE_MAX + 1, NULL, 0),
			 SOTTO_ERR_LIMIT);
	assert_int_equal(link_server_set_keys(world.server, NULL, 0, keys, LINK_KEYS_PAST_MAX + 1),
			 SOTTO_ERR_LIMIT);
	assert_int_equal(link_server_reply(world.server, 77, 0, BYTES_NONE, true),
			 SOTTO_ERR_NOT_FOUND);
	assert_null(client);
	assert_null(server);
	link_client_destroy(NULL);
	link_server_destroy(NULL);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_request_bytes),
		cmocka_unit_test(test_memory_is_given_back),
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_failing_random),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
