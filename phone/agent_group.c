/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups as clients name them and see them.
 *
 * What is meant for one conversation must never go into another one. So a group is an argument of its own, beside
 * that of a person; and what names it has to fit one group alone of all that this phone knows, also of those that
 * it is not in any more: who takes this phone out of a group and into another one of the same name gets nothing.
 */
#include <string.h>

#include "base/hex.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

#define ID_DIGITS	(2 * TALK_CONVERSATION_ID_LEN)
#define ID_DIGITS_MIN	4   /* as those of messages */
#define CANDIDATES_LEN	160 /* of the ids that are told where several groups fit */
#define CANDIDATE_SHOWN 8   /* digits of each */

/* All digits of an id name its group and no other, whatever others are called. */
static bool fits(const struct talk_group_info *info, const char *given)
{
	char digits[ID_DIGITS + 1];
	size_t len = strlen(given);
	bool is_id = len >= ID_DIGITS_MIN && len <= ID_DIGITS &&
		     strspn(given, "0123456789abcdef") == len;

	hex_encode(BYTES_OF(info->id), digits);
	if (is_id && strncmp(digits, given, len) == 0)
		return true;
	return !(is_id && len == ID_DIGITS) && bytes_equal(info->name, BYTES(given, len));
}

static void candidate_add(char candidates[CANDIDATES_LEN], const struct talk_group_info *info)
{
	size_t len = strlen(candidates);
	char digits[ID_DIGITS + 1];

	if (len + 2 + CANDIDATE_SHOWN >= CANDIDATES_LEN)
		return;
	hex_encode(BYTES_OF(info->id), digits);
	digits[CANDIDATE_SHOWN] = '\0';
	if (len > 0)
		memcpy(candidates + len, ", ", 3);
	memcpy(candidates + strlen(candidates), digits, CANDIDATE_SHOWN + 1);
}

bool agent_group_find(struct agent_client *client, const char *given, uint8_t *id)
{
	char candidates[CANDIDATES_LEN] = "";
	struct talk_group_info info;
	uint64_t cursor = 0;
	size_t found = 0;

	while (talk_next_group(client->agent->talk, &cursor, &info)) {
		if (!fits(&info, given))
			continue;
		if (found++ == 0)
			memcpy(id, info.id, TALK_CONVERSATION_ID_LEN);
		candidate_add(candidates, &info);
	}
	if (found == 0)
		agent_fail(
			client, SOTTO_ERR_NOT_FOUND,
			"no group of this phone is called so, or has an id that begins so: %.64s",
			given);
	else if (found > 1)
		agent_fail(client, SOTTO_ERR_EXISTS, "%zu groups fit %.64s: give an id (%s)", found,
			   given, candidates);
	return found == 1;
}

bool agent_conversation_given(const json_t *arguments, const char *person)
{
	return json_object_get(arguments, "group") != NULL ||
	       json_object_get(arguments, person) != NULL;
}

bool agent_conversation(struct agent_client *client, const json_t *arguments, const char *person,
			struct talk_conversation *conversation)
{
	const char *group = agent_text(arguments, "group");

	if (group == NULL) {
		*conversation = talk_with(agent_extension(arguments, person));
		return true;
	}
	conversation->kind = TALK_GROUP;
	conversation->extension = 0;
	return agent_group_find(client, group, conversation->id);
}

json_t *agent_group_name_json(const struct agent *agent, const uint8_t *id)
{
	struct talk_group_info info;

	if (!talk_group_get(agent->talk, id, &info))
		return NULL;
	return json_pack("{s:o,s:o}", "id", agent_json_hex(BYTES_OF(info.id)), "name",
			 agent_json_text(info.name));
}

const char *agent_membership(enum talk_membership state)
{
	switch (state) {
	case TALK_IN:
		return "in";
	case TALK_COMING:
		return "coming";
	case TALK_GOING:
		return "going";
	case TALK_OUT:
		return "out";
	}
	return "unknown";
}

json_t *agent_group_json(const struct talk_group_info *info)
{
	return json_pack("{s:o,s:o,s:s,s:I,s:I,s:I,s:b,s:b}", "id",
			 agent_json_hex(BYTES_OF(info->id)), "name", agent_json_text(info->name),
			 "state", agent_membership(info->state), "devices",
			 (json_int_t)info->devices, "epoch", (json_int_t)info->epoch, "wanted",
			 (json_int_t)info->wanted, "blocked", info->blocked, "stuck", info->stuck);
}

struct listing {
	const struct agent *agent;
	json_t *members;
};

static void member_add(void *context, uint32_t extension, enum talk_membership state)
{
	const struct listing *listing = context;
	const struct ledger_member *member =
		ledger_member_by_extension(talk_ledger(listing->agent->talk), extension);

	json_array_append_new(listing->members,
			      json_pack("{s:o,s:s,s:s}", "extension",
					agent_json_extension(listing->agent, extension), "name",
					member != NULL ? member->name : "", "state",
					agent_membership(state)));
}

json_t *agent_group_members_json(const struct agent *agent, const uint8_t *id)
{
	struct listing listing = {.agent = agent, .members = json_array()};
	struct talk_group_info info;
	json_t *object = talk_group_get(agent->talk, id, &info) ? agent_group_json(&info) : NULL;

	if (object == NULL || listing.members == NULL ||
	    talk_group_members(agent->talk, id, member_add, &listing) != SOTTO_OK) {
		json_decref(listing.members);
		json_decref(object);
		return NULL;
	}
	json_object_set_new(object, "members", listing.members);
	return object;
}
