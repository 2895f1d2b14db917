/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MLS costs by suite and number of members: a table here, and build/bench/mls.json. CPU time, the
 * least of several runs; allocations as the library asked for them, the most of these runs; docs/mls.md
 * says what each operation is.
 *
 *    bench_mls [--max MEMBERS] [--suite NUMBER] [FILE]
 */
#include "bench/mls_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "bench/json.h"
#include "bench/mls_child.h"
#include "bench/mls_floor.h"
#include "crypto/init.h"

#define MESSAGE_LEN   200
#define BATCH	      10 /* messages: a run of them, as one is too short for the clock */
#define RUNS_MIN      3
#define RUNS_MAX      400
#define RUNS_BUDGET_S 0.25 /* of one operation, once it has run RUNS_MIN times */

static const uint16_t suites[] = {1, 0xf002};
static const uint32_t sizes[] = {2, 10, 100, 1000, 10000};

/* At least so much, by signatures and keys alone. */
struct floor_line {
	uint16_t suite;
	uint32_t n;
	const char *op;
	double ms;
};

struct bench {
	struct world world;
	FILE *json;
	size_t results;
	struct floor_line floors[2 * ARRAY_LEN(suites) * ARRAY_LEN(sizes)];
	size_t floor_count;
	double verify_ms; /* of one Ed25519 signature, in this run */
	/* Of the operation that is being measured: */
	double start;
	size_t allocations_start;
	unsigned runs;
	double spent;
	double least;
	size_t allocations;
};

/* ---- Runs ---- */

static void runs_begin(struct bench *bench)
{
	bench->runs = 0;
	bench->spent = 0;
	bench->least = 1e9;
	bench->allocations = 0;
}

static bool runs_more(const struct bench *bench)
{
	return bench->runs < RUNS_MIN || (bench->spent < RUNS_BUDGET_S && bench->runs < RUNS_MAX);
}

static void run_begin(struct bench *bench)
{
	bench->allocations_start = bench->world.counter.allocations;
	bench->start = cpu_s();
}

static void run_end(struct bench *bench)
{
	double took = cpu_s() - bench->start;
	size_t allocations = bench->world.counter.allocations - bench->allocations_start;

	bench->runs++;
	bench->spent += took;
	bench->least = took < bench->least ? took : bench->least;
	bench->allocations = allocations > bench->allocations ? allocations : bench->allocations;
}

static void result(struct bench *bench, const char *op, double ms, size_t bytes, size_t allocations,
		   double rss_mb)
{
	progress(NULL);
	printf("0x%04x %6u  %-22s %11.4f %10.1f %10zu %8zu %8.1f\n", bench->world.suite,
	       bench->world.n, op, ms, ms / bench->verify_ms, bytes, allocations, rss_mb);
	(void)fflush(stdout);
	if (bench->json == NULL)
		return;
	(void)fprintf(bench->json,
		      "%s\n{\"suite\": %u, \"n\": %u, \"op\": \"%s\", \"cpu_ms\": %.4f, "
		      "\"bytes\": %zu, \"allocations\": %zu, \"rss_mb\": %.1f}",
		      bench->results++ == 0 ? "" : ",", bench->world.suite, bench->world.n, op, ms,
		      bytes, allocations, rss_mb);
}

/* What is printed as a result is, but none of ours: in the file it stands apart. */
static void floor_result(struct bench *bench, const char *op, double ms)
{
	struct floor_line *line = &bench->floors[bench->floor_count++];

	ASSERT(bench->floor_count <= ARRAY_LEN(bench->floors));
	*line = (struct floor_line){bench->world.suite, bench->world.n, op, ms};
	printf("0x%04x %6u  at least for %-9s %11.4f %10.1f\n", line->suite, line->n, op, ms,
	       ms / bench->verify_ms);
	(void)fflush(stdout);
}

/* The result of the runs; resident memory is this process's own, keys of all members and all. */
static void runs_end(struct bench *bench, const char *op, size_t bytes)
{
	result(bench, op, bench->least * 1e3, bytes, bench->allocations, child_memory_mb("VmRSS:"));
}

static void announce(const struct bench *bench, const char *what)
{
	progress("suite 0x%04x, %u members: %s", bench->world.suite, bench->world.n, what);
}

/* ---- Operations ---- */

