/* SPDX-License-Identifier: Apache-2.0 */
/* The network between the engines; see the header. */
#include "tests/link/world.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"
#include "crypto/sign.h"

uint64_t world_random(struct world *world)
{
	uint64_t z = world->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	struct world *world = context;

	if (world->random_fails_at && --world->random_fails_at == 0)
		return SOTTO_ERR_RANDOM;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)world_random(world);
	return SOTTO_OK;
}

struct link_address world_address(const char *text, uint16_t port)
{
	struct link_address address = {.port = port};

	if (strchr(text, ':')) {
		ASSERT(inet_pton(AF_INET6, text, address.ip) == 1);
		return address;
	}
	address.ip[10] = 0xff;
	address.ip[11] = 0xff;
	ASSERT(inet_pton(AF_INET, text, address.ip + 12) == 1);
	return address;
}

uint64_t world_utc(const struct world *world)
{
	return world->utc_ms + world->now_ns / WORLD_MS;
}

uint64_t world_phone_utc(const struct world *world, int phone)
{
	return world_utc(world) + (uint64_t)world->skew_ms[phone];
}

uint8_t world_pattern(size_t at)
{
	return (uint8_t)(at * 31 + at / 251);
}

size_t world_ask(uint8_t *out, uint32_t len)
{
	struct writer writer;

	writer_init_fixed(&writer, out, 4);
	writer_put_u32(&writer, len);
	return writer.len;
}

static void enqueue(struct world *world, const struct world_flight *flight)
{
	size_t at = world->queue_len++;

	ASSERT(world->queue_len < WORLD_QUEUE_MAX);
	while (at > 0) {
		size_t parent = (at - 1) / 2;
		struct world_flight *above = &world->queue[parent];

		if (above->arrives_ns < flight->arrives_ns ||
		    (above->arrives_ns == flight->arrives_ns && above->order < flight->order))
			break;
		world->queue[at] = *above;
		at = parent;
	}
	world->queue[at] = *flight;
}

static bool before(const struct world_flight *a, const struct world_flight *b)
{
	return a->arrives_ns < b->arrives_ns ||
	       (a->arrives_ns == b->arrives_ns && a->order < b->order);
}

static void dequeue(struct world *world, struct world_flight *flight)
{
	struct world_flight *last = &world->queue[--world->queue_len];
	size_t at = 0;

	*flight = world->queue[0];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= world->queue_len)
			break;
		if (child + 1 < world->queue_len &&
		    before(&world->queue[child + 1], &world->queue[child]))
			child++;
		if (!before(&world->queue[child], last))
			break;
		world->queue[at] = world->queue[child];
		at = child;
	}
	world->queue[at] = *last;
}

static void fly(struct world *world, struct world_flight *flight)
{
	int copies = 1;

	if (world->cut || world_random(world) % 1000 < world->loss_permille)
		return;
	if (world_random(world) % 1000 < world->double_permille)
		copies = 2;
	while (copies-- > 0) {
		flight->order = world->order++;
		flight->arrives_ns = world->now_ns + world->delay_ns;
		if (world->jitter_ns)
			flight->arrives_ns += world_random(world) % world->jitter_ns;
		enqueue(world, flight);
	}
}

static void from_phone(struct world *world, struct world_phone *phone,
		       const struct link_packet *packet)
{
	struct world_flight flight = {.packet = *packet, .phone = -1};

	assert_true(packet->len == LINK_FULL_LEN ||
		    (packet->len && packet->len == phone->small_len));
	phone->sizes[packet->len]++;
	flight.packet.path.socket = 0;
	flight.packet.path.remote = phone->address;
	if (world->copies_permille && world_random(world) % 1000 < world->copies_permille) {
		struct world_flight copy = flight;

		copy.packet.path.remote = world_address("203.0.113.66", 666);
		copy.packet.path.socket = world_random(world) % 4 == 0;
		fly(world, &copy);
	}
	if (!world->have_first && phone == &world->phones[0]) {
		world->first = flight;
		world->have_first = true;
	}
	fly(world, &flight);
}

