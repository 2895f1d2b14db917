/* SPDX-License-Identifier: Apache-2.0 */
/* sotto pending, approve, refuse, admin, confirm: their words, and what admins sign as people read it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

#define CODE_MAX     128
#define ACTS_SHOWN   20 /* of one proposal; more are counted, --json has all */
#define ANSWER_MAX   16
#define NUMBER_WIDTH 3

enum sotto_err cli_set_code(const struct cli *cli, json_t *request, const char *name, size_t first)
{
	char code[CODE_MAX] = "";
	size_t len = 0;

	for (size_t i = first; i < cli->options.position_count; i++) {
		size_t more = strlen(cli->options.positions[i]);

		if (len + more >= sizeof(code)) {
			cli_fail(cli, "usage", "a code has 12 letters and digits");
			return SOTTO_ERR_ARGUMENT;
		}
		memcpy(code + len, cli->options.positions[i], more + 1);
		len += more;
	}
	cli_set_text(request, name, code);
	return SOTTO_OK;
}

enum sotto_err cli_proposal_build(struct cli *cli, json_t *request, int descriptors[2],
				  size_t *count)
{
	(void)descriptors;
	(void)count;
	return cli->options.position_count == 0 ? SOTTO_OK : cli_set_code(cli, request, "id", 0);
}

enum sotto_err cli_confirm_build(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	enum sotto_err err = cli_check_extension(cli, cli->options.positions[0]);

	(void)descriptors;
	(void)count;
	cli_set_text(request, "extension", cli->options.positions[0]);
	return err == SOTTO_OK ? cli_set_code(cli, request, "code", 1) : err;
}

/* ---- admin ---- */

static enum sotto_err set_number(const struct cli *cli, json_t *request, const char *name,
				 const char *text)
{
	size_t len;

	if (text == NULL)
		return SOTTO_OK;
	len = strspn(text, "0123456789");
	if (len == 0 || len >= NUMBER_WIDTH || text[len] != '\0' || strtol(text, NULL, 10) == 0) {
		cli_fail(cli, "usage", "%s is a number from 1 to 99: %s", name, text);
		return SOTTO_ERR_ARGUMENT;
	}
	json_object_set_new(request, name, json_integer(strtol(text, NULL, 10)));
	return SOTTO_OK;
}

static enum sotto_err build_whom(struct cli *cli, json_t *request)
{
	enum sotto_err err = cli_check_extension(cli, cli->options.positions[1]);

	if (err == SOTTO_OK)
		err = set_number(cli, request, "threshold", cli->options.threshold);
	return err == SOTTO_OK ? set_number(cli, request, "device", cli->options.device) : err;
}

static enum sotto_err build_threshold(struct cli *cli, json_t *request)
{
	return set_number(cli, request, "threshold", cli->options.positions[1]);
}

static const struct cli_verb verbs[] = {
	{"list", "admin_list", "list", 0, 0, NULL, NULL},
	{"add", "admin_add", "add EXT [--device N] [--threshold K]", 1, 1, "extension", build_whom},
	{"remove", "admin_remove", "remove EXT [--threshold K]", 1, 1, "extension", build_whom},
	{"threshold", "admin_threshold", "threshold K", 1, 1, NULL, build_threshold},
};

enum sotto_err cli_admin_build(struct cli *cli, json_t *request, int descriptors[2], size_t *count)
{
	(void)descriptors;
	(void)count;
	return cli_verb_build(cli, request, verbs, ARRAY_LEN(verbs));
}

/* ---- What people read ---- */

static void print_list(const char *words, const json_t *list)
{
	size_t index;
	json_t *item;

	if (json_array_size(list) == 0)
		return;
	printf("  %s ", words);
	json_array_foreach(list, index, item)
		printf("%s%s", index > 0 ? ", " : "", json_string_value(item));
}

static void print_acts(const json_t *acts)
{
	size_t count = json_array_size(acts);
	size_t index;
	json_t *act;

	json_array_foreach(acts, index, act)
	{
		if (index == ACTS_SHOWN)
			break;
		printf("    ");
		cli_print_text(cli_text_of(act, "words"));
		putchar('\n');
	}
	if (count > ACTS_SHOWN)
		printf("    and %zu more: --json shows all\n", count - ACTS_SHOWN);
}

