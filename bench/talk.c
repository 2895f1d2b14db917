/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network's suite costs its phones: an enrolment into a network of 3 and of 50 devices that grew one by
 * one, each with a whole engine, over a relay in memory. A table here, and build/bench/talk.json.
 *
 *    bench_talk [FILE]
 *
 * Bytes are those of the last enrolment. CPU time is that of one engine, without its store and its link; the
 * least of several networks. Memory is what that engine has from its allocator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "bench/json.h"
#include "crypto/init.h"
#include "talk/state.h"
#include "tests/talk/world.h"

#define SETTLE_S 60

static const uint16_t suites[] = {1, TALK_SUITE};
static const struct {
	uint32_t devices;
	unsigned worlds; /* as many are measured */
} sizes[] = {{3, 12}, {50, 4}};

struct result {
	uint16_t suite;
	uint32_t devices;
	size_t key_package, welcome, add_commit, update_commit; /* MLSMessages */
	size_t entries;	 /* of the ledger: authorise and enrol */
	size_t petition; /* the record in the porch */
	size_t parcel;	 /* records in the newcomer's inbox */
	size_t file;	 /* of the file that it names */
	size_t everyone; /* records in *everyone*: entries, both commits, the newcomer's key package */
	size_t relay;	 /* all append requests of the enrolment, from the invitation on */
	double found_ms, join_ms, follow_ms;
	size_t memory, memory_peak; /* of the newcomer: when it has settled, at most */
};

/* What is heard of one enrolment. */
struct hearing {
	struct result *result;
	uint8_t heard[WIRE_RECORD_LEN_1]; /* the beginning of the newest commit */
};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * WORLD_SECOND + (uint64_t)now.tv_nsec;
}

static struct talk *talk_of(struct world *world, uint32_t number)
{
	return world_phone(world, number)->talk;
}

/* The MLSMessage in these records. */
static size_t message_len(const struct talk *talk, const struct talk_group *group)
{
	size_t len = 0;

	for (size_t i = 0; i < group->pending.count; i++) {
		struct talk_blob content = {0};
		struct talk_part part;
		enum sotto_err err =
			talk_record_open(talk, &group->drops[0],
					 talk_blob_bytes(&group->pending.items[i]), &content);

		ASSERT(err == SOTTO_OK);
		if (group->pending.count == 1)
			len = content.len;
		else if (wire_decode(&talk_part_type, talk_blob_bytes(&content), &part) == SOTTO_OK)
			len += i == 0 ? 0 : part.bytes.len;
		talk_blob_clear(talk, &content);
	}
	return len;
}

static void commit_heard(struct hearing *hearing, const struct talk *talk)
{
	const struct talk_group *everyone = talk->everyone;

	if (everyone == NULL || everyone->pending.count == 0 ||
	    memcmp(hearing->heard, everyone->pending.items[0].data, sizeof(hearing->heard)) == 0)
		return;
	memcpy(hearing->heard, everyone->pending.items[0].data, sizeof(hearing->heard));
	if (everyone->welcome.len > 0) {
		hearing->result->add_commit = message_len(talk, everyone);
		hearing->result->welcome = everyone->welcome.len;
	} else {
		hearing->result->update_commit = message_len(talk, everyone);
	}
}

static void request_sent(void *context, const struct talk *talk, struct bytes request)
{
	struct hearing *hearing = context;
	struct result *result = hearing->result;
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct wire_append append;
	struct wire_cursor cursor;
	struct wire_record record;
	size_t *sum = &result->everyone;
	enum sotto_err err;

	if (wire_identify(WIRE_FAMILY_RELAY, request) != &wire_append_type)
		return;
	commit_heard(hearing, talk);
	err = wire_decode(&wire_append_type, request, &append);
	ASSERT(err == SOTTO_OK);
	wire_append_token_hash(append.append_token, append_hash);
	wire_drop_name(append.flags, append_hash, append.read_token_hash, name);
	if ((append.flags & WIRE_DROP_INBOX) != 0)
		sum = &result->parcel;
	else if ((append.flags & WIRE_DROP_FILE) != 0)
		sum = &result->file;
	else if (memcmp(talk->porch.name, name, WIRE_HASH_LEN) == 0)
		sum = &result->petition;
	cursor = wire_list_walk(&append.records);
	while (wire_record_next(&cursor, &record))
		*sum += record.sealed.len;
	result->relay += request.len;
}

static void least(double *value, uint64_t ns)
{
	double ms = (double)ns / 1e6;

	if (*value == 0 || ms < *value)
		*value = ms;
}

/* All are in the same epoch of this many, and nothing is due. */
static void check_settled(struct world *world, uint32_t devices)
{
	for (uint32_t i = 0; i < devices; i++) {
		const struct talk_group *everyone = talk_of(world, i)->everyone;

		ASSERT(everyone != NULL && mls_group_member_count(everyone->mls) == devices);
		ASSERT(!everyone->update_due && everyone->pending.count == 0);
		ASSERT(everyone->drops[0].epoch == talk_of(world, 0)->everyone->drops[0].epoch);
	}
}

