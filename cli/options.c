/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of options, home, help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

struct option {
	const char *name;
	const char *short_name;
	const char *argument; /* NULL: a switch */
	const char *commands; /* " name name "; NULL: all */
	size_t offset;
};

#define VALUE(name, argument, commands, field) \
	{ \
		name, NULL, argument, commands, offsetof(struct cli_options, field) \
	}
#define SWITCH(name, short_name, commands, field) \
	{ \
		name, short_name, NULL, commands, offsetof(struct cli_options, field) \
	}

static const struct option options_table[] = {
	SWITCH("--json", NULL, NULL, json),
	SWITCH("--verbose", "-v", NULL, verbose),
	VALUE("--passphrase-file", "FILE", NULL, passphrase_file),
	VALUE("--new-passphrase-file", "FILE", " passphrase ", new_passphrase_file),
	VALUE("--relay", "RELAY", " found ", relay),
	VALUE("--as", "NAME", " found ", as),
	VALUE("--digits", "N", " found ", digits),
	VALUE("--devices", "N", " invite ", devices),
	VALUE("--threshold", "K", " admin ", threshold),
	VALUE("--device", "N", " admin ", device),
	SWITCH("--yes", NULL, " approve ", yes),
	VALUE("--csv", "FILE", " invite ", csv),
	VALUE("--sheet", "FILE.pdf", " invite ", sheet),
	VALUE("--text", "FILE", " invite ", text),
	VALUE("--image", "FILE", " join ", image),
	SWITCH("--no-wait", NULL, " join ", no_wait),
	VALUE("--reply", "ID", " send ", reply),
	VALUE("--out", "FILE", " export ", out),
	SWITCH("--follow", NULL, " read ", follow),
	SWITCH("--new", NULL, " read ", only_new),
	VALUE("--mic", "FILE.wav", " call answer ", mic),
	VALUE("--speaker", "FILE.wav", " call answer ", speaker),
	VALUE("--for", "SECONDS", " call answer ", seconds),
	SWITCH("--wait", NULL, " answer ", wait),
};

static bool applies(const struct option *option, const struct cli_command *command)
{
	char name[32];

	if (option->commands == NULL)
		return true;
	if (command == NULL)
		return false;
	(void)snprintf(name, sizeof(name), " %s ", command->name);
	return strstr(option->commands, name) != NULL;
}

static const struct option *find_option(const char *text, size_t len,
					const struct cli_command *command)
{
	for (size_t i = 0; i < ARRAY_LEN(options_table); i++) {
		const struct option *option = &options_table[i];

		if (!applies(option, command))
			continue;
		if (strlen(option->name) == len && strncmp(option->name, text, len) == 0)
			return option;
		if (option->short_name != NULL && strlen(option->short_name) == len &&
		    strncmp(option->short_name, text, len) == 0)
			return option;
	}
	return NULL;
}

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		if (strcmp(cli_commands[i].name, name) == 0)
			return &cli_commands[i];
	}
	return NULL;
}

void cli_help(void)
{
	printf("usage: sotto [--home DIR] [--json] [--passphrase-file FILE] COMMAND\n\n");
	for (size_t i = 0; i < cli_command_count; i++)
		printf("  %-14s %s\n", cli_commands[i].name, cli_commands[i].words);
	printf("\nsee sotto(1)\n");
}

static enum sotto_err set_home(struct cli *cli, const char *given)
{
	struct cli_options *options = &cli->options;
	const char *environment = getenv("SOTTO_HOME");
	const char *data = getenv("XDG_DATA_HOME");
	const char *user = getenv("HOME");
	int len;

	if (given == NULL)
		given = environment;
	if (given != NULL && given[0] != '\0')
		len = snprintf(options->home, sizeof(options->home), "%s", given);
	else if (data != NULL && data[0] == '/')
		len = snprintf(options->home, sizeof(options->home), "%s/sotto", data);
	else if (user != NULL && user[0] == '/')
		len = snprintf(options->home, sizeof(options->home), "%s/.local/share/sotto", user);
	else
		len = -1;
	if (len > 0 && (size_t)len < sizeof(options->home))
		return SOTTO_OK;
	cli_fail(cli, "usage", "no home for this phone: give --home DIR");
	return SOTTO_ERR_ARGUMENT;
}

