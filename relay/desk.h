/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store process's engine: requests of the network process in, answers out, in rounds.
 *
 *   ask (append, trim) -> into the transaction, answer kept \
 *   ask (read, watch)  -> queued                              > flush: commit, answers, then reads
 *   more, cancel       -> of a read or watch                /
 *
 * An answer to an append leaves only after its commit. Reads and watches send one batch and wait for
 * relay_desk_more, so that what a slow phone has not taken stays on the disk and not in memory.
 */
#ifndef RELAY_DESK_H
#define RELAY_DESK_H

#include "base/allocator.h"
#include "relay/status.h"
#include "relay/store.h"

struct relay_desk;

struct relay_desk_config {
	struct relay_store *store;	   /* borrowed */
	const struct allocator *allocator; /* borrowed */
	/* One answer. What is not OK is given to whoever called flush; the answer is tried again then. */
	enum sotto_err (*answer)(void *context, uint64_t ticket, bool last, struct bytes message);
	/* May batches be sent? Answers to changes do not ask: there are few of them. */
	bool (*room)(void *context);
	void *context;
};

MUST_USE enum sotto_err relay_desk_create(const struct relay_desk_config *config,
					  struct relay_desk **desk);
void relay_desk_destroy(struct relay_desk *desk);

/* FORMAT: not a request that the network process may pass on. AGAIN: the round is full; flush first. */
MUST_USE enum sotto_err relay_desk_ask(struct relay_desk *desk, const struct wire_store_ask *ask,
				       uint64_t utc_ms);

/* Unknown tickets are nothing: the answer crossed the message. */
void relay_desk_more(struct relay_desk *desk, uint64_t ticket);
void relay_desk_cancel(struct relay_desk *desk, uint64_t ticket);

/* Ends the round. What answer() gave, if that was not OK. */
MUST_USE enum sotto_err relay_desk_flush(struct relay_desk *desk);

/* Is there something for flush to do, now or when there is room again? */
bool relay_desk_pending(const struct relay_desk *desk);

void relay_desk_count(const struct relay_desk *desk, struct relay_counters *counters);

#endif
