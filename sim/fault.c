/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong: one row of the table for each kind. A fault begins, lasts, and ends; those of links add up, so
 * that the end of one leaves the others.
 */
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"

/* Two histories are one again so long after a relay has shown one only; who was off meanwhile, later. */
#define HEALED_NS (2 * SIM_HOUR)

/* ---- Links ---- */

/* What a running fault of this kind does to a line that it concerns. */
static const struct {
	const char *name;
	struct sim_line_faults faults;
} link_effects[] = {
	{"loss", {.loss_ppm = 150000}},
	{"delay", {.delay_ns = 900 * SIM_MILLISECOND}},
	{"reorder", {.jitter_ns = 3 * SIM_SECOND}},
	{"duplicate", {.duplicate_ppm = 300000}},
	{"slow", {.bytes_per_second = 2000}},
	{"cut", {.cut = true}},
	{"flap", {.cut = true}},
	{"partition", {.cut = true}},
};

static bool concerns(const struct sim_entry *entry, uint32_t number)
{
	if (strcmp(sim_faults[entry->kind].name, "partition") == 0)
		return (entry->value >> number % 64 & 1) != 0;
	return entry->subject == number;
}

static void add(struct sim_line_faults *sum, const struct sim_line_faults *more)
{
	sum->delay_ns += more->delay_ns;
	sum->jitter_ns += more->jitter_ns;
	sum->loss_ppm += more->loss_ppm;
	sum->duplicate_ppm += more->duplicate_ppm;
	if (more->bytes_per_second != 0)
		sum->bytes_per_second = more->bytes_per_second;
	sum->cut = sum->cut || more->cut;
}

void sim_fault_lines(struct sim_world *world)
{
	struct sim_line_faults *sums =
		allocator_take_zeroed(&allocator_default, world->phone_count, sizeof(*sums));

	ASSERT(sums != NULL);
	for (uint32_t i = 0; i < world->phone_count; i++)
		sums[i] = world->phones[i].usual;
	for (size_t k = 0; k < world->entry_count; k++) {
		const struct sim_entry *entry = &world->entries[k];

		if (!entry->fault || !entry->running)
			continue;
		for (size_t e = 0; e < sizeof(link_effects) / sizeof(link_effects[0]); e++) {
			if (strcmp(link_effects[e].name, sim_faults[entry->kind].name) != 0)
				continue;
			for (uint32_t i = 0; i < world->phone_count; i++) {
				if (concerns(entry, i))
					add(&sums[i], &link_effects[e].faults);
			}
		}
	}
	for (uint32_t i = 0; i < world->phone_count; i++)
		sim_line_set_faults(world->phones[i].line, &sums[i]);
	allocator_give(&allocator_default, sums, world->phone_count * sizeof(*sums));
}

static bool link_begin(struct sim_world *world, struct sim_entry *entry)
{
	if (world->phones[entry->subject].talk == NULL)
		return false;
	sim_fault_lines(world);
	return true;
}

static bool partition_begin(struct sim_world *world, struct sim_entry *entry)
{
	entry->value = sim_random_u64(&entry->random);
	sim_fault_lines(world);
	return true;
}

static void link_end(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	sim_fault_lines(world);
}

/* ---- Phones ---- */

static struct sim_phone *running(struct sim_world *world, const struct sim_entry *entry)
{
	struct sim_phone *phone = &world->phones[entry->subject];

	return phone->talk == NULL ? NULL : phone;
}

static bool kill_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);

	if (phone == NULL)
		return false;
	sim_phone_off(phone, SIM_OFF_DEAD, sim_random_chance(&entry->random, 500000));
	return true;
}

static void kill_end(struct sim_world *world, struct sim_entry *entry)
{
	sim_phone_on(&world->phones[entry->subject], SIM_OFF_DEAD);
}

static bool away_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);

	if (phone == NULL)
		return false;
	sim_phone_off(phone, SIM_OFF_AWAY, true);
	return true;
}

static void away_end(struct sim_world *world, struct sim_entry *entry)
{
	sim_phone_on(&world->phones[entry->subject], SIM_OFF_AWAY);
}

/* Before one of the next operations of its disk. */
static bool stop_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);

	if (phone == NULL)
		return false;
	if (phone->disk != NULL)
		sim_disk_stop_at(phone->disk, sim_disk_operations(phone->disk) +
						      sim_random_below(&entry->random, 300));
	else
		store_memory_stop_after(phone->memory, sim_random_below(&entry->random, 60));
	return true;
}

static void disk_clear(struct sim_phone *phone)
{
	if (phone->disk == NULL)
		return;
	sim_disk_refuse(phone->disk, 0, 0, SOTTO_OK, false);
}

