/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands: what each is called with. A line is checked against it before its command runs, so
 * that a command finds every argument there and of its type; what the table does not know is refused, since
 * a misspelt "mic" would otherwise open the real microphone.
 */
#include <string.h>

#include "base/assert.h"
#include "phone/agent.h"

#define ARGUMENTS_MAX	     7
#define EXTENSION_DIGITS_MAX 5

enum kind {
	KIND_TEXT = 1,
	KIND_EXTENSION,	 /* 1 to 5 digits in a string, not all 0 */
	KIND_TEXTS,	 /* strings in an array */
	KIND_EXTENSIONS, /* such strings in an array */
	KIND_PEOPLE,	 /* objects in an array: extension, name and, optional, devices */
	KIND_FLAG,
	KIND_INTEGER,
	KIND_NUMBER,
};

/* Of those that are EITHER one is given, of those that are EITHER_OR_ALL one at most: a conversation, and no other. */
enum need {
	OPTIONAL = false,
	NEEDED = true,
	EITHER,
	EITHER_OR_ALL,
};

/* In which state of the vault a command runs. */
enum vault_need {
	VAULT_ANY = 0,
	VAULT_UNLOCKED,
	VAULT_LOCKED_TOO, /* opened, and locked or not: who stands before the phone may take a call */
};

struct argument {
	const char *name;
	enum kind kind;
	enum need needed;
};

struct command {
	const char *name;
	agent_command_fn *run;
	enum vault_need vault;
	size_t descriptors_max;
	struct argument arguments[ARGUMENTS_MAX];
};

