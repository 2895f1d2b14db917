/* SPDX-License-Identifier: Apache-2.0 */
/* sotto device: its words, and devices as people see them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

static enum sotto_err set_extension(const struct cli *cli, json_t *request, const char *text)
{
	cli_set_text(request, "extension", text);
	return cli_check_extension(cli, text);
}

static enum sotto_err build_add(struct cli *cli, json_t *request)
{
	if (cli->options.position_count > 1)
		cli_set_text(request, "name", cli->options.positions[1]);
	return SOTTO_OK;
}

static enum sotto_err build_approve(struct cli *cli, json_t *request)
{
	return cli_set_code(cli, request, "code", 1);
}

static enum sotto_err build_list(struct cli *cli, json_t *request)
{
	return cli->options.position_count > 1
		       ? set_extension(cli, request, cli->options.positions[1])
		       : SOTTO_OK;
}

static enum sotto_err set_number(const struct cli *cli, json_t *request, const char *number)
{
	if (!cli_is_extension(number)) {
		cli_fail(cli, "usage", "a device has a number, see `sotto device list`: %s",
			 number);
		return SOTTO_ERR_ARGUMENT;
	}
	json_object_set_new(request, "number", json_integer(strtol(number, NULL, 10)));
	return SOTTO_OK;
}

/* remove NUMBER, remove EXT NUMBER */
static enum sotto_err build_remove(struct cli *cli, json_t *request)
{
	const struct cli_options *options = &cli->options;
	enum sotto_err err =
		set_number(cli, request, options->positions[options->position_count - 1]);

	if (err != SOTTO_OK)
		return err;
	return options->position_count == 3 ? set_extension(cli, request, options->positions[1])
					    : SOTTO_OK;
}

/* ask [NUMBER], give NUMBER, stop NUMBER */
static enum sotto_err build_number(struct cli *cli, json_t *request)
{
	return cli->options.position_count > 1 ? set_number(cli, request, cli->options.positions[1])
					       : SOTTO_OK;
}

static const struct cli_verb verbs[] = {
	{"add", "device_add", "add [NAME]", 0, 1, NULL, build_add},
	{"approve", "device_approve", "approve CODE", 1, 6, NULL, build_approve},
	{"list", "device_list", "list [EXT]", 0, 1, NULL, build_list},
	{"remove", "device_remove", "remove [EXT] NUMBER", 1, 2, NULL, build_remove},
	{"ask", "device_ask", "ask [NUMBER]", 0, 1, NULL, build_number},
	{"give", "device_give", "give NUMBER", 1, 1, NULL, build_number},
	{"history", "device_history", "history", 0, 0, NULL, NULL},
	{"stop", "device_stop", "stop NUMBER", 1, 1, NULL, build_number},
};

enum sotto_err cli_device_build(struct cli *cli, json_t *request, int descriptors[2], size_t *count)
{
	(void)descriptors;
	(void)count;
	return cli_verb_build(cli, request, verbs, ARRAY_LEN(verbs));
}

static void print_device(const json_t *object)
{
	printf("%s  %lld  ", cli_text_of(object, "extension"), cli_number_of(object, "number"));
	cli_print_text(cli_text_of(object, "name"));
	printf("%s(%s since %.10s)%s\n", cli_text_of(object, "name")[0] != '\0' ? "  " : "",
	       cli_text_of(object, "state"), cli_text_of(object, "since"),
	       json_is_true(json_object_get(object, "this")) ? "  this phone" : "");
}

static void print_card(const json_t *object)
{
	printf("%s\n", cli_text_of(object, "invitation"));
	if (os_terminal_is_output())
		cli_print_qr(cli_text_of(object, "invitation"));
	fflush(stdout);
	fprintf(stderr,
		"For your own further device, for 10 minutes: on it, `sotto join` with this card.\n"
		"Nobody comes in by it without you: leave this open until a phone has shown it.\n");
}

/* Device 2 "Tablet": ... */
static void print_hand(const json_t *object)
{
	bool gives = json_is_true(json_object_get(object, "gives"));
	const char *state = cli_text_of(object, "state");
	long long number = cli_number_of(object, "device");

	printf("%s device %lld", gives ? "to" : "from", number);
	if (cli_text_of(object, "name")[0] != '\0') {
		printf(" \"");
		cli_print_text(cli_text_of(object, "name"));
		putchar('"');
	}
	if (strcmp(state, "asked") == 0 && gives)
		printf(": it asks for what was said before, until %.16s UTC. If that is you, "
		       "`sotto "
		       "device give %lld`\n",
		       cli_text_of(object, "until"), number);
	else if (strcmp(state, "asked") == 0)
		printf(": asked. There, until %.16s UTC, `sotto device give` with this one's "
		       "number says yes\n",
		       cli_text_of(object, "until"));
	else
		printf(": %s, %lld messages, conversation %lld of %lld\n",
		       strcmp(state, "under_way") == 0 ? "under way"
		       : strcmp(state, "done") == 0    ? "done"
						       : "over before its end",
		       cli_number_of(object, "messages"), cli_number_of(object, "conversation"),
		       cli_number_of(object, "conversations"));
}

/* A card, what is handed over, or a device of the list. */
void cli_print_device_item(const struct cli *cli, const json_t *object)
{
	(void)cli;
	if (json_object_get(object, "invitation") != NULL)
		print_card(object);
	else if (json_object_get(object, "gives") != NULL)
		print_hand(object);
	else
		print_device(object);
}

void cli_print_device(const struct cli *cli, const json_t *object)
{
	(void)cli;
	if (strcmp(cli_text_of(object, "state"), "asks") == 0)
		printf("A phone has shown this card. If it is the one in your hand, type here what "
		       "it shows:\n  sotto device approve CODE\n");
	else if (json_object_get(object, "gives") != NULL)
		print_hand(object);
	else if (json_object_get(object, "number") != NULL)
		print_device(object);
}
