/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a live process perform one system call, and says what came of it: what a sandbox is worth
 * is seen from inside the processes of a release build, not from a test that was built to be
 * refused.
 *
 *   inject PID openat PATH | create PATH | unlink PATH | execve PATH
 *   inject PID socket inet|inet6|unix|packet|netlink stream|dgram|raw
 *   inject PID connect HOST:PORT | connect PATH   a UDP or AF_UNIX socket, made first where it may
 *   inject PID fork | ptrace | kill | mmap
 *
 *   attach (root's CAP_SYS_PTRACE: a hardened process is closed to its own user) ──> stop
 *   ──> registers and a piece of stack kept ──> a "syscall" instruction of its own code, one step
 *   ──> what was opened closed ──> all put back
 *
 * Prints "NAME ARGUMENTS: 0" or "NAME ARGUMENTS: ERRNO NAME"; exit 0 worked, 1 refused (EPERM,
 * EACCES), 2 failed otherwise, 3 could not be tried. An execve that works replaces the process:
 * only for a control that is meant to be lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/address.h"

/* Below the red zone of the stack (128 bytes, System V ABI) nothing lives. */
#define INJECT_BELOW_STACK 8192
#define INJECT_DATA_LEN	   4096

enum { INJECT_WORKED, INJECT_REFUSED, INJECT_FAILED, INJECT_NOT_TRIED };

struct target {
	pid_t pid;
	int memory; /* /proc/PID/mem */
	struct user_regs_struct before;
	uint64_t instruction; /* address of a "syscall" */
	uint64_t data;	      /* address of INJECT_DATA_LEN bytes that may be written */
	uint8_t data_before[INJECT_DATA_LEN];
};

static _Noreturn void inject_give_up(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(INJECT_NOT_TRIED);
}

/* The first "syscall" (0f 05) in memory that it executes. */
static uint64_t target_find_instruction(const struct target *target)
{
	static uint8_t code[1 << 20];
	char path[64];
	char line[512];
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", target->pid);
	maps = fopen(path, "re");
	if (maps == NULL)
		inject_give_up(path);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long begin;
		unsigned long end;
		char rights[5];
		ssize_t len;

		if (sscanf(line, "%lx-%lx %4s", &begin, &end, rights) != 3 || rights[2] != 'x')
			continue;
		len = (ssize_t)(end - begin < sizeof(code) ? end - begin : sizeof(code));
		len = pread(target->memory, code, (size_t)len, (off_t)begin);
		for (ssize_t i = 0; i + 1 < len; i++) {
			if (code[i] == 0x0f && code[i + 1] == 0x05) {
				(void)fclose(maps);
				return begin + (uint64_t)i;
			}
		}
	}
	errno = ENOENT;
	inject_give_up("no syscall instruction in its code");
}

static void target_attach(struct target *target)
{
	char path[64];
	int status;

	if (ptrace(PTRACE_SEIZE, target->pid, NULL,
		   (void *)(uintptr_t)(PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
				       PTRACE_O_TRACECLONE)) != 0)
		inject_give_up("attach");
	if (ptrace(PTRACE_INTERRUPT, target->pid, NULL, NULL) != 0 ||
	    waitpid(target->pid, &status, __WALL) != target->pid || !WIFSTOPPED(status))
		inject_give_up("stop");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", target->pid);
	target->memory = open(path, O_RDWR | O_CLOEXEC);
	if (target->memory < 0)
		inject_give_up(path);
	if (ptrace(PTRACE_GETREGS, target->pid, NULL, &target->before) != 0)
		inject_give_up("registers");
	target->instruction = target_find_instruction(target);
	target->data = (target->before.rsp - INJECT_BELOW_STACK) & ~UINT64_C(15);
	if (pread(target->memory, target->data_before, INJECT_DATA_LEN, (off_t)target->data) !=
	    INJECT_DATA_LEN)
		inject_give_up("stack");
}

/* After it became another program there is nothing to put back. */
static void target_release(struct target *target, bool replaced)
{
	if (!replaced) {
		(void)!pwrite(target->memory, target->data_before, INJECT_DATA_LEN,
			      (off_t)target->data);
		if (ptrace(PTRACE_SETREGS, target->pid, NULL, &target->before) != 0)
			inject_give_up("put back");
	}
	(void)ptrace(PTRACE_DETACH, target->pid, NULL, NULL);
	close(target->memory);
}

static uint64_t target_put(struct target *target, const void *data, size_t len)
{
	ASSERT(len <= INJECT_DATA_LEN);
	if (pwrite(target->memory, data, len, (off_t)target->data) != (ssize_t)len)
		inject_give_up("write");
	return target->data;
}

/* What the call returned in its process: at least 0, or -errno. *replaced if it was a successful
 * execve. */
