/* SPDX-License-Identifier: Apache-2.0 */
/* What people do in groups, and to messages that were written. Rows of the table in act.c. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"

#define REACTIONS 5
#define ADDED_MAX 4

static struct talk_conversation group_of(const struct sim_world *world, uint32_t group)
{
	struct talk_conversation conversation = {.kind = TALK_GROUP};

	memcpy(conversation.id, world->groups[group].id, sizeof(conversation.id));
	return conversation;
}

struct membership {
	struct sim_world *world;
	uint64_t in;
};

static void member_note(void *context, uint32_t extension, enum talk_membership state)
{
	struct membership *membership = context;
	const struct sim_phone *phone = sim_world_by_extension(membership->world, extension);

	if (phone != NULL && state == TALK_IN)
		membership->in |= sim_bit(phone->number);
}

uint64_t sim_act_members(const struct sim_phone *phone, uint32_t group)
{
	struct membership membership = {.world = phone->world};

	if (talk_group_members(phone->talk, phone->world->groups[group].id, member_note,
			       &membership) != SOTTO_OK)
		return 0;
	return membership.in;
}

/* A group in which somebody is who is on; false: none of those drawn. */
static bool group_draw(struct sim_world *world, struct sim_entry *entry, uint32_t *group,
		       struct sim_phone **phone)
{
	for (int i = 0; i < 8 && world->group_count > 0; i++) {
		*group = (uint32_t)sim_random_below(&entry->random, world->group_count);
		*phone = sim_act_somebody(world, entry);
		if (*phone != NULL && (*phone)->revoked_ns == 0 &&
		    (sim_act_members(*phone, *group) & sim_bit((*phone)->person)) != 0)
			return true;
	}
	return false;
}

/* What the engine would not take is no step of it. */
static void asked(struct sim_phone *phone, enum sotto_err err)
{
	if (err != SOTTO_OK && err != SOTTO_ERR_NO_MEMORY)
		phone->world->totals.refused++;
	sim_phone_settle(phone, err);
}

static size_t people_draw(struct sim_world *world, struct sim_entry *entry,
			  const struct sim_phone *phone, uint32_t *extensions)
{
	size_t count = 1 + sim_random_below(&entry->random, ADDED_MAX);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t number = (uint32_t)sim_random_below(&entry->random, world->person_count);

		if (number != phone->person && sim_person_stays(world, number))
			extensions[kept++] = sim_world_extension(world, number);
	}
	return kept;
}

void sim_act_group_create(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	uint32_t extensions[ADDED_MAX];
	struct sim_group *group = &world->groups[world->group_count];
	size_t count;
	enum sotto_err err;

	if (phone == NULL || phone->revoked_ns != 0 || world->group_count == SIM_GROUPS_MAX)
		return;
	count = people_draw(world, entry, phone, extensions);
	err = talk_group_create(phone->talk, BYTES_TEXT("Harbour"), extensions, count, group->id,
				sim_phone_now(phone), sim_phone_utc(phone));
	if (err == SOTTO_OK)
		world->group_count++;
	sim_trace(world, "%u makes a group of %zu", phone->number, count);
	asked(phone, err);
}

void sim_act_group_add(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone;
	uint32_t extensions[ADDED_MAX];
	uint32_t group;
	size_t count;

	if (!group_draw(world, entry, &group, &phone))
		return;
	count = people_draw(world, entry, phone, extensions);
	if (count == 0)
		return;
	sim_trace(world, "%u adds %zu to group %u", phone->number, count, group);
	asked(phone, talk_group_add(phone->talk, world->groups[group].id, extensions, count,
				    sim_phone_now(phone), sim_phone_utc(phone)));
}

void sim_act_group_remove(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone;
	uint32_t group, extension;
	uint32_t number = (uint32_t)sim_random_below(&entry->random, world->person_count);

	if (!group_draw(world, entry, &group, &phone) || number == phone->person ||
	    (sim_act_members(phone, group) & sim_bit(number)) == 0)
		return;
	extension = sim_world_extension(world, number);
	sim_trace(world, "%u removes %u from group %u", phone->number, number, group);
	asked(phone, talk_group_remove(phone->talk, world->groups[group].id, &extension, 1,
				       sim_phone_now(phone), sim_phone_utc(phone)));
}

