/* SPDX-License-Identifier: Apache-2.0 */
/* sotto group: its words, and a group as people see it. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

#define SHOWN_DIGITS "%.8s" /* of an id: enough to name it */

static enum sotto_err build_members(struct cli *cli, json_t *request)
{
	const struct cli_options *options = &cli->options;
	json_t *members = json_array();

	for (size_t i = 2; i < options->position_count; i++) {
		if (cli_check_extension(cli, options->positions[i]) != SOTTO_OK) {
			json_decref(members);
			return SOTTO_ERR_ARGUMENT;
		}
		json_array_append_new(members, json_string(options->positions[i]));
	}
	json_object_set_new(request, "members", members);
	return SOTTO_OK;
}

static enum sotto_err build_name(struct cli *cli, json_t *request)
{
	cli_set_text(request, "name", cli->options.positions[2]);
	return SOTTO_OK;
}

static const struct cli_verb verbs[] = {
	{"create", "group_create", "create NAME [EXT...]", 1, CLI_POSITIONS_MAX, "name",
	 build_members},
	{"list", "group_list", "list", 0, 0, NULL, NULL},
	{"show", "group_show", "show GROUP", 1, 1, "group", NULL},
	{"rename", "group_rename", "rename GROUP NAME", 2, 2, "group", build_name},
	{"add", "group_add", "add GROUP EXT...", 2, CLI_POSITIONS_MAX, "group", build_members},
	{"remove", "group_remove", "remove GROUP EXT...", 2, CLI_POSITIONS_MAX, "group",
	 build_members},
	{"leave", "group_leave", "leave GROUP", 1, 1, "group", NULL},
};

enum sotto_err cli_group_build(struct cli *cli, json_t *request, int descriptors[2], size_t *count)
{
	(void)descriptors;
	(void)count;
	return cli_verb_build(cli, request, verbs, ARRAY_LEN(verbs));
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
