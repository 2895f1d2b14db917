/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that several stories share. */
#include "tests/talk/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum talk_state state_of(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(world_phone(world, number)->talk, &status);
	return status.state;
}

uint32_t problems_of(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(world_phone(world, number)->talk, &status);
	return status.problems & ~(UINT32_C(1) << TALK_PROBLEM_ONE_PERSON);
}

void revoke(struct world *world, uint32_t number)
{
	struct world_phone *admin = world_phone(world, 0);

	assert_int_equal(talk_revoke(admin->talk, world_extension(world, number), world_now(world),
				     WORLD_UTC_MS + world_now(world) / 1000000),
			 SOTTO_OK);
	world_settle(admin);
}

void links(struct world *world, uint32_t count, bool wanted)
{
	for (uint32_t i = 0; i < count; i++)
		world_link(world, i, wanted);
}

uint8_t authority(struct world *world, uint32_t number)
{
	return fake_relay_authority(world_relay(world), number);
}

/* Both ways, between all of the first `count`, but for `out`. */
void all_write(struct world *world, uint32_t count, uint32_t out, uint32_t text)
{
	for (uint32_t a = 0; a < count; a++) {
		for (uint32_t b = 0; b < count; b++) {
			if (a != b && a != out && b != out)
				assert_true(world_send(world, a, b, text));
		}
	}
	world_run(world, 40);
	for (uint32_t a = 0; a < count; a++) {
		for (uint32_t b = 0; b < count; b++) {
			if (a == b || a == out || b == out)
				continue;
			assert_int_equal(world_received(world, a, b, text), 1);
			assert_int_equal(world_sent_state(world, a, b, text),
					 TALK_MESSAGE_DELIVERED);
		}
	}
}