void cli_print_proposal(const struct cli *cli, const json_t *object)
{
	long long needed = cli_number_of(object, "needed");

	(void)cli;
	printf("%s  proposed by %s", cli_text_of(object, "id"), cli_text_of(object, "by"));
	print_list("signed by", json_object_get(object, "signed"));
	print_list("refused by", json_object_get(object, "refused"));
	printf("  (%lld more must sign)\n", needed);
	print_acts(json_object_get(object, "acts"));
	if (json_is_true(json_object_get(object, "may")))
		printf("    sotto approve %s | sotto refuse %s\n", cli_text_of(object, "id"),
		       cli_text_of(object, "id"));
}

bool cli_print_proposed(const struct cli *cli, const json_t *object)
{
	json_t *proposal = json_object_get(object, "proposal");

	if (proposal == NULL)
		return false;
	printf("Proposed. It comes about when enough admins have signed it:\n");
	cli_print_proposal(cli, proposal);
	return true;
}

void cli_print_decided(const struct cli *cli, const json_t *object)
{
	bool signs = strcmp(cli->command->name, "approve") == 0;

	printf("%s", signs ? "Signed" : "Refused");
	if (json_object_get(object, "id") == NULL || cli_number_of(object, "needed") == 0)
		printf("%s.\n", signs ? ": enough have signed it" : "");
	else
		printf("; %lld more must sign it.\n", cli_number_of(object, "needed"));
}

void cli_print_admin(const struct cli *cli, const json_t *object)
{
	(void)cli;
	printf("%-6s", cli_text_of(object, "extension"));
	cli_print_text(cli_text_of(object, "name"));
	if (cli_number_of(object, "device") > 1)
		printf("  (device %lld)", cli_number_of(object, "device"));
	putchar('\n');
}

void cli_print_admins(const struct cli *cli, const json_t *object)
{
	long long admins = cli_number_of(object, "admins");
	long long threshold = cli_number_of(object, "threshold");

	if (cli_print_proposed(cli, object))
		return;
	if (admins > 0)
		printf("%lld admin%s; ", admins, admins == 1 ? "" : "s");
	printf("%lld must sign%s\n", threshold,
	       threshold == 1 ? ": one person controls this network" : "");
	if (admins >= 3 && threshold == 1)
		printf("With three admins two should have to: sotto admin threshold 2\n");
}

void cli_print_state_of(const struct cli *cli, const json_t *object)
{
	if (!cli_print_proposed(cli, object))
		printf("%s is %s\n", cli_text_of(object, "extension"),
		       cli_text_of(object, "state"));
}

/* ---- Before something is signed ---- */

static bool said_yes(void)
{
	char answer[ANSWER_MAX];

	fprintf(stderr, "Sign this? Type yes: ");
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

enum sotto_err cli_admin_ask(struct cli *cli, const json_t *request)
{
	json_t *pending;
	struct cli_result result = {.ended = false};
	bool shown;
	enum sotto_err err = SOTTO_OK;

	if (strcmp(cli->command->name, "approve") != 0 || cli->options.yes)
		return SOTTO_OK;
	if (cli->options.json || !os_terminal_is_input()) {
		cli_fail(cli, "usage",
			 "what is signed is read first: on a terminal, or by `sotto pending` and "
			 "then --yes");
		return SOTTO_ERR_ARGUMENT;
	}
	pending =
		json_pack("{s:s,s:O}", "command", "pending", "id", json_object_get(request, "id"));
	FAIL_IF(pending == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(cli_exchange(cli, pending, NULL, 0, cli_print_proposal, &result));
	shown = result.done != NULL;
	if (!shown)
		cli_fail(cli, cli_text_of(result.error, "error"), "%s",
			 cli_text_of(result.error, "message"));
	else if (!said_yes())
		cli_fail(cli, "state", "nothing was signed");
	else
		goto out;
	err = SOTTO_ERR_STATE;
out:
	cli_result_release(&result);
	json_decref(pending);
	return err;
}
