/* SPDX-License-Identifier: Apache-2.0 */
/* A slot for each number modulo the size. */
#include "voice/store.h"

#include <string.h>

bool voice_store_came(const struct voice_store *store, uint64_t number)
{
	return store->slots[number % VOICE_STORE_PACKETS].number == number;
}

void voice_store_put(struct voice_store *store, uint64_t number, const uint8_t *opus,
		     uint64_t arrival_ns)
{
	struct voice_stored *slot = &store->slots[number % VOICE_STORE_PACKETS];

	if (!slot->present)
		store->count++;
	slot->present = true;
	slot->number = number;
	slot->arrival_ns = arrival_ns;
	memcpy(slot->opus, opus, VOICE_OPUS_LEN);
}

const struct voice_stored *voice_store_find(const struct voice_store *store, uint64_t number)
{
	const struct voice_stored *slot = &store->slots[number % VOICE_STORE_PACKETS];

	return slot->present && slot->number == number ? slot : NULL;
}

void voice_store_drop(struct voice_store *store, uint64_t number)
{
	struct voice_stored *slot = &store->slots[number % VOICE_STORE_PACKETS];

	if (!slot->present || slot->number != number)
		return;
	slot->present = false;
	store->count--;
}
