/* SPDX-License-Identifier: Apache-2.0 */
/* sotto send, read, search, export. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hex.h"
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

/* Less than what may wait for a client at all, with room for one more page of the store. */
#define QUEUED_MAX (OS_LINES_QUEUE_LEN_MAX / 4)

static json_t *sent_json(const uint8_t *message_id, enum talk_message_state state)
{
	char id[2 * TALK_MESSAGE_ID_LEN + 1];

	hex_encode(BYTES(message_id, TALK_MESSAGE_ID_LEN), id);
	return json_pack("{s:s,s:s}", "id", id, "state", agent_message_state(state));
}

/* Why it was not sent, for people. */
static void fail_send(struct agent_client *client, const struct talk_conversation *to,
		      enum sotto_err err, size_t len)
{
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody has extension %u here", to->extension);
	else if (err == SOTTO_ERR_DENIED && to->kind == TALK_GROUP)
		agent_fail(client, err,
			   "this phone is not in this group, or is leaving it, or nobody else is "
			   "in it");
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "%u is revoked or not confirmed", to->extension);
	else if (err == SOTTO_ERR_LIMIT && len > TALK_TEXT_MAX)
		agent_fail(client, err, "a message has at most %d bytes", TALK_TEXT_MAX);
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "%d messages wait until their recipients have got them, and more do not "
			   "fit; send this one when some have",
			   TALK_OUTBOX_MAX);
	else if (err == SOTTO_ERR_UNSUPPORTED)
		agent_fail(client, err, "this network's policy switches groups off");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "a message is UTF-8 and not empty");
	else
		agent_fail(client, err, "not sent: %s", sotto_err_text(err));
}

