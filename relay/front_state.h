/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the front: links (front.c), requests (front_request.c), tickets (front_ticket.c), access
 * (front_access.c). */
#ifndef RELAY_FRONT_STATE_H
#define RELAY_FRONT_STATE_H

#include "base/list.h"
#include "relay/bucket.h"
#include "relay/front.h"
#include "relay/limits.h"
#include "relay/rooms.h"

#define FRONT_BUCKETS 4096

/* About 200 bytes a link beside what link_server keeps. */
struct front_link {
	struct list place;
	struct list tickets;
	uint64_t id;
	enum link_key_kind kind;
	uint64_t number; /* of the newest access key that it has shown */
	enum wire_authority authority;
	uint64_t prove_at_ns; /* LINK_NEVER: nothing to prove */
	unsigned int ticket_count;
	struct relay_bucket requests;
	struct relay_bucket bytes; /* appended, or read in catch-up */
	struct relay_bucket datagrams;
};

/* A request of a link that the store process is busy with. */
struct front_ticket {
	struct list by_number;
	struct list of_link;
	struct front_link *link;
	uint64_t number; /* odd: streams */
	uint64_t stream;
	uint8_t *held; /* an answer that link_server had no room for */
	size_t held_len;
	bool held_last;
	bool streams;  /* read or watch: answered by more than one message, cancelled if need be */
	bool answered; /* at least once */
};

struct relay_front {
	struct relay_front_config config;
	struct relay_access access;
	struct relay_access
		next; /* waits to be durable; next.generation 0: no change is under way */
	uint64_t change_link;
	uint64_t change_stream;
	struct link_server *server;
	struct relay_rooms *rooms;
	struct list links[FRONT_BUCKETS];
	struct list tickets[FRONT_BUCKETS];
	uint64_t next_ticket;
	uint64_t expire_at_ns;
	uint64_t prove_at_ns; /* the earliest of all links; LINK_NEVER: none */
	uint64_t now_ns;      /* of the call under way, for callbacks */
	uint64_t utc_ms;
	unsigned int asks; /* tickets without an answer yet */
	struct relay_counters counters;
	enum sotto_err failure;
};

struct front_link *front_link_find(struct relay_front *front, uint64_t id);

/* Falls to an authority, or rises: what it may not do any more ends. */
void front_link_set_authority(struct relay_front *front, struct front_link *link,
			      enum wire_authority authority);

/* A whole answer, and the end of the stream. */
void front_answer(struct relay_front *front, uint64_t link, uint64_t stream,
		  const struct wire_type *type, const void *message);
void front_answer_done(struct relay_front *front, uint64_t link, uint64_t stream,
		       enum wire_status status, uint32_t retry_ms);

void front_to_store(struct relay_front *front, const struct wire_type *type, const void *message);

/* A request of a link, whole. */
void front_request(struct relay_front *front, struct front_link *link, uint64_t stream,
		   struct bytes request);

/* Passes a request to the store process. */
void front_ticket_open(struct relay_front *front, struct front_link *link, uint64_t stream,
		       struct bytes request, bool streams);
void front_ticket_answer(struct relay_front *front, const struct wire_store_answer *answer);
void front_ticket_stream_end(struct relay_front *front, struct front_link *link, uint64_t stream);

/* Room for held answers of this link. */
void front_ticket_room(struct relay_front *front, struct front_link *link);

/* Ends all tickets; refuse: their streams are still there and are refused. */
void front_ticket_end_all(struct relay_front *front, struct front_link *link, bool refuse);

/* found, key_install, admins_change, porch_install. */
void front_access_change(struct relay_front *front, struct front_link *link, uint64_t stream,
			 struct bytes request);
void front_access_saved(struct relay_front *front, uint8_t status);
void front_access_kept(struct relay_front *front);
void front_access_prove(struct relay_front *front, struct front_link *link, uint64_t stream,
			const struct wire_key_prove *prove);

/* Gives link_server the keys in force. */
MUST_USE enum sotto_err front_access_publish(struct relay_front *front);

/* Falls that are due, past keys that expire. */
void front_access_deadline(struct relay_front *front);

#endif
