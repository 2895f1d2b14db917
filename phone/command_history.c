/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto device ask, give, stop, history: what was said before, from one device of a person to another.
 *
 *	device_ask   --> on the new device; done when it is stored
 *	device_give  --> on the old one, by its person: nothing else hands anything over
 *	device_stop, device_history --> on either
 */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

static const char *state_word(enum talk_hand_state state)
{
	switch (state) {
	case TALK_HAND_ASKED:
		return "asked";
	case TALK_HAND_UNDER_WAY:
		return "under_way";
	case TALK_HAND_DONE:
		return "done";
	case TALK_HAND_OVER:
		return "over";
	case TALK_HAND_NONE:
		break;
	}
	return "unknown";
}

static const struct ledger_device *own_device(const struct agent *agent, uint32_t number)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	const struct ledger_device *own;
	struct talk_status status;

	talk_status(agent->talk, &status);
	own = ledger_device_by_key(ledger, status.device_key);
	return own == NULL ? NULL : ledger_device_by_number(ledger, own->member, number);
}

static json_t *hand_json(const struct agent *agent, const struct talk_hand *hand)
{
	const struct ledger_device *device = own_device(agent, hand->number);
	uint64_t until_ms =
		hand->asked_ms + (hand->state == TALK_HAND_ASKED ? TALK_HAND_ASK_MS : TALK_HAND_MS);
	struct bytes name = device == NULL ? BYTES_NONE : BYTES(device->name, device->name_len);

	return json_pack(
		"{s:I,s:o,s:b,s:s,s:o,s:o,s:I,s:I,s:I}", "device", (json_int_t)hand->number, "name",
		agent_json_text(name), "gives", (int)hand->gives, "state", state_word(hand->state),
		"asked_at", agent_json_time(hand->asked_ms), "until", agent_json_time(until_ms),
		"messages", (json_int_t)hand->messages, "conversation",
		(json_int_t)hand->conversation, "conversations", (json_int_t)hand->conversations);
}

/* What there is with this device, in this direction; number 0: from whichever. */
static json_t *hand_find(const struct agent *agent, uint32_t number, bool gives)
{
	struct talk_hand hand;
	uint32_t cursor = 0;

	while (talk_hand_next(agent->talk, &cursor, &hand)) {
		if (hand.gives == gives && (number == 0 || hand.number == number))
			return hand_json(agent, &hand);
	}
	return NULL;
}

/* 0: none was given, or no number of a device. */
static uint32_t number_given(const json_t *arguments)
{
	json_int_t number = json_integer_value(json_object_get(arguments, "number"));

	return number < 1 || number > UINT32_MAX ? 0 : (uint32_t)number;
}

static void fail(struct agent_client *client, enum sotto_err err)
{
	if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else
		agent_fail(client, err, "%s", sotto_err_text(err));
}

void command_device_ask(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	struct agent *agent = client->agent;
	bool given = json_object_get(arguments, "number") != NULL;
	uint32_t number = number_given(arguments);
	enum sotto_err err = SOTTO_ERR_NOT_FOUND;

	(void)descriptors;
	(void)descriptors_count;
	if (!given || number != 0) {
		err = talk_hand_ask(agent->talk, number, os_clock_now_ns(), os_clock_utc_ms());
		err = agent_commit(agent, err);
	}
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err,
			   given ? "no such device of yours: see `sotto device list`"
				 : "you have no other device, or several: `sotto device list` "
				   "shows their numbers");
	else if (err == SOTTO_ERR_AGAIN)
		agent_fail(client, err, "this phone does not know yet how to reach it: try again");
	else if (err != SOTTO_OK)
		fail(client, err);
	else
		agent_done(client, hand_find(agent, number, false));
}

void command_device_give(struct agent_client *client, const json_t *arguments, int *descriptors,
			 size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t number = number_given(arguments);
	enum sotto_err err =
		talk_hand_give(agent->talk, number, os_clock_now_ns(), os_clock_utc_ms());

	(void)descriptors;
	(void)descriptors_count;
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err,
			   "this device has not asked for it, or has got it: on it, `sotto device "
			   "ask`");
	else if (err == SOTTO_ERR_TOO_OLD)
		agent_fail(client, err, "it asked more than 24 hours ago: let it ask again");
	else if (err != SOTTO_OK)
		fail(client, err);
	else
		agent_done(client, hand_find(agent, number, true));
}

void command_device_stop(struct agent_client *client, const json_t *arguments, int *descriptors,
			 size_t descriptors_count)
{
	struct agent *agent = client->agent;
	enum sotto_err err = talk_hand_stop(agent->talk, number_given(arguments), os_clock_now_ns(),
					    os_clock_utc_ms());

	(void)descriptors;
	(void)descriptors_count;
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err,
			   "nothing is asked or under way with this device: see `sotto device "
			   "history`");
	else if (err != SOTTO_OK)
		fail(client, err);
	else
		agent_done(client, NULL);
}

void command_device_history(struct agent_client *client, const json_t *arguments, int *descriptors,
			    size_t descriptors_count)
{
	struct agent *agent = client->agent;
	struct talk_hand hand;
	uint32_t cursor = 0;

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	while (talk_hand_next(agent->talk, &cursor, &hand))
		agent_item(client, hand_json(agent, &hand));
	agent_done(client, NULL);
}
