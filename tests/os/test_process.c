/* SPDX-License-Identifier: Apache-2.0 */
/* Starting programs: what they get and do not get, how their end is told, when to start them
 * again. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/backoff.h"
#include "os/process.h"

#define CHILD "test_os_child"

struct fixture {
	struct os_loop *loop;
	struct os_process *process;
	struct os_process_end end;
	size_t ended;
	char path[OS_PROCESS_PATH_LEN];
};

static void ended(void *context, struct os_process *process, struct os_process_end end)
{
	struct fixture *fixture = context;

	assert_ptr_equal(process, fixture->process);
	fixture->ended++;
	fixture->end = end;
	os_process_destroy(process);
	fixture->process = NULL;
	os_loop_stop(fixture->loop);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	assert_int_equal(os_loop_create(&fixture.loop), SOTTO_OK);
	assert_int_equal(os_process_find(CHILD, fixture.path), SOTTO_OK);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	os_process_destroy(fixture->process);
	os_loop_destroy(fixture->loop);
	return 0;
}

static void spawn(struct fixture *fixture, const char *const *arguments)
{
	static const int descriptors[] = {-1, 1, 2};
	struct os_process_spec spec = {.path = fixture->path,
				       .arguments = arguments,
				       .descriptors = descriptors,
				       .descriptors_count = 3,
				       .dies_with_us = true};

	assert_int_equal(os_process_spawn(fixture->loop, &spec, ended, fixture, &fixture->process),
			 SOTTO_OK);
}

/* It gets what is listed and nothing else, even with our signals blocked and ignored and
 * descriptors everywhere. */
