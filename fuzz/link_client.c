/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that has the access key and says what it likes to a phone. After a true handshake the input is a
 * sequence of (what u8, length u16, bytes): bytes of the proof in pieces of any length, the right proof, replies,
 * packets as they are and packets behind an envelope. Without the right proof the phone is never up and tells its
 * program nothing.
 */
#include <string.h>

#include "base/reader.h"
#include "crypto/sign.h"
#include "link/client_internal.h"
#include "link/server_internal.h"

#define UTC_MS	UINT64_C(1800000000000)
#define OPS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct link_client *client;
	struct link_server *server;
	struct link_secrets secrets;
	struct envelope_padding padding;
	uint64_t now_ns;
	uint64_t drawn;
	uint64_t link; /* the relay's, once there is one */
	uint8_t exporter[LINK_EXPORTER_LEN];
	uint64_t request;  /* the last of the phone's */
	uint64_t asked_on; /* the stream that it came on */
	int64_t stream;	   /* the proof's, once begun; -1 */
	bool proven;
};

static const struct link_key key = {.kind = LINK_KEY_ACCESS, .number = 1};
static const struct link_path path = {.remote = {.port = 1}};
static uint8_t relay_private[32];
static uint8_t relay_public[32];

static enum sotto_err count(void *context, uint8_t *out, size_t len)
{
	struct run *run = context;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(run->drawn++ * 37);
	return SOTTO_OK;
}

static void on_status(void *context, const struct link_client_status *status)
{
	ASSERT(status->state != LINK_CLIENT_UP || ((struct run *)context)->proven);
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct run *run = context;

	(void)fin;
	ASSERT(run->proven && request != 0 && request <= run->request);
	if (bytes.len % 3 != 0) /* the rest is held, against the windows */
		link_client_consume(run->client, request, bytes.len);
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	(void)why;
	ASSERT(request <= ((struct run *)context)->request);
}

static void on_bytes(void *context, struct bytes bytes)
{
	(void)bytes;
	ASSERT(((struct run *)context)->proven);
}

static void on_room(void *context)
{
	(void)context;
}

static void on_link(void *context, uint64_t link)
{
	((struct run *)context)->link = link;
}

static void on_prove(void *context, uint64_t link, const uint8_t *exporter)
{
	(void)link;
	memcpy(((struct run *)context)->exporter, exporter, LINK_EXPORTER_LEN);
}

static void on_request(void *context, uint64_t link, uint64_t stream, struct bytes bytes)
{
	(void)link;
	(void)bytes;
	((struct run *)context)->asked_on = stream;
}

static void on_stream_end(void *context, uint64_t link, uint64_t stream)
{
	(void)context;
	(void)link;
	(void)stream;
}

static void on_datagram(void *context, uint64_t link, struct bytes bytes)
{
	(void)context;
	(void)link;
	(void)bytes;
}

static void on_close(void *context, uint64_t link, enum link_reason reason)
{
	(void)link;
	(void)reason;
	((struct run *)context)->link = 0;
}

/* Everything that either has to say, there and back, until both are silent. */
static void pump(struct run *run)
{
	struct link_packet out;

	for (int rounds = 0; rounds < 32; rounds++) {
		bool any = false;

		run->now_ns += MS;
		link_client_handle_deadline(run->client, run->now_ns, UTC_MS);
		for (link_client_send(run->client, run->now_ns, &out); out.len != 0;
		     link_client_send(run->client, run->now_ns, &out)) {
			any = true;
			link_server_receive(run->server, &path, BYTES(out.data, out.len),
					    run->now_ns, UTC_MS);
		}
		link_server_handle_deadline(run->server, run->now_ns);
		for (link_server_send(run->server, run->now_ns, &out); out.len != 0;
		     link_server_send(run->server, run->now_ns, &out)) {
			any = true;
			link_client_receive(run->client, &path, BYTES(out.data, out.len),
					    run->now_ns, UTC_MS);
		}
		if (!any)
			return;
	}
}

