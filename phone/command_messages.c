/* SPDX-License-Identifier: Apache-2.0 */
/* sotto send, sotto read. */
#include <string.h>

#include "base/assert.h"
#include "base/hex.h"
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

/* Less than what may wait for a client at all, with room for one more page of the store. */
#define QUEUED_MAX (OS_LINES_QUEUE_LEN_MAX / 4)

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
	else if (err == SOTTO_ERR_LIMIT && json_string_length(text) > TALK_TEXT_MAX)
		agent_fail(client, err, "a message has at most %d bytes", TALK_TEXT_MAX);
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "%d messages wait until their recipients have got them, and more do not "
			   "fit; send this one when some have",
			   TALK_OUTBOX_MAX);
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

/* One step of a reading: rows of one member, until enough waits for the client. */
struct page {
	struct agent_client *client;
	uint64_t last_row;
	bool any;
};

static enum sotto_err read_row(void *context, uint64_t index, struct bytes value)
{
	struct page *page = context;
	struct agent_client *client = page->client;
	struct talk_message message;
	enum sotto_err err;

	/* Checked before, so that the rows of a page are those that were sent. */
	FAIL_IF(client->broken || os_lines_queued(client->lines) > QUEUED_MAX, SOTTO_ERR_AGAIN);
	TRY(talk_message_decode(value, &message));
	if (!client->reading.only_new || message.state == TALK_MESSAGE_RECEIVED)
		agent_item(client, message_json(client->agent, &message));
	page->last_row = index;
	page->any = true;
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

/* SOTTO_ERR_AGAIN: the rest when the client has taken this. */
static enum sotto_err read_member(struct agent_client *client, const struct ledger_member *member)
{
	struct agent *agent = client->agent;
	struct agent_reading *reading = &client->reading;
	struct store_reader reader = vault_reader(agent->vault);
	struct page page = {.client = client};
	uint32_t extension = member->extension;
	struct store_range range;
	uint8_t owner[4];
	enum sotto_err failed;
	enum sotto_err err;

	talk_message_owner(member->id, owner);
	range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, BYTES_OF(owner));
	range.first = reading->row;
	if (reading->row == 0 && reading->only_new)
		range.first = last_read(&reader, BYTES_OF(owner)) + 1;
	err = store_iterate(&reader, &range, read_row, &page);
	if (page.any) {
		reading->row = page.last_row + 1;
		failed = agent_commit(agent, talk_mark_read(agent->talk, extension, page.last_row));
		if (failed != SOTTO_OK)
			err = failed;
	}
	return err;
}

static enum sotto_err read_on(struct agent_client *client)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);
	struct agent_reading *reading = &client->reading;
	enum sotto_err err = SOTTO_OK;

	/* A revoked member's messages can still be read. */
	for (; reading->member <= ledger_member_count(ledger);
	     reading->member++, reading->row = 0) {
		const struct ledger_member *member = ledger_member_by_id(ledger, reading->member);

		if (member == NULL ||
		    (client->extension != 0 && member->extension != client->extension))
			continue;
		reading->found = true;
		TRY(read_member(client, member));
	}
out:
	return err;
}

void command_messages_drained(struct agent_client *client)
{
	enum sotto_err err;

	if (client->wait != AGENT_WAIT_READ)
		return;
	err = client->agent->talk != NULL ? read_on(client) : SOTTO_ERR_STATE;
	if (err == SOTTO_ERR_AGAIN)
		return;
	if (err != SOTTO_OK)
		agent_fail(client, err, "cannot read: %s", sotto_err_text(err));
	else if (client->extension != 0 && !client->reading.found)
		agent_fail(client, SOTTO_ERR_NOT_FOUND, "nobody has extension %u here",
			   client->extension);
	else if (client->reading.follow)
		agent_client_wait(client, AGENT_WAIT_FOLLOW, 0);
	else
		agent_done(client, NULL);
}

void command_read(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	client->extension = agent_extension(arguments, "with");
	client->reading = (struct agent_reading){
		.member = 1,
		.only_new = json_is_true(json_object_get(arguments, "new")),
		.follow = json_is_true(json_object_get(arguments, "follow")),
	};
	agent_client_wait(client, AGENT_WAIT_READ, 0);
	command_messages_drained(client);
}

/* Does this client see a message of this person now, or later from the store? */
static bool follows(const struct agent_client *client, uint32_t extension)
{
	const struct ledger_member *member;

	if (client->wait == AGENT_WAIT_FOLLOW)
		return true;
	if (client->wait != AGENT_WAIT_READ || !client->reading.follow)
		return false;
	member = ledger_member_by_extension(talk_ledger(client->agent->talk), extension);
	return member != NULL && member->id < client->reading.member;
}

static void follow(struct agent_client *client, const struct talk_event *event)
{
	struct talk_status status;
	struct talk_message message = {
		.from = event->extension,
		.state = TALK_MESSAGE_RECEIVED,
		.sent_ms = event->sent_ms,
		.received_ms = event->received_ms,
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

/* To who sent it, what his recipient's phone says is more than was asked: the relay has it. */
static void sent(struct agent_client *client, const struct talk_event *event)
{
	if (event->message_state == TALK_MESSAGE_FAILED)
		agent_fail(client, SOTTO_ERR_DENIED,
			   "not sent: its recipient was revoked before getting it");
	else
		agent_done(client, sent_json(event->message_id, TALK_MESSAGE_STORED));
}

void command_messages_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (event->type == TALK_EVENT_MESSAGE && agent->talk != NULL &&
		    follows(client, event->extension))
			follow(client, event);
		if (event->type == TALK_EVENT_MESSAGE_STATE && client->wait == AGENT_WAIT_SEND &&
		    event->message_state != TALK_MESSAGE_QUEUED &&
		    memcmp(client->message_id, event->message_id, TALK_MESSAGE_ID_LEN) == 0)
			sent(client, event);
	}
}
