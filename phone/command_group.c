/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto group create, list, show, rename, add, remove, leave.
 *
 * What is asked of a group is a wish, which is in the store at once and comes true by a commit. The client waits for
 * that for as long as for a message to be stored, and is then shown the group as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

struct people {
	uint32_t *extensions;
	size_t count;
};

/* To be freed. False: the client was told why not. */
static bool people_of(struct agent_client *client, const json_t *arguments, struct people *people)
{
	const json_t *list = json_object_get(arguments, "members");
	size_t count = json_array_size(list);

	*people = (struct people){.count = count};
	if (count > TALK_MEMBERS_MAX) {
		agent_fail(client, SOTTO_ERR_LIMIT, "a group has at most %d devices",
			   TALK_MEMBERS_MAX);
		return false;
	}
	people->extensions = calloc(count + 1, sizeof(*people->extensions));
	if (people->extensions == NULL) {
		agent_fail(client, SOTTO_ERR_NO_MEMORY, "%s", sotto_err_text(SOTTO_ERR_NO_MEMORY));
		return false;
	}
	for (size_t i = 0; i < count; i++)
		people->extensions[i] = agent_extension_of(json_array_get(list, i));
	return true;
}

/* Nobody could name it: the command would take it for an extension. */
static bool name_fits(struct agent_client *client, const json_t *arguments)
{
	if (agent_extension_of(json_object_get(arguments, "name")) == 0)
		return true;
	agent_fail(client, SOTTO_ERR_INVALID,
		   "a group is not called a number of 1 to 5 digits: "
		   "that is an extension");
	return false;
}

/* Of these people the first one who is nobody, or whom no group may hold. */
static uint32_t unknown_among(const struct agent *agent, const struct people *people)
{
	for (size_t i = 0; i < people->count; i++) {
		if (ledger_member_by_extension(talk_ledger(agent->talk), people->extensions[i]) ==
		    NULL)
			return people->extensions[i];
	}
	return 0;
}

static uint32_t refused_among(const struct agent *agent, const struct people *people)
{
	const struct ledger *ledger = talk_ledger(agent->talk);

	for (size_t i = 0; i < people->count; i++) {
		const struct ledger_member *member =
			ledger_member_by_extension(ledger, people->extensions[i]);
		bool any = false;

		for (uint32_t k = 0; member != NULL && k < ledger_device_count(ledger); k++) {
			const struct ledger_device *device = ledger_device_at(ledger, k);

			any = any || (device->member == member->id &&
				      ledger_allows_leaf(ledger, device->key, true));
		}
		if (!any)
			return people->extensions[i];
	}
	return 0;
}

struct sought {
	uint32_t extension;
	bool found;
};

static void seek(void *context, uint32_t extension, enum talk_membership state)
{
	struct sought *sought = context;

	(void)state;
	sought->found = sought->found || sought->extension == extension;
}

static uint32_t absent_among(const struct agent *agent, const uint8_t *id,
			     const struct people *people)
{
	for (size_t i = 0; i < people->count; i++) {
		struct sought sought = {.extension = people->extensions[i]};

		if (talk_group_members(agent->talk, id, seek, &sought) == SOTTO_OK && !sought.found)
			return sought.extension;
	}
	return 0;
}

/* Why it was refused; id NULL: of a group that there is not. */
static void fail(struct agent_client *client, const uint8_t *id, const struct people *people,
		 enum sotto_err err)
{
	const struct agent *agent = client->agent;
	struct talk_group_info info;

	/* A step that could not be stored; it is loaded again. */
	if (agent->talk == NULL)
		agent_fail(client, err, "not done: %s", sotto_err_text(err));
	else if (err == SOTTO_ERR_NOT_FOUND && unknown_among(agent, people) != 0)
		agent_fail(client, err, "nobody has extension %u here",
			   unknown_among(agent, people));
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "%u is not in this group",
			   id != NULL ? absent_among(agent, id, people) : 0);
	else if (err == SOTTO_ERR_DENIED && id != NULL && talk_group_get(agent->talk, id, &info) &&
		 info.state != TALK_IN)
		agent_fail(client, err, "this phone is %s",
			   info.state == TALK_GOING ? "leaving this group"
						    : "not in this group any more");
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "%u is revoked or not confirmed",
			   refused_among(agent, people));
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err,
			   "this phone is in its groups anyhow: leave its own extension out");
	else if (err == SOTTO_ERR_INVALID && people->count > 0 && id != NULL)
		agent_fail(client, err, "to go oneself: `sotto group leave`");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err,
			   "a group's name has 1 to %d bytes of UTF-8, without "
			   "controls",
			   TALK_GROUP_NAME_MAX);
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err, "a group has at most %d devices", TALK_MEMBERS_MAX);
	else if (err == SOTTO_ERR_SPACE)
		agent_fail(client, SOTTO_ERR_LIMIT,
			   "this phone is in %d groups, and more do not fit", TALK_GROUPS_MAX);
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else
		agent_fail(client, err, "not done: %s", sotto_err_text(err));
}

static void tell(struct agent_client *client)
{
	agent_done(client, agent_group_members_json(client->agent, client->group));
}

