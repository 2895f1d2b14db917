/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People with several devices. Rows of the table in act.c.
 *
 *   add       card on one phone --> the new one shows a code --> typed into the one --> member, or both begin again
 *   history   one asks another one of the same person, which says yes
 *   lose      one lies in a river, and is taken out by another one
 *   retire    one is taken out while it is on, and writes on
 *
 * A person sees all phones that are his own, so what is done on one may depend on another one.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"
#include "talk/state.h"

#define AGAIN_NS  (20 * SIM_SECOND)
#define RETIRE_NS (2 * SIM_MINUTE)
#define HAND_NS	  SIM_MINUTE

bool sim_phone_stays(const struct sim_phone *phone)
{
	return phone->was_member && phone->revoked_ns == 0 && phone->state != SIM_PHONE_LOST;
}

bool sim_person_stays(const struct sim_world *world, uint32_t person)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (world->phones[i].person == person && sim_phone_stays(&world->phones[i]))
			return true;
	}
	return false;
}

uint64_t sim_person_phones(const struct sim_world *world, uint32_t person)
{
	uint64_t phones = 0;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (world->phones[i].person == person)
			phones |= sim_bit(i);
	}
	return phones;
}

struct sim_phone *sim_person_draw(struct sim_world *world, struct sim_entry *entry, uint32_t person)
{
	struct sim_phone *drawn = NULL;
	uint32_t count = 0, ready = 0;

	for (uint32_t i = 0; i < world->phone_count; i++)
		count += world->phones[i].person == person;
	if (count == 1)
		return &world->phones[person];
	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		if (phone->person == person && sim_phone_ready(phone) &&
		    sim_random_below(&entry->random, ++ready) == 0)
			drawn = phone;
	}
	return drawn;
}

void sim_person_revoked(struct sim_world *world, uint32_t person, uint64_t when_ns)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (world->phones[i].person == person && world->phones[i].revoked_ns == 0)
			world->phones[i].revoked_ns = when_ns;
	}
}

/* Another phone of the same person, which stays there. */
static struct sim_phone *sibling(const struct sim_phone *phone, bool ready)
{
	struct sim_world *world = phone->world;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *other = &world->phones[i];

		if (other != phone && other->person == phone->person && sim_phone_stays(other) &&
		    (!ready || sim_phone_ready(other)))
			return other;
	}
	return NULL;
}

/* ---- Out ---- */

/* Another one of the same person takes it out, or the admin does; again until it is done. */
static void retire(void *context)
{
	struct sim_phone *phone = context;
	struct sim_world *world = phone->world;
	struct sim_phone *by = sibling(phone, true);
	const struct ledger_device *device;
	enum sotto_err err;

	if (by == NULL && sim_phone_ready(&world->phones[0]))
		by = &world->phones[0];
	if (by != NULL) {
		device = ledger_device_by_key(talk_ledger(by->talk), phone->retired);
		if (device != NULL && device->state == LEDGER_DEVICE_REVOKED)
			return;
		if (device != NULL) {
			err = talk_device_retire(
				by->talk, sim_world_extension(world, phone->person), device->number,
				sim_phone_now(by), sim_phone_utc(by));
			sim_phone_settle(by, err);
		}
	}
	sim_world_at(world, &phone->retire, sim_world_now(world) + RETIRE_NS);
}

static void retire_soon(struct sim_phone *phone, const uint8_t *key, uint64_t when_ns)
{
	memcpy(phone->retired, key, LEDGER_KEY_LEN);
	phone->retire.run = retire;
	phone->retire.context = phone;
	sim_world_at(phone->world, &phone->retire, when_ns);
}

/* One of several of somebody's, but not of the admin's: an admin's devices nobody takes out. */
static struct sim_phone *victim(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *drawn = NULL;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		if (phone->person != 0 && sim_phone_stays(phone) && sibling(phone, false) != NULL &&
		    sim_random_below(&entry->random, ++seen) == 0)
			drawn = phone;
	}
	return drawn;
}

void sim_act_device_lose(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = victim(world, entry);
	uint64_t wait_ns = sim_random_below(&entry->random, 12 * SIM_HOUR);

	if (phone == NULL)
		return;
	sim_trace(world, "%u of %u is lost", phone->number, phone->person);
	sim_phone_off(phone, SIM_OFF_LOST, true);
	phone->state = SIM_PHONE_LOST;
	phone->revoked_ns = sim_world_now(world) + wait_ns;
	retire_soon(phone, phone->key, phone->revoked_ns);
}

void sim_act_device_retire(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = victim(world, entry);

	if (phone == NULL)
		return;
	sim_trace(world, "%u of %u is to be taken out", phone->number, phone->person);
	phone->revoked_ns = sim_world_now(world) + SIM_SECOND;
	retire_soon(phone, phone->key, phone->revoked_ns);
	sim_act_write_on(world, entry, phone);
}

/* ---- In ---- */