static void bench_key_package(struct bench *bench)
{
	struct member *member = &bench->world.members[ACTOR];
	struct mls_buffer package = {0};
	size_t len = 0;

	for (runs_begin(bench); runs_more(bench); run_end(bench)) {
		mls_buffer_release(&package);
		run_begin(bench);
		world_key_package(&bench->world, member, &package);
		len = package.len;
	}
	mls_buffer_release(&package);
	runs_end(bench, "key_package", len);
}

static void bench_create(struct bench *bench)
{
	struct world *world = &bench->world;

	announce(bench, "creating");
	for (runs_begin(bench); runs_more(bench); run_end(bench)) {
		mls_group_destroy(world->actor);
		mls_buffer_release(&world->commit);
		mls_buffer_release(&world->welcome);
		run_begin(bench);
		world->actor = world_create(world, &world->commit, &world->welcome);
	}
	runs_end(bench, "create", world->commit.len + world->welcome.len);
}

static void bench_join(struct bench *bench)
{
	struct world *world = &bench->world;

	announce(bench, "joining");
	for (runs_begin(bench); runs_more(bench); run_end(bench)) {
		mls_group_destroy(world->follower);
		run_begin(bench);
		world->follower = world_join(world);
	}
	runs_end(bench, "join", world->welcome.len);
}

/* Beside create and join: what these cost at least. */
static void bench_floor(struct bench *bench)
{
	struct floor_costs costs;

	announce(bench, "signatures and keys alone");
	floor_measure(&bench->world, &costs);
	progress(NULL);
	floor_result(bench, "create", floor_create_ms(&costs, bench->world.n));
	floor_result(bench, "join", floor_join_ms(&costs, bench->world.n));
}

static void bench_memory(struct bench *bench)
{
	struct world *world = &bench->world;
	struct child_report report;

	announce(bench, "a member's memory");
	if (!child_run(&world->members[FOLLOWER], mls_buffer_bytes(&world->welcome), &report))
		must(SOTTO_ERR_IO, "child");
	result(bench, "member_memory", report.cpu_ms, world->welcome.len, report.allocations,
	       report.peak_mb);
}

/*
 * A commit of the actor, of which it sends the first, so that it is in the first generation of its
 * ratchet; then it makes the same again and again, and drops it. The follower receives the one that was
 * sent again and again, and merges once: "process" is the quickest receive and that merge.
 */
static void bench_commit(struct bench *bench, const struct mls_commit_options *options,
			 const char *create_op, const char *process_op)
{
	struct world *world = &bench->world;
	struct mls_buffer commit = {0}, again = {0}, welcome = {0};
	struct mls_staged *staged = NULL;
	struct mls_staged *sent;
	double merged;

	announce(bench, create_op);
	must(mls_group_commit(world->actor, options, &commit, &welcome), create_op);
	sent = world->actor->pending;
	world->actor->pending = NULL;
	for (runs_begin(bench); runs_more(bench); run_end(bench)) {
		mls_group_drop_pending(world->actor);
		mls_buffer_release(&again);
		run_begin(bench);
		must(mls_group_commit(world->actor, options, &again, &welcome), create_op);
	}
	runs_end(bench, create_op, again.len);
	mls_group_drop_pending(world->actor);
	world->actor->pending = sent;
	must(mls_group_apply_pending(world->actor), "apply");

	for (runs_begin(bench); runs_more(bench); run_end(bench)) {
		mls_staged_destroy(staged);
		run_begin(bench);
		must(mls_group_receive(world->follower, mls_buffer_bytes(&commit), &staged),
		     process_op);
	}
	bench->allocations_start = world->counter.allocations;
	merged = cpu_s();
	must(mls_group_merge(world->follower, &staged), "merge");
	bench->least += cpu_s() - merged;
	bench->allocations += world->counter.allocations - bench->allocations_start;
	runs_end(bench, process_op, commit.len);
	mls_buffer_release(&commit);
	mls_buffer_release(&again);
	mls_buffer_release(&welcome);
}

/* One of a batch: the runs were of BATCH operations each. */
static void batches_end(struct bench *bench, const char *op, size_t bytes)
{
	bench->least /= BATCH;
	bench->allocations = (bench->allocations + BATCH - 1) / BATCH;
	runs_end(bench, op, bytes);
}

