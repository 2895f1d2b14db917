/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting our own programs, and only those: no shell, no PATH, a clean environment, exactly the
 * descriptors that are listed, default signals. The end of a process comes as a callback (pidfd),
 * never as SIGCHLD.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "os/loop.h"

#define OS_PROCESS_PATH_LEN	   4096
#define OS_PROCESS_ARGUMENTS_MAX   32
#define OS_PROCESS_DESCRIPTORS_MAX 16

/* Beyond standard input, output and error. */
#define OS_PROCESS_DESCRIPTOR_FIRST 3

struct os_process;

struct os_process_spec {
	const char *path;		/* absolute, from os_process_find */
	const char *const *arguments;	/* argv[1]..., NULL at the end; NULL: none */
	const char *const *environment; /* "NAME=value"..., NULL at the end; NULL: none at all */
	/* descriptors[i] becomes number i: 0 to 2 are the standard ones (-1: /dev/null), those from
	 * OS_PROCESS_DESCRIPTOR_FIRST on are the program's by its own table (-1: closed). All
	 * others are closed. */
	const int *descriptors;
	size_t descriptors_count;
	bool dies_with_us; /* SIGKILL when this process ends, however it ends */
	bool new_session;  /* no controlling terminal: its Ctrl-C is not for this process */
};

/* How it ended: exit status, or the signal that ended it and status -1. */
struct os_process_end {
	int status;
	int signal;
};

/* The program of that name (no slash) beside our own executable, else in ../libexec/sotto of it,
 * else (in a build folder, where each program lies in its source folder) in ../phone, ../link,
 * ../voice, ../relay or ../cards. What others than root and we can write to is not taken. NOT_FOUND, DENIED.
 */
MUST_USE enum sotto_err os_process_find(const char *name, char path[OS_PROCESS_PATH_LEN]);

/* Beneath what the program that runs is installed, in bin or libexec/sotto. NOT_FOUND: it lies in neither, as in a build folder. */
MUST_USE enum sotto_err os_process_prefix(char prefix[OS_PROCESS_PATH_LEN]);

/* ended is called once; the process may be destroyed in it. NOT_FOUND or DENIED when exec itself
 * failed: then there is no process. */
MUST_USE enum sotto_err os_process_spawn(struct os_loop *loop, const struct os_process_spec *spec,
					 void (*ended)(void *context, struct os_process *process,
						       struct os_process_end end),
					 void *context, struct os_process **process);

/* Forgets it. One that still runs is killed and reaped first: no process is left behind. NULL is
 * fine. */
void os_process_destroy(struct os_process *process);

/* Forgets it and lets it run: for the command that starts the launcher and goes away. */
void os_process_release(struct os_process *process);

pid_t os_process_pid(const struct os_process *process);

/* By pidfd, so never another process that got its number. CLOSED if it has ended. */
MUST_USE enum sotto_err os_process_signal(struct os_process *process, int signal);

/* All programs that are ever started, NULL at the end: besides its own file, what the launcher's
 * and the relay parent's sandboxes may execute. */
extern const char *const os_process_names[];

#endif
