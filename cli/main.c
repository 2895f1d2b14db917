/* SPDX-License-Identifier: Apache-2.0 */
/* sotto: the command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/descriptor.h"
#include "os/sandbox.h"

/* In ASCII: some take U+2028 or U+0085 for the end of a line, and terminals obey others. */
void cli_print_json(const json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	fflush(stdout);
}

static void show_item(const struct cli *cli, const json_t *object)
{
	if (cli_invite_refused(cli, object))
		return;
	cli_cards_take(cli, object);
	if (cli->options.json)
		cli_print_json(object);
	else
		cli->command->item(cli, object);
}

/* A list's result is its items; only what ends with something to say prints it. */
static void show_done(const struct cli *cli, const json_t *object)
{
	if (cli->options.json && json_object_size(object) > 0)
		cli_print_json(object);
	else if (!cli->options.json)
		cli->command->done(cli, object);
}

static enum cli_exit exit_of(const struct cli *cli, const struct cli_result *result)
{
	const char *reason = json_string_value(json_object_get(result->done, "reason"));
	const char *word;

	if (result->done != NULL) {
		show_done(cli, result->done);
		return reason == NULL || strcmp(reason, "hung_up") == 0 ? CLI_DONE : CLI_FAILED;
	}
	word = json_string_value(json_object_get(result->error, "error"));
	cli_fail(cli, word, "%s", json_string_value(json_object_get(result->error, "message")));
	return word != NULL && strcmp(word, "usage") == 0 ? CLI_USAGE : CLI_FAILED;
}

static enum cli_exit exchange(struct cli *cli, const json_t *request, const int *descriptors,
			      size_t count)
{
	const char *out = cli->options.out;
	struct cli_result result;
	enum cli_exit code = CLI_FAILED;
	enum sotto_err err;
	int before = -1;

	if (cli_cards_begin(cli) != SOTTO_OK)
		return CLI_FAILED;
	if (out != NULL && cli_output_begin(cli, out, &before) != SOTTO_OK)
		return CLI_FAILED;
	err = cli_exchange(cli, request, descriptors, count, show_item, &result);
	if (out != NULL && cli_output_end(cli, out, before, result.done != NULL) != SOTTO_OK &&
	    result.done != NULL) {
		cli_result_release(&result);
		return CLI_FAILED;
	}
	if (cli_cards_end(cli, result.done) != SOTTO_OK) {
		cli_result_release(&result);
		return CLI_FAILED;
	}
	if (err == SOTTO_OK)
		code = exit_of(cli, &result);
	else if (strcmp(cli->command->name, "stop") == 0)
		code = CLI_DONE; /* it ended before it could say so */
	else
		cli_fail(cli, "failed", "the agent went away: %s", sotto_err_text(err));
	cli_result_release(&result);
	return code;
}

static enum cli_exit run(struct cli *cli)
{
	json_t *request = json_pack("{s:s}", "command", cli->command->name);
	int descriptors[2] = {-1, -1};
	enum cli_exit code = CLI_FAILED;
	enum sotto_err err;
	size_t count = 0;

	FAIL_IF(request == NULL, SOTTO_ERR_NO_MEMORY);
	/* What is wrong with the words is said before anything is started or asked. */
	TRY(cli->command->build(cli, request, descriptors, &count));
	TRY(cli_agent_ready(cli));
	TRY(cli_admin_ask(cli, request));
	code = exchange(cli, request, descriptors, count);
out:
	if (err == SOTTO_ERR_ARGUMENT)
		code = CLI_USAGE;
	if (err == SOTTO_ERR_NOT_FOUND && cli->command->agent == CLI_AGENT_RUNNING) {
		/* Nothing runs: that is what stop and lock want, and what hangup finds. */
		code = strcmp(cli->command->name, "hangup") == 0 ? CLI_FAILED : CLI_DONE;
		if (code == CLI_FAILED)
			cli_fail(cli, "state", "there is no call");
	}
	/* Whatever went wrong on the way here without a word of its own. */
	if (err != SOTTO_OK && code != CLI_DONE && !cli_said())
		cli_fail(cli, code == CLI_USAGE ? "usage" : "failed", "%s", sotto_err_text(err));
	os_descriptor_close(descriptors[0]);
	os_descriptor_close(descriptors[1]);
	json_decref(request);
	return code;
}

int main(int argc, char **argv)
{
	static struct cli cli;
	enum cli_exit code;
	enum sotto_err err;

	if (os_process_harden() != SOTTO_OK) {
		cli_fail(&cli, "failed", "this process cannot be kept from being read by others");
		return CLI_FAILED;
	}
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		cli_help();
		return CLI_DONE;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("sotto %s\n", SOTTO_VERSION);
		return CLI_DONE;
	}
	if (cli_options_parse(argc, argv, &cli) != SOTTO_OK)
		return CLI_USAGE;
	err = os_loop_create(&cli.loop);
	if (err != SOTTO_OK) {
		cli_fail(&cli, "failed", "cannot begin: %s", sotto_err_text(err));
		return CLI_FAILED;
	}
	code = run(&cli);
	os_loop_destroy(cli.loop);
	people_finish(&cli.people);
	json_decref(cli.cards.list);
	return (int)code;
}
