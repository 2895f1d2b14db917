/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay, some phones and a network between them that loses, delays, doubles and reorders, in one
 * process, in virtual time, from a seed. Every payload of either engine is looked at on the wire: its
 * size must be one of the two.
 */
#ifndef TESTS_LINK_WORLD_H
#define TESTS_LINK_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "link/link_client.h"
#include "link/link_server.h"

#define WORLD_PHONES	8
#define WORLD_MS	UINT64_C(1000000)
#define WORLD_SECOND	UINT64_C(1000000000)
#define WORLD_QUEUE_MAX 16384

struct world_flight {
	struct link_packet packet; /* path as the receiver sees it */
	uint64_t arrives_ns;
	uint64_t order;
	int phone; /* to this one; -1: to the relay */
};

struct world_reply {
	uint64_t request;
	uint8_t *data; /* kept, so that a test may look */
	size_t len;
	bool fin;
	bool ended;
	enum link_stream_end end;
};

struct world_phone {
	struct world *world;
	struct link_client *client;
	struct link_address address; /* as the relay sees it now */
	struct link_client_status status;
	unsigned status_count;
	struct world_reply replies[96];
	size_t reply_count;
	uint32_t socket;
	bool greedy; /* does not consume */
	bool deaf;   /* nothing arrives that is sent to it */
	uint64_t datagrams;
	uint8_t last_datagram[LINK_DATAGRAM_LEN_MAX];
	size_t last_datagram_len;
	uint64_t last_datagram_ns;
	uint64_t gap_max_ns;
	uint64_t sizes[LINK_FULL_LEN + 1]; /* it sent, by length */
	size_t small_len;
};

struct world {
	struct random_source random;
	uint64_t seed;
	uint64_t random_fails_at; /* the nth fill from now refuses; 0: none */
	uint64_t now_ns;
	uint64_t utc_ms; /* at now 0 */
	unsigned loss_permille;
	unsigned double_permille;
	unsigned copies_permille; /* of phones' packets also come from elsewhere, by an onlooker */
	uint64_t delay_ns;
	uint64_t jitter_ns;
	bool cut;
	int64_t skew_ms[WORLD_PHONES]; /* of phones' clocks */

	bool lax_replies; /* a test that forgets replies: what comes is not compared */

	struct link_server *server;
	struct link_server_config server_config;
	struct link_key keys[2];
	uint8_t relay_private[32];
	uint8_t relay_public[32];
	uint8_t network[32];
	uint64_t sign_delay_ns; /* on_prove is answered so much later */
	bool sign_wrong;
	uint64_t late_link;
	uint64_t late_ns;
	uint8_t late_exporter[32];
	struct link_address relay; /* the first of its addresses */

	uint64_t opened;
	uint64_t closed;
	enum link_reason close_reason;
	uint64_t last_link;
	uint64_t links[WORLD_PHONES]; /* open; 0 is none */
	uint64_t requests;
	uint64_t streams_ended;
	uint64_t server_datagrams;
	uint64_t echo_refused;
	uint64_t sizes[LINK_FULL_LEN + 1]; /* the relay sent */
	uint64_t to_strangers; /* packets of the relay to an address that no phone has */

	/* A reply that is being written: requests are answered with as many bytes as they ask for. */
	struct {
		uint64_t link;
		uint64_t stream;
		size_t left;
		size_t sent;
		bool used;
	} pending[64];

	struct world_phone phones[WORLD_PHONES];
	struct world_flight *queue; /* a heap by arrival */
	size_t queue_len;
	uint64_t order;
	struct world_flight first; /* the first packet that phone 0 sent: what an onlooker keeps */
	bool have_first;
};

/* The request that world answers with len bytes (pattern_at). len UINT32_MAX: never ends (a watch). */
size_t world_ask(uint8_t *out, uint32_t len);
uint8_t world_pattern(size_t at);

void world_init(struct world *world, uint64_t seed);
void world_finish(struct world *world);

/* The relay process dies and another starts, which knows the keys. */
void world_restart_relay(struct world *world, uint64_t down_ns);
void world_kill_relay(struct world *world);
void world_start_relay(struct world *world);

/* A configuration that connects; a test spoils what it wants to. */
void world_config(struct world *world, struct link_client_config *config);
void world_add_phone(struct world *world, int phone, const struct link_client_config *config);
void world_remove_phone(struct world *world, int phone);

/* The phone opens new sockets and says so. */
void world_change_network(struct world *world, int phone, uint32_t socket);

void world_run(struct world *world, uint64_t for_ns);
/* Until that state, at most for_ns. */
bool world_run_until(struct world *world, int phone, enum link_client_state state, uint64_t for_ns);

uint64_t world_utc(const struct world *world);
uint64_t world_phone_utc(const struct world *world, int phone);
uint64_t world_random(struct world *world);

/* One payload into the relay, from somewhere; what it answers at once is in to_strangers. */
void world_inject(struct world *world, const struct link_address *from, const void *data,
		  size_t len);

/* Everybody sends what there is to send. */
void world_pump(struct world *world);

/* The relay writes len more bytes to a never-ending reply, on whatever link asked last. */
void world_push(struct world *world, size_t len);

enum sotto_err world_send_datagram(struct world *world, int phone, const void *data, size_t len);
struct link_address world_address(const char *text_v4_or_v6, uint16_t port);

#endif
