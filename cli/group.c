/* SPDX-License-Identifier: Apache-2.0 */
/* sotto group: its words, and a group as people see it. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

#define SHOWN_DIGITS "%.8s" /* of an id: enough to name it */

struct verb {
	const char *name;
	const char *command; /* of the control socket */
	const char *usage;   /* behind "sotto group NAME" */
	size_t positions_min, positions_max;
	const char *first;  /* the argument that the first word is; NULL: none */
	const char *second; /* "members": all others are */
};

static const struct verb verbs[] = {
	{"create", "group_create", "NAME [EXT...]", 1, CLI_POSITIONS_MAX, "name", "members"},
	{"list", "group_list", "", 0, 0, NULL, NULL},
	{"show", "group_show", "GROUP", 1, 1, "group", NULL},
	{"rename", "group_rename", "GROUP NAME", 2, 2, "group", "name"},
	{"add", "group_add", "GROUP EXT...", 2, CLI_POSITIONS_MAX, "group", "members"},
	{"remove", "group_remove", "GROUP EXT...", 2, CLI_POSITIONS_MAX, "group", "members"},
	{"leave", "group_leave", "GROUP", 1, 1, "group", NULL},
};

static void usage(const struct cli *cli, const struct verb *verb)
{
	char words[128];
	struct cli_command command = *cli->command;

	(void)snprintf(words, sizeof(words), "%s%s%s", verb->name,
		       verb->usage[0] != '\0' ? " " : "", verb->usage);
	command.usage = words;
	cli_usage(cli, &command);
}

/* NULL for what is not UTF-8: the agent then says what is missing. */
static void set_text(json_t *request, const char *name, const char *text)
{
	json_t *value = json_string(text);

	if (value != NULL)
		json_object_set_new(request, name, value);
}

static enum sotto_err set_members(struct cli *cli, json_t *request)
{
	const struct cli_options *options = &cli->options;
	json_t *members = json_array();

	for (size_t i = 2; i < options->position_count; i++) {
		if (!cli_is_extension(options->positions[i])) {
			cli_fail(cli, "usage", "an extension is a number of 3 to 5 digits: %s",
				 options->positions[i]);
			json_decref(members);
			return SOTTO_ERR_ARGUMENT;
		}
		json_array_append_new(members, json_string(options->positions[i]));
	}
	json_object_set_new(request, "members", members);
	return SOTTO_OK;
}

enum sotto_err cli_group_build(struct cli *cli, json_t *request, int descriptors[2], size_t *count)
{
	const struct cli_options *options = &cli->options;
	size_t words = options->position_count - 1;
	const struct verb *verb = NULL;

	(void)descriptors;
	(void)count;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(options->positions[0], verbs[i].name) == 0)
			verb = &verbs[i];
	}
	if (verb == NULL) {
		cli_usage(cli, cli->command);
		return SOTTO_ERR_ARGUMENT;
	}
	if (words < verb->positions_min || words > verb->positions_max) {
		usage(cli, verb);
		return SOTTO_ERR_ARGUMENT;
	}
	set_text(request, "command", verb->command);
	if (verb->first != NULL)
		set_text(request, verb->first, options->positions[1]);
	if (verb->second == NULL)
		return SOTTO_OK;
	if (strcmp(verb->second, "members") == 0)
		return set_members(cli, request);
	set_text(request, verb->second, options->positions[2]);
	return SOTTO_OK;
}

/* One line: its id, its name and how it stands. */
void cli_print_group_item(const struct cli *cli, const json_t *object)
{
	long long devices = cli_number_of(object, "devices");
	long long wanted = cli_number_of(object, "wanted");

	(void)cli;
	printf(SHOWN_DIGITS "  \"", cli_text_of(object, "id"));
	cli_print_text(cli_text_of(object, "name"));
	/* How many there are in it now it does not learn. */
	if (strcmp(cli_text_of(object, "state"), "out") == 0) {
		printf("\"  (this phone is not in it any more)\n");
		return;
	}
	printf("\"  (%lld phone%s", devices, devices == 1 ? "" : "s");
	if (strcmp(cli_text_of(object, "state"), "going") == 0)
		printf(", this phone is leaving");
	if (wanted > 0)
		printf(", %lld change%s to come", wanted, wanted == 1 ? "" : "s");
	printf(")\n");
	if (json_is_true(json_object_get(object, "blocked")))
		printf("  ! nothing is sent: it still holds a phone that the ledger does not "
		       "allow\n");
	if (json_is_true(json_object_get(object, "stuck")))
		printf("  ! it stands still: somebody made a change that this phone cannot open\n");
}

static const char *member_words(const char *state)
{
	if (strcmp(state, "coming") == 0)
		return "  (to be added)";
	return strcmp(state, "going") == 0 ? "  (going)" : "";
}

/* The group as it is after a change; `show` has all of its members, the others who comes and goes. */
void cli_print_group(const struct cli *cli, const json_t *object)
{
	bool all = strcmp(cli->options.positions[0], "show") == 0;
	json_t *member;
	size_t index;

	if (json_object_get(object, "id") == NULL)
		return;
	cli_print_group_item(cli, object);
	json_array_foreach(json_object_get(object, "members"), index, member)
	{
		const char *words = member_words(cli_text_of(member, "state"));

		if (!all && words[0] == '\0')
			continue;
		printf("  %-6s", cli_text_of(member, "extension"));
		cli_print_text(cli_text_of(member, "name"));
		printf("%s\n", words);
	}
	if (!all && cli_number_of(object, "wanted") > 0)
		printf("it goes on by itself, see `sotto group show`\n");
}