static bool full_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);

	/* Those without a disk of their own are never full: another one is. */
	for (uint32_t i = 0; i < world->phone_count && (phone == NULL || phone->disk == NULL);
	     i++) {
		entry->subject = i;
		phone = running(world, entry);
	}
	if (phone == NULL || phone->disk == NULL)
		return false;
	sim_disk_refuse(phone->disk, sim_disk_operations(phone->disk), UINT64_MAX,
			SOTTO_ERR_DISK_FULL, true);
	return true;
}

static void full_end(struct sim_world *world, struct sim_entry *entry)
{
	disk_clear(&world->phones[entry->subject]);
}

static bool memory_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);

	if (phone == NULL)
		return false;
	phone->fail_left = sim_random_below(&entry->random, 3000);
	return true;
}

/* ---- Clocks ---- */

static int64_t either_way(struct sim_entry *entry, uint64_t least, uint64_t most)
{
	int64_t value = (int64_t)(least + sim_random_below(&entry->random, most - least));

	return sim_random_chance(&entry->random, 500000) ? -value : value;
}

static bool jump_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);
	/* Most are what a bad clock is off; some are so far off that no relay answers. */
	bool far = sim_random_chance(&entry->random, 200000);

	if (phone == NULL)
		return false;
	sim_phone_clock(phone, phone->drift_ppm,
			far ? either_way(entry, UINT64_C(3600000), UINT64_C(86400000))
			    : either_way(entry, 1000, 480000));
	return true;
}

static void jump_end(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = &world->phones[entry->subject];

	sim_phone_clock(phone, phone->drift_ppm, 0);
}

static bool drift_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = running(world, entry);

	if (phone == NULL)
		return false;
	sim_phone_clock(phone, (int32_t)either_way(entry, 50, 50000), phone->skew_ms);
	return true;
}

static void drift_end(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = &world->phones[entry->subject];

	sim_phone_clock(phone, 0, phone->skew_ms);
}

/* ---- The relay ---- */

static void relay_up(struct sim_world *world)
{
	while (!sim_relay_start(world->relay))
		continue;
}

static bool relay_kill_begin(struct sim_world *world, struct sim_entry *entry)
{
	if (!sim_relay_running(world->relay))
		return false;
	sim_relay_stop(world->relay, sim_random_chance(&entry->random, 500000));
	return true;
}

static bool relay_stop_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_disk *disk = sim_relay_disk(world->relay);

	if (!sim_relay_running(world->relay))
		return false;
	sim_disk_stop_at(disk, sim_disk_operations(disk) + sim_random_below(&entry->random, 400));
	return true;
}

static void relay_stop_end(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_disk *disk = sim_relay_disk(world->relay);

	(void)entry;
	if (sim_disk_stopped(disk))
		sim_relay_stop(world->relay, true);
	sim_disk_stop_at(disk, UINT64_MAX);
	relay_up(world);
}

static void relay_kill_end(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	relay_up(world);
}

static bool relay_full_begin(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_disk *disk = sim_relay_disk(world->relay);

	(void)entry;
	if (!sim_relay_running(world->relay))
		return false;
	sim_disk_refuse(disk, sim_disk_operations(disk), UINT64_MAX, SOTTO_ERR_DISK_FULL, true);
	return true;
}

static void relay_full_end(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	sim_disk_refuse(sim_relay_disk(world->relay), 0, 0, SOTTO_OK, false);
}

static bool relay_lose_begin(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	if (!sim_relay_running(world->relay) || world->loss_count == SIM_LOSSES_MAX)
		return false;
	world->losses_ns[world->loss_count++] = sim_world_now(world);
	sim_relay_stop(world->relay, true);
	sim_relay_lose(world->relay);
	world->relay_lost = true;
	return true;
}

/*
 * Everybody dials anew: who is lied to must not go on from before. When the lie ends the relay is as it would
 * have been without, but for what victims of a fork wrote; or as it was before.
 */
static bool lie_begin(struct sim_world *world, struct sim_entry *entry)
{
	/* Victims never have the founder among them: somebody must see what becomes of the network. */
	uint64_t victims = sim_random_u64(&entry->random) & ~UINT64_C(1);
	enum sim_lie lie = (enum sim_lie)(SIM_LIE_CORRUPT + entry->kind - sim_fault_first_lie());

	if (!sim_relay_running(world->relay) || world->lie != SIM_LIE_NONE ||
	    world->setting.seed % SIM_LIARS != 0)
		return false;
	sim_relay_stop(world->relay, false);
	relay_up(world);
	sim_relay_lie(world->relay, lie, 20000, victims);
	world->relay_lied = true;
	world->lie = lie;
	if (lie == SIM_LIE_FORK || lie == SIM_LIE_WITHHOLD) {
		world->forked_ns = world->forked ? world->forked_ns : sim_world_now(world);
		world->healed_ns = UINT64_MAX;
		world->forked = true;
	}
	world->victims = victims;
	return true;
}

