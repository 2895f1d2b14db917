/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: who may connect, lines cut anywhere, descriptors with the right line,
 * limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/lines.h"

struct fixture {
	struct os_loop *loop;
	struct os_lines *lines;
	int peer; /* the other end, by hand */
	size_t gone;
	bool destroys;
	/* "text|" for each line, "text+n|" with n descriptors */
	char heard[256];
	size_t longest;
	int accepted;
	size_t accepted_count;
};

static void lines_received(void *context, struct os_lines *lines, const char *line, size_t len,
			   int *descriptors, size_t descriptors_count)
{
	struct fixture *fixture = context;
	char *at = fixture->heard + strlen(fixture->heard);
	size_t room = sizeof(fixture->heard) - strlen(fixture->heard);

	(void)descriptors;
	assert_int_equal(strlen(line), len);
	if (len > fixture->longest)
		fixture->longest = len;
	if (descriptors_count > 0)
		(void)snprintf(at, room, "%.8s+%zu|", line, descriptors_count);
	else
		(void)snprintf(at, room, "%.8s|", line);
	if (fixture->destroys) {
		fixture->lines = NULL;
		os_lines_destroy(lines);
	}
}

static void lines_gone(void *context, struct os_lines *lines)
{
	struct fixture *fixture = context;

	(void)lines;
	fixture->gone++;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct os_lines_handler handler = {
		.received = lines_received, .gone = lines_gone, .context = &fixture};
	int pair[2];

	memset(&fixture, 0, sizeof(fixture));
	fixture.accepted = -1;
	assert_int_equal(os_loop_create(&fixture.loop), SOTTO_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fixture.peer = pair[0];
	assert_int_equal(os_lines_create(fixture.loop, pair[1], &handler, &fixture.lines),
			 SOTTO_OK);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	os_lines_destroy(fixture->lines);
	if (fixture->peer >= 0)
		close(fixture->peer);
	if (fixture->accepted >= 0)
		close(fixture->accepted);
	os_loop_destroy(fixture->loop);
	return 0;
}

static void turn(struct fixture *fixture, unsigned rounds)
{
	while (rounds-- > 0)
		assert_int_equal(os_loop_turn(fixture->loop, false), SOTTO_OK);
}

static void send_with(int socket, const char *text, size_t len, size_t descriptors)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(8 * sizeof(int))] = {0};
	union {
		const char *in;
		void *out;
	} data = {.in = text};
	struct iovec vector = {.iov_base = data.out, .iov_len = len};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

	if (descriptors > 0) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
		CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
	}
	assert_int_equal(sendmsg(socket, &header, 0), (ssize_t)len);
}

/* Each row: what is written, in which pieces and with how many descriptors, and what is heard. A
 * turn after each piece, or one turn for all. */
static void test_lines_and_their_descriptors(void **state)
{
	static const struct {
		struct {
			const char *text;
			size_t descriptors;
		} pieces[6];
		const char *heard;
		bool gone;
	} table[] = {
		{{{"one\n", 0}}, "one|", false},
		{{{"one\ntwo\n\nthree", 0}, {"\n", 0}}, "one|two||three|", false},
		{{{"o", 0}, {"ne", 0}, {"\ntw", 0}, {"o\n", 0}}, "one|two|", false},
		{{{"one\n", 2}}, "one+2|", false},
		{{{"one\n", 0}, {"two\n", 1}, {"three\n", 0}}, "one|two+1|three|", false},
		{{{"one\n", 1}, {"two\n", 2}, {"three\n", 3}}, "one+1|two+2|three+3|", false},
		{{{"on", 0}, {"e\n", 0}, {"tw", 4}, {"o\n", 0}}, "one|two+4|", false},
		{{{"on", 1}, {"e\n", 0}, {"two\n", 2}}, "one+1|two+2|", false},
		{{{"one\n", 5}}, "", true}, /* too many */
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		for (unsigned each = 0; each < 2; each++) {
			struct fixture *fixture = *state;

			tear_down(state);
			set_up(state);
			for (size_t j = 0; j < 6 && table[i].pieces[j].text != NULL; j++) {
				send_with(fixture->peer, table[i].pieces[j].text,
					  strlen(table[i].pieces[j].text),
					  table[i].pieces[j].descriptors);
				turn(fixture, each);
			}
			turn(fixture, 3);
			assert_string_equal(fixture->heard, table[i].heard);
			assert_int_equal(fixture->gone, table[i].gone);
		}
	}
}

static void test_what_ends_a_connection(void **state)
{
	static char too_long[OS_LINE_LEN_MAX + 2];
	struct fixture *fixture = *state;
	size_t done = 0;

	send_with(fixture->peer, "a\0b\n", 4, 0);
	turn(fixture, 2);
	assert_int_equal(fixture->gone, 1);
	assert_string_equal(fixture->heard, "");

	/* The longest line, then one more byte. */
	for (unsigned extra = 0; extra < 2; extra++) {
		tear_down(state);
		set_up(state);
		memset(too_long, 'x', sizeof(too_long));
		too_long[OS_LINE_LEN_MAX + extra] = '\n';
		for (done = 0; done < OS_LINE_LEN_MAX + extra + 1 && fixture->gone == 0;) {
			ssize_t sent = send(fixture->peer, too_long + done,
					    OS_LINE_LEN_MAX + extra + 1 - done,
					    MSG_DONTWAIT | MSG_NOSIGNAL);

			if (sent > 0)
				done += (size_t)sent;
			turn(fixture, 1);
		}
		turn(fixture, 100);
		assert_int_equal(fixture->longest, extra == 0 ? OS_LINE_LEN_MAX : 0);
		assert_int_equal(fixture->gone, extra);
	}

	tear_down(state);
	set_up(state);
	send_with(fixture->peer, "last\nhalf", 9, 0);
	close(fixture->peer);
	fixture->peer = -1;
	turn(fixture, 3);
	assert_string_equal(fixture->heard, "last|");
	assert_int_equal(fixture->gone, 1);
	assert_int_equal(os_lines_send(fixture->lines, BYTES_TEXT("x"), NULL, 0), SOTTO_ERR_CLOSED);
}

