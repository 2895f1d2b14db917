/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp-proxy: a bad network between phones and a relay, in user space.
 *
 *   udp-proxy --listen ADDR:PORT --relay ADDR:PORT [--loss %] [--delay MS] [--jitter MS]
 *             [--duplicate %] [--reorder %] [--seed N]
 *
 * Each source gets a socket of its own towards the relay, as behind a NAT. Prints "ready ADDR:PORT", then
 * takes commands from standard input, one a line: loss, delay, jitter, duplicate, reorder with a number;
 * cut [MS] and mend; rebind (every source gets a new port towards the relay, and with several loopback
 * addresses a new address, too); report (prints the counters), reset (clears all but the number of
 * rebindings), quit. At the end, also after SIGTERM or SIGINT, it prints the report: one JSON object, with
 * every packet that arrived here, lost ones too, by direction and by source. End of input changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/address.h"

#define SOURCES_MAX 256
#define FLIGHTS_MAX 32768
#define PAYLOAD_MAX 1500
#define MS	    UINT64_C(1000000)

struct direction {
	uint64_t packets, bytes, lost, duplicated;
	uint64_t sizes[PAYLOAD_MAX + 1];
};

struct count {
	uint64_t packets, lost;
};

struct source {
	struct os_address phone;
	int socket; /* towards the relay; -1: free */
	struct count up, down;
};

struct flight {
	uint64_t arrives_ns;
	struct source *source;
	bool to_relay;
	size_t len;
	uint8_t data[PAYLOAD_MAX];
};

static struct {
	double loss, duplicate, reorder; /* per cent */
	double delay_ms, jitter_ms;
	uint64_t seed;
	uint64_t cut_until; /* UINT64_MAX: until `mend` */
	struct os_address listen, relay;
	int socket;
	struct source sources[SOURCES_MAX];
	struct flight *flights[FLIGHTS_MAX]; /* a heap by arrival */
	size_t flight_count;
	struct direction up, down;
	uint64_t rebinds;
} proxy;

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

/* splitmix64: the same seed gives the same fates in the same order of packets. */
static double chance(void)
{
	uint64_t z = proxy.seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "udp-proxy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(const struct os_address *bound, const struct os_address *peer)
{
	int family = bound ? bound->any.sa_family : peer->any.sa_family;
	int made = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = 4 << 20;

	if (made < 0)
		die("socket");
	/* Smaller buffers only lose more. */
	(void)setsockopt(made, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bound && bind(made, &bound->any, bound->len) != 0)
		die("bind");
	if (peer && connect(made, &peer->any, peer->len) != 0)
		die("connect");
	return made;
}

/* On a loopback of IPv4 a rebinding changes the address as well as the port. */
static int open_upstream(void)
{
	struct os_address from = {.v4 = {.sin_family = AF_INET}, .len = sizeof(from.v4)};

	if (proxy.relay.any.sa_family != AF_INET ||
	    ntohl(proxy.relay.v4.sin_addr.s_addr) >> 24 != 127)
		return open_socket(NULL, &proxy.relay);
	from.v4.sin_addr.s_addr = htonl(0x7f000001U + (uint32_t)(proxy.rebinds % 200));
	return open_socket(&from, &proxy.relay);
}

static struct source *source_of(const struct os_address *phone)
{
	struct source *free_place = NULL;

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *source = &proxy.sources[i];

		if (source->socket >= 0 && os_address_equal(&source->phone, phone))
			return source;
		if (source->socket < 0 && !free_place)
			free_place = source;
	}
	if (!free_place)
		return NULL;
	*free_place = (struct source){.phone = *phone, .socket = open_upstream()};
	return free_place;
}

