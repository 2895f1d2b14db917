/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies on the relay. A request is collected whole within three limits: its own length
 * and the link's sum by QUIC's flow control, the sum of all links by refusing. A reply is copied
 * and lent to QUIC until the phone has it; a link that has too much of that waiting takes no more.
 */
#include "link/server_internal.h"

#include <string.h>

#define GROW_MIN 1024

struct server_stream *server_stream_find(const struct server_link *link, int64_t id)
{
	list_for_each (element, following, &link->streams) {
		struct server_stream *stream = CONTAINER_OF(element, struct server_stream, node);

		if (stream->id == id)
			return stream;
	}
	return NULL;
}

/* Gives the phone credit for what is not held any more. */
static void let_go(struct server_link *link, struct server_stream *stream)
{
	struct link_server *server = link->server;

	allocator_wipe(server->allocator, stream->data, stream->capacity);
	link->request_bytes -= stream->len;
	server->stats.request_bytes -= stream->len;
	if (link->quic)
		quic_consume(link->quic, -1, stream->len);
	stream->data = NULL;
	stream->len = 0;
	stream->capacity = 0;
}

static bool grow(struct server_link *link, struct server_stream *stream, size_t more)
{
	const struct allocator *allocator = link->server->allocator;
	size_t capacity = stream->capacity ? stream->capacity : GROW_MIN;
	uint8_t *data;

	while (capacity < stream->len + more)
		capacity *= 2;
	if (capacity == stream->capacity)
		return true;
	data = allocator_take(allocator, capacity);
	if (!data)
		return false;
	if (stream->len)
		memcpy(data, stream->data, stream->len);
	allocator_wipe(allocator, stream->data, stream->capacity);
	stream->data = data;
	stream->capacity = capacity;
	return true;
}

static struct server_stream *stream_create(struct server_link *link, int64_t id)
{
	struct server_stream *stream =
		allocator_take_zeroed(link->server->allocator, 1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->id = id;
	list_append(&link->streams, &stream->node);
	return stream;
}

static void stream_destroy(struct server_link *link, struct server_stream *stream)
{
	let_go(link, stream);
	list_remove(&stream->node);
	allocator_give(link->server->allocator, stream, sizeof(*stream));
}

static void refuse(struct server_link *link, struct server_stream *stream)
{
	stream->refused = true;
	let_go(link, stream);
	quic_stream_reset(link->quic, stream->id, QUIC_STREAM_REFUSED);
}

static void hand_over(struct server_link *link, struct server_stream *stream)
{
	const struct link_server_events *events = &link->server->config.events;

	stream->handed_over = true;
	events->on_request(events->context, link->id, (uint64_t)stream->id,
			   BYTES(stream->data, stream->len));
	let_go(link, stream);
}

enum sotto_err server_stream_receive(struct server_link *link, int64_t id, struct bytes bytes,
				     bool fin)
{
	struct link_server *server = link->server;
	struct server_stream *stream = server_stream_find(link, id);

	if (!stream)
		stream = stream_create(link, id);
	if (!stream)
		return SOTTO_ERR_NO_MEMORY;
	if (stream->refused || stream->handed_over) {
		quic_consume(link->quic, -1, bytes.len);
		return SOTTO_OK;
	}
	if (server->stats.request_bytes + bytes.len > server->config.limits.request_bytes_all ||
	    !grow(link, stream, bytes.len)) {
		server->stats.requests_refused++;
		quic_consume(link->quic, -1, bytes.len);
		refuse(link, stream);
		return SOTTO_OK;
	}
	if (bytes.len)
		memcpy(stream->data + stream->len, bytes.data, bytes.len);
	stream->len += bytes.len;
	link->request_bytes += bytes.len;
	server->stats.request_bytes += bytes.len;
	if (fin)
		hand_over(link, stream);
	return SOTTO_OK;
}

void server_stream_closed(struct server_link *link, int64_t id)
{
	const struct link_server_events *events = &link->server->config.events;
	struct server_stream *stream = server_stream_find(link, id);
	bool known = stream && stream->handed_over && !stream->refused;

	if ((id & 3) != 0)
		return; /* the proof's */
	if (stream)
		stream_destroy(link, stream);
	quic_allow_stream(link->quic);
	if (known)
		events->on_stream_end(events->context, link->id, (uint64_t)id);
}

void server_streams_clear(struct server_link *link)
{
	while (!list_empty(&link->streams))
		stream_destroy(link, CONTAINER_OF(link->streams.next, struct server_stream, node));
}

void server_stream_room(struct server_link *link)
{
	struct link_server *server = link->server;
	const struct link_server_events *events = &server->config.events;

	if (!link->wants_room || quic_unacked(link->quic) > server->config.limits.reply_bytes / 2)
		return;
	link->wants_room = false;
	link->busy = true;
	events->on_room(events->context, link->id);
	link->busy = false;
}

enum sotto_err link_server_reply(struct link_server *server, uint64_t id, uint64_t stream_id,
				 struct bytes bytes, bool fin)
{
	struct server_link *link = server_find(server, id);
	struct server_stream *stream;
	size_t waiting;
	enum sotto_err err;

	if (!link || link->closing)
		return SOTTO_ERR_NOT_FOUND;
	stream = server_stream_find(link, (int64_t)stream_id);
	if (!stream || !stream->handed_over || stream->refused)
		return SOTTO_ERR_NOT_FOUND;
	if (stream->replied)
		return SOTTO_ERR_STATE;
	waiting = quic_unacked(link->quic);
	if (waiting && waiting + bytes.len > server->config.limits.reply_bytes) {
		link->wants_room = true;
		return SOTTO_ERR_AGAIN;
	}
	err = quic_stream_put(link->quic, (int64_t)stream_id, bytes, fin);
	if (err != SOTTO_OK)
		return err;
	stream->replied = fin;
	server_link_touch(link);
	return SOTTO_OK;
}

void link_server_refuse(struct link_server *server, uint64_t id, uint64_t stream_id)
{
	struct server_link *link = server_find(server, id);
	struct server_stream *stream;

	if (!link || link->closing)
		return;
	stream = server_stream_find(link, (int64_t)stream_id);
	if (!stream || stream->refused)
		return;
	server->stats.requests_refused++;
	stream->refused = true;
	quic_stream_reset(link->quic, stream->id, QUIC_STREAM_REFUSED);
	server_link_touch(link);
}
