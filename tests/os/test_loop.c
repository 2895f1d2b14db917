/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: order of timers and deferred calls, removal in the middle of a round, signals,
 * sleep. */
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/netwatch.h"
#include "os/random.h"

struct fixture {
	struct os_loop *loop;
	char order[32]; /* what ran, in order */
	size_t ran;
};

struct named_timer {
	struct os_timer timer;
	struct fixture *fixture;
	char name;
	struct named_timer *clears; /* when it runs */
	unsigned repeats;
};

struct named_deferred {
	struct os_deferred deferred;
	struct fixture *fixture;
	char name;
	struct named_deferred *defers;
};

struct named_pipe {
	struct os_watch watch;
	struct fixture *fixture;
	char name;
	int write_end;
	struct named_pipe *removes;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	*state = &fixture;
	return os_loop_create(&fixture.loop) == SOTTO_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	os_loop_destroy(fixture->loop);
	return 0;
}

static void note(struct fixture *fixture, char name)
{
	assert_true(fixture->ran < sizeof(fixture->order) - 1);
	fixture->order[fixture->ran++] = name;
}

static void timer_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct named_timer *named = CONTAINER_OF(timer, struct named_timer, timer);

	assert_true(now_ns <= os_clock_now_ns());
	note(named->fixture, named->name);
	if (named->clears != NULL)
		os_loop_set_timer(named->fixture->loop, &named->clears->timer, OS_NEVER);
	if (named->repeats > 0) {
		named->repeats--;
		os_loop_set_timer(named->fixture->loop, timer, 0);
	}
	if (named->name == '.')
		os_loop_stop(named->fixture->loop);
}

static void deferred_run(struct os_deferred *deferred)
{
	struct named_deferred *named = CONTAINER_OF(deferred, struct named_deferred, deferred);

	note(named->fixture, named->name);
	if (named->defers != NULL)
		os_loop_defer(named->fixture->loop, &named->defers->deferred);
}

static void pipe_ready(struct os_watch *watch, unsigned seen)
{
	struct named_pipe *named = CONTAINER_OF(watch, struct named_pipe, watch);
	char byte;

	if ((seen & OS_READ) != 0 && read(watch->descriptor, &byte, 1) == 1)
		note(named->fixture, named->name);
	if ((seen & OS_GONE) != 0)
		note(named->fixture, '!');
	if (named->removes != NULL)
		os_loop_unwatch(named->fixture->loop, &named->removes->watch);
}

static void pipe_open(struct fixture *fixture, struct named_pipe *named, char name)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*named = (struct named_pipe){.fixture = fixture, .name = name, .write_end = ends[1]};
	os_watch_init(&named->watch, ends[0], pipe_ready);
	assert_int_equal(os_loop_watch(fixture->loop, &named->watch, OS_READ), SOTTO_OK);
}

static void pipe_close(struct named_pipe *named)
{
	os_loop_unwatch(named->fixture->loop, &named->watch);
	close(named->watch.descriptor);
	if (named->write_end >= 0)
		close(named->write_end);
}

/* Each row: deadlines in ms from now in the order of setting, a, b, c..., and the order of
 * running. */
