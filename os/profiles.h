/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables behind os/sandbox.h: groups of system calls (os/calls.c), and for each profile its
 * groups and what else holds (os/profiles.c). Inside os/ only.
 */
#ifndef OS_PROFILES_H
#define OS_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <seccomp.h>

#include "os/sandbox.h"

#define CALL_CHECKS_MAX	  3
#define PROFILE_GROUP_MAX 8

/* A check whose value is this process's own id. */
#define CALL_OWN_PROCESS UINT64_MAX

/* A call that is allowed, where all of its checks hold. Several entries for one call: any of
 * them. */
struct call {
	int number;
	unsigned checks_count;
	struct scmp_arg_cmp checks[CALL_CHECKS_MAX];
};

struct call_group {
	const struct call *calls;
	size_t count;
};

extern const struct call_group calls_common; /* computing, waiting, descriptors that are open */
extern const struct call_group
	calls_data; /* memory that never becomes code; only one's own process */
extern const struct call_group calls_files;    /* opening, making, removing files */
extern const struct call_group calls_reading;  /* opening files to read them, and no more */
extern const struct call_group calls_accept;   /* on a listener that is there */
extern const struct call_group calls_udp;      /* new sockets, UDP over IP alone */
extern const struct call_group calls_threads;  /* and real-time scheduling of them */
extern const struct call_group calls_sound;    /* shared memory and sound devices that are open */
extern const struct call_group calls_terminal; /* its settings and size */
extern const struct call_group calls_programs; /* starting and ending programs */
extern const struct call_group calls_setup;    /* all that programs do before their own sandbox */
#ifdef SOTTO_SANITIZED
extern const struct call_group
	calls_sanitizer; /* what AddressSanitizer and LeakSanitizer cannot do without */
#endif

/* What Landlock leaves of the file system. */
enum profile_files {
	FILES_NONE,	 /* nothing */
	FILES_DIRECTORY, /* reading and writing beneath the given directory */
	FILES_READ,	 /* reading beneath the given directories */
	FILES_PROGRAMS,	 /* executing our own programs; the rest is not Landlock's affair */
};

struct profile {
	const char *name;
	enum profile_files files;
	bool write_xor_execute; /* inherited by what is started, so not where something is */
	const struct call_group *groups[PROFILE_GROUP_MAX];
};

extern const struct profile os_profiles[OS_PROFILE_COUNT];

#ifdef SOTTO_SANITIZED
#define SANDBOX_SANITIZED true
#else
#define SANDBOX_SANITIZED false
#endif

/* os/filter.c: seccomp for all threads; *calls is how many it allows. */
MUST_USE enum sotto_err filter_load(const struct profile *profile, unsigned *calls);

/* os/landlock.c: the ABI of this kernel, 0 if it has none; a rule set for a profile (-1 without
 * Landlock) and its coming into force, which also closes it. */
unsigned landlock_abi(void);
MUST_USE enum sotto_err landlock_prepare(const struct profile *profile,
					 const struct os_sandbox_options *options, int *ruleset);
MUST_USE enum sotto_err landlock_enter(int ruleset);

/* os/privileges.c: may this process lock memory beyond its limit (CAP_IPC_LOCK)? And: gives up all
 * capabilities, of root too, except that one if it is to be kept; true if no other is left. */
bool privileges_may_lock(void);
bool privileges_drop(bool keep_lock, bool starts_programs);

#endif
