/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network process's engine: links, authorities, rooms; everything that needs the disk or the relay's
 * key is asked of the store process.
 *
 *   UDP payloads  ->  link_server  ->  request -> authority, quota -> room, access state, or store
 *                                      datagram -> rate -> room -> other links
 *   store process ->  answers, signatures, "saved"  ->  replies
 *
 * No I/O. After every call that takes now_ns ask relay_front_send until it gives nothing, then
 * relay_front_deadline.
 */
#ifndef RELAY_FRONT_H
#define RELAY_FRONT_H

#include "link/link_server.h"
#include "relay/access.h"
#include "relay/status.h"

struct relay_front;

struct relay_front_events {
	/* A message for the store process; an error ends this process, as nothing works without it. */
	enum sotto_err (*to_store)(void *context, struct bytes message);
	/* A packet to send at once (a forwarded datagram). */
	void (*packet)(void *context, const struct link_packet *packet);
	/* A new access state is durable: keep its generation where the store process cannot reach, then call
	 * relay_front_kept. */
	enum sotto_err (*keep_generation)(void *context, uint64_t generation);
	void *context;
};

struct relay_front_config {
	const struct allocator *allocator;  /* borrowed */
	const struct random_source *random; /* borrowed */
	struct relay_front_events events;
	struct relay_access access; /* copied; as the store process loaded it */
	uint32_t retention_hours;   /* told to phones */
};

MUST_USE enum sotto_err relay_front_create(const struct relay_front_config *config, uint64_t now_ns,
					   uint64_t utc_ms, struct relay_front **front);
void relay_front_destroy(struct relay_front *front);

void relay_front_receive(struct relay_front *front, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms);

/* Of the store process. FORMAT: not what it says; it is broken or taken, and this process must end. */
MUST_USE enum sotto_err relay_front_from_store(struct relay_front *front, struct bytes message,
					       uint64_t now_ns, uint64_t utc_ms);

/* After keep_generation. FORMAT: nothing waits for that generation. */
MUST_USE enum sotto_err relay_front_kept(struct relay_front *front, uint64_t generation,
					 uint64_t now_ns, uint64_t utc_ms);

/* The next packet; out->len is 0 when there is none now. */
void relay_front_send(struct relay_front *front, uint64_t now_ns, struct link_packet *out);

uint64_t relay_front_deadline(const struct relay_front *front);
void relay_front_handle_deadline(struct relay_front *front, uint64_t now_ns, uint64_t utc_ms);

void relay_front_count(const struct relay_front *front, struct relay_counters *counters);

/* What to_store or keep_generation gave, if one failed: the process must end. */
enum sotto_err relay_front_failure(const struct relay_front *front);

/* The state in force, as long as the front lives. */
const struct relay_access *relay_front_access(const struct relay_front *front);

#endif
