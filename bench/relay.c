/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable appends a second of the relay's store on this machine's disk, by how many share a commit, over
 * 20,000 drops; and signed reads. In a directory that is made for it and removed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "os/vfs.h"
#include "relay/limits.h"
#include "relay/store.h"

#define DROPS  20000
#define RUN_NS UINT64_C(1500000000)

static uint64_t random_state = 88172645463325252u;

/* xorshift64: which drop comes next. */
static uint32_t next_drop(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state % DROPS);
}

static void append_one(struct relay_store *store, uint64_t number)
{
	static uint8_t body[WIRE_RECORD_LEN_1];
	struct wire_record record = {.sealed = BYTES_OF(body)};
	struct wire_append append = {.records = {.items = &record, .count = 1}};
	struct relay_appended appended;
	uint32_t drop = next_drop();
	enum sotto_err err;

	memcpy(body, &number, sizeof(number));
	memcpy(append.append_token, &drop, sizeof(drop));
	memcpy(append.read_token_hash, &drop, sizeof(drop));
	err = relay_store_append(store, &append, RELAY_DROP_BYTES_MAX, os_clock_utc_ms(),
				 &appended);
	ASSERT(err == SOTTO_OK);
}

static void measure_appends(struct relay_store *store, unsigned int batch)
{
	static uint64_t number;
	uint64_t start_ns = os_clock_now_ns();
	uint64_t worst_ns = 0;
	uint64_t count = 0;
	uint64_t now_ns;

	do {
		uint64_t before_ns = os_clock_now_ns();

		for (unsigned int i = 0; i < batch; i++)
			append_one(store, ++number);
		ASSERT(relay_store_commit(store) == SOTTO_OK);
		now_ns = os_clock_now_ns();
		worst_ns = now_ns - before_ns > worst_ns ? now_ns - before_ns : worst_ns;
		count += batch;
	} while (now_ns - start_ns < RUN_NS);
	(void)printf("appends, %3u a commit: %8.0f /s, worst round %.1f ms\n", batch,
		     (double)count * 1e9 / (double)(now_ns - start_ns), (double)worst_ns / 1e6);
}

static void measure_reads(struct relay_store *store)
{
	uint64_t start_ns = os_clock_now_ns();
	uint64_t count = 0;
	uint64_t now_ns;

	do {
		uint8_t token[WIRE_TOKEN_LEN] = {0};
		uint8_t token_hash[WIRE_HASH_LEN];
		uint8_t read_hash[WIRE_HASH_LEN] = {0};
		uint8_t name[WIRE_HASH_LEN];
		uint32_t drop = next_drop();
		struct wire_batch read;

		memcpy(token, &drop, sizeof(drop));
		memcpy(read_hash, &drop, sizeof(drop));
		wire_append_token_hash(token, token_hash);
		wire_drop_name(0, token_hash, read_hash, name);
		if (relay_store_read(store, name, 1, 0, &read) == SOTTO_OK)
			count++;
		now_ns = os_clock_now_ns();
	} while (now_ns - start_ns < RUN_NS);
	(void)printf("signed reads of a drop: %8.0f /s\n",
		     (double)count * 1e9 / (double)(now_ns - start_ns));
}

int main(void)
{
	static const unsigned int batches[] = {1, 32, 256};
	static const uint8_t seed[RELAY_SEED_LEN] = {1};
	char path[] = "/tmp/sotto-bench-XXXXXX";
	struct relay_store_config config = {
		.name = "relay.db",
		.vfs = OS_VFS_NAME,
		.disk_max = RELAY_DISK_MAX,
		.drops_max = RELAY_DROPS_MAX,
		.retention_ms = RELAY_RETENTION_MS,
		.random = &os_random,
		.relay_seed = seed,
	};
	struct os_directory *directory = NULL;
	struct relay_store *store = NULL;
	bool registered = false;
	enum sotto_err err;

	if (mkdtemp(path) == NULL)
		return 1;
	TRY(os_directory_open(path, false, &directory));
	TRY(os_vfs_register(directory));
	registered = true;
	TRY(relay_store_create(&config, &store));
	for (size_t i = 0; i < ARRAY_LEN(batches); i++)
		measure_appends(store, batches[i]);
	measure_reads(store);
out:
	relay_store_destroy(store);
	if (registered)
		os_vfs_unregister();
	if (directory != NULL && os_file_exists(directory, "relay.db") &&
	    os_file_remove(directory, "relay.db") != SOTTO_OK)
		(void)fprintf(stderr, "%s/relay.db is left behind\n", path);
	os_directory_close(directory);
	(void)remove(path);
	if (err != SOTTO_OK)
		(void)fprintf(stderr, "bench: %s\n", sotto_err_text(err));
	return err == SOTTO_OK ? 0 : 1;
}
