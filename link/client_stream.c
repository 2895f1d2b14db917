/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's requests and the replies to them. */
#include "link/client_internal.h"

static struct client_request *find_stream(const struct link_client *client, int64_t stream)
{
	list_for_each (element, following, &client->requests) {
		struct client_request *request = CONTAINER_OF(element, struct client_request, node);

		if (request->stream == stream)
			return request;
	}
	return NULL;
}

static struct client_request *find_number(const struct link_client *client, uint64_t number)
{
	list_for_each (element, following, &client->requests) {
		struct client_request *request = CONTAINER_OF(element, struct client_request, node);

		if (request->number == number)
			return request;
	}
	return NULL;
}

static void forget(struct link_client *client, struct client_request *request)
{
	list_remove(&request->node);
	client->request_count--;
	allocator_give(client->allocator, request, sizeof(*request));
}

enum sotto_err client_stream_receive(struct link_client *client, int64_t stream, struct bytes bytes,
				     bool fin)
{
	const struct link_client_events *events = &client->config.events;
	struct client_request *request = find_stream(client, stream);

	if (!request || request->finished) {
		quic_consume(client->up->quic, -1, bytes.len);
		return SOTTO_OK;
	}
	request->finished = fin;
	events->on_reply(events->context, request->number, bytes, fin);
	return SOTTO_OK;
}

void client_stream_closed(struct link_client *client, int64_t stream, bool reset)
{
	const struct link_client_events *events = &client->config.events;
	struct client_request *request = find_stream(client, stream);
	uint64_t number;
	bool finished;

	(void)reset; /* what matters is whether the reply was whole */
	if (!request)
		return;
	number = request->number;
	finished = request->finished;
	forget(client, request);
	if (!finished)
		events->on_end(events->context, number, LINK_STREAM_REFUSED);
}

void client_streams_lose(struct link_client *client)
{
	const struct link_client_events *events = &client->config.events;

	while (!list_empty(&client->requests)) {
		struct client_request *request =
			CONTAINER_OF(client->requests.next, struct client_request, node);
		uint64_t number = request->number;
		bool finished = request->finished;

		forget(client, request);
		if (!finished)
			events->on_end(events->context, number, LINK_STREAM_LOST);
	}
	client->wants_room = false;
}

/* A request weighs its whole length until the relay has all of it: so much the relay may have to hold. */
static bool has_room(const struct link_client *client, size_t len)
{
	size_t weight = len;

	if (client->request_count >= LINK_CLIENT_REQUESTS_MAX)
		return false;
	list_for_each (element, following, &client->requests) {
		struct client_request *request = CONTAINER_OF(element, struct client_request, node);

		if (quic_stream_unacked(client->up->quic, request->stream))
			weight += request->len;
	}
	return weight <= LINK_CLIENT_UNSENT_MAX;
}

void client_stream_room(struct link_client *client)
{
	const struct link_client_events *events = &client->config.events;

	if (!client->wants_room || !has_room(client, LINK_CLIENT_REQUEST_LEN))
		return;
	client->wants_room = false;
	events->on_room(events->context);
}

enum sotto_err link_client_request(struct link_client *client, struct bytes bytes, uint64_t *number)
{
	struct client_request *request = NULL;
	struct quic *quic;
	int64_t stream = -1;
	enum sotto_err err;

	FAIL_IF(client->state != LINK_CLIENT_UP, SOTTO_ERR_STATE);
	FAIL_IF(bytes.len > LINK_CLIENT_REQUEST_LEN, SOTTO_ERR_LIMIT);
	quic = client->up->quic;
	FAIL_IF(!has_room(client, bytes.len), SOTTO_ERR_AGAIN);
	request = allocator_take_zeroed(client->allocator, 1, sizeof(*request));
	FAIL_IF(!request, SOTTO_ERR_NO_MEMORY);
	TRY(quic_stream_open(quic, true, &stream));
	TRY(quic_stream_put(quic, stream, bytes, true));
	request->number = ++client->numbers;
	request->stream = stream;
	request->len = bytes.len;
	list_append(&client->requests, &request->node);
	client->request_count++;
	*number = request->number;
	request = NULL;
out:
	if (request && stream >= 0)
		quic_stream_reset(client->up->quic, stream, QUIC_STREAM_CANCELLED);
	allocator_give(client->allocator, request, sizeof(*request));
	if (err == SOTTO_ERR_AGAIN)
		client->wants_room = true;
	return err;
}

void link_client_cancel(struct link_client *client, uint64_t number)
{
	struct client_request *request = find_number(client, number);

	if (!request)
		return;
	if (client->up)
		quic_stream_reset(client->up->quic, request->stream, QUIC_STREAM_CANCELLED);
	forget(client, request);
}

void link_client_consume(struct link_client *client, uint64_t number, size_t len)
{
	struct client_request *request = find_number(client, number);

	/* What a link that has gone delivered is not this one's credit. */
	if (client->up && number >= client->first_number)
		quic_consume(client->up->quic, request ? request->stream : -1, len);
}
