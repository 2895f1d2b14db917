/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link of a phone that won the race.
 *
 *   handshake  -> PROVING: wait for the proof, say nothing
 *   proof      -> verify the relay's signature over this link's exporter -> UP, or lost
 *   timers:    silence for LINK_KEEPALIVE_MS: ask for a sign of life (then every 400 ms)
 *              no answer for LINK_DEAD_MS: lost
 *              no proof for LINK_HANDSHAKE_MS: lost
 *
 * A relay that was restarted knows nothing of the link and answers nothing: its silence is all that a
 * phone sees of a restart.
 */
#include "link/client_internal.h"

#include <string.h>

#include "base/reader.h"
#include "crypto/sign.h"

#define ASK_AGAIN_MS UINT64_C(400)
#define PROOF_STREAM 3 /* RFC 9000 2.1: the first one-way stream that a server opens */

static void on_handshake(void *context)
{
	((struct client_attempt *)context)->handshaken = true;
}

static enum sotto_err on_stream(void *context, int64_t stream, struct bytes bytes, bool fin)
{
	struct client_attempt *attempt = context;
	struct link_client *client = attempt->client;

	if (client->up != attempt)
		return SOTTO_ERR_STATE;
	if (stream != PROOF_STREAM)
		return client_stream_receive(client, stream, bytes, fin);
	if (bytes.len > sizeof(client->proof) - client->proof_len)
		return SOTTO_ERR_FORMAT;
	if (bytes.len)
		memcpy(client->proof + client->proof_len, bytes.data, bytes.len);
	client->proof_len += bytes.len;
	if (fin && client->proof_len != sizeof(client->proof))
		return SOTTO_ERR_FORMAT;
	client->proof_whole = fin;
	return SOTTO_OK;
}

static void on_stream_closed(void *context, int64_t stream, bool reset)
{
	struct client_attempt *attempt = context;

	if (attempt->client->up == attempt && stream != PROOF_STREAM)
		client_stream_closed(attempt->client, stream, reset);
}

static void on_datagram(void *context, struct bytes bytes)
{
	struct client_attempt *attempt = context;
	const struct link_client_events *events = &attempt->client->config.events;

	if (attempt->client->up == attempt && attempt->client->state == LINK_CLIENT_UP)
		events->on_datagram(events->context, bytes);
}

const struct quic_events client_quic_events = {
	.on_handshake = on_handshake,
	.on_stream = on_stream,
	.on_stream_closed = on_stream_closed,
	.on_datagram = on_datagram,
};

void client_link_begin(struct link_client *client, struct client_attempt *attempt, uint64_t now_ns)
{
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		if (&client->attempts[i] != attempt)
			client_attempt_drop(&client->attempts[i]);
	}
	client->up = attempt;
	client->up_ns = now_ns;
	client->dial_ns = LINK_NEVER;
	client->proof_len = 0;
	client->proof_whole = false;
	client->heard_ns = now_ns;
	client->unanswered_ns = 0;
	client->first_number = client->numbers + 1;
	quic_path(attempt->quic, &client->path);
	quic_set_small(attempt->quic, client->small_len);
	quic_keep_alive(attempt->quic, LINK_KEEPALIVE_MS * MS);
	client_report(client, LINK_CLIENT_PROVING, client->reason);
}

void client_link_lose(struct link_client *client, enum link_reason reason, uint64_t now_ns)
{
	bool was_up = client->state == LINK_CLIENT_UP;

	client->state = LINK_CLIENT_CONNECTING; /* so that nothing is asked of what is gone */
	client_attempts_drop(client);
	if (was_up) {
		client_dial_start(client, now_ns);
	} else {
		client->candidate = 0;
		client->round_ns = now_ns;
	}
	/* Who breaks the rules is not asked again at once. */
	if (reason != LINK_REASON_LOST)
		client_dial_pause(client, now_ns, true);
	else
		client->dial_ns = now_ns;
	client_streams_lose(client);
	client_tell(client, LINK_CLIENT_CONNECTING, reason);
}

