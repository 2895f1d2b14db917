/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What links cost a relay, in memory, without sockets: a handshake, a stranger's packet, a forwarded
 * datagram, an idle link. Processor time of the relay's calls only, but for the handshake (both ends).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "link/link_client.h"
#include "link/link_server.h"

#define PHONES	  50
#define DATAGRAMS 400
#define STRANGERS 100000
#define UTC_MS	  UINT64_C(1800000000000)

static struct {
	struct link_server *server;
	struct link_client *clients[PHONES];
	uint64_t links[PHONES];
	size_t link_count;
	uint64_t now_ns;
	uint64_t relay_ns; /* spent in the relay's calls */
	uint8_t private_key[32];
	size_t held;
	uint64_t delivered;
	uint64_t seed;
} bench;

static uint64_t cpu(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static void *take(void *context, size_t len)
{
	(void)context;
	bench.held += len;
	return malloc(len);
}

static void give(void *context, void *memory, size_t len)
{
	(void)context;
	bench.held -= len;
	free(memory);
}

static const struct allocator counting = {.allocate = take, .release = give};

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++) {
		bench.seed = bench.seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
		out[i] = (uint8_t)(bench.seed >> 56);
	}
	return SOTTO_OK;
}

static const struct random_source seeded = {.fill = fill};

static struct link_address address_of(size_t phone)
{
	return (struct link_address){.ip = {0x20, 1, 0xd, 0xb8, (uint8_t)phone}, .port = 9};
}

static void to_phone(const struct link_packet *packet)
{
	struct link_path path = {.remote = {.port = 1}};

	link_client_receive(bench.clients[packet->path.remote.ip[4]], &path,
			    BYTES(packet->data, packet->len), bench.now_ns, UTC_MS);
}

static void to_relay(size_t phone, const struct link_packet *packet)
{
	struct link_path path = {.remote = address_of(phone)};
	uint64_t start = cpu();

	link_server_receive(bench.server, &path, BYTES(packet->data, packet->len), bench.now_ns,
			    UTC_MS);
	bench.relay_ns += cpu() - start;
}

static void pump(void)
{
	struct link_packet packet;
	bool busy = true;

	while (busy) {
		busy = false;
		for (size_t i = 0; i < PHONES && bench.clients[i]; i++) {
			link_client_send(bench.clients[i], bench.now_ns, &packet);
			if (packet.len) {
				busy = true;
				to_relay(i, &packet);
			}
		}
		uint64_t start = cpu();

		link_server_send(bench.server, bench.now_ns, &packet);
		bench.relay_ns += cpu() - start;
		if (packet.len) {
			busy = true;
			to_phone(&packet);
		}
	}
}

static void on_open(void *context, uint64_t link)
{
	(void)context;
	bench.links[bench.link_count++] = link;
}

static void on_prove(void *context, uint64_t link, const uint8_t *exporter)
{
	static const uint8_t network[LINK_NETWORK_ID_LEN];
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;

	(void)context;
	link_proof_message(network, exporter, message);
	if (sign_create(SIGN_ED25519, NULL, BYTES_OF(bench.private_key), BYTES_OF(message),
			signature, &len) != SOTTO_OK ||
	    link_server_proven(bench.server, link, signature, UTC_MS) != SOTTO_OK)
		abort();
}

/* Rooms of two: to the neighbour. */
static void on_server_datagram(void *context, uint64_t link, struct bytes bytes)
{
	(void)context;
	for (size_t i = 0; i < bench.link_count; i++) {
		struct link_packet packet;

		if (bench.links[i] != link)
			continue;
		(void)!link_server_datagram(bench.server, bench.links[i ^ 1], bytes, bench.now_ns,
					    &packet);
		if (packet.len) {
			uint64_t start = cpu();

			to_phone(&packet);
			bench.relay_ns -= cpu() - start;
		}
	}
}

static void on_datagram(void *context, struct bytes bytes)
{
	(void)context;
	(void)bytes;
	bench.delivered++;
}

static void on_status(void *context, const struct link_client_status *status)
{
	(void)context;
	(void)status;
}

