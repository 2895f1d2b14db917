/* SPDX-License-Identifier: Apache-2.0 */
/* What processes try from inside their sandboxes, and for each profile whether it must work. */
#include "sandbox_probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/process.h"

static int result_of(long value)
{
	return value < 0 ? errno : 0;
}

static int open_and_close(const char *path, int flags)
{
	int descriptor = open(path, flags | O_CLOEXEC, 0600);
	int result = result_of(descriptor);

	if (descriptor >= 0)
		close(descriptor);
	return result;
}

static int read_outside(const struct probes *probes)
{
	(void)probes;
	return open_and_close("/etc/passwd", O_RDONLY);
}

static int write_outside(const struct probes *probes)
{
	return open_and_close(probes->outside, O_WRONLY | O_TRUNC);
}

static int list_outside(const struct probes *probes)
{
	(void)probes;
	return open_and_close("/tmp", O_RDONLY | O_DIRECTORY);
}

static int read_inside(const struct probes *probes)
{
	return open_and_close(probes->inside, O_RDONLY);
}

static int make_inside(const struct probes *probes)
{
	char path[128];
	int result;

	(void)snprintf(path, sizeof(path), "%s/made", probes->directory);
	result = open_and_close(path, O_RDWR | O_CREAT | O_EXCL);
	return result != 0 ? result : result_of(unlink(path));
}

/* By a name that begins inside and leads out. */
static int escape_by_dots(const struct probes *probes)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/../../etc/passwd", probes->directory);
	return open_and_close(path, O_RDONLY);
}

static int escape_by_link(const struct probes *probes)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/link", probes->directory); /* to /etc/passwd */
	return open_and_close(path, O_RDONLY);
}

static int remove_outside(const struct probes *probes)
{
	return result_of(unlink(probes->outside));
}

static int new_socket(int family, int type, int protocol)
{
	int descriptor = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int result = result_of(descriptor);

	if (descriptor >= 0)
		close(descriptor);
	return result;
}

static int socket_udp4(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_INET, SOCK_DGRAM, 0);
}

static int socket_udp6(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
}

static int socket_tcp(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_INET, SOCK_STREAM, 0);
}

static int socket_raw(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int socket_unix(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_UNIX, SOCK_STREAM, 0);
}

static int socket_packet(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_PACKET, SOCK_RAW, 0);
}

