/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's end of message-level links, under the names of link/link_server.h. What the released one does to
 * packets is left out; what it promises to the relay is kept: silence to whoever has no key or a wrong clock,
 * limits of streams and of replies that wait, links that go without a word and are forgotten after 30 s.
 */
#include <string.h>

#include "base/assert.h"
#include "sim/line_message.h"

const struct link_server_limits link_server_limits_default = {
	.links = 4096,
	.streams = SIM_STREAMS_MAX,
	.reply_bytes = UINT32_C(4) << 20,
};

#define BUCKETS 1024

struct link_server {
	struct link_server_config config;
	const struct allocator *allocator;
	struct list sessions;
	struct list by_id[BUCKETS];
	size_t gone; /* sessions whose phone went without a word */
	struct link_key keys[LINK_KEYS_LIVE_MAX + LINK_KEYS_PAST_MAX];
	size_t live_count, key_count;
	uint64_t now_ns;
	struct link_server_stats stats;
};

enum sotto_err link_server_create(const struct link_server_config *config,
				  struct link_server **server)
{
	const struct allocator *allocator =
		config->allocator == NULL ? &allocator_default : config->allocator;
	struct link_server *created = allocator_take_zeroed(allocator, 1, sizeof(*created));

	if (created == NULL)
		return SOTTO_ERR_NO_MEMORY;
	created->allocator = allocator;
	created->config = *config;
	created->now_ns = config->start_ns;
	list_init(&created->sessions);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&created->by_id[i]);
	*server = created;
	return SOTTO_OK;
}

static void session_free(struct link_server *server, struct sim_session *session)
{
	if (session->line != NULL)
		sim_line_orphan(session->line);
	else
		server->gone--;
	list_remove(&session->list);
	list_remove(&session->by_id);
	allocator_wipe(server->allocator, session, sizeof(*session));
}

void link_server_destroy(struct link_server *server)
{
	if (server == NULL)
		return;
	list_for_each (element, following, &server->sessions)
		session_free(server, CONTAINER_OF(element, struct sim_session, list));
	allocator_wipe(server->allocator, server, sizeof(*server));
}

enum sotto_err link_server_set_keys(struct link_server *server, const struct link_key *live,
				    size_t live_count, const struct link_key *past,
				    size_t past_count)
{
	if (live_count > LINK_KEYS_LIVE_MAX || past_count > LINK_KEYS_PAST_MAX)
		return SOTTO_ERR_LIMIT;
	server->live_count = live_count;
	server->key_count = live_count + past_count;
	if (live_count > 0)
		memcpy(server->keys, live, live_count * sizeof(*live));
	if (past_count > 0)
		memcpy(server->keys + live_count, past, past_count * sizeof(*past));
	return SOTTO_OK;
}

static struct sim_session *session_find(const struct link_server *server, uint64_t id)
{
	list_for_each (element, following, &server->by_id[id % BUCKETS]) {
		struct sim_session *session = CONTAINER_OF(element, struct sim_session, by_id);

		if (session->id == id)
			return session;
	}
	return NULL;
}

static struct sim_stream *stream_find(struct sim_session *session, uint64_t stream)
{
	for (size_t i = 0; i < SIM_STREAMS_MAX; i++) {
		if (session->streams[i].stream == stream)
			return &session->streams[i];
	}
	return NULL;
}

static void session_end(struct link_server *server, struct sim_session *session,
			enum link_reason reason)
{
	uint64_t id = session->id;

	server->stats.closed++;
	server->stats.links--;
	session_free(server, session);
	server->config.events.on_close(server->config.events.context, id, reason);
}

/* The first of the phone's keys that is one of ours. */
static const struct link_key *key_match(const struct link_server *server,
					const struct sim_line *line)
{
	for (size_t i = 0; i < line->key_count; i++) {
		for (size_t k = 0; k < server->key_count; k++) {
			const struct link_key *ours = &server->keys[k];

			if (ours->kind == line->keys[i].kind &&
			    ours->number == line->keys[i].number &&
			    bytes_equal_ct(ours->secret, line->keys[i].secret, LINK_SECRET_LEN))
				return ours;
		}
	}
	return NULL;
}