static void bench_messages(struct bench *bench)
{
	struct world *world = &bench->world;
	size_t capacity = mls_group_protect_len(world->actor, 0, MESSAGE_LEN, 0);
	static uint8_t plaintext[MESSAGE_LEN] = {1};
	uint8_t *messages = malloc(RUNS_MAX * BATCH * capacity);
	uint8_t *opened = malloc(capacity);
	struct mls_application application;
	uint8_t *at = messages;
	unsigned count;
	size_t len = 0;

	if (messages == NULL || opened == NULL)
		must(SOTTO_ERR_NO_MEMORY, "messages");
	for (runs_begin(bench); runs_more(bench); run_end(bench)) {
		run_begin(bench);
		for (unsigned i = 0; i < BATCH; i++, at += capacity)
			must(mls_group_protect(world->actor, BYTES_NONE, BYTES_OF(plaintext), 0, at,
					       capacity, &len),
			     "protect");
		ASSERT(len == capacity);
	}
	count = bench->runs;
	batches_end(bench, "protect", len);
	at = messages;
	for (runs_begin(bench); bench->runs < count; run_end(bench)) {
		run_begin(bench);
		for (unsigned i = 0; i < BATCH; i++, at += capacity)
			must(mls_group_unprotect(world->follower, BYTES(at, len), opened, capacity,
						 &application),
			     "unprotect");
	}
	ASSERT(bytes_equal(application.plaintext, BYTES_OF(plaintext)));
	batches_end(bench, "unprotect", len);
	free(messages);
	free(opened);
}

static void bench_world(struct bench *bench, uint16_t suite, uint32_t n)
{
	static const struct mls_commit_options update = {.path = true};
	uint32_t last = n - 1;
	struct mls_commit_options remove = {.remove = &last, .remove_count = 1};
	struct world *world = &bench->world;

	world_init(world, suite, n);
	bench_key_package(bench);
	bench_create(bench);
	bench_join(bench);
	bench_floor(bench);
	bench_memory(bench);
	bench_commit(bench, &update, "update_create_blank", "update_process_blank");
	bench_messages(bench);
	world_fill(world);
	bench_commit(bench, &update, "update_create_filled", "update_process_filled");
	/* Of two, the follower is the one removed, and only sees the commit through. */
	bench_commit(bench, &remove, "remove_create_filled", "remove_process_filled");
	world_finish(world);
}

/* ---- The whole ---- */

static void run_suites(struct bench *bench, uint32_t max, unsigned long only)
{
	for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
		if (only != 0 && only != suites[s])
			continue;
		if (!mls_suite_supported(suites[s])) {
			printf("0x%04x: this library does not have the suite; not measured\n",
			       suites[s]);
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(sizes) && sizes[i] <= max; i++)
			bench_world(bench, suites[s], sizes[i]);
	}
}

static int usage(void)
{
	(void)fputs("usage: bench_mls [--max MEMBERS] [--suite NUMBER] [FILE]\n", stderr);
	return 2;
}

static void put_floors(const struct bench *bench)
{
	(void)fputs("\n],\n\"floors\": [", bench->json);
	for (size_t i = 0; i < bench->floor_count; i++) {
		const struct floor_line *line = &bench->floors[i];

		(void)fprintf(bench->json,
			      "%s\n{\"suite\": %u, \"n\": %u, \"op\": \"%s\", \"cpu_ms\": %.4f}",
			      i == 0 ? "" : ",", line->suite, line->n, line->op, line->ms);
	}
	(void)fputs("\n]}\n", bench->json);
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	const char *path = NULL;
	unsigned long suite = 0;
	unsigned long max = UINT32_MAX;

	must(crypto_init(), "libsodium");
	if (argc == 2 && strcmp(argv[1], CHILD_ARGUMENT) == 0)
		return child_main();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--max") == 0 && i + 1 < argc)
			max = strtoul(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--suite") == 0 && i + 1 < argc)
			suite = strtoul(argv[++i], NULL, 0);
		else if (argv[i][0] != '-')
			path = argv[i];
		else
			return usage();
	}
	if (path != NULL)
		bench.json = bench_json_open(path);
	/* The unit in which the table counts too: what else the machine does hits both alike. */
	bench.verify_ms = floor_verify_ms(MESSAGE_LEN);
	printf("one Ed25519 signature is verified in %.4f ms\n", bench.verify_ms);
	printf("%-6s %6s  %-22s %11s %10s %10s %8s %8s\n", "suite", "n", "op", "cpu_ms", "verifies",
	       "bytes", "allocs", "rss_mb");
	run_suites(&bench, max < UINT32_MAX ? (uint32_t)max : UINT32_MAX, suite);
	if (bench.json != NULL) {
		put_floors(&bench);
		if (fclose(bench.json) != 0) {
			perror(path);
			return 1;
		}
		printf("%s\n", path);
	}
	return 0;
}