static void give_up(struct sim_phone *phone)
{
	sim_trace(phone->world, "%u of %u comes to nothing", phone->number, phone->person);
	sim_phone_off(phone, SIM_OFF_LOST, true);
	phone->state = SIM_PHONE_LOST;
	if (phone->revoked_ns == 0)
		phone->revoked_ns = sim_world_now(phone->world);
}

/* A card on the old one, typed into the new one. */
static void card_show(struct sim_phone *phone, struct sim_phone *old)
{
	struct sim_world *world = phone->world;
	struct writer writer;
	uint64_t expires_ms;
	char name[32];
	int len = snprintf(name, sizeof(name), "Device %u.%u", phone->number, phone->cards++);
	enum sotto_err err;

	writer_init_fixed(&writer, (uint8_t *)phone->card, sizeof(phone->card));
	err = talk_device_card(old->talk, BYTES(name, (size_t)len), &writer, &expires_ms,
			       sim_phone_now(old), sim_phone_utc(old));
	sim_phone_settle(old, err);
	if (err == SOTTO_ERR_LIMIT || err == SOTTO_ERR_SPACE) {
		give_up(phone);
		return;
	}
	if (err != SOTTO_OK)
		return;
	/* What was approved with a card of before, and has not come of it, may do so yet: its person takes it out. */
	if (phone->approved)
		retire_soon(phone, phone->approved_key, sim_world_now(world));
	phone->approved = false;
	phone->card_len = writer.len;
	phone->state = SIM_PHONE_JOINED;
	sim_phone_settle(phone, talk_join(phone->talk, BYTES(phone->card, phone->card_len),
					  sim_phone_now(phone), sim_phone_utc(phone)));
}

static void approve(struct sim_phone *phone, struct sim_phone *old)
{
	char code[TALK_CODE_LEN + 1];
	enum sotto_err err;

	if (!talk_device_asks(old->talk) || !talk_join_code(phone->talk, code))
		return;
	err = talk_device_approve(old->talk, BYTES(code, TALK_CODE_LEN), phone->approved_key,
				  sim_phone_now(old), sim_phone_utc(old));
	if (err == SOTTO_OK) {
		sim_trace(phone->world, "%u approves %u", old->number, phone->number);
		phone->approved = true;
	}
	sim_phone_settle(old, err);
}

/* Until the new one is a member, as often as a card takes. */
static void errand(void *context)
{
	struct sim_phone *phone = context;
	struct sim_world *world = phone->world;
	struct sim_phone *old = &world->phones[phone->old];
	struct talk_status status;

	if (phone->was_member || phone->state == SIM_PHONE_LOST)
		return;
	if (!sim_person_stays(world, phone->person)) {
		give_up(phone);
		return;
	}
	if (!sim_phone_stays(old)) {
		old = sibling(phone, false);
		phone->old = old->number;
	}
	sim_phone_on(phone, SIM_OFF_NOT_YET);
	if (phone->talk != NULL && sim_phone_ready(old)) {
		talk_status(phone->talk, &status);
		if (status.state == TALK_EMPTY)
			card_show(phone, old);
		else if (status.state == TALK_JOINING)
			approve(phone, old);
	}
	if (phone->state != SIM_PHONE_LOST)
		sim_world_at(world, &phone->errand, sim_world_now(world) + AGAIN_NS);
}

void sim_act_device_add(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *old = sim_act_somebody(world, entry);

	if (old == NULL || !sim_phone_stays(old))
		return;
	for (uint32_t i = world->person_count; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		if (phone->state != SIM_PHONE_NONE)
			continue;
		sim_trace(world, "%u is to be one of %u", i, old->person);
		phone->state = SIM_PHONE_INVITED;
		phone->person = old->person;
		phone->old = old->number;
		phone->errand = (struct sim_event){.run = errand, .context = phone};
		sim_world_at(world, &phone->errand, sim_world_now(world));
		return;
	}
}

/* ---- What was said before ---- */

/* Is it in the conversation of this text now? */
static bool is_in(const struct sim_phone *phone, const struct sim_text *text)
{
	const struct sim_world *world = phone->world;
	uint32_t from = world->phones[text->from].person;
	const struct talk_group *group;
	const struct ledger_member *peer;

	if (text->to == UINT32_MAX) {
		group = talk_group_by_id(phone->talk, world->groups[text->group].id);
		return group != NULL && !talk_group_over(group);
	}
	peer = ledger_member_by_extension(
		talk_ledger(phone->talk),
		sim_world_extension(world, from == phone->person ? text->to : from));
	list_for_each (element, following, &phone->talk->groups) {
		group = CONTAINER_OF(element, struct talk_group, list);
		if (group->kind == TALK_DIRECT && peer != NULL && group->peer == peer->id &&
		    !talk_group_over(group))
			return true;
	}
	return false;
}

