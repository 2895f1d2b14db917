/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links: phones' links and nothing of a phone above them, against a live sottod.
 *
 *	links RELAY [--via ADDR:PORT] [--phones N] [--records N] [--seconds S] [--limit S]
 *
 * RELAY is what sottod printed, with its claim. Founds a network, then N links append N records each to one
 * drop that all watch, and talk two and two for S seconds. Prints one JSON object; exit 0 if every link saw
 * every record once and verified, 1 if not, also when it takes longer than --limit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "link/link_os.h"
#include "os/clock.h"
#include "os/random.h"
#include "tools/links/links.h"

struct numbers {
	uint32_t phones;
	uint32_t records;
	uint32_t seconds;
	uint32_t limit;
};

static struct scene scene;
static struct os_timer check_timer;
static uint64_t give_up_ns;

static bool parse_number(const char *text, uint32_t max, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value == 0 || value > max)
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool parse_address(const char *text)
{
	struct os_address address;

	if (os_address_parse(text, &address) != SOTTO_OK)
		return false;
	link_address_from_os(&address, &scene.relay);
	return true;
}

static bool parse(int argc, char **argv, struct numbers *numbers)
{
	char address[WIRE_RELAY_ADDRESS_MAX + 1];
	const char *via = NULL;

	if (argc < 2 || argc % 2 != 0 ||
	    wire_relay_name_get(BYTES(argv[1], strlen(argv[1])), &scene.name) != SOTTO_OK ||
	    !scene.name.has_claim)
		return false;
	for (int i = 2; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];
		bool ok = false;

		if (strcmp(argv[i], "--via") == 0)
			ok = (via = value) != NULL;
		else if (strcmp(argv[i], "--phones") == 0)
			ok = parse_number(value, PHONES_MAX, &numbers->phones);
		else if (strcmp(argv[i], "--records") == 0)
			ok = parse_number(value, RECORDS_MAX, &numbers->records);
		else if (strcmp(argv[i], "--seconds") == 0)
			ok = parse_number(value, 3600, &numbers->seconds);
		else if (strcmp(argv[i], "--limit") == 0)
			ok = parse_number(value, 3600, &numbers->limit);
		if (!ok)
			return false;
	}
	if (scene.name.address.len > WIRE_RELAY_ADDRESS_MAX)
		return false;
	memcpy(address, scene.name.address.data, scene.name.address.len);
	address[scene.name.address.len] = '\0';
	return parse_address(via != NULL ? via : address);
}

static void check(struct os_timer *timer, uint64_t now_ns)
{
	bool done = now_ns > scene.talk_until_ns;

	for (uint32_t i = 0; i < scene.phone_count; i++)
		done = done && work_done(&scene.phones[i]);
	if (done || scene.problem != NULL || now_ns > give_up_ns) {
		if (!done && scene.problem == NULL)
			scene.problem = "not finished in time";
		os_loop_stop(scene.loop);
		return;
	}
	os_loop_set_timer(scene.loop, timer, now_ns + 50 * OS_CLOCK_MS_NS);
}

static void found_too_late(struct os_timer *timer, uint64_t now_ns)
{
	(void)timer;
	(void)now_ns;
	scene.problem = "the relay does not answer";
	os_loop_stop(scene.loop);
}

static enum sotto_err found(void)
{
	struct os_timer timer;
	enum sotto_err err;

	os_timer_init(&timer, found_too_late);
	os_loop_set_timer(scene.loop, &timer, os_clock_now_ns() + 10 * OS_CLOCK_SECOND_NS);
	TRY(phone_start(&scene, 0, true));
	TRY(os_loop_run(scene.loop));
	phone_stop(&scene.phones[0]);
	os_loop_set_timer(scene.loop, &timer, OS_NEVER);
	memset(&scene.phones[0], 0, sizeof(scene.phones[0]));
	FAIL_IF(!scene.founded, SOTTO_ERR_DENIED);
out:
	return err;
}

static enum sotto_err work(const struct numbers *numbers)
{
	uint64_t now_ns = os_clock_now_ns();
	enum sotto_err err;

