/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and ending processes.
 *
 *   fork ──> child: signals to default, descriptors to their numbers, all others close-on-exec, exec
 *                   └─ fails: errno through a pipe that exec would have closed, exit
 *        ──> parent: reads that pipe to its end (a few hundred microseconds), then watches the pidfd
 *
 * Between fork and exec the child makes system calls and nothing else.
 */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"

/* While descriptors are moved to their numbers, copies lie above all of these. */
#define PROCESS_STAGING 100

struct os_process {
	struct os_loop *loop;
	struct os_watch watch; /* the pidfd */
	pid_t pid;
	bool running;
	void (*ended)(void *context, struct os_process *process, struct os_process_end end);
	void *context;
};

/* Copies first, then their places: a number may be both somebody's source and another's place. */
static bool process_place_descriptors(const struct os_process_spec *spec)
{
	int copies[OS_PROCESS_DESCRIPTORS_MAX];

	for (size_t i = 0; i < spec->descriptors_count; i++) {
		copies[i] = spec->descriptors[i];
		if (copies[i] < 0 && i < OS_PROCESS_DESCRIPTOR_FIRST)
			copies[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		else if (copies[i] < 0)
			continue;
		copies[i] = fcntl(copies[i], F_DUPFD_CLOEXEC, PROCESS_STAGING);
		if (copies[i] < 0)
			return false;
	}
	for (size_t i = 0; i < spec->descriptors_count; i++) {
		if (copies[i] < 0)
			close((int)i);
		else if (dup2(copies[i], (int)i) < 0)
			return false;
	}
	return close_range((unsigned)spec->descriptors_count, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

static void process_reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* Some cannot be set; those are at their default anyway. */
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void process_become(const struct os_process_spec *spec, char *const *arguments,
				     char *const *environment, pid_t parent, int report)
{
	int number;

	process_reset_signals();
	if (spec->dies_with_us && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(127);
	if (spec->new_session)
		(void)setsid(); /* a new child is no group leader: it cannot fail */
	report = fcntl(report, F_DUPFD_CLOEXEC, PROCESS_STAGING);
	if (report >= 0 && process_place_descriptors(spec))
		(void)execve(spec->path, arguments, environment);
	number = errno;
	/* If even this fails, the exit status says that it did not start. */
	(void)!write(report, &number, sizeof(number));
	_exit(127);
}

static void process_reap(struct os_process *process, struct os_process_end *end)
{
	siginfo_t info = {0};

	while (waitid(P_PIDFD, (id_t)process->watch.descriptor, &info, WEXITED) != 0)
		ASSERT(errno == EINTR);
	process->running = false;
	if (end == NULL)
		return;
	end->status = info.si_code == CLD_EXITED ? info.si_status : -1;
	end->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
}

static void process_ready(struct os_watch *watch, unsigned seen)
{
	struct os_process *process = CONTAINER_OF(watch, struct os_process, watch);
	struct os_process_end end;

	(void)seen;
	process_reap(process, &end);
	os_loop_unwatch(process->loop, &process->watch);
	process->ended(process->context, process, end);
}

/* 0 if exec succeeded, else its errno. */
static int process_read_report(int report)
{
	int number = 0;
	ssize_t got;

	do {
		got = read(report, &number, sizeof(number));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(number) ? number : 0;
}

/* argv and envp as exec wants them: it does not write to the strings. */
static void process_list(const char *first, const char *const *rest, char **list, size_t capacity)
{
	union {
		const char *in;
		char *out;
	} text = {.in = first};
	size_t count = 0;

	if (first != NULL)
		list[count++] = text.out;
	for (size_t i = 0; rest != NULL && rest[i] != NULL; i++) {
		ASSERT(count + 1 < capacity);
		text.in = rest[i];
		list[count++] = text.out;
	}
	list[count] = NULL;
}

static enum sotto_err process_fork(const struct os_process_spec *spec, pid_t *out)
{
	char *arguments[OS_PROCESS_ARGUMENTS_MAX + 2];
	char *environment[OS_PROCESS_ARGUMENTS_MAX + 2];
	pid_t parent = getpid();
	int report[2];
	int number;
	pid_t pid;

	ASSERT(spec->descriptors_count >= OS_PROCESS_DESCRIPTOR_FIRST &&
	       spec->descriptors_count <= OS_PROCESS_DESCRIPTORS_MAX);
	process_list(spec->path, spec->arguments, arguments, ARRAY_LEN(arguments));
	process_list(NULL, spec->environment, environment, ARRAY_LEN(environment));
	if (pipe2(report, O_CLOEXEC) != 0)
		return os_err_from_errno(errno);
	pid = fork();
	if (pid == 0)
		process_become(spec, arguments, environment, parent, report[1]);
	number = pid < 0 ? errno : 0;
	close(report[1]);
	if (number == 0)
		number = process_read_report(report[0]);
	close(report[0]);
	if (number == 0) {
		*out = pid;
		return SOTTO_OK;
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return os_err_from_errno(number);
}

enum sotto_err os_process_spawn(struct os_loop *loop, const struct os_process_spec *spec,
				void (*ended)(void *context, struct os_process *process,
					      struct os_process_end end),
				void *context, struct os_process **out)
{
	struct os_process *process = calloc(1, sizeof(*process));
	int descriptor;
	enum sotto_err err;

	FAIL_IF(process == NULL, SOTTO_ERR_NO_MEMORY);
	process->loop = loop;
	process->ended = ended;
	process->context = context;
	TRY(process_fork(spec, &process->pid));
	/* It is our child and not reaped, so the number is still its own. */
	descriptor = pidfd_open(process->pid, 0);
	if (descriptor < 0) {
		err = os_err_from_errno(errno);
		(void)kill(process->pid, SIGKILL);
		(void)waitpid(process->pid, NULL, 0);
		goto out;
	}
	process->running = true;
	os_watch_init(&process->watch, descriptor, process_ready);
	err = os_loop_watch(loop, &process->watch, OS_READ);
	if (err != SOTTO_OK) {
		os_process_destroy(process);
		return err;
	}
	*out = process;
	return SOTTO_OK;
out:
	free(process);
	return err;
}

void os_process_release(struct os_process *process)
{
	os_loop_unwatch(process->loop, &process->watch);
	close(process->watch.descriptor);
	free(process);
}

void os_process_destroy(struct os_process *process)
{
	if (process == NULL)
		return;
	if (process->running) {
		(void)pidfd_send_signal(process->watch.descriptor, SIGKILL, NULL, 0);
		process_reap(process, NULL);
	}
	os_process_release(process);
}

pid_t os_process_pid(const struct os_process *process)
{
	return process->pid;
}

enum sotto_err os_process_signal(struct os_process *process, int signal)
{
	if (!process->running)
		return SOTTO_ERR_CLOSED;
	if (pidfd_send_signal(process->watch.descriptor, signal, NULL, 0) != 0)
		return errno == ESRCH ? SOTTO_ERR_CLOSED : os_err_from_errno(errno);
	return SOTTO_OK;
}