static void hello_receive(struct link_server *server, const struct sim_parcel *parcel,
			  uint64_t utc_ms)
{
	struct sim_line *line = parcel->line;
	const struct link_key *key = key_match(server, line);
	struct sim_session *session;
	uint64_t said_ms;

	memcpy(&said_ms, parcel->data, sizeof(said_ms));
	if (key == NULL || said_ms > utc_ms + LINK_WINDOW_MS || utc_ms > said_ms + LINK_WINDOW_MS ||
	    server->stats.links == server->config.limits.links)
		return;
	session = allocator_take_zeroed(server->allocator, 1, sizeof(*session));
	if (session == NULL ||
	    random_fill(server->config.random, session->exporter, LINK_EXPORTER_LEN) != SOTTO_OK) {
		allocator_give(server->allocator, session, sizeof(*session));
		return;
	}
	session->server = server;
	session->line = line;
	session->id = ++line->hub->sessions;
	session->kind = key->kind;
	session->number = key->number;
	session->past = (size_t)(key - server->keys) >= server->live_count;
	list_append(&server->sessions, &session->list);
	list_append(&server->by_id[session->id % BUCKETS], &session->by_id);
	server->stats.links++;
	server->stats.handshakes++;
	line->session = session;
	line->session_id = session->id;
	server->config.events.on_open(server->config.events.context, session->id);
	server->config.events.on_prove(server->config.events.context, session->id,
				       session->exporter);
}

static void request_receive(struct link_server *server, struct sim_session *session,
			    const struct sim_parcel *parcel)
{
	struct sim_stream *place = stream_find(session, 0);

	if (!session->proven)
		return;
	if (place == NULL || parcel->len > server->config.limits.request_len) {
		server->stats.requests_refused++;
		sim_line_send(session->line, SIM_PARCEL_REFUSED, parcel->stream, true, BYTES_NONE,
			      NULL);
		return;
	}
	*place = (struct sim_stream){.stream = parcel->stream};
	server->config.events.on_request(server->config.events.context, session->id, parcel->stream,
					 BYTES(parcel->data, parcel->len));
}

static void parcel_receive(struct link_server *server, struct sim_session *session,
			   const struct sim_parcel *parcel)
{
	struct sim_stream *stream;

	switch (parcel->kind) {
	case SIM_PARCEL_REQUEST:
		request_receive(server, session, parcel);
		break;
	case SIM_PARCEL_CANCEL:
		stream = stream_find(session, parcel->stream);
		if (stream == NULL)
			break;
		*stream = (struct sim_stream){0};
		server->config.events.on_stream_end(server->config.events.context, session->id,
						    parcel->stream);
		break;
	case SIM_PARCEL_GOODBYE:
		session_end(server, session, LINK_REASON_PEER_CLOSED);
		break;
	case SIM_PARCEL_ROOM:
		server->config.events.on_room(server->config.events.context, session->id);
		break;
	case SIM_PARCEL_HELLO:
	case SIM_PARCEL_PROOF:
	case SIM_PARCEL_REPLY:
	case SIM_PARCEL_REFUSED:
	case SIM_PARCEL_CLOSED:
		break;
	}
}

void link_server_receive(struct link_server *server, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms)
{
	const struct sim_parcel *parcel;
	struct sim_session *session;

	(void)path;
	ASSERT(payload.len == sizeof(parcel));
	memcpy(&parcel, payload.data, sizeof(parcel));
	server->now_ns = now_ns;
	if (parcel->kind == SIM_PARCEL_HELLO) {
		hello_receive(server, parcel, utc_ms);
		return;
	}
	session = session_find(server, parcel->session);
	if (session != NULL && (session->line != NULL || parcel->kind == SIM_PARCEL_GOODBYE))
		parcel_receive(server, session, parcel);
}

void link_server_send(struct link_server *server, uint64_t now_ns, struct link_packet *out)
{
	server->now_ns = now_ns;
	out->len = 0;
}

void sim_session_gone(struct sim_session *session, uint64_t now_ns)
{
	session->line = NULL;
	session->gone_ns = now_ns;
	session->server->gone++;
}

static uint64_t gone_at(const struct sim_session *session)
{
	return session->line != NULL ? LINK_NEVER
				     : session->gone_ns + LINK_IDLE_MS * SIM_MILLISECOND;
}

uint64_t link_server_deadline(const struct link_server *server)
{
	uint64_t due = LINK_NEVER;

	if (server->gone == 0)
		return due;
	list_for_each (element, following, &server->sessions) {
		uint64_t at = gone_at(CONTAINER_OF(element, struct sim_session, list));

		due = at < due ? at : due;
	}
	return due;
}

