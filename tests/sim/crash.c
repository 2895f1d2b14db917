/* SPDX-License-Identifier: Apache-2.0 */
/* The loop over all points at which a disk may stop. */
#include "tests/sim/crash.h"

#include "base/assert.h"
#include "sim/vfs.h"

/* A second stop falls into recovery or the first steps after it. */
#define SECOND_STOP_WITHIN 24

struct point {
	bool reached_end;
	bool good;
	uint64_t operations;
};

static bool again(const struct crash_workload *workload, struct sim_disk *disk,
		  struct sim_random *random)
{
	sim_disk_stop_at(disk,
			 sim_disk_operations(disk) + sim_random_below(random, SECOND_STOP_WITHIN));
	workload->run(workload->context);
	sim_disk_restart(disk, SIM_POWER_CUT);
	return workload->check(workload->context);
}

static struct point run_point(const struct crash_workload *workload,
			      const struct crash_options *options, struct sim_vfs *vfs, uint64_t n)
{
	struct point point = {.good = true};
	struct sim_random seed;
	struct sim_random random;
	struct sim_disk *disk;
	enum sotto_err err;

	sim_random_init(&seed, options->seed);
	sim_random_fork(&seed, n, &random);
	err = sim_disk_create(&allocator_default, &random, &disk);
	ASSERT(err == SOTTO_OK);
	sim_vfs_use(vfs, disk);
	if (workload->begin != NULL)
		workload->begin(workload->context, disk);
	sim_disk_ignore_syncs(disk, options->ignore_syncs);
	point.operations = sim_disk_operations(disk);
	sim_disk_stop_at(disk, point.operations + n);
	workload->run(workload->context);
	point.reached_end = !sim_disk_stopped(disk);
	point.operations = sim_disk_operations(disk) - point.operations;
	sim_disk_restart(disk, options->how);
	point.good = workload->check(workload->context);
	if (point.good && options->stop_again)
		point.good = again(workload, disk, &random);
	if (workload->end != NULL)
		workload->end(workload->context);
	sim_disk_destroy(disk);
	return point;
}

struct crash_report crash_run(const struct crash_workload *workload,
			      const struct crash_options *options)
{
	uint64_t step = options->step == 0 ? 1 : options->step;
	struct crash_report report = {0};
	struct sim_vfs *vfs;
	enum sotto_err err = sim_vfs_create(&allocator_default, CRASH_VFS, NULL, &vfs);

	ASSERT(err == SOTTO_OK);
	for (uint64_t n = 0; options->points_max == 0 || report.points < options->points_max;
	     n += step) {
		struct point point = run_point(workload, options, vfs, n);

		report.points++;
		report.operations = point.operations;
		if (!point.good && report.failed++ == 0)
			report.first_failed = n;
		if (point.reached_end)
			break;
	}
	sim_vfs_destroy(vfs);
	return report;
}
