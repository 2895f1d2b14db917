/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone of the world whose vault is on a simulated disk, and whose power fails: what was not synced is kept,
 * dropped or torn, and it starts again from that.
 */
#ifndef TESTS_TALK_POWER_H
#define TESTS_TALK_POWER_H

#include "sim/vfs.h"
#include "tests/talk/world.h"
#include "vault/vault.h"

#define POWER_NEVER UINT64_MAX

struct power {
	struct world_phone *phone;
	struct sim_random random;
	struct random_source source;
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct vault *vault;
	bool stop_again; /* also a second stop, soon after the next one */
	bool forgets;	 /* says that a batch is durable, and drops it */
	uint64_t stops;
};

/* Phone `number`, empty so far. One phone of a process at a time. */
void power_begin(struct power *power, struct world *world, uint32_t number, uint64_t seed);

/* After world_destroy. */
void power_end(struct power *power);

/* The power fails before the disk's nth operation from now; POWER_NEVER. */
void power_stop_after(struct power *power, uint64_t n);

/* If it failed in what nothing waits for, such as erasing a key, the phone does not know yet: starts it. */
void power_return(struct power *power);

#endif