void link_server_handle_deadline(struct link_server *server, uint64_t now_ns)
{
	server->now_ns = now_ns;
	list_for_each (element, following, &server->sessions) {
		struct sim_session *session = CONTAINER_OF(element, struct sim_session, list);

		if (gone_at(session) <= now_ns) {
			server->stats.lost++;
			session_end(server, session, LINK_REASON_IDLE);
		}
	}
}

enum sotto_err link_server_proven(struct link_server *server, uint64_t link,
				  const uint8_t *signature, uint64_t utc_ms)
{
	struct sim_session *session = session_find(server, link);
	struct sim_proof proof = {.utc_ms = utc_ms};

	if (session == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (session->proven)
		return SOTTO_ERR_STATE;
	session->proven = true;
	memcpy(proof.signature, signature, sizeof(proof.signature));
	memcpy(proof.exporter, session->exporter, sizeof(proof.exporter));
	proof.kind = session->kind;
	proof.number = session->number;
	if (session->line != NULL)
		sim_line_send(session->line, SIM_PARCEL_PROOF, 0, false,
			      BYTES(&proof, sizeof(proof)), NULL);
	return SOTTO_OK;
}

enum sotto_err link_server_reply(struct link_server *server, uint64_t link, uint64_t stream,
				 struct bytes bytes, bool fin)
{
	struct sim_session *session = session_find(server, link);
	struct sim_stream *place = session == NULL ? NULL : stream_find(session, stream);

	if (place == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (session->waiting > 0 &&
	    session->waiting + bytes.len > server->config.limits.reply_bytes) {
		session->room_wanted = true;
		return SOTTO_ERR_AGAIN;
	}
	if ((stream & SIM_STREAM_AGAIN) == 0 && session->line != NULL) {
		session->waiting += bytes.len;
		sim_line_send(session->line, SIM_PARCEL_REPLY, stream, fin, bytes, &place->last_ns);
	}
	if (fin)
		*place = (struct sim_stream){0};
	return SOTTO_OK;
}

void link_server_refuse(struct link_server *server, uint64_t link, uint64_t stream)
{
	struct sim_session *session = session_find(server, link);
	struct sim_stream *place = session == NULL ? NULL : stream_find(session, stream);

	if (place == NULL)
		return;
	if (session->line != NULL)
		sim_line_send(session->line, SIM_PARCEL_REFUSED, stream, true, BYTES_NONE,
			      &place->last_ns);
	*place = (struct sim_stream){0};
}

/* Voice is tested at the level of packets. */
enum sotto_err link_server_datagram(struct link_server *server, uint64_t link, struct bytes bytes,
				    uint64_t now_ns, struct link_packet *out)
{
	(void)bytes;
	(void)now_ns;
	out->len = 0;
	return session_find(server, link) == NULL ? SOTTO_ERR_NOT_FOUND : SOTTO_ERR_AGAIN;
}

void link_server_close(struct link_server *server, uint64_t link, uint64_t now_ns)
{
	struct sim_session *session = session_find(server, link);

	server->now_ns = now_ns;
	if (session == NULL)
		return;
	if (session->line != NULL)
		sim_line_send(session->line, SIM_PARCEL_CLOSED, 0, true, BYTES_NONE, NULL);
	session_end(server, session, LINK_REASON_CLOSED);
}

enum sotto_err link_server_info(const struct link_server *server, uint64_t link,
				struct link_server_info *info)
{
	const struct sim_session *session = session_find(server, link);

	if (session == NULL)
		return SOTTO_ERR_NOT_FOUND;
	*info = (struct link_server_info){.kind = session->kind,
					  .number = session->number,
					  .past = session->past,
					  .proven = session->proven};
	return SOTTO_OK;
}

enum sotto_err link_server_exporter(const struct link_server *server, uint64_t link,
				    uint8_t *exporter)
{
	const struct sim_session *session = session_find(server, link);

	if (session == NULL)
		return SOTTO_ERR_NOT_FOUND;
	memcpy(exporter, session->exporter, LINK_EXPORTER_LEN);
	return SOTTO_OK;
}

void link_server_stats(const struct link_server *server, struct link_server_stats *stats)
{
	*stats = server->stats;
}

/* This connection has no reasons of its own to drop a packet. */
const char *link_drop_text(enum link_drop drop)
{
	(void)drop;
	return "silence";
}
