/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets: requests that the store process is busy with.
 *
 *   opened --answer, last--------------------------> gone
 *          --answer, link takes it--> store_more --> (next answer)
 *          --answer, link full--> held --room--> store_more
 *          --stream or link ends--> store_cancel --> gone
 *
 * At most one answer of a ticket is held, because the store process waits for store_more.
 */
#include <string.h>

#include "base/assert.h"
#include "relay/front_state.h"
#include "wire/frame.h"

#define BUSY_RETRY_MS 1000

static struct front_ticket *find(struct relay_front *front, uint64_t number)
{
	list_for_each (place, next, &front->tickets[number % FRONT_BUCKETS]) {
		struct front_ticket *ticket = CONTAINER_OF(place, struct front_ticket, by_number);

		if (ticket->number == number)
			return ticket;
	}
	return NULL;
}

static void release_held(struct relay_front *front, struct front_ticket *ticket)
{
	allocator_give(front->config.allocator, ticket->held, ticket->held_len);
	ticket->held = NULL;
	ticket->held_len = 0;
}

static void destroy(struct relay_front *front, struct front_ticket *ticket)
{
	release_held(front, ticket);
	list_remove(&ticket->by_number);
	list_remove(&ticket->of_link);
	ticket->link->ticket_count--;
	allocator_give(front->config.allocator, ticket, sizeof(*ticket));
}

/* A change goes on in the store although nobody waits for its answer. A read or watch is called off. */
static void abandon(struct relay_front *front, struct front_ticket *ticket)
{
	struct wire_store_cancel cancel = {.ticket = ticket->number};

	if (ticket->streams) {
		front_to_store(front, &wire_store_cancel_type, &cancel);
		front->asks -= ticket->answered ? 0 : 1;
	}
	destroy(front, ticket);
}

void front_ticket_open(struct relay_front *front, struct front_link *link, uint64_t stream,
		       struct bytes request, bool streams)
{
	struct wire_store_ask ask = {.authority = (uint8_t)link->authority, .message = request};
	struct front_ticket *ticket = NULL;

	if (link->ticket_count < RELAY_LINK_REQUESTS_MAX && front->asks < RELAY_ASKS_MAX)
		ticket = allocator_take_zeroed(front->config.allocator, 1, sizeof(*ticket));
	if (ticket == NULL) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_BUSY, BUSY_RETRY_MS);
		return;
	}
	ticket->link = link;
	ticket->stream = stream;
	ticket->streams = streams;
	ticket->number = front->next_ticket++ << 1 | (streams ? 1 : 0);
	list_append(&front->tickets[ticket->number % FRONT_BUCKETS], &ticket->by_number);
	list_append(&link->tickets, &ticket->of_link);
	link->ticket_count++;
	front->asks++;
	ask.ticket = ticket->number;
	front_to_store(front, &wire_store_ask_type, &ask);
}

/* False: the link has no room. Anything but that is the end of the ticket or its next step. */
static bool deliver(struct relay_front *front, struct front_ticket *ticket, struct bytes framed,
		    bool last)
{
	struct wire_store_more more = {.ticket = ticket->number};
	enum sotto_err err =
		link_server_reply(front->server, ticket->link->id, ticket->stream, framed, last);

	if (err == SOTTO_ERR_AGAIN)
		return false;
	if (err != SOTTO_OK)
		abandon(front, ticket);
	else if (last)
		destroy(front, ticket);
	else
		front_to_store(front, &wire_store_more_type, &more);
	return true;
}

/* In catch-up reading has a quota: beyond it the phone is told when to come back. */
static bool over_quota(struct relay_front *front, struct front_ticket *ticket, size_t len)
{
	struct front_link *link = ticket->link;
	uint64_t link_id = link->id;
	uint64_t stream = ticket->stream;

	if (link->authority != WIRE_AUTHORITY_CATCH_UP ||
	    relay_bucket_take(&link->bytes, len, RELAY_CATCH_UP_BURST, RELAY_CATCH_UP_RATE,
			      front->now_ns))
		return false;
	abandon(front, ticket);
	front_answer_done(front, link_id, stream, WIRE_STATUS_QUOTA,
			  relay_bucket_wait_ms(&link->bytes, len, RELAY_CATCH_UP_RATE));
	return true;
}

void front_ticket_answer(struct relay_front *front, const struct wire_store_answer *answer)
{
	struct front_ticket *ticket = find(front, answer->ticket);
	struct writer framed;
	bool last = answer->last != 0;

	/* A change is answered exactly once, also when its link has gone. */
	if ((answer->ticket & 1) == 0 && front->asks > 0)
		front->asks--;
	if (ticket != NULL && ticket->streams && !ticket->answered) {
		ticket->answered = true;
		front->asks--;
	}
	if (ticket == NULL || answer->message.len == 0 ||
	    over_quota(front, ticket, answer->message.len))
		return;
	writer_init_growing(&framed, front->config.allocator);
	wire_frame_put(&framed, answer->message);
	if (writer_finish(&framed) != SOTTO_OK) {
		link_server_refuse(front->server, ticket->link->id, ticket->stream);
		abandon(front, ticket);
	} else if (!deliver(front, ticket, writer_bytes(&framed), last)) {
		ticket->held = allocator_take(front->config.allocator, framed.len);
		ticket->held_len = ticket->held != NULL ? framed.len : 0;
		ticket->held_last = last;
		if (ticket->held == NULL) {
			link_server_refuse(front->server, ticket->link->id, ticket->stream);
			abandon(front, ticket);
		} else {
			memcpy(ticket->held, framed.data, framed.len);
		}
	}
	writer_release(&framed);
}

void front_ticket_room(struct relay_front *front, struct front_link *link)
{
	list_for_each (place, next, &link->tickets) {
		struct front_ticket *ticket = CONTAINER_OF(place, struct front_ticket, of_link);
		uint8_t *held = ticket->held;
		size_t len = ticket->held_len;

		if (held == NULL)
			continue;
		ticket->held = NULL; /* taken out first: deliver may end the ticket */
		if (!deliver(front, ticket, BYTES(held, len), ticket->held_last)) {
			ticket->held = held;
			return;
		}
		allocator_give(front->config.allocator, held, len);
	}
}

void front_ticket_stream_end(struct relay_front *front, struct front_link *link, uint64_t stream)
{
	list_for_each (place, next, &link->tickets) {
		struct front_ticket *ticket = CONTAINER_OF(place, struct front_ticket, of_link);

		if (ticket->stream == stream) {
			abandon(front, ticket);
			return;
		}
	}
}

void front_ticket_end_all(struct relay_front *front, struct front_link *link, bool refuse)
{
	list_for_each (place, next, &link->tickets) {
		struct front_ticket *ticket = CONTAINER_OF(place, struct front_ticket, of_link);

		if (refuse)
			link_server_refuse(front->server, link->id, ticket->stream);
		abandon(front, ticket);
	}
}