static void test_what_a_program_gets(void **state)
{
	static const char *const arguments[] = {"report", "a b;$(c)", "", NULL};
	static const char *const environment[] = {"ONE=1", "TWO=2", NULL};
	static const char expected[] = "argument report\nargument a b;$(c)\nargument \n"
				       "environment ONE=1\nenvironment TWO=2\n"
				       "descriptor 0\ndescriptor 1\ndescriptor 2\ndescriptor 3\n"
				       "descriptor 5\n";
	struct fixture *fixture = *state;
	int descriptors[6] = {-1, -1, 2, -1, -1, -1};
	struct os_process_spec spec = {.path = fixture->path,
				       .arguments = arguments,
				       .environment = environment,
				       .descriptors = descriptors,
				       .descriptors_count = 6};
	char output[1024] = {0};
	sigset_t blocked;
	int output_pipe[2];
	int leaked;
	ssize_t len;

	assert_int_equal(pipe(output_pipe), 0); /* not close-on-exec */
	leaked = fcntl(output_pipe[0], F_DUPFD, 500);
	assert_true(leaked >= 500);
	descriptors[1] = output_pipe[1];
	descriptors[3] = 0; /* numbers cross: 0 becomes 3, and so on */
	descriptors[5] = output_pipe[1];
	sigfillset(&blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(os_process_spawn(fixture->loop, &spec, ended, fixture, &fixture->process),
			 SOTTO_OK);
	sigemptyset(&blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(os_loop_run(fixture->loop), SOTTO_OK);
	assert_int_equal(fixture->end.status, 0);
	len = read(output_pipe[0], output, sizeof(output) - 1);
	assert_true(len > 0);
	assert_string_equal(output, expected);
	close(output_pipe[0]);
	close(output_pipe[1]);
	close(leaked);
}

static void test_how_it_ended(void **state)
{
	static const struct {
		const char *arguments[3];
		int signal; /* to send */
		struct os_process_end end;
	} table[] = {
		{{"exit", "0"}, 0, {0, 0}},
		{{"exit", "17"}, 0, {17, 0}},
		{{"wait"}, SIGTERM, {-1, SIGTERM}},
		{{"wait"}, SIGKILL, {-1, SIGKILL}},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		spawn(fixture, table[i].arguments);
		assert_true(os_process_pid(fixture->process) > 0);
		if (table[i].signal != 0)
			assert_int_equal(os_process_signal(fixture->process, table[i].signal),
					 SOTTO_OK);
		assert_int_equal(os_loop_run(fixture->loop), SOTTO_OK);
		assert_int_equal(fixture->ended, i + 1);
		assert_int_equal(fixture->end.status, table[i].end.status);
		assert_int_equal(fixture->end.signal, table[i].end.signal);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
}

static void test_destroying_ends_it(void **state)
{
	static const char *const arguments[] = {"wait", NULL};
	struct fixture *fixture = *state;
	pid_t pid;

	spawn(fixture, arguments);
	pid = os_process_pid(fixture->process);
	os_process_destroy(fixture->process);
	fixture->process = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(fixture->ended, 0);
	/* Released: it runs on, and is ours to end. */
	spawn(fixture, arguments);
	pid = os_process_pid(fixture->process);
	os_process_release(fixture->process);
	fixture->process = NULL;
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Its parent is killed without a chance to do anything. */
static void test_it_dies_with_us(void **state)
{
	static const char *const arguments[] = {"wait", NULL};
	struct fixture *fixture = *state;
	int alive[2];
	char byte;
	pid_t middle;

	/* Whoever is left without a parent is ours to reap: nothing is left behind. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		struct os_process_spec spec = {.path = fixture->path,
					       .arguments = arguments,
					       .descriptors = (const int[]){-1, alive[1], 2},
					       .descriptors_count = 3,
					       .dies_with_us = true};

		if (os_process_spawn(fixture->loop, &spec, ended, fixture, &fixture->process) !=
		    SOTTO_OK)
			_exit(1);
		raise(SIGKILL);
	}
	close(alive[1]);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	assert_int_equal(read(alive[0], &byte, 1), 0); /* the grandchild held the other end */
	assert_true(waitpid(-1, NULL, 0) > 0);
	close(alive[0]);
}

static void test_what_cannot_be_started(void **state)
{
	static const int descriptors[] = {-1, -1, -1};
	static const struct {
		const char *path;
		enum sotto_err err;
	} table[] = {
		{"/nonexistent/program", SOTTO_ERR_NOT_FOUND},
		{"/etc/passwd", SOTTO_ERR_DENIED},
		{"/etc", SOTTO_ERR_DENIED},
	};
	static const char *const names[] = {"",	       ".",	    "..",
					    "/bin/sh", "../bin/sh", "no-such-program"};
	struct fixture *fixture = *state;
	char path[OS_PROCESS_PATH_LEN] = "untouched";

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct os_process_spec spec = {
			.path = table[i].path, .descriptors = descriptors, .descriptors_count = 3};

		assert_int_equal(
			os_process_spawn(fixture->loop, &spec, ended, fixture, &fixture->process),
			table[i].err);
		assert_null(fixture->process);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(os_process_find(names[i], path), SOTTO_ERR_NOT_FOUND);
		assert_string_equal(path, "untouched");
	}
	/* A program that anybody may write to is not ours. */
	if (chmod(fixture->path, 0777) != 0)
		return; /* somebody else built it */
	assert_int_equal(os_process_find(CHILD, path), SOTTO_ERR_DENIED);
	assert_int_equal(chmod(fixture->path, 0755), 0);
}

static void test_when_to_start_again(void **state)
{
	static const struct {
		uint64_t lived_ns;
		uint64_t delay_ns;
	} table[] = {
		{1, 0},
		{1, 100000000},
		{1, 200000000},
		{1, 400000000},
		{1, 800000000},
		{1, 1600000000},
		{1, 3200000000},
		{1, 6400000000},
		{1, OS_BACKOFF_MAX_NS},
		{OS_BACKOFF_HEALTHY_NS - 1, OS_BACKOFF_MAX_NS},
		{OS_BACKOFF_HEALTHY_NS, 0},
		{1, 100000000},
	};
	struct os_backoff backoff = {0};
	uint64_t now_ns = 1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		os_backoff_started(&backoff, now_ns);
		now_ns += table[i].lived_ns;
		assert_true(os_backoff_ended(&backoff, now_ns) - now_ns == table[i].delay_ns);
	}
}

#define PROCESS_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROCESS_TEST(test_what_a_program_gets),
		PROCESS_TEST(test_how_it_ended),
		PROCESS_TEST(test_destroying_ends_it),
		PROCESS_TEST(test_it_dies_with_us),
		PROCESS_TEST(test_what_cannot_be_started),
		cmocka_unit_test(test_when_to_start_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