static void push(struct flight *flight)
{
	size_t at = proxy.flight_count++;

	while (at > 0 && proxy.flights[(at - 1) / 2]->arrives_ns > flight->arrives_ns) {
		proxy.flights[at] = proxy.flights[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	proxy.flights[at] = flight;
}

static struct flight *pop(void)
{
	struct flight *first = proxy.flights[0];
	struct flight *last = proxy.flights[--proxy.flight_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= proxy.flight_count)
			break;
		if (child + 1 < proxy.flight_count &&
		    proxy.flights[child + 1]->arrives_ns < proxy.flights[child]->arrives_ns)
			child++;
		if (proxy.flights[child]->arrives_ns >= last->arrives_ns)
			break;
		proxy.flights[at] = proxy.flights[child];
		at = child;
	}
	proxy.flights[at] = last;
	return first;
}

static void take_off(struct source *source, bool to_relay, const uint8_t *data, size_t len)
{
	struct direction *direction = to_relay ? &proxy.up : &proxy.down;
	struct count *count = to_relay ? &source->up : &source->down;
	int copies = chance() * 100 < proxy.duplicate ? 2 : 1;
	bool late = chance() * 100 < proxy.reorder;
	bool lost = chance() * 100 < proxy.loss || now() < proxy.cut_until;
	double jitter_ms = chance() * proxy.jitter_ms + (late ? 30 : 0);

	direction->packets++;
	direction->bytes += len;
	direction->sizes[len]++;
	direction->lost += lost;
	count->packets++;
	count->lost += lost;
	if (lost)
		return;
	direction->duplicated += copies > 1;
	while (copies-- > 0 && proxy.flight_count < FLIGHTS_MAX) {
		struct flight *flight = malloc(sizeof(*flight));

		if (!flight)
			die("malloc");
		flight->arrives_ns = now() + (uint64_t)((proxy.delay_ms + jitter_ms) * 1e6);
		flight->source = source;
		flight->to_relay = to_relay;
		flight->len = len;
		memcpy(flight->data, data, len);
		push(flight);
	}
}

static void land(void)
{
	while (proxy.flight_count && proxy.flights[0]->arrives_ns <= now()) {
		struct flight *flight = pop();
		const struct os_address *phone = &flight->source->phone;

		/* What the kernel refuses is lost: this is a network. */
		if (flight->to_relay)
			(void)!send(flight->source->socket, flight->data, flight->len, 0);
		else
			(void)!sendto(proxy.socket, flight->data, flight->len, 0, &phone->any,
				      phone->len);
		free(flight);
	}
}

static void receive(struct source *source)
{
	uint8_t data[PAYLOAD_MAX];

	for (;;) {
		struct os_address from = {.len = sizeof(from.v6)};
		int socket = source ? source->socket : proxy.socket;
		ssize_t len = recvfrom(socket, data, sizeof(data), 0, &from.any, &from.len);

		if (len < 0 && errno == ECONNREFUSED)
			continue; /* the relay is away: its business */
		if (len < 0)
			return;
		if (source)
			take_off(source, false, data, (size_t)len);
		else if (source_of(&from))
			take_off(source_of(&from), true, data, (size_t)len);
	}
}

static void rebind(void)
{
	proxy.rebinds++;
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		if (proxy.sources[i].socket < 0)
			continue;
		close(proxy.sources[i].socket);
		proxy.sources[i].socket = open_upstream();
	}
}

static void report_direction(const char *name, const struct direction *direction)
{
	const char *comma = "";

	printf("\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"duplicated\":%" PRIu64 ",\"sizes\":{",
	       name, direction->packets, direction->bytes, direction->lost, direction->duplicated);
	for (size_t i = 0; i <= PAYLOAD_MAX; i++) {
		if (!direction->sizes[i])
			continue;
		printf("%s\"%zu\":%" PRIu64, comma, i, direction->sizes[i]);
		comma = ",";
	}
	printf("}}");
}

/* address: as the relay sees it. */
static void report_source(const struct source *source)
{
	struct os_address from = {.len = sizeof(from.v6)};
	char text[OS_ADDRESS_TEXT_LEN];

	if (getsockname(source->socket, &from.any, &from.len) != 0)
		die("getsockname");
	os_address_format(&from, text);
	printf("{\"address\":\"%s\",\"to_relay\":{\"packets\":%" PRIu64 ",\"lost\":%" PRIu64 "},"
	       "\"to_phones\":{\"packets\":%" PRIu64 ",\"lost\":%" PRIu64 "}}",
	       text, source->up.packets, source->up.lost, source->down.packets, source->down.lost);
}

static void report(void)
{
	const char *comma = "";
	unsigned sources = 0;

	printf("{");
	report_direction("to_relay", &proxy.up);
	printf(",");
	report_direction("to_phones", &proxy.down);
	printf(",\"sources\":[");
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		if (proxy.sources[i].socket < 0)
			continue;
		printf("%s", comma);
		report_source(&proxy.sources[i]);
		comma = ",";
		sources++;
	}
	printf("],\"rebinds\":%" PRIu64 ",\"phones\":%u}\n", proxy.rebinds, sources);
	fflush(stdout);
}

static void reset(void)
{
	memset(&proxy.up, 0, sizeof(proxy.up));
	memset(&proxy.down, 0, sizeof(proxy.down));
	for (size_t i = 0; i < SOURCES_MAX; i++)
		proxy.sources[i].up = proxy.sources[i].down = (struct count){0};
}

/* False: not one of the numbers that can be set. */
static bool set_number(const char *name, const char *text)
{
	const struct {
		const char *name;
		double *value;
	} numbers[] = {
		{"loss", &proxy.loss},	      {"delay", &proxy.delay_ms},
		{"jitter", &proxy.jitter_ms}, {"duplicate", &proxy.duplicate},
		{"reorder", &proxy.reorder},
	};
	char *end;
	double value = strtod(text, &end);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (strcmp(numbers[i].name, name) != 0)
			continue;
		if (end == text || value < 0)
			return false;
		*numbers[i].value = value;
		return true;
	}
	return false;
}

