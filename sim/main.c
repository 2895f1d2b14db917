/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a whole network. tools/simulate runs many, adds up, and shortens what fails.
 *
 *     sotto-sim --seed N [--phones N] [--days N] [--faults N|none] [--texts N] [--devices N|none|drawn]
 *               [--suite N] [--skip LIST] [--trace]
 *     sotto-sim --seed N --phones N --crowd
 *
 * Prints one line of totals. Exit codes: 0, 1 an invariant does not hold, 2 usage.
 */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/init.h"
#include "sim/world.h"

static const struct option options[] = {
	{"seed", required_argument, NULL, 's'},	 {"phones", required_argument, NULL, 'p'},
	{"days", required_argument, NULL, 'd'},	 {"faults", required_argument, NULL, 'f'},
	{"texts", required_argument, NULL, 't'}, {"devices", required_argument, NULL, 'v'},
	{"suite", required_argument, NULL, 'u'}, {"skip", required_argument, NULL, 'k'},
	{"trace", no_argument, NULL, 'T'},	 {"plan", no_argument, NULL, 'P'},
	{"crowd", no_argument, NULL, 'C'},	 {NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	struct sim_setting setting = {0};
	struct sim_world *world;
	bool plan = false;
	bool held;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long long value = optarg == NULL ? 0 : strtoull(optarg, NULL, 0);

		switch (option) {
		case 's':
			setting.seed = value;
			break;
		case 'p':
			setting.phones = (uint32_t)value;
			break;
		case 'd':
			setting.days = (uint32_t)value;
			break;
		case 'f':
			setting.faults = strcmp(optarg, "none") == 0 ? SIM_NONE : (uint32_t)value;
			break;
		case 't':
			setting.texts = (uint32_t)value;
			break;
		case 'v':
			setting.devices = strcmp(optarg, "drawn") == 0	? SIM_DRAWN
					  : strcmp(optarg, "none") == 0 ? SIM_NONE
									: (uint32_t)value;
			break;
		case 'u':
			setting.suite = (uint16_t)value;
			break;
		case 'k':
			setting.skip = optarg;
			break;
		case 'T':
			setting.trace = true;
			break;
		case 'C':
			setting.crowd = true;
			break;
		case 'P':
			plan = true;
			break;
		default:
			return 2;
		}
	}
	if (setting.devices < SIM_DRAWN && setting.devices > SIM_DEVICES_MAX)
		return 2;
	/* What was given back is taken again soon: the kernel need not hear of it. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	if (crypto_init() != SOTTO_OK)
		return 2;
	world = sim_world_create(&setting);
	if (plan)
		sim_plan_print(world);
	held = sim_world_run(world);
	sim_totals_print(world);
	sim_world_destroy(world);
	return held ? 0 : 1;
}
