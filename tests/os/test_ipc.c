/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between processes: sizes, order, descriptors, a full queue, the end of the other side,
 * misbehaviour. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/ipc.h"

struct end {
	struct os_ipc *ipc;
	size_t received;
	size_t received_len;
	size_t descriptors;
	size_t gone;
	size_t drained;
	bool in_order;
	bool destroys; /* itself, in its callback */
	int kept;      /* the first descriptor that came */
};

struct fixture {
	struct os_loop *loop;
	struct end ends[2];
	int raw[2];
};

static uint8_t large[OS_IPC_MESSAGE_LEN_MAX];

static void end_received(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
			 size_t descriptors_count)
{
	struct end *end = context;

	/* Message n begins with n mod 256. */
	end->in_order = end->in_order && message.data[0] == (uint8_t)end->received;
	end->received++;
	end->received_len += message.len;
	end->descriptors += descriptors_count;
	if (descriptors_count > 0 && end->kept < 0) {
		end->kept = descriptors[0];
		descriptors[0] = -1;
	}
	if (end->destroys) {
		end->ipc = NULL;
		os_ipc_destroy(ipc);
	}
}

static void end_gone(void *context, struct os_ipc *ipc)
{
	struct end *end = context;

	end->gone++;
	if (end->destroys) {
		end->ipc = NULL;
		os_ipc_destroy(ipc);
	}
}

static void end_drained(void *context, struct os_ipc *ipc)
{
	struct end *end = context;

	assert_int_equal(os_ipc_queued(ipc), 0);
	end->drained++;
}

static void end_open(struct fixture *fixture, size_t i)
{
	struct os_ipc_handler handler = {.received = end_received,
					 .gone = end_gone,
					 .drained = end_drained,
					 .context = &fixture->ends[i]};

	assert_int_equal(
		os_ipc_create(fixture->loop, fixture->raw[i], &handler, &fixture->ends[i].ipc),
		SOTTO_OK);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	for (size_t i = 0; i < 2; i++)
		fixture.ends[i] = (struct end){.in_order = true, .kept = -1};
	assert_int_equal(os_loop_create(&fixture.loop), SOTTO_OK);
	assert_int_equal(os_ipc_pair(fixture.raw), SOTTO_OK);
	end_open(&fixture, 0);
	end_open(&fixture, 1);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		os_ipc_destroy(fixture->ends[i].ipc);
		if (fixture->ends[i].kept >= 0)
			close(fixture->ends[i].kept);
	}
	os_loop_destroy(fixture->loop);
	return 0;
}

static void turn(struct fixture *fixture, unsigned rounds)
{
	while (rounds-- > 0)
		assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
}

static void test_every_size_arrives_in_order(void **state)
{
	static const size_t lens[] = {
		1, 2, 100, 4095, 4096, 65536, OS_IPC_MESSAGE_LEN_MAX - 1, OS_IPC_MESSAGE_LEN_MAX};
	struct fixture *fixture = *state;
	size_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		large[0] = (uint8_t)i;
		assert_int_equal(os_ipc_send(fixture->ends[0].ipc, BYTES(large, lens[i]), NULL, 0),
				 SOTTO_OK);
		total += lens[i];
	}
	turn(fixture, 10);
	assert_int_equal(fixture->ends[1].received, ARRAY_LEN(lens));
	assert_int_equal(fixture->ends[1].received_len, total);
	assert_true(fixture->ends[1].in_order);
}

static void test_what_may_not_be_sent(void **state)
{
	static uint8_t too_long[OS_IPC_MESSAGE_LEN_MAX + 1];
	static const int many[OS_IPC_DESCRIPTORS_MAX + 1] = {0};
	struct fixture *fixture = *state;
	struct os_ipc *ipc = fixture->ends[0].ipc;

	assert_int_equal(os_ipc_send(ipc, BYTES_NONE, NULL, 0), SOTTO_ERR_ARGUMENT);
	assert_int_equal(os_ipc_send(ipc, BYTES_OF(too_long), NULL, 0), SOTTO_ERR_ARGUMENT);
	assert_int_equal(os_ipc_send(ipc, BYTES_TEXT("x"), many, ARRAY_LEN(many)),
			 SOTTO_ERR_ARGUMENT);
	turn(fixture, 2);
	assert_int_equal(fixture->ends[1].received, 0);
}

