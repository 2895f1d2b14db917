/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a run: moments over its days, drawn from the seed before anything happens. An entry that cannot be
 * done when its time comes is tried again some minutes later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"

#define AGAIN_NS       (7 * SIM_MINUTE)
#define DEVICE_ACTIONS 4 /* for each further device: it comes, asks, writes as any other, is lost */

static size_t weighted(struct sim_random *random, const uint32_t *weights, size_t count)
{
	uint64_t sum = 0;
	uint64_t drawn;

	for (size_t i = 0; i < count; i++)
		sum += weights[i];
	drawn = sim_random_below(random, sum);
	for (size_t i = 0; i < count; i++) {
		if (drawn < weights[i])
			return i;
		drawn -= weights[i];
	}
	ASSERT(false);
	return 0;
}

/* Numbers and ranges, with commas between. */
static bool in_list(const char *text, size_t number)
{
	while (text != NULL && *text != '\0') {
		char *end;
		unsigned long from = strtoul(text, &end, 10);
		unsigned long to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (number >= from && number <= to)
			return true;
		text = *end == ',' ? end + 1 : end;
		if (*end != ',' && *end != '\0')
			return false;
	}
	return false;
}

enum sort { FAULT, ACTION, DEVICES };

static void entry_draw(struct sim_world *world, size_t number, enum sort sort)
{
	struct sim_entry *entry = &world->entries[number];
	uint32_t weights[SIM_KINDS_MAX];
	size_t count = sort == FAULT ? sim_fault_count : sim_action_count;
	uint64_t span = world->setting.days * SIM_DAY;

	ASSERT(count <= SIM_KINDS_MAX);
	for (size_t i = 0; i < count; i++)
		weights[i] = sort == FAULT    ? sim_faults[i].weight
			     : sort == ACTION ? sim_actions[i].weight
					      : sim_actions[i].devices;
	sim_random_fork(&world->random, UINT64_C(2000000) + number, &entry->random);
	entry->fault = sort == FAULT;
	entry->kind = (uint16_t)weighted(&entry->random, weights, count);
	/* The last hours are for what was begun. */
	entry->at_ns = sim_random_below(&entry->random, span - span / 24);
	entry->skipped = in_list(world->setting.skip, number);
}

static int entry_compare(const void *a, const void *b)
{
	const struct sim_entry *left = a, *right = b;

	if (left->at_ns != right->at_ns)
		return left->at_ns < right->at_ns ? -1 : 1;
	return left->number < right->number ? -1 : 1;
}

void sim_plan_make(struct sim_world *world)
{
	bool none = world->setting.crowd;
	size_t actions =
		none ? 0
		     : (size_t)world->setting.phones * world->setting.days * world->setting.texts;
	size_t faults = none || world->setting.faults == SIM_NONE ? 0 : world->setting.faults;

	size_t devices = none ? 0 : (size_t)DEVICE_ACTIONS * world->setting.devices;

	world->entry_count = faults + actions + devices;
	world->entries = calloc(world->entry_count + 1, sizeof(*world->entries));
	ASSERT(world->entries != NULL);
	/* Faults first, so that their numbers do not depend on how many actions there are; likewise what is done with devices last. */
	for (size_t i = 0; i < world->entry_count; i++) {
		world->entries[i].number = i;
		entry_draw(world, i, i < faults ? FAULT : i < faults + actions ? ACTION : DEVICES);
	}
	/* A relay that lies does so once at least. */
	if (faults > 0 && world->setting.seed % SIM_LIARS == 0)
		world->entries[0].kind =
			(uint16_t)(sim_fault_first_lie() +
				   world->setting.seed / SIM_LIARS %
					   (sim_fault_count - sim_fault_first_lie()));
	qsort(world->entries, world->entry_count, sizeof(*world->entries), entry_compare);
}

static void fault_end(struct sim_world *world, struct sim_entry *entry)
{
	entry->running = false;
	sim_trace(world, "end of %s", sim_faults[entry->kind].name);
	if (sim_faults[entry->kind].end != NULL)
		sim_faults[entry->kind].end(world, entry);
}

/* False: to be tried again. */
static bool fault_begin(struct sim_world *world, struct sim_entry *entry)
{
	const struct sim_fault *fault = &sim_faults[entry->kind];

	entry->subject = (uint32_t)sim_random_below(&entry->random, world->phone_count);
	entry->running = true;
	if (!fault->begin(world, entry)) {
		entry->running = false;
		return false;
	}
	world->totals.faults[entry->kind]++;
	sim_trace(world, "fault %zu %s of %u", entry->number, fault->name, entry->subject);
	if (fault->max_ns == 0) {
		entry->running = false;
		return true;
	}
	entry->until_ns = sim_world_now(world) + fault->min_ns +
			  sim_random_below(&entry->random, fault->max_ns - fault->min_ns);
	return true;
}

static void entry_due(void *context)
{
	struct sim_entry *entry = context;
	struct sim_world *world = entry->world;

	if (world->broken != NULL)
		return;
	if (!entry->fault) {
		world->totals.actions[entry->kind]++;
		sim_actions[entry->kind].run(world, entry);
	} else if (entry->running) {
		fault_end(world, entry);
	} else if (!fault_begin(world, entry)) {
		if (!world->ending)
			sim_world_at(world, &entry->event, sim_world_now(world) + AGAIN_NS);
	} else if (entry->running) {
		sim_world_at(world, &entry->event, entry->until_ns);
	}
}

void sim_plan_start(struct sim_world *world)
{
	uint64_t start_ns = sim_world_now(world);

	for (size_t i = 0; i < world->entry_count; i++) {
		struct sim_entry *entry = &world->entries[i];

		entry->world = world;
		entry->event = (struct sim_event){.run = entry_due, .context = entry};
		if (!entry->skipped)
			sim_world_at(world, &entry->event, start_ns + entry->at_ns);
	}
}

void sim_plan_end(struct sim_world *world)
{
	world->ending = true;
	for (size_t i = 0; i < world->entry_count; i++) {
		struct sim_entry *entry = &world->entries[i];

		sim_clock_cancel(&world->clock, &entry->event);
		if (entry->running)
			fault_end(world, entry);
	}
}

void sim_plan_print(const struct sim_world *world)
{
	for (size_t i = 0; i < world->entry_count; i++) {
		const struct sim_entry *entry = &world->entries[i];

		if (!entry->skipped)
			printf("plan %zu %s %s at %llu s\n", entry->number,
			       entry->fault ? "fault" : "action",
			       entry->fault ? sim_faults[entry->kind].name
					    : sim_actions[entry->kind].name,
			       (unsigned long long)(entry->at_ns / SIM_SECOND));
	}
}
