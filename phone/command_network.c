/* SPDX-License-Identifier: Apache-2.0 */
/* sotto found, invite, join, revoke, members, ledger, status: who the network is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "link/link.h"
#include "os/clock.h"
#include "phone/act_words.h"
#include "phone/agent.h"
#include "phone/agent_json.h"
#include "wire/relay_name.h"

#define FOUND_WAIT_MS	    30000
#define INVITE_WAIT_MS	    60000
#define INVITATION_VALID_MS (UINT64_C(72) * 3600 * 1000)
#define DIGITS_DEFAULT	    3
#define TERM_WARN_MS	    (UINT64_C(14) * 86400 * 1000) /* before a membership ends */
#define JOIN_DOUBT_MS	    30000 /* a sponsor who is online needs seconds */

static const char *state_word(enum talk_state state)
{
	switch (state) {
	case TALK_EMPTY:
		return "empty";
	case TALK_FOUNDING:
		return "founding";
	case TALK_JOINING:
		return "joining";
	case TALK_MEMBER:
		return "member";
	case TALK_REVOKED:
		return "revoked";
	case TALK_COPIED:
		return "copied";
	}
	return "unknown";
}

static void set_code(const struct agent *agent, json_t *object)
{
	char code[TALK_CODE_LEN + 1];

	if (talk_join_code(agent->talk, code))
		json_object_set_new(object, "code", agent_json_code(code));
}

static json_t *self_json(const struct agent *agent)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	const struct ledger_found *found = ledger_founding(ledger);
	struct talk_status status;

	talk_status(agent->talk, &status);
	return json_pack("{s:s,s:o,s:o}", "state", state_word(status.state), "network",
			 found != NULL ? agent_json_text(found->network_name) : json_string(""),
			 "extension", agent_json_extension(agent, status.extension));
}

/* A relay with a name can be looked up by the command only: it is asked to, once, while it waits. */
static void ask_to_resolve(struct agent_client *client)
{
	json_t *name = agent_relay_to_resolve(client->agent);

	if (name != NULL)
		agent_item(client, json_pack("{s:o}", "resolve", name));
}

/* The phone was given another way into a network: who waited for the one before is told. */
static void end_replaced(const struct agent_client *client, const struct talk_status *before)
{
	struct talk_status now;

	talk_status(client->agent->talk, &now);
	if ((before->state != TALK_JOINING && before->state != TALK_FOUNDING) ||
	    memcmp(before->device_key, now.device_key, LEDGER_KEY_LEN) == 0)
		return;
	list_for_each (place, following, &client->agent->clients) {
		struct agent_client *other = CONTAINER_OF(place, struct agent_client, place);

		if (other != client &&
		    (other->wait == AGENT_WAIT_JOIN || other->wait == AGENT_WAIT_FOUND))
			agent_fail(other, SOTTO_ERR_STATE,
				   "given up: this phone was given another way into a network");
	}
}

void command_found(struct agent_client *client, const json_t *arguments, int *descriptors,
		   size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const json_t *digits = json_object_get(arguments, "digits");
	json_int_t digits_count = digits != NULL ? json_integer_value(digits) : DIGITS_DEFAULT;
	struct wire_relay_name relay = {.has_claim = false};
	struct talk_found found = {
		.network_name = agent_bytes(arguments, "name"),
		.name = agent_bytes(arguments, "as"),
		/* What is out of range is refused there, 0 too. */
		.digits = digits_count > 0 && digits_count <= UINT8_MAX ? (uint8_t)digits_count : 0,
	};
	struct talk_status before;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	talk_status(agent->talk, &before);
	err = wire_relay_name_get(agent_bytes(arguments, "relay"), &relay);
	if (err != SOTTO_OK) {
		agent_fail(client, err,
			   "--relay is not what sottod printed (HOST:PORT#KEY), or mistyped");
		return;
	}
	if (!relay.has_claim) {
		agent_fail(client, SOTTO_ERR_DENIED,
			   "this relay has a network already: its name carries no claim");
		return;
	}
	found.relay_address = relay.address;
	memcpy(found.relay_key, relay.key, sizeof(found.relay_key));
	memcpy(found.claim, relay.claim, sizeof(found.claim));
	err = talk_found(agent->talk, &found, os_clock_now_ns(), os_clock_utc_ms());
	bytes_wipe(&relay, sizeof(relay));
	bytes_wipe(&found, sizeof(found));
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to a network already");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "a name has 1 to %d bytes of UTF-8, and digits are 3 to 5",
			   LEDGER_NAME_MAX);
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not founded: %s", sotto_err_text(err));
	else
		agent_client_wait(client, AGENT_WAIT_FOUND, FOUND_WAIT_MS);
	if (err == SOTTO_OK)
		end_replaced(client, &before);
	if (client->wait != AGENT_WAIT_NONE)
		ask_to_resolve(client);
}