static int64_t target_call(struct target *target, long number, const uint64_t arguments[6],
			   bool *replaced)
{
	struct user_regs_struct registers = target->before;
	unsigned long child = 0;
	int status;

	registers.rax = (uint64_t)number;
	registers.orig_rax = UINT64_MAX; /* what it waited in is restarted when all is put back */
	registers.rdi = arguments[0];
	registers.rsi = arguments[1];
	registers.rdx = arguments[2];
	registers.r10 = arguments[3];
	registers.r8 = arguments[4];
	registers.r9 = arguments[5];
	registers.rip = target->instruction;
	registers.rsp = target->data - INJECT_BELOW_STACK;
	if (ptrace(PTRACE_SETREGS, target->pid, NULL, &registers) != 0)
		inject_give_up("registers");
	for (;;) {
		if (ptrace(PTRACE_SINGLESTEP, target->pid, NULL, NULL) != 0 ||
		    waitpid(target->pid, &status, __WALL) != target->pid)
			inject_give_up("step");
		if (!WIFSTOPPED(status)) {
			errno = ESRCH;
			inject_give_up("it ended");
		}
		if (status >> 16 == PTRACE_EVENT_EXEC) {
			*replaced = true;
			return 0;
		}
		if (status >> 16 == PTRACE_EVENT_FORK || status >> 16 == PTRACE_EVENT_CLONE) {
			(void)ptrace(PTRACE_GETEVENTMSG, target->pid, NULL, &child);
			(void)kill((pid_t)child, SIGKILL);
			(void)waitpid((pid_t)child, NULL, __WALL);
			continue;
		}
		/* Any other stop is a signal, which is dropped. */
		if (status >> 16 == 0 && WSTOPSIG(status) == SIGTRAP)
			break;
	}
	if (ptrace(PTRACE_GETREGS, target->pid, NULL, &registers) != 0)
		inject_give_up("registers");
	return (int64_t)registers.rax;
}

static int64_t target_close_later(struct target *target, int64_t descriptor)
{
	bool replaced;

	if (descriptor >= 0)
		(void)target_call(target, SYS_close, (const uint64_t[6]){(uint64_t)descriptor},
				  &replaced);
	return descriptor;
}

static uint64_t target_put_text(struct target *target, const char *text)
{
	return target_put(target, text, strlen(text) + 1);
}

/* One kind of call; returns as target_call. */
struct injection {
	const char *name;
	int arguments;
	int64_t (*run)(struct target *target, char **arguments, bool *replaced);
};

static int64_t inject_open(struct target *target, const char *path, int flags)
{
	bool replaced;

	return target_close_later(
		target,
		target_call(target, SYS_openat,
			    (const uint64_t[6]){(uint64_t)AT_FDCWD, target_put_text(target, path),
						(uint64_t)flags, 0600},
			    &replaced));
}

static int64_t inject_openat(struct target *target, char **arguments, bool *replaced)
{
	(void)replaced;
	return inject_open(target, arguments[0], O_RDONLY | O_CLOEXEC);
}

static int64_t inject_create(struct target *target, char **arguments, bool *replaced)
{
	(void)replaced;
	return inject_open(target, arguments[0], O_RDWR | O_CREAT | O_CLOEXEC);
}

static int64_t inject_unlink(struct target *target, char **arguments, bool *replaced)
{
	return target_call(target, SYS_unlink,
			   (const uint64_t[6]){target_put_text(target, arguments[0])}, replaced);
}

static int64_t inject_execve(struct target *target, char **arguments, bool *replaced)
{
	/* argv and envp: an empty list, which is a null pointer on the stack behind the path. */
	uint8_t data[INJECT_DATA_LEN] = {0};
	size_t len = strlen(arguments[0]) + 1;
	size_t list = (len + 15) & ~(size_t)15;

	ASSERT(list + 16 <= sizeof(data));
	memcpy(data, arguments[0], len);
	(void)target_put(target, data, list + 16);
	return target_call(
		target, SYS_execve,
		(const uint64_t[6]){target->data, target->data + list, target->data + list},
		replaced);
}

static int inject_word(const char *word)
{
	static const struct {
		const char *word;
		int value;
	} table[] = {
		{"inet", AF_INET},     {"inet6", AF_INET6},	{"unix", AF_UNIX},
		{"packet", AF_PACKET}, {"netlink", AF_NETLINK}, {"stream", SOCK_STREAM},
		{"dgram", SOCK_DGRAM}, {"raw", SOCK_RAW},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(word, table[i].word) == 0)
			return table[i].value;
	}
	errno = EINVAL;
	inject_give_up(word);
}

