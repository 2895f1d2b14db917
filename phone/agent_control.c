/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: one command a connection, one JSON object a line (docs/control.md).
 *
 *	--> {"command":"send","to":"101","text":"..."}         descriptors beside it
 *	<-- {"item":{...}}                                     none or more
 *	<-- {"done":{...}}  or  {"error":"denied","message":"..."}
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "phone/agent_json.h"

#define MESSAGE_LEN_MAX 512

const char *agent_error_word(enum sotto_err err)
{
	static const char *const words[] = {
		[SOTTO_OK] = "none",
		[SOTTO_ERR_ARGUMENT] = "usage",
		[SOTTO_ERR_NO_MEMORY] = "no_memory",
		[SOTTO_ERR_RANDOM] = "random",
		[SOTTO_ERR_SPACE] = "internal",
		[SOTTO_ERR_FORMAT] = "malformed",
		[SOTTO_ERR_VERSION] = "version",
		[SOTTO_ERR_UNSUPPORTED] = "unsupported",
		[SOTTO_ERR_LIMIT] = "limit",
		[SOTTO_ERR_VERIFY] = "forged",
		[SOTTO_ERR_INVALID] = "invalid",
		[SOTTO_ERR_STATE] = "state",
		[SOTTO_ERR_NOT_FOUND] = "not_found",
		[SOTTO_ERR_EXISTS] = "exists",
		[SOTTO_ERR_REPLAY] = "replay",
		[SOTTO_ERR_TOO_OLD] = "expired",
		[SOTTO_ERR_DENIED] = "denied",
		[SOTTO_ERR_IO] = "io",
		[SOTTO_ERR_DISK_FULL] = "disk_full",
		[SOTTO_ERR_CORRUPT] = "corrupt",
		[SOTTO_ERR_AGAIN] = "not_yet",
		[SOTTO_ERR_CLOSED] = "closed",
	};

	return (size_t)err < ARRAY_LEN(words) ? words[err] : "internal";
}

static void set_client_timer(struct agent *agent)
{
	uint64_t next_ns = OS_NEVER;

	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client->deadline_ns < next_ns)
			next_ns = client->deadline_ns;
	}
	os_loop_set_timer(agent->loop, &agent->client_timer, next_ns);
}

/*
 * One that cannot be told everything (it does not read, there is no memory) is closed, at once but not
 * under the feet of whoever calls this: it sees the end of its connection instead of a gap.
 */
static void break_client(struct agent_client *client)
{
	client->broken = true;
	client->deadline_ns = 0;
	set_client_timer(client->agent);
}

static void send_line(struct agent_client *client, json_t *object)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!client->broken &&
	    (text == NULL ||
	     os_lines_send(client->lines, BYTES(text, strlen(text)), NULL, 0) != SOTTO_OK))
		break_client(client);
	agent_json_free(text);
	json_decref(object);
}

void agent_item(struct agent_client *client, json_t *object)
{
	send_line(client, json_pack("{s:o}", "item", object));
}

void agent_done(struct agent_client *client, json_t *object)
{
	agent_client_wait(client, AGENT_WAIT_NONE, 0);
	send_line(client, json_pack("{s:o}", "done", object != NULL ? object : json_object()));
}

/* A text that was cut to its length may end within a character, or quote what was never one. */
static void make_utf8(char *text)
{
	json_t *value = json_string(text);

	for (; value == NULL && *text != '\0'; text++) {
		if ((unsigned char)*text >= 0x80)
			*text = '?';
	}
	json_decref(value);
}

void agent_fail(struct agent_client *client, enum sotto_err err, const char *format, ...)
{
	char message[MESSAGE_LEN_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	make_utf8(message);
	agent_client_wait(client, AGENT_WAIT_NONE, 0);
	send_line(client,
		  json_pack("{s:s,s:s}", "error", agent_error_word(err), "message", message));
}

void agent_client_close(struct agent_client *client)
{
	if (client == NULL)
		return;
	command_call_client_gone(client);
	command_device_client_gone(client);
	command_invite_client_gone(client);
	list_remove(&client->place);
	client->agent->client_count--;
	set_client_timer(client->agent);
	os_lines_destroy(client->lines);
	os_descriptor_close(client->mic_fd);
	os_descriptor_close(client->speaker_fd);
	talk_history_release(&client->reading.history);
	free(client->reading.wanted);
	free(client);
}

void agent_clients_close(struct agent *agent)
{
	list_for_each (place, next, &agent->clients)
		agent_client_close(CONTAINER_OF(place, struct agent_client, place));
}

void agent_clients_lock(struct agent *agent, const struct agent_client *by)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client == by)
			continue;
		if (os_lines_queued(client->lines) > 0)
			agent_client_close(client);
		else if (client->wait != AGENT_WAIT_NONE && client->wait != AGENT_WAIT_CALL)
			agent_fail(client, SOTTO_ERR_STATE, "this phone was locked");
	}
}