	scene.record_count = numbers->records;
	scene.phone_count = numbers->phones;
	scene.talk_until_ns = now_ns + numbers->seconds * OS_CLOCK_SECOND_NS;
	give_up_ns = now_ns + numbers->limit * OS_CLOCK_SECOND_NS;
	for (uint32_t i = 0; i < scene.phone_count; i++) {
		scene.phones[i].marks = calloc(PHONES_MAX, RECORDS_MAX);
		FAIL_IF(scene.phones[i].marks == NULL, SOTTO_ERR_NO_MEMORY);
		TRY(phone_start(&scene, i, false));
	}
	os_timer_init(&check_timer, check);
	os_loop_set_timer(scene.loop, &check_timer, now_ns);
	(void)puts("working");
	(void)fflush(stdout);
	TRY(os_loop_run(scene.loop));
out:
	return err;
}

/* Sums over all links, and the worst of them. */
static bool report(void)
{
	uint64_t acknowledged = 0, appends = 0, seen = 0, twice = 0, forged = 0;
	uint64_t sent = 0, refused = 0, received = 0, gap_ns = 0, connects = 0, migrations = 0;
	uint64_t wanted = (uint64_t)scene.record_count * scene.phone_count * scene.phone_count;

	for (uint32_t i = 0; i < scene.phone_count; i++) {
		const struct phone *phone = &scene.phones[i];
		struct link_client_stats stats = {0};

		link_client_stats(phone->client, &stats);
		acknowledged += phone->acknowledged;
		appends += phone->appends;
		seen += phone->seen;
		twice += phone->twice;
		forged += phone->forged;
		sent += phone->datagrams_sent;
		refused += phone->datagrams_refused;
		received += phone->datagrams_received;
		gap_ns = phone->longest_gap_ns > gap_ns ? phone->longest_gap_ns : gap_ns;
		connects += stats.connects;
		migrations += stats.migrations;
	}
	(void)printf("{\"phones\":%u,\"acknowledged\":%" PRIu64 ",\"appends\":%" PRIu64
		     ",\"seen\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"twice\":%" PRIu64
		     ",\"forged\":%" PRIu64 ",\"datagrams_sent\":%" PRIu64
		     ",\"datagrams_refused\":%" PRIu64 ",\"datagrams_received\":%" PRIu64
		     ",\"longest_gap_ms\":%" PRIu64 ",\"connects\":%" PRIu64
		     ",\"migrations\":%" PRIu64 ",\"problem\":\"%s\"}\n",
		     scene.phone_count, acknowledged, appends, seen, wanted - seen, twice, forged,
		     sent, refused, received, gap_ns / OS_CLOCK_MS_NS, connects, migrations,
		     scene.problem != NULL ? scene.problem : "");
	return scene.problem == NULL && seen == wanted && twice == 0 && forged == 0;
}

int main(int argc, char **argv)
{
	struct numbers numbers = {.phones = 8, .records = 100, .seconds = 10, .limit = 60};
	bool good = false;

	if (!parse(argc, argv, &numbers)) {
		(void)fputs("usage: links RELAY [--via ADDR:PORT] [--phones N] [--records N] "
			    "[--seconds S] [--limit S]\n",
			    stderr);
		return 2;
	}
	if (random_fill(&os_random, scene.append_token, sizeof(scene.append_token)) != SOTTO_OK ||
	    random_fill(&os_random, scene.read_token, sizeof(scene.read_token)) != SOTTO_OK ||
	    random_fill(&os_random, scene.room_token, sizeof(scene.room_token)) != SOTTO_OK ||
	    os_loop_create(&scene.loop) != SOTTO_OK)
		return 1;
	if (found() == SOTTO_OK && work(&numbers) == SOTTO_OK)
		good = report();
	else
		(void)fprintf(stderr, "links: %s\n",
			      scene.problem != NULL ? scene.problem : "cannot start");
	for (uint32_t i = 0; i < PHONES_MAX; i++) {
		if (scene.phones[i].client != NULL)
			phone_stop(&scene.phones[i]);
		free(scene.phones[i].marks);
	}
	os_loop_destroy(scene.loop);
	return good ? 0 : 1;
}
