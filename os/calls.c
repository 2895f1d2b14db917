/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of system calls. Lists are of calls that our code, glibc, SQLite, GnuTLS and PipeWire's
 * client library make; one that they only try, and do without, is left out. A call that takes a
 * family, a type or a protection is allowed for named values of it.
 */
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "os/profiles.h"

#define CALL(name) \
	{ \
		.number = SCMP_SYS(name) \
	}
#define CALL_IF1(name, check) \
	{ \
		.number = SCMP_SYS(name), .checks_count = 1, .checks = { check } \
	}
#define CALL_IF2(name, check1, check2) \
	{ \
		.number = SCMP_SYS(name), .checks_count = 2, .checks = { check1, check2 } \
	}
#define CALL_IF3(name, check1, check2, check3) \
	{ \
		.number = SCMP_SYS(name), .checks_count = 3, .checks = { check1, check2, check3 } \
	}
/* Argument n is this value; its bits under the mask are this value. */
#define IS(n, value) \
	{ \
		n, SCMP_CMP_EQ, (scmp_datum_t)(value), 0 \
	}
#define BITS(n, mask, value) \
	{ \
		n, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value) \
	}
/* The type of a socket without its two flags. */
#define TYPE(n, value) BITS(n, ~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), value)

#define GROUP(array) \
	{ \
		array, ARRAY_LEN(array) \
	}

