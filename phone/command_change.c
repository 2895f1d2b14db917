/* SPDX-License-Identifier: Apache-2.0 */
/* sotto edit, sotto delete, sotto react, sotto receipts. */
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

/* The end of a change to a message: it is in the store, and goes out as texts do. */
static void finish(struct agent_client *client, const uint8_t *id,
		   const struct talk_conversation *with, const char *invalid, enum sotto_err err)
{
	err = agent_commit(client->agent, err);
	if (err == SOTTO_OK)
		agent_done(client, json_pack("{s:o}", "id",
					     agent_json_hex(BYTES(id, TALK_MESSAGE_ID_LEN))));
	else if (err == SOTTO_ERR_DENIED && with->kind == TALK_GROUP)
		agent_fail(
			client, err,
			"this message is not this phone's, or nothing can be said in this group: "
			"this phone is not in it, or nobody else is");
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err,
			   "this message is not this phone's, or %u is revoked or not confirmed",
			   with->extension);
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err, "this message is deleted");
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "this is no message of somebody's");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "%s", invalid);
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "a message has at most %d bytes, a reaction %d; and at most %d of both "
			   "wait to "
			   "be acknowledged",
			   TALK_TEXT_MAX, TALK_REACTION_MAX, TALK_OUTBOX_MAX);
	else
		agent_fail(client, err, "not done: %s", sotto_err_text(err));
}

void command_edit(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct talk_conversation with;
	uint8_t id[TALK_MESSAGE_ID_LEN];

	(void)descriptors;
	(void)descriptors_count;
	if (agent_conversation(client, arguments, "with", &with) &&
	    agent_message_find(client, &with, agent_text(arguments, "id"), id))
		finish(client, id, &with, "a message has to be UTF-8, and is not empty",
		       talk_edit(client->agent->talk, &with, id, agent_bytes(arguments, "text"),
				 os_clock_now_ns(), os_clock_utc_ms()));
}

void command_delete(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct talk_conversation with;
	uint8_t id[TALK_MESSAGE_ID_LEN];

	(void)descriptors;
	(void)descriptors_count;
	if (agent_conversation(client, arguments, "with", &with) &&
	    agent_message_find(client, &with, agent_text(arguments, "id"), id))
		finish(client, id, &with, "not done",
		       talk_delete(client->agent->talk, &with, id, os_clock_now_ns(),
				   os_clock_utc_ms()));
}

void command_react(struct agent_client *client, const json_t *arguments, int *descriptors,
		   size_t descriptors_count)
{
	struct talk_conversation with;
	uint8_t id[TALK_MESSAGE_ID_LEN];

	(void)descriptors;
	(void)descriptors_count;
	if (agent_conversation(client, arguments, "with", &with) &&
	    agent_message_find(client, &with, agent_text(arguments, "id"), id))
		finish(client, id, &with, "a reaction is one character, as people see it",
		       talk_react(client->agent->talk, &with, id,
				  agent_bytes(arguments, "reaction"), os_clock_now_ns(),
				  os_clock_utc_ms()));
}

void command_receipts(struct agent_client *client, const json_t *arguments, int *descriptors,
		      size_t descriptors_count)
{
	bool on = json_is_true(json_object_get(arguments, "on"));
	enum sotto_err err =
		talk_tell_read(client->agent->talk, on, os_clock_now_ns(), os_clock_utc_ms());

	(void)descriptors;
	(void)descriptors_count;
	err = agent_commit(client->agent, err);
	if (err != SOTTO_OK)
		agent_fail(client, err, "not done: %s", sotto_err_text(err));
	else
		agent_done(client, json_pack("{s:b}", "receipts", on));
}