static void lie_end(struct sim_world *world, struct sim_entry *entry)
{
	(void)entry;
	sim_relay_lie(world->relay, SIM_LIE_NONE, 0, 0);
	sim_relay_stop(world->relay, false);
	if (world->lie == SIM_LIE_SET_BACK) {
		sim_relay_set_back(world->relay);
		if (world->loss_count < SIM_LOSSES_MAX)
			world->losses_ns[world->loss_count++] = sim_world_now(world);
	}
	relay_up(world);
	if (world->lie == SIM_LIE_FORK || world->lie == SIM_LIE_WITHHOLD)
		world->healed_ns = sim_world_now(world) + HEALED_NS;
	world->lie = SIM_LIE_NONE;
}

const struct sim_fault sim_faults[] = {
	{"loss", 10, SIM_MINUTE, 3 * SIM_HOUR, link_begin, link_end},
	{"delay", 6, SIM_MINUTE, 3 * SIM_HOUR, link_begin, link_end},
	{"reorder", 10, SIM_MINUTE, 3 * SIM_HOUR, link_begin, link_end},
	{"duplicate", 8, SIM_MINUTE, 3 * SIM_HOUR, link_begin, link_end},
	{"slow", 6, SIM_MINUTE, SIM_HOUR, link_begin, link_end},
	{"cut", 10, 10 * SIM_SECOND, 4 * SIM_HOUR, link_begin, link_end},
	{"flap", 10, 5 * SIM_SECOND, 6 * SIM_SECOND, link_begin, link_end},
	{"partition", 5, 10 * SIM_SECOND, 4 * SIM_HOUR, partition_begin, link_end},
	{"kill", 8, SIM_SECOND, 10 * SIM_MINUTE, kill_begin, kill_end},
	{"away", 8, SIM_HOUR, 36 * SIM_HOUR, away_begin, away_end},
	{"stop", 12, 0, 0, stop_begin, NULL},
	{"full", 4, SIM_MINUTE, 30 * SIM_MINUTE, full_begin, full_end},
	{"memory", 6, 0, 0, memory_begin, NULL},
	{"clock-jump", 6, SIM_MINUTE, 6 * SIM_HOUR, jump_begin, jump_end},
	{"clock-drift", 4, SIM_HOUR, 12 * SIM_HOUR, drift_begin, drift_end},
	{"relay-kill", 8, SIM_SECOND, 10 * SIM_MINUTE, relay_kill_begin, relay_kill_end},
	{"relay-stop", 8, 5 * SIM_SECOND, 5 * SIM_MINUTE, relay_stop_begin, relay_stop_end},
	{"relay-full", 4, SIM_MINUTE, 30 * SIM_MINUTE, relay_full_begin, relay_full_end},
	{"relay-lose", 3, SIM_SECOND, 10 * SIM_MINUTE, relay_lose_begin, relay_kill_end},
	/* In the order of enum sim_lie; only in the runs of a relay that lies. */
	{"lie-corrupt", 0, 10 * SIM_MINUTE, 6 * SIM_HOUR, lie_begin, lie_end},
	{"lie-replay", 0, 10 * SIM_MINUTE, 6 * SIM_HOUR, lie_begin, lie_end},
	{"lie-freeze", 0, SIM_HOUR, 12 * SIM_HOUR, lie_begin, lie_end},
	{"lie-fork", 0, SIM_HOUR, 6 * SIM_HOUR, lie_begin, lie_end},
	{"lie-drop", 0, 10 * SIM_MINUTE, 12 * SIM_HOUR, lie_begin, lie_end},
	{"lie-late", 0, 10 * SIM_MINUTE, 12 * SIM_HOUR, lie_begin, lie_end},
	{"lie-withhold", 0, SIM_HOUR, 6 * SIM_HOUR, lie_begin, lie_end},
	{"lie-twice", 0, 10 * SIM_MINUTE, 12 * SIM_HOUR, lie_begin, lie_end},
	{"lie-set-back", 0, 10 * SIM_MINUTE, 6 * SIM_HOUR, lie_begin, lie_end},
};
const size_t sim_fault_count = sizeof(sim_faults) / sizeof(sim_faults[0]);

size_t sim_fault_first_lie(void)
{
	for (size_t i = 0; i < sim_fault_count; i++) {
		if (sim_faults[i].begin == lie_begin)
			return i;
	}
	ASSERT(false);
	return 0;
}
