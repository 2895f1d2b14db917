/* SPDX-License-Identifier: Apache-2.0 */
/* Each fault by itself, over many datagrams; and that a seed repeats a run to the packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/net.h"

#define DATAGRAMS 1000

struct ear {
	struct sim_clock *clock;
	size_t heard;
	size_t out_of_order;
	uint32_t last;
	uint64_t last_ns;
	uint64_t hash;
};

struct world {
	struct sim_clock clock;
	struct sim_net *net;
	struct sim_node *nodes[2];
	struct ear ears[2];
};

static struct link_address address(uint8_t host)
{
	return (struct link_address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = host},
				     .port = 7000};
}

static void hear(void *context, const struct link_address *from, const struct link_address *to,
		 struct bytes bytes)
{
	struct ear *ear = context;
	uint32_t number;

	(void)to;
	assert_int_equal(bytes.len, sizeof(number));
	memcpy(&number, bytes.data, sizeof(number));
	ear->out_of_order += ear->heard > 0 && number < ear->last;
	ear->heard++;
	ear->last = number;
	ear->last_ns = sim_clock_now(ear->clock);
	ear->hash = (ear->hash ^ number ^ ear->last_ns ^ from->ip[15]) * UINT64_C(0x100000001b3);
}

static void world_init(struct world *world, uint64_t seed)
{
	struct sim_random random;

	memset(world, 0, sizeof(*world));
	sim_random_init(&random, seed);
	sim_clock_init(&world->clock, &allocator_default, 0);
	assert_int_equal(sim_net_create(&allocator_default, &world->clock, &random, &world->net),
			 SOTTO_OK);
	for (uint8_t i = 0; i < 2; i++) {
		struct link_address at = address(i);

		world->ears[i].clock = &world->clock;
		assert_int_equal(
			sim_net_node(world->net, &at, hear, &world->ears[i], &world->nodes[i]),
			SOTTO_OK);
	}
}

static void world_finish(struct world *world)
{
	sim_net_destroy(world->net);
	sim_clock_finish(&world->clock);
}

/* One datagram a millisecond from node 0 to an address, then everything that follows. */
static void talk(struct world *world, struct link_address to)
{
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		sim_net_send(world->nodes[0], &to, BYTES(&i, sizeof(i)));
		sim_clock_run_until(&world->clock, sim_clock_now(&world->clock) + SIM_MILLISECOND);
	}
	while (sim_clock_step(&world->clock))
		;
}

static void test_faults(void **state)
{
	static const struct {
		struct sim_net_faults faults;
		size_t heard_min;
		size_t heard_max;
		size_t disorder_min;
		size_t disorder_max;
		uint64_t end_ms; /* when the last one arrives, at least */
	} table[] = {
		{{0}, 1000, 1000, 0, 0, 1999},
		{{.delay_ns = 50 * SIM_MILLISECOND}, 1000, 1000, 0, 0, 2049},
		{{.loss_ppm = 200000}, 740, 860, 0, 0, 0},
		{{.loss_ppm = 1000000}, 0, 0, 0, 0, 0},
		{{.duplicate_ppm = 100000}, 1060, 1140, 0, 0, 0},
		{{.jitter_ns = 5 * SIM_MILLISECOND}, 1000, 1000, 100, 999, 0},
		{{.reorder_ppm = 50000, .reorder_ns = 3 * SIM_MILLISECOND}, 1000, 1000, 20, 100, 0},
		/* Half of what is sent fits; the queue holds 20 ms. */
		{{.bytes_per_second = 2000, .queue_ns = 20 * SIM_MILLISECOND}, 490, 530, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world world;
		struct ear *ear = &world.ears[1];

		world_init(&world, 3);
		assert_int_equal(
			sim_net_set_faults(world.net, world.nodes[0], NULL, &table[i].faults),
			SOTTO_OK);
		talk(&world, address(1));
		assert_in_range(ear->heard, table[i].heard_min, table[i].heard_max);
		assert_in_range(ear->out_of_order, table[i].disorder_min, table[i].disorder_max);
		assert_true(ear->last_ns >= table[i].end_ms * SIM_MILLISECOND);
		world_finish(&world);
	}
}

static void test_cut_island_and_rebinding(void **state)
{
	struct link_address elsewhere = address(9);
	struct sim_net_stats stats;
	struct world world;

	(void)state;
	world_init(&world, 1);
	sim_net_cut(world.nodes[1], true);
	talk(&world, address(1));
	assert_int_equal(world.ears[1].heard, 0);
	sim_net_cut(world.nodes[1], false);
	sim_net_island(world.nodes[1], 2);
	talk(&world, address(1));
	assert_int_equal(world.ears[1].heard, 0);
	sim_net_island(world.nodes[0], 2);
	talk(&world, address(1));
	assert_int_equal(world.ears[1].heard, DATAGRAMS);
	sim_net_bind(world.nodes[1], &elsewhere);
	talk(&world, address(1));
	assert_int_equal(world.ears[1].heard, DATAGRAMS);
	talk(&world, elsewhere);
	assert_int_equal(world.ears[1].heard, 2 * DATAGRAMS);
	sim_net_stats(world.net, &stats);
	assert_true(stats.sent == 5 * DATAGRAMS && stats.dropped == 3 * DATAGRAMS);
	world_finish(&world);
}

static void test_seed_repeats(void **state)
{
	static const struct sim_net_faults faults = {.delay_ns = 20 * SIM_MILLISECOND,
						     .jitter_ns = 30 * SIM_MILLISECOND,
						     .loss_ppm = 100000,
						     .duplicate_ppm = 50000};
	uint64_t hashes[3];

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		struct world world;

		world_init(&world, i < 2 ? 7 : 8);
		assert_int_equal(sim_net_set_faults(world.net, NULL, NULL, &faults), SOTTO_OK);
		talk(&world, address(1));
		hashes[i] = world.ears[1].hash;
		world_finish(&world);
	}
	assert_true(hashes[0] == hashes[1]);
	assert_true(hashes[0] != hashes[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_cut_island_and_rebinding),
		cmocka_unit_test(test_seed_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
