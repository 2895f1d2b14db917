/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The days of a network.
 *
 *   founding, first members --(days with faults and actions)--> no more faults --> quiet, or it is said what is not
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define RETENTION_MS  (UINT64_C(14) * 86400000)
#define EVENTS_MAX    50000 /* of one phone within CHECK_NS; a busy one has some hundred */
#define CHECK_NS      (10 * SIM_MINUTE)
#define SETUP_MAX_NS  (2 * SIM_HOUR)
#define QUIET_MAX_NS  (6 * SIM_HOUR)
#define QUIET_STEP_NS (30 * SIM_SECOND)
#define LATER_PHONES  3 /* who may come later */

enum { RANDOM_SETTING = 1, RANDOM_HUB, RANDOM_RELAY, RANDOM_SETUP, RANDOM_THIEF, RANDOM_DEVICES };

uint64_t sim_world_now(const struct sim_world *world)
{
	return sim_clock_now(&world->clock);
}

void sim_world_at(struct sim_world *world, struct sim_event *event, uint64_t when_ns)
{
	enum sotto_err err = sim_clock_set(&world->clock, event, when_ns);

	ASSERT(err == SOTTO_OK);
}

uint32_t sim_world_extension(const struct sim_world *world, uint32_t person)
{
	return world->base + person;
}

struct sim_phone *sim_world_by_extension(struct sim_world *world, uint32_t extension)
{
	if (extension < world->base || extension - world->base >= world->person_count)
		return NULL;
	return &world->phones[extension - world->base];
}

const struct sim_phone *sim_world_by_key(const struct sim_world *world, const uint8_t *key)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (memcmp(world->phones[i].key, key, LEDGER_KEY_LEN) == 0)
			return &world->phones[i];
	}
	return NULL;
}

/* A stream of its own: the rest of a seed is the same with and without. */
static void devices_fill(struct sim_world *world)
{
	struct sim_setting *setting = &world->setting;
	struct sim_random random;

	sim_random_fork(&world->random, RANDOM_DEVICES, &random);
	if (setting->devices == 0 && !setting->crowd && setting->seed % SIM_SEVERAL == 3)
		setting->devices = SIM_DRAWN;
	if (setting->devices == SIM_DRAWN)
		setting->devices = 2 + (uint32_t)sim_random_below(&random, 5);
	else if (setting->devices == SIM_NONE)
		setting->devices = 0;
}

/* What the setting leaves open is the seed's. */
static void setting_fill(struct sim_world *world)
{
	struct sim_setting *setting = &world->setting;
	struct sim_random random;
	uint64_t phones, faults, texts;
	bool classic;

	sim_random_fork(&world->random, RANDOM_SETTING, &random);
	phones = 10 + sim_random_below(&random, 3);
	faults = 24 + sim_random_below(&random, 17);
	texts = 6 + sim_random_below(&random, 10);
	classic = !sim_random_chance(&random, 60000);
	if (setting->phones == 0)
		setting->phones = (uint32_t)phones;
	if (setting->days == 0)
		setting->days = 2;
	if (setting->faults == 0)
		setting->faults = (uint32_t)faults;
	if (setting->texts == 0)
		setting->texts = (uint32_t)texts;
	/* The network's own suite in few: its keys and commits are long, and what is looked for here is not in them. */
	if (setting->suite == 0)
		setting->suite = classic ? 1 : TALK_SUITE;
	devices_fill(world);
	ASSERT(setting->phones >= 2 && setting->phones + LATER_PHONES <= SIM_PHONES_MAX);
	ASSERT(setting->devices == 0 || setting->phones + LATER_PHONES + setting->devices <= 64);
}

static void phones_make(struct sim_world *world)
{
	struct sim_random random;

	sim_random_fork(&world->random, RANDOM_SETUP, &random);
	world->person_count = world->setting.phones + LATER_PHONES;
	world->phone_count = world->person_count + world->setting.devices;
	world->base = world->person_count <= 900 ? 100 : 10000;
	world->phones = calloc(world->phone_count, sizeof(*world->phones));
	ASSERT(world->phones != NULL);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		/* A vault on a disk costs; a store in memory stops between actions only. */
		sim_phone_init(world, i, sim_random_chance(&random, 150000));
		phone->usual.delay_ns = (5 + sim_random_below(&random, 80)) * SIM_MILLISECOND;
		phone->usual.jitter_ns = (1 + sim_random_below(&random, 40)) * SIM_MILLISECOND;
		sim_line_set_faults(phone->line, &phone->usual);
	}
}

struct sim_world *sim_world_create(const struct sim_setting *setting)
{
	struct sim_world *world = calloc(1, sizeof(*world));
	struct sim_random random;

	ASSERT(world != NULL);
	world->setting = *setting;
	sim_random_init(&world->random, setting->seed);
	sim_clock_init(&world->clock, &allocator_default, SIM_UTC_MS);
	setting_fill(world);
	sim_random_fork(&world->random, RANDOM_HUB, &random);
	world->hub = sim_switch_create(&world->clock, &random);
	sim_random_fork(&world->random, RANDOM_RELAY, &random);
	world->relay = sim_relay_create(&world->clock, world->hub, &random, RETENTION_MS);
	world->frames = sim_frames_create();
	world->checks = sim_checks_create();
	world->epochs = sim_epochs_create();
	phones_make(world);
	sim_random_fork(&world->random, RANDOM_THIEF, &random);
	world->thief = sim_thief_create(world, &random);
	sim_plan_make(world);
	return world;
}

