/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay of a simulated network: relay_front, relay_desk and relay_store as they are released, the store on a
 * simulated disk, and between them the messages that the two processes of sottod send each other.
 *
 *   sim_switch -> relay_front -> queue -> relay_desk -> relay_store -> SQLite -> sim_disk
 *
 * It can be killed, lose its power before any operation of the disk, lose all records, and lie.
 */
#ifndef SIM_RELAY_H
#define SIM_RELAY_H

#include "relay/access.h"
#include "sim/disk.h"
#include "sim/line.h"

struct sim_relay;

/* What a relay does that lies. Victims are a mask of phones' numbers, modulo 64. */
enum sim_lie {
	SIM_LIE_NONE = 0,
	SIM_LIE_CORRUPT,  /* flips bits in some of what it answers */
	SIM_LIE_REPLAY,	  /* answers some reads with what it answered before */
	SIM_LIE_FREEZE,	  /* shows victims *everyone* as it was */
	SIM_LIE_FORK,	  /* serves victims from a copy of its store, which goes on by itself */
	SIM_LIE_DROP,	  /* says of some records that it has them, and has not */
	SIM_LIE_LATE,	  /* of some it has them some time later only, behind others */
	SIM_LIE_WITHHOLD, /* serves victims from a copy of its store that lacks some records */
	SIM_LIE_TWICE,	  /* some records stand in their drop once more, some time later */
	SIM_LIE_SET_BACK, /* goes on from a copy of its store as it was when this began */
};

struct sim_relay_counts {
	uint64_t starts, stops; /* ended by its disk */
	uint64_t asks, lies;
};

/* Off; hub, clock and random are borrowed, random for its seed only. retention_ms: of records. */
struct sim_relay *sim_relay_create(struct sim_clock *clock, struct sim_switch *hub,
				   const struct sim_random *random, uint64_t retention_ms);
void sim_relay_destroy(struct sim_relay *relay);

/* False: it does not start, because its disk stopped again. */
bool sim_relay_start(struct sim_relay *relay);
/* Without a word. power: what was not synced is kept, dropped or torn. */
void sim_relay_stop(struct sim_relay *relay, bool power);
bool sim_relay_running(const struct sim_relay *relay);

/* It is off: all records are gone, with the names of the drops; what it knows of its network stays. */
void sim_relay_lose(struct sim_relay *relay);

struct sim_disk *sim_relay_disk(struct sim_relay *relay);
const uint8_t *sim_relay_key(const struct sim_relay *relay);
const uint8_t *sim_relay_claim(const struct sim_relay *relay);
struct sim_relay_counts sim_relay_counts(const struct sim_relay *relay);

/* From now on, until NONE; ppm of what is answered, for those lies that are about some of it. */
void sim_relay_lie(struct sim_relay *relay, enum sim_lie lie, uint32_t ppm, uint64_t victims);

/* It is off, and this was its lie: it has what it had when that began, with the names of the drops. */
void sim_relay_set_back(struct sim_relay *relay);

/* Records and drops, as the store counts them; zeros while it is off. */
void sim_relay_size(const struct sim_relay *relay, uint64_t *drops, uint64_t *records,
		    uint64_t *bytes);

#endif