static void test_timers_run_in_order(void **state)
{
	static const struct {
		int after_ms[6];
		const char *order;
	} table[] = {
		{{1, 2, 3, -1}, "abc"},	    {{3, 2, 1, -1}, "cba"},
		{{2, 2, 2, 2, -1}, "abcd"}, {{5, 1, 3, 1, 5, -1}, "bdcae"},
		{{0, 0, 4, 2, -1}, "abdc"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct named_timer timers[6];
		struct named_timer last = {.fixture = fixture, .name = '.'};
		uint64_t now_ns = os_clock_now_ns();

		memset(fixture->order, 0, sizeof(fixture->order));
		fixture->ran = 0;
		for (size_t j = 0; table[i].after_ms[j] >= 0; j++) {
			timers[j] =
				(struct named_timer){.fixture = fixture, .name = (char)('a' + j)};
			os_timer_init(&timers[j].timer, timer_expired);
			os_loop_set_timer(fixture->loop, &timers[j].timer,
					  now_ns + (uint64_t)table[i].after_ms[j] * OS_CLOCK_MS_NS);
		}
		os_timer_init(&last.timer, timer_expired);
		os_loop_set_timer(fixture->loop, &last.timer, now_ns + 8 * OS_CLOCK_MS_NS);
		assert_int_equal(os_loop_run(fixture->loop), SOTTO_OK);
		assert_true(os_clock_now_ns() - now_ns >= 8 * OS_CLOCK_MS_NS);
		assert_memory_equal(fixture->order, table[i].order, strlen(table[i].order));
		assert_int_equal(fixture->order[fixture->ran - 1], '.');
		assert_int_equal(fixture->ran, strlen(table[i].order) + 1);
	}
}

static void test_timers_change_each_other(void **state)
{
	struct fixture *fixture = *state;
	struct named_timer timers[3] = {
		{.fixture = fixture, .name = 'a', .clears = &timers[1]},
		{.fixture = fixture, .name = 'b'},
		{.fixture = fixture, .name = 'c', .repeats = 2},
	};

	for (size_t i = 0; i < 3; i++) {
		os_timer_init(&timers[i].timer, timer_expired);
		os_loop_set_timer(fixture->loop, &timers[i].timer, 1); /* all due, in one round */
	}
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_string_equal(fixture->order, "ac"); /* c set itself to the past: next round */
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_string_equal(fixture->order, "accc");
	assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
	assert_string_equal(fixture->order, "accc");
	assert_true(timers[2].timer.at_ns == OS_NEVER);
	/* Moving a timer: the later deadline counts. */
	os_loop_set_timer(fixture->loop, &timers[1].timer, 1);
	os_loop_set_timer(fixture->loop, &timers[1].timer,
			  os_clock_now_ns() + 1000 * OS_CLOCK_SECOND_NS);
	assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
	assert_string_equal(fixture->order, "accc");
	os_loop_set_timer(fixture->loop, &timers[1].timer, OS_NEVER);
}

static void test_deferred_calls(void **state)
{
	struct fixture *fixture = *state;
	struct named_deferred calls[3] = {
		{.fixture = fixture, .name = 'a', .defers = &calls[0]}, /* itself: a circle */
		{.fixture = fixture, .name = 'b', .defers = &calls[2]},
		{.fixture = fixture, .name = 'c'},
	};

	for (size_t i = 0; i < 3; i++)
		os_deferred_init(&calls[i].deferred, deferred_run);
	os_loop_defer(fixture->loop, &calls[0].deferred);
	os_loop_defer(fixture->loop, &calls[1].deferred);
	os_loop_defer(fixture->loop, &calls[1].deferred); /* twice is once */
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_string_equal(fixture->order, "ab");
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_string_equal(fixture->order, "abac");
	os_loop_undefer(fixture->loop, &calls[0].deferred);
	assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
	assert_string_equal(fixture->order, "abac");
}

static void test_descriptors(void **state)
{
	struct fixture *fixture = *state;
	struct named_pipe pipes[2];

	pipe_open(fixture, &pipes[0], 'a');
	pipe_open(fixture, &pipes[1], 'b');
	assert_int_equal(write(pipes[0].write_end, "xy", 2), 2);
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK); /* level-triggered */
	assert_string_equal(fixture->order, "aa");
	/* Both are ready in one round, and whichever runs first removes the other. */
	pipes[0].removes = &pipes[1];
	pipes[1].removes = &pipes[0];
	assert_int_equal(write(pipes[0].write_end, "x", 1), 1);
	assert_int_equal(write(pipes[1].write_end, "x", 1), 1);
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
	assert_int_equal(fixture->ran, 3);
	pipe_close(&pipes[0]);
	pipe_close(&pipes[1]);
}

static void test_peer_gone_after_what_is_left(void **state)
{
	struct fixture *fixture = *state;
	struct named_pipe only;
	unsigned rounds = 0;

	pipe_open(fixture, &only, 'a');
	assert_int_equal(write(only.write_end, "x", 1), 1);
	close(only.write_end);
	only.write_end = -1;
	while (strchr(fixture->order, '!') == NULL && rounds++ < 3)
		assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_int_equal(fixture->order[0], 'a');
	pipe_close(&only);
}

static void signal_arrived(void *context, int signal)
{
	note(context, signal == SIGUSR1 ? '1' : '2');
}

static void test_signals(void **state)
{
	static const int signals[] = {SIGUSR1, SIGUSR2};
	struct fixture *fixture = *state;

	assert_int_equal(os_loop_on_signals(fixture->loop, signals, 2, signal_arrived, fixture),
			 SOTTO_OK);
	raise(SIGUSR1);
	raise(SIGUSR2);
	assert_int_equal(os_loop_turn(fixture->loop, true), SOTTO_OK);
	assert_string_equal(fixture->order, "12");
}