/* What the other one has in its place when it is asked: that much must come. */
static void ask_note(const struct sim_phone *phone, const struct sim_phone *giver)
{
	struct sim_world *world = phone->world;

	for (size_t i = 0; i < world->text_count; i++) {
		struct sim_text *text = &world->texts[i];
		bool has = ((text->told | text->handed) & sim_bit(giver->number)) != 0 ||
			   (text->from == giver->number && text->delivered_ns != 0);

		text->asked &= ~sim_bit(phone->number);
		if (has && is_in(phone, text) && (giver->talk == NULL || is_in(giver, text)))
			text->asked |= sim_bit(phone->number);
	}
}

static void taken(struct sim_phone *phone, const struct sim_phone *giver)
{
	struct sim_world *world = phone->world;

	world->totals.histories++;
	sim_trace(world, "%u has what %u handed over", phone->number, giver->number);
	for (size_t i = 0; i < world->text_count; i++) {
		struct sim_text *text = &world->texts[i];

		/* What somebody left meanwhile was not handed over to its end. */
		if ((text->asked & sim_bit(phone->number)) != 0 && is_in(phone, text) &&
		    giver->talk != NULL && is_in(giver, text))
			text->handed |= sim_bit(phone->number);
	}
}

static uint32_t number_of(const struct sim_phone *viewer, const struct sim_phone *phone)
{
	const struct ledger_device *device =
		ledger_device_by_key(talk_ledger(viewer->talk), phone->key);

	return device == NULL ? 0 : device->number;
}

static enum talk_hand_state hand_state(const struct sim_phone *phone, bool gives,
				       const struct sim_phone *other)
{
	struct talk_hand hand;
	uint32_t cursor = 0;

	while (talk_hand_next(phone->talk, &cursor, &hand)) {
		if (hand.gives == gives && hand.number == number_of(phone, other))
			return hand.state;
	}
	return TALK_HAND_NONE;
}

/* Says yes on the other one, and looks whether it is over. */
static void hand(void *context)
{
	struct sim_phone *phone = context;
	struct sim_world *world = phone->world;
	struct sim_phone *giver = &world->phones[phone->giver];
	enum talk_hand_state state = TALK_HAND_ASKED;

	phone->taking = phone->taking && sim_phone_stays(phone) && sim_phone_stays(giver);
	if (phone->taking && sim_phone_ready(phone))
		state = hand_state(phone, false, giver);
	if (state == TALK_HAND_DONE)
		taken(phone, giver);
	phone->taking = phone->taking && (state == TALK_HAND_ASKED || state == TALK_HAND_UNDER_WAY);
	if (!phone->taking)
		return;
	if (sim_phone_ready(giver) && !giver->locked &&
	    hand_state(giver, true, phone) == TALK_HAND_ASKED)
		sim_phone_settle(giver, talk_hand_give(giver->talk, number_of(giver, phone),
						       sim_phone_now(giver), sim_phone_utc(giver)));
	sim_world_at(world, &phone->hand, sim_world_now(world) + HAND_NS);
}

void sim_act_device_history(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = NULL, *giver = NULL;
	uint64_t seen = 0;
	uint32_t deaths;
	enum sotto_err err;

	/* Most of those who ask are new. */
	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *drawn = &world->phones[i];

		if (sim_phone_stays(drawn) && sim_phone_ready(drawn) && !drawn->locked &&
		    sibling(drawn, false) != NULL &&
		    (i >= world->person_count || sim_random_chance(&entry->random, 200000)) &&
		    sim_random_below(&entry->random, ++seen) == 0)
			phone = drawn;
	}
	giver = phone == NULL ? NULL : sibling(phone, false);
	if (giver == NULL || number_of(phone, giver) == 0)
		return;
	deaths = phone->deaths;
	err = talk_hand_ask(phone->talk, number_of(phone, giver), sim_phone_now(phone),
			    sim_phone_utc(phone));
	if (err != SOTTO_OK && err != SOTTO_ERR_NO_MEMORY)
		world->totals.refused++;
	sim_trace(world, "%u asks %u for what was said: %s", phone->number, giver->number,
		  sotto_err_text(err));
	if (err == SOTTO_OK) {
		ask_note(phone, giver);
		phone->asked = true;
		phone->giver = giver->number;
	}
	sim_phone_settle(phone, err);
	if (err != SOTTO_OK)
		return;
	/* What was asked before is over; or this was never asked, as it was not stored. */
	phone->taking = phone->deaths == deaths;
	phone->hand.run = hand;
	phone->hand.context = phone;
	sim_world_at(world, &phone->hand, sim_world_now(world) + HAND_NS);
}

bool sim_histories_quiet(const struct sim_world *world, char *what, size_t room)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		const struct sim_phone *phone = &world->phones[i];

		if (!phone->taking || !sim_phone_stays(phone) ||
		    !sim_phone_stays(&world->phones[phone->giver]))
			continue;
		(void)snprintf(what, room, "phone %u waits for what %u is to hand over", i,
			       phone->giver);
		return false;
	}
	return true;
}
