/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knocks at a live sottod over UDP with every kind of packet that a stranger can make, and counts the answers; before,
 * between and after, a phone's real link connects.
 *
 *   strangers RELAY EACH
 *
 * RELAY is what a sottod printed that has no network yet: the claim in it is the access key. Prints one JSON object a
 * kind: how many were sent, how many answered, and whether the phone connected afterwards. Then "restart": the relay is
 * to be killed and started again, and a line on standard input says that it is back. Copies of the first phone's
 * first packet follow, from its own address too.
 *
 *   control: a first packet with nothing wrong in it, from the same hosts, must be answered
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "link/link_client.h"
#include "link/link_os.h"
#include "os/clock.h"
#include "os/random.h"
#include "tests/link/strangers.h"
#include "wire/relay_name.h"

#define SOCKETS	   8
#define AT_ONCE	   32 /* then a pause, so that the relay's socket takes them all */
#define PAUSE_MS   5
#define LISTEN_MS  300
#define CONNECT_MS 8000
#define CONTROLS   10

static struct {
	struct wire_relay_name name;
	struct os_address address;
	struct strangers strangers;
	int sockets[SOCKETS];
	int control[SOCKETS]; /* others: what was answered once is answered again for a while */
	int first_socket;     /* the phone whose first packet was kept */
} live;

/* One of the loopback's addresses, so that they are different hosts, too. */
static int socket_open(uint8_t host)
{
	struct sockaddr_in local = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f000000U | host)};
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ASSERT(descriptor >= 0);
	ASSERT(bind(descriptor, (struct sockaddr *)&local, sizeof(local)) == 0);
	return descriptor;
}

static void socket_send(int descriptor, const uint8_t *data, size_t len)
{
	ASSERT(sendto(descriptor, data, len, 0, &live.address.any, live.address.len) ==
	       (ssize_t)len);
}

static void pause_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

static unsigned count_answers(int descriptor)
{
	uint8_t data[2048];
	unsigned count = 0;

	while (recv(descriptor, data, sizeof(data), 0) >= 0)
		count++;
	return count;
}

static unsigned count_all_answers(const int sockets[SOCKETS])
{
	unsigned count = 0;

	for (size_t i = 0; i < SOCKETS; i++)
		count += count_answers(sockets[i]);
	return count;
}

static void nothing_status(void *context, const struct link_client_status *status)
{
	(void)context;
	(void)status;
}

static void nothing_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	(void)context;
	(void)request;
	(void)bytes;
	(void)fin;
}

static void nothing_end(void *context, uint64_t request, enum link_stream_end why)
{
	(void)context;
	(void)request;
	(void)why;
}

static void nothing_datagram(void *context, struct bytes bytes)
{
	(void)context;
	(void)bytes;
}

static void nothing_room(void *context)
{
	(void)context;
}

/* Sends what the engine has; the first packet of the first phone is kept. */
static void phone_send(struct link_client *client, int descriptor)
{
	struct link_packet packet;

	for (;;) {
		link_client_send(client, os_clock_now_ns(), &packet);
		if (packet.len == 0)
			return;
		if (live.strangers.first_len == 0) {
			memcpy(live.strangers.first, packet.data, packet.len);
			live.strangers.first_len = packet.len;
		}
		socket_send(descriptor, packet.data, packet.len);
	}
}

static void phone_receive(struct link_client *client, int descriptor)
{
	struct link_path path = {.remote = live.strangers.relay};
	struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
	uint8_t data[2048];
	ssize_t len;

	(void)poll(&waiting, 1, 5);
	while ((len = recv(descriptor, data, sizeof(data), 0)) >= 0)
		link_client_receive(client, &path, BYTES(data, (size_t)len), os_clock_now_ns(),
				    os_clock_utc_ms());
	if (link_client_deadline(client) <= os_clock_now_ns())
		link_client_handle_deadline(client, os_clock_now_ns(), os_clock_utc_ms());
}

