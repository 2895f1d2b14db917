/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request: known? -> authority -> rate -> parsed -> quota -> its handler. Whatever fails is answered by
 * one status; a request that does not parse tells nothing more than that.
 */
#include <string.h>

#include "base/assert.h"
#include "relay/authority.h"
#include "relay/front_state.h"

/* The parts of a request to the store that its authority and quota depend on. */
struct drop_request {
	uint8_t flags;
	uint8_t name[WIRE_HASH_LEN]; /* of an append */
	uint64_t bytes;		     /* of an append */
	bool streams;
};

static enum sotto_err parse_append(struct bytes request, struct drop_request *parsed)
{
	uint8_t token_hash[WIRE_HASH_LEN];
	struct wire_append append;

	if (wire_append_decode(request, &append) != SOTTO_OK || append.records.count == 0)
		return SOTTO_ERR_FORMAT;
	wire_append_token_hash(append.append_token, token_hash);
	wire_drop_name(append.flags, token_hash, append.read_token_hash, parsed->name);
	parsed->flags = append.flags;
	parsed->bytes = append.records.encoded.len;
	return SOTTO_OK;
}

static enum sotto_err parse_drop_request(struct bytes request, struct drop_request *parsed)
{
	struct wire_watch watch;
	struct wire_read read;
	struct wire_trim trim;
	enum sotto_err err;

	switch (request.data[0]) {
	case wire_number_append:
		return parse_append(request, parsed);
	case wire_number_read:
		err = wire_read_decode(request, &read);
		parsed->flags = err == SOTTO_OK ? read.flags : 0;
		parsed->streams = true;
		return err;
	case wire_number_watch:
		err = wire_watch_decode(request, &watch);
		parsed->flags = err == SOTTO_OK ? watch.flags : 0;
		parsed->streams = true;
		return err;
	default:
		err = wire_trim_decode(request, &trim);
		parsed->flags = err == SOTTO_OK ? trim.flags : 0;
		return err;
	}
}

static uint64_t append_rate(const struct front_link *link, uint64_t *burst)
{
	bool porch = link->authority == WIRE_AUTHORITY_PORCH;

	*burst = porch ? RELAY_PORCH_BURST : RELAY_LINK_APPEND_BURST;
	return porch ? RELAY_PORCH_RATE : RELAY_LINK_APPEND_RATE;
}

static void handle_drop_request(struct relay_front *front, struct front_link *link, uint64_t stream,
				struct bytes request)
{
	enum relay_rule rule = relay_authority_rule(link->authority, request.data[0]);
	struct drop_request parsed = {0};
	uint64_t burst;
	uint64_t rate = append_rate(link, &burst);

	if (parse_drop_request(request, &parsed) != SOTTO_OK ||
	    (parsed.flags & ~WIRE_DROP_FLAGS) != 0) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_MALFORMED, 0);
		return;
	}
	if (!relay_rule_allows(rule, parsed.flags,
			       memcmp(parsed.name, front->access.porch_drop, WIRE_HASH_LEN) == 0)) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_REFUSED, 0);
		return;
	}
	if (parsed.bytes > 0 &&
	    !relay_bucket_take(&link->bytes, parsed.bytes, burst, rate, front->now_ns)) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_QUOTA,
				  relay_bucket_wait_ms(&link->bytes, parsed.bytes, rate));
		return;
	}
	front_ticket_open(front, link, stream, request, parsed.streams);
}

static void handle_room_join(struct relay_front *front, struct front_link *link, uint64_t stream,
			     struct bytes request)
{
	struct wire_room_joined joined = {0};
	struct wire_room_join join;

	if (wire_room_join_decode(request, &join) != SOTTO_OK)
		front_answer_done(front, link->id, stream, WIRE_STATUS_MALFORMED, 0);
	else if (relay_rooms_join(front->rooms, link->id, join.room_token, &joined.room,
				  &joined.slot) != SOTTO_OK)
		front_answer_done(front, link->id, stream, WIRE_STATUS_QUOTA, 0);
	else
		front_answer(front, link->id, stream, &wire_room_joined_type, &joined);
	bytes_wipe(&join, sizeof(join));
}

