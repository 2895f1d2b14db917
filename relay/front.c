/* SPDX-License-Identifier: Apache-2.0 */
/* Links: their coming and going, datagrams, deadlines. */
#include "relay/front.h"

#include <string.h>

#include "base/assert.h"
#include "relay/authority.h"
#include "relay/front_state.h"
#include "wire/frame.h"

struct front_link *front_link_find(struct relay_front *front, uint64_t id)
{
	list_for_each (place, next, &front->links[id % FRONT_BUCKETS]) {
		struct front_link *link = CONTAINER_OF(place, struct front_link, place);

		if (link->id == id)
			return link;
	}
	return NULL;
}

void front_to_store(struct relay_front *front, const struct wire_type *type, const void *message)
{
	struct writer writer;
	enum sotto_err err;

	if (front->failure != SOTTO_OK)
		return;
	writer_init_growing(&writer, front->config.allocator);
	err = wire_encode(type, message, &writer);
	if (err == SOTTO_OK)
		err = front->config.events.to_store(front->config.events.context,
						    writer_bytes(&writer));
	writer_release(&writer);
	front->failure = err;
}

void front_answer(struct relay_front *front, uint64_t link, uint64_t stream,
		  const struct wire_type *type, const void *message)
{
	uint8_t encoded[256];
	uint8_t framed[sizeof(encoded) + WIRE_FRAME_HEADER_MAX];
	struct writer writer;
	struct writer frame;
	enum sotto_err err;

	writer_init_fixed(&writer, encoded, sizeof(encoded));
	err = wire_encode(type, message, &writer);
	ASSERT(err == SOTTO_OK);
	writer_init_fixed(&frame, framed, sizeof(framed));
	wire_frame_put(&frame, writer_bytes(&writer));
	/* A phone that leaves no room for 100 bytes asks too much at once. */
	if (link_server_reply(front->server, link, stream, writer_bytes(&frame), true) != SOTTO_OK)
		link_server_refuse(front->server, link, stream);
}

void front_answer_done(struct relay_front *front, uint64_t link, uint64_t stream,
		       enum wire_status status, uint32_t retry_ms)
{
	struct wire_done done = {.status = (uint8_t)status, .retry_ms = retry_ms};

	if (status == WIRE_STATUS_REFUSED)
		front->counters.values[RELAY_COUNTER_requests_refused]++;
	if (status == WIRE_STATUS_QUOTA)
		front->counters.values[RELAY_COUNTER_requests_over_quota]++;
	if (status == WIRE_STATUS_BUSY)
		front->counters.values[RELAY_COUNTER_requests_busy]++;
	front_answer(front, link, stream, &wire_done_type, &done);
}

static void init_buckets(struct front_link *link, uint64_t now_ns)
{
	uint64_t burst = RELAY_LINK_APPEND_BURST;

	if (link->authority == WIRE_AUTHORITY_PORCH)
		burst = RELAY_PORCH_BURST;
	if (link->authority == WIRE_AUTHORITY_CATCH_UP)
		burst = RELAY_CATCH_UP_BURST;
	relay_bucket_init(&link->bytes, burst, now_ns);
	relay_bucket_init(&link->requests, RELAY_LINK_REQUEST_BURST, now_ns);
	relay_bucket_init(&link->datagrams, RELAY_DATAGRAM_BURST, now_ns);
}

static void on_open(void *context, uint64_t id)
{
	struct relay_front *front = context;
	struct link_server_info info;
	struct front_link *link;

	if (link_server_info(front->server, id, &info) != SOTTO_OK)
		return;
	link = allocator_take_zeroed(front->config.allocator, 1, sizeof(*link));
	if (link == NULL)
		return; /* unknown links are refused everything, and told so by silence */
	list_init(&link->tickets);
	link->id = id;
	link->kind = info.kind;
	link->number = info.number;
	link->authority = relay_access_authority(&front->access, info.kind, info.number);
	link->prove_at_ns = LINK_NEVER;
	init_buckets(link, front->now_ns);
	list_append(&front->links[id % FRONT_BUCKETS], &link->place);
}

static void on_prove(void *context, uint64_t id, const uint8_t *exporter)
{
	struct relay_front *front = context;
	struct wire_sign_ask ask = {.ticket = id};

	memcpy(ask.network, front->access.network, sizeof(ask.network));
	memcpy(ask.exporter, exporter, sizeof(ask.exporter));
	front_to_store(front, &wire_sign_ask_type, &ask);
}

