/* SPDX-License-Identifier: Apache-2.0 */
/* One link on the relay: from its first packet to its end. */
#include "link/server_internal.h"

#include <string.h>

#define TICK_NS UINT64_C(1000000) /* deadlines are rounded up, so that many links share a wake-up */
#define MS	UINT64_C(1000000)

/* A phone sends one proof's worth of nothing: it has no business opening one-way streams. */
#define STREAMS_UNI 0

static void on_handshake(void *context)
{
	((struct server_link *)context)->handshaken = true;
}

static enum sotto_err on_stream(void *context, int64_t stream, struct bytes bytes, bool fin)
{
	struct server_link *link = context;

	/* A phone asks for nothing before it knows whom: this one is not a phone of ours. */
	if (!link->proven)
		return SOTTO_ERR_STATE;
	return server_stream_receive(link, stream, bytes, fin);
}

static void on_stream_closed(void *context, int64_t stream, bool reset)
{
	(void)reset;
	server_stream_closed(context, stream);
}

static void on_datagram(void *context, struct bytes bytes)
{
	struct server_link *link = context;
	const struct link_server_events *events = &link->server->config.events;

	if (!link->proven)
		return;
	if (link->payload_len >= LINK_SMALL_LEN_MIN && link->payload_len <= LINK_SMALL_LEN_MAX) {
		link->small_until = link->now_ns + LINK_SMALL_LINGER_MS * MS;
		quic_set_small(link->quic, link->payload_len);
	}
	link->server->stats.datagrams_in++;
	events->on_datagram(events->context, link->id, bytes);
}

static bool on_cid(void *context, const uint8_t *cid)
{
	struct server_link *link = context;

	return cid_map_put(&link->server->cids, cid, link, &link->cids);
}

static void on_cid_retired(void *context, const uint8_t *cid)
{
	struct server_link *link = context;

	cid_map_remove(&link->server->cids, cid, link);
}

static const struct quic_events quic_events = {
	.on_handshake = on_handshake,
	.on_stream = on_stream,
	.on_stream_closed = on_stream_closed,
	.on_datagram = on_datagram,
	.on_cid = on_cid,
	.on_cid_retired = on_cid_retired,
};

static void unhook(struct server_link *link)
{
	struct link_server *server = link->server;
	uint32_t slot = (uint32_t)(link->id & 0xffff);

	server_streams_clear(link);
	cid_map_remove_all(&server->cids, &link->cids);
	timers_set(&server->timers, &link->timer, UINT64_MAX);
	list_remove(&link->dirty);
	if (!list_empty(&link->half)) {
		list_remove(&link->half);
		server->stats.half_open--;
	}
	server->links[slot] = NULL;
	server->free_slots[server->free_count++] = slot;
	quic_destroy(link->quic);
	allocator_wipe(server->allocator, link, sizeof(*link));
}

enum sotto_err server_link_create(struct link_server *server, const struct link_path *path,
				  const struct quic_initial *initial, size_t key, uint64_t now_ns,
				  struct server_link **link)
{
	struct server_link *made = allocator_take_zeroed(server->allocator, 1, sizeof(*made));
	struct quic_config config = {
		.allocator = server->allocator,
		.random = server->config.random,
		.tls = server->tls,
		.padding = &server->padding,
		.secrets = &server->keys[key],
		.events = &quic_events,
		.context = made,
		.path = *path,
		.now_ns = now_ns,
		.streams_bidi = server->config.limits.streams,
		.streams_uni = STREAMS_UNI,
		.window_stream = server->config.limits.request_len,
		.window_all = server->config.limits.request_bytes,
	};
	uint32_t slot;
	enum sotto_err err;

	if (!made)
		return SOTTO_ERR_NO_MEMORY;
	ASSERT(server->free_count > 0);
	slot = server->free_slots[--server->free_count];
	made->server = server;
	made->id = ++server->serial << 16 | slot;
	made->first = *path;
	made->past = key >= server->live_count;
	made->timer.index = TIMER_IDLE;
	memcpy(made->first_dcid, initial->dcid, sizeof(made->first_dcid));
	list_init(&made->dirty);
	list_init(&made->streams);
	list_init(&made->cids);
	list_append(&server->half, &made->half);
	server->stats.half_open++;
	server->links[slot] = made;
	FAIL_IF(!cid_map_put(&server->cids, initial->dcid, made, &made->cids), SOTTO_ERR_NO_MEMORY);
	TRY(quic_create_server(&config, initial, &made->quic));
	*link = made;
	made = NULL;
out:
	if (made)
		unhook(made);
	return err;
}

