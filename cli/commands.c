/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and how each makes its request. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"
#include "os/descriptor.h"

#define SECONDS_MAX 86400 /* as the agent has it */

void cli_set_text(json_t *request, const char *name, const char *text)
{
	json_t *value = json_string(text);

	if (value != NULL)
		json_object_set_new(request, name, value);
}

static bool is_number(const char *text, size_t len_min, size_t len_max)
{
	size_t len = strspn(text, "0123456789");

	return text[len] == '\0' && len >= len_min && len <= len_max;
}

bool cli_is_extension(const char *text)
{
	return is_number(text, 1, 5);
}

enum sotto_err cli_check_extension(const struct cli *cli, const char *text)
{
	if (cli_is_extension(text))
		return SOTTO_OK;
	cli_fail(cli, "usage", "an extension is a number of 3 to 5 digits: %s", text);
	return SOTTO_ERR_ARGUMENT;
}

enum sotto_err cli_verb_build(struct cli *cli, json_t *request, const struct cli_verb *verbs,
			      size_t count)
{
	const struct cli_options *options = &cli->options;
	struct cli_command command = *cli->command;
	size_t words = options->position_count - 1;
	const struct cli_verb *verb = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(options->positions[0], verbs[i].name) == 0)
			verb = &verbs[i];
	}
	if (verb == NULL || words < verb->words_min || words > verb->words_max) {
		if (verb != NULL)
			command.usage = verb->usage;
		cli_usage(cli, &command);
		return SOTTO_ERR_ARGUMENT;
	}
	cli_set_text(request, "command", verb->command);
	if (verb->first != NULL)
		cli_set_text(request, verb->first, options->positions[1]);
	return verb->build != NULL ? verb->build(cli, request) : SOTTO_OK;
}

/* A person by his extension, or a group by whatever else: never the one for the other. */
static void set_conversation(json_t *request, const char *person, const char *text)
{
	cli_set_text(request, cli_is_extension(text) ? person : "group", text);
}

static enum sotto_err build_plain(struct cli *cli, json_t *request, int descriptors[2],
				  size_t *count)
{
	(void)cli;
	(void)request;
	(void)descriptors;
	(void)count;
	return SOTTO_OK;
}

static enum sotto_err build_found(struct cli *cli, json_t *request, int descriptors[2],
				  size_t *count)
{
	const struct cli_options *options = &cli->options;

	(void)descriptors;
	(void)count;
	if (options->relay == NULL) {
		cli_fail(cli, "usage", "found needs --relay RELAY, the line that sottod printed");
		return SOTTO_ERR_ARGUMENT;
	}
	if (options->digits != NULL && (!is_number(options->digits, 1, 1) ||
					options->digits[0] < '3' || options->digits[0] > '5')) {
		cli_fail(cli, "usage", "--digits is 3, 4 or 5");
		return SOTTO_ERR_ARGUMENT;
	}
	cli_set_text(request, "name", options->positions[0]);
	cli_set_text(request, "relay", options->relay);
	cli_set_text(request, "as", options->as != NULL ? options->as : "Admin");
	if (options->digits != NULL)
		json_object_set_new(request, "digits", json_integer(options->digits[0] - '0'));
	return SOTTO_OK;
}

static enum sotto_err build_extension(struct cli *cli, json_t *request, int descriptors[2],
				      size_t *count)
{
	(void)descriptors;
	(void)count;
	cli_set_text(request, "extension", cli->options.positions[0]);
	return cli_check_extension(cli, cli->options.positions[0]);
}

static enum sotto_err build_term(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	cli_set_text(request, "until", cli->options.positions[1]);
	return build_extension(cli, request, descriptors, count);
}

static enum sotto_err build_members(struct cli *cli, json_t *request, int descriptors[2],
				    size_t *count)
{
	return cli->options.position_count == 0 ? SOTTO_OK
						: build_extension(cli, request, descriptors, count);
}