static enum sotto_err verify(struct link_client *client, uint64_t *relay_ms)
{
	static const uint8_t no_network[LINK_NETWORK_ID_LEN] = {0};
	uint8_t exporter[LINK_EXPORTER_LEN];
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	struct reader reader;
	struct bytes signature;
	enum sotto_err err;

	reader_init(&reader, BYTES_OF(client->proof));
	*relay_ms = reader_get_u64(&reader);
	signature = reader_get_bytes(&reader, LINK_SIGNATURE_LEN);
	TRY(reader_finish(&reader));
	TRY(quic_exporter(client->up->quic, exporter));
	/* Behind a claim there is no network yet, even for a phone that has just made one. */
	link_proof_message(quic_secrets(client->up->quic)->kind == LINK_KEY_CLAIM
				   ? no_network
				   : client->config.network_id,
			   exporter, message);
	TRY(sign_verify(SIGN_ED25519, BYTES_OF(client->config.relay_key), BYTES_OF(message),
			signature));
out:
	bytes_wipe(exporter, sizeof(exporter));
	bytes_wipe(message, sizeof(message));
	return err;
}

static void prove(struct link_client *client, uint64_t now_ns, uint64_t utc_ms)
{
	struct quic_stats stats;
	uint64_t relay_ms;

	if (verify(client, &relay_ms) != SOTTO_OK) {
		client_link_lose(client, LINK_REASON_WRONG_RELAY_KEY, now_ns);
		return;
	}
	quic_stats(client->up->quic, &stats);
	client->clock_offset_ms = (int64_t)(relay_ms + stats.rtt_ns / 2 / MS - utc_ms);
	client->connects++;
	client_report(client, LINK_CLIENT_UP, LINK_REASON_NONE);
}

void client_link_watch(struct link_client *client, uint64_t now_ns)
{
	if (!client->up)
		return;
	if (client->heard_ns != quic_heard_ns(client->up->quic)) {
		client->heard_ns = quic_heard_ns(client->up->quic);
		client->unanswered_ns = 0;
		quic_keep_alive(client->up->quic, LINK_KEEPALIVE_MS * MS);
	}
	if (!client->unanswered_ns && quic_unanswered(client->up->quic)) {
		client->unanswered_ns = now_ns;
		quic_keep_alive(client->up->quic, ASK_AGAIN_MS * MS);
	}
}

void client_link_settle(struct link_client *client, uint64_t now_ns, uint64_t utc_ms)
{
	if (!client->up)
		return;
	client_link_watch(client, now_ns);
	if (client->state == LINK_CLIENT_PROVING && client->proof_whole)
		prove(client, now_ns, utc_ms);
	else if (client->state == LINK_CLIENT_PROVING &&
		 client->up_ns + LINK_HANDSHAKE_MS * MS <= now_ns)
		client_link_lose(client, LINK_REASON_NO_PROOF, now_ns);
	else if (client->unanswered_ns && client->unanswered_ns + LINK_DEAD_MS * MS <= now_ns)
		client_link_lose(client, LINK_REASON_LOST, now_ns);
	if (client->up)
		client_stream_room(client);
}

uint64_t client_link_deadline(const struct link_client *client)
{
	uint64_t at_ns = quic_deadline(client->up->quic);

	if (client->unanswered_ns && client->unanswered_ns + LINK_DEAD_MS * MS < at_ns)
		at_ns = client->unanswered_ns + LINK_DEAD_MS * MS;
	if (client->state == LINK_CLIENT_PROVING && client->up_ns + LINK_HANDSHAKE_MS * MS < at_ns)
		at_ns = client->up_ns + LINK_HANDSHAKE_MS * MS;
	return at_ns;
}

void client_link_moved(struct link_client *client, uint64_t now_ns)
{
	client->path.socket = client->socket;
	client->migrations++;
	client->unanswered_ns = now_ns;
	quic_keep_alive(client->up->quic, ASK_AGAIN_MS * MS);
	quic_move(client->up->quic, client->socket);
}
