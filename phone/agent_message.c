/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as clients see them: as JSON, and by the first digits of their ids. */
#include <string.h>

#include "base/assert.h"
#include "base/hex.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

#define ID_DIGITS_MIN 4 /* what people type; fewer are rarely one message's alone */

const char *agent_message_state(enum talk_message_state state)
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

static json_t *reactions_json(const struct agent *agent, const struct talk_message *message)
{
	struct wire_cursor cursor = wire_list_walk(&message->reactions);
	struct talk_reaction reaction;
	json_t *list = json_array();

	while (list != NULL && talk_reaction_next(&cursor, &reaction))
		json_array_append_new(list,
				      json_pack("{s:o,s:o}", "from",
						agent_json_extension(agent, reaction.extension),
						"reaction", agent_json_text(reaction.reaction)));
	return list;
}

static json_t *people_json(const struct agent *agent, const struct talk_message *message)
{
	struct wire_cursor cursor = wire_list_walk(&message->people);
	struct talk_person person;
	json_t *list = json_array();

	while (list != NULL && talk_person_next(&cursor, &person))
		json_array_append_new(
			list, json_pack("{s:o,s:s,s:o}", "extension",
					agent_json_extension(agent, person.extension), "state",
					person.state == TALK_PERSON_READ ? "read" : "delivered",
					"at", agent_json_time(person.at_ms)));
	return list;
}

/* An empty list is left out, as is everything that was not done to the message. */
static void set_list(json_t *object, const char *name, json_t *list)
{
	if (json_array_size(list) > 0)
		json_object_set(object, name, list);
	json_decref(list);
}

/* One to one the other one; of a group, which one: nothing of a group is said to one person. */
static void set_conversation(const struct agent *agent, json_t *object, const char *person,
			     const struct talk_conversation *conversation, uint32_t extension)
{
	if (conversation->kind == TALK_DIRECT)
		json_object_set_new(object, person, agent_json_extension(agent, extension));
	else
		json_object_set_new(object, "group",
				    agent_group_name_json(agent, conversation->id));
}

static const char *notice_word(enum talk_verb verb)
{
	switch (verb) {
	case TALK_VERB_CREATED:
		return "created";
	case TALK_VERB_NAMED:
		return "named";
	case TALK_VERB_ADDED:
		return "added";
	case TALK_VERB_REMOVED:
		return "removed";
	case TALK_VERB_LEFT:
		return "left";
	case TALK_VERB_MISSING:
		return "missing";
	case TALK_VERB_DEVICE:
		return "device";
	case TALK_VERB_DEVICE_GONE:
		return "device_gone";
	case TALK_VERB_NOT_ADDED:
		return "not_added";
	case TALK_VERB_NOT_REMOVED:
		return "not_removed";
	case TALK_VERB_NOT_NAMED:
		return "not_named";
	case TALK_VERB_BRANCHED:
		return "branched";
	case TALK_VERB_NONE:
		break;
	}
	return "unknown";
}

json_t *agent_notice_json(const struct agent *agent, const struct talk_conversation *conversation,
			  const struct talk_message *notice)
{
	json_t *object = json_pack("{s:o,s:s}", "id", agent_json_hex(BYTES_OF(notice->id)),
				   "notice", notice_word(notice->verb));

	if (object == NULL)
		return NULL;
	set_conversation(agent, object, "with", conversation, conversation->extension);
	if (notice->handed)
		json_object_set_new(object, "handed", json_true());
	if (notice->verb == TALK_VERB_MISSING) {
		json_object_set_new(object, "since", agent_json_time(notice->sent_ms));
		json_object_set_new(object, "until", agent_json_time(notice->received_ms));
		return object;
	}
	if (notice->verb != TALK_VERB_BRANCHED)
		json_object_set_new(object, "by", agent_json_extension(agent, notice->from));
	if (notice->subject != 0)
		json_object_set_new(object, "subject",
				    agent_json_extension(agent, notice->subject));
	if (notice->verb == TALK_VERB_CREATED || notice->verb == TALK_VERB_NAMED)
		json_object_set_new(object, "name", agent_json_text(notice->text));
	if (notice->verb == TALK_VERB_DEVICE || notice->verb == TALK_VERB_DEVICE_GONE)
		json_object_set_new(object, "device", agent_json_text(notice->text));
	if (notice->verb >= TALK_VERB_NOT_ADDED && notice->verb <= TALK_VERB_NOT_NAMED)
		json_object_set_new(object, "why", agent_json_text(notice->text));
	json_object_set_new(object, "at", agent_json_time(notice->received_ms));
	return object;
}

