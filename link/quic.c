/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One QUIC connection: making it, and what arrives on it.
 *
 * Nothing is ever said to a peer who has not shown the key: an error before the end of the handshake is
 * silence. After it too: quic_close says goodbye, nothing else does.
 */
#include "link/quic.h"

#include <string.h>

#include "base/assert.h"
#include "link/quic_internal.h"

void quic_path_init(struct quic_path *path)
{
	memset(path, 0, sizeof(*path));
	path->end.sin6_family = AF_INET6;
	path->path.local.addr = (ngtcp2_sockaddr *)&path->end;
	path->path.local.addrlen = sizeof(path->end);
	path->path.remote = path->path.local;
}

enum sotto_err quic_peek(struct bytes payload, struct quic_header *header)
{
	ngtcp2_version_cid ids;

	if (payload.len == 0 ||
	    ngtcp2_pkt_decode_version_cid(&ids, payload.data, payload.len, LINK_CID_LEN) != 0 ||
	    ids.dcidlen != LINK_CID_LEN)
		return SOTTO_ERR_FORMAT;
	header->is_long = payload.data[0] & 0x80;
	if (header->is_long && ids.version != NGTCP2_PROTO_VER_V1)
		return SOTTO_ERR_VERSION;
	/* Version negotiation (version 0) is refused above; a Retry would change the Initial keys. */
	if (header->is_long && (payload.data[0] & 0x30) == 0x30)
		return SOTTO_ERR_FORMAT;
	memcpy(header->dcid, ids.dcid, LINK_CID_LEN);
	return SOTTO_OK;
}

enum sotto_err quic_peek_initial(struct bytes packet, struct quic_initial *initial)
{
	ngtcp2_pkt_hd header;

	if (ngtcp2_accept(&header, packet.data, packet.len) != 0 ||
	    header.dcid.datalen != LINK_CID_LEN || header.scid.datalen != LINK_CID_LEN)
		return SOTTO_ERR_FORMAT;
	memcpy(initial->dcid, header.dcid.data, LINK_CID_LEN);
	memcpy(initial->scid, header.scid.data, LINK_CID_LEN);
	initial->token = BYTES(header.token.base, header.token.len);
	return SOTTO_OK;
}

/*
 * What the congestion controller counts in; packets themselves are bounded by the room that quic_write
 * gives them. RFC 9002 7.2 lets the window shrink to two of these: with 1,230 that is less than a
 * call of 76 kbit/s has in flight at 300 ms, and a fifth of the voice would be refused at 10 % loss. A
 * call's rate is constant and known to be small, so two packets' worth is the unit here.
 */
#define CONGESTION_UNIT (2 * (LINK_FULL_LEN - ENVELOPE_OVERHEAD))

static void settings_init(struct quic *quic, const struct quic_config *config,
			  ngtcp2_settings *settings)
{
	ngtcp2_settings_default(settings);
	settings->initial_ts = config->now_ns;
	settings->max_tx_udp_payload_size = CONGESTION_UNIT;
	settings->no_tx_udp_payload_size_shaping = 1;
	settings->no_pmtud = 1;
	/* Whatever leaves acknowledges all that came: when something leaves is decided here (answer_later). */
	settings->ack_thresh = 1;
	settings->handshake_timeout = (LINK_HANDSHAKE_MS + 1000) * NGTCP2_MILLISECONDS;
	settings->rand_ctx.native_handle = quic;
}

static void params_init(const struct quic_config *config, ngtcp2_transport_params *params)
{
	ngtcp2_transport_params_default(params);
	params->initial_max_streams_bidi = config->streams_bidi;
	params->initial_max_streams_uni = config->streams_uni;
	params->initial_max_stream_data_bidi_local = config->window_stream;
	params->initial_max_stream_data_bidi_remote = config->window_stream;
	params->initial_max_stream_data_uni = config->window_stream;
	params->initial_max_data = config->window_all;
	params->max_idle_timeout = LINK_IDLE_MS * NGTCP2_MILLISECONDS;
	params->max_datagram_frame_size = 65535;
	params->active_connection_id_limit = 4;
}

static enum sotto_err quic_create(const struct quic_config *config, bool is_server,
				  struct quic **quic)
{
	struct quic *made = allocator_take_zeroed(config->allocator, 1, sizeof(*made));

	if (!made)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = config->allocator;
	made->random = config->random;
	made->tls = config->tls;
	made->padding = config->padding;
	made->events = config->events;
	made->context = config->context;
	made->secrets = *config->secrets;
	roam_init(&made->roam, &config->path);
	made->is_server = is_server;
	made->heard_ns = config->now_ns;
	made->latest_ns = config->now_ns;
	made->wants_write = !is_server;
	list_init(&made->streams);
	quic_memory_init(&made->mem, made->allocator);
	*quic = made;
	return SOTTO_OK;
}