/* A phone comes, the relay proves itself, the phone goes. */
static bool phone_connects(int descriptor)
{
	struct link_client_config config = {
		.addresses = {live.strangers.relay},
		.address_count = 1,
		.keys = {live.strangers.key},
		.key_count = 1,
		.random = &os_random,
		.events = {nothing_status, nothing_reply, nothing_end, nothing_datagram,
			   nothing_room, NULL},
	};
	struct link_client_status status = {.state = LINK_CLIENT_STOPPED};
	struct link_client *client;
	uint64_t until_ns = os_clock_now_ns() + CONNECT_MS * OS_CLOCK_MS_NS;

	memcpy(config.relay_key, live.name.key, sizeof(config.relay_key));
	ASSERT(link_client_create(&config, &client) == SOTTO_OK);
	ASSERT(link_client_start(client, os_clock_now_ns(), os_clock_utc_ms()) == SOTTO_OK);
	while (status.state != LINK_CLIENT_UP && os_clock_now_ns() < until_ns) {
		phone_send(client, descriptor);
		phone_receive(client, descriptor);
		link_client_status(client, &status);
	}
	link_client_stop(client, os_clock_now_ns());
	phone_send(client, descriptor);
	link_client_destroy(client);
	return status.state == LINK_CLIENT_UP;
}

static bool another_phone_connects(void)
{
	int descriptor = socket_open(1);
	bool connected = phone_connects(descriptor);

	close(descriptor);
	return connected;
}

static void report(const char *kind, unsigned sent, unsigned answers)
{
	bool connected = another_phone_connects();

	printf("{\"kind\":\"%s\",\"sent\":%u,\"answers\":%u,\"connected\":%s}\n", kind, sent,
	       answers, connected ? "true" : "false");
	(void)fflush(stdout);
}

/* count packets from all these sockets in turn; the answers to them. */
static unsigned knock(const int sockets[SOCKETS],
		      size_t (*make)(const struct strangers *strangers, uint8_t *out),
		      unsigned count)
{
	uint8_t packet[LINK_FULL_LEN];
	unsigned answers = 0;

	for (unsigned i = 0; i < count; i++) {
		live.strangers.now_ns = os_clock_now_ns();
		live.strangers.utc_ms = os_clock_utc_ms();
		socket_send(sockets[i % SOCKETS], packet, make(&live.strangers, packet));
		if (i % AT_ONCE == AT_ONCE - 1) {
			pause_ms(PAUSE_MS);
			answers += count_all_answers(sockets);
		}
	}
	pause_ms(LISTEN_MS);
	return answers + count_all_answers(sockets);
}

/* The copies after a restart; half of them from the address where the packet was first sent. */
static void replay_after_restart(unsigned each)
{
	unsigned answers = knock(live.sockets, strangers_make_replay, each);

	(void)count_answers(live.first_socket);
	for (unsigned i = 0; i < each; i++) {
		socket_send(live.first_socket, live.strangers.first, live.strangers.first_len);
		if (i % AT_ONCE == AT_ONCE - 1)
			pause_ms(PAUSE_MS);
	}
	pause_ms(LISTEN_MS);
	report("replayed after a restart", 2 * each, answers + count_answers(live.first_socket));
}

static bool parse_relay(const char *text)
{
	char address[WIRE_RELAY_ADDRESS_MAX + 1];

	if (wire_relay_name_get(BYTES(text, strlen(text)), &live.name) != SOTTO_OK ||
	    !live.name.has_claim || live.name.address.len > WIRE_RELAY_ADDRESS_MAX)
		return false;
	memcpy(address, live.name.address.data, live.name.address.len);
	address[live.name.address.len] = '\0';
	if (os_address_parse(address, &live.address) != SOTTO_OK)
		return false;
	link_address_from_os(&live.address, &live.strangers.relay);
	live.strangers.random = &os_random;
	live.strangers.key.kind = LINK_KEY_CLAIM;
	memcpy(live.strangers.key.secret, live.name.claim, sizeof(live.name.claim));
	return true;
}

int main(int argc, char **argv)
{
	unsigned each = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	char line[16];

	if (each == 0 || crypto_init() != SOTTO_OK || !parse_relay(argv[1])) {
		(void)fputs("usage: strangers RELAY EACH (RELAY with its claim)\n", stderr);
		return 2;
	}
	for (uint8_t i = 0; i < SOCKETS; i++) {
		live.sockets[i] = socket_open((uint8_t)(2 + i));
		live.control[i] = socket_open((uint8_t)(2 + i));
	}
	live.first_socket = socket_open(1);
	if (!phone_connects(live.first_socket)) {
		(void)fputs("strangers: no phone can connect to begin with\n", stderr);
		return 1;
	}
	report("control", CONTROLS, knock(live.control, strangers_make_right, CONTROLS));
	for (size_t i = 0; i < STRANGERS_COUNT; i++)
		report(strangers_table[i].name, each,
		       knock(live.sockets, strangers_table[i].make, each));
	(void)puts("restart");
	(void)fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	replay_after_restart(each);
	return 0;
}