static void test_sending(void **state)
{
	static char text[65536];
	struct fixture *fixture = *state;
	char answer[16] = {0};
	size_t sent = 0;

	assert_int_equal(os_lines_send(fixture->lines, BYTES_TEXT("a\nb"), NULL, 0),
			 SOTTO_ERR_ARGUMENT);
	assert_int_equal(os_lines_send(fixture->lines, BYTES_TEXT("a\0b"), NULL, 0),
			 SOTTO_ERR_ARGUMENT);
	assert_int_equal(os_lines_send(fixture->lines, BYTES_TEXT("hello"), NULL, 0), SOTTO_OK);
	assert_int_equal(recv(fixture->peer, answer, sizeof(answer), 0), 6);
	assert_string_equal(answer, "hello\n");
	memset(text, 'y', sizeof(text));
	while (os_lines_send(fixture->lines, BYTES_OF(text), NULL, 0) == SOTTO_OK)
		sent++;
	assert_true(sent * sizeof(text) >= OS_LINES_QUEUE_LEN_MAX - sizeof(text));
	assert_true(os_lines_queued(fixture->lines) <= OS_LINES_QUEUE_LEN_MAX);
	for (size_t got = 0; got < sent * (sizeof(text) + 1);) {
		ssize_t len = recv(fixture->peer, text, sizeof(text), MSG_DONTWAIT);

		if (len > 0)
			got += (size_t)len;
		turn(fixture, 1);
	}
	assert_int_equal(os_lines_queued(fixture->lines), 0);
}

static void test_destroying_in_a_callback(void **state)
{
	struct fixture *fixture = *state;

	fixture->destroys = true;
	send_with(fixture->peer, "one\ntwo\n", 8, 2);
	turn(fixture, 3);
	assert_string_equal(fixture->heard, "one|"); /* the descriptors were two's */
	assert_null(fixture->lines);
}

static void listener_accepted(void *context, int descriptor)
{
	struct fixture *fixture = context;

	fixture->accepted = descriptor;
	fixture->accepted_count++;
}

static void test_who_may_connect(void **state)
{
	static const struct {
		uid_t uid;
		bool accepted;
	} table[] = {{0, true}, {12345, false}};
	struct fixture *fixture = *state;
	char directory[] = "/tmp/sotto-test-XXXXXX";
	char path[64];
	struct os_listener *listener;
	struct stat status;
	int descriptor;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/control", directory);
	assert_int_equal(os_lines_connect(path, &descriptor), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(os_listener_open(path, &descriptor), SOTTO_OK);
	close(descriptor); /* a stale socket: nobody behind it */
	assert_int_equal(os_lines_connect(path, &descriptor), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(os_listener_open(path, &descriptor), SOTTO_OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(os_listener_create(fixture->loop, descriptor, listener_accepted, fixture,
					    &listener),
			 SOTTO_OK);
	assert_int_equal(os_lines_connect(path, &descriptor), SOTTO_OK);
	turn(fixture, 2);
	assert_int_equal(fixture->accepted_count, 1);
	close(descriptor);
	/* Others, even where the file's mode would let them: only root can play another user
	 * here. */
	for (size_t i = 0; i < ARRAY_LEN(table) && geteuid() == 0; i++) {
		pid_t child;

		assert_int_equal(chmod(path, 0666), 0);
		assert_int_equal(chmod(directory, 0755), 0);
		fixture->accepted_count = 0;
		child = fork();
		if (child == 0) {
			int socket_ = -1;

			if (setuid(table[i].uid) != 0)
				_exit(3);
			/* The child, for its part, trusts root's listener. */
			_exit(os_lines_connect(path, &socket_) == SOTTO_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(child, NULL, 0), child);
		turn(fixture, 2);
		assert_int_equal(fixture->accepted_count, table[i].accepted);
	}
	os_listener_destroy(listener);
	unlink(path);
	rmdir(directory);
}

static void test_long_paths(void **state)
{
	char path[200];
	int descriptor;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[108] = '\0';
	assert_int_equal(os_listener_open(path, &descriptor), SOTTO_ERR_LIMIT);
	assert_int_equal(os_lines_connect(path, &descriptor), SOTTO_ERR_LIMIT);
	assert_int_equal(os_lines_connect("", &descriptor), SOTTO_ERR_LIMIT);
}

#define LINES_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINES_TEST(test_lines_and_their_descriptors),
		LINES_TEST(test_what_ends_a_connection),
		LINES_TEST(test_sending),
		LINES_TEST(test_destroying_in_a_callback),
		LINES_TEST(test_who_may_connect),
		cmocka_unit_test(test_long_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