enum sotto_err quic_create_client(const struct quic_config *config, uint64_t utc_ms,
				  struct quic **quic)
{
	struct quic *made = NULL;
	ngtcp2_conn *conn = NULL;
	struct quic_path path;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_cid ids[2] = {{.datalen = LINK_CID_LEN}, {.datalen = LINK_CID_LEN}};
	uint8_t token[TOKEN_LEN];
	enum sotto_err err;

	TRY(random_fill(config->random, ids[0].data, LINK_CID_LEN));
	TRY(random_fill(config->random, ids[1].data, LINK_CID_LEN));
	TRY(token_create(config->secrets, config->random, ids[0].data, utc_ms, token));
	TRY(quic_create(config, false, &made));
	settings_init(made, config, &settings);
	settings.token = (ngtcp2_vec){.base = token, .len = sizeof(token)};
	params_init(config, &params);
	quic_path_init(&path);
	FAIL_IF(ngtcp2_conn_client_new(&conn, &ids[0], &ids[1], &path.path, NGTCP2_PROTO_VER_V1,
				       &quic_callbacks, &settings, &params, &made->mem, made) != 0,
		SOTTO_ERR_NO_MEMORY);
	made->conn = conn; /* not before: on failure ngtcp2 leaves what it has freed there */
	TRY(quic_tls_open(made));
	FAIL_IF(made->random_failed, SOTTO_ERR_RANDOM);
	*quic = made;
	made = NULL;
out:
	quic_destroy(made);
	return err;
}

enum sotto_err quic_create_server(const struct quic_config *config,
				  const struct quic_initial *initial, struct quic **quic)
{
	struct quic *made = NULL;
	ngtcp2_conn *conn = NULL;
	struct quic_path path;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_cid own = {.datalen = LINK_CID_LEN};
	ngtcp2_cid other;
	enum sotto_err err;

	TRY(random_fill(config->random, own.data, LINK_CID_LEN));
	TRY(quic_create(config, true, &made));
	settings_init(made, config, &settings);
	params_init(config, &params);
	ngtcp2_cid_init(&params.original_dcid, initial->dcid, LINK_CID_LEN);
	ngtcp2_cid_init(&other, initial->scid, LINK_CID_LEN);
	quic_path_init(&path);
	FAIL_IF(ngtcp2_conn_server_new(&conn, &other, &own, &path.path, NGTCP2_PROTO_VER_V1,
				       &quic_callbacks, &settings, &params, &made->mem, made) != 0,
		SOTTO_ERR_NO_MEMORY);
	made->conn = conn;
	TRY(quic_tls_open(made));
	FAIL_IF(made->random_failed, SOTTO_ERR_RANDOM);
	FAIL_IF(!made->events->on_cid(made->context, own.data), SOTTO_ERR_NO_MEMORY);
	*quic = made;
	made = NULL;
out:
	quic_destroy(made);
	return err;
}

void quic_destroy(struct quic *quic)
{
	if (!quic)
		return;
	if (quic->conn)
		ngtcp2_conn_del(quic->conn);
	quic_tls_close(quic);
	while (!list_empty(&quic->streams))
		quic_stream_remove(quic,
				   CONTAINER_OF(quic->streams.next, struct quic_stream, node));
	allocator_give(quic->allocator, quic->stash, sizeof(*quic->stash));
	allocator_wipe(quic->allocator, quic, sizeof(*quic));
}

uint64_t quic_now(struct quic *quic, uint64_t now_ns)
{
	if (now_ns > quic->latest_ns)
		quic->latest_ns = now_ns;
	return quic->latest_ns;
}

enum sotto_err quic_verdict(struct quic *quic, int rv, enum link_reason *reason)
{
	if (quic->random_failed) {
		*reason = LINK_REASON_RANDOM;
		return SOTTO_ERR_RANDOM;
	}
	switch (rv) {
	case 0:
		return SOTTO_OK;
	case NGTCP2_ERR_NOMEM:
		*reason = LINK_REASON_NO_MEMORY;
		return SOTTO_ERR_NO_MEMORY;
	case NGTCP2_ERR_IDLE_CLOSE:
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
		*reason = quic->handshaken ? LINK_REASON_IDLE : LINK_REASON_NO_ANSWER;
		return SOTTO_ERR_CLOSED;
	case NGTCP2_ERR_DRAINING:
	case NGTCP2_ERR_CLOSING:
		*reason = LINK_REASON_PEER_CLOSED;
		return SOTTO_ERR_CLOSED;
	default:
		*reason = LINK_REASON_PROTOCOL;
		return SOTTO_ERR_CLOSED;
	}
}

/*
 * In a call acknowledgements wait for a datagram to ride on, and what else came is answered at once. Otherwise
 * every second packet is, and one by itself when ngtcp2's timer says so (RFC 9000 13.2.2). What waits to be
 * sent goes with whatever made room for it.
 */