static enum sotto_err build_join(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	const struct cli_options *options = &cli->options;
	enum sotto_err err = SOTTO_OK;
	char *text = NULL;

	(void)descriptors;
	(void)count;
	if ((options->position_count == 1) == (options->image != NULL)) {
		cli_fail(cli, "usage",
			 "join needs an invitation, or a picture of one with --image FILE");
		return SOTTO_ERR_ARGUMENT;
	}
	if (options->image != NULL) {
		err = cli_image_read(cli, options->image, &text);
		if (err != SOTTO_OK)
			return err;
	}
	cli_set_text(request, "invitation", text != NULL ? text : options->positions[0]);
	json_object_set_new(request, "wait", json_boolean(!options->no_wait));
	free(text);
	return SOTTO_OK;
}

static enum sotto_err build_send(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	const struct cli_options *options = &cli->options;

	(void)descriptors;
	(void)count;
	set_conversation(request, "to", options->positions[0]);
	if (options->reply != NULL)
		cli_set_text(request, "reply_to", options->reply);
	return cli_text_set(cli, request, "text", options->positions[1]);
}

/* edit WHOM ID TEXT, delete WHOM ID, react WHOM ID [REACTION] */
static enum sotto_err build_change(struct cli *cli, json_t *request, int descriptors[2],
				   size_t *count)
{
	const struct cli_options *options = &cli->options;

	(void)descriptors;
	(void)count;
	set_conversation(request, "with", options->positions[0]);
	cli_set_text(request, "id", options->positions[1]);
	if (strcmp(cli->command->name, "edit") == 0)
		return cli_text_set(cli, request, "text", options->positions[2]);
	if (strcmp(cli->command->name, "react") == 0)
		cli_set_text(request, "reaction",
			     options->position_count == 3 ? options->positions[2] : "");
	return SOTTO_OK;
}

static enum sotto_err build_receipts(struct cli *cli, json_t *request, int descriptors[2],
				     size_t *count)
{
	const char *word = cli->options.positions[0];
	bool on = strcmp(word, "on") == 0;

	(void)descriptors;
	(void)count;
	if (!on && strcmp(word, "off") != 0) {
		cli_usage(cli, cli->command);
		return SOTTO_ERR_ARGUMENT;
	}
	json_object_set_new(request, "on", json_boolean(on));
	return SOTTO_OK;
}

static enum sotto_err with_position(const struct cli *cli, json_t *request, size_t position)
{
	if (cli->options.position_count > position)
		set_conversation(request, "with", cli->options.positions[position]);
	return SOTTO_OK;
}

static enum sotto_err build_search(struct cli *cli, json_t *request, int descriptors[2],
				   size_t *count)
{
	(void)descriptors;
	(void)count;
	cli_set_text(request, "text", cli->options.positions[0]);
	return with_position(cli, request, 1);
}

static enum sotto_err build_export(struct cli *cli, json_t *request, int descriptors[2],
				   size_t *count)
{
	(void)descriptors;
	(void)count;
	return with_position(cli, request, 0);
}

static enum sotto_err build_read(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	(void)descriptors;
	(void)count;
	json_object_set_new(request, "follow", json_boolean(cli->options.follow));
	json_object_set_new(request, "new", json_boolean(cli->options.only_new));
	return with_position(cli, request, 0);
}

static enum sotto_err open_file(struct cli *cli, json_t *request, const char *name,
				const char *path, bool to_write, int descriptors[2], size_t *count)
{
	enum sotto_err err;

	if (path == NULL)
		return SOTTO_OK;
	err = to_write ? os_descriptor_open_write(path, &descriptors[*count])
		       : os_descriptor_open_read(path, &descriptors[*count]);
	if (err != SOTTO_OK) {
		cli_fail(cli, "file", "%s: %s", path, sotto_err_text(err));
		return err;
	}
	(*count)++;
	json_object_set_new(request, name, json_true());
	return SOTTO_OK;
}

static enum sotto_err build_call(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	const struct cli_options *options = &cli->options;
	enum sotto_err err = SOTTO_OK;
	char *end;

	if (options->position_count > 0) {
		cli_set_text(request, "to", options->positions[0]);
		TRY(cli_check_extension(cli, options->positions[0]));
	}
	if (options->wait)
		json_object_set_new(request, "wait", json_true());
	if (options->seconds != NULL) {
		double seconds = strtod(options->seconds, &end);

		if (*end != '\0' || !(seconds > 0) || seconds > SECONDS_MAX) {
			cli_fail(cli, "usage", "--for wants seconds, at most %d: %s", SECONDS_MAX,
				 options->seconds);
			return SOTTO_ERR_ARGUMENT;
		}
		json_object_set_new(request, "for", json_real(seconds));
	}
	TRY(open_file(cli, request, "mic", options->mic, false, descriptors, count));
	TRY(open_file(cli, request, "speaker", options->speaker, true, descriptors, count));
out:
	return err;
}

