/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay's program calls: packets to their links, and everything about one link by its number. */
#include "link/link_server.h"

#include <string.h>

#include "base/writer.h"
#include "link/server_internal.h"

#define MS UINT64_C(1000000)

const struct link_server_limits link_server_limits_default = {
	.links = 4096,
	.half_open = 1024,
	.half_open_address = 32,
	.streams = 64,
	.request_len = UINT32_C(1) << 20,
	.request_bytes = UINT32_C(4) << 20,
	.request_bytes_all = UINT32_C(256) << 20,
	.reply_bytes = UINT32_C(4) << 20,
	.replay_entries = UINT32_C(1) << 16,
};

enum sotto_err link_server_create(const struct link_server_config *config,
				  struct link_server **server)
{
	const struct allocator *allocator =
		config->allocator ? config->allocator : &allocator_default;
	uint32_t links = config->limits.links;
	struct link_server *made = NULL;
	enum sotto_err err;

	FAIL_IF(links == 0 || links > 0xffff || !config->limits.replay_entries || !config->random,
		SOTTO_ERR_ARGUMENT);
	made = allocator_take_zeroed(allocator, 1, sizeof(*made));
	FAIL_IF(!made, SOTTO_ERR_NO_MEMORY);
	made->config = *config;
	made->allocator = allocator;
	list_init(&made->dirty);
	list_init(&made->half);
	list_init(&made->goodbyes);
	made->links = allocator_take_zeroed(allocator, links, sizeof(made->links[0]));
	made->free_slots = allocator_take_zeroed(allocator, links, sizeof(made->free_slots[0]));
	FAIL_IF(!made->links || !made->free_slots, SOTTO_ERR_NO_MEMORY);
	for (uint32_t i = 0; i < links; i++)
		made->free_slots[made->free_count++] = links - 1 - i;
	TRY(envelope_padding_init(&made->padding, config->random));
	TRY(quic_tls_create(allocator, &made->tls));
	TRY(replay_create(allocator, config->limits.replay_entries, &made->replay));
	TRY(cid_map_init(&made->cids, allocator, config->random, links * SERVER_CIDS_PER_LINK));
	TRY(timers_init(&made->timers, allocator, links));
	*server = made;
	made = NULL;
out:
	link_server_destroy(made);
	return err;
}

void link_server_destroy(struct link_server *server)
{
	struct link_packet packet;

	if (!server)
		return;
	for (uint32_t i = 0; server->links && i < server->config.limits.links; i++) {
		if (server->links[i]) {
			server->links[i]->opened = false; /* no callback */
			server_link_destroy(server->links[i], LINK_REASON_CLOSED);
		}
	}
	while (!list_empty(&server->goodbyes))
		link_server_send(server, 0, &packet);
	if (server->timers.allocator)
		timers_finish(&server->timers);
	cid_map_finish(&server->cids);
	replay_destroy(server->replay);
	quic_tls_destroy(server->tls);
	allocator_give(server->allocator, server->links,
		       server->config.limits.links * sizeof(server->links[0]));
	allocator_give(server->allocator, server->free_slots,
		       server->config.limits.links * sizeof(server->free_slots[0]));
	allocator_wipe(server->allocator, server, sizeof(*server));
}

enum sotto_err link_server_set_keys(struct link_server *server, const struct link_key *live,
				    size_t live_count, const struct link_key *past,
				    size_t past_count)
{
	if (live_count > LINK_KEYS_LIVE_MAX || past_count > LINK_KEYS_PAST_MAX)
		return SOTTO_ERR_LIMIT;
	bytes_wipe(server->keys, sizeof(server->keys));
	for (size_t i = 0; i < live_count; i++)
		link_secrets_derive(&live[i], &server->keys[i]);
	for (size_t i = 0; i < past_count; i++)
		link_secrets_derive(&past[i], &server->keys[live_count + i]);
	server->live_count = live_count;
	server->key_count = live_count + past_count;
	return SOTTO_OK;
}

