/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process may still do once it has what it needs. One profile a process, each a table in
 * os/profiles.c; a process enters exactly one, and nothing leaves it. Beneath:
 *
 *   seccomp      an allow list on all threads; what is not in it fails with EPERM
 *   Landlock     files beneath the given directory only; no TCP, no abstract sockets, no signals to
 * outsiders, by the ABI that the kernel has the rest     no new privileges, no capabilities, not
 * dumpable (no core, no ptrace by the same user), no memory that is both writable and executable,
 * pages locked where the limit allows
 *
 * Why EPERM and not death: a refused call is an error that our code already handles and a test can
 * count from inside a live process; a process that dies is restarted, and a hostile packet that can
 * make one die at will would have found a switch. Nothing is gained by killing: the call did not
 * happen either way.
 *
 * What the kernel cannot do is no failure but is said (os_sandbox_describe), for `status`. What it
 * can do and refuses is a failure, and the program must end. Sanitizer builds (SOTTO_SANITIZED)
 * allow a named list of calls more and leave out what a sanitizer cannot bear; describe says so,
 * too.
 */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum os_profile {
	/* Starts the others, which inherit all this: so it may do what they need before their own
	 * sandbox, but exec only our own programs, and nothing of what no process of sotto ever
	 * needs (ptrace, mount, bpf...). */
	OS_PROFILE_LAUNCHER,
	/* UDP sockets, open ones and new ones (rebinding). No file, exec, TCP, AF_UNIX socket,
	   listener. */
	OS_PROFILE_LINK,
	/* Files beneath its home; accept on the listener it has. No socket of any family, no exec.
	 */
	OS_PROFILE_AGENT,
	/* After its devices are open: descriptors, shared memory and threads for them. No file,
	   socket, exec. */
	OS_PROFILE_VOICE,
	/* Likewise. */
	OS_PROFILE_RINGER,
	/* Datagrams on the sockets it was given. No socket, connect, file, exec. */
	OS_PROFILE_RELAY_NET,
	/* Files beneath --state. No socket, exec. */
	OS_PROFILE_RELAY_STORE,
	/* As the launcher, for the relay's two: accepts on the status socket. */
	OS_PROFILE_RELAY_PARENT,
	/* After it has its files and the control socket: lines, the terminal. No file, socket,
	   exec. */
	OS_PROFILE_COMMAND,
	/* Draws: threads, reading files beneath the given directories (fonts). No other file, socket,
	   exec. */
	OS_PROFILE_CARDS,

	OS_PROFILE_COUNT
};

/* What is in force; filled by os_sandbox_enter. */
struct os_sandbox {
	enum os_profile profile;
	unsigned landlock_abi;	 /* 0: this kernel has none */
	bool files_confined;	 /* Landlock holds for this profile */
	bool threads_confined;	 /* Landlock reached all threads (seccomp always does) */
	bool write_xor_execute;	 /* PR_SET_MDWE */
	bool memory_locked;	 /* all pages; else key memory only, by os_memory_lock */
	bool capabilities_empty; /* of root too, but for the next */
	bool lock_capability;	 /* CAP_IPC_LOCK was kept, for pages beyond a limit that stays */
	bool sanitized;		 /* a sanitizer build: weaker by a named list */
	unsigned calls;		 /* that seccomp allows */
};

struct os_sandbox_options {
	/* The one directory beneath which files may be used (AGENT, RELAY_STORE), or the program,
	 * or the folder of programs, that may be executed (LAUNCHER, RELAY_PARENT; NULL: our own
	 * file and those of os_process_names). Else ignored. */
	const char *directory;
	/* The directories beneath which files may be read (CARDS), NULL at the end; what is not there
	 * is left out. NULL: none. Else ignored. */
	const char *const *readable;
	/* Lock all pages, where the limit allows. Processes with keys ask for it. */
	bool lock_memory;
};

/* The short lower-case name: "relay-net". */
const char *os_profile_name(enum os_profile profile);

/* Enters. Once a process: STATE. IO: the kernel refused; the program must end, since what is in
 * force is not known. NOT_FOUND: no such directory (nothing is in force yet). */
MUST_USE enum sotto_err os_sandbox_enter(enum os_profile profile,
					 const struct os_sandbox_options *options,
					 struct os_sandbox *sandbox);

/* One line for people: "link: seccomp (110 rules); Landlock ABI 7; no capabilities; ...". Lacks are
 * said in the same place as "NO Landlock (kernel)". */
#define OS_SANDBOX_TEXT_LEN 512
void os_sandbox_describe(const struct os_sandbox *sandbox, char text[OS_SANDBOX_TEXT_LEN]);

/* What every program does first of all, before it reads an argument: not dumpable, no core, umask
 * 077, standard descriptors open, no SIGPIPE. No effect on what the process may do. */
MUST_USE enum sotto_err os_process_harden(void);

/* Keeps memory of keys out of swap and cores. LIMIT: RLIMIT_MEMLOCK is used up; the memory is
 * usable but was not locked, and `status` should say so. Give the same span to unlock, which wipes
 * it. */
MUST_USE enum sotto_err os_memory_lock(void *memory, size_t len);
void os_memory_unlock(void *memory, size_t len);

#endif
