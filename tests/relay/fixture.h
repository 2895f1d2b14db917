/* SPDX-License-Identifier: Apache-2.0 */
/* Drops, records and keys for the relay's tests, all made from small numbers. */
#ifndef TESTS_RELAY_FIXTURE_H
#define TESTS_RELAY_FIXTURE_H

#include "relay/store.h"

#define FIXTURE_UTC_MS UINT64_C(1800000000000)

/* A counter: every call gives other bytes. */
extern const struct random_source fixture_random;

/* A drop that both ends know: its two tokens, their hashes, its name. */
struct fixture_drop {
	uint8_t append_token[WIRE_TOKEN_LEN];
	uint8_t read_token[WIRE_TOKEN_LEN];
	uint8_t append_token_hash[WIRE_HASH_LEN];
	uint8_t read_token_hash[WIRE_HASH_LEN];
	uint8_t name[WIRE_HASH_LEN];
	uint8_t flags;
};

void fixture_drop(uint32_t number, uint8_t flags, struct fixture_drop *drop);

/* The record of a number: its first four bytes say which. Static memory until the next call of len. */
struct wire_record fixture_record(uint32_t number, size_t len);
uint32_t fixture_record_number(struct bytes record);

/* A store in memory with the relay key of seed 0x42. */
void fixture_config(struct relay_store_config *config);

/* Appends one record of 1 KiB and does not commit. */
enum sotto_err fixture_append(struct relay_store *store, const struct fixture_drop *drop,
			      uint32_t number, struct relay_appended *appended);

#endif