static void tell_waiting(struct agent_client *client, const char *words)
{
	agent_item(client, json_pack("{s:s}", "waiting_for", words));
}

/* One that waits to be a member is told what it waits for, and when that changes. */
static void look_at_membership(struct agent_client *client)
{
	struct agent *agent = client->agent;
	struct talk_status status;
	int shown = agent->link_status.state == 3;

	talk_status(agent->talk, &status);
	if (status.state == TALK_MEMBER) {
		agent_done(client, self_json(agent));
	} else if (status.state == TALK_REVOKED) {
		agent_fail(client, SOTTO_ERR_DENIED, "this phone was revoked");
	} else if (status.state == TALK_EMPTY) {
		agent_fail(client, SOTTO_ERR_TOO_OLD,
			   "given up: the invitation's time is over; it was used or withdrawn, or "
			   "nobody who could let this phone in was online");
	} else if (client->wait == AGENT_WAIT_JOIN && shown != client->shown) {
		client->shown = shown;
		tell_waiting(client, shown ? "a member whose phone is online, to let this phone in"
					   : "a link to the relay");
		agent_client_wait(client, AGENT_WAIT_JOIN, JOIN_DOUBT_MS);
	}
}

void command_network_doubt(struct agent_client *client)
{
	char trouble[AGENT_TROUBLE_LEN];

	if (client->agent->link_status.state == 3)
		tell_waiting(client,
			     "a member whose phone is online, to let this phone in: perhaps none "
			     "is, or this invitation was used or withdrawn; another one takes its "
			     "place");
	else
		tell_waiting(client, agent_link_trouble(client->agent, trouble)
					     ? trouble
					     : "a link to the relay, still");
}

void command_network_link(struct agent *agent)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (agent->talk != NULL && client->wait == AGENT_WAIT_JOIN)
			look_at_membership(client);
	}
}

static json_t *joining_json(const struct agent *agent)
{
	json_t *object = self_json(agent);

	set_code(agent, object);
	return object;
}

/* Of a further device: its person has to type it on another one. */
static void tell_code(struct agent_client *client)
{
	json_t *object = json_object();

	set_code(client->agent, object);
	if (json_object_size(object) > 0)
		agent_item(client, object);
	else
		json_decref(object);
}

void command_join(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;
	struct talk_status before;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	talk_status(agent->talk, &before);
	err = talk_join(agent->talk, agent_bytes(arguments, "invitation"), os_clock_now_ns(),
			os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to a network already");
	else if (err == SOTTO_ERR_FORMAT || err == SOTTO_ERR_INVALID || err == SOTTO_ERR_LIMIT)
		agent_fail(client, err, "not an invitation (sotto:...), or mistyped");
	else if (err == SOTTO_ERR_VERSION)
		agent_fail(client, err, "an invitation of a newer sotto; use that one");
	else if (err == SOTTO_ERR_TOO_OLD)
		agent_fail(client, err, "this invitation has expired; ask for another one");
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not joined: %s", sotto_err_text(err));
	else if (json_is_false(json_object_get(arguments, "wait")))
		agent_done(client, joining_json(agent));
	else
		agent_client_wait(client, AGENT_WAIT_JOIN, 0);
	if (err == SOTTO_OK)
		end_replaced(client, &before);
	if (client->wait != AGENT_WAIT_NONE)
		ask_to_resolve(client);
	if (client->wait != AGENT_WAIT_NONE)
		tell_code(client);
	client->shown = -1;
	/* With the same invitation nothing changes that would tell it. */
	if (client->wait != AGENT_WAIT_NONE)
		look_at_membership(client);
}

static void fail_act(struct agent_client *client, enum sotto_err err, uint32_t extension)
{
	if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err, "extension %u is taken", extension);
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody has extension %u here", extension);
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err,
			   "an extension has this network's number of digits, a name 1 to %d bytes",
			   LEDGER_NAME_MAX);
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(
			client, err,
			"this network is full: %d devices, or as long a history as a newcomer can "
			"be sent",
			TALK_MEMBERS_MAX);
	else
		agent_fail(client, err, "%s", sotto_err_text(err));
}

/* What is out of range is refused there. */
static uint8_t places_of(const json_t *arguments)
{
	const json_t *devices = json_object_get(arguments, "devices");
	json_int_t count = devices != NULL ? json_integer_value(devices) : TALK_PLACES;

	return count > 0 && count <= UINT8_MAX ? (uint8_t)count : 0;
}

