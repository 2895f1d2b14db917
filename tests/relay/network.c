/* SPDX-License-Identifier: Apache-2.0 */
/* See network.h. No packet is lost here: loss is the link's affair and tested there. */
#include "tests/relay/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "link/link_key.h"

#define STEP_NS UINT64_C(1000000)

static void push(struct network *network, bool to_store, struct bytes bytes)
{
	struct network_message *message = malloc(sizeof(*message) + bytes.len);

	assert_non_null(message);
	message->next = NULL;
	message->to_store = to_store;
	message->len = bytes.len;
	memcpy(message->data, bytes.data, bytes.len);
	*network->last = message;
	network->last = &message->next;
}

static void push_message(struct network *network, const struct wire_type *type, const void *value)
{
	struct writer writer;

	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_encode(type, value, &writer), SOTTO_OK);
	push(network, false, writer_bytes(&writer));
	writer_release(&writer);
}

/* --- The relay --- */

static enum sotto_err to_store(void *context, struct bytes message)
{
	push(context, true, message);
	return SOTTO_OK;
}

static enum sotto_err desk_answer(void *context, uint64_t ticket, bool last, struct bytes message)
{
	struct wire_store_answer answer = {
		.ticket = ticket, .last = last ? 1 : 0, .message = message};

	push_message(context, &wire_store_answer_type, &answer);
	return SOTTO_OK;
}

static bool desk_room(void *context)
{
	(void)context;
	return true;
}

static enum sotto_err keep_generation(void *context, uint64_t generation)
{
	struct network *network = context;

	network->kept_generation = generation;
	network->kept_pending = true;
	return SOTTO_OK;
}

static void sign(struct network *network, const struct wire_sign_ask *ask)
{
	struct wire_sign_answer answer = {.ticket = ask->ticket};
	uint8_t message[LINK_PROOF_MESSAGE_LEN];

	link_proof_message(ask->network, ask->exporter, message);
	assert_int_equal(relay_store_sign(network->store, BYTES_OF(message), answer.signature),
			 SOTTO_OK);
	push_message(network, &wire_sign_answer_type, &answer);
}

/* What the store process does. */
static void store_message(struct network *network, struct bytes message)
{
	struct wire_store_cancel cancel;
	struct wire_access_save save;
	struct wire_store_more more;
	struct wire_sign_ask sign_ask;
	struct wire_store_ask ask;

	if (wire_store_ask_decode(message, &ask) == SOTTO_OK) {
		assert_int_equal(relay_desk_ask(network->desk, &ask, network->utc_ms), SOTTO_OK);
	} else if (wire_store_more_decode(message, &more) == SOTTO_OK) {
		relay_desk_more(network->desk, more.ticket);
	} else if (wire_store_cancel_decode(message, &cancel) == SOTTO_OK) {
		relay_desk_cancel(network->desk, cancel.ticket);
	} else if (wire_sign_ask_decode(message, &sign_ask) == SOTTO_OK) {
		sign(network, &sign_ask);
	} else if (wire_access_save_decode(message, &save) == SOTTO_OK) {
		struct wire_access_saved saved = {.ticket = save.ticket,
						  .status = network->refuse_save ? 1 : 0};

		memcpy(network->saved_state, save.state.data, save.state.len);
		network->saved_len = save.state.len;
		push_message(network, &wire_access_saved_type, &saved);
	} else {
		fail_msg("the store process got what it does not know");
	}
}

static struct network_phone *phone_at(struct network *network, const struct link_address *address)
{
	ASSERT(address->port >= 1000 && address->port < 1000 + NETWORK_PHONES);
	return &network->phones[address->port - 1000];
}

static void to_phone(struct network *network, const struct link_packet *packet)
{
	struct network_phone *phone = phone_at(network, &packet->path.remote);
	struct link_path path = {.socket = 0, .remote = {.port = 1}};

	if (phone->client != NULL)
		link_client_receive(phone->client, &path, BYTES(packet->data, packet->len),
				    network->now_ns, network->utc_ms);
}

static void front_packet(void *context, const struct link_packet *packet)
{
	to_phone(context, packet);
}

/* --- The phones --- */

static void on_status(void *context, const struct link_client_status *status)
{
	struct network_phone *phone = context;

	phone->status = *status;
}

