/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a sandbox. The order matters:
 *
 *   rules of Landlock (needs files) ──> limits ──> pages locked (needs the limit)
 *   ──> no new privileges ──> no capabilities ──> Landlock ──> no code from data
 *   ──> seccomp, which forbids all of the above
 */
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "os/profiles.h"

/* Linux 6.3; not in the headers of Debian 12. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE		 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* What the kernel has been told cannot be taken back, so neither can this. */
static bool sandbox_entered;

static enum sotto_err sandbox_forbid_dumps(void)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return SOTTO_ERR_IO;
	/* LeakSanitizer attaches to its own process. */
	if (!SANDBOX_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return SOTTO_ERR_IO;
	return SOTTO_OK;
}

enum sotto_err os_process_harden(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int descriptor;

	/* A descriptor that we open must not get the number of a standard one that somebody
	 * closed. */
	do {
		descriptor = open("/dev/null", O_RDWR);
		if (descriptor < 0)
			return SOTTO_ERR_IO;
	} while (descriptor <= STDERR_FILENO);
	close(descriptor);
	umask(S_IRWXG | S_IRWXO);
	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return SOTTO_ERR_IO;
	return sandbox_forbid_dumps();
}

static bool sandbox_lock_is_unlimited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

/*
 * Can locking what will come make an allocation fail? Only trying to lock more than the limit tells: inside
 * a user namespace one has the capability to exceed it, and it is of no use. Nothing is behind PROT_NONE, so
 * this takes no memory.
 */
static bool sandbox_lock_is_limited(void)
{
	struct rlimit limit;
	void *memory;
	size_t len;

	if (sandbox_lock_is_unlimited())
		return false;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur > SIZE_MAX / 2)
		return true;
	len = (size_t)limit.rlim_cur + 1;
	memory = mmap(NULL, len, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_LOCKED, -1, 0);
	if (memory == MAP_FAILED)
		return true;
	(void)munmap(memory, len);
	return false;
}

/* Locks what is there and what will come, if no limit can make a later allocation fail for that
 * reason. */
static bool sandbox_lock_pages(void)
{
	if (SANDBOX_SANITIZED) /* shadow memory is terabytes */
		return false;
	return !sandbox_lock_is_limited() && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

static bool sandbox_is_one_thread(void)
{
	struct stat status;

	/* Two links of its own, and one for each thread. */
	return stat("/proc/self/task", &status) == 0 && status.st_nlink == 3;
}

enum sotto_err os_sandbox_enter(enum os_profile which, const struct os_sandbox_options *options,
				struct os_sandbox *out)
{
	const struct profile *profile = &os_profiles[which];
	struct os_sandbox sandbox = {
		.profile = which, .landlock_abi = landlock_abi(), .sanitized = SANDBOX_SANITIZED};
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	int ruleset;
	enum sotto_err err;

	FAIL_IF(sandbox_entered, SOTTO_ERR_STATE);
	ASSERT(profile->files != FILES_DIRECTORY || options->directory != NULL);
	TRY(landlock_prepare(profile, options, &ruleset));
	sandbox_entered = true;
	sandbox.threads_confined = sandbox_is_one_thread();
	TRY(sandbox_forbid_dumps());
	/* Root may, most often, and passes it on to what it starts; for others the limit is what it
	 * is. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	sandbox.memory_locked = options->lock_memory && sandbox_lock_pages();
	/* Without a limit it is not needed; with one, later pages need it, or those of what we
	 * start. */
	sandbox.lock_capability = !sandbox_lock_is_unlimited() && privileges_may_lock() &&
				  (sandbox.memory_locked || profile->files == FILES_PROGRAMS);
	FAIL_IF(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0, SOTTO_ERR_IO);
	sandbox.capabilities_empty =
		privileges_drop(sandbox.lock_capability, profile->files == FILES_PROGRAMS);
	TRY(landlock_enter(ruleset));
	sandbox.files_confined = ruleset >= 0;
	if (profile->write_xor_execute && !SANDBOX_SANITIZED)
		sandbox.write_xor_execute =
			prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0;
	TRY(filter_load(profile, &sandbox.calls));
	*out = sandbox;
	err = SOTTO_OK;
out:
	return err;
}

static void __attribute__((format(printf, 2, 3))) sandbox_say(char *text, const char *format, ...)
{
	size_t len = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	ASSERT(vsnprintf(text + len, OS_SANDBOX_TEXT_LEN - len, format, arguments) <
	       (int)(OS_SANDBOX_TEXT_LEN - len));
	va_end(arguments);
}

void os_sandbox_describe(const struct os_sandbox *sandbox, char text[OS_SANDBOX_TEXT_LEN])
{
	const struct profile *profile = &os_profiles[sandbox->profile];

	text[0] = '\0';
	sandbox_say(text, "%s: seccomp (%u rules)", profile->name, sandbox->calls);
	if (sandbox->files_confined)
		sandbox_say(text, "; Landlock ABI %u%s", sandbox->landlock_abi,
			    sandbox->threads_confined ? ""
						      : " (threads begun before: seccomp only)");
	else
		sandbox_say(text, "; NO Landlock (this kernel has none)");
	sandbox_say(text, "; no new privileges; %s",
		    !sandbox->capabilities_empty ? "capabilities LEFT"
		    : sandbox->lock_capability	 ? "no capability but CAP_IPC_LOCK"
						 : "no capabilities");
	sandbox_say(text, "; no core");
	if (!sandbox->sanitized)
		sandbox_say(text, "; not dumpable");
	if (sandbox->write_xor_execute)
		sandbox_say(text, "; no code from data");
	else if (profile->write_xor_execute && !sandbox->sanitized)
		sandbox_say(text,
			    "; code from data refused by seccomp only (this kernel has no MDWE)");
	sandbox_say(text, "; %s",
		    sandbox->memory_locked ? "all memory locked" : "key memory locked only");
#ifdef SOTTO_SANITIZED
	sandbox_say(text,
		    "; SANITIZER BUILD: dumpable, %zu rules more, /proc readable, code from data",
		    calls_sanitizer.count);
#endif
}

enum sotto_err os_memory_lock(void *memory, size_t len)
{
	/* Not in cores either, should somebody switch them on again. */
	(void)madvise(memory, len,
		      MADV_DONTDUMP); /* only whole pages can be: no loss if these are not */
	if (mlock(memory, len) == 0)
		return SOTTO_OK;
	return errno == ENOMEM || errno == EAGAIN || errno == EPERM ? SOTTO_ERR_LIMIT
								    : SOTTO_ERR_IO;
}

void os_memory_unlock(void *memory, size_t len)
{
	bytes_wipe(memory, len);
	(void)munlock(memory, len); /* was not locked if there was no room: nothing is lost */
}