static void from_relay(struct world *world, const struct link_packet *packet)
{
	bool size_known = packet->len == LINK_FULL_LEN;
	int to = -1;

	for (int i = 0; i < WORLD_PHONES; i++) {
		struct world_phone *phone = &world->phones[i];

		if (!phone->client || !link_address_equal(&phone->address, &packet->path.remote))
			continue;
		to = i;
		size_known = size_known || packet->len == phone->small_len;
	}
	world->sizes[packet->len]++;
	assert_true(packet->len > 0);
	if (to < 0) {
		world->to_strangers++;
		return;
	}
	assert_true(size_known);
	if (to >= 0) {
		struct world_flight flight = {.packet = *packet, .phone = to};

		flight.packet.path.socket = packet->path.socket;
		flight.packet.path.remote = world->relay;
		fly(world, &flight);
	}
}

void world_pump(struct world *world)
{
	struct link_packet packet;

	for (int i = 0; i < WORLD_PHONES; i++) {
		struct world_phone *phone = &world->phones[i];

		while (phone->client) {
			link_client_send(phone->client, world->now_ns, &packet);
			if (!packet.len)
				break;
			from_phone(world, phone, &packet);
		}
	}
	while (world->server) {
		link_server_send(world->server, world->now_ns, &packet);
		if (!packet.len)
			break;
		from_relay(world, &packet);
	}
}

static void arrive(struct world *world, struct world_flight *flight)
{
	struct bytes payload = BYTES(flight->packet.data, flight->packet.len);

	if (flight->phone < 0) {
		if (world->server)
			link_server_receive(world->server, &flight->packet.path, payload,
					    world->now_ns, world_utc(world));
		return;
	}
	if (world->phones[flight->phone].client && !world->phones[flight->phone].deaf) {
		flight->packet.path.socket = world->phones[flight->phone].socket;
		link_client_receive(world->phones[flight->phone].client, &flight->packet.path,
				    payload, world->now_ns, world_phone_utc(world, flight->phone));
	}
}

static uint64_t next_ns(const struct world *world)
{
	uint64_t next = world->queue_len ? world->queue[0].arrives_ns : LINK_NEVER;

	if (world->server && link_server_deadline(world->server) < next)
		next = link_server_deadline(world->server);
	if (world->late_link && world->late_ns < next)
		next = world->late_ns;
	for (int i = 0; i < WORLD_PHONES; i++) {
		if (world->phones[i].client && link_client_deadline(world->phones[i].client) < next)
			next = link_client_deadline(world->phones[i].client);
	}
	return next;
}

static void prove(struct world *world, uint64_t link, const uint8_t *exporter)
{
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;

	link_proof_message(world->network, exporter, message);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, BYTES_OF(world->relay_private),
				     BYTES_OF(message), signature, &len),
			 SOTTO_OK);
	if (world->sign_wrong)
		signature[0] ^= 1;
	(void)!link_server_proven(world->server, link, signature, world_utc(world));
}

static void step(struct world *world)
{
	struct world_flight flight;

	while (world->queue_len && world->queue[0].arrives_ns <= world->now_ns) {
		dequeue(world, &flight);
		arrive(world, &flight);
	}
	if (world->late_link && world->late_ns <= world->now_ns && world->server) {
		uint64_t link = world->late_link;

		world->late_link = 0;
		prove(world, link, world->late_exporter);
	}
	if (world->server && link_server_deadline(world->server) <= world->now_ns)
		link_server_handle_deadline(world->server, world->now_ns);
	for (int i = 0; i < WORLD_PHONES; i++) {
		struct link_client *client = world->phones[i].client;

		if (client && link_client_deadline(client) <= world->now_ns)
			link_client_handle_deadline(client, world->now_ns,
						    world_phone_utc(world, i));
	}
	world_pump(world);
}

static bool run(struct world *world, uint64_t for_ns, int phone, enum link_client_state state)
{
	uint64_t end_ns = world->now_ns + for_ns;
	unsigned still = 0;

	world_pump(world);
	for (;;) {
		uint64_t next = next_ns(world);

		if (phone >= 0 && world->phones[phone].status.state == state)
			return true;
		if (next > end_ns)
			break;
		/* Time must go on: an engine that wants to be woken now and does nothing would spin. */
		still = next <= world->now_ns ? still + 1 : 0;
		assert_true(still < 1000);
		if (next > world->now_ns)
			world->now_ns = next;
		step(world);
	}
	world->now_ns = end_ns;
	step(world);
	return phone >= 0 && world->phones[phone].status.state == state;
}

