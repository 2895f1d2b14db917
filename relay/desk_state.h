/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the desk: rounds (desk.c) and readers (desk_reader.c). */
#ifndef RELAY_DESK_STATE_H
#define RELAY_DESK_STATE_H

#include "base/list.h"
#include "relay/desk.h"
#include "relay/limits.h"

#define DESK_BUCKETS 4096

/* An append or trim of this round whose answer waits for the commit. */
struct desk_change {
	uint64_t ticket;
	enum sotto_err err;
	bool is_append;
	struct relay_appended appended;
};

/* A read or a watch. Ready: has something to send and may. */
struct desk_reader {
	struct list by_ticket;
	struct list by_drop;
	struct list ready; /* in desk->ready, or in no list */
	uint64_t ticket;
	uint8_t drop[WIRE_HASH_LEN];
	uint8_t incarnation[WIRE_INCARNATION_LEN]; /* of the last batch */
	uint64_t next_sequence;
	uint64_t bytes_left; /* of a read with a limit; UINT64_MAX: none */
	bool watch;
	bool credit;   /* no answer of ours is under way */
	bool answered; /* at least once */
	bool has_incarnation;
};

struct relay_desk {
	struct relay_desk_config config;
	struct desk_change changes[RELAY_ROUND_MAX];
	size_t change_count;
	size_t change_sent; /* answers that have left, when a flush stopped half-way */
	bool committed;	    /* the round is; only answers are left */
	struct list tickets[DESK_BUCKETS];
	struct list drops[DESK_BUCKETS];
	struct list ready;
	size_t reader_count;
	uint64_t appends;
	uint64_t commits;
	uint64_t failures;
};

MUST_USE enum sotto_err desk_reader_add(struct relay_desk *desk, uint64_t ticket,
					const uint8_t drop[WIRE_HASH_LEN], uint64_t from_sequence,
					uint32_t max_bytes, bool watch);
void desk_readers_destroy(struct relay_desk *desk);

/* A drop grew: its watches are ready. */
void desk_readers_wake(struct relay_desk *desk, const uint8_t drop[WIRE_HASH_LEN]);

/* Sends one batch for each ready reader, at most RELAY_ROUND_MAX of them. */
MUST_USE enum sotto_err desk_readers_serve(struct relay_desk *desk);

MUST_USE enum sotto_err desk_answer_done(struct relay_desk *desk, uint64_t ticket, bool last,
					 enum wire_status status);

/* The status that tells a phone about an error of the store. */
enum wire_status desk_status(enum sotto_err err);

#endif
