/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time and randomness: order, moving, cancelling, and that a seed decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/clock.h"
#include "sim/random.h"

#define EVENTS 200

static uint64_t seen[EVENTS];
static size_t seen_len;
static struct sim_clock *running;

static void note(void *context)
{
	const struct sim_event *event = context;

	assert_true(sim_clock_now(running) == event->when_ns);
	seen[seen_len++] = event->when_ns;
}

static void test_events_run_in_order(void **state)
{
	static struct sim_event events[EVENTS];
	struct sim_random random;
	struct sim_clock clock;
	size_t cancelled = 0;

	(void)state;
	sim_random_init(&random, 7);
	sim_clock_init(&clock, &allocator_default, 1000);
	running = &clock;
	for (size_t i = 0; i < EVENTS; i++) {
		events[i] = (struct sim_event){.run = note, .context = &events[i]};
		assert_int_equal(sim_clock_set(&clock, &events[i],
					       2 * SIM_SECOND + sim_random_below(&random, 50)),
				 SOTTO_OK);
	}
	for (size_t i = 0; i < EVENTS; i += 3) {
		sim_clock_cancel(&clock, &events[i]);
		sim_clock_cancel(&clock, &events[i]);
		cancelled++;
	}
	for (size_t i = 1; i < EVENTS; i += 3)
		assert_int_equal(sim_clock_set(&clock, &events[i],
					       3 * SIM_SECOND - sim_random_below(&random, 9)),
				 SOTTO_OK);
	sim_clock_run_until(&clock, 4 * SIM_SECOND);
	assert_int_equal(seen_len, EVENTS - cancelled);
	for (size_t i = 1; i < seen_len; i++)
		assert_true(seen[i - 1] <= seen[i]);
	assert_true(sim_clock_now(&clock) == 4 * SIM_SECOND);
	assert_true(sim_clock_utc_ms(&clock) == 5000);
	assert_false(sim_clock_step(&clock));
	sim_clock_finish(&clock);
}

/* Two events of the same time run in the order in which they were set; the past is now. */
static void test_ties_and_the_past(void **state)
{
	struct sim_event events[3];
	struct sim_clock clock;

	(void)state;
	sim_clock_init(&clock, &allocator_default, 0);
	running = &clock;
	seen_len = 0;
	for (size_t i = 0; i < 3; i++) {
		events[i] = (struct sim_event){.run = note, .context = &events[i]};
		assert_int_equal(sim_clock_set(&clock, &events[i], i == 1 ? 0 : SIM_SECOND),
				 SOTTO_OK);
	}
	assert_true(events[0].order < events[1].order && events[1].order < events[2].order);
	while (sim_clock_step(&clock))
		assert_int_equal(events[seen_len - 1].place, 0);
	assert_int_equal(seen_len, 3);
	assert_true(sim_clock_now(&clock) == SIM_SECOND);
	sim_clock_finish(&clock);
}

static void test_random_repeats_and_forks(void **state)
{
	struct sim_random a;
	struct sim_random b;
	struct sim_random fork_before;
	struct sim_random fork_after;
	struct random_source source = sim_random_source(&a);
	uint8_t bytes[2][33];

	(void)state;
	sim_random_init(&a, 1);
	sim_random_init(&b, 1);
	sim_random_fork(&a, 9, &fork_before);
	sim_random_fill(&a, bytes[0], sizeof(bytes[0]));
	sim_random_fill(&b, bytes[1], sizeof(bytes[1]));
	assert_memory_equal(bytes[0], bytes[1], sizeof(bytes[0]));
	sim_random_fork(&a, 9, &fork_after);
	assert_true(sim_random_u64(&fork_before) == sim_random_u64(&fork_after));
	sim_random_fork(&a, 10, &fork_after);
	assert_true(sim_random_u64(&fork_before) != sim_random_u64(&fork_after));
	sim_random_refuse(&a, 1);
	assert_int_equal(random_fill(&source, bytes[0], 4), SOTTO_OK);
	assert_int_equal(random_fill(&source, bytes[0], 4), SOTTO_ERR_RANDOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_run_in_order),
		cmocka_unit_test(test_ties_and_the_past),
		cmocka_unit_test(test_random_repeats_and_forks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