void command_invite(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t extension = agent_extension(arguments, "extension");
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	err = talk_invite_with(agent->talk, extension, agent_bytes(arguments, "name"),
			       places_of(arguments), INVITATION_VALID_MS, os_clock_now_ns(),
			       os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err != SOTTO_OK) {
		fail_act(client, err, extension);
		return;
	}
	client->extension = extension;
	agent_client_wait(client, AGENT_WAIT_INVITE, INVITE_WAIT_MS);
}

void command_revoke(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t extension = agent_extension(arguments, "extension");
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	err = talk_revoke(agent->talk, extension, os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_INVALID) {
		agent_fail(client, err,
			   "%u is an admin: first `sotto admin remove %u`, which the others see",
			   extension, extension);
		return;
	}
	if (err != SOTTO_OK) {
		fail_act(client, err, extension);
		return;
	}
	client->extension = extension;
	agent_client_wait(client, AGENT_WAIT_REVOKE, INVITE_WAIT_MS);
}

void command_ledger(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	for (uint64_t index = 0; index < ledger_length(ledger); index++)
		agent_item(client, act_words_entry(client->agent, index));
	agent_done(client, NULL);
}

/* What this phone does not send, and whose membership ends soon: for its person, and for admins all of them. */
static void members_problems(const struct agent *agent, json_t *problems, uint32_t own)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	uint64_t now_ms = os_clock_utc_ms();
	struct talk_status status;
	bool admin;

	talk_status(agent->talk, &status);
	admin = ledger_is_admin(ledger, status.device_key);
	for (uint32_t id = 1; id <= ledger_member_count(ledger); id++) {
		const struct ledger_member *member = ledger_member_by_id(ledger, id);

		if (member->state != LEDGER_MEMBER_ACTIVE)
			continue;
		if (member->suspended_ms != 0 && now_ms >= member->suspended_ms &&
		    now_ms - member->suspended_ms < LEDGER_SUSPEND_MS)
			json_array_append_new(
				problems,
				command_member_words(agent, member, "is suspended",
						     member->suspended_ms + LEDGER_SUSPEND_MS));
		if (member->until_ms > now_ms && member->until_ms - now_ms < TERM_WARN_MS &&
		    (admin || member->extension == own))
			json_array_append_new(problems,
					      command_member_words(agent, member, "is a member",
								   member->until_ms));
	}
}

static json_t *problems_json(const struct agent *agent, const struct talk_status *status)
{
	json_t *problems = json_array();
	char trouble[AGENT_TROUBLE_LEN];
	json_t *release;

	for (int problem = 0; problem < TALK_PROBLEM_COUNT; problem++) {
		if (problem == TALK_PROBLEM_STUCK && status->stuck_by != 0)
			json_array_append_new(
				problems,
				json_sprintf(
					"a conversation stands still: this phone cannot open a "
					"change that %" PRIu32 " made there",
					status->stuck_by));
		else if ((status->problems & 1u << problem) != 0)
			json_array_append_new(problems, json_string(talk_problem_text(
								(enum talk_problem)problem)));
	}
	members_problems(agent, problems, status->extension);
	if (agent_link_trouble(agent, trouble))
		json_array_append_new(problems, json_string(trouble));
	if ((release = agent_release_problem(agent)) != NULL)
		json_array_append_new(problems, release);
	if (!crypto_aes_is_constant_time())
		json_array_append_new(problems,
				      json_string("this processor has no AES instructions: another "
						  "program on this phone could learn keys"));
	return problems;
}

static json_t *sandbox_json(const struct agent *agent)
{
	char text[OS_SANDBOX_TEXT_LEN];

	os_sandbox_describe(&agent->sandbox, text);
	return json_pack("[s,s]", text, agent->link_sandbox);
}

/* Of a phone that waits to be confirmed: what its person reads out. */
static void set_confirm_code(const struct agent *agent, json_t *object, uint32_t extension)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	char code[TALK_CODE_LEN + 1];
	struct talk_status status;
	const struct ledger_device *own;

	talk_status(agent->talk, &status);
	own = ledger_device_by_key(ledger, status.device_key);
	if (own != NULL && own->state == LEDGER_DEVICE_UNCONFIRMED &&
	    talk_confirm_words(agent->talk, extension, code) == SOTTO_OK)
		json_object_set_new(object, "confirm_code", agent_json_code(code));
}