static void take_answer(struct network_phone *phone, uint64_t request, struct bytes message)
{
	struct network_answer *answer = &phone->answers[phone->answer_count++];
	struct wire_room_joined joined;
	struct wire_link_state state;
	struct wire_appended appended;
	struct wire_batch batch;
	struct wire_done done;

	ASSERT(phone->answer_count < NETWORK_ANSWERS);
	*answer = (struct network_answer){.request = request, .number = message.data[0]};
	if (wire_done_decode(message, &done) == SOTTO_OK) {
		answer->status = done.status;
		answer->retry_ms = done.retry_ms;
	}
	if (wire_appended_decode(message, &appended) == SOTTO_OK)
		answer->end = appended.end_sequence;
	if (wire_batch_decode(message, &batch) == SOTTO_OK) {
		uint8_t key[WIRE_KEY_LEN];

		relay_store_key(phone->network->store, key);
		assert_int_equal(wire_batch_verify(&batch, key), SOTTO_OK);
		answer->end = batch.end_sequence;
		answer->records = batch.records.count;
	}
	if (wire_room_joined_decode(message, &joined) == SOTTO_OK) {
		answer->room = joined.room;
		answer->slot = joined.slot;
	}
	if (wire_link_state_decode(message, &state) == SOTTO_OK) {
		answer->authority = state.authority;
		answer->prove_within_ms = state.prove_within_ms;
	}
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct network_phone *phone = context;
	struct wire_splitter *splitter = &phone->splitters[request % NETWORK_ANSWERS];
	struct bytes piece = bytes;
	struct bytes message;

	while (wire_splitter_next(splitter, &piece, &message) == SOTTO_OK)
		take_answer(phone, request, message);
	assert_true(!fin || wire_splitter_empty(splitter));
	if (phone->stalled) {
		phone->stalled_request = request;
		phone->not_consumed += bytes.len;
	} else {
		link_client_consume(phone->client, request, bytes.len);
	}
}

void network_resume(struct network *network, size_t index)
{
	struct network_phone *phone = &network->phones[index];

	phone->stalled = false;
	link_client_consume(phone->client, phone->stalled_request, phone->not_consumed);
	phone->not_consumed = 0;
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	struct network_phone *phone = context;

	(void)request;
	(void)why;
	phone->ended++;
}

/* Tests ask again by themselves. */
static void on_room(void *context)
{
	(void)context;
}

static void on_datagram(void *context, struct bytes bytes)
{
	struct network_phone *phone = context;

	phone->datagrams++;
	ASSERT(bytes.len >= sizeof(phone->last_datagram));
	memcpy(phone->last_datagram, bytes.data, sizeof(phone->last_datagram));
}

/* --- Time --- */

static bool move_packets(struct network *network)
{
	struct link_packet packet;
	bool moved = false;

	for (size_t i = 0; i < NETWORK_PHONES; i++) {
		struct link_path path = {.socket = 0, .remote = {.port = (uint16_t)(1000 + i)}};

		if (network->phones[i].client == NULL)
			continue;
		for (;;) {
			link_client_send(network->phones[i].client, network->now_ns, &packet);
			if (packet.len == 0)
				break;
			moved = true;
			relay_front_receive(network->front, &path, BYTES(packet.data, packet.len),
					    network->now_ns, network->utc_ms);
		}
	}
	for (;;) {
		relay_front_send(network->front, network->now_ns, &packet);
		if (packet.len == 0)
			return moved;
		moved = true;
		to_phone(network, &packet);
	}
}

static bool move_messages(struct network *network)
{
	bool moved = false;

	while (network->first != NULL && !network->store_waits) {
		struct network_message *message = network->first;

		network->first = message->next;
		if (network->first == NULL)
			network->last = &network->first;
		if (message->to_store)
			store_message(network, BYTES(message->data, message->len));
		else
			assert_int_equal(relay_front_from_store(network->front,
								BYTES(message->data, message->len),
								network->now_ns, network->utc_ms),
					 SOTTO_OK);
		free(message);
		moved = true;
	}
	if (network->kept_pending) {
		network->kept_pending = false;
		moved = true;
		assert_int_equal(relay_front_kept(network->front, network->kept_generation,
						  network->now_ns, network->utc_ms),
				 SOTTO_OK);
	}
	if (relay_desk_pending(network->desk)) {
		moved = relay_desk_flush(network->desk) == SOTTO_OK;
		network->ended = !moved;
		assert_true(moved || network->tolerant);
	}
	return moved;
}

static void handle_deadlines(struct network *network)
{
	if (relay_front_deadline(network->front) <= network->now_ns)
		relay_front_handle_deadline(network->front, network->now_ns, network->utc_ms);
	for (size_t i = 0; i < NETWORK_PHONES; i++) {
		struct link_client *client = network->phones[i].client;

		if (client != NULL && link_client_deadline(client) <= network->now_ns)
			link_client_handle_deadline(client, network->now_ns, network->utc_ms);
	}
}

void network_run(struct network *network, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		bool moved = true;

		if (network->tolerant &&
		    (network->ended || relay_front_failure(network->front) != SOTTO_OK))
			return;
		handle_deadlines(network);
		while (moved) {
			moved = move_packets(network);
			moved = move_messages(network) || moved;
		}
		assert_true(network->tolerant || relay_front_failure(network->front) == SOTTO_OK);
		network->now_ns += STEP_NS;
		network->utc_ms++;
	}
}