static void obey(char *line)
{
	char *name = strtok(line, " \t");
	char *value = strtok(NULL, " \t");

	if (!name)
		return;
	if (strcmp(name, "cut") == 0) {
		proxy.cut_until = value ? now() + strtoull(value, NULL, 10) * MS : UINT64_MAX;
	} else if (strcmp(name, "mend") == 0) {
		proxy.cut_until = 0;
	} else if (strcmp(name, "rebind") == 0) {
		rebind();
	} else if (strcmp(name, "report") == 0) {
		report();
	} else if (strcmp(name, "reset") == 0) {
		reset();
	} else if (strcmp(name, "quit") == 0) {
		stopping = 1;
	} else if (!value || !set_number(name, value)) {
		fprintf(stderr, "udp-proxy: unknown command: %s\n", name);
	}
}

/* False at the end of the input. */
static bool read_commands(void)
{
	static char buffer[4096];
	static size_t held;
	ssize_t len = read(STDIN_FILENO, buffer + held, sizeof(buffer) - 1 - held);
	char *start = buffer;
	char *end;

	if (len <= 0)
		return false;
	held += (size_t)len;
	buffer[held] = '\0';
	while ((end = strchr(start, '\n'))) {
		*end = '\0';
		obey(start);
		start = end + 1;
	}
	held -= (size_t)(start - buffer);
	memmove(buffer, start, held);
	if (held == sizeof(buffer) - 1)
		held = 0;
	return true;
}

static void serve(void)
{
	struct pollfd polls[SOURCES_MAX + 2];
	struct source *polled[SOURCES_MAX + 2];
	bool listening = true;

	while (!stopping) {
		int wait_ms = 1000;
		uint64_t now_ns = now();
		nfds_t count = 2;

		polls[0] = (struct pollfd){.fd = listening ? STDIN_FILENO : -1, .events = POLLIN};
		polls[1] = (struct pollfd){.fd = proxy.socket, .events = POLLIN};
		for (size_t i = 0; i < SOURCES_MAX; i++) {
			if (proxy.sources[i].socket < 0)
				continue;
			polled[count] = &proxy.sources[i];
			polls[count++] =
				(struct pollfd){.fd = proxy.sources[i].socket, .events = POLLIN};
		}
		if (proxy.flight_count && proxy.flights[0]->arrives_ns < now_ns + 1000 * MS) {
			uint64_t at_ns = proxy.flights[0]->arrives_ns;

			wait_ms = at_ns > now_ns ? (int)((at_ns - now_ns + MS - 1) / MS) : 0;
		}
		if (poll(polls, count, wait_ms) < 0 && errno != EINTR)
			die("poll");
		land();
		if (polls[1].revents)
			receive(NULL);
		for (nfds_t i = 2; i < count; i++) {
			if (polls[i].revents)
				receive(polled[i]);
		}
		land();
		if (polls[0].revents)
			listening = read_commands();
	}
}

_Noreturn static void usage(void)
{
	fprintf(stderr, "usage: udp-proxy --listen ADDR:PORT --relay ADDR:PORT [--loss %%] "
			"[--delay MS] [--jitter MS] [--duplicate %%] [--reorder %%] [--seed N]\n");
	exit(2);
}

static void parse(int count, char **words)
{
	for (int i = 1; i < count; i += 2) {
		if (i + 1 == count || strncmp(words[i], "--", 2) != 0)
			usage();
		if (strcmp(words[i], "--listen") == 0) {
			if (os_address_parse(words[i + 1], &proxy.listen) != SOTTO_OK)
				usage();
		} else if (strcmp(words[i], "--relay") == 0) {
			if (os_address_parse(words[i + 1], &proxy.relay) != SOTTO_OK)
				usage();
		} else if (strcmp(words[i], "--seed") == 0) {
			proxy.seed = strtoull(words[i + 1], NULL, 10);
		} else if (!set_number(words[i] + 2, words[i + 1])) {
			usage();
		}
	}
	if (!proxy.listen.len || !proxy.relay.len)
		usage();
}

int main(int count, char **words)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct os_address bound = {.len = sizeof(bound.v6)};
	char text[OS_ADDRESS_TEXT_LEN];

	proxy.seed = 1;
	parse(count, words);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		proxy.sources[i].socket = -1;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	proxy.socket = open_socket(&proxy.listen, NULL);
	if (getsockname(proxy.socket, &bound.any, &bound.len) != 0)
		die("getsockname");
	os_address_format(&bound, text);
	printf("ready %s\n", text);
	fflush(stdout);
	serve();
	report();
	return 0;
}