void command_send(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const char *reply_to = agent_text(arguments, "reply_to");
	json_t *text = json_object_get(arguments, "text");
	uint8_t answered[TALK_MESSAGE_ID_LEN];
	struct talk_conversation to;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	if (!agent_conversation(client, arguments, "to", &to) ||
	    (reply_to != NULL && !agent_message_find(client, &to, reply_to, answered)))
		return;
	err = talk_send_text(agent->talk, &to,
			     BYTES(json_string_value(text), json_string_length(text)),
			     reply_to != NULL ? answered : NULL, client->message_id,
			     os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	client->held = err == SOTTO_OK && talk_conversation_held(agent->talk, &to);
	if (err != SOTTO_OK)
		fail_send(client, &to, err, json_string_length(text));
	else
		/* While offline it is queued, which the next step of the agent says durably. */
		agent_client_wait(
			client, AGENT_WAIT_SEND,
			agent->link_status.state == 3 && !client->held ? AGENT_SEND_WAIT_MS : 1);
}

void command_messages_timeout(struct agent_client *client)
{
	json_t *object = sent_json(client->message_id, TALK_MESSAGE_QUEUED);

	if (client->held)
		json_object_set_new(object, "held", json_true());
	agent_done(client, object);
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

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

/* Without regard to the case of ASCII letters; wanted is in lower case. NULL: whatever it says. */
static bool contains(struct bytes text, const char *wanted)
{
	size_t len = wanted != NULL ? strlen(wanted) : 0;

	for (size_t at = 0; at + len <= text.len; at++) {
		size_t same = 0;

		while (same < len && lower(text.data[at + same]) == (uint8_t)wanted[same])
			same++;
		if (same == len)
			return true;
	}
	return wanted == NULL;
}

static void show_row(struct agent_client *client, const struct talk_conversation *conversation,
		     const struct talk_message *message)
{
	const struct agent_reading *reading = &client->reading;

	/* What another device has handed over is nothing new, nor what was read there. */
	if (reading->only_new &&
	    (message->state != TALK_MESSAGE_RECEIVED || message->handed || message->elsewhere))
		return;
	if (message->kind == TALK_ROW_TEXT && contains(message->text, reading->wanted))
		agent_item(client, agent_message_json(client->agent, conversation, message));
	/* What somebody has done is no text to be found. */
	if (message->kind == TALK_ROW_NOTICE && reading->wanted == NULL)
		agent_item(client, agent_notice_json(client->agent, conversation, message));
}

/* One row to the client. */
static enum sotto_err read_row(struct agent_client *client, const struct store_reader *reader,
			       const struct talk_owner *owner, uint64_t row)
{
	struct talk_message message;
	struct writer value;
	enum sotto_err err;

	writer_init_growing(&value, &allocator_default);
	TRY(store_get(reader, TALK_TABLE_MESSAGES, talk_owner_bytes(owner), row, &value));
	TRY(talk_message_decode(writer_bytes(&value), &message));
	show_row(client, &client->reading.conversation, &message);
out:
	writer_release(&value);
	/* Deleted since its place was looked up. */
	return err == SOTTO_ERR_NOT_FOUND ? SOTTO_OK : err;
}

/*
 * What is there of the conversation, in its order, and then what came meanwhile. It counts as read when all of
 * it has been sent. SOTTO_ERR_AGAIN: the rest when the client has taken this.
 */
static enum sotto_err read_conversation(struct agent_client *client)
{
	struct agent *agent = client->agent;
	struct agent_reading *reading = &client->reading;
	struct store_reader reader = vault_reader(agent->vault);
	struct talk_owner owner;
	enum sotto_err err;

	TRY(talk_conversation_owner(agent->talk, &reading->conversation, &owner));
	if (!reading->begun) {
		reading->begun = true;
		reading->last_row =
			reading->only_new ? last_read(&reader, talk_owner_bytes(&owner)) : 0;
	}
	for (;;) {
		struct talk_history *history = &reading->history;

		for (; reading->next < history->count; reading->next++) {
			const struct talk_history_row *row = &history->rows[reading->next];

			/* Checked before, so that what counts as read was sent. */
			FAIL_IF(client->broken || os_lines_queued(client->lines) > QUEUED_MAX,
				SOTTO_ERR_AGAIN);
			TRY(read_row(client, &reader, &owner, row->row));
			if (reading->last_row < row->row)
				reading->last_row = row->row;
		}
		if (history->count > 0 && !reading->leaves)
			TRY(agent_commit(agent, talk_mark_read(agent->talk, &reading->conversation,
							       reading->last_row, os_clock_now_ns(),
							       os_clock_utc_ms())));
		talk_history_release(history);
		reading->next = 0;
		TRY(talk_history_read(&reader, &owner, reading->last_row + 1, history));
		if (history->count == 0)
			break;
	}
out:
	return err;
}

/* Did the client ask for this conversation? */
static bool asked(const struct agent_client *client, const struct talk_conversation *conversation)
{
	return !client->reading.one ||
	       talk_conversation_equal(&client->reading.asked, conversation);
}

static enum sotto_err read_on(struct agent_client *client)
{
	struct agent_reading *reading = &client->reading;
	enum sotto_err err = SOTTO_OK;

	while (reading->under_way || talk_conversation_next(client->agent->talk, &reading->cursor,
							    &reading->conversation)) {
		reading->under_way = true;
		if (asked(client, &reading->conversation))
			TRY(read_conversation(client));
		reading->under_way = reading->begun = false;
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
	else if (client->reading.follow)
		agent_client_wait(client, AGENT_WAIT_FOLLOW, 0);
	else
		agent_done(client, NULL);
}

/* wanted is freed, now or with the client. */
static void read_begin(struct agent_client *client, const json_t *arguments,
		       struct agent_reading reading)
{
	struct talk_owner owner;

	free(client->reading.wanted);
	talk_history_release(&client->reading.history);
	client->reading = reading;
	client->reading.one = agent_conversation_given(arguments, "with");
	if (client->reading.one &&
	    !agent_conversation(client, arguments, "with", &client->reading.asked))
		return;
	if (client->reading.one &&
	    talk_conversation_owner(client->agent->talk, &client->reading.asked, &owner) !=
		    SOTTO_OK) {
		agent_fail(client, SOTTO_ERR_NOT_FOUND, "nobody has extension %u here",
			   client->reading.asked.extension);
		return;
	}
	agent_client_wait(client, AGENT_WAIT_READ, 0);
	command_messages_drained(client);
}

void command_read(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	read_begin(client, arguments,
		   (struct agent_reading){
			   .only_new = json_is_true(json_object_get(arguments, "new")),
			   .follow = json_is_true(json_object_get(arguments, "follow")),
		   });
}

void command_search(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	char *wanted = strdup(agent_text(arguments, "text"));

	(void)descriptors;
	(void)descriptors_count;
	if (wanted == NULL || wanted[0] == '\0') {
		agent_fail(client, SOTTO_ERR_ARGUMENT, "search for what?");
		free(wanted);
		return;
	}
	for (char *at = wanted; *at != '\0'; at++)
		*at = (char)lower((uint8_t)*at);
	read_begin(client, arguments, (struct agent_reading){.leaves = true, .wanted = wanted});
}

void command_export(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	if (!command_feature(client, LEDGER_FEATURE_EXPORT, "export"))
		return;
	read_begin(client, arguments, (struct agent_reading){.leaves = true});
}

/* Does this client see what came into this conversation now, or later from the store? */
static bool follows(const struct agent_client *client, const struct talk_conversation *conversation)
{
	struct talk_conversation passed;
	size_t cursor = 0;

	if (client->wait == AGENT_WAIT_FOLLOW)
		return true;
	if (client->wait != AGENT_WAIT_READ || !client->reading.follow)
		return false;
	/* The one under way is looked at again before the next one is begun. */
	while (cursor < client->reading.cursor &&
	       talk_conversation_next(client->agent->talk, &cursor, &passed)) {
		if (talk_conversation_equal(&passed, conversation))
			return !client->reading.under_way ||
			       !talk_conversation_equal(&client->reading.conversation,
							conversation);
	}
	return false;
}

/* Once for all that came together: each time is a transaction, and a receipt to who sent it. */
static void mark_shown(struct agent_client *client)
{
	struct agent_reading *reading = &client->reading;
	uint64_t row = reading->shown_row;

	reading->shown_row = 0;
	if (row != 0 && client->agent->talk != NULL)
		(void)!agent_commit(client->agent,
				    talk_mark_read(client->agent->talk, &reading->shown, row,
						   os_clock_now_ns(), os_clock_utc_ms()));
}

void command_messages_settle(struct agent *agent)
{
	list_for_each (place, following, &agent->clients)
		mark_shown(CONTAINER_OF(place, struct agent_client, place));
}

static void follow(struct agent_client *client, const struct talk_event *event)
{
	if (!asked(client, &event->conversation))
		return;
	show_row(client, &event->conversation, &event->message);
	if (!talk_conversation_equal(&client->reading.shown, &event->conversation))
		mark_shown(client);
	client->reading.shown = event->conversation;
	client->reading.shown_row = event->row;
}

static const char *change_word(enum talk_change change)
{
	switch (change) {
	case TALK_CHANGE_EDIT:
		return "edited";
	case TALK_CHANGE_DELETE:
		return "deleted";
	case TALK_CHANGE_REACTION:
		return "reaction";
	case TALK_CHANGE_PERSON:
		return "reached";
	case TALK_CHANGE_STATE:
	case TALK_CHANGE_PLACE:
		break;
	}
	return NULL;
}

/* A message that this client may have seen is another one now: all of it again, and what changed. */
static void follow_change(struct agent_client *client, const struct talk_event *event)
{
	const char *word = change_word(event->change);
	struct talk_message message;
	struct writer value;
	json_t *object;

	if (word == NULL || !asked(client, &event->conversation))
		return;
	writer_init_growing(&value, &allocator_default);
	if (agent_message_read(client->agent, &event->conversation, event->row, &value, &message) ==
	    SOTTO_OK) {
		object = agent_message_json(client->agent, &event->conversation, &message);
		if (event->change == TALK_CHANGE_PERSON && message.elsewhere)
			word = "read";
		if (object != NULL)
			json_object_set_new(object, "changed", json_string(word));
		agent_item(client, object);
	}
	writer_release(&value);
}

/* To who sent it, what his recipient's phone says is more than was asked: the relay has it. */
static void sent(struct agent_client *client, const struct talk_event *event)
{
	if (event->message_state == TALK_MESSAGE_FAILED)
		agent_fail(
			client, SOTTO_ERR_DENIED,
			event->conversation.kind == TALK_GROUP
				? "not sent: nobody is left in this group whom it was for, or this "
				  "phone is not in it any more"
				: "not sent: its recipient was revoked before getting it");
	else
		agent_done(client, sent_json(event->message_id, TALK_MESSAGE_STORED));
}

void command_messages_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (event->type == TALK_EVENT_MESSAGE && agent->talk != NULL &&
		    follows(client, &event->conversation))
			follow(client, event);
		if (event->type == TALK_EVENT_MESSAGE_CHANGED && agent->talk != NULL &&
		    follows(client, &event->conversation))
			follow_change(client, event);
		if (event->type == TALK_EVENT_MESSAGE_STATE && client->wait == AGENT_WAIT_SEND &&
		    event->message_state != TALK_MESSAGE_QUEUED &&
		    memcmp(client->message_id, event->message_id, TALK_MESSAGE_ID_LEN) == 0)
			sent(client, event);
	}
}
