/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/talk/fake_drop.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "talk/state.h"

struct fake_drop *fake_drop_create(const uint8_t *name, uint32_t incarnation)
{
	struct fake_drop *drop = calloc(1, sizeof(*drop));

	ASSERT(drop != NULL);
	memcpy(drop->name, name, WIRE_HASH_LEN);
	memcpy(drop->incarnation, &incarnation, sizeof(incarnation));
	wire_running_start(drop->name, drop->incarnation, drop->start);
	return drop;
}

struct fake_drop *fake_drop_copy(const struct fake_drop *drop)
{
	struct fake_drop *copy = malloc(sizeof(*copy));

	ASSERT(copy != NULL);
	*copy = *drop;
	for (size_t i = 0; i < copy->count; i++) {
		copy->records[i].data = malloc(copy->records[i].len);
		ASSERT(copy->records[i].data != NULL);
		memcpy(copy->records[i].data, drop->records[i].data, copy->records[i].len);
	}
	return copy;
}

void fake_drop_destroy(struct fake_drop *drop)
{
	for (size_t i = 0; i < drop->count; i++)
		free(drop->records[i].data);
	free(drop);
}

const uint8_t *fake_drop_running(const struct fake_drop *drop, uint64_t sequence)
{
	return sequence == 0 ? drop->start : drop->records[sequence - 1].running;
}

void fake_drop_put(struct fake_drop *drop, struct bytes sealed, uint64_t now_ms)
{
	struct fake_stored *stored = &drop->records[drop->count];

	ASSERT(drop->count < FAKE_RECORDS_MAX);
	stored->data = malloc(sealed.len);
	ASSERT(stored->data != NULL);
	memcpy(stored->data, sealed.data, sealed.len);
	stored->len = sealed.len;
	stored->at_ms = now_ms;
	memcpy(stored->running, fake_drop_running(drop, drop->count), WIRE_HASH_LEN);
	wire_running_next(stored->running, sealed);
	drop->count++;
}

void fake_drop_expire(struct fake_drop *drop, uint64_t now_ms)
{
	while (drop->trimmed < drop->count &&
	       drop->records[drop->trimmed].at_ms + TALK_RETENTION_MS <= now_ms)
		drop->trimmed++;
}