void world_run(struct world *world, uint64_t for_ns)
{
	(void)run(world, for_ns, -1, LINK_CLIENT_UP);
}

bool world_run_until(struct world *world, int phone, enum link_client_state state, uint64_t for_ns)
{
	return run(world, for_ns, phone, state);
}

/* The relay's program: answers requests with the bytes that they ask for, echoes datagrams. */

static void on_open(void *context, uint64_t link)
{
	struct world *world = context;

	world->opened++;
	world->last_link = link;
	for (size_t i = 0; i < ARRAY_LEN(world->links); i++) {
		if (world->links[i])
			continue;
		world->links[i] = link;
		return;
	}
}

static void on_prove(void *context, uint64_t link, const uint8_t *exporter)
{
	struct world *world = context;

	if (!world->sign_delay_ns) {
		prove(world, link, exporter);
		return;
	}
	world->late_link = link;
	world->late_ns = world->now_ns + world->sign_delay_ns;
	memcpy(world->late_exporter, exporter, sizeof(world->late_exporter));
}

static void answer(struct world *world)
{
	uint8_t chunk[4096];

	for (size_t i = 0; i < ARRAY_LEN(world->pending); i++) {
		while (world->pending[i].used) {
			size_t left = world->pending[i].left;
			size_t len = left < sizeof(chunk) ? left : sizeof(chunk);
			enum sotto_err err;

			for (size_t k = 0; k < len; k++)
				chunk[k] = world_pattern(world->pending[i].sent + k);
			err = link_server_reply(world->server, world->pending[i].link,
						world->pending[i].stream, BYTES(chunk, len),
						len == left);
			if (err == SOTTO_ERR_AGAIN)
				return;
			world->pending[i].sent += len;
			world->pending[i].left -= len;
			if (err != SOTTO_OK || len == left)
				world->pending[i].used = false;
		}
	}
}

static void on_request(void *context, uint64_t link, uint64_t stream, struct bytes bytes)
{
	struct world *world = context;
	struct reader reader;
	uint32_t len;

	world->requests++;
	if (world->lax_replies && world_random(world) % 128 == 0) {
		link_server_close(world->server, link, world->now_ns);
		return;
	}
	reader_init(&reader, bytes);
	len = reader_get_u32(&reader);
	for (size_t i = 4; i < bytes.len; i++)
		assert_int_equal(bytes.data[i], world_pattern(i));
	if (len == UINT32_MAX) {
		world->pending[63].link = link;
		world->pending[63].stream = stream;
		return;
	}
	if (len == UINT32_MAX - 1) {
		link_server_refuse(world->server, link, stream);
		return;
	}
	for (size_t i = 0; i < 63; i++) {
		if (world->pending[i].used)
			continue;
		world->pending[i].link = link;
		world->pending[i].stream = stream;
		world->pending[i].left = len;
		world->pending[i].sent = 0;
		world->pending[i].used = true;
		answer(world);
		return;
	}
	link_server_refuse(world->server, link, stream); /* more than a test looks at */
}

void world_push(struct world *world, size_t len)
{
	static uint8_t chunk[16384];

	ASSERT(len <= sizeof(chunk));
	for (size_t i = 0; i < len; i++)
		chunk[i] = world_pattern(world->pending[63].sent + i);
	if (link_server_reply(world->server, world->pending[63].link, world->pending[63].stream,
			      BYTES(chunk, len), false) == SOTTO_OK)
		world->pending[63].sent += len;
}

static void on_stream_end(void *context, uint64_t link, uint64_t stream)
{
	(void)link;
	(void)stream;
	((struct world *)context)->streams_ended++;
}

static void on_server_room(void *context, uint64_t link)
{
	(void)link;
	answer(context);
}

