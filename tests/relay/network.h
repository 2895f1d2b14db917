/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay and phones' links in one process under virtual time: relay_front, relay_desk and relay_store as
 * they are, link_client for each phone, packets and messages between processes as queues.
 */
#ifndef TESTS_RELAY_NETWORK_H
#define TESTS_RELAY_NETWORK_H

#include "link/link_client.h"
#include "relay/desk.h"
#include "relay/front.h"
#include "relay/limits.h"
#include "tests/relay/fixture.h"
#include "wire/frame.h"

#define NETWORK_PHONES	10
#define NETWORK_ANSWERS 4096

struct network_answer {
	uint64_t request;
	uint8_t number;
	uint8_t status;	   /* of done */
	uint32_t retry_ms; /* of done */
	uint64_t end;	   /* of appended and batch */
	size_t records;	   /* of batch */
	uint8_t room;	   /* of room_joined */
	uint16_t slot;	   /* of room_joined */
	uint8_t authority; /* of link_state */
	uint32_t prove_within_ms;
};

struct network_phone {
	struct network *network;
	size_t index;
	struct link_client *client;
	struct link_client_status status;
	struct network_answer answers[NETWORK_ANSWERS];
	size_t answer_count;
	struct wire_splitter splitters[NETWORK_ANSWERS]; /* by number of the request */
	bool stalled; /* takes answers and gives no room for more */
	size_t not_consumed;
	uint64_t stalled_request;
	size_t ended;	  /* requests that ended without fin */
	size_t datagrams; /* received */
	uint8_t last_datagram[8];
	struct link_key key;
};

struct network_message {
	struct network_message *next;
	bool to_store;
	size_t len;
	uint8_t data[];
};

struct network {
	struct relay_store *store;
	struct relay_desk *desk;
	struct relay_front *front;
	struct network_phone phones[NETWORK_PHONES];
	struct network_message *first;
	struct network_message **last;
	uint64_t now_ns;
	uint64_t utc_ms;
	uint64_t kept_generation;
	uint8_t saved_state[WIRE_ACCESS_STATE_MAX];
	size_t saved_len;
	bool refuse_save;
	bool store_waits; /* nothing reaches the store process */
	bool tolerant; /* a process that must end is no failure of the test: time stands still then */
	bool ended;    /* the store process had to */
	bool kept_pending;
};

void network_init(struct network *network);

/* The relay's engines take memory from here. False: they could not even be made. */
bool network_init_with(struct network *network, const struct allocator *allocator);
void network_finish(struct network *network);

/* A phone with this key; starts to connect. */
void network_connect(struct network *network, size_t phone, enum link_key_kind kind,
		     uint64_t number, const uint8_t secret[WIRE_KEY_LEN]);
void network_disconnect(struct network *network, size_t phone);

/* A phone that stalled takes what it left, and goes on. */
void network_resume(struct network *network, size_t phone);

/* Everything that can happen in so many milliseconds. */
void network_run(struct network *network, uint64_t ms);

/* Sends a request and lets 200 ms pass; its number. */
uint64_t network_ask(struct network *network, size_t phone, const struct wire_type *type,
		     const void *message);

/* The last answer to a request; NULL if there is none. */
const struct network_answer *network_answer(const struct network *network, size_t phone,
					    uint64_t request);

/* network_ask, and the status of the done that answers it; 255 if something else did, 254 if nothing. */
uint8_t network_status(struct network *network, size_t phone, const struct wire_type *type,
		       const void *message);

#endif
