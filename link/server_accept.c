/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet from nowhere. It is answered only if all of this holds, in this order:
 *
 *   size -> some key opens its envelope -> it is a first packet of QUIC v1 -> its token is of that key
 *        -> its time is within the window, and not before this relay's start -> it was not seen before
 *        -> limits
 *
 * State is made after that and not before; up to there a stranger costs one MAC for each key.
 */
#include "link/server_internal.h"

#include <string.h>

/* RFC 9000 14.1: so long is a packet that opens a connection, padding of its own included. */
#define INITIAL_LEN_MIN 1200

#define MS		UINT64_C(1000000)

/* What a key has to say about the packet. */
static enum link_drop try_key(const struct link_secrets *secrets, struct bytes payload,
			      struct quic_initial *initial, struct bytes *packet, uint64_t *utc_ms)
{
	if (envelope_open(secrets, payload, packet) != SOTTO_OK || packet->len < INITIAL_LEN_MIN)
		return LINK_DROP_ENVELOPE;
	if (quic_peek_initial(*packet, initial) != SOTTO_OK)
		return LINK_DROP_STRANGER;
	if (token_open(secrets, initial->dcid, initial->token, utc_ms) != SOTTO_OK)
		return LINK_DROP_TOKEN;
	return LINK_DROP_COUNT;
}

/* IPv4: the address; IPv6: the network of a household or host. */
static bool same_house(const struct link_address *a, const struct link_address *b)
{
	return memcmp(a->ip, b->ip, link_address_is_v4(a) ? 16 : 8) == 0;
}

static bool over_limits(const struct link_server *server, const struct link_path *path)
{
	uint32_t neighbours = 0;

	if (server->free_count == 0 || server->stats.half_open >= server->config.limits.half_open)
		return true;
	list_for_each (element, following, &server->half) {
		struct server_link *link = CONTAINER_OF(element, struct server_link, half);

		if (same_house(&link->first.remote, &path->remote))
			neighbours++;
	}
	return neighbours >= server->config.limits.half_open_address;
}

static enum link_drop judge(struct link_server *server, const struct link_path *path,
			    const uint8_t *tag, uint64_t token_ms, uint64_t now_ns, uint64_t utc_ms)
{
	uint64_t start_ns = server->config.start_ns;
	uint64_t up_ms = now_ns > start_ns ? (now_ns - start_ns) / MS : 0;

	if (token_ms > utc_ms ? token_ms - utc_ms > LINK_WINDOW_MS
			      : utc_ms - token_ms > LINK_WINDOW_MS)
		return LINK_DROP_WINDOW;
	/* The start by the clock of now: it may have been set since, either way. */
	if (up_ms <= utc_ms && token_ms < utc_ms - up_ms)
		return LINK_DROP_BEFORE_START;
	if (replay_seen(server->replay, tag, now_ns))
		return LINK_DROP_REPLAY;
	return over_limits(server, path) ? LINK_DROP_LIMIT : LINK_DROP_COUNT;
}

void server_accept(struct link_server *server, const struct link_path *path, struct bytes payload,
		   uint64_t now_ns, uint64_t utc_ms)
{
	enum link_drop why = LINK_DROP_ENVELOPE;
	struct quic_initial initial;
	struct server_link *link;
	struct bytes packet;
	uint8_t tag[TOKEN_TAG_LEN];
	uint64_t token_ms = 0;
	uint64_t id;
	size_t key;
	enum sotto_err err;

	for (key = 0; key < server->key_count; key++) {
		enum link_drop verdict =
			try_key(&server->keys[key], payload, &initial, &packet, &token_ms);

		if (verdict != LINK_DROP_ENVELOPE)
			why = verdict;
		if (verdict == LINK_DROP_COUNT)
			break;
	}
	if (why == LINK_DROP_COUNT) {
		memcpy(tag, initial.token.data + TOKEN_TAG_FROM, sizeof(tag));
		why = judge(server, path, tag, token_ms, now_ns, utc_ms);
	}
	if (why != LINK_DROP_COUNT) {
		server_drop(server, why);
		return;
	}
	err = server_link_create(server, path, &initial, key, now_ns, &link);
	if (err != SOTTO_OK) {
		server_drop(server, err == SOTTO_ERR_RANDOM ? LINK_DROP_RANDOM : LINK_DROP_MEMORY);
		return;
	}
	id = link->id;
	server_link_receive(link, path, packet, payload.len, now_ns);
	/*
	 * Only what opened with the Initial keys is remembered: otherwise whoever sees a phone's first
	 * packet could spoil it with a copy that differs behind the token and comes first.
	 */
	if (server_find(server, id))
		replay_remember(server->replay, tag, now_ns);
}
