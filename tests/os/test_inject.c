/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/inject against live processes: in a process of each profile calls are refused or work as
 * the architecture says, in one without a sandbox they work, and the process does not notice.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/lines.h"
#include "os/process.h"
#include "os/sandbox.h"

#ifdef SOTTO_SANITIZED
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define CONTROL OS_PROFILE_COUNT

static char directory[64];
static int listener;

/* One character for each profile, then the control: '+' worked, '-' refused, 's' refused except in
 * a sanitizer build, 'b' allowed but without a socket (EBADF).
 *   launcher link agent voice ringer relay-net relay-store relay-parent command cards | control */
static const struct {
	const char *words[3]; /* %D: the directory that a profile may use */
	const char *expected;
} table[] = {
	{{"openat", "/etc/passwd"}, "+------+--+"},
	{{"openat", "%D"}, "+-+---++--+"},
	{{"create", "%D/file"}, "+-+---++--+"},
	{{"create", "/tmp/sotto-test-inject"}, "+------+--+"},
	{{"unlink", "/tmp/sotto-test-inject"}, "+------+--+"},
	{{"socket", "inet", "dgram"}, "++-----+--+"},
	{{"socket", "inet6", "dgram"}, "++-----+--+"},
	{{"socket", "inet", "stream"}, "----------+"},
	{{"socket", "unix", "stream"}, "+------+--+"},
	{{"socket", "packet", "raw"}, "----------+"},
	{{"socket", "netlink", "raw"}, "+------+--+"},
	{{"connect", "127.0.0.1:9"}, "++-----+--+"},
	{{"connect", "%D/socket"}, "+b-----+--+"},
	{{"fork"}, "+ssssss+ss+"},
	{{"mmap"}, "+ssssss+ss+"},
	{{"kill"}, "----------+"},
	{{"ptrace"}, "ssssssssss+"},
	{{"execve", "/bin/true"}, "----------+"}, /* last: it is the end of the control */
};

static pid_t start(char *const *arguments, int *output)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(ends[1]);
	*output = ends[0];
	return child;
}

/* A process that stays in this profile, or in none. */
static pid_t start_target(enum os_profile profile)
{
	char path[OS_PROCESS_PATH_LEN];
	char number[8];
	char *arguments[] = {path, "stay", number, directory, NULL};
	char byte;
	int output;
	pid_t target;

	assert_int_equal(os_process_find("test_os_child", path), SOTTO_OK);
	(void)snprintf(number, sizeof(number), "%d", (int)profile);
	target = start(arguments, &output);
	assert_int_equal(read(output, &byte, 1), 1);
	close(output);
	return target;
}

/* The exit status of the tool: 0 worked, 1 refused, 2 failed otherwise; *text is what it
 * printed. */
static int inject(pid_t target, const char *const words[3], char *text, size_t text_len)
{
	char tool[OS_PROCESS_PATH_LEN];
	char number[16];
	char filled[3][128] = {{0}};
	char *arguments[6] = {tool, number};
	int output;
	int status;
	ssize_t len;
	pid_t child;

	(void)snprintf(tool, sizeof(tool), "%s/tools/inject", getenv("SOTTO_BUILD"));
	(void)snprintf(number, sizeof(number), "%d", (int)target);
	for (size_t i = 0; i < 3 && words[i] != NULL; i++) {
		bool inside = strncmp(words[i], "%D", 2) == 0;

		(void)snprintf(filled[i], sizeof(filled[i]), "%s%s", inside ? directory : "",
			       words[i] + (inside ? 2 : 0));
		arguments[2 + i] = filled[i];
	}
	child = start(arguments, &output);
	len = read(output, text, text_len - 1);
	text[len > 0 ? len : 0] = '\0';
	close(output);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool is_as_expected(char expected, int result, const char *text)
{
	switch (expected) {
	case '+':
		return result == 0;
	case 'b':
		return result == 2 && strstr(text, "EBADF") != NULL;
	case 's':
		return result == 1 || SANITIZED;
	default:
		return result == 1;
	}
}

static void test_calls_from_inside_live_processes(void **state)
{
	unsigned wrong = 0;

	(void)state;
	if (geteuid() != 0 || getenv("SOTTO_BUILD") == NULL) {
		print_message("# not run: needs root, and SOTTO_BUILD\n");
		skip();
	}
	for (enum os_profile profile = 0; profile <= CONTROL; profile++) {
		pid_t target = start_target(profile);
		int status;

		for (size_t i = 0; i < ARRAY_LEN(table); i++) {
			char text[256];
			int result;

			assert_int_equal(strlen(table[i].expected), CONTROL + 1);

			if (strcmp(table[i].words[0], "unlink") == 0)
				close(open("/tmp/sotto-test-inject", O_CREAT | O_WRONLY | O_CLOEXEC,
					   0600));
			result = inject(target, table[i].words, text, sizeof(text));
			if (is_as_expected(table[i].expected[profile], result, text))
				continue;
			print_error("%s: expected %c: %s",
				    profile == CONTROL ? "control" : os_profile_name(profile),
				    table[i].expected[profile], text);
			wrong++;
		}
		/* It noticed nothing: it answers, but for the control, which became /bin/true. */
		if (profile != CONTROL) {
			assert_int_equal(waitpid(target, &status, WNOHANG), 0);
			kill(target, SIGTERM);
		}
		assert_int_equal(waitpid(target, &status, 0), target);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	unlink("/tmp/sotto-test-inject");
	assert_int_equal(wrong, 0);
}

static int set_up(void **state)
{
	char path[128];

	(void)state;
	strcpy(directory, "/tmp/sotto-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	assert_int_equal(os_listener_open(path, &listener), SOTTO_OK);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	close(listener);
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_from_inside_live_processes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
