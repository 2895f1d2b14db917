/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when an assertion fails: one line that names the place, then abort. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
	abort();
}