static void enrol_measure(struct world *world, struct result *result)
{
	uint32_t last = result->devices - 1;
	struct hearing hearing = {.result = result};
	struct world_phone *newcomer = world_phone(world, last);
	uint64_t follow_ns = world_phone(world, 1)->spent_ns;
	uint64_t length;

	/* Not what was added up in the world before. */
	result->petition = result->parcel = result->file = result->everyone = 0;
	result->relay = 0;
	world_listen(world, request_sent, &hearing);
	world_invite(world, last);
	newcomer->spent_ns = 0;
	newcomer->memory_peak = newcomer->memory;
	world_join(world, last);
	world_run(world, SETTLE_S);
	check_settled(world, result->devices);
	least(&result->join_ms, newcomer->spent_ns);
	least(&result->follow_ms, world_phone(world, 1)->spent_ns - follow_ns);
	result->memory = newcomer->memory;
	result->memory_peak = newcomer->memory_peak;
	result->key_package =
		talk_package_of(newcomer->talk, newcomer->talk->identity.public_key)->message.len;
	length = ledger_length(talk_ledger(newcomer->talk));
	result->entries = ledger_entry_bytes(talk_ledger(newcomer->talk), length - 2).len +
			  ledger_entry_bytes(talk_ledger(newcomer->talk), length - 1).len;
}

static void world_measure(struct result *result, uint64_t seed)
{
	struct world *world = world_create_as(&(struct world_plan){
		.seed = seed, .phones = result->devices, .suite = result->suite, .clock = cpu_ns});

	world_phone(world, 0)->spent_ns = 0;
	world_found(world);
	least(&result->found_ms, world_phone(world, 0)->spent_ns);
	for (uint32_t i = 1; i < result->devices - 1; i++) {
		world_invite(world, i);
		world_join(world, i);
		world_run(world, 5);
	}
	world_run(world, SETTLE_S);
	check_settled(world, result->devices - 1);
	enrol_measure(world, result);
	world_destroy(world);
}

static void print(const struct result *result)
{
	printf("0x%04x %7u  %7zu %7zu %7zu %7zu %7zu %7zu %7zu %8zu %8zu %8zu %7.2f %7.2f %7.2f "
	       "%7zu "
	       "%7zu\n",
	       result->suite, result->devices, result->key_package, result->welcome,
	       result->add_commit, result->update_commit, result->entries, result->petition,
	       result->everyone, result->parcel, result->file, result->relay, result->found_ms,
	       result->join_ms, result->follow_ms, result->memory / 1024,
	       result->memory_peak / 1024);
	(void)fflush(stdout);
}

static void write(FILE *json, const struct result *result, bool first)
{
	(void)fprintf(
		json,
		"%s\n{\"suite\": %u, \"devices\": %u, \"key_package_bytes\": %zu, "
		"\"welcome_bytes\": "
		"%zu, \"add_commit_bytes\": %zu, \"update_commit_bytes\": %zu, "
		"\"ledger_entries_bytes\": %zu, \"petition_bytes\": %zu, \"everyone_bytes\": %zu, "
		"\"parcel_bytes\": %zu, \"file_bytes\": %zu, \"relay_bytes\": %zu, \"found_ms\": "
		"%.3f, \"join_ms\": "
		"%.3f, "
		"\"follow_ms\": %.3f, \"memory_bytes\": %zu, \"memory_peak_bytes\": %zu}",
		first ? "" : ",", result->suite, result->devices, result->key_package,
		result->welcome, result->add_commit, result->update_commit, result->entries,
		result->petition, result->everyone, result->parcel, result->file, result->relay,
		result->found_ms, result->join_ms, result->follow_ms, result->memory,
		result->memory_peak);
}

int main(int argc, char **argv)
{
	FILE *json = NULL;
	bool first = true;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		(void)fputs("usage: bench_talk [FILE]\n", stderr);
		return 2;
	}
	if (crypto_init() != SOTTO_OK)
		return 1;
	if (argc == 2)
		json = bench_json_open(argv[1]);
	printf("%-6s %7s  %7s %7s %7s %7s %7s %7s %7s %8s %8s %8s %7s %7s %7s %7s %7s\n", "suite",
	       "devices", "package", "welcome", "add", "update", "entries", "petit.", "everyon",
	       "parcel", "file", "relay", "found", "join", "follow", "kB", "peak kB");
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
			struct result result = {.suite = suites[i], .devices = sizes[s].devices};

			for (unsigned run = 0; run < sizes[s].worlds; run++)
				world_measure(&result, 1 + run);
			print(&result);
			if (json != NULL)
				write(json, &result, first);
			first = false;
		}
	}
	if (json != NULL) {
		(void)fputs("\n]}\n", json);
		if (fclose(json) != 0) {
			perror(argv[1]);
			return 1;
		}
		printf("%s\n", argv[1]);
	}
	return 0;
}
