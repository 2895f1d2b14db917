/* SPDX-License-Identifier: Apache-2.0 */
/* One command of the agent: a connection, a line out, lines in until the last one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/descriptor.h"
#include "os/lines.h"
#include "phone/processes.h"

struct exchange {
	struct cli *cli;
	cli_print_fn *item;
	struct cli_result *result;
	bool gone;
	json_t *resolve; /* a name to look up, once the loop is left; NULL: none */
};

static void take_line(struct exchange *exchange, json_t *line)
{
	json_t *item = json_object_get(line, "item");
	json_t *done = json_object_get(line, "done");

	if (json_object_get(item, "resolve") != NULL) {
		exchange->resolve = json_incref(json_object_get(item, "resolve"));
		os_loop_stop(exchange->cli->loop);
		return;
	}
	if (item != NULL) {
		if (exchange->item != NULL)
			exchange->item(exchange->cli, item);
		return;
	}
	exchange->result->ended = true;
	if (done != NULL)
		exchange->result->done = json_incref(done);
	else
		exchange->result->error = json_incref(line);
	os_loop_stop(exchange->cli->loop);
}

static void received(void *context, struct os_lines *lines, const char *line, size_t len,
		     int *descriptors, size_t descriptors_count)
{
	struct exchange *exchange = context;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	(void)lines;
	(void)descriptors;
	(void)descriptors_count;
	if (json_is_object(object))
		take_line(exchange, object);
	json_decref(object);
}

static void gone(void *context, struct os_lines *lines)
{
	struct exchange *exchange = context;

	(void)lines;
	exchange->gone = true;
	os_loop_stop(exchange->cli->loop);
}

static enum sotto_err converse(struct exchange *exchange, int connection, const json_t *request,
			       const int *descriptors, size_t count)
{
	struct os_lines_handler handler = {.received = received, .gone = gone, .context = exchange};
	struct os_lines *lines = NULL;
	char *text = json_dumps(request, JSON_COMPACT);
	enum sotto_err err;

	FAIL_IF(text == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(os_lines_create(exchange->cli->loop, connection, &handler, &lines));
	connection = -1;
	TRY(os_lines_send(lines, BYTES(text, strlen(text)), descriptors, count));
	while (!exchange->result->ended && !exchange->gone) {
		TRY(os_loop_run(exchange->cli->loop));
		if (exchange->resolve != NULL)
			cli_resolve(exchange->cli, json_string_value(exchange->resolve));
		json_decref(exchange->resolve);
		exchange->resolve = NULL;
	}
	FAIL_IF(!exchange->result->ended, SOTTO_ERR_CLOSED);
out:
	os_lines_destroy(lines);
	os_descriptor_close(connection);
	free(text);
	return err;
}

enum sotto_err cli_exchange(struct cli *cli, const json_t *request, const int *descriptors,
			    size_t count, cli_print_fn *item, struct cli_result *result)
{
	struct exchange exchange = {.cli = cli, .item = item, .result = result};
	char path[CLI_PATH_LEN + 16];
	enum sotto_err err;
	int connection;

	*result = (struct cli_result){.ended = false};
	(void)snprintf(path, sizeof(path), "%s/%s", cli->options.home, PHONE_CONTROL_NAME);
	TRY(os_lines_connect(path, &connection));
	TRY(converse(&exchange, connection, request, descriptors, count));
out:
	return err;
}

void cli_result_release(struct cli_result *result)
{
	json_decref(result->done);
	json_decref(result->error);
	*result = (struct cli_result){.ended = false};
}
