/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network of datagrams between nodes under virtual time: what a real one does to packets, from a seed.
 *
 *     send -> cut? partition? lost? -> queue of a slow link -> delay + jitter [+ held back] -> arrives
 *                                         |-> once more, if duplicated
 *
 * An address belongs to the node that was bound to it last; a node that moved to another address no longer
 * hears the old one. What is under way when a cut begins is lost too.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "link/link.h"
#include "sim/clock.h"
#include "sim/random.h"

#define SIM_NET_DATAGRAM_LEN_MAX 65535

struct sim_net;
struct sim_node;

/* Of one direction. All zero: at once, all, in order. */
struct sim_net_faults {
	uint64_t delay_ns;
	uint64_t jitter_ns; /* uniform, 0 to this, on top; by itself it reorders */
	uint32_t loss_ppm;
	uint32_t duplicate_ppm;
	uint32_t reorder_ppm; /* held back by reorder_ns */
	uint64_t reorder_ns;
	uint64_t bytes_per_second; /* 0: no limit */
	uint64_t queue_ns; /* of waiting for a slow link; what would wait longer is dropped */
};

struct sim_net_stats {
	uint64_t sent;
	uint64_t delivered;
	uint64_t lost;	  /* by chance */
	uint64_t dropped; /* no such address, cut, partitioned, queue full */
	uint64_t duplicated;
};

/* A datagram arrived; bytes live as long as the call. It may send, bind and set faults. */
typedef void sim_net_fn(void *context, const struct link_address *from,
			const struct link_address *to, struct bytes bytes);

/* clock is borrowed; random copied. */
MUST_USE enum sotto_err sim_net_create(const struct allocator *allocator, struct sim_clock *clock,
				       const struct sim_random *random, struct sim_net **net);
/* With its nodes and what is under way. NULL is fine. */
void sim_net_destroy(struct sim_net *net);

MUST_USE enum sotto_err sim_net_node(struct sim_net *net, const struct link_address *address,
				     sim_net_fn *receive, void *context, struct sim_node **node);

/* The node is gone, with what it has under way. */
void sim_net_leave(struct sim_node *node);

/* The node has this address from now on, and no other. */
void sim_net_bind(struct sim_node *node, const struct link_address *address);
const struct link_address *sim_net_address(const struct sim_node *node);

/* From one node to another; NULL stands for all, and forgets what was set for single ones. */
MUST_USE enum sotto_err sim_net_set_faults(struct sim_net *net, const struct sim_node *from,
					   const struct sim_node *to,
					   const struct sim_net_faults *faults);

/* The cable is out, or in again. */
void sim_net_cut(struct sim_node *node, bool cut);

/* Nodes of different islands do not hear each other; all begin on island 0. */
void sim_net_island(struct sim_node *node, uint32_t island);

/* Never fails: what does not get there is lost. SOTTO_ERR_NO_MEMORY and SOTTO_ERR_LIMIT count as dropped. */
void sim_net_send(struct sim_node *node, const struct link_address *to, struct bytes bytes);

void sim_net_stats(const struct sim_net *net, struct sim_net_stats *stats);

#endif