static const struct call common[] = {
	/* descriptors that are open */
	CALL(read),
	CALL(readv),
	CALL(pread64),
	CALL(write),
	CALL(writev),
	CALL(pwrite64),
	CALL(lseek),
	CALL(close),
	CALL(dup),
	CALL(dup2),
	CALL(dup3),
	CALL(fcntl),
	CALL(fstat),
	CALL(ftruncate),
	CALL(fsync),
	CALL(fdatasync),
	CALL(pipe2),
	CALL(eventfd2),
	CALL(timerfd_create),
	CALL(timerfd_settime),
	CALL(timerfd_gettime),
	CALL(signalfd4),
	/* fstat(3) is newfstatat(2) in some glibc; a path would tell that a file is there, and no
	 * more */
	CALL_IF1(newfstatat, BITS(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	/* sockets that are open */
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(recvmmsg),
	CALL(sendto),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(shutdown),
	CALL(getsockname),
	CALL(getpeername),
	CALL(getsockopt),
	/* waiting */
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_pwait2),
	CALL(poll),
	CALL(ppoll),
	CALL(select),
	CALL(pselect6),
	CALL(nanosleep),
	CALL(clock_nanosleep),
	CALL(futex),
	CALL(restart_syscall),
	CALL(pause),
	/* time, chance, who am I */
	CALL(clock_gettime),
	CALL(clock_getres),
	CALL(gettimeofday),
	CALL(time),
	CALL(times),
	CALL(getrusage),
	CALL(getrandom),
	CALL(getpid),
	CALL(getppid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(getresuid),
	CALL(getresgid),
	CALL(getpgrp),
	CALL(uname),
	CALL(sysinfo),
	CALL(getcpu),
	CALL(sched_getaffinity),
	CALL(sched_yield),
	/* memory; what may become code is in other groups */
	CALL(brk),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL(mlock),
	CALL(mlock2),
	CALL(munlock),
	CALL(membarrier),
	/* signals to oneself, and the end */
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(rt_sigpending),
	CALL(rt_sigtimedwait),
	CALL(sigaltstack),
	CALL(exit),
	CALL(exit_group),
	CALL(set_robust_list),
	CALL(rseq),
};
const struct call_group calls_common = GROUP(common);

static const struct call data[] = {
	CALL_IF1(mmap, BITS(2, PROT_EXEC, 0)),	   CALL_IF1(mprotect, BITS(2, PROT_EXEC, 0)),
	CALL_IF1(tgkill, IS(0, CALL_OWN_PROCESS)), /* abort(3) */
	CALL_IF1(prctl, IS(0, PR_SET_NAME)),	   CALL_IF1(prctl, IS(0, PR_GET_NAME)),
	CALL_IF2(prlimit64, IS(0, 0), IS(2, 0)), /* reading one's own */
};
const struct call_group calls_data = GROUP(data);

static const struct call files[] = {
	CALL(openat),	  CALL(newfstatat), CALL(stat),	      CALL(lstat),    CALL(statx),
	CALL(access),	  CALL(faccessat),  CALL(faccessat2), CALL(readlink), CALL(readlinkat),
	CALL(getdents64), CALL(getcwd),	    CALL(unlink),     CALL(unlinkat), CALL(rename),
	CALL(renameat),	  CALL(renameat2),  CALL(mkdir),      CALL(mkdirat),  CALL(rmdir),
	CALL(fallocate),  CALL(flock),	    CALL(fchmod),     CALL(fchown),   CALL(fstatfs),
	CALL(umask),
};
const struct call_group calls_files = GROUP(files);

/* What may be told of a file that may not be read is that it is there. */
static const struct call reading[] = {
	CALL_IF1(openat, BITS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)),
	CALL(newfstatat),
	CALL(stat),
	CALL(lstat),
	CALL(statx),
	CALL(access),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(readlink),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(getcwd),
	CALL(statfs),
	CALL(fstatfs),
	CALL(fadvise64),
};
const struct call_group calls_reading = GROUP(reading);

static const struct call accept_[] = {CALL(accept), CALL(accept4)};
const struct call_group calls_accept = GROUP(accept_);

/* bind and connect reach UDP sockets only, because there are no others. */
static const struct call udp[] = {
	CALL_IF2(socket, IS(0, AF_INET), TYPE(1, SOCK_DGRAM)),
	CALL_IF2(socket, IS(0, AF_INET6), TYPE(1, SOCK_DGRAM)),
	CALL(bind),
	CALL(connect),
	CALL(setsockopt),
};
const struct call_group calls_udp = GROUP(udp);

/* clone3 hides its flags in memory, where a filter cannot look: it is "not implemented"
 * (os/filter.c), and glibc falls back to clone. */
static const struct call threads[] = {
	CALL_IF1(clone, BITS(0, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD)),
	CALL(sched_getscheduler),
	CALL(sched_setscheduler),
	CALL(sched_getparam),
	CALL(sched_setparam),
	CALL(sched_getattr),
	CALL(sched_get_priority_max),
	CALL(sched_get_priority_min),
};
const struct call_group calls_threads = GROUP(threads);

static const struct call sound[] = {
	CALL(memfd_create),
	CALL_IF1(ioctl, BITS(1, 0xff00, 'A' << 8)), /* ALSA's */
	CALL_IF1(ioctl, IS(1, FIONREAD)),
};
const struct call_group calls_sound = GROUP(sound);

static const struct call terminal[] = {
	CALL_IF1(ioctl, IS(1, TCGETS)),	    CALL_IF1(ioctl, IS(1, TCSETS)),
	CALL_IF1(ioctl, IS(1, TCSETSW)),    CALL_IF1(ioctl, IS(1, TCSETSF)),
	CALL_IF1(ioctl, IS(1, TIOCGWINSZ)), CALL_IF1(ioctl, IS(1, FIONREAD)),
};
const struct call_group calls_terminal = GROUP(terminal);

static const struct call programs[] = {
	CALL(execve),	   CALL(clone),	 CALL(fork),	CALL(vfork),	  CALL(wait4),
	CALL(waitid),	   CALL(kill),	 CALL(tgkill),	CALL(pidfd_open), CALL(pidfd_send_signal),
	CALL(close_range), CALL(setsid), CALL(setpgid), CALL(arch_prctl), CALL(set_tid_address),
};
const struct call_group calls_programs = GROUP(programs);

static const struct call setup[] = {
	/* code: the dynamic linker's, and libraries that are loaded later */
	CALL(mmap),
	CALL(mprotect),
	/* entering a sandbox */
	CALL(prctl),
	CALL(seccomp),
	CALL(landlock_create_ruleset),
	CALL(landlock_add_rule),
	CALL(landlock_restrict_self),
	CALL(capget),
	CALL(capset),
	CALL(prlimit64),
	CALL(mlockall),
	/* descriptors that are handed over */
	CALL_IF1(socketpair, IS(0, AF_UNIX)),
	CALL_IF1(socket, IS(0, AF_UNIX)),
	CALL_IF3(socket, IS(0, AF_NETLINK), TYPE(1, SOCK_RAW), IS(2, NETLINK_ROUTE)),
	CALL(listen),
	/* the sound server's library */
	CALL(ioctl),
	CALL(statfs),
	CALL(open),
	CALL(chdir),
	CALL(fchdir),
	CALL(getpriority),
	CALL(setpriority),
	CALL(sched_setattr),
	CALL(sched_setaffinity),
	CALL(memfd_create),
	CALL(inotify_init1),
	CALL(inotify_add_watch),
	CALL(inotify_rm_watch),
	CALL(getgroups),
	CALL(utimensat),
	CALL(chmod),
	CALL(fchmodat),
	CALL(fadvise64),
};
const struct call_group calls_setup = GROUP(setup);

#ifdef SOTTO_SANITIZED
/* Reading its maps and threads, a helper that stops them all at the end to look for leaks, memory
 * at fixed places. */
static const struct call sanitizer[] = {
	CALL(openat),
	CALL(open),
	CALL(readlink),
	CALL(readlinkat),
	CALL(getdents),
	CALL(getdents64),
	CALL(stat),
	CALL(access),
	CALL(newfstatat),
	CALL(mmap),
	CALL(mprotect),
	CALL(clone),
	CALL(wait4),
	CALL(ptrace),
	CALL(prctl),
	CALL(tgkill),
	CALL(prlimit64),
	CALL(arch_prctl),
	CALL(process_vm_readv),
	CALL(sched_setaffinity),
};
const struct call_group calls_sanitizer = GROUP(sanitizer);
#endif