struct server_link *server_find(const struct link_server *server, uint64_t id)
{
	uint64_t slot = id & 0xffff;
	struct server_link *link;

	if (slot >= server->config.limits.links)
		return NULL;
	link = server->links[slot];
	return link && link->id == id ? link : NULL;
}

void server_drop(struct link_server *server, enum link_drop why)
{
	server->stats.drops[why]++;
}

void link_server_receive(struct link_server *server, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms)
{
	struct quic_header header;
	struct server_link *link;
	struct bytes packet;

	server->stats.packets_in++;
	if (payload.len < LINK_SMALL_LEN_MIN || payload.len > LINK_FULL_LEN) {
		server_drop(server, LINK_DROP_SIZE);
		return;
	}
	if (quic_peek(payload, &header) != SOTTO_OK) {
		server_drop(server, LINK_DROP_STRANGER);
		return;
	}
	link = cid_map_get(&server->cids, header.dcid);
	if (!link && header.is_long) {
		server_accept(server, path, payload, now_ns, utc_ms);
		return;
	}
	if (!link) {
		server_drop(server, LINK_DROP_STRANGER);
		return;
	}
	/* Nobody moves during a handshake (RFC 9000 9): this is a copy, sent by somebody else. */
	if (!link->opened && !link_address_equal(&path->remote, &link->first.remote)) {
		server_drop(server, LINK_DROP_ADDRESS);
		return;
	}
	if (envelope_open(quic_secrets(link->quic), payload, &packet) != SOTTO_OK) {
		server_drop(server, LINK_DROP_ENVELOPE);
		return;
	}
	server_link_receive(link, path, packet, payload.len, now_ns);
}

void server_goodbye(struct link_server *server, const struct link_packet *packet)
{
	struct server_goodbye *goodbye = allocator_take(server->allocator, sizeof(*goodbye));

	if (!goodbye)
		return; /* the phone notices by the silence */
	goodbye->packet = *packet;
	list_append(&server->goodbyes, &goodbye->node);
}

static bool send_goodbye(struct link_server *server, struct link_packet *out)
{
	struct server_goodbye *goodbye;

	if (list_empty(&server->goodbyes))
		return false;
	goodbye = CONTAINER_OF(server->goodbyes.next, struct server_goodbye, node);
	*out = goodbye->packet;
	list_remove(&goodbye->node);
	allocator_give(server->allocator, goodbye, sizeof(*goodbye));
	return true;
}

void link_server_send(struct link_server *server, uint64_t now_ns, struct link_packet *out)
{
	out->len = 0;
	if (send_goodbye(server, out)) {
		server->stats.packets_out++;
		return;
	}
	while (!list_empty(&server->dirty)) {
		struct server_link *link =
			CONTAINER_OF(server->dirty.next, struct server_link, dirty);
		enum link_reason reason = LINK_REASON_NONE;

		list_remove(&link->dirty);
		if (link->small_until && link->small_until <= now_ns) {
			link->small_until = 0;
			quic_set_small(link->quic, 0);
		}
		if (quic_write(link->quic, now_ns, out, &reason) != SOTTO_OK) {
			out->len = 0;
			server_link_destroy(link, reason);
			continue;
		}
		server_link_touch(link); /* to the end of the list: links take turns */
		if (out->len) {
			server->stats.packets_out++;
			return;
		}
	}
}

uint64_t link_server_deadline(const struct link_server *server)
{
	const struct timer *first = timers_first(&server->timers);

	return first ? first->at_ns : LINK_NEVER;
}

void link_server_handle_deadline(struct link_server *server, uint64_t now_ns)
{
	struct timer *first;

	/* Each comes once at most: what it then asks for is later, or is handled in the next call. */
	for (uint32_t left = server->timers.count; left > 0; left--) {
		first = timers_first(&server->timers);
		if (!first || first->at_ns > now_ns)
			return;
		server_link_expire(CONTAINER_OF(first, struct server_link, timer), now_ns);
	}
}

