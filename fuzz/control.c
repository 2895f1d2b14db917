/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on the agent's control socket: cut into lines, read as JSON, checked against the table of commands. The first
 * byte says in what pieces they are written and whether a descriptor comes beside each. A command finds its arguments
 * there and of their types (the commands themselves are not in here); every answer is one JSON object a line; no
 * descriptor stays open once the client has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/agent_json.h"

#define TURNS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ran(struct agent_client *client, const json_t *arguments)
{
	ASSERT(json_is_object(arguments) && agent_text(arguments, "command") != NULL);
	agent_item(client, json_pack("{s:s}", "ran", agent_text(arguments, "command")));
	agent_done(client, NULL);
}

/* Only a client that waits to join is told what may be wrong; none waits here. */
void command_network_doubt(struct agent_client *client)
{
	(void)client;
	ASSERT(false);
}

#define PLAIN(name) \
	void command_##name(struct agent_client *client, const json_t *arguments, \
			    int *descriptors, size_t descriptors_count) \
	{ \
		(void)descriptors; \
		ASSERT(json_object_size(arguments) == 1 && descriptors_count <= 2); \
		ran(client, arguments); \
	}
#define CHECKED(name, condition) \
	void command_##name(struct agent_client *client, const json_t *arguments, \
			    int *descriptors, size_t descriptors_count) \
	{ \
		(void)descriptors; \
		ASSERT((condition) && descriptors_count <= 2); \
		ran(client, arguments); \
	}
#define TEXT(name)	(agent_text(arguments, name) != NULL)
#define EXTENSION(name) (agent_extension(arguments, name) - 1 < 99999)
#define WHOM(name)	(TEXT("group") ? json_object_get(arguments, name) == NULL : EXTENSION(name))
#define WHOM_OR_ALL(name) \
	(WHOM(name) || (!TEXT("group") && json_object_get(arguments, name) == NULL))
#define FLAG(name) \
	(json_object_get(arguments, name) == NULL || \
	 json_is_boolean(json_object_get(arguments, name)))

#define EXTENSIONS(name) extensions(json_object_get(arguments, name))

/* A list that is not given is one of nobody. */
static bool extensions(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (agent_extension_of(json_array_get(list, i)) - 1 >= 99999)
			return false;
	}
	return list == NULL || json_is_array(list);
}

/* Everybody in it is somebody. */
static bool people(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *person = json_array_get(list, i);

		if (agent_extension(person, "extension") - 1 >= 99999 ||
		    agent_bytes(person, "name").data == NULL)
			return false;
	}
	return json_is_array(list);
}

PLAIN(hello)
PLAIN(create)
PLAIN(open)
PLAIN(lock)
PLAIN(unlock)
PLAIN(passphrase)
PLAIN(stop)
CHECKED(members, json_object_get(arguments, "extension") == NULL || EXTENSION("extension"))
PLAIN(ledger)
PLAIN(status)
PLAIN(hangup)
CHECKED(release, TEXT("hash"))
CHECKED(release_name, TEXT("hash") && TEXT("version"))
PLAIN(group_list)
PLAIN(device_add)
CHECKED(device_list, json_object_get(arguments, "extension") == NULL || EXTENSION("extension"))
CHECKED(device_approve, TEXT("code"))
CHECKED(device_remove, json_is_integer(json_object_get(arguments, "number")))
PLAIN(device_ask)
PLAIN(device_history)
CHECKED(device_give, json_is_integer(json_object_get(arguments, "number")))
CHECKED(device_stop, json_is_integer(json_object_get(arguments, "number")))
CHECKED(found, TEXT("name") && TEXT("relay") && TEXT("as"))
CHECKED(addresses, TEXT("relay") && json_is_array(json_object_get(arguments, "addresses")))
CHECKED(invite, EXTENSION("extension") && TEXT("name"))
CHECKED(invite_many, people(json_object_get(arguments, "people")))
PLAIN(invitations)
CHECKED(join, TEXT("invitation") && FLAG("wait"))
CHECKED(revoke, EXTENSION("extension"))
CHECKED(suspend, EXTENSION("extension"))
PLAIN(policy)
CHECKED(policy_set, json_object_size(arguments) >= 1)
CHECKED(term, EXTENSION("extension") && TEXT("until"))
CHECKED(confirm, EXTENSION("extension") && TEXT("code"))
CHECKED(pending, json_object_get(arguments, "id") == NULL || TEXT("id"))
CHECKED(approve, TEXT("id"))
CHECKED(refuse, TEXT("id"))
PLAIN(admin_list)
CHECKED(admin_add, EXTENSION("extension"))
CHECKED(admin_remove, EXTENSION("extension"))
CHECKED(admin_threshold, json_is_integer(json_object_get(arguments, "threshold")))
CHECKED(send, WHOM("to") && TEXT("text"))
CHECKED(read, WHOM_OR_ALL("with") && FLAG("new") && FLAG("follow"))
CHECKED(edit, WHOM("with") && TEXT("id") && TEXT("text"))
CHECKED(delete, WHOM("with") && TEXT("id"))
CHECKED(react, WHOM("with") && TEXT("id") && TEXT("reaction"))
CHECKED(receipts, json_is_boolean(json_object_get(arguments, "on")))
CHECKED(search, WHOM_OR_ALL("with") && TEXT("text"))
CHECKED(export, WHOM_OR_ALL("with"))
CHECKED(group_create, TEXT("name") && EXTENSIONS("members"))
CHECKED(group_show, TEXT("group"))
CHECKED(group_rename, TEXT("group") && TEXT("name"))
CHECKED(group_add, TEXT("group") && EXTENSIONS("members"))
CHECKED(group_remove, TEXT("group") && EXTENSIONS("members"))
CHECKED(group_leave, TEXT("group"))
CHECKED(call, EXTENSION("to") && FLAG("mic") && FLAG("speaker"))
CHECKED(answer, FLAG("wait") && FLAG("mic") && FLAG("speaker"))

