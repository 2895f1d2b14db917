/* SPDX-License-Identifier: Apache-2.0 */
/* What people do: one row of the table for each kind, with how often among all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"

#define CARD_VALID_MS (UINT64_C(14) * 86400000)
#define ERRAND_NS     (30 * SIM_SECOND)
#define INVITE_NS     (120 * SIM_SECOND)
#define TEXT_LEN_MAX  65536 /* TALK_TEXT_MAX, and what no text is longer than */
#define PHONES_MIN    6	    /* fewer are not revoked */
#define WORDS	      60
#define FAR_NS	      (2 * SIM_SECOND)
#define WORD_NS	      (40 * SIM_MILLISECOND)

struct sim_phone *sim_act_somebody(struct sim_world *world, struct sim_entry *entry)
{
	for (int i = 0; i < 8; i++) {
		struct sim_phone *phone =
			&world->phones[sim_random_below(&entry->random, world->phone_count)];

		if (sim_phone_ready(phone))
			return phone;
	}
	return NULL;
}

/* Somebody else, whether or not his phone is on. */
static uint32_t peer_of(struct sim_world *world, struct sim_entry *entry,
			const struct sim_phone *phone)
{
	uint32_t peer = (uint32_t)sim_random_below(&entry->random, world->person_count - 1);

	return peer >= phone->person ? peer + 1 : peer;
}

static struct sim_text *text_make(struct sim_world *world, uint32_t from, uint32_t to,
				  uint32_t group)
{
	struct sim_text *text;

	if (world->text_count == world->text_capacity) {
		world->text_capacity = world->text_capacity == 0 ? 1024 : 2 * world->text_capacity;
		world->texts = realloc(world->texts, world->text_capacity * sizeof(*world->texts));
		ASSERT(world->texts != NULL);
	}
	text = &world->texts[world->text_count++];
	*text = (struct sim_text){
		.from = from,
		.to = to,
		.group = group,
		.sent_ns = sim_world_now(world),
		.ledger = ledger_length(talk_ledger(world->phones[from].talk)),
	};
	return text;
}

/* Most are short; some do not fit into a record of 1 KiB, and few into the largest. */
static size_t length_draw(struct sim_entry *entry)
{
	uint64_t most = 100;

	if (sim_random_chance(&entry->random, 4000))
		most = TEXT_LEN_MAX - 20;
	else if (sim_random_chance(&entry->random, 100000))
		most = 1400;
	return sim_random_below(&entry->random, most);
}

void sim_act_write(struct sim_world *world, struct sim_entry *entry, struct sim_phone *phone,
		   const struct talk_conversation *conversation, uint32_t to, uint32_t group)
{
	size_t number = world->text_count;
	uint8_t *body = allocator_take(&allocator_default, TEXT_LEN_MAX);
	uint8_t answered[TALK_MESSAGE_ID_LEN] = {0};
	struct sim_text *text;
	uint32_t deaths = phone->deaths;
	size_t len, more;
	enum sotto_err err;

	ASSERT(body != NULL);
	len = (size_t)snprintf((char *)body, TEXT_LEN_MAX, "%zu ", number);
	more = length_draw(entry);
	memset(body + len, 'x', more);
	/* Whatever it answers may be unknown there. */
	if (number > 0 && sim_random_chance(&entry->random, 100000))
		memcpy(answered, world->texts[sim_random_below(&entry->random, number)].id,
		       sizeof(answered));
	text = text_make(world, phone->number, to, group);
	err = talk_send_text(phone->talk, conversation, BYTES(body, len + more), answered, text->id,
			     sim_phone_now(phone), sim_phone_utc(phone));
	allocator_give(&allocator_default, body, TEXT_LEN_MAX);
	if (err != SOTTO_OK && err != SOTTO_ERR_NO_MEMORY) {
		world->text_count--;
		world->totals.refused++;
		return;
	}
	if (to == UINT32_MAX)
		sim_trace(world, "%u writes %zu to group %u", phone->number, number, group);
	else
		sim_trace(world, "%u writes %zu to %u", phone->number, number, to);
	world->totals.texts++;
	sim_phone_settle(phone, err);
	/* The array may have moved. */
	world->texts[number].sure = phone->deaths == deaths;
}

static void write_one(struct sim_world *world, struct sim_entry *entry, struct sim_phone *phone,
		      uint32_t to)
{
	struct talk_conversation conversation = talk_with(sim_world_extension(world, to));

	sim_act_write(world, entry, phone, &conversation, to, 0);
}

static void act_text(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);

	if (phone != NULL)
		write_one(world, entry, phone, peer_of(world, entry, phone));
}

