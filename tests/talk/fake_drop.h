/* SPDX-License-Identifier: Apache-2.0 */
/* A drop of the relay in memory (fake_relay.c), and its records. */
#ifndef TESTS_TALK_FAKE_DROP_H
#define TESTS_TALK_FAKE_DROP_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/wire.h"

#define FAKE_RECORDS_MAX 2048

struct fake_stored {
	uint8_t *data;
	size_t len;
	uint64_t at_ms;
	uint8_t running[WIRE_HASH_LEN];
};

struct fake_drop {
	uint8_t name[WIRE_HASH_LEN];
	uint8_t incarnation[WIRE_INCARNATION_LEN];
	uint8_t start[WIRE_HASH_LEN];
	struct fake_stored records[FAKE_RECORDS_MAX];
	size_t count;
	size_t trimmed;
};

/* incarnation: another one for each. */
struct fake_drop *fake_drop_create(const uint8_t *name, uint32_t incarnation);
struct fake_drop *fake_drop_copy(const struct fake_drop *drop);
void fake_drop_destroy(struct fake_drop *drop);

void fake_drop_put(struct fake_drop *drop, struct bytes sealed, uint64_t now_ms);
/* What stood there for as long as the retention time is trimmed. */
void fake_drop_expire(struct fake_drop *drop, uint64_t now_ms);
/* The running hash up to a record. */
const uint8_t *fake_drop_running(const struct fake_drop *drop, uint64_t sequence);

#endif
