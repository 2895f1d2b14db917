/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link engine on the simulated network: what os/'s sockets, clock and event loop are for a real one.
 *
 *     sim_net --> receive --> engine --> send --> sim_net
 *     sim_clock <-- deadline -- engine <-- handle_deadline -- sim_clock
 *
 * After a call into the engine by anybody else: sim_endpoint_pump.
 */
#ifndef SIM_ENDPOINT_H
#define SIM_ENDPOINT_H

#include "link/link_client.h"
#include "link/link_server.h"
#include "sim/net.h"

struct sim_endpoint;

/*
 * At most one of client and server is set; both are borrowed, as are net and clock. Of its wall clock: skew_ms, or utc_ms
 * if that is set.
 */
struct sim_endpoint_config {
	const struct allocator *allocator;
	struct sim_net *net;
	struct sim_clock *clock;
	struct link_address address;
	struct link_client *client;
	struct link_server *server;
	int64_t skew_ms;
	uint64_t (*utc_ms)(void *context);
	void *context;
};

MUST_USE enum sotto_err sim_endpoint_create(const struct sim_endpoint_config *config,
					    struct sim_endpoint **endpoint);

/* The engine may be gone already; what is under way to it is lost. NULL is fine. */
void sim_endpoint_destroy(struct sim_endpoint *endpoint);

/* This one from now on, or none: then nothing is heard. What was sent is still under way. */
void sim_endpoint_set_client(struct sim_endpoint *endpoint, struct link_client *client);

/* Sends what there is to send, and sets the clock to the next deadline. */
void sim_endpoint_pump(struct sim_endpoint *endpoint);

/* A packet that link_client_datagram or link_server_datagram gave; len 0 is nothing. */
void sim_endpoint_send(struct sim_endpoint *endpoint, const struct link_packet *packet);

/* Another address, without a word to the engine: what a NAT does. */
void sim_endpoint_rebind(struct sim_endpoint *endpoint, const struct link_address *address);

/* Another address, and the phone noticed: link_client_network_changed. */
void sim_endpoint_roam(struct sim_endpoint *endpoint, const struct link_address *address);

/* For faults of the net. */
struct sim_node *sim_endpoint_node(struct sim_endpoint *endpoint);

/* The wall clock here. */
uint64_t sim_endpoint_utc_ms(const struct sim_endpoint *endpoint);

/* A hash (FNV-1a) over all payloads sent, with their times: equal runs have equal ones. */
uint64_t sim_endpoint_fingerprint(const struct sim_endpoint *endpoint);

#endif
