/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for tests to start: says on standard output what it was given. argv[1] is what to do:
 *   report     its arguments, environment, open descriptors and signals that are blocked or
 *              ignored, one a line
 *   exit N     ends with status N
 *   wait       until somebody ends it
 *   stay P D   enters profile number P (none of that number: none), says so by a byte, and waits
 *              for SIGTERM
 *   enter P D  enters profile number P with directory D; status 0 if it could, and then no longer
 *              can read /etc
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/sandbox.h"

extern char **environ;

static int child_report(int count, char **arguments)
{
	sigset_t blocked;

	for (int i = 1; i < count; i++)
		printf("argument %s\n", arguments[i]);
	for (size_t i = 0; environ[i] != NULL; i++)
		printf("environment %s\n", environ[i]);
	for (int i = 0; i < 1024; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			printf("descriptor %d\n", i);
	}
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int i = 1; i < 32; i++) {
		struct sigaction action;

		if (sigismember(&blocked, i) == 1)
			printf("blocked %d\n", i);
#ifdef SOTTO_SANITIZED
		continue; /* it has handlers of its own */
#endif
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("not default %d\n", i);
	}
	return 0;
}

static int child_enter(int profile, const char *directory)
{
	const char *const readable[] = {directory, NULL};
	struct os_sandbox_options options = {
		.directory = directory, .readable = readable, .lock_memory = true};
	struct os_sandbox sandbox;

	if (os_process_harden() != SOTTO_OK)
		return 3;
	if (os_sandbox_enter((enum os_profile)profile, &options, &sandbox) != SOTTO_OK)
		return 4;
	return open("/etc/passwd", O_RDONLY) < 0 ? 0 : 5;
}

static void child_end(int signal)
{
	(void)signal;
	_exit(0);
}

static int child_stay(int profile, const char *directory)
{
	if (profile < OS_PROFILE_COUNT) {
		struct os_sandbox_options options = {.directory = directory};
		struct os_sandbox sandbox;

		if (profile == OS_PROFILE_LAUNCHER || profile == OS_PROFILE_RELAY_PARENT)
			options.directory = NULL;
		if (os_process_harden() != SOTTO_OK ||
		    os_sandbox_enter((enum os_profile)profile, &options, &sandbox) != SOTTO_OK)
			return 3;
	}
	signal(SIGTERM, child_end);
	if (write(STDOUT_FILENO, "x", 1) != 1)
		return 4;
	for (;;)
		pause();
}

int main(int count, char **arguments)
{
	if (count < 2)
		return 99;
	if (strcmp(arguments[1], "report") == 0)
		return child_report(count, arguments);
	if (strcmp(arguments[1], "exit") == 0 && count > 2)
		return atoi(arguments[2]);
	if (strcmp(arguments[1], "enter") == 0 && count > 3)
		return child_enter(atoi(arguments[2]), arguments[3]);
	if (strcmp(arguments[1], "stay") == 0 && count > 3)
		return child_stay(atoi(arguments[2]), arguments[3]);
	for (;;)
		pause();
}
