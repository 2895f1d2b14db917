/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every profile against every probe, each in a process of its own; the control without a sandbox,
 * in which every probe works; threads that began before; programs beneath the launcher's sandbox;
 * who may attach to us. Holds for root, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "sandbox_probes.h"

#ifdef SOTTO_SANITIZED
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* An exit status that is no errno: the sandbox itself could not be entered. */
#define NOT_ENTERED 250

#define CONTROL	    OS_PROFILE_COUNT

static int run_probe(const struct probe *probe, const struct probes *probes,
		     enum os_profile profile)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		const char *const readable[] = {"/nonexistent", probes->directory, NULL};
		struct os_sandbox_options options = {.directory = probes->directory,
						     .readable = readable};
		struct os_sandbox sandbox;

		if (profile == OS_PROFILE_LAUNCHER || profile == OS_PROFILE_RELAY_PARENT)
			options.directory = probes->program;
		if (profile != CONTROL && os_sandbox_enter(profile, &options, &sandbox) != SOTTO_OK)
			_exit(NOT_ENTERED);
		_exit(probe->run(probes));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status))
		fail_msg("%s: ended by signal %d", probe->name, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void test_every_probe_works_without_a_sandbox(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sandbox_probes_count; i++) {
		const struct probe *probe = &sandbox_probes[i];
		struct probes probes;
		int result;

		if (probe->needs_root && geteuid() != 0)
			continue;
		probes_prepare(&probes);
		result = run_probe(probe, &probes, CONTROL);
		probes_finish(&probes);
		if (result != 0)
			fail_msg("control: %s: %s", probe->name, strerror(result));
	}
}

static bool is_refusal(int result)
{
	return result == EPERM || result == EACCES;
}