void sim_act_group_leave(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone;
	uint32_t group;

	if (!group_draw(world, entry, &group, &phone))
		return;
	sim_trace(world, "%u leaves group %u", phone->number, group);
	asked(phone, talk_group_leave(phone->talk, world->groups[group].id, sim_phone_now(phone),
				      sim_phone_utc(phone)));
}

void sim_act_group_rename(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone;
	uint32_t group;
	char name[32];
	int len = snprintf(name, sizeof(name), "Harbour %zu", entry->number);

	if (!group_draw(world, entry, &group, &phone))
		return;
	asked(phone,
	      talk_group_rename(phone->talk, world->groups[group].id, BYTES(name, (size_t)len),
				sim_phone_now(phone), sim_phone_utc(phone)));
}

void sim_act_group_text(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone;
	struct talk_conversation conversation;
	uint32_t group;

	if (!group_draw(world, entry, &group, &phone))
		return;
	conversation = group_of(world, group);
	sim_act_write(world, entry, phone, &conversation, UINT32_MAX, group);
}

/* ---- To messages that are there ---- */

/* A text and its conversation as this phone sees it; own: that it wrote itself. */
static struct sim_text *text_draw(struct sim_world *world, struct sim_entry *entry, bool own,
				  struct sim_phone **phone, struct talk_conversation *conversation)
{
	for (int i = 0; i < 16 && world->text_count > 0; i++) {
		struct sim_text *text =
			&world->texts[sim_random_below(&entry->random, world->text_count)];
		uint32_t from = world->phones[text->from].person;
		uint32_t who =
			own || text->to == UINT32_MAX || sim_random_chance(&entry->random, 500000)
				? from
				: text->to;

		*phone = sim_person_draw(world, entry, who);
		if (*phone == NULL || !sim_phone_ready(*phone) || (*phone)->locked)
			continue;
		*conversation = text->to == UINT32_MAX
					? group_of(world, text->group)
					: talk_with(sim_world_extension(
						  world, who == from ? text->to : from));
		return text;
	}
	return NULL;
}

void sim_act_edit(struct sim_world *world, struct sim_entry *entry)
{
	struct talk_conversation conversation;
	struct sim_phone *phone;
	struct sim_text *text = text_draw(world, entry, true, &phone, &conversation);
	char body[48];
	int len;

	if (text == NULL)
		return;
	len = snprintf(body, sizeof(body), "%zu says %zu", (size_t)(text - world->texts),
		       entry->number);
	asked(phone, talk_edit(phone->talk, &conversation, text->id, BYTES(body, (size_t)len),
			       sim_phone_now(phone), sim_phone_utc(phone)));
}

void sim_act_delete(struct sim_world *world, struct sim_entry *entry)
{
	struct talk_conversation conversation;
	struct sim_phone *phone;
	struct sim_text *text = text_draw(world, entry, true, &phone, &conversation);

	if (text == NULL)
		return;
	text->taken_back = true;
	asked(phone, talk_delete(phone->talk, &conversation, text->id, sim_phone_now(phone),
				 sim_phone_utc(phone)));
}

void sim_act_react(struct sim_world *world, struct sim_entry *entry)
{
	static const char *const reactions[REACTIONS] = {"", "+", "-", "!", "?"};
	const char *reaction = reactions[sim_random_below(&entry->random, REACTIONS)];
	struct talk_conversation conversation;
	struct sim_phone *phone;
	struct sim_text *text = text_draw(world, entry, false, &phone, &conversation);

	if (text == NULL)
		return;
	asked(phone,
	      talk_react(phone->talk, &conversation, text->id, BYTES(reaction, strlen(reaction)),
			 sim_phone_now(phone), sim_phone_utc(phone)));
}

/* Whether this phone says what was read. */
void sim_act_tell_read(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	bool tells = sim_random_chance(&entry->random, 500000);

	if (phone == NULL || phone->locked)
		return;
	asked(phone,
	      talk_tell_read(phone->talk, tells, sim_phone_now(phone), sim_phone_utc(phone)));
}