struct parse {
	struct cli *cli;
	const struct cli_command *command;
	bool json; /* --json as an option, and not as something's value */
	const char *home;
	int argc;
	char **argv;
	int at;
	bool only_positions; /* behind "--" */
};

/* --name=value and --name value. */
static enum sotto_err take_option(struct parse *parse)
{
	const char *text = parse->argv[parse->at];
	const char *equals = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;
	size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
	const struct option *option = find_option(text, len, parse->command);
	bool is_home = len == 6 && strncmp(text, "--home", 6) == 0;
	const char *value = equals != NULL ? equals + 1 : NULL;

	if (option == NULL && !is_home) {
		cli_fail(parse->cli, "usage", "no such option here: %s", text);
		return SOTTO_ERR_ARGUMENT;
	}
	if (!is_home && option->argument == NULL) {
		if (value != NULL) {
			cli_fail(parse->cli, "usage", "%s takes no value", option->name);
			return SOTTO_ERR_ARGUMENT;
		}
		*(bool *)(void *)((char *)&parse->cli->options + option->offset) = true;
		if (option->offset == offsetof(struct cli_options, json))
			parse->json = true;
		return SOTTO_OK;
	}
	if (value == NULL && parse->at + 1 < parse->argc)
		value = parse->argv[++parse->at];
	if (value == NULL) {
		cli_fail(parse->cli, "usage", "%s needs a value", text);
		return SOTTO_ERR_ARGUMENT;
	}
	if (is_home)
		parse->home = value;
	else
		*(const char **)(void *)((char *)&parse->cli->options + option->offset) = value;
	return SOTTO_OK;
}

static enum sotto_err take_word(struct parse *parse)
{
	struct cli_options *options = &parse->cli->options;
	const char *text = parse->argv[parse->at];

	if (parse->command == NULL) {
		parse->command = find_command(text);
		if (parse->command == NULL) {
			cli_fail(parse->cli, "usage", "no such command: %s (see sotto --help)",
				 text);
			return SOTTO_ERR_ARGUMENT;
		}
		return SOTTO_OK;
	}
	if (options->position_count == parse->command->positions_max) {
		cli_usage(parse->cli, parse->command);
		return SOTTO_ERR_ARGUMENT;
	}
	options->positions[options->position_count++] = text;
	return SOTTO_OK;
}

/* What is wrong before --json is said as it asks, too: so it is looked for first. */
static bool has_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

static enum sotto_err take_all(struct parse *parse)
{
	enum sotto_err err = SOTTO_OK;

	for (parse->at = 1; err == SOTTO_OK && parse->at < parse->argc; parse->at++) {
		const char *text = parse->argv[parse->at];

		if (!parse->only_positions && strcmp(text, "--") == 0)
			parse->only_positions = true;
		else if (!parse->only_positions && text[0] == '-' && text[1] != '\0')
			err = take_option(parse);
		else
			err = take_word(parse);
	}
	return err;
}

enum sotto_err cli_options_parse(int argc, char **argv, struct cli *cli)
{
	struct parse parse = {.cli = cli, .argc = argc, .argv = argv};
	struct cli_options *options = &cli->options;
	enum sotto_err err;

	options->json = has_json(argc, argv);
	err = take_all(&parse);
	if (err != SOTTO_OK)
		return err;
	options->json = parse.json;
	if (parse.command == NULL) {
		cli_fail(cli, "usage", "which command? See sotto --help");
		return SOTTO_ERR_ARGUMENT;
	}
	if (options->position_count < parse.command->positions_min) {
		cli_usage(cli, parse.command);
		return SOTTO_ERR_ARGUMENT;
	}
	if (options->passphrase_file == NULL)
		options->passphrase_file = getenv("SOTTO_PASSPHRASE_FILE");
	cli->command = parse.command;
	return set_home(cli, parse.home);
}