static void on_request(void *context, uint64_t id, uint64_t stream, struct bytes request)
{
	struct relay_front *front = context;
	struct front_link *link = front_link_find(front, id);

	if (link == NULL)
		link_server_refuse(front->server, id, stream);
	else
		front_request(front, link, stream, request);
}

static void on_stream_end(void *context, uint64_t id, uint64_t stream)
{
	struct relay_front *front = context;
	struct front_link *link = front_link_find(front, id);

	if (link != NULL)
		front_ticket_stream_end(front, link, stream);
}

static void on_room(void *context, uint64_t id)
{
	struct relay_front *front = context;
	struct front_link *link = front_link_find(front, id);

	if (link != NULL)
		front_ticket_room(front, link);
}

/* Copied once, so that its header can be rewritten for each target. */
static void on_datagram(void *context, uint64_t id, struct bytes datagram)
{
	struct relay_front *front = context;
	struct front_link *link = front_link_find(front, id);
	struct relay_room_target targets[RELAY_ROOM_LINKS_MAX];
	uint8_t copy[LINK_DATAGRAM_LEN_MAX];
	struct link_packet packet;
	uint16_t slot;
	size_t count;

	if (link == NULL || datagram.len <= WIRE_DATAGRAM_HEADER_LEN || datagram.len > sizeof(copy))
		return;
	if (!relay_bucket_take(&link->datagrams, 1, RELAY_DATAGRAM_BURST, RELAY_DATAGRAM_RATE,
			       front->now_ns)) {
		front->counters.values[RELAY_COUNTER_datagrams_over_rate]++;
		return;
	}
	if (relay_rooms_targets(front->rooms, id, datagram.data[0], &slot, targets, &count) !=
	    SOTTO_OK)
		return;
	memcpy(copy, datagram.data, datagram.len);
	for (size_t i = 0; i < count; i++) {
		enum sotto_err err;

		relay_datagram_stamp(copy, targets[i].room, slot);
		packet.len = 0;
		err = link_server_datagram(front->server, targets[i].link,
					   BYTES(copy, datagram.len), front->now_ns, &packet);
		if (err == SOTTO_OK)
			front->counters.values[RELAY_COUNTER_datagrams]++;
		else if (err == SOTTO_ERR_AGAIN)
			front->counters.values[RELAY_COUNTER_datagrams_no_window]++;
		if (packet.len > 0)
			front->config.events.packet(front->config.events.context, &packet);
	}
}

static void release_link(struct relay_front *front, struct front_link *link)
{
	front_ticket_end_all(front, link, false);
	relay_rooms_leave_all(front->rooms, link->id);
	list_remove(&link->place);
	allocator_wipe(front->config.allocator, link, sizeof(*link));
}

static void on_close(void *context, uint64_t id, enum link_reason reason)
{
	struct relay_front *front = context;
	struct front_link *link = front_link_find(front, id);

	(void)reason;
	if (link != NULL)
		release_link(front, link);
}

void front_link_set_authority(struct relay_front *front, struct front_link *link,
			      enum wire_authority authority)
{
	if (authority == link->authority)
		return; /* and its quota stays as it is */
	if (authority < link->authority) {
		front_ticket_end_all(front, link, true);
		relay_rooms_leave_all(front->rooms, link->id);
	}
	link->authority = authority;
	init_buckets(link, front->now_ns);
}

enum sotto_err relay_front_create(const struct relay_front_config *config, uint64_t now_ns,
				  uint64_t utc_ms, struct relay_front **front)
{
	struct relay_front *created = allocator_take_zeroed(config->allocator, 1, sizeof(*created));
	struct link_server_config server = {
		.limits = link_server_limits_default,
		.start_ns = now_ns,
		.allocator = config->allocator,
		.random = config->random,
		.events = {on_open, on_prove, on_request, on_stream_end, on_room, on_datagram,
			   on_close, created},
	};
	enum sotto_err err;

	if (created == NULL)
		return SOTTO_ERR_NO_MEMORY;
	created->config = *config;
	created->access = config->access;
	relay_access_wipe(&created->config.access);
	created->now_ns = now_ns;
	created->utc_ms = utc_ms;
	created->next_ticket = 1;
	created->expire_at_ns = now_ns;
	created->prove_at_ns = LINK_NEVER;
	for (size_t i = 0; i < FRONT_BUCKETS; i++) {
		list_init(&created->links[i]);
		list_init(&created->tickets[i]);
	}
	server.limits.request_len = WIRE_MESSAGE_MAX;
	server.limits.streams = RELAY_LINK_REQUESTS_MAX;
	TRY(relay_rooms_create(config->allocator, &created->rooms));
	TRY(link_server_create(&server, &created->server));
	TRY(front_access_publish(created));
	*front = created;
	created = NULL;
out:
	relay_front_destroy(created);
	return err;
}

