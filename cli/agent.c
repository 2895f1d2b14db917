/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent for the command: starts sotto-launcher if none runs in this home, and opens, makes or unlocks
 * the vault as the command needs it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "cli/cli.h"
#include "os/descriptor.h"
#include "os/journal.h"
#include "os/process.h"
#include "phone/processes.h"

#define ENVIRONMENT_MAX 16
#define READY_LEN_MAX	128
#define RETRIES_MAX	50 /* of 100 ms: another command is starting the agent at this moment */
#define RETRY_US	100000

static void launcher_left(void *context, struct os_process *process, struct os_process_end end)
{
	(void)context;
	(void)process;
	(void)end;
}

/* The launcher's one line: its error code and words. */
static enum sotto_err read_ready(const struct cli *cli, int descriptor)
{
	char line[READY_LEN_MAX];
	size_t len = 0;
	ssize_t got;
	long code;

	while (len < sizeof(line) - 1 &&
	       (got = read(descriptor, line + len, sizeof(line) - 1 - len)) > 0)
		len += (size_t)got;
	line[len] = '\0';
	if (len == 0) {
		cli_fail(cli, "failed", "sotto-launcher ended without a word");
		return SOTTO_ERR_CLOSED;
	}
	code = strtol(line, NULL, 10);
	if (code == SOTTO_ERR_EXISTS || code == SOTTO_OK)
		return SOTTO_OK;
	cli_fail(cli, "failed", "%s: %.*s", cli->options.home, (int)strcspn(line, "\n"), line);
	return SOTTO_ERR_IO;
}

/* What a sound library needs later on; the launcher passes it to voice and ringer alone. */
static void pick_environment(const char **environment, size_t capacity)
{
	extern char **environ;
	static const char *const kept[] = {"XDG_RUNTIME_DIR=", "PIPEWIRE_",
					   "HOME=", "LANG=", "SOTTO_AUDIO="};
	size_t count = 0;

	for (char **entry = environ; *entry != NULL; entry++) {
		for (size_t i = 0; i < ARRAY_LEN(kept) && count + 1 < capacity; i++) {
			if (strncmp(*entry, kept[i], strlen(kept[i])) == 0)
				environment[count++] = *entry;
		}
	}
	environment[count] = NULL;
}

/* Starts it with ready as the pipe for its one line, and log as its standard error. */
static enum sotto_err spawn_launcher(struct cli *cli, int ready, int log)
{
	const char *arguments[] = {"--home", cli->options.home, NULL};
	const char *environment[ENVIRONMENT_MAX];
	int descriptors[] = {-1, log, log, ready};
	char path[OS_PROCESS_PATH_LEN];
	struct os_process_spec spec = {
		.path = path,
		.arguments = arguments,
		.environment = environment,
		.descriptors = descriptors,
		.descriptors_count = ARRAY_LEN(descriptors),
		.new_session = true, /* a Ctrl-C at this command is not for the phone */
	};
	struct os_process *process;
	enum sotto_err err;

	pick_environment(environment, ARRAY_LEN(environment));
	err = os_process_find("sotto-launcher", path);
	if (err != SOTTO_OK) {
		cli_fail(cli, "not_found", "sotto-launcher is not installed beside this command");
		return err;
	}
	err = os_process_spawn(cli->loop, &spec, launcher_left, NULL, &process);
	if (err != SOTTO_OK) {
		cli_fail(cli, "failed", "sotto-launcher does not start: %s", sotto_err_text(err));
		return err;
	}
	/* Even one that cannot serve says why and ends by itself. */
	os_process_release(process);
	return SOTTO_OK;
}

static enum sotto_err start_launcher(struct cli *cli)
{
	int ends[2] = {-1, -1};
	enum sotto_err err;
	int journal = -1;

	if (pipe(ends) != 0) {
		cli_fail(cli, "failed", "sotto-launcher does not start: %s", strerror(errno));
		return SOTTO_ERR_IO;
	}
	/* Without a journal what happens is not logged; with -v it is seen here. */
	if (!cli->options.verbose && os_journal_open("sotto", &journal) != SOTTO_OK)
		journal = -1;
	TRY(spawn_launcher(cli, ends[1], cli->options.verbose ? STDERR_FILENO : journal));
	os_descriptor_close(ends[1]);
	ends[1] = -1;
	TRY(read_ready(cli, ends[0]));
out:
	os_descriptor_close(journal);
	os_descriptor_close(ends[0]);
	os_descriptor_close(ends[1]);
	return err;
}