static int socket_netlink(const struct probes *probes)
{
	(void)probes;
	return new_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int connect_to(int descriptor, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return result_of(connect(descriptor, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_udp(const struct probes *probes)
{
	return connect_to(probes->udp, 9);
}

static int connect_tcp(const struct probes *probes)
{
	return connect_to(probes->tcp, (uint16_t)probes->tcp_port);
}

static int send_udp(const struct probes *probes)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(9),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return result_of(sendto(probes->udp, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&address,
				sizeof(address)));
}

static int accept_client(const struct probes *probes)
{
	return result_of(accept4(probes->listener, NULL, NULL, SOCK_CLOEXEC));
}

static int execute_ours(const struct probes *probes)
{
	execl(probes->program, "child", "exit", "0", (char *)NULL);
	return errno;
}

static int execute_foreign(const struct probes *probes)
{
	(void)probes;
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int start_process(const struct probes *probes)
{
	pid_t child = fork();

	(void)probes;
	if (child == 0)
		_exit(0);
	return result_of(child < 0 ? -1 : waitpid(child, NULL, 0));
}

static void *thread_nothing(void *context)
{
	return context;
}

static int start_thread(const struct probes *probes)
{
	pthread_t thread;
	int result = pthread_create(&thread, NULL, thread_nothing, NULL);

	(void)probes;
	if (result == 0)
		pthread_join(thread, NULL);
	return result;
}

static int trace(const struct probes *probes)
{
	(void)probes;
	return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int read_other_memory(const struct probes *probes)
{
	char byte;
	struct iovec local = {.iov_base = &byte, .iov_len = 1};
	struct iovec remote = {.iov_base = &byte, .iov_len = 1}; /* after fork the same address */

	return result_of(process_vm_readv(probes->parent, &local, 1, &remote, 1, 0));
}

static int signal_parent(const struct probes *probes)
{
	return result_of(kill(probes->parent, 0));
}

static int signal_parent_thread(const struct probes *probes)
{
	return result_of(syscall(SYS_tgkill, probes->parent, probes->parent, 0));
}

static int signal_oneself(const struct probes *probes)
{
	(void)probes;
	return result_of(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

static int map_code(const struct probes *probes)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)probes;
	return memory == MAP_FAILED ? errno : 0;
}

static int make_code(const struct probes *probes)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)probes;
	return memory == MAP_FAILED ? ENOMEM
				    : result_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int share_memory(const struct probes *probes)
{
	(void)probes;
	return result_of(memfd_create("probe", MFD_CLOEXEC));
}

static int become_dumpable(const struct probes *probes)
{
	(void)probes;
	return result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int mount_something(const struct probes *probes)
{
	return result_of(mount("none", probes->directory, "tmpfs", 0, NULL)) != 0
		       ? errno
		       : result_of(umount(probes->directory));
}

static int new_namespace(const struct probes *probes)
{
	(void)probes;
	return result_of(unshare(CLONE_NEWUSER));
}

static int load_program(const struct probes *probes)
{
	union bpf_attr attributes;

	(void)probes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_ARRAY;
	attributes.key_size = 4;
	attributes.value_size = 4;
	attributes.max_entries = 1;
	return result_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
}

static int io_ring(const struct probes *probes)
{
	uint8_t parameters[120] = {0};

	(void)probes;
	return result_of(syscall(SYS_io_uring_setup, 1, parameters));
}

static int change_root(const struct probes *probes)
{
	return result_of(chroot(probes->directory));
}

/* In the order of enum os_profile:
 *   launcher link agent voice ringer relay-net relay-store relay-parent command cards */
const struct probe sandbox_probes[] = {
	{"openat a file elsewhere to read", read_outside, "+------+--", false},
	{"openat a file elsewhere to write", write_outside, "+------+--", false},
	{"openat a directory elsewhere", list_outside, "+------+--", false},
	{"openat a file in its directory", read_inside, "+-+---++-+", false},
	{"make and remove a file in its directory", make_inside, "+-+---++--", false},
	{"leave its directory by ..", escape_by_dots, "+------+--", false},
	{"leave its directory by a link", escape_by_link, "+------+--", false},
	{"remove a file elsewhere", remove_outside, "+------+--", false},
	{"socket UDP over IPv4", socket_udp4, "++-----+--", false},
	{"socket UDP over IPv6", socket_udp6, "++-----+--", false},
	{"socket TCP", socket_tcp, "----------", false},
	{"socket raw IP", socket_raw, "----------", true},
	{"socket AF_UNIX", socket_unix, "+------+--", false},
	{"socket AF_PACKET", socket_packet, "----------", true},
	{"socket AF_NETLINK", socket_netlink, "+------+--", false},
	{"connect an open UDP socket", connect_udp, "++-----+--", false},
	{"connect an open TCP socket", connect_tcp, "----------", false},
	{"send on an open UDP socket", send_udp, "++++++++++", false},
	{"accept on an open listener", accept_client, "+-+----+--", false},
	{"execve of our own program", execute_ours, "+------+--", false},
	{"execve of another program", execute_foreign, "----------", false},
	{"fork", start_process, "+ssssss+ss", false},
	{"start a thread", start_thread, "+ss++ss+s+", false},
	{"ptrace", trace, "ssssssssss", false},
	{"read another process's memory", read_other_memory, "----------", false},
	{"signal its parent", signal_parent, "----------", false},
	{"signal its parent's thread", signal_parent_thread, "----------", false},
	{"signal itself", signal_oneself, "++++++++++", false},
	{"map memory as code", map_code, "+ssssss+ss", false},
	{"turn memory into code", make_code, "+ssssss+ss", false},
	{"memfd_create", share_memory, "+--++--+--", false},
	{"become dumpable", become_dumpable, "+ssssss+ss", false},
	{"mount", mount_something, "----------", true},
	{"unshare", new_namespace, "----------", false},
	{"bpf", load_program, "----------", true},
	{"io_uring_setup", io_ring, "----------", false},
	{"chroot", change_root, "----------", true},
};
const unsigned sandbox_probes_count = ARRAY_LEN(sandbox_probes);

static void prepare_files(struct probes *probes)
{
	char path[128];
	int descriptor;

	strcpy(probes->directory, "/tmp/sotto-test-XXXXXX");
	assert_non_null(mkdtemp(probes->directory));
	(void)snprintf(probes->inside, sizeof(probes->inside), "%s/file", probes->directory);
	assert_int_equal(open_and_close(probes->inside, O_RDWR | O_CREAT), 0);
	(void)snprintf(path, sizeof(path), "%s/link", probes->directory);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	strcpy(probes->outside, "/tmp/sotto-test-XXXXXX");
	descriptor = mkstemp(probes->outside);
	assert_true(descriptor >= 0);
	close(descriptor);
	assert_int_equal(os_process_find("test_os_child", probes->program), SOTTO_OK);
}

static void prepare_sockets(struct probes *probes)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	probes->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	probes->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	probes->tcp_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(probes->tcp_listener, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(probes->tcp_listener, 4), 0);
	assert_int_equal(getsockname(probes->tcp_listener, (struct sockaddr *)&address, &len), 0);
	probes->tcp_port = ntohs(address.sin_port);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", probes->directory);
	probes->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(probes->listener, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(probes->listener, 4), 0);
	probes->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(probes->client, (struct sockaddr *)&name, sizeof(name)), 0);
}

void probes_prepare(struct probes *probes)
{
	memset(probes, 0, sizeof(*probes));
	prepare_files(probes);
	prepare_sockets(probes);
	probes->parent = getpid();
}

void probes_finish(struct probes *probes)
{
	static const char *const names[] = {"file", "link", "made", "socket"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", probes->directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(probes->directory);
	(void)unlink(probes->outside);
	close(probes->udp);
	close(probes->tcp);
	close(probes->tcp_listener);
	close(probes->listener);
	close(probes->client);
}