static void test_sleep_is_measured(void **state)
{
	static const struct {
		uint64_t boottime_ns;
		uint64_t monotonic_ns;
		uint64_t slept_ns;
	} table[] = {
		{5000000000, 5000000000, 0},
		{6000000000, 6000000000, 0},
		{6000000100, 6000000000, 0},		    /* read one after the other */
		{6499999999, 6000000000, 0},		    /* stopped between */
		{7000000000, 7000000000, 0},		    /* and back: that was no sleep */
		{9000000000, 8000000000, 1000000000},	    /* slept */
		{9000001000, 8000001000, 0},		    /* once */
		{3609000002000, 8000002000, 3600000000000}, /* an hour */
	};
	struct os_sleep sleep = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_true(os_sleep_measure(&sleep, table[i].boottime_ns, table[i].monotonic_ns) ==
			    table[i].slept_ns);
}

static void resumed(void *context, uint64_t slept_ns)
{
	(void)slept_ns;
	note(context, 'r');
}

static void network_changed(void *context)
{
	note(context, 'n');
}

/* Sleep cannot be made to happen here; that both are armed and quiet can be seen. */
static void test_resume_and_network_are_quiet(void **state)
{
	struct fixture *fixture = *state;
	struct os_netwatch *netwatch;

	assert_int_equal(os_loop_on_resume(fixture->loop, resumed, fixture), SOTTO_OK);
	assert_int_equal(os_netwatch_create(fixture->loop, network_changed, fixture, &netwatch),
			 SOTTO_OK);
	assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
	assert_string_equal(fixture->order, "");
	os_netwatch_destroy(netwatch);
	assert_int_equal(os_loop_on_resume(fixture->loop, NULL, NULL), SOTTO_OK);
}

static void stop_loop(struct os_timer *timer, uint64_t now_ns)
{
	struct named_timer *named = CONTAINER_OF(timer, struct named_timer, timer);

	(void)now_ns;
	os_loop_stop(named->fixture->loop);
}

/* In a network of its own, whose one interface comes up and goes down: a dozen messages, told once
 * for each burst. */
static int watch_a_network(struct fixture *fixture)
{
	struct named_timer end = {.fixture = fixture};
	struct os_netwatch *netwatch;
	struct ifreq request = {.ifr_name = "lo"};
	int descriptor;

	if (unshare(CLONE_NEWNET) != 0)
		return 0; /* not root: cannot be tried */
	descriptor = socket(AF_INET, SOCK_DGRAM, 0);
	os_timer_init(&end.timer, stop_loop);
	if (os_netwatch_create(fixture->loop, network_changed, fixture, &netwatch) != SOTTO_OK)
		return 1;
	for (unsigned i = 0; i < 2; i++) {
		request.ifr_flags = i == 0 ? IFF_UP : 0;
		if (ioctl(descriptor, SIOCSIFFLAGS, &request) != 0)
			return 2;
		os_loop_set_timer(fixture->loop, &end.timer,
				  os_clock_now_ns() + 4 * OS_NETWATCH_SETTLE_NS);
		if (os_loop_run(fixture->loop) != SOTTO_OK)
			return 3;
	}
	os_netwatch_destroy(netwatch);
	close(descriptor);
	return strcmp(fixture->order, "nn") == 0 ? 0 : 4;
}

static void test_a_network_that_changes(void **state)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct fixture *fixture = *state;

		/* An epoll instance of its own: after fork it is shared. */
		if (os_loop_create(&fixture->loop) != SOTTO_OK)
			_exit(9);
		_exit(watch_a_network(fixture));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_stop_before_run(void **state)
{
	struct fixture *fixture = *state;

	os_loop_stop(fixture->loop);
	assert_int_equal(os_loop_run(fixture->loop), SOTTO_OK);
}

static void test_random_is_filled(void **state)
{
	uint8_t a[300] = {0};
	uint8_t b[300] = {0};

	(void)state;
	assert_int_equal(random_fill(&os_random, a, sizeof(a)), SOTTO_OK);
	assert_int_equal(random_fill(&os_random, b, sizeof(b)), SOTTO_OK);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + sizeof(a) - 16, b + sizeof(b) - 16, 16);
	assert_int_equal(random_fill(&os_random, NULL, 0), SOTTO_OK);
}

#define LOOP_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_timers_run_in_order),
		LOOP_TEST(test_timers_change_each_other),
		LOOP_TEST(test_deferred_calls),
		LOOP_TEST(test_descriptors),
		LOOP_TEST(test_peer_gone_after_what_is_left),
		LOOP_TEST(test_signals),
		LOOP_TEST(test_resume_and_network_are_quiet),
		LOOP_TEST(test_a_network_that_changes),
		LOOP_TEST(test_stop_before_run),
		cmocka_unit_test(test_sleep_is_measured),
		cmocka_unit_test(test_random_is_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