static int64_t inject_make_socket(struct target *target, int family, int type)
{
	bool replaced;

	return target_call(target, SYS_socket,
			   (const uint64_t[6]){(uint64_t)family, (uint64_t)type}, &replaced);
}

static int64_t inject_socket(struct target *target, char **arguments, bool *replaced)
{
	(void)replaced;
	return target_close_later(target,
				  inject_make_socket(target, inject_word(arguments[0]),
						     inject_word(arguments[1]) | SOCK_CLOEXEC));
}

/* Where no socket can be made, the call itself is still tried, on descriptor -1: EBADF means that
 * it is allowed. */
static int64_t inject_connect(struct target *target, char **arguments, bool *replaced)
{
	struct os_address address = {.len = 0};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	bool local = os_address_parse(arguments[0], &address) != SOTTO_OK;
	int64_t descriptor;
	int64_t result;
	uint64_t data;

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", arguments[0]);
	descriptor = inject_make_socket(target, local ? AF_UNIX : address.any.sa_family,
					(local ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC);
	data = local ? target_put(target, &name, sizeof(name))
		     : target_put(target, &address.any, address.len);
	result = target_call(target, SYS_connect,
			     (const uint64_t[6]){descriptor < 0 ? UINT32_MAX : (uint64_t)descriptor,
						 data, local ? sizeof(name) : address.len},
			     replaced);
	(void)target_close_later(target, descriptor);
	return result;
}

/* The child is ended before its first step, and its parent made to reap it. */
static int64_t inject_fork(struct target *target, char **arguments, bool *replaced)
{
	int64_t child = target_call(target, SYS_clone, (const uint64_t[6]){SIGCHLD}, replaced);

	(void)arguments;
	if (child > 0)
		(void)target_call(target, SYS_wait4, (const uint64_t[6]){(uint64_t)child},
				  replaced);
	return child;
}

/* Of a process made for that, which is not hardened. */
static int64_t inject_ptrace(struct target *target, char **arguments, bool *replaced)
{
	pid_t victim = fork();
	int64_t result;

	(void)arguments;
	if (victim < 0)
		inject_give_up("fork");
	while (victim == 0)
		pause();
	result = target_call(target, SYS_ptrace,
			     (const uint64_t[6]){PTRACE_SEIZE, (uint64_t)victim}, replaced);
	(void)kill(victim, SIGKILL);
	return result;
}

static int64_t inject_kill(struct target *target, char **arguments, bool *replaced)
{
	(void)arguments;
	return target_call(target, SYS_kill, (const uint64_t[6]){(uint64_t)getpid(), 0}, replaced);
}

static int64_t inject_mmap(struct target *target, char **arguments, bool *replaced)
{
	int64_t memory =
		target_call(target, SYS_mmap,
			    (const uint64_t[6]){0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
						MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0},
			    replaced);

	(void)arguments;
	if (memory > 0)
		(void)target_call(target, SYS_munmap, (const uint64_t[6]){(uint64_t)memory, 4096},
				  replaced);
	return memory;
}

static const struct injection injections[] = {
	{"openat", 1, inject_openat}, {"create", 1, inject_create}, {"unlink", 1, inject_unlink},
	{"execve", 1, inject_execve}, {"socket", 2, inject_socket}, {"connect", 1, inject_connect},
	{"fork", 0, inject_fork},     {"ptrace", 0, inject_ptrace}, {"kill", 0, inject_kill},
	{"mmap", 0, inject_mmap},
};

static int inject_report(char **words, int64_t result)
{
	int number = result < 0 && result > -4096 ? (int)-result : 0;

	for (size_t i = 0; words[i] != NULL; i++)
		printf("%s%s", i == 0 ? "" : " ", words[i]);
	if (number == 0) {
		printf(": 0\n");
		return INJECT_WORKED;
	}
	printf(": %d %s\n", number, strerrorname_np(number));
	return number == EPERM || number == EACCES ? INJECT_REFUSED : INJECT_FAILED;
}

int main(int count, char **words)
{
	struct target target = {.memory = -1};
	const struct injection *injection = NULL;
	bool replaced = false;
	int64_t result;

	for (size_t i = 0; i < ARRAY_LEN(injections) && count >= 3; i++) {
		if (strcmp(words[2], injections[i].name) == 0 &&
		    injections[i].arguments == count - 3)
			injection = &injections[i];
	}
	if (injection == NULL) {
		fprintf(stderr,
			"usage: inject PID CALL ARGUMENTS (see the head of tools/inject.c)\n");
		return INJECT_NOT_TRIED;
	}
	target.pid = (pid_t)atoi(words[1]);
	target_attach(&target);
	result = injection->run(&target, words + 3, &replaced);
	target_release(&target, replaced);
	return inject_report(words + 2, result);
}