static const struct command commands[] = {
	{"hello", command_hello, VAULT_ANY, 0, {{0}}},
	{"pending", command_pending, VAULT_UNLOCKED, 0, {{"id", KIND_TEXT, OPTIONAL}}},
	{"approve", command_approve, VAULT_UNLOCKED, 0, {{"id", KIND_TEXT, NEEDED}}},
	{"refuse", command_refuse, VAULT_UNLOCKED, 0, {{"id", KIND_TEXT, NEEDED}}},
	{"admin_list", command_admin_list, VAULT_UNLOCKED, 0, {{0}}},
	{"admin_add",
	 command_admin_add,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, NEEDED},
	  {"device", KIND_INTEGER, OPTIONAL},
	  {"threshold", KIND_INTEGER, OPTIONAL}}},
	{"admin_remove",
	 command_admin_remove,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, NEEDED}, {"threshold", KIND_INTEGER, OPTIONAL}}},
	{"admin_threshold",
	 command_admin_threshold,
	 VAULT_UNLOCKED,
	 0,
	 {{"threshold", KIND_INTEGER, NEEDED}}},
	{"suspend", command_suspend, VAULT_UNLOCKED, 0, {{"extension", KIND_EXTENSION, NEEDED}}},
	{"policy", command_policy, VAULT_UNLOCKED, 0, {{0}}},
	{"policy_set",
	 command_policy_set,
	 VAULT_UNLOCKED,
	 0,
	 {{"retention_s", KIND_INTEGER, OPTIONAL},
	  {"disappear_s", KIND_INTEGER, OPTIONAL},
	  {"disappear_max_s", KIND_INTEGER, OPTIONAL},
	  {"beat_s", KIND_INTEGER, OPTIONAL},
	  {"release_min", KIND_INTEGER, OPTIONAL},
	  {"off", KIND_TEXTS, OPTIONAL},
	  {"bitrates", KIND_TEXTS, OPTIONAL}}},
	{"term",
	 command_term,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, NEEDED}, {"until", KIND_TEXT, NEEDED}}},
	{"confirm",
	 command_confirm,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, NEEDED}, {"code", KIND_TEXT, NEEDED}}},
	{"create", command_create, VAULT_ANY, 1, {{0}}},
	{"open", command_open, VAULT_ANY, 1, {{0}}},
	{"lock", command_lock, VAULT_ANY, 0, {{0}}},
	{"unlock", command_unlock, VAULT_ANY, 1, {{0}}},
	{"passphrase", command_passphrase, VAULT_ANY, 2, {{0}}},
	{"stop", command_stop, VAULT_ANY, 0, {{0}}},
	{"found",
	 command_found,
	 VAULT_UNLOCKED,
	 0,
	 {{"name", KIND_TEXT, true},
	  {"relay", KIND_TEXT, true},
	  {"as", KIND_TEXT, true},
	  {"digits", KIND_INTEGER, false}}},
	{"addresses",
	 command_addresses,
	 VAULT_UNLOCKED,
	 0,
	 {{"relay", KIND_TEXT, true}, {"addresses", KIND_TEXTS, true}}},
	{"invite",
	 command_invite,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, true},
	  {"name", KIND_TEXT, true},
	  {"devices", KIND_INTEGER, false}}},
	{"invite_many", command_invite_many, VAULT_UNLOCKED, 0, {{"people", KIND_PEOPLE, true}}},
	{"invitations", command_invitations, VAULT_UNLOCKED, 0, {{0}}},
	{"join",
	 command_join,
	 VAULT_UNLOCKED,
	 0,
	 {{"invitation", KIND_TEXT, true}, {"wait", KIND_FLAG, false}}},
	{"revoke", command_revoke, VAULT_UNLOCKED, 0, {{"extension", KIND_EXTENSION, true}}},
	{"members", command_members, VAULT_UNLOCKED, 0, {{"extension", KIND_EXTENSION, OPTIONAL}}},
	{"ledger", command_ledger, VAULT_UNLOCKED, 0, {{0}}},
	{"status", command_status, VAULT_ANY, 0, {{0}}},
	{"release_name",
	 command_release_name,
	 VAULT_UNLOCKED,
	 0,
	 {{"hash", KIND_TEXT, NEEDED}, {"version", KIND_TEXT, NEEDED}}},
	{"release", command_release, VAULT_UNLOCKED, 0, {{"hash", KIND_TEXT, true}}},
	{"send",
	 command_send,
	 VAULT_UNLOCKED,
	 0,
	 {{"to", KIND_EXTENSION, EITHER},
	  {"group", KIND_TEXT, EITHER},
	  {"text", KIND_TEXT, true},
	  {"reply_to", KIND_TEXT, false}}},
	{"edit",
	 command_edit,
	 VAULT_UNLOCKED,
	 0,
	 {{"with", KIND_EXTENSION, EITHER},
	  {"group", KIND_TEXT, EITHER},
	  {"id", KIND_TEXT, true},
	  {"text", KIND_TEXT, true}}},
	{"delete",
	 command_delete,
	 VAULT_UNLOCKED,
	 0,
	 {{"with", KIND_EXTENSION, EITHER}, {"group", KIND_TEXT, EITHER}, {"id", KIND_TEXT, true}}},
	{"react",
	 command_react,
	 VAULT_UNLOCKED,
	 0,
	 {{"with", KIND_EXTENSION, EITHER},
	  {"group", KIND_TEXT, EITHER},
	  {"id", KIND_TEXT, true},
	  {"reaction", KIND_TEXT, true}}},
	{"receipts", command_receipts, VAULT_UNLOCKED, 0, {{"on", KIND_FLAG, true}}},
	{"search",
	 command_search,
	 VAULT_UNLOCKED,
	 0,
	 {{"text", KIND_TEXT, true},
	  {"with", KIND_EXTENSION, EITHER_OR_ALL},
	  {"group", KIND_TEXT, EITHER_OR_ALL}}},
	{"export",
	 command_export,
	 VAULT_UNLOCKED,
	 0,
	 {{"with", KIND_EXTENSION, EITHER_OR_ALL}, {"group", KIND_TEXT, EITHER_OR_ALL}}},
	{"read",
	 command_read,
	 VAULT_UNLOCKED,
	 0,
	 {{"with", KIND_EXTENSION, EITHER_OR_ALL},
	  {"group", KIND_TEXT, EITHER_OR_ALL},
	  {"new", KIND_FLAG, false},
	  {"follow", KIND_FLAG, false}}},
	{"group_create",
	 command_group_create,
	 VAULT_UNLOCKED,
	 0,
	 {{"name", KIND_TEXT, true}, {"members", KIND_EXTENSIONS, false}}},
	{"group_list", command_group_list, VAULT_UNLOCKED, 0, {{0}}},
	{"group_show", command_group_show, VAULT_UNLOCKED, 0, {{"group", KIND_TEXT, true}}},
	{"group_rename",
	 command_group_rename,
	 VAULT_UNLOCKED,
	 0,
	 {{"group", KIND_TEXT, true}, {"name", KIND_TEXT, true}}},
	{"group_add",
	 command_group_add,
	 VAULT_UNLOCKED,
	 0,
	 {{"group", KIND_TEXT, true}, {"members", KIND_EXTENSIONS, true}}},
	{"group_remove",
	 command_group_remove,
	 VAULT_UNLOCKED,
	 0,
	 {{"group", KIND_TEXT, true}, {"members", KIND_EXTENSIONS, true}}},
	{"group_leave", command_group_leave, VAULT_UNLOCKED, 0, {{"group", KIND_TEXT, true}}},
	{"device_add", command_device_add, VAULT_UNLOCKED, 0, {{"name", KIND_TEXT, false}}},
	{"device_approve", command_device_approve, VAULT_UNLOCKED, 0, {{"code", KIND_TEXT, true}}},
	{"device_list",
	 command_device_list,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, false}}},
	{"device_remove",
	 command_device_remove,
	 VAULT_UNLOCKED,
	 0,
	 {{"extension", KIND_EXTENSION, false}, {"number", KIND_INTEGER, true}}},
	{"device_ask", command_device_ask, VAULT_UNLOCKED, 0, {{"number", KIND_INTEGER, false}}},
	{"device_give", command_device_give, VAULT_UNLOCKED, 0, {{"number", KIND_INTEGER, true}}},
	{"device_stop", command_device_stop, VAULT_UNLOCKED, 0, {{"number", KIND_INTEGER, true}}},
	{"device_history", command_device_history, VAULT_UNLOCKED, 0, {{0}}},
	{"call",
	 command_call,
	 VAULT_UNLOCKED,
	 2,
	 {{"to", KIND_EXTENSION, true},
	  {"for", KIND_NUMBER, false},
	  {"mic", KIND_FLAG, false},
	  {"speaker", KIND_FLAG, false}}},
	{"answer",
	 command_answer,
	 VAULT_LOCKED_TOO,
	 2,
	 {{"wait", KIND_FLAG, false},
	  {"for", KIND_NUMBER, false},
	  {"mic", KIND_FLAG, false},
	  {"speaker", KIND_FLAG, false}}},
	{"hangup", command_hangup, VAULT_LOCKED_TOO, 0, {{0}}},
};

