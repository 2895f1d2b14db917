/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that came and are not played yet, by number. */
#ifndef VOICE_STORE_H
#define VOICE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "voice/format.h"

/* A power of two: 2.5 s. More would be played so late that nobody wants it. */
#define VOICE_STORE_PACKETS 128

struct voice_stored {
	bool present;
	uint64_t number; /* of the last packet here, also when it is no longer present */
	uint64_t arrival_ns;
	uint8_t opus[VOICE_OPUS_LEN];
};

struct voice_store {
	struct voice_stored slots[VOICE_STORE_PACKETS];
	unsigned count; /* of present slots */
};

/* Was this number put before? Forgotten once the number VOICE_STORE_PACKETS behind it came. */
bool voice_store_came(const struct voice_store *store, uint64_t number);

/*
 * Keeps a copy. Numbers that are VOICE_STORE_PACKETS apart take each other's place: the caller
 * drops what is not wanted first. Numbers begin at 1.
 */
void voice_store_put(struct voice_store *store, uint64_t number, const uint8_t *opus,
		     uint64_t arrival_ns);

/* NULL if it is not there. Valid until the next put or drop. */
const struct voice_stored *voice_store_find(const struct voice_store *store, uint64_t number);

void voice_store_drop(struct voice_store *store, uint64_t number);

#endif
