/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status socket: one line in ("status"), one line of JSON out, then the connection is closed. The
 * numbers are those of both children at that moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/assert.h"
#include "os/descriptor.h"
#include "relay/parent.h"

static const char *const counter_names[RELAY_COUNTER_COUNT] = {
#define NAME(name, words) #name,
	RELAY_COUNTERS(NAME)
#undef NAME
};

static void drop_client(struct sottod_parent *parent, size_t at)
{
	os_lines_destroy(parent->status_clients[at]);
	parent->status_clients[at] = NULL;
	parent->status_asked[at] = false;
}

/* What is in force in each process, and what this kernel lacks. */
static json_t *sandboxes(const struct sottod_parent *parent)
{
	char own[OS_SANDBOX_TEXT_LEN];

	os_sandbox_describe(&parent->sandbox, own);
	return json_pack("[sss]", own, parent->children[SOTTOD_STORE].sandbox,
			 parent->children[SOTTOD_NETWORK].sandbox);
}

static char *status_text(const struct sottod_parent *parent)
{
	json_t *status = json_object();
	char *text = NULL;

	if (status == NULL)
		return NULL;
	for (size_t i = 0; i < RELAY_COUNTER_COUNT; i++) {
		if (json_object_set_new(status, counter_names[i],
					json_integer((json_int_t)parent->counters.values[i])) != 0)
			goto out;
	}
	if (json_object_set_new(status, "sandboxes", sandboxes(parent)) != 0)
		goto out;
	text = json_dumps(status, JSON_COMPACT | JSON_PRESERVE_ORDER);
out:
	json_decref(status);
	return text;
}

static void answer_clients(struct sottod_parent *parent)
{
	char *text = status_text(parent);

	for (size_t i = 0; i < SOTTOD_STATUS_CLIENTS_MAX; i++) {
		if (!parent->status_asked[i])
			continue;
		parent->status_asked[i] = false;
		if (text == NULL || os_lines_send(parent->status_clients[i],
						  BYTES(text, strlen(text)), NULL, 0) != SOTTO_OK)
			drop_client(parent, i);
	}
	free(text);
}

void parent_status_answer(struct sottod_child *child, const struct wire_status_answer *answer)
{
	struct sottod_parent *parent = child->parent;
	struct wire_cursor cursor = wire_list_walk(&answer->counters);
	struct wire_counter counter;

	if (parent->status_waits == 0)
		return;
	while (wire_counter_next(&cursor, &counter)) {
		if (counter.what < RELAY_COUNTER_COUNT)
			parent->counters.values[counter.what] += counter.value;
	}
	(void)snprintf(child->sandbox, sizeof(child->sandbox), "%.*s", (int)answer->sandbox.len,
		       (const char *)answer->sandbox.data);
	if (--parent->status_waits == 0)
		answer_clients(parent);
}

static void ask_children(struct sottod_parent *parent)
{
	struct wire_status_ask ask = {.ticket = 1};

	if (parent->status_waits > 0)
		return; /* the answers on their way serve this client too */
	parent->counters = (struct relay_counters){0};
	for (size_t i = 0; i < SOTTOD_CHILDREN; i++) {
		if (parent->children[i].channel != NULL && parent->children[i].ready &&
		    sottod_send(parent->children[i].channel, &wire_status_ask_type, &ask) ==
			    SOTTO_OK)
			parent->status_waits++;
	}
	if (parent->status_waits == 0)
		answer_clients(parent);
}

static size_t client_index(const struct sottod_parent *parent, const struct os_lines *lines)
{
	for (size_t i = 0; i < SOTTOD_STATUS_CLIENTS_MAX; i++) {
		if (parent->status_clients[i] == lines)
			return i;
	}
	return SOTTOD_STATUS_CLIENTS_MAX;
}

static void client_received(void *context, struct os_lines *lines, const char *line, size_t len,
			    int *descriptors, size_t descriptors_count)
{
	struct sottod_parent *parent = context;
	size_t at = client_index(parent, lines);

	(void)descriptors;
	(void)descriptors_count;
	ASSERT(at < SOTTOD_STATUS_CLIENTS_MAX);
	if (len != strlen("status") || strcmp(line, "status") != 0) {
		drop_client(parent, at);
		return;
	}
	parent->status_asked[at] = true;
	ask_children(parent);
}

static void client_gone(void *context, struct os_lines *lines)
{
	struct sottod_parent *parent = context;
	size_t at = client_index(parent, lines);

	ASSERT(at < SOTTOD_STATUS_CLIENTS_MAX);
	drop_client(parent, at);
}

static void accepted(void *context, int descriptor)
{
	struct sottod_parent *parent = context;
	struct os_lines_handler handler = {client_received, client_gone, NULL, parent};
	size_t at = client_index(parent, NULL);

	if (at == SOTTOD_STATUS_CLIENTS_MAX ||
	    os_lines_create(parent->loop, descriptor, &handler, &parent->status_clients[at]) !=
		    SOTTO_OK)
		os_descriptor_close(descriptor);
}

enum sotto_err parent_status_open(struct sottod_parent *parent)
{
	char path[OS_PROCESS_PATH_LEN];
	int descriptor;
	enum sotto_err err;

	(void)snprintf(path, sizeof(path), "%s/" SOTTOD_STATUS_SOCKET,
		       os_directory_path(parent->directory));
	err = os_listener_open(path, &descriptor);
	if (err == SOTTO_ERR_LIMIT)
		sottod_complain("%s: too long for a socket's path", path);
	if (err != SOTTO_OK)
		return err;
	err = os_listener_create(parent->loop, descriptor, accepted, parent,
				 &parent->status_listener);
	if (err != SOTTO_OK)
		os_descriptor_close(descriptor);
	return err;
}

void parent_status_close(struct sottod_parent *parent)
{
	for (size_t i = 0; i < SOTTOD_STATUS_CLIENTS_MAX; i++)
		os_lines_destroy(parent->status_clients[i]);
	os_listener_destroy(parent->status_listener);
}