/* The vault was unlocked on the way here: what is left is to say how it stands. */
static enum sotto_err build_unlock(struct cli *cli, json_t *request, int descriptors[2],
				   size_t *count)
{
	(void)cli;
	(void)descriptors;
	(void)count;
	json_object_set_new(request, "command", json_string("hello"));
	return SOTTO_OK;
}

static enum sotto_err build_passphrase(struct cli *cli, json_t *request, int descriptors[2],
				       size_t *count)
{
	struct os_passphrase passphrase;
	enum sotto_err err;

	(void)request;
	TRY(cli_passphrase_get(cli, cli->options.passphrase_file, "Passphrase: ", false,
			       &passphrase));
	TRY(cli_passphrase_pipe(cli, &passphrase, &descriptors[0]));
	*count = 1;
	TRY(cli_passphrase_get(cli, cli->options.new_passphrase_file, "New passphrase: ", true,
			       &passphrase));
	TRY(cli_passphrase_pipe(cli, &passphrase, &descriptors[1]));
	*count = 2;
out:
	os_passphrase_wipe(&passphrase);
	return err;
}

#define CALL_OPTIONS "[--mic FILE.wav] [--speaker FILE.wav] [--for SECONDS]"

const struct cli_command cli_commands[] = {
	{"found", "NAME --relay RELAY [--as NAME] [--digits N]",
	 "found a network with a relay of one's own", 1, 1, build_found, cli_print_nothing,
	 cli_print_joined, CLI_AGENT_CREATE},
	{"invite", "EXT NAME | --csv FILE [--devices N] [--sheet FILE.pdf] [--text FILE]",
	 "invite one person or many, and make their cards", 0, 2, cli_invite_build,
	 cli_print_invite_item, cli_print_invite, CLI_AGENT_START},
	{"join", "INVITATION | --image FILE [--no-wait]", "join by an invitation", 0, 1, build_join,
	 cli_print_waiting, cli_print_joined, CLI_AGENT_CREATE},
	{"revoke", "EXT", "take a member out, for good", 1, 1, build_extension, cli_print_nothing,
	 cli_print_state_of, CLI_AGENT_START},
	{"suspend", "EXT", "let nothing be sent to a member for a day", 1, 1, build_extension,
	 cli_print_nothing, cli_print_state_of, CLI_AGENT_START},
	{"policy", "[SETTING=VALUE...]", "what holds for all phones, or is to", 0, 7,
	 cli_policy_build, cli_print_nothing, cli_print_policy, CLI_AGENT_START},
	{"term", "EXT DATE|none", "say when a membership ends", 2, 2, build_term, cli_print_nothing,
	 cli_print_state_of, CLI_AGENT_START},
	{"confirm", "EXT CODE", "say that a newcomer is who he should be: the code was read out", 2,
	 7, cli_confirm_build, cli_print_nothing, cli_print_state_of, CLI_AGENT_START},
	{"pending", "[ID]", "what admins have proposed and not all have signed", 0, 3,
	 cli_proposal_build, cli_print_proposal, cli_print_nothing, CLI_AGENT_START},
	{"approve", "ID [--yes]", "sign a proposal, on an admin's phone", 1, 3, cli_proposal_build,
	 cli_print_nothing, cli_print_decided, CLI_AGENT_START},
	{"refuse", "ID", "be against a proposal, or withdraw one's own", 1, 3, cli_proposal_build,
	 cli_print_nothing, cli_print_decided, CLI_AGENT_START},
	{"admin", "list | add | remove | threshold ...",
	 "who the admins are, and how many must sign", 1, 2, cli_admin_build, cli_print_admin,
	 cli_print_admins, CLI_AGENT_START},
	{"members", "[EXT]", "who belongs to the network, or how one member came", 0, 1,
	 build_members, cli_print_member, cli_print_nothing, CLI_AGENT_START},
	{"ledger", "", "everything that was ever signed about the network", 0, 0, build_plain,
	 cli_print_entry, cli_print_nothing, CLI_AGENT_START},
	{"status", "", "how this phone stands", 0, 0, build_plain, cli_print_nothing,
	 cli_print_status, CLI_AGENT_START_LOCKED},
	{"verify-release", "FILE", "is this release what it says, and does the ledger name it?", 1,
	 1, cli_release_build, cli_print_nothing, cli_print_release, CLI_AGENT_START},
	{"name-release", "FILE", "have the ledger name a release, on an admin's phone", 1, 1,
	 cli_release_build, cli_print_nothing, cli_print_release, CLI_AGENT_START},
	{"send", "EXT|GROUP TEXT|- [--reply ID]", "send a message", 2, 2, build_send,
	 cli_print_nothing, cli_print_sent, CLI_AGENT_START},
	{"edit", "EXT|GROUP ID TEXT|GROUP|-", "let a message of one's own say something else", 3, 3,
	 build_change, cli_print_nothing, cli_print_nothing, CLI_AGENT_START},
	{"delete", "EXT|GROUP ID", "take a message of one's own back, for everybody", 2, 2,
	 build_change, cli_print_nothing, cli_print_nothing, CLI_AGENT_START},
	{"react", "EXT|GROUP ID [REACTION]", "react to a message; with none, no more", 2, 3,
	 build_change, cli_print_nothing, cli_print_nothing, CLI_AGENT_START},
	{"read", "[EXT|GROUP] [--follow] [--new]", "read messages", 0, 1, build_read,
	 cli_print_message, cli_print_nothing, CLI_AGENT_START},
	{"search", "TEXT [EXT|GROUP]", "find messages", 1, 2, build_search, cli_print_message,
	 cli_print_nothing, CLI_AGENT_START},
	{"export", "[EXT|GROUP] [--out FILE]", "all messages, also into a file", 0, 1, build_export,
	 cli_print_message, cli_print_nothing, CLI_AGENT_START},
	{"receipts", "on|off", "say, and hear, what was read, or neither", 1, 1, build_receipts,
	 cli_print_nothing, cli_print_receipts, CLI_AGENT_START},
	{"group", "create | list | show | rename | add | remove | leave ...",
	 "groups, and who is in them", 1, CLI_POSITIONS_MAX, cli_group_build, cli_print_group_item,
	 cli_print_group, CLI_AGENT_START},
	{"device", "add | approve | list | remove | ask | give | history | stop ...",
	 "further devices of one's own", 1, 7, cli_device_build, cli_print_device_item,
	 cli_print_device, CLI_AGENT_START},
	{"call", "EXT " CALL_OPTIONS, "call somebody", 1, 1, build_call, cli_print_call_state,
	 cli_print_call_end, CLI_AGENT_START},
	{"answer", "[--wait] " CALL_OPTIONS, "answer what rings, or what will", 0, 0, build_call,
	 cli_print_call_state, cli_print_call_end, CLI_AGENT_START_LOCKED},
	{"hangup", "", "hang up, or refuse", 0, 0, build_plain, cli_print_nothing,
	 cli_print_nothing, CLI_AGENT_RUNNING},
	{"lock", "", "erase texts and their keys from memory until unlock", 0, 0, build_plain,
	 cli_print_nothing, cli_print_vault, CLI_AGENT_RUNNING},
	{"unlock", "", "open the phone again", 0, 0, build_unlock, cli_print_nothing,
	 cli_print_vault, CLI_AGENT_UNLOCK},
	{"passphrase", "[--new-passphrase-file FILE]", "change the passphrase", 0, 0,
	 build_passphrase, cli_print_nothing, cli_print_nothing, CLI_AGENT_UNLOCK},
	{"stop", "", "end this phone's processes", 0, 0, build_plain, cli_print_nothing,
	 cli_print_nothing, CLI_AGENT_RUNNING},
};
const size_t cli_command_count = ARRAY_LEN(cli_commands);
