/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One group of a whole network, without faults: what it costs when it is large, and that it holds.
 *
 *   one makes it with everybody --> some write --> some are taken out --> some write --> they come in again --> some write
 *
 * After each of them it goes on when all phones see the same, and everybody has what was written.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"
#include "talk/state.h"

#define WRITERS 10
#define LEAVERS 10
/*
 * Of a device, while some write at once: a receipt, the first update of a leaf that came from a key package,
 * and what else is due to be said just then.
 */
#define RECORDS_EACH 3
#define JOINING	     100 /* a line each time that so many more have a card */
#define STEP_NS	     (5 * SIM_SECOND)
#define PHASE_NS     (6 * SIM_HOUR)

enum { RANDOM_CROWD = 100 };

struct crowd {
	struct sim_world *world;
	struct sim_entry entry; /* draws what is written */
	uint32_t out;		/* so many, the last ones, are not in it now */
	uint32_t wrote;
	/* When the phase began. */
	uint64_t begun_ns;
	uint64_t records, requests, discarded;
};

static uint64_t discarded(const struct sim_world *world)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < world->setting.phones; i++) {
		struct talk_status status;

		talk_status(world->phones[i].talk, &status);
		sum += status.discarded;
	}
	return sum;
}

static void phase_begin(struct crowd *crowd)
{
	crowd->begun_ns = sim_world_now(crowd->world);
	crowd->records = sim_frames_counts(crowd->world->frames).records;
	crowd->requests = crowd->world->totals.requests;
	crowd->discarded = discarded(crowd->world);
}

static void phase_print(const struct crowd *crowd, const char *name)
{
	struct sim_world *world = crowd->world;

	printf("crowd phase=%s phones=%u in=%u seconds=%.1f requests=%llu records=%llu "
	       "discarded=%llu\n",
	       name, world->setting.phones, world->setting.phones - crowd->out,
	       (double)(sim_world_now(world) - crowd->begun_ns) / SIM_SECOND,
	       (unsigned long long)(world->totals.requests - crowd->requests),
	       (unsigned long long)(sim_frames_counts(world->frames).records - crowd->records),
	       (unsigned long long)(discarded(world) - crowd->discarded));
	(void)fflush(stdout);
}

/* Does this phone see what it is to see, and wait for nothing? */
static bool settled(const struct crowd *crowd, const struct sim_phone *phone)
{
	uint32_t in = crowd->world->setting.phones - crowd->out;
	struct talk_group_info info;
	struct talk_status status;

	if (!talk_group_get(phone->talk, crowd->world->groups[0].id, &info))
		return false;
	if (phone->number >= in)
		return info.state == TALK_OUT;
	talk_status(phone->talk, &status);
	return info.state == TALK_IN && info.devices == in && info.wanted == 0 && !info.blocked &&
	       !info.stuck && status.queued == 0 && status.unacknowledged == 0;
}

static bool phase_end(struct crowd *crowd, const char *name)
{
	struct sim_world *world = crowd->world;
	uint32_t count = 0;

	while (world->broken == NULL) {
		while (count < world->setting.phones && settled(crowd, &world->phones[count]))
			count++;
		if (count == world->setting.phones) {
			phase_print(crowd, name);
			phase_begin(crowd);
			return true;
		}
		if (sim_world_now(world) >= crowd->begun_ns + PHASE_NS) {
			sim_break(world, "a large group becomes what its members wish",
				  "%s: phone %u", name, count);
			return false;
		}
		count = 0;
		if (!sim_world_run_for(world, STEP_NS))
			return false;
	}
	return false;
}

static bool write_some(struct crowd *crowd)
{
	struct sim_world *world = crowd->world;
	struct talk_conversation conversation = {.kind = TALK_GROUP};
	uint32_t in = world->setting.phones - crowd->out;
	uint64_t before = sim_frames_counts(world->frames).records;
	uint64_t most = RECORDS_EACH * (WRITERS + (uint64_t)in);

	memcpy(conversation.id, world->groups[0].id, sizeof(conversation.id));
	for (uint32_t i = 0; i < WRITERS; i++)
		sim_act_write(world, &crowd->entry, &world->phones[crowd->wrote++ * 7 % in],
			      &conversation, UINT32_MAX, 0);
	if (!phase_end(crowd, "write"))
		return false;
	if (in > TALK_TELL_DEVICES && sim_frames_counts(world->frames).records - before > most)
		sim_break(world, "in a large group one receipt is for many texts",
			  "more than %llu records", (unsigned long long)most);
	return world->broken == NULL;
}

/* Those after the first ones. */
static size_t extensions_put(const struct sim_world *world, uint32_t from, uint32_t *extensions)
{
	size_t count = 0;

	for (uint32_t i = from; i < world->setting.phones; i++)
		extensions[count++] = sim_world_extension(world, i);
	return count;
}

static bool change(struct crowd *crowd, const char *name, uint32_t by, bool in)
{
	struct sim_world *world = crowd->world;
	struct sim_phone *phone = &world->phones[by];
	uint32_t leavers = world->setting.phones < 4 * LEAVERS ? 1 : LEAVERS;
	uint32_t extensions[LEAVERS];
	size_t count = extensions_put(world, world->setting.phones - leavers, extensions);
	enum sotto_err err =
		in ? talk_group_add(phone->talk, world->groups[0].id, extensions, count,
				    sim_phone_now(phone), sim_phone_utc(phone))
		   : talk_group_remove(phone->talk, world->groups[0].id, extensions, count,
				       sim_phone_now(phone), sim_phone_utc(phone));

	crowd->out = in ? 0 : leavers;
	sim_phone_settle(phone, err);
	return phase_end(crowd, name);
}

static bool make(struct crowd *crowd)
{
	struct sim_world *world = crowd->world;
	struct sim_phone *phone = &world->phones[0];
	uint32_t *extensions =
		allocator_take(&allocator_default, world->setting.phones * sizeof(*extensions));
	size_t count;
	enum sotto_err err;

	ASSERT(extensions != NULL);
	count = extensions_put(world, 1, extensions);
	err = talk_group_create(phone->talk, BYTES_TEXT("Everybody"), extensions, count,
				world->groups[0].id, sim_phone_now(phone), sim_phone_utc(phone));
	ASSERT(err == SOTTO_OK);
	world->group_count = 1;
	allocator_give(&allocator_default, extensions, world->setting.phones * sizeof(*extensions));
	sim_phone_settle(phone, err);
	return phase_end(crowd, "make");
}

void sim_crowd_joining(const struct sim_world *world, uint32_t count)
{
	if (!world->setting.crowd || count % JOINING != 0)
		return;
	printf("crowd phase=joining phones=%u in=%u seconds=%.1f requests=%llu records=%llu\n",
	       world->setting.phones, count, (double)sim_world_now(world) / SIM_SECOND,
	       (unsigned long long)world->totals.requests,
	       (unsigned long long)sim_frames_counts(world->frames).records);
	(void)fflush(stdout);
}

bool sim_crowd_run(struct sim_world *world)
{
	struct crowd crowd = {.world = world};

	sim_random_fork(&world->random, RANDOM_CROWD, &crowd.entry.random);
	phase_print(&crowd, "join");
	phase_begin(&crowd);
	return make(&crowd) && write_some(&crowd) && change(&crowd, "remove", 1, false) &&
	       write_some(&crowd) && change(&crowd, "add", 2, true) && write_some(&crowd);
}