json_t *agent_message_json(const struct agent *agent, const struct talk_conversation *conversation,
			   const struct talk_message *message)
{
	static const uint8_t none[TALK_MESSAGE_ID_LEN];
	struct talk_status status;
	json_t *object;

	object = json_pack("{s:o,s:o,s:s%,s:s,s:o}", "id", agent_json_hex(BYTES_OF(message->id)),
			   "from", agent_json_extension(agent, message->from), "text",
			   message->text.len > 0 ? (const char *)message->text.data : "",
			   message->text.len, "state", agent_message_state(message->state),
			   "sent_at", agent_json_time(message->sent_ms));
	if (object == NULL)
		return NULL;
	talk_status(agent->talk, &status);
	set_conversation(agent, object, "to", conversation,
			 message->from == status.extension ? conversation->extension
							   : status.extension);
	if (message->received_ms != 0)
		json_object_set_new(object, "received_at", agent_json_time(message->received_ms));
	if (memcmp(message->reply_to, none, sizeof(none)) != 0)
		json_object_set_new(object, "reply_to",
				    agent_json_hex(BYTES_OF(message->reply_to)));
	if (message->edited)
		json_object_set_new(object, "edited", json_true());
	if (message->deleted)
		json_object_set_new(object, "deleted", json_true());
	if (message->handed)
		json_object_set_new(object, "handed", json_true());
	if (message->elsewhere)
		json_object_set_new(object, "read", json_true());
	set_list(object, "reactions", reactions_json(agent, message));
	set_list(object, "reached", people_json(agent, message));
	return object;
}

enum sotto_err agent_message_read(const struct agent *agent,
				  const struct talk_conversation *conversation, uint64_t row,
				  struct writer *value, struct talk_message *message)
{
	struct store_reader reader = vault_reader(agent->vault);
	struct talk_owner owner;
	enum sotto_err err;

	TRY(talk_conversation_owner(agent->talk, conversation, &owner));
	TRY(store_get(&reader, TALK_TABLE_MESSAGES, talk_owner_bytes(&owner), row, value));
	TRY(talk_message_decode(writer_bytes(value), message));
out:
	return err;
}

static bool begins_with(const uint8_t *id, const char *digits, size_t len)
{
	char text[2 * TALK_MESSAGE_ID_LEN + 1];

	hex_encode(BYTES(id, TALK_MESSAGE_ID_LEN), text);
	return strncmp(text, digits, len) == 0;
}

/* One conversation's ids are compared, so that a few digits are enough. */
bool agent_message_find(struct agent_client *client, const struct talk_conversation *conversation,
			const char *digits, uint8_t *id)
{
	struct store_reader reader = vault_reader(client->agent->vault);
	struct talk_history history = {0};
	size_t len = strlen(digits);
	struct talk_owner owner;
	size_t found = 0;
	enum sotto_err err;

	if (len < ID_DIGITS_MIN || len > 2 * TALK_MESSAGE_ID_LEN ||
	    strspn(digits, "0123456789abcdef") != len) {
		agent_fail(client, SOTTO_ERR_ARGUMENT,
			   "a message's id is its first %d to %d digits (0-9, a-f), as `sotto "
			   "read` shows them: "
			   "%.40s",
			   ID_DIGITS_MIN, 2 * TALK_MESSAGE_ID_LEN, digits);
		return false;
	}
	err = talk_conversation_owner(client->agent->talk, conversation, &owner);
	if (err == SOTTO_ERR_NOT_FOUND) {
		agent_fail(client, err, "nobody has extension %u here", conversation->extension);
		return false;
	}
	if (err == SOTTO_OK)
		err = talk_history_read(&reader, &owner, 0, &history);
	if (err != SOTTO_OK) {
		agent_fail(client, err, "cannot look for it: %s", sotto_err_text(err));
		return false;
	}
	for (size_t i = 0; i < history.count; i++) {
		if (!begins_with(history.rows[i].id, digits, len))
			continue;
		memcpy(id, history.rows[i].id, TALK_MESSAGE_ID_LEN);
		found++;
	}
	talk_history_release(&history);
	if (found == 0)
		agent_fail(client, SOTTO_ERR_NOT_FOUND,
			   "no message of this conversation begins with %s", digits);
	else if (found > 1)
		agent_fail(client, SOTTO_ERR_EXISTS,
			   "%zu messages of this conversation begin with %s: give more digits",
			   found, digits);
	return found == 1;
}