enum sotto_err link_server_proven(struct link_server *server, uint64_t id, const uint8_t *signature,
				  uint64_t utc_ms)
{
	struct server_link *link = server_find(server, id);
	uint8_t proof[8 + LINK_SIGNATURE_LEN];
	struct writer writer;
	int64_t stream;
	enum sotto_err err;

	FAIL_IF(!link || link->closing, SOTTO_ERR_NOT_FOUND);
	FAIL_IF(link->proven || !link->opened, SOTTO_ERR_STATE);
	writer_init_fixed(&writer, proof, sizeof(proof));
	writer_put_u64(&writer, utc_ms);
	writer_put_bytes(&writer, BYTES(signature, LINK_SIGNATURE_LEN));
	TRY(writer_finish(&writer));
	TRY(quic_stream_open(link->quic, false, &stream));
	TRY(quic_stream_put(link->quic, stream, BYTES_OF(proof), true));
	link->proven = true;
	server_link_touch(link);
out:
	return err;
}

enum sotto_err link_server_datagram(struct link_server *server, uint64_t id, struct bytes bytes,
				    uint64_t now_ns, struct link_packet *out)
{
	struct server_link *link = server_find(server, id);
	enum sotto_err err;

	out->len = 0;
	if (!link || link->closing)
		return SOTTO_ERR_NOT_FOUND;
	if (!link->proven)
		return SOTTO_ERR_STATE;
	if (link->busy)
		return SOTTO_ERR_AGAIN;
	err = quic_datagram(link->quic, bytes, now_ns, out);
	if (err == SOTTO_OK) {
		server->stats.datagrams_out++;
		server->stats.packets_out++;
	} else if (err == SOTTO_ERR_AGAIN) {
		server->stats.datagrams_refused++;
	}
	server_link_touch(link);
	return err;
}

void link_server_close(struct link_server *server, uint64_t id, uint64_t now_ns)
{
	struct server_link *link = server_find(server, id);

	if (link)
		server_link_close(link, now_ns);
}

enum sotto_err link_server_info(const struct link_server *server, uint64_t id,
				struct link_server_info *info)
{
	const struct server_link *link = server_find(server, id);
	const struct link_secrets *secrets;

	if (!link)
		return SOTTO_ERR_NOT_FOUND;
	secrets = quic_secrets(link->quic);
	*info = (struct link_server_info){
		.kind = secrets->kind,
		.number = secrets->number,
		.past = link->past,
		.proven = link->proven,
	};
	quic_path(link->quic, &info->path);
	return SOTTO_OK;
}

enum sotto_err link_server_exporter(const struct link_server *server, uint64_t id,
				    uint8_t *exporter)
{
	const struct server_link *link = server_find(server, id);

	return link ? quic_exporter(link->quic, exporter) : SOTTO_ERR_NOT_FOUND;
}

void link_server_stats(const struct link_server *server, struct link_server_stats *stats)
{
	*stats = server->stats;
	stats->replay_entries = replay_count(server->replay);
	for (uint32_t i = 0; i < server->config.limits.links; i++) {
		if (server->links[i])
			stats->reply_bytes += quic_unacked(server->links[i]->quic);
	}
}

const char *link_drop_text(enum link_drop drop)
{
	static const char *const texts[LINK_DROP_COUNT] = {
		[LINK_DROP_SIZE] = "size",	     [LINK_DROP_STRANGER] = "stranger",
		[LINK_DROP_ENVELOPE] = "envelope",   [LINK_DROP_TOKEN] = "token",
		[LINK_DROP_WINDOW] = "window",	     [LINK_DROP_BEFORE_START] = "before_start",
		[LINK_DROP_REPLAY] = "replay",	     [LINK_DROP_LIMIT] = "limit",
		[LINK_DROP_HANDSHAKE] = "handshake", [LINK_DROP_ADDRESS] = "address",
		[LINK_DROP_RANDOM] = "random",	     [LINK_DROP_MEMORY] = "memory",
	};

	return (unsigned)drop < LINK_DROP_COUNT ? texts[drop] : "unknown";
}
