/* SPDX-License-Identifier: Apache-2.0 */
/* How the command says that something failed. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"

#define MESSAGE_LEN_MAX 1024

static bool said;

bool cli_said(void)
{
	return said;
}

/* The same as an object, for programs. */
static void say_json(const struct cli *cli, const char *word, const char *message)
{
	json_t *object;

	said = true;
	if (!cli->options.json)
		return;
	object = json_pack("{s:s,s:s}", "error", word, "message", message);
	if (object != NULL)
		json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
}

void cli_fail(const struct cli *cli, const char *word, const char *format, ...)
{
	char message[MESSAGE_LEN_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	fputs("sotto: ", stderr);
	cli_put_text(stderr, message, " ");
	fputc('\n', stderr);
	say_json(cli, word != NULL ? word : "failed", message);
}

void cli_usage(const struct cli *cli, const struct cli_command *command)
{
	char message[MESSAGE_LEN_MAX];

	(void)snprintf(message, sizeof(message), "usage: sotto %s%s%s", command->name,
		       command->usage[0] != '\0' ? " " : "", command->usage);
	fprintf(stderr, "%s\n", message);
	say_json(cli, "usage", message);
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