static void begin(struct run *run, const struct random_source *random)
{
	struct link_server_config server = {
		.limits = link_server_limits_default,
		.random = random,
		.events = {on_link, on_prove, on_request, on_stream_end, on_link, on_datagram,
			   on_close, run},
	};
	struct link_client_config client = {
		.addresses = {path.remote},
		.address_count = 1,
		.keys = {key},
		.key_count = 1,
		.random = random,
		.events = {on_status, on_reply, on_end, on_bytes, on_room, run},
	};

	memcpy(client.relay_key, relay_public, sizeof(relay_public));
	server.limits.links = 4;
	server.limits.replay_entries = 4;
	link_secrets_derive(&key, &run->secrets);
	ASSERT(link_server_create(&server, &run->server) == SOTTO_OK);
	ASSERT(link_server_set_keys(run->server, &key, 1, NULL, 0) == SOTTO_OK);
	ASSERT(link_client_create(&client, &run->client) == SOTTO_OK);
	ASSERT(link_client_start(run->client, run->now_ns, UTC_MS) == SOTTO_OK);
	pump(run);
	ASSERT(run->link != 0);
}

/* What a relay that is not ours can say where the proof belongs. */
static void say_proof(struct run *run, struct bytes bytes, bool fin)
{
	struct server_link *link = server_find(run->server, run->link);

	if (link == NULL)
		return;
	if (run->stream < 0 && quic_stream_open(link->quic, false, &run->stream) != SOTTO_OK)
		return;
	if (quic_stream_put(link->quic, run->stream, bytes, fin) == SOTTO_OK)
		server_link_touch(link);
}

static void prove(struct run *run)
{
	static const uint8_t network[LINK_NETWORK_ID_LEN];
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;

	link_proof_message(network, run->exporter, message);
	ASSERT(sign_create(SIGN_ED25519, NULL, BYTES_OF(relay_private), BYTES_OF(message),
			   signature, &len) == SOTTO_OK);
	run->proven = true;
	(void)!link_server_proven(run->server, run->link, signature, UTC_MS);
}

static void say_packet(struct run *run, struct bytes bytes, bool enveloped)
{
	uint8_t payload[LINK_FULL_LEN] = {0};
	size_t room = LINK_FULL_LEN - ENVELOPE_OVERHEAD;
	size_t len = bytes.len < room ? bytes.len : room;

	if (len == 0)
		return;
	memcpy(payload, bytes.data, len);
	if (enveloped)
		envelope_seal(&run->secrets, &run->padding, payload, len, LINK_FULL_LEN);
	link_client_receive(run->client, &path, BYTES(payload, enveloped ? LINK_FULL_LEN : len),
			    run->now_ns, UTC_MS);
}

static void step(struct run *run, uint8_t what, struct bytes bytes)
{
	switch (what % 8) {
	case 0:
		say_proof(run, bytes, false);
		break;
	case 1:
		say_proof(run, bytes, true);
		break;
	case 2:
		prove(run);
		break;
	case 3:
		(void)!link_client_request(run->client, bytes, &run->request);
		break;
	case 4:
	case 5:
		(void)!link_server_reply(run->server, run->link, run->asked_on, bytes,
					 what % 8 == 5);
		break;
	default:
		say_packet(run, bytes, what % 8 == 7);
	}
	pump(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = {.now_ns = 1, .stream = -1};
	const struct random_source random = {.fill = count, .context = &run};
	struct reader reader;

	if (relay_private[0] == 0) {
		memset(relay_private, 9, sizeof(relay_private));
		ASSERT(sign_public(SIGN_ED25519, BYTES_OF(relay_private), relay_public) ==
		       SOTTO_OK);
	}
	begin(&run, &random);
	reader_init(&reader, BYTES(data, size));
	for (int ops = 0; ops < OPS_MAX && reader_more(&reader); ops++) {
		uint8_t what = reader_get_u8(&reader);
		size_t len = reader_get_u16(&reader);

		step(&run, what,
		     len < reader_left(&reader) ? reader_get_bytes(&reader, len)
						: reader_get_rest(&reader));
	}
	link_client_destroy(run.client);
	link_server_destroy(run.server);
	return 0;
}