void sim_world_destroy(struct sim_world *world)
{
	if (world == NULL)
		return;
	for (uint32_t i = 0; i < world->phone_count; i++)
		sim_phone_finish(&world->phones[i]);
	sim_relay_destroy(world->relay);
	sim_switch_destroy(world->hub);
	sim_clock_finish(&world->clock);
	sim_frames_destroy(world->frames);
	sim_checks_destroy(world->checks);
	sim_epochs_destroy(world->epochs);
	sim_thief_destroy(world->thief);
	free(world->entries);
	free(world->texts);
	free(world->phones);
	free(world);
}

/* False: something broke. */
static bool run_until(struct sim_world *world, uint64_t when_ns)
{
	while (world->broken == NULL && sim_world_now(world) < when_ns) {
		uint64_t next_ns = sim_world_now(world) + CHECK_NS;
		uint64_t events = 0;

		if (next_ns > when_ns)
			next_ns = when_ns;
		world->checked_ns = next_ns - sim_world_now(world);
		while (world->broken == NULL && world->clock.len > 0 &&
		       world->clock.queue[0]->when_ns <= next_ns) {
			(void)sim_clock_step(&world->clock); /* there is one */
			if (++events > (uint64_t)EVENTS_MAX * world->phone_count)
				sim_break(world, "nobody is busy without end",
					  "%llu events within ten minutes",
					  (unsigned long long)events);
		}
		if (world->broken == NULL)
			sim_clock_run_until(&world->clock, next_ns);
		if (world->broken == NULL)
			sim_check_world(world);
	}
	return world->broken == NULL;
}

bool sim_world_run_for(struct sim_world *world, uint64_t ns)
{
	return run_until(world, sim_world_now(world) + ns);
}

static bool found(struct sim_world *world)
{
	struct sim_phone *founder = &world->phones[0];
	struct talk_found wish = {
		.network_name = BYTES_TEXT("Newsroom"),
		.name = BYTES_TEXT("Ana"),
		.digits = world->base == 100 ? 3 : 5,
		.relay_address = BYTES_TEXT("relay.example:4433"),
	};

	memcpy(wish.relay_key, sim_relay_key(world->relay), WIRE_KEY_LEN);
	memcpy(wish.claim, sim_relay_claim(world->relay), WIRE_KEY_LEN);
	if (!sim_relay_start(world->relay))
		return false;
	founder->state = SIM_PHONE_JOINED;
	sim_phone_on(founder, SIM_OFF_NOT_YET);
	if (!sim_world_run_for(world, SIM_SECOND))
		return false;
	sim_phone_settle(founder, talk_found(founder->talk, &wish, sim_phone_now(founder),
					     sim_phone_utc(founder)));
	return sim_world_run_for(world, 10 * SIM_SECOND);
}

static uint32_t ready(const struct sim_world *world)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < world->phone_count; i++)
		count += sim_phone_ready(&world->phones[i]);
	return count;
}

static bool members_first(struct sim_world *world)
{
	uint64_t end_ns;

	for (uint32_t i = 1; i < world->setting.phones; i++) {
		(void)sim_act_invite(world, i);
		if (!sim_world_run_for(world, 3 * SIM_SECOND))
			return false;
		sim_crowd_joining(world, i);
	}
	end_ns = sim_world_now(world) + SETUP_MAX_NS + world->setting.phones * SIM_MINUTE;
	while (ready(world) < world->setting.phones) {
		if (sim_world_now(world) >= end_ns)
			sim_break(world, "who has a card becomes a member", "%u of %u",
				  ready(world), world->setting.phones);
		if (!sim_world_run_for(world, 10 * SIM_SECOND))
			return false;
	}
	return true;
}

/* Everything is well again; it must become quiet. */
static bool quiet(struct sim_world *world)
{
	uint64_t start_ns = sim_world_now(world);
	char what[200];

	sim_plan_end(world);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		if (phone->disk != NULL)
			sim_disk_stop_at(phone->disk, UINT64_MAX);
		else
			store_memory_stop_after(phone->memory, UINT64_MAX);
		phone->fail_left = UINT64_MAX;
		sim_phone_clock(phone, 0, 0);
		sim_phone_unlock(phone);
		/* The admin does at once what he had put off. */
		if (phone->errand.place != 0)
			sim_world_at(world, &phone->errand, start_ns);
		if (phone->retire.place != 0)
			sim_world_at(world, &phone->retire, start_ns);
	}
	while (!sim_check_quiet(world, what, sizeof(what))) {
		/* Two ledgers do not become one: somebody says so. */
		if (world->forked && sim_check_ledgers(world) && sim_check_noticed(world)) {
			sim_trace(world, "noticed");
			return world->broken == NULL;
		}
		if (sim_world_now(world) >= start_ns + QUIET_MAX_NS)
			sim_break(world, "all is well some time after the last fault", "%s", what);
		if (!sim_world_run_for(world, QUIET_STEP_NS))
			return false;
	}
	world->totals.recovery_ns = sim_world_now(world) - start_ns;
	sim_trace(world, "quiet");
	sim_check_end(world);
	return world->broken == NULL;
}

bool sim_world_run(struct sim_world *world)
{
	if (!found(world) || !members_first(world))
		return false;
	if (world->setting.crowd)
		return sim_crowd_run(world) && quiet(world);
	sim_trace(world, "begins");
	sim_plan_start(world);
	if (!sim_world_run_for(world, world->setting.days * SIM_DAY))
		return false;
	return quiet(world);
}
