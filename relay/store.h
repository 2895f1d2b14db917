/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's records, in SQLite through a VFS that the caller names.
 *
 *   append, append, trim ... -> commit -> answers may go out -> read
 *
 * Appends and trims of a round share one transaction; what they answer is true only after
 * relay_store_commit gave OK. Reading asserts that nothing is uncommitted, so no reader ever sees, and
 * the relay never signs, what a power loss could take back.
 *
 * The schema is a log (rowid order is the order of arrival, so appending and expiring touch neighbouring
 * pages) with two small integer indexes; store.c has it.
 */
#ifndef RELAY_STORE_H
#define RELAY_STORE_H

#include <stdbool.h>

#include "base/random.h"
#include "wire/drop.h"

struct relay_store;

#define RELAY_SEED_LEN 32

struct relay_store_config {
	const char *name; /* of the database in the VFS; NULL: in memory, gone with the process */
	const char *vfs;  /* NULL: SQLite's own */
	uint64_t disk_max;
	uint64_t drops_max;
	uint64_t retention_ms;
	const struct random_source *random; /* borrowed, for incarnations */
	const uint8_t *
		relay_seed; /* the relay's Ed25519 key, RELAY_SEED_LEN; borrowed, so that it lies in one place */
};

/* CORRUPT: not a database of ours. VERSION: of another sottod. IO, DISK_FULL, NO_MEMORY. */
MUST_USE enum sotto_err relay_store_create(const struct relay_store_config *config,
					   struct relay_store **store);

/* What was not committed is gone. NULL is fine. */
void relay_store_destroy(struct relay_store *store);

struct relay_appended {
	uint8_t incarnation[WIRE_INCARNATION_LEN];
	uint64_t sequences[WIRE_RECORDS_MAX];
	size_t count;
	uint64_t end_sequence;
	uint8_t running_hash[WIRE_HASH_LEN];
	uint8_t drop[WIRE_HASH_LEN];
	bool grew; /* at least one record is new */
};

/*
 * All records of the request or none. bytes_max: of this drop. INVALID: no record, or unknown flags.
 * LIMIT: bytes_max or the number of drops. DISK_FULL. Anything else: the disk failed.
 */
MUST_USE enum sotto_err relay_store_append(struct relay_store *store,
					   const struct wire_append *append, uint64_t bytes_max,
					   uint64_t utc_ms, struct relay_appended *appended);

/*
 * Erases an inbox's records up to a sequence. INVALID: not an inbox, or beyond its end. NOT_FOUND: no
 * such drop or incarnation.
 */
MUST_USE enum sotto_err relay_store_trim(struct relay_store *store, const struct wire_trim *trim);

/* Durable when OK. Otherwise nothing since the last commit has happened. */
MUST_USE enum sotto_err relay_store_commit(struct relay_store *store);

/* Is anything uncommitted? */
bool relay_store_dirty(const struct relay_store *store);

/*
 * One signed batch from a sequence on, at most bytes_max of records but at least one if there is one.
 * The records borrow from the store until its next call. NOT_FOUND: no such drop.
 */
MUST_USE enum sotto_err relay_store_read(struct relay_store *store,
					 const uint8_t drop[WIRE_HASH_LEN], uint64_t from_sequence,
					 size_t bytes_max, struct wire_batch *batch);

/* One step of expiry, committed. *more: call again soon. STATE: something is uncommitted. */
MUST_USE enum sotto_err relay_store_sweep(struct relay_store *store, uint64_t utc_ms, bool *more);

struct relay_store_counts {
	uint64_t drops;
	uint64_t records;
	uint64_t bytes;	    /* of records */
	uint64_t expired;   /* records, since start */
	uint64_t oldest_ms; /* utc of the oldest record; 0: none */
};

void relay_store_count(const struct relay_store *store, struct relay_store_counts *counts);

/* Signs with the relay's key; signature has WIRE_SIGNATURE_LEN bytes. */
MUST_USE enum sotto_err relay_store_sign(const struct relay_store *store, struct bytes content,
					 uint8_t *signature);

/* The public half, WIRE_KEY_LEN bytes. */
void relay_store_key(const struct relay_store *store, uint8_t *key);

#endif
