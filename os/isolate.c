/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   parent                      child
 *   fork ──────────────────────> limits, sandbox, work
 *   read to the end <──pipe───── error code (1 byte), answer
 *   wait for its end
 */
#include "os/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/descriptor.h"
#include "os/profiles.h"

/* What it holds besides the work's own is nothing that could be misused: no terminal to type into. */
static enum sotto_err isolated_close_standard(void)
{
	/* Libraries talk there; a sanitizer must be heard. */
	int last = SANDBOX_SANITIZED ? STDOUT_FILENO : STDERR_FILENO;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	enum sotto_err err = SOTTO_OK;

	if (nothing < 0)
		return SOTTO_ERR_IO;
	for (int i = STDIN_FILENO; i <= last; i++) {
		if (dup2(nothing, i) != i)
			err = SOTTO_ERR_IO;
	}
	close(nothing);
	return err;
}

static enum sotto_err isolated_enter(enum os_profile profile)
{
	const struct rlimit limit = {OS_ISOLATED_CPU_S_MAX, OS_ISOLATED_CPU_S_MAX};
	const struct os_sandbox_options options = {.directory = NULL};
	struct os_sandbox sandbox;

	if (isolated_close_standard() != SOTTO_OK || setrlimit(RLIMIT_CPU, &limit) != 0)
		return SOTTO_ERR_IO;
	return os_sandbox_enter(profile, &options, &sandbox) == SOTTO_OK ? SOTTO_OK : SOTTO_ERR_IO;
}

static void __attribute__((noreturn))
isolated_child(enum os_profile profile, os_isolated_fn *work, void *context, int answer)
{
	static uint8_t message[1 + OS_ISOLATED_LEN_MAX];
	size_t len = 0;
	enum sotto_err err = isolated_enter(profile);
	bool good;

	if (err == SOTTO_OK)
		err = work(context, (char *)message + 1, OS_ISOLATED_LEN_MAX, &len);
	message[0] = (uint8_t)err;
	if (err != SOTTO_OK)
		len = 0;
	good = write(answer, message, 1 + len) == (ssize_t)(1 + len);
	_exit(good ? 0 : 1);
}

static size_t isolated_read(int descriptor, uint8_t *data, size_t capacity)
{
	size_t len = 0;

	while (len < capacity) {
		ssize_t got = read(descriptor, data + len, capacity - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	return len;
}

/* True if it ended by itself. */
static bool isolated_wait(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum sotto_err os_isolated_run(enum os_profile profile, os_isolated_fn *work, void *context,
			       char *out, size_t capacity, size_t *out_len)
{
	uint8_t *message = malloc(1 + OS_ISOLATED_LEN_MAX);
	int ends[2] = {-1, -1};
	size_t len;
	pid_t child;
	enum sotto_err err;

	FAIL_IF(message == NULL, SOTTO_ERR_NO_MEMORY);
	FAIL_IF(pipe2(ends, O_CLOEXEC) != 0, SOTTO_ERR_IO);
	child = fork();
	FAIL_IF(child < 0, SOTTO_ERR_IO);
	if (child == 0) {
		close(ends[0]);
		isolated_child(profile, work, context, ends[1]);
	}
	os_descriptor_close(ends[1]);
	ends[1] = -1;
	len = isolated_read(ends[0], message, 1 + OS_ISOLATED_LEN_MAX);
	FAIL_IF(!isolated_wait(child) || len == 0, SOTTO_ERR_CLOSED);
	/* The child may be anybody's by now: its answer is as strange as the file. */
	err = message[0] <= SOTTO_ERR_CLOSED ? (enum sotto_err)message[0] : SOTTO_ERR_CLOSED;
	FAIL_IF(err != SOTTO_OK, err);
	FAIL_IF(len - 1 > capacity, SOTTO_ERR_LIMIT);
	memcpy(out, message + 1, len - 1);
	*out_len = len - 1;
out:
	os_descriptor_close(ends[0]);
	os_descriptor_close(ends[1]);
	free(message);
	return err;
}