void command_messages_timeout(struct agent_client *client)
{
	ASSERT(client == NULL); /* none of these commands waits */
}

void command_invite_timeout(struct agent_client *client)
{
	ASSERT(client == NULL); /* likewise */
}

void command_invite_client_gone(struct agent_client *client)
{
	ASSERT(client->inviting.people == NULL);
}

void command_group_timeout(struct agent_client *client)
{
	ASSERT(client == NULL); /* likewise */
}

void command_device_timeout(struct agent_client *client)
{
	ASSERT(client == NULL); /* likewise */
}

void command_device_client_gone(struct agent_client *client)
{
	ASSERT(client->wait != AGENT_WAIT_DEVICE_ASKS);
}

void command_messages_drained(struct agent_client *client)
{
	ASSERT(client->wait == AGENT_WAIT_NONE);
}

void command_call_client_gone(struct agent_client *client)
{
	ASSERT(client->wait == AGENT_WAIT_NONE);
}

bool agent_link_trouble(const struct agent *agent, char text[AGENT_TROUBLE_LEN])
{
	(void)agent;
	(void)text;
	return false;
}

/* What the agent has said since: whole lines, each an object with one of the three words. */
static void read_answers(int ours, char *held, size_t capacity, size_t *held_len)
{
	ssize_t got;

	while ((got = recv(ours, held + *held_len, capacity - *held_len, MSG_DONTWAIT)) > 0) {
		char *newline;

		*held_len += (size_t)got;
		while ((newline = memchr(held, '\n', *held_len)) != NULL) {
			size_t len = (size_t)(newline - held);
			json_t *answer = json_loadb(held, len, JSON_REJECT_DUPLICATES, NULL);

			ASSERT(json_is_object(answer));
			ASSERT(json_object_get(answer, "item") != NULL ||
			       json_object_get(answer, "done") != NULL ||
			       json_is_string(json_object_get(answer, "message")));
			json_decref(answer);
			memmove(held, newline + 1, *held_len - len - 1);
			*held_len -= len + 1;
		}
		ASSERT(*held_len < capacity);
	}
}

/* As much as goes in. False: the agent does not listen any more. */
static bool write_piece(int ours, struct bytes piece, int beside, size_t *written)
{
	union {
		struct cmsghdr header;
		uint8_t space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	uint8_t copy[256];
	struct iovec vector = {.iov_base = copy, .iov_len = piece.len};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	memcpy(copy, piece.data, piece.len);
	if (beside >= 0) {
		memcpy(CMSG_DATA(&control.header), &beside, sizeof(beside));
		message.msg_control = &control;
		message.msg_controllen = CMSG_LEN(sizeof(int));
	}
	sent = sendmsg(ours, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	*written = sent > 0 ? (size_t)sent : 0;
	return sent >= 0 || errno == EAGAIN;
}

static void converse(struct agent *agent, int ours, struct bytes input, uint8_t how, int beside)
{
	static char held[2 * OS_LINE_LEN_MAX];
	size_t piece = how % 16 == 0 ? 255 : how % 16;
	size_t held_len = 0;
	size_t at = 0;
	size_t written;

	while (at < input.len) {
		size_t len = input.len - at < piece ? input.len - at : piece;

		if (!write_piece(ours, BYTES(input.data + at, len), how >= 128 ? beside : -1,
				 &written))
			break;
		at += written;
		ASSERT(os_loop_turn(agent->loop, false) == SOTTO_OK);
		read_answers(ours, held, sizeof(held), &held_len);
	}
	(void)shutdown(ours, SHUT_WR);
	for (int i = 0; i < TURNS_MAX && agent->client_count != 0; i++) {
		ASSERT(os_loop_turn(agent->loop, false) == SOTTO_OK);
		read_answers(ours, held, sizeof(held), &held_len);
	}
	ASSERT(agent->client_count == 0 && list_empty(&agent->clients));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct agent agent;
	static uint8_t no_talk;
	int ends[2];
	int gate[2];
	uint8_t byte;

	if (size < 1)
		return 0;
	if (agent.loop == NULL) {
		agent_json_init();
		ASSERT(os_loop_create(&agent.loop) == SOTTO_OK);
		agent_control_init(&agent);
		agent.talk = (struct talk *)(void *)&no_talk; /* open: never looked into here */
	}
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	ASSERT(pipe(gate) == 0 && fcntl(gate[0], F_SETFL, O_NONBLOCK) == 0);
	agent_accept(&agent, ends[0]);
	ASSERT(agent.client_count == 1);
	converse(&agent, ends[1], BYTES(data + 1, size - 1), data[0], gate[1]);
	close(ends[1]);
	close(gate[1]);
	/* Its end: nobody else holds the other side. */
	ASSERT(read(gate[0], &byte, 1) == 0);
	close(gate[0]);
	return 0;
}