static void test_every_probe_in_every_profile(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (unsigned i = 0; i < sandbox_probes_count; i++) {
		const struct probe *probe = &sandbox_probes[i];

		assert_int_equal(strlen(probe->expected), OS_PROFILE_COUNT);
		for (enum os_profile profile = 0; profile < OS_PROFILE_COUNT; profile++) {
			char expected = probe->expected[profile];
			struct probes probes;
			bool as_expected;
			int result;

			probes_prepare(&probes);
			result = run_probe(probe, &probes, profile);
			probes_finish(&probes);
			if (expected == 's' && SANITIZED)
				continue;
			as_expected = expected == '+' ? result == 0 : is_refusal(result);
			if (as_expected)
				continue;
			print_error("%s: %s: expected %c, got %s\n", os_profile_name(profile),
				    probe->name, expected,
				    result == NOT_ENTERED ? "no sandbox" : strerror(result));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void *open_when_told(void *context)
{
	int *told = context;
	char byte;

	if (read(told[0], &byte, 1) != 1)
		return context;
	return open("/etc/passwd", O_RDONLY) < 0 && is_refusal(errno) ? NULL : context;
}

/* seccomp reaches threads that began before; Landlock does not, and the description says so. */
static void test_threads_that_began_before(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct os_sandbox_options options = {0};
		struct os_sandbox sandbox;
		char text[OS_SANDBOX_TEXT_LEN];
		pthread_t thread;
		void *failed;
		int told[2];

		if (pipe(told) != 0 || pthread_create(&thread, NULL, open_when_told, told) != 0 ||
		    os_sandbox_enter(OS_PROFILE_VOICE, &options, &sandbox) != SOTTO_OK)
			_exit(1);
		os_sandbox_describe(&sandbox, text);
		if (sandbox.threads_confined ||
		    (sandbox.files_confined && strstr(text, "threads begun before") == NULL))
			_exit(2);
		if (write(told[1], "x", 1) != 1 || pthread_join(thread, &failed) != 0)
			_exit(3);
		_exit(failed == NULL || SANITIZED ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The launcher's sandbox is inherited: each program must still be able to enter its own beneath
 * it. */
static void test_programs_beneath_the_launcher(void **state)
{
	struct probes probes;

	(void)state;
	probes_prepare(&probes);
	for (enum os_profile profile = 0; profile < OS_PROFILE_COUNT; profile++) {
		char number[4];
		int status;
		pid_t child;

		if (profile == OS_PROFILE_LAUNCHER || profile == OS_PROFILE_RELAY_PARENT)
			continue;
		(void)snprintf(number, sizeof(number), "%d", (int)profile);
		child = fork();
		if (child == 0) {
			struct os_sandbox_options options = {.directory = probes.program};
			struct os_sandbox sandbox;

			if (os_sandbox_enter(OS_PROFILE_LAUNCHER, &options, &sandbox) != SOTTO_OK)
				_exit(1);
			execl(probes.program, "child", "enter", number, probes.directory,
			      (char *)NULL);
			_exit(2);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status != 0)
			fail_msg("%s: status %x", os_profile_name(profile), status);
	}
	probes_finish(&probes);
}

/* By default: itself, and programs of ours by name. */
static void test_what_the_launcher_may_execute(void **state)
{
	static const struct {
		const char *path; /* NULL: a program beside it that is none of ours by name */
		int status;
	} table[] = {{"/proc/self/exe", 0}, {NULL, EACCES}, {"/bin/true", EACCES}};
	struct probes probes;

	(void)state;
	probes_prepare(&probes);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			struct os_sandbox_options options = {0};
			struct os_sandbox sandbox;

			if (os_sandbox_enter(OS_PROFILE_RELAY_PARENT, &options, &sandbox) !=
			    SOTTO_OK)
				_exit(NOT_ENTERED);
			/* This program with an argument ends at once. */
			execl(table[i].path != NULL ? table[i].path : probes.program, "program",
			      "exit", "0", (char *)NULL);
			_exit(errno);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), table[i].status);
	}
	probes_finish(&probes);
}

static void child_ended(void *context, struct os_process *process, struct os_process_end end)
{
	struct os_process_end *seen = context;

	*seen = end;
	os_process_destroy(process);
}

/* Starts one, lets it end; starts another, signals it; starts a third, and drops it. 0, or which
 * step failed. */
static int live_as_launcher(const char *program, const char *directory)
{
	const char *const entering[] = {"enter", "1", directory, NULL};
	const char *const staying[] = {"stay", "1", directory, NULL};
	struct os_process_spec spec = {.path = program,
				       .arguments = entering,
				       .descriptors = (const int[]){-1, -1, 2},
				       .descriptors_count = 3,
				       .dies_with_us = true};
	struct os_sandbox_options options = {.directory = program};
	struct os_sandbox sandbox;
	struct os_process_end end = {-2, 0};
	struct os_process *process;
	struct os_loop *loop;

	if (os_sandbox_enter(OS_PROFILE_LAUNCHER, &options, &sandbox) != SOTTO_OK ||
	    os_loop_create(&loop) != SOTTO_OK)
		return 1;
	if (os_process_spawn(loop, &spec, child_ended, &end, &process) != SOTTO_OK ||
	    os_loop_turn(loop, true) != SOTTO_OK || end.status != 0)
		return 2;
	spec.arguments = staying;
	if (os_process_spawn(loop, &spec, child_ended, &end, &process) != SOTTO_OK ||
	    os_process_signal(process, SIGKILL) != SOTTO_OK ||
	    os_loop_turn(loop, true) != SOTTO_OK || end.signal != SIGKILL)
		return 3;
	if (os_process_spawn(loop, &spec, child_ended, &end, &process) != SOTTO_OK)
		return 4;
	os_process_destroy(process);
	os_loop_destroy(loop);
	return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 5;
}

static void test_the_launcher_can_do_its_work(void **state)
{
	struct probes probes;
	int status;
	pid_t child;

	(void)state;
	probes_prepare(&probes);
	child = fork();
	if (child == 0)
		_exit(live_as_launcher(probes.program, probes.directory));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	probes_finish(&probes);
}

static void test_entering_once(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct os_sandbox_options options = {.directory = "/nonexistent",
						     .lock_memory = true};
		struct os_sandbox sandbox = {.calls = 12345};
		char text[OS_SANDBOX_TEXT_LEN];

		if (os_sandbox_enter(OS_PROFILE_AGENT, &options, &sandbox) != SOTTO_ERR_NOT_FOUND &&
		    sandbox.calls != 12345)
			_exit(1);
		if (os_sandbox_enter(OS_PROFILE_LINK, &options, &sandbox) != SOTTO_OK)
			_exit(2);
		if (os_sandbox_enter(OS_PROFILE_VOICE, &options, &sandbox) != SOTTO_ERR_STATE)
			_exit(3);
		os_sandbox_describe(&sandbox, text);
		if (strncmp(text, "link: ", 6) != 0 ||
		    (strstr(text, "SANITIZER") != NULL) != SANITIZED)
			_exit(4);
		if (!sandbox.capabilities_empty)
			_exit(5);
		if (geteuid() == 0 && !SANITIZED && !sandbox.memory_locked)
			_exit(6);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_hardening(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct rlimit core;

		close(0);
		close(1);
		if (os_process_harden() != SOTTO_OK || fcntl(0, F_GETFD) < 0 ||
		    fcntl(1, F_GETFD) < 0)
			_exit(1);
		if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
			_exit(2);
		if (!SANITIZED && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(3);
		_exit(umask(0) == 077 ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Whether a process of the same user may attach to one that is hardened, or not. Only root can play
 * the users. */
static int attach_as_same_user(bool hardened)
{
	int ready[2];
	char byte;
	pid_t target;
	pid_t tracer;
	int status;

	assert_int_equal(pipe(ready), 0);
	target = fork();
	if (target == 0) {
		if (setuid(12345) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 ||
		    (hardened && os_process_harden() != SOTTO_OK) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	tracer = fork();
	if (tracer == 0) {
		if (setuid(12345) != 0)
			_exit(NOT_ENTERED);
		_exit(ptrace(PTRACE_SEIZE, target, NULL, NULL) == 0 ? 0 : errno);
	}
	assert_int_equal(waitpid(tracer, &status, 0), tracer);
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return WEXITSTATUS(status);
}

static void test_the_same_user_may_not_attach(void **state)
{
	(void)state;
	if (geteuid() != 0 || SANITIZED) {
		print_message("# not run: needs root, and a build without sanitizers\n");
		skip();
	}
	assert_int_equal(attach_as_same_user(true), EPERM);
	if (access("/proc/sys/kernel/yama/ptrace_scope", F_OK) != 0)
		assert_int_equal(attach_as_same_user(false), 0);
}

static void test_memory_of_keys(void **state)
{
	static uint8_t key[64];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_int_equal(os_memory_lock(key, sizeof(key)), SOTTO_OK);
	os_memory_unlock(key, sizeof(key));
	assert_int_equal(key[0] | key[63], 0);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_probe_works_without_a_sandbox),
		cmocka_unit_test(test_every_probe_in_every_profile),
		cmocka_unit_test(test_threads_that_began_before),
		cmocka_unit_test(test_programs_beneath_the_launcher),
		cmocka_unit_test(test_what_the_launcher_may_execute),
		cmocka_unit_test(test_the_launcher_can_do_its_work),
		cmocka_unit_test(test_entering_once),
		cmocka_unit_test(test_hardening),
		cmocka_unit_test(test_the_same_user_may_not_attach),
		cmocka_unit_test(test_memory_of_keys),
	};

	(void)arguments;
	if (count > 1) /* started by test_what_the_launcher_may_execute */
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