static const char *const kind_words[] = {
	[KIND_TEXT] = "a string",
	[KIND_EXTENSION] = "a string of 1 to 5 digits",
	[KIND_TEXTS] = "an array of strings",
	[KIND_EXTENSIONS] = "an array of strings of 1 to 5 digits",
	[KIND_PEOPLE] = "an array of objects with \"extension\", \"name\" and perhaps \"devices\"",
	[KIND_FLAG] = "true or false",
	[KIND_INTEGER] = "an integer",
	[KIND_NUMBER] = "a number",
};

const char *agent_text(const json_t *arguments, const char *name)
{
	return json_string_value(json_object_get(arguments, name));
}

struct bytes agent_bytes(const json_t *arguments, const char *name)
{
	const json_t *value = json_object_get(arguments, name);

	if (!json_is_string(value))
		return BYTES_NONE;
	return BYTES(json_string_value(value), json_string_length(value));
}

uint32_t agent_extension_of(const json_t *value)
{
	const char *text = json_string_value(value);
	uint32_t extension = 0;

	if (text == NULL || text[0] == '\0' || strlen(text) > EXTENSION_DIGITS_MAX)
		return 0;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		extension = extension * 10 + (uint32_t)(*text - '0');
	}
	return extension;
}

uint32_t agent_extension(const json_t *arguments, const char *name)
{
	return agent_extension_of(json_object_get(arguments, name));
}

static bool are_texts(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!json_is_string(json_array_get(value, i)))
			return false;
	}
	return json_is_array(value);
}

static bool are_extensions(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (agent_extension_of(json_array_get(value, i)) == 0)
			return false;
	}
	return json_is_array(value);
}

static bool is_person(const json_t *value)
{
	const json_t *devices = json_object_get(value, "devices");

	return agent_extension(value, "extension") != 0 && agent_text(value, "name") != NULL &&
	       (devices == NULL || json_is_integer(devices)) &&
	       json_object_size(value) == (devices == NULL ? 2 : 3);
}