static void on_close(void *context, uint64_t link, enum link_reason reason)
{
	(void)context;
	(void)link;
	(void)reason;
}

static void create_server(const struct link_key *key)
{
	const struct link_server_config config = {
		.limits = link_server_limits_default,
		.start_ns = bench.now_ns,
		.allocator = &counting,
		.random = &seeded,
		.events = {.on_open = on_open,
			   .on_prove = on_prove,
			   .on_datagram = on_server_datagram,
			   .on_close = on_close},
	};

	if (link_server_create(&config, &bench.server) != SOTTO_OK ||
	    link_server_set_keys(bench.server, key, 1, NULL, 0) != SOTTO_OK)
		abort();
}

static void connect_all(const struct link_key *key)
{
	struct link_client_config config = {
		.addresses = {{.port = 1}},
		.address_count = 1,
		.keys = {*key},
		.key_count = 1,
		.random = &seeded,
		.events = {.on_status = on_status, .on_datagram = on_datagram},
	};

	if (sign_public(SIGN_ED25519, BYTES_OF(bench.private_key), config.relay_key) != SOTTO_OK)
		abort();
	for (size_t i = 0; i < PHONES; i++) {
		if (link_client_create(&config, &bench.clients[i]) != SOTTO_OK ||
		    link_client_start(bench.clients[i], bench.now_ns, UTC_MS) != SOTTO_OK)
			abort();
		pump();
	}
}

static void strangers(void)
{
	static uint8_t packet[LINK_FULL_LEN];
	struct link_path path = {.remote = {.port = 77}};
	uint64_t start;

	(void)!fill(NULL, packet, sizeof(packet));
	memcpy(packet, "\xc3\0\0\0\1\x08", 6);
	packet[14] = 8;
	start = cpu();
	for (unsigned i = 0; i < STRANGERS; i++) {
		packet[1000 + i % 200] ^= (uint8_t)i;
		link_server_receive(bench.server, &path, BYTES_OF(packet), bench.now_ns, UTC_MS);
	}
	printf("stranger's packet      %8.2f us\n", (double)(cpu() - start) / STRANGERS / 1e3);
}

static void datagrams(void)
{
	uint8_t frame[160] = {0};
	struct link_packet packet;

	for (size_t i = 0; i < PHONES; i++)
		link_client_set_voice(bench.clients[i], link_small_len(sizeof(frame)));
	bench.relay_ns = 0;
	bench.delivered = 0;
	for (unsigned round = 0; round < DATAGRAMS; round++) {
		for (size_t i = 0; i < PHONES; i++) {
			if (link_client_datagram(bench.clients[i], BYTES_OF(frame), bench.now_ns,
						 &packet) != SOTTO_OK)
				continue;
			to_relay(i, &packet);
		}
		bench.now_ns += UINT64_C(20000000);
		link_server_handle_deadline(bench.server, bench.now_ns);
		for (size_t i = 0; i < PHONES; i++)
			link_client_handle_deadline(bench.clients[i], bench.now_ns, UTC_MS);
		pump();
	}
	printf("forwarded datagram     %8.2f us   (%.1f %% delivered)\n",
	       (double)bench.relay_ns / (double)bench.delivered / 1e3,
	       100.0 * (double)bench.delivered / (PHONES * DATAGRAMS));
}

int main(void)
{
	const struct link_key key = {.kind = LINK_KEY_ACCESS, .number = 1};
	uint64_t start;
	size_t before;

	bench.now_ns = UINT64_C(1000000000);
	create_server(&key);
	before = bench.held;
	start = cpu();
	connect_all(&key);
	printf("handshake, both ends   %8.2f us\n", (double)(cpu() - start) / PHONES / 1e3);
	if (bench.link_count != PHONES)
		abort();
	printf("idle link on the relay %8.1f kB beside TLS\n",
	       (double)(bench.held - before) / PHONES / 1e3);
	strangers();
	datagrams();
	for (size_t i = 0; i < PHONES; i++)
		link_client_destroy(bench.clients[i]);
	link_server_destroy(bench.server);
	return 0;
}
