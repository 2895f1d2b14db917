/* SPDX-License-Identifier: Apache-2.0 */
/* Root without a capability is a user who owns root's files, and no more. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/profiles.h"

#define PRIVILEGES_LOCK_BIT (UINT32_C(1) << CAP_IPC_LOCK)

_Static_assert(CAP_IPC_LOCK < 32, "in the first of the two words");

static void privileges_get(struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	/* Should it fail, we had better believe that we have them all. */
	memset(sets, 0xff, _LINUX_CAPABILITY_U32S_3 * sizeof(sets[0]));
	(void)syscall(SYS_capget, &header, sets);
}

bool privileges_may_lock(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	privileges_get(sets);
	return (sets[0].effective & PRIVILEGES_LOCK_BIT) != 0;
}

bool privileges_drop(bool keep_lock, bool starts_programs)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	uint32_t kept = keep_lock ? PRIVILEGES_LOCK_BIT : 0;

	/* Where there is nothing to give up, these are refused; what counts is what is left. */
	for (unsigned long capability = 0; capability < 64; capability++) {
		if (!keep_lock || capability != CAP_IPC_LOCK)
			(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!starts_programs) /* what root starts gets what the bounding set above leaves */
		(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	privileges_get(sets);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= i == 0 ? kept : 0;
		sets[i].effective &= sets[i].permitted;
		sets[i].inheritable = 0;
	}
	(void)syscall(SYS_capset, &header, sets);
	privileges_get(sets);
	return ((sets[0].permitted | sets[0].effective) & ~kept) == 0 && sets[1].permitted == 0 &&
	       sets[1].effective == 0;
}