static bool are_people(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!is_person(json_array_get(value, i)))
			return false;
	}
	return json_is_array(value);
}

static bool is_of(const json_t *value, enum kind kind)
{
	switch (kind) {
	case KIND_TEXT:
		return json_is_string(value);
	case KIND_EXTENSION:
		return agent_extension_of(value) != 0;
	case KIND_TEXTS:
		return are_texts(value);
	case KIND_EXTENSIONS:
		return are_extensions(value);
	case KIND_PEOPLE:
		return are_people(value);
	case KIND_FLAG:
		return json_is_boolean(value);
	case KIND_INTEGER:
		return json_is_integer(value);
	case KIND_NUMBER:
		return json_is_number(value);
	}
	return false;
}

static const struct argument *argument_of(const struct command *command, const char *name)
{
	for (size_t i = 0; i < ARGUMENTS_MAX && command->arguments[i].name != NULL; i++) {
		if (strcmp(command->arguments[i].name, name) == 0)
			return &command->arguments[i];
	}
	return NULL;
}

/* False: the client was told that one is missing, or that one is too many. */
static bool check_either(struct agent_client *client, const struct command *command,
			 const json_t *arguments)
{
	bool needed = false;
	size_t given = 0;

	for (size_t i = 0; i < ARGUMENTS_MAX && command->arguments[i].name != NULL; i++) {
		const struct argument *argument = &command->arguments[i];

		if (argument->needed != EITHER && argument->needed != EITHER_OR_ALL)
			continue;
		needed = argument->needed == EITHER;
		given += json_object_get(arguments, argument->name) != NULL;
	}
	if (given <= 1 && (given > 0 || !needed))
		return true;
	agent_fail(client, SOTTO_ERR_ARGUMENT, "%s is about one person or one \"group\"",
		   command->name);
	return false;
}

/* False: the client was told what is wrong. */
static bool check(struct agent_client *client, const struct command *command, json_t *arguments,
		  size_t descriptors_count)
{
	const char *name;
	json_t *value;

	json_object_foreach(arguments, name, value)
	{
		const struct argument *argument = argument_of(command, name);

		if (strcmp(name, "command") == 0)
			continue;
		if (argument == NULL) {
			agent_fail(client, SOTTO_ERR_ARGUMENT, "%s has no argument \"%.60s\"",
				   command->name, name);
			return false;
		}
		if (!is_of(value, argument->kind)) {
			agent_fail(client, SOTTO_ERR_ARGUMENT, "\"%s\" of %s is %s", name,
				   command->name, kind_words[argument->kind]);
			return false;
		}
	}
	for (size_t i = 0; i < ARGUMENTS_MAX && command->arguments[i].name != NULL; i++) {
		if (command->arguments[i].needed != NEEDED ||
		    json_object_get(arguments, command->arguments[i].name) != NULL)
			continue;
		agent_fail(client, SOTTO_ERR_ARGUMENT, "%s needs \"%s\": %s", command->name,
			   command->arguments[i].name, kind_words[command->arguments[i].kind]);
		return false;
	}
	if (!check_either(client, command, arguments))
		return false;
	if (descriptors_count > command->descriptors_max) {
		agent_fail(client, SOTTO_ERR_ARGUMENT, "%s takes no such descriptors",
			   command->name);
		return false;
	}
	return true;
}

void agent_command_run(struct agent_client *client, json_t *arguments, int *descriptors,
		       size_t descriptors_count)
{
	const char *name = agent_text(arguments, "command");
	const struct command *command = NULL;

	if (name == NULL) {
		agent_fail(client, SOTTO_ERR_FORMAT, "no \"command\" in this line");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(name, commands[i].name) == 0)
			command = &commands[i];
	}
	if (command == NULL)
		agent_fail(client, SOTTO_ERR_UNSUPPORTED, "no such command: %.60s", name);
	else if (!check(client, command, arguments, descriptors_count))
		return;
	else if (command->vault == VAULT_UNLOCKED && agent_locked(client->agent))
		agent_fail(client, SOTTO_ERR_STATE, "this phone is locked: `sotto unlock`");
	else if (command->vault != VAULT_ANY && client->agent->talk == NULL)
		agent_fail(client, SOTTO_ERR_STATE,
			   "this phone is not open; give its passphrase first");
	else
		command->run(client, arguments, descriptors, descriptors_count);
}
