/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers send to a relay's port: noise, scanners' packets, first packets that are nearly right, copies. One
 * table, for the engine under virtual time and for a live sottod.
 */
#ifndef TESTS_LINK_STRANGERS_H
#define TESTS_LINK_STRANGERS_H

#include "base/random.h"
#include "link/link_key.h"
#include "link/link_server.h"

/* What some of them need, so that all but one thing is right. */
struct strangers {
	const struct random_source *random;
	struct link_key key; /* that the relay serves */
	struct link_address relay;
	uint64_t now_ns;
	uint64_t utc_ms;
	/* A phone's first packet, as an onlooker keeps it. */
	uint8_t first[LINK_FULL_LEN];
	size_t first_len;
};

struct stranger {
	const char *name;
	/* Writes a packet of at most LINK_FULL_LEN bytes, another each time; its length. */
	size_t (*make)(const struct strangers *strangers, uint8_t *out);
	enum link_drop drop; /* where most of them end */
};

#define STRANGERS_COUNT 15
extern const struct stranger strangers_table[STRANGERS_COUNT];

/* The packet of the table that is `first` once more, and a control: one that must be answered. */
size_t strangers_make_replay(const struct strangers *strangers, uint8_t *out);
size_t strangers_make_right(const struct strangers *strangers, uint8_t *out);

#endif