static void test_descriptors_come_along(void **state)
{
	struct fixture *fixture = *state;
	struct stat sent;
	struct stat kept;
	int pipe_ends[2];
	int descriptors[OS_IPC_DESCRIPTORS_MAX];

	assert_int_equal(pipe(pipe_ends), 0);
	for (size_t i = 0; i < OS_IPC_DESCRIPTORS_MAX; i++)
		descriptors[i] = pipe_ends[1];
	large[0] = 0;
	assert_int_equal(os_ipc_send(fixture->ends[0].ipc, BYTES(large, 10), descriptors,
				     OS_IPC_DESCRIPTORS_MAX),
			 SOTTO_OK);
	turn(fixture, 2);
	assert_int_equal(fixture->ends[1].descriptors, OS_IPC_DESCRIPTORS_MAX);
	assert_int_equal(fstat(pipe_ends[1], &sent), 0);
	assert_int_equal(fstat(fixture->ends[1].kept, &kept), 0);
	assert_int_equal(sent.st_ino, kept.st_ino);
	assert_int_equal(fcntl(fixture->ends[1].kept, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	/* All copies but the kept one were closed: with it and ours the pipe has no writer left. */
	close(pipe_ends[1]);
	close(fixture->ends[1].kept);
	fixture->ends[1].kept = -1;
	assert_int_equal(read(pipe_ends[0], large, 1), 0);
	close(pipe_ends[0]);
}

static void test_a_full_queue_refuses_and_drains(void **state)
{
	struct fixture *fixture = *state;
	size_t sent = 0;
	enum sotto_err err;

	do {
		large[0] = (uint8_t)sent;
		err = os_ipc_send(fixture->ends[0].ipc, BYTES_OF(large), NULL, 0);
		sent += err == SOTTO_OK;
	} while (err == SOTTO_OK);
	assert_int_equal(err, SOTTO_ERR_LIMIT);
	assert_true(os_ipc_queued(fixture->ends[0].ipc) <= OS_IPC_QUEUE_LEN_MAX);
	assert_true(sent * sizeof(large) >= OS_IPC_QUEUE_LEN_MAX);
	turn(fixture, (unsigned)sent + 10);
	assert_int_equal(fixture->ends[1].received, sent);
	assert_true(fixture->ends[1].in_order);
	assert_int_equal(fixture->ends[0].drained, 1);
	/* By count, too. */
	for (sent = 0; os_ipc_send(fixture->ends[0].ipc, BYTES(large, 200), NULL, 0) == SOTTO_OK;
	     sent++)
		assert_true(sent < 100000);
	assert_true(sent >= OS_IPC_QUEUE_COUNT_MAX);
}

/* What the other end said before its end is still heard, then it is gone, once; sending says so. */
static void test_the_end_of_the_other_process(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;
	int status;

	os_ipc_destroy(fixture->ends[1].ipc);
	fixture->ends[1].ipc = NULL;
	turn(fixture, 3);
	assert_int_equal(fixture->ends[0].gone, 1);
	assert_int_equal(os_ipc_send(fixture->ends[0].ipc, BYTES_TEXT("x"), NULL, 0),
			 SOTTO_ERR_CLOSED);
	os_ipc_destroy(fixture->ends[0].ipc);
	fixture->ends[0].ipc = NULL;

	assert_int_equal(os_ipc_pair(fixture->raw), SOTTO_OK);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (send(fixture->raw[1], "\0a", 2, 0) != 2 ||
		    send(fixture->raw[1], "\1b", 2, 0) != 2)
			_exit(1);
		_exit(0);
	}
	close(fixture->raw[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture->ends[0].gone = 0;
	end_open(fixture, 0);
	turn(fixture, 3);
	assert_int_equal(fixture->ends[0].received, 2);
	assert_true(fixture->ends[0].in_order);
	assert_int_equal(fixture->ends[0].gone, 1);
}

/* The end while much waits in the queue: no spinning, no signal. */
static void test_the_end_with_a_full_queue(void **state)
{
	struct fixture *fixture = *state;

	while (os_ipc_send(fixture->ends[0].ipc, BYTES_OF(large), NULL, 0) == SOTTO_OK)
		;
	os_ipc_destroy(fixture->ends[1].ipc);
	fixture->ends[1].ipc = NULL;
	turn(fixture, 3);
	assert_int_equal(fixture->ends[0].gone, 1);
	assert_int_equal(fixture->ends[0].drained, 0);
}

static void test_destroying_in_a_callback(void **state)
{
	struct fixture *fixture = *state;

	fixture->ends[1].destroys = true;
	fixture->ends[0].destroys = true;
	large[0] = 0;
	assert_int_equal(os_ipc_send(fixture->ends[0].ipc, BYTES(large, 3), NULL, 0), SOTTO_OK);
	assert_int_equal(os_ipc_send(fixture->ends[0].ipc, BYTES(large, 3), NULL, 0), SOTTO_OK);
	turn(fixture, 3);
	assert_int_equal(fixture->ends[1].received, 1);
	assert_null(fixture->ends[1].ipc);
	assert_int_equal(fixture->ends[0].gone, 1);
	assert_null(fixture->ends[0].ipc);
}

/* A process that was taken over sends what ours never sends: its channel ends. */
static void test_misbehaviour_ends_the_channel(void **state)
{
	static const struct {
		size_t len;
		size_t descriptors;
	} table[] = {
		{0, 0},				  /* an empty packet */
		{OS_IPC_MESSAGE_LEN_MAX + 1, 0},  /* cut */
		{10, OS_IPC_DESCRIPTORS_MAX + 1}, /* too many descriptors */
	};
	static uint8_t too_long[OS_IPC_MESSAGE_LEN_MAX + 1];
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(8 * sizeof(int))] = {0};
		struct iovec vector = {.iov_base = too_long, .iov_len = table[i].len};
		struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

		tear_down(state);
		set_up(state);
		if (table[i].descriptors > 0) {
			header.msg_control = control;
			header.msg_controllen = CMSG_SPACE(table[i].descriptors * sizeof(int));
			CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
			CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
			CMSG_FIRSTHDR(&header)->cmsg_len =
				CMSG_LEN(table[i].descriptors * sizeof(int));
		}
		assert_true(sendmsg(fixture->raw[0], &header, MSG_DONTWAIT) >= 0);
		turn(fixture, 2);
		assert_int_equal(fixture->ends[1].received, 0);
		assert_int_equal(fixture->ends[1].gone, 1);
	}
}

static void test_only_packet_sockets(void **state)
{
	struct fixture *fixture = *state;
	struct os_ipc_handler handler = {.received = end_received, .gone = end_gone};
	struct os_ipc *none = NULL;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(os_ipc_create(fixture->loop, pair[0], &handler, &none), SOTTO_ERR_FORMAT);
	assert_null(none);
	close(pair[0]);
	close(pair[1]);
}

#define IPC_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IPC_TEST(test_every_size_arrives_in_order),
		IPC_TEST(test_what_may_not_be_sent),
		IPC_TEST(test_descriptors_come_along),
		IPC_TEST(test_a_full_queue_refuses_and_drains),
		IPC_TEST(test_the_end_of_the_other_process),
		IPC_TEST(test_the_end_with_a_full_queue),
		IPC_TEST(test_destroying_in_a_callback),
		IPC_TEST(test_misbehaviour_ends_the_channel),
		IPC_TEST(test_only_packet_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
