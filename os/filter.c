/* SPDX-License-Identifier: Apache-2.0 */
/* From a profile's groups to a seccomp filter on every thread of this process. */
#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/profiles.h"

static int filter_allow(scmp_filter_ctx filter, const struct call *call)
{
	struct scmp_arg_cmp checks[CALL_CHECKS_MAX];
	int result;

	for (unsigned i = 0; i < call->checks_count; i++) {
		checks[i] = call->checks[i];
		if (checks[i].datum_a == CALL_OWN_PROCESS)
			checks[i].datum_a = (scmp_datum_t)getpid();
	}
	result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, call->checks_count,
					checks);
	/* Allowed already, under fewer conditions, by another group; or unknown to this machine's
	 * architecture. */
	return result == -EEXIST || result == -EDOM ? 0 : result;
}

static int filter_allow_group(scmp_filter_ctx filter, const struct call_group *group,
			      unsigned *calls)
{
	for (size_t i = 0; i < group->count; i++) {
		int result = filter_allow(filter, &group->calls[i]);

		if (result != 0)
			return result;
		*calls += 1;
	}
	return 0;
}

static int filter_build(scmp_filter_ctx filter, const struct profile *profile, unsigned *calls)
{
	int result = 0;

	/* All threads, or none and an error. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0)
		return -ENOSYS;
	/* A binary tree: a busy relay makes many calls. Old libraries have a list, which does the
	 * same. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < PROFILE_GROUP_MAX && profile->groups[i] != NULL && result == 0; i++)
		result = filter_allow_group(filter, profile->groups[i], calls);
#ifdef SOTTO_SANITIZED
	if (result == 0)
		result = filter_allow_group(filter, &calls_sanitizer, calls);
#endif
	/* "Not implemented" makes glibc use clone, whose flags a filter can see. */
	if (result == 0)
		result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0,
						NULL);
	return result;
}

enum sotto_err filter_load(const struct profile *profile, unsigned *calls)
{
	/* Calls of another architecture (32 bits on a 64-bit machine) end the thread: nothing of
	 * ours makes them. */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	unsigned count = 0;
	int result;

	if (filter == NULL)
		return SOTTO_ERR_NO_MEMORY;
	result = filter_build(filter, profile, &count);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result != 0) {
		errno = -result;
		return SOTTO_ERR_IO;
	}
	*calls = count;
	return SOTTO_OK;
}
