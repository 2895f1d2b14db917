/* SPDX-License-Identifier: Apache-2.0 */
/* sotto send, sotto read. */
#include <string.h>

#include "base/assert.h"
#include "base/hex.h"
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

static const char *state_word(enum talk_message_state state)
{
	switch (state) {
	case TALK_MESSAGE_QUEUED:
		return "queued";
	case TALK_MESSAGE_STORED:
		return "stored";
	case TALK_MESSAGE_DELIVERED:
		return "delivered";
	case TALK_MESSAGE_RECEIVED:
		return "received";
	case TALK_MESSAGE_FAILED:
		return "failed";
	}
	return "unknown";
}

static json_t *sent_json(const uint8_t *message_id, enum talk_message_state state)
{
	char id[2 * TALK_MESSAGE_ID_LEN + 1];

	hex_encode(BYTES(message_id, TALK_MESSAGE_ID_LEN), id);
	return json_pack("{s:s,s:s}", "id", id, "state", state_word(state));
}

void command_send(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t extension = agent_extension(arguments, "to");
	json_t *text = json_object_get(arguments, "text");
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	err = talk_send_text(agent->talk, extension,
			     BYTES(json_string_value(text), json_string_length(text)),
			     client->message_id, os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody has extension %u here", extension);
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "%u is revoked or not confirmed", extension);
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err, "a message has at most %d bytes", TALK_TEXT_MAX);
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "a message is UTF-8 and not empty");
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not sent: %s", sotto_err_text(err));
	else
		/* While offline it is queued, which the next step of the agent says durably. */
		agent_client_wait(client, AGENT_WAIT_SEND,
				  agent->link_status.state == 3 ? AGENT_SEND_WAIT_MS : 1);
}

void command_messages_timeout(struct agent_client *client)
{
	agent_done(client, sent_json(client->message_id, TALK_MESSAGE_QUEUED));
}

struct reading {
	struct agent_client *client;
	uint64_t last_row;
	bool only_new; /* what others sent, not read yet */
	bool any;
};

static json_t *message_json(const struct agent *agent, const struct talk_message *message)
{
	char id[2 * TALK_MESSAGE_ID_LEN + 1];
	json_t *object;

	hex_encode(BYTES_OF(message->id), id);
	object =
		json_pack("{s:s,s:o,s:o,s:s%,s:s,s:o}", "id", id, "from",
			  agent_json_extension(agent, message->from), "to",
			  agent_json_extension(agent, message->to), "text",
			  (const char *)message->text.data, message->text.len, "state",
			  state_word(message->state), "sent_at", agent_json_time(message->sent_ms));
	if (object != NULL && message->received_ms != 0)
		json_object_set_new(object, "received_at", agent_json_time(message->received_ms));
	return object;
}

static enum sotto_err read_row(void *context, uint64_t index, struct bytes value)
{
	struct reading *reading = context;
	struct talk_message message;
	enum sotto_err err;

	TRY(talk_message_decode(value, &message));
	if (!reading->only_new || message.state == TALK_MESSAGE_RECEIVED)
		agent_item(reading->client, message_json(reading->client->agent, &message));
	reading->last_row = index;
	reading->any = true;
out:
	return err;
}

static uint64_t last_read(const struct store_reader *reader, struct bytes owner)
{
	struct writer writer;
	struct reader value;
	uint64_t row = 0;

	writer_init_growing(&writer, &allocator_default);
	if (store_get(reader, TALK_TABLE_READ, owner, 0, &writer) == SOTTO_OK) {
		reader_init(&value, writer_bytes(&writer));
		row = reader_get_u64(&value);
	}
	writer_release(&writer);
	return row;
}

static enum sotto_err read_member(struct agent_client *client, const struct ledger_member *member,
				  bool only_new)
{
	struct agent *agent = client->agent;
	struct store_reader reader = vault_reader(agent->vault);
	struct reading reading = {.client = client, .only_new = only_new};
	uint32_t extension = member->extension;
	struct store_range range;
	uint8_t owner[4];
	enum sotto_err err;

	talk_message_owner(member->id, owner);
	range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, BYTES_OF(owner));
	if (only_new)
		range.first = last_read(&reader, BYTES_OF(owner)) + 1;
	TRY(store_iterate(&reader, &range, read_row, &reading));
	if (reading.any)
		TRY(agent_commit(agent, talk_mark_read(agent->talk, extension, reading.last_row)));
out:
	return err;
}

void command_read(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const struct ledger *ledger = talk_ledger(agent->talk);
	bool only_new = json_is_true(json_object_get(arguments, "new"));
	uint32_t extension = agent_extension(arguments, "with");
	enum sotto_err err = SOTTO_OK;
	bool found = false;

	(void)descriptors;
	(void)descriptors_count;
	/* A revoked member's messages can still be read. */
	for (uint32_t id = 1; err == SOTTO_OK && id <= ledger_member_count(ledger); id++) {
		const struct ledger_member *member = ledger_member_by_id(ledger, id);

		if (member == NULL || (extension != 0 && member->extension != extension))
			continue;
		found = true;
		err = read_member(client, member, only_new);
	}
	if (err != SOTTO_OK) {
		agent_fail(client, err, "cannot read: %s", sotto_err_text(err));
	} else if (extension != 0 && !found) {
		agent_fail(client, SOTTO_ERR_NOT_FOUND, "nobody has extension %u here", extension);
	} else if (json_is_true(json_object_get(arguments, "follow"))) {
		client->extension = extension;
		agent_client_wait(client, AGENT_WAIT_FOLLOW, 0);
	} else {
		agent_done(client, NULL);
	}
}

static void follow(struct agent_client *client, const struct talk_event *event)
{
	struct talk_status status;
	struct talk_message message = {
		.from = event->extension,
		.state = TALK_MESSAGE_RECEIVED,
		.sent_ms = event->sent_ms,
		.received_ms = os_clock_utc_ms(),
		.text = event->text,
	};

	if (client->extension != 0 && client->extension != event->extension)
		return;
	talk_status(client->agent->talk, &status);
	message.to = status.extension;
	memcpy(message.id, event->message_id, sizeof(message.id));
	agent_item(client, message_json(client->agent, &message));
	(void)!agent_commit(client->agent,
			    talk_mark_read(client->agent->talk, event->extension, event->row));
}

void command_messages_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (event->type == TALK_EVENT_MESSAGE && client->wait == AGENT_WAIT_FOLLOW &&
		    agent->talk != NULL)
			follow(client, event);
		if (event->type == TALK_EVENT_MESSAGE_STATE && client->wait == AGENT_WAIT_SEND &&
		    event->message_state != TALK_MESSAGE_QUEUED &&
		    memcmp(client->message_id, event->message_id, TALK_MESSAGE_ID_LEN) == 0)
			agent_done(client, sent_json(event->message_id, event->message_state));
	}
}
