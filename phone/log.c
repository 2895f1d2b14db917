/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the log, written at once. */
#include "phone/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_LEN_MAX 256

void phone_log(const char *program, const char *format, ...)
{
	char line[LINE_LEN_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	fprintf(stderr, "%s: %s\n", program, line);
}
