/* SPDX-License-Identifier: Apache-2.0 */
/* A phone whose power fails. */
#include "tests/talk/power.h"

#include "base/assert.h"

#define VFS	      "sim-power"
#define PASSPHRASE    BYTES_TEXT("correct horse")
#define SECOND_WITHIN 24 /* falls into recovery, or into the first steps after it */

static enum sotto_err apply(void *context, const struct store_batch *batch)
{
	struct power *power = context;

	return power->forgets ? SOTTO_OK : vault_apply(power->vault, batch);
}

static enum sotto_err vault_start(struct power *power)
{
	struct vault_config config = {.allocator = &allocator_default,
				      .random = &power->source,
				      .vfs = VFS,
				      .path = "vault",
				      .cost = PASSWORD_COST_TESTING};
	enum sotto_err err = vault_open(&config, PASSPHRASE, &power->vault);

	if (err == SOTTO_ERR_NOT_FOUND)
		err = vault_create(&config, PASSPHRASE, &power->vault);
	return err;
}

/* The phone is switched on, until it stays on. */
static void start(void *context, struct store_reader *reader, struct store_writer *writer)
{
	struct power *power = context;
	enum sotto_err err;

	for (;;) {
		bool stopped = sim_disk_stopped(power->disk);

		power->stops += stopped;
		vault_close(power->vault);
		power->vault = NULL;
		sim_disk_restart(power->disk, SIM_POWER_CUT);
		if (stopped && power->stop_again) {
			power->stop_again = false;
			power_stop_after(power, sim_random_below(&power->random, SECOND_WITHIN));
		}
		err = vault_start(power);
		if (err == SOTTO_OK && !sim_disk_stopped(power->disk))
			break;
		/* Nothing else keeps a vault from opening. */
		ASSERT(sim_disk_stopped(power->disk));
	}
	*reader = vault_reader(power->vault);
	*writer = (struct store_writer){apply, power};
}

void power_begin(struct power *power, struct world *world, uint32_t number, uint64_t seed)
{
	struct sim_random random;
	enum sotto_err err;

	*power = (struct power){.phone = world_phone(world, number)};
	sim_random_init(&random, seed);
	sim_random_fork(&random, 1, &power->random);
	power->source = sim_random_source(&power->random);
	err = sim_disk_create(&allocator_default, &random, &power->disk);
	ASSERT(err == SOTTO_OK);
	err = sim_vfs_create(&allocator_default, VFS, power->disk, &power->vfs);
	ASSERT(err == SOTTO_OK);
	world_store(world, number, (struct world_store){start, power});
}

void power_end(struct power *power)
{
	vault_close(power->vault);
	sim_vfs_destroy(power->vfs);
	sim_disk_destroy(power->disk);
}

void power_stop_after(struct power *power, uint64_t n)
{
	sim_disk_stop_at(power->disk,
			 n == POWER_NEVER ? POWER_NEVER : sim_disk_operations(power->disk) + n);
}

void power_return(struct power *power)
{
	if (sim_disk_stopped(power->disk))
		world_restart(power->phone);
}