static void answer_later(struct quic *quic, bool shaking, uint64_t now_ns)
{
	quic->unanswered++;
	if (shaking || (quic->small_len && quic->carried))
		quic->wants_write = true;
	else if (!quic->small_len && quic->unanswered >= QUIC_UNANSWERED_MAX)
		quic->wants_write = true;
	else if (quic_streams_allowed(quic) && quic_stream_pending(quic))
		quic->wants_write = true;
	else if (quic->small_len && !quic->lazy_until)
		quic->lazy_until = now_ns + QUIC_LAZY_ACK_NS;
}

/* Only what opens, and is no copy, is a sign of life. Phones are followed; relays stay. */
static void heard(struct quic *quic, const struct link_path *path, size_t payload_len)
{
	struct roam before = quic->roam;
	struct quic_stats stats;
	bool alive = true;

	quic_stats(quic, &stats);
	if (quic_opened.is_short)
		alive = roam_heard(&quic->roam, quic->is_server ? path : &before.path,
				   quic_opened.number, quic_opened.bytes, payload_len, stats.rtt_ns,
				   quic->latest_ns);
	if (!alive)
		return;
	quic->heard_ns = quic->latest_ns;
	quic->stats.packets_in++;
	if (quic->is_server && !link_address_equal(&before.path.remote, &path->remote))
		quic->carried = true; /* what waits is to go there at once */
}

enum sotto_err quic_receive(struct quic *quic, const struct link_path *path, struct bytes packet,
			    size_t payload_len, uint64_t now_ns, enum link_reason *reason)
{
	bool shaking = !quic->handshaken;
	struct quic_path only;
	int rv;

	now_ns = quic_now(quic, now_ns);
	quic_path_init(&only);
	quic->carried = false;
	list_for_each (element, following, &quic->streams)
		CONTAINER_OF(element, struct quic_stream, node)->blocked = false;
	quic_opened = (struct quic_opened){0};
	rv = ngtcp2_conn_read_pkt(quic->conn, &only.path, NULL, packet.data, packet.len, now_ns);
	if (quic_opened.any)
		heard(quic, path, payload_len);
	answer_later(quic, shaking, now_ns);
	return quic_verdict(quic, rv, reason);
}

enum sotto_err quic_expire(struct quic *quic, uint64_t now_ns, enum link_reason *reason)
{
	int rv = 0;

	now_ns = quic_now(quic, now_ns);
	quic->lazy_until = 0;
	quic->wants_write = true;
	if (ngtcp2_conn_get_expiry(quic->conn) <= now_ns)
		rv = ngtcp2_conn_handle_expiry(quic->conn, now_ns);
	return quic_verdict(quic, rv, reason);
}

uint64_t quic_deadline(const struct quic *quic)
{
	uint64_t expiry = ngtcp2_conn_get_expiry(quic->conn);

	/* ngtcp2 forgets a retired id a moment after the time that it names, not at it. */
	if (expiry < UINT64_MAX)
		expiry++;
	return expiry < quic->lazy_until ? quic->lazy_until : expiry;
}

bool quic_owns(const struct quic *quic, const uint8_t *cid)
{
	ngtcp2_cid ids[16];
	size_t count = ngtcp2_conn_get_num_scid(quic->conn);

	if (count > ARRAY_LEN(ids))
		return false;
	ngtcp2_conn_get_scid(quic->conn, ids);
	for (size_t i = 0; i < count; i++) {
		if (bytes_equal(BYTES(ids[i].data, ids[i].datalen), BYTES(cid, LINK_CID_LEN)))
			return true;
	}
	return false;
}

void quic_move(struct quic *quic, uint32_t socket)
{
	quic->roam.path.socket = socket;
	ngtcp2_conn_set_keep_alive_timeout(quic->conn, 1);
	quic->pinging = true;
	quic->wants_write = true;
}

void quic_keep_alive(struct quic *quic, uint64_t silence_ns)
{
	quic->keep_alive_ns = silence_ns;
	if (!quic->pinging)
		ngtcp2_conn_set_keep_alive_timeout(quic->conn, silence_ns);
}

const struct link_secrets *quic_secrets(const struct quic *quic)
{
	return &quic->secrets;
}

void quic_set_small(struct quic *quic, size_t small_len)
{
	quic->small_len = small_len;
	if (!small_len) {
		quic->lazy_until = 0;
		quic->wants_write = true;
	}
}

uint64_t quic_heard_ns(const struct quic *quic)
{
	return quic->heard_ns;
}

bool quic_wants_write(const struct quic *quic)
{
	return quic->wants_write || quic->stash;
}

bool quic_unanswered(const struct quic *quic)
{
	ngtcp2_conn_stat stat;

	ngtcp2_conn_get_conn_stat(quic->conn, &stat);
	return stat.bytes_in_flight > 0;
}

void quic_path(const struct quic *quic, struct link_path *path)
{
	*path = quic->roam.path;
}

void quic_stats(const struct quic *quic, struct quic_stats *stats)
{
	ngtcp2_conn_stat stat;

	ngtcp2_conn_get_conn_stat(quic->conn, &stat);
	*stats = quic->stats;
	stats->rtt_ns = stat.first_rtt_sample_ts == UINT64_MAX ? 0 : stat.smoothed_rtt;
}
