/* SPDX-License-Identifier: Apache-2.0 */
/* Test material for the relay; see fixture.h. */
#include "tests/relay/fixture.h"

#include <string.h>

#include "base/assert.h"
#include "relay/limits.h"

static uint64_t counter;

static enum sotto_err count_up(void *context, uint8_t *out, size_t len)
{
	(void)context;
	counter++;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((counter >> 8 * (i % 8)) + i);
	return SOTTO_OK;
}

const struct random_source fixture_random = {.fill = count_up};

void fixture_drop(uint32_t number, uint8_t flags, struct fixture_drop *drop)
{
	memset(drop, 0, sizeof(*drop));
	memcpy(drop->append_token, &number, sizeof(number));
	memcpy(drop->read_token, &number, sizeof(number));
	drop->flags = flags;
	wire_append_token_hash(drop->append_token, drop->append_token_hash);
	wire_read_token_hash(drop->read_token, drop->read_token_hash);
	wire_drop_name(flags, drop->append_token_hash, drop->read_token_hash, drop->name);
}

struct wire_record fixture_record(uint32_t number, size_t len)
{
	static uint8_t bodies[WIRE_RECORDS_MAX + 2][WIRE_RECORD_LEN_MAX];
	uint8_t *body = bodies[number % ARRAY_LEN(bodies)];

	memcpy(body, &number, sizeof(number));
	return (struct wire_record){.sealed = BYTES(body, len)};
}

uint32_t fixture_record_number(struct bytes record)
{
	uint32_t number = 0;

	ASSERT(record.len >= sizeof(number));
	memcpy(&number, record.data, sizeof(number));
	return number;
}

void fixture_config(struct relay_store_config *config)
{
	static const uint8_t seed[RELAY_SEED_LEN] = {0x42};

	*config = (struct relay_store_config){
		.relay_seed = seed,
		.disk_max = RELAY_MEMORY_MAX,
		.drops_max = RELAY_DROPS_MAX,
		.retention_ms = RELAY_RETENTION_MS,
		.random = &fixture_random,
	};
}

enum sotto_err fixture_append(struct relay_store *store, const struct fixture_drop *drop,
			      uint32_t number, struct relay_appended *appended)
{
	struct wire_record record = fixture_record(number, WIRE_RECORD_LEN_1);
	struct wire_append append = {
		.flags = drop->flags,
		.records = {.items = &record, .count = 1},
	};

	memcpy(append.append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, drop->read_token_hash, WIRE_HASH_LEN);
	return relay_store_append(store, &append, RELAY_DROP_BYTES_MAX, FIXTURE_UTC_MS, appended);
}