static json_t *status_json(const struct agent *agent)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	uint64_t length = ledger_length(ledger);
	struct talk_status status;
	struct talk_link link;
	json_t *object = self_json(agent);
	json_t *relay = json_null();

	talk_status(agent->talk, &status);
	if (talk_link(agent->talk, &link) == SOTTO_OK) {
		json_decref(relay);
		relay = agent_json_text(link.relay_address);
		bytes_wipe(&link, sizeof(link));
	}
	json_object_set_new(object, "relay", relay);
	json_object_set_new(object, "connected", json_boolean(agent->link_status.state == 3));
	json_object_set_new(object, "ledger_length", json_integer((json_int_t)length));
	json_object_set_new(object, "ledger_head",
			    agent_json_hex(BYTES(ledger_head(ledger, length), LEDGER_HASH_LEN)));
	json_object_set_new(object, "current", json_boolean(status.current));
	json_object_set_new(object, "queued", json_integer(status.queued));
	json_object_set_new(object, "unacknowledged", json_integer(status.unacknowledged));
	json_object_set_new(object, "discarded", json_integer((json_int_t)status.discarded));
	json_object_set_new(object, "receipts", json_boolean(status.tells_read));
	json_object_set_new(object, "release", agent_release_json(agent));
	json_object_set_new(object, "admins", json_integer(ledger_admin_count(ledger)));
	json_object_set_new(object, "threshold", json_integer(ledger_threshold(ledger)));
	set_confirm_code(agent, object, status.extension);
	json_object_set_new(object, "problems", problems_json(agent, &status));
	json_object_set_new(object, "sandbox", sandbox_json(agent));
	return object;
}

void command_status(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct agent *agent = client->agent;

	if (agent_locked(agent))
		agent_done(client, json_pack("{s:s,s:b}", "vault", "locked", "connected",
					     agent->link_status.state == 3));
	else if (agent->talk == NULL)
		command_hello(client, arguments, descriptors, descriptors_count);
	else
		agent_done(client, status_json(agent));
}

static void invited(struct agent_client *client, const struct talk_event *event)
{
	json_t *card = agent_card_json(client->agent, event->extension);

	if (card != NULL)
		agent_done(client, card);
}

static void look_at_revocation(struct agent_client *client)
{
	const struct ledger_member *member =
		ledger_member_by_extension(talk_ledger(client->agent->talk), client->extension);

	if (member != NULL && member->state == LEDGER_MEMBER_REVOKED)
		agent_done(client, json_pack("{s:o,s:s}", "extension",
					     agent_json_extension(client->agent, client->extension),
					     "state", "revoked"));
}

/* The entry was taken here and stands where it does not apply: another one came before it. */
static void fail_landed(struct agent_client *client, const struct talk_event *event)
{
	if (event->err == SOTTO_ERR_EXISTS || event->err == SOTTO_ERR_DENIED ||
	    event->err == SOTTO_ERR_NOT_FOUND)
		fail_act(client, event->err, event->extension);
	else
		agent_fail(client, event->err,
			   "refused: something else about extension %u was decided before this",
			   event->extension);
}

static void tell_client(struct agent_client *client, const struct talk_event *event)
{
	switch (client->wait) {
	case AGENT_WAIT_FOUND:
	case AGENT_WAIT_JOIN:
		look_at_membership(client);
		return;
	case AGENT_WAIT_INVITE:
		if (event->type == TALK_EVENT_PROPOSAL && event->own &&
		    event->proposal == TALK_PROPOSAL_MADE)
			command_admin_proposed(client, event);
		if (event->type == TALK_EVENT_INVITED && event->extension == client->extension)
			invited(client, event);
		break;
	case AGENT_WAIT_REVOKE:
		if (event->type == TALK_EVENT_PROPOSAL && event->own &&
		    event->proposal == TALK_PROPOSAL_MADE)
			command_admin_proposed(client, event);
		if (event->type == TALK_EVENT_MEMBERS)
			look_at_revocation(client);
		break;
	case AGENT_WAIT_NONE:
	case AGENT_WAIT_ADMINS:
	case AGENT_WAIT_SUSPEND:
	case AGENT_WAIT_RELEASE:
	case AGENT_WAIT_CONFIRM:
	case AGENT_WAIT_TERM:
	case AGENT_WAIT_POLICY:
	case AGENT_WAIT_INVITE_MANY:
	case AGENT_WAIT_SEND:
	case AGENT_WAIT_GROUP:
	case AGENT_WAIT_DEVICE_ASKS:
	case AGENT_WAIT_DEVICE_IN:
	case AGENT_WAIT_DEVICE_OUT:
	case AGENT_WAIT_READ:
	case AGENT_WAIT_FOLLOW:
	case AGENT_WAIT_RING:
	case AGENT_WAIT_CALL:
		return;
	}
	if (event->type == TALK_EVENT_ACT_FAILED && event->extension == client->extension)
		fail_landed(client, event);
}

void command_network_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients)
		tell_client(CONTAINER_OF(place, struct agent_client, place), event);
}
