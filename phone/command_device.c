/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto device add, approve, list, remove: the devices of a person.
 *
 *	device_add     --> the card; then waits until a phone has shown it
 *	device_approve --> the code that this phone's person has read off the new one; waits for the ledger
 *
 * Approving is a command of its own, with a code that nothing on this phone knows before: no client that only asks for
 * a card lets anybody in.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "ledger/invitation.h"
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

#define LANDING_WAIT_MS 60000

/* Of this phone's own person; NULL: it belongs to no network. */
static const struct ledger_member *own_member(const struct agent *agent)
{
	struct talk_status status;
	const struct ledger *ledger = talk_ledger(agent->talk);
	const struct ledger_device *device;

	talk_status(agent->talk, &status);
	device = ledger_device_by_key(ledger, status.device_key);
	return device == NULL ? NULL : ledger_member_by_id(ledger, device->member);
}

static void fail(struct agent_client *client, enum sotto_err err)
{
	const struct ledger_member *member = own_member(client->agent);

	if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "a name has 1 to %d bytes of UTF-8, without controls",
			   LEDGER_NAME_MAX);
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err, "one of your devices is called so already");
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "no place is left: your invitation has %u, and `sotto device remove` "
			   "makes room",
			   member != NULL ? member->places : 0);
	else if (err == SOTTO_ERR_SPACE)
		agent_fail(client, SOTTO_ERR_LIMIT, "this network is full: %d devices",
			   TALK_MEMBERS_MAX);
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "this phone has to be confirmed first");
	else
		agent_fail(client, err, "%s", sotto_err_text(err));
}

void command_device_add(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const struct ledger_member *member = own_member(agent);
	struct bytes name = agent_bytes(arguments, "name");
	uint8_t text[LEDGER_INVITATION_TEXT_MAX];
	char usual[32];
	struct writer writer;
	uint64_t expires_ms;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	(void)snprintf(usual, sizeof(usual), "Device %u", member != NULL ? member->numbers + 1 : 0);
	if (json_object_get(arguments, "name") == NULL)
		name = BYTES(usual, strlen(usual));
	writer_init_fixed(&writer, text, sizeof(text));
	err = talk_device_card(agent->talk, name, &writer, &expires_ms, os_clock_now_ns(),
			       os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err != SOTTO_OK) {
		fail(client, err);
		goto out;
	}
	agent_item(client,
		   json_pack("{s:o,s:o,s:o}", "invitation", agent_json_text(writer_bytes(&writer)),
			     "name", agent_json_text(name), "expires",
			     agent_json_time(expires_ms)));
	agent_client_wait(client, AGENT_WAIT_DEVICE_ASKS, TALK_CARD_MS);
out:
	bytes_wipe(text, sizeof(text));
}

/* Which one it says it runs: a number, 0 for one that no entry names; null: it said nothing yet. */
static json_t *release_json(const struct agent *agent, const uint8_t *key)
{
	uint32_t release;

	return talk_device_release(agent->talk, key, &release) ? json_integer(release)
							       : json_null();
}

static json_t *device_json(const struct agent *agent, const struct ledger_device *device)
{
	static const char *const states[] = {
		[LEDGER_DEVICE_UNCONFIRMED] = "unconfirmed",
		[LEDGER_DEVICE_ACTIVE] = "active",
		[LEDGER_DEVICE_REVOKED] = "revoked",
	};
	const struct ledger_member *member =
		ledger_member_by_id(talk_ledger(agent->talk), device->member);
	struct talk_status status;

	talk_status(agent->talk, &status);
	return json_pack("{s:o,s:I,s:o,s:s,s:o,s:o,s:b}", "extension",
			 agent_json_extension(agent, member->extension), "number",
			 (json_int_t)device->number, "name",
			 agent_json_text(BYTES(device->name, device->name_len)), "state",
			 states[device->state], "since", agent_json_time(device->since_ms),
			 "release", release_json(agent, device->key), "this",
			 memcmp(device->key, status.device_key, LEDGER_KEY_LEN) == 0);
}

/* Whoever waits for something about a device is told if it is so. */
static void look(struct agent_client *client)
{
	struct agent *agent = client->agent;
	const struct ledger_device *device =
		ledger_device_by_key(talk_ledger(agent->talk), client->device_key);

	if (client->wait == AGENT_WAIT_DEVICE_ASKS) {
		if (talk_device_asks(agent->talk))
			agent_done(client, json_pack("{s:s}", "state", "asks"));
		return;
	}
	if (device != NULL &&
	    (client->wait == AGENT_WAIT_DEVICE_IN || device->state == LEDGER_DEVICE_REVOKED))
		agent_done(client, device_json(agent, device));
}

