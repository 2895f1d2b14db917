/* SPDX-License-Identifier: Apache-2.0 */
/* Work in a sandboxed child: its answer, its failure, its death, and what it cannot do. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/isolate.h"

static enum sotto_err answer(void *context, char *out, size_t capacity, size_t *len)
{
	if (capacity != OS_ISOLATED_LEN_MAX)
		return SOTTO_ERR_SPACE;
	*len = strlen(context);
	memcpy(out, context, *len);
	return SOTTO_OK;
}

static enum sotto_err fill(void *context, char *out, size_t capacity, size_t *len)
{
	memset(out, *(char *)context, capacity);
	*len = capacity;
	return SOTTO_OK;
}

static enum sotto_err refuse(void *context, char *out, size_t capacity, size_t *len)
{
	(void)capacity;
	out[0] = 'x';
	*len = 1;
	return *(enum sotto_err *)context;
}

static enum sotto_err die(void *context, char *out, size_t capacity, size_t *len)
{
	(void)capacity;
	(void)len;
	_exit(*(int *)context + (out == NULL));
}

static enum sotto_err crash(void *context, char *out, size_t capacity, size_t *len)
{
	(void)out;
	(void)capacity;
	(void)len;
	raise(*(int *)context);
	return SOTTO_OK;
}

/* One letter for each thing that a stranger's code would want: it worked, or it did not. */
static enum sotto_err misbehave(void *context, char *out, size_t capacity, size_t *len)
{
	struct rlimit limit;
	char byte;

	(void)capacity;
	out[0] = open("/etc/passwd", O_RDONLY) >= 0 ? '+' : '-';
	out[1] = open(context, O_WRONLY | O_CREAT, 0600) >= 0 ? '+' : '-';
	out[2] = socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? '+' : '-';
	out[3] = socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? '+' : '-';
	out[4] = execl("/bin/true", "true", NULL) == 0 ? '+' : '-';
	out[5] = read(STDIN_FILENO, &byte, 1) == 1 ? '+' : '-';
	out[6] = getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_cur != OS_ISOLATED_CPU_S_MAX
			 ? '+'
			 : '-';
	*len = 7;
	return SOTTO_OK;
}

static enum sotto_err run(os_isolated_fn *work, void *context, char *out, size_t capacity,
			  size_t *len)
{
	return os_isolated_run(OS_PROFILE_COMMAND, work, context, out, capacity, len);
}

static void test_the_answer(void **state)
{
	static char large[OS_ISOLATED_LEN_MAX];
	char text[] = "sotto:abc";
	char out[16] = {0};
	char letter = 'q';
	size_t len = 99;

	(void)state;
	assert_int_equal(run(answer, text, out, sizeof(out), &len), SOTTO_OK);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(out, text, len);
	text[0] = '\0';
	assert_int_equal(run(answer, text, out, sizeof(out), &len), SOTTO_OK);
	assert_int_equal(len, 0);
	/* The longest goes through; what is longer than there is room for does not. */
	assert_int_equal(run(fill, &letter, large, sizeof(large), &len), SOTTO_OK);
	assert_int_equal(len, sizeof(large));
	assert_true(large[0] == 'q' && large[sizeof(large) - 1] == 'q');
	assert_int_equal(run(fill, &letter, large, sizeof(large) - 1, &len), SOTTO_ERR_LIMIT);
}

static void test_failure_and_death(void **state)
{
	enum sotto_err err = SOTTO_ERR_NOT_FOUND;
	int number[] = {0, 1, SIGKILL, SIGSEGV};
	char out[4] = "abc";
	size_t len = 3;

	(void)state;
	assert_int_equal(run(refuse, &err, out, sizeof(out), &len), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(run(die, &number[0], out, sizeof(out), &len), SOTTO_ERR_CLOSED);
	assert_int_equal(run(die, &number[1], out, sizeof(out), &len), SOTTO_ERR_CLOSED);
	assert_int_equal(run(crash, &number[2], out, sizeof(out), &len), SOTTO_ERR_CLOSED);
	assert_int_equal(run(crash, &number[3], out, sizeof(out), &len), SOTTO_ERR_CLOSED);
	assert_string_equal(out, "abc");
	assert_int_equal(len, 3);
	/* Nobody is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_it_can_do_nothing(void **state)
{
	char path[] = "/tmp/sotto-test-isolate-XXXXXX";
	char out[16] = {0};
	char probe[64];
	size_t len = 0;

	(void)state;
	assert_non_null(mkdtemp(path));
	strcpy(probe, path);
	strcat(probe, "/probe");
	assert_int_equal(run(misbehave, probe, out, sizeof(out), &len), SOTTO_OK);
	assert_string_equal(out, "-------");
	assert_int_equal(access(probe, F_OK), -1);
	assert_int_equal(rmdir(path), 0);
	/* The parent still can. */
	assert_true(close(open("/etc/passwd", O_RDONLY)) == 0);
	assert_true(close(socket(AF_INET, SOCK_DGRAM, 0)) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_answer),
		cmocka_unit_test(test_failure_and_death),
		cmocka_unit_test(test_it_can_do_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