static enum sotto_err ask_state(struct cli *cli, struct cli_result *result)
{
	json_t *hello = json_pack("{s:s}", "command", "hello");
	enum sotto_err err = cli_exchange(cli, hello, NULL, 0, NULL, result);

	json_decref(hello);
	return err;
}

/* An agent that answers; started if need be. */
static enum sotto_err reach(struct cli *cli, struct cli_result *result)
{
	enum sotto_err err = ask_state(cli, result);

	if (err == SOTTO_ERR_NOT_FOUND && cli->command->agent == CLI_AGENT_RUNNING)
		return err;
	for (int i = 0; err != SOTTO_OK && i < RETRIES_MAX; i++) {
		if (i > 0)
			(void)usleep(RETRY_US);
		/* Each time: the launcher that holds the home may be one that is about to end. */
		if (err == SOTTO_ERR_NOT_FOUND && start_launcher(cli) != SOTTO_OK)
			return SOTTO_ERR_IO;
		err = ask_state(cli, result);
	}
	if (err != SOTTO_OK)
		cli_fail(cli, "failed", "the agent in %s does not answer: %s", cli->options.home,
			 sotto_err_text(err));
	return err;
}

static enum sotto_err give_passphrase(struct cli *cli, const char *command, bool is_new)
{
	struct os_passphrase passphrase;
	struct cli_result result;
	json_t *request = NULL;
	int descriptor = -1;
	enum sotto_err err;

	err = cli_passphrase_get(
		cli, cli->options.passphrase_file,
		is_new ? "New passphrase for this phone: " : "Passphrase: ", is_new, &passphrase);
	if (err != SOTTO_OK)
		return err;
	TRY(cli_passphrase_pipe(cli, &passphrase, &descriptor));
	request = json_pack("{s:s}", "command", command);
	err = cli_exchange(cli, request, &descriptor, 1, NULL, &result);
	if (err != SOTTO_OK) {
		cli_fail(cli, "failed", "the agent went away: %s", sotto_err_text(err));
	} else if (result.done == NULL) {
		cli_fail(cli, json_string_value(json_object_get(result.error, "error")), "%s",
			 json_string_value(json_object_get(result.error, "message")));
		err = SOTTO_ERR_DENIED;
	}
	cli_result_release(&result);
out:
	os_passphrase_wipe(&passphrase);
	os_descriptor_close(descriptor);
	json_decref(request);
	return err;
}

static enum sotto_err prepare_vault(struct cli *cli, const char *state)
{
	bool creates = cli->command->agent == CLI_AGENT_CREATE;

	if (cli->command->agent == CLI_AGENT_RUNNING || strcmp(state, "open") == 0)
		return SOTTO_OK;
	if (strcmp(state, "none") == 0 && creates)
		return give_passphrase(cli, "create", true);
	if (strcmp(state, "none") == 0) {
		cli_fail(cli, "not_found",
			 "there is no phone in %s yet: `sotto found` or `sotto join`",
			 cli->options.home);
		return SOTTO_ERR_NOT_FOUND;
	}
	if (strcmp(state, "locked") == 0 && cli->command->agent == CLI_AGENT_START_LOCKED)
		return SOTTO_OK;
	if (strcmp(state, "locked") == 0 && cli->command->agent != CLI_AGENT_UNLOCK) {
		cli_fail(cli, "state", "this phone is locked: `sotto unlock`");
		return SOTTO_ERR_STATE;
	}
	return give_passphrase(cli, strcmp(state, "locked") == 0 ? "unlock" : "open", false);
}

/* Now that it is open it knows whether its relay has a name that somebody must look up. */
static void resolve_relay(struct cli *cli)
{
	struct cli_result result;
	const char *name;

	if (ask_state(cli, &result) == SOTTO_OK) {
		name = json_string_value(json_object_get(result.done, "resolve"));
		if (name != NULL)
			cli_resolve(cli, name);
	}
	cli_result_release(&result);
}

enum sotto_err cli_agent_ready(struct cli *cli)
{
	struct cli_result result;
	const char *state;
	enum sotto_err err;

	TRY(reach(cli, &result));
	state = json_string_value(json_object_get(result.done, "vault"));
	if (state != NULL) {
		err = prepare_vault(cli, state);
	} else {
		cli_fail(cli, "failed", "the agent in %s does not say how its vault stands",
			 cli->options.home);
		err = SOTTO_ERR_CLOSED;
	}
	cli_result_release(&result);
	if (err == SOTTO_OK && cli->command->agent != CLI_AGENT_RUNNING)
		resolve_relay(cli);
out:
	return err;
}