/* --- Life --- */

bool network_init_with(struct network *network, const struct allocator *allocator)
{
	struct relay_store_config store;
	struct relay_desk_config desk = {
		.allocator = allocator,
		.answer = desk_answer,
		.room = desk_room,
		.context = network,
	};
	struct relay_front_config front = {
		.allocator = allocator,
		.random = &fixture_random,
		.events = {to_store, front_packet, keep_generation, network},
		.retention_hours = 1,
	};

	memset(network, 0, sizeof(*network));
	network->last = &network->first;
	network->now_ns = STEP_NS;
	network->utc_ms = FIXTURE_UTC_MS;
	fixture_config(&store);
	assert_int_equal(relay_store_create(&store, &network->store), SOTTO_OK);
	desk.store = network->store;
	assert_int_equal(relay_access_init(&front.access, &fixture_random), SOTTO_OK);
	return relay_desk_create(&desk, &network->desk) == SOTTO_OK &&
	       relay_front_create(&front, network->now_ns, network->utc_ms, &network->front) ==
		       SOTTO_OK;
}

void network_init(struct network *network)
{
	assert_true(network_init_with(network, &allocator_default));
}

static void destroy_phone(struct network_phone *phone)
{
	if (phone->client == NULL)
		return;
	link_client_destroy(phone->client);
	phone->client = NULL;
	for (size_t i = 0; i < NETWORK_ANSWERS; i++)
		wire_splitter_finish(&phone->splitters[i]);
}

void network_finish(struct network *network)
{
	for (size_t i = 0; i < NETWORK_PHONES; i++)
		destroy_phone(&network->phones[i]);
	relay_front_destroy(network->front);
	relay_desk_destroy(network->desk);
	relay_store_destroy(network->store);
	while (network->first != NULL) {
		struct network_message *message = network->first;

		network->first = message->next;
		free(message);
	}
}

void network_connect(struct network *network, size_t index, enum link_key_kind kind,
		     uint64_t number, const uint8_t secret[WIRE_KEY_LEN])
{
	struct network_phone *phone = &network->phones[index];
	struct link_client_config config = {
		.addresses = {{.port = 1}},
		.address_count = 1,
		.key_count = 1,
		.random = &fixture_random,
		.events = {on_status, on_reply, on_end, on_datagram, on_room, phone},
	};

	memset(phone, 0, sizeof(*phone));
	phone->network = network;
	phone->index = index;
	for (size_t i = 0; i < NETWORK_ANSWERS; i++)
		wire_splitter_init(&phone->splitters[i], &allocator_default);
	relay_store_key(network->store, config.relay_key);
	memcpy(config.network_id, relay_front_access(network->front)->network,
	       sizeof(config.network_id));
	config.keys[0].kind = kind;
	config.keys[0].number = number;
	memcpy(config.keys[0].secret, secret, WIRE_KEY_LEN);
	phone->key = config.keys[0];
	assert_int_equal(link_client_create(&config, &phone->client), SOTTO_OK);
	assert_int_equal(link_client_start(phone->client, network->now_ns, network->utc_ms),
			 SOTTO_OK);
	network_run(network, 300);
}

void network_disconnect(struct network *network, size_t index)
{
	struct network_phone *phone = &network->phones[index];

	link_client_stop(phone->client, network->now_ns);
	network_run(network, 50);
	destroy_phone(phone);
}

uint64_t network_ask(struct network *network, size_t index, const struct wire_type *type,
		     const void *message)
{
	struct network_phone *phone = &network->phones[index];
	struct writer writer;
	uint64_t request = 0;

	assert_int_equal(phone->status.state, LINK_CLIENT_UP);
	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_encode(type, message, &writer), SOTTO_OK);
	assert_int_equal(link_client_request(phone->client, writer_bytes(&writer), &request),
			 SOTTO_OK);
	writer_release(&writer);
	network_run(network, 200);
	return request;
}

const struct network_answer *network_answer(const struct network *network, size_t index,
					    uint64_t request)
{
	const struct network_phone *phone = &network->phones[index];

	for (size_t i = phone->answer_count; i-- > 0;) {
		if (phone->answers[i].request == request)
			return &phone->answers[i];
	}
	return NULL;
}

uint8_t network_status(struct network *network, size_t index, const struct wire_type *type,
		       const void *message)
{
	uint64_t request = network_ask(network, index, type, message);
	const struct network_answer *answer = network_answer(network, index, request);

	if (answer == NULL)
		return 254;
	return answer->number == wire_number_done ? answer->status : 255;
}