static void act_burst(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	uint64_t count = 2 + sim_random_below(&entry->random,
					      sim_random_chance(&entry->random, 200000) ? 90 : 12);
	uint32_t to;

	if (phone == NULL)
		return;
	to = peer_of(world, entry, phone);
	for (uint64_t i = 0; i < count && phone->talk != NULL; i++)
		write_one(world, entry, phone, to);
}

static void act_call(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	uint32_t to, extension;
	enum sotto_err err;

	if (phone == NULL)
		return;
	to = peer_of(world, entry, phone);
	extension = sim_world_extension(world, to);
	err = talk_open(phone->talk, extension, sim_phone_now(phone), sim_phone_utc(phone));
	if (err == SOTTO_OK || err == SOTTO_ERR_NO_MEMORY)
		sim_phone_settle(phone, err);
	if (err != SOTTO_OK || phone->talk == NULL)
		return;
	err = talk_send_call(phone->talk, extension, BYTES_TEXT("\001ring"), sim_phone_now(phone),
			     sim_phone_utc(phone));
	world->totals.calls += err == SOTTO_OK;
	world->totals.refused += err != SOTTO_OK;
	sim_phone_settle(phone, err);
}

static void act_read(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	struct talk_conversation conversation;

	if (phone == NULL || phone->locked)
		return;
	conversation = talk_with(sim_world_extension(world, peer_of(world, entry, phone)));
	sim_phone_settle(phone, talk_mark_read(phone->talk, &conversation, phone->text_row,
					       sim_phone_now(phone), sim_phone_utc(phone)));
}

static void act_lock(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);

	if (phone != NULL)
		sim_phone_lock(phone);
}

static void act_unlock(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (world->phones[i].locked)
			sim_phone_unlock(&world->phones[i]);
	}
}

static void act_restart(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);

	if (phone == NULL)
		return;
	sim_phone_off(phone, SIM_OFF_DEAD, false);
	sim_phone_on(phone, SIM_OFF_DEAD);
}

/* ---- Who comes and goes ---- */

/* Until its phone is a member: gets a card, types it in. */
static void errand(void *context)
{
	struct sim_phone *phone = context;
	struct sim_world *world = phone->world;
	struct sim_phone *admin = &world->phones[0];
	uint64_t wait_ns = ERRAND_NS;
	char name[16];
	enum sotto_err err;

	if (phone->was_member || phone->state == SIM_PHONE_LOST)
		return;
	if (phone->card_len == 0 && sim_phone_ready(admin)) {
		int len = snprintf(name, sizeof(name), "Phone %u", phone->number);

		err = talk_invite(admin->talk, sim_world_extension(world, phone->number),
				  BYTES(name, (size_t)len), CARD_VALID_MS, sim_phone_now(admin),
				  sim_phone_utc(admin));
		sim_phone_settle(admin, err);
		wait_ns = INVITE_NS;
	} else if (phone->card_len > 0) {
		struct talk_status status;

		sim_phone_on(phone, SIM_OFF_NOT_YET);
		if (phone->talk != NULL) {
			talk_status(phone->talk, &status);
			if (status.state == TALK_EMPTY) {
				phone->state = SIM_PHONE_JOINED;
				err = talk_join(phone->talk, BYTES(phone->card, phone->card_len),
						sim_phone_now(phone), sim_phone_utc(phone));
				sim_phone_settle(phone, err);
			}
		}
	}
	sim_world_at(world, &phone->errand, sim_world_now(world) + wait_ns);
}

bool sim_act_invite(struct sim_world *world, uint32_t number)
{
	struct sim_phone *phone = &world->phones[number];

	if (phone->state != SIM_PHONE_NONE)
		return false;
	phone->state = SIM_PHONE_INVITED;
	phone->errand = (struct sim_event){.run = errand, .context = phone};
	sim_world_at(world, &phone->errand, sim_world_now(world));
	return true;
}

static void act_join(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	for (uint32_t i = 0; i < world->person_count; i++) {
		if (sim_act_invite(world, i)) {
			sim_trace(world, "%u is invited", i);
			return;
		}
	}
}

static uint32_t members(const struct sim_world *world)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < world->person_count; i++)
		count += sim_person_stays(world, i);
	return count;
}

