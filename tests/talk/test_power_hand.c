/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power of a device fails before every single write, sync, truncation and deletion of its vault while it asks
 * for what was said before, or gives it. It starts again from what survived on the disk. Each time all of it is on the
 * new one in the end, once, in its order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "tests/sparse.h"
#include "tests/talk/devices.h"
#include "tests/talk/hands.h"
#include "tests/talk/power.h"

#define PHONES	   4
#define POINTS_MIN 100 /* of both devices */

static uint64_t points;

/* Until the old one knows of the request, and until it has said yes, whatever happens to who is asked. */
static void hand_over(struct world *world)
{
	for (int i = 0; i < 8 && hand_state(world, OLD) == TALK_HAND_NONE; i++) {
		if (hand_state(world, NEW) == TALK_HAND_NONE)
			(void)!hand_ask(world, NEW);
		world_run(world, 5);
	}
	for (int i = 0; i < 8 && hand_state(world, OLD) == TALK_HAND_ASKED; i++) {
		(void)!give(world, OLD, 2);
		world_run(world, 10);
	}
	world_run(world, 10);
}

/* The power of this one fails before operation n. False: it had fewer. */
static bool trial(uint32_t who, uint64_t n)
{
	static const struct talk_conversation with = {.kind = TALK_DIRECT, .extension = 102};
	struct world *world = world_create_of(3000 + n, PHONES);
	struct power power;
	bool stopped;

	power_begin(&power, world, who, 3000 + n);
	world_members(world, 3, false);
	say(world, 2, 101, "first");
	say(world, OLD, 102, "second");
	world_run(world, 10);
	add(world, OLD, NEW, "Tablet");
	power.stop_again = true;
	power_stop_after(&power, n);
	hand_over(world);
	stopped = power.stops > 0;
	power_return(&power);
	stopped = stopped || power.stops > 0;
	power_stop_after(&power, POWER_NEVER);
	power.stop_again = false;
	hand_over(world);
	world_run(world, 3600);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_DONE);
	assert_same(world, &with, 2);
	world_destroy(world);
	power_end(&power);
	return stopped;
}

static void test_power_fails(void **state)
{
	static const uint32_t devices[] = {OLD, NEW};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
		for (uint64_t n = 0; trial(devices[i], n); n += SPARSE(5))
			points++;
	}
	print_message("# %llu points\n", (unsigned long long)points);
	assert_true(points >= POINTS_MIN / SPARSE(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_fails),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
