/* SPDX-License-Identifier: Apache-2.0 */
/* Links through a network that misbehaves: connecting, requests, datagrams, moving, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/link/world.h"

static struct world world;

static void connect_phone(int phone)
{
	struct link_client_config config;

	world_config(&world, &config);
	world_add_phone(&world, phone, &config);
	assert_true(world_run_until(&world, phone, LINK_CLIENT_UP, 20 * WORLD_SECOND));
}

static void test_connects(void **state)
{
	static const struct {
		unsigned loss, twice;
		uint64_t delay_ms, jitter_ms;
	} table[] = {
		{0, 0, 0, 0},	  {0, 0, 20, 0},       {0, 100, 20, 30},
		{50, 50, 75, 30}, {200, 50, 150, 100},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct link_server_info info;
		uint8_t exporters[2][LINK_EXPORTER_LEN];
		uint64_t start;

		world_init(&world, 100 + i);
		world.loss_permille = table[i].loss;
		world.double_permille = table[i].twice;
		world.delay_ns = table[i].delay_ms * WORLD_MS;
		world.jitter_ns = table[i].jitter_ms * WORLD_MS;
		start = world.now_ns;
		connect_phone(0);
		if (!table[i].loss && !table[i].jitter_ms)
			assert_true(world.now_ns - start <= 4 * world.delay_ns + 2 * WORLD_MS);
		assert_int_equal(world.phones[0].status.number, 2);
		assert_int_equal(link_server_info(world.server, world.last_link, &info), SOTTO_OK);
		assert_true(info.proven && !info.past && info.number == 2);
		assert_int_equal(link_client_exporter(world.phones[0].client, exporters[0]),
				 SOTTO_OK);
		assert_int_equal(link_server_exporter(world.server, world.last_link, exporters[1]),
				 SOTTO_OK);
		assert_memory_equal(exporters[0], exporters[1], LINK_EXPORTER_LEN);
		world_finish(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