void server_link_destroy(struct server_link *link, enum link_reason reason)
{
	struct link_server *server = link->server;
	const struct link_server_events *events = &server->config.events;
	uint64_t id = link->id;
	bool opened = link->opened;

	ASSERT(!link->busy);
	if (opened) {
		server->stats.links--;
		server->stats.closed++;
		if (reason == LINK_REASON_IDLE)
			server->stats.lost++;
	} else {
		server_drop(server, reason == LINK_REASON_RANDOM      ? LINK_DROP_RANDOM
				    : reason == LINK_REASON_NO_MEMORY ? LINK_DROP_MEMORY
								      : LINK_DROP_HANDSHAKE);
	}
	unhook(link);
	if (opened)
		events->on_close(events->context, id, reason);
}

void server_link_close(struct server_link *link, uint64_t now_ns)
{
	struct link_packet packet;

	if (link->busy) {
		link->closing = true;
		return;
	}
	quic_close(link->quic, now_ns, &packet);
	if (packet.len)
		server_goodbye(link->server, &packet);
	server_link_destroy(link, LINK_REASON_CLOSED);
}

void server_link_touch(struct server_link *link)
{
	struct link_server *server = link->server;
	uint64_t at_ns = quic_deadline(link->quic);

	if (at_ns < UINT64_MAX - TICK_NS)
		at_ns = (at_ns + TICK_NS - 1) / TICK_NS * TICK_NS;
	timers_set(&server->timers, &link->timer, at_ns);
	if (quic_wants_write(link->quic) && list_empty(&link->dirty))
		list_append(&server->dirty, &link->dirty);
}

/* The handshake is over: it is a link. The program may close it at once. */
static void open_link(struct server_link *link)
{
	struct link_server *server = link->server;
	const struct link_server_events *events = &server->config.events;
	uint8_t exporter[LINK_EXPORTER_LEN];

	link->opened = true;
	list_remove(&link->half);
	server->stats.half_open--;
	server->stats.links++;
	server->stats.handshakes++;
	cid_map_remove(&server->cids, link->first_dcid, link);
	link->busy = true;
	events->on_open(events->context, link->id);
	if (!link->closing && quic_exporter(link->quic, exporter) == SOTTO_OK)
		events->on_prove(events->context, link->id, exporter);
	link->busy = false;
	bytes_wipe(exporter, sizeof(exporter));
}

/* After anything that its quic did. */
static void settle(struct server_link *link, enum sotto_err err, enum link_reason reason,
		   uint64_t now_ns)
{
	if (err != SOTTO_OK) {
		server_link_destroy(link, reason);
		return;
	}
	if (link->handshaken && !link->opened)
		open_link(link);
	if (link->closing) {
		server_link_close(link, now_ns);
		return;
	}
	server_stream_room(link);
	if (link->closing)
		server_link_close(link, now_ns);
	else
		server_link_touch(link);
}

void server_link_receive(struct server_link *link, const struct link_path *path,
			 struct bytes packet, size_t payload_len, uint64_t now_ns)
{
	enum link_reason reason = LINK_REASON_NONE;
	enum sotto_err err;

	link->payload_len = payload_len;
	link->now_ns = now_ns;
	link->busy = true;
	err = quic_receive(link->quic, path, packet, payload_len, now_ns, &reason);
	link->busy = false;
	settle(link, err, reason, now_ns);
}

void server_link_expire(struct server_link *link, uint64_t now_ns)
{
	enum link_reason reason = LINK_REASON_NONE;
	enum sotto_err err;

	link->now_ns = now_ns;
	link->busy = true;
	err = quic_expire(link->quic, now_ns, &reason);
	link->busy = false;
	settle(link, err, reason, now_ns);
}
