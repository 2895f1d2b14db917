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
	fputs("sotto: ", stderr);
	cli_put_text(stderr, message, " ");
	fputc('\n', stderr);
	if (!cli->options.json)
		return;
	object =
		json_pack("{s:s,s:s}", "error", word != NULL ? word : "failed", "message", message);
	if (object != NULL)
		json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
}

void cli_warn(const char *format, ...)
{
	char message[MESSAGE_LEN_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	fputs("sotto: ", stderr);
	cli_put_text(stderr, message, " ");
	fputc('\n', stderr);
}
