/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a sanitized build, what a sanitizer finds must end the process: a report that lets it go on fails no test.
 * Each case plants one fault in a child. The faults are undefined, so no other build may run them.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EXIT_SURVIVED 0

/* Through volatile, so that the compiler neither sees the fault nor drops it. */
static void overflow(void)
{
	volatile int most = INT_MAX;
	volatile int more = most + 1;

	(void)more;
}

static void shift_too_far(void)
{
	volatile unsigned bits = 32;
	volatile uint32_t value = 1;

	value = value << bits;
}

static void read_unaligned(void)
{
	uint8_t bytes[8] = {0};
	volatile uintptr_t odd = ((uintptr_t)bytes + 3) & ~(uintptr_t)3;
	volatile uint32_t value = *(const uint32_t *)(odd + 1);

	(void)value;
}

static void read_past_the_end(void)
{
	volatile size_t at = 4;
	uint8_t *bytes = calloc(4, 1);
	volatile uint8_t value = bytes[at];

	(void)value;
	free(bytes);
}

/* True if FAULT ended its process. Its report is wanted, so it goes nowhere. */
static int child_dies(void (*fault)(void))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		(void)close(STDERR_FILENO);
		fault();
		_exit(EXIT_SURVIVED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SURVIVED;
}

static void nothing(void)
{
}

static void test_a_finding_ends_the_process(void **state)
{
	static void (*const faults[])(void) = {overflow, shift_too_far, read_unaligned,
					       read_past_the_end};

	(void)state;
	assert_false(child_dies(nothing));
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		assert_true(child_dies(faults[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_finding_ends_the_process),
	};

	return cmocka_run_group_tests_name("sanitizers", tests, NULL, NULL);
}