static void client_gone(void *context, struct os_lines *lines)
{
	(void)lines;
	agent_client_close(context);
}

static void client_drained(void *context, struct os_lines *lines)
{
	(void)lines;
	command_messages_drained(context);
}

static void client_said(void *context, struct os_lines *lines, const char *line, size_t len,
			int *descriptors, size_t descriptors_count)
{
	struct agent_client *client = context;
	json_error_t error;
	json_t *arguments;

	(void)lines;
	/* Whatever it waits for, it cannot tell the answers apart any more. */
	if (client->wait != AGENT_WAIT_NONE) {
		agent_fail(client, SOTTO_ERR_STATE, "a command is under way on this connection");
		break_client(client);
		return;
	}
	arguments = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(arguments))
		agent_fail(client, SOTTO_ERR_FORMAT, "not a JSON object: %.200s", error.text);
	else
		agent_command_run(client, arguments, descriptors, descriptors_count);
	json_decref(arguments);
}

void agent_accept(void *context, int descriptor)
{
	struct agent *agent = context;
	struct agent_client *client;
	struct os_lines_handler handler = {
		.received = client_said, .gone = client_gone, .drained = client_drained};

	client = agent->client_count < AGENT_CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (client == NULL) {
		os_descriptor_close(descriptor);
		return;
	}
	client->agent = agent;
	client->mic_fd = -1;
	client->speaker_fd = -1;
	client->deadline_ns = OS_NEVER;
	handler.context = client;
	if (os_lines_create(agent->loop, descriptor, &handler, &client->lines) != SOTTO_OK) {
		os_descriptor_close(descriptor);
		free(client);
		return;
	}
	list_append(&agent->clients, &client->place);
	agent->client_count++;
	agent_client_wait(client, AGENT_WAIT_NONE, 0);
}

void agent_client_wait(struct agent_client *client, enum agent_wait wait, uint64_t timeout_ms)
{
	client->wait = wait;
	if (wait == AGENT_WAIT_NONE)
		timeout_ms = AGENT_IDLE_MS;
	if (!client->broken)
		client->deadline_ns = timeout_ms == 0
					      ? OS_NEVER
					      : os_clock_now_ns() + timeout_ms * OS_CLOCK_MS_NS;
	set_client_timer(client->agent);
}

static void client_timer_due(struct os_timer *timer, uint64_t now_ns)
{
	struct agent *agent = CONTAINER_OF(timer, struct agent, client_timer);
	char trouble[AGENT_TROUBLE_LEN];

	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client->deadline_ns > now_ns)
			continue;
		client->deadline_ns = OS_NEVER;
		if (client->broken || client->wait == AGENT_WAIT_NONE)
			agent_client_close(client);
		else if (client->wait == AGENT_WAIT_SEND)
			command_messages_timeout(client);
		else if (client->wait == AGENT_WAIT_GROUP)
			command_group_timeout(client);
		else if (client->wait == AGENT_WAIT_DEVICE_ASKS)
			command_device_timeout(client);
		else if (client->wait == AGENT_WAIT_INVITE_MANY)
			command_invite_timeout(client);
		else if (client->wait == AGENT_WAIT_JOIN)
			command_network_doubt(client);
		else if (agent_link_trouble(agent, trouble))
			agent_fail(client, SOTTO_ERR_AGAIN, "%s; this phone goes on trying",
				   trouble);
		else
			agent_fail(client, SOTTO_ERR_AGAIN,
				   "not done in time; it goes on by itself, see `sotto status`");
	}
	set_client_timer(agent);
}

void agent_control_init(struct agent *agent)
{
	list_init(&agent->clients);
	os_timer_init(&agent->client_timer, client_timer_due);
}