void relay_front_destroy(struct relay_front *front)
{
	if (front == NULL)
		return;
	for (size_t i = 0; i < FRONT_BUCKETS; i++) {
		list_for_each (place, next, &front->links[i])
			release_link(front, CONTAINER_OF(place, struct front_link, place));
	}
	link_server_destroy(front->server);
	relay_rooms_destroy(front->rooms);
	allocator_wipe(front->config.allocator, front, sizeof(*front));
}

static void enter(struct relay_front *front, uint64_t now_ns, uint64_t utc_ms)
{
	front->now_ns = now_ns;
	front->utc_ms = utc_ms;
}

void relay_front_receive(struct relay_front *front, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms)
{
	enter(front, now_ns, utc_ms);
	link_server_receive(front->server, path, payload, now_ns, utc_ms);
}

enum sotto_err relay_front_from_store(struct relay_front *front, struct bytes message,
				      uint64_t now_ns, uint64_t utc_ms)
{
	struct wire_store_answer answer;
	struct wire_sign_answer sign;
	struct wire_access_saved saved;
	enum sotto_err err;

	enter(front, now_ns, utc_ms);
	if (wire_store_answer_decode(message, &answer) == SOTTO_OK) {
		front_ticket_answer(front, &answer);
		return SOTTO_OK;
	}
	if (wire_sign_answer_decode(message, &sign) == SOTTO_OK) {
		err = link_server_proven(front->server, sign.ticket, sign.signature, utc_ms);
		return err == SOTTO_ERR_STATE ? SOTTO_ERR_FORMAT : SOTTO_OK;
	}
	if (wire_access_saved_decode(message, &saved) == SOTTO_OK && front->next.generation != 0) {
		front_access_saved(front, saved.status);
		return SOTTO_OK;
	}
	return SOTTO_ERR_FORMAT;
}

enum sotto_err relay_front_kept(struct relay_front *front, uint64_t generation, uint64_t now_ns,
				uint64_t utc_ms)
{
	if (front->next.generation == 0 || generation != front->next.generation)
		return SOTTO_ERR_FORMAT;
	enter(front, now_ns, utc_ms);
	front_access_kept(front);
	return SOTTO_OK;
}

void relay_front_send(struct relay_front *front, uint64_t now_ns, struct link_packet *out)
{
	link_server_send(front->server, now_ns, out);
}

uint64_t relay_front_deadline(const struct relay_front *front)
{
	uint64_t link_at_ns = link_server_deadline(front->server);
	uint64_t at_ns =
		front->expire_at_ns < front->prove_at_ns ? front->expire_at_ns : front->prove_at_ns;

	return link_at_ns < at_ns ? link_at_ns : at_ns;
}

void relay_front_handle_deadline(struct relay_front *front, uint64_t now_ns, uint64_t utc_ms)
{
	enter(front, now_ns, utc_ms);
	link_server_handle_deadline(front->server, now_ns);
	front_access_deadline(front);
}

void relay_front_count(const struct relay_front *front, struct relay_counters *counters)
{
	struct link_server_stats stats;
	uint64_t unanswered = 0;
	uint64_t unproven = 0;

	link_server_stats(front->server, &stats);
	for (size_t i = 0; i < LINK_DROP_COUNT; i++)
		unanswered += stats.drops[i];
	for (size_t i = 0; i < FRONT_BUCKETS; i++) {
		list_for_each (place, next, &front->links[i]) {
			const struct front_link *link =
				CONTAINER_OF(place, struct front_link, place);

			/* Full authority outlives the key until the time to prove the next one is over. */
			unproven += link->authority != WIRE_AUTHORITY_FULL ||
				    link->prove_at_ns != LINK_NEVER;
		}
	}
	*counters = front->counters;
	counters->values[RELAY_COUNTER_links] = stats.links;
	counters->values[RELAY_COUNTER_links_unproven] = unproven;
	counters->values[RELAY_COUNTER_handshakes] = stats.handshakes;
	counters->values[RELAY_COUNTER_half_open] = stats.half_open;
	counters->values[RELAY_COUNTER_unanswered] = unanswered;
	counters->values[RELAY_COUNTER_rooms] = relay_rooms_count(front->rooms);
	counters->values[RELAY_COUNTER_key_number] = relay_access_number(&front->access);
}

enum sotto_err relay_front_failure(const struct relay_front *front)
{
	return front->failure;
}

const struct relay_access *relay_front_access(const struct relay_front *front)
{
	return &front->access;
}