static void on_server_datagram(void *context, uint64_t link, struct bytes bytes)
{
	struct world *world = context;

	world->server_datagrams++;
	/* As a room of two does: to the other. */
	for (size_t i = 0; i < ARRAY_LEN(world->links); i++) {
		struct link_packet packet;

		if (!world->links[i] || world->links[i] == link)
			continue;
		world->echo_refused += link_server_datagram(world->server, world->links[i], bytes,
							    world->now_ns, &packet) != SOTTO_OK;
		if (packet.len)
			from_relay(world, &packet);
	}
}

static void on_close(void *context, uint64_t link, enum link_reason reason)
{
	struct world *world = context;

	for (size_t i = 0; i < ARRAY_LEN(world->pending); i++) {
		if (world->pending[i].link == link)
			world->pending[i].used = false;
	}
	for (size_t i = 0; i < ARRAY_LEN(world->links); i++) {
		if (world->links[i] == link)
			world->links[i] = 0;
	}
	world->closed++;
	world->close_reason = reason;
}

void world_kill_relay(struct world *world)
{
	link_server_destroy(world->server);
	world->server = NULL;
	world->late_link = 0;
	memset(world->pending, 0, sizeof(world->pending));
	memset(world->links, 0, sizeof(world->links));
}

void world_start_relay(struct world *world)
{
	world->server_config.start_ns = world->now_ns;
	assert_int_equal(link_server_create(&world->server_config, &world->server), SOTTO_OK);
	assert_int_equal(link_server_set_keys(world->server, world->keys, 1, world->keys + 1, 1),
			 SOTTO_OK);
}

void world_restart_relay(struct world *world, uint64_t down_ns)
{
	world_kill_relay(world);
	world_run(world, down_ns);
	world_start_relay(world);
}

void world_init(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->seed = seed;
	world->random = (struct random_source){.fill = fill, .context = world};
	world->now_ns = 5 * WORLD_SECOND;
	world->utc_ms = UINT64_C(1800000000000);
	world->delay_ns = 20 * WORLD_MS;
	world->relay = world_address("192.0.2.1", 4433);
	world->queue = calloc(WORLD_QUEUE_MAX, sizeof(world->queue[0]));
	ASSERT(world->queue);
	for (size_t i = 0; i < 32; i++) {
		world->network[i] = (uint8_t)(i + 1);
		world->relay_private[i] = (uint8_t)(200 - i);
		world->keys[0].secret[i] = (uint8_t)(i * 3);
		world->keys[1].secret[i] = (uint8_t)(i * 5 + 1);
	}
	world->keys[0].kind = LINK_KEY_ACCESS;
	world->keys[0].number = 2;
	world->keys[1].kind = LINK_KEY_ACCESS;
	world->keys[1].number = 1;
	assert_int_equal(
		sign_public(SIGN_ED25519, BYTES_OF(world->relay_private), world->relay_public),
		SOTTO_OK);
	world->server_config = (struct link_server_config){
		.limits = link_server_limits_default,
		.random = &world->random,
		.events = {.on_open = on_open,
			   .on_prove = on_prove,
			   .on_request = on_request,
			   .on_stream_end = on_stream_end,
			   .on_room = on_server_room,
			   .on_datagram = on_server_datagram,
			   .on_close = on_close,
			   .context = world},
	};
	world->server_config.limits.links = 64;
	world->server_config.limits.replay_entries = 256;
	world_start_relay(world);
	world->now_ns += WORLD_SECOND;
}

void world_finish(struct world *world)
{
	for (int i = 0; i < WORLD_PHONES; i++)
		world_remove_phone(world, i);
	link_server_destroy(world->server);
	free(world->queue);
}

/* The phone's program: keeps replies, consumes them. */

static void on_status(void *context, const struct link_client_status *status)
{
	struct world_phone *phone = context;

	phone->status = *status;
	phone->status_count++;
}

static struct world_reply *reply_of(struct world_phone *phone, uint64_t request)
{
	for (size_t i = 0; i < phone->reply_count; i++) {
		if (phone->replies[i].request == request)
			return &phone->replies[i];
	}
	ASSERT(phone->reply_count < ARRAY_LEN(phone->replies));
	phone->replies[phone->reply_count] = (struct world_reply){.request = request};
	return &phone->replies[phone->reply_count++];
}

