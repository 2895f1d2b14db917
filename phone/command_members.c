/* SPDX-License-Identifier: Apache-2.0 */
/* sotto members: who belongs to the network, and of one member how he came: who let him in, on whose approval. */
#include <string.h>

#include "os/clock.h"
#include "phone/act_words.h"
#include "phone/agent_json.h"

/* Has one of the member's devices this state? */
static bool has_device(const struct ledger *ledger, uint32_t id, enum ledger_device_state state)
{
	for (uint32_t i = 0; i < ledger_device_count(ledger); i++) {
		const struct ledger_device *device = ledger_device_at(ledger, i);

		if (device->member == id && device->state == state)
			return true;
	}
	return false;
}

static const char *state_of(const struct ledger *ledger, const struct ledger_member *member,
			    uint64_t now_ms)
{
	if (member->state == LEDGER_MEMBER_REVOKED)
		return "revoked";
	if (member->until_ms != 0 && now_ms >= member->until_ms)
		return "expired";
	if (member->suspended_ms != 0 && now_ms >= member->suspended_ms &&
	    now_ms - member->suspended_ms < LEDGER_SUSPEND_MS)
		return "suspended";
	if (ledger_unconfirmed(ledger) > 0 && !has_device(ledger, member->id, LEDGER_DEVICE_ACTIVE))
		return "unconfirmed";
	return "active";
}

static bool is_admin(const struct ledger *ledger, uint32_t id)
{
	for (uint32_t i = 0; i < ledger_admin_count(ledger); i++) {
		const struct ledger_device *device =
			ledger_device_by_key(ledger, ledger_admin_at(ledger, i));

		if (device != NULL && device->member == id)
			return true;
	}
	return false;
}

static json_t *member_json(const struct agent *agent, const struct ledger_member *member)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	json_t *object =
		json_pack("{s:o,s:s,s:s,s:o,s:I,s:b}", "extension",
			  agent_json_extension(agent, member->extension), "name", member->name,
			  "state", state_of(ledger, member, os_clock_utc_ms()), "since",
			  agent_json_time(member->since_ms), "devices", (json_int_t)member->devices,
			  "admin", is_admin(ledger, member->id));

	if (member->until_ms != 0)
		json_object_set_new(object, "until", agent_json_time(member->until_ms));
	return object;
}

/* Is this entry about a device of the member, or the invitation that brought one? */
static bool is_about(const struct ledger *ledger, uint32_t id, const struct ledger_entry *entry,
		     uint64_t invited)
{
	const struct ledger_device *device = NULL;
	union ledger_body body;

	if (ledger_body_decode(entry->act.action, entry->act.body, &body) != SOTTO_OK)
		return false;
	switch (entry->act.action) {
	case LEDGER_FOUND:
		device = ledger_device_by_key(ledger, body.found.device_key);
		break;
	case LEDGER_AUTHORISE:
		return invited != 0;
	case LEDGER_ENROL:
		device = ledger_device_by_key(ledger, body.enrol.device_key);
		break;
	case LEDGER_FURTHER:
		device = ledger_device_by_key(ledger, body.further.device_key);
		break;
	case LEDGER_CONFIRM:
	case LEDGER_REVOKE:
	case LEDGER_SUSPEND:
	case LEDGER_RETIRE:
		device = ledger_device_by_key(ledger, body.subject.device_key);
		break;
	case LEDGER_TERM:
		device = ledger_device_by_key(ledger, body.term.device_key);
		break;
	default:
		break;
	}
	return device != NULL && device->member == id;
}

/* Index of the invitation by which the member's first device came; 0: the founder's came by none. */
static uint64_t invitation_of(const struct ledger *ledger, uint32_t id)
{
	const struct ledger_device *device = ledger_device_by_number(ledger, id, 1);
	const struct ledger_invitation_entry *invitation;
	struct ledger_entry entry;
	union ledger_body body;

	if (device == NULL ||
	    ledger_entry_decode(ledger_entry_bytes(ledger, device->index), &entry) != SOTTO_OK ||
	    entry.act.action != LEDGER_ENROL ||
	    ledger_body_decode(LEDGER_ENROL, entry.act.body, &body) != SOTTO_OK)
		return 0;
	invitation = ledger_invitation_by_key(ledger, body.enrol.invitation_key);
	return invitation == NULL ? 0 : invitation->index;
}

/* All that was ever signed about him, in order. */
static json_t *story_json(const struct agent *agent, uint32_t id)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	uint64_t invited = invitation_of(ledger, id);
	json_t *story = json_array();

	for (uint64_t index = 0; index < ledger_length(ledger); index++) {
		struct ledger_entry entry;

		if (ledger_entry_decode(ledger_entry_bytes(ledger, index), &entry) == SOTTO_OK &&
		    is_about(ledger, id, &entry, index == invited ? invited : 0))
			json_array_append_new(story, act_words_entry(agent, index));
	}
	return story;
}

void command_members(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);
	uint32_t asked = agent_extension(arguments, "extension");
	bool any = false;

	(void)descriptors;
	(void)descriptors_count;
	for (uint32_t id = 1; id <= ledger_member_count(ledger); id++) {
		const struct ledger_member *member = ledger_member_by_id(ledger, id);
		json_t *object;

		if (member == NULL || (asked != 0 && member->extension != asked))
			continue;
		any = true;
		object = member_json(client->agent, member);
		if (asked != 0)
			json_object_set_new(object, "story", story_json(client->agent, id));
		agent_item(client, object);
	}
	if (asked != 0 && !any)
		agent_fail(client, SOTTO_ERR_NOT_FOUND, "nobody has extension %u here", asked);
	else
		agent_done(client, NULL);
}

json_t *command_member_words(const struct agent *agent, const struct ledger_member *member,
			     const char *words, uint64_t until_ms)
{
	json_t *extension = agent_json_extension(agent, member->extension);
	json_t *time = agent_json_time(until_ms);
	const char *text = json_string_value(time);
	json_t *line = json_sprintf("%s %s until %.10s %.5s UTC", json_string_value(extension),
				    words, text, text + 11);

	json_decref(extension);
	json_decref(time);
	return line;
}