/* Has it come about? True: the client was told. */
static bool look(struct agent_client *client)
{
	struct talk_group_info info;

	if (!talk_group_get(client->agent->talk, client->group, &info))
		return false;
	/* Somebody took it out before. */
	if (info.state == TALK_OUT && !client->leaves) {
		agent_fail(client, SOTTO_ERR_DENIED, "this phone is not in this group any more");
		return true;
	}
	if (client->leaves ? info.state != TALK_OUT : info.wanted > 0)
		return false;
	tell(client);
	return true;
}

/* The wish is in the store, or was refused. */
static void finish(struct agent_client *client, const uint8_t *id, const struct people *people,
		   enum sotto_err err)
{
	err = agent_commit(client->agent, err);
	if (err != SOTTO_OK) {
		fail(client, id, people, err);
		return;
	}
	memcpy(client->group, id, sizeof(client->group));
	if (!look(client))
		agent_client_wait(client, AGENT_WAIT_GROUP,
				  client->agent->link_status.state == 3 ? AGENT_SEND_WAIT_MS : 1);
}

void command_group_create(struct agent_client *client, const json_t *arguments, int *descriptors,
			  size_t descriptors_count)
{
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	struct people people;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	if (!name_fits(client, arguments) || !people_of(client, arguments, &people))
		return;
	err = talk_group_create(client->agent->talk, agent_bytes(arguments, "name"),
				people.extensions, people.count, id, os_clock_now_ns(),
				os_clock_utc_ms());
	client->leaves = false;
	finish(client, err == SOTTO_OK ? id : NULL, &people, err);
	free(people.extensions);
}

typedef enum sotto_err people_fn(struct talk *talk, const uint8_t *id, const uint32_t *extensions,
				 size_t count, uint64_t now_ns, uint64_t utc_ms);

static void change_people(struct agent_client *client, const json_t *arguments, people_fn *change)
{
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	struct people people;

	if (json_array_size(json_object_get(arguments, "members")) == 0) {
		agent_fail(client, SOTTO_ERR_ARGUMENT, "whom?");
		return;
	}
	if (!agent_group_find(client, agent_text(arguments, "group"), id) ||
	    !people_of(client, arguments, &people))
		return;
	client->leaves = false;
	finish(client, id, &people,
	       change(client->agent->talk, id, people.extensions, people.count, os_clock_now_ns(),
		      os_clock_utc_ms()));
	free(people.extensions);
}

void command_group_add(struct agent_client *client, const json_t *arguments, int *descriptors,
		       size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	change_people(client, arguments, talk_group_add);
}

void command_group_remove(struct agent_client *client, const json_t *arguments, int *descriptors,
			  size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	change_people(client, arguments, talk_group_remove);
}

void command_group_rename(struct agent_client *client, const json_t *arguments, int *descriptors,
			  size_t descriptors_count)
{
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	struct people nobody = {0};

	(void)descriptors;
	(void)descriptors_count;
	if (!name_fits(client, arguments) ||
	    !agent_group_find(client, agent_text(arguments, "group"), id))
		return;
	client->leaves = false;
	finish(client, id, &nobody,
	       talk_group_rename(client->agent->talk, id, agent_bytes(arguments, "name"),
				 os_clock_now_ns(), os_clock_utc_ms()));
}

void command_group_leave(struct agent_client *client, const json_t *arguments, int *descriptors,
			 size_t descriptors_count)
{
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	struct people nobody = {0};

	(void)descriptors;
	(void)descriptors_count;
	if (!agent_group_find(client, agent_text(arguments, "group"), id))
		return;
	client->leaves = true;
	finish(client, id, &nobody,
	       talk_group_leave(client->agent->talk, id, os_clock_now_ns(), os_clock_utc_ms()));
}

void command_group_list(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	struct talk_group_info info;
	uint64_t cursor = 0;

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	while (talk_next_group(client->agent->talk, &cursor, &info))
		agent_item(client, agent_group_json(&info));
	agent_done(client, NULL);
}

void command_group_show(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	if (agent_group_find(client, agent_text(arguments, "group"), client->group))
		tell(client);
}

void command_group_timeout(struct agent_client *client)
{
	if (client->agent->talk != NULL)
		tell(client);
	else
		agent_fail(client, SOTTO_ERR_AGAIN,
			   "not done in time; it goes on by itself, see `sotto group show`");
}

void command_group_look(struct agent *agent)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client->wait == AGENT_WAIT_GROUP)
			(void)look(client);
	}
}

void command_group_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);
		struct talk_group_info info;

		if (client->wait != AGENT_WAIT_GROUP ||
		    memcmp(client->group, event->conversation.id, sizeof(client->group)) != 0)
			continue;
		if (event->err == SOTTO_ERR_INVALID)
			agent_fail(client, event->err,
				   "%u cannot be added: what that phone announced of its keys does "
				   "not fit this group",
				   event->extension);
		else if (talk_group_get(agent->talk, client->group, &info) &&
			 info.state == TALK_OUT)
			(void)look(client);
		else
			agent_fail(client, event->err,
				   "%u cannot be added: the network has no device of that member "
				   "any more",
				   event->extension);
	}
}