static void handle_room_leave(struct relay_front *front, struct front_link *link, uint64_t stream,
			      struct bytes request)
{
	enum wire_status status = WIRE_STATUS_MALFORMED;
	struct wire_room_leave leave;

	if (wire_room_leave_decode(request, &leave) == SOTTO_OK)
		status = relay_rooms_leave(front->rooms, link->id, leave.room) == SOTTO_OK
				 ? WIRE_STATUS_OK
				 : WIRE_STATUS_NOT_FOUND;
	front_answer_done(front, link->id, stream, status, 0);
}

static void handle_hello(struct relay_front *front, struct front_link *link, uint64_t stream,
			 struct bytes request)
{
	struct wire_link_state state = {
		.version = WIRE_VERSION,
		.authority = (uint8_t)link->authority,
		.key_number = relay_access_number(&front->access),
		.admins_serial = front->access.admins_serial,
		.porch_number = front->access.porch_number,
		.retention_hours = front->config.retention_hours,
	};
	struct wire_hello hello;

	if (wire_hello_decode(request, &hello) != SOTTO_OK) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_MALFORMED, 0);
		return;
	}
	memcpy(state.network, front->access.network, sizeof(state.network));
	if (link->prove_at_ns != LINK_NEVER)
		state.prove_within_ms = link->prove_at_ns > front->now_ns
						? (uint32_t)((link->prove_at_ns - front->now_ns) /
							     UINT64_C(1000000))
						: 0;
	/* A phone of another version is told ours, and says so to its user. */
	front_answer(front, link->id, stream, &wire_link_state_type, &state);
}

static void handle_key_prove(struct relay_front *front, struct front_link *link, uint64_t stream,
			     struct bytes request)
{
	struct wire_key_prove prove;

	if (wire_key_prove_decode(request, &prove) != SOTTO_OK)
		front_answer_done(front, link->id, stream, WIRE_STATUS_MALFORMED, 0);
	else
		front_access_prove(front, link, stream, &prove);
}

static const struct {
	uint8_t number;
	void (*handle)(struct relay_front *front, struct front_link *link, uint64_t stream,
		       struct bytes request);
} handlers[] = {
	{wire_number_append, handle_drop_request},
	{wire_number_read, handle_drop_request},
	{wire_number_watch, handle_drop_request},
	{wire_number_trim, handle_drop_request},
	{wire_number_room_join, handle_room_join},
	{wire_number_room_leave, handle_room_leave},
	{wire_number_hello, handle_hello},
	{wire_number_found, front_access_change},
	{wire_number_key_install, front_access_change},
	{wire_number_key_prove, handle_key_prove},
	{wire_number_admins_change, front_access_change},
	{wire_number_porch_install, front_access_change},
};

void front_request(struct relay_front *front, struct front_link *link, uint64_t stream,
		   struct bytes request)
{
	front->counters.values[RELAY_COUNTER_requests]++;
	if (request.len == 0) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_MALFORMED, 0);
		return;
	}
	if (relay_authority_rule(link->authority, request.data[0]) == RELAY_RULE_NO) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_REFUSED, 0);
		return;
	}
	if (!relay_bucket_take(&link->requests, 1, RELAY_LINK_REQUEST_BURST,
			       RELAY_LINK_REQUEST_RATE, front->now_ns)) {
		front_answer_done(
			front, link->id, stream, WIRE_STATUS_BUSY,
			relay_bucket_wait_ms(&link->requests, 1, RELAY_LINK_REQUEST_RATE));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (handlers[i].number == request.data[0]) {
			handlers[i].handle(front, link, stream, request);
			return;
		}
	}
}