/* What a callback may do: cancel what it is about, ask for more. */
static void meddle(struct world_phone *phone, uint64_t request)
{
	uint8_t ask[4];
	uint64_t number;

	switch (world_random(phone->world) % 64) {
	case 0:
		link_client_cancel(phone->client, request);
		break;
	case 1:
		(void)world_ask(ask, 2000);
		(void)!link_client_request(phone->client, BYTES_OF(ask), &number);
		break;
	default:
		break;
	}
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct world_phone *phone = context;
	struct world_reply *reply = reply_of(phone, request);

	assert_false(reply->fin);
	assert_false(reply->ended);
	for (size_t i = 0; i < bytes.len && !phone->world->lax_replies; i++)
		assert_int_equal(bytes.data[i], world_pattern(reply->len + i));
	reply->len += bytes.len;
	reply->fin = fin;
	if (!phone->greedy)
		link_client_consume(phone->client, request, bytes.len);
	if (phone->world->lax_replies)
		meddle(phone, request);
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	struct world_reply *reply = reply_of(context, request);

	assert_false(reply->fin);
	assert_false(reply->ended);
	reply->ended = true;
	reply->end = why;
}

static void on_datagram(void *context, struct bytes bytes)
{
	struct world_phone *phone = context;
	uint64_t now_ns = phone->world->now_ns;

	if (phone->datagrams && now_ns - phone->last_datagram_ns > phone->gap_max_ns)
		phone->gap_max_ns = now_ns - phone->last_datagram_ns;
	phone->last_datagram_ns = now_ns;
	phone->datagrams++;
	memcpy(phone->last_datagram, bytes.data, bytes.len);
	phone->last_datagram_len = bytes.len;
}

static void on_room(void *context)
{
	(void)context;
}

void world_config(struct world *world, struct link_client_config *config)
{
	*config = (struct link_client_config){
		.addresses = {world->relay},
		.address_count = 1,
		.keys = {world->keys[0]},
		.key_count = 1,
		.random = &world->random,
	};
	memcpy(config->relay_key, world->relay_public, sizeof(config->relay_key));
	memcpy(config->network_id, world->network, sizeof(config->network_id));
}

void world_add_phone(struct world *world, int at, const struct link_client_config *config)
{
	struct world_phone *phone = &world->phones[at];
	struct link_client_config own = *config;

	world_remove_phone(world, at);
	memset(phone, 0, sizeof(*phone));
	phone->world = world;
	phone->address = world_address("198.51.100.7", (uint16_t)(50000 + at));
	own.events = (struct link_client_events){
		.on_status = on_status,
		.on_reply = on_reply,
		.on_end = on_end,
		.on_datagram = on_datagram,
		.on_room = on_room,
		.context = phone,
	};
	assert_int_equal(link_client_create(&own, &phone->client), SOTTO_OK);
	assert_int_equal(
		link_client_start(phone->client, world->now_ns, world_phone_utc(world, at)),
		SOTTO_OK);
}

void world_remove_phone(struct world *world, int at)
{
	link_client_destroy(world->phones[at].client);
	world->phones[at].client = NULL;
}

void world_inject(struct world *world, const struct link_address *from, const void *data,
		  size_t len)
{
	struct link_path path = {.remote = *from};

	link_server_receive(world->server, &path, BYTES(data, len), world->now_ns,
			    world_utc(world));
	world_pump(world);
}

enum sotto_err world_send_datagram(struct world *world, int at, const void *data, size_t len)
{
	struct world_phone *phone = &world->phones[at];
	struct link_packet packet;
	enum sotto_err err =
		link_client_datagram(phone->client, BYTES(data, len), world->now_ns, &packet);

	if (packet.len)
		from_phone(world, phone, &packet);
	return err;
}

void world_change_network(struct world *world, int at, uint32_t socket)
{
	world->phones[at].socket = socket;
	link_client_network_changed(world->phones[at].client, socket, world->now_ns,
				    world_phone_utc(world, at));
}