/* The admin takes a phone out; again until it is done. */
static void revoke(void *context)
{
	struct sim_phone *phone = context;
	struct sim_world *world = phone->world;
	struct sim_phone *admin = &world->phones[0];
	const struct ledger_member *member;
	enum sotto_err err;

	if (sim_phone_ready(admin)) {
		member = ledger_member_by_extension(talk_ledger(admin->talk),
						    sim_world_extension(world, phone->number));
		if (member != NULL && member->state == LEDGER_MEMBER_REVOKED)
			return;
		err = talk_revoke(admin->talk, sim_world_extension(world, phone->number),
				  sim_phone_now(admin), sim_phone_utc(admin));
		sim_phone_settle(admin, err);
	}
	sim_world_at(world, &phone->errand, sim_world_now(world) + INVITE_NS);
}

/* Somebody but the admin, in the network and not to be revoked yet. */
static struct sim_phone *victim(struct sim_world *world, struct sim_entry *entry)
{
	uint32_t person;

	if (members(world) <= PHONES_MIN)
		return NULL;
	person = 1 + (uint32_t)sim_random_below(&entry->random, world->person_count - 1);
	return sim_person_stays(world, person) ? &world->phones[person] : NULL;
}

/* Whom an admin takes out writes on, as long as he does not know: to all, and faster than he hears of it. */
static void write_on(void *context)
{
	struct sim_phone *phone = context;
	struct sim_world *world = phone->world;
	struct sim_entry entry = {.random = phone->last_words};

	if (phone->words == 0 || !sim_phone_ready(phone))
		return;
	phone->words--;
	write_one(world, &entry, phone, peer_of(world, &entry, phone));
	phone->last_words = entry.random;
	sim_world_at(world, &phone->word, sim_world_now(world) + WORD_NS);
}

static void revoke_soon(struct sim_world *world, struct sim_phone *phone, uint64_t when_ns)
{
	sim_person_revoked(world, phone->number, when_ns);
	phone->errand = (struct sim_event){.run = revoke, .context = phone};
	world->totals.revocations++;
	sim_world_at(world, &phone->errand, when_ns);
}

void sim_act_write_on(struct sim_world *world, struct sim_entry *entry, struct sim_phone *phone)
{
	/* He is far away, so that what he writes comes when he is out already. */
	phone->usual.delay_ns = FAR_NS;
	sim_fault_lines(world);
	phone->last_words = entry->random;
	phone->words = WORDS;
	phone->word = (struct sim_event){.run = write_on, .context = phone};
	sim_world_at(world, &phone->word, sim_world_now(world) + SIM_SECOND);
}

static void act_revoke(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = victim(world, entry);
	struct sim_phone *writer;

	if (phone == NULL)
		return;
	sim_trace(world, "%u is to be revoked", phone->number);
	writer = sim_person_draw(world, entry, phone->number);
	revoke_soon(world, phone, sim_world_now(world) + SIM_SECOND);
	sim_act_write_on(world, entry, writer == NULL ? phone : writer);
}

static void act_lose(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = victim(world, entry);

	if (phone == NULL)
		return;
	sim_trace(world, "%u is lost", phone->number);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (world->phones[i].person != phone->number)
			continue;
		sim_phone_off(&world->phones[i], SIM_OFF_LOST, true);
		world->phones[i].state = SIM_PHONE_LOST;
	}
	revoke_soon(world, phone,
		    sim_world_now(world) + sim_random_below(&entry->random, 12 * SIM_HOUR));
}

const struct sim_action sim_actions[] = {
	{"text", 700, 0, act_text},
	{"burst", 20, 0, act_burst},
	{"call", 60, 0, act_call},
	{"read", 100, 0, act_read},
	{"lock", 20, 0, act_lock},
	{"unlock", 40, 0, act_unlock},
	{"restart", 10, 0, act_restart},
	{"join", 4, 0, act_join},
	{"revoke", 4, 0, act_revoke},
	{"lose", 2, 0, act_lose},
	{"group-create", 14, 0, sim_act_group_create},
	{"group-add", 16, 0, sim_act_group_add},
	{"group-remove", 8, 0, sim_act_group_remove},
	{"group-leave", 4, 0, sim_act_group_leave},
	{"group-rename", 4, 0, sim_act_group_rename},
	{"group-text", 200, 0, sim_act_group_text},
	{"edit", 40, 0, sim_act_edit},
	{"delete", 10, 0, sim_act_delete},
	{"react", 50, 0, sim_act_react},
	{"rogue", 12, 0, sim_act_rogue},
	{"rogue-commit", 6, 0, sim_act_rogue_commit},
	{"tell-read", 6, 0, sim_act_tell_read},
	{"device-add", 0, 5, sim_act_device_add},
	{"device-history", 0, 5, sim_act_device_history},
	{"device-lose", 0, 2, sim_act_device_lose},
	{"device-retire", 0, 1, sim_act_device_retire},
};
const size_t sim_action_count = sizeof(sim_actions) / sizeof(sim_actions[0]);
