/* SPDX-License-Identifier: Apache-2.0 */
/* What happened: a hash (FNV-1a) over all lines and all bytes that left a phone, and lines if they are wanted. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/world.h"

#define FNV_PRIME UINT64_C(0x100000001b3)

void sim_trace_bytes(struct sim_world *world, struct bytes bytes)
{
	uint64_t hash = world->trace;

	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ bytes.data[i]) * FNV_PRIME;
	world->trace = hash;
}

void sim_trace(struct sim_world *world, const char *format, ...)
{
	char line[240];
	va_list arguments;
	uint64_t now_ms = sim_world_now(world) / SIM_MILLISECOND;
	int len;

	va_start(arguments, format);
	len = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (len < 0)
		return;
	sim_trace_bytes(world, BYTES(&now_ms, sizeof(now_ms)));
	sim_trace_bytes(world, BYTES(line, strlen(line)));
	if (world->setting.trace)
		printf("%llu.%03u %s\n", (unsigned long long)(now_ms / 1000),
		       (unsigned int)(now_ms % 1000), line);
}

static void number(const char *name, uint64_t value)
{
	printf(" %s=%llu", name, (unsigned long long)value);
}

/* One line, for whoever adds them up. */
void sim_totals_print(const struct sim_world *world)
{
	const struct sim_totals *totals = &world->totals;
	struct sim_line_counts line = sim_switch_counts(world->hub);
	struct sim_relay_counts relay = sim_relay_counts(world->relay);
	struct sim_frames_counts frames = sim_frames_counts(world->frames);
	uint64_t minutes = totals->phone_ns / SIM_MINUTE;
	uint64_t faults = 0, copied, healed;

	for (size_t i = 0; i < sim_fault_count; i++)
		faults += totals->faults[i];
	sim_thief_counts(world->thief, &copied, &healed);
	printf("seed=%llu", (unsigned long long)world->setting.seed);
	printf(" %s", world->broken == NULL ? "passed" : "failed");
	printf(" trace=%016llx", (unsigned long long)world->trace);
	number("phone-minutes", minutes);
	number("days", (sim_world_now(world) + SIM_DAY / 2) / SIM_DAY);
	number("texts", totals->texts);
	number("calls", totals->calls);
	number("joins", totals->joins);
	number("revocations", totals->revocations);
	number("devices", totals->devices);
	number("histories", totals->histories);
	number("steps", totals->steps);
	number("requests", totals->requests);
	number("records", frames.records);
	number("links", line.links);
	number("lost", line.lost);
	number("duplicated", line.duplicated);
	number("deaths", totals->deaths);
	number("relay-starts", relay.starts);
	number("lies", relay.lies);
	number("faults", faults);
	number("groups", world->group_count);
	number("rogue", totals->rogue);
	number("split", totals->split);
	number("discarded", totals->discarded);
	number("copied", copied);
	number("healed", healed);
	number("recovery-s", totals->recovery_ns / SIM_SECOND);
	for (size_t i = 0; i < sim_fault_count; i++) {
		if (totals->faults[i] > 0)
			printf(" fault:%s=%llu", sim_faults[i].name,
			       (unsigned long long)totals->faults[i]);
	}
	for (size_t i = 0; i < sim_action_count; i++) {
		if (totals->actions[i] > 0)
			printf(" act:%s=%llu", sim_actions[i].name,
			       (unsigned long long)totals->actions[i]);
	}
	printf("\n");
}
