/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto invite: one person, the people of a list, or nobody: then what is wanted are the cards that are out.
 *
 *	list -> people.c -> one request -> an item for each: his card, or why he cannot be invited
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/descriptor.h"

/* False: it was said. 0: not given. */
static bool devices_given(const struct cli *cli, int *devices)
{
	const char *text = cli->options.devices;

	*devices = 0;
	if (text == NULL)
		return true;
	if (strlen(text) == 1 && text[0] >= '1' && text[0] - '0' <= LEDGER_PLACES_MAX) {
		*devices = text[0] - '0';
		return true;
	}
	cli_fail(cli, "usage", "--devices is 1 to %d", LEDGER_PLACES_MAX);
	return false;
}

static void set_devices(json_t *object, int devices)
{
	if (devices != 0)
		json_object_set_new(object, "devices", json_integer(devices));
}

static enum sotto_err build_one(struct cli *cli, json_t *request, int devices)
{
	cli_set_text(request, "extension", cli->options.positions[0]);
	cli_set_text(request, "name", cli->options.positions[1]);
	set_devices(request, devices);
	return cli_check_extension(cli, cli->options.positions[0]);
}

static enum sotto_err read_list(const struct cli *cli, char **text, size_t *len)
{
	char *data = malloc(PEOPLE_LEN_MAX + 1); /* one too many is seen */
	int descriptor = -1;
	enum sotto_err err;

	FAIL_IF(data == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(os_descriptor_open_read(cli->options.csv, &descriptor));
	TRY(os_descriptor_read_at(descriptor, 0, data, PEOPLE_LEN_MAX + 1, len));
	*text = data;
	data = NULL;
out:
	if (err != SOTTO_OK)
		cli_fail(cli, "file", "%s: %s", cli->options.csv, sotto_err_text(err));
	os_descriptor_close(descriptor);
	free(data);
	return err;
}

static void say_word(const struct cli *cli, const char *word, size_t line, const char *what)
{
	cli_fail(cli, word, "%s, line %zu: %s", cli->options.csv, line, what);
}

static void say_line(void *context, size_t line, const char *what)
{
	say_word(context, "invalid", line, what);
}

static enum sotto_err build_many(struct cli *cli, json_t *request, int devices)
{
	json_t *list = json_array();
	char *text = NULL;
	size_t len = 0;
	enum sotto_err err;

	TRY(read_list(cli, &text, &len));
	TRY(people_parse(BYTES(text, len), say_line, cli, &cli->people));
	for (size_t i = 0; i < cli->people.count; i++) {
		const struct person *person = &cli->people.list[i];
		json_t *object = json_pack("{s:s,s:s}", "extension", person->extension, "name",
					   person->name);

		set_devices(object, person->devices != 0 ? person->devices : devices);
		FAIL_IF(json_array_append_new(list, object) != 0, SOTTO_ERR_NO_MEMORY);
	}
	cli_set_text(request, "command", "invite_many");
	FAIL_IF(json_object_set(request, "people", list) != 0, SOTTO_ERR_NO_MEMORY);
out:
	free(text);
	json_decref(list);
	return err;
}

enum sotto_err cli_invite_build(struct cli *cli, json_t *request, int descriptors[2], size_t *count)
{
	const struct cli_options *options = &cli->options;
	bool files = options->sheet != NULL || options->text != NULL;
	int devices;

	(void)descriptors;
	(void)count;
	if (!devices_given(cli, &devices))
		return SOTTO_ERR_ARGUMENT;
	if (files && options->sheet != NULL && options->text != NULL &&
	    strcmp(options->sheet, options->text) == 0) {
		cli_fail(cli, "usage", "--sheet and --text are two files");
		return SOTTO_ERR_ARGUMENT;
	}
	if (options->csv == NULL && options->position_count == 2)
		return build_one(cli, request, devices);
	if (options->csv != NULL && options->position_count == 0)
		return build_many(cli, request, devices);
	if (options->csv == NULL && options->position_count == 0 && files && devices == 0) {
		cli_set_text(request, "command", "invitations");
		return SOTTO_OK;
	}
	cli_usage(cli, cli->command);
	return SOTTO_ERR_ARGUMENT;
}

bool cli_invite_refused(const struct cli *cli, const json_t *object)
{
	long long at = cli_number_of(object, "at");

	if (json_object_get(object, "error") == NULL || cli->people.list == NULL)
		return false;
	if (at >= 0 && (size_t)at < cli->people.count)
		say_word(cli, cli_text_of(object, "error"), cli->people.list[at].line,
			 cli_text_of(object, "message"));
	return true;
}

/* As each card comes: this is slow for a thousand. */
void cli_print_invite_item(const struct cli *cli, const json_t *object)
{
	printf("%-6s", cli_text_of(object, "extension"));
	cli_print_text(cli_text_of(object, "name"));
	putchar('\n');
	if (cli->cards.list == NULL)
		printf("%s\n", cli_text_of(object, "invitation"));
	fflush(stdout);
}

/* Who waits for other admins; false: nobody does. */
static bool print_waiting(const struct cli *cli, const json_t *object)
{
	json_t *proposals = json_object_get(object, "proposals");
	json_t *proposal;
	size_t at;

	if (proposals == NULL)
		return false;
	json_array_foreach(proposals, at, proposal) cli_print_proposal(cli, proposal);
	printf("%lld of %zu wait until enough admins have signed (`sotto pending`): then the same "
	       "command has their cards.\n",
	       cli_number_of(object, "waiting"), cli->people.count);
	return true;
}

void cli_print_invite(const struct cli *cli, const json_t *object)
{
	const struct cli_options *options = &cli->options;

	if (cli_print_proposed(cli, object) || print_waiting(cli, object))
		return;
	if (cli->cards.list == NULL) {
		if (json_object_get(object, "invitation") != NULL)
			cli_print_invited(cli, object);
		return;
	}
	printf("%zu cards%s%s%s%s: each lets somebody in. Hand them out and erase the file%s.\n",
	       json_array_size(cli->cards.list), options->sheet != NULL ? " in " : "",
	       options->sheet != NULL ? options->sheet : "", options->text != NULL ? " in " : "",
	       options->text != NULL ? options->text : "",
	       options->sheet != NULL && options->text != NULL ? "s" : "");
}
