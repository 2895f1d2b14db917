/* SPDX-License-Identifier: Apache-2.0 */
/* How the command says that something failed. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"

#define MESSAGE_LEN_MAX 1024

void cli_fail(const struct cli *cli, const char *word, const char *format, ...)
{
	char message[MESSAGE_LEN_MAX];
	json_t *object;
	va_list list;

	va_start(list, format);
	(void)vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	fprintf(stderr, "sotto: %s\n", message);
	if (!cli->options.json)
		return;
	object =
		json_pack("{s:s,s:s}", "error", word != NULL ? word : "failed", "message", message);
	if (object != NULL)
		json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

void cli_warn(const char *format, ...)
{
	va_list list;

	fputs("sotto: ", stderr);
	va_start(list, format);
	(void)vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}