static bool waits(const struct agent_client *client)
{
	return client->wait == AGENT_WAIT_DEVICE_ASKS || client->wait == AGENT_WAIT_DEVICE_IN ||
	       client->wait == AGENT_WAIT_DEVICE_OUT;
}

void command_device_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (!waits(client))
			continue;
		if (event->type == TALK_EVENT_ACT_FAILED &&
		    client->wait != AGENT_WAIT_DEVICE_ASKS && event->extension == client->extension)
			agent_fail(client, event->err,
				   "refused: something else about this device was decided before "
				   "this");
		else
			look(client);
	}
}

void command_device_timeout(struct agent_client *client)
{
	talk_device_refuse(client->agent->talk);
	agent_fail(client, SOTTO_ERR_TOO_OLD, "no phone has shown this card within 10 minutes");
}

/* Nobody waits for a phone with this card any more. */
void command_device_client_gone(struct agent_client *client)
{
	if (client->wait == AGENT_WAIT_DEVICE_ASKS && client->agent->talk != NULL)
		talk_device_refuse(client->agent->talk);
}

void command_device_approve(struct agent_client *client, const json_t *arguments, int *descriptors,
			    size_t descriptors_count)
{
	struct agent *agent = client->agent;
	enum sotto_err err =
		talk_device_approve(agent->talk, agent_bytes(arguments, "code"), client->device_key,
				    os_clock_now_ns(), os_clock_utc_ms());

	(void)descriptors;
	(void)descriptors_count;
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_VERIFY)
		agent_fail(client, err,
			   "no phone that has shown the card has this code: mistyped, or it is "
			   "not the phone in your hand. Then let nobody in, and make another card");
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "no phone has shown the card yet");
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "no card is open on this phone: `sotto device add`");
	else if (err == SOTTO_ERR_AGAIN)
		agent_fail(client, err, "no link to the relay, or not all is read yet: try again");
	else if (err != SOTTO_OK)
		fail(client, err);
	if (err != SOTTO_OK)
		return;
	client->extension = own_member(agent)->extension;
	agent_client_wait(client, AGENT_WAIT_DEVICE_IN, LANDING_WAIT_MS);
}

/* Whose devices are meant; NULL: nobody's. */
static const struct ledger_member *member_given(const struct agent *agent, const json_t *arguments)
{
	if (json_object_get(arguments, "extension") == NULL)
		return own_member(agent);
	return ledger_member_by_extension(talk_ledger(agent->talk),
					  agent_extension(arguments, "extension"));
}

void command_device_list(struct agent_client *client, const json_t *arguments, int *descriptors,
			 size_t descriptors_count)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);
	const struct ledger_member *member = member_given(client->agent, arguments);

	(void)descriptors;
	(void)descriptors_count;
	if (member == NULL) {
		agent_fail(client, SOTTO_ERR_NOT_FOUND, "nobody has this extension here");
		return;
	}
	for (uint32_t i = 0; i < ledger_device_count(ledger); i++) {
		const struct ledger_device *device = ledger_device_at(ledger, i);

		if (device->member == member->id)
			agent_item(client, device_json(client->agent, device));
	}
	agent_done(client, NULL);
}

void command_device_remove(struct agent_client *client, const json_t *arguments, int *descriptors,
			   size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const struct ledger *ledger = talk_ledger(agent->talk);
	json_int_t number = json_integer_value(json_object_get(arguments, "number"));
	const struct ledger_member *member = member_given(agent, arguments);
	const struct ledger_device *device =
		member == NULL || number < 1 || number > UINT32_MAX
			? NULL
			: ledger_device_by_number(ledger, member->id, (uint32_t)number);
	enum sotto_err err = SOTTO_ERR_NOT_FOUND;

	(void)descriptors;
	(void)descriptors_count;
	if (device != NULL) {
		memcpy(client->device_key, device->key, LEDGER_KEY_LEN);
		client->extension = member->extension;
		err = talk_device_retire(agent->talk, member->extension, (uint32_t)number,
					 os_clock_now_ns(), os_clock_utc_ms());
		err = agent_commit(agent, err);
	}
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "no such device: see `sotto device list`");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err,
			   "not this phone itself, an admin's, or somebody's only one; a member "
			   "is taken out by `sotto revoke`");
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only its person or an admin can do this");
	else if (err != SOTTO_OK)
		fail(client, err);
	else
		agent_client_wait(client, AGENT_WAIT_DEVICE_OUT, LANDING_WAIT_MS);
}
